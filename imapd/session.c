/* SPDX-License-Identifier: ISC */
/*
 * imapd/session.c - client connections: bytes in, commands one at a time,
 * bytes out.
 *
 * Bytes come from the stream; imap_cut finds whole commands in them, here
 * decided about literals before they are taken.  A command that waits pauses
 * the stream, so pipelined commands stay where they are and every answer
 * comes in the order of its question.  Long commands run in steps of a few
 * milliseconds and stop while the client does not read.
 *
 * Nothing here opens a file.  An idle session has no arena and no buffers.
 *
 * RFC 3501 2.2, 4.3, 7.1; RFC 7888 (LITERAL+).
 */
#include "imapd/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "imapd/append.h"
#include "imapd/box.h"
#include "imapd/command.h"
#include "imapd/hello.h"
#include "imapd/imapd.h"
#include "imapd/sync.h"

#include "base/banned.h"

enum {
	IN_MAX = 256 * 1024,
	OUT_MAX = 4 * 1024 * 1024,
	TEXT_MAX_NO_AUTH = 8 * 1024,	/* of a command, without literals */
	TEXT_MAX_LOGGED = 64 * 1024,	/* Outlook sends long ones */
	LITERALS_NO_AUTH = 4 * 1024,
	LITERALS_LOGGED = 96 * 1024,
	ARENA_CAP = 8 * 1024 * 1024,
	BAD_NO_AUTH = 10,
	BAD_LOGGED = 50,
	THROWN_MAX = 4 * 1024 * 1024,	/* of one over-long line */
	SLICE_MS = 2,
	COMMANDS_A_TURN = 32,
	NO_AUTH_MS = 3 * 60 * 1000,
	STUCK_MS = 5 * 60 * 1000,	/* output that nobody takes */
	BYE_MS = 30 * 1000,
	STORE_BUSY_MS = 20,
	BODY_MS = 10 * 1000,		/* how long an open message is kept */
};

#define TORN		"[UNAVAILABLE] The mailbox is being mended, please " \
			"try again"
#define STORED_GONE	"[UNAVAILABLE] The mail store was restarted, please " \
	"connect again"

static void	on_input(struct stream *st);
static void	on_drained(struct stream *st);
static void	on_end(struct stream *st, enum stream_end how);

static const struct stream_ops ops = {
	.on_input = on_input,
	.on_drained = on_drained,
	.on_tls = hello_on_tls,
	.on_end = on_end,
};

static struct session *
session_of(struct stream *st)
{
	return container_of(st, struct session, stream);
}

/* --- life ---------------------------------------------------------------- */

static void
on_timer(struct timer *t)
{
	struct session *s = container_of(t, struct session, tick);

	if (s->on_tick != NULL)
		s->on_tick(s);
}

static void
on_work(struct defer *d)
{
	struct session *s = container_of(d, struct session, work_defer);

	if (stream_full(&s->stream)) {	/* on_drained goes on */
		stream_idle(&s->stream, STUCK_MS);
		return;
	}
	s->wants_work = false;
	s->slice_ms = clock_mono_ms();
	session_go(s, s->work(s));
}

void
session_new(int fd, const char *service, struct str peer)
{
	struct session *s = xcalloc(1, sizeof(*s));

	stream_init(&s->stream, fd, IN_MAX, OUT_MAX, &ops);
	s->state = IN_HELLO;
	s->service = service;
	s->peer = xmalloc(peer.n + 1);
	memcpy(s->peer, peer.p, peer.n);
	s->peer[peer.n] = '\0';
	sid_make(clock_real_ms(), s->sid);
	list_push(&imapd.sessions, &s->all);
	timer_init(&s->tick, on_timer);
	defer_init(&s->work_defer, on_work);
	arena_init(&s->arena, ARENA_CAP);
	imap_cut_reset(&s->cutter);
	hello_begin(s);
}

/* What the running command holds. */
static void
command_over(struct session *s)
{
	if (s->job_end != NULL)
		s->job_end(s);
	if (s->command != NULL && (s->command->is & SECRET) && s->text.n > 0)
		explicit_bzero((void *)(uintptr_t)s->text.p, s->text.n);
	arena_free(&s->arena);
	arena_init(&s->arena, ARENA_CAP);
	s->command = NULL;
	s->text = s->tag = s->answer = (struct str){ NULL, 0 };
	s->job = NULL;
	s->job_end = NULL;
	s->then = NULL;
	s->work = NULL;
	s->take = NULL;
	s->wants_work = false;
	defer_cancel(&s->work_defer);
}

/* Answers that are still under way are nobody's. */
static void
forget_asks(struct session *s)
{
	unsigned i;

	chan_forget(NULL, s);
	for (i = 0; i < daemon_peer_count(AUTHD); i++)
		if (daemon_peer(AUTHD, i) != NULL)
			chan_forget(daemon_peer(AUTHD, i), s);
	if (daemon_peer(RATED, 0) != NULL)
		chan_forget(daemon_peer(RATED, 0), s);
	for (i = 0; i < daemon_peer_count(STORED); i++)
		if (daemon_peer(STORED, i) != NULL)
			chan_forget(daemon_peer(STORED, i), s);
}

static void
session_free(struct session *s)
{
	forget_asks(s);
	hello_end(s);
	if (s->stored != NULL && s->login != 0)
		note_put_store_logout(s->stored,
		    &(struct note_store_logout){ .login = s->login });
	command_over(s);
	box_free(&s->box);
	timer_stop(&s->tick);
	list_remove(&s->all);
	arena_free(&s->arena);
	stream_free(&s->stream);
	free(s->peer);
	free(s->account);
	free(s->client);
	free(s);
}

static void
on_end(struct stream *st, enum stream_end how)
{
	static const char *const names[] = { "eof", "reset", "tls-failed",
	    "timeout", "limit", "closed" };
	struct session *s = session_of(st);

	log_event(LOG_LEVEL_INFO, "imap-end");
	log_z("sid", s->sid);
	if (s->account != NULL)
		log_z("account", s->account);
	log_z("peer", s->peer);
	log_z("how", names[how]);
	if (how == STREAM_TLS_FAILED && st->tls != NULL)
		log_z("text", tls_why(st->tls));
	log_end();
	session_free(s);
	imapd_look_for_end();
}

void
session_each(void (*fn)(struct session *, void *), void *arg)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &imapd.sessions)
		fn(container_of(l, struct session, all), arg);
}

void
session_bye(struct session *s, const char *text)
{
	if (s->state == IN_BYE)
		return;
	buf_fmt(OUT(s), "* BYE %s\r\n", text);
	session_go(s, CLOSE);
}

/* Its descriptors still read, but nothing can be changed, no news come, and
 * the grant is spent: the client has to log in again. */
static void
stored_gone(struct session *s, void *chan)
{
	if (s->stored != chan || s->stored == NULL)
		return;
	s->stored = NULL;
	s->login = 0;
	if (s->is_busy)
		s->stored_gone = true;
	else
		session_bye(s, STORED_GONE);
}

void
session_stored_gone(struct chan *c)
{
	session_each(stored_gone, c);
}

/* --- commands in turn ---------------------------------------------------- */

static void
on_quiet(struct session *s)
{
	if (box_drop_body(s->box)) {
		timer_set(&s->tick, daemon_conf()->imapd.timeout);
		return;
	}
	session_bye(s, s->state == IN_NO_AUTH ? "You did not log in" :
	    "Nothing was heard from you");
}

/* Waiting for a command from here on. */
static void
now_quiet(struct session *s)
{
	int64_t ms = s->state == IN_NO_AUTH ? NO_AUTH_MS :
	    box_has_body(s->box) ? BODY_MS : daemon_conf()->imapd.timeout;

	s->on_tick = on_quiet;
	timer_set(&s->tick, ms);
}

static void
pause_input(struct session *s)
{
	if (s->is_busy)
		return;
	s->is_busy = true;
	stream_pause(&s->stream);
}

/* Why the session cannot go on, or NULL. */
static const char *
reason_to_end(const struct session *s)
{
	if (s->stored_gone)
		return STORED_GONE;
	if (s->view_lost)
		return "[UNAVAILABLE] The mailbox was rebuilt, please "
		    "connect again";
	if (s->is_draining)
		return "[UNAVAILABLE] The server is going down";
	return NULL;
}

static void
next_command(struct session *s)
{
	const char *why = reason_to_end(s);

	command_over(s);
	if (why != NULL) {
		session_bye(s, why);
		return;
	}
	now_quiet(s);
	if (s->is_busy) {
		s->is_busy = false;
		stream_resume(&s->stream);
	}
}

void
session_go(struct session *s, enum step step)
{
	switch (step) {
	case NEXT:
		next_command(s);
		break;
	case WAIT:
		if (s->take == NULL)
			pause_input(s);
		else if (s->is_busy) {
			s->is_busy = false;
			stream_resume(&s->stream);
		}
		break;
	case WORK:
		pause_input(s);
		s->wants_work = true;
		defer_put(&s->work_defer);
		break;
	case CLOSE:
		forget_asks(s);
		command_over(s);
		s->state = IN_BYE;
		timer_stop(&s->tick);
		stream_idle(&s->stream, BYE_MS);
		stream_close_after_flush(&s->stream);
		break;
	}
	if (!s->in_input)
		stream_flush(&s->stream);
}

void
session_on_note(void *session, const struct note *n)
{
	struct session *s = session;

	if (s->then == NULL)
		bug("a note for no command");
	s->slice_ms = clock_mono_ms();
	session_go(s, s->then(s, n));
}

static void
on_slept(struct session *s)
{
	session_go(s, s->work(s));
}

enum step
session_sleep(struct session *s, int64_t ms, work_fn *work)
{
	s->work = work;
	s->on_tick = on_slept;
	timer_set(&s->tick, ms);
	return WAIT;
}

/* A stored that does not read: its channel holds a few notes more, and the
 * one too many would end the sessions of everybody. */
bool
session_store_busy(const struct session *s)
{
	return s->stored != NULL && chan_busy(s->stored);
}

static void
on_drained(struct stream *st)
{
	struct session *s = session_of(st);

	if (!s->wants_work)
		return;
	stream_idle(st, daemon_conf()->imapd.timeout + STUCK_MS);
	defer_put(&s->work_defer);
}

/* --- input --------------------------------------------------------------- */

/* The text of the next command becomes the arena's; the input is consumed,
 * and wiped where it may hold a password. */
static bool
keep_text(struct session *s, size_t n)
{
	struct str in = str_sub(buf_str(&s->stream.in), 0, n);

	s->text = arena_str(&s->arena, in);
	if (s->state == IN_NO_AUTH)
		explicit_bzero((void *)(uintptr_t)in.p, in.n);
	buf_consume(&s->stream.in, n);
	imap_cut_reset(&s->cutter);
	return s->text.p != NULL;
}

static enum step
run(struct session *s, size_t n)
{
	timer_stop(&s->tick);
	s->slice_ms = clock_mono_ms();
	if (!keep_text(s, n))
		return session_refuse(s, FAIL_TOO_BIG);
	if (session_store_busy(s))
		return session_sleep(s, STORE_BUSY_MS, command_run);
	return command_run(s);
}

/* Sets the tag from a command that is not whole. */
static void
tag_of_head(struct session *s, struct str head)
{
	struct imap_args a = { head, &s->arena };

	if (imap_tag(&a, &s->tag))
		s->tag = arena_str(&s->arena, s->tag);
	else
		s->tag = STR("*");
}

/* Without its "+" the client does not send it; a client that did not ask has
 * sent it, and where its next command begins is anybody's guess. */
static enum step
refuse_literal(struct session *s)
{
	tag_of_head(s, buf_str(&s->stream.in));
	buf_fmt(OUT(s), "%.*s NO [TOOBIG] That literal is too large\r\n",
	    STR_ARG(s->tag));
	buf_consume(&s->stream.in, s->cutter.at);
	if (s->cutter.is_sync) {
		imap_cut_reset(&s->cutter);
		return NEXT;
	}
	buf_z(OUT(s), "* BYE Too large a literal\r\n");
	return CLOSE;
}

static enum step
on_literal(struct session *s)
{
	struct imap_cutter *c = &s->cutter;
	struct str head = str_sub(buf_str(&s->stream.in), 0, c->header);
	size_t max = s->state == IN_NO_AUTH ? LITERALS_NO_AUTH :
	    LITERALS_LOGGED;

	if ((s->state & IN_LOGGED) && append_is_due(s, head)) {
		timer_stop(&s->tick);
		return append_begin(s, c->literal, c->is_sync);
	}
	if (c->literal > max - c->literals)
		return refuse_literal(s);
	if (c->is_sync)
		buf_z(OUT(s), "+ OK\r\n");
	imap_cut_take(c);
	return WAIT;
}

static enum step
too_long(struct session *s)
{
	tag_of_head(s, str_sub(buf_str(&s->stream.in), 0, 1024));
	imap_cut_reset(&s->cutter);
	s->to_line_end = true;
	s->thrown = 0;
	return session_bad(s, "That line is too long");
}

/* The rest of a line that was too long.  True: it is over. */
static bool
throw_line(struct session *s)
{
	struct str in = buf_str(&s->stream.in);
	size_t n = str_chr(in, '\n');
	bool found = n < in.n;

	buf_consume(&s->stream.in, n + found);
	s->thrown += (unsigned)n;
	s->to_line_end = !found;
	if (s->thrown > THROWN_MAX)
		session_bye(s, "That line does not end");
	return found;
}

/* One command, line or piece of them.  False: more bytes are needed. */
static bool
take_one(struct session *s)
{
	struct str in = buf_str(&s->stream.in);
	size_t used = 0;
	enum step step;

	if (s->to_line_end)
		return throw_line(s);
	if (s->take != NULL) {
		step = s->take(s, in, &used);
		buf_consume(&s->stream.in, used);
		if (step == WAIT && s->take != NULL && used == 0)
			return false;
		session_go(s, step);
		return true;
	}
	switch (imap_cut(&s->cutter, in, s->state == IN_NO_AUTH ?
	    TEXT_MAX_NO_AUTH : TEXT_MAX_LOGGED)) {
	case IMAP_COMMAND:
		session_go(s, run(s, s->cutter.at));
		return true;
	case IMAP_LITERAL:
		step = on_literal(s);
		if (step != WAIT || s->take != NULL || s->then != NULL)
			session_go(s, step);
		return true;
	case IMAP_LONG:
		session_go(s, too_long(s));
		return true;
	case IMAP_MORE:
		break;
	}
	return false;
}

static void
on_input(struct stream *st)
{
	struct session *s = session_of(st);
	unsigned n = 0;

	s->in_input = true;
	while (!s->is_busy && s->state != IN_BYE && s->state != IN_HELLO &&
	    st->tls_due == NULL && st->in.len > 0 && !stream_full(st)) {
		if (n++ == COMMANDS_A_TURN) {
			stream_poke(st);
			break;
		}
		if (!take_one(s))
			break;
	}
	s->in_input = false;
}

/* --- answers ------------------------------------------------------------- */

/* Last step of every command: what is new in the mailbox, then the answer. */
static enum step
work_answer(struct session *s)
{
	if (s->box != NULL && !sync_step(s))
		return WORK;
	buf_fmt(OUT(s), "%.*s %.*s\r\n", STR_ARG(s->tag), STR_ARG(s->answer));
	return NEXT;
}

enum step
session_answer(struct session *s, struct str text)
{
	s->answer = text;
	if (text.p == NULL)
		s->answer = STR("NO [LIMIT] Too much for one command");
	s->work = work_answer;
	if (s->box != NULL)
		sync_begin(s);
	return work_answer(s);
}

static enum step
answer(struct session *s, const char *what, const char *fmt, va_list ap)
{
	char text[1024];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n < 0 || (size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	return session_answer(s, arena_fmt(&s->arena, "%s %.*s", what, n,
	    text));
}

/* What was read is not all: no answer that looks complete. */
static bool
take_torn(struct session *s)
{
	bool torn = s->box != NULL && s->box->torn;

	if (torn)
		s->box->torn = false;
	return torn;
}

enum step
session_ok(struct session *s, const char *fmt, ...)
{
	va_list ap;
	enum step step;

	if (take_torn(s))
		return session_no(s, TORN);
	s->bad = 0;
	va_start(ap, fmt);
	step = answer(s, "OK", fmt, ap);
	va_end(ap);
	return step;
}

enum step
session_no(struct session *s, const char *fmt, ...)
{
	va_list ap;
	enum step step;

	if (take_torn(s))
		fmt = TORN;
	va_start(ap, fmt);
	step = answer(s, "NO", fmt, ap);
	va_end(ap);
	return step;
}

enum step
session_torn(struct session *s)
{
	box_close(s);
	return session_no(s, TORN);
}

/* No look at the mailbox: what was said was no command.  An empty tag is an
 * empty line, which is ignored but counted. */
enum step
session_bad(struct session *s, const char *fmt, ...)
{
	unsigned max = s->state == IN_NO_AUTH ? BAD_NO_AUTH : BAD_LOGGED;
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->tag.n > 0)
		buf_fmt(OUT(s), "%.*s BAD %s\r\n", STR_ARG(s->tag), text);
	if (++s->bad < max)
		return NEXT;
	buf_z(OUT(s), "* BYE Too many broken commands\r\n");
	return CLOSE;
}

enum step
session_refuse(struct session *s, int rc)
{
	if (rc == FAIL_TOO_BIG)
		return session_no(s, "[LIMIT] Too much for one command");
	return session_bad(s, "Syntax error in %s", s->command != NULL ?
	    s->command->name : "this line");
}

enum step
session_unavailable(struct session *s)
{
	return session_no(s, "[UNAVAILABLE] The mail store does not answer, "
	    "please try again");
}

enum step
session_failed(struct session *s, uint32_t failed, struct str text)
{
	if (text.n > 0)
		return session_no(s, "%.*s", STR_ARG(text));
	if (failed == (uint32_t)-FAIL_BUG)
		return session_no(s, "[SERVERBUG] That failed, by our fault");
	if (failed == (uint32_t)-FAIL_GONE)
		return session_no(s, "[NONEXISTENT] There is no such mailbox");
	return session_no(s, "[UNAVAILABLE] That failed (%s)",
	    fail_name(-(int)failed));
}

void *
session_job(struct session *s, size_t n, void (*end)(struct session *))
{
	s->job = arena_get(&s->arena, n);
	if (s->job != NULL)
		s->job_end = end;
	return s->job;
}

bool
session_slice_over(struct session *s, unsigned *calls)
{
	if (stream_full(&s->stream))
		return true;
	if (++*calls % 32 != 0)
		return false;
	return clock_mono_ms() - s->slice_ms >= SLICE_MS;
}
