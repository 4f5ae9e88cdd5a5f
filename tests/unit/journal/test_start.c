/* SPDX-License-Identifier: ISC */
#include "tests/unit/journal/world.h"

static void
test_open_again(void **state)
{
	struct world *w = *state;

	world_commit(w, MID_A);
	assert_int_equal(spool_flush(w->spool), 0);
	buf_reset(&w->log);
	world_restart(w, true);
	world_says(w, "deliver a0 repeat;waits a1;");
}

/* Not flushed, not answered, not there. */
static void
test_unflushed(void **state)
{
	struct world *w = *state;

	world_commit(w, MID_A);
	world_restart(w, false);
	world_says(w, "");
}

/* R11: the ring wins; the file of a killed process is written anew. */
static void
test_ring_wins(void **state)
{
	struct world *w = *state;
	struct message *m;

	world_commit(w, MID_A);
	assert_int_equal(spool_flush(w->spool), 0);
	spool_sweep(w->spool, 5, 9);
	world_restart(w, false);
	m = spool_find(w->spool, STR(MID_A));
	assert_true(m->file_there);
	assert_int_equal(m->file, FILE_NONE);
	assert_true(m->held != 0);
}

/* An END whose commit is gone from the ring takes its file away. */
static void
test_orphan_end(void **state)
{
	struct world *w = *state;
	struct message *m = world_commit(w, MID_A);
	struct mark done = { .number = 1, .state = RECIPIENT_DONE };
	char name[DISK_NAME_MAX];
	struct str file;

	assert_int_equal(spool_flush(w->spool), 0);
	spool_sweep(w->spool, 5, 9);
	world_sync(w, false);
	spool_mark(w->spool, m, &done, NULL, NULL);
	assert_int_equal(spool_flush(w->spool), 0);
	world_restart(w, true);		/* the mark in the file is lost */
	m = spool_find(w->spool, STR(MID_A));
	assert_int_equal(m->to[1].state, DELIVERY_ENDED);
	assert_int_equal(m->to[0].state, DELIVERY_GIVEN);
	spool_file_name(MID_A, name);
	assert_true(sim_get(&w->sim, name, false, &file));
}

static void
test_clean(void **state)
{
	struct world *w = *state;
	struct str file;

	sim_put(&w->sim, "tmp/" MID_A, STR("body nobody named"), 0);
	sim_put(&w->sim, "tmp/" MID_B ".cur", STR("half a file"), 0);
	world_restart(w, false);
	assert_false(sim_get(&w->sim, "tmp/" MID_A, false, &file));
	assert_false(sim_get(&w->sim, "tmp/" MID_B ".cur", false, &file));
}

/* A folder that got another's names: what is in these is put aside, once. */
static void
test_stray(void **state)
{
	struct world *w = *state;
	struct str file;

	sim_put(&w->sim, "cur/56/new", STR("whatever"), 0);
	sim_put(&w->sim, "cur/57/new", STR("else"), 0);
	sim_put(&w->sim, "cur/57/x.damaged", STR("stays"), 0);
	world_restart(w, false);
	world_says(w, "corrupt a name that is no message's;"
	    "corrupt a name that is no message's;");
	assert_true(sim_get(&w->sim, "corrupt/56.new", false, &file));
	assert_true(sim_get(&w->sim, "corrupt/57.new", false, &file));
	assert_true(sim_get(&w->sim, "cur/57/x.damaged", false, &file));
	world_restart(w, false);
	world_says(w, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_open_again), WORLD_TEST(test_unflushed),
		WORLD_TEST(test_ring_wins), WORLD_TEST(test_orphan_end),
		WORLD_TEST(test_clean), WORLD_TEST(test_stray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
