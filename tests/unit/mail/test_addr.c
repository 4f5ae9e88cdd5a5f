/* SPDX-License-Identifier: ISC */
/*
 * Addresses: what a path may be, and what a list in a header is made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mail/addr.h"

#include "base/banned.h"

static struct str
str_times(struct arena *a, char c, size_t n)
{
	char *p = arena_get(a, n);

	memset(p, c, n);
	return str_mem(p, n);
}

/* --- paths --------------------------------------------------------------- */

static const struct path_case {
	const char	*in;
	enum addr_fault	fault;
	const char	*text;	/* canonical, when fine */
	const char	*rest;	/* what is left behind it */
} paths[] = {
	{ "<joe@example.org>", ADDR_FINE, "joe@example.org", "" },
	{ "<joe@example.org> SIZE=1", ADDR_FINE, "joe@example.org", " SIZE=1" },
	{ "<Joe.X+tag@Example.ORG>", ADDR_FINE, "Joe.X+tag@Example.ORG", "" },
	{ "<joe@example.org.>", ADDR_FINE, "joe@example.org", "" },
	{ "<joe@[192.0.2.1]>", ADDR_FINE, "joe@[192.0.2.1]", "" },
	{ "<joe@[IPv6:2001:db8::1]>", ADDR_FINE, "joe@[IPv6:2001:db8::1]", "" },
	{ "<\"a b\"@x.org>", ADDR_FINE, "\"a b\"@x.org", "" },
	{ "<\"joe\"@x.org>", ADDR_FINE, "joe@x.org", "" },
	{ "<\"j\\o\\e\"@x.org>", ADDR_FINE, "joe@x.org", "" },
	{ "<\"a@b\"@x.org>", ADDR_FINE, "\"a@b\"@x.org", "" },
	{ "<\"a>b\"@x.org>", ADDR_FINE, "\"a>b\"@x.org", "" },
	{ "<\"a\\\"b\\\\\"@x.org>", ADDR_FINE, "\"a\\\"b\\\\\"@x.org", "" },
	{ "<\"\"@x.org>", ADDR_FINE, "\"\"@x.org", "" },
	{ "<@a.org,@b.org:joe@c.org>", ADDR_FINE, "joe@c.org", "" },
	{ "<@a.org:joe@c.org>", ADDR_FINE, "joe@c.org", "" },
	{ "<postmaster>", ADDR_FINE, "postmaster", "" },
	{ "<PostMaster>", ADDR_FINE, "PostMaster", "" },
	{ "<a_b@host_x.org>", ADDR_FINE, "a_b@host_x.org", "" },
	{ "<!#$%&'*+-/=?^_`{|}~@x.org>", ADDR_FINE,
	  "!#$%&'*+-/=?^_`{|}~@x.org", "" },
	{ "<joe>", ADDR_NO_DOMAIN, NULL, NULL },
	{ "<joe@>", ADDR_SYNTAX, NULL, NULL },
	{ "<@example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@@example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@a@b>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe..x@example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<.joe@example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe.@example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@.example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@example..org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@-example.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@example-.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@.>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@[192.0.2.256]>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@[192.0.2.1>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@[2001:db8::1]>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@[]>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe doe@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<joe@x.org", ADDR_SYNTAX, NULL, NULL },
	{ "joe@x.org", ADDR_SYNTAX, NULL, NULL },
	{ "", ADDR_SYNTAX, NULL, NULL },
	{ "<", ADDR_SYNTAX, NULL, NULL },
	{ "<>", ADDR_SYNTAX, NULL, NULL },
	{ "<a@b,c@d>", ADDR_SYNTAX, NULL, NULL },
	{ "<a@b c>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"joe@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"joe\\\"@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"joe\"x@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"a\001b\"@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"a\\\001b\"@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"a\rb\"@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<\"a\tb\"@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<a\177b@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<(joe)joe@x.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<@a.org joe@c.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<@a.org,joe@c.org>", ADDR_SYNTAX, NULL, NULL },
	{ "<@a.org:>", ADDR_SYNTAX, NULL, NULL },
	{ "<@a.org:@b.org:j@c>", ADDR_SYNTAX, NULL, NULL },
	{ "<;sleep 5;>", ADDR_SYNTAX, NULL, NULL },
	{ "<j\303\266rg@x.org>", ADDR_8BIT, NULL, NULL },
	{ "<joe@\303\266.org>", ADDR_8BIT, NULL, NULL },
};

static void
test_paths(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < NITEMS(paths); i++) {
		const struct path_case *c = &paths[i];
		struct str s = str_of(c->in);
		struct addr_path p;
		enum addr_fault fault = addr_path_parse(&s, false, &a, &p);

		if (fault != c->fault)
			fail_msg("%s: fault %d", c->in, fault);
		if (fault != ADDR_FINE)
			continue;
		if (!str_same(p.text, c->text) || !str_same(s, c->rest))
			fail_msg("%s: %.*s, left %.*s", c->in,
			    STR_ARG(p.text), STR_ARG(s));
		arena_reset(&a);
	}
	arena_free(&a);
}

static void
test_path_parts(void **state)
{
	struct arena a;
	struct addr_path p;
	struct str s = STR("<@r.org:\"a \\\" b\"@Example.org.>");

	arena_init(&a, 1 << 16);
	assert_int_equal(addr_path_parse(&s, false, &a, &p), ADDR_FINE);
	assert_true(str_same(p.local, "a \" b"));
	assert_true(str_same(p.domain, "Example.org"));
	assert_true(str_same(p.text, "\"a \\\" b\"@Example.org"));
	assert_true(p.had_route);
	assert_false(p.is_literal);
	s = STR("<> X");
	assert_int_equal(addr_path_parse(&s, true, &a, &p), ADDR_FINE);
	assert_true(p.is_null);
	assert_int_equal(p.text.n, 0);
	assert_true(str_same(s, " X"));
	/* A name alone is told apart, and filled in for local submission. */
	s = STR("<joe>");
	assert_int_equal(addr_path_parse(&s, false, &a, &p), ADDR_NO_DOMAIN);
	assert_true(str_same(p.text, "joe"));
	assert_int_equal(s.n, 0);
	arena_free(&a);
}

/* Each limit, and one octet past it. */
static void
test_path_limits(void **state)
{
	struct arena a;
	struct addr_path p;

	arena_init(&a, 1 << 20);
	for (int past = 0; past <= 1; past++) {
		enum addr_fault local = past ? ADDR_TOO_LONG : ADDR_FINE,
		    label = past ? ADDR_SYNTAX : ADDR_FINE,
		    domain = past ? ADDR_TOO_LONG : ADDR_FINE;
		size_t n = past;
		struct str s;

		s = arena_fmt(&a, "<%.*s@x.org>",
		    STR_ARG(str_times(&a, 'a', 64 + n)));
		assert_int_equal(addr_path_parse(&s, false, &a, &p), local);
		s = arena_fmt(&a, "<\"%.*s\"@x.org>",
		    STR_ARG(str_times(&a, ' ', 64 + n)));
		assert_int_equal(addr_path_parse(&s, false, &a, &p), local);
		s = arena_fmt(&a, "<j@%.*s.org>",
		    STR_ARG(str_times(&a, 'a', 63 + n)));
		assert_int_equal(addr_path_parse(&s, false, &a, &p), label);
		/* 4 x 63 + 3 dots = 255 */
		s = arena_fmt(&a, "<j@%.*s.%.*s.%.*s.%.*s>",
		    STR_ARG(str_times(&a, 'a', 63)),
		    STR_ARG(str_times(&a, 'b', 63)),
		    STR_ARG(str_times(&a, 'c', 63)),
		    STR_ARG(str_times(&a, 'd', 63 + n)));
		assert_int_equal(addr_path_parse(&s, false, &a, &p), domain);
	}
	arena_free(&a);
}

static void
test_plain(void **state)
{
	struct arena a;
	struct addr_path p;

	arena_init(&a, 1 << 16);
	assert_int_equal(addr_parse(STR("joe@x.org"), false, &a, &p),
	    ADDR_FINE);
	assert_int_equal(addr_parse(STR("joe"), false, &a, &p),
	    ADDR_NO_DOMAIN);
	assert_int_equal(addr_parse(STR("joe"), true, &a, &p), ADDR_FINE);
	assert_int_equal(addr_parse(STR("joe@x.org "), true, &a, &p),
	    ADDR_SYNTAX);
	assert_int_equal(addr_parse(STR("<joe@x.org>"), true, &a, &p),
	    ADDR_SYNTAX);
	assert_int_equal(addr_parse(STR("joe\0@x.org"), true, &a, &p),
	    ADDR_SYNTAX);
	assert_int_equal(addr_parse(STR(""), true, &a, &p), ADDR_SYNTAX);
	arena_free(&a);
}

static void
test_split_and_put(void **state)
{
	struct str local, domain;
	struct buf b;

	assert_true(addr_split(STR("\"a@b\"@x.org"), &local, &domain));
	assert_true(str_same(local, "\"a@b\""));
	assert_true(str_same(domain, "x.org"));
	assert_false(addr_split(STR("joe"), &local, &domain));
	buf_init(&b, 100);
	addr_put_local(&b, STR("a.b"));
	buf_c(&b, ' ');
	addr_put_local(&b, STR("a..b"));
	buf_c(&b, ' ');
	addr_put_local(&b, STR(".a"));
	buf_c(&b, ' ');
	addr_put_local(&b, STR("a."));
	buf_c(&b, ' ');
	addr_put_local(&b, STR(""));
	buf_c(&b, ' ');
	addr_put_lower(&b, STR("Joe@X.Org"));
	assert_string_equal(buf_cstr(&b),
	    "a.b \"a..b\" \".a\" \"a.\" \"\" joe@x.org");
	buf_free(&b);
}

/* --- lists --------------------------------------------------------------- */

/* Items as "name|route|local|domain", groups as "{name" and "}". */
static const struct {
	const char	*in, *items;
} lists[] = {
	{ "joe@x.org", "||joe|x.org;" },
	{ "Joe Doe <joe@x.org>", "Joe Doe||joe|x.org;" },
	{ "\"Doe, Joe\" <joe@x.org>, b@y", "Doe, Joe||joe|x.org;||b|y;" },
	{ "joe@x.org (Joe (the) Doe)", "Joe (the) Doe||joe|x.org;" },
	{ "a@x, , ,b@y,", "||a|x;||b|y;" },
	{ "Friends: a@x, B <b@y>; c@z", "{Friends;||a|x;B||b|y;};||c|z;" },
	{ "undisclosed-recipients:;", "{undisclosed-recipients;};" },
	{ "open: a@x", "{open;||a|x;};" },
	{ "<@r,@s:joe@x>", "|@r,@s|joe|x;" },
	{ "A\r\n B\r\n\t<a@x>", "A B||a|x;" },
	{ "\"a\\\"b\" <a@x>", "a\"b||a|x;" },
	{ "\"a b\"@x", "||a b|x;" },
	{ "a . b @ x . org", "||a.b|x.org;" },
	{ "joe", "||joe|;" },
	{ "joe@[1.2.3.4]", "||joe|[1.2.3.4];" },
	{ "a@b@c", "||a|b@c;" },
	{ "<>", "" },
	{ "Name <>", "Name|||;" },
	{ "Name <joe", "Name||joe|;" },
	{ "\"unclosed <joe@x>", "||unclosed <joe@x>|;" },
	{ "(unclosed joe@x", "unclosed joe@x|||;" },
	{ "a <b@c> d <e@f>, g@h", "a||b|c;||g|h;" },
	{ ",;:;,@", "{;};" },
	{ "", "" },
	{ " \r\n\t ", "" },
};

static void
test_lists(void **state)
{
	struct addr_list l;
	struct addr_item item;
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < NITEMS(lists); i++) {
		buf_reset(&b);
		addr_list_init(&l, str_of(lists[i].in));
		while (addr_list_next(&l, &item)) {
			if (item.kind == ADDR_MAILBOX)
				buf_fmt(&b, "%.*s|%.*s|%.*s|%.*s;",
				    STR_ARG(item.name), STR_ARG(item.route),
				    STR_ARG(item.local), STR_ARG(item.domain));
			else if (item.kind == ADDR_GROUP)
				buf_fmt(&b, "{%.*s;", STR_ARG(item.name));
			else
				buf_z(&b, "};");
		}
		addr_list_free(&l);
		if (strcmp(buf_cstr(&b), lists[i].items) != 0)
			fail_msg("%s: %s", lists[i].in, buf_cstr(&b));
	}
	buf_free(&b);
}

/* Strangers choose the length; an item keeps 4 KiB and the walk goes on. */
static void
test_list_long(void **state)
{
	struct arena a;
	struct addr_list l;
	struct addr_item item;
	struct str s;

	arena_init(&a, 1 << 20);
	s = arena_fmt(&a, "%.*s <a@x>, b@y",
	    STR_ARG(str_times(&a, 'n', 100000)));
	addr_list_init(&l, s);
	assert_true(addr_list_next(&l, &item));
	assert_true(item.name.n <= 4096);
	assert_true(addr_list_next(&l, &item));
	assert_true(str_same(item.local, "b"));
	assert_true(str_same(item.domain, "y"));
	assert_false(addr_list_next(&l, &item));
	addr_list_free(&l);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_path_parts),
		cmocka_unit_test(test_path_limits),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_split_and_put),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_list_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
