/* SPDX-License-Identifier: ISC */
/* What goes to whom at a login, and how long a wrong one waits. */
#include "daemon/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/log.h"

#include "../../lib/fakedaemon.h"
#include "base/banned.h"

static const struct login_who me = { .service = STR("pop3"),
    .peer = STR("192.0.2.1"), .sid = STR("01arz3ndektsv") };
static unsigned answers;

static void
then(void *session, const struct note *n)
{
	assert_ptr_equal(session, &answers);
	answers += n != NULL;
}

static int
setup(void **state)
{
	static const enum proc kinds[] = { AUTHD, RATED, STORED };

	(void)state;
	answers = 0;
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

static void
test_show(void **state)
{
	struct note_auth_verdict v = { .account = STR("joe@example.org"),
	    .home = STR("h"), .grant = STR("xyz"), .expires_ms = 7 };
	struct note n;

	(void)state;
	assert_ptr_equal(login_show(&me, &v, then, &answers),
	    fakes_of(STORED)->chan);
	assert_true(fake_next(fakes_of(STORED), &n));
	assert_int_equal(n.kind, NOTE_STORE_LOGIN);
	assert_true(str_same(n.u.store_login.account, "joe@example.org"));
	assert_true(str_same(n.u.store_login.home, "h"));
	assert_true(str_same(n.u.store_login.grant, "xyz"));
	assert_int_equal(n.u.store_login.expires_ms, 7);
	assert_true(str_same(n.u.store_login.service, "pop3"));
	chan_forget(fakes_of(STORED)->chan, &answers);
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
		T(test_check), T(test_show), T(test_failed),
	};

	return cmocka_run_group_tests_name("daemon/login", tests, NULL, NULL);
}
