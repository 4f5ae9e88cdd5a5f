/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/file.c: reading to limits, replacing, staying beneath.
 */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fd.h"

#include "base/banned.h"


struct world {
	char	path[64];
	int	dir;
};

static int
set_up(void **state)
{
	static struct world w;
	const char *tmp = getenv("TMPDIR");

	snprintf(w.path, sizeof(w.path), "%.40s/veredus-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(w.path) == NULL)
		return -1;
	w.dir = open(w.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &w;
	return w.dir < 0;
}

/* All the names the tests make, deepest first. */
static int
tear_down(void **state)
{
	static const char *const names[] = { "f", "f.tmp", "link", "a/f",
	    "a/b/c", "a/b", "a/out", "a" };
	struct world *w = *state;

	for (size_t i = 0; i < NITEMS(names); i++)
		if (unlinkat(w->dir, names[i], 0) != 0)
			unlinkat(w->dir, names[i], AT_REMOVEDIR);
	close(w->dir);
	return rmdir(w->path);
}

static void
put_file(struct world *w, const char *name, const char *text)
{
	int fd = openat(w->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(file_write(fd, str_of(text)), 0);
	close(fd);
}

static void
read_all_to_its_limit(void **state)
{
	static const struct { size_t max; int rc; } rows[] = {
		{ 0, FAIL_TOO_BIG }, { 9, FAIL_TOO_BIG }, { 10, 0 },
		{ 11, 0 }, { 100000, 0 },
	};
	struct world *w = *state;
	struct buf b;

	put_file(w, "f", "0123456789");
	for (size_t i = 0; i < NITEMS(rows); i++) {
		buf_init(&b, rows[i].max);
		assert_int_equal(file_read_all(w->dir, "f", &b), rows[i].rc);
		if (rows[i].rc == 0)
			assert_string_equal(buf_cstr(&b), "0123456789");
		buf_free(&b);
	}
	put_file(w, "f", "");
	buf_init(&b, 0);
	assert_int_equal(file_read_all(w->dir, "f", &b), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(file_read_all(w->dir, "none", &b), FAIL_GONE);
	assert_int_equal(file_read_all(w->dir, ".", &b), FAIL_TEMP);
	buf_free(&b);
}

static void
large_files_too(void **state)
{
	struct world *w = *state;
	struct buf b, big;

	buf_init(&big, 1 << 20);
	for (int i = 0; i < 40000; i++)
		buf_fmt(&big, "%d\n", i);
	assert_int_equal(file_replace(w->dir, "f", buf_str(&big), 0600), 0);
	buf_init(&b, 1 << 20);
	assert_int_equal(file_read_all(w->dir, "f", &b), 0);
	assert_true(str_eq(buf_str(&b), buf_str(&big)));
	buf_free(&b);
	buf_free(&big);
}

static void
pread_all_or_gone(void **state)
{
	struct world *w = *state;
	char out[8];
	int fd;

	put_file(w, "f", "0123456789");
	fd = file_open(w->dir, "f", O_RDWR, 0);
	assert_int_equal(file_pread(fd, out, 4, 6), 0);
	assert_memory_equal(out, "6789", 4);
	assert_int_equal(file_pread(fd, out, 5, 6), FAIL_GONE);
	assert_int_equal(file_pread(fd, out, 1, 100), FAIL_GONE);
	assert_int_equal(file_pread(fd, out, 0, 100), 0);
	assert_int_equal(file_pread(-1, out, 1, 0), FAIL_TEMP);
	assert_int_equal(file_pwrite(fd, STR("ab"), 9), 0);
	assert_int_equal(file_pread(fd, out, 3, 8), 0);
	assert_memory_equal(out, "8ab", 3);
	close(fd);
	assert_int_equal(file_pwrite(-1, STR("x"), 0), FAIL_TEMP);
	assert_int_equal(file_write(-1, STR("x")), FAIL_TEMP);
}

static void
replace_whole_or_not_at_all(void **state)
{
	struct world *w = *state;
	struct stat st;
	struct buf b;
	mode_t mask = umask(077);

	put_file(w, "f.tmp", "left by a crash, longer than what comes");
	assert_int_equal(file_replace(w->dir, "f", STR("new"), 0644), 0);
	umask(mask);
	buf_init(&b, 100);
	assert_int_equal(file_read_all(w->dir, "f", &b), 0);
	assert_string_equal(buf_cstr(&b), "new");
	assert_int_equal(fstatat(w->dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(faccessat(w->dir, "f.tmp", F_OK, 0), -1);
	/* f.tmp is a folder: cannot be written, f stays */
	assert_int_equal(mkdirat(w->dir, "f.tmp", 0700), 0);
	assert_int_equal(file_replace(w->dir, "f", STR("x"), 0600), FAIL_TEMP);
	buf_reset(&b);
	assert_int_equal(file_read_all(w->dir, "f", &b), 0);
	assert_string_equal(buf_cstr(&b), "new");
	assert_int_equal(file_mkdirs(w->dir, "a", 0700), 0);
	assert_int_equal(file_replace(w->dir, "a/f", STR("deep"), 0600), 0);
	buf_reset(&b);
	assert_int_equal(file_read_all(w->dir, "a/f", &b), 0);
	assert_string_equal(buf_cstr(&b), "deep");
	assert_int_equal(file_replace(w->dir, "/f", STR("x"), 0600), FAIL_TEMP);
	buf_free(&b);
}

static void
nothing_leads_out(void **state)
{
	static const char *const out[] = {
		"..", "a/..", "a/../..", "../x", "/etc/passwd", "a/out/passwd",
		"link", "./link",
	};
	struct world *w = *state;
	int fd;

	assert_int_equal(file_mkdirs(w->dir, "a", 0700), 0);
	assert_int_equal(symlinkat("/etc", w->dir, "a/out"), 0);
	assert_int_equal(symlinkat("/etc/passwd", w->dir, "link"), 0);
	put_file(w, "a/f", "x");
	for (size_t i = 0; i < NITEMS(out); i++) {
		if (strcmp(out[i], "a/..") == 0)
			continue;	/* is w->dir itself: beneath */
		assert_int_equal(file_open(w->dir, out[i], O_RDONLY, 0), -1);
	}
	fd = file_open(w->dir, "a/f", O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
}

static void
mkdirs_makes_what_is_missing(void **state)
{
	static const char *const bad[] = { "/a", "a/../b", "..", "f/x",
	    "a/out/x" };
	struct world *w = *state;
	char long_name[400];

	assert_int_equal(file_mkdirs(w->dir, "a/b//c/", 0700), 0);
	assert_int_equal(file_mkdirs(w->dir, "a/b/c", 0700), 0);
	assert_int_equal(file_mkdirs(w->dir, "", 0700), 0);
	assert_int_equal(faccessat(w->dir, "a/b/c", F_OK, 0), 0);
	put_file(w, "f", "");
	assert_int_equal(symlinkat("/tmp", w->dir, "a/out"), 0);
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_int_equal(file_mkdirs(w->dir, bad[i], 0700), FAIL_TEMP);
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(file_mkdirs(w->dir, long_name, 0700), FAIL_TEMP);
}

static void
sealed_is_for_good(void **state)
{
	int fd = file_sealed("x", STR("abc"));
	char got[4];

	(void)state;
	assert_true(fd_sealed(fd));
	assert_int_equal(pread(fd, got, sizeof(got), 0), 3);
	assert_memory_equal(got, "abc", 3);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	(void)close(fd);
}

static void
boot_id_is_of_this_run(void **state)
{
	char one[FILE_BOOT_ID_MAX + 1], two[FILE_BOOT_ID_MAX + 1];
	size_t n = file_boot_id(one);

	(void)state;
	assert_int_equal(n, strlen(one));
	assert_int_equal(n, 37);	/* a UUID and a line end */
	assert_int_equal(file_boot_id(two), n);
	assert_string_equal(one, two);
}

/* What is mounted below, not the folder itself. */
static void
test_mount_below(void **state)
{
	char out[PATH_MAX] = "";

	(void)state;
	assert_true(file_mount_below("/", out));
	assert_true(out[0] == '/' && out[1] != '\0');
	assert_true(file_mount_below("", out));
	out[strlen(out) - 1] = '\0';	/* "/pro" is no folder of "/proc" */
	assert_false(file_mount_below(out, out));
	assert_false(file_mount_below("/nowhere", out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(read_all_to_its_limit,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(large_files_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pread_all_or_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replace_whole_or_not_at_all,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_leads_out, set_up, tear_down),
		cmocka_unit_test(test_mount_below),
		cmocka_unit_test_setup_teardown(mkdirs_makes_what_is_missing,
		    set_up, tear_down),
		cmocka_unit_test(sealed_is_for_good),
		cmocka_unit_test(boot_id_is_of_this_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
