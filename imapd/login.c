/* SPDX-License-Identifier: ISC */
/*
 * imapd/login.c - LOGIN and AUTHENTICATE.
 *
 * authd says who it is and gives a grant; stored is shown it and gives a
 * handle, without which this process can touch no mailbox.  A password lives
 * until authd has been asked and is wiped.  A wrong one is answered late,
 * each time later; after some the connection ends.
 *
 * RFC 3501 6.2.2, 6.2.3; RFC 4959 (SASL-IR).
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/login.h"
#include "imapd/command.h"
#include "imapd/hello.h"
#include "imapd/imapd.h"
#include "sasl/sasl.h"

#include "base/banned.h"

enum {
	FAILED_MAX = 6,
};

struct login {
	struct sasl	sasl;		/* AUTHENTICATE */
	char		*account;	/* as authd says */
	struct login_show *show;	/* NULL: stored is not asked */
};

static void
login_end(struct session *s)
{
	struct login *l = s->job;

	sasl_end(&l->sasl);
	login_show_end(l->show);
	free(l->account);
}

static struct login_who
who(const struct session *s)
{
	return (struct login_who){ .service = STR("imap"),
	    .peer = str_of(s->peer), .sid = str_of(s->sid) };
}

/* --- failing ------------------------------------------------------------- */

static enum step
work_refused(struct session *s)
{
	if (++s->bad_logins < FAILED_MAX)
		return session_no(s, "[AUTHENTICATIONFAILED] Wrong user name "
		    "or password");
	buf_fmt(OUT(s), "%.*s NO [AUTHENTICATIONFAILED] Wrong user name or "
	    "password\r\n* BYE Too many wrong logins\r\n", STR_ARG(s->tag));
	return CLOSE;
}

static enum step
refused(struct session *s, struct str user)
{
	struct login_who w = who(s);

	return session_sleep(s, login_failed(&w, "imap-login-failed", user,
	    s->bad_logins), work_refused);
}

/* --- right --------------------------------------------------------------- */

static enum step
on_logged(struct session *s, const struct note *n)
{
	const struct note_store_logged *g = note_as_store_logged(n);
	struct login_who w = who(s);
	struct login *l = s->job;

	l->show = NULL;
	if (g == NULL || g->failed != 0)
		return session_unavailable(s);
	s->login = g->login;
	s->account = l->account;
	l->account = NULL;
	s->stored = daemon_stored_of(str_of(s->account));
	s->state = IN_AUTH;
	imapd.logins++;
	login_count(&w, RATE_AUTH_OK, str_of(s->account));
	log_event(LOG_LEVEL_INFO, "imap-login");
	log_z("sid", s->sid);
	log_z("account", s->account);
	log_z("peer", s->peer);
	log_u64("tls", stream_is_tls(&s->stream));
	log_end();
	buf_fmt(OUT(s), "%.*s OK [CAPABILITY ", STR_ARG(s->tag));
	hello_put_capabilities(s);
	buf_z(OUT(s), "] Logged in\r\n");
	s->bad = 0;
	return NEXT;
}

static enum step
show_grant(struct session *s, const struct note_auth_verdict *v)
{
	struct login_who w = who(s);
	struct login *l = s->job;

	l->account = xmemdupz(v->account.p, v->account.n);
	s->then = on_logged;
	l->show = login_show(&w, v, session_on_note, s);
	return WAIT;
}

static enum step
on_verdict(struct session *s, const struct note *n)
{
	const struct note_auth_verdict *v = note_as_auth_verdict(n);
	struct login *l = s->job;

	if (v == NULL || v->result == AUTH_LATER)
		return session_no(s, "[UNAVAILABLE] Cannot check that now, "
		    "please try again");
	if (v->result != AUTH_OK || v->account.n == 0)
		return refused(s, l->sasl.user);
	return show_grant(s, v);
}

static enum step
check(struct session *s)
{
	struct login *l = s->job;
	struct login_who w = who(s);

	s->then = on_verdict;
	login_check(&w, l->sasl.user, l->sasl.secret, l->sasl.authzid,
	    session_on_note, s);
	return WAIT;
}

static enum step
only_with_tls(struct session *s)
{
	return session_no(s, "[PRIVACYREQUIRED] Passwords only with TLS");
}

enum step
cmd_login(struct session *s, struct imap_args *a)
{
	struct login *l = session_job(s, sizeof(*l), login_end);
	struct str user, secret;

	if (l == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	if (!imap_sp(a) || !imap_astring(a, &user) || !imap_sp(a) ||
	    !imap_astring(a, &secret) || !imap_end(a))
		return session_refuse(s, FAIL_SYNTAX);
	if (!hello_may_login(s))
		return only_with_tls(s);
	if (user.n == 0 || user.n > SASL_NAME_MAX ||
	    secret.n > SASL_SECRET_MAX)
		return refused(s, str_sub(user, 0, SASL_NAME_MAX));
	l->sasl.user = user;
	l->sasl.secret = secret;
	return check(s);
}

/* --- AUTHENTICATE -------------------------------------------------------- */

static take_fn	take_answer;

static enum step
on_sasl(struct session *s, enum sasl_step step, struct buf *challenge)
{
	s->take = NULL;
	switch (step) {
	case SASL_ASK:
		buf_z(OUT(s), "+ ");
		buf_add(OUT(s), buf_str(challenge));
		buf_z(OUT(s), "\r\n");
		s->take = take_answer;
		return WAIT;
	case SASL_DONE:
		return check(s);
	case SASL_CANCELLED:
		return session_bad(s, "Cancelled");
	case SASL_UNKNOWN:
		return session_no(s, "[CANNOT] No such mechanism");
	case SASL_BAD:
		break;
	}
	return session_bad(s, "That is no answer to %s", "the challenge");
}

static enum step
take_answer(struct session *s, struct str in, size_t *used_out)
{
	struct str rest = in, line = str_until(&rest, '\n');
	struct login *l = s->job;
	struct buf challenge;
	enum step step;

	if (line.n == in.n) {
		if (in.n <= SASL_LINE_MAX)
			return WAIT;
		buf_z(OUT(s), "* BYE That answer is too long\r\n");
		return CLOSE;
	}
	*used_out = line.n + 1;
	buf_init(&challenge, SASL_LINE_MAX);
	step = on_sasl(s, sasl_answer(&l->sasl, str_chomp(line), &challenge),
	    &challenge);
	buf_free(&challenge);
	explicit_bzero((void *)(uintptr_t)line.p, line.n);
	return step;
}

/* Somebody who opens an exchange and says nothing. */
static void
too_slow(struct session *s)
{
	session_bye(s, "You did not log in");
}

enum step
cmd_authenticate(struct session *s, struct imap_args *a)
{
	struct login *l = session_job(s, sizeof(*l), login_end);
	struct str mech, initial = { NULL, 0 };
	struct buf challenge;
	bool has_initial;
	enum step step;

	if (l == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	if (!imap_sp(a) || !imap_atom(a, &mech))
		return session_refuse(s, FAIL_SYNTAX);
	has_initial = imap_sp(a);
	if (has_initial) {
		initial = a->rest;
		if (str_chr(initial, ' ') < initial.n || initial.n == 0)
			return session_refuse(s, FAIL_SYNTAX);
	} else if (!imap_end(a))
		return session_refuse(s, FAIL_SYNTAX);
	if (!hello_may_login(s))
		return only_with_tls(s);
	s->on_tick = too_slow;
	timer_set(&s->tick, 60 * 1000);
	buf_init(&challenge, SASL_LINE_MAX);
	step = on_sasl(s, sasl_begin(&l->sasl, mech, has_initial, initial,
	    &challenge), &challenge);
	buf_free(&challenge);
	return step;
}
