/* SPDX-License-Identifier: ISC */
/*
 * Tables in general: what is missing or broken is FAIL_TEMP, never "no such
 * key"; a replaced file is noticed; a build that fails leaves the old file.
 */
#include "table/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "tests/unit/table/scratch.h"

static int dir;

static int
setup(void **state)
{
	(void)state;
	dir = scratch_open();
	return dir < 0;
}

static int
teardown(void **state)
{
	(void)state;
	scratch_close(dir);
	return 0;
}

static int
get(struct table *t, const char *key, const char *want)
{
	struct buf b;
	struct why why;
	int rc;

	buf_init(&b, 1024);
	rc = table_get(t, str_of(key), &b, &why);
	if (rc == 0 && want != NULL)
		assert_string_equal(buf_cstr(&b), want);
	if (rc == FAIL_TEMP)
		assert_true(str_starts(str_of(why.text), "table "));
	buf_free(&b);
	return rc;
}

static void
names(void **state)
{
	struct table *t;
	struct why why;

	assert_int_equal(table_new(dir, STR("ldap"), STR("x"), &t, &why),
	    FAIL_PERM);
	assert_int_equal(table_new(dir, STR("text"), STR(""), &t, &why),
	    FAIL_PERM);
	assert_int_equal(table_new(dir, STR("text"), STR("a\0b"), &t, &why),
	    FAIL_PERM);
	table_free(NULL);
	(void)state;
}

/* Both drivers go through one life: away, there, replaced, away again. */
static void
life(void **state)
{
	static const char *const driver[] = { "text", "bdb", "bdb-hash" };
	struct table_row one[] = { { STR_INIT("b"), STR_INIT("2") },
	    { STR_INIT("a"), STR_INIT("1") } };
	struct table_row two[] = { { STR_INIT("a"), STR_INIT("3") } };
	struct table *t;
	struct why why;
	size_t i;

	table_warm();
	for (i = 0; i < NITEMS(driver); i++) {
		struct str d = str_of(driver[i]);

		assert_int_equal(table_new(dir, d, STR("t"), &t, &why), 0);
		assert_int_equal(get(t, "a", NULL), FAIL_TEMP);
		if (i == 0)
			assert_int_equal(scratch_put(dir, "t", "a: 1\nb: 2\n"),
			    0);
		else
			assert_int_equal(table_build(dir, d, STR("t"), one, 2,
			    &why), 0);
		assert_int_equal(get(t, "a", "1"), 0);
		assert_int_equal(get(t, "b", "2"), 0);
		assert_int_equal(get(t, "c", NULL), FAIL_GONE);
		assert_int_equal(get(t, "", NULL), FAIL_GONE);
		if (i == 0)
			assert_int_equal(scratch_put(dir, "t", "a: 3\n"), 0);
		else
			assert_int_equal(table_build(dir, d, STR("t"), two, 1,
			    &why), 0);
		assert_int_equal(get(t, "a", "3"), 0);
		assert_int_equal(get(t, "b", NULL), FAIL_GONE);
		assert_int_equal(unlinkat(dir, "t", 0), 0);
		assert_int_equal(get(t, "a", NULL), FAIL_TEMP);
		table_free(t);
	}
	(void)state;
}

static void
failed_build(void **state)
{
	struct table_row row = { STR_INIT("a"), STR_INIT("1") };
	struct table_row twice[] = { { STR_INIT("a"), STR_INIT("1") },
	    { STR_INIT("a"), STR_INIT("2") } };
	struct table *t;
	struct why why;
	struct stat st;

	assert_int_equal(table_build(dir, STR("bdb"), STR("t"), &row, 1,
	    &why), 0);
	assert_int_equal(table_build(dir, STR("bdb"), STR("t"), twice, 2,
	    &why), FAIL_PERM);
	assert_int_equal(table_new(dir, STR("bdb"), STR("t"), &t, &why), 0);
	assert_int_equal(get(t, "a", "1"), 0);
	table_free(t);
	assert_int_not_equal(fstatat(dir, "t.tmp", &st, 0), 0);
	assert_int_equal(table_build(dir, STR("text"), STR("x"), &row, 1,
	    &why), FAIL_PERM);
	assert_int_equal(table_build(dir, STR("bdb"), STR("no/such"), &row, 1,
	    &why), FAIL_TEMP);
	/* A half-built file of a build that died is in nobody's way. */
	assert_int_equal(scratch_put(dir, "t.tmp", "junk"), 0);
	assert_int_equal(table_build(dir, STR("bdb"), STR("t"), &row, 1,
	    &why), 0);
	(void)state;
}

static void
below(void **state)
{
	struct table_row row = { STR_INIT("a"), STR_INIT("1") };
	struct table *t;
	struct why why;

	assert_int_equal(mkdirat(dir, "maps", 0755), 0);
	assert_int_equal(table_build(dir, STR("bdb"), STR("maps/t"), &row, 1,
	    &why), 0);
	assert_int_equal(table_new(dir, STR("bdb"), STR("maps/t"), &t, &why),
	    0);
	assert_int_equal(get(t, "a", "1"), 0);
	table_free(t);
	/* Nothing leads out of the folder. */
	assert_int_equal(table_new(dir, STR("text"), STR("../etc/passwd"), &t,
	    &why), 0);
	assert_int_equal(get(t, "root", NULL), FAIL_TEMP);
	table_free(t);
	assert_int_equal(unlinkat(dir, "maps/t", 0), 0);
	(void)state;
}

static int
stop_at(void *arg, struct str key, struct str value)
{
	int *left = arg;

	(void)key, (void)value;
	return --*left == 0 ? FAIL_DENIED : 0;
}

static void
each(void **state)
{
	struct table_row rows[] = { { STR_INIT("a"), STR_INIT("1") },
	    { STR_INIT("b"), STR_INIT("2") }, { STR_INIT("c"), STR_INIT("3") } };
	static const char *const driver[] = { "text", "bdb" };
	struct table *t;
	struct why why;
	size_t i;
	int left;

	assert_int_equal(table_build(dir, STR("bdb"), STR("bdb"), rows, 3,
	    &why), 0);
	assert_int_equal(scratch_put(dir, "text", "a:1\nb:2\nc:3\n"), 0);
	for (i = 0; i < NITEMS(driver); i++) {
		assert_int_equal(table_new(dir, str_of(driver[i]),
		    str_of(driver[i]), &t, &why), 0);
		left = 10;
		assert_int_equal(table_each(t, stop_at, &left, &why), 0);
		assert_int_equal(left, 7);
		left = 2;
		assert_int_equal(table_each(t, stop_at, &left, &why),
		    FAIL_DENIED);
		table_free(t);
	}
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(life, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_build, setup, teardown),
		cmocka_unit_test_setup_teardown(below, setup, teardown),
		cmocka_unit_test_setup_teardown(each, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
