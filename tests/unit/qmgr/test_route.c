/* SPDX-License-Identifier: ISC */
/*
 * Addresses to targets: one table of aliases and accounts, and what each
 * address makes of it; then what is missing or broken, which is "later".
 */
#include "qmgr/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "table/alias.h"
#include "tests/unit/table/scratch.h"

static int dir;
static struct conf conf;
static struct router *router;

static const char users[] =
    "first@example.org:x:1:\n"
    "joe@example.org:x:2:\n"
    "ann@example.org:x:3:old/ann\n"
    "joe@example.net:x:4:\n"
    "sales@example.net:x:5:\n"
    "joe+own@example.org:x:6:\n"
    "\"a b\"@example.org:x:7:\n";

static const char aliases[] =
    "sales: joe, ann\n"
    "both: joe, JOE@example.org, joe+x@example.org, ann\n"
    "chef@example.net: joe@example.org\n"
    "ann: ann, friend@Far.example\n"		/* keeps a copy */
    "far: friend@far.example\n"
    "loop1: loop2\nloop2: loop3\nloop3: loop1\n"
    "self: self\n"
    "part: joe, nobody\n"
    "gone: nobody, nobody2\n"
    "deep0: deep1\ndeep1: deep2\ndeep2: deep3\ndeep3: deep4\n"
    "deep4: deep5\ndeep5: deep6\ndeep6: deep7\ndeep7: deep8\n"
    "deep8: deep9\ndeep9: joe\n"
    "deeper: deep0\n"
    "tag+one: ann@example.net\n"
    "diamond: left, right\nleft: joe\nright: joe\n"
    "abuse: ann@example.org\n"
    "@wild.example: joe\n"
    "known@wild.example: joe@example.net\n";

static void
setting(const char *path, const char *value)
{
	struct why why;

	assert_int_equal(conf_row(&conf, str_of(path), str_of(value), &why),
	    0);
}

static void
again(void)
{
	router_free(router);
	router = router_new(&conf, dir, dir);
}

static int
setup(void **state)
{
	(void)state;
	dir = scratch_open();
	conf_init(&conf);
	setting("hostname", "mail.example.org");
	setting("domain", "example.org");
	setting("domain", "example.net");
	setting("domain", "wild.example");
	setting("domain", "catch.example");
	setting("domain catch.example catch-all", "joe@example.org");
	setting("alias table", "text aliases");
	if (dir < 0 || scratch_put(dir, "users", users) != 0 ||
	    scratch_put(dir, "aliases", aliases) != 0)
		return 1;
	router = router_new(&conf, dir, dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	router_free(router);
	router = NULL;
	conf_free(&conf);
	scratch_close(dir);
	return 0;
}

/* Targets as "account(detail)=home;" and "->remote;". */
static enum route_result
find(const char *address, bool may_relay, struct buf *out, struct why *why)
{
	struct route_ask ask = { str_of(address), may_relay };
	struct route_answer answer;
	struct arena a;
	size_t i;

	buf_reset(out);
	arena_init(&a, 8 << 20);
	route_find(router, &ask, &a, &answer, NULL, NULL);
	for (i = 0; i < answer.targets; i++) {
		const struct route_target *t = &answer.target[i];

		if (t->kind == ROUTE_REMOTE)
			buf_fmt(out, "->%.*s;", STR_ARG(t->address));
		else if (t->detail.n > 0)
			buf_fmt(out, "%.*s(%.*s)=%.*s;", STR_ARG(t->account),
			    STR_ARG(t->detail), STR_ARG(t->home));
		else
			buf_fmt(out, "%.*s=%.*s;", STR_ARG(t->account),
			    STR_ARG(t->home));
	}
	if (answer.result != ROUTE_OK)
		assert_true(answer.why.text[0] != '\0');
	*why = answer.why;
	arena_free(&a);
	return answer.result;
}

#define JOE	"joe@example.org=example.org/joe/Maildir;"
#define ANN	"ann@example.org=old/ann;->friend@far.example;"
#define FIRST	"first@example.org=example.org/first/Maildir;"

static const struct {
	const char	*address;
	bool		 may_relay;
	enum route_result result;
	const char	*targets;
} cases[] = {
	{ "joe@example.org", false, ROUTE_OK, JOE },
	{ "JOE@Example.ORG", false, ROUTE_OK, JOE },
	{ "joe@example.net", false, ROUTE_OK,
	  "joe@example.net=example.net/joe/Maildir;" },
	{ "joe", false, ROUTE_OK, JOE },
	{ "\"joe\"@example.org", false, ROUTE_OK, JOE },
	{ "\"a b\"@example.org", false, ROUTE_OK,
	  "\"a b\"@example.org=example.org/\"a b\"/Maildir;" },
	{ "nobody@example.org", false, ROUTE_UNKNOWN, "" },
	/* tags; one that looks like a program is no tag */
	{ "joe+${run{/bin/true}}@example.org", false, ROUTE_UNKNOWN, "" },
	{ "joe+a/x@example.org", false, ROUTE_UNKNOWN, "" },
	{ "joe+lists@example.org", false, ROUTE_OK,
	  "joe@example.org(lists)=example.org/joe/Maildir;" },
	{ "joe+a+b@example.org", false, ROUTE_OK,
	  "joe@example.org(a+b)=example.org/joe/Maildir;" },
	{ "joe+own@example.org", false, ROUTE_OK,
	  "joe+own@example.org=example.org/joe+own/Maildir;" },
	{ "tag+one@example.org", false, ROUTE_OK, ANN },
	{ "+x@example.org", false, ROUTE_UNKNOWN, "" },
	{ "joe+@example.org", false, ROUTE_UNKNOWN, "" },
	{ "sales+x@example.org", false, ROUTE_OK, JOE ANN },
	/* aliases */
	{ "sales@example.org", false, ROUTE_OK, JOE ANN },
	{ "sales@example.net", false, ROUTE_OK,
	  "sales@example.net=example.net/sales/Maildir;" },
	{ "both@example.org", false, ROUTE_OK, JOE ANN },
	{ "both@example.net", false, ROUTE_OK, JOE ANN },
	{ "chef@example.net", false, ROUTE_OK, JOE },
	{ "chef@example.org", false, ROUTE_UNKNOWN, "" },
	{ "ann@example.org", false, ROUTE_OK, ANN },
	{ "far@example.org", false, ROUTE_OK, "->friend@far.example;" },
	{ "part@example.org", false, ROUTE_OK, JOE },
	{ "gone@example.org", false, ROUTE_UNKNOWN, "" },
	{ "diamond@example.org", false, ROUTE_OK, JOE },
	{ "loop1@example.org", false, ROUTE_LOOP, "" },
	{ "self@example.org", false, ROUTE_LOOP, "" },
	{ "deep0@example.org", false, ROUTE_OK, JOE },
	{ "deeper@example.org", false, ROUTE_LOOP, "" },
	{ "known@wild.example", false, ROUTE_OK,
	  "joe@example.net=example.net/joe/Maildir;" },
	{ "any@wild.example", false, ROUTE_OK, JOE },
	{ "any@catch.example", false, ROUTE_OK, JOE },
	{ "joe@catch.example", false, ROUTE_OK, JOE },
	/* those that have to be read */
	{ "postmaster", false, ROUTE_OK, FIRST },
	{ "Postmaster@example.net", false, ROUTE_OK, FIRST },
	{ "root@example.org", false, ROUTE_OK, FIRST },
	{ "abuse@example.org", false, ROUTE_OK, ANN },
	/* elsewhere */
	{ "x@far.example", false, ROUTE_NO_RELAY, "" },
	{ "x@far.example", true, ROUTE_OK, "->x@far.example;" },
	{ "Case.Kept@Far.example", true, ROUTE_OK, "->Case.Kept@Far.example;" },
	{ "x@[192.0.2.1]", false, ROUTE_NO_RELAY, "" },
	{ "x@sub.example.org", false, ROUTE_NO_RELAY, "" },
	/* no addresses */
	{ "", false, ROUTE_BAD_ADDRESS, "" },
	{ "a b@example.org", true, ROUTE_BAD_ADDRESS, "" },
	{ "joe@", true, ROUTE_BAD_ADDRESS, "" },
	{ "@example.org", true, ROUTE_BAD_ADDRESS, "" },
	{ "j\303\266@example.org", true, ROUTE_BAD_ADDRESS, "" },
	{ "../ann@example.org", false, ROUTE_BAD_ADDRESS, "" },
	{ "a/../ann@example.org", false, ROUTE_BAD_ADDRESS, "" },
};

static void
addresses(void **state)
{
	struct buf out;
	struct why why;
	size_t i;

	buf_init(&out, 65536);
	for (i = 0; i < NITEMS(cases); i++) {
		enum route_result got = find(cases[i].address,
		    cases[i].may_relay, &out, &why);

		if (got != cases[i].result ||
		    strcmp(buf_cstr(&out), cases[i].targets) != 0)
			fail_msg("%s: %d %s", cases[i].address, got,
			    got == ROUTE_OK ? buf_cstr(&out) : why.text);
	}
	buf_free(&out);
	(void)state;
}

static void
a_postmaster_is_set(void **state)
{
	struct buf out;
	struct why why;

	buf_init(&out, 1024);
	setting("postmaster", "joe@example.org");
	setting("origin", "example.net");
	again();
	assert_int_equal(find("root@example.org", false, &out, &why), ROUTE_OK);
	assert_string_equal(buf_cstr(&out), JOE);
	assert_int_equal(find("joe", false, &out, &why), ROUTE_OK);
	assert_string_equal(buf_cstr(&out),
	    "joe@example.net=example.net/joe/Maildir;");
	setting("tag-separator", "-");
	setting("postmaster", "postmaster@example.org");
	again();
	assert_int_equal(find("joe-x@example.org", false, &out, &why),
	    ROUTE_OK);
	assert_int_equal(find("joe+x@example.org", false, &out, &why),
	    ROUTE_UNKNOWN);
	assert_int_equal(find("root@example.org", false, &out, &why),
	    ROUTE_LOOP);
	setting("tag-separator", "");
	again();
	assert_int_equal(find("joe-x@example.org", false, &out, &why),
	    ROUTE_UNKNOWN);
	buf_free(&out);
	(void)state;
}

static void
later(void **state)
{
	struct buf out;
	struct why why;

	buf_init(&out, 1024);
	/* a table with an error: what it has right is served */
	assert_int_equal(scratch_put(dir, "aliases", "sales: joe\nx: |y\n"), 0);
	assert_int_equal(find("sales@example.org", false, &out, &why),
	    ROUTE_OK);
	assert_int_equal(find("nobody@example.org", false, &out, &why),
	    ROUTE_UNKNOWN);
	assert_int_equal(find("x@example.org", false, &out, &why),
	    ROUTE_LATER);
	assert_int_equal(scratch_put(dir, "aliases", "sales: joe\nx joe\n"), 0);
	assert_int_equal(find("nobody@example.org", false, &out, &why),
	    ROUTE_LATER);
	/* away */
	assert_int_equal(unlinkat(dir, "aliases", 0), 0);
	assert_int_equal(find("joe@example.org", false, &out, &why),
	    ROUTE_LATER);
	assert_int_equal(find("x@far.example", false, &out, &why),
	    ROUTE_NO_RELAY);
	assert_int_equal(scratch_put(dir, "aliases", aliases), 0);
	assert_int_equal(find("joe@example.org", false, &out, &why), ROUTE_OK);
	/* the users file */
	assert_int_equal(unlinkat(dir, "users", 0), 0);
	assert_int_equal(find("joe@example.org", false, &out, &why),
	    ROUTE_LATER);
	assert_int_equal(find("far@example.org", false, &out, &why), ROUTE_OK);
	/* an account whose path would leave the mail folder is not there */
	assert_int_equal(scratch_put(dir, "users",
	    "joe@example.org:x:1:../x\n"), 0);
	assert_int_equal(find("joe@example.org", false, &out, &why),
	    ROUTE_UNKNOWN);
	buf_free(&out);
	(void)state;
}

static void
many_targets(void **state)
{
	struct buf text, out;
	struct why why;
	int i, n;

	buf_init(&text, 65536);
	buf_init(&out, 65536);
	for (n = 100; n <= 101; n++) {
		buf_reset(&text);
		buf_z(&text, "list: ");
		for (i = 0; i < n; i++)
			buf_fmt(&text, "u%d@far.example,", i);
		/* and split over two: the sum counts */
		buf_z(&text, "\ntwo: half1, half2\nhalf1: ");
		for (i = 0; i < 50; i++)
			buf_fmt(&text, "u%d@far.example,", i);
		buf_z(&text, "\nhalf2: ");
		for (i = 0; i < n - 50; i++)
			buf_fmt(&text, "v%d@far.example,", i);
		buf_z(&text, "\n");
		assert_int_equal(file_replace(dir, "aliases", buf_str(&text),
		    0644), 0);
		assert_int_equal(find("list@example.org", false, &out, &why),
		    n == 100 ? ROUTE_OK : ROUTE_TOO_MANY);
		assert_int_equal(find("two@example.org", false, &out, &why),
		    n == 100 ? ROUTE_OK : ROUTE_TOO_MANY);
	}
	buf_free(&text);
	buf_free(&out);
	(void)state;
}

static void
two_tables(void **state)
{
	struct table_row *rows;
	struct buf out;
	struct arena a;
	struct why why;
	size_t n;

	buf_init(&out, 1024);
	arena_init(&a, 1 << 20);
	setting("alias table", "bdb more.db");
	again();
	assert_int_equal(find("joe@example.org", false, &out, &why),
	    ROUTE_LATER);
	assert_int_equal(alias_rows(STR("sales: first\nmore: joe\n"), "x", &a,
	    &rows, &n, &out), 0);
	assert_int_equal(table_build(dir, STR("bdb"), STR("more.db"), rows, n,
	    &why), 0);
	assert_int_equal(find("more@example.org", false, &out, &why),
	    ROUTE_OK);
	assert_string_equal(buf_cstr(&out), JOE);
	/* the first table that knows a name decides */
	assert_int_equal(find("sales@example.org", false, &out, &why),
	    ROUTE_OK);
	assert_string_equal(buf_cstr(&out), JOE ANN);
	/* a table another program made may name what we refuse */
	rows[0] = (struct table_row){ STR("run"), STR("\"|/bin/sh\"") };
	assert_int_equal(table_build(dir, STR("bdb"), STR("more.db"), rows, 1,
	    &why), 0);
	assert_int_equal(find("run@example.org", false, &out, &why),
	    ROUTE_LATER);
	arena_free(&a);
	buf_free(&out);
	(void)state;
}

static void
keep_step(void *arg, const char *text)
{
	buf_fmt(arg, "%s\n", text);
}

static void
explained(void **state)
{
	struct route_ask ask = { STR("Both+x"), false };
	struct route_answer answer;
	struct buf out;
	struct arena a;

	buf_init(&out, 65536);
	arena_init(&a, 8 << 20);
	route_find(router, &ask, &a, &answer, keep_step, &out);
	assert_int_equal(answer.result, ROUTE_OK);
	assert_true(str_starts(buf_str(&out),
	    "Both+x: no domain, so Both+x@example.org\n"
	    "both: alias in text aliases: joe,joe@example.org,"));
	assert_true(str_find(buf_str(&out), STR("joe@example.org: account "
	    "joe@example.org, Maildir example.org/joe/Maildir\n")) < out.len);
	assert_true(str_find(buf_str(&out), STR("friend@far.example: not a "
	    "domain of ours, it travels\n")) < out.len);
	arena_free(&a);
	buf_free(&out);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(a_postmaster_is_set, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(later, setup, teardown),
		cmocka_unit_test_setup_teardown(many_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(two_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(explained, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
