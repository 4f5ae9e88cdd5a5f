/* SPDX-License-Identifier: ISC */
/*
 * imapd/copy.c - COPY and MOVE (RFC 3501 6.4.7, RFC 6851), with the UIDs of
 * the copies (RFC 4315).
 *
 * A set that does not fit in one note goes in portions; one COPYUID tells of
 * all of them.  When a later portion fails the earlier ones stay copied.
 */
#include "imapd/batch.h"
#include "imapd/command.h"
#include "imapd/mailbox.h"

#include "base/banned.h"

#define UIDS_MAX	(1024 * 1024)	/* of a COPYUID */

struct copy {
	struct batch	batch;
	struct str	name;
	bool		is_move;
	uint32_t	uidvalidity;
	struct buf	from, to;
};

static work_fn	work_copy;

static void
copy_end(struct session *s)
{
	struct copy *c = s->job;

	batch_free(&c->batch);
	buf_free(&c->from);
	buf_free(&c->to);
}

static enum step
copy_done(struct session *s, struct copy *c)
{
	const char *what = c->is_move ? "Moved" : "Copied";

	if (c->from.len == 0)	/* NO would make clients try for ever */
		return session_ok(s, "No messages found");
	if (buf_failed(&c->from) || buf_failed(&c->to))
		return session_ok(s, "%s", what);
	if (!c->is_move)
		return session_answer(s, arena_fmt(&s->arena,
		    "OK [COPYUID %u %.*s %.*s] %s", c->uidvalidity,
		    STR_ARG(buf_str(&c->from)), STR_ARG(buf_str(&c->to)),
		    what));
	/* RFC 6851 4.3: before the EXPUNGEs */
	buf_fmt(OUT(s), "* OK [COPYUID %u ", c->uidvalidity);
	buf_add(OUT(s), buf_str(&c->from));
	buf_c(OUT(s), ' ');
	buf_add(OUT(s), buf_str(&c->to));
	buf_fmt(OUT(s), "] %s\r\n", what);
	return session_ok(s, "%s", what);
}

static void
more_uids(struct buf *b, struct str set)
{
	if (set.n == 0)
		return;
	if (b->len > 0)
		buf_c(b, ',');
	buf_add(b, set);
}

static enum step
on_copied(struct session *s, const struct note *n)
{
	const struct note_store_copied *d = note_as_store_copied(n);
	struct copy *c = s->job;

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed == (uint32_t)-FAIL_GONE && d->text.n == 0)
		return session_no(s, "[TRYCREATE] There is no such mailbox");
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	c->uidvalidity = d->uidvalidity;
	more_uids(&c->from, d->from);
	more_uids(&c->to, d->to);
	if (c->batch.is_done)
		return copy_done(s, c);
	batch_next(&c->batch);
	return work_copy(s);
}

static enum step
work_copy(struct session *s)
{
	struct copy *c = s->job;
	struct note_store_copy ask = { .box = s->box->handle,
	    .mailbox = c->name, .move = c->is_move };

	s->work = work_copy;
	if (session_store_busy(s))
		return session_sleep(s, 20, work_copy);
	if (!batch_fill(s, &c->batch))
		return WORK;
	if (c->batch.was_gone && !c->batch.by_uid && !c->is_move)
		return session_no(s, "[EXPUNGEISSUED] Some messages are gone");
	if (c->batch.uids.len == 0)
		return copy_done(s, c);
	ask.set = buf_str(&c->batch.uids);
	s->then = on_copied;
	ask_store_copy(s->stored, &ask, session_on_note, s);
	return WAIT;
}

static enum step
copy(struct session *s, struct imap_args *a, bool is_move)
{
	struct copy *c = session_job(s, sizeof(*c), copy_end);
	int rc;

	if (c == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	c->is_move = is_move;
	buf_init(&c->from, UIDS_MAX);
	buf_init(&c->to, UIDS_MAX);
	rc = batch_arg(s, a, &c->batch);
	if (rc == FAIL_GONE)
		return session_bad(s, "There is no such message");
	if (rc == 0)
		rc = mailbox_arg(s, a, &c->name);
	if (rc == 0 && !imap_end(a))
		rc = FAIL_SYNTAX;
	if (rc < 0)
		return mailbox_refuse(s, rc);
	if (is_move && s->box->read_only)
		return session_no(s, "[READ-ONLY] Opened by EXAMINE");
	return work_copy(s);
}

enum step
cmd_copy(struct session *s, struct imap_args *a)
{
	return copy(s, a, false);
}

enum step
cmd_move(struct session *s, struct imap_args *a)
{
	return copy(s, a, true);
}
