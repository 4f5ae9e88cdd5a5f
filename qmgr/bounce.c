/* SPDX-License-Identifier: ISC */
/*
 * qmgr/bounce.c - the process that writes delivery status notifications.
 *
 * In: BOUNCE_RCPT and BOUNCE_TO rows, then BOUNCE_MAKE, from qmgr; the failed
 * message, read-only, from spoold.  Out: a message with the null sender, to
 * spoold, together with the recipients it closes: both are in one batch of
 * the journal (rule 19).  Before, signd signs it as our hostname.
 *
 * It decides nothing (qmgr does), keeps nothing, and sees one message's
 * bytes at a time.
 *
 * RFC 3464 (what it writes), RFC 5321 4.5.5 (null sender).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rand.h"
#include "daemon/daemon.h"
#include "mail/dsn.h"

#include "base/banned.h"

enum {
	WHOLE_MAX = 50 * 1024,		/* goes back as it came; else its header */
	HEADER_MAX = 64 * 1024,
	DSN_MAX = 1024 * 1024,
	ARENA_MAX = 8 * 1024 * 1024,
	TO_MAX = 16,
	DEADLINE_MS = 50 * 1000,
};

struct rcpt {
	struct rcpt	*next;
	uint32_t	number;
	struct dsn_recipient told;
};

struct target {
	uint32_t	kind;
	struct str	address, account, home, detail;
};

/* One DSN: rows gather in it until BOUNCE_MAKE. */
struct job {
	struct link	link;
	struct arena	arena;
	struct str	mid, bounce, to;
	struct rcpt	*first, **end;
	struct target	target[TO_MAX];
	uint32_t	targets;
	int64_t		expires_ms;
	bool		is_delay, is_double;
	int		file;		/* the DSN; -1: not yet written */
	uint64_t	size;
	bool		is_8bit;
	struct chan	*qmgr;
	uint32_t	ticket;
};

static struct link jobs = { &jobs, &jobs };
static uint64_t made;

/* --- jobs ---------------------------------------------------------------- */

static void
job_free(struct job *j)
{
	chan_forget(daemon_peer(SPOOLD, 0), j);
	for (unsigned i = 0; i < daemon_peer_count(SIGND); i++)
		chan_forget(daemon_peer(SIGND, i), j);
	chan_forget(NULL, j);
	list_remove(&j->link);
	if (j->file >= 0)
		(void)close(j->file);
	arena_free(&j->arena);
	free(j);
}

static struct job *
job_find(struct str mid)
{
	struct link *e;

	list_each(e, &jobs) {
		struct job *j = container_of(e, struct job, link);

		if (j->ticket == 0 && str_eq(j->mid, mid))
			return j;
	}
	return NULL;
}

static struct job *
job_of(struct str mid)
{
	struct job *j = job_find(mid);

	if (j != NULL)
		return j;
	j = xcalloc(1, sizeof(*j));
	arena_init(&j->arena, ARENA_MAX);
	j->mid = arena_str(&j->arena, mid);
	j->end = &j->first;
	j->file = -1;
	list_push(&jobs, &j->link);
	return j;
}

static void
finish(struct job *j, int rc, const char *text)
{
	struct note_bounce_done n = { .failed = (uint32_t)-rc,
	    .text = str_of(text) };

	log_event(rc == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, rc == 0 ?
	    "bounce-made" : "bounce-failed");
	log_str("mid", j->bounce);
	log_str("parent", j->mid);
	log_str("to", j->to);
	if (rc != 0)
		log_z("text", text);
	log_end();
	made += rc == 0;
	note_answer_bounce_done(j->qmgr, j->ticket, &n);
	job_free(j);
}

/* --- what it says -------------------------------------------------------- */

/* Up to and with the empty line; the whole of it when there is none. */
static size_t
header_len(struct str s)
{
	size_t at = str_find(s, STR("\r\n\r\n"));

	return at == s.n ? s.n : at + 4;
}

static bool
read_original(const struct note *n, uint64_t offset, size_t want,
    struct buf *out)
{
	uint8_t *p = buf_grow(out, want);

	if (p == NULL || n->fd < 0 ||
	    file_pread(n->fd, p, want, (off_t)offset) != 0)
		return false;
	buf_grown(out, want);
	return true;
}

/* With the header lines we added when it came: they are part of its story. */
static bool
original(const struct note *n, bool whole, struct buf *out)
{
	const struct note_spool_body *b = &n->u.spool_body;
	size_t want = b->size <= HEADER_MAX ? (size_t)b->size : HEADER_MAX;
	size_t added;

	buf_add(out, b->added);
	added = out->len;
	if (!read_original(n, b->offset, want, out))
		return false;
	if (!whole)
		buf_cut(out, added + header_len(str_from(buf_str(out), added)));
	return !buf_failed(out);
}

static struct str
message_id(struct str head)
{
	struct str line;

	while (str_line(&head, &line) && line.n > 0)
		if (str_istarts(line, "message-id:"))
			return str_trim(str_from(line, 11));
	return STR("");
}

static bool
has_8bit(struct str s)
{
	return !str_is_ascii(s);
}

static void
write_dsn(const struct job *j, const struct note_spool_body *b,
    struct str back, bool whole, struct buf *out)
{
	struct dsn d = { .host = daemon_conf()->site.hostname,
	    .mid = j->bounce, .to = j->to, .envid = b->envid,
	    .message_id = message_id(back), .is_delay = j->is_delay,
	    .whole = whole, .is_8bit = has_8bit(back),
	    .now_s = clock_real_s(), .arrived_s = b->received_ms / 1000,
	    .expires_s = j->expires_ms / 1000 };

	dsn_put_head(out, &d);
	for (const struct rcpt *r = j->first; r != NULL; r = r->next)
		dsn_put_person(out, &d, &r->told);
	dsn_put_report(out, &d);
	for (const struct rcpt *r = j->first; r != NULL; r = r->next)
		dsn_put_recipient(out, &d, &r->told);
	dsn_put_message(out, &d);
	buf_add(out, back);
	if (!str_ends(back, "\r\n"))
		buf_z(out, "\r\n");
	dsn_put_tail(out, &d);
}

/* --- to spoold ----------------------------------------------------------- */

static void
on_committed(void *session, const struct note *n)
{
	const struct note_spool_done *d = note_as_spool_done(n);

	if (d == NULL)
		finish(session, FAIL_TEMP, "spoold did not answer");
	else
		finish(session, -(int)d->failed, d->failed == 0 ? "" :
		    "spoold did not take it");
}

static void
put_rows(const struct job *j, struct chan *spoold)
{
	for (uint32_t i = 0; i < j->targets; i++) {
		const struct target *t = &j->target[i];
		struct note_spool_rcpt n = { .mid = j->bounce, .kind = t->kind,
		    .address = t->address, .notify = j->is_double ?
		    (uint32_t)NOTIFY_NEVER : 0,
		    .account = t->account, .home = t->home,
		    .detail = t->detail };

		note_put_spool_rcpt(spoold, &n);
	}
	for (const struct rcpt *r = j->first; r != NULL && !j->is_delay;
	    r = r->next) {
		struct note_spool_close n = { .mid = j->bounce,
		    .cause = j->mid, .number = r->number };

		note_put_spool_close(spoold, &n);
	}
}

static void
commit(struct job *j, struct str added)
{
	struct chan *spoold = daemon_peer(SPOOLD, 0);
	struct note_spool_commit n = { .mid = j->bounce, .parent = j->mid,
	    .flags = SPOOL_DSN | (j->is_8bit ? SPOOL_8BIT : 0u) |
	    (j->is_double ? SPOOL_DOUBLE : 0u), .recipients = j->targets,
	    .size = j->size, .added = added, .received_ms = clock_real_ms(),
	    .deadline_ms = clock_mono_ms() + DEADLINE_MS, .fd = j->file };

	put_rows(j, spoold);
	ask_spool_commit(spoold, &n, on_committed, j);
}

/* What cannot be signed now waits with its cause in the queue. */
static void
on_signed(void *session, const struct note *n)
{
	const struct note_sign_done *d = note_as_sign_done(n);
	bool may_wait = str_same(daemon_conf()->dkim.unavailable, "later");

	if ((d == NULL || d->failed == -FAIL_TEMP) && may_wait)
		finish(session, FAIL_TEMP, "signd did not answer");
	else
		commit(session, d != NULL && d->failed == 0 ? d->added :
		    STR(""));
}

static void
sign(struct job *j, struct str content)
{
	struct note_sign_ask n = { .mid = j->bounce, .size = content.n };

	j->file = n.fd = file_sealed("dsn", content);
	j->size = content.n;
	j->is_8bit = has_8bit(content);
	if (j->file < 0)
		finish(j, FAIL_TEMP, "no memory for the notification");
	else if (!daemon_conf()->dkim.sign)
		commit(j, STR(""));
	else
		ask_sign_ask(daemon_any(SIGND), &n, on_signed, j);
}

static void
on_body(void *session, const struct note *n)
{
	const struct note_spool_body *b = note_as_spool_body(n);
	struct job *j = session;
	struct buf back, out;
	bool whole;

	if (b == NULL || b->failed != 0) {
		finish(j, FAIL_TEMP, "the message cannot be read");
		return;
	}
	whole = b->size <= WHOLE_MAX;
	buf_init(&back, HEADER_MAX + 32 * 1024);
	buf_init(&out, DSN_MAX);
	if (!original(n, whole, &back)) {
		finish(j, FAIL_TEMP, "the message cannot be read");
	} else {
		write_dsn(j, b, buf_str(&back), whole, &out);
		if (buf_failed(&out))
			finish(j, FAIL_TOO_BIG, "too many recipients");
		else
			sign(j, buf_str(&out));
	}
	buf_free(&back);
	buf_free(&out);
}

/* --- from qmgr ----------------------------------------------------------- */

static void
on_rcpt(const struct note_bounce_rcpt *n)
{
	struct job *j = job_of(n->mid);
	struct rcpt *r = arena_get(&j->arena, sizeof(*r));

	if (r == NULL)
		return;		/* thousands; each has an own line in the log */
	r->number = n->number;
	r->told = (struct dsn_recipient){
		.address = arena_str(&j->arena, n->address),
		.orcpt = arena_str(&j->arena, n->orcpt),
		.status = arena_str(&j->arena, n->status),
		.reason = arena_str(&j->arena, n->reason),
		.reply = arena_str(&j->arena, n->reply),
		.remote = arena_str(&j->arena, n->remote),
		.verdict = (enum verdict)n->verdict,
		.attempts = n->attempts,
	};
	*j->end = r;
	j->end = &r->next;
}

static void
on_to(const struct note_bounce_to *n)
{
	struct job *j = job_of(n->mid);

	if (j->targets == TO_MAX)
		return;
	j->target[j->targets++] = (struct target){
		.kind = n->kind, .address = arena_str(&j->arena, n->address),
		.account = arena_str(&j->arena, n->account),
		.home = arena_str(&j->arena, n->home),
		.detail = arena_str(&j->arena, n->detail),
	};
}

static void
on_make(struct chan *c, const struct note *n)
{
	const struct note_bounce_make *m = note_as_bounce_make(n);
	struct job *j = job_of(m->mid);
	struct note_spool_read ask = { .mid = m->mid };

	j->qmgr = c;
	j->ticket = n->ticket;
	j->bounce = arena_str(&j->arena, m->bounce);
	j->to = arena_str(&j->arena, m->to);
	j->expires_ms = m->expires_ms;
	j->is_delay = m->is_delay;
	j->is_double = m->is_double;
	if (j->first == NULL || j->targets == 0 || !mid_valid(j->bounce))
		finish(j, FAIL_SYNTAX, "no recipient, or nobody to tell");
	else
		ask_spool_read(daemon_peer(SPOOLD, 0), &ask, on_body, j);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_BOUNCE_RCPT)
		on_rcpt(note_as_bounce_rcpt(n));
	else if (n->kind == NOTE_BOUNCE_TO)
		on_to(note_as_bounce_to(n));
	else if (n->kind == NOTE_BOUNCE_MAKE)
		on_make(c, n);
}

/* A new qmgr asks anew; the id of a DSN is the same then. */
static void
on_peer_gone(struct chan *c)
{
	struct link *e, *tmp;

	if (c->peer != QMGR)
		return;
	list_each_safe(e, tmp, &jobs)
		job_free(container_of(e, struct job, link));
}

static bool
start(void)
{
	return true;
}

static void
on_stat(void)
{
	daemon_stat("made", made);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = BOUNCE, .start = start, .on_note = on_note,
		.on_peer_gone = on_peer_gone, .on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
