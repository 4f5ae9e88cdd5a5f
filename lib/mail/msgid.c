/* SPDX-License-Identifier: ISC */
/*
 * mail/msgid.c - Message-IDs.
 *
 * One is made only for a message that has none; one that is there is never
 * touched.  RFC 5322 3.6.4.
 */
#include "mail/msgid.h"

#include "base/banned.h"

void
msgid_make(struct buf *out, struct str mid, struct str host)
{
	buf_c(out, '<');
	buf_add(out, mid);
	buf_c(out, '@');
	buf_add(out, host);
	buf_c(out, '>');
}

bool
msgid_next(struct str *s, struct str *id_out)
{
	size_t from, n;
	struct str rest;

	from = str_chr(*s, '<');
	rest = str_from(*s, from + 1);
	n = str_chr(rest, '>');
	if (from == s->n || n == rest.n)
		return false;
	/* "<a <b@c>": the innermost counts. */
	from = str_rchr(str_sub(rest, 0, n), '<');
	*id_out = from == n ? str_sub(rest, 0, n) :
	    str_sub(rest, from + 1, n - from - 1);
	*s = str_from(rest, n + 1);
	return true;
}
