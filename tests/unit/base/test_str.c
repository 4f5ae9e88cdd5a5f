/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/str.c.
 */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/banned.h"

static const struct str nothing = { NULL, 0 };

static void
numbers_are_strict(void **state)
{
	static const struct {
		const char	*text;
		uint64_t	max;
		bool		ok;
		uint64_t	v;
	} rows[] = {
		{ "0", 10, true, 0 },
		{ "10", 10, true, 10 },
		{ "11", 10, false, 0 },
		{ "007", 10, true, 7 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "1x", 10, false, 0 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999", UINT64_MAX, false, 0 },
	};
	uint32_t small = 77;

	for (size_t i = 0; i < NITEMS(rows); i++) {
		uint64_t v = 77;

		assert_int_equal(str_u64(str_of(rows[i].text), rows[i].max,
		    &v), rows[i].ok);
		assert_int_equal(v, rows[i].ok ? rows[i].v : 77);
	}
	assert_false(str_u32(STR("4294967296"), &small));
	assert_int_equal(small, 77);
	assert_true(str_u32(STR("4294967295"), &small));
	assert_int_equal(small, UINT32_MAX);
}

static void
index_is_one_to_count(void **state)
{
	static const struct { const char *text; bool ok; size_t i; } rows[] = {
		{ "0", false, 0 }, { "1", true, 0 }, { "3", true, 2 },
		{ "4", false, 0 }, { "x", false, 0 }, { "", false, 0 },
	};

	for (size_t n = 0; n < NITEMS(rows); n++) {
		size_t i = 99;

		assert_int_equal(str_index(str_of(rows[n].text), 3, &i),
		    rows[n].ok);
		assert_int_equal(i, rows[n].ok ? rows[n].i : 99);
	}
}

static void
comparing(void **state)
{
	static const struct {
		struct str	a, b;
		bool		eq, ieq;
		int		cmp;
	} rows[] = {
		{ STR_INIT(""), STR_INIT(""), true, true, 0 },
		{ { NULL, 0 }, STR_INIT(""), true, true, 0 },
		{ { NULL, 0 }, STR_INIT("a"), false, false, -1 },
		{ STR_INIT("a"), STR_INIT("a"), true, true, 0 },
		{ STR_INIT("a"), STR_INIT("A"), false, true, 1 },
		{ STR_INIT("ab"), STR_INIT("a"), false, false, 1 },
		{ STR_INIT("a\0b"), STR_INIT("a\0c"), false, false, -1 },
		{ STR_INIT("[z"), STR_INIT("{z"), false, false, -1 },
		{ STR_INIT("\xc4"), STR_INIT("\xe4"), false, false, -1 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str a = rows[i].a, b = rows[i].b;

		assert_int_equal(str_eq(a, b), rows[i].eq);
		assert_int_equal(str_ieq(a, b), rows[i].ieq);
		assert_int_equal(str_cmp(a, b), rows[i].cmp);
		assert_int_equal(str_cmp(b, a), -rows[i].cmp);
		assert_int_equal(str_eq_secret(a, b), rows[i].eq);
	}
	assert_true(str_is(STR("Noop"), "NOOP"));
	assert_false(str_is(STR("NOOP "), "NOOP"));
	assert_true(str_same(nothing, ""));
	assert_false(str_same(STR("a"), "A"));
}

static void
among(void **state)
{
	static const struct str v[] = { STR_INIT("example.org"), STR_INIT("B") };

	assert_true(str_iamong(STR("Example.ORG"), v, NITEMS(v)));
	assert_true(str_iamong(STR("b"), v, NITEMS(v)));
	assert_false(str_iamong(STR("b"), v, 1));
	assert_false(str_iamong(STR("example.or"), v, NITEMS(v)));
	assert_false(str_iamong(STR(""), v, NITEMS(v)));
	assert_false(str_iamong(STR("b"), NULL, 0));
	(void)state;
}

static void
starts_and_ends(void **state)
{
	assert_true(str_starts(STR("abc"), "ab"));
	assert_true(str_starts(STR("abc"), ""));
	assert_true(str_starts(nothing, ""));
	assert_false(str_starts(STR("ab"), "abc"));
	assert_false(str_starts(STR("Abc"), "ab"));
	assert_true(str_istarts(STR("Abc"), "aB"));
	assert_true(str_ends(STR("abc"), "bc"));
	assert_true(str_ends(STR("abc"), "abc"));
	assert_false(str_ends(STR("bc"), "abc"));
	assert_true(str_ends(nothing, ""));
	assert_true(str_iends(STR("x.ORG"), STR(".org")));
	assert_false(str_iends(STR("org"), STR(".org")));
}

static void
finding(void **state)
{
	static const struct {
		struct str	s, what;
		size_t		at, iat;
	} rows[] = {
		{ STR_INIT("hello"), STR_INIT("l"), 2, 2 },
		{ STR_INIT("hello"), STR_INIT("LO"), 5, 3 },
		{ STR_INIT("hello"), STR_INIT("lo"), 3, 3 },
		{ STR_INIT("hello"), STR_INIT(""), 0, 0 },
		{ STR_INIT("hello"), STR_INIT("hello!"), 5, 5 },
		{ { NULL, 0 }, STR_INIT("x"), 0, 0 },
		{ STR_INIT("a\0b"), STR_INIT("\0b"), 1, 1 },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		assert_int_equal(str_find(rows[i].s, rows[i].what),
		    rows[i].at);
		assert_int_equal(str_ifind(rows[i].s, rows[i].what),
		    rows[i].iat);
	}
	assert_int_equal(str_chr(STR("a.b.c"), '.'), 1);
	assert_int_equal(str_rchr(STR("a.b.c"), '.'), 3);
	assert_int_equal(str_chr(STR("abc"), '.'), 3);
	assert_int_equal(str_rchr(STR("abc"), '.'), 3);
	assert_int_equal(str_chr(nothing, '.'), 0);
	assert_int_equal(str_rchr(nothing, '.'), 0);
}

static void
parts_are_cut_to_what_is_there(void **state)
{
	struct str s = STR("abcdef");

	assert_true(str_same(str_sub(s, 2, 3), "cde"));
	assert_true(str_same(str_sub(s, 2, SIZE_MAX), "cdef"));
	assert_true(str_same(str_sub(s, 6, 1), ""));
	assert_true(str_same(str_sub(s, SIZE_MAX, SIZE_MAX), ""));
	assert_true(str_same(str_from(s, 4), "ef"));
	assert_true(str_same(str_from(s, 7), ""));
	assert_true(str_same(str_from(nothing, 1), ""));
	assert_ptr_equal(str_from(s, 9).p, s.p + 6);
}

static void
trimming(void **state)
{
	assert_true(str_same(str_trim(STR(" \t a b\t ")), "a b"));
	assert_true(str_same(str_trim(STR(" \t ")), ""));
	assert_true(str_same(str_trim(nothing), ""));
	assert_true(str_same(str_trim(STR("\na\n")), "\na\n"));
	assert_true(str_same(str_chomp(STR("a\r\n")), "a"));
	assert_true(str_same(str_chomp(STR("a\n\r\n")), "a"));
	assert_true(str_same(str_chomp(STR("\r\n")), ""));
	assert_true(str_same(str_chomp(STR("a\r\nb")), "a\r\nb"));
}

static void
words_move_on(void **state)
{
	struct str s = STR("  MAIL \t FROM  the rest ");

	assert_true(str_more(s));
	assert_true(str_same(str_word(&s), "MAIL"));
	assert_true(str_same(str_word(&s), "FROM"));
	assert_true(str_same(str_rest(&s), "the rest "));
	assert_int_equal(s.n, 0);
	assert_false(str_more(s));
	assert_true(str_same(str_word(&s), ""));
	s = STR(" \t");
	assert_false(str_more(s));
	assert_true(str_same(str_word(&s), ""));
	assert_int_equal(s.n, 0);
	s = nothing;
	assert_true(str_same(str_word(&s), ""));
	assert_true(str_same(str_rest(&s), ""));
}

static void
until_takes_the_separator(void **state)
{
	struct str s = STR("a::b");

	assert_true(str_same(str_until(&s, ':'), "a"));
	assert_true(str_same(str_until(&s, ':'), ""));
	assert_true(str_same(str_until(&s, ':'), "b"));
	assert_int_equal(s.n, 0);
	assert_true(str_same(str_until(&s, ':'), ""));
}

static void
lines(void **state)
{
	static const struct {
		struct str	text;
		size_t		n;
		const char	*line[4];
	} rows[] = {
		{ STR_INIT(""), 0, { NULL } },
		{ STR_INIT("\n"), 1, { "" } },
		{ STR_INIT("a\r\nb\nc"), 3, { "a", "b", "c" } },
		{ STR_INIT("a\n\n\r\n"), 3, { "a", "", "" } },
		{ STR_INIT("a\r\r\n"), 1, { "a\r" } },
		{ STR_INIT("a\r"), 1, { "a" } },
		{ STR_INIT("a\rb\n"), 1, { "a\rb" } },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str s = rows[i].text, line;
		size_t n = 0;

		for (; str_line(&s, &line); n++) {
			assert_true(n < rows[i].n);
			assert_true(str_same(line, rows[i].line[n]));
		}
		assert_int_equal(n, rows[i].n);
	}
}

static void
kinds_of_bytes(void **state)
{
	static const struct {
		struct str	s;
		bool		nul, ascii, print;
	} rows[] = {
		{ STR_INIT(""), false, true, true },
		{ STR_INIT("a~ "), false, true, true },
		{ STR_INIT("a\0"), true, true, false },
		{ STR_INIT("\x7f"), false, true, false },
		{ STR_INIT("\x1f"), false, true, false },
		{ STR_INIT("\x80"), false, false, false },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		assert_int_equal(str_has_nul(rows[i].s), rows[i].nul);
		assert_int_equal(str_is_ascii(rows[i].s), rows[i].ascii);
		assert_int_equal(str_is_print(rows[i].s), rows[i].print);
	}
	assert_false(str_has_nul(nothing));
}

static void
only_ascii_has_case(void **state)
{
	for (int c = 0; c < 256; c++) {
		bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';

		assert_int_equal(ascii_lower(c), upper ? c + 32 : c);
		assert_int_equal(ascii_upper(c), lower ? c - 32 : c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(index_is_one_to_count),
		cmocka_unit_test(comparing),
		cmocka_unit_test(among),
		cmocka_unit_test(starts_and_ends),
		cmocka_unit_test(finding),
		cmocka_unit_test(parts_are_cut_to_what_is_there),
		cmocka_unit_test(trimming),
		cmocka_unit_test(words_move_on),
		cmocka_unit_test(until_takes_the_separator),
		cmocka_unit_test(lines),
		cmocka_unit_test(kinds_of_bytes),
		cmocka_unit_test(only_ascii_has_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
