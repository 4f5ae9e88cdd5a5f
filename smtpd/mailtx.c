/* SPDX-License-Identifier: ISC */
/*
 * smtpd/mailtx.c - MAIL and RCPT: who sends it, and where each copy goes.
 *
 * Each recipient is asked of routed while its client waits, so that nothing
 * is accepted that has nowhere to go.  routed answers with rows, one a
 * target (an alias has several); equal targets of one message become one.
 * The transaction has an arena of its own that goes with it.
 *
 * Relaying is routed's to refuse; what it must know for that, who is logged
 * in and whether the network may relay, is said with every ask.
 */
#include "smtpd/session.h"

#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "smtp/verb.h"

#include "base/banned.h"

#define TX_CAP		(4 * 1024 * 1024)
#define FEW		8
#define TARGETS_MAX	10000	/* of one message, aliases resolved */

static const struct smtp_reply
    fine_sender = { 250, "2.1.0", "sender taken" },
    fine_recipient = { 250, "2.1.5", "recipient taken" },
    bad_order = { 503, "5.5.1", "say MAIL first" },
    too_big = { 552, "5.3.4", "the message is larger than allowed here" },
    too_many = { 452, "4.5.3", "too many recipients, send the rest in another message" },
    route_gone = { 451, "4.3.0", "cannot look up the recipient now, try again later" },
    full = { 452, "4.3.1", "too much in one message" };

void
tx_begin(struct tx *tx)
{
	*tx = (struct tx){ .file = -1, .filling = -1 };
	arena_init(&tx->arena, TX_CAP);
	buf_init(&tx->content, 0);
	buf_init(&tx->raw, 0);
	buf_init(&tx->added, 0);
}

void
tx_end(struct tx *tx)
{
	struct note_spool_cancel cancel = { .mid = str_of(tx->mid) };

	if (tx->is_large)
		note_put_spool_cancel(daemon_peer(SPOOLD, 0), &cancel);
	fd_close(&tx->file);
	fd_close(&tx->filling);
	digest_drop(&tx->digest);
	smtp_head_free(&tx->head);
	tx_drop_content(tx);
	buf_free(&tx->added);
	tx_drop_recoding(tx);
	dict_free(&tx->known);
	arena_free(&tx->arena);
	tx_begin(tx);
}

/* --- MAIL ---------------------------------------------------------------- */

static unsigned
offered(const struct smtp *s)
{
	if (!s->is_esmtp)
		return 0;
	return SMTP_PARAM_SIZE | SMTP_PARAM_8BITMIME |
	    (s->service->offers_auth ? SMTP_PARAM_AUTH : 0);
}

/* A program on this host says "joe": he is joe here. */
static struct str
sender_of(struct smtp *s, const struct addr_path *path)
{
	struct str hostname = daemon_conf()->site.hostname;

	if (path->is_null || path->domain.n > 0 ||
	    str_is(path->local, "postmaster"))
		return arena_str(&s->tx.arena, path->text);
	return arena_fmt(&s->tx.arena, "%.*s@%.*s", STR_ARG(path->text),
	    STR_ARG(hostname));
}

enum step
cmd_mail(struct smtp *s, struct str args)
{
	struct tx *tx = &s->tx;
	struct smtp_mail mail;
	const struct smtp_reply *bad;

	bad = smtp_parse_mail(args, offered(s), s->service->is_local,
	    &s->scratch, &mail);
	if (bad != NULL)
		return smtp_refuse(s, bad);
	if (mail.size > daemon_conf()->smtpd.size_limit)
		return smtp_refuse(s, &too_big);
	tx->sender = sender_of(s, &mail.sender);
	tx->is_8bit = mail.is_8bit;
	tx->size = mail.size;
	tx->targets.end = &tx->targets.first;
	tx->is_open = true;
	return smtp_say(s, &fine_sender);
}

/* --- RCPT ---------------------------------------------------------------- */

/* What routed's word means to the client. */
static const struct verdict {
	unsigned	code;
	const char	*enhanced;
	const char	*text;		/* when routed gave none */
} verdicts[] = {
	[ROUTE_OK]	= { 250, "2.1.5", "recipient taken" },
	[ROUTE_UNKNOWN]	= { 550, "5.1.1", "no such mailbox here" },
	[ROUTE_NO_RELAY] = { 550, "5.7.1", "we do not relay for you: log in first" },
	[ROUTE_LOOP]	= { 550, "5.4.6", "the address leads in a circle" },
	[ROUTE_TOO_MANY] = { 550, "5.2.4", "the address stands for too many others" },
	[ROUTE_BAD_ADDRESS] = { 553, "5.1.3", "the address is not well-formed" },
	[ROUTE_LATER]	= { 451, "4.3.0", "cannot look up the recipient now, try again later" },
};

/* account for a mailbox, address for what travels; the kind tells apart. */
static struct str
target_key(struct arena *a, const struct target *t)
{
	return arena_fmt(a, "%u %.*s %.*s", t->kind, STR_ARG(t->kind ==
	    ROUTE_LOCAL ? t->account : t->address), STR_ARG(t->detail));
}

/* A few are compared one by one; a dict costs a random key, so only a message
 * with many has one. */
static bool
is_known(struct tx *tx, const struct target *t)
{
	if (tx->targets.n > FEW)
		return dict_get(&tx->known, t->key) != NULL;
	for (struct target *k = tx->targets.first; k != NULL; k = k->next)
		if (str_eq(k->key, t->key))
			return true;
	return false;
}

static void
know(struct tx *tx, struct target *t)
{
	struct target *k = t;

	if (tx->targets.n == FEW + 1) {
		dict_init(&tx->known);
		k = tx->targets.first;
	}
	if (tx->targets.n > FEW)
		for (; k != NULL; k = k->next)
			(void)dict_put(&tx->known, k->key, k);
}

/* false: no room. */
static bool
keep_target(struct tx *tx, struct target *t)
{
	t->key = target_key(&tx->arena, t);
	if (t->key.p == NULL || tx->targets.n >= TARGETS_MAX)
		return false;
	if (is_known(tx, t))
		return true;
	t->next = NULL;
	*tx->targets.end = t;
	tx->targets.end = &t->next;
	tx->targets.n++;
	know(tx, t);
	return true;
}

bool
tx_refuse(struct tx *tx, struct str address, struct str reason)
{
	struct target *t = arena_get(&tx->arena, sizeof(*t));

	if (t == NULL)
		return false;
	t->kind = ROUTE_REFUSED;
	t->address = arena_str(&tx->arena, address);
	t->reason = arena_str(&tx->arena, reason);
	if (t->address.n != address.n || t->reason.n != reason.n ||
	    !keep_target(tx, t))
		return false;
	tx->recipients++;
	tx->only_rcpt = STR("");	/* who was taken is not alone */
	return true;
}

static bool
copy_row(struct tx *tx, const struct note_route_row *row)
{
	struct target *t = arena_get(&tx->arena, sizeof(*t));

	if (t == NULL)
		return false;
	t->kind = row->kind;
	t->address = arena_str(&tx->arena, row->address);
	t->account = arena_str(&tx->arena, row->account);
	t->home = arena_str(&tx->arena, row->home);
	t->detail = arena_str(&tx->arena, row->detail);
	if (t->address.n != row->address.n || t->account.n != row->account.n ||
	    t->home.n != row->home.n || t->detail.n != row->detail.n)
		return false;
	*tx->asked.end = t;
	tx->asked.end = &t->next;
	tx->asked.n++;
	return true;
}

static enum step
accept_recipient(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct target *t = tx->asked.first, *next;

	for (; t != NULL; t = next) {
		next = t->next;
		if (!keep_target(tx, t))
			return smtp_say(s, &full);
	}
	tx->only_rcpt = ++tx->recipients == 1 ? tx->rcpt : STR("");
	return smtp_say(s, &fine_recipient);
}

static enum step
refuse_recipient(struct smtp *s, const struct note_route_done *done)
{
	const struct verdict *v = &verdicts[done->result < NITEMS(verdicts) ?
	    done->result : ROUTE_LATER];
	struct note_rate_count count = {
		.what = RATE_UNKNOWN_RCPT, .service = str_of(s->service->name),
		.peer = s->peer, .account = s->login.account,
	};
	struct str text = done->text.n > 0 ? done->text : str_of(v->text);

	smtp_log(s, LOG_LEVEL_INFO, "smtpd-recipient-refused");
	log_str("sender", s->tx.sender);
	log_str("recipient", s->tx.rcpt);
	log_u64("code", v->code);
	log_str("reason", text);
	log_end();
	if (v->code < 500) {
		smtp_reply_text(&s->stream.out, v->code, str_of(v->enhanced),
		    text);
		return NEXT;
	}
	if (done->result == ROUTE_UNKNOWN)
		note_put_rate_count(daemon_any(RATED), &count);
	return smtp_refuse_text(s, v->code, v->enhanced, text);
}

static void
on_route(void *session, const struct note *n)
{
	struct smtp *s = session;
	struct tx *tx = &s->tx;
	const struct note_route_row *row = note_as_route_row(n);
	const struct note_route_done *done = note_as_route_done(n);

	if (row != NULL) {
		if (!copy_row(tx, row))
			tx->asked.n = TARGETS_MAX + 1;
		return;
	}
	if (done == NULL)
		smtp_go(s, smtp_say(s, &route_gone));
	else if (done->result != ROUTE_OK)
		smtp_go(s, refuse_recipient(s, done));
	else if (tx->asked.n > TARGETS_MAX)
		smtp_go(s, smtp_say(s, &full));
	else if (tx->asked.n == 0 || tx->asked.n != done->targets)
		smtp_go(s, smtp_say(s, &route_gone));
	else
		smtp_go(s, accept_recipient(s));
}

enum step
cmd_rcpt(struct smtp *s, struct str args)
{
	struct tx *tx = &s->tx;
	struct note_route_ask ask = {
		.sender = tx->sender, .account = s->login.account,
		.may_relay = s->may_relay || s->login.is_in,
	};
	struct smtp_rcpt rcpt;
	const struct smtp_reply *bad;

	if (!tx->is_open)
		return smtp_refuse(s, &bad_order);
	bad = smtp_parse_rcpt(args, s->service->is_local || s->login.is_in,
	    &s->scratch, &rcpt);
	if (bad != NULL)
		return smtp_refuse(s, bad);
	/* of maildrop there is nobody to send the rest in another message */
	if (s->drop == NULL &&
	    tx->recipients >= daemon_conf()->smtpd.recipient_limit)
		return smtp_say(s, &too_many);
	tx->rcpt = arena_str(&tx->arena, rcpt.recipient.text);
	if (tx->rcpt.p == NULL)
		return smtp_say(s, &full);
	tx->asked = (struct targets){ .end = &tx->asked.first };
	ask.address = tx->rcpt;
	ask_route_ask(daemon_any(ROUTED), &ask, on_route, s);
	return WAIT;
}
