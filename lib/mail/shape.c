/* SPDX-License-Identifier: ISC */
/*
 * mail/shape.c - ENVELOPE, BODY and BODYSTRUCTURE.
 *
 * A walked message comes in, text of RFC 3501 7.4.2 goes out.  Clients parse
 * it with everything from a grammar to a regular expression, so it is kept
 * dull: no literal, no octet above 127, no control character, NIL only where
 * the grammar has nstring, every multipart with a child.  The tree is walked
 * by its pointers; depth costs no stack.
 */
#include "mail/shape.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/addr.h"
#include "mail/header.h"

#include "base/banned.h"

#define WORD_MAX	60	/* of the 75 that RFC 2047 2 allows a word */

/* --- strings ------------------------------------------------------------- */

static bool
is_plain(uint8_t c)
{
	return c >= 32 && c <= 126;
}

static bool
is_plain_str(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_plain(s.p[i]))
			return false;
	return true;
}

static void
put_quoted_char(struct buf *out, uint8_t c)
{
	if (c == '"' || c == '\\')
		buf_c(out, '\\');
	buf_c(out, c);
}

/* RFC 2047 4.2, and 5 (3): safe inside a phrase as well. */
static bool
is_q_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '/' || c == '!';
}

static size_t
put_q(struct buf *out, uint8_t c)
{
	if (is_q_char(c) || c == ' ') {
		buf_c(out, c == ' ' ? '_' : c);
		return 1;
	}
	buf_fmt(out, "=%02X", c == 0 ? (unsigned)'?' : c);
	return 3;
}

/* Octets of the character at the front; one if it is no UTF-8. */
static size_t
char_size(struct str s, bool is_utf8)
{
	struct str rest = s;
	uint32_t cp;

	if (!is_utf8 || !utf8_next(&rest, &cp))
		return 1;
	return s.n - rest.n;
}

/* As many encoded words as it takes; a character is never cut. */
static void
put_encoded(struct buf *out, struct str s)
{
	bool is_utf8 = utf8_valid(s);
	const char *begin = is_utf8 ? "=?UTF-8?Q?" : "=?UNKNOWN-8BIT?Q?";
	size_t used = 0;

	buf_z(out, begin);
	while (s.n > 0) {
		size_t n = char_size(s, is_utf8);

		if (used + 3 * n > WORD_MAX) {
			buf_fmt(out, "?= %s", begin);
			used = 0;
		}
		for (size_t i = 0; i < n; i++)
			used += put_q(out, s.p[i]);
		s = str_from(s, n);
	}
	buf_z(out, "?=");
}

/* Octets of the front of s that are one word, or one run of blanks. */
static size_t
run_size(struct str s)
{
	size_t i = 1;

	while (i < s.n && (s.p[i] == ' ') == (s.p[0] == ' '))
		i++;
	return i;
}

/*
 * Words of plain ASCII stay as they are, encoded words of the sender too;
 * other words are encoded, neighbours together with the blanks between them,
 * for blanks between two encoded words do not count (RFC 2047 6.2).
 */
static void
put_words(struct buf *out, struct str s)
{
	while (s.n > 0) {
		size_t n = run_size(s), end = n;

		if (is_plain_str(str_sub(s, 0, n))) {
			for (size_t i = 0; i < n; i++)
				put_quoted_char(out, s.p[i]);
			s = str_from(s, n);
			continue;
		}
		while (n < s.n) {
			n += run_size(str_from(s, n));
			if (n < s.n) {
				size_t word = run_size(str_from(s, n));

				if (is_plain_str(str_sub(s, n, word)))
					break;
				n += word;
				end = n;
			}
		}
		put_encoded(out, str_sub(s, 0, end));
		s = str_from(s, end);
	}
}

/* Tabs of folding are blanks to look at. */
static void
tabs_to_blanks(struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->p[b->start + i] == '\t')
			b->p[b->start + i] = ' ';
}

/* Always a string, "" when empty. */
static void
put_string(struct buf *out, struct str s)
{
	struct buf flat;

	buf_c(out, '"');
	if (is_plain_str(s) && s.n <= SHAPE_TEXT_MAX) {
		for (size_t i = 0; i < s.n; i++)
			put_quoted_char(out, s.p[i]);
	} else {
		buf_init(&flat, 2 * SHAPE_TEXT_MAX);
		header_unfold(&flat, str_sub(s, 0, SHAPE_TEXT_MAX));
		tabs_to_blanks(&flat);
		put_words(out, buf_str(&flat));
		buf_free(&flat);
	}
	buf_c(out, '"');
}

void
shape_string(struct buf *out, struct str s)
{
	if (s.p == NULL)
		buf_z(out, "NIL");
	else
		put_string(out, s);
}

/* NIL for absent and empty alike: the parts of an address. */
static void
put_or_nil(struct buf *out, struct str s)
{
	if (s.n == 0)
		buf_z(out, "NIL");
	else
		put_string(out, s);
}

/* --- ENVELOPE ------------------------------------------------------------ */

/*
 * RFC 3501 7.4.2: NIL as host says "group", so a mailbox without one gets a
 * host that cannot exist.
 */
static void
put_address(struct buf *out, const struct addr_item *a)
{
	buf_c(out, '(');
	if (a->kind == ADDR_MAILBOX) {
		put_or_nil(out, a->name);
		buf_c(out, ' ');
		put_or_nil(out, a->route);
		buf_c(out, ' ');
		put_string(out, a->local.n > 0 ? a->local :
		    STR("MISSING_MAILBOX"));
		buf_c(out, ' ');
		put_string(out, a->domain.n > 0 ? a->domain :
		    STR("MISSING_DOMAIN"));
	} else if (a->kind == ADDR_GROUP) {
		buf_z(out, "NIL NIL ");
		put_string(out, a->name);
		buf_z(out, " NIL");
	} else {
		buf_z(out, "NIL NIL NIL NIL");
	}
	buf_c(out, ')');
}

/* false: no address in it, NIL was written. */
static bool
put_addresses(struct buf *out, struct str value)
{
	const struct addr_item group_end = { .kind = ADDR_GROUP_END };
	struct addr_list list;
	struct addr_item item;
	size_t n = 0;

	addr_list_init(&list, value);
	while (n < SHAPE_ADDRESSES_MAX && addr_list_next(&list, &item)) {
		if (n++ == 0)
			buf_c(out, '(');
		put_address(out, &item);
	}
	if (n == SHAPE_ADDRESSES_MAX && list.in_group)
		put_address(out, &group_end);
	addr_list_free(&list);
	buf_z(out, n > 0 ? ")" : "NIL");
	return n > 0;
}

/* Sender and Reply-To are From's when they say nobody. */
static void
put_addresses_or(struct buf *out, struct str value, struct str instead)
{
	size_t len = out->len;

	if (!put_addresses(out, value) && !buf_failed(out)) {
		buf_cut(out, len);
		put_addresses(out, instead);
	}
}

static void
put_field(struct buf *out, struct str value)
{
	struct buf flat;

	if (value.p == NULL) {
		buf_z(out, "NIL");
		return;
	}
	buf_init(&flat, MIME_FIELD_MAX);
	header_unfold(&flat, value);
	put_string(out, buf_str(&flat));
	buf_free(&flat);
}

void
shape_envelope(struct buf *out, const struct mime_message *message)
{
	const struct str *f = message->field;
	static const enum mime_field lists[] = {
		MIME_TO, MIME_CC, MIME_BCC,
	};

	buf_c(out, '(');
	put_field(out, f[MIME_DATE]);
	buf_c(out, ' ');
	put_field(out, f[MIME_SUBJECT]);
	buf_c(out, ' ');
	put_addresses(out, f[MIME_FROM]);
	buf_c(out, ' ');
	put_addresses_or(out, f[MIME_SENDER], f[MIME_FROM]);
	buf_c(out, ' ');
	put_addresses_or(out, f[MIME_REPLY_TO], f[MIME_FROM]);
	for (size_t i = 0; i < NITEMS(lists); i++) {
		buf_c(out, ' ');
		put_addresses(out, f[lists[i]]);
	}
	buf_c(out, ' ');
	put_field(out, f[MIME_IN_REPLY_TO]);
	buf_c(out, ' ');
	put_field(out, f[MIME_MESSAGE_ID]);
	buf_c(out, ')');
}

/* --- BODY and BODYSTRUCTURE ---------------------------------------------- */

static void
put_params(struct buf *out, const struct mime_param *p)
{
	const char *before = "(";

	if (p == NULL) {
		buf_z(out, "NIL");
		return;
	}
	for (; p != NULL; p = p->next) {
		buf_z(out, before);
		put_string(out, p->name);
		buf_c(out, ' ');
		put_string(out, p->value);
		before = " ";
	}
	buf_c(out, ')');
}

static void
put_disposition(struct buf *out, const struct mime_part *p)
{
	if (p->disposition.p == NULL) {
		buf_z(out, "NIL");
		return;
	}
	buf_c(out, '(');
	put_string(out, p->disposition);
	buf_c(out, ' ');
	put_params(out, p->disposition_params);
	buf_c(out, ')');
}

/* "en, de": a list, a single one as string. */
static void
put_language(struct buf *out, struct str value)
{
	size_t n = 0;

	while (value.n > 0) {
		struct str tag = str_until(&value, ',');

		tag = str_trim(str_chomp(tag));
		if (tag.n == 0)
			continue;
		buf_c(out, n++ == 0 ? '(' : ' ');
		put_string(out, tag);
	}
	buf_z(out, n > 0 ? ")" : "NIL");
}

/* Extension data behind the first of its kind: disposition language
 * location. */
static void
put_extension(struct buf *out, const struct mime_part *p)
{
	buf_c(out, ' ');
	put_disposition(out, p);
	buf_c(out, ' ');
	put_language(out, p->language);
	buf_c(out, ' ');
	put_field(out, p->location);
}

/* Without charset a text is US-ASCII (RFC 2045 5.2); clients of the old kind
 * want to read it. */
static void
put_type_params(struct buf *out, const struct mime_part *p)
{
	if (!p->has_type && p->kind == MIME_TEXT)
		buf_z(out, "(\"CHARSET\" \"US-ASCII\")");
	else
		put_params(out, p->params);
}

static void
part_open(struct buf *out, const struct mime_part *p)
{
	buf_c(out, '(');
	if (p->kind == MIME_MULTIPART)
		return;
	put_string(out, p->type);
	buf_c(out, ' ');
	put_string(out, p->subtype);
	buf_c(out, ' ');
	put_type_params(out, p);
	buf_c(out, ' ');
	put_field(out, p->id);
	buf_c(out, ' ');
	put_field(out, p->description);
	buf_c(out, ' ');
	put_string(out, p->encoding);
	buf_fmt(out, " %" PRIu64, p->body.wire);
	if (p->kind == MIME_TEXT)
		buf_fmt(out, " %" PRIu64, p->body.lines);
	if (p->kind == MIME_RFC822) {
		buf_c(out, ' ');
		shape_envelope(out, p->child->message);
		buf_c(out, ' ');
	}
}

static void
part_close(struct buf *out, const struct mime_part *p, bool extended)
{
	if (p->kind == MIME_MULTIPART) {
		buf_c(out, ' ');
		put_string(out, p->subtype);
		if (extended) {
			buf_c(out, ' ');
			put_params(out, p->params);
			put_extension(out, p);
		}
	} else {
		if (p->kind == MIME_RFC822)
			buf_fmt(out, " %" PRIu64, p->body.lines);
		if (extended) {
			buf_c(out, ' ');
			put_field(out, p->md5);
			put_extension(out, p);
		}
	}
	buf_c(out, ')');
}

void
shape_body(struct buf *out, const struct mime *m, bool extended)
{
	const struct mime_part *p = m->root;

	for (;;) {
		part_open(out, p);
		if (p->child != NULL) {
			p = p->child;
			continue;
		}
		part_close(out, p, extended);
		while (p != m->root && p->next == NULL) {
			p = p->parent;
			part_close(out, p, extended);
		}
		if (p == m->root)
			return;
		p = p->next;
	}
}
