/* SPDX-License-Identifier: ISC */
/*
 * Re-encoding: which parts, how, and that what is decoded is what was there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/enc.h"
#include "mail/recode.h"

#include "base/banned.h"

/* false: nothing to do. */
static bool
recode(struct str in, unsigned why, size_t step, struct buf *out)
{
	struct arena a;
	struct mime m;
	struct recode r;
	bool wanted;

	arena_init(&a, MIME_ARENA_CAP);
	assert_int_equal(mime_begin(&m, &a), 0);
	mime_feed(&m, in);
	mime_end(&m);
	assert_int_equal(recode_begin(&r, &m, why), 0);
	for (size_t at = 0; at < in.n; at += step)
		recode_look(&r, str_sub(in, at, step));
	wanted = recode_wanted(&r);
	for (size_t at = 0; wanted && at < in.n; at += step)
		recode_feed(&r, str_sub(in, at, step), out);
	if (wanted)
		recode_end(&r, out);
	recode_free(&r);
	arena_free(&a);
	return wanted;
}

#define E	"\xc3\xa4"

static const struct {
	const char	*in;
	unsigned	why;
	const char	*out;	/* NULL: stays as it is */
} cases[] = {
	/* 8 bits */
	{ "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: 8bit\r\nSubject: s\r\n\r\nT" E "glich = \r\n",
	  RECODE_8BIT,
	  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	  "Subject: s\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	  "T=C3=A4glich =3D=20\r\n" },
	{ "Content-Type: text/plain\r\n\r\nT" E "glich\r\n", RECODE_LONG, NULL },
	{ "Content-Type: text/plain\r\n\r\nplain\r\n", RECODE_8BIT, NULL },
	/* mostly escapes: base64, as is what is no text */
	{ "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
	  E E E E E E E E E E E E, RECODE_8BIT,
	  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	  "Content-Transfer-Encoding: base64\r\n\r\n"
	  "w6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOk" },
	{ "MIME-Version: 1.0\r\nContent-Type: image/x\r\n\r\nplain but" E,
	  RECODE_8BIT,
	  "MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
	  "Content-Transfer-Encoding: base64\r\n\r\ncGxhaW4gYnV0w6Q=" },
	/* no type: one that says what it is not */
	{ "From: a\r\n\r\nT" E "glich and more\r\n", RECODE_8BIT,
	  "From: a\r\nMIME-Version: 1.0\r\n"
	  "Content-Type: text/plain; charset=unknown-8bit\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	  "T=C3=A4glich and more\r\n" },
	/* lines that begin with a dot or hyphen stay text */
	{ "From: a\r\n\r\n.\r\n--x\r\nthese words are there for the size" E "\r\n",
	  RECODE_8BIT,
	  "From: a\r\nMIME-Version: 1.0\r\n"
	  "Content-Type: text/plain; charset=unknown-8bit\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	  "=2E\r\n=2D-x\r\nthese words are there for the size=C3=A4\r\n" },
	/* one part of two; the other and the frame stay */
	{ "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	  "pre" E "\r\n--b\r\nContent-Type: text/plain\r\n\r\none word" E "\r\n"
	  "--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n", RECODE_8BIT,
	  "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	  "pre" E "\r\n--b\r\nContent-Type: text/plain\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\none word=C3=A4\r\n"
	  "--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n" },
	/* a signed part is nobody's to change; nor what is encoded */
	{ "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" E
	  "\r\n--b--\r\n", RECODE_8BIT, NULL },
	{ "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	  E "\r\n", RECODE_8BIT, NULL },
	{ "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-new\r\n\r\n"
	  E "\r\n", RECODE_8BIT, NULL },
	/* the text in a message in a message */
	{ "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nFrom: b\r\n"
	  "Content-Type: text/plain\r\n\r\nold words" E "\r\n", RECODE_8BIT,
	  "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\nFrom: b\r\n"
	  "Content-Type: text/plain\r\nContent-Transfer-Encoding: "
	  "quoted-printable\r\n\r\nold words=C3=A4\r\n" },
	/* only a header */
	{ "Subject: " E "\r\n", RECODE_8BIT | RECODE_LONG, NULL },
	{ "", RECODE_8BIT | RECODE_LONG, NULL },
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NITEMS(cases); i++)
		for (size_t step = 1; step < 100; step += 13) {
			struct buf out;
			bool wanted;

			buf_init(&out, 1 << 20);
			wanted = recode(str_of(cases[i].in), cases[i].why,
			    step, &out);
			assert_int_equal(wanted, cases[i].out != NULL);
			if (wanted)
				assert_string_equal(buf_cstr(&out),
				    cases[i].out);
			buf_free(&out);
		}
}

static void
put_lines(struct buf *b, size_t length)
{
	buf_z(b, "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\nshort\r\n");
	for (size_t i = 0; i < length; i++)
		buf_c(b, "abc .-=\t"[i % 8]);
	buf_z(b, " \r\nlast");
}

/* A line of 998 stays, one of 999 goes; its text comes back. */
static void
test_long(void **state)
{
	for (size_t n = 996; n <= 1100; n++) {
		struct buf in, out, text;
		struct str body, line, rest;

		buf_init(&in, 1 << 20);
		buf_init(&out, 1 << 20);
		buf_init(&text, 1 << 20);
		put_lines(&in, n);
		assert_int_equal(recode(buf_str(&in), RECODE_LONG, 7, &out),
		    n + 1 > RECODE_LINE_MAX);
		if (n + 1 > RECODE_LINE_MAX) {
			body = str_from(buf_str(&out), str_find(buf_str(&out),
			    STR("\r\n\r\n")) + 4);
			for (rest = body; str_line(&rest, &line);)
				assert_true(line.n <= 76);
			dec_qp(&text, body);
			assert_true(str_ends(buf_str(&in),
			    buf_cstr(&text)));
			assert_int_equal(text.len, in.len - str_find(
			    buf_str(&in), STR("\r\n\r\n")) - 4);
		}
		buf_free(&in);
		buf_free(&out);
		buf_free(&text);
	}
}

/* Binary parts: lines of 76 digits, the octets come back. */
static void
test_base64(void **state)
{
	struct buf in, out, back;
	struct str body, line, rest;

	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&back, 1 << 20);
	buf_z(&in, "MIME-Version: 1.0\r\nContent-Type: a/b\r\n\r\n");
	for (int i = 0; i < 5000; i++)
		buf_c(&in, (uint8_t)(i % 251 + 1));
	assert_true(recode(buf_str(&in), RECODE_8BIT, 100, &out));
	body = str_from(buf_str(&out), str_find(buf_str(&out),
	    STR("\r\n\r\n")) + 4);
	for (rest = body; str_line(&rest, &line);)
		assert_true(line.n <= 76);
	dec_base64_mime(&back, body);
	assert_true(str_eq(buf_str(&back), str_from(buf_str(&in), in.len - 5000)));
	buf_free(&in);
	buf_free(&out);
	buf_free(&back);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
