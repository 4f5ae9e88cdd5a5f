/* SPDX-License-Identifier: ISC */
/*
 * spf/macro.c - macro-strings.
 *
 * A string is walked piece by piece: an octet that stands for itself, or a
 * macro.  Checking and expanding take the same walk, so that what was found
 * well-formed is understood the same way later.  What comes out of a macro is
 * whatever the client said; it is bounded here, and not trusted anywhere.
 */
#include "spf/macro.h"

#include <string.h>

#include "base/attr.h"

#include "base/banned.h"

#define PARTS_MAX	256	/* of one value; what follows is one part */
#define TAIL		1024	/* octets of a name kept while it is made */

struct piece {
	uint8_t		letter;		/* 0: `octets' stand for themselves */
	struct str	octets;
	unsigned	keep;		/* parts at the right; 0: all */
	bool		is_reversed, is_escaped;
	struct str	delimiters;
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool
is_in(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* --- one piece ----------------------------------------------------------- */

/* Behind "%{": letter, digits, r, delimiters, "}". */
static bool
take_macro(struct str *s, struct piece *p)
{
	size_t i = 1, from;
	unsigned keep = 0;

	if (s->n < 2 || !is_in(s->p[0] | 0x20, "slodiphcrtv") ||
	    !is_alpha(s->p[0]))
		return false;
	p->letter = s->p[0] | 0x20;
	p->is_escaped = (s->p[0] & 0x20) == 0;
	for (from = i; i < s->n && is_digit(s->p[i]); i++)
		if (keep < PARTS_MAX)
			keep = keep * 10 + (s->p[i] - '0');
	if (i > from && keep == 0)
		return false;
	p->keep = keep;
	p->is_reversed = i < s->n && (s->p[i] | 0x20) == 'r';
	i += p->is_reversed;
	for (from = i; i < s->n && is_in(s->p[i], ".-+,/_="); i++)
		;
	p->delimiters = i > from ? str_sub(*s, from, i - from) : STR(".");
	if (i >= s->n || s->p[i] != '}')
		return false;
	*s = str_from(*s, i + 1);
	return true;
}

/* false: not well-formed.  *s is not empty. */
static bool
take_piece(struct str *s, struct piece *p)
{
	static const struct {
		char		c;
		struct str	octets;
	} escapes[] = {
		{ '%', STR_INIT("%") }, { '_', STR_INIT(" ") },
		{ '-', STR_INIT("%20") },
	};
	uint8_t c = s->p[0];

	*p = (struct piece){ 0 };
	if (c != '%') {
		p->octets = str_sub(*s, 0, 1);
		*s = str_from(*s, 1);
		return c >= 0x20 && c <= 0x7e;
	}
	if (s->n < 2)
		return false;
	c = s->p[1];
	*s = str_from(*s, 2);
	if (c == '{')
		return take_macro(s, p);
	for (size_t i = 0; i < NITEMS(escapes); i++)
		if (c == (uint8_t)escapes[i].c) {
			p->octets = escapes[i].octets;
			return true;
		}
	return false;
}

/* --- well-formed? -------------------------------------------------------- */

/* *tail_out: what stands behind the last macro or escape. */
static bool
check(struct str s, bool has_spaces, const char *no_letters,
    struct str *tail_out)
{
	struct piece p;
	struct str before;

	*tail_out = s;
	while (s.n > 0) {
		before = s;
		if (!take_piece(&s, &p) || is_in(p.letter, no_letters) ||
		    (!has_spaces && before.p[0] == ' '))
			return false;
		if (before.p[0] == '%')
			*tail_out = s;
	}
	return true;
}

bool
spf_macro_ok(struct str s, bool is_explanation)
{
	struct str tail;

	return check(s, is_explanation, is_explanation ? "" : "crt", &tail);
}

bool
spf_macro_any_ok(struct str s)
{
	struct str tail;

	return check(s, false, "", &tail);
}

/* toplabel of RFC 7208 7.1: letters, digits, inner hyphens, not all digits. */
static bool
is_top_label(struct str s)
{
	bool has_other = false;

	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
			return false;
		has_other |= !is_digit(s.p[i]);
	}
	return has_other;
}

bool
spf_domain_spec_ok(struct str s)
{
	struct str tail;
	size_t dot;

	if (s.n == 0 || !check(s, false, "crt", &tail))
		return false;
	if (tail.n == 0)
		return true;
	if (tail.p[tail.n - 1] == '.')
		tail.n--;
	dot = str_rchr(tail, '.');
	return dot < tail.n && is_top_label(str_from(tail, dot + 1));
}

bool
spf_macro_wants_name(struct str s)
{
	struct piece p;

	while (s.n > 0 && take_piece(&s, &p))
		if (p.letter == 'p')
			return true;
	return false;
}

/* --- expanded ------------------------------------------------------------ */

struct out {
	char	*p;
	size_t	n, max;
	bool	keeps_end;	/* of what is too long */
	bool	was_cut;
};

static void
put(struct out *o, uint8_t c)
{
	size_t half = o->max / 2;

	if (o->n == o->max) {
		o->was_cut = true;
		if (!o->keeps_end)
			return;
		memmove(o->p, o->p + half, o->max - half);
		o->n -= half;
	}
	o->p[o->n++] = (char)c;
}

/* RFC 3986 2.3: what is not unreserved is escaped for capital letters. */
static void
put_value(struct out *o, struct str s, bool is_escaped)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!is_escaped || is_alpha(c) || is_digit(c) ||
		    is_in(c, "-._~")) {
			put(o, c);
			continue;
		}
		put(o, '%');
		put(o, (uint8_t)hex[c >> 4]);
		put(o, (uint8_t)hex[c & 15]);
	}
}

static bool
is_one_of(uint8_t c, struct str set)
{
	return str_chr(set, c) < set.n;
}

static size_t
split(struct str s, struct str delimiters, struct str part[PARTS_MAX])
{
	size_t n = 0, from = 0;

	for (size_t i = 0; i < s.n && n < PARTS_MAX - 1; i++)
		if (is_one_of(s.p[i], delimiters)) {
			part[n++] = str_sub(s, from, i - from);
			from = i + 1;
		}
	part[n++] = str_from(s, from);
	return n;
}

static void
put_macro(struct out *o, const struct spf_values *v, const struct piece *p)
{
	struct str part[PARTS_MAX];
	size_t n = split(v->v[p->letter - 'a'], p->delimiters, part);
	size_t first = p->keep > 0 && p->keep < n ? n - p->keep : 0;

	for (size_t i = first; i < n; i++) {
		if (i > first)
			put(o, '.');
		put_value(o, part[p->is_reversed ? n - 1 - i : i],
		    p->is_escaped);
	}
}

static void
expand(struct out *o, const struct spf_values *v, struct str s)
{
	struct piece p;

	while (s.n > 0 && take_piece(&s, &p))
		if (p.letter != 0)
			put_macro(o, v, &p);
		else
			put_value(o, p.octets, false);
}

static struct str
without_label(struct str name)
{
	return str_from(name, str_chr(name, '.') + 1);
}

size_t
spf_expand_name(const struct spf_values *v, struct str s,
    char out[SPF_NAME_MAX + 1])
{
	char tail[TAIL];
	struct out o = { .p = tail, .max = sizeof(tail), .keeps_end = true };
	struct str name;

	expand(&o, v, s);
	name = str_mem(tail, o.n);
	if (str_ends(name, "."))
		name.n--;
	if (o.was_cut)
		name = without_label(name);
	while (name.n > SPF_NAME_MAX)
		name = without_label(name);
	if (name.n > 0)
		memcpy(out, name.p, name.n);
	out[name.n] = '\0';
	return name.n;
}

size_t
spf_expand_text(const struct spf_values *v, struct str s, char *out,
    size_t max)
{
	struct out o = { .p = out, .max = max };

	expand(&o, v, s);
	for (size_t i = 0; i < o.n; i++)
		if ((uint8_t)out[i] < 0x20 || (uint8_t)out[i] > 0x7e)
			out[i] = '?';
	out[o.n] = '\0';
	return o.n;
}

bool
spf_name_ok(struct str name)
{
	if (name.n == 0 || name.n > SPF_NAME_MAX || str_has_nul(name))
		return false;
	for (size_t from = 0, n; from <= name.n; from += n + 1) {
		n = str_chr(str_from(name, from), '.');
		if (n == 0 || n > 63)
			return false;
	}
	return true;
}
