/* SPDX-License-Identifier: ISC */
/*
 * imapd/command.c - what a client may say, and who answers.
 *
 * A whole command stands in s->text, literals and all, cut by session.c and
 * never longer than its limits.  It leaves as bytes in the output and as a
 * step (session.h).  This file opens nothing and asks nobody.
 *
 * RFC 3501 6; RFC 2177 IDLE, 2342 NAMESPACE, 2971 ID, 3691 UNSELECT, 4315
 * UIDPLUS, 6851 MOVE.
 */
#include "imapd/command.h"

#include "base/banned.h"

static const struct command commands[] = {
	{ "APPEND",	IN_LOGGED,	0,		cmd_append },
	{ "AUTHENTICATE", IN_NO_AUTH,	SECRET,		cmd_authenticate },
	{ "CAPABILITY",	IN_ANY,		0,		cmd_capability },
	{ "CHECK",	IN_SELECTED,	0,		cmd_check },
	{ "CLOSE",	IN_SELECTED,	NO_EXPUNGE,	cmd_close },
	{ "COPY",	IN_SELECTED,	NO_EXPUNGE,	cmd_copy },
	{ "CREATE",	IN_LOGGED,	0,		cmd_create },
	{ "DELETE",	IN_LOGGED,	0,		cmd_delete },
	{ "EXAMINE",	IN_LOGGED,	0,		cmd_examine },
	{ "EXPUNGE",	IN_SELECTED,	0,		cmd_expunge },
	{ "FETCH",	IN_SELECTED,	NO_EXPUNGE | NO_NEWS, cmd_fetch },
	{ "ID",		IN_ANY,		0,		cmd_id },
	{ "IDLE",	IN_LOGGED,	0,		cmd_idle },
	{ "LIST",	IN_LOGGED,	0,		cmd_list },
	{ "LOGIN",	IN_NO_AUTH,	SECRET,		cmd_login },
	{ "LOGOUT",	IN_ANY,		0,		cmd_logout },
	{ "LSUB",	IN_LOGGED,	0,		cmd_lsub },
	{ "MOVE",	IN_SELECTED,	0,		cmd_move },
	{ "NAMESPACE",	IN_LOGGED,	0,		cmd_namespace },
	{ "NOOP",	IN_ANY,		0,		cmd_noop },
	{ "RENAME",	IN_LOGGED,	0,		cmd_rename },
	{ "SEARCH",	IN_SELECTED,	NO_EXPUNGE,	cmd_search },
	{ "SELECT",	IN_LOGGED,	0,		cmd_select },
	{ "STARTTLS",	IN_NO_AUTH,	0,		cmd_starttls },
	{ "STATUS",	IN_LOGGED,	0,		cmd_status },
	{ "STORE",	IN_SELECTED,	NO_EXPUNGE,	cmd_store },
	{ "SUBSCRIBE",	IN_LOGGED,	0,		cmd_subscribe },
	{ "UID COPY",	IN_SELECTED,	BY_UID,		cmd_copy },
	{ "UID EXPUNGE", IN_SELECTED,	BY_UID,		cmd_uid_expunge },
	{ "UID FETCH",	IN_SELECTED,	BY_UID | NO_NEWS, cmd_fetch },
	{ "UID MOVE",	IN_SELECTED,	BY_UID,		cmd_move },
	{ "UID SEARCH",	IN_SELECTED,	BY_UID,		cmd_search },
	{ "UID STORE",	IN_SELECTED,	BY_UID,		cmd_store },
	{ "UNSELECT",	IN_SELECTED,	0,		cmd_unselect },
	{ "UNSUBSCRIBE", IN_LOGGED,	0,		cmd_unsubscribe },
};

const struct command *
command_find(struct str name)
{
	size_t i;

	for (i = 0; i < NITEMS(commands); i++)
		if (str_is(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* The name at the cursor; of "UID" the word behind it belongs to it. */
static bool
take_name(struct imap_args *a, struct str *name_out)
{
	struct str start = a->rest, word;

	if (!imap_atom(a, &word))
		return false;
	if (str_is(word, "UID")) {
		if (!imap_sp(a) || !imap_atom(a, &word))
			return false;
	}
	*name_out = str_sub(start, 0, (size_t)(a->rest.p - start.p));
	return true;
}

bool
command_is(struct str text, const char *name, struct imap_args *a,
    struct str *tag_out)
{
	struct str word;

	a->rest = text;
	return imap_tag(a, tag_out) && imap_sp(a) && take_name(a, &word) &&
	    str_is(word, name);
}

/* A browser that was sent to our port must not get to its body's lines. */
static bool
is_http(struct str tag)
{
	static const char *const methods[] = { "GET", "POST", "HEAD", "PUT",
	    "OPTIONS", "DELETE", "CONNECT", "PATCH", "TRACE" };
	size_t i;

	for (i = 0; i < NITEMS(methods); i++)
		if (str_same(tag, methods[i]))
			return true;
	return false;
}

static enum step
unknown(struct session *s)
{
	if (s->state == IN_NO_AUTH && is_http(s->tag)) {
		buf_z(OUT(s), "* BYE This is no web server\r\n");
		return CLOSE;
	}
	return session_bad(s, "Unknown command");
}

static enum step
wrong_state(struct session *s, const struct command *c)
{
	if (s->state == IN_NO_AUTH)
		return session_bad(s, "Log in first");
	if (c->states == IN_NO_AUTH)
		return session_bad(s, "You are logged in already");
	return session_bad(s, "No mailbox is selected");
}

enum step
command_run(struct session *s)
{
	struct imap_args a;
	struct str name;

	imap_args_init(&a, s->text, &s->arena);
	if (a.rest.n == 0)	/* emailjs sends empty lines */
		return session_bad(s, "%s", "");
	if (!imap_tag(&a, &s->tag)) {
		s->tag = STR("*");
		return session_bad(s, "No valid tag");
	}
	if (!imap_sp(&a) || !take_name(&a, &name))
		return session_bad(s, "No valid command");
	s->command = command_find(name);
	if (s->command == NULL)
		return unknown(s);
	if ((s->command->states & s->state) == 0)
		return wrong_state(s, s->command);
	return s->command->run(s, &a);
}
