/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/enc.c: both ways by tables; strict where strictness is promised.
 */
#include "base/enc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fail.h"

#include "base/banned.h"

struct row {
	const char	*plain;
	size_t		n;
	const char	*coded;
};

/* RFC 4648 section 10, and bytes that use the last digits. */
static const struct row base64_rows[] = {
	{ "", 0, "" }, { "f", 1, "Zg==" }, { "fo", 2, "Zm8=" },
	{ "foo", 3, "Zm9v" }, { "foob", 4, "Zm9vYg==" },
	{ "fooba", 5, "Zm9vYmE=" }, { "foobar", 6, "Zm9vYmFy" },
	{ "\0joe\0secret", 11, "AGpvZQBzZWNyZXQ=" },
	{ "\xfb\xff\xbf", 3, "+/+/" }, { "\xff\xff\xff", 3, "////" },
};

static void
base64_both_ways(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < NITEMS(base64_rows); i++) {
		const struct row *r = &base64_rows[i];

		buf_reset(&b);
		enc_base64(&b, str_mem(r->plain, r->n));
		assert_string_equal(buf_cstr(&b), r->coded);
		buf_reset(&b);
		assert_int_equal(dec_base64(&b, str_of(r->coded)), 0);
		assert_true(str_eq(buf_str(&b), str_mem(r->plain, r->n)));
	}
	buf_free(&b);
}

static void
base64_is_strict(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zm9", "=", "==", "====", "Z===", "Zg==Zg==",
		"Zh==", "Zm9=", " Zg==", "Zg==\n", "Zm\n9v", "Zm-_", "Zg=a",
		"Zm9v=", "*",
	};
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_int_equal(dec_base64(&b, str_of(bad[i])), FAIL_SYNTAX);
	buf_free(&b);
	buf_init(&b, 2);
	assert_int_equal(dec_base64(&b, STR("Zm9v")), FAIL_TOO_BIG);
	buf_free(&b);
}

typedef void decode_fn(struct buf *out, struct str in);

static void
check_lenient(decode_fn *decode, const struct row *rows, size_t n)
{
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&b);
		decode(&b, str_of(rows[i].coded));
		assert_true(str_eq(buf_str(&b),
		    str_mem(rows[i].plain, rows[i].n)));
	}
	buf_free(&b);
}

static void
base64_of_mime_is_lenient(void **state)
{
	static const struct row rows[] = {
		{ "foobar", 6, "Zm9v\r\nYmFy\r\n" }, { "foo", 3, " Z!m9-v" },
		{ "fo", 2, "Zm8" }, { "fo", 2, "Zm8=Zm8=" }, { "", 0, "Z" },
		{ "", 0, "=" }, { "f", 1, "Zh" },
	};

	check_lenient(dec_base64_mime, rows, NITEMS(rows));
	check_lenient(dec_base64_mime, base64_rows, NITEMS(base64_rows));
}

static void
hex_both_ways(void **state)
{
	static const char *const bad[] = { "0", "0g", "g0", "00 ", "0x" };
	struct buf b;

	buf_init(&b, 100);
	enc_hex(&b, STR("\x00\x9f\xff"));
	assert_string_equal(buf_cstr(&b), "009fff");
	buf_reset(&b);
	assert_int_equal(dec_hex(&b, STR("009fFF")), 0);
	assert_true(str_eq(buf_str(&b), STR("\x00\x9f\xff")));
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_int_equal(dec_hex(&b, str_of(bad[i])), FAIL_SYNTAX);
	buf_free(&b);
	buf_init(&b, 1);
	assert_int_equal(dec_hex(&b, STR("0001")), FAIL_TOO_BIG);
	buf_free(&b);
}

static void
quoted_printable(void **state)
{
	static const struct row rows[] = {
		{ "", 0, "" }, { "abc", 3, "abc" }, { "a=b", 3, "a=3Db" },
		{ "\xfc", 1, "=fC" }, { "ab", 2, "a=\r\nb" },
		{ "ab", 2, "a=\nb" }, { "ab", 2, "a=  \t\r\nb" },
		{ "a\r\nb", 4, "a  \t\r\nb" }, { "a\nb", 3, "a\nb" },
		{ "a", 1, "a=" }, { "a=G1", 4, "a=G1" }, { "=4", 2, "=4" },
		{ "a \r\n", 4, "a=20\r\n" }, { "a", 1, "a  " },
		{ "==", 2, "==3D" }, { "\r\n", 2, "\r\n" },
		{ "a_b", 3, "a_b" },
	};

	check_lenient(dec_qp, rows, NITEMS(rows));
}

static void
quoted_printable_of_words(void **state)
{
	static const struct row rows[] = {
		{ "a b", 3, "a_b" }, { "a_b", 3, "a=5Fb" }, { "=", 1, "=" },
		{ "\xe9t\xe9", 3, "=E9t=e9" }, { "=zz", 3, "=zz" },
		{ "a ", 2, "a_" },
	};

	check_lenient(dec_qp_word, rows, NITEMS(rows));
}

static void
xtext_both_ways(void **state)
{
	static const struct row rows[] = {
		{ "", 0, "" }, { "abc", 3, "abc" }, { "a+b", 3, "a+2Bb" },
		{ "a=b", 3, "a+3Db" }, { "a b", 3, "a+20b" },
		{ "\xff\x00", 2, "+FF+00" },
	};
	static const char *const bad[] = {
		"+", "+2", "+2b", "a b", "a=b", "+GG", "\x80", "\x7f",
	};
	struct buf b;

	buf_init(&b, 100);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct str plain = str_mem(rows[i].plain, rows[i].n);

		buf_reset(&b);
		enc_xtext(&b, plain);
		assert_string_equal(buf_cstr(&b), rows[i].coded);
		buf_reset(&b);
		assert_int_equal(dec_xtext(&b, str_of(rows[i].coded)), 0);
		assert_true(str_eq(buf_str(&b), plain));
	}
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_int_equal(dec_xtext(&b, str_of(bad[i])), FAIL_SYNTAX);
	buf_free(&b);
}

static void
json_strings(void **state)
{
	static const struct { const char *in; size_t n; const char *out; }
	rows[] = {
		{ "", 0, "\"\"" }, { "abc", 3, "\"abc\"" },
		{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
		{ "\0\n\x7f", 3, "\"\\u0000\\u000a\\u007f\"" },
		{ "\xc3\xa9", 2, "\"\xc3\xa9\"" },
		{ "\xff\xe9x", 3, "\"\\\\xFF\\\\xE9x\"" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		buf_reset(&b);
		enc_json(&b, str_mem(rows[i].in, rows[i].n));
		assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(base64_of_mime_is_lenient),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(quoted_printable_of_words),
		cmocka_unit_test(xtext_both_ways),
		cmocka_unit_test(json_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
