/* SPDX-License-Identifier: ISC */
/* Counters that fade, bans that grow, memory that ends. */
#include "auth/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct meter_limits lim = {
	.connections = 3, .failures = 10, .network = 5,
	.half_life_ms = 300000, .ban_ms = 600000, .ban_max_ms = 86400000,
};

static void
addr(const char *text, uint8_t out[16])
{
	assert_true(net_addr(str_of(text), out));
}

static struct meter_verdict
connect_from(struct meter *m, const char *from, int64_t now)
{
	struct meter_verdict v;
	uint8_t a[16];

	addr(from, a);
	meter_connect(m, &lim, a, 0, now, &v);
	return v;
}

static struct meter_verdict
fail_from(struct meter *m, const char *from, int64_t now)
{
	struct meter_verdict v;
	uint8_t a[16];

	addr(from, a);
	meter_failure(m, &lim, a, 1000, now, &v);
	return v;
}

static void
end_of(struct meter *m, const char *from, unsigned slot)
{
	uint8_t a[16];

	addr(from, a);
	meter_disconnect(m, a, slot);
}

static void
connections(void **state)
{
	struct meter *m = meter_new();
	int i;

	for (i = 0; i < 3; i++)
		assert_false(connect_from(m, "192.0.2.1", 0).refuse);
	assert_true(connect_from(m, "192.0.2.1", 0).refuse);
	assert_string_equal(connect_from(m, "192.0.2.1", 0).text,
	    "too many connections from your address, 3 are allowed");
	assert_false(connect_from(m, "192.0.2.2", 0).refuse);
	assert_int_equal(meter_connections(m), 6);
	/* Refused ones count until they are over, too. */
	for (i = 0; i < 3; i++)
		end_of(m, "192.0.2.1", 0);
	assert_false(connect_from(m, "192.0.2.1", 0).refuse);
	/* More ends than beginnings harm nobody. */
	for (i = 0; i < 9; i++)
		end_of(m, "192.0.2.9", 0);
	assert_false(connect_from(m, "192.0.2.9", 0).refuse);
	meter_free(m);
	meter_free(NULL);
	(void)state;
}

/* Five times as many for a /24 and a /64, whoever they are. */
static void
neighbourhood(void **state)
{
	struct meter *m = meter_new();
	char text[40];
	int i;

	for (i = 0; i < 15; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		assert_false(connect_from(m, text, 0).refuse);
		snprintf(text, sizeof(text), "2001:db8::%x", i);
		assert_false(connect_from(m, text, 0).refuse);
	}
	assert_true(connect_from(m, "192.0.2.200", 0).refuse);
	assert_true(connect_from(m, "2001:db8::ffff", 0).refuse);
	assert_false(connect_from(m, "192.0.3.1", 0).refuse);
	assert_false(connect_from(m, "2001:db8:0:1::1", 0).refuse);
	meter_free(m);
	(void)state;
}

static void
face_dies(void **state)
{
	struct meter_verdict v;
	struct meter *m = meter_new();
	uint8_t a[16];

	addr("192.0.2.1", a);
	meter_connect(m, &lim, a, 5, 0, &v);
	meter_connect(m, &lim, a, 5, 0, &v);
	meter_connect(m, &lim, a, 6, 0, &v);
	meter_slot_gone(m, 5);
	assert_int_equal(meter_connections(m), 1);
	assert_false(connect_from(m, "192.0.2.1", 0).refuse);
	assert_false(connect_from(m, "192.0.2.1", 0).refuse);
	assert_true(connect_from(m, "192.0.2.1", 0).refuse);
	meter_free(m);
	(void)state;
}

static void
penalties(void **state)
{
	static const uint32_t want[] = { 0, 0, 500, 1000, 2000, 4000, 4000,
	    4000, 4000 };
	struct meter *m = meter_new();
	size_t i;

	for (i = 0; i < NITEMS(want); i++)
		assert_int_equal(fail_from(m, "192.0.2.1", 0).delay_ms,
		    want[i]);
	assert_int_equal(connect_from(m, "192.0.2.1", 0).delay_ms, 4000);
	assert_int_equal(connect_from(m, "192.0.2.2", 0).delay_ms, 0);
	/* After a half-life half of it: 4.5 failures. */
	assert_int_equal(connect_from(m, "192.0.2.1", 300000).delay_ms, 1000);
	assert_int_equal(connect_from(m, "192.0.2.1", 600000).delay_ms, 0);
	meter_free(m);
	(void)state;
}

static int64_t
banned_for(struct meter *m, const char *from, int64_t at)
{
	int64_t ms;

	for (ms = 0; connect_from(m, from, at + ms).refuse; ms += 60000)
		end_of(m, from, 0);
	end_of(m, from, 0);
	return ms;
}

static void
bans(void **state)
{
	struct meter *m = meter_new();
	int64_t now = 0, ms, last = 0;
	int i, n;

	for (i = 0; i < 9; i++)
		assert_false(fail_from(m, "192.0.2.1", now).refuse);
	assert_true(fail_from(m, "192.0.2.1", now).refuse);
	assert_string_equal(connect_from(m, "192.0.2.1", now).text,
	    "too many failures from your address, try again in 10 minutes");
	end_of(m, "192.0.2.1", 0);
	assert_false(connect_from(m, "192.0.2.2", now).refuse);
	ms = banned_for(m, "192.0.2.1", now);
	assert_int_equal(ms, 600000);
	/* Each further one is twice as long, up to a day. */
	for (n = 0; n < 10; n++) {
		now += ms;
		for (i = 0; i < 20 &&
		    !fail_from(m, "192.0.2.1", now).refuse; i++)
			;
		ms = banned_for(m, "192.0.2.1", now);
		assert_true(ms == last * 2 || ms == 86400000 || n == 0);
		last = ms;
	}
	assert_int_equal(ms, 86400000);
	/* A long good time, and it is short again. */
	now += ms + 2 * 86400000LL;
	for (i = 0; i < 10; i++)
		(void)fail_from(m, "192.0.2.1", now);
	assert_int_equal(banned_for(m, "192.0.2.1", now), 600000);
	meter_free(m);
	(void)state;
}

/* One failure a minute (a phone with an old password) is never banned. */
static void
slow_failures(void **state)
{
	struct meter *m = meter_new();
	int64_t now;

	for (now = 0; now < 86400000; now += 60000)
		assert_false(fail_from(m, "192.0.2.1", now).refuse);
	meter_free(m);
	(void)state;
}

/* Many addresses of one network, a few failures each. */
static void
botnet(void **state)
{
	struct meter *m = meter_new();
	char text[40];
	int i;

	for (i = 0; i < 49; i++) {
		snprintf(text, sizeof(text), "2001:db8::%x", i);
		assert_false(fail_from(m, text, 0).refuse);
	}
	assert_true(fail_from(m, "2001:db8::ffff", 0).refuse);
	assert_true(connect_from(m, "2001:db8::eeee", 0).refuse);
	assert_false(connect_from(m, "2001:db8:1::1", 0).refuse);
	meter_free(m);
	(void)state;
}

static void
by_hand(void **state)
{
	struct meter *m = meter_new();
	struct net net;

	assert_true(net_parse(STR("192.0.2.0/24"), &net));
	assert_int_equal(meter_forget(m, &net), FAIL_GONE);
	assert_int_equal(meter_ban(m, &net, 5000, 0), 0);
	assert_true(connect_from(m, "192.0.2.7", 4999).refuse);
	assert_false(connect_from(m, "192.0.2.7", 5000).refuse);
	assert_int_equal(meter_ban(m, &net, 5000, 0), 0);
	assert_int_equal(meter_forget(m, &net), 0);
	assert_false(connect_from(m, "192.0.2.7", 0).refuse);
	assert_true(net_parse(STR("192.0.0.0/16"), &net));
	assert_int_equal(meter_ban(m, &net, 5000, 0), FAIL_SYNTAX);
	assert_true(net_parse(STR("2001:db8::/32"), &net));
	assert_int_equal(meter_ban(m, &net, 5000, 0), FAIL_SYNTAX);
	assert_true(net_parse(STR("2001:db8::/64"), &net));
	assert_int_equal(meter_ban(m, &net, 5000, 0), 0);
	assert_true(connect_from(m, "2001:db8::1", 0).refuse);
	meter_free(m);
	(void)state;
}

static void
print_row(void *arg, const struct meter_row *row)
{
	meter_net_text(&row->net, arg);
	buf_fmt(arg, " %u %lld %d\n", row->failures, (long long)row->until_ms,
	    row->by_hand);
}

static void
restart(void **state)
{
	struct meter *m = meter_new(), *again = meter_new();
	struct buf saved, rows, rows_again;
	struct net net;
	int i;

	buf_init(&saved, 65536);
	buf_init(&rows, 65536);
	buf_init(&rows_again, 65536);
	for (i = 0; i < 10; i++)
		(void)fail_from(m, "192.0.2.1", 1000);
	(void)fail_from(m, "2001:db8::1", 1000);
	(void)fail_from(m, "198.51.100.1", 1000);
	(void)connect_from(m, "203.0.113.1", 1000);
	assert_true(net_parse(STR("203.0.113.9"), &net));
	assert_int_equal(meter_ban(m, &net, 50000, 1000), 0);
	meter_save(m, &lim, 2000, &saved);
	assert_int_equal(meter_load(again, buf_str(&saved), 3000), 0);
	meter_each(m, &lim, 2000, print_row, &rows);
	meter_each(again, &lim, 2000, print_row, &rows_again);
	assert_string_equal(buf_cstr(&rows), buf_cstr(&rows_again));
	assert_true(str_find(buf_str(&rows), STR("192.0.2.1 4 601000 0\n")) <
	    rows.len);
	assert_true(str_find(buf_str(&rows), STR("192.0.2.0/24 9 0 0\n")) <
	    rows.len);
	assert_true(str_find(buf_str(&rows), STR("203.0.113.9 0 50000 1\n")) <
	    rows.len);
	assert_true(connect_from(again, "192.0.2.1", 3000).refuse);
	assert_int_equal(meter_connections(again), 1);
	buf_free(&saved);
	buf_free(&rows);
	buf_free(&rows_again);
	meter_free(m);
	meter_free(again);
	(void)state;
}

static void
damaged(void **state)
{
	static const char *const bad[] = { "", "x", "veredus-rated 2\n",
	    "veredus-rated 1\nx 1 1 1 1 0\n",
	    "veredus-rated 1\n192.0.2.1 1 1 1 1\n",
	    "veredus-rated 1\n192.0.2.1 1 1 1 1 0 0\n",
	    "veredus-rated 1\n192.0.2.1 -1 1 1 1 0\n",
	    "veredus-rated 1\n192.0.2.0/23 1 1 1 1 0\n",
	    "veredus-rated 1\n192.0.2.1 1 1 1 99999999999 0\n" };
	struct meter *m;
	size_t i;

	for (i = 0; i < NITEMS(bad); i++) {
		m = meter_new();
		assert_int_equal(meter_load(m, str_of(bad[i]), 0),
		    FAIL_SYNTAX);
		meter_free(m);
	}
	(void)state;
}

/* A million addresses cost what fifty thousand cost; bans and connections
 * outlive them. */
static void
memory(void **state)
{
	struct meter *m = meter_new();
	char text[40];
	int i;

	for (i = 0; i < 10; i++)
		(void)fail_from(m, "192.0.2.1", 0);
	for (i = 0; i < 4; i++)
		(void)connect_from(m, "192.0.2.77", 0);
	for (i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text), "2001:db8:%x:%x::1", i >> 16,
		    i & 0xffff);
		(void)fail_from(m, text, 1);
	}
	assert_true(meter_records(m) <= METER_RECORDS);
	assert_true(connect_from(m, "192.0.2.1", 2).refuse);
	assert_true(connect_from(m, "192.0.2.77", 2).refuse);
	meter_free(m);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections),
		cmocka_unit_test(neighbourhood),
		cmocka_unit_test(face_dies),
		cmocka_unit_test(penalties),
		cmocka_unit_test(bans),
		cmocka_unit_test(slow_failures),
		cmocka_unit_test(botnet),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(restart),
		cmocka_unit_test(damaged),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
