/* SPDX-License-Identifier: ISC */
/*
 * ENVELOPE, BODY, BODYSTRUCTURE: the words of RFC 3501 for each kind of part,
 * and nothing but printable ASCII whatever the message holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/shape.h"

#include "base/banned.h"

static void
shape(const char *message, struct buf *envelope, struct buf *body,
    struct buf *structure)
{
	struct arena a;
	struct mime m;

	arena_init(&a, MIME_ARENA_CAP);
	assert_int_equal(mime_begin(&m, &a), 0);
	mime_feed(&m, str_of(message));
	mime_end(&m);
	shape_envelope(envelope, m.root->message);
	shape_body(body, &m, false);
	shape_body(structure, &m, true);
	arena_free(&a);
}

static const struct {
	const char	*header, *envelope;
} envelopes[] = {
	{ "", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	/* the example of RFC 3501 7.4.2 */
	{ "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
	  "Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
	  "From: Terry Gray <gray@cac.washington.edu>\r\n"
	  "To: imap@cac.washington.edu\r\n"
	  "Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
	  "Message-Id: <B27397-0100000@cac.washington.edu>\r\n",
	  "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
	  "\"IMAP4rev1 WG mtg summary and minutes\" "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	  "((NIL NIL \"imap\" \"cac.washington.edu\")) "
	  "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
	  "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	  "\"<B27397-0100000@cac.washington.edu>\")" },
	{ "Sender: s@x\r\nReply-To: r@x\r\nFrom: f@x\r\nBcc: b@x\r\n"
	  "In-Reply-To: <i>\r\n",
	  "(NIL NIL ((NIL NIL \"f\" \"x\")) ((NIL NIL \"s\" \"x\")) "
	  "((NIL NIL \"r\" \"x\")) NIL NIL ((NIL NIL \"b\" \"x\")) \"<i>\" NIL)" },
	/* an empty Reply-To is none */
	{ "From: f@x\r\nReply-To: \r\n",
	  "(NIL NIL ((NIL NIL \"f\" \"x\")) ((NIL NIL \"f\" \"x\")) "
	  "((NIL NIL \"f\" \"x\")) NIL NIL NIL NIL NIL)" },
	{ "To: G: a@x, b@x;\r\nCc: nobody\r\n",
	  "(NIL NIL NIL NIL NIL ((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"x\")"
	  "(NIL NIL \"b\" \"x\")(NIL NIL NIL NIL)) "
	  "((NIL NIL \"nobody\" \"MISSING_DOMAIN\")) NIL NIL NIL)" },
	{ "Subject: a \"b\" \\ c\r\n",
	  "(NIL \"a \\\"b\\\" \\\\ c\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject:\r\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject: a\r\n\tb\r\n",
	  "(NIL \"a b\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	/* UTF-8, other octets, and words that are fine already */
	{ "Subject: Gr\303\274\303\237e =?utf-8?q?x?= y\r\n",
	  "(NIL \"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?q?x?= y\" "
	  "NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject: a \374\r\n",
	  "(NIL \"a =?UNKNOWN-8BIT?Q?=FC?=\" "
	  "NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "Subject: \303\274 \303\274 x\r\n",
	  "(NIL \"=?UTF-8?Q?=C3=BC_=C3=BC?= x\" "
	  "NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "From: J\366rg <j\366@x>\r\n",
	  "(NIL NIL ((\"=?UNKNOWN-8BIT?Q?J=F6rg?=\" NIL "
	  "\"=?UNKNOWN-8BIT?Q?j=F6?=\" \"x\")) "
	  "((\"=?UNKNOWN-8BIT?Q?J=F6rg?=\" NIL "
	  "\"=?UNKNOWN-8BIT?Q?j=F6?=\" \"x\")) "
	  "((\"=?UNKNOWN-8BIT?Q?J=F6rg?=\" NIL "
	  "\"=?UNKNOWN-8BIT?Q?j=F6?=\" \"x\")) NIL NIL NIL NIL NIL)" },
	{ "Subject: a\001b\r\n",
	  "(NIL \"=?UTF-8?Q?a=01b?=\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
};

static void
test_envelope(void **state)
{
	struct buf e, b, s;

	buf_init(&e, 10000);
	buf_init(&b, 10000);
	buf_init(&s, 10000);
	for (size_t i = 0; i < NITEMS(envelopes); i++) {
		buf_reset(&e);
		shape(envelopes[i].header, &e, &b, &s);
		assert_string_equal(buf_cstr(&e), envelopes[i].envelope);
	}
	buf_free(&e);
	buf_free(&b);
	buf_free(&s);
}

static const struct {
	const char	*message, *body, *structure;
} shapes[] = {
	{ "A: b\r\n\r\none\r\ntwo\r\n",
	  "(\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 10 2)",
	  "(\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 10 2 "
	  "NIL NIL NIL NIL)" },
	{ "Content-Type: image/png; name=x\r\nContent-ID: <i>\r\n"
	  "Content-Description: d e\r\nContent-Transfer-Encoding: base64\r\n"
	  "Content-MD5: m\r\nContent-Disposition: inline; filename=x\r\n"
	  "Content-Language: en, de\r\nContent-Location: l\r\n\r\nAA==\r\n",
	  "(\"image\" \"png\" (\"name\" \"x\") \"<i>\" \"d e\" \"base64\" 6)",
	  "(\"image\" \"png\" (\"name\" \"x\") \"<i>\" \"d e\" \"base64\" 6 "
	  "\"m\" (\"inline\" (\"filename\" \"x\")) (\"en\" \"de\") \"l\")" },
	{ "Content-Type: text/html; charset=utf-8\r\n"
	  "Content-Disposition: attachment\r\n\r\n",
	  "(\"text\" \"html\" (\"charset\" \"utf-8\") NIL NIL \"7BIT\" 0 0)",
	  "(\"text\" \"html\" (\"charset\" \"utf-8\") NIL NIL \"7BIT\" 0 0 NIL "
	  "(\"attachment\" NIL) NIL NIL)" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
	  "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\ny\r\n"
	  "--b--\r\n",
	  "((\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 1)"
	  "(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 15 "
	  "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 1) "
	  "3) \"mixed\")",
	  "((\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 1 "
	  "NIL NIL NIL NIL)"
	  "(\"message\" \"rfc822\" NIL NIL NIL \"7BIT\" 15 "
	  "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	  "(\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1 1 "
	  "NIL NIL NIL NIL) 3 NIL NIL NIL NIL) \"mixed\" "
	  "(\"boundary\" \"b\") NIL NIL NIL)" },
	{ "Content-Type: multipart/related\r\n\r\n",
	  "((\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 0 0) "
	  "\"related\")",
	  "((\"text\" \"plain\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 0 0 "
	  "NIL NIL NIL NIL) \"related\" NIL NIL NIL NIL)" },
	{ "Content-Type: a/b; n=\"\303\274\"\r\nContent-Language: , ,\r\n\r\n",
	  "(\"a\" \"b\" (\"n\" \"=?UTF-8?Q?=C3=BC?=\") NIL NIL \"7BIT\" 0)",
	  "(\"a\" \"b\" (\"n\" \"=?UTF-8?Q?=C3=BC?=\") NIL NIL \"7BIT\" 0 "
	  "NIL NIL NIL NIL)" },
};

static void
test_shapes(void **state)
{
	struct buf e, b, s;

	buf_init(&e, 10000);
	buf_init(&b, 10000);
	buf_init(&s, 10000);
	for (size_t i = 0; i < NITEMS(shapes); i++) {
		buf_reset(&b);
		buf_reset(&s);
		shape(shapes[i].message, &e, &b, &s);
		assert_string_equal(buf_cstr(&b), shapes[i].body);
		assert_string_equal(buf_cstr(&s), shapes[i].structure);
	}
	buf_free(&e);
	buf_free(&b);
	buf_free(&s);
}

/* Encoded words keep to 75 octets and never cut a character in two. */
static void
test_long_word(void **state)
{
	struct buf in, out;
	struct str s;

	buf_init(&in, 10000);
	buf_init(&out, 100000);
	for (int i = 0; i < 500; i++)
		buf_z(&in, "\342\202\254");
	shape_string(&out, buf_str(&in));
	s = buf_str(&out);
	assert_true(s.p[0] == '"' && s.p[s.n - 1] == '"');
	s = str_sub(s, 1, s.n - 2);
	while (s.n > 0) {
		struct str word = str_until(&s, ' ');

		assert_true(word.n <= 75);
		assert_true(str_starts(word, "=?UTF-8?Q?=E2"));
		assert_true(str_ends(word, "=AC?="));
	}
	buf_free(&in);
	buf_free(&out);
}

static void
test_string(void **state)
{
	struct buf b;

	buf_init(&b, 100000);
	shape_string(&b, (struct str){ NULL, 0 });
	shape_string(&b, STR(""));
	shape_string(&b, STR("a\0b"));
	assert_string_equal(buf_cstr(&b), "NIL\"\"\"=?UTF-8?Q?a=3Fb?=\"");
	/* Whatever octets: printable ASCII comes out. */
	for (int c = 0; c < 256; c++) {
		uint8_t text[3] = { 'x', (uint8_t)c, 'y' };

		buf_reset(&b);
		shape_string(&b, str_mem(text, 3));
		assert_true(str_is_print(buf_str(&b)));
		assert_true(b.len >= 4);
	}
	buf_free(&b);
}

/* 2,000 addresses: the list is cut, a group in it still ends. */
static void
test_address_limit(void **state)
{
	struct mime_message m = { .field[MIME_TO] = { NULL, 0 } };
	struct buf in, out;
	size_t n = 0;

	buf_init(&in, 100000);
	buf_init(&out, 1000000);
	buf_z(&in, "g:");
	for (int i = 0; i < 2000; i++)
		buf_z(&in, "a@x,");
	m.field[MIME_TO] = buf_str(&in);
	shape_envelope(&out, &m);
	for (struct str s = buf_str(&out); str_more(s); n++)
		(void)str_until(&s, ')');
	/* lists: addresses, the group's end, the list, the envelope */
	assert_int_equal(n, SHAPE_ADDRESSES_MAX + 1 + 1 + 1);
	buf_free(&in);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_long_word),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_address_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
