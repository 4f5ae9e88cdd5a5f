/* SPDX-License-Identifier: ISC */
/*
 * maildir/replay.c - what the account log says is repeated on an index that
 * is behind it, or was just made anew.  Repeating is harmless: a record of
 * the log says what is, not what changes.
 */
#include "maildir/box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Where the names log has this UID behind what the index knew. */
static bool
find_name(struct box *b, uint64_t from, uint32_t uid, uint64_t *at_out)
{
	struct names_walk *w = xmalloc(sizeof(*w));
	struct names_entry e;
	bool found = false;

	names_walk_begin(w, &b->names, from);
	while (!found && names_walk_next(w, &e, at_out))
		found = e.uid == uid;
	free(w);
	return found;
}

/* Made anew: names and letters of files know nothing of keywords. */
static int
replay_keywords(struct box *b, const struct log_record *l)
{
	struct log_record add = { .type = LOG_FLAGS, .txn = l->txn,
	    .how = BOX_ADD, .keywords = l->keywords };
	struct log_range one = { l->uid, l->uid };

	return l->keywords == 0 ? 0 : box_flags_apply(b, &one, 1, &add);
}

/* An APPEND that was held back may stand in the log behind a later UID: those
 * from `uidnext` on are looked for one by one. */
static int
replay_append(struct box *b, const struct log_record *l, uint64_t names_from,
    uint32_t uidnext)
{
	struct index_record r = {
		.uid = l->uid, .flags = l->flags & INDEX_FLAG_MASK,
		.keywords = l->keywords, .modseq = l->txn,
		.internaldate_s = l->internaldate_s,
		.savedate_s = l->savedate_s, .wire_size = l->wire_size,
		.disk_size = l->disk_size,
	};
	struct names_entry e = {
		.uid = l->uid, .internaldate_s = l->internaldate_s,
		.savedate_s = l->savedate_s, .emailid = l->emailid,
	};

	struct index_record there;
	uint32_t at;
	bool in_new;
	int fail;

	if (l->uid < uidnext)
		return b->own.building ? replay_keywords(b, l) : 0;
	fail = l->uid < b->h.uidnext ? box_find(b, l->uid, &at, &there) :
	    FAIL_GONE;
	if (fail != FAIL_GONE)
		return fail;
	in_new = l->in_new;
	r.letters = in_new ? 0 : fname_letters(l->flags);
	/* Made anew: what the folders do not have is no message. */
	if (b->own.building &&
	    !box_scan_saw(b, l->name, l->uid, &r.letters, &in_new))
		return 0;
	if (in_new)
		r.flags |= INDEX_IN_NEW;
	snprintf(e.base, sizeof(e.base), "%.*s", STR_ARG(l->name));
	if (!find_name(b, names_from, l->uid, &r.name_at) &&
	    names_add(&b->names, &e, &r.name_at) != 0)
		return FAIL_TEMP;
	return box_put_record(b, &r);
}

static int
replay_ranges(struct box *b, const struct log_record *l)
{
	struct log_range range;
	struct str s = l->ranges;
	struct box_set all = { 0 };
	int r = 0;

	while (log_ranges_next(&s, &range)) {
		if (all.n == all.cap) {
			all.cap = all.cap == 0 ? 8 : all.cap * 2;
			all.v = xrealloc(all.v, all.cap * sizeof(*all.v));
		}
		all.v[all.n++] = range;
	}
	if (all.n > 0 && l->type == LOG_FLAGS)
		r = box_flags_apply(b, all.v, all.n, l);
	else if (all.n > 0)
		r = box_expunge_apply(b, all.v, all.n, l->txn, l->moved);
	box_set_free(&all);
	return r;
}

int
box_replay(struct box *b, uint64_t txn)
{
	uint64_t names_from = b->own.names_size;
	uint32_t uidnext = b->h.uidnext;
	struct log_record l;
	struct log_walk w;
	int r = 0;

	log_walk_begin(&w, &b->a->log);
	while (r == 0 && log_walk_next(&w, &l)) {
		if (memcmp(l.mailboxid, b->names.head.mailboxid, 16) != 0)
			continue;
		if (l.type == LOG_APPEND)
			r = replay_append(b, &l, names_from, uidnext);
		else if (l.type == LOG_KEYWORD)
			box_keyword_set(b, l.bit, l.name);
		else if ((l.type == LOG_FLAGS || l.type == LOG_EXPUNGE) &&
		    l.txn > txn)
			r = replay_ranges(b, &l);
	}
	log_walk_end(&w);
	if (r == 0)
		r = box_keywords_write(b);
	return r == 0 ? box_recount(b) : r;
}
