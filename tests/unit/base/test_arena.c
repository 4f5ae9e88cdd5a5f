/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/arena.c: the cap, alignment, zeroes, what reset keeps.
 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/banned.h"

static void
memory_is_zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 1000, 5000, 100000 };
	static const uint8_t zeroes[100000];
	struct arena a;

	arena_init(&a, 1 << 20);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < NITEMS(sizes); i++) {
			uint8_t *p = arena_get(&a, sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			assert_memory_equal(p, zeroes, sizes[i]);
			memset(p, 0xaa, sizes[i]);
		}
		arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	arena_free(&a);
}

static void
cap_holds_whatever_the_pieces(void **state)
{
	static const size_t sizes[] = { 0, 1, 16, 100, 4096, 9999 };
	const size_t cap = 10000;

	for (size_t i = 0; i < NITEMS(sizes); i++) {
		struct arena a;
		size_t n = 0;

		arena_init(&a, cap);
		while (n <= cap && arena_get(&a, sizes[i]) != NULL)
			n++;
		assert_true(n > 0);
		assert_true(n * sizes[i] <= cap);
		assert_true(n <= cap / 16 + 1);	/* also empty ones end */
		assert_true(a.used <= cap);
		arena_reset(&a);
		assert_non_null(arena_get(&a, sizes[i]));
		arena_free(&a);
	}
}

static void
sizes_that_overflow_are_refused(void **state)
{
	struct arena a;

	arena_init(&a, SIZE_MAX);
	assert_null(arena_get(&a, SIZE_MAX));
	assert_null(arena_get(&a, SIZE_MAX - 8));
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	assert_non_null(arena_array(&a, 3, 5));
	assert_null(str_z(&a, str_mem("", SIZE_MAX)));
	arena_free(&a);
}

static void
strings_are_copies(void **state)
{
	char text[] = "copy me";
	struct arena a;
	struct str s;
	const char *z;

	arena_init(&a, 1 << 16);
	s = arena_str(&a, str_of(text));
	z = str_z(&a, str_of(text));
	memset(text, 'x', sizeof(text) - 1);
	assert_true(str_same(s, "copy me"));
	assert_string_equal(z, "copy me");
	assert_non_null(arena_str(&a, str_of("")).p);
	assert_string_equal(str_z(&a, str_of(NULL)), "");
	assert_null(str_z(&a, STR("a\0b")));
	arena_free(&a);
}

static void
strings_beyond_the_cap_have_no_bytes(void **state)
{
	struct arena a;

	arena_init(&a, 32);
	assert_null(arena_str(&a, STR("123456789012345678901234567890123")).p);
	assert_null(str_z(&a, STR("12345678901234567890123456789012")));
	assert_null(arena_fmt(&a, "%40d", 1).p);
	assert_true(str_same(arena_fmt(&a, "%d-%s", 7, "x"), "7-x"));
	arena_free(&a);
}

static void
reset_keeps_one_small_chunk(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	assert_non_null(arena_get(&a, 10));
	arena_reset(&a);
	assert_non_null(a.chunk);
	assert_non_null(arena_get(&a, 100000));
	arena_reset(&a);
	assert_null(a.chunk);
	arena_free(&a);
}

static void
lower_case_is_a_copy(void **state)
{
	struct arena a;
	struct str s = STR("AbZ[\xc4" "1"), low;

	(void)state;
	arena_init(&a, 64);
	low = arena_lower(&a, s);
	assert_true(str_same(low, "abz[\xc4" "1"));
	assert_ptr_not_equal(low.p, s.p);
	assert_non_null(arena_lower(&a, STR("")).p);
	assert_null(arena_lower(&a, str_mem("X", 65)).p);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(cap_holds_whatever_the_pieces),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(strings_are_copies),
		cmocka_unit_test(lower_case_is_a_copy),
		cmocka_unit_test(strings_beyond_the_cap_have_no_bytes),
		cmocka_unit_test(reset_keeps_one_small_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
