/* SPDX-License-Identifier: ISC */
/*
 * base/str.c - looking at borrowed bytes.
 *
 * Nothing here allocates, and nothing hands memcmp or memchr a NULL pointer:
 * the empty str may have p == NULL, which those functions do not allow.
 */
#include "base/str.h"

#include <string.h>

#include "base/banned.h"

struct str
str_of(const char *z)
{
	return z == NULL ? (struct str){ NULL, 0 } : str_mem(z, strlen(z));
}

struct str
str_mem(const void *p, size_t n)
{
	return (struct str){ p, n };
}

/* Locale must not matter: tolower() of a Turkish locale breaks "MAIL". */
int
ascii_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

int
ascii_upper(int c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

static bool
same(const uint8_t *a, const uint8_t *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

static bool
same_folded(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && same(a.p, b.p, a.n);
}

bool
str_ieq(struct str a, struct str b)
{
	return a.n == b.n && same_folded(a.p, b.p, a.n);
}

bool
str_is(struct str a, const char *z)
{
	return str_ieq(a, str_of(z));
}

bool
str_same(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (d != 0)
		return d < 0 ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

bool
str_iamong(struct str s, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(v[i], s))
			return true;
	return false;
}

bool
str_starts(struct str s, const char *z)
{
	return str_same(str_sub(s, 0, strlen(z)), z);
}

bool
str_istarts(struct str s, const char *z)
{
	return str_is(str_sub(s, 0, strlen(z)), z);
}

bool
str_ends(struct str s, const char *z)
{
	size_t n = strlen(z);

	return s.n >= n && same(s.p + (s.n - n), (const uint8_t *)z, n);
}

bool
str_iends(struct str s, struct str tail)
{
	return s.n >= tail.n &&
	    str_ieq(str_from(s, s.n - tail.n), tail);
}

struct str
str_sub(struct str s, size_t from, size_t n)
{
	if (from >= s.n)
		return str_mem(s.p == NULL ? NULL : s.p + s.n, 0);
	return str_mem(s.p + from, n < s.n - from ? n : s.n - from);
}

struct str
str_from(struct str s, size_t from)
{
	return str_sub(s, from, s.n);
}

size_t
str_chr(struct str s, uint8_t c)
{
	const uint8_t *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t
str_rchr(struct str s, uint8_t c)
{
	const uint8_t *at = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t
str_find(struct str s, struct str what)
{
	const uint8_t *at;

	if (what.n == 0)
		return 0;
	if (s.n < what.n)
		return s.n;
	at = memmem(s.p, s.n, what.p, what.n);
	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t
str_ifind(struct str s, struct str what)
{
	for (size_t i = 0; what.n <= s.n && i <= s.n - what.n; i++)
		if (same_folded(s.p + i, what.p, what.n))
			return i;
	return s.n;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static size_t
skip_blanks(struct str s)
{
	size_t i = 0;

	while (i < s.n && is_blank(s.p[i]))
		i++;
	return i;
}

struct str
str_trim(struct str s)
{
	s = str_from(s, skip_blanks(s));
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_chomp(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	return s;
}

struct str
str_word(struct str *s)
{
	struct str in = str_from(*s, skip_blanks(*s));
	size_t i = 0;

	while (i < in.n && !is_blank(in.p[i]))
		i++;
	*s = str_from(in, i);
	return str_sub(in, 0, i);
}

struct str
str_rest(struct str *s)
{
	struct str rest = str_from(*s, skip_blanks(*s));

	*s = str_from(rest, rest.n);
	return rest;
}

struct str
str_until(struct str *s, uint8_t c)
{
	size_t i = str_chr(*s, c);
	struct str before = str_sub(*s, 0, i);

	*s = str_from(*s, i < s->n ? i + 1 : i);
	return before;
}

bool
str_more(struct str s)
{
	return skip_blanks(s) < s.n;
}

bool
str_line(struct str *s, struct str *line_out)
{
	struct str line;

	if (s->n == 0)
		return false;
	line = str_until(s, '\n');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	*line_out = line;
	return true;
}

bool
str_u64(struct str s, uint64_t max, uint64_t *v_out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)s.p[i] - '0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (v > max)
		return false;
	*v_out = v;
	return true;
}

bool
str_u32(struct str s, uint32_t *v_out)
{
	uint64_t v;

	if (!str_u64(s, UINT32_MAX, &v))
		return false;
	*v_out = (uint32_t)v;
	return true;
}

bool
str_index(struct str s, size_t count, size_t *i_out)
{
	uint64_t v;

	if (!str_u64(s, count, &v) || v == 0)
		return false;
	*i_out = (size_t)v - 1;
	return true;
}

bool
str_has_nul(struct str s)
{
	return str_chr(s, '\0') < s.n;
}

bool
str_is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 128)
			return false;
	return true;
}

bool
str_is_print(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 32 || s.p[i] > 126)
			return false;
	return true;
}

bool
str_eq_secret(struct str a, struct str b)
{
	volatile uint8_t differ = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		differ |= a.p[i] ^ b.p[i];
	return differ == 0;
}
