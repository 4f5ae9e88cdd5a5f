/* SPDX-License-Identifier: ISC */
/*
 * smtpd/auth.c - AUTH.
 *
 * The exchange is lib/sasl's, the verdict authd's, the price of a wrong
 * password rated's.  A good one leaves a grant: proof for spoold that this
 * session may send for that account.  Passwords are neither logged nor kept.
 *
 * RFC 4954.
 */
#include "smtpd/session.h"

#include "base/log.h"

#include "base/banned.h"

static const struct smtp_reply
    no_auth = { 502, "5.5.1", "there is no login on this port" },
    auth_twice = { 503, "5.5.1", "you are logged in already" },
    auth_needs_tls = { 538, "5.7.11", "STARTTLS comes before a login" },
    auth_syntax = { 501, "5.5.4", "say AUTH and a mechanism" },
    auth_unknown = { 504, "5.5.4", "the mechanism is not offered" },
    auth_bad = { 501, "5.5.2", "this is not what the mechanism says" },
    auth_cancelled = { 501, "5.7.0", "login cancelled" },
    auth_later = { 454, "4.7.0", "cannot check that now, try again later" },
    auth_wrong = { 535, "5.7.8", "wrong user name or password" },
    auth_fine = { 235, "2.7.0", "welcome" },
    auth_enough = { 421, "4.7.0", "too many failed logins, closing" };

bool
smtp_auth_offered(const struct smtp *s)
{
	return s->service->offers_auth && !s->login.is_in &&
	    (stream_is_tls(&s->stream) || daemon_conf()->site.cleartext_logins);
}

static void
log_login(const struct smtp *s, bool is_good)
{
	smtp_log(s, is_good ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	    is_good ? "smtpd-login" : "smtpd-login-failed");
	log_str("user", s->sasl.user);
	log_z("service", s->service->name);
	log_end();
}

static enum step
say_wrong(struct smtp *s)
{
	return smtp_refuse(s, &auth_wrong);
}

/* What rated makes of a failure: the wait before the answer, or the end. */
static void
on_penalty(void *session, const struct note *n)
{
	struct smtp *s = session;
	const struct note_rate_verdict *v = note_as_rate_verdict(n);

	if (v != NULL && v->result == RATE_REFUSE) {
		smtp_reply_put(&s->stream.out, &auth_enough);
		smtp_go(s, CLOSE);
	} else if (v != NULL && v->delay_ms > 0) {
		smtp_go(s, smtp_delay(s, v->delay_ms, say_wrong));
	} else {
		smtp_go(s, say_wrong(s));
	}
}

static enum step
wrong(struct smtp *s)
{
	struct note_rate_ask ask = {
		.what = RATE_AUTH_FAILED, .service = str_of(s->service->name),
		.peer = s->peer,
		.account = str_sub(s->sasl.user, 0, ACCOUNT_MAX),
	};

	log_login(s, false);
	ask_rate_ask(daemon_any(RATED), &ask, on_penalty, s);
	sasl_end(&s->sasl);
	return WAIT;
}

static enum step
right(struct smtp *s, const struct note_auth_verdict *v)
{
	struct note_rate_count count = {
		.what = RATE_AUTH_OK, .service = str_of(s->service->name),
		.peer = s->peer, .account = v->account,
	};
	struct login login = {
		.is_in = true,
		.account = arena_str(&s->arena, v->account),
		.home = arena_str(&s->arena, v->home),
		.grant = arena_str(&s->arena, v->grant),
		.expires_ms = v->expires_ms,
	};

	if (login.account.p == NULL || login.home.n != v->home.n ||
	    login.grant.n != v->grant.n)
		return smtp_say(s, &auth_later);
	s->login = login;
	log_login(s, true);
	note_put_rate_count(daemon_any(RATED), &count);
	return smtp_say(s, &auth_fine);
}

static void
on_verdict(void *session, const struct note *n)
{
	struct smtp *s = session;
	const struct note_auth_verdict *v = note_as_auth_verdict(n);
	enum step step;

	if (v == NULL || v->result == AUTH_LATER)
		step = smtp_say(s, &auth_later);
	else if (v->result == AUTH_OK)
		step = right(s, v);
	else
		step = wrong(s);
	if (step != WAIT)
		sasl_end(&s->sasl);
	smtp_go(s, step);
}

static enum step
check(struct smtp *s)
{
	struct note_auth_check ask = {
		.user = s->sasl.user, .secret = s->sasl.secret,
		.authzid = s->sasl.authzid,
		.service = str_of(s->service->name), .peer = s->peer,
		.sid = str_of(s->sid),
	};

	ask_auth_check(daemon_authd_of(ask.user), &ask, on_verdict, s);
	return WAIT;
}

/* What lib/sasl says after each line of the client. */
static enum step
go_on(struct smtp *s, enum sasl_step step, struct buf *challenge)
{
	static const struct smtp_reply *const replies[] = {
		[SASL_CANCELLED] = &auth_cancelled, [SASL_BAD] = &auth_bad,
		[SASL_UNKNOWN] = &auth_unknown,
	};

	s->mode = step == SASL_ASK ? MODE_AUTH : MODE_COMMAND;
	if (step == SASL_ASK) {
		buf_fmt(&s->stream.out, "334 %s\r\n", buf_cstr(challenge));
		return NEXT;
	}
	if (step == SASL_DONE)
		return check(s);
	sasl_end(&s->sasl);
	return smtp_refuse(s, replies[step]);
}

enum step
cmd_auth(struct smtp *s, struct str args)
{
	struct str mech = str_word(&args), initial = str_word(&args);
	struct buf challenge;
	enum step step;

	if (!s->service->offers_auth)
		return smtp_refuse(s, &no_auth);
	if (s->login.is_in)
		return smtp_refuse(s, &auth_twice);
	if (mech.n == 0 || str_more(args))
		return smtp_refuse(s, &auth_syntax);
	if (!smtp_auth_offered(s))
		return smtp_refuse(s, &auth_needs_tls);
	buf_init(&challenge, SASL_LINE_MAX);
	step = go_on(s, sasl_begin(&s->sasl, mech, initial.n > 0, initial,
	    &challenge), &challenge);
	buf_free(&challenge);
	return step;
}

enum step
smtp_auth_line(struct smtp *s, struct str line)
{
	struct buf challenge;
	enum step step;

	buf_init(&challenge, SASL_LINE_MAX);
	step = go_on(s, sasl_answer(&s->sasl, line, &challenge), &challenge);
	buf_free(&challenge);
	return step;
}
