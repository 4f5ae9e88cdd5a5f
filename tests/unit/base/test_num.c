/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/num.c: overflow, sizes and durations as people write them.
 */
#include "base/num.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/banned.h"

static void
overflow_is_told_and_leaves_the_result(void **state)
{
	static const struct {
		uint64_t	a, b;
		bool		add_ok, mul_ok;
	} rows[] = {
		{ 0, 0, true, true }, { UINT64_MAX, 0, true, true },
		{ UINT64_MAX, 1, false, true }, { UINT64_MAX, 2, false, false },
		{ UINT64_MAX - 1, 1, true, true },
		{ (uint64_t)1 << 32, (uint64_t)1 << 32, true, false },
		{ (uint64_t)1 << 32, UINT32_MAX, true, true },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		uint64_t sum = 7, product = 7;
		size_t size_sum = 7, size_product = 7;

		assert_int_equal(num_add(rows[i].a, rows[i].b, &sum),
		    rows[i].add_ok);
		assert_true(sum == (rows[i].add_ok ? rows[i].a + rows[i].b : 7));
		assert_int_equal(num_mul(rows[i].a, rows[i].b, &product),
		    rows[i].mul_ok);
		assert_true(product ==
		    (rows[i].mul_ok ? rows[i].a * rows[i].b : 7));
		assert_int_equal(num_add_size(rows[i].a, rows[i].b, &size_sum),
		    rows[i].add_ok);
		assert_int_equal(num_mul_size(rows[i].a, rows[i].b,
		    &size_product), rows[i].mul_ok);
		assert_true(size_sum == sum && size_product == product);
	}
	assert_true(num_min(1, 2) == 1 && num_min(2, 1) == 1);
	assert_true(num_max(1, 2) == 2 && num_max(2, 1) == 2);
}

static void
sizes(void **state)
{
	static const struct { const char *text; bool ok; uint64_t v; } rows[] = {
		{ "0", true, 0 }, { "512", true, 512 }, { "64k", true, 65536 },
		{ "64K", true, 65536 }, { "50M", true, 52428800 },
		{ "1G", true, 1073741824 }, { "1g", true, 1073741824 },
		{ "16777215T", true, 18446742974197923840u },
		{ "16777216T", false, 0 }, { "18446744073709551616", false, 0 },
		{ "", false, 0 }, { "M", false, 0 }, { "-1", false, 0 },
		{ "1.5M", false, 0 }, { "1 M", false, 0 }, { "1MB", false, 0 },
		{ "5m", true, 5 << 20 }, { "5s", false, 0 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		uint64_t v = 7;

		assert_int_equal(num_size(str_of(rows[i].text), &v),
		    rows[i].ok);
		assert_true(v == (rows[i].ok ? rows[i].v : 7));
	}
}

static void
durations(void **state)
{
	static const struct { const char *text; bool ok; int64_t v; } rows[] = {
		{ "500ms", true, 500 }, { "30s", true, 30000 },
		{ "5m", true, 300000 }, { "2h", true, 7200000 },
		{ "4d", true, 345600000 }, { "1w", true, 604800000 },
		{ "0s", true, 0 }, { "5", false, 0 }, { "", false, 0 },
		{ "s", false, 0 }, { "5y", false, 0 }, { "-5s", false, 0 },
		{ "9223372036854775807ms", true, INT64_MAX },
		{ "9223372036854775808ms", false, 0 },
		{ "18446744073709551615s", false, 0 }, { "1h30m", false, 0 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		int64_t v = 7;

		assert_int_equal(num_duration_ms(str_of(rows[i].text), &v),
		    rows[i].ok);
		assert_true(v == (rows[i].ok ? rows[i].v : 7));
	}
}

static void
little_endian_both_ways(void **state)
{
	uint8_t p[9] = { 0 };

	num_put64le(p + 1, 0x0102030405060708);
	assert_int_equal(p[1], 8);
	assert_int_equal(p[8], 1);
	assert_true(num_get64le(p + 1) == 0x0102030405060708);
	num_put32le(p + 1, 0xfffefdfc);
	assert_true(num_get32le(p + 1) == 0xfffefdfc);
	num_put16le(p + 1, 0xfffe);
	assert_int_equal(num_get16le(p + 1), 0xfffe);
	assert_int_equal(p[1], 0xfe);
	num_put64le(p, UINT64_MAX);
	assert_true(num_get64le(p) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overflow_is_told_and_leaves_the_result),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(little_endian_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
