/* SPDX-License-Identifier: ISC */
/*
 * imap/out.c - writing strings (RFC 3501 4.3).
 */
#include "imap/out.h"

#include <inttypes.h>
#include <string.h>

#include "imap/lex.h"

#include "base/banned.h"

/* Longer ones are literals: some clients have short line buffers. */
#define QUOTED_MAX	1000

static bool
fits_quotes(struct str s)
{
	size_t i;

	if (s.n > QUOTED_MAX)
		return false;
	for (i = 0; i < s.n; i++)
		if (s.p[i] == 0 || s.p[i] == '\r' || s.p[i] == '\n' ||
		    s.p[i] > 127)
			return false;
	return true;
}

static bool
is_atom(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!imap_is_atom_char(s.p[i]))
			return false;
	return s.n > 0 && !str_is(s, "NIL");
}

void
imap_put_literal(struct buf *out, uint64_t n)
{
	buf_fmt(out, "{%" PRIu64 "}\r\n", n);
}

void
imap_put_octets(struct buf *out, struct str s)
{
	uint8_t *p = buf_grow(out, s.n), *nul;

	if (p == NULL || s.n == 0)
		return;
	memcpy(p, s.p, s.n);
	for (nul = p; (nul = memchr(nul, 0, s.n - (size_t)(nul - p))) != NULL;
	    )
		*nul++ = 0x80;
	buf_grown(out, s.n);
}

static void
put_quoted(struct buf *out, struct str s)
{
	size_t i;

	buf_c(out, '"');
	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_c(out, '\\');
		buf_c(out, s.p[i]);
	}
	buf_c(out, '"');
}

void
imap_put_string(struct buf *out, struct str s)
{
	if (fits_quotes(s)) {
		put_quoted(out, s);
		return;
	}
	imap_put_literal(out, s.n);
	imap_put_octets(out, s);
}

void
imap_put_astring(struct buf *out, struct str s)
{
	if (is_atom(s))
		buf_add(out, s);
	else
		imap_put_string(out, s);
}

void
imap_put_nstring(struct buf *out, struct str s)
{
	if (s.p == NULL)
		buf_z(out, "NIL");
	else
		imap_put_string(out, s);
}
