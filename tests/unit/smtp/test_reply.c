/* SPDX-License-Identifier: ISC */
/*
 * Replies: said in lines that fit, read to the last one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/reply.h"

#include "base/banned.h"

static void
test_put(void **state)
{
	static const struct smtp_reply with = { 550, "5.1.1", "no" },
	    without = { 354, NULL, "go on" };
	struct buf b;

	buf_init(&b, 1000);
	smtp_reply_put(&b, &with);
	smtp_reply_put(&b, &without);
	assert_string_equal(buf_cstr(&b), "550 5.1.1 no\r\n354 go on\r\n");
	buf_free(&b);
}

static void
test_text(void **state)
{
	static const struct {
		const char	*text, *out;
	} cases[] = {
		{ "one", "451 4.3.0 one\r\n" },
		{ "one\ntwo", "451-4.3.0 one\r\n451 4.3.0 two\r\n" },
		{ "one\r\ntwo", "451-4.3.0 one\r\n451 4.3.0 two\r\n" },
		{ "a\rb\377", "451 4.3.0 ab?\r\n" },
		{ "", "451 4.3.0 \r\n" },
	};
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		buf_reset(&b);
		smtp_reply_text(&b, 451, STR("4.3.0"), str_of(cases[i].text));
		assert_string_equal(buf_cstr(&b), cases[i].out);
	}
	buf_free(&b);
}

/* However long: every line is a reply line of legal length. */
static void
test_long_text(void **state)
{
	for (int with_blanks = 0; with_blanks <= 1; with_blanks++) {
		struct buf in, out;
		struct smtp_answer a = { .code = 0 };
		struct str s, line;
		int more = 1;

		buf_init(&in, 10000);
		buf_init(&out, 20000);
		for (int i = 0; i < 3000; i++)
			buf_c(&in, with_blanks && i % 7 == 0 ? ' ' : 'x');
		smtp_reply_text(&out, 550, STR("5.7.1"), buf_str(&in));
		s = buf_str(&out);
		while (str_line(&s, &line)) {
			assert_int_equal(more, 1);
			assert_true(line.n + 2 <= SMTP_REPLY_LINE_MAX);
			more = smtp_answer_line(&a, line);
			assert_true(more >= 0);
		}
		assert_int_equal(more, 0);
		assert_int_equal(a.code, 550);
		buf_free(&in);
		buf_free(&out);
	}
}

static void
test_answer(void **state)
{
	static const struct {
		const char	*line;
		int		r;
	} lines[] = {
		{ "250-a", 1 }, { "250-b c", 1 }, { "250 d", 0 },
	}, alone[] = {
		{ "250", 0 }, { "250 ", 0 }, { "25", FAIL_SYNTAX },
		{ "250x", FAIL_SYNTAX }, { "199 x", FAIL_SYNTAX },
		{ "600 x", FAIL_SYNTAX }, { "", FAIL_SYNTAX },
		{ "2x0 a", FAIL_SYNTAX },
	};
	struct smtp_answer a = { .code = 0 };

	for (size_t i = 0; i < NITEMS(lines); i++)
		assert_int_equal(smtp_answer_line(&a, str_of(lines[i].line)),
		    lines[i].r);
	assert_true(str_same(a.text, "d"));
	for (size_t i = 0; i < NITEMS(alone); i++) {
		a = (struct smtp_answer){ .code = 0 };
		assert_int_equal(smtp_answer_line(&a, str_of(alone[i].line)),
		    alone[i].r);
	}
	/* The code may not change, and the lines must end. */
	a = (struct smtp_answer){ .code = 0 };
	assert_int_equal(smtp_answer_line(&a, STR("250-a")), 1);
	assert_int_equal(smtp_answer_line(&a, STR("251 b")), FAIL_SYNTAX);
	a = (struct smtp_answer){ .code = 0 };
	for (int i = 0; i < SMTP_REPLY_LINES_MAX; i++)
		assert_int_equal(smtp_answer_line(&a, STR("250-a")), 1);
	assert_int_equal(smtp_answer_line(&a, STR("250-a")), FAIL_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
