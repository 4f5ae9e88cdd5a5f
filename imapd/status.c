/* SPDX-License-Identifier: ISC */
/*
 * imapd/status.c - STATUS (RFC 3501 6.3.10, RFC 8438 for SIZE).
 */
#include "imap/name.h"
#include "imap/out.h"
#include "imapd/command.h"
#include "imapd/mailbox.h"

#include "base/banned.h"

enum item { MESSAGES, RECENT, SIZE, UIDNEXT, UIDVALIDITY, UNSEEN, ITEMS };

static const char *const names[ITEMS] = { "MESSAGES", "RECENT", "SIZE",
    "UIDNEXT", "UIDVALIDITY", "UNSEEN" };

struct status {
	struct str	name;
	enum item	item[ITEMS];	/* as asked, each once */
	size_t		n;
};

static bool
add_item(struct status *j, struct str word)
{
	size_t i, k;

	for (i = 0; i < ITEMS; i++)
		if (str_is(word, names[i]))
			break;
	if (i == ITEMS)
		return false;
	for (k = 0; k < j->n; k++)
		if (j->item[k] == i)
			return true;
	j->item[j->n++] = (enum item)i;
	return true;
}

static bool
item_list(struct imap_args *a, struct status *j)
{
	struct str word;

	if (!imap_sp(a) || !imap_char(a, '('))
		return false;
	do {
		if (!imap_atom(a, &word) || !add_item(j, word))
			return false;
	} while (imap_sp(a));
	return imap_char(a, ')') && imap_end(a);
}

static uint64_t
value(const struct note_store_counts *c, enum item item)
{
	const uint64_t v[ITEMS] = { c->messages, c->recent, c->size,
	    c->uidnext, c->uidvalidity, c->unseen };

	return v[item];
}

static enum step
on_counts(struct session *s, const struct note *n)
{
	const struct note_store_counts *c = note_as_store_counts(n);
	const struct status *j = s->job;
	struct buf name;
	size_t i;

	if (c == NULL)
		return session_unavailable(s);
	if (c->failed != 0)
		return session_failed(s, c->failed, c->text);
	buf_init(&name, 8 * IMAP_NAME_MAX);
	imap_name_encode(&name, j->name);
	buf_z(OUT(s), "* STATUS ");
	imap_put_astring(OUT(s), buf_str(&name));
	buf_free(&name);
	for (i = 0; i < j->n; i++)
		buf_fmt(OUT(s), "%s%s %llu", i == 0 ? " (" : " ",
		    names[j->item[i]],
		    (unsigned long long)value(c, j->item[i]));
	buf_z(OUT(s), ")\r\n");
	return session_ok(s, "Counted");
}

enum step
cmd_status(struct session *s, struct imap_args *a)
{
	struct status *j = session_job(s, sizeof(*j), NULL);
	struct note_store_status ask = { .login = s->login };
	int rc;

	if (j == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	rc = mailbox_arg(s, a, &j->name);
	if (rc == 0 && !item_list(a, j))
		rc = FAIL_SYNTAX;
	if (rc < 0)
		return mailbox_refuse(s, rc);
	ask.mailbox = j->name;
	s->then = on_counts;
	ask_store_status(s->stored, &ask, session_on_note, s);
	return WAIT;
}
