/* SPDX-License-Identifier: ISC */
/* imap/flag: flag lists. */
#include "imap/flag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mail/index.h"

#include "base/banned.h"

static const struct {
	const char	*in;
	bool		is_bare;
	int		rc;
	uint32_t	bits;
	const char	*keywords;
} lists[] = {
	{ "()", false, 0, 0, "" },
	{ "(\\Seen)", false, 0, INDEX_SEEN, "" },
	{ "(\\seen \\DELETED)", false, 0, INDEX_SEEN | INDEX_DELETED, "" },
	{ "(\\Draft work $Junk WORK)", false, 0, INDEX_DRAFT, "work $Junk" },
	{ "\\Flagged \\Answered", true, 0, INDEX_FLAGGED | INDEX_ANSWERED,
	    "" },
	{ "(x)", true, 0, 0, "x" },
	{ "\\Seen", false, FAIL_SYNTAX, 0, NULL },
	{ "(\\Recent)", false, FAIL_SYNTAX, 0, NULL },
	{ "(\\Bogus)", false, FAIL_SYNTAX, 0, NULL },
	{ "(\\)", false, FAIL_SYNTAX, 0, NULL },
	{ "(a\\b)", false, FAIL_SYNTAX, 0, NULL },
	{ "(\\Seen", false, FAIL_SYNTAX, 0, NULL },
	{ "(\\Seen(\\Draft)", false, FAIL_SYNTAX, 0, NULL },
	{ "(]{x)", true, FAIL_SYNTAX, 0, NULL },
	{ "", true, FAIL_SYNTAX, 0, NULL },
	{ "(a )", false, FAIL_SYNTAX, 0, NULL },
};

static void
parse(void **state)
{
	struct arena arena;
	size_t i;

	arena_init(&arena, 1 << 20);
	for (i = 0; i < NITEMS(lists); i++) {
		struct imap_args a = { str_of(lists[i].in), &arena };
		struct imap_flags f;
		int rc = imap_flag_list(&a, lists[i].is_bare, &f);

		if (rc != lists[i].rc)
			fail_msg("row %zu: %d", i, rc);
		if (rc < 0)
			continue;
		assert_true(imap_end(&a));
		assert_int_equal(f.bits, lists[i].bits);
		assert_true(str_same(f.keywords, lists[i].keywords));
	}
	arena_free(&arena);
}

static int
list_of(size_t keywords, size_t length)
{
	struct arena arena;
	struct imap_flags f;
	struct imap_args a = { .arena = &arena };
	struct buf b;
	size_t i, k;
	int rc;

	arena_init(&arena, 1 << 20);
	buf_init(&b, 1 << 20);
	for (i = 0; i < keywords; i++) {
		buf_fmt(&b, "%sk%zu", i > 0 ? " " : "(", i);
		for (k = 2; k < length; k++)
			buf_c(&b, 'k');
	}
	buf_c(&b, ')');
	a.rest = buf_str(&b);
	rc = imap_flag_list(&a, false, &f);
	buf_free(&b);
	arena_free(&arena);
	return rc;
}

static void
limits(void **state)
{
	assert_int_equal(list_of(IMAP_KEYWORDS_MAX, 0), 0);
	assert_int_equal(list_of(IMAP_KEYWORDS_MAX + 1, 0), FAIL_TOO_BIG);
	assert_int_equal(list_of(1, IMAP_KEYWORD_MAX), 0);
	assert_int_equal(list_of(1, IMAP_KEYWORD_MAX + 1), FAIL_TOO_BIG);
}

static void
writing(void **state)
{
	struct str names = STR("work $Junk later");
	struct buf b;

	buf_init(&b, 1000);
	buf_c(&b, '(');
	imap_put_flags(&b, INDEX_SEEN | INDEX_DRAFT, true, 5, names);
	assert_string_equal(buf_cstr(&b),
	    "(\\Seen \\Draft \\Recent work later");
	buf_reset(&b);
	imap_put_flags(&b, 0, false, 2 | 1u << 30, names);
	assert_string_equal(buf_cstr(&b), "$Junk");
	assert_int_equal(imap_keyword_bit(names, STR("LATER")), 2);
	assert_int_equal(imap_keyword_bit(names, STR("late")), -1);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(limits),
		cmocka_unit_test(writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
