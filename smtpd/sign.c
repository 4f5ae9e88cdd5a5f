/* SPDX-License-Identifier: ISC */
/*
 * smtpd/sign.c - has a message signed, between its last octet and the spool.
 *
 * signd sees the content as it will lie in the spool and the header lines
 * that we put before it; its lines go on top of those.  Asked for what comes
 * by submission, or from who may relay: nobody else sends in our name.
 *
 * Where no signd answers (help.c) `dkim unavailable' decides.  Its default
 * is 451: a message that leaves without a signature is refused or
 * thought to be spam by big receivers, which nobody can mend afterwards; one
 * that is late is only late, and its sender is told at once.
 */
#include "smtpd/session.h"

#include "base/banned.h"

static const struct smtp_reply
    sign_gone = { 451, "4.3.0", "cannot sign the message now, try again later" },
    login_again = { 530, "5.7.0", "the login is too old, log in again" };

static enum step
unavailable(struct smtp *s)
{
	if (str_same(daemon_conf()->dkim.unavailable, "later"))
		return smtp_data_refuse(s, &sign_gone);
	smtp_log(s, LOG_LEVEL_WARN, "smtpd-unsigned");
	log_str("mid", str_of(s->tx.mid));
	log_end();
	return s->tx.help.then(s);
}

static enum step
signed_or_not(struct smtp *s, const struct note_sign_done *d)
{
	if (d == NULL || d->failed == -FAIL_TEMP)
		return smtp_help_again(s, d != NULL) ? smtp_help_later(s) :
		    unavailable(s);
	if (d->failed == -FAIL_DENIED)
		return smtp_data_refuse(s, &login_again);
	if (d->failed == 0)	/* else it cannot be signed, ever */
		buf_front(&s->tx.added, d->added);
	return s->tx.help.then(s);
}

static void
on_signed(void *session, const struct note *n)
{
	struct smtp *s = session;

	smtp_go(s, signed_or_not(s, note_as_sign_done(n)));
}

static enum step
ask(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct note_sign_ask n = {
		.mid = str_of(tx->mid), .size = tx->written,
		.added = buf_str(&tx->added), .account = s->login.account,
		.home = s->login.home, .service = str_of(s->service->name),
		.sid = str_of(s->sid), .expires_ms = s->login.expires_ms,
		.grant = s->login.grant, .fd = tx->file,
	};

	ask_sign_ask(smtp_helper(s, SIGND), &n, on_signed, s);
	return WAIT;
}

enum step
smtp_sign(struct smtp *s, smtp_step_fn *then)
{
	if (!daemon_conf()->dkim.sign ||
	    !(s->service->is_submission || s->may_relay))
		return then(s);
	return smtp_help(s, ask, then);
}
