/* SPDX-License-Identifier: ISC */
/*
 * What is remembered of a host's TLS: for a time, and of so many hosts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "delivery/memo.h"

#include "event/tls.h"

#include "base/banned.h"

static unsigned sessions;

void
tls_session_free(struct tls_session *s)
{
	if (s != NULL) {
		free(s);
		sessions--;
	}
}

static unsigned refs;

void tls_client_ref(struct tls_client *c) { refs += c != NULL; }
void tls_client_unref(struct tls_client *c) { refs -= c != NULL; }

static struct tls_client *
trust(int which)
{
	static char clients[2];

	return (struct tls_client *)(void *)&clients[which];
}

static struct tls_session *
session(void)
{
	sessions++;
	return malloc(1);
}

static void
test_broken(void **state)
{
	struct str a = STR("a.example:25"), b = STR("a.example:587");

	(void)state;
	assert_false(memo_tls_is_broken(a, 0));
	memo_tls_broke(a, 1000);
	assert_true(memo_tls_is_broken(a, 999));
	assert_false(memo_tls_is_broken(a, 1000));
	assert_false(memo_tls_is_broken(b, 0));
	memo_free();
	assert_false(memo_tls_is_broken(a, 0));
}

static void
test_session(void **state)
{
	struct str a = STR("a.example:25");
	struct tls_session *s = session();

	(void)state;
	assert_null(memo_session(a, trust(0)));
	memo_keep_session(a, trust(0), session());
	memo_keep_session(a, trust(0), s);
	assert_ptr_equal(memo_session(a, trust(0)), s);
	assert_int_equal(sessions, 1);
	memo_tls_broke(a, 1000);	/* it may have been the cause */
	assert_null(memo_session(a, trust(0)));
	assert_int_equal(sessions, 0);
	memo_keep_session(a, trust(0), session());
	memo_free();
	assert_int_equal(sessions, 0);
}

/* What somebody unchecked gave is nothing for who wants to be sure. */
static void
test_trust(void **state)
{
	struct str a = STR("a.example:25");

	(void)state;
	memo_keep_session(a, trust(0), session());
	assert_null(memo_session(a, trust(1)));
	assert_non_null(memo_session(a, trust(0)));
	memo_keep_session(a, trust(1), session());
	assert_null(memo_session(a, trust(0)));
	assert_non_null(memo_session(a, trust(1)));
	assert_int_equal(refs, 1);
	memo_free();
	assert_int_equal(refs, 0);
	assert_int_equal(sessions, 0);
}

/* The host that was not looked at for longest is forgotten. */
static void
test_bound(void **state)
{
	char name[32];

	(void)state;
	memo_tls_broke(STR("first:25"), 1000);
	for (int i = 0; i < 2 * MEMO_HOSTS; i++) {
		(void)snprintf(name, sizeof(name), "h%d:25", i);
		memo_keep_session(str_of(name), trust(0), session());
		assert_true(memo_tls_is_broken(STR("first:25"), 0));
	}
	assert_int_equal(sessions, MEMO_HOSTS - 1);
	assert_null(memo_session(STR("h0:25"), trust(0)));
	assert_non_null(memo_session(str_of(name), trust(0)));
	memo_free();
	assert_int_equal(sessions, 0);
}

/* Each of a host's weaknesses is remembered beside the other. */
static void
test_one_by_one(void **state)
{
	(void)state;
	memo_tls_broke(STR("both:25"), 100);
	memo_pipelining_broke(STR("both:25"), 200);
	assert_true(memo_tls_is_broken(STR("both:25"), 99));
	assert_false(memo_tls_is_broken(STR("both:25"), 100));
	assert_true(memo_pipelining_is_broken(STR("both:25"), 199));
	assert_false(memo_pipelining_is_broken(STR("both:25"), 200));
	assert_false(memo_pipelining_is_broken(STR("other:25"), 0));
	memo_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
