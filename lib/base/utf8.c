/* SPDX-License-Identifier: ISC */
/*
 * base/utf8.c - strict UTF-8 (RFC 3629).
 */
#include "base/utf8.h"

#include "base/fail.h"

#include "base/banned.h"

/* By the first byte: how many bytes, its payload, the least code point that
 * may be written so long (less would be an overlong form). */
static const struct form {
	uint8_t		mask, mark;
	size_t		n;
	uint32_t	least;
} forms[] = {
	{ 0x80, 0x00, 1, 0 },
	{ 0xe0, 0xc0, 2, 0x80 },
	{ 0xf0, 0xe0, 3, 0x800 },
	{ 0xf8, 0xf0, 4, 0x10000 },
};

static bool
is_scalar(uint32_t cp)
{
	return cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
}

bool
utf8_next(struct str *s, uint32_t *cp_out)
{
	const struct form *f = forms, *end = forms + NITEMS(forms);
	uint32_t cp;

	if (s->n == 0)
		return false;
	while (f < end && (s->p[0] & f->mask) != f->mark)
		f++;
	if (f == end || s->n < f->n)
		return false;
	cp = s->p[0] & (uint8_t)~f->mask;
	for (size_t i = 1; i < f->n; i++) {
		if ((s->p[i] & 0xc0) != 0x80)
			return false;
		cp = cp << 6 | (s->p[i] & 0x3f);
	}
	if (cp < f->least || !is_scalar(cp))
		return false;
	*s = str_from(*s, f->n);
	*cp_out = cp;
	return true;
}

bool
utf8_valid(struct str s)
{
	uint32_t cp;

	while (utf8_next(&s, &cp))
		;
	return s.n == 0;
}

void
utf8_put(struct buf *b, uint32_t cp)
{
	const struct form *f = forms + NITEMS(forms) - 1;

	if (!is_scalar(cp))
		bug("code point %#x", cp);
	while (cp < f->least)
		f--;
	for (size_t i = f->n; i-- > 0;) {
		uint8_t six = (uint8_t)(cp >> (6 * i));

		if (i + 1 == f->n)
			buf_c(b, (uint8_t)(f->mark | (six & ~f->mask)));
		else
			buf_c(b, (uint8_t)(0x80 | (six & 0x3f)));
	}
}
