/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/buf.c: limits, failure that stays, the NUL, consuming.
 */
#include "base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/num.h"

#include "base/banned.h"

static void
limit_is_exact_and_failure_stays(void **state)
{
	struct buf b;

	buf_init(&b, 5);
	assert_string_equal(buf_cstr(&b), "");
	buf_z(&b, "12345");
	assert_false(buf_failed(&b));
	buf_c(&b, '6');
	assert_true(buf_failed(&b));
	assert_string_equal(buf_cstr(&b), "12345");
	buf_consume(&b, 2);
	buf_c(&b, 'x');		/* room again, but something is missing */
	assert_string_equal(buf_cstr(&b), "345");
	buf_reset(&b);
	assert_false(buf_failed(&b));
	buf_z(&b, "abc");
	assert_string_equal(buf_cstr(&b), "abc");
	buf_free(&b);
	assert_int_equal(b.max, 5);
}

static void
what_does_not_fit_leaves_all_as_it_was(void **state)
{
	struct buf b;

	buf_init(&b, 300);
	buf_z(&b, "head");
	buf_fmt(&b, "%400d", 1);
	assert_true(buf_failed(&b));
	assert_string_equal(buf_cstr(&b), "head");
	assert_null(buf_grow(&b, 1));
	buf_free(&b);
	buf_init(&b, SIZE_MAX);
	assert_null(buf_grow(&b, SIZE_MAX - 1));
	assert_true(buf_failed(&b));
	buf_free(&b);
}

static void
numbers_as_printf_writes_them(void **state)
{
	static const uint64_t cases[] = { 0, 1, 9, 10, 99, 100, 4096,
	    UINT32_MAX, UINT64_C(10000000000000000000), UINT64_MAX };
	struct buf b, want;

	(void)state;
	buf_init(&b, 1000);
	buf_init(&want, 1000);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		buf_num(&b, cases[i]);
		buf_hex32(&b, (uint32_t)cases[i]);
		buf_fmt(&want, "%" PRIu64 "%08" PRIX32, cases[i],
		    (uint32_t)cases[i]);
	}
	assert_string_equal(buf_cstr(&b), buf_cstr(&want));
	buf_free(&b);
	buf_free(&want);
}

static void
format_of_any_length(void **state)
{
	static const int widths[] = { 1, 255, 256, 257, 4000 };
	struct buf b;

	for (size_t i = 0; i < NITEMS(widths); i++) {
		buf_init(&b, 5000);
		buf_z(&b, "<");
		buf_fmt(&b, "%*d", widths[i], 7);
		buf_z(&b, ">");
		assert_int_equal(b.len, (size_t)widths[i] + 2);
		assert_true(str_ends(buf_str(&b), "7>"));
		buf_free(&b);
	}
}

/* A stream's life: lines come in, are taken off at the front, for long. */
static void
consuming_keeps_order_and_memory_small(void **state)
{
	uint32_t in = 0, out = 0;
	struct buf b;

	buf_init(&b, 4096);
	for (int i = 0; i < 20000; i++) {
		for (int n = i % 7; n > 0; n--)
			buf_u32le(&b, in++);
		for (int n = i % 5 + 1; n > 0 && b.len >= 4; n--) {
			assert_int_equal(num_get32le(buf_str(&b).p), out++);
			buf_consume(&b, 4);
		}
		assert_int_equal(buf_cstr(&b)[b.len], '\0');
	}
	assert_false(buf_failed(&b));
	assert_true(b.cap <= 4097);
	buf_free(&b);
}

static void
numbers_have_their_order(void **state)
{
	static const uint8_t expected[] = {
		1, 2, 3, 4, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1,
	};
	struct buf b;

	buf_init(&b, 100);
	buf_u32be(&b, 0x01020304);
	buf_u32le(&b, 0x01020304);
	buf_u64le(&b, 0x0102030405060708);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(buf_str(&b).p, expected, sizeof(expected));
	buf_free(&b);
}

static void
cut_shrink_and_wipe(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	buf_cut(&b, 0);
	buf_z(&b, "123456");
	buf_consume(&b, 1);
	buf_cut(&b, 9);
	assert_string_equal(buf_cstr(&b), "23456");
	buf_cut(&b, 2);
	assert_string_equal(buf_cstr(&b), "23");
	buf_shrink(&b);
	assert_string_equal(buf_cstr(&b), "23");
	buf_consume(&b, 2);
	assert_string_equal(buf_cstr(&b), "");
	buf_shrink(&b);
	assert_null(b.p);
	buf_z(&b, "secret");
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.len, 0);
}

static void
adding_nothing_takes_no_memory(void **state)
{
	struct buf b;

	buf_init(&b, 10);
	buf_add(&b, str_of(NULL));
	buf_mem(&b, NULL, 0);
	buf_z(&b, "");
	assert_null(b.p);
	assert_int_equal(buf_str(&b).n, 0);
	buf_free(&b);
}

static void
grow_then_grown(void **state)
{
	struct buf b;
	uint8_t *p;

	buf_init(&b, 10);
	p = buf_grow(&b, 10);
	assert_non_null(p);
	memcpy(p, "abc", 3);
	buf_grown(&b, 3);
	assert_string_equal(buf_cstr(&b), "abc");
	assert_null(buf_grow(&b, 8));
	buf_free(&b);
}

static void
put_in_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	buf_front(&b, STR("cd"));
	buf_front(&b, STR("ab"));
	assert_string_equal(buf_cstr(&b), "abcd");
	buf_front(&b, STR("xyz"));
	assert_string_equal(buf_cstr(&b), "abcd");
	assert_false(buf_failed(&b));
	buf_front(&b, STR("xy"));
	assert_string_equal(buf_cstr(&b), "xyabcd");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_is_exact_and_failure_stays),
		cmocka_unit_test(what_does_not_fit_leaves_all_as_it_was),
		cmocka_unit_test(numbers_as_printf_writes_them),
		cmocka_unit_test(format_of_any_length),
		cmocka_unit_test(consuming_keeps_order_and_memory_small),
		cmocka_unit_test(numbers_have_their_order),
		cmocka_unit_test(cut_shrink_and_wipe),
		cmocka_unit_test(put_in_front),
		cmocka_unit_test(adding_nothing_takes_no_memory),
		cmocka_unit_test(grow_then_grown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
