/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/str.c.
 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/banned.h"

static void
numbers_are_strict(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	max;
		bool		ok;
		uint64_t	v;
	} rows[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "007", 10, true, 7 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "1x", 10, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		uint64_t v = 77;

		assert_int_equal(str_u64(str_of(rows[i].text), rows[i].max,
		    &v), rows[i].ok);
		assert_int_equal(v, rows[i].ok ? rows[i].v : 77);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
