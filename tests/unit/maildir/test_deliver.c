/* SPDX-License-Identifier: ISC */
/* Deliveries that come twice (durability.md 13, 14): what the first try left
 * is found again, however little that is, and the message is there once. */
#include "maildir/deliver.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/maildir/world.h"

#define MAILDIR	"mail/example.org/joe/Maildir"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_init(&w);
	world_open(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static int
try_again(struct box *b, const char *text, uint32_t key, bool anew,
    uint32_t *uid_out)
{
	struct delivery d;
	struct why why = { 0, "" };
	int r;

	world_delivery(&d, text, key);
	d.anew = anew;
	assert_true(box_ready(b, 1) || w.dead);
	r = deliver_again(b, &d, uid_out, &why);
	close(d.fd);
	return r;
}

/* Closed and opened, by a process that may call nothing expunged. */
static struct box *
reopen(void)
{
	struct box *b;

	world_close(&w);
	w.place.may_expunge = false;
	world_open(&w);
	b = world_box(&w, "INBOX");
	assert_non_null(b);
	world_settle(b);
	return b;
}

/* One message, whole, in the index as in the folders. */
static void
only(struct box *b, uint32_t uid, const char *text)
{
	char got[64];

	w.place.may_expunge = true;
	b->todo |= BOX_SCAN_ALL;
	world_settle(b);
	assert_int_equal(b->h.messages, 1);
	world_text(b, uid, got);
	assert_string_equal(got, text);
}

static void
drop_index(void)
{
	world_remove(w.place.index, "example.org");
}

static void
mark_seen(struct box *b, uint32_t uid)
{
	struct log_range one = { uid, uid };
	uint32_t n;

	assert_int_equal(box_flags(b, &one, 1, BOX_SET, INDEX_SEEN, 0, &n), 0);
	world_settle(b);
}

static void
repeats(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range one = { 1, 1 };
	struct delivery d;
	struct why why;
	uint32_t uid, n;

	(void)state;
	world_deliver(b, "one", 1, false);
	world_delivery(&d, "one", 1);
	assert_int_equal(deliver_again(b, &d, &uid, &why), 0);
	assert_int_equal(uid, 1);
	assert_int_equal(b->h.messages, 1);
	/* Another recipient number is another delivery. */
	d.key.number = 2;
	assert_int_equal(deliver_again(b, &d, &uid, &why), 0);
	assert_int_equal(uid, 2);
	/* Expunged: it does not come back. */
	d.key.number = 1;
	assert_int_equal(box_expunge(b, &one, 1, false, &n), 0);
	assert_int_equal(deliver_again(b, &d, &uid, &why), 0);
	assert_int_equal(b->h.messages, 1);
	b = reopen();
	assert_int_equal(deliver_again(b, &d, &uid, &why), 0);
	assert_int_equal(b->h.messages, 1);
	/* The log anew keeps both. */
	assert_int_equal(account_log_anew(w.a, 1), 0);
	b = reopen();
	assert_int_equal(deliver_again(b, &d, &uid, &why), 0);
	assert_int_equal(b->h.messages, 1);
	close(d.fd);
}

/* How the file was spoilt; and what the repeat makes of it. */
enum spoilt { WHOLE, DELETED, EMPTY, OTHER_BYTES, FOLDER };

static void
spoil(const char *path, enum spoilt how)
{
	int fd;

	switch (how) {
	case WHOLE:
		return;
	case DELETED:
		assert_int_equal(unlink(path), 0);
		return;
	case EMPTY:
		assert_int_equal(truncate(path, 0), 0);
		return;
	case OTHER_BYTES:
		fd = open(path, O_WRONLY);
		assert_int_equal(pwrite(fd, "Wuff", 4, 0), 4);
		close(fd);
		return;
	case FOLDER:
		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

static void
spoilt_files(void **state)
{
	static const struct {
		enum spoilt	how;
		bool		in_cur, anew, no_index;
		uint32_t	uid;	/* 0: any */
	} rows[] = {
		{ WHOLE, false, false, false, 1 },
		{ WHOLE, false, true, false, 1 },
		{ WHOLE, true, false, true, 1 },
		/* Somebody deleted it: nobody heard of that, its UID stays. */
		{ DELETED, false, false, false, 1 },
		{ DELETED, true, false, false, 1 },
		{ DELETED, true, true, false, 1 },
		/* No record either. */
		{ DELETED, false, false, true, 0 },
		{ DELETED, true, true, true, 0 },
		/* A client may have read that under UID 1. */
		{ EMPTY, false, false, false, 2 },
		{ EMPTY, true, false, false, 2 },
		{ OTHER_BYTES, false, false, false, 2 },
		{ OTHER_BYTES, true, false, true, 0 },
		/* It is put aside. */
		{ FOLDER, false, false, false, 0 },
		{ FOLDER, true, false, false, 0 },
		{ FOLDER, true, false, true, 0 },
		{ FOLDER, true, true, false, 0 },
		/* A sync failed: what is there counts for nothing. */
		{ OTHER_BYTES, true, true, false, 1 },
	};
	char path[700];
	struct box *b;
	uint32_t uid;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++) {
		print_message("row %zu\n", i);
		if (i > 0)
			setup(NULL);
		b = world_box(&w, "INBOX");
		world_settle(b);
		assert_int_equal(world_deliver(b, "precious", 1, false), 1);
		if (rows[i].in_cur)
			mark_seen(b, 1);
		world_path(b, 1, path);
		world_close(&w);
		spoil(path, rows[i].how);
		if (rows[i].no_index)
			drop_index();
		b = reopen();
		assert_int_equal(try_again(b, "precious", 1, rows[i].anew,
		    &uid), 0);
		if (rows[i].uid != 0)
			assert_int_equal(uid, rows[i].uid);
		only(b, uid, "precious");
		/* It is known by that UID from now on, also without index. */
		b = reopen();
		drop_index();
		b = reopen();
		only(b, uid, "precious");
		if (i + 1 < NITEMS(rows))
			teardown(NULL);
	}
}

/* The process dies at each of its writes while it repairs, or the disk is
 * full there: the next repeat still finds a message to be whole. */
static void
repair_cut(void **state)
{
	static const enum spoilt hows[] = { DELETED, EMPTY, OTHER_BYTES };
	char path[700];
	struct box *b;
	uint32_t uid;
	bool dead;
	size_t i;
	int n;

	(void)state;
	world_free(&w);
	for (i = 0; i < NITEMS(hows); i++)
		for (n = 0, dead = true; dead; n++) {
			setup(NULL);
			b = world_box(&w, "INBOX");
			world_settle(b);
			assert_int_equal(world_deliver(b, "precious", 1, false), 1);
			world_path(b, 1, path);
			world_close(&w);
			spoil(path, hows[i]);
			b = reopen();
			assert_true(box_ready(b, 1));
			w.left = n;
			(void)!try_again(b, "precious", 1, false, &uid);
			dead = w.dead;
			world_heal(&w);
			b = reopen();
			assert_int_equal(try_again(b, "precious", 1, false,
			    &uid), 0);
			only(b, uid, "precious");
			world_free(&w);
		}
	setup(NULL);
}

/* A scan that missed the file, however far it has come, must not expunge it
 * at its end. */
static void
while_scanning(void **state)
{
	struct box *b;
	char path[700];
	uint32_t uid;
	bool was_scanning = true;
	int steps, i;

	(void)state;
	for (steps = 1; was_scanning; steps++) {
		b = world_box(&w, "INBOX");
		world_settle(b);
		for (i = 1; i <= 300; i++)
			(void)world_deliver(b, "others", 100 + (uint32_t)i, false);
		uid = world_deliver(b, "precious", 1, false);
		mark_seen(b, uid);
		world_path(b, uid, path);
		assert_int_equal(unlink(path), 0);
		world_foreign(&w, "cur", "1.stranger:2,S", "x");
		b->todo |= BOX_SCAN_ALL;
		for (i = 0; i < steps; i++)
			(void)box_step(b, BOX_SCAN_ALL, 0);
		was_scanning = b->scan != NULL;
		assert_int_equal(try_again(b, "precious", 1, true, &uid), 0);
		w.place.may_expunge = true;
		world_settle(b);
		box_check(b);
		world_settle(b);
		assert_int_equal(b->h.messages, was_scanning ? 302 : 301);
		teardown(NULL);
		setup(NULL);
	}
	assert_true(steps > 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(repeats), T(spoilt_files), T(repair_cut), T(while_scanning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
