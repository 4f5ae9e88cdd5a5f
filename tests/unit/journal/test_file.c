/* SPDX-License-Identifier: ISC */
#include "tests/unit/journal/world.h"

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
		WORLD_TEST(test_unlink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
