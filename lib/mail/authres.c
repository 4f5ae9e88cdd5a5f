/* SPDX-License-Identifier: ISC */
/*
 * mail/authres.c - the Authentication-Results field.
 *
 * Values come from strangers: a domain out of a signature, a sender.  What is
 * a dot-atom or an address is written bare, everything else as a quoted
 * string in which octets that are no printable ASCII became "?"; so no value
 * can end the field, begin a comment or look like a further result.
 *
 * RFC 8601 2.2.
 */
#include "mail/authres.h"

#include "base/banned.h"

void
authres_begin(struct authres *a, struct buf *out, struct str host)
{
	*a = (struct authres){ .out = out };
	buf_z(out, "Authentication-Results: ");
	buf_add(out, host);
}

void
authres_result(struct authres *a, const char *method, const char *result)
{
	buf_fmt(a->out, ";\r\n\t%s=%s", method, result);
	a->any = true;
}

/* An atom's octets, and those of a dot-atom and an "@": what readers in the
 * field take without quotes. */
static bool
is_bare(struct str s)
{
	static const char more[] = "!#$%&'*+-/?^_`{|}~.@";

	for (size_t i = 0; i < s.n; i++) {
		int c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    str_chr(STR(more), (uint8_t)c) == sizeof(more) - 1)
			return false;
	}
	return s.n > 0;
}

static void
put_quoted(struct buf *out, struct str s)
{
	buf_c(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '"' || c == '\\')
			buf_c(out, '\\');
		buf_c(out, c >= 32 && c < 127 ? c : '?');
	}
	buf_c(out, '"');
}

void
authres_reason(struct authres *a, const char *text)
{
	buf_z(a->out, " reason=");
	put_quoted(a->out, str_sub(str_of(text), 0, AUTHRES_VALUE_MAX));
}

void
authres_prop(struct authres *a, const char *ptype, const char *property,
    struct str value)
{
	struct str s = str_sub(value, 0, AUTHRES_VALUE_MAX);

	if (s.n == 0)
		return;
	buf_fmt(a->out, " %s.%s=", ptype, property);
	if (is_bare(s))
		buf_add(a->out, s);
	else
		put_quoted(a->out, s);
}

void
authres_end(struct authres *a)
{
	buf_z(a->out, a->any ? "\r\n" : "; none\r\n");
}
