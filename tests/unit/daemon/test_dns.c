/* SPDX-License-Identifier: ISC */
/* A question ends in one call, whatever resolvd does. */
#include "daemon/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

#include "../../lib/fakedaemon.h"
#include "base/banned.h"

static struct {
	unsigned	calls;
	enum dns_result	result;
	size_t		n;
	uint32_t	preference;
	char		name[64], data[64], text[64];
} w;

static void
keep(char out[64], struct str s)
{
	(void)snprintf(out, 64, "%.*s", STR_ARG(s));
}

static void
then(void *arg, const struct dns_answer *a)
{
	assert_ptr_equal(arg, &w);
	w.calls++;
	w.result = a->result;
	w.n = a->n;
	keep(w.name, a->name);
	keep(w.text, a->text);
	if (a->n > 0) {
		w.preference = a->records[a->n - 1].preference;
		keep(w.data, a->records[a->n - 1].data);
	}
}

static int
setup(void **state)
{
	static const enum proc resolvd = RESOLVD;

	(void)state;
	memset(&w, 0, sizeof(w));
	clock_freeze(1000000000000);
	loop_init();
	fakes_begin(REMOTE, &resolvd, 1, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_free(&fakes.peer[0]);
	clock_thaw();
	return 0;
}

static uint32_t
asked(const char *name, uint32_t type, uint32_t wait_ms)
{
	struct note n;

	assert_true(fake_next(&fakes.peer[0], &n));
	assert_int_equal(n.kind, NOTE_DNS_ASK);
	assert_true(str_same(n.u.dns_ask.name, name));
	assert_int_equal(n.u.dns_ask.type, type);
	assert_int_equal(n.u.dns_ask.wait_ms, wait_ms);
	return n.ticket;
}

static void
say_row(uint32_t ticket, uint32_t preference, const char *data)
{
	struct note n;

	note_init(&n, NOTE_DNS_ROW);
	n.ticket = ticket;
	n.u.dns_row.type = DNS_MX;
	n.u.dns_row.preference = preference;
	n.u.dns_row.data = str_of(data);
	fake_say(&fakes.peer[0], &n);
}

static void
say_done(uint32_t ticket, uint32_t result)
{
	struct note n;

	note_init(&n, NOTE_DNS_DONE);
	n.ticket = ticket;
	n.u.dns_done.result = result;
	n.u.dns_done.name = STR("b.example");
	fake_say(&fakes.peer[0], &n);
}

static void
test_rows(void **state)
{
	uint32_t ticket;

	(void)state;
	(void)dns_ask(STR("a.example"), DNS_MX, 0, then, &w);
	ticket = asked("a.example", 15, 0);
	for (uint32_t i = 0; i < 20; i++)
		say_row(ticket, i, "mx.example");
	assert_int_equal(w.calls, 0);
	say_done(ticket, DNS_OK);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.result, DNS_OK);
	assert_int_equal(w.n, 20);
	assert_int_equal(w.preference, 19);
	assert_string_equal(w.data, "mx.example");
	assert_string_equal(w.name, "b.example");
}

/* What makes no sense is no answer: a yes without rows, a number that is no
 * result, rows behind a no. */
static void
test_nonsense(void **state)
{
	static const struct { uint32_t rows, said; enum dns_result is; }
	cases[] = {
		{ 0, DNS_OK, DNS_NO_DATA }, { 0, 77, DNS_LATER },
		{ 1, DNS_NO_NAME, DNS_NO_NAME }, { 1, 77, DNS_LATER },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		uint32_t ticket;

		(void)dns_ask(STR("a.example"), DNS_A, 700, then, &w);
		ticket = asked("a.example", 1, 700);
		for (uint32_t k = 0; k < cases[i].rows; k++)
			say_row(ticket, 0, "x");
		say_done(ticket, cases[i].said);
		assert_int_equal(w.calls, i + 1);
		assert_int_equal(w.result, cases[i].is);
		assert_int_equal(w.n, 0);
	}
}

static void
test_death(void **state)
{
	(void)state;
	(void)dns_ask(STR("a.example"), DNS_A, 0, then, &w);
	say_row(asked("a.example", 1, 0), 0, "x");
	fake_die(&fakes.peer[0]);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.result, DNS_LATER);
	assert_int_equal(w.n, 0);
	/* and while there is none: not from within */
	(void)dns_ask(STR("a.example"), DNS_A, 0, then, &w);
	assert_int_equal(w.calls, 1);
	loop_once(0);
	assert_int_equal(w.calls, 2);
	assert_int_equal(w.result, DNS_LATER);
}

static void
test_stopped(void **state)
{
	uint32_t ticket;

	(void)state;
	(void)dns_ask(STR("a.example"), DNS_A, 1000, then, &w);
	ticket = asked("a.example", 1, 1000);
	clock_turn(1000);
	loop_run_timers();
	assert_int_equal(w.calls, 0);	/* resolvd's own word comes first */
	clock_turn(500);
	loop_run_timers();
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.result, DNS_LATER);
	say_row(ticket, 0, "late");
	say_done(ticket, DNS_OK);
	assert_int_equal(w.calls, 1);
}

static void
test_forget(void **state)
{
	struct dns_query *q = dns_ask(STR("a.example"), DNS_A, 1000, then, &w);
	uint32_t ticket = asked("a.example", 1, 1000);

	(void)state;
	say_row(ticket, 0, "x");
	dns_forget(q);
	say_done(ticket, DNS_OK);
	clock_turn(100000);
	loop_run_timers();
	assert_int_equal(w.calls, 0);
	dns_forget(NULL);
}

static void
test_show(void **state)
{
	static const struct { const char *type; struct str data;
	    const char *text; } cases[] = {
		{ "A", STR_INIT("\300\0\2\1"), "192.0.2.1" },
		{ "a", STR_INIT("\300\0\2"), "" },
		{ "AAAA", STR_INIT("\40\1\r\270\0\0\0\0\0\0\0\0\0\0\0\1"),
		  "2001:db8::1" },
		{ "MX", STR_INIT("mx.example"), "mx.example" },
		{ "ptr", STR_INIT("h.example"), "h.example" },
		{ "TXT", STR_INIT("v=\"a\\b\1\377"), "\"v=\\\"a\\\\b\\001\\255\"" },
		{ "TLSA", STR_INIT("\3\1\1\253\315"), "3 1 1 abcd" },
		{ "TLSA", STR_INIT("\3"), "" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		enum dns_type type = dns_type_of(str_of(cases[i].type));

		assert_non_null(dns_type_name(type));
		buf_reset(&b);
		dns_show(type, cases[i].data, &b);
		assert_string_equal(buf_cstr(&b), cases[i].text);
	}
	buf_free(&b);
	assert_int_equal(dns_type_of(STR("AXFR")), 0);
	assert_null(dns_type_name((enum dns_type)252));
	assert_string_equal(dns_result_name(DNS_LATER), "later");
	assert_string_equal(dns_result_name((enum dns_result)99), "unknown");
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

static void
test_failure(void **state)
{
	static const enum dns_result known[] = { DNS_OK, DNS_NO_NAME,
	    DNS_NO_DATA };

	(void)state;
	for (size_t i = 0; i < NITEMS(known); i++)
		assert_false(dns_is_failure(known[i]));
	assert_true(dns_is_failure(DNS_LATER));
	assert_true(dns_is_failure(DNS_BAD_ANSWER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rows), T(test_nonsense), T(test_death), T(test_stopped),
		T(test_forget),
		cmocka_unit_test(test_show), cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
