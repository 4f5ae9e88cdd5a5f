/* SPDX-License-Identifier: ISC */
/*
 * Macro-strings: what is well-formed (RFC 7208 7.1), the examples of 7.4, and
 * names and texts that are too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/attr.h"
#include "spf/macro.h"

#include "base/banned.h"

#define V(letter)	.v[letter - 'a']

static const struct spf_values values = {
	V('s') = STR_INIT("strong-bad@email.example.com"),
	V('l') = STR_INIT("strong-bad"), V('o') = STR_INIT("email.example.com"),
	V('d') = STR_INIT("email.example.com"), V('i') = STR_INIT("192.0.2.3"),
	V('v') = STR_INIT("in-addr"), V('h') = STR_INIT("mx.example.org"),
	V('p') = STR_INIT("unknown"), V('c') = STR_INIT("192.0.2.3"),
	V('r') = STR_INIT("our.example"), V('t') = STR_INIT("1000"),
};

static void
test_well_formed(void **state)
{
	static const struct {
		const char	*text;
		bool		is_spec, is_explanation;
	} rows[] = {
		{ "example.com", true, true },
		{ "example.com.", true, true },
		{ "com", false, true }, { "com.", false, true },
		{ "", false, true }, { "a.11", false, true },
		{ "a.1x", true, true }, { "a.-x", false, true },
		{ "a.x-", false, true }, { "a.b_c", false, true },
		{ "a b.example", false, true },
		{ "%{i}", true, true }, { "%{i}.com", true, true },
		{ "%{i}com", false, true }, { "%%", true, true },
		{ "%{c}", false, true }, { "%{r}.a", false, true },
		{ "%{T}", false, true }, { "%{x}", false, false },
		{ "%", false, false }, { "a%", false, false },
		{ "%a", false, false }, { "%{", false, false },
		{ "%{d", false, false }, { "%{}", false, false },
		{ "%{0}", false, false }, { "%{d0}", false, false },
		{ "%{d00r}", false, false }, { "%{d999r}", true, true },
		{ "%{d99999999999999999999}", true, true },
		{ "%{D2R-+.,/_=}", true, true }, { "%{d2r2}", false, false },
		{ "%{dr-r}", false, false }, { "%{[}", false, false },
		{ "a\x01.example", false, false },
		{ "caf\xc3\xa9.example", false, false },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str s = str_of(rows[i].text);

		if (spf_domain_spec_ok(s) != rows[i].is_spec ||
		    spf_macro_ok(s, true) != rows[i].is_explanation)
			fail_msg("\"%s\"", rows[i].text);
	}
	assert_false(spf_macro_ok(STR("%{t}"), false));
	assert_true(spf_macro_any_ok(STR("%{t}")));
	assert_false(spf_macro_any_ok(STR("a b")));
	assert_true(spf_macro_wants_name(STR("a.%{d}.%{P2}")));
	assert_false(spf_macro_wants_name(STR("p.%{d}")));
}

/* RFC 7208 7.4, and what it does not show. */
static void
test_names(void **state)
{
	static const struct {
		const char	*spec, *name;
	} rows[] = {
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d3}", "email.example.com" },
		{ "%{d2}", "example.com" }, { "%{d1}", "com" },
		{ "%{dr}", "com.example.email" }, { "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" }, { "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" }, { "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{S}.x", "strong-bad%40email.example.com.x" },
		{ "a%%b%_c%-d.x.", "a%b c%20d.x" },
		{ "%{d999r}", "com.example.email" },
		{ "%{D}", "email.example.com" },
	};
	char name[SPF_NAME_MAX + 1];

	for (size_t i = 0; i < NITEMS(rows); i++) {
		(void)spf_expand_name(&values, str_of(rows[i].spec), name);
		assert_string_equal(name, rows[i].name);
	}
}

/* Labels go at the left until it fits (7.3), however long it was. */
static void
test_long_names(void **state)
{
	char spec[20001], name[SPF_NAME_MAX + 1];

	for (size_t n = 260; n <= 20000; n += 493) {
		for (size_t i = 0; i < n; i++)
			spec[i] = i % 10 == 9 ? '.' : (char)('a' + i % 26);
		memcpy(spec + n - 8, ".example", 8);
		size_t got = spf_expand_name(&values, str_mem(spec, n), name);
		assert_true(got > 230 && got <= SPF_NAME_MAX);
		assert_memory_equal(name, spec + n - got, got);
		assert_true(spec[n - got - 1] == '.');
	}
	memset(spec, 'a', 300);
	assert_int_equal(spf_expand_name(&values, str_mem(spec, 300), name), 0);
}

static void
test_texts(void **state)
{
	struct spf_values odd = values;
	char out[41];

	odd.v['l' - 'a'] = STR("a\r\nb\x80");
	assert_int_equal(spf_expand_text(&odd, STR("%{c} is not %{l}%%"), out,
	    sizeof(out) - 1), 23);
	assert_string_equal(out, "192.0.2.3 is not a??b?%");
	assert_int_equal(spf_expand_text(&odd, STR("%{s}%{s}%{s}"), out,
	    sizeof(out) - 1), 40);
	assert_string_equal(out, "strong-bad@email.example.comstrong-bad@e");
}

static void
test_name_ok(void **state)
{
	char name[300];

	assert_true(spf_name_ok(STR("a.b")));
	assert_false(spf_name_ok(STR("")));
	assert_false(spf_name_ok(STR(".a")));
	assert_false(spf_name_ok(STR("a..b")));
	assert_false(spf_name_ok(STR("a.")));
	assert_false(spf_name_ok(STR("a\0b.c")));
	memset(name, 'a', sizeof(name));
	assert_true(spf_name_ok(str_mem(name, 63)));
	assert_false(spf_name_ok(str_mem(name, 64)));
	for (size_t i = 1; i < sizeof(name); i += 2)
		name[i] = '.';
	assert_true(spf_name_ok(str_mem(name, 253)));
	assert_false(spf_name_ok(str_mem(name, 255)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well_formed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_name_ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
