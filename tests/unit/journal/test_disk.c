/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "journal/disk.h"

static char names[200];

static void
add_name(void *arg, const char *name)
{
	(void)arg;
	snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s;",
	    name);
}

static void
test_real(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[4096], got[4];
	struct disk d;
	int folder, h;

	(void)state;
	snprintf(path, sizeof(path), "%s/veredus-disk-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY);
	disk_real(&d, folder);
	assert_int_equal(d.mkdir(d.ctx, "x"), 0);
	assert_int_equal(d.mkdir(d.ctx, "x"), 0);
	assert_int_equal(d.open(d.ctx, "x/f", DISK_READ), -1);
	h = d.open(d.ctx, "x/f", DISK_READ | DISK_WRITE | DISK_CREATE);
	assert_true(h >= 0);
	assert_int_equal(d.open(d.ctx, "x/f", DISK_WRITE | DISK_CREATE), -1);
	assert_int_equal(disk_write(&d, h, STR("abcd"), 2), 0);
	assert_int_equal(d.size(d.ctx, h), 6);
	assert_int_equal(disk_read(&d, h, got, 4, 2), 0);
	assert_memory_equal(got, "abcd", 4);
	assert_int_equal(disk_read(&d, h, got, 4, 3), FAIL_GONE);
	assert_int_equal(d.fdatasync(d.ctx, h), 0);
	assert_int_equal(d.sync_folder(d.ctx, "x"), 0);
	d.close(d.ctx, h);
	assert_int_equal(d.rename(d.ctx, "x/f", "x/g"), 0);
	assert_int_equal(d.list(d.ctx, "x", add_name, NULL), 0);
	assert_string_equal(names, "g;");
	assert_int_equal(d.unlink(d.ctx, "x/g"), 0);
	assert_int_equal(d.unlink(d.ctx, "x/g"), -1);
	assert_int_equal(unlinkat(folder, "x", AT_REMOVEDIR), 0);
	close(folder);
	assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_real) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
