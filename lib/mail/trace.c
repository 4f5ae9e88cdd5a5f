/* SPDX-License-Identifier: ISC */
/*
 * mail/trace.c - trace fields.
 *
 * What a client says of itself stands in them only where its syntax was
 * checked before; anything else that is no printable ASCII is written as "?",
 * so that no client can put a line of its own into a header of ours.
 *
 * RFC 5321 4.4 (Received, Return-Path), RFC 9228 (Delivered-To), RFC 8601
 * (Authentication-Results).
 */
#include "mail/trace.h"

#include "mail/date.h"
#include "mail/header.h"

#include "base/banned.h"

static void
put_safe(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_c(out, s.p[i] >= 32 && s.p[i] <= 126 ? s.p[i] : '?');
}

/* "before" value "after", nothing for an empty value. */
static void
put_part(struct buf *out, const char *before, struct str value,
    const char *after)
{
	if (value.n == 0)
		return;
	buf_z(out, before);
	put_safe(out, value);
	buf_z(out, after);
}

/* RFC 5321 4.1.3: an address is a literal, IPv6 ones are marked.  Somebody on
 * this host is "uid:1000". */
static void
put_peer(struct buf *out, struct str peer)
{
	if (peer.n == 0)
		return;
	if (str_starts(peer, "uid:")) {
		put_part(out, " (uid ", str_from(peer, 4), ")");
		return;
	}
	buf_z(out, str_chr(peer, ':') < peer.n ? " ([IPv6:" : " ([");
	put_safe(out, peer);
	buf_z(out, "])");
}

void
trace_put_received(struct buf *out, const struct trace_received *r)
{
	char date[DATE_TEXT_MAX];

	date_format(r->at_s, r->zone, date);
	buf_z(out, "Received:");
	put_part(out, " from ", r->helo, "");
	put_peer(out, r->peer);
	put_part(out, "\r\n\tby ", r->by, "");
	put_part(out, " with ", r->with, "");
	put_part(out, " id ", r->mid, "");
	put_part(out, "\r\n\t(", r->tls, ")");
	put_part(out, "\r\n\tfor <", r->recipient, ">");
	buf_fmt(out, "; %s\r\n", date);
}

void
trace_put_return_path(struct buf *out, struct str sender)
{
	buf_z(out, "Return-Path: <");
	put_safe(out, sender);
	buf_z(out, ">\r\n");
}

void
trace_put_delivered_to(struct buf *out, struct str address)
{
	buf_z(out, "Delivered-To: ");
	put_safe(out, address);
	buf_z(out, "\r\n");
}

/* May this octet go on a host name? */
static bool
is_name_octet(uint8_t c)
{
	int l = ascii_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	    c == '-' || c == '_';
}

/* The octets of host at the front of s, in any case; quoted: backslashes may
 * stand between them.  Moves *s behind them. */
static bool
take_host(struct str *s, struct str host, bool is_quoted)
{
	size_t at = 0;

	for (size_t n = 0; n < host.n; n++, at++) {
		if (is_quoted && at + 1 < s->n && s->p[at] == '\\')
			at++;
		if (at >= s->n ||
		    ascii_lower(s->p[at]) != ascii_lower(host.p[n]))
			return false;
	}
	*s = str_from(*s, at);
	return host.n > 0;
}

bool
trace_authres_is(struct str value, struct str host)
{
	struct str s = value;
	bool is_quoted;

	header_skip_cfws(&s);
	is_quoted = s.n > 0 && s.p[0] == '"';
	if (is_quoted)
		s = str_from(s, 1);
	if (!take_host(&s, host, is_quoted))
		return false;
	/* "example.org." is our name too. */
	if (s.n > 0 && s.p[0] == '.')
		s = str_from(s, 1);
	return s.n == 0 || !is_name_octet(s.p[0]);
}
