/* SPDX-License-Identifier: ISC */
/*
 * smtpd/sender.c: SPF of MAIL FROM and of HELO side by side, with a DNS that
 * stands in the case, in time and out of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "event/loop.h"
#include "smtpd/second.h"
#include "smtpd/sender.h"

#include "../../lib/fakedns.h"
#include "base/banned.h"

static struct {
	struct conf	conf;
	unsigned	over;
	struct buf	facts;		/* what the second one was told */
	bool		asks_second;
} w;

/* --- what the room has of others ------------------------------------------ */

const struct conf *
daemon_conf(void)
{
	return &w.conf;
}

bool
second_wanted(void)
{
	return w.asks_second;
}

void
second_add(struct buf *facts, const struct spf *s, enum spf_answer how,
    size_t rows)
{
	buf_fmt(facts, "%.*s %d %zu;", (int)s->ask_n, s->ask, (int)how, rows);
}

void
second_row(struct buf *facts, struct str data)
{
	buf_fmt(facts, "%.*s;", STR_ARG(data));
}

void
second_ask(struct str peer, struct str helo, struct str mail,
    const struct spf *ours, const struct buf *facts)
{
	(void)ours;
	if (!w.asks_second)
		return;
	buf_fmt(&w.facts, "%.*s %.*s %.*s: ", STR_ARG(peer), STR_ARG(helo),
	    STR_ARG(mail));
	buf_add(&w.facts, buf_str(facts));
}

static void
then(void *arg)
{
	assert_ptr_equal(arg, &w);
	w.over++;
}

/* --- cases ---------------------------------------------------------------- */

#define AR	"Authentication-Results: mx;\r\n\t"
#define ME	"192.0.2.1"
#define YES	" v=spf1 ip4:192.0.2.0/24 -all|"
#define NO	" v=spf1 -all|"

static const struct {
	const char	*helo, *mail, *zone;
	enum spf_result	result;
	const char	*want;
} cases[] = {
	{ "h.test", "joe@m.test", "m.test" YES, SPF_PASS,
	  "spf=pass smtp.mailfrom=joe@m.test" },
	{ "h.test", "joe@m.test", "m.test" NO, SPF_FAIL,
	  "spf=fail smtp.mailfrom=joe@m.test" },
	{ "h.test", "joe@m.test", "", SPF_NONE,
	  "spf=none smtp.mailfrom=joe@m.test" },
	/* HELO has a record: it is written down, and decides nothing */
	{ "h.test", "joe@m.test", "m.test" YES "h.test" NO, SPF_PASS,
	  "spf=pass smtp.mailfrom=joe@m.test;\r\n\tspf=fail smtp.helo=h.test" },
	{ "h.test", "joe@m.test", "m.test" NO "h.test" YES, SPF_FAIL,
	  "spf=fail smtp.mailfrom=joe@m.test;\r\n\tspf=pass smtp.helo=h.test" },
	/* null sender: HELO decides (RFC 7208 2.4) */
	{ "h.test", "", "h.test" NO, SPF_FAIL,
	  "spf=fail smtp.helo=h.test" },
	/* the resolver is silent for one of them */
	{ "h.test", "joe@m.test", "m.test !|h.test" YES, SPF_TEMPERROR, NULL },
	{ "h.test", "joe@m.test", "m.test" YES "h.test !|", SPF_PASS, NULL },
	/* further questions */
	{ "h.test", "joe@m.test", "m.test v=spf1 a:x.test -all|x.test 192.0.2.1|",
	  SPF_PASS, "spf=pass smtp.mailfrom=joe@m.test" },
	{ "h.test", "joe@m.test", "m.test v=spf1 include:i.test -all|i.test" YES,
	  SPF_PASS, "spf=pass smtp.mailfrom=joe@m.test" },
	{ "h.test", "joe@m.test", "m.test v=spf1 nonsense:x|", SPF_PERMERROR,
	  NULL },
};

static void
check(size_t i, bool backwards)
{
	struct sender *s = sender_new(STR(ME), str_of(cases[i].helo),
	    str_of(cases[i].mail), 20000, then, &w);
	struct authres ar;
	struct buf out;

	w.over = 0;
	fakedns_pump(cases[i].zone, backwards);
	assert_int_equal(w.over, 1);
	if (sender_spf(s)->result != cases[i].result)
		fail_msg("case %zu: %s", i,
		    spf_result_name(sender_spf(s)->result));
	buf_init(&out, 4096);
	authres_begin(&ar, &out, STR("mx"));
	sender_put(s, &ar);
	authres_end(&ar);
	if (cases[i].want != NULL && (!str_starts(buf_str(&out), AR) ||
	    !str_same(str_chomp(str_from(buf_str(&out), sizeof(AR) - 1)),
	    cases[i].want)))
		fail_msg("case %zu: %s", i, buf_cstr(&out));
	buf_free(&out);
	sender_free(s);
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		check(i, false);
		check(i, true);
	}
}

/* A client that is no address has no verdict, and nobody is asked. */
static void
test_no_address(void **state)
{
	struct sender *s;

	(void)state;
	w.over = 0;
	fakedns.asked = 0;
	s = sender_new(STR("unix"), STR("h.test"), STR("joe@m.test"), 20000,
	    then, &w);
	assert_int_equal(w.over, 0);	/* from the loop, not from within */
	loop_run_timers();
	assert_int_equal(w.over, 1);
	assert_int_equal(fakedns.asked, 0);
	assert_int_equal(sender_spf(s)->result, SPF_NONE);
	sender_free(s);
}

/* One time for all questions: what comes after it is not asked. */
static void
test_out_of_time(void **state)
{
	struct sender *s;

	(void)state;
	w.over = 0;
	fakedns.asked = 0;
	s = sender_new(STR(ME), STR("h.test"), STR("joe@m.test"), 1000, then,
	    &w);
	assert_int_equal(fakedns.asked, 2);
	clock_turn(1000);
	fakedns_pump("m.test v=spf1 include:i.test -all|", false);
	assert_int_equal(w.over, 1);
	assert_int_equal(fakedns.asked, 2);
	assert_int_equal(sender_spf(s)->result, SPF_TEMPERROR);
	sender_free(s);
}

static void
test_dropped(void **state)
{
	struct sender *s;

	(void)state;
	w.over = 0;
	s = sender_new(STR(ME), STR("h.test"), STR("joe@m.test"), 1000, then,
	    &w);
	assert_int_equal(fakedns.opens, 2);
	sender_free(s);
	assert_int_equal(fakedns.opens, 0);
	loop_run_timers();
	assert_int_equal(w.over, 0);
	sender_free(NULL);
}

/* An octet that a name in text cannot hold is written as one, and the second
 * one hears the same questions and answers. */
static void
test_second(void **state)
{
	struct sender *s;

	(void)state;
	w.asks_second = true;
	buf_init(&w.facts, 4096);
	s = sender_new(STR(ME), STR("h.test"), STR("j+e@m.test"), 1000, then,
	    &w);
	fakedns_pump("m.test v=spf1 exists:%{l}.x.test -all|"
	    "j\\043e.x.test 127.0.0.2|", false);
	assert_int_equal(sender_spf(s)->result, SPF_PASS);
	assert_true(str_starts(buf_str(&w.facts), ME " h.test j+e@m.test: "));
	assert_true(str_find(buf_str(&w.facts), STR("v=spf1 exists")) <
	    w.facts.len);
	sender_free(s);
	buf_free(&w.facts);
	w.asks_second = false;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_out_of_time),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_second),
	};
	int rc;

	clock_freeze(1700000000000);
	loop_init();
	conf_init(&w.conf);
	rc = cmocka_run_group_tests_name("smtpd/sender", tests, NULL, NULL);
	conf_free(&w.conf);
	return rc;
}
