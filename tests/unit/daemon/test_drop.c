/* SPDX-License-Identifier: ISC */
/*
 * From root to nobody, in children that are looked at afterwards.  As an
 * ordinary user only the unprivileged way can be tried; tests/suite does the
 * rest in a namespace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/drop.h"

static char dir[] = "/tmp/veredus-drop-XXXXXX";

#define CHECK(claim)	do { if (!(claim)) _exit(__LINE__ % 200 + 2); } while (0)

static void
run(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
check_marks(void)
{
	struct rlimit rl;
	int signo = 0;

	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_PDEATHSIG, &signo, 0, 0, 0) == 0);
	CHECK(signo == SIGKILL);
	CHECK(getrlimit(RLIMIT_CORE, &rl) == 0 && rl.rlim_max == 0);
}

static void
drop_root(void)
{
	struct drop d = { .root_fd = open(dir, O_RDONLY | O_DIRECTORY),
	    .uid = 60001, .gid = 60002, .groups = { 60003 }, .n_groups = 1 };
	struct why why;
	struct stat st;
	gid_t groups[8];

	CHECK(drop_privileges(&d, &why) == 0);
	CHECK(getuid() == 60001 && geteuid() == 60001);
	CHECK(getgid() == 60002 && getegid() == 60002);
	CHECK(getgroups(8, groups) == 1 && groups[0] == 60003);
	CHECK(setuid(0) != 0 && setgid(0) != 0);
	CHECK(stat("/etc", &st) != 0 && stat("/marker", &st) == 0);
	CHECK(capng_get_caps_process() == 0);
	CHECK(capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE);
	check_marks();
}

static void
drop_to_root_is_refused(void)
{
	struct drop d = { .root_fd = open(dir, O_RDONLY | O_DIRECTORY),
	    .uid = 0, .gid = 60002 };
	struct why why;

	CHECK(drop_privileges(&d, &why) == FAIL_PERM);
}

static void
drop_unprivileged(void)
{
	struct drop d = { .root_fd = open(dir, O_RDONLY | O_DIRECTORY),
	    .uid = geteuid(), .gid = getegid(), .unprivileged = true };
	struct why why;
	struct stat st;

	CHECK(drop_privileges(&d, &why) == 0);
	CHECK(stat("marker", &st) == 0);	/* the same working folder */
	check_marks();
}

static void
master_keeps_little(void)
{
	struct why why;

	CHECK(drop_master(&why) == 0);
	CHECK(capng_get_caps_process() == 0);
	CHECK(capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID));
	CHECK(!capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN));
	CHECK(!capng_have_capability(CAPNG_BOUNDING_SET, CAP_NET_RAW));
}

static void
test_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	run(drop_root);
	run(drop_to_root_is_refused);
	run(master_keeps_little);
}

static void
test_unprivileged(void **state)
{
	(void)state;
	run(drop_unprivileged);
}

static int
make_folder(void **state)
{
	int at, fd;

	(void)state;
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return -1;
	at = open(dir, O_RDONLY | O_DIRECTORY);
	fd = openat(at, "marker", O_RDWR | O_CREAT, 0644);
	return at < 0 || fd < 0 || close(fd) != 0 || close(at) != 0 ? -1 : 0;
}

static int
drop_folder(void **state)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY);

	(void)state;
	(void)unlinkat(at, "marker", 0);
	(void)close(at);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_unprivileged),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
