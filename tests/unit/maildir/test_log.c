/* SPDX-License-Identifier: ISC */
/* The account log: records both ways, a torn tail, a second writer. */
#include "maildir/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/maildir/world.h"

static struct world w;

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
records(void **state)
{
	static const struct log_range ranges[] = { { 1, 4 }, { 9, 9 } };
	struct log_record r[] = {
		{ .type = LOG_APPEND, .txn = 5, .mailboxid = { 1 },
		  .when_s = 9, .key = { { 2, 3 }, 1, 2 }, .uid = 77,
		  .flags = 3, .keywords = 1ull << 63, .internaldate_s = -1,
		  .savedate_s = 4, .wire_size = 100, .disk_size = 90,
		  .emailid = 6, .in_new = true, .name = STR("1.base") },
		{ .type = LOG_FLAGS, .txn = 6, .how = 2, .flags = 8,
		  .keywords = 5 },
		{ .type = LOG_KEYWORD, .txn = 7, .bit = 63,
		  .name = STR("$Junk") },
		{ .type = LOG_EXPUNGE, .txn = 8, .when_s = 3, .moved = true },
		{ .type = LOG_NAME, .txn = 9, .when_s = 10 },
		{ .type = LOG_EXPUNGE, .txn = 10, .when_s = 3,
		  .replaced = true },
	}, got;
	struct log_range range;
	struct buf b, v;
	size_t n, i, k;

	(void)state;
	buf_init(&b, LOG_RECORD_MAX);
	buf_init(&v, 100);
	log_ranges_put(&v, ranges, 2);
	r[1].ranges = r[3].ranges = r[5].ranges = buf_str(&v);
	for (i = 0; i < NITEMS(r); i++) {
		buf_reset(&b);
		log_record_put(&r[i], &b);
		assert_int_equal(log_record_get(buf_str(&b), &got, &n), 0);
		assert_int_equal(n, b.len);
		assert_int_equal(got.type, r[i].type);
		assert_true(got.txn == r[i].txn);
		assert_true(got.keywords == r[i].keywords);
		assert_int_equal(got.uid, r[i].uid);
		assert_int_equal(got.moved, r[i].moved);
		assert_int_equal(got.replaced, r[i].replaced);
		assert_true(got.wire_size == r[i].wire_size);
		assert_true(str_eq(got.name, r[i].name));
		for (k = 0; k < n; k++)
			assert_int_equal(log_record_get(str_sub(buf_str(&b),
			    0, k), &got, &n), FAIL_GONE);
		b.p[b.start + 20] ^= 1;
		assert_int_equal(log_record_get(buf_str(&b), &got, &n),
		    FAIL_GONE);
	}
	buf_reset(&b);
	log_record_put(&r[3], &b);
	assert_int_equal(log_record_get(buf_str(&b), &got, &n), 0);
	assert_true(log_ranges_next(&got.ranges, &range));
	assert_int_equal(range.last, 4);
	assert_true(log_ranges_next(&got.ranges, &range));
	assert_int_equal(range.first, 9);
	assert_false(log_ranges_next(&got.ranges, &range));
	buf_free(&b);
	buf_free(&v);
}

static int
count(struct log *l)
{
	struct log_record r;
	struct log_walk walk;
	int n = 0;

	log_walk_begin(&walk, l);
	while (log_walk_next(&walk, &r))
		n++;
	log_walk_end(&walk);
	return n;
}

static void
file(void **state)
{
	struct log_record r = { .type = LOG_KEYWORD, .name = STR("k") };
	struct log l, anew;
	uint64_t size;

	(void)state;
	assert_int_equal(log_open(&l, &w.v, w.place.state, NULL, NULL), 0);
	for (r.txn = 1; r.txn <= 5000; r.txn++)
		assert_int_equal(log_add(&l, &r), 0);
	assert_int_equal(count(&l), 5000);
	size = l.size;
	assert_int_equal(pwrite(l.fd, "\x30\0\0\0torn", 8, (off_t)l.size), 8);
	log_close(&l);
	assert_int_equal(log_open(&l, &w.v, w.place.state, NULL, NULL), 0);
	assert_true(l.size == size && l.cut == 8 && l.txn == 5000);
	assert_int_equal(log_anew_begin(&anew, &w.v, w.place.state), 0);
	r.txn = 17;
	assert_int_equal(log_add(&anew, &r), 0);
	assert_int_equal(log_anew_end(&l, &anew, w.place.state), 0);
	assert_int_equal(count(&l), 1);
	assert_true(l.txn == 5000);	/* never goes back */
	/* A write that is torn leaves the log as it was. */
	w.left = 0;
	r.txn = 6000;
	assert_int_equal(log_add(&l, &r), FAIL_TEMP);
	world_heal(&w);
	log_close(&l);
	assert_int_equal(log_open(&l, &w.v, w.place.state, NULL, NULL), 0);
	assert_int_equal(count(&l), 1);
	log_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test_setup_teardown(file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
