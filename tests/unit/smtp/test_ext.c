/* SPDX-License-Identifier: ISC */
/*
 * The answer to EHLO.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/ext.h"
#include "smtp/reply.h"

#include "base/banned.h"

static bool
offers(const struct buf *b, const char *word)
{
	struct str s = buf_str(b), line;

	while (str_line(&s, &line))
		if (str_istarts(str_from(line, 4), word))
			return true;
	return false;
}

static void
test_offer(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct smtp_offer o = {
			.hostname = STR("mx.example.org"),
			.size_limit = 1000,
			.starttls = (i & 1) != 0, .auth = (i & 2) != 0,
		};
		struct smtp_answer a = { .code = 0 };
		struct str s, line;
		struct buf b;
		int more = 1;

		buf_init(&b, 1000);
		smtp_ehlo_put(&b, &o);
		s = buf_str(&b);
		while (str_line(&s, &line))
			more = smtp_answer_line(&a, line);
		assert_int_equal(more, 0);
		assert_int_equal(a.code, 250);
		assert_true(str_starts(buf_str(&b), "250-mx.example.org\r\n"));
		assert_true(offers(&b, "SIZE 1000"));
		assert_true(offers(&b, "PIPELINING"));
		assert_true(offers(&b, "8BITMIME"));
		assert_true(offers(&b, "ENHANCEDSTATUSCODES"));
		assert_int_equal(offers(&b, "STARTTLS"), o.starttls);
		assert_int_equal(offers(&b, "AUTH PLAIN LOGIN"), o.auth);
		/* What the whole way does not honour is not promised. */
		assert_false(offers(&b, "SMTPUTF8"));
		assert_false(offers(&b, "DSN"));
		assert_false(offers(&b, "CHUNKING"));
		buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
