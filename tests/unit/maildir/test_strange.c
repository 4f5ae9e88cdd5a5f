/* SPDX-License-Identifier: ISC */
/* After a power cut on a file system without a journal a name of ours may lead
 * to any inode.  What is none of our files is put aside, never unlinked, and
 * the account goes on as if the file were missing; a message's name that leads
 * to none costs that message and no other. */
#include "tests/unit/maildir/world.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MAILDIR	"mail/example.org/joe/Maildir/"

enum kind { FOLDER, LINK, FIFO, RUBBISH, KINDS };

static const mode_t types[KINDS] = { S_IFDIR, S_IFLNK, S_IFIFO, S_IFREG };

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

/* Something else has that name now. */
static void
spoil(const char *path, enum kind kind)
{
	int fd;

	assert_true(unlink(path) == 0 || errno == ENOENT);
	switch (kind) {
	case FOLDER:
		assert_int_equal(mkdir(path, 0700), 0);
		break;
	case LINK:
		assert_int_equal(symlink("reserved", path), 0);
		break;
	case FIFO:
		assert_int_equal(mkfifo(path, 0600), 0);
		break;
	case RUBBISH:
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		assert_int_equal(write(fd, "another's", 9), 9);
		close(fd);
		break;
	case KINDS:
		break;
	}
}

static bool
is_there(const char *path, enum kind kind)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == types[kind];
}

static unsigned
with_text(struct box *b, const char *text)
{
	char got[64];
	uint32_t uid;
	unsigned n = 0;

	for (uid = 1; uid < b->h.uidnext; uid++) {
		world_text(b, uid, got);
		n += strcmp(got, text) == 0;
	}
	return n;
}

static struct box *
reopen(void)
{
	struct box *b;

	world_open(&w);
	b = world_box(&w, "INBOX");
	assert_non_null(b);
	world_settle(b);
	return b;
}

/* name NULL: the id of the mailbox. */
struct file {
	const char *folder, *name, *suffix;
};

static void
path_of(const struct file *f, struct box *b, char out[700])
{
	char id[MID_LEN + 1];

	mid_from_bin(b->names.head.mailboxid, id);
	snprintf(out, 700, "%s/%s%s%s", w.dir, f->folder,
	    f->name != NULL ? f->name : id, f->suffix);
}

/* Twice, for what was put aside first must stay, too. */
static void
spoil_twice(const struct file *f, enum kind kind)
{
	struct box *b = world_box(&w, "INBOX");
	char path[700], aside[720];
	int i;

	print_message("%s%s kind %d\n", f->name != NULL ? f->name : "id",
	    f->suffix, (int)kind);
	world_settle(b);
	(void)world_deliver(b, "one", 1, false);
	(void)world_deliver(b, "two", 2, true);
	path_of(f, b, path);
	for (i = 0; i < 2; i++) {
		world_close(&w);
		spoil(path, kind);
		b = reopen();
		(void)world_deliver(b, i == 0 ? "three" : "four", 3, false);
		world_close(&w);
		b = reopen();
		assert_int_equal(b->h.messages, 3 + i);
		assert_int_equal(with_text(b, "one"), 1);
		assert_int_equal(with_text(b, "two"), 1);
		snprintf(aside, sizeof(aside), "%s.damaged%s", path,
		    i == 0 ? "" : ".1");
		assert_true(is_there(aside, kind));
	}
}

static void
files(void **state)
{
	static const struct file all[] = {
		{ "state/example.org/joe/", "lock", "" },
		{ "state/example.org/joe/", "log", "" },
		{ "state/example.org/joe/", "reserved", "" },
		{ "state/example.org/joe/", "reserved", ".tmp" },
		{ "index/example.org/joe/", NULL, ".idx" },
		{ "index/example.org/joe/", NULL, ".cache" },
		{ MAILDIR, ".veredus-names", "" },
	};
	int kind;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(all); i++)
		for (kind = 0; kind < RUBBISH; kind++) {
			/* a link can be unlinked, there is no more in it */
			if (kind != FOLDER && all[i].suffix[0] == '.' &&
			    all[i].suffix[1] == 't')
				continue;
			spoil_twice(&all[i], (enum kind)kind);
			teardown(NULL);
			setup(NULL);
		}
	/* Not one record of a log: it may be anybody's file. */
	spoil_twice(&all[1], RUBBISH);
}

/* The name of a message leads to none, and its index is lost or is not. */
static void
messages(void **state)
{
	char path[700], name[FNAME_BUF];
	struct names_entry e;
	struct index_record r;
	struct box *b;
	uint32_t at;
	int i, dir;

	(void)state;
	for (i = 0; i < 12; i++) {
		print_message("%d\n", i);
		b = world_box(&w, "INBOX");
		world_settle(b);
		(void)world_deliver(b, "one", 1, false);
		(void)world_deliver(b, "gone", 2, i % 2 == 0);
		(void)world_deliver(b, "three", 3, true);
		assert_int_equal(box_find(b, 2, &at, &r), 0);
		assert_int_equal(box_name_of(b, &r, &e, name, &dir), 0);
		snprintf(path, sizeof(path), "%s/" MAILDIR "%s/%s", w.dir,
		    i % 2 == 0 ? "cur" : "new", name);
		world_close(&w);
		spoil(path, (enum kind)(i / 4));
		if (i & 2)
			world_remove(w.place.index, "example.org");
		b = reopen();
		box_check(b);
		world_settle(b);
		assert_false(b->stale || b->failed);
		assert_int_equal(b->h.messages, 2);
		assert_int_equal(with_text(b, "one"), 1);
		assert_int_equal(with_text(b, "three"), 1);
		assert_true(is_there(path, (enum kind)(i / 4)));
		teardown(NULL);
		setup(NULL);
	}
}

/* A file that may not be read: root may, so the volume says no. */
static struct {
	const char *text;
	int (*open)(struct volume *v, int dir, const char *name, int flags,
	    mode_t mode);
} denied;

static int
open_denied(struct volume *v, int dir, const char *name, int flags,
    mode_t mode)
{
	if (strstr(name, denied.text) == NULL)
		return denied.open(v, dir, name, flags, mode);
	errno = EACCES;
	return -1;
}

static void
unreadable(void **state)
{
	struct box *b;

	(void)state;
	b = world_box(&w, "INBOX");
	world_settle(b);
	world_foreign(&w, "new", "1.strange", "x");
	world_foreign(&w, "cur", "2.strange:2,S", "y");
	(void)world_deliver(b, "one", 1, false);
	box_check(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 3);
	world_close(&w);
	world_remove(w.place.index, "example.org");
	denied.text = "strange";
	denied.open = w.v.open;
	w.v.open = open_denied;
	b = reopen();
	assert_false(b->stale || b->failed);
	assert_int_equal(with_text(b, "one"), 1);
}

/* Brought back by root, who forgot to give it to us: nothing is begun anew. */
static void
not_given_back(void **state)
{
	struct account *a;
	struct box *b;
	struct why why;

	(void)state;
	b = world_box(&w, "INBOX");
	world_settle(b);
	(void)world_deliver(b, "one", 1, false);
	world_close(&w);
	denied.text = "reserved";
	denied.open = w.v.open;
	w.v.open = open_denied;
	assert_int_equal(account_open(&w.place, STR("joe@example.org"),
	    STR("example.org/joe/Maildir"), true, &a, &why), FAIL_TEMP);
	assert_non_null(strstr(why.text, strerror(EACCES)));
	w.v.open = denied.open;
	b = reopen();
	assert_int_equal(world_deliver(b, "two", 2, false), 2);
	assert_false(w.a->reserve.lost);
}

/* A file, or nothing, in the place of a folder: the mail that was in it may be
 * anywhere, the account works all the same. */
static void
folders(void **state)
{
	static const char *const all[] = { MAILDIR "cur", MAILDIR "new",
	    MAILDIR "tmp", "mail/example.org/joe", "state/example.org/joe",
	    "index/example.org" };
	char path[700], away[700];
	struct box *b;
	bool is_file;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * NITEMS(all); i++) {
		is_file = i < NITEMS(all);
		print_message("%s %d\n", all[i % NITEMS(all)], is_file);
		b = world_box(&w, "INBOX");
		world_settle(b);
		(void)world_deliver(b, "one", 1, false);
		world_close(&w);
		snprintf(path, sizeof(path), "%s/%s", w.dir,
		    all[i % NITEMS(all)]);
		snprintf(away, sizeof(away), "%s/lost", w.dir);
		assert_int_equal(rename(path, away), 0);
		if (is_file)
			spoil(path, RUBBISH);
		b = reopen();
		assert_true(world_deliver(b, "two", 2, true) > 0);
		assert_int_equal(with_text(b, "two"), 1);
		snprintf(path + strlen(path), 9, ".damaged");
		assert_true(is_there(path, RUBBISH) == is_file);
		teardown(NULL);
		setup(NULL);
	}
}

/* Expunged, and a folder by then: nothing is left to unlink. */
static void
expunged(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range one = { 1, 1 };
	char path[700], name[FNAME_BUF];
	struct names_entry e;
	struct index_record r;
	uint32_t at, n;
	int dir;

	(void)state;
	world_settle(b);
	(void)world_deliver(b, "gone", 1, true);
	assert_int_equal(box_find(b, 1, &at, &r), 0);
	assert_int_equal(box_name_of(b, &r, &e, name, &dir), 0);
	snprintf(path, sizeof(path), "%s/" MAILDIR "cur/%s", w.dir, name);
	assert_int_equal(box_expunge(b, &one, 1, false, &n), 0);
	spoil(path, FOLDER);
	for (n = 0; n < 9; n++)
		(void)box_step(b, ~0u, 100);
	assert_int_equal(b->own.dirty, 0);
	assert_true(is_there(path, FOLDER));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(files), T(messages), T(unreadable), T(not_given_back),
		T(folders), T(expunged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
