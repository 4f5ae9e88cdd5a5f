/* SPDX-License-Identifier: ISC */
/*
 * imapd/body.c - sections of a message out of its file.
 *
 * The file came as a descriptor from stored and is read by pread, at most
 * 64 KiB a step.  The header is found without walking all of the message;
 * parts need the MIME walk, which is kept while the client asks for more of
 * the same message.
 */
#include "imapd/body.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dict.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/num.h"
#include "imap/out.h"
#include "imapd/imapd.h"
#include "mail/header.h"

#include "base/banned.h"

#define HEADER_BLOCK_MAX (1024 * 1024)	/* for HEADER.FIELDS */
#define FEW_FIELDS	16

struct body *
body_new(int fd, uint64_t size, const struct index_record *r)
{
	struct body *b = xcalloc(1, sizeof(*b));

	b->uid = r->uid;
	b->fd = fd;
	b->disk = size;
	if (size == r->disk_size)
		b->wire = r->wire_size;
	arena_init(&b->arena, MIME_ARENA_CAP);
	return b;
}

void
body_free(struct body *b)
{
	fd_close(&b->fd);
	arena_free(&b->arena);
	free(b);
}

bool
box_has_body(const struct box *b)
{
	return b != NULL && b->body != NULL;
}

bool
box_drop_body(struct box *b)
{
	if (!box_has_body(b))
		return false;
	body_free(b->body);
	b->body = NULL;
	return true;
}

/* The next octets of the file, into the shared piece. */
static int
read_piece(const struct body *b, uint64_t at, uint64_t n, struct str *out)
{
	n = num_min(n, sizeof(imapd.piece));
	if (file_pread(b->fd, imapd.piece, (size_t)n, (off_t)at) < 0)
		return FAIL_TEMP;
	*out = str_mem(imapd.piece, (size_t)n);
	return 0;
}

/* Octets up to and with the empty line that ends a header, counted from the
 * octets before (in *last4, newest lowest); the whole piece when it goes on. */
static size_t
to_empty_line(struct str piece, uint64_t looked, uint32_t *last4, bool *found)
{
	size_t i;

	for (i = 0; i < piece.n; i++) {
		uint32_t w = *last4 = *last4 << 8 | piece.p[i];
		uint64_t n = looked + i + 1;

		if ((w & 0xff) != '\n')
			continue;
		*found = n == 1 || (n == 2 && (w & 0xffff) == 0x0d0a) ||
		    (w & 0xffff) == 0x0a0a || (w & 0xffffff) == 0x0a0d0a;
		if (*found)
			return i + 1;
	}
	return piece.n;
}

int
body_find_header(struct body *b)
{
	bool found = false;
	struct str piece;
	size_t n;

	if (b->has_header)
		return 1;
	if (b->looked < b->disk) {
		if (read_piece(b, b->looked, b->looked == 0 ? num_min(8192,
		    b->disk) : b->disk - b->looked, &piece) < 0)
			return FAIL_TEMP;
		n = to_empty_line(piece, b->looked, &b->last4, &found);
		b->header_wire += wire_size(&b->wire_state,
		    str_sub(piece, 0, n));
		b->looked += n;
		if (!found && b->looked < b->disk)
			return 0;
	}
	b->header_disk = b->looked;
	b->has_header = true;
	return 1;
}

int
body_walk(struct body *b)
{
	struct str piece;

	if (b->is_walked)
		return 1;
	if (!b->is_walking) {
		if (mime_begin(&b->mime, &b->arena) < 0)
			return FAIL_TOO_BIG;
		b->is_walking = true;
	}
	if (b->fed < b->disk) {
		if (read_piece(b, b->fed, b->disk - b->fed, &piece) < 0)
			return FAIL_TEMP;
		mime_feed(&b->mime, piece);
		b->fed += piece.n;
		if (b->fed < b->disk)
			return 0;
	}
	mime_end(&b->mime);
	b->is_walked = true;
	b->has_header = true;
	b->header_disk = b->mime.root->header.size;
	b->header_wire = b->mime.root->header.wire;
	b->wire = b->mime.whole.wire;
	return 1;
}

bool
body_needs_walk(const struct body *b, const struct imap_item *it)
{
	if (it->kind != IMAP_SECTION)	/* the cache had nothing */
		return true;
	if (it->depth > 0)
		return true;
	return b->wire == 0 && b->disk > 0 &&
	    (it->text == IMAP_WHOLE || it->text == IMAP_TEXT);
}

static bool
part_section(const struct body *b, const struct imap_item *it,
    struct mime_span *out)
{
	const struct mime_part *p = mime_find(&b->mime, it->part, it->depth);

	if (p == NULL)
		return false;
	if (it->text == IMAP_WHOLE || it->text == IMAP_MIME) {
		*out = it->text == IMAP_MIME ? p->header : p->body;
		return true;
	}
	/* HEADER and TEXT are those of a message in the message */
	if (p->kind != MIME_RFC822 || p->child == NULL)
		return false;
	*out = it->text == IMAP_TEXT ? p->child->body : p->child->header;
	return true;
}

bool
body_section(const struct body *b, const struct imap_item *it,
    struct mime_span *out)
{
	if (it->depth > 0)
		return part_section(b, it, out);
	if (it->text == IMAP_WHOLE)
		*out = (struct mime_span){ 0, b->disk, b->wire, 0 };
	else if (it->text == IMAP_TEXT)
		*out = (struct mime_span){ b->header_disk,
		    b->disk - b->header_disk, b->wire - b->header_wire, 0 };
	else
		*out = (struct mime_span){ 0, b->header_disk,
		    b->header_wire, 0 };
	return true;
}

/* --- header fields ------------------------------------------------------- */

/* Names in lower case; in a table when there are many, so that a thousand of
 * them do not make each line of a long header cost a thousand times. */
struct names {
	const struct imap_item *it;
	struct dict	many;
	struct buf	lower;
};

static struct str
lower(struct names *n, struct str name)
{
	size_t i;

	buf_reset(&n->lower);
	for (i = 0; i < name.n; i++)
		buf_c(&n->lower, (uint8_t)ascii_lower(name.p[i]));
	return buf_str(&n->lower);
}

static void
names_begin(struct names *n, const struct imap_item *it)
{
	size_t i;

	n->it = it;
	buf_init(&n->lower, MIME_FIELD_MAX);
	dict_init(&n->many);
	for (i = 0; it->fields > FEW_FIELDS && i < it->fields; i++)
		dict_put(&n->many, lower(n, it->field[i]), n);
}

static void
names_end(struct names *n)
{
	buf_free(&n->lower);
	dict_free(&n->many);
}

static bool
is_asked(struct names *n, struct str name)
{
	size_t i;

	if (n->it->fields > FEW_FIELDS)
		return dict_get(&n->many, lower(n, name)) != NULL;
	for (i = 0; i < n->it->fields; i++)
		if (str_ieq(name, n->it->field[i]))
			return true;
	return false;
}

void
body_fields(struct buf *out, struct str header, const struct imap_item *it)
{
	struct header_field f;
	struct header h;
	struct names n;

	names_begin(&n, it);
	header_init(&h, header);
	while (header_next(&h, &f))
		if (is_asked(&n, f.name) == (it->text == IMAP_FIELDS))
			buf_add(out, f.raw);
	names_end(&n);
	/* a last field without line end gets one, then the empty line */
	if (out->len > 0 && !str_ends(buf_str(out), "\n"))
		buf_z(out, "\r\n");
	buf_z(out, "\r\n");
}

int
body_read_header(const struct body *b, const struct mime_span *span,
    struct buf *out)
{
	uint64_t at = span->at, end = span->at + num_min(span->size,
	    HEADER_BLOCK_MAX);
	struct wire state = { 0 };
	struct str piece;

	while (at < end) {
		if (read_piece(b, at, end - at, &piece) < 0)
			return FAIL_TEMP;
		at += piece.n;
		wire_from_disk_imap(&state, piece, at == end, out);
	}
	return buf_failed(out) ? FAIL_TOO_BIG : 0;
}

/* --- sending ------------------------------------------------------------- */

void
emit_begin(struct emit *e, const struct body *b, const struct mime_span *span,
    uint64_t from, uint64_t count)
{
	*e = (struct emit){ .span_at = span->at, .disk = span->at,
	    .disk_end = span->at + span->size, .skip = from, .left = count };
	if (b->mark.disk == 0 || b->mark.span_at != span->at ||
	    b->mark.disk < span->at || b->mark.disk > e->disk_end ||
	    b->mark.wire > from)
		return;
	e->disk = b->mark.disk;
	e->said = b->mark.wire;
	e->skip = from - b->mark.wire;
	e->state = b->mark.state;
}

/* The octets of a piece that are asked for, in a buffer between. */
static void
emit_cut(struct emit *e, struct str piece, struct buf *out)
{
	struct buf wire;
	struct str s;

	buf_init(&wire, 4 * sizeof(imapd.piece));
	wire_from_disk_imap(&e->state, piece, e->disk == e->disk_end, &wire);
	e->said += wire.len;
	s = str_from(buf_str(&wire), (size_t)num_min(wire.len, e->skip));
	e->skip -= wire.len - s.n;
	s = str_sub(s, 0, (size_t)num_min(s.n, e->left));
	buf_add(out, s);
	e->left -= s.n;
	buf_free(&wire);
}

int
emit_step(struct emit *e, struct body *b, struct buf *out)
{
	size_t before = out->len, n;
	struct str piece;

	b->mark.span_at = e->span_at;
	b->mark.disk = e->disk;
	b->mark.wire = e->said;
	b->mark.state = e->state;
	if (e->left == 0)
		return 1;
	if (e->disk == e->disk_end ||
	    read_piece(b, e->disk, e->disk_end - e->disk, &piece) < 0)
		return FAIL_TEMP;
	e->disk += piece.n;
	if (e->skip > 0) {
		emit_cut(e, piece, out);
		return e->left == 0;
	}
	wire_from_disk_imap(&e->state, piece, e->disk == e->disk_end, out);
	n = out->len - before;
	e->said += n;
	if (n > e->left)
		buf_cut(out, before + (size_t)e->left);
	e->left -= num_min(n, e->left);
	return e->left == 0;
}
