/* SPDX-License-Identifier: ISC */
/*
 * Trace fields: what ours look like, that no client can put lines into them,
 * and which foreign results claim to be ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/trace.h"

#include "base/banned.h"

static void
test_received(void **state)
{
	struct trace_received r = {
		.helo = STR("client.example"), .peer = STR("192.0.2.1"),
		.by = STR("mail.example.org"), .with = STR("ESMTPS"),
		.tls = STR("TLSv1.3 X"), .mid = STR("01abc"),
		.recipient = STR("joe@example.org"), .at_s = 0, .zone = 60,
	};
	struct buf b;

	buf_init(&b, 1000);
	trace_put_received(&b, &r);
	assert_string_equal(buf_cstr(&b),
	    "Received: from client.example ([192.0.2.1])\r\n"
	    "\tby mail.example.org with ESMTPS id 01abc\r\n"
	    "\t(TLSv1.3 X)\r\n"
	    "\tfor <joe@example.org>; Thu, 1 Jan 1970 01:00:00 +0100\r\n");
	/* Bcc: nobody is named where there are several. */
	r.recipient = r.tls = STR("");
	r.peer = STR("2001:db8::1");
	buf_reset(&b);
	trace_put_received(&b, &r);
	assert_string_equal(buf_cstr(&b),
	    "Received: from client.example ([IPv6:2001:db8::1])\r\n"
	    "\tby mail.example.org with ESMTPS id 01abc"
	    "; Thu, 1 Jan 1970 01:00:00 +0100\r\n");
	r.peer = STR("uid:1000");
	buf_reset(&b);
	trace_put_received(&b, &r);
	assert_string_equal(buf_cstr(&b),
	    "Received: from client.example (uid 1000)\r\n"
	    "\tby mail.example.org with ESMTPS id 01abc"
	    "; Thu, 1 Jan 1970 01:00:00 +0100\r\n");
	r.helo = STR("a\r\nX-Injected: yes\0\377");
	buf_reset(&b);
	trace_put_received(&b, &r);
	assert_int_equal(str_find(buf_str(&b), STR("\r\nX-")), b.len);
	assert_true(str_is_ascii(buf_str(&b)));
	buf_free(&b);
}

static void
test_small_fields(void **state)
{
	struct buf b;

	buf_init(&b, 1000);
	trace_put_return_path(&b, STR("a@b"));
	trace_put_return_path(&b, STR(""));
	trace_put_return_path(&b, STR("a\r\nb"));
	trace_put_delivered_to(&b, STR("a@b\n"));
	assert_string_equal(buf_cstr(&b), "Return-Path: <a@b>\r\n"
	    "Return-Path: <>\r\nReturn-Path: <a??b>\r\n"
	    "Delivered-To: a@b?\r\n");
	buf_free(&b);
}

static void
test_authres(void **state)
{
	static const struct {
		const char	*value;
		bool		is_ours;
	} cases[] = {
		{ " mx.example.org; spf=pass", true },
		{ " MX.Example.ORG; none", true },
		{ " mx.example.org 1; none", true },
		{ " (c (d)) mx.example.org; none", true },
		{ "\r\n\tmx.example.org;none", true },
		{ " \"mx.example.org\"; none", true },
		{ " \"mx\\.example.org\"; none", true },
		{ " mx.example.org.; none", true },
		{ " mx.example.org", true },
		{ " mx.example.org(x); none", true },
		{ " mx.example.organic; none", false },
		{ " mx.example.org.evil; none", false },
		{ " mx.example.org-x; none", false },
		{ " amx.example.org; none", false },
		{ " x; mx.example.org", false },
		{ " mx.example", false },
		{ " (mx.example.org", false },
		{ "", false },
	};

	for (size_t i = 0; i < NITEMS(cases); i++)
		if (trace_authres_is(str_of(cases[i].value),
		    STR("mx.example.org")) != cases[i].is_ours)
			fail_msg("%s", cases[i].value);
	assert_false(trace_authres_is(STR("; x"), STR("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_received),
		cmocka_unit_test(test_small_fields),
		cmocka_unit_test(test_authres),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
