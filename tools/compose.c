/* SPDX-License-Identifier: ISC */
/*
 * tools/compose.c - what cron, scripts and mail programs write to sendmail's
 * standard input, made a message: line ends become CRLF, an mbox "From "
 * line goes, a text without header gets one, Bcc goes, From comes.  Date and
 * Message-ID are smtpd's to add.
 */
#include "tools/sendmail.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "mail/addr.h"
#include "mail/header.h"

#include "base/banned.h"

/* It will stand in a line of SMTP: a line end in it would be a command. */
bool
address_is_clean(struct str address)
{
	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] < ' ' || address.p[i] == 127 ||
		    address.p[i] == '<' || address.p[i] == '>')
			return false;
	return true;
}

int
mail_add_recipient(struct mail *m, struct str address)
{
	if (!address_is_clean(address))
		return FAIL_SYNTAX;
	for (size_t i = 0; i < m->n_to; i++)
		if (str_eq(m->to[i], address))
			return 0;
	if (m->n_to == NITEMS(m->to))
		return FAIL_TOO_BIG;
	m->to[m->n_to++] = address;
	return 0;
}

/* --- reading ------------------------------------------------------------- */

/* CRs at a line's end are part of its end: some programs write CRLF. */
static void
add_line(struct mail *m, struct str line)
{
	line = str_chomp(line);
	if (!str_is_ascii(line))
		m->is_8bit = true;
	buf_add(&m->content, line);
	buf_z(&m->content, "\r\n");
}

static void
read_lines(FILE *in, bool ignore_dots, struct mail *m)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t n;

	while (!buf_failed(&m->content) &&
	    (n = getline(&text, &room, in)) >= 0) {
		struct str line = str_chomp(str_mem(text, (size_t)n));

		if (!ignore_dots && str_same(line, "."))
			break;
		if (m->content.len == 0 && str_starts(line, "From "))
			continue;	/* the envelope line of an mbox */
		add_line(m, line);
	}
	free(text);
}

/* --- the header ---------------------------------------------------------- */

static bool
is_field(const struct header_field *f)
{
	return header_name_valid(f->name);
}

/*
 * Where the header ends: at the empty line, or before the first line that
 * can be no field.  A text that begins at once (echo hello | sendmail joe)
 * has none.
 */
static size_t
header_length(struct str content)
{
	struct header h;
	struct header_field f;
	size_t n = 0;

	header_init(&h, content);
	while (header_next(&h, &f) && is_field(&f))
		n += f.raw.n;
	return n;
}

static int
add_from_field(struct cli *c, struct str value, struct mail *m)
{
	struct addr_list list;
	struct addr_item item;
	struct str address;
	int rc = 0;

	addr_list_init(&list, value);
	while (rc == 0 && addr_list_next(&list, &item)) {
		struct buf one;

		if (item.kind != ADDR_MAILBOX || item.local.n == 0)
			continue;
		buf_init(&one, 1024);
		addr_put_local(&one, item.local);
		if (item.domain.n > 0) {
			buf_c(&one, '@');
			buf_add(&one, item.domain);
		}
		address = arena_str(&c->arena, buf_str(&one));
		rc = buf_failed(&one) || address.p == NULL ? FAIL_TOO_BIG :
		    mail_add_recipient(m, address);
		buf_free(&one);
	}
	addr_list_free(&list);
	return rc;
}

/* RFC 5322 3.6.6: when a message is resent, the Resent- fields count. */
static bool
names_recipients(struct str name, bool is_resent)
{
	static const char *const names[] = { "To", "Cc", "Bcc" };

	if (is_resent && !str_istarts(name, "Resent-"))
		return false;
	if (is_resent)
		name = str_from(name, strlen("Resent-"));
	for (size_t i = 0; i < NITEMS(names); i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static int
read_recipients(struct cli *c, struct str head, struct mail *m)
{
	struct header_field f;
	struct header h;
	bool is_resent = header_get(head, "Resent-To", &f) ||
	    header_get(head, "Resent-Cc", &f) ||
	    header_get(head, "Resent-Bcc", &f);
	int rc = 0;

	header_init(&h, head);
	while (rc == 0 && header_next(&h, &f))
		if (names_recipients(f.name, is_resent))
			rc = add_from_field(c, f.value, m);
	return rc;
}

static void
put_from(struct buf *out, const struct compose *how)
{
	if (how->full_name.n == 0) {
		buf_fmt(out, "From: %.*s\r\n", STR_ARG(how->sender_address));
		return;
	}
	buf_z(out, "From: \"");
	for (size_t i = 0; i < how->full_name.n; i++) {
		uint8_t ch = how->full_name.p[i];

		if (ch == '"' || ch == '\\')
			buf_c(out, '\\');
		buf_c(out, ch < ' ' ? ' ' : ch);
	}
	buf_fmt(out, "\" <%.*s>\r\n", STR_ARG(how->sender_address));
}

/* The header without Bcc (whoever is named there is not told to others), a
 * From in front if there is none, and the empty line behind it. */
static void
put_header(struct buf *out, struct str head, const struct compose *how)
{
	struct header_field f;
	struct header h;

	if (!header_get(head, "From", &f))
		put_from(out, how);
	header_init(&h, head);
	while (header_next(&h, &f))
		if (!str_is(f.name, "Bcc") && !str_is(f.name, "Resent-Bcc"))
			buf_add(out, f.raw);
	buf_z(out, "\r\n");
}

int
compose_mail(struct cli *c, FILE *in, const struct compose *how,
    struct mail *m)
{
	size_t max = (size_t)c->conf.smtpd.size_limit;
	struct str all, head, body;
	struct buf out;
	int rc = 0;

	buf_init(&m->content, max);
	read_lines(in, how->ignore_dots, m);
	if (ferror(in)) {
		cli_say("cannot read the message");
		return EX_IOERR;
	}
	all = buf_str(&m->content);
	head = str_sub(all, 0, header_length(all));
	body = str_from(all, head.n);
	if (str_starts(body, "\r\n"))
		body = str_from(body, 2);
	if (how->from_header)
		rc = read_recipients(c, head, m);
	buf_init(&out, max);
	put_header(&out, head, how);
	buf_add(&out, body);
	if (rc != 0 || buf_failed(&m->content) || buf_failed(&out)) {
		if (rc == FAIL_SYNTAX)
			cli_say("a recipient has bytes that no address has");
		else if (rc != 0)
			cli_say("more than %d recipients", MAIL_RECIPIENTS_MAX);
		else
			cli_say("the message is larger than %zu bytes", max);
		buf_free(&out);
		return EX_DATAERR;
	}
	buf_free(&m->content);
	m->content = out;
	return EX_OK;
}
