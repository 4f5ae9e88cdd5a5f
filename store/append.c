/* SPDX-License-Identifier: ISC */
/*
 * store/append.c - mail comes: from spoold (deliveries, replays) and from
 * imapd (APPEND).
 *
 * A delivery is on the journal already; it is written here and answered.
 * spoold has it settled later.
 *
 * An APPEND is written, gets its UID and stands in the account's log; then it
 * goes onto the journal, and only when that is flushed it is announced and
 * answered.  Deliveries that come in between are written and answered, but
 * announced behind it, so that UIDs appear in order (durability.md 21).
 */
#include "store/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

static void
answer(struct job *j, int failed, const char *text, uint32_t uid,
    uint32_t uidvalidity)
{
	struct note_store_appended a = { .failed = (uint32_t)-failed,
	    .text = str_of(text), .uid = uid, .uidvalidity = uidvalidity };

	if (j->peer != NULL)
		note_answer_store_appended(j->peer->c, j->ticket, &a);
}

static void
say_delivered(const struct note_store_append *n, const struct box *b,
    uint32_t uid, const char *event)
{
	/* spoold says it too, for a delivery. */
	log_event(n->login == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, event);
	log_str("mid", n->mid);
	log_u64("recipient", n->number);
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_u64("uid", uid);
	log_u64("size", n->size);
	log_end();
}

static void
say_failed(const struct note_store_append *n, int r, const struct why *why)
{
	log_event(LOG_LEVEL_WARN, "delivery-failed");
	log_str("mid", n->mid);
	log_u64("recipient", n->number);
	log_str("account", n->account);
	log_str("mailbox", n->mailbox);
	log_z("class", fail_name(r));
	log_z("text", why->text);
	log_end();
}

static int
fill(struct job *j, const struct note_store_append *n, struct box *b,
    struct delivery *d)
{
	memset(d, 0, sizeof(*d));
	if (!mid_to_bin(n->mid, d->key.mid))
		return FAIL_SYNTAX;
	d->key.number = n->number;
	d->key.redelivery = n->redelivery;
	d->added = n->added;
	d->fd = j->n->fd;
	d->offset = n->offset;
	d->size = n->size;
	d->digest = n->digest;
	d->uid = n->uidvalidity == b->h.uidvalidity ? n->uid : 0;
	d->flags = (uint16_t)n->flags & INDEX_FLAG_MASK;
	d->date_s = n->date_s;
	return box_keyword_mask(b, n->keywords, true, &d->keywords) ==
	    FAIL_TEMP ? FAIL_TEMP : 0;
}

/* --- from spoold --------------------------------------------------------- */

struct search_id {
	struct account	*a;
	uint8_t		id[16];
	char		name[FOLDER_NAME_BUF];
	bool		found;
};

static void
compare_id(void *arg, const char *name, bool subscribed, bool exists)
{
	struct search_id *s = arg;
	struct names names = { .fd = -1 };
	char folder[FOLDER_BUF];
	int fd;

	(void)subscribed;
	if (s->found || !exists || folder_encode(str_of(name), folder) != 0)
		return;
	fd = account_folder(s->a, folder);
	if (fd < 0)
		return;
	if (names_open(&names, s->a->v, fd) == 0) {
		s->found = memcmp(names.head.mailboxid, s->id, 16) == 0;
		names_close(&names);
	}
	s->a->v->close(s->a->v, fd);
	if (s->found)
		snprintf(s->name, sizeof(s->name), "%s", name);
}

/* Where it belongs: an APPEND into the mailbox it was made in, whatever that
 * is called now; mail for user+tag into the mailbox of the tag if there is
 * one; everything else, and what has no mailbox, into INBOX. */
static int
find_box(struct holding *h, const struct note_store_append *n,
    struct box **out, enum run *wait_out, struct why *why)
{
	struct search_id s = { .a = h->a };
	int r;

	if (n->mailboxid.n > 0 && mid_to_bin(n->mailboxid, s.id) &&
	    account_list(h->a, compare_id, &s) == 0 && s.found)
		return box_use(h, str_of(s.name), out, wait_out, why);
	r = box_use(h, n->mailbox.n > 0 ? n->mailbox : STR("INBOX"), out,
	    wait_out, why);
	return r == FAIL_GONE ? box_use(h, STR("INBOX"), out, wait_out, why) :
	    r;
}

/* --- fsync mode: syncd has the files before anybody counts on them -------- */

/*
 * What is said to be written is settled by the next sync, so syncd must have
 * been handed all of it by then (durability.md 8).  Its channel may be backed
 * up; an ask of no system is answered as soon as it is heard, and what went
 * before it on the channel is heard then, too.
 */
static void
ask_heard(chan_then_fn *then, struct job *j)
{
	struct note_sync_ask ask = { .systems = 0 };

	ask_sync_ask(daemon_peer(SYNCD, 0), &ask, then, j);
}

static enum run
job_done(struct job *j)
{
	(void)j;
	return DONE;
}

struct delivered {		/* job->state */
	uint32_t	uid, uidvalidity;
};

static void
end_delivered(struct job *j)
{
	free(j->state);
	j->state = NULL;
}

/* syncd has died: written, but nobody will sync it.  What is there is handed
 * to the next one. */
static void
on_delivered(void *session, const struct note *n)
{
	struct job *j = session;
	const struct delivered *d = j->state;

	if (n == NULL && j->peer != NULL && job_may_try_again(j)) {
		end_delivered(j);
		j->end = NULL;
		j->begun = true;
		(void)job_keep(j, AGAIN);
		return;
	}
	if (n != NULL)
		answer(j, 0, "", d->uid, d->uidvalidity);
	else
		answer(j, FAIL_TEMP, "nobody syncs what is written", 0, 0);
	j->run = job_done;
	job_again(j);
}

static enum run
answer_when_heard(struct job *j, uint32_t uid, uint32_t uidvalidity)
{
	struct delivered *d = xcalloc(1, sizeof(*d));

	*d = (struct delivered){ uid, uidvalidity };
	j->state = d;
	j->end = end_delivered;
	ask_heard(on_delivered, job_keep(j, ASKED));
	return ASKED;
}

/* The mailbox, once it can take the message.  DONE: *failed_out says whether
 * it can. */
static enum run
box_for(struct job *j, const struct note_store_append *n, struct box **out,
    int *failed_out, struct why *why)
{
	struct holding *h;
	enum run wait = DONE;
	int r = account_hold(n->account, n->home, &h, why);

	if (r == FAIL_DENIED && job_may_try_again(j))
		return AGAIN;
	if (r == 0)
		r = find_box(h, n, out, &wait, why);
	if (r == 0 && wait == DONE)
		wait = box_numbers(j, *out, 1, &r, why);
	if (r == 0 && wait == DONE && !STORE_RULE('W') &&
	    !list_empty(&(*out)->held))
		wait = WORK;
	*failed_out = r;
	if (r != 0)
		return DONE;
	job_hold(j, h);
	return wait;
}

static int
put_in(struct job *j, const struct note_store_append *n, struct box *b,
    uint32_t *uid_out, struct why *why)
{
	struct delivery d;
	struct draft x;
	int r = fill(j, n, b, &d);

	if (r != 0)
		return r;
	/* What was an APPEND is on the disk already, or was lost there. */
	if (j->begun || n->replay != STORE_FIRST || n->uid != 0) {
		d.anew = n->replay == STORE_ANEW;
		return deliver_again(b, &d, uid_out, why);
	}
	d.uid = 0;
	r = deliver_write(b, &d, &x, why);
	return r != 0 ? r : deliver_commit(b, &x, uid_out, why);
}

static enum run
deliver(struct job *j, const struct note_store_append *n)
{
	struct why why = { 0, "" };
	struct box *b = NULL;
	uint32_t uid = 0;
	int r;
	enum run wait = box_for(j, n, &b, &r, &why);

	if (wait != DONE)
		return wait;
	if (r == 0)
		r = put_in(j, n, b, &uid, &why);
	if (r != 0) {
		say_failed(n, r, &why);
		answer(j, r, why.text, 0, 0);
		return DONE;
	}
	box_touch(b);
	say_delivered(n, b, uid, n->replay ? "stored-again" : "stored");
	if (stored.fsync_mode)
		return answer_when_heard(j, uid, b->h.uidvalidity);
	answer(j, 0, "", uid, b->h.uidvalidity);
	return DONE;
}

/* --- from imapd ---------------------------------------------------------- */

struct appending {		/* job->state */
	struct box	*b;	/* pinned */
	struct draft	x;
	uint32_t	uid;
	bool		sure;
};

static void
end_appending(struct job *j)
{
	struct appending *s = j->state;

	if (s == NULL)
		return;
	if (!s->sure)
		deliver_take_back(s->b, &s->x, s->uid);
	box_pin(s->b, -1);
	box_touch(s->b);
	free(s);
	j->state = NULL;
}

static void
on_journalled(void *session, const struct note *note)
{
	const struct note_spool_done *d = note_as_spool_done(note);
	struct job *j = session;
	struct appending *s = j->state;
	const struct note_store_append *n = note_as_store_append(j->n);
	struct why why = { FAIL_TEMP, "the journal does not answer" };
	int r = FAIL_TEMP;

	if (d != NULL && d->failed == 0) {
		r = 0;
		s->sure = true;
		box_sure(s->b, s->uid);
		say_delivered(n, s->b, s->uid, "appended");
	} else if (d != NULL) {
		r = -(int)d->failed;
		why_set(&why, r, "%.*s", STR_ARG(d->text));
	}
	if (r != 0)
		say_failed(n, r, &why);
	box_touch(s->b);
	boxes_tell();
	/* No room in the journal is no fault of the message. */
	answer(j, r, r == 0 ? "" : reason_of(FAIL_TEMP, &why), s->uid,
	    s->b->h.uidvalidity);
	j->run = job_done;
	job_again(j);
}

static void
journal(struct job *j)
{
	struct appending *s = j->state;
	const struct note_store_append *n = note_as_store_append(j->n);
	char id[MID_LEN + 1];
	struct note_spool_append ask = {
		.mid = n->mid, .account = str_of(s->b->a->name),
		.home = str_of(s->b->a->home), .mailbox = str_of(s->b->name),
		.uid = s->uid, .uidvalidity = s->b->h.uidvalidity,
		.flags = n->flags, .keywords = n->keywords,
		.date_s = n->date_s, .size = n->size,
		.deadline_ms = n->deadline_ms, .fd = j->n->fd,
	};

	mid_from_bin(s->b->h.mailboxid, id);
	ask.mailboxid = str_of(STORE_RULE('B') ? id : "");
	if (!STORE_RULE('X'))
		ask.mailbox = STR("");
	if (!STORE_RULE('F'))
		ask.flags = 0;
	if (!STORE_RULE('D'))
		ask.date_s = 0;
	if (!STORE_RULE('N'))
		ask.uid = ask.uidvalidity = 0;
	ask_spool_append(daemon_peer(SPOOLD, 0), &ask, on_journalled, j);
}

static void
on_heard(void *session, const struct note *n)
{
	if (n != NULL)
		journal(session);
	else
		on_journalled(session, NULL);
}

/* All is written but the announcement: spoold counts on that, a sync that
 * begins after its flush settles it. */
static enum run
write_and_ask(struct job *j, struct box *b, const struct delivery *d)
{
	struct appending *s = xcalloc(1, sizeof(*s));
	struct why why = { 0, "" };
	int r;

	r = deliver_write(b, d, &s->x, &why);
	if (r == 0)
		r = deliver_commit(b, &s->x, &s->uid, &why);
	if (r != 0) {
		free(s);
		say_failed(note_as_store_append(j->n), r, &why);
		answer(j, r, reason_of(r, &why), 0, 0);
		return DONE;
	}
	s->b = b;
	box_pin(b, 1);
	j->state = s;
	j->end = end_appending;
	job_hold(j, holding_of(b->a));
	if (stored.fsync_mode)
		ask_heard(on_heard, job_keep(j, ASKED));
	else
		journal(job_keep(j, ASKED));
	return ASKED;
}

static enum run
append(struct job *j, const struct note_store_append *n)
{
	struct login *l = login_of(j->peer, n->login);
	struct delivery d;
	struct box *b;
	struct why why = { 0, "" };
	enum run wait = DONE;
	int r;

	if (l == NULL) {
		answer(j, FAIL_DENIED, "[UNAVAILABLE] Log in again", 0, 0);
		return DONE;
	}
	r = box_use(l->h, n->mailbox, &b, &wait, &why);
	if (r == 0 && wait == DONE)
		wait = box_numbers(j, b, 1, &r, &why);
	if (r == 0 && wait != DONE) {
		job_hold(j, l->h);
		return wait;
	}
	if (r == 0)
		r = fill(j, n, b, &d);
	if (r != 0) {
		if (r != FAIL_GONE)
			say_failed(n, r, &why);
		answer(j, r, reason_of(r, &why), 0, 0);
		return DONE;
	}
	d.uid = 0;
	d.in_cur = d.unsure = true;
	return write_and_ask(j, b, &d);
}

enum run
on_append(struct job *j)
{
	const struct note_store_append *n = note_as_store_append(j->n);

	/* Too late: who asked has given up, and would send it again. */
	if (n->deadline_ms != 0 && clock_mono_ms() > n->deadline_ms) {
		answer(j, FAIL_TEMP, "too late", 0, 0);
		return DONE;
	}
	return j->peer != NULL && j->peer->c->peer == SPOOLD ?
	    deliver(j, n) : append(j, n);
}
