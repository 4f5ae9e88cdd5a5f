/* SPDX-License-Identifier: ISC */
/*
 * Replies of a server: whole, in pieces, wrong, without end; capabilities.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/heard.h"

#include "base/banned.h"

static const struct {
	const char	*in;
	int		rc;
	unsigned	code, lines;
	const char	*text, *status;
	size_t		used;
} replies[] = {
	{ "250 2.1.0 ok\r\n", 0, 250, 1, "250 2.1.0 ok", "2.1.0", 14 },
	{ "250 ok\n", 0, 250, 1, "250 ok", "", 7 },
	{ "250\r\n", 0, 250, 1, "250", "", 5 },
	{ "250-a\r\n250 b\r\n250 next\r\n", 0, 250, 2, "250-a\n250 b", "", 14 },
	{ "550-5.7.1 no\r\n550 5.7.1 way\r\n", 0, 550, 2,
	  "550-5.7.1 no\n550 5.7.1 way", "5.7.1", 29 },
	{ "550 4.7.1 class differs\r\n", 0, 550, 1, "550 4.7.1 class differs",
	  "", 25 },
	{ "550 5.1.1\r\n", 0, 550, 1, "550 5.1.1", "5.1.1", 11 },
	{ "421 5.\r\n", 0, 421, 1, "421 5.", "", 8 },
	{ "550 \303\251\200\r\n", 0, 550, 1, "550 \303\251\200", "", 9 },
	{ "25", 1, 0, 0, "", "", 0 },
	{ "250-a\r\n250", 1, 250, 1, "250-a", "", 7 },
	{ "hello\r\n", FAIL_SYNTAX, 0, 0, "hello", "", 7 },
	{ "\r\n", FAIL_SYNTAX, 0, 0, "", "", 2 },
	{ "99 x\r\n", FAIL_SYNTAX, 0, 0, "99 x", "", 6 },
	{ "199 x\r\n", FAIL_SYNTAX, 0, 0, "199 x", "", 7 },
	{ "600 x\r\n", FAIL_SYNTAX, 0, 0, "600 x", "", 7 },
	{ "2500 x\r\n", FAIL_SYNTAX, 0, 0, "2500 x", "", 8 },
	{ "250-a\r\n550 b\r\n", FAIL_SYNTAX, 250, 1, "250-a\n550 b", "", 14 },
	{ "+OK POP3\r\n", FAIL_SYNTAX, 0, 0, "+OK POP3", "", 10 },
};

static void
expect(const struct smtp_heard *h, size_t i, int rc)
{
	assert_int_equal(rc, replies[i].rc);
	assert_int_equal(h->code, replies[i].code);
	assert_int_equal(h->lines, replies[i].lines);
	assert_true(str_same(buf_str(&h->text), replies[i].text));
	assert_true(str_same(smtp_heard_status(h), replies[i].status));
}

static void
test_replies(void **state)
{
	struct smtp_heard h;
	size_t used;

	(void)state;
	for (size_t i = 0; i < NITEMS(replies); i++) {
		int rc;

		smtp_heard_init(&h);
		rc = smtp_heard_feed(&h, str_of(replies[i].in), &used);
		expect(&h, i, rc);
		assert_int_equal(used, replies[i].used);
		smtp_heard_free(&h);
	}
}

/* The same however it is cut: here an octet a call. */
static void
test_octet_by_octet(void **state)
{
	struct smtp_heard h;

	(void)state;
	for (size_t i = 0; i < NITEMS(replies); i++) {
		struct str in = str_of(replies[i].in);
		size_t from = 0, used;
		int rc = 1;

		smtp_heard_init(&h);
		for (size_t n = 1; n <= in.n && rc == 1; n++) {
			rc = smtp_heard_feed(&h, str_sub(in, from, n - from),
			    &used);
			from += used;
		}
		expect(&h, i, rc);
		smtp_heard_free(&h);
	}
}

static void
test_nul(void **state)
{
	struct smtp_heard h;
	size_t used;

	(void)state;
	smtp_heard_init(&h);
	assert_int_equal(smtp_heard_feed(&h, str_mem("250 a\0b\r\n", 9), &used),
	    0);
	assert_int_equal(h.text.len, 7);
	smtp_heard_free(&h);
}

/* One reply follows another. */
static void
test_two(void **state)
{
	struct smtp_heard h;
	struct str in = STR("220 hi\r\n500 what\r\n");
	size_t used;

	(void)state;
	smtp_heard_init(&h);
	assert_int_equal(smtp_heard_feed(&h, in, &used), 0);
	assert_int_equal(h.code, 220);
	assert_int_equal(smtp_heard_feed(&h, str_from(in, used), &used), 0);
	assert_int_equal(h.code, 500);
	assert_true(str_same(buf_str(&h.text), "500 what"));
	smtp_heard_free(&h);
}

/* What a hostile server can make us keep, and how long it can go on. */
static void
test_without_end(void **state)
{
	static const struct {
		const char	*piece;
		size_t		times;	/* after which it must be over */
	} cases[] = {
		{ "250-x\r\n", SMTP_HEARD_LINES_MAX },
		{ "250 xxxxxxxxxxxx", SMTP_HEARD_LINE_MAX / 16 + 1 },
	};
	struct smtp_heard h;

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct buf in;
		size_t used, n = 0;
		int rc = 1;

		buf_init(&in, 10 * SMTP_HEARD_MAX);
		smtp_heard_init(&h);
		while (rc == 1 && n++ <= cases[i].times) {
			buf_z(&in, cases[i].piece);
			rc = smtp_heard_feed(&h, buf_str(&in), &used);
			buf_consume(&in, used);
		}
		assert_int_equal(rc, FAIL_TOO_BIG);
		assert_true(n <= cases[i].times);
		assert_true(h.text.len <= SMTP_HEARD_KEPT);
		buf_free(&in);
		smtp_heard_free(&h);
	}
}

/* 100 KB behind EHLO in lines of legal length. */
static void
test_many_octets(void **state)
{
	struct smtp_heard h;
	struct buf line;
	size_t used, octets = 0;
	int rc = 1;

	(void)state;
	buf_init(&line, 2000);
	buf_z(&line, "250-");
	for (int i = 0; i < 900; i++)
		buf_c(&line, 'x');
	buf_z(&line, "\r\n");
	smtp_heard_init(&h);
	for (; rc == 1 && octets < 100 * 1024; octets += line.len)
		rc = smtp_heard_feed(&h, buf_str(&line), &used);
	assert_int_equal(rc, FAIL_TOO_BIG);
	assert_true(octets <= SMTP_HEARD_MAX + line.len);
	assert_int_equal(h.text.len, SMTP_HEARD_KEPT);
	smtp_heard_free(&h);
	buf_free(&line);
}

static void
test_caps(void **state)
{
	static const struct {
		const char	*line;
		unsigned	can;
		uint64_t	size;
		uint32_t	rcpts;
	} cases[] = {
		{ "PIPELINING", SMTP_CAN_PIPELINING, 0, 0 },
		{ "pipelining", SMTP_CAN_PIPELINING, 0, 0 },
		{ "PIPELININGX", 0, 0, 0 },
		{ "SIZE 1000", SMTP_CAN_SIZE, 1000, 0 },
		{ "SIZE", SMTP_CAN_SIZE, 0, 0 },
		{ "SIZE 0", SMTP_CAN_SIZE, 0, 0 },
		{ "SIZE -1", SMTP_CAN_SIZE, 0, 0 },
		{ "SIZE 99999999999999999999", SMTP_CAN_SIZE, 0, 0 },
		{ "8BITMIME", SMTP_CAN_8BITMIME, 0, 0 },
		{ "ENHANCEDSTATUSCODES", SMTP_CAN_STATUS, 0, 0 },
		{ "STARTTLS", SMTP_CAN_STARTTLS, 0, 0 },
		{ "AUTH PLAIN login X", SMTP_CAN_PLAIN | SMTP_CAN_LOGIN, 0, 0 },
		{ "AUTH=LOGIN CRAM-MD5", SMTP_CAN_LOGIN, 0, 0 },
		{ "AUTH", 0, 0, 0 },
		{ "LIMITS RCPTMAX=20 X MAILMAX=1", 0, 0, 20 },
		{ "LIMITS RCPTMAX=0", 0, 0, 0 },
		{ "", 0, 0, 0 },
		{ " ", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct smtp_caps c = { .can = 0 };

		smtp_caps_line(&c, str_of(cases[i].line));
		assert_int_equal(c.can, cases[i].can);
		assert_int_equal(c.size_max, cases[i].size);
		assert_int_equal(c.rcpt_max, cases[i].rcpts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_octet_by_octet),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_without_end),
		cmocka_unit_test(test_many_octets),
		cmocka_unit_test(test_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
