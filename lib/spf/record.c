/* SPDX-License-Identifier: ISC */
/*
 * spf/record.c - the grammar of SPF records (RFC 7208 12).
 *
 * One table of mechanisms, one of modifiers.  The whole record is read once
 * before any of it counts, and then again term by term as it is evaluated:
 * nothing is kept of it but the text.  Whoever is not sure what a domain
 * meant says so: there is no leniency here.
 */
#include "spf/record.h"

#include <arpa/inet.h>
#include <string.h>

#include "spf/macro.h"

#include "base/banned.h"

#define VERSION	"v=spf1"

typedef bool arg_fn(struct str arg, struct spf_term *t);

bool
spf_is_record(struct str text)
{
	return str_istarts(text, VERSION) &&
	    (text.n == strlen(VERSION) || text.p[strlen(VERSION)] == ' ');
}

/* --- what stands behind a mechanism's name ------------------------------- */

static bool
arg_none(struct str arg, struct spf_term *t)
{
	(void)t;
	return arg.n == 0;
}

static bool
arg_spec(struct str arg, struct spf_term *t)
{
	if (arg.n == 0 || arg.p[0] != ':')
		return false;
	t->spec = str_from(arg, 1);
	return spf_domain_spec_ok(t->spec);
}

static bool
arg_maybe_spec(struct str arg, struct spf_term *t)
{
	return arg.n == 0 || arg_spec(arg, t);
}

/* "0", or digits that do not begin with it. */
static bool
is_length(struct str digits, unsigned max, unsigned *out)
{
	uint32_t v;

	if (digits.n > 3 || (digits.n > 1 && digits.p[0] == '0') ||
	    !str_u32(digits, &v) || v > max)
		return false;
	*out = v;
	return true;
}

/* Takes mark and number off the end of *s.  false: there, but no good. */
static bool
take_length(struct str *s, const char *mark, unsigned max, unsigned *out)
{
	size_t n = s->n, m = strlen(mark);

	while (n > 0 && s->p[n - 1] >= '0' && s->p[n - 1] <= '9')
		n--;
	if (n == s->n || !str_ends(str_sub(*s, 0, n), mark))
		return true;
	if (!is_length(str_from(*s, n), max, out))
		return false;
	s->n = n - m;
	return true;
}

static bool
arg_lengths(struct str arg, struct spf_term *t)
{
	return take_length(&arg, "//", 128, &t->bits6) &&
	    take_length(&arg, "/", 32, &t->bits4) && arg_maybe_spec(arg, t);
}

static bool
is_address(int family, struct str s, uint8_t *out)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text) || str_has_nul(s))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, out) == 1;
}

static bool
arg_ip4(struct str arg, struct spf_term *t)
{
	return arg.n > 0 && arg.p[0] == ':' &&
	    take_length(&arg, "/", 32, &t->bits4) &&
	    is_address(AF_INET, str_from(arg, 1), t->addr);
}

static bool
arg_ip6(struct str arg, struct spf_term *t)
{
	return arg.n > 0 && arg.p[0] == ':' &&
	    take_length(&arg, "/", 128, &t->bits6) &&
	    is_address(AF_INET6, str_from(arg, 1), t->addr);
}

/* --- terms --------------------------------------------------------------- */

static const struct mechanism {
	const char	*name;
	enum spf_what	what;
	arg_fn		*arg;
} mechanisms[] = {
	{ "all", SPF_ALL, arg_none },
	{ "include", SPF_INCLUDE, arg_spec },
	{ "a", SPF_A, arg_lengths },
	{ "mx", SPF_MX, arg_lengths },
	{ "ptr", SPF_PTR, arg_maybe_spec },
	{ "ip4", SPF_IP4, arg_ip4 },
	{ "ip6", SPF_IP6, arg_ip6 },
	{ "exists", SPF_EXISTS, arg_spec },
};

static const struct modifier {
	const char	*name;
	enum spf_what	what;
	bool		(*is_ok)(struct str value);
} modifiers[] = {
	{ "redirect", SPF_REDIRECT, spf_domain_spec_ok },
	{ "exp", SPF_EXP, spf_domain_spec_ok },
};

static bool
is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') ||
	    ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool
is_name(struct str s)
{
	if (s.n == 0 || !is_alnum(s.p[0]) || s.p[0] <= '9')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' &&
		    s.p[i] != '.')
			return false;
	return true;
}

static bool
parse_modifier(struct str name, struct str value, struct spf_term *t)
{
	t->spec = value;
	for (size_t i = 0; i < NITEMS(modifiers); i++)
		if (str_is(name, modifiers[i].name)) {
			t->what = modifiers[i].what;
			return modifiers[i].is_ok(value);
		}
	t->what = SPF_OTHER;
	return spf_macro_any_ok(value);
}

static struct str
take_qualifier(struct str s, struct spf_term *t)
{
	static const struct {
		char		c;
		enum spf_result	result;
	} table[] = {
		{ '+', SPF_PASS }, { '-', SPF_FAIL }, { '~', SPF_SOFTFAIL },
		{ '?', SPF_NEUTRAL },
	};

	t->qualifier = SPF_PASS;
	for (size_t i = 0; i < NITEMS(table); i++)
		if (s.n > 0 && s.p[0] == (uint8_t)table[i].c) {
			t->qualifier = table[i].result;
			return str_from(s, 1);
		}
	return s;
}

static bool
parse_mechanism(struct str s, struct spf_term *t)
{
	size_t n = 0;

	s = take_qualifier(s, t);
	while (n < s.n && is_alnum(s.p[n]))
		n++;
	for (size_t i = 0; i < NITEMS(mechanisms); i++)
		if (str_is(str_sub(s, 0, n), mechanisms[i].name)) {
			t->what = mechanisms[i].what;
			return mechanisms[i].arg(str_from(s, n), t);
		}
	return false;
}

int
spf_term_next(struct str *rest, struct spf_term *t)
{
	size_t equal;

	while (rest->n > 0 && rest->p[0] == ' ')
		*rest = str_from(*rest, 1);
	if (rest->n == 0)
		return 0;
	*t = (struct spf_term){ .bits4 = 32, .bits6 = 128 };
	t->text = str_until(rest, ' ');
	equal = str_chr(t->text, '=');
	if (equal < t->text.n && is_name(str_sub(t->text, 0, equal)))
		return parse_modifier(str_sub(t->text, 0, equal),
		    str_from(t->text, equal + 1), t) ? 1 : FAIL_SYNTAX;
	return parse_mechanism(t->text, t) ? 1 : FAIL_SYNTAX;
}

int
spf_record_parse(struct str text, struct str *terms_out,
    struct str *redirect_out, struct str *exp_out, struct why *why)
{
	struct str rest = str_from(text, strlen(VERSION)), terms = rest;
	struct str found[2] = { { NULL, 0 }, { NULL, 0 } };
	struct spf_term t = { 0 };
	int r;

	while ((r = spf_term_next(&rest, &t)) == 1) {
		struct str *f = &found[t.what == SPF_EXP];

		if (t.what != SPF_REDIRECT && t.what != SPF_EXP)
			continue;
		if (f->n > 0)
			return why_set(why, FAIL_SYNTAX, "two of \"%.*s\"",
			    (int)str_chr(t.text, '='), t.text.p);
		*f = t.spec;
	}
	if (r < 0)
		return why_set(why, r, "cannot read \"%.*s\"",
		    (int)(t.text.n < 100 ? t.text.n : 100), t.text.p);
	*terms_out = terms;
	*redirect_out = found[0];
	*exp_out = found[1];
	return 0;
}
