/* SPDX-License-Identifier: ISC */
/*
 * imapd/batch.c - sets of messages into UIDs.
 */
#include "imapd/batch.h"

#include "imapd/command.h"

#include "base/banned.h"

#define ROOM	24	/* for one more range */

/* A number beyond the last message is the client's mistake; '*' in an empty
 * mailbox is not. */
bool
batch_resolve(struct session *s, struct imap_set *set, bool by_uid)
{
	uint32_t exists = box_exists(s->box);

	if (!by_uid && imap_set_highest(set) > exists)
		return false;
	imap_set_resolve(set, by_uid ? box_last_uid(s->box) : exists);
	return true;
}

int
batch_arg(struct session *s, struct imap_args *a, struct batch *b)
{
	buf_init(&b->uids, SET_MAX);
	b->by_uid = (s->command->is & BY_UID) != 0;
	if (!imap_sp(a) || !imap_set(a, &b->set))
		return FAIL_SYNTAX;
	if (!batch_resolve(s, &b->set, b->by_uid))
		return FAIL_GONE;
	walk_begin(&b->walk, &b->set, b->by_uid);
	batch_next(b);
	return 0;
}

void
batch_free(struct batch *b)
{
	buf_free(&b->uids);
}

void
batch_next(struct batch *b)
{
	buf_reset(&b->uids);
	imap_set_begin(&b->out, &b->uids);
}

bool
batch_fill(struct session *s, struct batch *b)
{
	unsigned calls = 0;
	uint32_t record;

	box_forget_page();
	while (b->uids.len + ROOM < SET_MAX) {
		struct index_record r;

		if (session_slice_over(s, &calls))
			return false;
		if (!walk_next(s->box, &b->walk, &record)) {
			b->is_done = true;
			break;
		}
		if (box_record(s->box, record, &r) &&
		    (r.flags & INDEX_EXPUNGED) == 0)
			imap_set_put(&b->out, r.uid);
		else
			b->was_gone = true;
	}
	imap_set_end(&b->out);
	return true;
}
