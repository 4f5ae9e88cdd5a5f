/* SPDX-License-Identifier: ISC */
/*
 * smtp/verb.c - command lines of a client.
 *
 * A line in, an out-struct or a reply out.  Whatever is not as RFC 5321 and
 * the extensions offered have it is refused; nothing is guessed, for the
 * next host would guess differently.
 *
 * RFC 5321 4.1, RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 4954 5 (AUTH=).
 */
#include "smtp/verb.h"

#include "base/enc.h"
#include "base/num.h"

#include "base/banned.h"

#define HELLO_MAX	255

static const struct smtp_reply
    bad_octet = { 500, "5.5.2", "control characters are not allowed here" },
    bad_8bit = { 553, "5.6.7", "addresses with 8-bit characters are not supported" },
    bad_8bit_line = { 500, "5.5.2", "8-bit characters are not allowed here" },
    bad_mail = { 501, "5.5.4", "say MAIL FROM:<address>" },
    bad_rcpt = { 501, "5.5.4", "say RCPT TO:<address>" },
    bad_sender = { 501, "5.1.7", "the address is not well-formed" },
    bad_recipient = { 501, "5.1.3", "the address is not well-formed" },
    bad_no_domain = { 501, "5.1.3", "the address needs a domain" },
    bad_sender_bare = { 501, "5.1.7", "the address needs a domain" },
    bad_space = { 501, "5.5.4", "one address, then parameters set off by blanks" },
    bad_param = { 501, "5.5.4", "a parameter is not well-formed" },
    bad_twice = { 501, "5.5.4", "a parameter was given twice" },
    bad_unknown = { 555, "5.5.4", "a parameter is not known here" },
    bad_body = { 501, "5.5.4", "BODY is 7BIT or 8BITMIME" },
    bad_size = { 501, "5.5.4", "SIZE is a number" },
    bad_auth = { 501, "5.5.4", "AUTH is an address or <>" },
    bad_many = { 501, "5.5.4", "too many parameters" },
    bad_hello = { 501, "5.5.4", "say who you are: a host name or an address literal" };

const struct smtp_reply *
smtp_line_check(struct str line)
{
	bool is_8bit = false;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] > 127)
			is_8bit = true;
		else if ((line.p[i] < 32 && line.p[i] != '\t') ||
		    line.p[i] == 127)
			return &bad_octet;
	}
	if (!is_8bit)
		return NULL;
	/* RFC 6531 3.5: an address that needs SMTPUTF8 has its own code. */
	return str_istarts(line, "MAIL ") || str_istarts(line, "RCPT ") ?
	    &bad_8bit : &bad_8bit_line;
}

void
smtp_line_split(struct str line, struct str *verb_out, struct str *args_out)
{
	size_t n = str_chr(line, ' ');

	*verb_out = str_sub(line, 0, n);
	*args_out = str_trim(str_from(line, n));
}

/* --- parameters ---------------------------------------------------------- */

struct found {
	unsigned		seen;
	struct smtp_mail	*mail;
	struct arena		*arena;
};

typedef const struct smtp_reply *param_fn(struct found *, struct str value);

static const struct smtp_reply *
param_size(struct found *f, struct str value)
{
	if (value.n > 20 || !str_u64(value, UINT64_MAX, &f->mail->size))
		return &bad_size;
	return NULL;
}

static const struct smtp_reply *
param_body(struct found *f, struct str value)
{
	f->mail->is_8bit = str_is(value, "8BITMIME");
	return f->mail->is_8bit || str_is(value, "7BIT") ? NULL : &bad_body;
}

/* RFC 4954 5: must be understood where AUTH is offered.  Who is logged in we
 * know better, so only its syntax counts. */
static const struct smtp_reply *
param_auth(struct found *f, struct str value)
{
	struct addr_path path;
	struct buf text;
	bool is_fine;

	if (str_same(value, "<>"))
		return NULL;
	buf_init(&text, 500);
	is_fine = dec_xtext(&text, value) == 0 && !buf_failed(&text) &&
	    addr_parse(buf_str(&text), true, f->arena, &path) == ADDR_FINE;
	buf_free(&text);
	return is_fine ? NULL : &bad_auth;
}

static const struct {
	const char	*name;
	unsigned	bit;
	param_fn	*take;
} mail_params[] = {
	{ "SIZE", SMTP_PARAM_SIZE, param_size },
	{ "BODY", SMTP_PARAM_8BITMIME, param_body },
	{ "AUTH", SMTP_PARAM_AUTH, param_auth },
};

/* esmtp-keyword ["=" esmtp-value], RFC 5321 4.1.2 */
static bool
param_valid(struct str name, bool has_value, struct str value)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = (uint8_t)ascii_lower(name.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c != '-' || i == 0))
			return false;
	}
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < 33 || value.p[i] > 126 || value.p[i] == '=')
			return false;
	return name.n > 0 && (!has_value || value.n > 0);
}

static const struct smtp_reply *
take_param(struct str word, unsigned offered, struct found *f)
{
	bool has_value = str_chr(word, '=') < word.n;
	struct str name = str_until(&word, '=');

	if (!param_valid(name, has_value, word))
		return &bad_param;
	for (size_t i = 0; i < NITEMS(mail_params); i++) {
		if (!str_is(name, mail_params[i].name) ||
		    (mail_params[i].bit & offered) == 0)
			continue;
		if (!has_value)
			return &bad_param;
		if ((f->seen & mail_params[i].bit) != 0)
			return &bad_twice;
		f->seen |= mail_params[i].bit;
		return mail_params[i].take(f, word);
	}
	return &bad_unknown;
}

/* What stands behind the path; offered 0: no parameter is known. */
static const struct smtp_reply *
take_params(struct str rest, unsigned offered, struct found *f)
{
	if (rest.n > 0 && rest.p[0] != ' ')
		return &bad_space;
	for (size_t n = 0; str_more(rest); n++) {
		const struct smtp_reply *bad;

		if (n == SMTP_PARAMS_MAX)
			return &bad_many;
		bad = take_param(str_word(&rest), offered, f);
		if (bad != NULL)
			return bad;
	}
	return NULL;
}

/* --- MAIL, RCPT, EHLO ---------------------------------------------------- */

/* "FROM:" and, as so many clients have it, blanks behind the colon. */
static bool
take_keyword(struct str *args, const char *keyword, size_t n)
{
	if (!str_istarts(*args, keyword))
		return false;
	*args = str_from(*args, n);
	while (args->n > 0 && args->p[0] == ' ')
		*args = str_from(*args, 1);
	return true;
}

const struct smtp_reply *
smtp_parse_mail(struct str args, unsigned offered, bool bare_ok,
    struct arena *a, struct smtp_mail *out)
{
	struct smtp_mail mail = { .size = 0 };
	struct found found = { .mail = &mail, .arena = a };
	const struct smtp_reply *bad;

	if (!take_keyword(&args, "FROM:", 5))
		return &bad_mail;
	switch (addr_path_parse(&args, true, a, &mail.sender)) {
	case ADDR_FINE:
		break;
	case ADDR_8BIT:
		return &bad_8bit;
	case ADDR_NO_DOMAIN:
		if (!bare_ok)
			return &bad_sender_bare;
		break;
	case ADDR_SYNTAX:
	case ADDR_TOO_LONG:
	default:
		return &bad_sender;
	}
	bad = take_params(args, offered, &found);
	if (bad == NULL)
		*out = mail;
	return bad;
}

const struct smtp_reply *
smtp_parse_rcpt(struct str args, bool bare_ok, struct arena *a,
    struct smtp_rcpt *out)
{
	struct smtp_rcpt rcpt;
	struct found found = { .arena = a };
	const struct smtp_reply *bad;

	if (!take_keyword(&args, "TO:", 3))
		return &bad_rcpt;
	switch (addr_path_parse(&args, false, a, &rcpt.recipient)) {
	case ADDR_FINE:
		break;
	case ADDR_8BIT:
		return &bad_8bit;
	case ADDR_NO_DOMAIN:
		if (!bare_ok)
			return &bad_no_domain;
		break;
	case ADDR_SYNTAX:
	case ADDR_TOO_LONG:
	default:
		return &bad_recipient;
	}
	bad = take_params(args, 0, &found);
	if (bad == NULL)
		*out = rcpt;
	return bad;
}

/* Nothing is decided by the name, but it is written into Received. */
const struct smtp_reply *
smtp_parse_hello(struct str args, struct str *name_out)
{
	struct str name = str_trim(args);

	if (name.n == 0 || name.n > HELLO_MAX)
		return &bad_hello;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = (uint8_t)ascii_lower(name.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    str_chr(STR("-._:[]"), c) == 6)
			return &bad_hello;
	}
	*name_out = name;
	return NULL;
}
