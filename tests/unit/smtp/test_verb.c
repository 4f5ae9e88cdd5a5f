/* SPDX-License-Identifier: ISC */
/*
 * Command lines: what MAIL, RCPT and EHLO take, and the reply to the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/verb.h"

#include "base/banned.h"

#define ALL (SMTP_PARAM_SIZE | SMTP_PARAM_8BITMIME | SMTP_PARAM_AUTH)

/* code 0: fine; text: the sender as it is understood. */
static const struct {
	const char	*args;
	unsigned	offered, code;
	const char	*enhanced;
	const char	*sender;
	uint64_t	size;
	bool		is_8bit;
} mails[] = {
	{ "FROM:<a@b>", ALL, 0, NULL, "a@b", 0, false },
	{ "from: <a@b>", ALL, 0, NULL, "a@b", 0, false },
	{ "FROM:<>", ALL, 0, NULL, "", 0, false },
	{ "FROM:<postmaster>", ALL, 0, NULL, "postmaster", 0, false },
	{ "FROM:<a@b> SIZE=100 BODY=8BITMIME", ALL, 0, NULL, "a@b", 100, true },
	{ "FROM:<a@b>  body=7bit ", ALL, 0, NULL, "a@b", 0, false },
	{ "FROM:<a@b> SIZE=18446744073709551615", ALL, 0, NULL, "a@b",
	  UINT64_MAX, false },
	{ "FROM:<a@b> AUTH=<>", ALL, 0, NULL, "a@b", 0, false },
	{ "FROM:<a@b> AUTH=c+2Bd@e", ALL, 0, NULL, "a@b", 0, false },
	{ "FROM:<a@b> SIZE=18446744073709551616", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SIZE=999999999999999999999999", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SIZE=", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SIZE", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SIZE=-1", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SIZE=1x", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SIZE=1 SIZE=2", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> BODY=9BIT", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> AUTH=a+3", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> AUTH=a b", ALL, 555, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> AUTH=x@y", SMTP_PARAM_SIZE, 555, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> FOO=bar", ALL, 555, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> SMTPUTF8", ALL, 555, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> RET=FULL", ALL, 555, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> =", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> -X=1", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> X=a=b", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b>SIZE=1", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b>,<c@d>", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<a@b> <c@d>", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM: a@b", ALL, 501, "5.1.7", 0, 0, 0 },
	{ "FROM:<a>", ALL, 501, "5.1.7", 0, 0, 0 },
	{ "FROM:", ALL, 501, "5.1.7", 0, 0, 0 },
	{ "FROM", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "TO:<a@b>", ALL, 501, "5.5.4", 0, 0, 0 },
	{ "FROM:<\303\274@b>", ALL, 553, "5.6.7", 0, 0, 0 },
};

static void
test_mail(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < NITEMS(mails); i++) {
		struct smtp_mail m = { .size = 0 };
		const struct smtp_reply *r = smtp_parse_mail(
		    str_of(mails[i].args), mails[i].offered, false,
		    &a, &m);

		if ((r == NULL ? 0 : r->code) != mails[i].code ||
		    (r != NULL && strcmp(r->enhanced, mails[i].enhanced) != 0))
			fail_msg("%s: %u %s", mails[i].args,
			    r == NULL ? 0 : r->code,
			    r == NULL ? "" : r->enhanced);
		if (r != NULL)
			continue;
		assert_true(str_same(m.sender.text, mails[i].sender));
		assert_int_equal(m.size, mails[i].size);
		assert_int_equal(m.is_8bit, mails[i].is_8bit);
	}
	arena_free(&a);
}

static void
test_many_params(void **state)
{
	struct arena a;
	struct smtp_mail m;
	const struct smtp_reply *r;
	struct buf b;

	arena_init(&a, 1 << 16);
	buf_init(&b, 10000);
	buf_z(&b, "FROM:<a@b>");
	for (int i = 0; i < 1000; i++)
		buf_z(&b, " A");
	r = smtp_parse_mail(buf_str(&b), ALL, false, &a, &m);
	assert_non_null(r);
	assert_int_equal(r->code, 555);
	buf_free(&b);
	arena_free(&a);
}

static void
test_rcpt(void **state)
{
	static const struct {
		const char	*args;
		bool		bare_ok;
		unsigned	code;
		const char	*text;	/* enhanced code or recipient */
	} rcpts[] = {
		{ "TO:<a@b>", false, 0, "a@b" },
		{ "to: <a@b> ", false, 0, "a@b" },
		{ "TO:<@r:a@b>", false, 0, "a@b" },
		{ "TO:<postmaster>", false, 0, "postmaster" },
		{ "TO:<joe>", true, 0, "joe" },
		{ "TO:<joe>", false, 501, "5.1.3" },
		{ "TO:<>", false, 501, "5.1.3" },
		{ "TO:<a@b,c@d>", false, 501, "5.1.3" },
		{ "TO:<a@b>,<c@d>", false, 501, "5.5.4" },
		{ "TO:<a@b> NOTIFY=NEVER", false, 555, "5.5.4" },
		{ "TO:<a@b> X=", false, 501, "5.5.4" },
		{ "TO:<|/bin/true@b>", false, 0, "|/bin/true@b" },
		{ "FROM:<a@b>", false, 501, "5.5.4" },
		{ "TO:", false, 501, "5.1.3" },
		{ "", false, 501, "5.5.4" },
	};
	struct arena a;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < NITEMS(rcpts); i++) {
		struct smtp_rcpt to;
		const struct smtp_reply *r = smtp_parse_rcpt(
		    str_of(rcpts[i].args), rcpts[i].bare_ok, &a, &to);

		if ((r == NULL ? 0 : r->code) != rcpts[i].code)
			fail_msg("%s: %u", rcpts[i].args,
			    r == NULL ? 0 : r->code);
		assert_true(r == NULL ?
		    str_same(to.recipient.text, rcpts[i].text) :
		    strcmp(r->enhanced, rcpts[i].text) == 0);
	}
	arena_free(&a);
}

static void
test_hello(void **state)
{
	static const char *const good[] = { "a.example", "A", "[192.0.2.1]",
	    "[IPv6:::1]", "my_host", "192.0.2.1", " x " };
	static const char *const bad[] = { "", "  ", "a b", "a;b", "<a>",
	    "a\"", "a(b)", "a@b", "a/b" };
	struct buf b;
	struct str name;

	for (size_t i = 0; i < NITEMS(good); i++)
		assert_null(smtp_parse_hello(str_of(good[i]), &name));
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_int_equal(smtp_parse_hello(str_of(bad[i]), &name)->code,
		    501);
	buf_init(&b, 1000);
	for (int i = 0; i < 255; i++)
		buf_c(&b, 'a');
	assert_null(smtp_parse_hello(buf_str(&b), &name));
	buf_c(&b, 'a');
	assert_non_null(smtp_parse_hello(buf_str(&b), &name));
	buf_free(&b);
}

static void
test_line(void **state)
{
	struct str verb, args;

	assert_null(smtp_line_check(STR("NOOP a\tb")));
	assert_int_equal(smtp_line_check(STR("NOOP\0"))->code, 500);
	assert_int_equal(smtp_line_check(STR("NOOP\rMAIL"))->code, 500);
	assert_int_equal(smtp_line_check(STR("NOOP\177"))->code, 500);
	assert_int_equal(smtp_line_check(STR("NOOP \200"))->code, 500);
	assert_int_equal(smtp_line_check(STR("mail FROM:<\200>"))->code, 553);
	smtp_line_split(STR("MAIL  FROM:<a> "), &verb, &args);
	assert_true(str_same(verb, "MAIL"));
	assert_true(str_same(args, "FROM:<a>"));
	smtp_line_split(STR("NOOP"), &verb, &args);
	assert_true(str_same(verb, "NOOP"));
	assert_int_equal(args.n, 0);
	smtp_line_split(STR(""), &verb, &args);
	assert_int_equal(verb.n, 0);
	smtp_line_split(STR("  "), &verb, &args);
	assert_int_equal(verb.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_many_params),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
