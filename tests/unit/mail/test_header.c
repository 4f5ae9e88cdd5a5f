/* SPDX-License-Identifier: ISC */
/*
 * Header walk: fields, what is none, and the one rule for the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/header.h"

#include "base/banned.h"

/* "name=value;" for each field; "~" marks one without name. */
static const struct {
	const char	*in, *fields;
	size_t		end;
} walks[] = {
	{ "A: 1\r\nB: 2\r\n\r\nbody: no\r\n", "A= 1;B= 2;", 14 },
	{ "A: 1\nB: 2\n\nbody: no\n", "A= 1;B= 2;", 11 },
	{ "A: 1\r\n\tmore\r\n\r\n", "A= 1\r\n\tmore;", 15 },
	{ "A : 1\r\nB\t: 2\r\n\r\n", "A= 1;B= 2;", 16 },
	{ "A:\r\n\r\n", "A=;", 6 },
	{ " first\r\nA: 1\r\n\r\n", "~ first;A= 1;", 16 },
	{ "no field\r\nA: 1\r\n\r\n", "~no field;A= 1;", 18 },
	{ ": x\r\n\r\n", "~: x;", 7 },
	{ "S\377: x\r\n\r\n", "~S\377: x;", 9 },
	{ "A B: x\r\n\r\n", "~A B: x;", 10 },
	{ "A: 1", "A= 1;", 4 },
	{ "A: 1\r\n", "A= 1;", 6 },
	{ "A: 1\r\n \r\nB: 2\r\n\r\nx", "A= 1\r\n ;B= 2;", 17 },
	{ "A: 1\r\r\nB: 2\r\n\r\n", "A= 1\r;B= 2;", 15 },
	{ "A: 1\rB: 2\r\n\r\n", "A= 1\rB: 2;", 13 },
	{ "\r\nA: 1\r\n", "", 2 },
	{ "\nA: 1\r\n", "", 1 },
	{ "\r\r\nA: 1\r\n\r\n", "~\r;A= 1;", 11 },
	{ "", "", 0 },
};

static void
test_walk(void **state)
{
	struct header h;
	struct header_field f;
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < NITEMS(walks); i++) {
		struct str in = str_of(walks[i].in);
		size_t raw = 0;

		buf_reset(&b);
		header_init(&h, in);
		while (header_next(&h, &f)) {
			raw += f.raw.n;
			if (f.name.n == 0)
				buf_fmt(&b, "~%.*s;", STR_ARG(f.value));
			else
				buf_fmt(&b, "%.*s=%.*s;", STR_ARG(f.name),
				    STR_ARG(f.value));
		}
		if (strcmp(buf_cstr(&b), walks[i].fields) != 0 ||
		    header_end(in) != walks[i].end)
			fail_msg("%zu: %s end %zu", i, buf_cstr(&b),
			    header_end(in));
		/* Not an octet of the header is lost. */
		assert_true(raw <= walks[i].end && raw + 2 >= walks[i].end);
	}
	buf_free(&b);
}

static void
test_get(void **state)
{
	struct str h = STR("To: a\r\nfrom: b\r\nFROM : c\r\n\r\nFrom: d\r\n");
	struct header_field f;

	assert_true(header_get(h, "From", &f));
	assert_true(str_same(f.value, " b"));
	assert_true(str_same(f.raw, "from: b\r\n"));
	assert_int_equal(header_count(h, "From"), 2);
	assert_false(header_get(h, "Subject", &f));
	assert_int_equal(header_count(h, "Subject"), 0);
}

static void
test_unfold(void **state)
{
	static const char *const cases[][2] = {
		{ " a\r\n b", "a b" }, { " a\n\tb ", "a\tb" },
		{ "", "" }, { " \r\n ", "" }, { "a\rb", "a\rb" },
		{ "a\r\n\r\n b", "a b" },
	};
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		buf_reset(&b);
		header_unfold(&b, str_of(cases[i][0]));
		assert_string_equal(buf_cstr(&b), cases[i][1]);
	}
	buf_free(&b);
}

static void
test_cfws(void **state)
{
	static const char *const cases[][2] = {
		{ " \t\r\n a", "a" }, { "(x) a", "a" }, { "((x)y)a", "a" },
		{ "(\\)) a", "a" }, { "(x", "" }, { "a (x)", "a (x)" },
		{ ")a", ")a" }, { "", "" }, { "(x\\", "" },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str s = str_of(cases[i][0]);

		header_skip_cfws(&s);
		assert_true(str_same(s, cases[i][1]));
	}
}

static void
test_name(void **state)
{
	assert_true(header_name_valid(STR("X-a!")));
	assert_false(header_name_valid(STR("")));
	assert_false(header_name_valid(STR("a b")));
	assert_false(header_name_valid(STR("a:")));
	assert_false(header_name_valid(STR("a\200")));
	assert_false(header_name_valid(STR("a\0")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_unfold),
		cmocka_unit_test(test_cfws),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
