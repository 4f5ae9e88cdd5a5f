/* SPDX-License-Identifier: ISC */
#include "tests/unit/journal/world.h"

#include <errno.h>
#include <stdio.h>

/* Spilled, settled, forgotten, found again by its file alone. */
static void
test_spill(void **state)
{
	struct world *w = *state;
	struct message *m = world_commit(w, MID_A);
	struct mark later = { .number = 0, .state = RECIPIENT_WAITS,
	    .attempts = 2, .next_ms = 77, .reason = STR("later") };
	struct buf b;

	assert_int_equal(spool_flush(w->spool), 0);
	assert_int_equal(spool_sweep(w->spool, 0, 9), 0);	/* too young */
	assert_int_equal(spool_sweep(w->spool, 5, 9), 1);
	assert_int_equal(m->file, FILE_WRITTEN);
	world_sync(w, false);
	assert_int_equal(m->file, FILE_SETTLED);
	assert_true(m->held == 0);	/* the ring is free of it */
	spool_taken_back(w->spool, m, 0);
	spool_mark(w->spool, m, &later, NULL, NULL);
	assert_int_equal(spool_flush(w->spool), 0);
	world_sync(w, false);
	assert_int_equal(dict_len(&w->spool->messages), 0);
	m = spool_find(w->spool, STR(MID_A));
	assert_non_null(m);
	assert_int_equal(m->env.to[0].attempts, 2);
	assert_true(m->env.to[0].next_ms == 77);
	assert_true(str_same(m->env.to[0].reason, "later"));
	buf_init(&b, 1000);
	assert_int_equal(spool_content(w->spool, m, &b), 0);
	assert_string_equal(buf_cstr(&b), "Subject: x\r\n\r\nbody\r\n");
	buf_free(&b);
}

static void
test_damaged(void **state)
{
	struct world *w = *state;
	char name[DISK_NAME_MAX];
	struct str file;

	world_commit(w, MID_A);
	assert_int_equal(spool_flush(w->spool), 0);
	spool_sweep(w->spool, 5, 9);
	spool_file_name(MID_B, name);
	sim_put(&w->sim, name, STR("VEREDUS SPOOL 1\nrubbish"), 0);
	assert_null(spool_find(w->spool, STR(MID_B)));
	assert_false(sim_get(&w->sim, name, false, &file));
	assert_true(sim_get(&w->sim, "corrupt/" MID_B, false, &file));
	assert_non_null(spool_find(w->spool, STR(MID_A)));
}

/* --- names that lead to a folder ----------------------------------------- */

/* The simulated disk has no folders: that name is one as long as it stands. */
static const char *folder;
static int folder_handle;
static struct disk plain;

static bool
is_folder(const char *name)
{
	return folder != NULL && strcmp(name, folder) == 0;
}

static int
open_folder(void *ctx, const char *name, unsigned how)
{
	int h;

	/* as openat: for reading it can be had, though not a read will do */
	if (!is_folder(name) || how == DISK_READ) {
		h = plain.open(ctx, name, how);
		if (is_folder(name))
			folder_handle = h;
		return h;
	}
	errno = how & DISK_CREATE ? EEXIST : EISDIR;
	return -1;
}

static ssize_t
no_pread(void *ctx, int handle, void *p, size_t n, int64_t at)
{
	if (folder == NULL || handle != folder_handle)
		return plain.pread(ctx, handle, p, n, at);
	errno = EISDIR;
	return -1;
}

static int
unlink_folder(void *ctx, const char *name)
{
	if (!is_folder(name))
		return plain.unlink(ctx, name);
	errno = EISDIR;
	return -1;
}

static bool no_way_out;

static int
rename_folder(void *ctx, const char *from, const char *to)
{
	if (is_folder(to)) {
		errno = EISDIR;
		return -1;
	}
	if (!is_folder(from))
		return plain.rename(ctx, from, to);
	/* it is another process's: not out of the folder it is in */
	if (no_way_out && strncmp(from, to, 7) != 0) {
		errno = EACCES;
		return -1;
	}
	folder = NULL;
	return plain.rename(ctx, from, to);
}

static void
make_folder(struct world *w, const char *name)
{
	if (w->disk.open != open_folder)
		plain = w->disk;
	w->disk.open = open_folder;
	w->disk.pread = no_pread;
	w->disk.unlink = unlink_folder;
	w->disk.rename = rename_folder;
	sim_remove(&w->sim, name);
	sim_put(&w->sim, name, STR("a folder"), 0);
	folder = name;
	folder_handle = -1;
}

/* Found by a scan, written over, taken away: it is put aside, and the work
 * goes on. */
static void
test_folder(void **state)
{
	struct world *w = *state;
	struct message *m = world_commit(w, MID_A);
	char name[DISK_NAME_MAX];
	struct str file;

	assert_int_equal(spool_flush(w->spool), 0);
	buf_reset(&w->log);
	spool_file_name(MID_B, name);
	make_folder(w, name);
	assert_null(spool_find(w->spool, STR(MID_B)));
	world_says(w, "corrupt spool file is damaged;");
	assert_true(sim_get(&w->sim, "corrupt/" MID_B, false, &file));

	spool_file_name(MID_A, name);
	make_folder(w, name);
	assert_int_equal(spool_sweep(w->spool, 5, 9), 1);
	world_says(w, "corrupt a folder in the place of a file;");
	assert_true(sim_get(&w->sim, "corrupt/" MID_A, false, &file));
	assert_int_equal(m->file, FILE_WRITTEN);
	world_sync(w, false);
	assert_int_equal(m->file, FILE_SETTLED);

	make_folder(w, name);
	no_way_out = true;
	spool_file_unlink(w->spool, m, 0);
	no_way_out = false;
	world_says(w, "corrupt a folder in the place of a file;");
	assert_false(sim_get(&w->sim, name, false, &file));
	snprintf(name + strlen(name), 9, ".damaged");
	assert_true(sim_get(&w->sim, name, false, &file));
}

/* The same of the name it is written under first. */
static void
test_folder_beside(void **state)
{
	struct world *w = *state;
	struct message *m = world_commit(w, MID_A);

	assert_int_equal(spool_flush(w->spool), 0);
	make_folder(w, "tmp/" MID_A ".cur");
	assert_int_equal(spool_sweep(w->spool, 5, 9), 1);
	assert_int_equal(m->file, FILE_WRITTEN);
}

/* R10: the file goes after the END is flushed, not before. */
static void
test_unlink(void **state)
{
	struct world *w = *state;
	struct message *m = world_commit(w, MID_A);
	struct mark done = { .number = 1, .state = RECIPIENT_DONE };

	assert_int_equal(spool_flush(w->spool), 0);
	spool_sweep(w->spool, 5, 9);
	spool_result(w->spool, m, 0);
	spool_mark(w->spool, m, &done, NULL, NULL);
	world_sync(w, false);
	assert_int_equal(sim_live_files(&w->sim), 1);
	assert_int_equal(spool_flush(w->spool), 0);
	assert_int_equal(sim_live_files(&w->sim), 0);
	spool_tidy(w->spool);
	assert_int_equal(dict_len(&w->spool->messages), 1);	/* R3 */
	world_sync(w, false);
	assert_int_equal(dict_len(&w->spool->messages), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_spill), WORLD_TEST(test_damaged),
		WORLD_TEST(test_unlink), WORLD_TEST(test_folder),
		WORLD_TEST(test_folder_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
