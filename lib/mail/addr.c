/* SPDX-License-Identifier: ISC */
/*
 * mail/addr.c - addresses.
 *
 * Two parsers that must not be mistaken for each other.  The first reads what
 * an SMTP client says in MAIL and RCPT and takes nothing that RFC 5321 does
 * not allow: mail is routed by its result.  The second walks the address
 * fields of a message for people to look at (ENVELOPE, SEARCH, sendmail -t)
 * and makes the best of anything; nothing is ever decided by its result
 * without going through the first.
 *
 * Encoded words are never decoded here: an address that looks like another
 * one once decoded is not that other one.
 */
#include "mail/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/banned.h"

#define ITEM_MAX	4096	/* octets kept of one item of a list */

static bool
is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* RFC 5322 3.2.3 */
static bool
is_atext(uint8_t c)
{
	return is_alnum(c) ||
	    (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* --- one path, strictly -------------------------------------------------- */

/*
 * A label: letters, digits, hyphens inside.  The underscore is none of DNS's
 * host name letters, but hosts that send mail have it.
 */
static bool
label_valid(struct str label)
{
	if (label.n == 0 || label.n > ADDR_LABEL_MAX ||
	    label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_alnum(label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '_')
			return false;
	return true;
}

bool
addr_domain_valid(struct str domain)
{
	if (domain.n == 0 || domain.n > ADDR_DOMAIN_MAX ||
	    domain.p[domain.n - 1] == '.')
		return false;
	while (domain.n > 0)
		if (!label_valid(str_until(&domain, '.')))
			return false;
	return true;
}

bool
addr_literal_valid(struct str domain)
{
	char text[INET6_ADDRSTRLEN + 1];
	uint8_t bin[16];
	bool is_v6;
	struct str in;

	if (domain.n < 2 || domain.p[0] != '[' ||
	    domain.p[domain.n - 1] != ']')
		return false;
	in = str_sub(domain, 1, domain.n - 2);
	is_v6 = str_istarts(in, "IPv6:");
	if (is_v6)
		in = str_from(in, 5);
	if (in.n == 0 || in.n >= sizeof(text) || str_has_nul(in))
		return false;
	memcpy(text, in.p, in.n);
	text[in.n] = '\0';
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, bin) == 1;
}

/* *s stands behind the opening quote; ends behind the closing one. */
static enum addr_fault
take_quoted(struct str *s, struct buf *local)
{
	while (s->n > 0 && s->p[0] != '"') {
		if (s->p[0] == '\\')
			*s = str_from(*s, 1);
		if (s->n == 0 || s->p[0] < 32 || s->p[0] > 126)
			return ADDR_SYNTAX;
		buf_c(local, s->p[0]);
		*s = str_from(*s, 1);
	}
	if (s->n == 0)
		return ADDR_SYNTAX;
	*s = str_from(*s, 1);
	return ADDR_FINE;
}

/* atom *("." atom) */
static enum addr_fault
take_dot_string(struct str *s, struct buf *local)
{
	uint8_t before = '.';
	size_t i;

	for (i = 0; i < s->n; i++) {
		uint8_t c = s->p[i];

		if (c == '.' ? before == '.' : !is_atext(c))
			break;
		before = c;
	}
	if (i == 0 || before == '.')
		return ADDR_SYNTAX;
	buf_add(local, str_sub(*s, 0, i));
	*s = str_from(*s, i);
	return ADDR_FINE;
}

static enum addr_fault
take_local(struct str *s, struct buf *local)
{
	enum addr_fault fault;

	if (s->n > 0 && s->p[0] == '"') {
		*s = str_from(*s, 1);
		fault = take_quoted(s, local);
	} else {
		fault = take_dot_string(s, local);
	}
	if (fault == ADDR_FINE && buf_failed(local))
		return ADDR_TOO_LONG;
	return fault;
}

/* Domain or address literal, to the byte `end`, which stays in *s. */
static enum addr_fault
take_domain(struct str *s, const char *ends, struct str *domain_out)
{
	size_t i = 0;
	struct str d;

	while (i < s->n && strchr(ends, s->p[i]) == NULL)
		i++;
	d = str_sub(*s, 0, i);
	*s = str_from(*s, i);
	if (d.n > 0 && d.p[0] == '[') {
		if (!addr_literal_valid(d))
			return ADDR_SYNTAX;
		*domain_out = d;
		return ADDR_FINE;
	}
	/* "example.org." is example.org to every resolver. */
	if (d.n > 1 && d.p[d.n - 1] == '.')
		d.n--;
	if (d.n > ADDR_DOMAIN_MAX)
		return ADDR_TOO_LONG;
	if (!addr_domain_valid(d))
		return ADDR_SYNTAX;
	*domain_out = d;
	return ADDR_FINE;
}

/* "@a,@b:" - read, checked and dropped (RFC 5321 4.1.1.3, appendix C). */
static enum addr_fault
skip_route(struct str *s)
{
	struct str host;

	for (;;) {
		enum addr_fault fault;

		if (s->n == 0 || s->p[0] != '@')
			return ADDR_SYNTAX;
		*s = str_from(*s, 1);
		fault = take_domain(s, ",:>", &host);
		if (fault != ADDR_FINE)
			return fault;
		if (s->n == 0 || s->p[0] == '>')
			return ADDR_SYNTAX;
		*s = str_from(*s, 1);
		if (s->p[-1] == ':')
			return ADDR_FINE;
	}
}

void
addr_put_local(struct buf *out, struct str local)
{
	uint8_t before = '.';
	bool is_dot_atom = local.n > 0;

	for (size_t i = 0; i < local.n && is_dot_atom; i++) {
		uint8_t c = local.p[i];

		is_dot_atom = c == '.' ? before != '.' : is_atext(c);
		before = c;
	}
	if (is_dot_atom && before != '.') {
		buf_add(out, local);
		return;
	}
	buf_c(out, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			buf_c(out, '\\');
		buf_c(out, local.p[i]);
	}
	buf_c(out, '"');
}

/* Keeps what was parsed; the arena's memory outlives the caller's line. */
static enum addr_fault
keep(const struct buf *local, struct str domain, struct arena *a,
    struct addr_path *out)
{
	struct buf text;
	struct addr_path path = { .local = arena_str(a, buf_str(local)) };

	buf_init(&text, 2 * ADDR_LOCAL_MAX + ADDR_DOMAIN_MAX + 3);
	addr_put_local(&text, path.local);
	path.is_literal = domain.n > 0 && domain.p[0] == '[';
	if (domain.n > 0) {
		buf_c(&text, '@');
		buf_add(&text, domain);
	}
	path.text = arena_str(a, buf_str(&text));
	path.domain = str_from(path.text, path.text.n - domain.n);
	buf_free(&text);
	if (path.local.p == NULL || path.text.p == NULL)
		return ADDR_TOO_LONG;
	*out = path;
	return ADDR_FINE;
}

/* "@" domain behind a local part, or nothing: then is_bare. */
static enum addr_fault
take_at_domain(struct str *s, char end, struct str *domain_out,
    bool *is_bare_out)
{
	const char ends[] = { end, '\0' };

	*is_bare_out = s->n == 0 || s->p[0] == end;
	if (*is_bare_out)
		return ADDR_FINE;
	if (s->p[0] != '@')
		return ADDR_SYNTAX;
	*s = str_from(*s, 1);
	return take_domain(s, ends, domain_out);
}

/* The octet that ends it (0: the end of *s) is there, and is taken. */
static enum addr_fault
take_end(struct str *s, char end)
{
	if (end == '\0')
		return s->n > 0 ? ADDR_SYNTAX : ADDR_FINE;
	if (s->n == 0)
		return ADDR_SYNTAX;
	*s = str_from(*s, 1);
	return ADDR_FINE;
}

/* local "@" domain, and `end`. */
static enum addr_fault
take_mailbox(struct str *s, char end, bool bare_ok, struct arena *a,
    struct addr_path *out)
{
	struct str domain = STR("");
	struct buf local;
	enum addr_fault fault;
	bool is_bare = false;

	buf_init(&local, ADDR_LOCAL_MAX);
	fault = take_local(s, &local);
	if (fault == ADDR_FINE)
		fault = take_at_domain(s, end, &domain, &is_bare);
	if (fault == ADDR_FINE)
		fault = take_end(s, end);
	if (fault == ADDR_FINE)
		fault = keep(&local, domain, a, out);
	if (fault == ADDR_FINE && is_bare && !bare_ok &&
	    !str_is(out->local, "postmaster"))
		fault = ADDR_NO_DOMAIN;
	buf_free(&local);
	return fault;
}

/* Octets above 127 have a reply of their own; find them before syntax does. */
static bool
has_8bit(struct str s)
{
	size_t end = str_chr(s, '>');

	return !str_is_ascii(str_sub(s, 0, end));
}

enum addr_fault
addr_path_parse(struct str *s, bool null_ok, struct arena *a,
    struct addr_path *out)
{
	struct str rest = *s;
	enum addr_fault fault;
	bool had_route;

	if (has_8bit(rest))
		return ADDR_8BIT;
	if (rest.n == 0 || rest.p[0] != '<')
		return ADDR_SYNTAX;
	rest = str_from(rest, 1);
	if (null_ok && rest.n > 0 && rest.p[0] == '>') {
		*out = (struct addr_path){ .is_null = true };
		*s = str_from(rest, 1);
		return ADDR_FINE;
	}
	had_route = rest.n > 0 && rest.p[0] == '@';
	if (had_route) {
		fault = skip_route(&rest);
		if (fault != ADDR_FINE)
			return fault;
	}
	fault = take_mailbox(&rest, '>', false, a, out);
	if (fault == ADDR_FINE || fault == ADDR_NO_DOMAIN) {
		out->had_route = had_route;
		*s = rest;
	}
	return fault;
}

enum addr_fault
addr_parse(struct str s, bool bare_ok, struct arena *a, struct addr_path *out)
{
	if (!str_is_ascii(s))
		return ADDR_8BIT;
	return take_mailbox(&s, '\0', bare_ok, a, out);
}

bool
addr_split(struct str address, struct str *local_out, struct str *domain_out)
{
	size_t at = str_rchr(address, '@');

	if (at == address.n)
		return false;
	*local_out = str_sub(address, 0, at);
	*domain_out = str_from(address, at + 1);
	return true;
}

void
addr_put_lower(struct buf *out, struct str address)
{
	for (size_t i = 0; i < address.n; i++)
		buf_c(out, (uint8_t)ascii_lower(address.p[i]));
}

/* --- lists in header fields, leniently ----------------------------------- */

void
addr_list_init(struct addr_list *l, struct str value)
{
	*l = (struct addr_list){ .rest = value };
	buf_init(&l->text, ITEM_MAX);
}

void
addr_list_free(struct addr_list *l)
{
	buf_free(&l->text);
}

/* *s stands at "("; the comment's inside is returned, nested ones included.
 * One that is never closed takes all the rest. */
static struct str
take_comment(struct str *s)
{
	size_t i, depth = 0;
	struct str inside;

	for (i = 0; i < s->n; i++) {
		if (s->p[i] == '\\')
			i++;
		else if (s->p[i] == '(')
			depth++;
		else if (s->p[i] == ')' && --depth == 0)
			break;
	}
	i = i < s->n ? i : s->n;
	inside = str_sub(*s, 1, i - 1);
	*s = str_from(*s, i + 1);
	return inside;
}

/* Bytes without quoting backslashes and line ends, to `end` or to the end of
 * *s; both quotes and comments are written so. */
static void
put_unquoted(struct buf *out, struct str *s, uint8_t end)
{
	while (s->n > 0 && s->p[0] != end) {
		if (s->p[0] == '\\' && s->n > 1)
			*s = str_from(*s, 1);
		if (s->p[0] != '\r' && s->p[0] != '\n')
			buf_c(out, s->p[0]);
		*s = str_from(*s, 1);
	}
	*s = str_from(*s, 1);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * Words into l->text until a byte of `stops` (left in l->rest) or the end;
 * one blank between words, none beside dots.  The last comment met is kept
 * as written.  Returns the byte it stopped at, 0 at the end.
 */
static uint8_t
take_words(struct addr_list *l, const char *stops, struct str *comment)
{
	size_t from = l->text.len;
	bool gap = false;

	while (l->rest.n > 0) {
		uint8_t c = l->rest.p[0];

		if (c != 0 && strchr(stops, c) != NULL)
			return c;
		if (c == '(') {
			*comment = take_comment(&l->rest);
			gap = true;
			continue;
		}
		if (is_blank(c)) {
			l->rest = str_from(l->rest, 1);
			gap = true;
			continue;
		}
		if (gap && l->text.len > from && c != '.' &&
		    buf_str(&l->text).p[l->text.len - 1] != '.')
			buf_c(&l->text, ' ');
		gap = false;
		l->rest = str_from(l->rest, 1);
		if (c == '"')
			put_unquoted(&l->text, &l->rest, '"');
		else
			buf_c(&l->text, c);
	}
	return 0;
}

/* What take_words added since `from`; offsets, for the buffer may move. */
struct piece {
	size_t	from, n;
};

static struct str
piece_str(const struct addr_list *l, struct piece p)
{
	return str_sub(buf_str(&l->text), p.from, p.n);
}

static uint8_t
take_piece(struct addr_list *l, const char *stops, struct piece *p,
    struct str *comment)
{
	uint8_t stop;

	p->from = l->text.len;
	stop = take_words(l, stops, comment);
	p->n = l->text.len - p->from;
	return stop;
}

/* Behind "<": [route ":"] local "@" domain ">". */
static void
take_angle(struct addr_list *l, struct piece *route, struct piece *local,
    struct piece *domain)
{
	struct str comment;
	uint8_t stop;

	stop = take_piece(l, "@>,;", local, &comment);
	if (stop == '@' && local->n == 0) {	/* "<@a,@b:" */
		size_t colon = str_chr(l->rest, ':');

		if (colon < str_chr(l->rest, '>')) {
			stop = take_piece(l, ":", route, &comment);
			l->rest = str_from(l->rest, 1);
			stop = take_piece(l, "@>,;", local, &comment);
		}
	}
	if (stop == '@') {
		l->rest = str_from(l->rest, 1);
		stop = take_piece(l, ">,;", domain, &comment);
	}
	/* "<a@b>" may be followed by anything up to the comma. */
	if (stop == '>') {
		struct piece junk;

		l->rest = str_from(l->rest, 1);
		take_piece(l, ",;", &junk, &comment);
	}
}

/* The comment behind "joe@x (Joe)" is the old way to say a name. */
static void
put_comment(struct addr_list *l, struct str comment, struct piece *name)
{
	name->from = l->text.len;
	put_unquoted(&l->text, &comment, 0);
	name->n = l->text.len - name->from;
}

static bool
end_group(struct addr_list *l, struct addr_item *out)
{
	l->in_group = false;
	*out = (struct addr_item){ .kind = ADDR_GROUP_END };
	return true;
}

/* One item from its first byte on; false: there was nothing before the next
 * comma, go on. */
static bool
take_item(struct addr_list *l, struct addr_item *out)
{
	struct piece first, route = { 0, 0 }, local = { 0, 0 },
	    domain = { 0, 0 }, name = { 0, 0 };
	struct str comment = { NULL, 0 };
	uint8_t stop = take_piece(l, "<@,:;", &first, &comment);
	enum addr_kind kind = ADDR_MAILBOX;

	if (stop == '<') {
		l->rest = str_from(l->rest, 1);
		name = first;
		take_angle(l, &route, &local, &domain);
	} else if (stop == ':' && !l->in_group) {
		l->rest = str_from(l->rest, 1);
		l->in_group = true;
		kind = ADDR_GROUP;
		name = first;
	} else {
		local = first;
		if (stop == '@' || stop == ':') {
			l->rest = str_from(l->rest, 1);
			take_piece(l, ",;", &domain, &comment);
		}
		if (comment.n > 0)
			put_comment(l, comment, &name);
	}
	if (kind == ADDR_MAILBOX && local.n == 0 && domain.n == 0 &&
	    name.n == 0)
		return false;
	*out = (struct addr_item){
		.kind = kind, .name = piece_str(l, name),
		.route = piece_str(l, route), .local = piece_str(l, local),
		.domain = piece_str(l, domain),
	};
	return true;
}

bool
addr_list_next(struct addr_list *l, struct addr_item *out)
{
	while (l->rest.n > 0) {
		uint8_t c = l->rest.p[0];

		if (c == ',' || is_blank(c)) {
			l->rest = str_from(l->rest, 1);
			continue;
		}
		if (c == ';') {
			l->rest = str_from(l->rest, 1);
			if (l->in_group)
				return end_group(l, out);
			continue;
		}
		buf_reset(&l->text);
		if (take_item(l, out))
			return true;
	}
	return l->in_group && end_group(l, out);
}
