/* SPDX-License-Identifier: ISC */
/* imap/lex: where commands end, and strict words. */
#include "imap/lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

#define TEXT_LIMIT 40

/* what one call says about bytes that all came at once */
static const struct {
	const char	*in;
	enum imap_cut	cut;
	size_t		at;
	uint64_t	literal;
	bool		is_sync;
} cuts[] = {
	{ "", IMAP_MORE, 0, 0, false },
	{ "a NOOP", IMAP_MORE, 0, 0, false },
	{ "a NOOP\r", IMAP_MORE, 0, 0, false },
	{ "a NOOP\r\nb", IMAP_COMMAND, 8, 0, false },
	{ "a NOOP\n", IMAP_COMMAND, 7, 0, false },
	{ "\r\n", IMAP_COMMAND, 2, 0, false },
	{ "a X {5}\r\nhello", IMAP_LITERAL, 9, 5, true },
	{ "a X {5+}\r\nhello", IMAP_LITERAL, 10, 5, false },
	{ "a X {0}\r\n", IMAP_LITERAL, 9, 0, true },
	{ "a X {4294967296}\r\n", IMAP_LITERAL, 18, 4294967296u, true },
	{ "a {18446744073709551617}\r\n", IMAP_LITERAL, 26, UINT64_MAX, true },
	{ "a X {}\r\n", IMAP_COMMAND, 8, 0, false },
	{ "a X {+}\r\n", IMAP_COMMAND, 9, 0, false },
	{ "a X {-1}\r\n", IMAP_COMMAND, 10, 0, false },
	{ "a X {0x5}\r\n", IMAP_COMMAND, 11, 0, false },
	{ "a X { 5}\r\n", IMAP_COMMAND, 10, 0, false },
	{ "a X {5}x\r\n", IMAP_COMMAND, 10, 0, false },
	{ "a X {5} \r\n", IMAP_COMMAND, 10, 0, false },
	{ "0123456789012345678901234567890123456789", IMAP_MORE, 0, 0, false },
	{ "01234567890123456789012345678901234567890", IMAP_LONG, 0, 0,
	    false },
	{ "01234567890123456789012345678901234567890\n", IMAP_LONG, 0, 0,
	    false },
};

static void
cut_at_once(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(cuts); i++) {
		struct imap_cutter c;
		enum imap_cut got;

		imap_cut_reset(&c);
		got = imap_cut(&c, str_of(cuts[i].in), TEXT_LIMIT);
		if (got != cuts[i].cut)
			fail_msg("row %zu: %d", i, got);
		if (got == IMAP_COMMAND || got == IMAP_LITERAL)
			assert_int_equal(c.at, cuts[i].at);
		if (got != IMAP_LITERAL)
			continue;
		assert_true(c.literal == cuts[i].literal);
		assert_int_equal(c.is_sync, cuts[i].is_sync);
	}
}

/* Byte by byte the same as at once, literals with line ends in them too. */
static void
cut_bytewise(void **state)
{
	const char *in = "a S {4+}\r\nx\r\ny {2}\r\n\n\n z\r\nb NOOP\r\n";
	struct imap_cutter c;
	size_t n, literals = 0;
	enum imap_cut got = IMAP_MORE;

	imap_cut_reset(&c);
	for (n = 0; n <= strlen(in) && got != IMAP_COMMAND; n++) {
		do {
			got = imap_cut(&c, str_mem(in, n), 100);
			if (got == IMAP_LITERAL) {
				imap_cut_take(&c);
				literals++;
			}
		} while (got == IMAP_LITERAL);
	}
	assert_int_equal(got, IMAP_COMMAND);
	assert_int_equal(literals, 2);
	assert_int_equal(c.at, strlen(in) - strlen("b NOOP\r\n"));
	assert_int_equal(c.literals, 6);
}

/* Literal octets do not count as text, text over all lines does. */
static void
cut_limits(void **state)
{
	struct imap_cutter c;
	const char *in = "aaaa {60+}\r\n"
	    "012345678901234567890123456789012345678901234567890123456789"
	    " bbbb\r\n";

	imap_cut_reset(&c);
	assert_int_equal(imap_cut(&c, str_of(in), 18), IMAP_LITERAL);
	imap_cut_take(&c);
	assert_int_equal(imap_cut(&c, str_of(in), 18), IMAP_COMMAND);
	imap_cut_reset(&c);
	assert_int_equal(imap_cut(&c, str_of(in), 16), IMAP_LITERAL);
	imap_cut_take(&c);
	assert_int_equal(imap_cut(&c, str_of(in), 16), IMAP_LONG);
}

static const struct {
	const char	*in;
	size_t		n;	/* 0: strlen */
	const char	*out;	/* NULL: refused */
} strings[] = {
	{ "abc", 0, "abc" },
	{ "a]c", 0, "a]c" },
	{ "\"\"", 0, "" },
	{ "\"a b\"", 0, "a b" },
	{ "\"a\\\"b\\\\c\"", 0, "a\"b\\c" },
	{ "\"IN\\BOX\"", 0, NULL },
	{ "\"open", 0, NULL },
	{ "\"open\\", 0, NULL },
	{ "\"open\\\"", 0, NULL },
	{ "\"a\0b\"", 5, NULL },
	{ "\"a\rb\"", 0, NULL },
	{ "\"a\nb\"", 0, NULL },
	{ "\"\xc3\xa4\"", 0, "\xc3\xa4" },
	{ "\"\xff\"", 0, NULL },
	{ "\xc3\xa4", 0, NULL },
	{ "{3}\r\na\r\n", 0, "a\r\n" },
	{ "{3+}\r\nabc", 0, "abc" },
	{ "{0}\r\n", 0, "" },
	{ "{4}\r\nabc", 0, NULL },
	{ "{3}abc", 0, NULL },
	{ "{-1}\r\nabc", 0, NULL },
	{ "{}\r\nabc", 0, NULL },
	{ "{3}\r\na\0c", 8, NULL },
	{ "", 0, NULL },
	{ "(", 0, NULL },
	{ "%", 0, NULL },
};

static void
words(void **state)
{
	struct arena arena;
	size_t i;

	arena_init(&arena, 65536);
	for (i = 0; i < NITEMS(strings); i++) {
		size_t n = strings[i].n ? strings[i].n :
		    strlen(strings[i].in);
		struct imap_args a = { str_mem(strings[i].in, n), &arena };
		struct str got;
		bool ok = imap_astring(&a, &got);

		if (ok != (strings[i].out != NULL))
			fail_msg("row %zu: %d", i, ok);
		if (ok && !str_same(got, strings[i].out))
			fail_msg("row %zu: %.*s", i, STR_ARG(got));
		if (ok)
			assert_true(imap_end(&a));
	}
	arena_free(&arena);
}

static void
tags(void **state)
{
	static const struct {
		const char *in;
		bool ok;
	} row[] = {
		{ "a1 ", true }, { "8.569 ", true }, { "a]b ", true },
		{ "+ ", false }, { "* ", false }, { "(a) ", false },
		{ " ", false }, { "\x80\x81 ", false }, { "a+b ", false },
		{ "\" ", false },
	};
	size_t i;

	for (i = 0; i < NITEMS(row); i++) {
		struct imap_args a = { str_of(row[i].in), NULL };
		struct str tag;

		assert_int_equal(imap_tag(&a, &tag) && imap_sp(&a),
		    row[i].ok);
	}
}

static void
small_things(void **state)
{
	struct imap_args a = { STR("NIL nil (x"), NULL };
	struct str s;
	uint32_t n;
	bool nil;

	assert_true(imap_nstring(&a, &s, &nil) && nil && s.p == NULL);
	assert_true(imap_sp(&a) && imap_nstring(&a, &s, &nil) && nil);
	assert_true(imap_sp(&a) && imap_char(&a, '('));
	assert_false(imap_nstring(&a, &s, &nil));
	a.rest = STR("4294967295 4294967296");
	assert_true(imap_number(&a, &n) && n == UINT32_MAX && imap_sp(&a));
	assert_false(imap_number(&a, &n));
	a.rest = STR("  x");
	assert_false(imap_sp(&a));
	a.rest = STR("a%b*c");
	assert_true(imap_list_mailbox(&a, &s) && s.n == 5);
	imap_args_init(&a, STR("x\r\n"), NULL);
	assert_int_equal(a.rest.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_at_once),
		cmocka_unit_test(cut_bytewise),
		cmocka_unit_test(cut_limits),
		cmocka_unit_test(words),
		cmocka_unit_test(tags),
		cmocka_unit_test(small_things),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
