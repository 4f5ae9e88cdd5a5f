/* SPDX-License-Identifier: ISC */
/* imap/items: FETCH items and sections. */
#include "imap/items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/banned.h"

static const struct {
	const char	*in;
	int		rc;
	const char	*labels;	/* blank-separated */
} items[] = {
	{ "FLAGS", 0, "FLAGS" },
	{ "fast", 0, "FLAGS INTERNALDATE RFC822.SIZE" },
	{ "ALL", 0, "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE" },
	{ "FULL", 0, "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY" },
	{ "(UID RFC822 RFC822.HEADER RFC822.TEXT)", 0,
	    "UID RFC822 RFC822.HEADER RFC822.TEXT" },
	{ "(BODY BODYSTRUCTURE BODY[])", 0, "BODY BODYSTRUCTURE BODY[]" },
	{ "body.peek[1.2.mime]", 0, "BODY[1.2.MIME]" },
	{ "BODY[TEXT]<5.10>", 0, "BODY[TEXT]<5>" },
	{ "BODY[]<4294967295.4294967295>", 0, "BODY[]<4294967295>" },
	{ "BODY[HEADER.FIELDS (From \"to\")]", 0,
	    "BODY[HEADER.FIELDS (From to)]" },
	{ "BODY[3.HEADER.FIELDS.NOT (\"a b\")]", 0,
	    "BODY[3.HEADER.FIELDS.NOT (\"a b\")]" },
	{ "", FAIL_SYNTAX, NULL },
	{ "()", FAIL_SYNTAX, NULL },
	{ "(FLAGS", FAIL_SYNTAX, NULL },
	{ "(FLAGS )", FAIL_SYNTAX, NULL },
	{ "(ALL)", FAIL_SYNTAX, NULL },
	{ "((FLAGS))", FAIL_SYNTAX, NULL },
	{ "FROB", FAIL_SYNTAX, NULL },
	{ "UID[]", FAIL_SYNTAX, NULL },
	{ "BODY[", FAIL_SYNTAX, NULL },
	{ "BODY[0]", FAIL_SYNTAX, NULL },
	{ "BODY[1..1]", FAIL_SYNTAX, NULL },
	{ "BODY[.1]", FAIL_SYNTAX, NULL },
	{ "BODY[1.]", FAIL_SYNTAX, NULL },
	{ "BODY[1TEXT]", FAIL_SYNTAX, NULL },
	{ "BODY[99999999999999999999]", FAIL_SYNTAX, NULL },
	{ "BODY[MIME]", FAIL_SYNTAX, NULL },
	{ "BODY[FROB]", FAIL_SYNTAX, NULL },
	{ "BODY[HEADER.FIELDS]", FAIL_SYNTAX, NULL },
	{ "BODY[HEADER.FIELDS ()]", FAIL_SYNTAX, NULL },
	{ "BODY[HEADER.FIELDS (\"\")]", FAIL_SYNTAX, NULL },
	{ "BODY[]<0.0>", FAIL_SYNTAX, NULL },
	{ "BODY[]<-1.5>", FAIL_SYNTAX, NULL },
	{ "BODY[]<0>", FAIL_SYNTAX, NULL },
	{ "BODY[]<4294967296.1>", FAIL_SYNTAX, NULL },
	{ "BODY.PEEK", FAIL_SYNTAX, NULL },
};

static void
table(void **state)
{
	struct arena arena;
	size_t i, k;

	for (i = 0; i < NITEMS(items); i++) {
		struct imap_args a = { str_of(items[i].in), &arena };
		struct imap_items it;
		struct buf b;
		int rc;

		arena_init(&arena, 1 << 20);
		rc = imap_items(&a, &it);
		if (rc == 0 && !imap_end(&a))
			rc = FAIL_SYNTAX;
		if (rc != items[i].rc)
			fail_msg("row %zu: %d", i, rc);
		buf_init(&b, 1000);
		for (k = 0; rc == 0 && k < it.n; k++)
			buf_fmt(&b, "%s%.*s", k > 0 ? " " : "",
			    STR_ARG(it.v[k].label));
		if (rc == 0 && !str_same(buf_str(&b), items[i].labels))
			fail_msg("row %zu: %s", i, buf_cstr(&b));
		buf_free(&b);
		arena_free(&arena);
	}
}

static int
many(const char *head, const char *each, size_t n, const char *tail)
{
	struct arena arena;
	struct imap_items it;
	struct imap_args a = { .arena = &arena };
	struct buf b;
	int rc;

	arena_init(&arena, 4 << 20);
	buf_init(&b, 1 << 20);
	buf_z(&b, head);
	while (n-- > 0)
		buf_z(&b, each);
	buf_z(&b, tail);
	a.rest = buf_str(&b);
	rc = imap_items(&a, &it);
	buf_free(&b);
	arena_free(&arena);
	return rc;
}

static void
limits(void **state)
{
	assert_int_equal(many("(UID", " UID", IMAP_ITEMS_MAX - 1, ")"), 0);
	assert_int_equal(many("(UID", " UID", IMAP_ITEMS_MAX, ")"),
	    FAIL_TOO_BIG);
	assert_int_equal(many("BODY[", "1.", IMAP_DEPTH_MAX - 1, "1]"), 0);
	assert_int_equal(many("BODY[", "1.", IMAP_DEPTH_MAX, "1]"),
	    FAIL_TOO_BIG);
	assert_int_equal(many("BODY[HEADER.FIELDS (a", " a",
	    IMAP_FIELDS_MAX - 1, ")]"), 0);
	assert_int_equal(many("BODY[HEADER.FIELDS (a", " a",
	    IMAP_FIELDS_MAX, ")]"), FAIL_TOO_BIG);
}

static void
what_it_needs(void **state)
{
	struct arena arena;
	struct imap_items it;
	struct imap_args a = { STR("(FLAGS BODY[1] BODY.PEEK[2]<3.4>)"),
	    &arena };

	arena_init(&arena, 1 << 20);
	assert_int_equal(imap_items(&a, &it), 0);
	assert_true(it.sets_seen && it.needs_file && it.has_flags &&
	    !it.has_uid && !it.needs_cache);
	assert_true(it.v[1].sets_seen && !it.v[2].sets_seen);
	assert_true(it.v[2].is_partial && it.v[2].from == 3 &&
	    it.v[2].count == 4 && it.v[2].depth == 1 &&
	    it.v[2].part[0] == 2);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(limits),
		cmocka_unit_test(what_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
