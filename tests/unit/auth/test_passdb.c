/* SPDX-License-Identifier: ISC */
/*
 * Names and passwords to accounts: what is answered at once, what needs the
 * hash, and that a refusal always does.
 */
#include "auth/passdb.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/table/scratch.h"

static int dir;
static struct conf conf;
static struct passdb *db;

static int
setup(void **state)
{
	struct why why;

	(void)state;
	dir = scratch_open();
	conf_init(&conf);
	if (dir < 0 || conf_row(&conf, STR("domain"), STR("example.org"),
	    &why) != 0 || scratch_put(dir, "users",
	    "joe@example.org:{PLAIN}secret:1:\n"
	    "ann@example.org:{PLAIN}other:2:old/ann\n"
	    "eve@example.org:!:3:\n") != 0)
		return 1;
	db = passdb_new(dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	passdb_free(db);
	conf_free(&conf);
	scratch_close(dir);
	return 0;
}

static const struct {
	const char	*user, *secret, *authzid;
	enum auth_result result;
	const char	*account, *home, *reason;
} cases[] = {
	{ "joe@example.org", "secret", "", AUTH_OK, "joe@example.org",
	  "example.org/joe/Maildir", "ok" },
	{ "Joe@Example.ORG", "secret", "", AUTH_OK, "joe@example.org",
	  "example.org/joe/Maildir", "ok" },
	{ "joe", "secret", "", AUTH_OK, "joe@example.org",
	  "example.org/joe/Maildir", "ok" },
	{ "ann@example.org", "other", "ann", AUTH_OK, "ann@example.org",
	  "old/ann", "ok" },
	{ "joe@example.org", "secret", "joe@example.org", AUTH_OK,
	  "joe@example.org", "example.org/joe/Maildir", "ok" },
	{ "joe@example.org", "secret", "ann@example.org", AUTH_NO,
	  "joe@example.org", NULL, "other-identity" },
	{ "joe@example.org", "other", "", AUTH_NO, "joe@example.org", NULL,
	  "password" },
	{ "joe@example.org", "", "", AUTH_NO, "joe@example.org", NULL,
	  "password" },
	{ "eve@example.org", "!", "", AUTH_NO, "eve@example.org", NULL,
	  "unusable-hash" },
	{ "bob@example.org", "secret", "", AUTH_NO, "bob@example.org", NULL,
	  "no-account" },
	{ "joe@example.net", "secret", "", AUTH_NO, "joe@example.net", NULL,
	  "no-account" },
	{ "", "secret", "", AUTH_NO, "@example.org", NULL, "no-account" },
	{ "joe@example.org:{PLAIN}x", "x", "", AUTH_NO, NULL, NULL,
	  "no-account" },
};

static void
check(size_t i, bool may_be_cached)
{
	struct passdb_ask ask = { str_of(cases[i].user),
	    str_of(cases[i].secret), str_of(cases[i].authzid) };
	struct passdb_check c;
	bool quick = passdb_begin(db, &conf, &ask, 0, &c);

	/* A refusal is never quick: its time would tell. */
	if (cases[i].result == AUTH_NO &&
	    strcmp(cases[i].reason, "other-identity") != 0)
		assert_false(quick);
	if (!may_be_cached)
		assert_false(quick);
	else if (cases[i].result == AUTH_OK)
		assert_true(quick);
	if (!quick)
		passdb_finish(db, &conf, ask.secret, 0, &c);
	assert_int_equal(c.result, cases[i].result);
	assert_string_equal(c.reason, cases[i].reason);
	if (cases[i].account != NULL)
		assert_string_equal(buf_cstr(&c.account), cases[i].account);
	if (cases[i].home != NULL)
		assert_string_equal(buf_cstr(&c.home), cases[i].home);
	passdb_end(&c);
}

static void
answers(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(cases); i++) {
		passdb_free(db);
		db = passdb_new(dir);
		check(i, false);
	}
	(void)state;
}

static void
cached(void **state)
{
	size_t i, pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < NITEMS(cases); i++)
			if (cases[i].result != AUTH_OK || pass == 1 || i == 0 ||
			    i == 3)
				check(i, pass == 1 || i > 4);
	(void)state;
}

static void
changed_password(void **state)
{
	struct passdb_ask ask = { STR("joe"), STR("secret"), STR("") };
	struct passdb_check c;

	check(0, false);
	assert_int_equal(scratch_put(dir, "users",
	    "joe@example.org:{PLAIN}new:1:\n"), 0);
	assert_false(passdb_begin(db, &conf, &ask, 0, &c));
	passdb_finish(db, &conf, ask.secret, 0, &c);
	assert_int_equal(c.result, AUTH_NO);
	passdb_end(&c);
	(void)state;
}

static void
file_is_away(void **state)
{
	struct passdb_ask ask = { STR("joe"), STR("secret"), STR("") };
	struct passdb_check c;

	check(0, false);
	assert_int_equal(unlinkat(dir, "users", 0), 0);
	assert_true(passdb_begin(db, &conf, &ask, 0, &c));
	assert_int_equal(c.result, AUTH_LATER);
	passdb_end(&c);
	(void)state;
}

/* An unknown name is compared with some account's hash, and always with the
 * same one; nobody gets in by it. */
static void
imitation(void **state)
{
	struct passdb_ask ask = { STR("nobody"), STR("secret"), STR("") };
	struct passdb_check c, again;

	assert_false(passdb_begin(db, &conf, &ask, 0, &c));
	assert_true(c.hash.len > 0);
	assert_false(passdb_begin(db, &conf, &ask, 0, &again));
	assert_string_equal(buf_cstr(&c.hash), buf_cstr(&again.hash));
	buf_reset(&c.hash);
	buf_z(&c.hash, "{PLAIN}secret");
	passdb_finish(db, &conf, ask.secret, 0, &c);
	assert_int_equal(c.result, AUTH_NO);
	passdb_end(&c);
	passdb_end(&again);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers, setup, teardown),
		cmocka_unit_test_setup_teardown(cached, setup, teardown),
		cmocka_unit_test_setup_teardown(changed_password, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(file_is_away, setup, teardown),
		cmocka_unit_test_setup_teardown(imitation, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
