/* SPDX-License-Identifier: ISC */
/*
 * mail/dsn.c - delivery status notifications.
 *
 * The first part is for the person whose mail did not arrive: what happened
 * to which address, whose words these are, and what to do.  The second is for
 * programs (RFC 3464), the third is the message or its header.  All text of
 * others is written as printable ASCII, folded before it gets long.
 *
 * RFC 3464, RFC 6522, RFC 3834 (Auto-Submitted).
 */
#include "mail/dsn.h"

#include "mail/code.h"
#include "mail/date.h"
#include "mail/msgid.h"

#include "base/banned.h"

#define FOLD_AT	72
#define LINE_AT	900		/* RFC 5322 2.1.1 allows 998 */

/* Text of strangers on folded lines that begin with `indent`. */
static void
put_folded(struct buf *out, struct str s, const char *indent)
{
	size_t column = 0;

	while (str_more(s)) {
		struct str word = str_word(&s);

		if (column > 0 && column + word.n > FOLD_AT) {
			buf_fmt(out, "\r\n%s", indent);
			column = 0;
		} else if (column > 0) {
			buf_c(out, ' ');
		}
		for (size_t i = 0; i < word.n; i++)
			buf_c(out, word.p[i] > 32 && word.p[i] < 127 ?
			    word.p[i] : '?');
		column += word.n + 1;
	}
}

/* A server's words, each of its lines on one of ours: printable ASCII as it is,
 * all else as \\xHH. */
static void
put_verbatim(struct buf *out, struct str s, const char *indent)
{
	struct str line;
	size_t column;
	bool is_first = true;

	while (str_line(&s, &line)) {
		line = str_trim(line);
		if (line.n == 0)
			continue;	/* a folded line must not be blank */
		if (!is_first)
			buf_fmt(out, "\r\n%s", indent);
		is_first = false;
		column = 0;
		for (size_t i = 0; i < line.n; i++) {
			if (column > LINE_AT) {
				buf_fmt(out, "\r\n%s", indent);
				column = 0;
			}
			if (line.p[i] >= 32 && line.p[i] < 127) {
				buf_c(out, line.p[i]);
				column++;
			} else {
				buf_fmt(out, "\\x%02X", line.p[i]);
				column += 4;
			}
		}
	}
}

static void
put_field(struct buf *out, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_fmt(out, "%s: ", name);
	put_folded(out, value, "\t");
	buf_z(out, "\r\n");
}

static void
put_date(struct buf *out, const char *name, int64_t s, int zone)
{
	char text[DATE_TEXT_MAX];

	date_format(s, zone, text);
	buf_fmt(out, "%s: %s\r\n", name, text);
}

/* Unique, for the mid is; "=_" is in no base64 and no quoted-printable. */
static void
put_boundary(struct buf *out, const struct dsn *d, const char *behind)
{
	buf_z(out, "\r\n--=_");
	buf_add(out, d->mid);
	buf_fmt(out, "%s\r\n", behind);
}

void
dsn_put_head(struct buf *out, const struct dsn *d)
{
	buf_fmt(out, "From: Mail Delivery System <MAILER-DAEMON@%.*s>\r\n"
	    "To: <%.*s>\r\n"
	    "Subject: %s\r\n", STR_ARG(d->host), STR_ARG(d->to),
	    d->is_delay ? "Your message is late, but still on its way"
	    : "Your message could not be delivered");
	put_date(out, "Date", d->now_s, d->zone);
	buf_z(out, "Message-ID: ");
	msgid_make(out, d->mid, d->host);
	buf_z(out, "\r\n");
	put_field(out, "In-Reply-To", d->message_id);
	put_field(out, "References", d->message_id);
	buf_fmt(out, "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n%s"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"=_%.*s\"\r\n\r\n"
	    "This is a MIME message.\r\n",
	    d->is_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "",
	    STR_ARG(d->mid));
	put_boundary(out, d, "");
	buf_fmt(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
	    "This is the mail system at %.*s.\r\n\r\n%s", STR_ARG(d->host),
	    d->is_delay ?
	    "Your message has not reached everyone it was sent to yet.  You\r\n"
	    "need not send it again: it will be tried until the time below.\r\n"
	    : "Your message could not be delivered to everyone it was sent\r\n"
	    "to.  For each address the reason follows; the message, or its\r\n"
	    "header, is attached.\r\n");
}

/* What the person who wrote the message can do about it. */
static const char *
advice(enum verdict v)
{
	static const char *const texts[VERDICTS] = {
		[VERDICT_BAD_ADDRESS] = "Please look at the address once more; "
		    "a letter may be wrong or missing.",
		[VERDICT_POLICY] = "The receiver does not take a message like "
		    "this one. Sending it again as it is will not help.",
		[VERDICT_REPUTATION] = "The receiver does not take mail from "
		    "this mail system at present. It is not about you or your "
		    "message; the postmaster here can ask for it.",
		[VERDICT_SLOW] = "The receiver takes mail from here only "
		    "slowly, and the time was not enough.",
		[VERDICT_NEVER] = "Sending it again as it is will probably not "
		    "help.",
	};

	return v < VERDICTS ? texts[v] : NULL;
}

static void
put_words(struct buf *out, struct str words)
{
	if (words.n == 0)
		return;
	buf_z(out, "    ");
	put_folded(out, words, "    ");
	buf_z(out, "\r\n");
}

void
dsn_put_person(struct buf *out, const struct dsn *d,
    const struct dsn_recipient *r)
{
	const char *what = r->verdict > VERDICT_SLOW && code_is_vague(r->status)
	    ? verdict_text(r->verdict) : code_text(r->status);

	buf_fmt(out, "\r\n<%.*s>\r\n    %s (%.*s).\r\n", STR_ARG(r->address),
	    what, STR_ARG(r->status));
	if (!d->is_delay)
		put_words(out, str_of(advice(r->verdict)));
	if (r->reply.n > 0) {
		buf_fmt(out, "    The server %.*s answered:\r\n        ",
		    STR_ARG(r->remote));
		put_verbatim(out, r->reply, "        ");
		buf_z(out, "\r\n");
	} else
		put_words(out, r->reason);
	if (r->attempts > 1)
		buf_fmt(out, "    It was tried %u times.\r\n", r->attempts);
	if (d->is_delay)
		put_date(out, "    It will be tried until", d->expires_s,
		    d->zone);
}

void
dsn_put_report(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "");
	buf_z(out, "Content-Type: message/delivery-status\r\n\r\n");
	buf_fmt(out, "Reporting-MTA: dns; %.*s\r\n", STR_ARG(d->host));
	put_field(out, "Original-Envelope-Id", d->envid);
	put_date(out, "Arrival-Date", d->arrived_s, d->zone);
}

void
dsn_put_recipient(struct buf *out, const struct dsn *d,
    const struct dsn_recipient *r)
{
	buf_z(out, "\r\n");
	put_field(out, "Original-Recipient", r->orcpt);
	buf_fmt(out, "Final-Recipient: rfc822; %.*s\r\n"
	    "Action: %s\r\n"
	    "Status: %.*s\r\n", STR_ARG(r->address),
	    d->is_delay ? "delayed" : "failed", STR_ARG(r->status));
	if (r->remote.n > 0)
		buf_fmt(out, "Remote-MTA: dns; %.*s\r\n", STR_ARG(r->remote));
	if (r->reply.n > 0) {
		buf_z(out, "Diagnostic-Code: smtp; ");
		put_verbatim(out, r->reply, "\t");
		buf_z(out, "\r\n");
	} else if (r->reason.n > 0) {
		buf_z(out, "Diagnostic-Code: X-Veredus; ");
		put_folded(out, r->reason, "\t");
		buf_z(out, "\r\n");
	}
	if (d->is_delay)
		put_date(out, "Will-Retry-Until", d->expires_s, d->zone);
}

void
dsn_put_message(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "");
	buf_fmt(out, "Content-Type: %s\r\n%s\r\n",
	    d->whole ? "message/rfc822" : "text/rfc822-headers",
	    d->is_8bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

void
dsn_put_tail(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "--");
}
