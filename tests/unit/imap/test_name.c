/* SPDX-License-Identifier: ISC */
/* imap/name: modified UTF-7, valid names, patterns. */
#include "imap/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static const struct {
	const char	*in;	/* modified UTF-7 */
	const char	*out;	/* UTF-8; NULL: refused */
	bool		both;	/* encodes back to the same */
} names[] = {
	{ "INBOX", "INBOX", true },
	{ "a&-b", "a&b", true },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe", true },
	{ "&ZeVnLIqe-", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", true },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80", true },
	{ "&AOQ-&-", "\xc3\xa4&", true },
	{ "a/b", "a/b", true },
	{ "\xc3\xa4", "\xc3\xa4", false },
	{ "\xff", NULL, false },
	{ "&", NULL, false }, { "&abc", NULL, false },
	{ "&AGE-", NULL, false },	/* an ASCII letter in disguise */
	{ "&AC8-", NULL, false }, { "x&AC8-..&AC8-y", NULL, false },
	{ "&AC4ALg-", NULL, false }, { "&AAA-", NULL, false },
	{ "&AAAA-", NULL, false },
	{ "&2D0-", NULL, false }, { "&3gA-", NULL, false },
	{ "&AOR-", NULL, false },	/* stray bits */
	{ "&AO-", NULL, false }, { "&A-", NULL, false },
	{ "&AOQA-", NULL, false }, { "&A/Q-", NULL, false },
	{ "&AOQ-&AOQ-", NULL, false },	/* one run written as two */
};

static void
decode(void **state)
{
	struct arena arena;
	size_t i;

	arena_init(&arena, 65536);
	for (i = 0; i < NITEMS(names); i++) {
		struct str got;
		struct buf b;
		int rc = imap_name_decode(str_of(names[i].in), &arena, &got);

		if ((rc == 0) != (names[i].out != NULL))
			fail_msg("row %zu: %d", i, rc);
		if (rc != 0)
			continue;
		assert_true(str_same(got, names[i].out));
		if (!names[i].both)
			continue;
		buf_init(&b, 1000);
		imap_name_encode(&b, got);
		assert_string_equal(buf_cstr(&b), names[i].in);
		buf_free(&b);
	}
	arena_free(&arena);
}

static void
valid(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} row[] = {
		{ "a", true }, { "a/b", true }, { "a.b", true },
		{ ".a", true }, { "a/...", true }, { "a b", true },
		{ "", false }, { "/", false }, { "/a", false },
		{ "a/", false }, { "a//b", false }, { ".", false },
		{ "..", false }, { "../x", false }, { "a/../b", false },
		{ "a/.", false }, { "~u", false }, { "a\x01", false },
		{ "a\r", false }, { "a\x7f", false }, { "a*", false },
		{ "%", false }, { "\xff", false },
	};
	struct buf b;
	size_t i;

	for (i = 0; i < NITEMS(row); i++)
		if (imap_name_valid(str_of(row[i].name)) != row[i].ok)
			fail_msg("row %zu", i);
	buf_init(&b, 2000);
	while (b.len < IMAP_NAME_MAX)
		buf_c(&b, 'a');
	assert_true(imap_name_valid(buf_str(&b)));
	buf_c(&b, 'a');
	assert_false(imap_name_valid(buf_str(&b)));
	buf_free(&b);
}

static void
canon(void **state)
{
	struct arena arena;

	arena_init(&arena, 65536);
	assert_true(str_same(imap_name_canon(&arena, STR("inbox")), "INBOX"));
	assert_true(str_same(imap_name_canon(&arena, STR("Inbox/a")),
	    "INBOX/a"));
	assert_true(str_same(imap_name_canon(&arena, STR("inboxes")),
	    "inboxes"));
	arena_free(&arena);
}

static void
patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool ok;
	} row[] = {
		{ "*", "a/b", true }, { "%", "a", true },
		{ "%", "a/b", false }, { "%/%", "a/b", true },
		{ "%/%", "a/b/c", false }, { "a*c", "a/b/c", true },
		{ "a%c", "abc", true }, { "a%c", "a/c", false },
		{ "INBOX", "INBOX", true }, { "INBOX", "INBOXX", false },
		{ "", "", true }, { "", "a", false }, { "*", "", true },
		{ "%%", "a", true }, { "%*", "a/b", true },
		{ "*%", "a/b", true }, { "*b%", "a/b/c", false },
		{ "*b%", "a/bc", true }, { "*a%b*c", "xa1b/2c", true },
		{ "%a/b", "xxa/b", true }, { "%a/b", "x/a/b", false },
		{ "a/%", "a/", true }, { "a/%", "a", false },
		{ "*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false },
	};
	struct arena arena;
	size_t i;

	arena_init(&arena, 65536);
	for (i = 0; i < NITEMS(row); i++) {
		struct imap_pattern p;

		assert_int_equal(imap_pattern_init(&p, &arena,
		    str_of(row[i].pattern)), 0);
		if (imap_pattern_match(&p, str_of(row[i].name)) != row[i].ok)
			fail_msg("row %zu", i);
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode),
		cmocka_unit_test(valid),
		cmocka_unit_test(canon),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
