/* SPDX-License-Identifier: ISC */
/*
 * journal/record.c - envelopes, marks and spool files as bytes.
 *
 * One table a struct says which tag is which member; the same rows write and
 * read.  A tag never changes its meaning: a field that is no longer wanted
 * leaves its number free.
 */
#include "journal/record.h"

#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define FIELD_HEAD	5

enum field_kind { END_OF_FIELDS, STRING, U32, U64, LIST };

struct field {
	uint8_t		tag;
	enum field_kind	kind;
	size_t		at;		/* offset of the member */
	size_t		count_at;	/* lists: offset of the count */
	size_t		size;		/* lists: of one entry */
	const struct field *of;		/* lists: fields of one entry */
};

#define ONE(tag, kind, type, member) \
	{ tag, kind, offsetof(struct type, member), 0, 0, NULL }
#define MANY(tag, type, member, count, entry, of) \
	{ tag, LIST, offsetof(struct type, member), \
	  offsetof(struct type, count), sizeof(struct entry), of }
#define NO_MORE { 0, END_OF_FIELDS, 0, 0, 0, NULL }

static const struct field recipient_fields[] = {
	ONE(1, STRING, recipient, address),
	ONE(2, STRING, recipient, orcpt),
	ONE(3, STRING, recipient, account),
	ONE(4, STRING, recipient, home),
	ONE(5, STRING, recipient, detail),
	ONE(6, STRING, recipient, reason),
	ONE(7, U32, recipient, kind),
	ONE(8, U32, recipient, notify),
	ONE(9, U32, recipient, state),
	ONE(10, U32, recipient, attempts),
	ONE(11, U32, recipient, redelivery),
	ONE(12, U64, recipient, next_ms),
	ONE(13, U32, recipient, told),
	NO_MORE
};

static const struct field closing_fields[] = {
	ONE(1, STRING, closing, mid),
	ONE(2, U32, closing, number),
	ONE(3, U32, closing, last),
	NO_MORE
};

static const struct field envelope_fields[] = {
	ONE(1, STRING, envelope, mid),
	ONE(2, STRING, envelope, parent),
	ONE(3, STRING, envelope, sid),
	ONE(4, STRING, envelope, sender),
	ONE(5, STRING, envelope, envid),
	ONE(6, STRING, envelope, account),
	ONE(7, STRING, envelope, added),
	ONE(8, STRING, envelope, digest),
	ONE(9, U64, envelope, size),
	ONE(10, U64, envelope, received_ms),
	ONE(11, U32, envelope, flags),
	ONE(12, STRING, envelope, mailbox),
	ONE(13, STRING, envelope, mailboxid),
	ONE(14, STRING, envelope, keywords),
	ONE(15, U32, envelope, uid),
	ONE(16, U32, envelope, uidvalidity),
	ONE(17, U32, envelope, mail_flags),
	ONE(18, U64, envelope, date_s),
	ONE(21, U32, envelope, dropped),
	MANY(19, envelope, to, n_to, recipient, recipient_fields),
	MANY(20, envelope, closes, n_closes, closing, closing_fields),
	NO_MORE
};

static const struct field mark_fields[] = {
	ONE(1, STRING, mark, mid),
	ONE(2, STRING, mark, reason),
	ONE(3, U32, mark, number),
	ONE(4, U32, mark, state),
	ONE(5, U32, mark, attempts),
	ONE(6, U32, mark, redelivery),
	ONE(7, U64, mark, next_ms),
	ONE(8, U32, mark, last),
	ONE(9, U32, mark, told),
	NO_MORE
};

/* --- writing ------------------------------------------------------------- */

static void
put_field(struct buf *out, uint8_t tag, const void *p, size_t n)
{
	buf_c(out, tag);
	buf_u32le(out, (uint32_t)n);
	buf_mem(out, p, n);
}

static void	put_fields(struct buf *, const struct field *, const void *);

static void
put_list(struct buf *out, const struct field *f, const uint8_t *of)
{
	const uint8_t *entry;
	size_t n, length_at, from;

	memcpy(&entry, of + f->at, sizeof(entry));
	memcpy(&n, of + f->count_at, sizeof(n));
	for (; n > 0; n--, entry += f->size) {
		buf_c(out, f->tag);
		length_at = out->len;
		buf_u32le(out, 0);
		from = out->len;
		put_fields(out, f->of, entry);
		if (!buf_failed(out))
			num_put32le(out->p + out->start + length_at,
			    (uint32_t)(out->len - from));
	}
}

static void
put_one(struct buf *out, const struct field *f, const uint8_t *of)
{
	uint8_t number[8] = { 0 };
	struct str s;
	uint32_t v32;
	uint64_t v64;

	switch (f->kind) {
	case STRING:
		memcpy(&s, of + f->at, sizeof(s));
		if (s.n > 0)
			put_field(out, f->tag, s.p, s.n);
		break;
	case U32:
		memcpy(&v32, of + f->at, sizeof(v32));
		num_put32le(number, v32);
		if (v32 != 0)
			put_field(out, f->tag, number, 4);
		break;
	case U64:
		memcpy(&v64, of + f->at, sizeof(v64));
		num_put64le(number, v64);
		if (v64 != 0)
			put_field(out, f->tag, number, 8);
		break;
	case LIST:
		put_list(out, f, of);
		break;
	case END_OF_FIELDS:
		break;
	}
}

static void
put_fields(struct buf *out, const struct field *f, const void *of)
{
	for (; f->kind != END_OF_FIELDS; f++)
		put_one(out, f, of);
}

void
envelope_put(struct buf *out, const struct envelope *e)
{
	put_fields(out, envelope_fields, e);
}

void
mark_put(struct buf *out, const struct mark *m)
{
	put_fields(out, mark_fields, m);
}

/* --- reading ------------------------------------------------------------- */

static bool
next_field(struct str *rest, uint8_t *tag_out, struct str *value_out)
{
	uint32_t n;

	if (rest->n < FIELD_HEAD)
		return false;
	n = num_get32le(rest->p + 1);
	if (n > rest->n - FIELD_HEAD)
		return false;
	*tag_out = rest->p[0];
	*value_out = str_sub(*rest, FIELD_HEAD, n);
	*rest = str_from(*rest, FIELD_HEAD + (size_t)n);
	return true;
}

static size_t
count_tag(struct str bytes, uint8_t tag)
{
	struct str value;
	uint8_t t;
	size_t n = 0;

	while (next_field(&bytes, &t, &value))
		n += t == tag;
	return n;
}

static int	get_fields(struct str, const struct field *, struct arena *,
		    void *);

/* All arrays are made before the fields are read, each at its full size. */
static int
make_lists(struct str bytes, const struct field *f, struct arena *a,
    uint8_t *of)
{
	void *entries;
	size_t n;

	for (; f->kind != END_OF_FIELDS; f++) {
		if (f->kind != LIST || (n = count_tag(bytes, f->tag)) == 0)
			continue;
		entries = a != NULL ? arena_array(a, n, f->size) : NULL;
		if (entries == NULL)
			return FAIL_TOO_BIG;
		memcpy(of + f->at, &entries, sizeof(entries));
	}
	return 0;
}

static int
get_entry(struct str value, const struct field *f, struct arena *a,
    uint8_t *of)
{
	uint8_t *entries;
	size_t n;
	int r;

	memcpy(&entries, of + f->at, sizeof(entries));
	memcpy(&n, of + f->count_at, sizeof(n));
	r = get_fields(value, f->of, a, entries + n * f->size);
	n++;
	memcpy(of + f->count_at, &n, sizeof(n));
	return r;
}

static int
get_one(struct str value, const struct field *f, struct arena *a, uint8_t *of)
{
	uint32_t v32;
	uint64_t v64;

	switch (f->kind) {
	case STRING:
		memcpy(of + f->at, &value, sizeof(value));
		return 0;
	case U32:
		if (value.n != 4)
			return FAIL_SYNTAX;
		v32 = num_get32le(value.p);
		memcpy(of + f->at, &v32, sizeof(v32));
		return 0;
	case U64:
		if (value.n != 8)
			return FAIL_SYNTAX;
		v64 = num_get64le(value.p);
		memcpy(of + f->at, &v64, sizeof(v64));
		return 0;
	case LIST:
		return get_entry(value, f, a, of);
	case END_OF_FIELDS:	/* a tag of a later version */
		return 0;
	}
	return FAIL_SYNTAX;
}

static int
get_fields(struct str bytes, const struct field *fields, struct arena *a,
    void *of)
{
	const struct field *f;
	struct str value;
	uint8_t tag;
	int r = make_lists(bytes, fields, a, of);

	while (r == 0 && next_field(&bytes, &tag, &value)) {
		for (f = fields; f->kind != END_OF_FIELDS && f->tag != tag; f++)
			;
		r = get_one(value, f, a, of);
	}
	return r == 0 && bytes.n > 0 ? FAIL_SYNTAX : r;
}

int
envelope_get(struct str bytes, struct arena *a, struct envelope *e_out)
{
	struct envelope e = { .n_to = 0 };
	int r = get_fields(bytes, envelope_fields, a, &e);

	if (r != 0)
		return r;
	for (size_t i = 0; i < e.n_to; i++)
		if (e.to[i].state > RECIPIENT_DONE)
			return FAIL_SYNTAX;
	*e_out = e;
	return 0;
}

int
mark_get(struct str bytes, struct mark *m_out)
{
	struct mark m = { .number = 0 };
	int r = get_fields(bytes, mark_fields, NULL, &m);

	if (r != 0)
		return r;
	if (m.state > RECIPIENT_DONE)
		return FAIL_SYNTAX;
	*m_out = m;
	return 0;
}

int
commit_split(struct str bytes, struct str *envelope_out,
    struct str *content_out)
{
	uint32_t n;

	if (bytes.n < 4)
		return FAIL_SYNTAX;
	n = num_get32le(bytes.p);
	if (n > bytes.n - 4)
		return FAIL_SYNTAX;
	*envelope_out = str_sub(bytes, 4, n);
	*content_out = str_from(bytes, 4 + (size_t)n);
	return 0;
}

/* --- spool file ---------------------------------------------------------- */

static const uint8_t file_magic[16] = "VEREDUS SPOOL 1\n";
static const uint8_t mark_magic[4] = { 'M', 'A', 'R', 'K' };
#define FILE_MARK_HEAD	12

void
spool_head_put(const struct spool_head *h, uint8_t out[SPOOL_FILE_HEAD])
{
	memcpy(out, file_magic, sizeof(file_magic));
	num_put32le(out + 16, h->envelope);
	num_put64le(out + 20, h->content);
	num_put32le(out + 28, h->envelope_sum);
	num_put32le(out + 32, h->content_sum);
	num_put32le(out + 36, crc32c(out, 36));
}

int
spool_head_get(const uint8_t in[SPOOL_FILE_HEAD], struct spool_head *h_out)
{
	if (memcmp(in, file_magic, sizeof(file_magic)) != 0 ||
	    num_get32le(in + 36) != crc32c(in, 36))
		return FAIL_SYNTAX;
	h_out->envelope = num_get32le(in + 16);
	h_out->content = num_get64le(in + 20);
	h_out->envelope_sum = num_get32le(in + 28);
	h_out->content_sum = num_get32le(in + 32);
	return 0;
}

void
spool_mark_put(struct buf *out, const struct mark *m)
{
	size_t head_at = out->len;
	struct str body;

	buf_mem(out, mark_magic, sizeof(mark_magic));
	buf_u64le(out, 0);
	mark_put(out, m);
	if (buf_failed(out))
		return;
	body = str_from(buf_str(out), head_at + FILE_MARK_HEAD);
	num_put32le(out->p + out->start + head_at + 4, (uint32_t)body.n);
	num_put32le(out->p + out->start + head_at + 8, crc32c(body.p, body.n));
}

uint64_t
spool_mark_at(uint64_t size)
{
	return (size + SPOOL_MARK_BLOCK - 1) / SPOOL_MARK_BLOCK *
	    SPOOL_MARK_BLOCK;
}

static bool
mark_at(struct str bytes, struct mark *m_out)
{
	struct str body;
	uint32_t n;

	if (bytes.n < FILE_MARK_HEAD ||
	    memcmp(bytes.p, mark_magic, sizeof(mark_magic)) != 0)
		return false;
	n = num_get32le(bytes.p + 4);
	if (n > bytes.n - FILE_MARK_HEAD)
		return false;
	body = str_sub(bytes, FILE_MARK_HEAD, n);
	return num_get32le(bytes.p + 8) == crc32c(body.p, body.n) &&
	    mark_get(body, m_out) == 0;
}

bool
spool_mark_next(struct str file, size_t *at, struct mark *m_out)
{
	size_t here;

	for (here = (size_t)spool_mark_at(*at); here < file.n;
	    here += SPOOL_MARK_BLOCK)
		if (mark_at(str_sub(file, here, SPOOL_MARK_BLOCK), m_out)) {
			*at = here + 1;
			return true;
		}
	return false;
}
