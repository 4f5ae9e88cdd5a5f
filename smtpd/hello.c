/* SPDX-License-Identifier: ISC */
/*
 * smtpd/hello.c - the beginning of a session, and of it in TLS.
 *
 * Before the greeting rated is asked whether this address may come in; when
 * rated is not there it may, for a counter is no reason to lose mail.  TLS
 * makes the session new: all that was said in clear is forgotten (RFC 3207
 * 4.2), and what came behind STARTTLS in the same packet is thrown away by
 * the stream (CVE-2011-0411).
 */
#include "smtpd/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "smtp/ext.h"
#include "smtp/verb.h"

#include "base/banned.h"

#define HANDSHAKE_MS	20000

static const struct smtp_reply
    too_much = { 421, "4.7.0", "too many connections or failures, try again later" },
    tls_go = { 220, "2.0.0", "begin TLS" },
    tls_twice = { 503, "5.5.1", "TLS is there already" },
    tls_none = { 502, "5.5.1", "TLS is not offered here" },
    tls_after_login = { 503, "5.5.1", "TLS comes before the login" };

/* --- greeting ------------------------------------------------------------ */

static enum step
greet_now(struct smtp *s)
{
	s->is_greeted = true;
	buf_fmt(&s->stream.out, "220 %.*s ESMTP\r\n",
	    STR_ARG(daemon_conf()->site.hostname));
	return NEXT;
}

/* Said once, not for each session. */
static void
note_rated(bool is_there)
{
	static bool was_gone;

	if (was_gone == is_there)
		log_say(LOG_LEVEL_WARN, is_there ? "rated-back" :
		    "rated-gone", "%s", is_there ? "limits are on again" :
		    "everybody may come in until it is back");
	was_gone = !is_there;
}

static enum step
turn_away(struct smtp *s, const struct note_rate_verdict *v)
{
	smtp_log(s, LOG_LEVEL_INFO, "smtpd-turned-away");
	log_str("reason", v->text);
	log_end();
	if (v->text.n > 0)
		smtp_reply_text(&s->stream.out, 421, STR("4.7.0"), v->text);
	else
		smtp_reply_put(&s->stream.out, &too_much);
	return CLOSE;
}

static void
on_rate(void *session, const struct note *n)
{
	struct smtp *s = session;
	const struct note_rate_verdict *v = note_as_rate_verdict(n);

	note_rated(v != NULL);
	if (v != NULL && v->result == RATE_REFUSE)
		smtp_go(s, turn_away(s, v));
	else if (v != NULL && v->delay_ms > 0)
		smtp_go(s, smtp_delay(s, v->delay_ms, greet_now));
	else
		smtp_go(s, greet_now(s));
}

enum step
smtp_greet(struct smtp *s)
{
	struct note_rate_ask ask = {
		.what = RATE_CONNECT, .service = str_of(s->service->name),
		.peer = s->peer,
	};

	if (s->service->is_local)
		return greet_now(s);
	s->is_counted = true;	/* from here on, whatever the answer */
	ask_rate_ask(daemon_any(RATED), &ask, on_rate, s);
	return WAIT;
}

/* --- EHLO ---------------------------------------------------------------- */

static bool
starttls_offered(const struct smtp *s)
{
	return s->service->offers_tls && !stream_is_tls(&s->stream) &&
	    !s->login.is_in && smtpd_tls() != NULL;
}

/* Both forget the mail in hand (RFC 5321 4.1.4). */
static enum step
hello(struct smtp *s, struct str args, bool is_esmtp)
{
	const struct conf *conf = daemon_conf();
	struct str name;
	const struct smtp_reply *bad = smtp_parse_hello(args, &name);

	if (bad != NULL)
		return smtp_refuse(s, bad);
	/* A client may say it many times; the session keeps 16 KiB of them. */
	name = arena_str(&s->arena, name);
	if (name.p != NULL || s->helo.n == 0)
		s->helo = name.p != NULL ? name : STR("-");
	s->is_esmtp = is_esmtp;
	smtp_forget_mail(s);
	if (is_esmtp)
		smtp_ehlo_put(&s->stream.out, &(struct smtp_offer){
			.hostname = conf->site.hostname,
			.size_limit = conf->smtpd.size_limit,
			.starttls = starttls_offered(s),
			.auth = smtp_auth_offered(s),
		});
	else
		buf_fmt(&s->stream.out, "250 %.*s\r\n",
		    STR_ARG(conf->site.hostname));
	return NEXT;
}

enum step
cmd_ehlo(struct smtp *s, struct str args)
{
	return hello(s, args, true);
}

enum step
cmd_helo(struct smtp *s, struct str args)
{
	return hello(s, args, false);
}

/* --- STARTTLS ------------------------------------------------------------ */

enum step
cmd_starttls(struct smtp *s, struct str args)
{
	if (stream_is_tls(&s->stream))
		return smtp_refuse(s, &tls_twice);
	if (s->login.is_in)
		return smtp_refuse(s, &tls_after_login);
	if (!starttls_offered(s))
		return smtp_refuse(s, &tls_none);
	smtp_forget_mail(s);
	s->helo = STR("");
	smtp_reply_put(&s->stream.out, &tls_go);
	smtp_begin_tls(s);
	return WAIT;
}

/* A handshake that is not finished soon never will be. */
void
smtp_begin_tls(struct smtp *s)
{
	int64_t wait_ms = daemon_conf()->smtpd.command_timeout;

	stream_idle(&s->stream, wait_ms < HANDSHAKE_MS ? wait_ms :
	    HANDSHAKE_MS);
	stream_start_tls(&s->stream, smtpd_tls());
}

void
smtp_on_tls(struct stream *st)
{
	struct smtp *s = container_of(st, struct smtp, stream);

	stream_idle(st, daemon_conf()->smtpd.command_timeout);
	smtp_go(s, s->is_greeted ? NEXT : smtp_greet(s));
}
