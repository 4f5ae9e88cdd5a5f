/* SPDX-License-Identifier: ISC */
/*
 * imap/name.c - mailbox names.
 *
 * One name has one spelling: "&AGE-" for "a", a lone surrogate, an encoded
 * ASCII character or left-over bits are errors, so that nobody smuggles a
 * '/' or a dot pair past the checks in a second spelling.
 */
#include "imap/name.h"

#include <string.h>

#include "base/utf8.h"

#include "base/banned.h"

static const char b64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int
b64_value(uint8_t c)
{
	const char *at = c == 0 ? NULL : strchr(b64, c);

	return at == NULL ? -1 : (int)(at - b64);
}

/* One UTF-16 unit of an encoded run becomes a code point, or waits for its
 * second half in *high. */
static int
take_unit(struct buf *out, uint32_t unit, uint32_t *high)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return FAIL_SYNTAX;
		utf8_put(out, 0x10000 + ((*high - 0xd800) << 10) +
		    (unit - 0xdc00));
		*high = 0;
		return 0;
	}
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return FAIL_SYNTAX;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return 0;
	}
	if (unit >= 0x20 && unit <= 0x7e)
		return FAIL_SYNTAX;	/* must stand for itself */
	if (unit == 0)
		return FAIL_SYNTAX;
	utf8_put(out, unit);
	return 0;
}

/* The base64 between '&' and '-'. */
static int
decode_run(struct str run, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;
	size_t i;

	for (i = 0; i < run.n; i++) {
		int v = b64_value(run.p[i]);

		if (v < 0)
			return FAIL_SYNTAX;
		bits = bits << 6 | (uint32_t)v;
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		if (take_unit(out, bits >> n & 0xffff, &high) < 0)
			return FAIL_SYNTAX;
		bits &= (1u << n) - 1;
	}
	/* left over: fewer than a whole sextet, and all of it zero */
	return high != 0 || n >= 6 || bits != 0 ? FAIL_SYNTAX : 0;
}

static int
decode(struct str in, struct buf *out)
{
	while (in.n > 0) {
		size_t amp = str_chr(in, '&'), end;
		struct str run;
		bool after_run;

		buf_add(out, str_sub(in, 0, amp));
		in = str_from(in, amp);
		if (in.n == 0)
			break;
		end = str_chr(in, '-');
		if (end == in.n)
			return FAIL_SYNTAX;
		run = str_sub(in, 1, end - 1);
		in = str_from(in, end + 1);
		if (run.n == 0)
			buf_c(out, '&');
		else if (decode_run(run, out) < 0)
			return FAIL_SYNTAX;
		/* two runs in a row would be a second spelling of one */
		after_run = run.n > 0 && in.n > 1 && in.p[0] == '&' &&
		    in.p[1] != '-';
		if (after_run)
			return FAIL_SYNTAX;
	}
	return 0;
}

int
imap_name_decode(struct str name, struct arena *arena, struct str *out)
{
	struct buf b;
	int rc;

	if (name.n > 4 * IMAP_NAME_MAX)
		return FAIL_TOO_BIG;
	buf_init(&b, IMAP_NAME_MAX);
	rc = decode(name, &b);
	if (rc == 0 && buf_failed(&b))
		rc = FAIL_TOO_BIG;
	if (rc == 0 && (!utf8_valid(buf_str(&b)) || str_has_nul(buf_str(&b))))
		rc = FAIL_SYNTAX;
	if (rc == 0) {
		*out = arena_str(arena, buf_str(&b));
		if (out->p == NULL && b.len > 0)
			rc = FAIL_TOO_BIG;
	}
	buf_free(&b);
	return rc;
}

/* Code points into base64 of UTF-16. */
struct sextets {
	struct buf	*out;
	uint32_t	bits;
	unsigned	n;
};

static void
put_unit(struct sextets *s, uint32_t unit)
{
	s->bits = s->bits << 16 | unit;
	s->n += 16;
	while (s->n >= 6) {
		s->n -= 6;
		buf_c(s->out, (uint8_t)b64[s->bits >> s->n & 63]);
	}
	s->bits &= (1u << s->n) - 1;
}

static void
put_run_end(struct sextets *s)
{
	if (s->n > 0)
		buf_c(s->out, (uint8_t)b64[s->bits << (6 - s->n) & 63]);
	buf_c(s->out, '-');
	s->bits = s->n = 0;
}

void
imap_name_encode(struct buf *out, struct str utf8)
{
	struct sextets s = { .out = out };
	bool in_run = false;
	uint32_t cp;

	while (utf8_next(&utf8, &cp)) {
		bool plain = cp >= 0x20 && cp <= 0x7e;

		if (plain && in_run)
			put_run_end(&s);
		if (!plain && !in_run)
			buf_c(out, '&');
		in_run = !plain;
		if (plain) {
			buf_c(out, (uint8_t)cp);
			if (cp == '&')
				buf_c(out, '-');
		} else if (cp > 0xffff) {
			put_unit(&s, 0xd800 + ((cp - 0x10000) >> 10));
			put_unit(&s, 0xdc00 + ((cp - 0x10000) & 0x3ff));
		} else
			put_unit(&s, cp);
	}
	if (in_run)
		put_run_end(&s);
}

bool
imap_name_valid(struct str name)
{
	size_t i;

	if (name.n == 0 || name.n > IMAP_NAME_MAX || name.p[0] == '~' ||
	    name.p[name.n - 1] == '/' || !utf8_valid(name))
		return false;
	for (i = 0; i < name.n; i++)
		if (name.p[i] < 32 || name.p[i] == 127 || name.p[i] == '*' ||
		    name.p[i] == '%')
			return false;
	while (name.n > 0) {
		struct str level = str_until(&name, '/');

		if (level.n == 0 || str_same(level, ".") ||
		    str_same(level, ".."))
			return false;
	}
	return true;
}

struct str
imap_name_canon(struct arena *arena, struct str name)
{
	struct str first = str_sub(name, 0, str_chr(name, '/'));

	if (!str_is(first, "INBOX") || str_same(first, "INBOX"))
		return name;
	return arena_fmt(arena, "INBOX%.*s", STR_ARG(str_from(name, 5)));
}

int
imap_pattern_init(struct imap_pattern *p, struct arena *arena,
    struct str utf8)
{
	uint8_t *text;
	size_t i, n = 0;

	if (utf8.n > IMAP_NAME_MAX)
		return FAIL_TOO_BIG;
	text = arena_get(arena, utf8.n + 1);
	p->row = arena_get(arena, utf8.n + 1);
	if (text == NULL || p->row == NULL)
		return FAIL_TOO_BIG;
	for (i = 0; i < utf8.n; i++) {
		uint8_t c = utf8.p[i];

		if ((c == '*' || c == '%') && n > 0 &&
		    (text[n - 1] == '*' || text[n - 1] == '%')) {
			if (c == '*')
				text[n - 1] = '*';
			continue;
		}
		text[n++] = c;
	}
	p->text = str_mem(text, n);
	return 0;
}

/* row[i]: the name so far can be matched by the first i bytes of the
 * pattern.  One pass over the row for each byte of the name. */
bool
imap_pattern_match(const struct imap_pattern *p, struct str name)
{
	const uint8_t *t = p->text.p;
	uint8_t *row = p->row;
	size_t n = p->text.n, i, j;

	memset(row, 0, n + 1);
	row[0] = 1;
	for (i = 0; i < n && row[i]; i++)
		row[i + 1] = t[i] == '*' || t[i] == '%';
	for (j = 0; j < name.n; j++) {
		uint8_t c = name.p[j], was = row[0], any = 0;

		row[0] = 0;
		for (i = 0; i < n; i++) {
			uint8_t old = row[i + 1];

			if (t[i] == '*' || (t[i] == '%' && c != '/'))
				row[i + 1] = old | was | row[i];
			else if (t[i] == '%')
				row[i + 1] = row[i];
			else
				row[i + 1] = was && t[i] == c;
			was = old;
			any |= row[i + 1];
		}
		if (!any)
			return false;
	}
	return row[n] != 0;
}
