/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of qmgr/lane.c: turns, pace, pauses, dead destinations.  A
 * receiver that counts is played here; the clock is a number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "qmgr/lane.h"

#define MIN	INT64_C(60000)

static const struct lane_terms terms = { .connections = 20,
    .pause_ms = { 2 * MIN, 10 * MIN, 60 * MIN }, .pauses = 3,
    .retry_ms = 5 * MIN, .retry_max_ms = 120 * MIN };

struct world {
	struct queue	q;
	struct lanes	ls;
	unsigned	mids;
	int64_t		now;
};

static void
open_world(struct world *w, unsigned most)
{
	memset(w, 0, sizeof(*w));
	w->now = 1000000;
	queue_init(&w->q);
	lanes_init(&w->ls, most);
}

static void
close_world(struct world *w)
{
	struct link *m, *e;

	list_each(m, &w->q.messages)
		list_each(e, &container_of(m, struct message, link)->items)
			lane_take(&w->ls, container_of(e, struct item, link),
			    w->now);
	queue_clear(&w->q);
	dict_free(&w->q.by_mid);
	heap_free(&w->q.due);
	assert_int_equal(dict_len(&w->ls.buckets), 0);
	lanes_free(&w->ls);
}

static struct item *
put(struct world *w, const char *lane, const char *sender, const char *to,
    uint32_t flags, bool same_message)
{
	char mid[27] = "";
	struct note_queue_new n = { .mid = str_mem(mid, 26),
	    .sender = str_of(sender), .address = str_of(to), .flags = flags };
	struct item *i;

	w->mids += !same_message;
	(void)snprintf(mid, sizeof(mid), "%026u", w->mids);
	n.number = same_message ? (uint32_t)w->q.items : 0;
	i = queue_add(&w->q, &n);
	lane_add(&w->ls, lanes_get(&w->ls, str_of(lane), str_of(lane)), i,
	    false, w->now);
	return i;
}

/* Serves one lane: its key; items are gone afterwards. */
struct served {
	struct lane	*lane;
	enum lane_health began;
	size_t		n;
	char		first[64];
	struct item	*item[8];
};

static bool
serve(struct world *w, struct served *s)
{
	s->lane = lanes_next(&w->ls, w->now);
	if (s->lane == NULL)
		return false;
	s->n = lane_pick(&w->ls, s->lane, s->item, 8);
	assert_int_not_equal(s->n, 0);
	(void)snprintf(s->first, sizeof(s->first), "%s", s->item[0]->address);
	s->began = lane_began(&w->ls, s->lane, w->now);
	return true;
}

static void
end(struct world *w, struct served *s, enum lane_end how)
{
	lane_ended(&w->ls, s->lane, s->began, how, &terms, STR("because"),
	    w->now);
	for (size_t k = 0; k < s->n; k++)
		queue_remove(&w->q, s->item[k]);
}

static void
expect(struct world *w, const char *to)
{
	struct served s;

	assert_true(serve(w, &s));
	assert_string_equal(s.first, to);
	end(w, &s, LANE_GOOD);
}

static void
test_lanes_and_senders_in_turn(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 100);
	lanes_get(&w.ls, STR("big"), STR("big"))->health = LANE_PROVEN;
	lanes_get(&w.ls, STR("small"), STR("small"))->health = LANE_PROVEN;
	put(&w, "big", "news@a", "1@big", SPOOL_BULK, false);
	put(&w, "big", "news@a", "2@big", SPOOL_BULK, false);
	put(&w, "big", "joe@a", "3@big", 0, false);
	put(&w, "big", "joe@a", "4@big", 0, false);
	put(&w, "big", "ann@a", "5@big", 0, false);
	put(&w, "small", "joe@a", "6@small", 0, false);
	/* lanes in turn, then persons in turn, bulk last */
	expect(&w, "3@big");
	expect(&w, "6@small");
	expect(&w, "5@big");
	expect(&w, "4@big");
	expect(&w, "1@big");
	expect(&w, "2@big");
	assert_null(lanes_next(&w.ls, w.now));
	assert_int_equal(lanes_next_ms(&w.ls), -1);
	close_world(&w);
}

static void
test_recipients_of_one_domain_together(void **state)
{
	struct world w;
	struct served s;

	(void)state;
	open_world(&w, 100);
	put(&w, "p", "joe@a", "1@x.test", 0, false);
	put(&w, "p", "joe@a", "2@y.test", 0, true);
	put(&w, "p", "joe@a", "3@X.test", 0, true);
	put(&w, "p", "joe@a", "4@x.test", 0, false);
	assert_true(serve(&w, &s));
	assert_int_equal(s.n, 2);	/* not y.test, not the other message */
	assert_string_equal(s.item[1]->address, "3@X.test");
	end(&w, &s, LANE_GOOD);
	expect(&w, "2@y.test");
	expect(&w, "4@x.test");
	close_world(&w);
}

static void
fill(struct world *w, const char *lane, int n)
{
	for (int k = 0; k < n; k++)
		(void)put(w, lane, "joe@a", "x@y", 0, false);
}

static void
test_grows_with_success_and_is_bounded(void **state)
{
	struct world w;
	struct served s[64];
	unsigned out = 0, rounds;

	(void)state;
	open_world(&w, 100);
	fill(&w, "p", 2000);
	for (rounds = 0; rounds < 30; rounds++) {
		for (out = 0; out < 64 && serve(&w, &s[out]); out++)
			;
		if (rounds == 0)
			assert_int_equal(out, 1);
		for (unsigned k = 0; k < out; k++)
			end(&w, &s[k], LANE_GOOD);
	}
	assert_int_equal(out, terms.connections);
	/* one failure halves, it does not stop a lane that works */
	assert_true(serve(&w, &s[0]));
	end(&w, &s[0], LANE_FAILED);
	assert_int_equal(s[0].lane->window, 10);
	assert_false(lane_paused(s[0].lane, w.now));
	close_world(&w);
}

static void
test_too_fast_pauses_and_one_probe_ends_it(void **state)
{
	struct world w;
	struct served s[8];
	struct lane *l;

	(void)state;
	open_world(&w, 100);
	fill(&w, "p", 20);
	expect(&w, "x@y");
	assert_true(serve(&w, &s[0]));
	assert_true(serve(&w, &s[1]));
	end(&w, &s[0], LANE_SLOW);
	end(&w, &s[1], LANE_SLOW);	/* was out together: the same pause */
	l = s[0].lane;
	assert_int_equal(l->pause_until_ms, w.now + 2 * MIN);
	assert_null(lanes_next(&w.ls, w.now));
	assert_int_equal(lanes_next_ms(&w.ls), w.now + 2 * MIN);
	w.now += 2 * MIN;
	assert_true(serve(&w, &s[0]));
	w.now += MIN;
	assert_false(serve(&w, &s[1]));		/* one probe */
	end(&w, &s[0], LANE_SLOW);		/* refused: the next rung */
	assert_int_equal(l->pause_until_ms, w.now + 10 * MIN);
	w.now += 10 * MIN;
	assert_true(serve(&w, &s[0]));
	end(&w, &s[0], LANE_GOOD);
	assert_false(l->is_probing);
	assert_true(l->gap_us > 0);		/* and now with distance */
	assert_null(lanes_next(&w.ls, w.now));
	lane_resume(&w.ls, l, w.now);
	assert_non_null(lanes_next(&w.ls, w.now));
	close_world(&w);
}

/* A receiver that takes `most` in each `period`, and refuses what is more. */
static void
receiver(int most, int64_t period, int messages)
{
	struct world w;
	struct served s;
	int taken = 0, refused = 0, in_period = 0, steps = 0;
	int64_t period_end;

	open_world(&w, 100);
	period_end = w.now + period;
	fill(&w, "p", messages);
	while (taken < messages) {
		int64_t next;

		assert_true(++steps < 100 * messages);
		while (w.now >= period_end) {
			period_end += period;
			in_period = 0;
		}
		if (!serve(&w, &s)) {
			next = lanes_next_ms(&w.ls);
			assert_true(next > w.now);
			w.now = next;
			continue;
		}
		w.now += 50;
		if (in_period < most) {
			in_period++;
			taken++;
			end(&w, &s, LANE_GOOD);
		} else {
			refused++;
			lane_ended(&w.ls, s.lane, s.began, LANE_SLOW, &terms,
			    STR("550 Ip frequency limited"), w.now);
			lane_add(&w.ls, s.lane, s.item[0], true, w.now);
		}
	}
	print_message("at most %d in %lld s: %d taken, %d refused, %lld min\n",
	    most, (long long)period / 1000, taken, refused,
	    (long long)(w.now - 1000000) / MIN);
	assert_true(refused * 5 <= taken);	/* 0.2 an accepted one */
	close_world(&w);
}

static void
test_few_refusals_an_accepted_message(void **state)
{
	(void)state;
	receiver(10, MIN, 500);
	receiver(60, MIN, 500);
	receiver(5, 10 * 1000, 200);
	receiver(100, 60 * MIN, 500);
	receiver(30, 10 * MIN, 300);
}

static void
test_dead_destinations_delay_nobody(void **state)
{
	struct world w;
	struct served dead[200], s;
	char lane[32];
	unsigned out = 0;

	(void)state;
	open_world(&w, 100);
	for (int k = 0; k < 200; k++) {
		(void)snprintf(lane, sizeof(lane), "dead%d", k);
		fill(&w, lane, 10);
	}
	/* new ones take three quarters, and sit there */
	while (out < 200 && serve(&w, &dead[out]))
		out++;
	assert_int_equal(out, 75);
	/* a lane that is known to work has room */
	lanes_get(&w.ls, STR("good"), STR("good"))->health = LANE_PROVEN;
	fill(&w, "good", 10);
	for (int k = 0; k < 10; k++) {
		assert_true(serve(&w, &s));
		assert_string_equal(s.lane->key, "good");
		end(&w, &s, LANE_GOOD);
	}
	for (unsigned k = 0; k < out; k++)
		end(&w, &dead[k], LANE_FAILED);
	/* each waits for itself, what is queued behind is not tried */
	assert_true(lane_paused(dead[0].lane, w.now));
	assert_int_equal(dead[0].lane->waiting, 9);
	w.now += 6 * MIN;
	for (out = 0; out < 200 && serve(&w, &dead[out]); out++)
		;
	assert_true(out <= 75);
	assert_int_equal(w.ls.out[LANE_FAILING], 25);
	for (unsigned k = 0; k < out; k++)
		end(&w, &dead[k], LANE_FAILED);
	close_world(&w);
}

/* Those who sit in connections give their slots back after a while: who would
 * answer waits for a turn, not for their timeouts.  Four times all slots may
 * sit like that. */
static void
silent(unsigned dead, bool is_reached)
{
	struct world w;
	struct served s[500];
	char lane[32];
	unsigned out = 0, from = 0;

	open_world(&w, 100);
	for (unsigned k = 0; k < dead; k++) {
		(void)snprintf(lane, sizeof(lane), "dead%u", k);
		fill(&w, lane, 1);
	}
	fill(&w, "good", 1);		/* new as they are, and behind them */
	while (out < 500 && serve(&w, &s[out]))
		if (++out - from == 75)	/* all that new ones may have */
			for (; from < out; from++)
				s[from].began = lane_yields(&w.ls,
				    s[from].began);
	assert_int_equal(w.ls.out[LANE_SILENT], from);
	assert_int_equal(strcmp(s[out - 1].lane->key, "good") == 0,
	    is_reached);
	if (!is_reached)
		assert_true(out >= 4 * 100);
	for (unsigned k = 0; k < out; k++)
		end(&w, &s[k], LANE_FAILED);
	assert_int_equal(w.ls.out[LANE_SILENT], 0);
	assert_int_equal(w.ls.out_all, 0);
	close_world(&w);
}

static void
test_silent_ones_yield(void **state)
{
	(void)state;
	silent(200, true);
	silent(499, false);
}

/* What the last qmgr was told holds for this one: nothing until the pause
 * ends, then one probe, and a refusal of it climbs on. */
static void
test_paused_before_we_started(void **state)
{
	struct world w;
	struct served s;
	struct lane *l;

	(void)state;
	open_world(&w, 100);
	l = lanes_get(&w.ls, STR("p"), STR("p"));
	fill(&w, "p", 20);
	assert_true(lane_was_paused(&w.ls, l, &terms, w.now + 5 * MIN,
	    STR("mx said: 550 too fast"), w.now));
	assert_false(lane_was_paused(&w.ls, l, &terms, w.now + 4 * MIN,
	    STR("mx said: 550 too fast"), w.now));
	assert_null(lanes_next(&w.ls, w.now));
	assert_int_equal(lanes_next_ms(&w.ls), w.now + 5 * MIN);
	assert_string_equal(l->reason, "mx said: 550 too fast");
	w.now += 5 * MIN;
	assert_true(serve(&w, &s));
	assert_null(lanes_next(&w.ls, w.now + MIN));	/* one probe */
	end(&w, &s, LANE_SLOW);
	/* five minutes are of the second rung: now it is the third */
	assert_int_equal(l->pause_until_ms, w.now + 60 * MIN);
	w.now += 60 * MIN;
	assert_true(serve(&w, &s));
	end(&w, &s, LANE_GOOD);
	assert_true(l->gap_us > 0);
	close_world(&w);
}

static void
test_pause_grows_while_nobody_is_there(void **state)
{
	struct world w;
	struct served s;
	int64_t before = 0, wait;

	(void)state;
	open_world(&w, 100);
	fill(&w, "p", 20);
	for (int k = 0; k < 8; k++) {
		assert_true(serve(&w, &s));
		end(&w, &s, LANE_FAILED);
		wait = s.lane->pause_until_ms - w.now;
		assert_true(wait >= before * 9 / 10);
		assert_true(wait <= 132 * MIN);
		before = wait;
		w.now = s.lane->pause_until_ms;
	}
	assert_true(before >= 108 * MIN);
	assert_true(serve(&w, &s));
	end(&w, &s, LANE_UNHEARD);	/* says nothing about the lane */
	assert_true(s.lane->is_probing);
	assert_true(serve(&w, &s));
	end(&w, &s, LANE_NEUTRAL);	/* somebody answers */
	assert_false(s.lane->is_probing);
	assert_non_null(lanes_next(&w.ls, w.now));
	close_world(&w);
}

static void
test_idle_lanes_are_forgotten(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 100);
	fill(&w, "p", 1);
	expect(&w, "x@y");
	lanes_sweep(&w.ls, w.now + 59 * MIN);
	assert_non_null(lanes_find(&w.ls, STR("p")));
	lanes_sweep(&w.ls, w.now + 61 * MIN);
	assert_null(lanes_find(&w.ls, STR("p")));
	close_world(&w);
}

static void
test_item_may_leave(void **state)
{
	struct world w;
	struct item *i;

	(void)state;
	open_world(&w, 100);
	i = put(&w, "p", "joe@a", "x@y", 0, false);
	assert_non_null(item_lane(i));
	lane_take(&w.ls, i, w.now);
	lane_take(&w.ls, i, w.now);
	assert_null(item_lane(i));
	assert_null(lanes_next(&w.ls, w.now));
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes_and_senders_in_turn),
		cmocka_unit_test(test_recipients_of_one_domain_together),
		cmocka_unit_test(test_grows_with_success_and_is_bounded),
		cmocka_unit_test(test_too_fast_pauses_and_one_probe_ends_it),
		cmocka_unit_test(test_few_refusals_an_accepted_message),
		cmocka_unit_test(test_dead_destinations_delay_nobody),
		cmocka_unit_test(test_silent_ones_yield),
		cmocka_unit_test(test_paused_before_we_started),
		cmocka_unit_test(test_pause_grows_while_nobody_is_there),
		cmocka_unit_test(test_idle_lanes_are_forgotten),
		cmocka_unit_test(test_item_may_leave),
	};

	return cmocka_run_group_tests_name("qmgr/lane", tests, NULL, NULL);
}
