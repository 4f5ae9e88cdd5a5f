/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of qmgr/queue.c and qmgr/schedule.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "qmgr/queue.h"
#include "qmgr/schedule.h"

#define MIN	INT64_C(60000)

static void
test_backoff_doubles_within_a_tenth(void **state)
{
	static const struct { uint32_t attempts; int64_t want; } cases[] = {
		{ 0, 5 * MIN }, { 1, 5 * MIN }, { 2, 10 * MIN }, { 3, 20 * MIN },
		{ 5, 80 * MIN }, { 6, 120 * MIN }, { 4000000000u, 120 * MIN },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++)
		for (uint64_t dice = 0; dice < 7; dice++) {
			int64_t w = schedule_wait_ms(cases[i].attempts, 5 * MIN,
			    120 * MIN, dice * 0x123456789abcdefULL);

			assert_in_range(w, cases[i].want * 9 / 10,
			    cases[i].want * 11 / 10);
		}
	assert_int_not_equal(schedule_wait_ms(1, 5 * MIN, 120 * MIN, 0),
	    schedule_wait_ms(1, 5 * MIN, 120 * MIN, 12345));
	assert_int_equal(schedule_wait_ms(1, 0, 0, 99), 0);
}

static struct item *
add(struct queue *q, const char *mid, uint32_t number, const char *to)
{
	struct note_queue_new n = { .mid = str_of(mid), .number = number,
	    .sender = STR("a@x"), .address = str_of(to), .size = 9 };

	return queue_add(q, &n);
}

#define M1 "01j0000000000000000000000a"
#define M2 "01j0000000000000000000000b"

static void
test_due_in_order_of_time(void **state)
{
	struct queue q;
	struct item *a, *b, *c;

	(void)state;
	queue_init(&q);
	assert_int_equal(queue_next_ms(&q), -1);
	a = add(&q, M1, 0, "u@y");
	b = add(&q, M1, 1, "v@y");
	c = add(&q, M2, 0, "w@y");
	assert_null(queue_due(&q, INT64_MAX));	/* none waits yet */
	queue_wait(&q, a, 30);
	queue_wait(&q, b, 10);
	queue_wait(&q, c, 20);
	assert_int_equal(queue_next_ms(&q), 10);
	assert_null(queue_due(&q, 9));
	assert_ptr_equal(queue_due(&q, 10), b);
	queue_busy(&q, b, true);
	assert_ptr_equal(queue_due(&q, 100), c);
	queue_hold(&q, c, true);
	assert_int_equal(q.held, 1);
	assert_ptr_equal(queue_due(&q, 100), a);
	queue_busy(&q, b, false);
	assert_ptr_equal(queue_due(&q, 100), b);
	queue_hold(&q, c, false);
	queue_hold(&q, c, false);
	assert_int_equal(q.held, 0);
	queue_clear(&q);
	assert_int_equal(q.items, 0);
	assert_int_equal(queue_next_ms(&q), -1);
	assert_null(queue_message(&q, STR(M1)));
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

static void
test_told_twice_is_one(void **state)
{
	struct queue q;
	struct item *i;

	(void)state;
	queue_init(&q);
	i = add(&q, M1, 3, "old@y");
	queue_wait(&q, i, 5);
	queue_hold(&q, i, true);
	i = add(&q, M1, 3, "new@y");
	assert_int_equal(q.items, 1);
	assert_int_equal(q.held, 0);
	assert_string_equal(queue_item(&q, STR(M1), 3)->address, "new@y");
	queue_remove(&q, add(&q, M1, 7, "last@y"));
	(void)add(&q, M1, 7, "last@y");
	i = add(&q, M1, 3, "again@y");	/* the last one is still found */
	assert_string_equal(queue_item(&q, STR(M1), 7)->address, "last@y");
	assert_string_equal(queue_item(&q, STR(M1), 3)->address, "again@y");
	queue_remove(&q, queue_item(&q, STR(M1), 7));
	assert_null(queue_item(&q, STR(M1), 4));
	queue_remove(&q, i);
	assert_null(queue_item(&q, STR(M1), 3));
	assert_null(queue_message(&q, STR(M1)));
	assert_int_equal(q.items, 0);
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

static void
test_matches(void **state)
{
	static const struct { const char *mid, *address; bool want; } cases[] = {
		{ "", "", true }, { "01j00000", "", true }, { M1, "", true },
		{ M2, "", false }, { M1 "x", "", false }, { "", "U@Y", true },
		{ "", "a@x", true }, { "", "a@", false }, { M1, "z@y", false },
		{ "", "Y", true }, { "", "x", false }, { "", "u", false },
	};
	struct queue q;
	struct item *i;

	(void)state;
	queue_init(&q);
	i = add(&q, M1, 0, "u@y");
	for (size_t k = 0; k < NITEMS(cases); k++)
		assert_int_equal(item_matches(i, str_of(cases[k].mid),
		    str_of(cases[k].address)), cases[k].want);
	queue_clear(&q);
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

static void
test_ready_is_due_by_its_end(void **state)
{
	struct queue q;
	struct item *i;

	(void)state;
	queue_init(&q);
	i = add(&q, M1, 0, "u@y");
	i->expires_ms = 1000;
	queue_wait(&q, i, 10);
	queue_ready(&q, i, true);	/* in its lane: no clock but the last */
	assert_int_equal(queue_next_ms(&q), 1000);
	i->notice_ms = 400;
	queue_ready(&q, i, true);
	assert_int_equal(queue_next_ms(&q), 400);
	queue_wait(&q, i, 500);
	assert_int_equal(queue_next_ms(&q), 400);
	queue_wait(&q, i, 300);
	assert_int_equal(queue_next_ms(&q), 300);
	queue_clear(&q);
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

/* Told in part, none of it is due; then all are, each by its own time. */
static void
test_comes_whole(void **state)
{
	struct queue q;
	struct item *a, *b, *held;

	(void)state;
	queue_init(&q);
	a = add(&q, M1, 0, "u@y");
	queue_comes(&q, a->message, 1000);
	queue_wait(&q, a, 10);
	held = add(&q, M1, 1, "w@y");
	queue_hold(&q, held, true);
	assert_int_equal(queue_next_ms(&q), 1000);
	b = add(&q, M1, 2, "v@y");
	queue_comes(&q, b->message, 0);
	queue_wait(&q, b, 20);
	assert_ptr_equal(queue_due(&q, 10), a);
	queue_busy(&q, a, true);
	assert_ptr_equal(queue_due(&q, 20), b);
	queue_busy(&q, b, true);
	assert_int_equal(queue_next_ms(&q), -1);	/* held stays held */
	assert_false(item_waits(held));
	assert_false(item_waits(b));
	queue_busy(&q, b, false);
	assert_true(item_waits(b));
	queue_clear(&q);
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

/* The rest never came: what is there goes all the same. */
static void
test_half_a_message_goes_in_time(void **state)
{
	struct queue q;
	struct item *a;

	(void)state;
	queue_init(&q);
	a = add(&q, M1, 0, "u@y");
	queue_comes(&q, a->message, 1000);
	queue_wait(&q, a, 0);
	assert_null(queue_due(&q, 999));
	assert_ptr_equal(queue_due(&q, 1000), a);
	queue_clear(&q);
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

static void
test_last_attempts_are_kept(void **state)
{
	struct queue q;
	struct item *i;
	char reply[32];
	int n = 0;

	(void)state;
	queue_init(&q);
	i = add(&q, M1, 0, "u@y");
	for (int k = 0; k < 9; k++) {
		struct attempt a = { .when_ms = k, .code = 450, .host = "h",
		    .address = "", .tls = "", .reply = reply };

		(void)snprintf(reply, sizeof(reply), "450 %d", k);
		item_attempt(i, &a);
	}
	assert_string_equal(i->last->reply, "450 8");
	for (const struct attempt *a = i->last; a != NULL; a = a->older)
		n++;
	assert_int_equal(n, ATTEMPTS);
	queue_clear(&q);
	dict_free(&q.by_mid);
	heap_free(&q.due);
}

static void
test_time_for_a_try(void **state)
{
	static const struct { uint64_t size; int64_t min; } cases[] = {
		{ 0, 30 }, { 4096, 30 }, { 28800000, 90 }, { 50 << 20, 115 },
		{ UINT64_MAX / 2, 115 },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++)
		assert_int_equal(schedule_try_ms(cases[i].size) / 60000,
		    cases[i].min);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_for_a_try),
		cmocka_unit_test(test_backoff_doubles_within_a_tenth),
		cmocka_unit_test(test_due_in_order_of_time),
		cmocka_unit_test(test_told_twice_is_one),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_ready_is_due_by_its_end),
		cmocka_unit_test(test_comes_whole),
		cmocka_unit_test(test_half_a_message_goes_in_time),
		cmocka_unit_test(test_last_attempts_are_kept),
	};

	return cmocka_run_group_tests_name("qmgr/queue", tests, NULL, NULL);
}
