/* SPDX-License-Identifier: ISC */
/*
 * Connecting, over real sockets of the loopback and with a turned clock: both
 * families, several hosts, what is refused, what is silent, one deadline.
 *
 * A silent host is a listener whose queue is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "delivery/dial.h"

#include "../../lib/fakedaemon.h"
#include "base/banned.h"

enum { FULL = 4 };

static struct {
	struct arena	arena;
	struct dial	d;
	struct dial_result r;
	unsigned	results;
	int		open4, open6, silent, filler[FULL];
	uint16_t	port;
} w;

static int
listen_at(const char *ip, int backlog)
{
	struct sockaddr_storage s;
	socklen_t n = sizeof(s);
	struct address a;
	int fd, one = 1;

	assert_true(address_parse(str_of(ip), &a));
	n = address_to_socket(&a, w.port, &s);
	fd = socket(a.family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&s, n) != 0 || listen(fd, backlog) != 0)
		fail_msg("cannot listen at %s", ip);
	if (w.port == 0) {
		n = sizeof(s);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&s, &n), 0);
		w.port = ntohs(((struct sockaddr_in *)&s)->sin_port);
	}
	return fd;
}

/* 127.0.0.9 says nothing any more. */
static void
be_silent(void)
{
	struct sockaddr_storage s;
	struct address a;
	socklen_t n;

	w.silent = listen_at("127.0.0.9", 0);
	assert_true(address_parse(STR("127.0.0.9"), &a));
	n = address_to_socket(&a, w.port, &s);
	for (size_t i = 0; i < FULL; i++) {
		w.filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(w.filler[i], (struct sockaddr *)&s, n);
	}
}

static void
on_result(void *arg, const struct dial_result *r)
{
	assert_ptr_equal(arg, &w);
	w.r = *r;
	w.results++;
}

static int
setup(void **state)
{
	static const enum proc resolvd = RESOLVD;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.silent = -1;
	clock_freeze(1700000000000);
	loop_init();
	conf_init(&fakes.conf);
	arena_init(&w.arena, 1 << 20);
	fakes_begin(REMOTE, &resolvd, 1, NULL);
	w.open4 = listen_at("127.0.0.1", 16);
	w.open6 = listen_at("::1", 16);
	w.d.port = w.port;
	w.d.left_ms = 60000;
	w.d.fn = on_result;
	w.d.arg = &w;
	w.r.fd = -1;
	dial_init(&w.d);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	dial_stop(&w.d);
	fd_close(&w.r.fd);
	fd_close(&w.open4);
	fd_close(&w.open6);
	if (w.silent >= 0) {
		fd_close(&w.silent);
		for (size_t i = 0; i < FULL; i++)
			fd_close(&w.filler[i]);
	}
	fake_free(&fakes.peer[0]);
	arena_free(&w.arena);
	conf_free(&fakes.conf);
	return 0;
}

/* name -> addresses; "later": DNS_LATER, nothing: DNS_NO_DATA. */
static const struct {
	const char	*name, *v6, *v4;
} zone[] = {
	{ "both.test", "::1", "127.0.0.1" },
	{ "six.test", "::1", "" },
	{ "four.test", "", "127.0.0.1" },
	{ "shut.test", "", "127.0.0.2" },
	{ "half.test", "", "127.0.0.2 127.0.0.1" },
	{ "silent.test", "", "127.0.0.9" },
	{ "nobody.test", "::", "0.0.0.0" },
	{ "none.test", "", "" },
	{ "later.test", "later", "later" },
	{ "half-later.test", "later", "" },
};

static void
answer(const struct note *ask, const char *addresses)
{
	struct str rest = str_of(addresses);
	struct note n;
	bool any = false, later = str_is(rest, "later");

	while (!later && str_more(rest)) {
		struct address a;

		assert_true(address_parse(str_word(&rest), &a));
		note_init(&n, NOTE_DNS_ROW);
		n.ticket = ask->ticket;
		n.u.dns_row.data = str_mem(a.ip, address_octets(&a));
		fake_say(&fakes.peer[0], &n);
		any = true;
	}
	note_init(&n, NOTE_DNS_DONE);
	n.ticket = ask->ticket;
	n.u.dns_done.result = any ? DNS_OK : later ? DNS_LATER : DNS_NO_DATA;
	fake_say(&fakes.peer[0], &n);
}

static void
serve_dns(void)
{
	struct note ask;

	while (fake_next(&fakes.peer[0], &ask)) {
		struct note mine = ask;
		const char *found = "";

		assert_int_equal(ask.kind, NOTE_DNS_ASK);
		for (size_t i = 0; i < NITEMS(zone); i++)
			if (str_same(ask.u.dns_ask.name, zone[i].name))
				found = ask.u.dns_ask.type == 1 ? zone[i].v4 :
				    zone[i].v6;
		answer(&mine, found);
	}
}

/* Until there is a result or nothing more happens by itself. */
static void
run(void)
{
	unsigned had = w.results;

	for (int i = 0; i < 50 && w.results == had; i++) {
		loop_run_timers();
		loop_once(i < 20 ? 0 : 1);
		serve_dns();
	}
}

static void
turn(int64_t ms)
{
	clock_turn(ms);
	run();
}

static void
dial(const char *hosts)
{
	struct str rest = str_of(hosts);
	uint32_t preference = 0;

	while (str_more(rest))
		mx_add(&w.d.hosts, str_word(&rest), ++preference, &w.arena);
	dial_next(&w.d);
	run();
}

static void
test_reached(void **state)
{
	static const struct {
		const char	*hosts, *ip;
		size_t		host;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1", 0 },
		{ "::1", "[::1]", 0 },
		{ "both.test", "[::1]", 0 },
		{ "six.test", "[::1]", 0 },
		{ "four.test", "127.0.0.1", 0 },
		{ "half.test", "127.0.0.1", 0 },
		{ "shut.test four.test", "127.0.0.1", 1 },
		{ "none.test later.test nobody.test six.test", "[::1]", 3 },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		char text[ADDRESS_TEXT];

		dial(cases[i].hosts);
		assert_int_equal(w.results, 1);
		assert_true(w.r.fd >= 0);
		assert_int_equal(w.r.host, cases[i].host);
		assert_false(w.r.is_us);
		(void)snprintf(text, sizeof(text), "%s:%u", cases[i].ip,
		    w.port);
		assert_string_equal(w.r.text, text);
		(void)teardown(state);
		(void)setup(state);
	}
}

static void
test_not_reached(void **state)
{
	static const struct {
		const char	*hosts, *why;
		bool		temporary, had_address;
	} cases[] = {
		{ "shut.test", "Connection refused", true, true },
		{ "shut.test shut.test", "Connection refused", true, true },
		{ "none.test", "host has no address", false, false },
		{ "none.test shut.test none.test", "refused", true, true },
		{ "later.test", "later.test: ", true, false },
		{ "half-later.test", "half-later.test: ", true, false },
		{ "nobody.test", "no address that can be connected to", false,
		  false },
		{ "", "", false, false },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		dial(cases[i].hosts);
		assert_int_equal(w.results, 1);
		assert_int_equal(w.r.fd, -1);
		assert_non_null(strstr(w.d.why, cases[i].why));
		assert_int_equal(w.d.is_temporary, cases[i].temporary);
		assert_int_equal(w.d.had_address, cases[i].had_address);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* A silent first MX costs two seconds, not its timeout. */
static void
test_silent_first(void **state)
{
	(void)state;
	be_silent();
	dial("silent.test four.test");
	assert_int_equal(w.results, 0);
	turn(DIAL_HOST_MS - 1);
	assert_int_equal(w.results, 0);
	turn(1);
	assert_int_equal(w.results, 1);
	assert_true(w.r.fd >= 0);
	assert_int_equal(w.r.host, 1);
}

static void
test_one_deadline(void **state)
{
	(void)state;
	be_silent();
	dial("silent.test silent.test silent.test silent.test silent.test "
	    "silent.test");
	for (int i = 0; i < 59; i++)
		turn(1000);
	assert_int_equal(w.results, 0);
	turn(1000);
	assert_int_equal(w.results, 1);
	assert_int_equal(w.r.fd, -1);
	assert_true(w.d.is_temporary);
	assert_non_null(strstr(w.d.why, "timed out"));
	/* and no second list of the same length */
	dial_next(&w.d);
	run();
	turn(1);
	assert_int_equal(w.results, 2);
}

/* The greeting was no good: what is left of the list. */
static void
test_next(void **state)
{
	(void)state;
	dial("both.test shut.test four.test");
	assert_non_null(strstr(w.r.text, "[::1]"));
	fd_close(&w.r.fd);
	dial_next(&w.d);
	run();
	assert_non_null(strstr(w.r.text, "127.0.0.1"));
	assert_int_equal(w.r.host, 0);
	dial_again(&w.d, &w.r);
	fd_close(&w.r.fd);
	dial_next(&w.d);
	run();
	assert_non_null(strstr(w.r.text, "127.0.0.1"));
	assert_int_equal(w.r.host, 0);
	fd_close(&w.r.fd);
	dial_next(&w.d);
	run();
	assert_int_equal(w.r.host, 2);
	fd_close(&w.r.fd);
	dial_next(&w.d);
	run();
	assert_int_equal(w.r.fd, -1);
}

static void
test_cut(void **state)
{
	(void)state;
	dial("six.test both.test four.test");
	fd_close(&w.r.fd);
	dial_cut(&w.d, 1);
	dial_next(&w.d);
	run();
	assert_int_equal(w.results, 2);
	assert_int_equal(w.r.fd, -1);
}

static void
test_one_family(void **state)
{
	(void)state;
	w.d.only = AF_INET;
	dial("both.test");
	assert_non_null(strstr(w.r.text, "127.0.0.1"));
	fd_close(&w.r.fd);
	dial_next(&w.d);
	run();
	assert_int_equal(w.r.fd, -1);
}

static void
test_source(void **state)
{
	struct sockaddr_storage s;
	struct address a;
	socklen_t n = sizeof(s);
	char text[ADDRESS_TEXT];
	int fd;

	(void)state;
	assert_true(address_parse(STR("127.0.0.5"), &w.d.source4));
	dial("four.test");
	assert_true(w.r.fd >= 0);
	fd = accept(w.open4, (struct sockaddr *)&s, &n);
	address_of_socket(&s, &a);
	address_text(&a, 1, text);
	assert_string_equal(text, "127.0.0.5:1");
	(void)close(fd);
}

/* Each family has its own. */
static void
test_sources(void **state)
{
	(void)state;
	assert_true(address_parse(STR("2001:db8::77"), &w.d.source6));
	assert_true(address_parse(STR("127.0.0.5"), &w.d.source4));
	dial("both.test");
	assert_non_null(strstr(w.r.text, "127.0.0.1"));
	assert_non_null(strstr(w.d.why, "[::1]"));
}

/* An address that we do not have: nothing that the other side may mend. */
static void
test_no_source(void **state)
{
	(void)state;
	assert_true(address_parse(STR("192.0.2.77"), &w.d.source4));
	dial("four.test");
	assert_int_equal(w.r.fd, -1);
	assert_true(w.d.had_address);
	assert_false(w.d.is_temporary);
	assert_non_null(strstr(w.d.why, "Cannot assign requested address"));
}

/* We listen there ourselves. */
static void
test_ourselves(void **state)
{
	char value[64];
	struct why why;

	(void)state;
	(void)snprintf(value, sizeof(value), "smtp 127.0.0.1:%u", w.port);
	assert_int_equal(conf_row(&fakes.conf, STR("listen"), str_of(value), &why),
	    0);
	dial("four.test");
	assert_true(w.r.is_us);
	fd_close(&w.r.fd);
	w.d.hosts.n = 0;
	dial_init(&w.d);
	dial("six.test");
	assert_true(w.r.fd >= 0);
	assert_false(w.r.is_us);
}

static void
test_resolvd_dies(void **state)
{
	(void)state;
	mx_add(&w.d.hosts, STR("four.test"), 1, &w.arena);
	dial_next(&w.d);
	loop_run_timers();
	loop_once(0);
	fake_die(&fakes.peer[0]);
	run();
	assert_int_equal(w.r.fd, -1);
	assert_true(w.d.is_temporary);
	assert_non_null(strstr(w.d.why, "the resolver does not answer"));
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_reached), T(test_not_reached), T(test_silent_first),
		T(test_one_deadline), T(test_next), T(test_cut),
		T(test_one_family), T(test_source), T(test_sources),
		T(test_no_source),
		T(test_ourselves),
		T(test_resolvd_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
