/* SPDX-License-Identifier: ISC */
/*
 * Index header, records and cache blobs as a face reads them.  The first byte
 * says what; its high bit: the sum is made right first.  What is read is
 * written again and must say the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"
#include "mail/index.h"
#include "maildir/box.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_header(uint8_t *p, bool mend)
{
	uint8_t again[INDEX_HEAD_SIZE];
	struct index_header h;

	if (mend) {
		memcpy(p, "VIDX\1\0\0\0", 8);
		num_put32le(p + INDEX_HEAD_SIZE - 4,
		    crc32c(p, INDEX_HEAD_SIZE - 4));
	}
	if (index_header_get(p, &h, NULL) != 0)
		return;
	index_header_put(&h, again);
	if (index_header_get(again, &h, NULL) != 0)
		abort();
}

static void
try_record(uint8_t *p, bool mend)
{
	uint8_t again[INDEX_RECORD_SIZE];
	struct index_record r;

	if (mend)
		num_put32le(p + INDEX_RECORD_SIZE - 4,
		    crc32c(p, INDEX_RECORD_SIZE - 4));
	if (index_record_get(p, &r) != 0)
		return;
	index_record_put(&r, again);
	/* -2^39 is the one time that is cut */
	if (index_record_get(again, &r) != 0)
		abort();
}

static void
try_own(uint8_t *p, bool mend)
{
	struct box_own o;

	if (mend)
		num_put32le(p + BOX_OWN_SIZE - 4, crc32c(p, BOX_OWN_SIZE - 4));
	(void)!box_own_get(p, &o);
}

static void
try_blob(uint8_t *p, size_t n, bool mend)
{
	struct str items, v;
	unsigned type;

	if (mend && n > CACHE_BLOB_HEAD) {
		num_put32le(p, (uint32_t)(n - CACHE_BLOB_HEAD));
		num_put32le(p + 4, crc32c(p + CACHE_BLOB_HEAD,
		    n - CACHE_BLOB_HEAD));
	}
	if (cache_blob_check(str_mem(p, n), &items) != 0)
		return;
	for (type = 0; type < 10; type++)
		if (cache_item_get(items, (enum cache_item)type, &v) &&
		    (v.p < p || v.p + v.n > p + n))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p;
	size_t n;
	bool mend;

	if (size < 2)
		return 0;
	n = size - 1;
	mend = (data[0] & 0x80) != 0;
	p = malloc(n);
	if (p == NULL)
		return 0;
	memcpy(p, data + 1, n);
	if (data[0] % 4 == 0 && n >= INDEX_HEAD_SIZE)
		try_header(p, mend);
	else if (data[0] % 4 == 1 && n >= INDEX_RECORD_SIZE)
		try_record(p, mend);
	else if (data[0] % 4 == 2 && n >= BOX_OWN_SIZE)
		try_own(p, mend);
	else
		try_blob(p, n, mend);
	free(p);
	return 0;
}
