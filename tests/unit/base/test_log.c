/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/log.c: what a stranger can make of a line, and cannot.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/banned.h"


static char got[LOG_LINE_MAX + 1], got_mid[80];
static enum log_level got_level;
static int got_lines;

static void
keep(enum log_level level, struct str line, struct str mid, void *arg)
{
	assert_true(line.n <= LOG_LINE_MAX && mid.n < sizeof(got_mid));
	memcpy(got, line.p, line.n);
	got[line.n] = '\0';
	memcpy(got_mid, mid.p, mid.n);
	got_mid[mid.n] = '\0';
	got_level = level;
	got_lines++;
	errno = EDOM;
}

static int
set_up(void **state)
{
	log_set_sink(keep, NULL);
	log_set_level(LOG_LEVEL_INFO);
	got_lines = 0;
	got[0] = '\0';
	return 0;
}

static int
tear_down(void **state)
{
	log_set_sink(NULL, NULL);
	return 0;
}

static void
values_are_escaped(void **state)
{
	static const struct { struct str in; const char *out; } rows[] = {
		{ STR_INIT("joe@example.org"), "e k=joe@example.org" },
		{ STR_INIT("a=b"), "e k=a=b" },
		{ STR_INIT(""), "e k=\"\"" },
		{ STR_INIT("a b"), "e k=\"a b\"" },
		{ STR_INIT("x mid=1"), "e k=\"x mid\\x3d1\"" },
		{ STR_INIT("a\"b"), "e k=\"a\\x22b\"" },
		{ STR_INIT("a\\b"), "e k=\"a\\x5cb\"" },
		{ STR_INIT("a\r\nb"), "e k=\"a\\x0d\\x0ab\"" },
		{ STR_INIT("\0\x1b\x7f\xff"),
		  "e k=\"\\x00\\x1b\\x7f\\xff\"" },
		{ STR_INIT("\xc3\xa4"), "e k=\"\\xc3\\xa4\"" },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		log_event(LOG_LEVEL_INFO, "e");
		log_str("k", rows[i].in);
		log_end();
		assert_string_equal(got, rows[i].out);
	}
	assert_int_equal(got_lines, NITEMS(rows));
}

static void
a_whole_line(void **state)
{
	log_event(LOG_LEVEL_WARN, "smtpd-message");
	log_z("sid", "s1");
	log_z("mid", "m1");
	log_u64("size", UINT64_MAX);
	log_i64("left", INT64_MIN);
	errno = ENOSPC;
	log_errno();
	log_end();
	assert_string_equal(got, "smtpd-message sid=s1 mid=m1 "
	    "size=18446744073709551615 left=-9223372036854775808 "
	    "error=\"No space left on device\"");
	assert_string_equal(got_mid, "m1");
	assert_int_equal(got_level, LOG_LEVEL_WARN);
	log_say(LOG_LEVEL_ERROR, "bad", "n is %d", 3);
	assert_string_equal(got, "bad text=\"n is 3\"");
	assert_string_equal(got_mid, "");
}

static void
long_values_and_lines_are_cut(void **state)
{
	char big[2000];

	memset(big, 'x', sizeof(big));
	log_event(LOG_LEVEL_INFO, "e");
	log_str("k", str_mem(big, 1000));
	log_end();
	assert_int_equal(strlen(got), 4 + 1000);
	log_event(LOG_LEVEL_INFO, "e");
	log_str("k", str_mem(big, 1001));
	log_end();
	assert_int_equal(strlen(got), 4 + 1000 + 3);
	assert_string_equal(got + 1004, "...");
	memset(big, 0xff, sizeof(big));
	log_event(LOG_LEVEL_INFO, "e");
	for (int i = 0; i < 10; i++)
		log_str("k", str_mem(big, 1000));
	log_str("mid", str_mem(big, 1000));
	log_end();
	assert_true(strlen(got) < LOG_LINE_MAX);
	assert_true(str_ends(str_of(got), "..."));
}

static void
levels_below_say_nothing(void **state)
{
	log_event(LOG_LEVEL_DEBUG, "e");
	log_z("k", "v");
	log_end();
	assert_int_equal(got_lines, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_event(LOG_LEVEL_DEBUG, "e");
	log_end();
	assert_int_equal(got_lines, 1);
	log_end();		/* no line is open */
	log_z("k", "v");
	assert_int_equal(got_lines, 1);
}

static void
a_line_without_end_is_not_lost(void **state)
{
	log_event(LOG_LEVEL_INFO, "first");
	log_event(LOG_LEVEL_INFO, "second");
	assert_string_equal(got, "first");
	log_end();
	assert_string_equal(got, "second");
}

static void
errno_survives(void **state)
{
	errno = ENOENT;
	log_event(LOG_LEVEL_INFO, "e");
	log_end();
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_are_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_whole_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_values_and_lines_are_cut,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(levels_below_say_nothing,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_without_end_is_not_lost,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(errno_survives, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
