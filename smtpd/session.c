/* SPDX-License-Identifier: ISC */
/*
 * smtpd/session.c - the life of one client connection.
 *
 * Bytes come from the stream and are cut into lines, or go to data.c as they
 * are; what a handler returns says whether to read on, to wait, or to end.
 * While a session waits nothing of it is read: commands that were pipelined
 * stand in the input until the answer is out.
 *
 * A line ends with CRLF and nothing else (RFC 5321 2.3.8).  One that is too
 * long is one refusal, and all of it is thrown away.
 */
#include "smtpd/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "conf/net.h"
#include "smtp/verb.h"

#include "base/banned.h"

#define IN_MAX		(32 * 1024)
#define OUT_MAX		(256 * 1024)
#define SESSION_CAP	(16 * 1024)
#define SCRATCH_CAP	(32 * 1024)
#define ERRORS_SLOW	10	/* errors after which answers take longer */
#define ERRORS_MAX	20	/* without a message between them */
#define SLOW_MS		100

static const struct smtp_reply
    too_long = { 500, "5.5.2", "the line is too long" },
    bare_lf = { 500, "5.5.2", "a line ends with CR LF" },
    too_many_errors = { 421, "4.7.0", "too many errors, closing" },
    timed_out = { 421, "4.4.2", "waited too long, closing" },
    draining = { 421, "4.3.2", "shutting down, try again soon" };

/* What is different on each port. */
static const struct service services[] = {
	{ .name = "smtp", .offers_tls = true },
	{ .name = "submission", .is_submission = true, .needs_login = true,
	  .offers_auth = true, .offers_tls = true },
	{ .name = "submissions", .is_submission = true, .needs_login = true,
	  .offers_auth = true, .begins_tls = true },
	{ .name = "submit", .is_submission = true, .is_local = true },
	{ .name = "maildrop", .is_submission = true, .is_local = true },
};

static struct link sessions = { &sessions, &sessions };

static void	on_input(struct stream *st);
static void	on_idle(struct stream *st);
static void	on_end(struct stream *st, enum stream_end how);

static const struct stream_ops stream_ops = {
	.on_input = on_input, .on_tls = smtp_on_tls, .on_idle = on_idle,
	.on_end = on_end,
};

/* --- saying -------------------------------------------------------------- */

void
smtp_log(const struct smtp *s, enum log_level level, const char *event)
{
	log_event(level, event);
	log_z("sid", s->sid);
	log_str("peer", s->peer);
}

enum step
smtp_say(struct smtp *s, const struct smtp_reply *r)
{
	smtp_reply_put(&s->stream.out, r);
	return NEXT;
}

/* Counts a fault of the client; slower from the tenth on, over at 20. */
static enum step
count_error(struct smtp *s)
{
	struct note_rate_count count = {
		.what = RATE_BAD_COMMAND, .service = str_of(s->service->name),
		.peer = s->peer, .account = s->login.account,
	};

	if (++s->errors <= ERRORS_SLOW || s->service->is_local)
		return NEXT;
	if (s->errors > ERRORS_MAX) {
		note_put_rate_count(daemon_any(RATED), &count);
		smtp_log(s, LOG_LEVEL_WARN, "smtpd-errors");
		log_u64("errors", s->errors);
		log_end();
		smtp_reply_put(&s->stream.out, &too_many_errors);
		return CLOSE;
	}
	return smtp_delay(s, SLOW_MS, NULL);
}

enum step
smtp_refuse(struct smtp *s, const struct smtp_reply *r)
{
	smtp_reply_put(&s->stream.out, r);
	return count_error(s);
}

enum step
smtp_refuse_text(struct smtp *s, unsigned code, const char *enhanced,
    struct str text)
{
	smtp_reply_text(&s->stream.out, code, str_of(enhanced), text);
	return count_error(s);
}

void
smtp_forget_mail(struct smtp *s)
{
	tx_end(&s->tx);
}

/* --- waiting ------------------------------------------------------------- */

static bool
is_idle(const struct smtp *s)
{
	return !s->is_waiting && !s->tx.is_open && s->mode == MODE_COMMAND;
}

/* Between two messages, when the process wants to stop. */
static enum step
maybe_drain(struct smtp *s, enum step step)
{
	if (step != NEXT || !daemon_draining() || !is_idle(s))
		return step;
	smtp_reply_put(&s->stream.out, &draining);
	return CLOSE;
}

static void
obey(struct smtp *s, enum step step)
{
	s->is_waiting = step == WAIT;
	step = maybe_drain(s, step);
	if (step == WAIT) {
		stream_pause(&s->stream);
	} else if (step == CLOSE) {
		s->is_over = true;
		stream_close_after_flush(&s->stream);
	}
}

void
smtp_go(struct smtp *s, enum step step)
{
	if (s->drop != NULL) {
		drop_go(s, step);
		return;
	}
	obey(s, step);
	if (step == NEXT && !s->is_over)
		stream_resume(&s->stream);
	stream_flush(&s->stream);
}

static void
on_delay(struct timer *t)
{
	struct smtp *s = container_of(t, struct smtp, delay);

	smtp_go(s, s->after_delay == NULL ? NEXT : s->after_delay(s));
}

enum step
smtp_delay(struct smtp *s, int64_t wait_ms, enum step (*then)(struct smtp *))
{
	s->after_delay = then;
	timer_set(&s->delay, wait_ms);
	return WAIT;
}

/* --- lines --------------------------------------------------------------- */

/* It was no line, whoever waited for one; a login that goes on ends. */
static enum step
bad_line(struct smtp *s, const struct smtp_reply *r)
{
	sasl_end(&s->sasl);
	s->mode = MODE_COMMAND;
	return smtp_refuse(s, r);
}

static enum step
give_line(struct smtp *s, struct str line)
{
	enum step step;

	if (line.n == 0 || line.p[line.n - 1] != '\r')
		return bad_line(s, &bare_lf);
	line.n--;
	step = s->mode == MODE_AUTH ? smtp_auth_line(s, line) :
	    smtp_command(s, line);
	arena_reset(&s->scratch);
	return step;
}

/* The end of a line that was too long has come. */
static enum step
end_long_line(struct smtp *s)
{
	s->skips_line = false;
	return bad_line(s, &too_long);
}

/* One line of the input; false: it is not there yet. */
static bool
take_line(struct smtp *s, enum step *step_out)
{
	struct buf *input = &s->stream.in;
	struct str in = buf_str(input);
	size_t lf = str_chr(in, '\n');

	if (lf < in.n) {
		*step_out = s->skips_line || lf > SMTP_AUTH_LINE_MAX + 1 ?
		    end_long_line(s) : give_line(s, str_sub(in, 0, lf));
		/* STARTTLS has thrown the input away already. */
		buf_consume(input, num_min(lf + 1, input->len));
		return true;
	}
	if (s->mode == MODE_COMMAND && !s->skips_line &&
	    quirk_is_foreign(in)) {
		/* A ClientHello need not have a line end. */
		*step_out = smtp_command(s, in);
		return true;
	}
	if (s->skips_line || in.n > SMTP_AUTH_LINE_MAX + 2) {
		s->skips_line = true;
		buf_consume(input, in.n);
	}
	return false;
}

static void
on_input(struct stream *st)
{
	struct smtp *s = container_of(st, struct smtp, stream);

	while (!s->is_waiting && !s->is_over && s->is_greeted &&
	    st->in.len > 0 && !stream_full(st)) {
		enum step step = NEXT;

		if (s->mode == MODE_DATA)
			step = smtp_data_input(s);
		else if (!take_line(s, &step))
			break;
		obey(s, step);
	}
}

/* --- begin and end ------------------------------------------------------- */

void
smtp_release(struct smtp *s)
{
	static const enum proc asked[] = { AUTHD, RATED, ROUTED, SPOOLD,
	    SIGND, CHECKD };

	/* Asks are forgotten on every channel: a session does not know which
	 * worker of a pool it asked. */
	for (size_t i = 0; i < NITEMS(asked); i++)
		for (unsigned k = 0; k < daemon_peer_count(asked[i]); k++)
			chan_forget(daemon_peer(asked[i], k), s);
	chan_forget(NULL, s);
	timer_stop(&s->delay);
	tx_end(&s->tx);
	sasl_end(&s->sasl);
	arena_free(&s->scratch);
	arena_free(&s->arena);
}

static void
session_free(struct smtp *s)
{
	smtp_release(s);
	list_remove(&s->link);
	stream_free(&s->stream);
	free(s);
	if (daemon_draining() && list_empty(&sessions))
		daemon_exit();
}

/* The client has said nothing for too long; unless it waits for us. */
static void
on_idle(struct stream *st)
{
	struct smtp *s = container_of(st, struct smtp, stream);

	if (s->is_waiting)
		return;
	smtp_reply_put(&st->out, &timed_out);
	obey(s, CLOSE);
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
	struct smtp *s = container_of(st, struct smtp, stream);
	struct note_rate_count count = {
		.what = RATE_DISCONNECT, .service = str_of(s->service->name),
		.peer = s->peer,
	};

	if (s->is_counted)
		note_put_rate_count(daemon_any(RATED), &count);
	smtp_log(s, LOG_LEVEL_INFO, "smtpd-end");
	log_z("service", s->service->name);
	log_z("how", words[how]);
	if (how == STREAM_TLS_FAILED && st->tls != NULL)
		log_z("reason", tls_why(st->tls));
	log_str("helo", s->helo);
	log_u64("messages", s->messages);
	log_u64("errors", s->errors);
	log_end();
	session_free(s);
}

static const struct service *
find_service(const char *name)
{
	for (size_t i = 0; i < NITEMS(services); i++)
		if (str_same(str_of(name), services[i].name))
			return &services[i];
	bug("no service %s", name);
}

void
smtp_begin(struct smtp *s, const char *service_name, struct str peer)
{
	s->service = find_service(service_name);
	arena_init(&s->arena, SESSION_CAP);
	arena_init(&s->scratch, SCRATCH_CAP);
	timer_init(&s->delay, on_delay);
	tx_begin(&s->tx);
	sid_make(clock_real_ms(), s->sid);
	s->peer = arena_str(&s->arena, peer);
	s->may_relay = s->service->is_local ||
	    net_listed(&daemon_conf()->smtpd.relay_networks, peer);
}

void
smtp_client(int fd, const char *service_name, struct str peer)
{
	const struct conf *conf = daemon_conf();
	struct smtp *s = xcalloc(1, sizeof(*s));
	const struct service *service;

	smtp_begin(s, service_name, peer);
	service = s->service;
	list_push(&sessions, &s->link);
	stream_init(&s->stream, fd, IN_MAX, OUT_MAX, &stream_ops);
	stream_idle(&s->stream, conf->smtpd.command_timeout);
	if (service->begins_tls && smtpd_tls() == NULL) {
		obey(s, CLOSE);
	} else if (service->begins_tls) {
		smtp_begin_tls(s);
	} else {
		obey(s, smtp_greet(s));
		stream_flush(&s->stream);
	}
}

void
smtp_drain_all(void)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &sessions) {
		struct smtp *s = container_of(l, struct smtp, link);

		if (is_idle(s) && !s->is_over)
			smtp_go(s, NEXT);
	}
	if (list_empty(&sessions))
		daemon_exit();
}

size_t
smtp_count(void)
{
	struct link *l;
	size_t n = 0;

	list_each(l, &sessions)
		n++;
	return n;
}
