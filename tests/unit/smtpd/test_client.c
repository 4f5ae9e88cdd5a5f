/* SPDX-License-Identifier: ISC */
/*
 * iprev: names of a client and their addresses, with a DNS that stands in the
 * case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fail.h"
#include "daemon/dns.h"
#include "event/loop.h"
#include "smtpd/client.h"

#include "base/banned.h"

#define RECORDS		32
#define V4		"7.2.0.192.in-addr.arpa "
#define V6		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0." \
			"8.b.d.0.1.0.0.2.ip6.arpa "

struct dns_query {
	char		name[300];
	enum dns_type	type;
	dns_then_fn	*then;
	void		*arg;
};

static struct {
	struct dns_query *open;		/* one at a time */
	unsigned	asked;
	bool		is_over;
} w;

/* --- what the room has of others ------------------------------------------ */

struct dns_query *
dns_ask(struct str name, enum dns_type type, int64_t wait_ms,
    dns_then_fn *then, void *arg)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));

	assert_true(w.open == NULL && wait_ms > 0);
	(void)snprintf(q->name, sizeof(q->name), "%.*s", STR_ARG(name));
	q->type = type;
	q->then = then;
	q->arg = arg;
	w.open = q;
	w.asked++;
	return q;
}

void
dns_forget(struct dns_query *q)
{
	assert_ptr_equal(q, w.open);
	free(q);
	w.open = NULL;
}

/* "NAME DATA|NAME !|" */
static void
answer(struct dns_query *q, const char *zone)
{
	static uint8_t octets[RECORDS][16];
	struct dns_record r[RECORDS];
	struct dns_answer a = { .result = DNS_NO_NAME, .records = r };
	struct str z = str_of(zone);

	while (z.n > 0) {
		struct str data = str_until(&z, '|');
		struct str name = str_until(&data, ' ');
		int family = q->type == DNS_A ? AF_INET : AF_INET6;
		char text[64];

		if (!str_is(name, q->name))
			continue;
		if (str_same(data, "!")) {
			a.result = DNS_LATER;
			continue;
		}
		(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(data));
		if (q->type != DNS_PTR) {
			if (inet_pton(family, text, octets[a.n]) != 1)
				continue;
			data = str_mem(octets[a.n], family == AF_INET ? 4 : 16);
		}
		a.result = DNS_OK;
		r[a.n++] = (struct dns_record){ .data = data };
	}
	q->then(q->arg, &a);
	free(q);
}

static void
then(void *arg)
{
	assert_ptr_equal(arg, &w);
	assert_false(w.is_over);
	w.is_over = true;
}

/* --- cases --------------------------------------------------------------- */

#define X(n)	V4 "n" #n ".example|n" #n ".example 192.0.2.9|"

static const struct {
	const char	*peer, *zone, *want;	/* NULL: no field */
	unsigned	asked;
} cases[] = {
	{ "192.0.2.7", V4 "a.example|a.example 192.0.2.7|", "pass", 2 },
	{ "::ffff:192.0.2.7", V4 "a.example|a.example 192.0.2.7|", "pass", 2 },
	{ "2001:db8::1", V6 "a.example|a.example 2001:db8::1|", "pass", 2 },
	{ "2001:db8::1", V6 "a.example|a.example 192.0.2.7|",
	  "fail reason=\"no name of it leads back\"", 2 },
	{ "192.0.2.7", V4 "a.example|a.example 192.0.2.8|",
	  "fail reason=\"no name of it leads back\"", 2 },
	{ "192.0.2.7", V4 "a.example|",
	  "fail reason=\"no name of it leads back\"", 2 },
	{ "192.0.2.7", "", "permerror reason=\"it has no name\"", 1 },
	{ "192.0.2.7", V4 "!|", "temperror reason=\"the DNS does not answer\"",
	  1 },
	{ "192.0.2.7", V4 "a.example|a.example !|" V4 "b.example|",
	  "temperror reason=\"the DNS does not answer\"", 3 },
	{ "192.0.2.7", V4 "a.example|a.example !|" V4 "b.example|"
	  "b.example 192.0.2.7|", "pass", 3 },
	/* the eleventh name is not looked at */
	{ "192.0.2.7", X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
	  V4 "good.example|good.example 192.0.2.7|",
	  "fail reason=\"no name of it leads back\"", 11 },
	{ "192.0.2.7", X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
	  V4 "good.example|good.example 192.0.2.7|", "pass", 11 },
	{ "uid:0", "", NULL, 0 },
};

static void
run(size_t i)
{
	struct client *c;
	struct authres ar;
	struct buf out, want;

	w.is_over = false;
	w.asked = 0;
	c = client_new(str_of(cases[i].peer), 1000, then, &w);
	while (w.open != NULL) {
		struct dns_query *q = w.open;

		assert_false(w.is_over);
		w.open = NULL;
		answer(q, cases[i].zone);
	}
	loop_run_timers();
	assert_true(w.is_over);
	buf_init(&out, 1024);
	buf_init(&want, 1024);
	authres_begin(&ar, &out, STR("mx"));
	client_put(c, &ar);
	if (cases[i].want != NULL)
		buf_fmt(&want, "Authentication-Results: mx;\r\n\tiprev=%s "
		    "policy.iprev=%s%s%s", cases[i].want,
		    strchr(cases[i].peer, ':') ? "\"" : "", cases[i].peer,
		    strchr(cases[i].peer, ':') ? "\"" : "");
	else
		buf_z(&want, "Authentication-Results: mx");
	assert_string_equal(buf_cstr(&out), buf_cstr(&want));
	assert_int_equal(w.asked, cases[i].asked);
	buf_free(&out);
	buf_free(&want);
	client_free(c);
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++)
		run(i);
}

/* Time is over between two questions; and somebody who does not wait. */
static void
test_late(void **state)
{
	struct client *c = client_new(STR("192.0.2.7"), 1000, then, &w);
	struct dns_query *q = w.open;

	(void)state;
	w.is_over = false;
	w.open = NULL;
	clock_turn(1000);
	answer(q, V4 "a.example|");
	assert_null(w.open);
	loop_run_timers();
	assert_true(w.is_over);
	assert_int_equal(client_result(c), CLIENT_TEMPERROR);
	client_free(c);
	c = client_new(STR("192.0.2.7"), 1000, then, &w);
	assert_non_null(w.open);
	client_free(c);
	assert_null(w.open);
	client_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_late),
	};

	clock_freeze(1700000000000);
	loop_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
