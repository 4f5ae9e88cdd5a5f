/* SPDX-License-Identifier: ISC */
/*
 * smtpd/data.c - the content of a message, from 354 to the answer.
 *
 * In one pass, as it comes: framing and dots (smtp/body), the header's
 * forgeries (smtp/head), size.  Up to 256 KiB it is kept here and goes to
 * spoold in a sealed memfd, which nobody can change any more; what is larger
 * goes into a file that spoold opened for it, with its SHA-256.  The headers
 * we add are not put into it: they travel beside it as ADDED lines.
 *
 * 250 is said when spoold has it on disk, and never before.  When spoold
 * does not answer, the client is told to come again: it may then have been
 * taken after all, and be taken twice; it can never be lost.
 */
#include "smtpd/session.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "mail/date.h"
#include "mail/msgid.h"
#include "mail/trace.h"

#include "base/banned.h"

#define LARGE_AT	(256 * 1024)	/* architecture.md, section 4 */
#define PIECE		(64 * 1024)	/* written at once to a large body */
#define ROOM		(LARGE_AT + 2 * PIECE)
#define ADDED_MAX	16384		/* of the note */
#define ANSWER_MS	50000		/* spoold may answer so long; clients
					 * wait 10 minutes (RFC 5321 4.5.3.2.6) */
#define BUSY_MS		10		/* until spoold's channel has room */
#define HELD_MAX	(64 * 1024 * 1024) /* of all sessions in memory */

static const struct smtp_reply
    go_ahead = { 354, NULL, "send it, end with a dot alone on a line" },
    bad_order = { 503, "5.5.1", "say MAIL first" },
    nobody = { 554, "5.5.1", "no recipient was accepted" },
    bad_line_end = { 550, "5.6.11", "a line end that is not CR LF, or half of one" },
    bad_nul = { 550, "5.6.0", "a NUL octet in the message" },
    too_big = { 552, "5.3.4", "the message is larger than allowed here" },
    loops = { 554, "5.4.6", "too many hops: the message goes round in a circle" },
    two_froms = { 550, "5.6.0", "a message has one From field" },
    spool_gone = { 451, "4.3.0", "cannot store the message now, try again later" },
    spool_full = { 452, "4.3.1", "no room to store the message now, try again later" };

/* --- DATA ---------------------------------------------------------------- */

static bool
is_ours(void *arg, struct str domain)
{
	const struct strs *domains = &daemon_conf()->site.domains;

	(void)arg;
	if (str_ends(domain, "."))
		domain.n--;
	return str_iamong(domain, domains->v, domains->n) ||
	    str_ieq(daemon_conf()->site.hostname, domain);
}

enum step
cmd_data(struct smtp *s, struct str args)
{
	struct tx *tx = &s->tx;
	const struct conf *conf = daemon_conf();

	(void)args;
	if (!tx->is_open)
		return smtp_refuse(s, &bad_order);
	if (tx->recipients == 0)
		return smtp_refuse(s, &nobody);
	if (s->drop != NULL)
		memcpy(tx->mid, drop_mid(s->drop), sizeof(tx->mid));
	else
		mid_make(clock_real_ms(), daemon_boot(), tx->mid);
	buf_init(&tx->content, ROOM);
	buf_init(&tx->raw, ROOM);
	smtp_body_begin(&tx->body, conf->smtpd.size_limit);
	tx->head = (struct smtp_head){
		.hostname = smtp_authserv_id(), .is_ours = is_ours,
		.is_submission = s->service->is_submission,
	};
	smtp_head_begin(&tx->head);
	s->mode = MODE_DATA;
	stream_idle(&s->stream, conf->smtpd.data_timeout);
	return smtp_say(s, &go_ahead);
}

/* --- memory -------------------------------------------------------------- */

/* Content that all sessions hold; past HELD_MAX it goes to disk sooner. */
static size_t held;

static void
count_held(struct tx *tx)
{
	held += tx->content.len;
	held -= tx->held;
	tx->held = tx->content.len;
}

void
tx_drop_content(struct tx *tx)
{
	buf_free(&tx->content);
	buf_free(&tx->raw);
	count_held(tx);
}

/* --- the end ------------------------------------------------------------- */

/* The transaction is over, whatever came of it. */
static enum step
done(struct smtp *s, enum step step)
{
	tx_end(&s->tx);
	return step;
}

static void
log_message(const struct smtp *s, const char *event)
{
	const struct tx *tx = &s->tx;

	smtp_log(s, LOG_LEVEL_INFO, event);
	log_str("mid", str_of(tx->mid));
	log_str("sender", tx->sender);
	log_u64("recipients", tx->recipients);
	log_u64("size", tx->body.size);
	if (s->login.is_in)
		log_str("account", s->login.account);
}

enum step
smtp_data_refuse(struct smtp *s, const struct smtp_reply *r)
{
	log_message(s, "smtpd-refused");
	log_u64("code", r->code);
	log_z("reason", r->text);
	log_end();
	if (r->code >= 500)
		return done(s, smtp_refuse_text(s, r->code, r->enhanced,
		    str_of(r->text)));
	smtp_reply_text(&s->stream.out, r->code, str_of(r->enhanced),
	    str_of(r->text));
	return done(s, NEXT);
}

/* NULL: the content is fine. */
static const struct smtp_reply *
fault_of(const struct smtp *s)
{
	static const struct smtp_reply *const faults[] = {
		[SMTP_BARE_LINE_END] = &bad_line_end, [SMTP_NUL] = &bad_nul,
		[SMTP_TOO_BIG] = &too_big,
	};
	const struct tx *tx = &s->tx;

	if (tx->body.fault != SMTP_FINE)
		return faults[tx->body.fault];
	if (tx->head.hops > daemon_conf()->smtpd.hop_limit)
		return &loops;
	if (s->service->is_submission && tx->head.froms > 1)
		return &two_froms;
	return tx->spoiled;
}

/* A write failed: full is full, all else is a disk that may heal. */
static void
spoil(struct smtp *s, const char *what)
{
	s->tx.spoiled = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ?
	    &spool_full : &spool_gone;
	smtp_log(s, LOG_LEVEL_ERROR, "smtpd-write-failed");
	log_str("mid", str_of(s->tx.mid));
	log_z("what", what);
	log_errno();
	log_end();
	buf_reset(&s->tx.content);
}

/* --- a large body: a file of spoold's ------------------------------------ */

static bool
write_content(struct smtp *s)
{
	struct tx *tx = &s->tx;

	if (tx->spoiled != NULL || tx->content.len == 0)
		return true;
	if (file_write(tx->filling, buf_str(&tx->content)) != 0) {
		spoil(s, "large body");
		return false;
	}
	digest_add(&tx->digest, buf_str(&tx->content));
	buf_reset(&tx->content);
	return true;
}

static enum step	commit(struct smtp *s);

static void
on_file(void *session, const struct note *n)
{
	struct smtp *s = session;
	struct tx *tx = &s->tx;
	const struct note_spool_file *file = note_as_spool_file(n);

	if (note_as_spool_view(n) != NULL) {
		tx->file = note_take_fd(n);
		return;		/* SPOOL_FILE follows */
	}
	if (file != NULL && file->failed == 0)
		tx->filling = note_take_fd(n);
	if (tx->file >= 0 && tx->filling >= 0) {
		digest_begin(&tx->digest);
		(void)write_content(s);
	} else {
		tx->spoiled = file != NULL && file->failed == -FAIL_TOO_BIG ?
		    &spool_full : &spool_gone;
		buf_reset(&tx->content);
	}
	smtp_go(s, tx->body.is_over ? commit(s) : NEXT);
}

static enum step
go_large(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct note_spool_open ask = {
		.mid = str_of(tx->mid), .size = tx->size,
	};

	tx->is_large = true;
	ask_spool_open(daemon_peer(SPOOLD, 0), &ask, on_file, s);
	return WAIT;
}

/* --- headers of ours ----------------------------------------------------- */

/* Minutes east of UTC, here and then. */
static int
zone_at(int64_t at_s)
{
	time_t t = (time_t)at_s;
	struct tm tm;

	return localtime_r(&t, &tm) == NULL ? 0 : (int)(tm.tm_gmtoff / 60);
}

/* RFC 3848 */
static const char *
protocol(const struct smtp *s)
{
	static const char *const names[2][2] = {
		{ "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" },
	};

	if (!s->is_esmtp)
		return "SMTP";
	return names[stream_is_tls(&s->stream)][s->login.is_in];
}

static void
put_added(struct smtp *s, struct buf *out, int64_t at_s)
{
	const struct tx *tx = &s->tx;
	struct str hostname = daemon_conf()->site.hostname;
	struct trace_received r = {
		.helo = s->helo, .peer = s->peer, .by = hostname,
		.with = str_of(protocol(s)), .mid = str_of(tx->mid),
		.recipient = tx->only_rcpt, .at_s = at_s,
		.zone = zone_at(at_s),
	};
	char date[DATE_TEXT_MAX];

	if (stream_is_tls(&s->stream))
		r.tls = str_of(tls_describe(s->stream.tls));
	trace_put_received(out, &r);
	if (!s->service->is_submission)
		return;
	if (!tx->head.has_message_id) {
		buf_z(out, "Message-ID: ");
		msgid_make(out, str_of(tx->mid), hostname);
		buf_z(out, "\r\n");
	}
	if (!tx->head.has_date) {
		date_format(at_s, r.zone, date);
		buf_fmt(out, "Date: %s\r\n", date);
	}
}

/* --- commit -------------------------------------------------------------- */

static enum step
accepted(struct smtp *s)
{
	struct tx *tx = &s->tx;

	log_message(s, "smtpd-accepted");
	log_end();
	buf_fmt(&s->stream.out, "250 2.0.0 accepted as %s\r\n", tx->mid);
	s->errors = s->junk = 0;
	s->messages++;
	smtpd_accepted();
	tx->is_large = false;	/* it is spoold's now */
	return done(s, NEXT);
}

static enum step
not_stored(struct smtp *s, const struct note_spool_done *d)
{
	static const struct smtp_reply
	    never = { 554, "5.3.0", "the message cannot be stored" },
	    login_again = { 530, "5.7.0", "the login is too old, log in again" };

	switch (-(int)d->failed) {
	case FAIL_TOO_BIG:
		return smtp_data_refuse(s, &spool_full);
	case FAIL_DENIED:
		return smtp_data_refuse(s, &login_again);
	case FAIL_PERM:
		return smtp_data_refuse(s, &never);
	default:
		return smtp_data_refuse(s, &spool_gone);
	}
}

static void
on_done(void *session, const struct note *n)
{
	struct smtp *s = session;
	const struct note_spool_done *d = note_as_spool_done(n);

	if (d == NULL) {
		/* Nobody knows whether it was taken: leave its file be. */
		s->tx.is_large = false;
		smtp_go(s, smtp_data_refuse(s, &spool_gone));
	} else if (d->failed != 0) {
		smtp_go(s, not_stored(s, d));
	} else {
		smtp_go(s, accepted(s));
	}
}

static enum step
say_commit(struct smtp *s)
{
	struct tx *tx = &s->tx;
	uint8_t sum[DIGEST_LEN];
	struct note_spool_commit note = {
		.mid = str_of(tx->mid), .sid = str_of(s->sid),
		.sender = tx->sender, .recipients = (uint32_t)tx->targets.n,
		.size = tx->written, .received_ms = tx->received_ms,
		.added = buf_str(&tx->added),
		.deadline_ms = tx->give_up_ms,
		.account = s->login.account, .home = s->login.home,
		.service = str_of(s->service->name),
		.expires_ms = s->login.expires_ms, .grant = s->login.grant,
		.flags = (s->login.is_in ? SPOOL_AUTHED : 0) |
		    (tx->body.has_8bit ? SPOOL_8BIT : 0) |
		    (tx->head.is_bulk ? SPOOL_BULK : 0) |
		    (tx->is_large ? SPOOL_LARGE : 0),
		.fd = tx->is_large ? -1 : tx->file,
	};

	if (tx->is_large) {
		digest_end(&tx->digest, sum);
		note.digest = str_mem(sum, sizeof(sum));
	}
	ask_spool_commit(daemon_peer(SPOOLD, 0), &note, on_done, s);
	return WAIT;
}

/* One SPOOL_RCPT a target, as fast as the channel takes them. */
static enum step
say_recipients(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct chan *spoold = daemon_peer(SPOOLD, 0);

	for (; tx->to_say != NULL; tx->to_say = tx->to_say->next) {
		const struct target *t = tx->to_say;
		struct note_spool_rcpt note = {
			.mid = str_of(tx->mid), .kind = t->kind,
			.address = t->address, .account = t->account,
			.home = t->home, .detail = t->detail,
			.reason = t->reason,
		};

		if (chan_ok(spoold) && chan_busy(spoold))
			return clock_mono_ms() < tx->give_up_ms ?
			    smtp_delay(s, BUSY_MS, say_recipients) :
			    smtp_data_refuse(s, &spool_gone);
		note_put_spool_rcpt(spoold, &note);
	}
	return say_commit(s);
}

static enum step
store(struct smtp *s)
{
	s->tx.to_say = s->tx.targets.first;
	s->tx.give_up_ms = clock_mono_ms() + ANSWER_MS;
	return say_recipients(s);
}

static enum step
sign(struct smtp *s)
{
	return smtp_sign(s, store);
}

/* All octets are in; where they are not yet in a file, put them there. */
static enum step
commit(struct smtp *s)
{
	struct tx *tx = &s->tx;
	const struct smtp_reply *fault;

	if (tx->is_large)
		(void)write_content(s);
	fault = fault_of(s);
	if (fault == NULL && !tx->is_recoded) {
		tx->is_recoded = true;
		return smtp_recode(s, commit);
	}
	if (fault == NULL && !tx->is_large && tx->content.len > LARGE_AT)
		return go_large(s);	/* it has grown */
	if (fault == NULL && !tx->is_large) {
		tx->file = file_sealed("message", buf_str(&tx->content));
		if (tx->file < 0)
			spoil(s, "memfd");
		fault = tx->spoiled;
	}
	if (fault != NULL)
		return smtp_data_refuse(s, fault);
	tx_drop_content(tx);
	fd_close(&tx->filling);
	tx->received_ms = clock_real_ms();
	buf_init(&tx->added, ADDED_MAX);
	put_added(s, &tx->added, tx->received_ms / 1000);
	return smtp_check(s, sign);
}

/* --- octets -------------------------------------------------------------- */

/* What came through the framing goes through the header's rules. */
static void
feed_head(struct tx *tx)
{
	struct str raw = buf_str(&tx->raw);
	size_t n = smtp_head_feed(&tx->head, raw, &tx->content);

	if (tx->head.is_over)
		buf_add(&tx->content, str_from(raw, n));
	else if (tx->body.is_over)
		smtp_head_end(&tx->head, &tx->content);
	buf_reset(&tx->raw);
}

enum step
smtp_data_input(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct str in = buf_str(&s->stream.in);
	bool in_head = !tx->head.is_over;
	size_t before = tx->content.len;

	in = str_sub(in, 0, smtp_body_feed(&tx->body, in,
	    in_head ? &tx->raw : &tx->content));
	buf_consume(&s->stream.in, in.n);
	if (in_head)
		feed_head(tx);
	tx->written += tx->content.len - before;
	if (tx->body.fault != SMTP_FINE || tx->spoiled != NULL)
		buf_reset(&tx->content);
	if (tx->body.is_over) {
		s->mode = MODE_COMMAND;
		stream_idle(&s->stream, daemon_conf()->smtpd.command_timeout);
	}
	count_held(tx);
	if (!tx->is_large && (tx->content.len > LARGE_AT ||
	    (held > HELD_MAX && tx->content.len > PIECE)))
		return go_large(s);
	if (tx->body.is_over)
		return commit(s);
	if (tx->is_large && tx->content.len >= PIECE)
		(void)write_content(s);
	return NEXT;
}
