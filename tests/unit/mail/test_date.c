/* SPDX-License-Identifier: ISC */
/*
 * Dates: what is read leniently, what not, and round trips over the calendar.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/date.h"

#include "base/banned.h"

static const struct {
	const char	*in;
	int		r;
	int64_t		utc_s;
	int		zone;
	int64_t		day;
} dates[] = {
	{ "Thu, 26 Nov 2026 18:02:03 +0100", 0, 1795712523, 60, 20783 },
	{ "26 Nov 2026 18:02:03 +0100", 0, 1795712523, 60, 20783 },
	{ "Thu, 26 Nov 2026 17:02 GMT", 0, 1795712520, 0, 20783 },
	{ " thu , 26 november 2026 17:02:03 (now) ut", 0, 1795712523, 0, 20783 },
	{ "1 Jan 1970 00:00:00 +0000", 0, 0, 0, 0 },
	{ "1 Jan 70 00:00:00 -0000", 0, 0, 0, 0 },
	{ "1 Jan 70 01:00:00 XYZ", 0, 3600, 0, 0 },
	{ "1 Jan 49 00:00:00", 0, 2493072000, 0, 28855 },
	{ "1 Jan 1970 01:00:00 +0100 (CET (x))", 0, 0, 60, 0 },
	{ "31 Dec 1969 19:00:00 EST", 0, 0, -300, -1 },
	{ "29 Feb 2000 00:00:00 +0000", 0, 951782400, 0, 11016 },
	{ "31 Dec 1998 23:59:60 +0000", 0, 915148800, 0, 10591 },
	{ "1 Jan 103 00:00:00 +0000", 0, 1041379200, 0, 12053 },
	{ "29 Feb 1900 00:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "30 Feb 2000 00:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "0 Jan 2000 00:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "32 Jan 2000 00:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Foo 2000 00:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 20000 00:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 2000 24:00:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 2000 00:60:00 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 2000 00:00:61 +0000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 2000 00:00:00 +00000", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 2000 00:00:00 +0060", FAIL_SYNTAX, 0, 0, 0 },
	{ "1 Jan 2000", FAIL_SYNTAX, 0, 0, 0 },
	{ "tomorrow", FAIL_SYNTAX, 0, 0, 0 },
	{ "(", FAIL_SYNTAX, 0, 0, 0 },
	{ "", FAIL_SYNTAX, 0, 0, 0 },
	{ "\377\377", FAIL_SYNTAX, 0, 0, 0 },
};

static void
test_parse(void **state)
{
	for (size_t i = 0; i < NITEMS(dates); i++) {
		int64_t s = 0, day = 0;
		int zone = 0, r = date_parse(str_of(dates[i].in), &s, &zone,
		    &day);

		if (r != dates[i].r || s != dates[i].utc_s ||
		    zone != dates[i].zone || day != dates[i].day)
			fail_msg("%s: %d %lld %d %lld", dates[i].in, r,
			    (long long)s, zone, (long long)day);
	}
}

static const struct {
	const char	*in;
	int		r;
	int64_t		utc_s;
} imap_dates[] = {
	{ "26-Nov-2026 18:02:03 +0100", 0, 1795712523 },
	{ " 1-Jan-1970 00:00:00 +0000", 0, 0 },
	{ "01-jan-1970 00:00:00 -0000", 0, 0 },
	{ "1-Jan-1970 00:00:00 +0000", FAIL_SYNTAX, 0 },
	{ " 01-Jan-1970 00:00:00 +0000", FAIL_SYNTAX, 0 },
	{ "32-Jan-1970 00:00:00 +0000", FAIL_SYNTAX, 0 },
	{ "30-Feb-2024 00:00:00 +0000", FAIL_SYNTAX, 0 },
	{ "01-January-1970 00:00:00 +0000", FAIL_SYNTAX, 0 },
	{ "01-Jan-1970 00:00 +0000", FAIL_SYNTAX, 0 },
	{ "01-Jan-1970 00:00:00", FAIL_SYNTAX, 0 },
	{ "01-Jan-1970 00:00:00 +0000 ", FAIL_SYNTAX, 0 },
	{ "01-Jan-1970 00:00:00 GMT", FAIL_SYNTAX, 0 },
	{ "", FAIL_SYNTAX, 0 },
};

static void
test_imap(void **state)
{
	int64_t s, day;

	for (size_t i = 0; i < NITEMS(imap_dates); i++) {
		int r;

		s = 0;
		r = date_imap_parse(str_of(imap_dates[i].in), &s, NULL);
		if (r != imap_dates[i].r || s != imap_dates[i].utc_s)
			fail_msg("%s: %d %lld", imap_dates[i].in, r,
			    (long long)s);
	}
	assert_int_equal(date_imap_day(STR("1-Feb-1970"), &day), 0);
	assert_int_equal(day, 31);
	assert_int_equal(date_imap_day(STR("01-Feb-1970"), &day), 0);
	assert_int_equal(date_imap_day(STR("30-Feb-1970"), &day), FAIL_SYNTAX);
	assert_int_equal(date_imap_day(STR("1-Feb-1970 "), &day), FAIL_SYNTAX);
	assert_int_equal(date_imap_day(STR("1-Feb-70"), &day), FAIL_SYNTAX);
}

static void
test_format(void **state)
{
	char out[DATE_TEXT_MAX];

	date_format(1795712523, 60, out);
	assert_string_equal(out, "Thu, 26 Nov 2026 18:02:03 +0100");
	date_format(0, -90, out);
	assert_string_equal(out, "Wed, 31 Dec 1969 22:30:00 -0130");
	date_imap_format(0, 0, out);
	assert_string_equal(out, "01-Jan-1970 00:00:00 +0000");
	/* Nonsense stays inside the text. */
	date_format(INT64_MAX / 2, 100000, out);
	assert_true(strlen(out) < DATE_TEXT_MAX);
	date_format(INT64_MIN / 2, -100000, out);
	assert_true(strlen(out) < DATE_TEXT_MAX);
}

/* Every day of 800 years comes back, with the right day of the week. */
static void
test_round_trip(void **state)
{
	char out[DATE_TEXT_MAX];

	for (int64_t day = -146097; day < 146097; day++) {
		int64_t s = 0, again = 0;

		date_format(day * 86400 + 12345, 90, out);
		assert_int_equal(date_parse(str_of(out), &s, NULL, &again), 0);
		assert_int_equal(s, day * 86400 + 12345);
		assert_int_equal(again, day);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_imap),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
