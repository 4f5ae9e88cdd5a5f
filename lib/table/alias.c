/* SPDX-License-Identifier: ISC */
/*
 * table/alias.c - alias files, and the right-hand sides of alias tables.
 *
 * Text in; names with their targets, or errors with their line, out.  Pure:
 * who may read the file and where it lies is the caller's.
 *
 * The syntax is that of sendmail's aliases file, which Postfix, Exim and
 * OpenSMTPD read too, without what runs a program or writes a file: a mail
 * server that starts a program for a line of text has one privilege boundary
 * less than it thinks.
 */
#include "table/alias.h"

#include <inttypes.h>
#include <string.h>

#include "base/dict.h"
#include "mail/addr.h"
#include "base/banned.h"

struct scan {
	struct str	rest;
	uint32_t	line;
};

struct parse {
	const struct alias_sink	*sink;
	struct arena	*a;
	struct dict	names;	/* name -> its line, as struct seen */
	bool		failed;
};

struct seen {
	uint32_t	line;
};

static void
bad(struct parse *p, uint32_t line, const char *text)
{
	p->failed = true;
	p->sink->error(p->sink->arg, line, text);
}

static int
peek(const struct scan *s)
{
	return s->rest.n > 0 ? s->rest.p[0] : -1;
}

static void
step(struct scan *s)
{
	if (peek(s) == '\n')
		s->line++;
	s->rest = str_from(s->rest, 1);
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Blanks, line ends and comments between words. */
static void
skip(struct scan *s)
{
	while (is_blank(peek(s))) {
		step(s);
		if (peek(s) == '#')
			while (peek(s) >= 0 && peek(s) != '\n')
				step(s);
	}
}

/* A word up to a blank or one of `ends`; quotes keep both.  The word comes
 * as written. */
static struct str
take(struct scan *s, const char *ends)
{
	const uint8_t *from = s->rest.p;
	bool quoted = false;

	while (peek(s) >= 0 && (quoted || (!is_blank(peek(s)) &&
	    strchr(ends, peek(s)) == NULL) || peek(s) == '\0')) {
		if (peek(s) == '"')
			quoted = !quoted;
		else if (quoted && peek(s) == '\\' && s->rest.n > 1)
			step(s);
		if (quoted && peek(s) == '\n')
			break;
		step(s);
	}
	return str_mem(from, (size_t)(s->rest.p - from));
}

static struct str
lower(struct arena *a, struct str s)
{
	struct buf b;
	struct str out;

	buf_init(&b, 1024);
	addr_put_lower(&b, s);
	out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static struct str
without(struct str s, const char *open, const char *close)
{
	if (s.n >= 2 && str_starts(s, open) && str_ends(s, close))
		return str_sub(s, 1, s.n - 2);
	return s;
}

/* What other alias programs would do with such a target, and we do not. */
static const char *
refused(struct str s)
{
	if (str_starts(s, "|"))
		return "runs a command, which is not done here";
	if (str_starts(s, "/"))
		return "names a file, only addresses get mail";
	if (str_istarts(s, ":include:"))
		return "includes a file, which is not done here";
	return NULL;
}

/* NULL: an address, canonical in *out; else what is wrong with it. */
static const char *
address(struct str s, struct arena *a, struct str *out)
{
	const char *what = refused(without(s, "\"", "\""));
	struct addr_path path;

	if (what != NULL)
		return what;
	s = without(s, "<", ">");
	if (str_starts(s, "\\"))	/* sendmail: no further aliases */
		s = str_from(s, 1);
	if (addr_parse(s, true, a, &path) != ADDR_FINE || path.is_null ||
	    path.local.n == 0)
		return "is not an address";
	*out = lower(a, path.text);
	/* Once more: quotes and backslashes may have hidden it. */
	return out->p == NULL ? "is too much" :
	    refused(without(*out, "\"", "\""));
}

static void
bad_target(struct parse *p, uint32_t line, struct str target,
    const char *what)
{
	struct buf text;

	buf_init(&text, 200);
	buf_fmt(&text, "\"%.*s\" %s", (int)(target.n < 80 ? target.n : 80),
	    (const char *)target.p, what);
	bad(p, line, buf_cstr(&text));
	buf_free(&text);
}

/* Targets up to the end of the entry into `value`. */
static void
read_targets(struct parse *p, struct scan *s, struct buf *value)
{
	struct str word, target;
	const char *what;
	uint32_t line;

	for (;;) {
		skip(s);
		if (peek(s) == ',') {
			step(s);
			continue;
		}
		if (peek(s) < 0)
			return;
		line = s->line;
		word = take(s, ",");
		what = address(word, p->a, &target);
		if (what != NULL)
			bad_target(p, line, word, what);
		if (value->len > 0)
			buf_c(value, ',');
		if (what == NULL)
			buf_add(value, target);
		skip(s);
		if (what != NULL)	/* the arguments of a command, say */
			while (peek(s) >= 0 && peek(s) != ',')
				step(s);
		else if (peek(s) >= 0 && peek(s) != ',')
			bad(p, s->line, "a comma is missing between targets");
	}
}

/* "@example.org", a local part or an address. */
static bool
canonical_name(struct parse *p, struct str word, struct str *name_out)
{
	if (!str_starts(word, "@"))
		return address(word, p->a, name_out) == NULL;
	*name_out = lower(p->a, word);
	return addr_domain_valid(str_from(word, 1));
}

static bool
is_new(struct parse *p, struct str name, uint32_t line)
{
	struct seen *seen = dict_get(&p->names, name);
	struct buf text;

	if (seen != NULL) {
		buf_init(&text, 600);
		buf_fmt(&text, "\"%.*s\" stands in line %" PRIu32 " already",
		    STR_ARG(name), seen->line);
		bad(p, line, buf_cstr(&text));
		buf_free(&text);
		return false;
	}
	seen = arena_get(p->a, sizeof(*seen));
	if (seen == NULL)
		return false;
	seen->line = line;
	(void)dict_put(&p->names, name, seen);
	return true;
}

static void
spoil(struct parse *p, struct str name)
{
	if (p->sink->spoilt != NULL)
		p->sink->spoilt(p->sink->arg, name);
}

static void
read_entry(struct parse *p, struct str text, uint32_t line)
{
	struct scan s = { text, line };
	struct str word = take(&s, ":"), name;
	bool failed = p->failed;
	struct buf value;

	while (peek(&s) == ' ' || peek(&s) == '\t')
		step(&s);
	if (peek(&s) != ':') {
		bad(p, line, "no colon behind the name");
		spoil(p, str_of(""));
		return;
	}
	step(&s);
	if (!canonical_name(p, word, &name)) {
		bad_target(p, line, word, "is no name for an alias");
		spoil(p, str_of(""));
		return;
	}
	buf_init(&value, 1024 * 1024);
	p->failed = false;
	read_targets(p, &s, &value);
	if (buf_failed(&value))
		bad(p, line, "too many targets");
	else if (value.len == 0 && !p->failed)
		bad_target(p, line, word, "has no target");
	if (is_new(p, name, line) && !p->failed)
		p->sink->entry(p->sink->arg, line, name,
		    arena_str(p->a, buf_str(&value)));
	else
		spoil(p, name);
	p->failed |= failed;
	buf_free(&value);
}

/* Does this line begin an entry, or belong to the one before? */
static bool
begins_entry(struct str line)
{
	return line.n > 0 && !is_blank(line.p[0]) && line.p[0] != '#';
}

int
alias_parse(struct str text, const struct alias_sink *sink, struct arena *a)
{
	struct parse p = { .sink = sink, .a = a };
	const uint8_t *entry = NULL, *at;
	uint32_t number = 0, entry_number = 0;
	struct str line;

	dict_init(&p.names);
	for (;;) {
		at = text.p;
		number++;
		if (!str_line(&text, &line))
			break;
		if (begins_entry(line)) {
			if (entry != NULL)
				read_entry(&p, str_mem(entry,
				    (size_t)(at - entry)), entry_number);
			entry = at;
			entry_number = number;
		} else if (entry == NULL && str_more(line) &&
		    str_trim(line).p[0] != '#') {
			bad(&p, number, "a continuation of nothing");
			spoil(&p, str_of(""));
		}
	}
	if (entry != NULL)
		read_entry(&p, str_mem(entry, (size_t)(at - entry)),
		    entry_number);
	dict_free(&p.names);
	return p.failed ? FAIL_SYNTAX : 0;
}

/* --- rows ---------------------------------------------------------------- */

struct collect {
	struct arena	*a;
	const char	*name;
	struct table_row *rows;
	size_t		n, cap;
	struct buf	*errors;
	bool		too_big;
};

static void
collect_entry(void *arg, uint32_t line, struct str name, struct str value)
{
	struct collect *c = arg;
	size_t cap = c->cap == 0 ? 64 : c->cap * 2;
	struct table_row *rows;

	(void)line;
	if (c->n == c->cap) {
		rows = arena_array(c->a, cap, sizeof(*rows));
		if (rows == NULL) {
			c->too_big = true;
			return;
		}
		if (c->n > 0)
			memcpy(rows, c->rows, c->n * sizeof(*rows));
		c->rows = rows;
		c->cap = cap;
	}
	c->rows[c->n++] = (struct table_row){ name, value };
}

static void
collect_error(void *arg, uint32_t line, const char *text)
{
	struct collect *c = arg;

	buf_fmt(c->errors, "%s:%" PRIu32 ": %s\n", c->name, line, text);
}

int
alias_rows(struct str text, const char *name, struct arena *a,
    struct table_row **rows_out, size_t *n_out, struct buf *errors_out)
{
	struct collect c = { .a = a, .name = name, .errors = errors_out };
	struct alias_sink sink = { .entry = collect_entry,
	    .error = collect_error, .arg = &c };
	int rc = alias_parse(text, &sink, a);

	if (rc == 0 && c.too_big)
		return FAIL_TOO_BIG;
	if (rc != 0)
		return rc;
	*rows_out = c.rows;
	*n_out = c.n;
	return 0;
}

/* --- right-hand sides ---------------------------------------------------- */

int
alias_targets(struct str value, struct arena *a, struct str *target,
    size_t max, size_t *n_out, struct why *why)
{
	struct scan s = { value, 1 };
	struct str word;
	const char *what;
	size_t n = 0;

	for (;;) {
		skip(&s);
		if (peek(&s) == ',') {
			step(&s);
			continue;
		}
		if (peek(&s) < 0)
			break;
		word = take(&s, ",");
		if (n == max)
			return why_set(why, FAIL_TOO_BIG, "more than %zu "
			    "targets", max);
		what = address(word, a, &target[n++]);
		if (what != NULL)
			return why_set(why, FAIL_SYNTAX, "\"%.*s\" %s",
			    (int)(word.n < 80 ? word.n : 80),
			    (const char *)word.p, what);
	}
	*n_out = n;
	return 0;
}
