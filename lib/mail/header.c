/* SPDX-License-Identifier: ISC */
/*
 * mail/header.c - the fields of a header block.
 *
 * Bytes in, slices of the same bytes out; nothing is copied or judged.  What
 * is no field comes out as a field without name, so that whoever copies a
 * header keeps every octet of it.
 */
#include "mail/header.h"

#include <string.h>

#include "base/banned.h"

/* Octets of the first line with its line end. */
static size_t
line_size(struct str s)
{
	const uint8_t *lf = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;

	return lf == NULL ? s.n : (size_t)(lf - s.p) + 1;
}

/* Does s begin with an empty line, of how many octets? */
static size_t
empty_line(struct str s)
{
	if (s.n >= 1 && s.p[0] == '\n')
		return 1;
	if (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n')
		return 2;
	return 0;
}

void
header_init(struct header *h, struct str block)
{
	h->rest = block;
}

static struct str
cut_line_end(struct str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	else
		return s;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

bool
header_next(struct header *h, struct header_field *out)
{
	size_t n, colon;
	struct str text;

	if (h->rest.n == 0 || empty_line(h->rest) > 0)
		return false;
	n = line_size(h->rest);
	while (n < h->rest.n && (h->rest.p[n] == ' ' || h->rest.p[n] == '\t'))
		n += line_size(str_from(h->rest, n));
	*out = (struct header_field){ .raw = str_sub(h->rest, 0, n) };
	text = cut_line_end(out->raw);
	colon = str_chr(text, ':');
	out->value = text;
	if (colon < text.n) {
		struct str name = str_sub(text, 0, colon);

		while (name.n > 0 && (name.p[name.n - 1] == ' ' ||
		    name.p[name.n - 1] == '\t'))
			name.n--;
		if (header_name_valid(name)) {
			out->name = name;
			out->value = str_from(text, colon + 1);
		}
	}
	h->rest = str_from(h->rest, n);
	return true;
}

size_t
header_end(struct str content)
{
	size_t at = 0;

	while (at < content.n) {
		struct str rest = str_from(content, at);
		size_t empty = empty_line(rest);

		if (empty > 0)
			return at + empty;
		at += line_size(rest);
	}
	return content.n;
}

bool
header_get(struct str block, const char *name, struct header_field *out)
{
	struct header h;
	struct header_field f;

	header_init(&h, block);
	while (header_next(&h, &f))
		if (str_is(f.name, name)) {
			*out = f;
			return true;
		}
	return false;
}

size_t
header_count(struct str block, const char *name)
{
	struct header h;
	struct header_field f;
	size_t n = 0;

	header_init(&h, block);
	while (header_next(&h, &f))
		n += str_is(f.name, name);
	return n;
}

void
header_unfold(struct buf *out, struct str value)
{
	struct str v = value;

	while (v.n > 0 && strchr(" \t\r\n", v.p[v.n - 1]) != NULL &&
	    v.p[v.n - 1] != 0)
		v.n--;
	while (v.n > 0 && strchr(" \t\r\n", v.p[0]) != NULL && v.p[0] != 0)
		v = str_from(v, 1);
	while (v.n > 0) {
		size_t n = line_size(v);
		struct str line = str_sub(v, 0, n);

		buf_add(out, n < v.n ? cut_line_end(line) : line);
		v = str_from(v, n);
	}
}

void
header_skip_cfws(struct str *s)
{
	size_t i = 0, depth = 0;

	for (; i < s->n; i++) {
		uint8_t c = s->p[i];

		if (c == '\\' && depth > 0)
			i++;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' &&
		    c != '\n')
			break;
	}
	*s = str_from(*s, i);
}

bool
header_name_valid(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 33 || name.p[i] > 126 || name.p[i] == ':')
			return false;
	return name.n > 0;
}
