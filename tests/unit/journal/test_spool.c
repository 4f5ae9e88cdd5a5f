/* SPDX-License-Identifier: ISC */
#include "tests/unit/journal/world.h"

/* The whole life of a local recipient, and nothing before its time. */
static void
test_life(void **state)
{
	struct world *w = *state;
	struct message *m = world_commit(w, MID_A);
	struct mark done = { .number = 1, .state = RECIPIENT_DONE };

	world_says(w, "");
	assert_int_equal(spool_flush(w->spool), 0);
	world_says(w, "committed a 0;deliver a0;waits a1;");
	assert_false(spool_gathers(w->spool));
	spool_result(w->spool, m, 0);
	assert_false(spool_gathers(w->spool));	/* R7: not settled yet */
	world_sync(w, false);
	assert_true(spool_gathers(w->spool));
	assert_int_equal(spool_flush(w->spool), 0);
	world_says(w, "ended a0;");
	spool_mark(w->spool, m, &done, NULL, NULL);
	assert_int_equal(spool_flush(w->spool), 0);
	world_says(w, "ended a1;");
	spool_tidy(w->spool);
	assert_null(spool_find(w->spool, STR(MID_A)));
	world_restart(w, true);
	world_says(w, "");
}

static void
test_two_of_one_id(void **state)
{
	struct world *w = *state;
	struct envelope e = { .mid = STR(MID_A) };
	struct message *m;

	world_commit(w, MID_A);
	assert_int_equal(spool_flush(w->spool), 0);
	assert_int_equal(spool_commit(w->spool, JOURNAL_COMMIT, &e, 0, NULL,
	    NULL, 1, &m), FAIL_DENIED);
}

/* A DSN and the end of its cause: one record, seen together or not. */
static void
test_closing(void **state)
{
	struct world *w = *state;
	struct closing c = { STR(MID_A), 1, 0 };
	struct recipient to = { .address = STR("a@b.example") };
	struct envelope e = { .mid = STR(MID_B), .closes = &c, .n_closes = 1,
	    .to = &to, .n_to = 1 };
	struct message *m;

	world_commit(w, MID_A);
	assert_int_equal(spool_flush(w->spool), 0);
	assert_int_equal(spool_commit(w->spool, JOURNAL_COMMIT, &e, 0, NULL,
	    NULL, 1, &m), 0);
	buf_reset(&w->log);
	assert_int_equal(spool_flush(w->spool), 0);
	world_says(w, "committed b 0;ended a1;deliver b0;");
	world_restart(w, true);
	assert_int_equal(spool_find(w->spool, STR(MID_A))->to[1].state,
	    DELIVERY_ENDED);
}

/* R5: who was refused is never seen again; marks ride in the next batch. */
static void
test_refused(void **state)
{
	struct world *w = *state;
	struct mark held = { .number = 1, .state = RECIPIENT_HELD };
	struct message *m = world_commit(w, MID_A);

	assert_int_equal(spool_flush(w->spool), 0);
	buf_reset(&w->log);
	spool_mark(w->spool, m, &held, NULL, NULL);
	world_commit(w, MID_B);
	w->sim.fail_write = 1;
	assert_int_equal(spool_flush(w->spool), FAIL_PERM);
	w->sim.fail_write = 0;
	world_says(w, "committed b -2;");
	assert_true(journal_dead(w->spool->journal));
	assert_true(spool_gathers(w->spool));	/* the mark is not forgotten */
}

/* A full disk is not a broken one: refused, and tried again later. */
static void
test_no_space(void **state)
{
	struct world *w = *state;
	struct recipient to = { .address = STR("joe@example.org") };
	struct envelope e = { .mid = STR(MID_B), .to = &to, .n_to = 1 };
	struct message *m;

	w->sim.no_space = 1;
	assert_int_equal(spool_commit(w->spool, JOURNAL_COMMIT, &e, 0, NULL,
	    NULL, 1, &m), FAIL_GONE);
	w->sim.no_space = 0;
	world_commit(w, MID_A);
	assert_int_equal(spool_flush(w->spool), 0);
	world_says(w, "committed a 0;deliver a0;waits a1;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_life), WORLD_TEST(test_two_of_one_id),
		WORLD_TEST(test_closing), WORLD_TEST(test_refused),
		WORLD_TEST(test_no_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
