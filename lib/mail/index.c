/* SPDX-License-Identifier: ISC */
/*
 * mail/index.c - records, header and cache blobs as bytes and back.
 *
 * Everything is little endian and summed with CRC-32C.  Offsets, sizes and
 * times have 40 bits in a record (a terabyte, 17,000 years): a value beyond
 * is cut to the largest, never wrapped.
 */
#include "mail/index.h"

#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

static const uint8_t magic[4] = { 'V', 'I', 'D', 'X' };

#define HEAD_SUM_AT	(INDEX_HEAD_SIZE - 4)
#define RECORD_SUM_AT	(INDEX_RECORD_SIZE - 4)
#define U40_MAX		((UINT64_C(1) << 40) - 1)
#define I40_MAX		((INT64_C(1) << 39) - 1)

static void
put_u40(uint8_t *p, uint64_t v)
{
	if (v > U40_MAX)
		v = U40_MAX;
	num_put32le(p, (uint32_t)v);
	p[4] = (uint8_t)(v >> 32);
}

static uint64_t
get_u40(const uint8_t *p)
{
	return num_get32le(p) | (uint64_t)p[4] << 32;
}

static void
put_i40(uint8_t *p, int64_t v)
{
	if (v > I40_MAX)
		v = I40_MAX;
	if (v < -I40_MAX)
		v = -I40_MAX;
	put_u40(p, (uint64_t)v & U40_MAX);
}

static int64_t
get_i40(const uint8_t *p)
{
	uint64_t v = get_u40(p);

	if (v & (UINT64_C(1) << 39))
		return (int64_t)v - (INT64_C(1) << 40);
	return (int64_t)v;
}

void
index_header_put(const struct index_header *h, uint8_t out[INDEX_HEAD_SIZE])
{
	memset(out, 0, INDEX_HEAD_SIZE);
	memcpy(out, magic, 4);
	num_put32le(out + 4, h->version);
	num_put32le(out + 8, h->generation);
	num_put32le(out + 12, h->uidvalidity);
	num_put32le(out + 16, h->uidnext);
	num_put32le(out + 20, h->records);
	num_put64le(out + 24, h->modseq);
	num_put32le(out + 32, h->messages);
	num_put32le(out + 36, h->unseen);
	num_put32le(out + 40, h->deleted);
	num_put64le(out + 48, h->size);
	memcpy(out + 56, h->mailboxid, sizeof(h->mailboxid));
	num_put32le(out + HEAD_SUM_AT, crc32c(out, HEAD_SUM_AT));
}

int
index_header_get(const uint8_t in[INDEX_HEAD_SIZE], struct index_header *h_out,
    struct why *why)
{
	struct index_header h = { 0 };

	if (memcmp(in, magic, 4) != 0)
		return why_set(why, FAIL_PERM, "not an index");
	h.version = num_get32le(in + 4);
	if (h.version != INDEX_VERSION)
		return why_set(why, FAIL_PERM, "index of version %u",
		    (unsigned)h.version);
	if (num_get32le(in + HEAD_SUM_AT) != crc32c(in, HEAD_SUM_AT))
		return why_set(why, FAIL_TEMP, "index header sum is wrong");
	h.generation = num_get32le(in + 8);
	h.uidvalidity = num_get32le(in + 12);
	h.uidnext = num_get32le(in + 16);
	h.records = num_get32le(in + 20);
	h.modseq = num_get64le(in + 24);
	h.messages = num_get32le(in + 32);
	h.unseen = num_get32le(in + 36);
	h.deleted = num_get32le(in + 40);
	h.size = num_get64le(in + 48);
	memcpy(h.mailboxid, in + 56, sizeof(h.mailboxid));
	*h_out = h;
	return 0;
}

void
index_record_put(const struct index_record *r, uint8_t out[INDEX_RECORD_SIZE])
{
	num_put32le(out, r->uid);
	num_put16le(out + 4, r->flags);
	num_put64le(out + 6, r->keywords);
	num_put64le(out + 14, r->modseq);
	put_i40(out + 22, r->internaldate_s);
	put_i40(out + 27, r->savedate_s);
	put_u40(out + 32, r->wire_size);
	put_u40(out + 37, r->disk_size);
	put_u40(out + 42, r->name_at);
	put_u40(out + 47, r->cache_at);
	num_put64le(out + 52, r->letters);
	num_put32le(out + RECORD_SUM_AT, crc32c(out, RECORD_SUM_AT));
}

int
index_record_get(const uint8_t in[INDEX_RECORD_SIZE],
    struct index_record *r_out)
{
	if (num_get32le(in + RECORD_SUM_AT) != crc32c(in, RECORD_SUM_AT))
		return FAIL_TEMP;
	r_out->uid = num_get32le(in);
	r_out->flags = num_get16le(in + 4);
	r_out->keywords = num_get64le(in + 6);
	r_out->modseq = num_get64le(in + 14);
	r_out->internaldate_s = get_i40(in + 22);
	r_out->savedate_s = get_i40(in + 27);
	r_out->wire_size = get_u40(in + 32);
	r_out->disk_size = get_u40(in + 37);
	r_out->name_at = get_u40(in + 42);
	r_out->cache_at = get_u40(in + 47);
	r_out->letters = num_get64le(in + 52);
	return 0;
}

/* --- cache blobs --------------------------------------------------------- */

uint32_t
cache_blob_length(const uint8_t head[CACHE_BLOB_HEAD])
{
	uint32_t n = num_get32le(head);

	return n <= CACHE_BLOB_MAX ? n : 0;
}

int
cache_blob_check(struct str blob, struct str *items_out)
{
	struct str items;
	uint32_t n;

	if (blob.n < CACHE_BLOB_HEAD)
		return FAIL_TEMP;
	n = cache_blob_length(blob.p);
	if (n == 0 || n > blob.n - CACHE_BLOB_HEAD)
		return FAIL_TEMP;
	items = str_sub(blob, CACHE_BLOB_HEAD, n);
	if (crc32c(items.p, items.n) != num_get32le(blob.p + 4))
		return FAIL_TEMP;
	*items_out = items;
	return 0;
}

/* The first item of that type; a list that is cut ends the search. */
bool
cache_item_get(struct str items, enum cache_item type, struct str *value_out)
{
	uint32_t n;

	while (items.n >= 5) {
		n = num_get32le(items.p + 1);
		if (n > items.n - 5)
			return false;
		if (items.p[0] == type) {
			*value_out = str_sub(items, 5, n);
			return true;
		}
		items = str_from(items, (size_t)n + 5);
	}
	return false;
}

void
cache_blob_begin(struct buf *out)
{
	static const uint8_t head[CACHE_BLOB_HEAD];

	buf_reset(out);
	buf_mem(out, head, sizeof(head));
}

void
cache_item_put(struct buf *out, enum cache_item type, struct str value)
{
	if (value.n > CACHE_BLOB_MAX || buf_str(out).n + 5 + value.n >
	    CACHE_BLOB_HEAD + CACHE_BLOB_MAX)
		return;		/* a blob may lack items; readers expect it */
	buf_c(out, (uint8_t)type);
	buf_u32le(out, (uint32_t)value.n);
	buf_add(out, value);
}

void
cache_blob_end(struct buf *out)
{
	size_t n = out->len - CACHE_BLOB_HEAD;
	uint8_t *p = out->p + out->start;

	num_put32le(p, (uint32_t)n);
	num_put32le(p + 4, crc32c(p + CACHE_BLOB_HEAD, n));
}
