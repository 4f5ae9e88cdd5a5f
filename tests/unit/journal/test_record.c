/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "journal/record.h"

static struct recipient two[2] = {
	{ .address = STR_INIT("joe@example.org"), .account = STR_INIT("joe"),
	  .home = STR_INIT("h/Maildir"), .detail = STR_INIT("tag"),
	  .orcpt = STR_INIT("rfc822;joe"), .notify = 3 },
	{ .address = STR_INIT("x@example.net"), .kind = 1,
	  .state = RECIPIENT_WAITS, .attempts = 4, .redelivery = 1,
	  .next_ms = -5, .reason = STR_INIT("4.4.1 no answer") },
};
static struct closing closes[1] = {
	{ STR_INIT("0000000001000aaaaaaaaaaaaa"), 7, 1 }
};

static struct envelope
sample(void)
{
	return (struct envelope){
		.mid = STR("0000000001000bbbbbbbbbbbbb"), .sid = STR("s"),
		.sender = STR("a@b.example"), .added = STR("X: y\r\n"),
		.digest = STR("12345678901234567890123456789012"),
		.size = 1ull << 40, .received_ms = 1234567890123,
		.flags = 5, .mailbox = STR("Sent"), .uid = 9,
		.uidvalidity = 8, .mail_flags = 1, .date_s = -1,
		.to = two, .n_to = 2, .closes = closes, .n_closes = 1,
	};
}

static void
test_envelope(void **state)
{
	struct envelope e = sample(), got;
	struct arena a;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	arena_init(&a, 1 << 20);
	envelope_put(&b, &e);
	assert_int_equal(envelope_get(buf_str(&b), &a, &got), 0);
	assert_true(str_eq(got.mid, e.mid));
	assert_true(str_eq(got.digest, e.digest));
	assert_true(got.size == e.size && got.date_s == -1);
	assert_int_equal(got.n_to, 2);
	assert_true(str_eq(got.to[0].detail, two[0].detail));
	assert_true(got.to[1].next_ms == -5 && got.to[1].attempts == 4);
	assert_true(str_eq(got.to[1].reason, two[1].reason));
	assert_int_equal(got.n_closes, 1);
	assert_int_equal(got.closes[0].number, 7);
	arena_free(&a);
	buf_free(&b);
}

/* Cut at every length: refused, or fields are missing, never read past. */
static void
test_cut(void **state)
{
	struct envelope e = sample(), got;
	struct arena a;
	struct buf b;
	unsigned refused = 0;

	(void)state;
	buf_init(&b, 1 << 20);
	envelope_put(&b, &e);
	for (size_t n = 0; n < b.len; n++) {
		arena_init(&a, 1 << 20);
		refused += envelope_get(str_sub(buf_str(&b), 0, n), &a,
		    &got) != 0;
		arena_free(&a);
	}
	assert_true(refused > b.len / 2);
	arena_init(&a, 64);	/* a cap is a refusal, not an abort */
	assert_int_equal(envelope_get(buf_str(&b), &a, &got), FAIL_TOO_BIG);
	arena_free(&a);
	buf_free(&b);
}

static void
test_unknown_tag(void **state)
{
	struct mark m = { .number = 3, .state = RECIPIENT_HELD,
	    .reason = STR("by hand") }, got;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	buf_mem(&b, "\xf0\x03\0\0\0abc", 8);	/* of a later version */
	mark_put(&b, &m);
	assert_int_equal(mark_get(buf_str(&b), &got), 0);
	assert_int_equal(got.number, 3);
	assert_true(str_same(got.reason, "by hand"));
	buf_reset(&b);
	m.state = RECIPIENT_DONE + 1;
	mark_put(&b, &m);
	assert_int_equal(mark_get(buf_str(&b), &got), FAIL_SYNTAX);
	buf_free(&b);
}

static void
test_marks_of_file(void **state)
{
	static uint8_t file[4 * SPOOL_MARK_BLOCK];
	struct mark m = { .number = 1, .state = RECIPIENT_WAITS }, got;
	struct buf b;
	size_t at = 100;

	(void)state;
	buf_init(&b, 4096);
	spool_mark_put(&b, &m);
	/* the first block is torn, the second and third are right */
	memcpy(file + SPOOL_MARK_BLOCK, b.p, b.len - 1);
	memcpy(file + 2 * SPOOL_MARK_BLOCK, b.p, b.len);
	memcpy(file + 3 * SPOOL_MARK_BLOCK, b.p, b.len);
	file[SPOOL_MARK_BLOCK + 14] ^= 1;
	for (int i = 0; i < 2; i++) {
		assert_true(spool_mark_next(str_mem(file, sizeof(file)), &at,
		    &got));
		assert_int_equal(got.number, 1);
	}
	assert_false(spool_mark_next(str_mem(file, sizeof(file)), &at, &got));
	buf_free(&b);
}

static void
test_head(void **state)
{
	struct spool_head h = { 10, 20, 30, 40 }, got;
	uint8_t bytes[SPOOL_FILE_HEAD];

	(void)state;
	spool_head_put(&h, bytes);
	assert_int_equal(spool_head_get(bytes, &got), 0);
	assert_int_equal(got.envelope, 10);
	assert_int_equal(got.content, 20);
	assert_int_equal(got.envelope_sum, 30);
	assert_int_equal(got.content_sum, 40);
	bytes[20] ^= 1;
	assert_int_equal(spool_head_get(bytes, &got), FAIL_SYNTAX);
}

static void
test_split(void **state)
{
	struct str e, c;

	(void)state;
	assert_int_equal(commit_split(STR("\2\0\0\0abcd"), &e, &c), 0);
	assert_true(str_same(e, "ab") && str_same(c, "cd"));
	assert_int_equal(commit_split(STR("\5\0\0\0abcd"), &e, &c),
	    FAIL_SYNTAX);
	assert_int_equal(commit_split(STR("\5\0\0"), &e, &c), FAIL_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_unknown_tag),
		cmocka_unit_test(test_marks_of_file),
		cmocka_unit_test(test_head), cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
