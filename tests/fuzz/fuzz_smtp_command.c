/* SPDX-License-Identifier: ISC */
/*
 * SMTP command lines: a line that passes the check, taken apart and given to
 * every parser; what they accept is printable, what they refuse is a reply.
 */
#include <stdlib.h>

#include "smtp/verb.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_reply(const struct smtp_reply *r)
{
	struct smtp_answer a = { .code = 0 };
	struct buf out;

	buf_init(&out, 1000);
	smtp_reply_put(&out, r);
	if (smtp_answer_line(&a, str_chomp(buf_str(&out))) != 0 ||
	    a.code < 400)
		abort();
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str line = str_mem(data, n), verb, args, name;
	const struct smtp_reply *r;
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
	struct smtp_answer answer = { .code = 0 };
	struct arena a;

	arena_init(&a, 1 << 16);
	r = smtp_line_check(line);
	if (r != NULL)
		check_reply(r);
	smtp_line_split(line, &verb, &args);
	r = smtp_parse_mail(args, ~0u, true, &a, &mail);
	if (r != NULL)
		check_reply(r);
	else if (!str_is_print(mail.sender.text))
		abort();
	r = smtp_parse_rcpt(args, true, &a, &rcpt);
	if (r != NULL)
		check_reply(r);
	else if (!str_is_print(rcpt.recipient.text) ||
	    rcpt.recipient.text.n == 0)
		abort();
	r = smtp_parse_hello(args, &name);
	if (r != NULL)
		check_reply(r);
	else if (!str_is_print(name) || name.n == 0)
		abort();
	(void)!smtp_answer_line(&answer, line);
	arena_free(&a);
	return 0;
}
