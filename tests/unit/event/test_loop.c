/* SPDX-License-Identifier: ISC */
/*
 * The loop: who is served, in which order, and what a callback may do to the
 * others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/loop.h"

static struct watch w[2];
static int pair[2][2];
static unsigned served;
static char order[32];

static void
note(char c)
{
	size_t n = strlen(order);

	if (n + 1 < sizeof(order)) {
		order[n] = c;
		order[n + 1] = '\0';
	}
}

static void
setup_pairs(watch_fn *fn, unsigned want)
{
	served = 0;
	order[0] = '\0';
	for (int i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM |
		    SOCK_NONBLOCK, 0, pair[i]), 0);
		loop_watch(&w[i], pair[i][0], want, fn);
	}
}

static void
drop_pairs(void)
{
	for (int i = 0; i < 2; i++) {
		loop_unwatch(&w[i]);
		(void)close(pair[i][0]);
		if (pair[i][1] >= 0)
			(void)close(pair[i][1]);
	}
}

static void
kill_both(struct watch *me, unsigned events)
{
	(void)me, (void)events;
	served++;
	loop_unwatch(&w[0]);
	loop_unwatch(&w[1]);
}

/* Both are ready; the first frees the second, which must not be served. */
static void
test_unwatch_in_batch(void **state)
{
	(void)state;
	setup_pairs(kill_both, LOOP_READ);
	assert_int_equal(write(pair[0][1], "x", 1), 1);
	assert_int_equal(write(pair[1][1], "x", 1), 1);
	loop_once(0);
	assert_int_equal(served, 1);
	loop_once(0);
	assert_int_equal(served, 1);
	drop_pairs();
}

static void
pause_other(struct watch *me, unsigned events)
{
	(void)events;
	served++;
	loop_want(me == &w[0] ? &w[1] : &w[0], 0);
}

static void
test_want_nothing_in_batch(void **state)
{
	(void)state;
	setup_pairs(pause_other, LOOP_READ);
	assert_int_equal(write(pair[0][1], "x", 1), 1);
	assert_int_equal(write(pair[1][1], "x", 1), 1);
	loop_once(0);
	assert_int_equal(served, 1);
	drop_pairs();
}

static unsigned got;

static void
keep_events(struct watch *me, unsigned events)
{
	(void)me;
	served++;
	got = events;
}

static void
test_events(void **state)
{
	(void)state;
	setup_pairs(keep_events, LOOP_WRITE);
	loop_unwatch(&w[1]);
	loop_once(0);
	assert_int_equal(got, LOOP_WRITE);
	loop_want(&w[0], LOOP_READ);
	(void)close(pair[0][1]);
	pair[0][1] = -1;
	loop_once(0);
	assert_true(got & LOOP_READ);
	assert_true(got & LOOP_HUP);
	/* whoever wants nothing is not told again and again of a hang-up */
	served = 0;
	loop_want(&w[0], 0);
	loop_once(0);
	assert_int_equal(served, 0);
	drop_pairs();
}

static struct timer t1, t2, t3;

static void
ring(struct timer *t)
{
	note(t == &t1 ? '1' : t == &t2 ? '2' : '3');
	if (t == &t1)
		timer_stop(&t3);
}

static void
again(struct timer *t)
{
	note('a');
	timer_set(t, 0);
}

static void
test_timers(void **state)
{
	(void)state;
	clock_freeze(5000000);
	order[0] = '\0';
	timer_init(&t1, ring);
	timer_init(&t2, ring);
	timer_init(&t3, ring);
	timer_stop(&t1);	/* harmless */
	timer_set(&t3, 300);
	timer_set(&t2, 200);
	timer_set(&t1, 100);
	assert_true(timer_armed(&t2));
	clock_turn(99);
	loop_run_timers();
	assert_string_equal(order, "");
	clock_turn(1);
	loop_run_timers();
	assert_string_equal(order, "1");	/* and t3 is stopped */
	clock_turn(1000);
	loop_run_timers();
	assert_string_equal(order, "12");
	assert_false(timer_armed(&t2));
	timer_set(&t2, 100);
	timer_set(&t2, 500);	/* moved, not doubled */
	clock_turn(100);
	loop_run_timers();
	assert_string_equal(order, "12");
	clock_turn(400);
	loop_run_timers();
	assert_string_equal(order, "122");
	clock_thaw();
}

/* A timer that sets itself to 0 rings once a pass. */
static void
test_timer_sets_itself(void **state)
{
	struct timer t;

	(void)state;
	clock_freeze(5000000);
	order[0] = '\0';
	timer_init(&t, again);
	timer_set(&t, 0);
	loop_once(0);
	assert_string_equal(order, "a");
	loop_once(0);
	assert_string_equal(order, "aa");
	timer_stop(&t);
	clock_thaw();
}

static struct defer d1, d2, d3;

static void
work(struct defer *d)
{
	note(d == &d1 ? '1' : d == &d2 ? '2' : '3');
	if (d == &d1) {
		defer_put(&d3);		/* same pass, behind d2 */
		defer_put(&d1);		/* the next round */
	}
	if (strlen(order) > 20)
		defer_cancel(&d1);
}

static void
test_defers(void **state)
{
	(void)state;
	order[0] = '\0';
	defer_init(&d1, work);
	defer_init(&d2, work);
	defer_init(&d3, work);
	defer_put(&d1);
	defer_put(&d2);
	defer_put(&d1);		/* already there */
	loop_once(0);
	assert_memory_equal(order, "12313", 5);
	/* it put itself again and again, and the pass came to its end */
	assert_true(strlen(order) < 31);
	defer_cancel(&d1);
	defer_cancel(&d3);
	order[0] = '\0';
	loop_once(0);
	assert_string_equal(order, "");
}

static int got_signal;

static void
on_signal(int signo)
{
	got_signal = signo;
	loop_stop();
}

static void
test_signal(void **state)
{
	(void)state;
	loop_signal(SIGUSR1, on_signal);
	loop_signal(SIGUSR2, on_signal);
	assert_int_equal(raise(SIGUSR2), 0);
	loop_run();
	assert_int_equal(got_signal, SIGUSR2);
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run();
	assert_int_equal(got_signal, SIGUSR1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unwatch_in_batch),
		cmocka_unit_test(test_want_nothing_in_batch),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_timer_sets_itself),
		cmocka_unit_test(test_defers),
		cmocka_unit_test(test_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
