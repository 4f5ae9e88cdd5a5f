/* SPDX-License-Identifier: ISC */
/*
 * Headers on their way in: what is taken out, what is counted, and that all
 * else stays as it was, in chunks of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/head.h"

#include "base/banned.h"

static bool
is_ours(void *arg, struct str domain)
{
	return str_is(domain, "example.org");
}

/* out NULL: as it came in. */
static const struct {
	const char	*in;
	bool		is_submission;
	const char	*out;
	unsigned	hops, froms;
	bool		has_date, has_message_id;
} cases[] = {
	{ "From: a\r\nSubject: b\r\n\r\nReturn-Path: <x>\r\n", 0, NULL, 0, 1, 0, 0 },
	{ "Return-Path: <x>\r\nFrom: a\r\n\r\n", 0, "From: a\r\n\r\n", 0, 1, 0, 0 },
	{ "return-path : <x>\r\n more\r\n\tmore\r\nFrom: a\r\n\r\n", 0,
	  "From: a\r\n\r\n", 0, 1, 0, 0 },
	{ "From: a\r\nReturn-Path: <x>\r\n\r\nx", 0, "From: a\r\n\r\nx", 0, 1, 0, 0 },
	{ "Return-Path: <x>\r\n", 0, "", 0, 0, 0, 0 },
	{ "Return-Path: <x>", 0, "", 0, 0, 0, 0 },
	{ "Return-Pathy: <x>\r\n\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "Return-Path\r\n\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "Delivered-To: joe@example.org\r\nX: y\r\n\r\n", 0, "X: y\r\n\r\n",
	  0, 0, 0, 0 },
	{ "Delivered-To: joe@EXAMPLE.org\r\n\r\n", 0, "\r\n", 0, 0, 0, 0 },
	{ "Delivered-To: (c) <joe@example.org>\r\n\r\n", 0, "\r\n", 0, 0, 0, 0 },
	{ "Delivered-To: joe@example.net\r\n\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "Authentication-Results: mx.example.org; spf=pass\r\n\r\n", 0,
	  "\r\n", 0, 0, 0, 0 },
	{ "Authentication-Results:\r\n\t\"MX.example.org\" 1; spf=pass\r\n\r\n",
	  0, "\r\n", 0, 0, 0, 0 },
	{ "Authentication-Results: other; spf=pass\r\n\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "Bcc: a@b,\r\n\tc@d\r\nTo: e\r\n\r\n", 1, "To: e\r\n\r\n", 0, 0, 0, 0 },
	{ "Bcc: a@b\r\nTo: e\r\n\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "Received: a\r\nreceived : b\r\nX-Received: c\r\n\r\nReceived: d\r\n",
	  0, NULL, 2, 0, 0, 0 },
	{ "From: a\r\nFROM : b\r\nDate: c\r\nMessage-Id: d\r\n\r\n", 1, NULL,
	  0, 2, 1, 1 },
	{ " first\r\nFrom: a\r\n\r\n", 0, NULL, 0, 1, 0, 0 },
	{ "no field\r\n: x\r\nS\377: y\r\n\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "\r\nFrom: a\r\n", 0, NULL, 0, 0, 0, 0 },
	{ "From: a", 0, NULL, 0, 1, 0, 0 },
	{ "", 0, NULL, 0, 0, 0, 0 },
};

static void
run(struct smtp_head *h, struct str in, size_t step, struct buf *out)
{
	smtp_head_begin(h);
	for (size_t at = 0; at < in.n; at += step) {
		struct str part = str_sub(in, at, step);
		size_t n = smtp_head_feed(h, part, out);

		assert_true(n == part.n || h->is_over);
		if (h->is_over)
			buf_add(out, str_from(part, n));
	}
	smtp_head_end(h, out);
	smtp_head_free(h);
}

static void
test_cases(void **state)
{
	struct buf out;

	buf_init(&out, 10000);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str in = str_of(cases[i].in);

		for (size_t step = 1; step <= in.n + 1; step++) {
			struct smtp_head h = {
				.hostname = STR("mx.example.org"),
				.is_ours = is_ours,
				.is_submission = cases[i].is_submission,
			};

			buf_reset(&out);
			run(&h, in, step, &out);
			assert_string_equal(buf_cstr(&out),
			    cases[i].out != NULL ? cases[i].out : cases[i].in);
			assert_int_equal(h.hops, cases[i].hops);
			assert_int_equal(h.froms, cases[i].froms);
			assert_int_equal(h.has_date, cases[i].has_date);
			assert_int_equal(h.has_message_id,
			    cases[i].has_message_id);
		}
	}
	buf_free(&out);
}

/* No field is too long to be taken out, or to be kept whole. */
static void
test_long_field(void **state)
{
	static const char *const names[] = { "Return-Path", "Subject" };

	for (size_t i = 0; i < NITEMS(names); i++)
		for (size_t n = SMTP_FIELD_MAX - 40; n < SMTP_FIELD_MAX + 40;
		    n++) {
			struct smtp_head h = { .is_ours = NULL };
			struct buf in, out;

			buf_init(&in, 100000);
			buf_init(&out, 100000);
			buf_fmt(&in, "%s: ", names[i]);
			while (in.len < n)
				buf_c(&in, 'x');
			buf_z(&in, "\r\n yyy\r\nTo: z\r\n\r\nbody");
			run(&h, buf_str(&in), 1000, &out);
			if (i == 0)
				assert_string_equal(buf_cstr(&out),
				    "To: z\r\n\r\nbody");
			else
				assert_true(str_eq(buf_str(&in),
				    buf_str(&out)));
			buf_free(&in);
			buf_free(&out);
		}
}

static void
test_bulk(void **state)
{
	static const struct { const char *in; bool want; } bulk[] = {
		{ "Precedence: bulk\r\n\r\n", true },
		{ "precedence:  List \r\n\r\n", true },
		{ "Precedence: junk\r\n\r\n", true },
		{ "Precedence: first-class\r\n\r\n", false },
		{ "List-Id: <a.b>\r\n\r\n", true },
		{ "From: a\r\nList-Unsubscribe: <mailto:x@y>\r\n\r\n", true },
		{ "List-Post: NO\r\n\r\n", true },
		{ "Listen: x\r\n\r\nList-Id: <a.b>\r\n", false },
	};
	struct smtp_head h = { .hostname = STR("mx.example.org") };
	struct buf out;

	for (size_t i = 0; i < NITEMS(bulk); i++) {
		buf_init(&out, 1000);
		run(&h, str_of(bulk[i].in), 7, &out);
		assert_int_equal(h.is_bulk, bulk[i].want);
		assert_true(str_same(buf_str(&out), bulk[i].in));
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_long_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
