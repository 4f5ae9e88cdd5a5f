/* SPDX-License-Identifier: ISC */
/* imap/find: texts made comparable. */
#include "imap/find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

typedef void one_fn(struct buf *, struct str);

static void
check(one_fn *fn, const char *in, const char *out)
{
	struct buf b;

	buf_init(&b, 10000);
	fn(&b, str_of(in));
	if (strcmp(buf_cstr(&b), out) != 0)
		fail_msg("%s: %s", in, buf_cstr(&b));
	buf_free(&b);
}

static void
fold(void **state)
{
	check(imap_fold, "Hello\r\n  World\t!", "hello world !");
	check(imap_fold, "\xc3\x84\xc3\x96\xc3\x97", "\xc3\xa4\xc3\xb6\xc3\x97");
	check(imap_fold, "\xce\xa3\xd0\x9f\xd0\x81", "\xcf\x83\xd0\xbf\xd1\x91");
	check(imap_fold, "\xc4\xb0\xc5\x81\xc5\xbd",
	    "\xc4\xb0\xc5\x82\xc5\xbe");
	check(imap_fold, "A\xff" "B", "a\xff" "b");
	check(imap_fold, "", "");
}

static void
charsets(void **state)
{
	static const struct {
		const char *charset, *in, *out;
	} row[] = {
		{ "iso-8859-1", "\xe4\xa4", "\xc3\xa4\xc2\xa4" },
		{ "ISO-8859-15", "\xa4", "\xe2\x82\xac" },
		{ "Windows-1252", "\x80\xe4", "\xe2\x82\xac\xc3\xa4" },
		{ "utf-8", "\xc3\xa4", "\xc3\xa4" },
		{ "x-none", "a\xff", "a\xff" },
	};
	size_t i;

	for (i = 0; i < NITEMS(row); i++) {
		struct buf b;

		buf_init(&b, 1000);
		imap_to_utf8(&b, str_of(row[i].in), str_of(row[i].charset));
		assert_string_equal(buf_cstr(&b), row[i].out);
		buf_free(&b);
	}
}

static void
encoded_words(void **state)
{
	check(imap_header_text, "plain", "plain");
	check(imap_header_text, "=?utf-8?Q?a_=C3=A4?=", "a \xc3\xa4");
	check(imap_header_text, "=?ISO-8859-1*de?q?=E4?= x", "\xc3\xa4 x");
	check(imap_header_text, "=?utf-8?B?w6Q=?=\r\n =?utf-8?B?w6Q=?= =",
	    "\xc3\xa4\xc3\xa4 =");
	check(imap_header_text, "a\r\n b", "a b");
	check(imap_header_text, "a: b\r\nc: d\r\n", "a: b\nc: d");
	check(imap_header_text, "=?utf-8?Q?open", "=?utf-8?Q?open");
	check(imap_header_text, "=?utf-8?X?a?=", "=?utf-8?X?a?=");
	check(imap_header_text, "=?=?=", "=?=?=");
	check(imap_header_text, "=?", "=?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fold),
		cmocka_unit_test(charsets),
		cmocka_unit_test(encoded_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
