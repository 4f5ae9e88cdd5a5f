/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/clock.c: tests turn them; local time with its offset.
 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/banned.h"

static void
frozen_clocks_move_by_hand(void **state)
{
	int64_t mono;

	clock_freeze(1000000);
	mono = clock_mono_ms();
	assert_int_equal(clock_real_ms(), 1000000);
	assert_int_equal(clock_real_s(), 1000);
	assert_int_equal(clock_mono_ms(), mono);
	clock_turn(2500);
	assert_int_equal(clock_real_ms(), 1002500);
	assert_int_equal(clock_mono_ms(), mono + 2500);
	clock_thaw();
	assert_true(clock_real_ms() > 1600000000000);
}

static void
monotonic_never_goes_back(void **state)
{
	int64_t last = clock_mono_ms();

	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_mono_ms();

		assert_true(now >= last);
		last = now;
	}
}

static void
text_is_local_time_with_offset(void **state)
{
	static const struct {
		const char	*zone;
		int64_t		ms;
		const char	*text;
	} rows[] = {
		{ "UTC0", 0, "1970-01-01T00:00:00.000+00:00" },
		{ "UTC0", 1, "1970-01-01T00:00:00.001+00:00" },
		{ "UTC0", -1, "1969-12-31T23:59:59.999+00:00" },
		{ "CET-1", 1795716123123, "2026-11-26T19:02:03.123+01:00" },
		{ "IST-5:30", 1795716123000, "2026-11-26T23:32:03.000+05:30" },
		{ "NST3:30", 1795716123000, "2026-11-26T14:32:03.000-03:30" },
		{ "UTC0", 951782400000, "2000-02-29T00:00:00.000+00:00" },
		{ "UTC0", INT64_MAX, "-" },
	};
	char text[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv("TZ", rows[i].zone, 1);
		tzset();
		clock_text(rows[i].ms, text);
		assert_string_equal(text, rows[i].text);
	}
	unsetenv("TZ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frozen_clocks_move_by_hand),
		cmocka_unit_test(monotonic_never_goes_back),
		cmocka_unit_test(text_is_local_time_with_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
