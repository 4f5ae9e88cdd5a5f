/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/fd.c: what each kind takes.
 */
#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/attr.h"

#include "base/banned.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int
memfd(int seals)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	if (seals != 0)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* The same file again with another access mode. */
static int
reopened(int fd, int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	assert_true(again >= 0);
	close(fd);
	return again;
}

static void
each_kind_takes_its_own(void **state)
{
	int pair[2], pipes[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	{
		const struct {
			int	fd;
			bool	ro, rw, stream, dir, sealed;
		} rows[] = {
			{ memfd(0), false, true, false, false, false },
			{ memfd(ALL_SEALS), true, true, false, false, true },
			{ memfd(F_SEAL_WRITE | F_SEAL_SHRINK), false, true,
			    false, false, false },
			{ memfd(ALL_SEALS & ~F_SEAL_SEAL), false, true, false,
			    false, false },
			{ reopened(memfd(0), O_RDONLY), true, false, false,
			    false, false },
			{ reopened(memfd(0), O_WRONLY), false, true, false,
			    false, false },
			{ reopened(memfd(0), O_PATH), false, false, false,
			    false, false },
			{ pair[0], false, false, true, false, false },
			{ pipes[0], false, false, false, false, false },
			{ open("/", O_RDONLY | O_DIRECTORY), false, false,
			    false, true, false },
			{ open("/dev/null", O_RDWR), false, false, false,
			    false, false },
		};

		for (size_t i = 0; i < NITEMS(rows); i++) {
			assert_int_equal(fd_is(rows[i].fd, FD_FILE_RO),
			    rows[i].ro);
			assert_int_equal(fd_is(rows[i].fd, FD_MAYBE_RO),
			    rows[i].ro);
			assert_int_equal(fd_is(rows[i].fd, FD_FILE_RW),
			    rows[i].rw);
			assert_int_equal(fd_is(rows[i].fd, FD_STREAM),
			    rows[i].stream);
			assert_int_equal(fd_is(rows[i].fd, FD_DIR),
			    rows[i].dir);
			assert_int_equal(fd_sealed(rows[i].fd),
			    rows[i].sealed);
			assert_true(fd_is(rows[i].fd, FD_ANY));
			assert_false(fd_is(rows[i].fd, FD_NONE));
			close(rows[i].fd);
		}
	}
	close(pair[1]);
	close(pipes[1]);
}

static void
no_descriptor_is_no_kind(void **state)
{
	assert_true(fd_is(-1, FD_NONE));
	assert_false(fd_is(-1, FD_ANY));
	assert_false(fd_is(-1, FD_MAYBE_RO));
	assert_true(fd_may_lack(FD_MAYBE_RO) && fd_may_lack(FD_ANY));
	assert_false(fd_may_lack(FD_FILE_RO) || fd_may_lack(FD_STREAM));
	assert_false(fd_is(-1, FD_FILE_RO));
	assert_false(fd_is(9999, FD_ANY));
	assert_false(fd_sealed(-1));
}

static void
close_forgets(void **state)
{
	int fd = open("/dev/null", O_RDONLY), was = fd;

	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(was, F_GETFD), -1);
	fd_close(&fd);
	assert_int_equal(fd, -1);
}

static void
nonblock(void **state)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(fd_nonblock(p[0]), 0);
	assert_true((fcntl(p[0], F_GETFL) & O_NONBLOCK) != 0);
	close(p[0]);
	close(p[1]);
	assert_true(fd_nonblock(p[0]) != 0);
}

static void
test_seal(void **state)
{
	int fd = fd_memory("test");

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_false(fd_sealed(fd));
	assert_true(fd_seal(fd));
	assert_true(fd_sealed(fd));
	assert_int_equal(write(fd, "x", 1), -1);
	assert_false(fd_seal(fd));
	fd_close(&fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal),
		cmocka_unit_test(each_kind_takes_its_own),
		cmocka_unit_test(no_descriptor_is_no_kind),
		cmocka_unit_test(close_forgets),
		cmocka_unit_test(nonblock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
