/* SPDX-License-Identifier: ISC */
/*
 * imap/lex.c - cutting commands out of bytes, and words out of commands.
 *
 * Never does: recursion, allocation by a number the client said, or a second
 * reading of the same bytes.  A line that ends in {digits} or {digits+}
 * announces a literal wherever that stands in it; anything else in braces
 * ({}, {-1}, {0x5}) is no literal and ends as a syntax error of its command.
 *
 * RFC 3501 9, RFC 7888 (non-synchronizing literals).
 */
#include "imap/lex.h"

#include <string.h>

#include "base/utf8.h"

#include "base/banned.h"

void
imap_cut_reset(struct imap_cutter *c)
{
	*c = (struct imap_cutter){ 0 };
}

/* Does the line (without its end) announce a literal?  Digits that do not
 * fit in 64 bits still do; their number is then UINT64_MAX. */
static bool
literal_header(struct str line, uint64_t *n_out, bool *is_sync_out,
    size_t *from_out)
{
	size_t open, end = line.n;
	struct str digits;

	if (end < 3 || line.p[end - 1] != '}')
		return false;
	end--;
	*is_sync_out = line.p[end - 1] != '+';
	if (!*is_sync_out)
		end--;
	for (open = end; open > 0 && line.p[open - 1] >= '0' &&
	    line.p[open - 1] <= '9'; open--)
		continue;
	if (open == end || open == 0 || line.p[open - 1] != '{')
		return false;
	digits = str_sub(line, open, end - open);
	if (!str_u64(digits, UINT64_MAX, n_out))
		*n_out = UINT64_MAX;
	*from_out = open - 1;
	return true;
}

enum imap_cut
imap_cut(struct imap_cutter *c, struct str in, size_t text_max)
{
	size_t from = c->seen > c->at ? c->seen : c->at, lf;
	struct str line;

	if (in.n < c->at)
		return IMAP_MORE;
	lf = from + str_chr(str_from(in, from), '\n');
	c->seen = lf;
	if (c->text + (lf - c->at) > text_max)
		return IMAP_LONG;
	if (lf == in.n)
		return IMAP_MORE;
	line = str_sub(in, c->at, lf - c->at);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	c->text += lf + 1 - c->at;
	if (literal_header(line, &c->literal, &c->is_sync, &c->header)) {
		c->header += c->at;
		c->at = c->seen = lf + 1;
		return IMAP_LITERAL;
	}
	c->at = c->seen = lf + 1;
	return IMAP_COMMAND;
}

/* The room has compared c->literal with its limit. */
void
imap_cut_take(struct imap_cutter *c)
{
	c->at += (size_t)c->literal;
	c->seen = c->at;
	c->literals += (size_t)c->literal;
	c->literal = 0;
}

void
imap_args_init(struct imap_args *a, struct str command, struct arena *arena)
{
	if (command.n > 0 && command.p[command.n - 1] == '\n')
		command.n--;
	if (command.n > 0 && command.p[command.n - 1] == '\r')
		command.n--;
	a->rest = command;
	a->arena = arena;
}

bool
imap_is_atom_char(uint8_t c)
{
	return c > 32 && c < 127 && memchr("(){%*\"\\]", c, 8) == NULL;
}

struct str
imap_run(struct imap_args *a, const char *also)
{
	size_t n = 0, also_n = strlen(also);
	struct str run;

	while (n < a->rest.n && (imap_is_atom_char(a->rest.p[n]) ||
	    memchr(also, a->rest.p[n], also_n) != NULL))
		n++;
	run = str_sub(a->rest, 0, n);
	a->rest = str_from(a->rest, n);
	return run;
}

/* RFC 3501: a tag has no '+', so that no answer looks like a continuation. */
bool
imap_tag(struct imap_args *a, struct str *tag_out)
{
	struct str tag = imap_run(a, "]");

	if (tag.n == 0 || str_chr(tag, '+') < tag.n)
		return false;
	*tag_out = tag;
	return true;
}

bool
imap_next_is(const struct imap_args *a, uint8_t c)
{
	return a->rest.n > 0 && a->rest.p[0] == c;
}

bool
imap_char(struct imap_args *a, uint8_t c)
{
	if (!imap_next_is(a, c))
		return false;
	a->rest = str_from(a->rest, 1);
	return true;
}

bool
imap_sp(struct imap_args *a)
{
	return imap_char(a, ' ') && !imap_next_is(a, ' ');
}

bool
imap_end(struct imap_args *a)
{
	return !str_more(a->rest);
}

bool
imap_atom(struct imap_args *a, struct str *out)
{
	struct str atom = imap_run(a, "");

	if (atom.n == 0)
		return false;
	*out = atom;
	return true;
}

/* The escapes of a quoted string taken away: \" and \\, no others. */
static bool
unescape(struct arena *arena, struct str raw, struct str *out)
{
	uint8_t *p = arena_get(arena, raw.n + 1);
	size_t i, n = 0;

	if (p == NULL)
		return false;
	for (i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\')
			i++;
		p[n++] = raw.p[i];
	}
	*out = str_mem(p, n);
	return true;
}

/*
 * After the opening quote.  Octets above 127 are taken when they are UTF-8:
 * many clients send a password or a search text so, and RFC 9051 allows it.
 */
static bool
quoted(struct imap_args *a, struct str *out)
{
	bool escaped = false;
	size_t i;
	struct str raw;

	for (i = 0; i < a->rest.n && a->rest.p[i] != '"'; i++) {
		uint8_t c = a->rest.p[i];

		if (c == 0 || c == '\r' || c == '\n')
			return false;
		if (c != '\\')
			continue;
		escaped = true;
		if (++i == a->rest.n ||
		    (a->rest.p[i] != '"' && a->rest.p[i] != '\\'))
			return false;
	}
	if (i == a->rest.n)
		return false;
	raw = str_sub(a->rest, 0, i);
	a->rest = str_from(a->rest, i + 1);
	if (!utf8_valid(raw))
		return false;
	if (escaped)
		return unescape(a->arena, raw, out);
	*out = raw;
	return true;
}

/* After the opening brace; imap_cut has seen this header before. */
static bool
literal(struct imap_args *a, struct str *out)
{
	struct str digits = str_until(&a->rest, '}'), body;
	uint64_t n;

	if (digits.n > 0 && digits.p[digits.n - 1] == '+')
		digits.n--;
	if (!str_u64(digits, UINT32_MAX, &n))
		return false;
	imap_char(a, '\r');
	if (!imap_char(a, '\n') || n > a->rest.n)
		return false;
	body = str_sub(a->rest, 0, (size_t)n);
	a->rest = str_from(a->rest, (size_t)n);
	if (str_has_nul(body))		/* CHAR8 is 1..255 */
		return false;
	*out = body;
	return true;
}

bool
imap_string(struct imap_args *a, struct str *out)
{
	if (imap_char(a, '"'))
		return quoted(a, out);
	if (imap_char(a, '{'))
		return literal(a, out);
	return false;
}

static bool
string_or_run(struct imap_args *a, const char *also, struct str *out)
{
	struct str run;

	if (imap_next_is(a, '"') || imap_next_is(a, '{'))
		return imap_string(a, out);
	run = imap_run(a, also);
	if (run.n == 0)
		return false;
	*out = run;
	return true;
}

bool
imap_astring(struct imap_args *a, struct str *out)
{
	return string_or_run(a, "]", out);
}

bool
imap_list_mailbox(struct imap_args *a, struct str *out)
{
	return string_or_run(a, "]%*", out);
}

bool
imap_nstring(struct imap_args *a, struct str *out, bool *nil_out)
{
	struct str word;

	*nil_out = false;
	if (imap_next_is(a, '"') || imap_next_is(a, '{'))
		return imap_string(a, out);
	if (!imap_atom(a, &word) || !str_is(word, "NIL"))
		return false;
	*nil_out = true;
	*out = (struct str){ NULL, 0 };
	return true;
}

bool
imap_number(struct imap_args *a, uint32_t *out)
{
	size_t n = 0;
	struct str digits;

	while (n < a->rest.n && a->rest.p[n] >= '0' && a->rest.p[n] <= '9')
		n++;
	digits = str_sub(a->rest, 0, n);
	a->rest = str_from(a->rest, n);
	return str_u32(digits, out);
}
