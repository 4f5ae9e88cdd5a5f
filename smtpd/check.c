/* SPDX-License-Identifier: ISC */
/*
 * smtpd/check.c - has a message of a stranger checked, between its last octet
 * and the spool: SPF, DKIM, DMARC by checkd.
 *
 * checkd sees the content as it will lie in the spool.  What it answers goes
 * on top of our lines, so that Authentication-Results stands first, or is a
 * refusal.  Forged lines in our name are gone by then (smtp/head.h).
 *
 * Who logged in, may relay, is trusted or listed in `check skip' is not
 * asked about: what they may do was decided otherwise.  Where no checkd
 * answers (help.c) `check unavailable' decides; its default takes the mail,
 * and says temperror where readers and filters look.
 */
#include "smtpd/session.h"

#include "conf/net.h"
#include "mail/authres.h"

#include "base/banned.h"

static const struct smtp_reply
    check_gone = { 451, "4.7.0", "cannot check the message now, try again later" };

struct str
smtp_authserv_id(void)
{
	const struct conf *c = daemon_conf();

	return c->check.authserv_id.n > 0 ? c->check.authserv_id :
	    c->site.hostname;
}

static void
put_unknown(struct buf *added)
{
	static const char *const methods[] = { "spf", "dkim", "dmarc" };
	struct authres a;
	struct buf line;

	buf_init(&line, 1024);
	authres_begin(&a, &line, smtp_authserv_id());
	for (size_t i = 0; i < NITEMS(methods); i++) {
		authres_result(&a, methods[i], "temperror");
		authres_reason(&a, "not checked");
	}
	authres_end(&a);
	buf_front(added, buf_str(&line));
	buf_free(&line);
}

static enum step
unavailable(struct smtp *s)
{
	smtp_log(s, LOG_LEVEL_WARN, "smtpd-unchecked");
	log_str("mid", str_of(s->tx.mid));
	log_end();
	if (str_same(daemon_conf()->check.unavailable, "later"))
		return smtp_data_refuse(s, &check_gone);
	put_unknown(&s->tx.added);
	return s->tx.help.then(s);
}

static enum step
refuse(struct smtp *s, const struct note_check_done *d)
{
	struct smtp_reply r = { .code = d->code,
	    .enhanced = str_z(&s->tx.arena, d->status),
	    .text = str_z(&s->tx.arena, d->text) };

	if (r.enhanced == NULL || r.text == NULL || r.code < 400 ||
	    r.code > 599)
		return smtp_data_refuse(s, &check_gone);
	return smtp_data_refuse(s, &r);
}

static enum step
checked(struct smtp *s, const struct note_check_done *d)
{
	if (d == NULL || d->failed != 0)
		return smtp_help_again(s, d != NULL) ? smtp_help_later(s) :
		    unavailable(s);
	if (d->action == CHECK_REJECT || d->action == CHECK_LATER)
		return refuse(s, d);
	buf_front(&s->tx.added, d->added);
	return s->tx.help.then(s);
}

static void
on_checked(void *session, const struct note *n)
{
	struct smtp *s = session;

	smtp_go(s, checked(s, note_as_check_done(n)));
}

static enum step
ask(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct note_check_ask n = {
		.mid = str_of(tx->mid), .sid = str_of(s->sid),
		.peer = s->peer, .helo = str_sub(s->helo, 0, 255),
		.sender = tx->sender, .size = tx->written, .fd = tx->file,
	};

	ask_check_ask(smtp_helper(s, CHECKD), &n, on_checked, s);
	return WAIT;
}

static bool
is_stranger(const struct smtp *s)
{
	const struct conf *c = daemon_conf();

	return !s->service->is_submission && !s->login.is_in &&
	    !s->may_relay && !net_listed(&c->site.trusted, s->peer) &&
	    !net_listed(&c->check.skip, s->peer);
}

enum step
smtp_check(struct smtp *s, smtp_step_fn *then)
{
	if (!daemon_conf()->check.mail || !is_stranger(s))
		return then(s);
	return smtp_help(s, ask, then);
}
