/* SPDX-License-Identifier: ISC */
/* A text table with an error serves what is right and knows no "absent". */
#include "table/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/table/scratch.h"

static int
count(void *arg, struct str key, struct str value)
{
	(void)key, (void)value;
	++*(int *)arg;
	return 0;
}

static void
broken(void **state)
{
	struct table *t;
	struct why why;
	struct buf b;
	int dir = scratch_open(), n = 0;

	assert_true(dir >= 0);
	buf_init(&b, 100);
	assert_int_equal(scratch_put(dir, "t", "a: b\nc: |prog\n"), 0);
	assert_int_equal(table_new(dir, STR("text"), STR("t"), &t, &why), 0);
	assert_int_equal(table_get(t, STR("a"), &b, &why), 0);
	assert_string_equal(buf_cstr(&b), "b");
	assert_int_equal(table_get(t, STR("c"), &b, &why), FAIL_TEMP);
	assert_string_equal(why.text, "table t: line 2: \"|prog\" runs a "
	    "command, which is not done here");
	assert_int_equal(table_get(t, STR("d"), &b, &why), FAIL_GONE);
	assert_int_equal(table_each(t, count, &n, &why), FAIL_TEMP);
	assert_int_equal(n, 0);
	/* A line of nobody knows whom: d may stand in it. */
	assert_int_equal(scratch_put(dir, "t", "a: b\nd joe\n"), 0);
	buf_reset(&b);
	assert_int_equal(table_get(t, STR("a"), &b, &why), 0);
	assert_int_equal(table_get(t, STR("d"), &b, &why), FAIL_TEMP);
	assert_int_equal(scratch_put(dir, "t", "a: b\na: c\n"), 0);
	assert_int_equal(table_get(t, STR("a"), &b, &why), FAIL_TEMP);
	assert_int_equal(table_get(t, STR("d"), &b, &why), FAIL_GONE);
	assert_int_equal(scratch_put(dir, "t", "a: b\n"), 0);
	assert_int_equal(table_get(t, STR("c"), &b, &why), FAIL_GONE);
	assert_int_equal(table_each(t, count, &n, &why), 0);
	assert_int_equal(n, 1);
	buf_free(&b);
	buf_init(&b, 0);	/* no room for the value */
	assert_int_equal(table_get(t, STR("a"), &b, &why), FAIL_TOO_BIG);
	buf_free(&b);
	table_free(t);
	scratch_close(dir);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(broken) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
