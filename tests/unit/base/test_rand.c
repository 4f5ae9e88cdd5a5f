/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/rand.c: ids that sort and come back, numbers without a bias.
 */
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/banned.h"

/* Runs first: after rand_seed there is no way back to the kernel. */
static void
kernel_bytes_differ(void **state)
{
	uint8_t a[32], b[32];

	rand_bytes(a, sizeof(a));
	rand_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	rand_bytes(a, 0);
}

static void
seed_repeats(void **state)
{
	uint8_t a[37], b[37];

	rand_seed(1);
	rand_bytes(a, sizeof(a));
	rand_seed(1);
	rand_bytes(b, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	rand_seed(2);
	rand_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
below_is_below_and_reaches_all(void **state)
{
	static const uint64_t limits[] = { 1, 2, 3, 7, 100,
	    ((uint64_t)1 << 63) + 1, UINT64_MAX };
	unsigned seen = 0;

	rand_seed(3);
	for (size_t i = 0; i < NITEMS(limits); i++)
		for (int n = 0; n < 1000; n++)
			assert_true(rand_below(limits[i]) < limits[i]);
	for (int n = 0; n < 1000; n++)
		seen |= 1u << rand_below(7);
	assert_int_equal(seen, 0x7f);
}

static void
mids_sort_by_time_and_come_back(void **state)
{
	char last[MID_LEN + 1] = "", mid[MID_LEN + 1], again[MID_LEN + 1];
	uint8_t bin[16];

	rand_seed(4);
	for (int64_t ms = 1; ms < (int64_t)1 << 47; ms *= 3) {
		mid_make(ms, 0x1234, mid);
		assert_int_equal(strlen(mid), MID_LEN);
		assert_true(strcmp(last, mid) < 0);
		assert_true(mid_valid(str_of(mid)));
		assert_true(mid_to_bin(str_of(mid), bin));
		assert_int_equal(bin[5], ms & 0xff);
		assert_int_equal(bin[4], ms >> 8 & 0xff);
		assert_int_equal(bin[6], 0x12);
		assert_int_equal(bin[7], 0x34);
		mid_from_bin(bin, again);
		assert_string_equal(mid, again);
		memcpy(last, mid, sizeof(last));
	}
}

static void
mids_of_one_moment_differ(void **state)
{
	char a[MID_LEN + 1], b[MID_LEN + 1];

	mid_make(1, 1, a);
	mid_make(1, 1, b);
	assert_string_not_equal(a, b);
}

static void
ends_of_the_range(void **state)
{
	static const struct { uint8_t byte; const char *mid; } rows[] = {
		{ 0x00, "00000000000000000000000000" },
		{ 0xff, "7zzzzzzzzzzzzzzzzzzzzzzzzz" },
	};
	uint8_t bin[16], back[16];
	char mid[MID_LEN + 1];

	for (size_t i = 0; i < NITEMS(rows); i++) {
		memset(bin, rows[i].byte, sizeof(bin));
		mid_from_bin(bin, mid);
		assert_string_equal(mid, rows[i].mid);
		assert_true(mid_to_bin(str_of(mid), back));
		assert_memory_equal(bin, back, sizeof(bin));
	}
}

static void
what_is_no_mid(void **state)
{
	static const struct str bad[] = {
		STR_INIT(""), STR_INIT("0000000000000000000000000"),
		STR_INIT("000000000000000000000000000"),
		STR_INIT("80000000000000000000000000"),
		STR_INIT("z0000000000000000000000000"),
		STR_INIT("0000000000000000000000000A"),
		STR_INIT("0000000000000000000000000i"),
		STR_INIT("0000000000000000000000000l"),
		STR_INIT("0000000000000000000000000o"),
		STR_INIT("0000000000000000000000000u"),
		STR_INIT("0000000000000\0" "000000000000"),
		STR_INIT("../00000000000000000000000"),
	};

	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_false(mid_valid(bad[i]));
}

static void
sids_are_short_and_sort(void **state)
{
	char a[SID_LEN + 1], b[SID_LEN + 1];

	sid_make(1795712523000, a);
	sid_make(1795712524000, b);
	assert_int_equal(strlen(a), SID_LEN);
	assert_true(strcmp(a, b) < 0);
	sid_make(1795712524000, a);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_bytes_differ),
		cmocka_unit_test(seed_repeats),
		cmocka_unit_test(below_is_below_and_reaches_all),
		cmocka_unit_test(mids_sort_by_time_and_come_back),
		cmocka_unit_test(mids_of_one_moment_differ),
		cmocka_unit_test(ends_of_the_range),
		cmocka_unit_test(what_is_no_mid),
		cmocka_unit_test(sids_are_short_and_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
