/* SPDX-License-Identifier: ISC */
/*
 * Data framing: each case in chunks of every size; and all short texts of
 * CR, LF, dot and x against a definition so plain that it must be right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/body.h"

#include "base/banned.h"

/* out NULL: the end was not reached.  rest: what is left behind the end. */
static const struct body_case {
	const char	*in, *out, *rest;
	enum smtp_fault	fault;
} cases[] = {
	{ ".\r\n", "", "", SMTP_FINE },
	{ "a\r\n.\r\n", "a\r\n", "", SMTP_FINE },
	{ "a\r\n.\r\nMAIL FROM", "a\r\n", "MAIL FROM", SMTP_FINE },
	{ "a\r\n\r\nb\r\n.\r\n", "a\r\n\r\nb\r\n", "", SMTP_FINE },
	{ "..\r\n.\r\n", ".\r\n", "", SMTP_FINE },
	{ "...\r\n.x\r\n..x\r\n.\r\n", "..\r\nx\r\n.x\r\n", "", SMTP_FINE },
	{ "a.\r\nb\r\n.\r\n", "a.\r\nb\r\n", "", SMTP_FINE },
	{ "\377\r\n.\r\n", "\377\r\n", "", SMTP_FINE },
	{ "a", NULL, "", SMTP_FINE },
	{ "a\r\n.\r", NULL, "", SMTP_FINE },
	{ "a\r\n.", NULL, "", SMTP_FINE },
	/* what others have taken for the end (CVE-2023-51764 and family) */
	{ "a\n.\nx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ "a\n.\r\nx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ "a\r\n.\nx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ "a\r.\rx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ "a\r.\r\nx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ "a\r\n.\rx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ "a\r\r\n.\r\nx", "", "x", SMTP_BARE_LINE_END },
	{ "a\r\n.\r\r\nx\r\n.\r\n", "", "", SMTP_BARE_LINE_END },
	{ ".\n.\r\n", NULL, "", SMTP_BARE_LINE_END },
	{ "\n.\r\n", NULL, "", SMTP_BARE_LINE_END },
};

static void
check(const struct body_case *c, struct str in, struct str want, size_t step)
{
	struct smtp_body b;
	struct buf out;
	size_t at = 0;

	buf_init(&out, 1000000);
	smtp_body_begin(&b, 1000000);
	while (at < in.n && !b.is_over) {
		struct str part = str_sub(in, at, step);
		size_t n = smtp_body_feed(&b, part, &out);

		assert_true(n == part.n || b.is_over);
		at += n;
	}
	if (b.is_over != (c->out != NULL) || b.fault != c->fault ||
	    in.n - at != strlen(c->rest))
		fail_msg("%s, step %zu: over %d fault %d left %zu", c->in,
		    step, b.is_over, b.fault, in.n - at);
	if (c->fault == SMTP_FINE && c->out != NULL) {
		assert_true(str_eq(buf_str(&out), want));
		assert_int_equal(b.size, want.n);
	}
	assert_int_equal(b.taken, at);
	buf_free(&out);
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NITEMS(cases); i++)
		for (size_t step = 1; step <= strlen(cases[i].in); step++)
			check(&cases[i], str_of(cases[i].in),
			    str_of(cases[i].out), step);
}

static void
test_nul(void **state)
{
	static const struct body_case c = { "", "", "", SMTP_NUL };

	for (size_t step = 1; step < 12; step++) {
		check(&c, STR("a\0b\r\n.\r\n"), STR(""), step);
		check(&c, STR("a\r\n\0.\r\nx\r\n.\r\n"), STR(""), step);
		check(&c, STR("a\r\n.\0\r\nx\r\n.\r\n"), STR(""), step);
	}
}

/* A dot behind so many octets of one line is a dot, whoever cuts lines
 * there. */
static void
test_long_lines(void **state)
{
	static const size_t at[] = { 512, 998, 1000, 1024, 2047, 2048, 4096,
	    8192, 16384, 65536 };

	for (size_t i = 0; i < NITEMS(at); i++) {
		char *text = malloc(at[i] + 10);
		struct body_case c = { "", "", "", SMTP_FINE };
		static const size_t steps[] = { 1, 512, 998, 1000, 4096,
		    16384, 100000 };

		memset(text, 'a', at[i]);
		memcpy(text + at[i], ".\r\n.\r\n", 6);
		for (size_t k = 0; k < NITEMS(steps); k++)
			check(&c, str_mem(text, at[i] + 6),
			    str_mem(text, at[i] + 3), steps[k]);
		free(text);
	}
}

static void
test_limit(void **state)
{
	static const struct {
		uint64_t	limit;
		enum smtp_fault	fault;
	} limits[] = {
		{ 7, SMTP_FINE }, { 6, SMTP_TOO_BIG }, { 0, SMTP_TOO_BIG },
	};

	for (size_t i = 0; i < NITEMS(limits); i++)
		for (size_t step = 1; step < 16; step++) {
			struct str in = STR("abc\r\n..\r\n.\r\n");
			struct smtp_body b;
			struct buf out;
			size_t at = 0;

			in = STR("abc\r\n..\r\n.\r\n");
			buf_init(&out, 100);
			smtp_body_begin(&b, limits[i].limit + 1);
			while (!b.is_over)
				at += smtp_body_feed(&b,
				    str_sub(in, at, step), &out);
			assert_int_equal(b.fault, limits[i].fault);
			assert_true(out.len <= limits[i].limit + 1);
			buf_free(&out);
		}
}

/*
 * RFC 5321 said plainly: the data ends at the first CRLF "." CRLF (the CRLF
 * of the DATA command counts as the first); it is bad if it holds a CR or LF
 * outside of CRLF; one dot at each line start is dropped.
 */
static void
define(struct str in, bool *over, bool *bad, size_t *used, struct buf *out)
{
	size_t end = 0;
	bool line_start = true;

	*over = *bad = false;
	if (str_starts(in, ".\r\n")) {
		*over = true;
		*used = 3;
		return;
	}
	end = str_find(in, STR("\r\n.\r\n"));
	*over = end < in.n;
	*used = *over ? end + 5 : in.n;
	for (size_t i = 0; i < (*over ? end + 2 : in.n); i++) {
		uint8_t c = in.p[i];

		if (c == '\r' && i + 1 < in.n && in.p[i + 1] != '\n')
			*bad = true;
		if (c == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			*bad = true;
		if (c != '.' || !line_start)
			buf_c(out, c);
		line_start = c == '\n' && i > 0 && in.p[i - 1] == '\r';
	}
}

static void
test_against_definition(void **state)
{
	static const char set[] = "\r\n.x";
	struct buf want, got;

	buf_init(&want, 100);
	buf_init(&got, 100);
	for (unsigned v = 0; v < 1u << 18; v++) {
		char text[9];
		bool over, bad;
		size_t used = 0;
		struct smtp_body b;
		struct str in = str_mem(text, sizeof(text));

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = set[v >> (2 * i) & 3];
		buf_reset(&want);
		buf_reset(&got);
		define(in, &over, &bad, &used, &want);
		smtp_body_begin(&b, 1000);
		assert_int_equal(smtp_body_feed(&b, in, &got), used);
		assert_int_equal(b.is_over, over);
		assert_int_equal(b.fault != SMTP_FINE, bad);
		if (over && !bad)
			assert_true(str_eq(buf_str(&got), buf_str(&want)));
	}
	buf_free(&want);
	buf_free(&got);
}

static void
test_8bit(void **state)
{
	struct smtp_body b;
	struct buf out;

	buf_init(&out, 100);
	smtp_body_begin(&b, 100);
	(void)smtp_body_feed(&b, STR("abc\r\n"), &out);
	assert_false(b.has_8bit);
	(void)smtp_body_feed(&b, STR("\200\r\n"), &out);
	assert_true(b.has_8bit);
	buf_free(&out);
}

/* A line is long from its 999th octet on, however it comes. */
static void
test_has_long(void **state)
{
	for (size_t n = 997; n < 1001; n++)
		for (size_t step = 1; step < 2000; step += 499) {
			struct smtp_body b;
			struct buf in, out;

			buf_init(&in, 4000);
			buf_init(&out, 4000);
			buf_z(&in, "x\r\n");
			for (size_t i = 0; i < n; i++)
				buf_c(&in, 'x');
			buf_z(&in, "\r\nx\r\n.\r\n");
			smtp_body_begin(&b, 4000);
			for (size_t at = 0; at < in.len; at += step)
				(void)smtp_body_feed(&b,
				    str_sub(buf_str(&in), at, step), &out);
			assert_true(b.is_over);
			assert_int_equal(b.has_long, n > SMTP_TEXT_MAX);
			buf_free(&in);
			buf_free(&out);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_against_definition),
		cmocka_unit_test(test_8bit),
		cmocka_unit_test(test_has_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
