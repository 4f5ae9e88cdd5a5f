/* SPDX-License-Identifier: ISC */
#include "tests/unit/journal/world.h"

/* R8: what came after the sync began is not covered by it. */
static void
test_covers(void **state)
{
	struct world *w = *state;
	struct message *a = world_commit(w, MID_A), *b = world_commit(w, MID_B);

	assert_int_equal(spool_flush(w->spool), 0);
	spool_result(w->spool, a, 0);
	assert_true(spool_sync_begin(w->spool));
	assert_false(spool_sync_begin(w->spool));	/* one at a time */
	spool_result(w->spool, b, 0);
	spool_sync_end(w->spool, false);
	assert_int_equal(a->to[0].state, DELIVERY_SETTLED);
	assert_int_equal(b->to[0].state, DELIVERY_WRITTEN);
}

/* R9: all of it anew, also what was out meanwhile. */
static void
test_failed(void **state)
{
	struct world *w = *state;
	struct message *a = world_commit(w, MID_A), *b = world_commit(w, MID_B);

	assert_int_equal(spool_flush(w->spool), 0);
	buf_reset(&w->log);
	spool_result(w->spool, a, 0);
	assert_true(spool_sync_begin(w->spool));
	spool_sync_end(w->spool, true);
	world_says(w, "deliver a0 anew;");
	spool_result(w->spool, b, 0);	/* written before the sync failed? */
	world_says(w, "deliver b0 anew;");
	spool_result(w->spool, b, 0);
	assert_int_equal(b->to[0].state, DELIVERY_WRITTEN);
}

static void
test_file_again(void **state)
{
	struct world *w = *state;
	struct message *a = world_commit(w, MID_A);
	uint32_t number;

	assert_int_equal(spool_flush(w->spool), 0);
	spool_sweep(w->spool, 5, 9);
	number = a->file_number;
	world_sync(w, true);
	assert_int_equal(a->file, FILE_NONE);
	assert_true(a->held != 0);
	spool_sweep(w->spool, 5, 9);
	assert_int_equal(a->file_number, number + 1);	/* a new inode */
	world_sync(w, false);
	assert_int_equal(a->file, FILE_SETTLED);
}

static void
test_stored_died(void **state)
{
	struct world *w = *state;
	struct message *a = world_commit(w, MID_A);

	assert_int_equal(spool_flush(w->spool), 0);
	spool_taken_back(w->spool, a, 0);
	assert_int_equal(a->to[0].state, DELIVERY_OPEN);
	assert_true(a->to[0].repeat);
	assert_int_equal(a->pins, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_covers), WORLD_TEST(test_failed),
		WORLD_TEST(test_file_again), WORLD_TEST(test_stored_died),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
