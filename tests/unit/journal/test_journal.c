/* SPDX-License-Identifier: ISC */
#include "tests/unit/journal/world.h"

#include <stdio.h>

struct ring {
	struct sim	sim;
	struct disk	disk;
	struct journal	*j;
	struct buf	log;
	struct journal_place last;
};

static void
saw(void *arg, enum journal_type type, struct str bytes,
    const struct journal_place *place)
{
	struct ring *r = arg;

	(void)type;
	buf_fmt(&r->log, "%.*s;", (int)(bytes.n < 8 ? bytes.n : 8),
	    (const char *)bytes.p);
	r->last = *place;
	journal_hold(r->j, place->use);
}

static void
broken(void *arg, struct str bytes, const char *what)
{
	struct ring *r = arg;

	(void)bytes;
	buf_fmt(&r->log, "[%s]", what);
}

static void
start(struct ring *r)
{
	struct journal_limits limits = { 4, 16 * SIM_BLOCK };
	struct why why;

	if (r->j != NULL)
		journal_close(r->j);
	buf_reset(&r->log);
	assert_int_equal(journal_open(&r->j, &r->disk, limits, &why), 0);
	assert_int_equal(journal_replay(r->j, saw, broken, r, &why), 0);
}

static int
make(void **state)
{
	struct ring *r = calloc(1, sizeof(*r));

	sim_init(&r->sim, 2);
	r->disk = sim_disk(&r->sim);
	buf_init(&r->log, 1 << 20);
	start(r);
	*state = r;
	return 0;
}

static int
end(void **state)
{
	struct ring *r = *state;

	journal_close(r->j);
	sim_free(&r->sim);
	buf_free(&r->log);
	free(r);
	return 0;
}

static int
put(struct ring *r, enum journal_class class, const char *text, size_t n)
{
	struct journal_place place;
	uint8_t *p;
	int fail = journal_record(r->j, JOURNAL_COMMIT, class, n, &p, &place);

	if (fail != 0)
		return fail;
	memset(p, '.', n);
	memcpy(p, text, strlen(text) < n ? strlen(text) : n);
	fail = journal_flush(r->j);
	if (fail == 0)
		journal_hold(r->j, place.use);
	r->last = place;
	return fail;
}

/* Two records, one write, one flush. */
static void
test_one_flush(void **state)
{
	struct ring *r = *state;
	uint64_t before;
	uint8_t *p;

	assert_int_equal(put(r, JOURNAL_MAIL, "one", 8), 0);
	before = r->sim.flushes;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(journal_record(r->j, JOURNAL_COMMIT,
		    JOURNAL_MAIL, 8, &p, NULL), 0);
		memcpy(p, i == 0 ? "two....." : "three...", 8);
	}
	assert_int_equal(journal_gathered(r->j), 2);
	assert_int_equal(journal_flush(r->j), 0);
	assert_int_equal(r->sim.flushes, before + 1);
	sim_cut(&r->sim);
	start(r);
	assert_string_equal(buf_cstr(&r->log), "one.....;two.....;three...;");
}

static void
test_read(void **state)
{
	struct ring *r = *state;
	uint8_t got[8];

	assert_int_equal(put(r, JOURNAL_MAIL, "one", 8), 0);
	assert_int_equal(journal_read(r->j, &r->last, got), 0);
	assert_memory_equal(got, "one.....", 8);
	r->last.seq++;
	assert_int_equal(journal_read(r->j, &r->last, got), FAIL_TEMP);
	r->last.use = 99;
	assert_int_equal(journal_read(r->j, &r->last, got), FAIL_GONE);
}

/* Until the ring takes no more of that class; how many it took. */
static int
fill(struct ring *r, enum journal_class class, const char *text)
{
	int n = 0;

	while (n < 100 && put(r, class, text, 20000) == 0)
		n++;
	return n;
}

/* Held: mail stops at the reserve, marks go on to the end, a release opens. */
static void
test_full(void **state)
{
	struct ring *r = *state;
	uint64_t first;

	assert_int_equal(fill(r, JOURNAL_MAIL, "mail"), 6);
	assert_int_equal(fill(r, JOURNAL_MARK, "mark"), 2);
	first = journal_oldest_held(r->j);
	assert_int_equal(first, 1);
	journal_release(r->j, first);
	assert_int_equal(put(r, JOURNAL_MARK, "mark", 20000), FAIL_GONE);
	journal_release(r->j, first);
	assert_int_equal(put(r, JOURNAL_MARK, "mark", 20000), 0);
	assert_int_equal(put(r, JOURNAL_MAIL, "big", 60000), FAIL_TOO_BIG);
}

/* Rule 4 broken: what was accepted leaves no room to say what became of it. */
static void
test_full_without_reserve(void **state)
{
	struct ring *r = *state;

	journal_broken = "4";
	assert_int_equal(fill(r, JOURNAL_MAIL, "mail"), 8);
	assert_int_equal(fill(r, JOURNAL_MARK, "mark"), 0);
	journal_broken = "";
}

/* A durable batch in the middle is damaged: the rest is served, and said. */
static void
test_damage(void **state)
{
	struct ring *r = *state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(put(r, JOURNAL_MAIL, "abc" + i, 8), 0);
	r->sim.file[0].cache[2 * SIM_BLOCK + 70] ^= 1;
	start(r);
	assert_string_equal(buf_cstr(&r->log),
	    "abc.....;[batch 2 of segment 0 is damaged]c.......;");
	r->sim.file[0].cache[2 * SIM_BLOCK] ^= 1;	/* its head, too */
	start(r);
	assert_string_equal(buf_cstr(&r->log),
	    "abc.....;[batches from 2 up to 2 are missing]c.......;");
	memset(r->sim.file[0].cache, 0, SIM_BLOCK);	/* head of the segment */
	start(r);
	assert_string_equal(buf_cstr(&r->log),
	    "abc.....;[batches from 2 up to 2 are missing]c.......;");
}

/* A torn last batch was never answered: no noise, its place is used again. */
static void
test_torn_end(void **state)
{
	struct ring *r = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(put(r, JOURNAL_MAIL, "abc" + i, 8), 0);
	r->sim.file[0].cache[2 * SIM_BLOCK + 70] ^= 1;
	start(r);
	assert_string_equal(buf_cstr(&r->log), "abc.....;");
	assert_int_equal(put(r, JOURNAL_MAIL, "new", 8), 0);
	start(r);
	assert_string_equal(buf_cstr(&r->log), "abc.....;new.....;");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_flush, make, end),
		cmocka_unit_test_setup_teardown(test_read, make, end),
		cmocka_unit_test_setup_teardown(test_full, make, end),
		cmocka_unit_test_setup_teardown(test_full_without_reserve, make,
		    end),
		cmocka_unit_test_setup_teardown(test_damage, make, end),
		cmocka_unit_test_setup_teardown(test_torn_end, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
