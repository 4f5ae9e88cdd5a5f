/* SPDX-License-Identifier: ISC */
/*
 * The lock of a cage: what a class may not do kills with SIGSYS, what it may
 * do works.  Whole processes in their cages: tests/cage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/cage.h"

static char dir[] = "/tmp/veredus-cage-XXXXXX";
static int dir_fd;

static void try_open(void) { (void)open("/etc/passwd", O_RDONLY); }
static void try_socket(void) { (void)socket(AF_INET, SOCK_STREAM, 0); }
static void try_unix(void) { (void)socket(AF_UNIX, SOCK_STREAM, 0); }
static void try_fork(void) { if (fork() == 0) _exit(0); }
static void try_kill(void) { (void)kill(getppid(), 0); }
static void try_ptrace(void) { (void)ptrace(PTRACE_TRACEME, 0, 0, 0); }
static void try_chroot(void) { (void)!chroot("/"); }
static void try_async(void) { (void)fcntl(0, F_SETFL, O_ASYNC); }

static void
try_exec(void)
{
	char name[] = "/bin/true";
	char *argv[] = { name, NULL };

	(void)execve(name, argv, NULL);
}

static void
try_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
try_tgkill(void)
{
	(void)!tgkill(getppid(), getppid(), 0);
}

static void
may_memory(void)
{
	char *p = malloc(1 << 20);

	memset(p, 1, 1 << 20);
	free(p);
}

static void
may_write_below(void)
{
	int fd = openat(dir_fd, "file", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		_exit(9);
}

static void
may_read_below(void)
{
	if (openat(dir_fd, "given", O_RDONLY) < 0)
		_exit(9);
}

/* Landlock answers EACCES; the cage lets the call through. */
static void
denied(const char *path, int flags)
{
	if (open(path, flags, 0600) >= 0 || errno != EACCES)
		_exit(9);
}

static void denied_outside(void) { denied("/etc/passwd", O_RDONLY); }

static void
denied_write(void)
{
	if (openat(dir_fd, "given", O_RDWR) >= 0 || errno != EACCES)
		_exit(9);
}

static void
denied_dotdot(void)
{
	if (openat(dir_fd, "../../etc/passwd", O_RDONLY) >= 0)
		_exit(9);
}

static const struct row {
	const char	*name;
	enum cage	cage;
	void		(*fn)(void);
	bool		dies;
} rows[] = {
	{ "face open", CAGE_FACE, try_open, true },
	{ "face socket", CAGE_FACE, try_socket, true },
	{ "face fork", CAGE_FACE, try_fork, true },
	{ "face exec", CAGE_FACE, try_exec, true },
	{ "face kill", CAGE_FACE, try_kill, true },
	{ "face tgkill of another", CAGE_FACE, try_tgkill, true },
	{ "face ptrace", CAGE_FACE, try_ptrace, true },
	{ "face chroot", CAGE_FACE, try_chroot, true },
	{ "face code", CAGE_FACE, try_code, true },
	{ "face O_ASYNC", CAGE_FACE, try_async, true },
	{ "face memory", CAGE_FACE, may_memory, false },
	{ "cpu open", CAGE_CPU, try_open, true },
	{ "cpu socket", CAGE_CPU, try_socket, true },
	{ "cpu exec", CAGE_CPU, try_exec, true },
	{ "sync open", CAGE_SYNC, try_open, true },
	{ "out socket", CAGE_OUT, try_socket, false },
	{ "out unix socket", CAGE_OUT, try_unix, true },
	{ "out open", CAGE_OUT, try_open, true },
	{ "disk socket", CAGE_DISK, try_socket, true },
	{ "disk exec", CAGE_DISK, try_exec, true },
	{ "disk kill", CAGE_DISK, try_kill, true },
	{ "disk write below", CAGE_DISK, may_write_below, false },
	{ "disk read below", CAGE_DISK, may_read_below, false },
	{ "disk outside", CAGE_DISK, denied_outside, false },
	{ "disk dotdot", CAGE_DISK, denied_dotdot, false },
	{ "disk-ro read below", CAGE_DISK_RO, may_read_below, false },
	{ "disk-ro write", CAGE_DISK_RO, denied_write, false },
	{ "disk-ro outside", CAGE_DISK_RO, denied_outside, false },
	{ "disk-ro socket", CAGE_DISK_RO, try_socket, true },
};

static int
in_cage(const struct row *r)
{
	struct cage_plan plan = { .cage = r->cage };
	const struct rlimit none = { 0, 0 };
	const char *missing;
	struct why why;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		if (r->cage == CAGE_DISK || r->cage == CAGE_DISK_RO)
			plan.folders[plan.n_folders++] = dir_fd;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    cage_lock(&plan, &missing, &why) != 0)
			_exit(8);
		r->fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_cage(void **state)
{
	int status;
	bool died;

	(void)state;
	for (size_t i = 0; i < NITEMS(rows); i++) {
#ifdef VEREDUS_SANITIZE
		if (rows[i].fn == try_open || rows[i].fn == try_code)
			continue;	/* AddressSanitizer needs these */
#endif
		status = in_cage(&rows[i]);
		died = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
		if (died != rows[i].dies ||
		    (!died && (!WIFEXITED(status) || WEXITSTATUS(status))))
			fail_msg("%s: status %x", rows[i].name, status);
	}
}

static void
test_print(void **state)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	cage_print(CAGE_FACE, f);
	(void)fclose(f);
	assert_non_null(strstr(text, "accept4\n"));
	assert_null(strstr(text, "execve"));
	assert_null(strstr(text, "?"));
	free(text);
}

static int
make_folder(void **state)
{
	int fd;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	fd = openat(dir_fd, "given", O_RDWR | O_CREAT, 0600);
	return fd < 0 || close(fd) != 0 ? -1 : 0;
}

static int
drop_folder(void **state)
{
	(void)state;
	(void)unlinkat(dir_fd, "given", 0);
	(void)unlinkat(dir_fd, "file", 0);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cage),
		cmocka_unit_test(test_print),
	};
	const char *missing;

	if (!cage_possible(&missing)) {
		printf("skipped: this kernel has no %s\n", missing);
		return 77;
	}
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
