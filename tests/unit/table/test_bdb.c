/* SPDX-License-Identifier: ISC */
/*
 * Berkeley DB: both kinds of file, keys with a NUL as other programs write
 * them, damage, and a reader whose root is elsewhere.
 */
#include "table/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

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

static const char *const driver[] = { "bdb", "bdb-hash" };

static void
thousands(void **state)
{
	static char text[5000][2][40];
	static struct table_row rows[5000];
	struct table *t;
	struct why why;
	struct buf b;
	size_t i, k;

	buf_init(&b, 100);
	for (k = 0; k < NITEMS(driver); k++) {
		for (i = 0; i < 5000; i++) {
			snprintf(text[i][0], 40, "user%zu@example.org",
			    (i * 7919) % 5000);
			snprintf(text[i][1], 40, "target%zu", (i * 7919) % 5000);
			rows[i].key = str_of(text[i][0]);
			rows[i].value = str_of(text[i][1]);
		}
		assert_int_equal(table_build(dir, str_of(driver[k]), STR("t"),
		    rows, 5000, &why), 0);
		assert_int_equal(table_new(dir, STR("bdb"), STR("t"), &t,
		    &why), 0);
		for (i = 0; i < 5000; i++) {
			buf_reset(&b);
			assert_int_equal(table_get(t, str_of(text[i][0]), &b,
			    &why), 0);
			assert_string_equal(buf_cstr(&b), text[i][1]);
		}
		assert_int_equal(table_get(t, STR("user5000@example.org"), &b,
		    &why), FAIL_GONE);
		table_free(t);
	}
	buf_free(&b);
	(void)state;
}

static void
with_nul(void **state)
{
	struct table_row row = { STR_INIT("root\0"), STR_INIT("joe, ann\0") };
	struct table *t;
	struct why why;
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(table_build(dir, STR("bdb-hash"), STR("t"), &row, 1,
	    &why), 0);
	assert_int_equal(table_new(dir, STR("bdb"), STR("t"), &t, &why), 0);
	assert_int_equal(table_get(t, STR("root"), &b, &why), 0);
	assert_int_equal(b.len, 8);
	assert_string_equal(buf_cstr(&b), "joe, ann");
	assert_int_equal(table_get(t, STR("root\0"), &b, &why), FAIL_GONE);
	table_free(t);
	buf_free(&b);
	(void)state;
}

/* Whatever is wrong with the file: FAIL_TEMP, and nobody dies. */
static void
damaged(void **state)
{
	struct table_row row = { STR_INIT("a"), STR_INIT("1") };
	struct table *t;
	struct why why;
	struct buf b, whole;
	size_t cut;

	buf_init(&b, 100);
	buf_init(&whole, 1 << 20);
	assert_int_equal(table_build(dir, STR("bdb"), STR("t"), &row, 1,
	    &why), 0);
	assert_int_equal(file_read_all(dir, "t", &whole), 0);
	for (cut = 0; cut < whole.len; cut += 509) {
		assert_int_equal(file_replace(dir, "t", str_sub(
		    buf_str(&whole), 0, cut), 0644), 0);
		assert_int_equal(table_new(dir, STR("bdb"), STR("t"), &t,
		    &why), 0);
		assert_int_not_equal(table_get(t, STR("a"), &b, &why), 0);
		table_free(t);
	}
	assert_int_equal(scratch_put(dir, "t", "root: joe\n"), 0);
	assert_int_equal(table_new(dir, STR("bdb"), STR("t"), &t, &why), 0);
	assert_int_equal(table_get(t, STR("root"), &b, &why), FAIL_TEMP);
	table_free(t);
	buf_free(&b);
	buf_free(&whole);
	(void)state;
}

/* The folder descriptor is all that is needed: the working directory is
 * elsewhere and the folder's name is gone. */
static void
by_descriptor(void **state)
{
	struct table_row row = { STR_INIT("a"), STR_INIT("1") };
	char moved[600];
	struct table *t;
	struct why why;
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(table_build(dir, STR("bdb"), STR("t"), &row, 1,
	    &why), 0);
	snprintf(moved, sizeof(moved), "%s.moved", scratch_path);
	assert_int_equal(rename(scratch_path, moved), 0);
	assert_int_equal(table_new(dir, STR("bdb"), STR("t"), &t, &why), 0);
	assert_int_equal(table_get(t, STR("a"), &b, &why), 0);
	assert_string_equal(buf_cstr(&b), "1");
	table_free(t);
	assert_int_equal(rename(moved, scratch_path), 0);
	buf_free(&b);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(thousands, setup, teardown),
		cmocka_unit_test_setup_teardown(with_nul, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(by_descriptor, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
