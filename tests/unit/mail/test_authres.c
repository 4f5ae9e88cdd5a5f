/* SPDX-License-Identifier: ISC */
/*
 * Authentication-Results: what strangers say cannot end it or add to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/authres.h"
#include "mail/header.h"
#include "mail/trace.h"

#include "base/banned.h"

static void
test_line(void **state)
{
	struct authres a;
	struct buf out;

	buf_init(&out, 8192);
	authres_begin(&a, &out, STR("mx.example.org"));
	authres_result(&a, "spf", "pass");
	authres_prop(&a, "smtp", "mailfrom", STR("joe@example.net"));
	authres_result(&a, "dkim", "neutral");
	authres_reason(&a, "key of 512 \"bits\"");
	authres_prop(&a, "header", "d", STR("example.net"));
	authres_prop(&a, "header", "s", STR(""));
	authres_end(&a);
	assert_string_equal(buf_cstr(&out),
	    "Authentication-Results: mx.example.org;\r\n"
	    "\tspf=pass smtp.mailfrom=joe@example.net;\r\n"
	    "\tdkim=neutral reason=\"key of 512 \\\"bits\\\"\""
	    " header.d=example.net\r\n");
	buf_free(&out);
}

static void
test_none(void **state)
{
	struct authres a;
	struct buf out;

	buf_init(&out, 8192);
	authres_begin(&a, &out, STR("mx.example.org"));
	authres_end(&a);
	assert_string_equal(buf_cstr(&out),
	    "Authentication-Results: mx.example.org; none\r\n");
	buf_free(&out);
}

/* Values of strangers: one field comes out, ours, with one result. */
static void
test_hostile(void **state)
{
	static const struct {
		struct str	value;
		const char	*written;
	} cases[] = {
		{ STR_INIT("a b"), "\"a b\"" },
		{ STR_INIT("x; dkim=pass"), "\"x; dkim=pass\"" },
		{ STR_INIT("x\r\nFrom: me"), "\"x??From: me\"" },
		{ STR_INIT("\"x\\"), "\"\\\"x\\\\\"" },
		{ STR_INIT("(x"), "\"(x\"" },
		{ STR_INIT("\0\xc3\xa4"), "\"???\"" },
		{ STR_INIT("\"a b\"@example.org"),
		    "\"\\\"a b\\\"@example.org\"" },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct authres a;
		struct header_field f;
		struct buf out;
		struct str want = str_of(cases[i].written);

		buf_init(&out, 8192);
		authres_begin(&a, &out, STR("mx.example.org"));
		authres_result(&a, "spf", "fail");
		authres_prop(&a, "smtp", "mailfrom", cases[i].value);
		authres_end(&a);
		assert_int_equal(header_count(buf_str(&out),
		    "Authentication-Results"), 1);
		assert_true(header_get(buf_str(&out), "Authentication-Results",
		    &f));
		assert_int_equal(f.raw.n, out.len);
		assert_true(trace_authres_is(f.value, STR("mx.example.org")));
		assert_true(str_eq(str_from(f.value, f.value.n - want.n),
		    want));
		buf_free(&out);
	}
}

static void
test_long(void **state)
{
	struct authres a;
	struct buf out;
	uint8_t big[5000];

	memset(big, 'a', sizeof(big));
	buf_init(&out, 8192);
	authres_begin(&a, &out, STR("mx.example.org"));
	authres_result(&a, "dkim", "pass");
	authres_prop(&a, "header", "d", str_mem(big, sizeof(big)));
	authres_end(&a);
	assert_true(out.len < 400);
	buf_free(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
