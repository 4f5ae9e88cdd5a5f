/* SPDX-License-Identifier: ISC */
/*
 * Bounces: a whole one is read back by our own MIME walk, and holds what RFC
 * 3464 asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/mime.h"

#include "base/banned.h"

static void
make(struct buf *b, struct dsn *d, struct dsn_recipient *r)
{
	dsn_put_head(b, d);
	dsn_put_person(b, d, r);
	dsn_put_report(b, d);
	dsn_put_recipient(b, d, r);
	dsn_put_message(b, d);
	buf_z(b, "Subject: hello\r\n\r\n");
	dsn_put_tail(b, d);
}

static struct str
body_of(struct str in, const struct mime_part *p)
{
	return str_sub(in, p->body.at, p->body.size);
}

static bool
has(struct str in, const char *text)
{
	return str_find(in, str_of(text)) < in.n;
}

static void
test_bounce(void **state)
{
	struct dsn d = {
		.host = STR("mx.example.org"), .mid = STR("01abc"),
		.to = STR("joe@example.net"), .message_id = STR("<m@x>"),
		.envid = STR("E1"), .now_s = 86400, .arrived_s = 0,
	};
	struct dsn_recipient r = {
		.address = STR("no@example.org"), .status = STR("5.1.1"),
		.orcpt = STR("rfc822;No@example.org"),
		.reason = STR("refused"),
		.reply = STR("550-5.1.1 a\n--=_01abc--\n550 no \377 user"),
		.verdict = VERDICT_BAD_ADDRESS,
		.remote = STR("mx.example.com"), .attempts = 3,
	};
	struct arena a;
	struct buf b;
	struct mime m;
	struct mime_part *p;
	struct str all, text;

	buf_init(&b, 10000);
	arena_init(&a, MIME_ARENA_CAP);
	make(&b, &d, &r);
	all = buf_str(&b);
	assert_true(str_is_ascii(all));
	assert_int_equal(mime_begin(&m, &a), 0);
	mime_feed(&m, all);
	mime_end(&m);
	p = m.root;
	assert_true(str_same(p->subtype, "report"));
	assert_true(str_same(mime_param_get(p->params, "report-type"),
	    "delivery-status"));
	assert_true(str_same(p->message->field[MIME_TO], "<joe@example.net>"));
	assert_true(str_same(p->message->field[MIME_MESSAGE_ID],
	    "<01abc@mx.example.org>"));
	assert_int_equal(header_count(all, "Auto-Submitted"), 1);
	assert_int_equal(header_count(all, "In-Reply-To"), 1);
	text = body_of(all, p->child);
	assert_true(has(text, "<no@example.org>"));
	assert_true(has(text, "there is no such mailbox (5.1.1)"));
	assert_true(has(text, "mx.example.com answered"));
	assert_true(has(text, "look at the address once more"));
	assert_true(has(text, "    550 no \\xFF user"));
	assert_true(has(text, "tried 3 times"));
	p = p->child->next;
	assert_true(str_same(p->subtype, "delivery-status"));
	text = body_of(all, p);
	assert_true(has(text, "Reporting-MTA: dns; mx.example.org\r\n"));
	assert_true(has(text, "Original-Envelope-Id: E1\r\n"));
	assert_true(has(text,
	    "Final-Recipient: rfc822; no@example.org\r\nAction: failed\r\n"
	    "Status: 5.1.1\r\n"));
	assert_true(has(text, "Diagnostic-Code: smtp; 550-5.1.1 a\r\n"
	    "\t--=_01abc--\r\n\t550 no \\xFF user\r\n"));
	p = p->next;
	assert_true(str_same(p->subtype, "rfc822-headers"));
	assert_true(has(body_of(all, p), "Subject: hello"));
	assert_null(p->next);
	arena_free(&a);
	buf_free(&b);
}

static void
test_delay(void **state)
{
	struct dsn d = {
		.host = STR("mx.example.org"), .mid = STR("01abc"),
		.to = STR("joe@example.net"), .is_delay = true, .whole = true,
		.is_8bit = true, .expires_s = 3600,
	};
	struct dsn_recipient r = {
		.address = STR("a@b"), .status = STR("4.4.1"),
		.reason = STR("no answer"),
	};
	struct buf b;

	buf_init(&b, 10000);
	make(&b, &d, &r);
	assert_true(has(buf_str(&b), "Action: delayed\r\n"));
	assert_true(has(buf_str(&b),
	    "Will-Retry-Until: Thu, 1 Jan 1970 01:00:00 +0000\r\n"));
	assert_true(has(buf_str(&b), "Diagnostic-Code: X-Veredus; no answer"));
	assert_true(has(buf_str(&b), "Content-Type: message/rfc822\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"));
	assert_false(has(buf_str(&b), "Original-Recipient"));
	assert_int_equal(header_count(buf_str(&b), "In-Reply-To"), 0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounce),
		cmocka_unit_test(test_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
