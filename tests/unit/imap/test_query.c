/* SPDX-License-Identifier: ISC */
/* imap/query: SEARCH as a program. */
#include "imap/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mail/index.h"

#include "base/buf.h"
#include "base/banned.h"

/* A message: \Seen, keyword "work", number 3, UID 7, 100 octets, header
 * unknown. */
static enum imap_truth
ask(void *arg, const struct imap_key_node *k)
{
	bool yes;

	switch (k->key) {
	case IMAP_Q_FLAG:
		yes = k->number == INDEX_SEEN;
		break;
	case IMAP_Q_NO_FLAG:
		yes = k->number != INDEX_SEEN;
		break;
	case IMAP_Q_KEYWORD:
		yes = str_is(k->text, "work");
		break;
	case IMAP_Q_SEQ:
		yes = k->set.v[0].first == 3;
		break;
	case IMAP_Q_UID:
		yes = k->set.v[0].first == 7;
		break;
	case IMAP_Q_LARGER:
		yes = 100 > k->number;
		break;
	case IMAP_Q_SINCE:
		yes = k->number <= 19754;	/* 1-Feb-2024 */
		break;
	case IMAP_Q_HEADER:
	case IMAP_Q_BODY:
		return IMAP_UNKNOWN;
	default:
		yes = false;
	}
	return yes ? IMAP_YES : IMAP_NO;
}

static const struct {
	const char	*in;
	int		rc;	/* or the answer */
} rows[] = {
	{ "ALL", IMAP_YES }, { "SEEN", IMAP_YES }, { "UNSEEN", IMAP_NO },
	{ "SEEN UNSEEN", IMAP_NO }, { "OR SEEN UNSEEN", IMAP_YES },
	{ "NOT SEEN", IMAP_NO }, { "NOT NOT SEEN", IMAP_YES },
	{ "NOT OR UNSEEN DELETED", IMAP_YES },
	{ "OR OR DELETED DRAFT SEEN", IMAP_YES },
	{ "(SEEN (UNDELETED ALL))", IMAP_YES },
	{ "OR (SEEN DELETED) (NOT DRAFT SEEN)", IMAP_YES },
	{ "3", IMAP_YES }, { "4 SEEN", IMAP_NO }, { "uid 7", IMAP_YES },
	{ "KEYWORD work LARGER 99", IMAP_YES }, { "LARGER 100", IMAP_NO },
	{ "SINCE 1-Feb-2024", IMAP_YES },
	{ "SINCE \"2-Feb-2024\"", IMAP_NO },
	{ "SUBJECT x", IMAP_UNKNOWN }, { "UNSEEN SUBJECT x", IMAP_NO },
	{ "OR SEEN BODY x", IMAP_YES }, { "NOT BODY x", IMAP_UNKNOWN },
	{ "HEADER X-Y \"\" SEEN", IMAP_UNKNOWN },
	{ "CHARSET UTF-8 SEEN", IMAP_YES },
	{ "CHARSET us-ascii SEEN", IMAP_YES },
	{ "CHARSET \"UTF-8\" SUBJECT {2+}\r\n\xc3\xa4", IMAP_UNKNOWN },
	{ "CHARSET X-NONE SEEN", FAIL_PERM },
	{ "CHARSET UTF-8", FAIL_SYNTAX },
	{ "SUBJECT {2+}\r\n\xff\xfe", FAIL_SYNTAX },
	{ "", FAIL_SYNTAX }, { "OR ALL", FAIL_SYNTAX },
	{ "NOT", FAIL_SYNTAX }, { "NOT ", FAIL_SYNTAX },
	{ "FROBNICATE", FAIL_SYNTAX }, { "()", FAIL_SYNTAX },
	{ "(ALL", FAIL_SYNTAX }, { "ALL)", FAIL_SYNTAX },
	{ "(OR ALL)", FAIL_SYNTAX }, { "(NOT) ALL", FAIL_SYNTAX },
	{ "ALL  SEEN", FAIL_SYNTAX }, { "ALLSEEN", FAIL_SYNTAX },
	{ "(ALL)(SEEN)", FAIL_SYNTAX }, { "(ALL) SEEN", IMAP_YES },
	{ "SINCE 99-Foo-0000", FAIL_SYNTAX },
	{ "BEFORE 31-Feb-2024", FAIL_SYNTAX },
	{ "BEFORE 31-Feb-99999", FAIL_SYNTAX },
	{ "LARGER -1", FAIL_SYNTAX }, { "LARGER 99999999999", FAIL_SYNTAX },
	{ "LARGER x", FAIL_SYNTAX }, { "UID", FAIL_SYNTAX },
	{ "UID 0", FAIL_SYNTAX }, { "0", FAIL_SYNTAX },
	{ "SUBJECT", FAIL_SYNTAX }, { "HEADER x", FAIL_SYNTAX },
	{ "KEYWORD \\Seen", FAIL_SYNTAX },
};

static void
table(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(rows); i++) {
		struct arena arena;
		struct imap_args a = { str_of(rows[i].in), &arena };
		struct imap_query q;
		uint8_t stack[64];
		int rc;

		arena_init(&arena, 1 << 20);
		rc = imap_query(&a, &q);
		if (rc == 0) {
			assert_in_range(q.deepest, 1, sizeof(stack));
			rc = (int)imap_query_run(&q, stack, ask, NULL);
		}
		if (rc != rows[i].rc)
			fail_msg("row %zu (%s): %d", i, rows[i].in, rc);
		arena_free(&arena);
	}
}

static int
many(const char *head, const char *each, size_t n, const char *tail,
    const char *each_tail)
{
	struct arena arena;
	struct imap_args a = { .arena = &arena };
	struct imap_query q;
	struct buf b;
	size_t i;
	int rc;

	arena_init(&arena, 16 << 20);
	buf_init(&b, 4 << 20);
	buf_z(&b, head);
	for (i = 0; i < n; i++)
		buf_z(&b, each);
	buf_z(&b, tail);
	for (i = 0; i < n; i++)
		buf_z(&b, each_tail);
	a.rest = buf_str(&b);
	rc = imap_query(&a, &q);
	buf_free(&b);
	arena_free(&arena);
	return rc;
}

/* Depth and number are bounded, and neither costs stack. */
static void
limits(void **state)
{
	size_t deep = IMAP_QUERY_DEEP - 1;

	assert_int_equal(many("", "(", deep, "ALL", ")"), 0);
	assert_int_equal(many("", "(", deep + 1, "ALL", ")"), FAIL_TOO_BIG);
	assert_int_equal(many("", "NOT ", deep, "ALL", ""), 0);
	assert_int_equal(many("", "NOT ", 20000, "ALL", ""), FAIL_TOO_BIG);
	assert_int_equal(many("", "OR ALL ", deep, "ALL", ""), 0);
	assert_int_equal(many("", "OR ALL ", deep + 1, "ALL", ""),
	    FAIL_TOO_BIG);
	assert_int_equal(many("ALL", " ALL", 5000, "", ""), 0);
	assert_int_equal(many("ALL", " ALL", 30000, "", ""), FAIL_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
