/* SPDX-License-Identifier: ISC */
/*
 * imap/items.c - parsing the items of FETCH.
 */
#include "imap/items.h"

#include <string.h>

#include "base/buf.h"
#include "imap/out.h"

#include "base/banned.h"

static const struct word {
	const char		*name;
	enum imap_item_kind	kind;
	enum imap_text		text;
	bool			sets_seen;
} words[] = {
	{ "FLAGS", IMAP_FLAGS, IMAP_WHOLE, false },
	{ "UID", IMAP_UID, IMAP_WHOLE, false },
	{ "INTERNALDATE", IMAP_INTERNALDATE, IMAP_WHOLE, false },
	{ "RFC822.SIZE", IMAP_SIZE, IMAP_WHOLE, false },
	{ "ENVELOPE", IMAP_ENVELOPE, IMAP_WHOLE, false },
	{ "BODY", IMAP_BODY, IMAP_WHOLE, false },
	{ "BODYSTRUCTURE", IMAP_BODYSTRUCTURE, IMAP_WHOLE, false },
	{ "RFC822", IMAP_SECTION, IMAP_WHOLE, true },
	{ "RFC822.HEADER", IMAP_SECTION, IMAP_HEADER, false },
	{ "RFC822.TEXT", IMAP_SECTION, IMAP_TEXT, true },
};

static const struct {
	const char	*name;
	enum imap_text	text;
	bool		needs_part;
} texts[] = {
	{ "HEADER", IMAP_HEADER, false },
	{ "HEADER.FIELDS", IMAP_FIELDS, false },
	{ "HEADER.FIELDS.NOT", IMAP_FIELDS_NOT, false },
	{ "TEXT", IMAP_TEXT, false },
	{ "MIME", IMAP_MIME, true },
};

static const struct {
	const char	*name;
	const char	*items[7];
} macros[] = {
	{ "ALL", { "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE" } },
	{ "FAST", { "FLAGS", "INTERNALDATE", "RFC822.SIZE" } },
	{ "FULL", { "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE",
	    "BODY" } },
};

static int
add(struct imap_items *items, const struct imap_item *it)
{
	if (items->n == IMAP_ITEMS_MAX)
		return FAIL_TOO_BIG;
	items->v[items->n++] = *it;
	items->sets_seen |= it->sets_seen;
	items->has_uid |= it->kind == IMAP_UID;
	items->has_flags |= it->kind == IMAP_FLAGS;
	items->needs_file |= it->kind == IMAP_SECTION;
	items->needs_cache |= it->kind == IMAP_ENVELOPE ||
	    it->kind == IMAP_BODY || it->kind == IMAP_BODYSTRUCTURE ||
	    it->text == IMAP_FIELDS;
	return 0;
}

static bool
item_of_word(struct str name, struct imap_item *it)
{
	size_t i;

	for (i = 0; i < NITEMS(words); i++) {
		const struct word *w = &words[i];

		if (!str_is(name, w->name))
			continue;
		*it = (struct imap_item){ .kind = w->kind, .text = w->text,
		    .sets_seen = w->sets_seen, .label = str_of(w->name) };
		return true;
	}
	return false;
}

/* "1.2.3" of a section; stops before a word. */
static int
part_numbers(struct imap_args *a, struct imap_item *it)
{
	uint32_t *part = arena_array(a->arena, IMAP_DEPTH_MAX, sizeof(*part));
	bool has_digit;

	if (part == NULL)
		return FAIL_TOO_BIG;
	it->part = part;
	for (;;) {
		has_digit = a->rest.n > 0 && a->rest.p[0] >= '0' &&
		    a->rest.p[0] <= '9';
		if (!has_digit)	/* "1.TEXT", but neither "1." nor "1..1" */
			return it->depth == 0 || !imap_next_is(a, ']') ? 0 :
			    FAIL_SYNTAX;
		if (it->depth == IMAP_DEPTH_MAX)
			return FAIL_TOO_BIG;
		if (!imap_number(a, &part[it->depth]) ||
		    part[it->depth] == 0)
			return FAIL_SYNTAX;
		it->depth++;
		if (!imap_char(a, '.'))
			return imap_next_is(a, ']') ? 0 : FAIL_SYNTAX;
	}
}

/* " (From To)" */
static int
field_names(struct imap_args *a, struct imap_item *it)
{
	struct str *field = arena_array(a->arena, 16, sizeof(*field));
	size_t room = 16;

	if (!imap_sp(a) || !imap_char(a, '('))
		return FAIL_SYNTAX;
	do {
		if (it->fields == IMAP_FIELDS_MAX || field == NULL)
			return FAIL_TOO_BIG;
		if (it->fields == room) {
			struct str *more = arena_array(a->arena, room * 2,
			    sizeof(*field));

			if (more == NULL)
				return FAIL_TOO_BIG;
			memcpy(more, field, room * sizeof(*field));
			field = more;
			room *= 2;
		}
		if (!imap_astring(a, &field[it->fields]) ||
		    field[it->fields].n == 0)
			return FAIL_SYNTAX;
		it->fields++;
	} while (imap_sp(a));
	it->field = field;
	return imap_char(a, ')') ? 0 : FAIL_SYNTAX;
}

static int
section_text(struct imap_args *a, struct imap_item *it)
{
	struct str word;
	size_t i;

	if (!imap_atom(a, &word))
		return FAIL_SYNTAX;
	for (i = 0; i < NITEMS(texts); i++)
		if (str_is(word, texts[i].name))
			break;
	if (i == NITEMS(texts) || (texts[i].needs_part && it->depth == 0))
		return FAIL_SYNTAX;
	it->text = texts[i].text;
	if (it->text == IMAP_FIELDS || it->text == IMAP_FIELDS_NOT)
		return field_names(a, it);
	return 0;
}

/* "<0.1024>" */
static int
partial(struct imap_args *a, struct imap_item *it)
{
	if (!imap_char(a, '<'))
		return 0;
	if (!imap_number(a, &it->from) || !imap_char(a, '.') ||
	    !imap_number(a, &it->count) || it->count == 0 ||
	    !imap_char(a, '>'))
		return FAIL_SYNTAX;
	it->is_partial = true;
	return 0;
}

/* The name the answer uses: no .PEEK, of a range only its origin. */
static int
make_label(struct imap_args *a, struct imap_item *it)
{
	struct buf b;
	size_t i;

	buf_init(&b, 128 * 1024);
	buf_z(&b, "BODY[");
	for (i = 0; i < it->depth; i++)
		buf_fmt(&b, "%s%u", i > 0 ? "." : "", it->part[i]);
	for (i = 0; i < NITEMS(texts); i++)
		if (it->text == texts[i].text)
			buf_fmt(&b, "%s%s", it->depth > 0 ? "." : "",
			    texts[i].name);
	for (i = 0; i < it->fields; i++) {
		buf_z(&b, i == 0 ? " (" : " ");
		imap_put_astring(&b, it->field[i]);
	}
	buf_z(&b, it->fields > 0 ? ")]" : "]");
	if (it->is_partial)
		buf_fmt(&b, "<%u>", it->from);
	it->label = arena_str(a->arena, buf_str(&b));
	i = buf_failed(&b);
	buf_free(&b);
	return i || it->label.p == NULL ? FAIL_TOO_BIG : 0;
}

/* After "BODY[" or "BODY.PEEK[". */
static int
section(struct imap_args *a, bool is_peek, struct imap_item *it)
{
	int rc;

	*it = (struct imap_item){ .kind = IMAP_SECTION,
	    .sets_seen = !is_peek };
	rc = part_numbers(a, it);
	if (rc == 0 && !imap_next_is(a, ']'))
		rc = section_text(a, it);
	if (rc == 0 && !imap_char(a, ']'))
		rc = FAIL_SYNTAX;
	if (rc == 0)
		rc = partial(a, it);
	return rc < 0 ? rc : make_label(a, it);
}

/* '[' is an atom character, so the name is cut before it by hand. */
static struct str
item_name(struct imap_args *a)
{
	struct str s = a->rest;
	size_t n = 0;

	while (n < s.n && s.p[n] != '[' && imap_is_atom_char(s.p[n]))
		n++;
	a->rest = str_from(s, n);
	return str_sub(s, 0, n);
}

static int
one_item(struct imap_args *a, struct imap_items *items)
{
	struct str name = item_name(a);
	struct imap_item it;
	bool is_peek = str_is(name, "BODY.PEEK");
	int rc;

	if ((is_peek || str_is(name, "BODY")) && imap_char(a, '[')) {
		rc = section(a, is_peek, &it);
		return rc < 0 ? rc : add(items, &it);
	}
	if (!item_of_word(name, &it))
		return FAIL_SYNTAX;
	return add(items, &it);
}

static bool
macro(struct imap_args *a, struct imap_items *items)
{
	struct imap_item it;
	size_t i, k;

	for (i = 0; i < NITEMS(macros); i++) {
		if (!str_is(str_trim(a->rest), macros[i].name))
			continue;
		for (k = 0; macros[i].items[k] != NULL; k++)
			if (!item_of_word(str_of(macros[i].items[k]), &it) ||
			    add(items, &it) < 0)
				return false;
		a->rest = str_from(a->rest, a->rest.n);
		return true;
	}
	return false;
}

int
imap_items(struct imap_args *a, struct imap_items *out)
{
	struct imap_items items = { 0 };
	int rc;

	items.v = arena_array(a->arena, IMAP_ITEMS_MAX, sizeof(*items.v));
	if (items.v == NULL)
		return FAIL_TOO_BIG;
	if (macro(a, &items)) {
		*out = items;
		return 0;
	}
	if (!imap_char(a, '(')) {
		rc = one_item(a, &items);
	} else {
		do
			rc = one_item(a, &items);
		while (rc == 0 && imap_sp(a));
		if (rc == 0 && !imap_char(a, ')'))
			rc = FAIL_SYNTAX;
	}
	if (rc == 0)
		*out = items;
	return rc;
}
