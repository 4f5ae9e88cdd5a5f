/* SPDX-License-Identifier: ISC */
/*
 * qmgr as its peers see it: real notes over real channels, spoold, remote and
 * ctld played by the test, the clock turned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int	qmgr_main(int argc, char **argv);
#define main qmgr_main
#include "qmgr/qmgr.c"
#undef main

#include "base/rand.h"
#include "tests/lib/room.h"

static struct fake spool, remote, ctl;

/* --- daemon.h, as far as qmgr uses it ------------------------------------ */

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	(void)index;
	return kind == SPOOLD ? spool.chan : kind == REMOTE ? remote.chan :
	    kind == CTLD ? ctl.chan : NULL;
}

struct chan *
daemon_any(enum proc kind)
{
	return daemon_peer(kind, 0);
}

unsigned
daemon_peer_count(enum proc kind)
{
	(void)kind;
	return 1;
}

int
daemon_file(const char *name)
{
	(void)name;
	return -1;
}

bool
daemon_draining(void)
{
	return false;
}

void
daemon_exit(void)
{
}

/* --- the world ----------------------------------------------------------- */

static int
begin_all(void **state)
{
	(void)state;
	loop_init();
	clock_freeze(INT64_C(1764180000000));
	conf_init(&conf);
	room_start(qmgr_main);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	join(&spool, SPOOLD, 0);
	join(&remote, REMOTE, 0);
	join(&ctl, CTLD, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	die(&spool);
	die(&remote);
	die(&ctl);
	return 0;
}

/* spoold tells of a recipient that is due. */
static struct note
news(const char *mid, enum route_kind kind, const char *address)
{
	return (struct note){ .kind = NOTE_QUEUE_NEW, .u.queue_new = {
	    .mid = str_of(mid), .kind = kind, .sender = STR("a@example.org"),
	    .address = str_of(address), .size = 100,
	    .received_ms = clock_real_ms() } };
}

static void
new_mid(char mid[MID_LEN + 1])
{
	mid_make(clock_real_ms(), 1, mid);
}

/* The row of the queue's only recipient. */
static void
list(struct note *row)
{
	say(&ctl, (struct note){ .kind = NOTE_QUEUE_LIST, .ticket = 71 });
	assert_true(told(&ctl, NOTE_QUEUE_ROW, row));
}

/* The operator does something to all of an address; NULL: to all. */
static void
act(enum queue_verb verb, const char *address, struct note *done)
{
	static uint32_t ticket = 100;

	say(&ctl, (struct note){ .kind = NOTE_QUEUE_ACT, .ticket = ++ticket,
	    .u.queue_act = { .verb = verb, .all = address == NULL,
	    .address = str_of(address == NULL ? "" : address) } });
	do
		assert_true(told(&ctl, NOTE_CTL_DONE, done));
	while (done->ticket != ticket);
}

/* --- rule 17 ------------------------------------------------------------- */

/* What three storeds died of is held by the mark of who asked for the try. */
static void
deadly(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	new_mid(mid);
	say(&spool, news(mid, ROUTE_LOCAL, "joe@example.org"));
	assert_true(told(&spool, NOTE_QUEUE_TRY, &n));
	say(&spool, (struct note){ .kind = NOTE_QUEUE_RESULT,
	    .ticket = n.ticket, .u.queue_result = { .result = QUEUE_DEADLY,
	    .text = STR("held: it died") } });
	assert_true(told(&spool, NOTE_QUEUE_MARK, &n));
	assert_int_equal(n.u.queue_mark.state, QUEUE_HELD);
	assert_true(str_is(n.u.queue_mark.reason, "held: it died"));
	say(&spool, (struct note){ .kind = NOTE_QUEUE_MARKED,
	    .ticket = n.ticket });
	list(&n);
	assert_true(str_is(n.u.queue_row.state, "held"));
	turn(conf.queue.retry_max);
	assert_false(told(&spool, NOTE_QUEUE_TRY, &n));
}

/* --- rule 18 ------------------------------------------------------------- */

/* Shown, but neither tried nor touched before spoold says how it ended. */
static void
in_doubt(void **state)
{
	char mid[MID_LEN + 1];
	struct note n, of;

	(void)state;
	new_mid(mid);
	of = news(mid, ROUTE_REMOTE, "x@far.test");
	of.u.queue_new.in_doubt = 1;
	say(&spool, of);
	list(&n);
	assert_true(str_is(n.u.queue_row.state, "in doubt"));
	assert_true(str_starts(n.u.queue_row.now, "was being sent"));
	act(QUEUE_RETRY, NULL, &n);
	assert_int_equal(n.u.ctl_done.count, 0);
	turn(conf.queue.lifetime);
	assert_false(told(&remote, NOTE_REMOTE_LOOK, &n));
	assert_false(fake_next(&spool, &n));
	of.u.queue_new.in_doubt = 0;
	of.u.queue_new.received_ms = clock_real_ms();
	say(&spool, of);
	assert_true(told(&remote, NOTE_REMOTE_LOOK, &n));
	list(&n);
	assert_true(str_is(n.u.queue_row.state, "waiting"));
	say(&spool, (struct note){ .kind = NOTE_QUEUE_GONE,
	    .u.queue_gone = { .mid = str_of(mid) } });
	assert_int_equal(qmgr.queue.items, 0);
}

/* --- lanes --------------------------------------------------------------- */

/* One that travels comes, and its host is found. */
static void
comes(const char *mid, const char *address, const char *mx)
{
	struct note n;

	say(&spool, news(mid, ROUTE_REMOTE, address));
	assert_true(told(&remote, NOTE_REMOTE_LOOK, &n));
	say(&remote, (struct note){ .kind = NOTE_REMOTE_SEEN,
	    .ticket = n.ticket, .u.remote_seen = { .mx = str_of(mx),
	    .ttl = 3600 } });
}

/* Its first try finds nobody there: its lane is paused. */
static void
fail_to_connect(const char *mid)
{
	struct note n;

	comes(mid, "x@far.test", "mx.far.test");
	assert_true(told(&remote, NOTE_REMOTE_TRY, &n));
	say(&remote, (struct note){ .kind = NOTE_REMOTE_ROW,
	    .ticket = n.ticket, .u.remote_row = { .result = QUEUE_LATER,
	    .stage = STAGE_CONNECT, .reply = STR("nobody") } });
	say(&remote, (struct note){ .kind = NOTE_REMOTE_DONE,
	    .ticket = n.ticket });
	assert_true(told(&spool, NOTE_QUEUE_MARK, &n));
	say(&spool, (struct note){ .kind = NOTE_QUEUE_MARKED,
	    .ticket = n.ticket });
}

static bool
has(struct str text, const char *words)
{
	return str_find(text, str_of(words)) < text.n;
}

/* A retry that waits for its lane says so, and is none that failed. */
static void
retry_in_paused_lane(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	new_mid(mid);
	fail_to_connect(mid);
	act(QUEUE_RETRY, NULL, &n);
	assert_int_equal(n.u.ctl_done.failed, 0);
	assert_true(has(n.u.ctl_done.text, "1 of these wait in a paused"));
	assert_false(told(&remote, NOTE_REMOTE_TRY, &n));
	act(QUEUE_RETRY, "x@far.test", &n);
	assert_int_equal(n.u.ctl_done.failed, 0);
	assert_true(has(n.u.ctl_done.text, "1 to be tried now"));
	assert_true(has(n.u.ctl_done.text, "1 of these in a lane that was"));
	assert_true(told(&remote, NOTE_REMOTE_TRY, &n));
	say(&spool, (struct note){ .kind = NOTE_QUEUE_GONE,
	    .u.queue_gone = { .mid = str_of(mid) } });
}

/* The first of all tests, for a qmgr hears it once: nobody is sent before
 * spoold has told all, since it may tell of a paused lane last. */
static void
sent_when_all_is_told(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	new_mid(mid);
	comes(mid, "x@near.test", "mx.near.test");
	assert_false(told(&remote, NOTE_REMOTE_TRY, &n));
	say(&spool, (struct note){ .kind = NOTE_QUEUE_LOADED,
	    .u.queue_loaded = { .count = 1 } });
	assert_true(told(&remote, NOTE_REMOTE_TRY, &n));
	say(&remote, (struct note){ .kind = NOTE_REMOTE_ROW,
	    .ticket = n.ticket, .u.remote_row = { .result = QUEUE_DELIVERED } });
	say(&remote, (struct note){ .kind = NOTE_REMOTE_DONE,
	    .ticket = n.ticket });
	say(&spool, (struct note){ .kind = NOTE_QUEUE_GONE,
	    .u.queue_gone = { .mid = str_of(mid) } });
	assert_int_equal(qmgr.queue.items, 0);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sent_when_all_is_told), TEST(deadly), TEST(in_doubt),
		TEST(retry_in_paused_lane),
	};

	return cmocka_run_group_tests(tests, begin_all, NULL);
}
