/* SPDX-License-Identifier: ISC */
/*
 * mail/provider.c - the table of providers, and verdicts by it.
 *
 * Receivers say with the same 550 that a mailbox does not exist, that we send
 * too fast, and that we are not welcome at all; only the text tells which.
 */
#include "mail/provider.h"

#include <string.h>

#include "base/banned.h"

enum { WORDS = 32, CONNECTIONS_MAX = 1000 };

static const struct {
	const char	*name, *text;
} verdicts[VERDICTS] = {
	[VERDICT_ACCEPTED] = { "accepted", "accepted" },
	[VERDICT_LATER] = { "later", "not now" },
	[VERDICT_SLOW] = { "slow", "too much mail in too short a time" },
	[VERDICT_NEVER] = { "never", "refused for good" },
	[VERDICT_BAD_ADDRESS] = { "bad-address", "there is no such mailbox" },
	[VERDICT_POLICY] = { "policy", "the message breaks a rule of the "
	    "receiver" },
	[VERDICT_REPUTATION] = { "reputation", "the receiver does not trust "
	    "this mail system or its address" },
};

const char *
verdict_name(enum verdict v)
{
	return v < VERDICTS ? verdicts[v].name : "?";
}

const char *
verdict_text(enum verdict v)
{
	return v < VERDICTS ? verdicts[v].text : "?";
}

/* --- the file ------------------------------------------------------------ */

struct parse {
	struct providers *table;
	struct provider	*open;		/* the block we are in */
	struct arena	*arena;
	unsigned	line;
	struct why	*why;
};

static int
wrong(const struct parse *s, const char *what, struct str word)
{
	return why_set(s->why, FAIL_SYNTAX, "line %u: %s%s%.*s", s->line, what,
	    word.n > 0 ? ": " : "", word.n < 40 ? (int)word.n : 40,
	    (const char *)word.p);
}

/* "words" and bare ones; what stands behind # is none.  More than WORDS, or
 * a quote without end: WORDS + 1. */
static size_t
split(struct str line, struct str word[WORDS])
{
	size_t n = 0, at;

	for (;;) {
		line = str_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			return n;
		if (n == WORDS)
			return WORDS + 1;
		if (line.p[0] == '"') {
			line = str_from(line, 1);
			at = str_chr(line, '"');
			if (at == line.n)
				return WORDS + 1;
			word[n++] = str_sub(line, 0, at);
			line = str_from(line, at + 1);
		} else
			word[n++] = str_word(&line);
	}
}

static int
duration(struct str s, int64_t *ms_out)
{
	static const struct { char unit; int64_t ms; } units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 },
		{ 'd', 86400000 },
	};
	uint64_t v;

	for (size_t i = 0; s.n > 1 && i < NITEMS(units); i++)
		if (s.p[s.n - 1] == (uint8_t)units[i].unit &&
		    str_u64(str_sub(s, 0, s.n - 1), 1000000, &v) && v > 0) {
			*ms_out = (int64_t)v * units[i].ms;
			return 0;
		}
	return FAIL_SYNTAX;
}

/* The rules of a name that is compared with hosts: else it never matches. */
static bool
is_host(struct str s)
{
	if (s.n == 0 || s.n > 253 || s.p[0] == '.' || s.p[s.n - 1] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '-' ||
		    s.p[i] == '.' || (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return true;
}

static int
line_provider(struct parse *s, const struct str *word, size_t n)
{
	struct provider *p;

	if (n != 2)
		return wrong(s, "a provider has one name", STR(""));
	if (provider_named(s->table, word[1]) != NULL)
		return wrong(s, "this provider is there already", word[1]);
	p = arena_get(s->arena, sizeof(*p));
	if (p == NULL)
		return why_set(s->why, FAIL_TOO_BIG, "line %u: the file is "
		    "too large", s->line);
	p->name = word[1];
	p->mx_end = &p->mx;
	p->rules_end = &p->rules;
	*s->table->end = p;
	s->table->end = &p->next;
	if (str_same(word[1], "*"))
		s->table->general = p;
	s->open = p;
	return 0;
}

static int
line_mx(struct parse *s, const struct str *word, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct provider_mx *m;

		if (!is_host(word[i]))
			return wrong(s, "no name of a host in small letters",
			    word[i]);
		m = arena_get(s->arena, sizeof(*m));
		if (m == NULL)
			return why_set(s->why, FAIL_TOO_BIG, "line %u: the "
			    "file is too large", s->line);
		m->name = word[i];
		*s->open->mx_end = m;
		s->open->mx_end = &m->next;
	}
	return n > 1 ? 0 : wrong(s, "mx wants names of hosts", STR(""));
}

static int
line_connections(struct parse *s, const struct str *word, size_t n)
{
	uint64_t v;

	if (n != 2 || !str_u64(word[1], CONNECTIONS_MAX, &v) || v == 0)
		return wrong(s, "connections wants a number from 1 to 1000",
		    STR(""));
	s->open->connections = (unsigned)v;
	return 0;
}

static int
line_pause(struct parse *s, const struct str *word, size_t n)
{
	if (n < 2 || n > PROVIDER_PAUSES + 1)
		return wrong(s, "pause wants one to six times", STR(""));
	for (size_t i = 1; i < n; i++)
		if (duration(word[i], &s->open->pause_ms[i - 1]) != 0)
			return wrong(s, "no time like 30s, 10m, 2h, 1d",
			    word[i]);
	s->open->pauses = (unsigned)(n - 1);
	return 0;
}

static bool
is_code(struct str s)
{
	if (s.n != 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (s.p[i] != 'x' && (s.p[i] < '0' || s.p[i] > '9'))
			return false;
	return true;
}

static bool
verdict_of(struct str s, enum verdict *out)
{
	for (int v = 0; v < VERDICTS; v++)
		if (str_same(s, verdicts[v].name)) {
			*out = (enum verdict)v;
			return true;
		}
	return false;
}

static int
line_rule(struct parse *s, const struct str *word, size_t n)
{
	struct provider_rule *r;
	enum verdict v;

	if (n < 2 || !verdict_of(word[1], &v))
		return wrong(s, "a code wants accepted, later, slow, never, "
		    "bad-address, policy or reputation", STR(""));
	if (n > 2 + PROVIDER_TEXTS)
		return wrong(s, "at most four texts", STR(""));
	r = arena_get(s->arena, sizeof(*r));
	if (r == NULL)
		return why_set(s->why, FAIL_TOO_BIG, "line %u: the file is "
		    "too large", s->line);
	memcpy(r->code, word[0].p, 3);
	r->verdict = v;
	r->line = s->line;
	for (size_t i = 2; i < n; i++) {
		if (word[i].n == 0)
			return wrong(s, "an empty text fits everything",
			    STR(""));
		r->text[r->texts++] = word[i];
	}
	*s->open->rules_end = r;
	s->open->rules_end = &r->next;
	return 0;
}

static int
one_line(struct parse *s, struct str line)
{
	static const struct {
		const char	*word;
		int		(*fn)(struct parse *, const struct str *,
				    size_t);
	} kinds[] = {
		{ "mx", line_mx }, { "connections", line_connections },
		{ "pause", line_pause },
	};
	struct str word[WORDS];
	size_t n = split(line, word);

	if (n == 0)
		return 0;
	if (n > WORDS)
		return wrong(s, "too many words, or a quote without end",
		    STR(""));
	if (str_same(word[0], "provider"))
		return line_provider(s, word, n);
	if (s->open == NULL)
		return wrong(s, "a file begins with a provider, not with",
		    word[0]);
	for (size_t i = 0; i < NITEMS(kinds); i++)
		if (str_same(word[0], kinds[i].word))
			return kinds[i].fn(s, word, n);
	if (is_code(word[0]))
		return line_rule(s, word, n);
	return wrong(s, "neither provider, mx, connections, pause nor a code "
	    "of three digits", word[0]);
}

int
providers_parse(struct providers *p, struct str text, struct arena *a,
    struct why *why)
{
	struct parse s = { .table = p, .arena = a, .why = why };
	struct str line;
	int r;

	*p = (struct providers){ .first = NULL };
	p->end = &p->first;
	if (text.n > PROVIDERS_FILE_MAX)
		return why_set(why, FAIL_TOO_BIG, "the file is too large");
	while (str_line(&text, &line)) {
		s.line++;
		if ((r = one_line(&s, line)) != 0)
			return r;
	}
	return 0;
}

/* --- whose host ---------------------------------------------------------- */

const struct provider *
provider_named(const struct providers *p, struct str name)
{
	for (const struct provider *i = p->first; i != NULL; i = i->next)
		if (str_eq(i->name, name))
			return i;
	return NULL;
}

static bool
is_at_or_below(struct str host, struct str name)
{
	return str_iends(host, name) && (host.n == name.n ||
	    host.p[host.n - name.n - 1] == '.');
}

const struct provider *
provider_of_mx(const struct providers *p, struct str mx)
{
	if (mx.n > 0 && mx.p[mx.n - 1] == '.')
		mx.n--;
	for (const struct provider *i = p->first; i != NULL; i = i->next)
		for (const struct provider_mx *m = i->mx; m != NULL;
		    m = m->next)
			if (is_at_or_below(mx, m->name))
				return i;
	return NULL;
}

/* com.cn, co.uk, ac.jp: under two letters of a country a second level of
 * these is nobody's. */
static bool
is_public_second(struct str label)
{
	static const char *const names[] = { "ac", "co", "com", "edu", "go",
	    "gob", "gov", "gv", "ltd", "me", "mil", "ne", "net", "nom", "or",
	    "org", "plc", "sch" };

	for (size_t i = 0; i < NITEMS(names); i++)
		if (str_is(label, names[i]))
			return true;
	return false;
}

static bool
is_address(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (str_chr(STR("0123456789.:[]"), host.p[i]) == 14)
			return false;
	return true;
}

struct str
provider_org(struct str host)
{
	size_t dot[3], n = 0;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (is_address(host) || str_starts(host, "["))
		return host;
	for (size_t i = host.n; i-- > 0 && n < 3; )
		if (host.p[i] == '.')
			dot[n++] = i;
	if (n < 2)
		return host;
	if (host.n - dot[0] == 3 && is_public_second(str_sub(host, dot[1] + 1,
	    dot[0] - dot[1] - 1)))
		return n == 3 ? str_from(host, dot[2] + 1) : host;
	return str_from(host, dot[1] + 1);
}

/* --- verdicts ------------------------------------------------------------ */

/* Behind "550-" and, in lines that follow, an enhanced code said again. */
static struct str
without_code(struct str line, bool is_first)
{
	struct str rest, word;

	if (line.n >= 4 && (line.p[3] == '-' || line.p[3] == ' ') &&
	    is_code(str_sub(line, 0, 3)))
		line = str_from(line, 4);
	if (is_first)
		return line;
	rest = line;
	word = str_word(&rest);
	if (word.n >= 5 && word.n <= 9 && word.p[1] == '.' &&
	    word.p[0] >= '2' && word.p[0] <= '5')
		return str_rest(&rest);
	return line;
}

static struct str
one_text(struct str reply, uint8_t out[PROVIDER_REPLY_MAX])
{
	struct str line;
	size_t n = 0, take;

	for (bool is_first = true; str_line(&reply, &line); is_first = false) {
		line = str_trim(without_code(line, is_first));
		if (n > 0 && n < PROVIDER_REPLY_MAX)
			out[n++] = ' ';
		take = line.n < PROVIDER_REPLY_MAX - n ? line.n :
		    PROVIDER_REPLY_MAX - n;
		if (take > 0)
			memcpy(out + n, line.p, take);
		n += take;
	}
	return str_mem(out, n);
}

static bool
fits(const struct provider_rule *r, unsigned code, struct str text)
{
	const uint8_t digit[3] = { (uint8_t)('0' + code / 100 % 10),
	    (uint8_t)('0' + code / 10 % 10), (uint8_t)('0' + code % 10) };

	for (int i = 0; i < 3; i++)
		if (r->code[i] != 'x' && r->code[i] != digit[i])
			return false;
	for (size_t i = 0; i < r->texts; i++)
		if (str_ifind(text, r->text[i]) == text.n)
			return false;
	return true;
}

static const struct provider_rule *
rule_of(const struct provider *p, unsigned code, struct str text)
{
	if (p == NULL)
		return NULL;
	for (const struct provider_rule *r = p->rules; r != NULL; r = r->next)
		if (fits(r, code, text))
			return r;
	return NULL;
}

static enum verdict
verdict_of_code(unsigned code)
{
	return code / 100 == 2 ? VERDICT_ACCEPTED : code / 100 == 5 ?
	    VERDICT_NEVER : VERDICT_LATER;
}

enum verdict
provider_verdict(const struct providers *p, const struct provider *provider,
    unsigned code, struct str reply, const struct provider_rule **rule_out)
{
	uint8_t flat[PROVIDER_REPLY_MAX];
	const struct provider_rule *r = NULL;
	struct str text;

	if (code / 100 != 2) {
		text = one_text(reply, flat);
		r = rule_of(provider, code, text);
		if (r == NULL)
			r = rule_of(p->general, code, text);
	}
	if (rule_out != NULL)
		*rule_out = r;
	return r != NULL ? r->verdict : verdict_of_code(code);
}
