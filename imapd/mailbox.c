/* SPDX-License-Identifier: ISC */
/*
 * imapd/mailbox.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE.
 *
 * Names are checked here for being names at all; what exists and what may be
 * done with it is stored's to say.
 */
#include "imapd/mailbox.h"

#include "imap/name.h"
#include "imapd/command.h"

#include "base/banned.h"

int
mailbox_arg(struct session *s, struct imap_args *a, struct str *name_out)
{
	struct str raw, name;

	if (!imap_sp(a) || !imap_astring(a, &raw))
		return FAIL_SYNTAX;
	if (imap_name_decode(raw, &s->arena, &name) < 0)
		return FAIL_PERM;
	/* Thunderbird names folders "a/" when it makes them */
	if (name.n > 1 && name.p[name.n - 1] == '/')
		name.n--;
	if (!imap_name_valid(name))
		return FAIL_PERM;
	*name_out = imap_name_canon(&s->arena, name);
	return name_out->p == NULL ? FAIL_TOO_BIG : 0;
}

enum step
mailbox_refuse(struct session *s, int rc)
{
	if (rc == FAIL_PERM)
		return session_no(s, "[CANNOT] No mailbox can be called so");
	return session_refuse(s, rc);
}

static enum step
on_done(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	return session_ok(s, "Done");
}

static enum step
ask(struct session *s, enum store_verb verb, struct str name, struct str to)
{
	struct note_store_mailbox n = { .login = s->login, .verb = verb,
	    .name = name, .to = to };

	s->then = on_done;
	ask_store_mailbox(s->stored, &n, session_on_note, s);
	return WAIT;
}

static enum step
one_name(struct session *s, struct imap_args *a, enum store_verb verb)
{
	struct str name;
	int rc = mailbox_arg(s, a, &name);

	if (rc == 0 && !imap_end(a))
		rc = FAIL_SYNTAX;
	if (rc < 0)
		return mailbox_refuse(s, rc);
	if (str_same(name, "INBOX") &&
	    (verb == STORE_CREATE || verb == STORE_DELETE))
		return session_no(s, "[CANNOT] INBOX is always there");
	return ask(s, verb, name, (struct str){ NULL, 0 });
}

enum step
cmd_create(struct session *s, struct imap_args *a)
{
	return one_name(s, a, STORE_CREATE);
}

enum step
cmd_delete(struct session *s, struct imap_args *a)
{
	return one_name(s, a, STORE_DELETE);
}

enum step
cmd_subscribe(struct session *s, struct imap_args *a)
{
	return one_name(s, a, STORE_SUBSCRIBE);
}

enum step
cmd_unsubscribe(struct session *s, struct imap_args *a)
{
	return one_name(s, a, STORE_UNSUBSCRIBE);
}

enum step
cmd_rename(struct session *s, struct imap_args *a)
{
	struct str from, to;
	int rc = mailbox_arg(s, a, &from);

	if (rc == 0)
		rc = mailbox_arg(s, a, &to);
	if (rc == 0 && !imap_end(a))
		rc = FAIL_SYNTAX;
	if (rc < 0)
		return mailbox_refuse(s, rc);
	if (str_same(to, "INBOX"))
		return session_no(s, "[CANNOT] INBOX is always there");
	return ask(s, STORE_RENAME, from, to);
}
