/* SPDX-License-Identifier: ISC */
/*
 * syncd as its peers see it, by fsync: who hears of an error.  A socket among
 * the files is what cannot be synced.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

int	syncd_main(int argc, char **argv);
#define main syncd_main
#define syncfs note_syncfs
static int note_syncfs(int fd);
#include "qmgr/syncd.c"
#undef main
#undef syncfs

#include "tests/lib/room.h"

static struct fake spool, store;

/* --- daemon.h, as far as syncd uses it ----------------------------------- */

int
daemon_file(const char *name)
{
	(void)name;
	return -1;
}

static dev_t synced[8];		/* by syncfs */
static size_t n_synced;

static int
note_syncfs(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(n_synced < NITEMS(synced));
	synced[n_synced++] = st.st_dev;
	return 0;
}

/* Hands over what fsync refuses. */
static void
hand_over_socket(struct fake *f)
{
	struct note n = { .kind = NOTE_SYNC_FILE };
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	n.fd = pair[0];
	fake_say(f, &n);
	close(pair[0]);
	close(pair[1]);
}

/* Did it fail? */
static bool
ask(struct fake *f, uint32_t of)
{
	static uint32_t ticket;
	struct note n = { .kind = NOTE_SYNC_ASK, .ticket = ++ticket, .fd = -1,
	    .u.sync_ask = { .systems = of } };

	fake_say(f, &n);
	for (int i = 0; i < 5; i++)
		loop_once(0);
	assert_true(fake_next(f, &n));
	assert_int_equal(n.ticket, ticket);
	return n.u.sync_done.failed != 0;
}

static int
setup(void **state)
{
	(void)state;
	loop_init();
	conf_init(&conf);
	conf.spool.sync = STR("fsync");
	room_start(syncd_main);
	join(&spool, SPOOLD, 0);
	join(&store, STORED, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_free(&spool);
	fake_free(&store);
	return 0;
}

/* --- tests --------------------------------------------------------------- */

/* spoold meets an error: stored hears of it once, whatever it asks for. */
static void
stored_hears(void **state)
{
	(void)state;
	assert_false(ask(&store, MAIL));
	hand_over_socket(&spool);
	assert_true(ask(&spool, SETTLES));
	assert_true(ask(&store, MAIL));
	assert_false(ask(&store, MAIL));
	assert_false(ask(&spool, SETTLES));
}

/* stored meets it: spoold hears when it settles, stored not twice. */
static void
spoold_hears(void **state)
{
	(void)state;
	hand_over_socket(&store);
	assert_true(ask(&store, MAIL));
	assert_false(ask(&store, MAIL));
	assert_false(ask(&spool, SPOOL));
	assert_true(ask(&spool, SETTLES));
	assert_false(ask(&spool, SETTLES));
}

/* One that came later has nothing there that could be lost. */
static void
newcomer(void **state)
{
	(void)state;
	hand_over_socket(&spool);
	assert_true(ask(&spool, SETTLES));
	fake_die(&store);
	fake_free(&store);
	join(&store, STORED, 0);
	assert_false(ask(&store, MAIL));
}

/* By syncfs: the file system of each folder that was handed over, once. */
static void
mounts(void **state)
{
	static const char *const folders[] = { "/", "/proc", "/" };
	struct note n = { .kind = NOTE_SYNC_FILE,
	    .u.sync_file = { .is_folder = 1 } };

	(void)state;
	conf.spool.sync = STR("syncfs");
	for (size_t i = 0; i < NITEMS(folders); i++) {
		n.fd = open(folders[i], O_RDONLY | O_DIRECTORY);
		note_set_fd(&n, n.fd);
		fake_say(&store, &n);
		close(n.fd);
	}
	assert_false(ask(&store, MAIL));
	assert_int_equal(n_synced, 2);
	assert_int_not_equal(synced[0], synced[1]);
	assert_false(ask(&store, MAIL));
	assert_int_equal(n_synced, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored_hears), cmocka_unit_test(spoold_hears),
		cmocka_unit_test(newcomer), cmocka_unit_test(mounts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
