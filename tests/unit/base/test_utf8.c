/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/utf8.c: RFC 3629 by its edges.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/attr.h"

#include "base/banned.h"

static void
valid_or_not(void **state)
{
	static const struct { struct str s; bool ok; } rows[] = {
		{ STR_INIT(""), true }, { STR_INIT("abc"), true },
		{ STR_INIT("a\0b"), true },
		{ STR_INIT("\xc2\x80"), true }, { STR_INIT("\xdf\xbf"), true },
		{ STR_INIT("\xe0\xa0\x80"), true },
		{ STR_INIT("\xed\x9f\xbf"), true },
		{ STR_INIT("\xee\x80\x80"), true },
		{ STR_INIT("\xef\xbf\xbf"), true },
		{ STR_INIT("\xf0\x90\x80\x80"), true },
		{ STR_INIT("\xf4\x8f\xbf\xbf"), true },
		/* overlong */
		{ STR_INIT("\xc0\x80"), false }, { STR_INIT("\xc1\xbf"), false },
		{ STR_INIT("\xe0\x9f\xbf"), false },
		{ STR_INIT("\xf0\x8f\xbf\xbf"), false },
		/* surrogates, beyond the end */
		{ STR_INIT("\xed\xa0\x80"), false },
		{ STR_INIT("\xed\xbf\xbf"), false },
		{ STR_INIT("\xf4\x90\x80\x80"), false },
		{ STR_INIT("\xf5\x80\x80\x80"), false },
		{ STR_INIT("\xf8\x88\x80\x80\x80"), false },
		{ STR_INIT("\xff"), false },
		/* cut off, or no continuation */
		{ STR_INIT("\x80"), false }, { STR_INIT("\xc2"), false },
		{ STR_INIT("\xe1\x80"), false },
		{ STR_INIT("\xf1\x80\x80"), false },
		{ STR_INIT("\xc2" "a"), false },
		{ STR_INIT("\xe1\x80" "a"), false },
		{ STR_INIT("abc\xc2"), false },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		assert_int_equal(utf8_valid(rows[i].s), rows[i].ok);
}

static void
next_stops_at_what_is_broken(void **state)
{
	struct str s = STR("a\xc3\xa4\xff" "b");
	uint32_t cp = 7;

	assert_true(utf8_next(&s, &cp));
	assert_int_equal(cp, 'a');
	assert_true(utf8_next(&s, &cp));
	assert_int_equal(cp, 0xe4);
	assert_false(utf8_next(&s, &cp));
	assert_int_equal(cp, 0xe4);
	assert_int_equal(s.n, 2);
}

/* Every code point that there is goes out and comes back. */
static void
all_code_points_both_ways(void **state)
{
	struct buf b;

	buf_init(&b, 4);
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		uint32_t back = 0;
		struct str s;

		if (cp == 0xd800)
			cp = 0xe000;
		buf_reset(&b);
		utf8_put(&b, cp);
		s = buf_str(&b);
		if (!utf8_next(&s, &back) || back != cp || s.n != 0)
			fail_msg("code point %#x came back as %#x", cp, back);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_or_not),
		cmocka_unit_test(next_stops_at_what_is_broken),
		cmocka_unit_test(all_code_points_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
