/* SPDX-License-Identifier: ISC */
/* Reserved numbers: none is used before its block is synced; lost, damaged,
 * clean, and another run of the machine. */
#include "maildir/reserve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/maildir/world.h"

static struct world w;
static const uint8_t id[16] = { 7 };

static int
setup(void **state)
{
	(void)state;
	world_init(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void
blocks(void **state)
{
	struct reserve r;
	struct reserve_row *row;

	(void)state;
	assert_int_equal(reserve_open(&r, &w.v, w.place.state, 1), 0);
	assert_true(r.lost && !r.damaged);
	row = reserve_row_make(&r, id, 100, 1);
	assert_false(reserve_ask(&r, row, 1, 1, 1));
	assert_int_equal(reserve_write(&r), 0);
	/* Written is not synced. */
	assert_false(reserve_ask(&r, row, 1, 1, 1));
	assert_int_equal(reserve_write(&r), 0);
	reserve_synced(&r);
	assert_true(reserve_ask(&r, row, 1, 1, 1));
	assert_true(reserve_ask(&r, row, 1000, 1, 1));
	assert_false(reserve_ask(&r, row, 1, 5000, 1));
	reserve_close(&r);
	/* The same run: the block is still ours. */
	assert_int_equal(reserve_open(&r, &w.v, w.place.state, 1), 0);
	row = reserve_row(&r, id);
	assert_non_null(row);
	assert_false(r.lost || row->unclean);
	assert_true(r.was_open && row->ready);
	assert_true(row->synced >= 1000);
	reserve_close(&r);
	/* Another run: what was used is not known. */
	assert_int_equal(reserve_open(&r, &w.v, w.place.state, 2), 0);
	row = reserve_row(&r, id);
	assert_true(row->unclean && !row->ready);
	reserve_checked(&r, row);
	row->wanted = 44;
	assert_int_equal(reserve_clean(&r, 500), 0);
	reserve_close(&r);
	assert_int_equal(reserve_open(&r, &w.v, w.place.state, 3), 0);
	row = reserve_row(&r, id);
	assert_false(row->unclean || r.was_open);
	assert_true(row->synced == 44 && r.wanted == 500);
	assert_false(reserve_ask(&r, row, 44, 1, 500));
	reserve_close(&r);
}

static void
damaged(void **state)
{
	struct reserve r;
	struct buf text;
	size_t i;

	(void)state;
	memset(&r, 0, sizeof(r));
	dict_init(&r.rows);
	r.boot = 1;
	reserve_row_make(&r, id, 100, 9);
	buf_init(&text, 4096);
	reserve_put(&r, false, &text);
	assert_int_equal(reserve_get(buf_str(&text), &r), 0);
	for (i = 0; i < buf_str(&text).n; i++) {
		text.p[text.start + i] ^= 1;
		assert_int_equal(reserve_get(buf_str(&text), &r),
		    FAIL_SYNTAX);
		text.p[text.start + i] ^= 1;
	}
	text.p[text.start] ^= 1;
	assert_int_equal(volume_replace(&w.v, w.place.state, RESERVE_FILE,
	    buf_str(&text), 0600), 0);
	buf_free(&text);
	reserve_close(&r);
	assert_int_equal(reserve_open(&r, &w.v, w.place.state, 1), 0);
	assert_true(r.lost && r.damaged);
	reserve_close(&r);
}

static void
uidvalidities(void **state)
{
	struct reserve r;
	uint32_t one;

	(void)state;
	assert_int_equal(reserve_open(&r, &w.v, w.place.state, 1), 0);
	one = reserve_uidvalidity(&r, 1000);
	assert_int_equal(one, 1000);
	assert_int_equal(reserve_uidvalidity(&r, 1000), 1001);
	assert_int_equal(reserve_uidvalidity(&r, 5), 1002);
	reserve_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(uidvalidities, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
