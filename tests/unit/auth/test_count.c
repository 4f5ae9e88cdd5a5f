/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of auth/count.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/count.h"
#include "conf/net.h"

#define NOW	INT64_C(1780000000000)
#define MIN	INT64_C(60000)

static const struct count_limits limits = { .connections = 3, .failures = 4,
    .ban_ms = 10 * MIN, .ban_max_ms = 30 * MIN };

static void
addr(const char *z, uint8_t out[16])
{
	assert_true(net_addr(str_of(z), out));
}

static void
fail_n(struct count *c, const char *z, int n, int64_t now)
{
	uint8_t a[16];

	addr(z, a);
	while (n-- > 0)
		(void)count_fault(c, a, COUNT_UNIT, now);
}

static bool
banned(struct count *c, const char *z, int64_t now)
{
	uint8_t a[16];
	int64_t until;

	addr(z, a);
	return count_banned(c, a, now, &until);
}

static int
setup(void **state)
{
	static struct count c;

	count_init(&c, &limits);
	*state = &c;
	return 0;
}

static int
teardown(void **state)
{
	count_free(*state);
	return 0;
}

static void
test_connections(void **state)
{
	struct count *c = *state;
	uint8_t a[16], b[16];
	int64_t until;

	addr("192.0.2.1", a);
	addr("192.0.2.2", b);
	for (int i = 0; i < 3; i++)
		assert_true(count_enter(c, a, NOW, &until));
	assert_false(count_enter(c, a, NOW, &until));
	assert_int_equal(until, 0);
	assert_true(count_enter(c, b, NOW, &until));
	count_leave(c, a);
	assert_true(count_enter(c, a, NOW, &until));
	for (int i = 0; i < 9; i++)
		count_leave(c, a);	/* never below none */
	for (int i = 0; i < 3; i++)
		assert_true(count_enter(c, a, NOW, &until));
	assert_false(count_enter(c, a, NOW, &until));
}

static void
test_ban_grows_and_is_forgotten(void **state)
{
	struct count *c = *state;
	int64_t now = NOW;
	static const int64_t want[] = { 10, 20, 30, 30 };

	for (size_t i = 0; i < NITEMS(want); i++) {
		fail_n(c, "192.0.2.1", 3, now);
		assert_false(banned(c, "192.0.2.1", now));
		fail_n(c, "192.0.2.1", 1, now);
		assert_true(banned(c, "192.0.2.1", now + want[i] * MIN - 1));
		now += want[i] * MIN;
		assert_false(banned(c, "192.0.2.1", now));
	}
	now += 25 * 60 * MIN;
	fail_n(c, "192.0.2.1", 4, now);
	assert_false(banned(c, "192.0.2.1", now + 10 * MIN));
}

static void
test_scores_decay(void **state)
{
	struct count *c = *state;
	uint8_t a[16];

	addr("192.0.2.1", a);
	fail_n(c, "192.0.2.1", 3, NOW);
	/* half is forgotten: 1.5 + 2 is below 4, one more is over */
	fail_n(c, "192.0.2.1", 2, NOW + 10 * MIN);
	assert_false(banned(c, "192.0.2.1", NOW + 10 * MIN));
	fail_n(c, "192.0.2.1", 1, NOW + 10 * MIN);
	assert_true(banned(c, "192.0.2.1", NOW + 10 * MIN));
	/* all is forgotten, also after years */
	fail_n(c, "192.0.2.9", 3, NOW);
	fail_n(c, "192.0.2.9", 3, NOW + INT64_C(1000000) * MIN);
	assert_false(banned(c, "192.0.2.9", NOW + INT64_C(1000000) * MIN));
	/* a clock set back does not count more */
	fail_n(c, "192.0.2.8", 3, NOW);
	assert_true(count_fault(c, a, 0, NOW - 100 * MIN) > 0);
}

static void
test_a_right_password_forgives(void **state)
{
	struct count *c = *state;
	uint8_t a[16];

	addr("192.0.2.1", a);
	fail_n(c, "192.0.2.1", 3, NOW);
	count_good(c, a, NOW);
	fail_n(c, "192.0.2.1", 2, NOW);
	assert_false(banned(c, "192.0.2.1", NOW));
}

static void
test_networks(void **state)
{
	struct count *c = *state;
	char z[64];

	for (int i = 1; i <= 8; i++) {
		(void)snprintf(z, sizeof(z), "198.51.100.%d", i);
		assert_false(banned(c, "198.51.100.200", NOW));
		fail_n(c, z, 2, NOW);
	}
	assert_true(banned(c, "198.51.100.200", NOW));
	assert_false(banned(c, "198.51.101.200", NOW));
	for (int i = 1; i <= 8; i++) {
		(void)snprintf(z, sizeof(z), "2001:db8::%d", i);
		fail_n(c, z, 2, NOW);
	}
	assert_true(banned(c, "2001:db8::ffff", NOW));
	assert_false(banned(c, "2001:db8:0:1::1", NOW));
}

static void
test_by_hand(void **state)
{
	struct count *c = *state;
	uint8_t a[16];

	addr("203.0.113.7", a);
	assert_false(count_ban(c, a, 0, NOW));
	assert_true(count_ban(c, a, 5000, NOW));
	assert_true(banned(c, "203.0.113.7", NOW + 4999));
	assert_false(banned(c, "203.0.113.7", NOW + 5000));
	assert_true(count_ban(c, a, 0, NOW));
	assert_false(banned(c, "203.0.113.7", NOW));
}

static void
test_delays_grow(void **state)
{
	struct count *c = *state;
	uint8_t a[16];
	uint32_t one, two;

	addr("192.0.2.1", a);
	one = count_fault(c, a, COUNT_UNIT, NOW);
	two = count_fault(c, a, COUNT_UNIT, NOW);
	assert_true(one > 0 && two > one && two <= 4000);
}

static void
test_saved_and_loaded(void **state)
{
	struct count *c = *state, again;
	struct buf b;

	fail_n(c, "192.0.2.1", 4, NOW);
	fail_n(c, "2001:db8::5", 3, NOW);
	buf_init(&b, 1 << 16);
	count_save(c, NOW, &b);
	count_init(&again, &limits);
	assert_true(count_load(&again, buf_str(&b), NOW) >= 2);
	assert_true(banned(&again, "192.0.2.1", NOW));
	fail_n(&again, "2001:db8::5", 1, NOW);
	assert_true(banned(&again, "2001:db8::5", NOW));
	count_free(&again);
	/* broken lines harm nobody; a far future is cut to the longest ban */
	count_init(&again, &limits);
	assert_int_equal(count_load(&again, STR("rated 1\npeer x 1 1 1 1\n"
	    "peer 192.0.2.3 1 1 1\nnonsense\n"
	    "peer 192.0.2.4 0 1 1 9000000000000000\n"), NOW), 1);
	assert_true(banned(&again, "192.0.2.4", NOW + 29 * MIN));
	assert_false(banned(&again, "192.0.2.4", NOW + 31 * MIN));
	assert_int_equal(count_load(&again, STR("rated 2\npeer 192.0.2.5 0 1 1"
	    " 9\n"), NOW), 0);
	count_free(&again);
	buf_free(&b);
}

static void
test_sweep_keeps_what_matters(void **state)
{
	struct count *c = *state;
	uint8_t a[16];
	int64_t until;

	addr("192.0.2.1", a);
	assert_true(count_enter(c, a, NOW, &until));
	fail_n(c, "198.51.100.1", 1, NOW);
	count_sweep(c, NOW);
	assert_int_equal(dict_len(&c->peers), 3);
	count_sweep(c, NOW + 1000 * MIN);
	assert_int_equal(dict_len(&c->peers), 1);
	count_leave(c, a);
	count_sweep(c, NOW + 1000 * MIN);
	assert_int_equal(dict_len(&c->peers), 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_connections), T(test_ban_grows_and_is_forgotten),
		T(test_scores_decay), T(test_a_right_password_forgives),
		T(test_networks), T(test_by_hand), T(test_delays_grow),
		T(test_saved_and_loaded), T(test_sweep_keeps_what_matters),
	};

	return cmocka_run_group_tests_name("auth/count", tests, NULL, NULL);
}
