/* SPDX-License-Identifier: ISC */
/* A grant opens what it names, until it expires, and nothing else. */
#include "crypto/grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/fail.h"

#define KEY	STR("0123456789abcdef0123456789abcdef")

static const struct grant joe = {
	.account = STR_INIT("joe@example.org"),
	.home = STR_INIT("example.org/joe/Maildir"),
	.service = STR_INIT("imap"), .sid = STR_INIT("0123456789abc"),
	.expires_ms = 1000,
};

static void
opens(void **state)
{
	uint8_t mac[GRANT_LEN] = { 0 };
	struct str m = str_mem(mac, sizeof(mac));

	assert_int_equal(grant_make(KEY, &joe, mac), 0);
	assert_true(grant_check(KEY, &joe, m, 0));
	assert_true(grant_check(KEY, &joe, m, 999));
	assert_false(grant_check(KEY, &joe, m, 1000));
	assert_false(grant_check(STR("other key"), &joe, m, 0));
	assert_false(grant_check(KEY, &joe, STR(""), 0));
	assert_false(grant_check(KEY, &joe, str_sub(m, 0, 31), 0));
	mac[31] ^= 1;
	assert_false(grant_check(KEY, &joe, m, 0));
	(void)state;
}

/* Each word counts, and where one ends. */
static void
words(void **state)
{
	uint8_t mac[GRANT_LEN] = { 0 };
	struct str m = str_mem(mac, sizeof(mac));
	struct grant g;

	assert_int_equal(grant_make(KEY, &joe, mac), 0);
	g = joe, g.account = STR("jo@example.org");
	assert_false(grant_check(KEY, &g, m, 0));
	g = joe, g.home = STR("example.org/ann/Maildir");
	assert_false(grant_check(KEY, &g, m, 0));
	g = joe, g.service = STR("pop3");
	assert_false(grant_check(KEY, &g, m, 0));
	g = joe, g.sid = STR("0123456789abd");
	assert_false(grant_check(KEY, &g, m, 0));
	g = joe, g.expires_ms = 2000;
	assert_false(grant_check(KEY, &g, m, 0));
	g = joe, g.account = STR("joe@example.orge"), g.home =
	    STR("xample.org/joe/Maildir");
	assert_false(grant_check(KEY, &g, m, 0));
	(void)state;
}

static void
refused(void **state)
{
	uint8_t mac[GRANT_LEN] = { 0 };
	struct grant g = joe;

	g.account = STR("joe\0x");
	assert_int_equal(grant_make(KEY, &g, mac), FAIL_SYNTAX);
	assert_false(grant_check(KEY, &g, str_mem(mac, sizeof(mac)), 0));
	/* Without a key there is no grant: never an HMAC by the empty key. */
	assert_int_equal(grant_make(STR(""), &joe, mac), FAIL_BUG);
	assert_false(grant_check(STR(""), &joe, str_mem(mac, 32), 0));
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test(words),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
