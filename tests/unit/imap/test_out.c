/* SPDX-License-Identifier: ISC */
/* imap/out: strings in answers. */
#include "imap/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

enum how { STRING, ASTRING, NSTRING };

static const struct {
	enum how	how;
	const char	*in;	/* NULL: the str without p */
	size_t		n;
	const char	*out;
} rows[] = {
	{ STRING, "", 0, "\"\"" },
	{ STRING, "a b", 3, "\"a b\"" },
	{ STRING, "a\"b\\", 4, "\"a\\\"b\\\\\"" },
	{ STRING, "a\nb", 3, "{3}\r\na\nb" },
	{ STRING, "\xc3\xa4", 2, "{2}\r\n\xc3\xa4" },
	{ STRING, "a\0b\0", 4, "{4}\r\na\x80" "b\x80" },
	{ ASTRING, "INBOX", 5, "INBOX" },
	{ ASTRING, "", 0, "\"\"" },
	{ ASTRING, "nil", 3, "\"nil\"" },
	{ ASTRING, "a]", 2, "\"a]\"" },
	{ ASTRING, "a%", 2, "\"a%\"" },
	{ NSTRING, NULL, 0, "NIL" },
	{ NSTRING, "", 0, "\"\"" },
	{ NSTRING, "NIL", 3, "\"NIL\"" },
};

static void
table(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(rows); i++) {
		struct str s = str_mem(rows[i].in, rows[i].n);
		struct buf b;

		buf_init(&b, 1000);
		if (rows[i].how == STRING)
			imap_put_string(&b, s);
		else if (rows[i].how == ASTRING)
			imap_put_astring(&b, s);
		else
			imap_put_nstring(&b, s);
		if (!str_same(buf_str(&b), rows[i].out))
			fail_msg("row %zu: %s", i, buf_cstr(&b));
		buf_free(&b);
	}
}

static void
long_ones_are_literals(void **state)
{
	uint8_t text[1001];
	struct buf b;

	memset(text, 'x', sizeof(text));
	buf_init(&b, 10000);
	imap_put_string(&b, str_mem(text, 1000));
	assert_int_equal(b.len, 1002);
	buf_reset(&b);
	imap_put_string(&b, str_mem(text, 1001));
	assert_true(str_starts(buf_str(&b), "{1001}\r\nx"));
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(long_ones_are_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
