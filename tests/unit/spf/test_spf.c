/* SPDX-License-Identifier: ISC */
/*
 * check_host() where the suite of RFC 7208 (tests/spf) does not look: limits,
 * loops, records without end, what it says about itself.  The zone is a table
 * of "name TYPE data".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/attr.h"
#include "base/buf.h"
#include "spf/spf.h"

#include "base/banned.h"

struct row {
	const char	*name;
	enum spf_type	type;
	const char	*data;		/* NULL: the DNS does not answer */
	size_t		n;		/* 0: strlen(data) */
};

static struct spf spf;
static struct arena arena;
static unsigned asked;

static void
answer(const struct row *zone)
{
	enum spf_answer a = SPF_VOID;

	asked++;
	for (; zone->name != NULL; zone++) {
		if (strcmp(zone->name, spf.ask) != 0 ||
		    zone->type != spf.ask_type)
			continue;
		a = zone->data != NULL ? SPF_FOUND : SPF_LATER;
		if (a == SPF_FOUND)
			spf_row(&spf, zone->n > 0 ? str_mem(zone->data,
			    zone->n) : str_of(zone->data));
	}
	spf_answered(&spf, a);
}

static enum spf_result
check(const struct row *zone, const char *client, const char *sender)
{
	struct spf_query q = { .client = str_of(client),
	    .helo = STR("helo.example"), .sender = str_of(sender) };

	arena_reset(&arena);
	asked = 0;
	assert_int_equal(spf_begin(&spf, &arena, &q), 0);
	while (spf_step(&spf) == SPF_ASK)
		answer(zone);
	return spf.result;
}

#define TXT	SPF_TYPE_TXT
#define IN	SPF_TYPE_A

static void
test_plain(void **state)
{
	static const struct row zone[] = {
		{ "a.example", TXT, "v=spf1 ip4:192.0.2.0/25 ip6:2001:db8::/33 "
		    "include:b.example -all", 0 },
		{ "b.example", TXT, "v=spf1 exists:ok.example -all", 0 },
		{ "ok.example", IN, "\x7f\0\0\1", 4 },
		{ "helo.example", TXT, "v=spf1 ~all", 0 },
		{ NULL, TXT, NULL, 0 },
	};

	assert_int_equal(check(zone, "192.0.2.127", "x@a.example"), SPF_PASS);
	assert_true(str_same(spf.matched, "ip4:192.0.2.0/25"));
	assert_true(str_same(spf.matched_in, "a.example"));
	assert_int_equal(check(zone, "::ffff:192.0.2.127", "x@a.example"), SPF_PASS);
	assert_int_equal(check(zone, "2001:db8:7fff::1", "x@a.example"), SPF_PASS);
	assert_int_equal(check(zone, "192.0.2.128", "x@a.example"), SPF_PASS);
	assert_true(str_same(spf.matched, "include:b.example"));
	assert_int_equal(spf.lookups, 2);
	assert_int_equal(check(zone, "192.0.2.1", ""), SPF_SOFTFAIL);
	assert_true(str_same(spf.domain, "helo.example"));
	assert_int_equal(check(zone, "192.0.2.1", "x@none.example"), SPF_NONE);
	assert_int_equal(check(zone, "192.0.2.1", "x@localhost"), SPF_NONE);
	assert_int_equal(asked, 0);
	assert_int_equal(check(zone, "192.0.2.1", "x@A.example."), SPF_NONE);
}

static void
test_bad_client(void **state)
{
	struct spf_query q = { .client = STR("uid:1000") };

	assert_int_equal(spf_begin(&spf, &arena, &q), FAIL_SYNTAX);
	q.client = STR("1.2.3.4\0");
	assert_int_equal(spf_begin(&spf, &arena, &q), FAIL_SYNTAX);
	q.client = STR("");
	assert_int_equal(spf_begin(&spf, &arena, &q), FAIL_SYNTAX);
}

/* A record that sends the evaluator in a circle, or on and on. */
static void
test_limits(void **state)
{
	static const struct row zone[] = {
		{ "loop.example", TXT, "v=spf1 include:loop.example", 0 },
		{ "back.example", TXT, "v=spf1 redirect=back.example", 0 },
		{ "ten.example", TXT, "v=spf1 a:h.example a:h.example "
		    "a:h.example a:h.example a:h.example a:h.example a:h.example "
		    "a:h.example a:h.example a:h.example ?all", 0 },
		{ "eleven.example", TXT, "v=spf1 a:h.example a:h.example "
		    "a:h.example a:h.example a:h.example a:h.example a:h.example "
		    "a:h.example a:h.example a:h.example a:h.example ?all", 0 },
		{ "h.example", IN, "\x7f\0\0\1", 4 },
		{ "void2.example", TXT, "v=spf1 a:n.example a:n.example ?all", 0 },
		{ "void3.example", TXT, "v=spf1 a:n.example a:n.example "
		    "exists:n.example ?all", 0 },
		{ "later.example", TXT, "v=spf1 a:d.example -all", 0 },
		{ "d.example", IN, NULL, 0 },
		{ "two.example", TXT, "v=spf1 -all", 0 },
		{ "two.example", TXT, "v=spf1", 0 },
		{ "odd.example", TXT, "v=spf1 -all\0", 12 },
		{ "bad.example", TXT, "v=spf1 +all a:x", 0 },
		{ NULL, TXT, NULL, 0 },
	};
	static const struct {
		const char	*domain;
		enum spf_result	result;
		unsigned	asked;
	} rows[] = {
		{ "x@loop.example", SPF_PERMERROR, 11 },
		{ "x@back.example", SPF_PERMERROR, 11 },
		{ "x@ten.example", SPF_NEUTRAL, 11 },
		{ "x@eleven.example", SPF_PERMERROR, 11 },
		{ "x@void2.example", SPF_NEUTRAL, 3 },
		{ "x@void3.example", SPF_PERMERROR, 4 },
		{ "x@later.example", SPF_TEMPERROR, 2 },
		{ "x@two.example", SPF_PERMERROR, 1 },
		{ "x@odd.example", SPF_PERMERROR, 1 },
		{ "x@bad.example", SPF_PERMERROR, 1 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		enum spf_result r = check(zone, "192.0.2.1", rows[i].domain);

		if (r != rows[i].result || asked != rows[i].asked)
			fail_msg("%s: %s after %u questions", rows[i].domain,
			    spf_result_name(r), asked);
		assert_true((spf.why.text[0] != '\0') == (r >= SPF_TEMPERROR));
	}
}

/* 4,000 of each where the RFC counts to ten. */
static void
test_floods(void **state)
{
	struct spf_query q = { .client = STR("192.0.2.1"),
	    .helo = STR("helo.example"), .sender = STR("x@a.example") };
	unsigned addresses = 0;

	for (int mx = 0; mx < 2; mx++) {
		arena_reset(&arena);
		assert_int_equal(spf_begin(&spf, &arena, &q), 0);
		while (spf_step(&spf) == SPF_ASK) {
			if (spf.ask_type == SPF_TYPE_TXT)
				spf_row(&spf, mx ? STR("v=spf1 mx ?all") :
				    STR("v=spf1 ptr ?all"));
			else if (spf.ask_type == SPF_TYPE_A)
				addresses++;
			else
				for (int i = 0; i < 4000; i++)
					spf_row(&spf, STR("h.example"));
			spf_answered(&spf, SPF_FOUND);
		}
		assert_int_equal(spf.result, mx ? SPF_PERMERROR : SPF_NEUTRAL);
	}
	assert_int_equal(addresses, SPF_NAMES_MAX);
}

/* The texts that a C library is known to die of. */
static void
test_long_texts(void **state)
{
	static char exp[1024], exists[8192], filler[65536];
	struct row zone[] = {
		{ "a.example", TXT, "v=spf1 exp=e.example -all", 0 },
		{ "e.example", TXT, exp, 0 },
		{ "b.example", TXT, exists, 0 },
		{ "c.example", TXT, filler, 0 },
		{ NULL, TXT, NULL, 0 },
	};
	struct buf b;

	buf_init(&b, sizeof(exists));
	for (int i = 0; i < 127; i++)
		buf_z(&b, "%{i}");
	memcpy(exp, buf_cstr(&b), b.len);
	memset(exp + b.len, 'x', 300);
	buf_reset(&b);
	buf_z(&b, "v=spf1 exists:");
	for (int i = 0; i < 127; i++)
		buf_z(&b, "%{d}");
	for (int i = 0; i < 4600; i++)
		buf_z(&b, "y");
	buf_z(&b, ".example ?all");
	memcpy(exists, buf_cstr(&b), b.len);
	buf_free(&b);
	memset(filler, ' ', sizeof(filler) - 1);
	memcpy(filler, "v=spf1 ", 7);
	memcpy(filler + sizeof(filler) - 6, " -all", 5);
	assert_int_equal(check(zone, "192.0.2.1", "x@a.example"), SPF_FAIL);
	assert_int_equal(strlen(spf.explanation), SPF_EXPLAIN_MAX);
	assert_int_equal(check(zone, "192.0.2.1", "x@b.example"), SPF_NEUTRAL);
	assert_int_equal(check(zone, "192.0.2.1", "x@c.example"), SPF_FAIL);
	assert_int_equal(spf.explanation[0], '\0');
}

/* A full arena is an error of the record, never a wrong pass. */
static void
test_no_room(void **state)
{
	static const struct row zone[] = {
		{ "a.example", TXT, "v=spf1 include:a.example +all", 0 },
		{ NULL, TXT, NULL, 0 },
	};
	enum spf_result r;

	for (size_t cap = 16; cap < 1024; cap += 16) {
		arena_free(&arena);
		arena_init(&arena, cap);
		r = check(zone, "192.0.2.1", "joe@a.example");
		assert_int_equal(r, SPF_PERMERROR);
	}
	arena_free(&arena);
	arena_init(&arena, SPF_ARENA);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_bad_client),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_no_room),
	};
	int r;

	arena_init(&arena, SPF_ARENA);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(&arena);
	return r;
}
