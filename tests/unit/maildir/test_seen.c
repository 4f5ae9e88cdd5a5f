/* SPDX-License-Identifier: ISC */
/* maildir/seen: what is put is found, also after the table grew. */
#include "maildir/seen.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MANY	5000

static void
put(struct seen *s, uint64_t hash, uint64_t letters, unsigned state)
{
	struct seen_file x = { .hash = hash, .letters = letters,
	    .state = (uint8_t)state };

	seen_put(s, &x);
}

/* Hashes that all want the same places. */
static uint64_t
crowded(unsigned i)
{
	return (uint64_t)i << 32;
}

static void
nothing_seen(void **state)
{
	struct seen s = { .len = 0 };

	assert_null(seen_find(&s, 0));
	assert_true(seen_all_well(&s));
	seen_free(&s);
}

static void
many_in_one_place(void **state)
{
	struct seen s = { .len = 0 };
	unsigned i;

	for (i = 0; i < MANY / 10; i++)
		put(&s, crowded(i), i, 0);
	for (i = 0; i < MANY / 10; i++)
		assert_int_equal(seen_find(&s, crowded(i))->letters, i);
	assert_null(seen_find(&s, crowded(i)));
	seen_free(&s);
}

static void
grows_and_keeps(void **state)
{
	struct seen s = { .len = 0 };
	uint64_t i;

	for (i = 0; i < MANY; i++) {
		put(&s, i * 0x9e3779b97f4a7c15, i, SEEN_IN_NEW);
		if (i % 2 == 0)
			seen_match(&s, seen_find(&s, i * 0x9e3779b97f4a7c15));
	}
	assert_int_equal(s.len, MANY);
	assert_int_equal(s.matched, MANY / 2);
	for (i = 0; i < MANY; i++) {
		struct seen_file *x = seen_find(&s, i * 0x9e3779b97f4a7c15);

		assert_non_null(x);
		assert_int_equal(x->letters, i);
		assert_int_equal(x->state & SEEN_MATCHED, i % 2 == 0 ?
		    SEEN_MATCHED : 0);
	}
	seen_free(&s);
}

/* One that was in new/ is found in cur/ later: the last look counts. */
static void
seen_twice_is_one(void **state)
{
	struct seen s = { .len = 0 };

	put(&s, 7, 1, SEEN_IN_NEW);
	put(&s, 7, 2, 0);
	assert_int_equal(s.len, 1);
	assert_int_equal(seen_find(&s, 7)->letters, 2);
	assert_int_equal(seen_find(&s, 7)->state & SEEN_IN_NEW, 0);
	seen_free(&s);
}

static void
matched_twice_counts_once(void **state)
{
	struct seen s = { .len = 0 };

	put(&s, 1, 0, 0);
	put(&s, 2, 0, 0);
	seen_match(&s, seen_find(&s, 1));
	seen_match(&s, seen_find(&s, 1));
	assert_int_equal(s.matched, 1);
	assert_false(seen_all_well(&s));
	seen_match(&s, seen_find(&s, 2));
	assert_true(seen_all_well(&s));
	seen_free(&s);
}

static void
an_odd_name_is_not_well(void **state)
{
	struct seen s = { .len = 0 };

	put(&s, 1, 0, SEEN_ODD_NAME);
	seen_match(&s, seen_find(&s, 1));
	assert_false(seen_all_well(&s));
	seen_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_seen),
		cmocka_unit_test(many_in_one_place),
		cmocka_unit_test(grows_and_keeps),
		cmocka_unit_test(seen_twice_is_one),
		cmocka_unit_test(matched_twice_counts_once),
		cmocka_unit_test(an_odd_name_is_not_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
