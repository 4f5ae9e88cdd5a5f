/* SPDX-License-Identifier: ISC */
/*
 * imapd/change.c - STORE, EXPUNGE, CLOSE, CHECK: what changes a mailbox.
 *
 * stored does the change and tells all sessions; the answers to this client
 * are read from the index afterwards.
 */
#include "imap/flag.h"
#include "imapd/batch.h"
#include "imapd/command.h"
#include "imapd/sync.h"

#include "base/banned.h"

struct change {
	struct batch	batch;
	enum store_how	how;
	bool		is_silent;
	struct imap_flags flags;
	struct walk	tell;
	uint64_t	modseq;
};

static work_fn	work_change, work_tell, work_uid_expunge;
static then_fn	on_changed, on_uid_expunged;

static void
change_end(struct session *s)
{
	struct change *c = s->job;

	batch_free(&c->batch);
}

/* --- STORE --------------------------------------------------------------- */

static enum step
change_done(struct session *s, struct change *c)
{
	struct box *b = s->box;

	/* nobody else changed anything meanwhile: all is known up to here */
	if (b->changed.n == 0 && !b->must_scan && c->modseq > b->modseq)
		b->modseq = c->modseq;
	if (c->batch.was_gone && !c->batch.by_uid)
		return session_no(s, "[EXPUNGEISSUED] Some messages are gone");
	return session_ok(s, "Stored");
}

static enum step
work_tell(struct session *s)
{
	struct change *c = s->job;
	unsigned calls = 0;
	uint32_t record;

	box_forget_page();
	while (walk_next(s->box, &c->tell, &record)) {
		struct index_record r;

		if (box_record(s->box, record, &r) &&
		    (r.flags & INDEX_EXPUNGED) == 0)
			box_put_flags(s, &r, record, c->batch.by_uid);
		if (session_slice_over(s, &calls))
			return WORK;
	}
	return change_done(s, c);
}

static enum step
begin_tell(struct session *s, struct change *c)
{
	if (c->is_silent)
		return change_done(s, c);
	sync_say_keywords(s);
	walk_begin(&c->tell, &c->batch.set, c->batch.by_uid);
	s->work = work_tell;
	return work_tell(s);
}

static enum step
work_change(struct session *s)
{
	struct change *c = s->job;
	struct note_store_change ask = { .box = s->box->handle,
	    .how = c->how, .flags = c->flags.bits,
	    .keywords = c->flags.keywords };

	s->work = work_change;
	if (session_store_busy(s))
		return session_sleep(s, 20, work_change);
	if (!batch_fill(s, &c->batch))
		return WORK;
	if (c->batch.uids.len == 0)
		return begin_tell(s, c);
	ask.set = buf_str(&c->batch.uids);
	s->then = on_changed;
	ask_store_change(s->stored, &ask, session_on_note, s);
	return WAIT;
}

static enum step
on_changed(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);
	struct change *c = s->job;

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	c->modseq = s->box->own_modseq = d->modseq;
	if (c->batch.is_done)
		return begin_tell(s, c);
	batch_next(&c->batch);
	return work_change(s);
}

static bool
store_item(struct str word, struct change *c)
{
	c->how = STORE_SET;
	if (str_starts(word, "+"))
		c->how = STORE_ADD;
	else if (str_starts(word, "-"))
		c->how = STORE_REMOVE;
	if (c->how != STORE_SET)
		word = str_from(word, 1);
	c->is_silent = str_is(word, "FLAGS.SILENT");
	return c->is_silent || str_is(word, "FLAGS");
}

static int
store_args(struct session *s, struct imap_args *a, struct change *c)
{
	struct str word;
	int rc = batch_arg(s, a, &c->batch);

	if (rc < 0)
		return rc;
	if (!imap_sp(a) || !imap_atom(a, &word) || !store_item(word, c) ||
	    !imap_sp(a))
		return FAIL_SYNTAX;
	rc = imap_flag_list(a, true, &c->flags);
	return rc == 0 && !imap_end(a) ? FAIL_SYNTAX : rc;
}

enum step
cmd_store(struct session *s, struct imap_args *a)
{
	struct change *c = session_job(s, sizeof(*c), change_end);
	int rc;

	if (c == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	rc = store_args(s, a, c);
	if (rc == FAIL_GONE)
		return session_bad(s, "There is no such message");
	if (rc < 0)
		return session_refuse(s, rc);
	if (s->box->read_only)
		return session_no(s, "[READ-ONLY] Opened by EXAMINE");
	return work_change(s);
}

/* --- EXPUNGE ------------------------------------------------------------- */

static void
ask_expunge(struct session *s, struct str set, then_fn *then)
{
	struct note_store_expunge ask = { .box = s->box->handle, .set = set,
	    .only_deleted = 1 };

	s->then = then;
	ask_store_expunge(s->stored, &ask, session_on_note, s);
}

static enum step
on_expunged(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	return session_ok(s, "Expunged");
}

enum step
cmd_expunge(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "EXPUNGE takes no argument");
	if (s->box->read_only)
		return session_no(s, "[READ-ONLY] Opened by EXAMINE");
	ask_expunge(s, (struct str){ NULL, 0 }, on_expunged);
	return WAIT;
}

static enum step
work_uid_expunge(struct session *s)
{
	struct change *c = s->job;

	s->work = work_uid_expunge;
	if (session_store_busy(s))
		return session_sleep(s, 20, work_uid_expunge);
	if (!batch_fill(s, &c->batch))
		return WORK;
	if (c->batch.uids.len == 0)	/* an empty set would mean all */
		return session_ok(s, "Nothing to expunge");
	ask_expunge(s, buf_str(&c->batch.uids), on_uid_expunged);
	return WAIT;
}

static enum step
on_uid_expunged(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);
	struct change *c = s->job;

	if (d == NULL || d->failed != 0 || c->batch.is_done)
		return on_expunged(s, n);
	batch_next(&c->batch);
	return work_uid_expunge(s);
}

enum step
cmd_uid_expunge(struct session *s, struct imap_args *a)
{
	struct change *c = session_job(s, sizeof(*c), change_end);

	if (c == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	if (batch_arg(s, a, &c->batch) < 0 || !imap_end(a))
		return session_refuse(s, FAIL_SYNTAX);
	if (s->box->read_only)
		return session_no(s, "[READ-ONLY] Opened by EXAMINE");
	return work_uid_expunge(s);
}

/* --- CLOSE, CHECK -------------------------------------------------------- */

static enum step
on_closing(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	box_close(s);
	return session_ok(s, "Closed");
}

enum step
cmd_close(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "CLOSE takes no argument");
	if (!s->box->read_only) {
		ask_expunge(s, (struct str){ NULL, 0 }, on_closing);
		return WAIT;
	}
	box_close(s);
	return session_ok(s, "Closed");
}

static enum step
on_checked(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	return session_ok(s, "Checked");
}

enum step
cmd_check(struct session *s, struct imap_args *a)
{
	struct note_store_check ask = { .box = s->box->handle };

	if (!imap_end(a))
		return session_bad(s, "CHECK takes no argument");
	s->then = on_checked;
	ask_store_check(s->stored, &ask, session_on_note, s);
	return WAIT;
}
