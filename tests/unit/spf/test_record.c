/* SPDX-License-Identifier: ISC */
/*
 * SPF records: what is one, which terms are well-formed, modifiers twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/attr.h"
#include "spf/record.h"

#include "base/banned.h"

static void
test_is_record(void **state)
{
	assert_true(spf_is_record(STR("v=spf1")));
	assert_true(spf_is_record(STR("V=SPF1 -all")));
	assert_false(spf_is_record(STR("v=spf10")));
	assert_false(spf_is_record(STR("v=spf1-all")));
	assert_false(spf_is_record(STR("v=spf1\t-all")));
	assert_false(spf_is_record(STR(" v=spf1")));
	assert_false(spf_is_record(STR("v=spf")));
	assert_false(spf_is_record(STR("")));
}

#define BAD	((enum spf_what)99)

static void
test_terms(void **state)
{
	static const struct {
		const char	*text;
		enum spf_what	what;
		unsigned	bits4, bits6;
	} rows[] = {
		{ "all", SPF_ALL, 32, 128 }, { "-ALL", SPF_ALL, 32, 128 },
		{ "all:", BAD, 0, 0 }, { "all/8", BAD, 0, 0 },
		{ "a", SPF_A, 32, 128 }, { "a/0", SPF_A, 0, 128 },
		{ "a//0", SPF_A, 32, 0 }, { "a/24//64", SPF_A, 24, 64 },
		{ "a/33", BAD, 0, 0 }, { "a//129", BAD, 0, 0 },
		{ "a/024", BAD, 0, 0 }, { "a/", BAD, 0, 0 },
		{ "a//64/24", BAD, 0, 0 }, { "a/24/24", BAD, 0, 0 },
		{ "a//64//64", BAD, 0, 0 }, { "a///64", BAD, 0, 0 },
		{ "a/99999999999", BAD, 0, 0 },
		{ "a:x.example/24", SPF_A, 24, 128 },
		{ "a:%{d/}/24", SPF_A, 24, 128 },
		{ "a:", BAD, 0, 0 }, { "a:x", BAD, 0, 0 },
		{ "a:x.example:80", BAD, 0, 0 }, { "a:x.1", BAD, 0, 0 },
		{ "~mx:x.example//64", SPF_MX, 32, 64 },
		{ "ptr", SPF_PTR, 32, 128 }, { "ptr:x.example", SPF_PTR, 32, 128 },
		{ "ptr/24", BAD, 0, 0 },
		{ "include", BAD, 0, 0 }, { "include:", BAD, 0, 0 },
		{ "?include:x.example", SPF_INCLUDE, 32, 128 },
		{ "include:x.example/24", BAD, 0, 0 },
		{ "exists:%{i}", SPF_EXISTS, 32, 128 },
		{ "exists:%{c}", BAD, 0, 0 },
		{ "ip4:192.0.2.1", SPF_IP4, 32, 128 },
		{ "ip4:192.0.2.0/0", SPF_IP4, 0, 128 },
		{ "ip4:192.0.2", BAD, 0, 0 }, { "ip4:192.0.2.01", BAD, 0, 0 },
		{ "ip4:192.0.2.256", BAD, 0, 0 }, { "ip4:", BAD, 0, 0 },
		{ "ip4:192.0.2.1//32", BAD, 0, 0 }, { "ip4", BAD, 0, 0 },
		{ "ip4:2001:db8::1", BAD, 0, 0 },
		{ "ip6:2001:db8::1", SPF_IP6, 32, 128 },
		{ "ip6:::1/0", SPF_IP6, 32, 0 }, { "ip6:::", SPF_IP6, 32, 128 },
		{ "ip6:2001:db8::1/129", BAD, 0, 0 }, { "ip6:1.2.3.4", BAD, 0, 0 },
		{ "--all", BAD, 0, 0 }, { "-", BAD, 0, 0 }, { "x", BAD, 0, 0 },
		{ "redirect=x.example", SPF_REDIRECT, 32, 128 },
		{ "redirect=", BAD, 0, 0 }, { "Exp=x.example", SPF_EXP, 32, 128 },
		{ "redirect:x.example", BAD, 0, 0 },
		{ "-redirect=x.example", BAD, 0, 0 },
		{ "foo=", SPF_OTHER, 32, 128 }, { "a.b-c_d=%{t}", SPF_OTHER, 32, 128 },
		{ "foo=%", BAD, 0, 0 }, { "1foo=x", BAD, 0, 0 },
		{ "a=x", SPF_OTHER, 32, 128 },
		{ "\xe9=x", BAD, 0, 0 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str s = str_of(rows[i].text);
		struct spf_term t;
		int r = spf_term_next(&s, &t);

		if (r != (rows[i].what == BAD ? FAIL_SYNTAX : 1))
			fail_msg("\"%s\": %d", rows[i].text, r);
		if (r == 1 && (t.what != rows[i].what || t.bits4 != rows[i].bits4
		    || t.bits6 != rows[i].bits6))
			fail_msg("\"%s\": %d /%u //%u", rows[i].text,
			    (int)t.what, t.bits4, t.bits6);
	}
}

static void
test_qualifiers(void **state)
{
	struct str s = STR("  +a  -a ~a ?a a  ");
	static const enum spf_result wanted[] = { SPF_PASS, SPF_FAIL,
	    SPF_SOFTFAIL, SPF_NEUTRAL, SPF_PASS };
	struct spf_term t;

	for (size_t i = 0; i < NITEMS(wanted); i++) {
		assert_int_equal(spf_term_next(&s, &t), 1);
		assert_int_equal(t.qualifier, wanted[i]);
	}
	assert_int_equal(spf_term_next(&s, &t), 0);
}

/* An error at the end counts before the first term is tried (4.6). */
static void
test_whole(void **state)
{
	struct str terms, redirect, exp;
	struct why why;

	assert_int_equal(spf_record_parse(STR("v=spf1 a exp=e.example "
	    "redirect=r.example foo=1 foo=2 "), &terms, &redirect, &exp, &why), 0);
	assert_true(str_same(exp, "e.example"));
	assert_true(str_same(redirect, "r.example"));
	assert_true(str_starts(terms, " a exp"));
	assert_int_equal(spf_record_parse(STR("v=spf1 exp=e.a exp=e.b"),
	    &terms, &redirect, &exp, &why), FAIL_SYNTAX);
	assert_string_equal(why.text, "two of \"exp\"");
	assert_int_equal(spf_record_parse(STR("v=spf1 redirect=e.a Redirect=e.a"),
	    &terms, &redirect, &exp, &why), FAIL_SYNTAX);
	assert_int_equal(spf_record_parse(STR("v=spf1 all ip4:1.2.3"),
	    &terms, &redirect, &exp, &why), FAIL_SYNTAX);
	assert_string_equal(why.text, "cannot read \"ip4:1.2.3\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_record),
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_qualifiers),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
