/* SPDX-License-Identifier: ISC */
/*
 * smtp/heard.c - replies of a server, line by line.
 *
 * Taken: CRLF or LF at the end of a line, a code with nothing behind it, any
 * octets in a text.  Not taken: what does not begin with a code, and a code
 * that changes within a reply: two clients would read two things in it.
 *
 * RFC 5321 4.2 (replies), RFC 2034 (enhanced codes), RFC 1870 (SIZE),
 * RFC 4954 (AUTH), RFC 9422 (LIMITS).
 */
#include "smtp/heard.h"

#include "mail/code.h"
#include "base/banned.h"

void
smtp_heard_init(struct smtp_heard *h)
{
	*h = (struct smtp_heard){ .code = 0 };
	buf_init(&h->text, SMTP_HEARD_KEPT);
}

void
smtp_heard_free(struct smtp_heard *h)
{
	buf_free(&h->text);
}

static void
keep(struct smtp_heard *h, struct str line)
{
	if (h->text.len > 0 && h->text.len < h->text.max)
		buf_c(&h->text, '\n');
	buf_add(&h->text, str_sub(line, 0, h->text.max - h->text.len));
}

/* 1: more lines follow, 0: it was the last. */
static int
one_line(struct smtp_heard *h, struct str line)
{
	uint64_t code;

	keep(h, line);
	if (!str_u64(str_sub(line, 0, 3), 599, &code) || line.n < 3 ||
	    code < 200 || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-') ||
	    (h->code != 0 && h->code != code))
		return FAIL_SYNTAX;
	h->code = (unsigned)code;
	if (h->on_line != NULL)
		h->on_line(h->arg, h->lines, str_from(line, 4));
	if (++h->lines >= SMTP_HEARD_LINES_MAX)
		return FAIL_TOO_BIG;
	return line.n > 3 && line.p[3] == '-';
}

static void
begin(struct smtp_heard *h)
{
	h->code = h->lines = 0;
	h->octets = 0;
	h->is_over = false;
	buf_reset(&h->text);
}

int
smtp_heard_feed(struct smtp_heard *h, struct str in, size_t *used_out)
{
	struct str rest = in, line;
	int rc = 1;

	if (h->is_over)
		begin(h);
	while (rc == 1 && str_chr(rest, '\n') < rest.n) {
		const uint8_t *from = rest.p;

		(void)str_line(&rest, &line);
		h->octets += (size_t)(rest.p - from);
		rc = line.n > SMTP_HEARD_LINE_MAX ||
		    h->octets > SMTP_HEARD_MAX ? FAIL_TOO_BIG :
		    one_line(h, line);
	}
	if (rc == 1 && rest.n > SMTP_HEARD_LINE_MAX)
		rc = FAIL_TOO_BIG;
	*used_out = in.n - rest.n;
	h->is_over = rc != 1;
	return rc;
}

struct str
smtp_heard_status(const struct smtp_heard *h)
{
	struct str text = str_from(buf_str(&h->text), 4), code = str_word(&text);
	size_t end = str_chr(code, '\n');

	code.n = end < code.n ? end : code.n;
	if (h->code == 0 || !code_valid(code) ||
	    code.p[0] != (uint8_t)('0' + h->code / 100))
		return STR("");
	return code;
}

/* --- what is offered ----------------------------------------------------- */

static void
put_size(struct smtp_caps *c, struct str args)
{
	uint64_t n;

	if (str_u64(str_word(&args), UINT64_MAX, &n))
		c->size_max = n;
}

static void
put_auth(struct smtp_caps *c, struct str args)
{
	while (str_more(args)) {
		struct str mech = str_word(&args);

		if (str_is(mech, "PLAIN"))
			c->can |= SMTP_CAN_PLAIN;
		else if (str_is(mech, "LOGIN"))
			c->can |= SMTP_CAN_LOGIN;
	}
}

static void
put_limits(struct smtp_caps *c, struct str args)
{
	while (str_more(args)) {
		struct str value = str_word(&args), name;
		uint32_t n;

		name = str_until(&value, '=');
		if (!str_u32(value, &n) || n == 0)
			continue;
		if (str_is(name, "RCPTMAX"))
			c->rcpt_max = n;
		else if (str_is(name, "MAILMAX"))
			c->mail_max = n;
	}
}

void
smtp_caps_line(struct smtp_caps *c, struct str text)
{
	static const struct {
		const char	*name;
		unsigned	can;
		void		(*put)(struct smtp_caps *, struct str);
	} known[] = {
		{ "PIPELINING",		SMTP_CAN_PIPELINING,	NULL },
		{ "SIZE",		SMTP_CAN_SIZE,		put_size },
		{ "8BITMIME",		SMTP_CAN_8BITMIME,	NULL },
		{ "ENHANCEDSTATUSCODES", SMTP_CAN_STATUS,	NULL },
		{ "STARTTLS",		SMTP_CAN_STARTTLS,	NULL },
		{ "DSN",		SMTP_CAN_DSN,		NULL },
		{ "AUTH",		0,			put_auth },
		{ "LIMITS",		0,			put_limits },
	};
	struct str word = str_word(&text);

	if (str_istarts(word, "AUTH=")) {	/* before RFC 2554 */
		put_auth(c, str_from(word, 5));
		word = STR("AUTH");
	}
	for (size_t i = 0; i < NITEMS(known); i++)
		if (str_is(word, known[i].name)) {
			c->can |= known[i].can;
			if (known[i].put != NULL)
				known[i].put(c, text);
		}
}
