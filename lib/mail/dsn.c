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

void
dsn_put_person(struct buf *out, const struct dsn *d,
    const struct dsn_recipient *r)
{
	buf_fmt(out, "\r\n<%.*s>\r\n    %s (%.*s).\r\n", STR_ARG(r->address),
	    code_text(r->status), STR_ARG(r->status));
	if (r->reason.n > 0) {
		if (r->is_reply)
			buf_fmt(out, "    The server %.*s answered:\r\n    ",
			    STR_ARG(r->remote));
		else
			buf_z(out, "    ");
		put_folded(out, r->reason, "    ");
		buf_z(out, "\r\n");
	}
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
	if (r->reason.n > 0) {
		buf_fmt(out, "Diagnostic-Code: %s; ",
		    r->is_reply ? "smtp" : "X-Veredus");
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
