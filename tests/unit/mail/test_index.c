/* SPDX-License-Identifier: ISC */
/* Index header, records and cache blobs: round trips, every wrong bit. */
#include "mail/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct index_record records[] = {
	{ .uid = 1 },
	{ .uid = UINT32_MAX, .flags = 0xffff, .keywords = UINT64_MAX,
	  .modseq = UINT64_MAX, .internaldate_s = (INT64_C(1) << 39) - 1,
	  .savedate_s = -1, .wire_size = (UINT64_C(1) << 40) - 1,
	  .disk_size = 1, .name_at = UINT64_C(0x123456789a),
	  .cache_at = UINT64_C(0xa987654321), .letters = UINT64_MAX },
	{ .uid = 77, .flags = INDEX_SEEN | INDEX_EXPUNGED,
	  .internaldate_s = -62135596800, .savedate_s = 253402300799,
	  .wire_size = 4711, .disk_size = 4600 },
};

static void
record_round_trip(void **state)
{
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;
	size_t i;

	for (i = 0; i < NITEMS(records); i++) {
		index_record_put(&records[i], bytes);
		memset(&r, 0, sizeof(r));
		assert_int_equal(index_record_get(bytes, &r), 0);
		assert_int_equal(r.uid, records[i].uid);
		assert_int_equal(r.flags, records[i].flags);
		assert_true(r.keywords == records[i].keywords);
		assert_true(r.modseq == records[i].modseq);
		assert_true(r.internaldate_s == records[i].internaldate_s);
		assert_true(r.savedate_s == records[i].savedate_s);
		assert_true(r.wire_size == records[i].wire_size);
		assert_true(r.disk_size == records[i].disk_size);
		assert_true(r.name_at == records[i].name_at);
		assert_true(r.cache_at == records[i].cache_at);
		assert_true(r.letters == records[i].letters);
	}
	(void)state;
}

/* What does not fit is cut to the largest value, never wrapped. */
static void
record_bounds(void **state)
{
	struct index_record in = { .uid = 1, .wire_size = UINT64_MAX,
	    .internaldate_s = INT64_MAX, .savedate_s = INT64_MIN }, r;
	uint8_t bytes[INDEX_RECORD_SIZE];

	index_record_put(&in, bytes);
	assert_int_equal(index_record_get(bytes, &r), 0);
	assert_true(r.wire_size == (UINT64_C(1) << 40) - 1);
	assert_true(r.internaldate_s == (INT64_C(1) << 39) - 1);
	assert_true(r.savedate_s == -((INT64_C(1) << 39) - 1));
	(void)state;
}

static void
record_any_bit(void **state)
{
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;
	size_t bit;

	index_record_put(&records[1], bytes);
	for (bit = 0; bit < sizeof(bytes) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(index_record_get(bytes, &r), FAIL_TEMP);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	memset(bytes, 0, sizeof(bytes));	/* a block never written */
	assert_int_equal(index_record_get(bytes, &r), FAIL_TEMP);
	(void)state;
}

static void
header(void **state)
{
	struct index_header in = { .version = INDEX_VERSION, .generation = 3,
	    .uidvalidity = 1764180000, .uidnext = 900, .records = 12,
	    .modseq = UINT64_C(1) << 50, .messages = 10, .unseen = 4,
	    .deleted = 1, .size = UINT64_C(1) << 45,
	    .mailboxid = { 1, 2, 3, 255 } }, h;
	uint8_t bytes[INDEX_HEAD_SIZE];
	struct why why;
	size_t i;

	index_header_put(&in, bytes);
	assert_int_equal(index_header_get(bytes, &h, &why), 0);
	assert_int_equal(h.generation, 3);
	assert_int_equal(h.uidvalidity, in.uidvalidity);
	assert_int_equal(h.uidnext, 900);
	assert_int_equal(h.records, 12);
	assert_true(h.modseq == in.modseq);
	assert_int_equal(h.messages, 10);
	assert_int_equal(h.unseen, 4);
	assert_int_equal(h.deleted, 1);
	assert_true(h.size == in.size);
	assert_memory_equal(h.mailboxid, in.mailboxid, 16);
	for (i = 8; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		assert_int_equal(index_header_get(bytes, &h, &why), FAIL_TEMP);
		bytes[i] ^= 0x10;
	}
	bytes[0] ^= 1;
	assert_int_equal(index_header_get(bytes, &h, &why), FAIL_PERM);
	bytes[0] ^= 1;
	in.version = INDEX_VERSION + 1;
	index_header_put(&in, bytes);
	assert_int_equal(index_header_get(bytes, &h, &why), FAIL_PERM);
	(void)state;
}

static void
blob(void **state)
{
	struct str items, v, whole;
	struct buf b;
	size_t n;

	buf_init(&b, CACHE_BLOB_MAX + 64);
	cache_blob_begin(&b);
	cache_item_put(&b, CACHE_ENVELOPE, STR("(NIL)"));
	cache_item_put(&b, CACHE_BODY, STR(""));
	cache_blob_end(&b);
	whole = buf_str(&b);
	assert_int_equal(cache_blob_length(whole.p),
	    whole.n - CACHE_BLOB_HEAD);
	assert_int_equal(cache_blob_check(whole, &items), 0);
	assert_true(cache_item_get(items, CACHE_ENVELOPE, &v));
	assert_true(str_same(v, "(NIL)"));
	assert_true(cache_item_get(items, CACHE_BODY, &v));
	assert_int_equal(v.n, 0);
	assert_false(cache_item_get(items, CACHE_HEADER, &v));
	for (n = 0; n < whole.n; n++)
		assert_int_equal(cache_blob_check(str_sub(whole, 0, n), &items),
		    FAIL_TEMP);
	b.p[b.start + CACHE_BLOB_HEAD + 6] ^= 1;
	assert_int_equal(cache_blob_check(buf_str(&b), &items), FAIL_TEMP);
	buf_free(&b);
	(void)state;
}

/* An item list that lies about its lengths ends, it is not believed. */
static void
blob_lies(void **state)
{
	static const uint8_t lie[] = { CACHE_BODY, 0xff, 0xff, 0xff, 0xff,
	    'x', 0, 0, 0 };
	static const uint8_t zeros[16];
	struct str v;

	assert_false(cache_item_get(str_mem(lie, sizeof(lie)), CACHE_BODY,
	    &v));
	assert_int_equal(cache_blob_length(lie + 1), 0);
	assert_int_equal(cache_blob_check(str_mem(zeros, sizeof(zeros)), &v),
	    FAIL_TEMP);
	(void)state;
}

/* Too much is left out; what was there before it stays. */
static void
blob_full(void **state)
{
	static uint8_t much[CACHE_BLOB_MAX];
	struct str items, v;
	struct buf b;

	buf_init(&b, CACHE_BLOB_HEAD + CACHE_BLOB_MAX);
	cache_blob_begin(&b);
	cache_item_put(&b, CACHE_DATE, STR("12345678"));
	cache_item_put(&b, CACHE_HEADER, str_mem(much, sizeof(much)));
	cache_item_put(&b, CACHE_BODY, STR("()"));
	cache_blob_end(&b);
	assert_false(buf_failed(&b));
	assert_int_equal(cache_blob_check(buf_str(&b), &items), 0);
	assert_true(cache_item_get(items, CACHE_DATE, &v));
	assert_false(cache_item_get(items, CACHE_HEADER, &v));
	assert_true(cache_item_get(items, CACHE_BODY, &v));
	buf_free(&b);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_round_trip),
		cmocka_unit_test(record_bounds),
		cmocka_unit_test(record_any_bit),
		cmocka_unit_test(header),
		cmocka_unit_test(blob),
		cmocka_unit_test(blob_lies),
		cmocka_unit_test(blob_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
