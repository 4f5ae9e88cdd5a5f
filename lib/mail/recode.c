/* SPDX-License-Identifier: ISC */
/*
 * mail/recode.c - quoted-printable or base64 where a part may not travel as
 * it is.
 *
 * Which one: the shorter for text, base64 for all else.  A soft line break
 * must not make a line that means something (a delimiter, a dot), so "-" and
 * "." are escaped where a line begins.
 *
 * Not touched: parts in a multipart/signed (RFC 1847 2.1: their octets are
 * signed), message parts themselves (RFC 2045 6.4; the leaves in them are),
 * parts whose Content-Transfer-Encoding is another one already, headers.
 */
#include "mail/recode.h"

#include <string.h>

#include "base/enc.h"
#include "mail/header.h"

#include "base/banned.h"

#define QP_LINE		75	/* and "=": RFC 2045 6.7 (5) allows 76 */
#define B64_OCTETS	57	/* 76 digits */
#define HEADER_CAP	(256 * 1024)	/* a part with a longer one is kept */

/* --- which parts --------------------------------------------------------- */

static bool
is_identity(struct str encoding)
{
	return str_is(encoding, "7bit") || str_is(encoding, "8bit") ||
	    str_is(encoding, "binary");
}

static bool
is_open(const struct mime_part *p)
{
	if ((p->kind != MIME_LEAF && p->kind != MIME_TEXT) ||
	    str_is(p->type, "message") || !is_identity(p->encoding))
		return false;
	for (; p != NULL; p = p->parent)
		if (p->kind == MIME_MULTIPART && str_is(p->subtype, "signed"))
			return false;
	return true;
}

/* The next part in the order of the octets. */
static const struct mime_part *
part_next(const struct mime_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p == NULL ? NULL : p->next;
}

static void
take_part(struct recode *r, const struct mime_part *p)
{
	struct recode_part *part = &r->part[r->parts++];

	*part = (struct recode_part){
		.header_at = p->header.at,
		.header_end = p->header.at + p->header.size,
		.body_at = p->body.at, .body_end = p->body.at + p->body.size,
		.is_text = str_is(p->type, "text"), .has_type = p->has_type,
		.is_root = p->parent == NULL,
	};
}

int
recode_begin(struct recode *r, const struct mime *m, unsigned why)
{
	const struct mime_part *p;
	size_t n = 0;

	*r = (struct recode){ .why = why };
	buf_init(&r->header, HEADER_CAP);
	if (m->limited)
		return FAIL_TOO_BIG;
	for (p = m->root; p != NULL; p = part_next(p))
		n += is_open(p);
	r->part = arena_array(m->arena, n + 1, sizeof(*r->part));
	if (r->part == NULL)
		return FAIL_TOO_BIG;
	for (p = m->root; p != NULL; p = part_next(p))
		if (is_open(p) && p->body.size > 0 &&
		    p->header.at + p->header.size <= p->body.at &&
		    p->header.size <= HEADER_CAP)
			take_part(r, p);
	return 0;
}

/* --- looking ------------------------------------------------------------- */

/* The part that octet lies in or before, from at_part on; NULL: none. */
static struct recode_part *
part_at(struct recode *r, uint64_t at)
{
	while (r->at_part < r->parts && r->part[r->at_part].body_end <= at)
		r->at_part++;
	return r->at_part < r->parts ? &r->part[r->at_part] : NULL;
}

static void
look_at(struct recode_part *p, uint8_t c)
{
	p->has_8bit |= c > 127;
	p->escapes += c > 126 || c == '=' || (c < 32 && c != '\r' &&
	    c != '\n' && c != '\t');
	if (c == '\n')
		p->line = 0;
	else if (c != '\r' && ++p->line > RECODE_LINE_MAX)
		p->has_long = true;
}

void
recode_look(struct recode *r, struct str chunk)
{
	for (size_t i = 0; i < chunk.n; i++, r->at++) {
		struct recode_part *p = part_at(r, r->at);

		if (p == NULL) {
			r->at += chunk.n - i;
			return;
		}
		if (r->at >= p->body_at)
			look_at(p, chunk.p[i]);
		else if (p->body_at - r->at > chunk.n - i) {
			r->at += chunk.n - i;
			return;
		} else {	/* straight to the body */
			uint64_t skip = p->body_at - r->at - 1;

			i += (size_t)skip;
			r->at += skip;
		}
	}
}

static enum recode_how
how_of(const struct recode *r, const struct recode_part *p)
{
	uint64_t size = p->body_end - p->body_at;

	if (!((r->why & RECODE_LONG) && p->has_long) &&
	    !((r->why & RECODE_8BIT) && p->has_8bit))
		return RECODE_KEEP;
	/* each escape costs two octets more, base64 a third of all */
	return p->is_text && p->escapes * 2 <= size / 3 + 8 ? RECODE_QP :
	    RECODE_BASE64;
}

/* Parts that stay are forgotten. */
bool
recode_wanted(struct recode *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->parts; i++) {
		r->part[i].how = how_of(r, &r->part[i]);
		if (r->part[i].how != RECODE_KEEP)
			r->part[n++] = r->part[i];
	}
	r->parts = n;
	r->at_part = 0;
	r->at = 0;
	return n > 0;
}

/* --- headers ------------------------------------------------------------- */

/* The header without its encoding, then ours, then the empty line.  A text
 * with 8-bit octets that does not say its type: now somebody has to. */
static void
put_header(struct recode *r, const struct recode_part *p, struct buf *out)
{
	struct str block = buf_str(&r->header);
	struct header h;
	struct header_field f;
	bool has_version = false, drops_type = !p->has_type && p->has_8bit;

	header_init(&h, block);
	while (header_next(&h, &f)) {
		has_version |= str_is(f.name, "MIME-Version");
		if (!str_is(f.name, "Content-Transfer-Encoding") &&
		    !(drops_type && str_is(f.name, "Content-Type")))
			buf_add(out, f.raw);
	}
	if (p->is_root && !has_version)
		buf_z(out, "MIME-Version: 1.0\r\n");
	if (drops_type)
		buf_z(out, "Content-Type: text/plain; charset=unknown-8bit\r\n");
	buf_fmt(out, "Content-Transfer-Encoding: %s\r\n\r\n",
	    p->how == RECODE_QP ? "quoted-printable" : "base64");
	buf_reset(&r->header);
}

/* --- bodies -------------------------------------------------------------- */

static void
qp_put(struct recode *r, const char *text, size_t n, struct buf *out)
{
	if (r->column + n > QP_LINE) {
		buf_z(out, "=\r\n");
		r->column = 0;
	}
	buf_mem(out, text, n);
	r->column += n;
}

static void
qp_escape(struct recode *r, uint8_t c, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[3] = { '=', digits[c >> 4], digits[c & 15] };

	qp_put(r, text, sizeof(text), out);
}

static void
qp_plain(struct recode *r, uint8_t c, struct buf *out)
{
	bool begins = r->column == 0 || r->column + 1 > QP_LINE;

	if (begins && (c == '-' || c == '.'))
		qp_escape(r, c, out);
	else
		qp_put(r, (const char *)&c, 1, out);
}

static void
qp_end_line(struct recode *r, struct buf *out)
{
	if (r->blank != 0)
		qp_escape(r, r->blank, out);
	r->blank = 0;
	buf_z(out, "\r\n");
	r->column = 0;
}

static void
qp_octet(struct recode *r, uint8_t c, struct buf *out)
{
	if (r->has_cr) {
		r->has_cr = false;
		if (c == '\n') {
			qp_end_line(r, out);
			return;
		}
		if (r->blank != 0)
			qp_plain(r, r->blank, out);
		r->blank = 0;
		qp_escape(r, '\r', out);
	}
	if (c == '\r') {
		r->has_cr = true;
		return;
	}
	if (r->blank != 0)
		qp_plain(r, r->blank, out);
	r->blank = 0;
	if (c == ' ' || c == '\t')
		r->blank = c;
	else if (c < 32 || c > 126 || c == '=')
		qp_escape(r, c, out);
	else
		qp_plain(r, c, out);
}

/* What stands behind a part is no part of it: no line end is added, but a
 * blank there would be lost. */
static void
qp_end(struct recode *r, struct buf *out)
{
	if (r->blank != 0)
		qp_escape(r, r->blank, out);
	if (r->has_cr)
		qp_escape(r, '\r', out);
	r->blank = 0;
	r->has_cr = false;
	r->column = 0;
}

static void
b64_flush(struct recode *r, struct buf *out)
{
	if (r->grouped == 0)
		return;
	if (r->column > 0)
		buf_z(out, "\r\n");
	enc_base64(out, str_mem(r->group, r->grouped));
	r->column = 1;
	r->grouped = 0;
}

static void
b64_octet(struct recode *r, uint8_t c, struct buf *out)
{
	r->group[r->grouped++] = c;
	if (r->grouped == B64_OCTETS)
		b64_flush(r, out);
}

static void
end_body(struct recode *r, const struct recode_part *p, struct buf *out)
{
	if (p->how == RECODE_QP)
		qp_end(r, out);
	else
		b64_flush(r, out);
	r->column = 0;
}

/* --- writing ------------------------------------------------------------- */

/* As much of the chunk as is of one kind; how much that was. */
static size_t
feed_some(struct recode *r, struct str s, struct buf *out)
{
	struct recode_part *p = r->at_part < r->parts ?
	    &r->part[r->at_part] : NULL;
	uint64_t until = p == NULL ? UINT64_MAX : r->at < p->header_at ?
	    p->header_at : r->at < p->header_end ? p->header_end :
	    r->at < p->body_at ? p->body_at : p->body_end;

	if (s.n > until - r->at)
		s = str_sub(s, 0, (size_t)(until - r->at));
	r->at += s.n;
	if (p == NULL || r->at - s.n < p->header_at) {
		buf_add(out, s);
	} else if (until == p->header_end) {
		buf_add(&r->header, s);
	} else if (until == p->body_end) {
		for (size_t i = 0; i < s.n; i++)
			if (p->how == RECODE_QP)
				qp_octet(r, s.p[i], out);
			else
				b64_octet(r, s.p[i], out);
	}
	return s.n;
}

/* Between two kinds: the header is whole, or the body is over. */
static void
turn(struct recode *r, struct buf *out)
{
	while (r->at_part < r->parts) {
		struct recode_part *p = &r->part[r->at_part];

		if (r->at >= p->body_at && !r->is_in_body) {
			put_header(r, p, out);
			r->is_in_body = true;
		}
		if (r->at < p->body_end)
			return;
		end_body(r, p, out);
		r->is_in_body = false;
		r->at_part++;
	}
}

void
recode_feed(struct recode *r, struct str chunk, struct buf *out)
{
	turn(r, out);
	while (chunk.n > 0) {
		chunk = str_from(chunk, feed_some(r, chunk, out));
		turn(r, out);
	}
}

void
recode_end(struct recode *r, struct buf *out)
{
	turn(r, out);
}

void
recode_free(struct recode *r)
{
	buf_free(&r->header);
}
