/* SPDX-License-Identifier: ISC */
/*
 * store/change.c - flags, expunge, copy and move.
 */
#include "store/stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

/* A view that may be changed; else it is answered. */
static struct view *
writable(struct job *j, uint32_t box)
{
	struct view *v = view_of(j->peer, box);
	struct why why;

	if (v == NULL || v->b->is_deleted) {
		answer_done(j, FAIL_GONE, "[NONEXISTENT] The mailbox is gone",
		    0, 0);
		return NULL;
	}
	if (v->read_only) {
		answer_done(j, FAIL_DENIED,
		    "[READ-ONLY] The mailbox is open read-only", 0, 0);
		return NULL;
	}
	if (box_fresh(v->b, &why) != 0 || v->b->todo & BOX_REBUILD) {
		box_touch(v->b);
		answer_done(j, FAIL_TEMP, reason_of(FAIL_TEMP, NULL), 0, 0);
		return NULL;
	}
	return v;
}

static void
answer_changed(struct job *j, struct box *b, int failed, uint32_t count)
{
	/* Its own news first: they are told before the answer goes. */
	box_touch(b);
	boxes_tell();
	answer_done(j, failed, reason_of(failed, NULL), count, b->h.modseq);
}

enum run
on_change(struct job *j)
{
	static const enum box_how hows[] = { [STORE_SET] = BOX_SET,
	    [STORE_ADD] = BOX_ADD, [STORE_REMOVE] = BOX_REMOVE };
	const struct note_store_change *n = note_as_store_change(j->n);
	struct view *v = writable(j, n->box);
	struct uid_set set;
	uint32_t count = 0;
	uint64_t keywords;
	enum run wait;
	int r;

	if (v == NULL)
		return DONE;
	wait = box_numbers(j, v->b, 0, &r, NULL);
	if (wait != DONE)
		return wait;
	if (r == 0 && (n->how > STORE_REMOVE || uid_set_parse(n->set, &set) !=
	    0)) {
		answer_done(j, FAIL_SYNTAX, "", 0, 0);
		return DONE;
	}
	if (r != 0) {
		answer_done(j, r, reason_of(r, NULL), 0, 0);
		return DONE;
	}
	r = box_keyword_mask(v->b, n->keywords, n->how != STORE_REMOVE,
	    &keywords);
	if (r == FAIL_TOO_BIG) {
		answer_done(j, r, "[LIMIT] No more keywords fit this mailbox",
		    0, 0);
		uid_set_free(&set);
		return DONE;
	}
	if (r == 0 || r == FAIL_GONE)
		r = box_flags(v->b, set.v, set.n, hows[n->how],
		    (uint16_t)n->flags & INDEX_FLAG_MASK, keywords, &count);
	uid_set_free(&set);
	answer_changed(j, v->b, r, count);
	return DONE;
}

enum run
on_expunge(struct job *j)
{
	static struct log_range everything[] = { { 1, UINT32_MAX } };
	const struct note_store_expunge *n = note_as_store_expunge(j->n);
	struct view *v = writable(j, n->box);
	struct uid_set set = { NULL, 0 };
	uint32_t count = 0;
	enum run wait;
	int r;

	if (v == NULL)
		return DONE;
	wait = box_numbers(j, v->b, 0, &r, NULL);
	if (wait != DONE)
		return wait;
	if (n->set.n > 0 && uid_set_parse(n->set, &set) != 0) {
		answer_done(j, FAIL_SYNTAX, "", 0, 0);
		return DONE;
	}
	if (r == 0)
		r = n->set.n > 0 ? box_expunge(v->b, set.v, set.n,
		    n->only_deleted != 0, &count) : box_expunge(v->b,
		    everything, 1, n->only_deleted != 0, &count);
	uid_set_free(&set);
	answer_changed(j, v->b, r, count);
	return DONE;
}

/* --- copy and move ------------------------------------------------------- */

struct copying {		/* job->state */
	struct box	*from, *to;	/* pinned */
	struct box_set	uids;		/* all that were to be copied */
	size_t		range;
	uint32_t	next;		/* UID in that range; 0: its first */
	struct box_set	done, made;	/* copied UIDs, their new UIDs */
	struct box_set	moved;		/* renamed since the last expunge */
	struct box_set	left;		/* to be moved, but copied: here until
					 * that is settled */
	struct box_set	copies;		/* of made: their sources are here yet */
	bool		move, rename;	/* rename: answered by STORE_DONE */
	uint64_t	sync_failures;	/* when it began */
	int		failed;
};

static void
end_copying(struct job *j)
{
	struct copying *c = j->state;

	if (c == NULL)
		return;
	box_set_free(&c->uids);
	box_set_free(&c->done);
	box_set_free(&c->made);
	box_set_free(&c->moved);
	box_set_free(&c->left);
	box_set_free(&c->copies);
	box_pin(c->from, -1);
	box_pin(c->to, -1);
	box_touch(c->from);
	box_touch(c->to);
	free(c);
	j->state = NULL;
}

static void
answer_copied(struct job *j, int failed, const char *text)
{
	struct note_store_copied a = { .failed = (uint32_t)-failed,
	    .text = str_of(text) };
	struct copying *c = j->state;
	struct buf from, to;

	if (j->peer == NULL)
		return;
	if (c != NULL && c->rename) {
		answer_done(j, failed, text, c->done.count, 0);
		return;
	}
	buf_init(&from, SET_MAX);
	buf_init(&to, SET_MAX);
	if (c != NULL && failed == 0) {
		a.uidvalidity = c->to->h.uidvalidity;
		if (uid_set_put(&from, &c->done, 0) == c->done.n &&
		    uid_set_put(&to, &c->made, 0) == c->made.n) {
			a.from = buf_str(&from);
			a.to = buf_str(&to);
		}
	}
	note_answer_store_copied(j->peer->c, j->ticket, &a);
	buf_free(&from);
	buf_free(&to);
}

/* RFC 3501 6.4.7: a COPY that fails leaves nothing behind; nor does a MOVE
 * whose messages are here yet. */
static void
take_back(struct copying *c)
{
	uint32_t n;

	if (c->copies.n > 0 && box_expunge(c->to, c->copies.v, c->copies.n,
	    false, &n) != 0)
		log_say(LOG_LEVEL_WARN, "copy-not-undone", "%s", c->to->name);
}

/* What was moved away is expunged here; one record of the log a step. */
static void
flush_moved(struct copying *c)
{
	if (c->moved.n > 0 && box_moved(c->from, &c->moved) != 0)
		c->failed = FAIL_TEMP;
	box_set_free(&c->moved);
}

static void
expunge_left(struct copying *c)
{
	uint32_t n;

	if (c->left.n > 0 && box_expunge(c->from, c->left.v, c->left.n, false,
	    &n) != 0)
		c->failed = FAIL_TEMP;
	box_set_free(&c->left);
}

static bool
next_uid(struct copying *c, uint32_t *uid_out)
{
	if (c->range >= c->uids.n)
		return false;
	if (c->next == 0)
		c->next = c->uids.v[c->range].first;
	*uid_out = c->next;
	if (c->next++ >= c->uids.v[c->range].last) {
		c->range++;
		c->next = 0;
	}
	return true;
}

/* Durability 23: what had to be copied is expunged here only when the copy is
 * on the disk.  Before that no record says so: after a cut the source counts.
 * A mailbox that was deleted meanwhile took them along. */
static enum run
copy_settled(struct job *j)
{
	struct copying *c = j->state;
	struct why why;
	enum run wait;
	int r;

	if (c->failed == 0 && c->left.n > 0 && !c->from->is_deleted) {
		if (box_fresh(c->from, &why) != 0)
			c->failed = FAIL_TEMP;
		wait = box_numbers(j, c->from, 0, &r, NULL);
		if (wait != DONE)
			return wait;
		if (c->failed == 0)
			c->failed = r;
		if (c->failed == 0)
			expunge_left(c);
	}
	if (c->failed != 0)
		take_back(c);
	box_touch(c->from);
	box_touch(c->to);
	boxes_tell();
	answer_copied(j, c->failed, reason_of(c->failed, NULL));
	return DONE;
}

/* An error that another of our syncs has met may have been about these. */
static void
on_copy_settled(void *session, const struct note *n)
{
	struct job *j = session;
	struct copying *c = j->state;

	if (!account_synced(n) || (STORE_RULE('E') &&
	    c->sync_failures != stored.sync_failures))
		c->failed = FAIL_TEMP;
	j->run = copy_settled;
	job_again(j);
}

/* What a client is told to be in a mailbox is there after a power cut, as
 * with APPEND; the journal does not know of copies, so they wait for a sync.
 */
static enum run
settle_copy(struct job *j)
{
	struct note_sync_ask ask = { .systems = SYNC_STORE };
	struct copying *c = j->state;

	if (c->to->a->copy_unsettled)
		account_sync_box(c->to);
	ask_sync_ask(daemon_peer(SYNCD, 0), &ask, on_copy_settled,
	    job_keep(j, ASKED));
	return ASKED;
}

static enum run
copy_step(struct job *j)
{
	struct copying *c = j->state;
	int64_t until_ms = clock_mono_ms() + STEP_MS;
	uint32_t uid, new_uid;
	struct why why;
	unsigned n = 0;
	bool renamed;
	int r;

	if (c->from->is_deleted || c->to->is_deleted ||
	    box_fresh(c->from, &why) != 0 || box_fresh(c->to, &why) != 0)
		c->failed = FAIL_TEMP;
	while (c->failed == 0 && next_uid(c, &uid)) {
		renamed = c->move;
		r = box_copy(c->from, uid, c->to, &renamed, &new_uid);
		if (r == FAIL_TEMP)
			c->failed = r;
		if (r != 0)
			continue;	/* gone meanwhile: not copied */
		box_set_add(&c->done, uid);
		box_set_add(&c->made, new_uid);
		if (!renamed)
			box_set_add(&c->copies, new_uid);
		if (c->move)
			box_set_add(renamed ? &c->moved : &c->left, uid);
		if (++n % 16 == 0 && clock_mono_ms() >= until_ms) {
			flush_moved(c);
			box_touch(c->from);
			box_touch(c->to);
			return WORK;
		}
	}
	flush_moved(c);
	if (!STORE_RULE('U'))
		expunge_left(c);
	if (c->failed != 0)
		return copy_settled(j);
	box_touch(c->from);
	box_touch(c->to);
	boxes_tell();
	return c->made.n > 0 && (!c->rename || c->left.n > 0) ?
	    settle_copy(j) : copy_settled(j);
}

static enum run
copy_begin(struct job *j, struct box *from, struct box *to,
    const struct uid_set *set, bool move, bool rename)
{
	struct copying *c = xcalloc(1, sizeof(*c));
	enum run wait;
	int r;

	c->from = from;
	c->to = to;
	c->move = move;
	c->rename = rename;
	c->sync_failures = stored.sync_failures;
	box_pin(from, 1);
	box_pin(to, 1);
	j->state = c;
	j->end = end_copying;
	r = box_select(from, set->v, set->n, false, &c->uids);
	wait = r != 0 ? DONE : box_numbers(j, to, c->uids.count, &r, NULL);
	if (r == 0 && wait == DONE)
		wait = box_numbers(j, from, 0, &r, NULL);
	if (r != 0 || wait != DONE) {
		if (r != 0)
			answer_copied(j, r, reason_of(r, NULL));
		end_copying(j);
		j->end = NULL;
		return wait;
	}
	job_hold(j, holding_of(from->a));
	return copy_step(j);
}

enum run
on_copy(struct job *j)
{
	const struct note_store_copy *n = note_as_store_copy(j->n);
	struct view *v = view_of(j->peer, n->box);
	struct uid_set set;
	struct box *to;
	struct why why = { 0, "" };
	enum run wait;
	int r;

	if (j->state != NULL)
		return copy_step(j);
	if (v == NULL || v->b->is_deleted || (n->move && v->read_only)) {
		answer_copied(j, v == NULL || v->b->is_deleted ? FAIL_TEMP :
		    FAIL_DENIED, "[CANNOT] The mailbox cannot be used so");
		return DONE;
	}
	r = box_fresh(v->b, &why);
	if (r == 0)
		r = box_use(v->login->h, n->mailbox, &to, &wait, &why);
	if (r != 0) {
		answer_copied(j, r, reason_of(r, &why));
		return DONE;
	}
	if (wait == DONE && v->b->todo & BOX_REBUILD)
		wait = WORK;
	if (wait != DONE) {
		job_hold(j, v->login->h);
		return wait;
	}
	if (uid_set_parse(n->set, &set) != 0) {
		answer_copied(j, FAIL_SYNTAX, "");
		return DONE;
	}
	wait = copy_begin(j, v->b, to, &set, n->move != 0, false);
	uid_set_free(&set);
	return wait;
}

enum run
rename_inbox(struct job *j, struct holding *h, struct str to_name)
{
	static struct log_range everything[] = { { 1, UINT32_MAX } };
	struct uid_set all = { everything, 1 };
	struct box *from, *to;
	struct why why;
	enum run wait, wait_to;

	if (j->state != NULL)
		return copy_step(j);
	if (box_use(h, STR("INBOX"), &from, &wait, &why) != 0 ||
	    box_use(h, to_name, &to, &wait_to, &why) != 0) {
		answer_done(j, FAIL_TEMP, reason_of(FAIL_TEMP, NULL), 0, 0);
		return DONE;
	}
	if (wait != DONE || wait_to != DONE) {
		job_hold(j, h);
		return WORK;
	}
	return copy_begin(j, from, to, &all, true, true);
}
