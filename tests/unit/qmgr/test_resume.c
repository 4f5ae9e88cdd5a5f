/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of qmgr/resume.c: which words in the queue mean that a lane was
 * paused when the last qmgr ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "qmgr/qmgr.h"
#include "qmgr/resume.h"
#include "qmgr/terms.h"
#include "qmgr/where.h"

#include "base/banned.h"

#define NOW	INT64_C(1700000000000)
#define MIN	INT64_C(60000)

struct qmgr qmgr;

static const char table[] = "provider big\n\tmx mx.big.test\n"
    "\t550 slow \"frequency limited\"\nprovider *\n\tpause 2m 1h\n"
    "\txxx slow \"too fast\"\n\txxx reputation \"reputation\"\n";

/* --- what resume.c has of others ------------------------------------------ */

struct lane *
where_host(struct str host)
{
	const struct provider *p = provider_of_mx(&qmgr.providers, host);
	struct str who = p != NULL ? p->name : host;

	return lanes_get(&qmgr.lanes, who, who);
}

struct lane_terms
terms_of(const struct lane *l)
{
	(void)l;
	return (struct lane_terms){ .connections = 4, .pauses = 2,
	    .pause_ms = { 2 * MIN, 60 * MIN }, .retry_ms = MIN,
	    .retry_max_ms = MIN };
}

/* --- tests ---------------------------------------------------------------- */

static struct arena arena;

static int
setup(void **state)
{
	struct why why;

	(void)state;
	clock_freeze(NOW);
	lanes_init(&qmgr.lanes, 100);
	arena_init(&arena, 1 << 20);
	resume_init();
	return providers_parse(&qmgr.providers, str_of(table), &arena, &why);
}

static int
teardown(void **state)
{
	(void)state;
	resume_over();
	lanes_free(&qmgr.lanes);
	arena_free(&arena);
	clock_thaw();
	return 0;
}

static void
told(const char *reason, int64_t in_ms, uint32_t kind, uint32_t held)
{
	struct note_queue_new n = { .reason = str_of(reason), .kind = kind,
	    .next_ms = NOW + in_ms, .attempts = 1, .held = held };

	resume_look(&n);
}

static bool
is_paused(const char *lane)
{
	struct lane *l = lanes_find(&qmgr.lanes, str_of(lane));

	return l != NULL && lane_paused(l, NOW);
}

static void
test_words(void **state)
{
	static const struct {
		const char	*reason;
		int64_t		in_ms;
		uint32_t	kind, held;
		const char	*lane;
		bool		paused;
	} cases[] = {
		{ "mx.big.test said: 550 Ip frequency limited", MIN,
		  ROUTE_REMOTE, 0, "big", true },
		/* a row of the provider is not everybody's */
		{ "mx.else.test said: 550 Ip frequency limited", MIN,
		  ROUTE_REMOTE, 0, "mx.else.test", false },
		{ "mx.else.test said: 421-4.7.0 you are\n421 4.7.0 too fast",
		  MIN, ROUTE_REMOTE, 0, "mx.else.test", true },
		/* a 4xx about us paused it, a 5xx did not */
		{ "mx.else.test said: 421 reputation", MIN, ROUTE_REMOTE, 0,
		  "mx.else.test", true },
		{ "mx.else.test said: 550 reputation", MIN, ROUTE_REMOTE, 0,
		  "mx.else.test", false },
		{ "mx.else.test said: 450 mailbox busy", MIN, ROUTE_REMOTE, 0,
		  "mx.else.test", false },
		/* over, held, local */
		{ "mx.else.test said: 421 too fast", 0, ROUTE_REMOTE, 0,
		  "mx.else.test", false },
		{ "mx.else.test said: 421 too fast", MIN, ROUTE_REMOTE, 1,
		  "mx.else.test", false },
		{ "mx.else.test said: 421 too fast", MIN, ROUTE_LOCAL, 0,
		  "mx.else.test", false },
		/* our own words, and what only looks like a reply */
		{ "connection timed out, too fast", MIN, ROUTE_REMOTE, 0, "",
		  false },
		{ " said: 421 too fast", MIN, ROUTE_REMOTE, 0, "", false },
		{ "somebody there said: 421 too fast", MIN, ROUTE_REMOTE, 0,
		  "somebody there", false },
		{ "mx.else.test said: 42", MIN, ROUTE_REMOTE, 0,
		  "mx.else.test", false },
		{ "mx.else.test said: too fast", MIN, ROUTE_REMOTE, 0,
		  "mx.else.test", false },
		{ "mx.else.test said: ", MIN, ROUTE_REMOTE, 0,
		  "mx.else.test", false },
		{ "", MIN, ROUTE_REMOTE, 0, "", false },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		told(cases[i].reason, cases[i].in_ms, cases[i].kind,
		    cases[i].held);
		if (is_paused(cases[i].lane) != cases[i].paused)
			fail_msg("case %zu: %s", i, cases[i].reason);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* The longest of several counts, and its words. */
static void
test_longest(void **state)
{
	const struct lane *l;

	(void)state;
	told("mx.big.test said: 550 frequency limited a", MIN, ROUTE_REMOTE, 0);
	told("mx.big.test said: 550 frequency limited b", 9 * MIN,
	    ROUTE_REMOTE, 0);
	told("mx.big.test said: 550 frequency limited c", 2 * MIN,
	    ROUTE_REMOTE, 0);
	l = lanes_find(&qmgr.lanes, STR("big"));
	assert_non_null(l);
	assert_int_equal(l->pause_until_ms, NOW + 9 * MIN);
	assert_string_equal(l->reason,
	    "mx.big.test said: 550 frequency limited b");
	assert_int_equal(l->rung, 2);		/* an hour was the second */
}

/* Of a host that has a million reasons only the first few are read, and once
 * all is told none. */
static void
test_bounds(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		told("mx.else.test said: 450 busy", MIN, ROUTE_REMOTE, 0);
	told("mx.else.test said: 421 too fast", MIN, ROUTE_REMOTE, 0);
	assert_false(is_paused("mx.else.test"));
	told("mx.big.test said: 421 too fast", MIN, ROUTE_REMOTE, 0);
	assert_true(is_paused("big"));
	resume_over();
	told("mx.third.test said: 421 too fast", MIN, ROUTE_REMOTE, 0);
	assert_false(is_paused("mx.third.test"));
}

/* Nobody is sent before all is told, but not for ever. */
static void
test_patience(void **state)
{
	(void)state;
	assert_int_equal(resume_waits_ms(), 5000);
	clock_turn(4999);
	assert_int_equal(resume_waits_ms(), 1);
	clock_turn(1);
	assert_int_equal(resume_waits_ms(), 0);
	clock_turn(60000);
	assert_int_equal(resume_waits_ms(), 0);
	resume_init();
	assert_int_equal(resume_waits_ms(), 5000);
	resume_over();
	assert_int_equal(resume_waits_ms(), 0);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_words), T(test_longest), T(test_bounds),
		T(test_patience),
	};

	return cmocka_run_group_tests_name("qmgr/resume", tests, NULL, NULL);
}
