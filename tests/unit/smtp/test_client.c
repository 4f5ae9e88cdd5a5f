/* SPDX-License-Identifier: ISC */
/*
 * The step table against scripted servers.  A script is lines: "S " the
 * server says, "C " we must have said, "T" a handshake is done, "D" content
 * is sent, "M" a transaction begins, "Q" we quit, "F i STEP code" the fate of
 * a recipient, "=" the last word: IDLE, OVER or HEAR, and for OVER the stage,
 * "W" its fault, or "(said)" where the reply says it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/client.h"

#include "base/banned.h"

enum { WITH_TLS = 1, MUST_TLS = 2, WITH_AUTH = 4, LMTP = 8, TWO_A_TIME = 16,
    EIGHT_BIT = 32, FOUR = 64, ONE_BY_ONE = 128 };

#define HELLO	"S 220 mx ESMTP\n" "C EHLO me.example\n" "S 250 mx\n"
#define PIPED	"S 220 mx ESMTP\n" "C EHLO me.example\n" "S 250-mx\n" \
		"S 250 PIPELINING\n"
#define MAIL	"C MAIL FROM:<a@x.example>\n"
#define RCPT(n)	"C RCPT TO:<" n "@y.example>\n"

static const struct {
	const char	*name;
	unsigned	how;
	const char	*script;
} scripts[] = {
	{ "plain", 0, HELLO "M\n" MAIL "S 250 ok\n" RCPT("0") "S 250 ok\n"
	  RCPT("1") "S 250 ok\n" "C DATA\n" "S 354 go\n" "D\n" "C .\n"
	  "S 250 queued\n" "F 0 12 250\n" "F 1 12 250\n" "= IDLE\n" },
	{ "piped", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 250 ok\n" "S 550 no\n" "F 1 10 550\n" "S 354 go\n"
	  "D\n" "C .\n" "S 250 queued\n" "F 0 12 250\n" "= IDLE\n" },
	{ "piped, all refused, the empty message", 0, PIPED "M\n" MAIL
	  RCPT("0") RCPT("1") "C DATA\n" "S 250 ok\n" "S 550 no\n"
	  "F 0 10 550\n" "S 450 no\n" "F 1 10 450\n" "S 354 go\n" "C .\n"
	  "S 554 no recipients\n" "= IDLE\n" "M\n" "= HEAR\n" },
	{ "plain, all refused, then RSET", 0, HELLO "M\n" MAIL "S 250 ok\n"
	  RCPT("0") "S 550 no\n" "F 0 10 550\n" RCPT("1") "S 550 no\n"
	  "F 1 10 550\n" "= IDLE\n" "N\n" "M\n" "C RSET\n" MAIL "S 250 ok\n"
	  "S 250 ok\n" RCPT("0") "S 250 ok\n" RCPT("1") "= HEAR\n" },
	{ "piped, MAIL refused: 503s are nobody's", 0, PIPED "M\n" MAIL
	  RCPT("0") RCPT("1") "C DATA\n" "S 451 later\n" "F 0 9 451\n"
	  "F 1 9 451\n" "S 503 ?\n" "S 503 ?\n" "S 503 ?\n" "= IDLE\n" },
	{ "DATA refused", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "S 452 full\n" "F 0 11 452\n"
	  "F 1 11 452\n" "= IDLE\n" },
	{ "refused at the dot", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1")
	  "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "S 354 go\n" "D\n"
	  "C .\n" "S 554 spam\n" "F 0 12 554\n" "F 1 12 554\n" "= IDLE\n" },
	{ "421 at the dot is an answer", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1")
	  "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "S 354 go\n" "D\n"
	  "C .\n" "S 421 bye\n" "F 0 12 421\n" "F 1 12 421\n" "= IDLE\n" },
	{ "HELO", 0, "S 220 hi\n" "C EHLO me.example\n" "S 502 what\n"
	  "C HELO me.example\n" "S 250 hi\n" "= IDLE\n" },
	{ "neither EHLO nor HELO", 0, "S 220 hi\n" "C EHLO me.example\n"
	  "S 554 no\n" "C HELO me.example\n" "S 554 no\n" "= OVER 2\n" },
	{ "greeting of 4", 0, "S 421 busy\n" "= OVER 0\n" },
	{ "greeting of 5", 0, "S 554 no\n" "= OVER 0\n" },
	{ "greeting is no greeting", 0, "S 250 hi\n" "= OVER 0\n" },
	{ "EHLO 421", 0, "S 220 hi\n" "C EHLO me.example\n" "S 421 no\n"
	  "= OVER 1\n" },
	{ "ourselves", 0, "S 220 hi\n" "C EHLO me.example\n"
	  "S 250 US.example hello\n" "= OVER 1\n" },
	{ "STARTTLS", WITH_TLS, "S 220 mx\n" "C EHLO me.example\n"
	  "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n" "S 220 go\n" "T\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "= IDLE\n" },
	{ "STARTTLS refused, may", WITH_TLS, "S 220 mx\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n"
	  "S 454 no\n" "= IDLE\n" },
	{ "STARTTLS refused, must", MUST_TLS, "S 220 mx\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n"
	  "S 454 no\n" "= OVER 4\n" },
	{ "STARTTLS not offered, must", MUST_TLS, HELLO "= OVER 4\n" },
	{ "EHLO refused, must", MUST_TLS, "S 220 mx\n" "C EHLO me.example\n"
	  "S 500 no\n" "C HELO me.example\n" "S 250 mx\n" "= OVER 4\n" },
	{ "no password in clear", WITH_AUTH, "S 220 mx\n" "C EHLO me.example\n"
	  "S 250-mx\n" "S 250 AUTH PLAIN\n" "= OVER 5\n" },
	{ "AUTH PLAIN", MUST_TLS | WITH_AUTH, "S 220 mx\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n"
	  "S 220 go\n" "T\n" "C EHLO me.example\n" "S 250-mx\n"
	  "S 250 AUTH LOGIN PLAIN\n" "C AUTH PLAIN AHVzZXIAcGFzcw==\n"
	  "S 235 ok\n" "= IDLE\n" },
	{ "AUTH LOGIN", MUST_TLS | WITH_AUTH, "S 220 mx\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n"
	  "S 220 go\n" "T\n" "C EHLO me.example\n" "S 250-mx\n"
	  "S 250 AUTH LOGIN\n" "C AUTH LOGIN\n" "S 334 VXNlcm5hbWU6\n"
	  "C dXNlcg==\n" "S 334 UGFzc3dvcmQ6\n" "C cGFzcw==\n" "S 235 ok\n"
	  "= IDLE\n" },
	{ "AUTH refused", MUST_TLS | WITH_AUTH, "S 220 mx\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n"
	  "S 220 go\n" "T\n" "C EHLO me.example\n" "S 250-mx\n"
	  "S 250 AUTH PLAIN\n" "C AUTH PLAIN AHVzZXIAcGFzcw==\n"
	  "S 535 no\n" "= OVER 5\n" },
	{ "AUTH by nothing we know", MUST_TLS | WITH_AUTH, "S 220 mx\n"
	  "C EHLO me.example\n" "S 250-mx\n" "S 250 STARTTLS\n" "C STARTTLS\n"
	  "S 220 go\n" "T\n" "C EHLO me.example\n" "S 250-mx\n"
	  "S 250 AUTH GSSAPI\n" "= OVER 5\n" },
	{ "SIZE and 8BITMIME", EIGHT_BIT, "S 220 mx\n" "C EHLO me.example\n"
	  "S 250-mx\n" "S 250-8BITMIME\n" "S 250 SIZE\n" "M\n"
	  "C MAIL FROM:<a@x.example> SIZE=1234 BODY=8BITMIME\n" "= HEAR\n" },
	{ "8 bits, and no 8BITMIME", EIGHT_BIT, HELLO "M\n" MAIL "= HEAR\n" },
	{ "452 after one", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 250 ok\n" "S 452 4.5.3 too many\n" "S 354 go\n" "D\n"
	  "C .\n" "S 250 queued\n" "F 0 12 250\n" "= IDLE\n" "M\n" MAIL
	  RCPT("1") "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 354 go\n" "D\n"
	  "C .\n" "S 250 queued\n" "F 1 12 250\n" "= IDLE\n" },
	{ "452 of the first is its own", 0, PIPED "M\n" MAIL RCPT("0")
	  RCPT("1") "C DATA\n" "S 250 ok\n" "S 452 no\n" "F 0 10 452\n"
	  "S 250 ok\n" "S 354 go\n" "D\n" "C .\n" "S 250 queued\n"
	  "F 1 12 250\n" "= IDLE\n" },
	{ "452 of a full mailbox", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1")
	  "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 452 4.2.2 full\n"
	  "F 1 10 452\n" "S 354 go\n" "D\n" "C .\n" "S 250 queued\n"
	  "F 0 12 250\n" "= IDLE\n" },
	{ "452 after one, refused at the dot: all of them", 0, PIPED "M\n" MAIL
	  RCPT("0") RCPT("1") "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 452 n\n"
	  "S 354 go\n" "D\n" "C .\n" "S 451 later\n" "F 0 12 451\n"
	  "F 1 12 451\n" "= IDLE\n" },
	{ "four by two", TWO_A_TIME | FOUR, PIPED "M\n" MAIL RCPT("0") RCPT("1")
	  "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "S 354 go\n" "D\n"
	  "C .\n" "S 250 queued\n" "F 0 12 250\n" "F 1 12 250\n" "= IDLE\n"
	  "M\n" MAIL RCPT("2") RCPT("3") "C DATA\n" "= HEAR\n" },
	{ "LIMITS", FOUR, "S 220 mx\n" "C EHLO me.example\n" "S 250-mx\n"
	  "S 250-PIPELINING\n" "S 250 LIMITS RCPTMAX=1\n" "M\n" MAIL RCPT("0")
	  "C DATA\n" "= HEAR\n" },
	{ "421 at RCPT", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 421 bye\n" "= OVER 10\n" },
	{ "354 to MAIL", 0, HELLO "M\n" MAIL "S 354 what\n" "= OVER 9\n" },
	{ "250 to DATA", 0, PIPED "M\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "= OVER 11\n" },
	{ "RSET refused is no word on the message", 0, HELLO "M\n" MAIL
	  "S 250 ok\n" RCPT("0") "S 550 no\n" "F 0 10 550\n" RCPT("1")
	  "S 550 no\n" "F 1 10 550\n" "= IDLE\n" "N\n" "M\n" "C RSET\n" MAIL
	  "S 502 what\n" "= OVER 8\n" "W RSET was refused\n" },
	{ "parameters offered and refused: once more without", EIGHT_BIT,
	  "S 220 mx\n" "C EHLO me.example\n" "S 250-mx\n" "S 250-8BITMIME\n"
	  "S 250-PIPELINING\n" "S 250 SIZE\n" "M\n"
	  "C MAIL FROM:<a@x.example> SIZE=1234 BODY=8BITMIME\n" RCPT("0")
	  RCPT("1") "C DATA\n" "S 555 5.5.4 what is SIZE\n" "S 503 no\n"
	  "S 503 no\n" "S 503 no\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 250 ok\n" "S 550 no\n" "F 1 10 550\n" "S 354 go\n"
	  "D\n" "C .\n" "S 250 in\n" "F 0 12 250\n" "= IDLE\n" },
	{ "refused without parameters too: that is the answer", EIGHT_BIT,
	  "S 220 mx\n" "C EHLO me.example\n" "S 250-mx\n" "S 250 8BITMIME\n"
	  "M\n" "C MAIL FROM:<a@x.example> BODY=8BITMIME\n"
	  "S 501 syntax\n" MAIL "S 501 syntax\n" "F 0 9 501\n" "F 1 9 501\n"
	  "= IDLE\n" },
	{ "501 of the address is no word on parameters", EIGHT_BIT,
	  "S 220 mx\n" "C EHLO me.example\n" "S 250-mx\n" "S 250 8BITMIME\n"
	  "M\n" "C MAIL FROM:<a@x.example> BODY=8BITMIME\n"
	  "S 501 5.1.7 bad sender\n" "F 0 9 501\n" "F 1 9 501\n" "= IDLE\n" },
	{ "PIPELINING that did not work before", ONE_BY_ONE, PIPED "M\n" MAIL
	  "= HEAR\n" },
	{ "250 while the message is sent", 0, PIPED "M\n" MAIL RCPT("0")
	  RCPT("1") "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 250 ok\n"
	  "S 354 go\n" "S 250 queued\n"
	  "= OVER 11\n" "W a reply came to no command\n" },
	{ "552 while the message is sent", 0, PIPED "M\n" MAIL RCPT("0")
	  RCPT("1") "C DATA\n" "S 250 ok\n" "S 250 ok\n" "S 250 ok\n"
	  "S 354 go\n" "S 552 too much\n" "= OVER 11\n" "W (said)\n" },
	{ "a reply to nothing", 0, HELLO "= IDLE\n" "S 250 ok\n" "= OVER 1\n" },
	{ "LMTP", LMTP, "S 220 mx\n" "C LHLO me.example\n" "S 250-mx\n"
	  "S 250 PIPELINING\n" "M\n" MAIL RCPT("0") RCPT("1") "C DATA\n"
	  "S 250 ok\n" "S 250 ok\n" "S 250 ok\n" "S 354 go\n" "D\n" "C .\n"
	  "S 250 in\n" "F 0 12 250\n" "S 452 full\n" "F 1 12 452\n"
	  "= IDLE\n" },
	{ "LMTP, one taken: one reply", LMTP, "S 220 mx\n"
	  "C LHLO me.example\n" "S 250-mx\n" "S 250 PIPELINING\n" "M\n" MAIL
	  RCPT("0") RCPT("1") "C DATA\n" "S 250 ok\n" "S 550 no\n"
	  "F 0 10 550\n" "S 250 ok\n" "S 354 go\n" "D\n" "C .\n" "S 250 in\n"
	  "F 1 12 250\n" "= IDLE\n" },
	{ "LMTP has no HELO", LMTP, "S 220 mx\n" "C LHLO me.example\n"
	  "S 500 what\n" "= OVER 3\n" },
	{ "QUIT", 0, HELLO "Q\n" "C QUIT\n" "S 221 bye\n" "= OVER 13\n" },
};

static struct {
	struct smtp_client	c;
	struct smtp_envelope	env;
	struct smtp_to		to[4];
	struct smtp_heard	h;
	struct buf		out, fates;
	enum smtp_todo		todo;
} w;

static void
on_fate(struct smtp_client *c, size_t i, enum smtp_step step,
    const struct smtp_heard *h)
{
	assert_ptr_equal(c->arg, &w);
	buf_fmt(&w.fates, "%zu %d %u\n", i, (int)step, h->code);
}

static void
begin(unsigned how)
{
	static const char *const address[] = { "0@y.example", "1@y.example",
	    "2@y.example", "3@y.example" };

	memset(&w, 0, sizeof(w));
	buf_init(&w.out, 4000);
	buf_init(&w.fates, 4000);
	smtp_heard_init(&w.h);
	w.env = (struct smtp_envelope){ .sender = STR("a@x.example"),
	    .size = 1234, .is_8bit = (how & EIGHT_BIT) != 0, .to = w.to,
	    .n = how & FOUR ? 4 : 2 };
	for (size_t i = 0; i < 4; i++)
		w.to[i].address = str_of(address[i]);
	w.c = (struct smtp_client){ .name = STR("me.example"),
	    .us = STR("us.example"), .is_lmtp = (how & LMTP) != 0,
	    .tls = how & MUST_TLS ? SMTP_TLS_MUST : how & WITH_TLS ?
	    SMTP_TLS_MAY : SMTP_TLS_NEVER, .rcpt_max = how & TWO_A_TIME ? 2 : 0,
	    .no_pipelining = (how & ONE_BY_ONE) != 0,
	    .out = &w.out, .fate = on_fate, .arg = &w };
	if (how & WITH_AUTH) {
		w.c.user = STR("user");
		w.c.secret = STR("pass");
	}
	w.todo = smtp_client_begin(&w.c);
}

static void
hear(struct str text)
{
	struct buf in;
	size_t used;

	buf_init(&in, 1000);
	buf_add(&in, text);
	buf_z(&in, "\r\n");
	if (smtp_heard_feed(&w.h, buf_str(&in), &used) == 0)
		w.todo = smtp_client_hear(&w.c, &w.h);
	buf_free(&in);
}

/* Takes a line off and compares it. */
static void
compare(struct buf *b, struct str want)
{
	struct str s = buf_str(b), line = STR("(nothing)");

	(void)str_line(&s, &line);
	if (!str_eq(line, want))
		print_error("got  %.*s\nwant %.*s\n", STR_ARG(line),
		    STR_ARG(want));
	assert_true(str_eq(line, want));
	buf_consume(b, b->len - s.n);
}

static void
expect_todo(struct str want)
{
	static const char *const names[] = { [SMTP_HEAR] = "HEAR",
	    [SMTP_HANDSHAKE] = "HANDSHAKE", [SMTP_CONTENT] = "CONTENT",
	    [SMTP_IDLE] = "IDLE", [SMTP_OVER] = "OVER" };
	struct buf b;

	buf_init(&b, 100);
	buf_fmt(&b, "%s", names[w.todo]);
	if (w.todo == SMTP_OVER)
		buf_fmt(&b, " %d", (int)smtp_client_stage(&w.c));
	buf_c(&b, '\n');
	compare(&b, want);
	buf_free(&b);
}

static void
one_line(struct str line)
{
	struct str rest = str_from(line, 2);

	switch (line.p[0]) {
	case 'S':
		hear(rest);
		break;
	case 'C':
		compare(&w.out, rest);
		break;
	case 'F':
		compare(&w.fates, rest);
		break;
	case 'T':
		assert_int_equal(w.todo, SMTP_HANDSHAKE);
		w.todo = smtp_client_secured(&w.c);
		break;
	case 'D':
		assert_int_equal(w.todo, SMTP_CONTENT);
		w.todo = smtp_client_sent(&w.c);
		break;
	case 'N':
		for (size_t i = 0; i < w.env.n; i++)
			w.to[i].fate = SMTP_OPEN;
		break;
	case 'M':
		assert_int_equal(w.todo, SMTP_IDLE);
		w.todo = smtp_client_mail(&w.c, &w.env);
		break;
	case 'Q':
		w.todo = smtp_client_quit(&w.c);
		break;
	case 'W':
		assert_true(str_is(rest, w.c.fault != NULL ? w.c.fault :
		    "(said)"));
		break;
	default:
		expect_todo(rest);
	}
}

static void
test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < NITEMS(scripts); i++) {
		struct str text = str_of(scripts[i].script), line;

		print_message("%s\n", scripts[i].name);
		begin(scripts[i].how);
		while (str_line(&text, &line))
			one_line(line);
		assert_int_equal(w.fates.len, 0);
		buf_free(&w.out);
		buf_free(&w.fates);
		smtp_heard_free(&w.h);
	}
}

/* The last word before a connection is lost: was the message out? */
static void
test_in_doubt(void **state)
{
	(void)state;
	begin(0);
	hear(STR("220 hi"));
	hear(STR("250 hi"));
	w.todo = smtp_client_mail(&w.c, &w.env);
	hear(STR("250 ok"));
	hear(STR("250 ok"));
	hear(STR("550 no"));
	assert_int_equal(smtp_client_owed(&w.c), SMTP_STEP_DATA);
	hear(STR("354 go"));
	assert_false(smtp_client_in_doubt(&w.c));
	w.todo = smtp_client_sent(&w.c);
	assert_true(smtp_client_in_doubt(&w.c));
	assert_int_equal(w.to[0].fate, SMTP_TAKEN);
	assert_int_equal(w.to[1].fate, SMTP_DONE);
	assert_string_equal(smtp_step_name(smtp_client_owed(&w.c)),
	    "the end of the data");
	hear(STR("250 ok"));
	assert_false(smtp_client_in_doubt(&w.c));
	buf_free(&w.out);
	buf_free(&w.fates);
	smtp_heard_free(&w.h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_in_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
