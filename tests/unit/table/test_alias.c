/* SPDX-License-Identifier: ISC */
#include "table/alias.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Entries as "name=targets;", or the errors. */
static const struct {
	const char	*text, *result;
} cases[] = {
	{ "", "" },
	{ "# only a comment\n\n", "" },
	{ "root: joe", "root=joe;" },
	{ "root:joe\n", "root=joe;" },
	{ "Root : Joe@Example.ORG\r\n", "root=joe@example.org;" },
	{ "sales: ann, bob@example.org,carol", "sales=ann,bob@example.org,carol;" },
	{ "sales: ann,\n\tbob,\n  carol\nroot: joe",
	  "sales=ann,bob,carol;root=joe;" },
	{ "sales: ann,\n# not bob\n\n\tcarol", "sales=ann,carol;" },
	{ "a: b # the boss\n", "a=b;" },
	{ "a: b#c\n", "a=b#c;" },
	{ "\"john smith\": joe", "\"john smith\"=joe;" },
	{ "john.smith@example.org: joe", "john.smith@example.org=joe;" },
	{ "@example.org: joe", "@example.org=joe;" },
	{ "a: \"joe\", <ann@example.org>, \\root", "a=joe,ann@example.org,root;" },
	{ "a: \"x, y\"@example.org", "a=\"x, y\"@example.org;" },
	{ "a: b,, c,", "a=b,c;" },
	/* errors, all of them, and the good ones still served */
	{ "a: |/bin/prog x y, b", "x:1: \"|/bin/prog\" runs a command, which "
	  "is not done here\n" },
	{ "a: \"|/bin/prog x\"\nb: c", "x:1: \"\"|/bin/prog x\"\" runs a "
	  "command, which is not done here\n" },
	{ "a: \"\\| x,Qy\"\n", "x:1: \"\"\\| x,Qy\"\" runs a command, which "
	  "is not done here\n" },
	{ "a: /var/mail/x", "x:1: \"/var/mail/x\" names a file, only addresses "
	  "get mail\n" },
	{ "a: b,\n :include:/etc/list\n", "x:2: \":include:/etc/list\" "
	  "includes a file, which is not done here\n" },
	{ "a: \\/x, <|y>, \"/z\"@example.org\n", "x:1: \"\\/x\" names a file, "
	  "only addresses get mail\nx:1: \"<|y>\" runs a command, which is not "
	  "done here\nx:1: \"\"/z\"@example.org\" names a file, only addresses "
	  "get mail\n" },
	{ "a:\n", "x:1: \"a\" has no target\n" },
	{ "a: ,\n", "x:1: \"a\" has no target\n" },
	{ "a b", "x:1: no colon behind the name\n" },
	{ "a: b c", "x:1: a comma is missing between targets\n" },
	{ "a: b\nA: c", "x:2: \"a\" stands in line 1 already\n" },
	{ "  b: c\na: d", "x:1: a continuation of nothing\n" },
	{ "@-no: x", "x:1: \"@-no\" is no name for an alias\n" },
	{ "a@@b: x", "x:1: \"a@@b\" is no name for an alias\n" },
	{ "a: x@@y\nb: .z.", "x:1: \"x@@y\" is not an address\n"
	  "x:2: \".z.\" is not an address\n" },
};

static void
files(void **state)
{
	struct table_row *rows;
	struct arena a;
	struct buf out;
	size_t i, j, n;

	buf_init(&out, 4096);
	for (i = 0; i < NITEMS(cases); i++) {
		arena_init(&a, 1 << 20);
		buf_reset(&out);
		if (alias_rows(str_of(cases[i].text), "x", &a, &rows, &n,
		    &out) == 0) {
			assert_int_equal(out.len, 0);
			for (j = 0; j < n; j++)
				buf_fmt(&out, "%.*s=%.*s;",
				    STR_ARG(rows[j].key),
				    STR_ARG(rows[j].value));
		}
		assert_string_equal(buf_cstr(&out), cases[i].result);
		arena_free(&a);
	}
	buf_free(&out);
	(void)state;
}

static void
many(void **state)
{
	struct table_row *rows;
	struct buf text, errors;
	struct arena a;
	size_t n;
	int i;

	arena_init(&a, 1 << 26);
	buf_init(&text, 1 << 22);
	buf_init(&errors, 4096);
	for (i = 0; i < 10000; i++)
		buf_fmt(&text, "name%d: target%d@example.org\n", i, i);
	assert_int_equal(alias_rows(buf_str(&text), "x", &a, &rows, &n,
	    &errors), 0);
	assert_int_equal(n, 10000);
	assert_true(str_same(rows[9999].key, "name9999"));
	assert_true(str_same(rows[9999].value, "target9999@example.org"));
	buf_free(&text);
	buf_free(&errors);
	arena_free(&a);
	(void)state;
}

static void
targets(void **state)
{
	struct str target[3];
	struct why why;
	struct arena a;
	size_t n = 7;

	arena_init(&a, 1 << 16);
	assert_int_equal(alias_targets(STR("joe, Ann@Example.org"), &a,
	    target, 3, &n, &why), 0);
	assert_int_equal(n, 2);
	assert_true(str_same(target[0], "joe"));
	assert_true(str_same(target[1], "ann@example.org"));
	assert_int_equal(alias_targets(STR("a,b,c"), &a, target, 3, &n, &why),
	    0);
	assert_int_equal(n, 3);
	assert_int_equal(alias_targets(STR("a,b,c,d"), &a, target, 3, &n,
	    &why), FAIL_TOO_BIG);
	assert_int_equal(alias_targets(STR("a,\"|prog\""), &a, target, 3, &n,
	    &why), FAIL_SYNTAX);
	assert_string_equal(why.text, "\"\"|prog\"\" runs a command, which is "
	    "not done here");
	assert_int_equal(alias_targets(STR(""), &a, target, 3, &n, &why), 0);
	assert_int_equal(n, 0);
	arena_free(&a);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(many),
		cmocka_unit_test(targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
