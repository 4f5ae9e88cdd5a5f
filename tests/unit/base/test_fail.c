/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/fail.c: reasons in words, and the end of a process at fault.
 */
#include "base/fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

#include "base/banned.h"

static void
why_keeps_code_and_text(void **state)
{
	struct why why = { .code = 0 };

	assert_int_equal(why_set(&why, FAIL_GONE, "no %s", "such"), FAIL_GONE);
	assert_int_equal(why.code, FAIL_GONE);
	assert_string_equal(why.text, "no such");
	assert_int_equal(why_set(NULL, FAIL_PERM, "nobody asks"), FAIL_PERM);
	assert_int_equal(why_errno(NULL, FAIL_PERM, "nobody"), FAIL_PERM);
}

static void
long_text_is_cut(void **state)
{
	char text[500];
	struct why why;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(why_set(&why, FAIL_TEMP, "%s", text), FAIL_TEMP);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
	errno = ENOENT;
	assert_int_equal(why_errno(&why, FAIL_TEMP, "%s", text), FAIL_TEMP);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

static void
errno_is_told_in_words(void **state)
{
	struct why why;

	errno = ENOENT;
	assert_int_equal(why_errno(&why, FAIL_TEMP, "open %s", "x"), FAIL_TEMP);
	assert_string_equal(why.text, "open x: No such file or directory");
}

static void
every_code_has_a_name(void **state)
{
	static const struct { int code; const char *name; } rows[] = {
		{ 0, "ok" }, { FAIL_TEMP, "temp" }, { FAIL_PERM, "perm" },
		{ FAIL_SYNTAX, "syntax" }, { FAIL_TOO_BIG, "too-big" },
		{ FAIL_DENIED, "denied" }, { FAIL_GONE, "gone" },
		{ FAIL_BUG, "bug" }, { -8, "unknown" }, { 1, "unknown" },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		assert_string_equal(fail_name(rows[i].code), rows[i].name);
}

static int out_fd;

static void
tell_line(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)!write(out_fd, line.p, line.n);
	bug("the sink is broken too");	/* must end, not recurse */
}

/* bug() in a child: says what and where, by the log too, and aborts. */
static void
bug_says_and_aborts(void **state)
{
	char said[1000] = "";
	size_t n = 0;
	ssize_t got;
	int p[2], status;
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	if ((pid = fork()) == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(p[1], STDERR_FILENO);
		out_fd = p[1];
		log_set_sink(tell_line, NULL);
		bug("seven is %d", 8);
	}
	close(p[1]);
	while (n < sizeof(said) - 1 &&
	    (got = read(p[0], said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(said, "bug: "));
	assert_non_null(strstr(said, "test_fail.c"));
	assert_non_null(strstr(said, "seven is 8"));
	assert_non_null(strstr(said, "text=\"seven is 8\""));
}

static void
memory_of_no_bytes_is_memory(void **state)
{
	void *p = xmalloc(0), *q = xcalloc(0, 9);
	char *z = xstrdup("copy");

	assert_non_null(p);
	assert_non_null(q);
	assert_string_equal(z, "copy");
	p = xrealloc(p, 100);
	p = xrealloc(p, 0);
	assert_non_null(p);
	free(p);
	free(q);
	free(z);
}

static void
test_xmemdupz(void **state)
{
	char *z = xmemdupz("joe@x", 3);

	(void)state;
	assert_string_equal(z, "joe");
	free(z);
	z = xmemdupz(NULL, 0);
	assert_string_equal(z, "");
	free(z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xmemdupz),
		cmocka_unit_test(why_keeps_code_and_text),
		cmocka_unit_test(long_text_is_cut),
		cmocka_unit_test(errno_is_told_in_words),
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(bug_says_and_aborts),
		cmocka_unit_test(memory_of_no_bytes_is_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
