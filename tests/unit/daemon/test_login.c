/* SPDX-License-Identifier: ISC */
/* What goes to whom at a login, and how long a wrong one waits. */
#include "daemon/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

#include "../../lib/fakedaemon.h"
#include "base/banned.h"

static const struct login_who me = { .service = STR("pop3"),
    .peer = STR("192.0.2.1"), .sid = STR("01arz3ndektsv") };
static unsigned answers, refusals;

static void
then(void *session, const struct note *n)
{
	assert_ptr_equal(session, &answers);
	if (n != NULL)
		answers++;
	else
		refusals++;
}

static int
setup(void **state)
{
	static const enum proc kinds[] = { AUTHD, RATED, STORED };

	(void)state;
	answers = refusals = 0;
	clock_freeze(1700000000000);
	loop_init();
	fakes_begin(POP3D, kinds, NITEMS(kinds), NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < fakes.n; i++)
		fake_free(&fakes.peer[i]);
	clock_thaw();
	return 0;
}

static void
test_check(void **state)
{
	struct note n, answer;

	(void)state;
	login_check(&me, STR("joe"), STR("secret"), STR("ann"), then,
	    &answers);
	assert_true(fake_next(fakes_of(AUTHD), &n));
	assert_int_equal(n.kind, NOTE_AUTH_CHECK);
	assert_true(str_same(n.u.auth_check.user, "joe"));
	assert_true(str_same(n.u.auth_check.secret, "secret"));
	assert_true(str_same(n.u.auth_check.authzid, "ann"));
	assert_true(str_same(n.u.auth_check.service, "pop3"));
	assert_true(str_same(n.u.auth_check.peer, "192.0.2.1"));
	assert_true(str_same(n.u.auth_check.sid, "01arz3ndektsv"));
	note_init(&answer, NOTE_AUTH_VERDICT);
	answer.ticket = n.ticket;
	fake_say(fakes_of(AUTHD), &answer);
	assert_int_equal(answers, 1);
}

static struct login_show *
show(void)
{
	struct note_auth_verdict v = { .account = STR("joe@example.org"),
	    .home = STR("h"), .grant = STR("xyz"), .expires_ms = 7 };

	return login_show(&me, &v, then, &answers);
}

/* Stored has been asked; its ticket. */
static uint32_t
asked(void)
{
	struct note n;

	assert_true(fake_next(fakes_of(STORED), &n));
	assert_int_equal(n.kind, NOTE_STORE_LOGIN);
	assert_true(str_same(n.u.store_login.account, "joe@example.org"));
	assert_true(str_same(n.u.store_login.home, "h"));
	assert_true(str_same(n.u.store_login.grant, "xyz"));
	assert_int_equal(n.u.store_login.expires_ms, 7);
	assert_true(str_same(n.u.store_login.service, "pop3"));
	assert_true(str_same(n.u.store_login.sid, "01arz3ndektsv"));
	assert_false(fake_next(fakes_of(STORED), &n));
	return n.ticket;
}

static void
answer(uint32_t ticket)
{
	struct note n;

	note_init(&n, NOTE_STORE_LOGGED);
	n.ticket = ticket;
	n.u.store_logged.login = 1;
	fake_say(fakes_of(STORED), &n);
}

static void
stored_comes(void)
{
	struct fake *f = fakes_of(STORED);

	fake_free(f);
	fake_init(f, POP3D, STORED, 0, fakes_no_note, fakes_on_end, NULL);
	login_on_peer(f->chan);
}

static void
time_passes(int64_t ms)
{
	clock_turn(ms);
	loop_once(0);
}

static void
test_show(void **state)
{
	(void)state;
	show();
	answer(asked());
	assert_int_equal(answers, 1);
}

/* It is away when one comes; it dies when it was asked. */
static void
test_stored_comes_again(void **state)
{
	(void)state;
	show();
	(void)asked();
	fake_die(fakes_of(STORED));
	show();
	time_passes(9000);
	assert_int_equal(answers + refusals, 0);
	login_on_peer(fakes_of(RATED)->chan);	/* none of ours */
	stored_comes();
	assert_false(list_empty(&fakes_of(STORED)->chan->ask_order));
	for (int i = 0; i < 2; i++) {
		struct note n;

		assert_true(fake_next(fakes_of(STORED), &n));
		assert_int_equal(n.kind, NOTE_STORE_LOGIN);
		answer(n.ticket);
	}
	assert_int_equal(answers, 2);
	time_passes(9000);
	assert_int_equal(refusals, 0);
}

static void
test_stored_stays_away(void **state)
{
	(void)state;
	fake_die(fakes_of(STORED));
	show();
	time_passes(9900);
	assert_int_equal(refusals, 0);
	time_passes(200);
	assert_int_equal(refusals, 1);
	stored_comes();
	assert_true(list_empty(&fakes_of(STORED)->chan->ask_order));
}

static void
test_stored_dies_of_it(void **state)
{
	(void)state;
	show();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(refusals, 0);
		(void)asked();
		fake_die(fakes_of(STORED));
		stored_comes();
	}
	assert_int_equal(refusals, 1);
	assert_true(list_empty(&fakes_of(STORED)->chan->ask_order));
}

/* The client goes while stored is asked, and while it is waited for. */
static void
test_show_ends(void **state)
{
	struct login_show *l = show();
	uint32_t ticket = asked();

	(void)state;
	login_show_end(l);
	answer(ticket);
	fake_die(fakes_of(STORED));
	login_show_end(show());
	login_show_end(NULL);
	stored_comes();
	time_passes(20000);
	assert_int_equal(answers + refusals, 0);
}

static void
test_failed(void **state)
{
	static const int64_t waits[] = { 500, 1000, 1500, 2000, 2500, 3000,
	    3000 };
	struct note n;

	(void)state;
	for (unsigned i = 0; i < NITEMS(waits); i++) {
		assert_int_equal(login_failed(&me, "x-login-failed",
		    STR("joe"), i), waits[i]);
		assert_true(fake_next(fakes_of(RATED), &n));
		assert_int_equal(n.kind, NOTE_RATE_COUNT);
		assert_int_equal(n.u.rate_count.what, RATE_AUTH_FAILED);
		assert_int_equal(n.u.rate_count.account.n, 0);
	}
	login_count(&me, RATE_AUTH_OK, STR("joe@example.org"));
	assert_true(fake_next(fakes_of(RATED), &n));
	assert_int_equal(n.u.rate_count.what, RATE_AUTH_OK);
	assert_true(str_same(n.u.rate_count.account, "joe@example.org"));
	assert_true(str_same(n.u.rate_count.peer, "192.0.2.1"));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_check), T(test_show), T(test_stored_comes_again),
		T(test_stored_stays_away), T(test_stored_dies_of_it),
		T(test_show_ends), T(test_failed),
	};

	return cmocka_run_group_tests_name("daemon/login", tests, NULL, NULL);
}
