/* SPDX-License-Identifier: ISC */
/*
 * pop3d/session.c - the life of a POP3 session: from the door to on_end,
 * lines cut at their ends, one wait at a time.
 *
 * A client that closes after DELE has deleted nothing (RFC 1939 6): only
 * QUIT says so, and a complete QUIT counts even when the client is gone
 * before it is answered.
 */
#include "pop3d/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "daemon/daemon.h"
#include "daemon/login.h"

#include "base/banned.h"

enum {
	LINE_MAX_BYTES = SASL_LINE_MAX,	/* RFC 2449 4: 255; AUTH needs more */
	OUT_MAX = 64 * 1024 * 1024,	/* LIST and UIDL of a million */
	HANDSHAKE_MS = 60 * 1000,
	ERRORS_MAX = 20,
};

static struct link sessions = { &sessions, &sessions };
static bool is_draining;

static void
look_for_end(void)
{
	if (is_draining && list_empty(&sessions))
		daemon_exit();
}

/* --- end ----------------------------------------------------------------- */

static void
tell_rated(struct pop3 *s)
{
	struct note_rate_count n = { .what = RATE_DISCONNECT,
	    .service = STR("pop3"), .peer = str_of(s->peer) };

	if (s->is_counted)
		note_put_rate_count(daemon_peer(RATED, 0), &n);
}

static void
session_end(struct pop3 *s)
{
	struct note_store_logout out = { .login = s->login };

	chan_forget(NULL, s);
	for (unsigned i = 0; i < daemon_peer_count(AUTHD); i++)
		if (daemon_peer(AUTHD, i) != NULL)
			chan_forget(daemon_peer(AUTHD, i), s);
	if (daemon_peer(RATED, 0) != NULL)
		chan_forget(daemon_peer(RATED, 0), s);
	login_show_end(s->show);
	pop3_drop_ahead(s);
	free(s->ahead);
	if (s->stored != NULL) {
		chan_forget(s->stored, s);
		note_put_store_logout(s->stored, &out);
	}
	tell_rated(s);
	list_remove(&s->link);
	timer_stop(&s->delay);
	stream_free(&s->stream);
	sasl_end(&s->sasl);
	if (s->out.fd >= 0)
		(void)close(s->out.fd);
	free(s->user);
	free(s->account);
	free(s->mail);
	free(s->peer);
	free(s);
	look_for_end();
}

static void
on_end(struct stream *st, enum stream_end how)
{
	static const char *const words[] = {
		[STREAM_EOF] = "eof", [STREAM_RESET] = "reset",
		[STREAM_TLS_FAILED] = "tls-failed",
		[STREAM_TIMEOUT] = "timeout", [STREAM_LIMIT] = "limit",
		[STREAM_CLOSED] = "closed",
	};
	struct pop3 *s = container_of(st, struct pop3, stream);

	log_event(LOG_LEVEL_INFO, "pop3-end");
	log_z("sid", s->sid);
	log_z("peer", s->peer);
	log_z("how", words[how]);
	if (how == STREAM_TLS_FAILED && st->tls != NULL)
		log_z("text", tls_why(st->tls));
	log_end();
	session_end(s);
}

/* --- lines --------------------------------------------------------------- */

static void
begin_wait(struct pop3 *s)
{
	if (!s->is_busy)
		stream_pause(&s->stream);
	s->is_busy = true;
}

static void
after(struct pop3 *s, enum step step)
{
	if (step == WAIT) {
		begin_wait(s);
		return;
	}
	if (s->is_busy)
		stream_resume(&s->stream);
	s->is_busy = false;
	if (step == CLOSE) {
		s->state = IN_BYE;
		stream_close_after_flush(&s->stream);
	}
	stream_flush(&s->stream);
}

void
pop3_go(struct pop3 *s, enum step step)
{
	after(s, step);
}

/* An overlong line is one error, whatever it holds. */
static bool
cut_overlong(struct pop3 *s)
{
	struct buf *in = &s->stream.in;

	if (in->len < LINE_MAX_BYTES)
		return false;
	if (!s->skips_line)
		after(s, pop3_refuse(s, "-ERR line too long"));
	s->skips_line = true;
	buf_reset(in);
	return true;
}

static void
on_input(struct stream *st)
{
	struct pop3 *s = container_of(st, struct pop3, stream);

	while (!s->is_busy && s->state != IN_BYE) {
		struct str rest = buf_str(&st->in), line;
		size_t end = str_chr(rest, '\n');

		if (end == rest.n) {
			(void)cut_overlong(s);
			return;
		}
		line = str_chomp(str_sub(rest, 0, end));
		if (s->skips_line)
			s->skips_line = false;
		else if (s->is_in_sasl)
			after(s, pop3_sasl_line(s, line));
		else
			after(s, pop3_line(s, line));
		/* STLS has thrown the input away already */
		buf_consume(&st->in, num_min(end + 1, st->in.len));
	}
}

/* --- answers ------------------------------------------------------------- */

enum step
pop3_say(struct pop3 *s, const char *text)
{
	buf_z(&s->stream.out, text);
	buf_z(&s->stream.out, "\r\n");
	return NEXT;
}

enum step
pop3_refuse(struct pop3 *s, const char *text)
{
	pop3_say(s, text);
	return ++s->errors < ERRORS_MAX ? NEXT : CLOSE;
}

/* --- waiting ------------------------------------------------------------- */

static void
run_then(struct pop3 *s, const struct note *n)
{
	pop3_then_fn *then = s->then;

	s->then = NULL;
	if (then != NULL)
		after(s, then(s, n));
}

void
pop3_on_note(void *session, const struct note *n)
{
	run_then(session, n);
}

static void
on_delay(struct timer *t)
{
	run_then(container_of(t, struct pop3, delay), NULL);
}

/* A file is sent: the rest of the answer follows. */
static void
on_drained(struct stream *st)
{
	struct pop3 *s = container_of(st, struct pop3, stream);

	if (s->out.fd == -2 && !stream_sending(st)) {
		s->out.fd = -1;
		run_then(s, NULL);
	}
}

enum step
pop3_sleep(struct pop3 *s, int64_t ms, pop3_then_fn *then)
{
	s->then = then;
	timer_set(&s->delay, ms);
	return WAIT;
}

/* --- begin --------------------------------------------------------------- */

static void
on_tls(struct stream *st)
{
	struct pop3 *s = container_of(st, struct pop3, stream);

	stream_idle(st, daemon_conf()->pop3d.timeout);
	if (s->state == IN_HELLO)
		pop3_go(s, pop3_greet(s));
}

static enum step
enter(struct pop3 *s, const struct note *n)
{
	(void)n;
	stream_idle(&s->stream, daemon_conf()->pop3d.timeout);
	if (!s->is_tls_port)
		return pop3_greet(s);
	if (pop3d_tls() == NULL)
		return CLOSE;
	stream_idle(&s->stream, HANDSHAKE_MS);
	stream_start_tls(&s->stream, pop3d_tls());
	stream_resume(&s->stream);
	return WAIT;
}

/* No answer is as good as yes: a stopped rated must not close the door. */
static enum step
on_rate(struct pop3 *s, const struct note *n)
{
	const struct note_rate_verdict *v = note_as_rate_verdict(n);

	if (v != NULL && v->result == RATE_REFUSE) {
		log_event(LOG_LEVEL_INFO, "pop3-refused");
		log_z("sid", s->sid);
		log_z("peer", s->peer);
		log_str("text", v->text);
		log_end();
		if (!s->is_tls_port)
			pop3_say(s, "-ERR [SYS/TEMP] too many connections or "
			    "failed logins from your address");
		return CLOSE;
	}
	if (v != NULL && v->delay_ms > 0)
		return pop3_sleep(s, v->delay_ms, enter);
	return enter(s, NULL);
}

void
pop3_client(int fd, const char *service, struct str peer)
{
	static const struct stream_ops ops = { .on_input = on_input,
	    .on_drained = on_drained, .on_tls = on_tls, .on_end = on_end };
	struct pop3 *s = xcalloc(1, sizeof(*s));
	struct note_rate_ask ask = { .what = RATE_CONNECT,
	    .service = STR("pop3"), .peer = peer };

	stream_init(&s->stream, fd, LINE_MAX_BYTES, OUT_MAX, &ops);
	timer_init(&s->delay, on_delay);
	list_push(&sessions, &s->link);
	sid_make(clock_real_ms(), s->sid);
	s->peer = xmalloc(peer.n + 1);
	memcpy(s->peer, peer.p, peer.n);
	s->peer[peer.n] = '\0';
	s->is_tls_port = strcmp(service, "pop3s") == 0;
	s->state = IN_HELLO;
	s->out.fd = -1;
	log_event(LOG_LEVEL_INFO, "pop3-begin");
	log_z("sid", s->sid);
	log_z("peer", s->peer);
	log_z("service", service);
	log_end();
	begin_wait(s);
	s->then = on_rate;
	s->is_counted = true;	/* from here on, whatever the answer */
	ask_rate_ask(daemon_peer(RATED, 0), &ask, pop3_on_note, s);
}

/* --- all of them --------------------------------------------------------- */

void
pop3_stored_gone(const struct chan *c)
{
	struct link *e;

	list_each(e, &sessions) {
		struct pop3 *s = container_of(e, struct pop3, link);

		if (s->stored == c)
			s->stored = NULL;
	}
}

/* Who has not logged in is sent away; the others end their sessions, or
 * master ends us. */
void
pop3_drain(void)
{
	struct link *e, *tmp;

	is_draining = true;
	list_each_safe(e, tmp, &sessions) {
		struct pop3 *s = container_of(e, struct pop3, link);

		if (s->state == IN_AUTH && !s->is_busy) {
			pop3_say(s, "-ERR [SYS/TEMP] going down");
			pop3_go(s, CLOSE);
		}
	}
	look_for_end();
}

size_t
pop3_count(void)
{
	struct link *e;
	size_t n = 0;

	list_each(e, &sessions)
		n++;
	return n;
}
