/* SPDX-License-Identifier: ISC */
/* Which resolver is asked next, with a turned clock. */
#include "delivery/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

static struct {
	struct conf	conf;
	unsigned	lines;
} w;

static void
on_line(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
	w.lines++;
}

static void
load(const char *const *list, size_t n)
{
	struct why why;

	conf_free(&w.conf);
	conf_init(&w.conf);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(conf_row(&w.conf, STR("resolver address"),
		    str_of(list[i]), &why), 0);
	servers_reload(&w.conf);
}

static int
setup(void **state)
{
	static const char *const three[] = { "127.0.0.1", "192.0.2.1:5353",
	    "[::1]:54" };

	(void)state;
	clock_freeze(1000000000000);
	conf_init(&w.conf);
	load(NULL, 0);
	load(three, 3);
	log_set_sink(on_line, NULL);
	w.lines = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	log_set_sink(NULL, NULL);
	conf_free(&w.conf);
	clock_thaw();
	return 0;
}

/* The order of one round, as text. */
static const char *
order(void)
{
	static char out[16];
	unsigned tried = 0;
	struct server *s;
	size_t n = 0;

	while ((s = server_pick(&tried)) != NULL)
		out[n++] = s->port == 53 ? 'a' : s->port == 5353 ? 'b' : 'c';
	out[n] = '\0';
	return out;
}

static void
test_order(void **state)
{
	unsigned tried = 0;
	struct server *s = server_pick(&tried);

	(void)state;
	assert_string_equal(s->text, "127.0.0.1:53");
	assert_true(s->is_loopback);
	assert_int_equal(tried, server_bit(s));
	s = server_pick(&tried);
	assert_false(s->is_loopback);
	assert_int_equal(s->port, 5353);
	s = server_pick(&tried);
	assert_true(s->is_loopback);
	assert_string_equal(s->text, "[::1]:54");
	assert_null(server_pick(&tried));
	assert_string_equal(order(), "abc");
}

static void
test_down(void **state)
{
	unsigned tried = 0;
	struct server *first = server_pick(&tried);

	(void)state;
	for (int i = 0; i < 2; i++)
		server_silent(first, "no answer");
	assert_string_equal(order(), "abc");
	server_answered(first, true);	/* not in a row */
	for (int i = 0; i < 3; i++)
		server_silent(first, "no answer");
	assert_int_equal(servers_down(), 1);
	assert_int_equal(w.lines, 1);
	assert_string_equal(order(), "bca");
	server_silent(first, "no answer");
	assert_int_equal(w.lines, 1);
	clock_turn(10000);
	assert_string_equal(order(), "abc");	/* one question looks */
	assert_string_equal(order(), "bca");
	server_answered(first, false);
	assert_int_equal(servers_down(), 0);
	assert_int_equal(w.lines, 2);
	assert_string_equal(order(), "abc");
}

static void
test_edns(void **state)
{
	unsigned tried = 0;
	struct server *s = server_pick(&tried);

	(void)state;
	assert_true(server_may_edns(s));
	server_refused_edns(s);
	assert_false(server_may_edns(s));
	clock_turn(10 * 60 * 1000);
	assert_true(server_may_edns(s));
	server_answered(s, true);	/* it can: one question was odd */
	server_refused_edns(s);
	assert_true(server_may_edns(s));
}

/* What is known of a resolver that stays is kept, and moves with it. */
static void
test_reload(void **state)
{
	static const char *const two[] = { "[::1]:54", "127.0.0.1:53" };
	unsigned tried = 0;
	struct server *first = server_pick(&tried);

	(void)state;
	for (int i = 0; i < 3; i++)
		server_silent(first, "no answer");
	load(two, 2);
	assert_int_equal(servers_count(), 2);
	assert_int_equal(servers_down(), 1);
	assert_string_equal(order(), "ca");
	load(NULL, 0);
	assert_int_equal(servers_count(), 0);
	assert_string_equal(order(), "");
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_order), T(test_down), T(test_edns), T(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
