/* SPDX-License-Identifier: ISC */
/*
 * imap/find.c - texts made comparable.
 *
 * What comes from mail may be broken in every way: nothing here fails.  What
 * cannot be decoded is compared as the octets it is.
 *
 * RFC 2047 (encoded words), RFC 3501 6.4.4 (SEARCH).
 */
#include "imap/find.h"

#include <string.h>

#include "base/enc.h"
#include "base/utf8.h"

#include "base/banned.h"

/* One-to-one lower case of the alphabets most mail is written in, in order.
 * Every second: capital and small letters take turns, a capital first. */
static const struct {
	uint16_t	first, last, step, add;
} capitals[] = {
	{ 0xc0, 0xd6, 1, 32 }, { 0xd8, 0xde, 1, 32 },	/* Latin-1 */
	{ 0x100, 0x12f, 2, 1 }, { 0x132, 0x137, 2, 1 },	/* Latin A, but for */
	{ 0x139, 0x148, 2, 1 }, { 0x14a, 0x177, 2, 1 },	/* the Turkish I */
	{ 0x179, 0x17e, 2, 1 },
	{ 0x391, 0x3a1, 1, 32 }, { 0x3a3, 0x3a9, 1, 32 },	/* Greek */
	{ 0x400, 0x40f, 1, 80 }, { 0x410, 0x42f, 1, 32 },	/* Cyrillic */
};

static uint32_t
lower(uint32_t c)
{
	size_t i = 0;

	if (c < 0x80)
		return (uint32_t)ascii_lower((int)c);
	while (i < NITEMS(capitals) && c > capitals[i].last)
		i++;
	if (i == NITEMS(capitals) || c < capitals[i].first ||
	    (c - capitals[i].first) % capitals[i].step != 0)
		return c;
	return c + capitals[i].add;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The ASCII at the front, which is most of all mail; how far it came. */
static size_t
fold_ascii(struct buf *out, struct str text, bool *after_blank)
{
	uint8_t *start = buf_grow(out, text.n), *to = start;
	size_t i;

	if (start == NULL)
		return text.n;
	for (i = 0; i < text.n && text.p[i] < 0x80; i++) {
		uint8_t c = text.p[i];

		if (c > ' ')
			*to++ = (uint8_t)(c - 'A') < 26 ? c | 0x20 : c;
		else if (!is_blank(c))
			*to++ = c;
		else if (!*after_blank)
			*to++ = ' ';
		*after_blank = is_blank(c);
	}
	buf_grown(out, (size_t)(to - start));
	return i;
}

void
imap_fold(struct buf *out, struct str text)
{
	bool after_blank = false;

	while (text.n > 0) {
		struct str before = text;
		uint32_t cp;

		if (text.p[0] < 0x80) {
			text = str_from(text, fold_ascii(out, text,
			    &after_blank));
			continue;
		}
		if (utf8_next(&text, &cp)) {
			utf8_put(out, lower(cp));
		} else {
			text = str_from(before, 1);
			buf_c(out, before.p[0]);
		}
		after_blank = false;
	}
}

/* windows-1252 where it differs from ISO 8859-1; 0: no character there. */
static const uint16_t cp1252[32] = {
	0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019,
	0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161,
	0x203a, 0x0153, 0, 0x017e, 0x0178,
};

static uint32_t
latin(uint8_t c, bool is_1252, bool is_9)
{
	if (is_1252 && c >= 0x80 && c < 0xa0)
		return cp1252[c - 0x80];
	if (is_9 && c == 0xa4)
		return 0x20ac;
	return c;
}

void
imap_to_utf8(struct buf *out, struct str text, struct str charset)
{
	bool is_1252 = str_is(charset, "windows-1252");
	bool is_9 = str_is(charset, "iso-8859-15");
	bool is_1 = str_is(charset, "iso-8859-1") ||
	    str_is(charset, "latin1");
	size_t i;

	if (!is_1252 && !is_9 && !is_1) {
		buf_add(out, text);
		return;
	}
	for (i = 0; i < text.n; i++)
		utf8_put(out, latin(text.p[i], is_1252, is_9));
}

/* "=?charset?Q?text?=" at the front of s: its length and parts. */
struct word {
	struct str	charset, text;
	uint8_t		encoding;
	size_t		n;
};

static bool
encoded_word(struct str s, struct word *w)
{
	struct str rest = s;
	size_t end;

	if (!str_starts(s, "=?"))
		return false;
	rest = str_from(rest, 2);
	end = str_chr(rest, '?');
	w->charset = str_sub(rest, 0, end);
	rest = str_from(rest, end + 1);
	if (rest.n < 3 || rest.p[1] != '?' || w->charset.n == 0)
		return false;
	w->encoding = (uint8_t)ascii_lower(rest.p[0]);
	rest = str_from(rest, 2);
	end = str_chr(rest, '?');
	if (end + 1 >= rest.n || rest.p[end + 1] != '=' ||
	    (w->encoding != 'q' && w->encoding != 'b'))
		return false;
	w->text = str_sub(rest, 0, end);
	w->n = (size_t)(rest.p - s.p) + end + 2;
	/* RFC 2231 5: a language may stand behind the charset */
	w->charset = str_sub(w->charset, 0, str_chr(w->charset, '*'));
	return true;
}

static void
put_word(struct buf *out, const struct word *w)
{
	struct buf raw;

	buf_init(&raw, w->text.n + 16);
	if (w->encoding == 'q')
		dec_qp_word(&raw, w->text);
	else
		dec_base64_mime(&raw, w->text);
	imap_to_utf8(out, buf_str(&raw), w->charset);
	buf_free(&raw);
}

static size_t
blanks(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n;
}

void
imap_header_text(struct buf *out, struct str value)
{
	struct word w;

	while (value.n > 0) {
		size_t gap;

		if (value.p[0] == '=' && encoded_word(value, &w)) {
			put_word(out, &w);
			value = str_from(value, w.n);
			/* blanks between two encoded words are not text */
			gap = blanks(value);
			if (encoded_word(str_from(value, gap), &w))
				value = str_from(value, gap);
			continue;
		}
		/* a folded line goes on; a new field begins a new line */
		if (value.p[0] != '\r' && (value.p[0] != '\n' ||
		    (value.n > 1 && !is_blank(value.p[1]))))
			buf_c(out, value.p[0]);
		value = str_from(value, 1);
	}
}
