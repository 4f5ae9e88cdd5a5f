/* SPDX-License-Identifier: ISC */
/*
 * smtpd/command.c - what an SMTP client may say.
 *
 * A line comes in from session.c, cut at CRLF.  The table says when a command
 * is allowed and whether it may have an argument; the handlers of the small
 * ones stand here, the others in the file of their subject.  This file opens
 * no file and no socket.
 *
 * RFC 5321 4.1; extensions in smtp/ext.c.
 */
#include "smtpd/session.h"

#include "base/log.h"
#include "smtp/verb.h"

#include "base/banned.h"

#define JUNK_MAX	100	/* as many NOOPs and the like are harmless */

static command_fn cmd_bdat, cmd_expn, cmd_help, cmd_noop, cmd_quit, cmd_rset,
    cmd_vrfy;

enum {			/* what a command needs */
	HELO = 1,	/* EHLO or HELO came before */
	LOGIN = 2,	/* a login, where the service needs one */
	NO_TX = 4,	/* not while a transaction is open */
	NO_ARGS = 8,
	JUNK = 16,	/* gets nobody anywhere: counted */
};

static const struct command {
	const char	*name;
	unsigned	needs;
	command_fn	*run;
} commands[] = {
	{ "AUTH",     HELO | NO_TX,		cmd_auth },
	{ "BDAT",     0,			cmd_bdat },
	{ "DATA",     HELO | LOGIN | NO_ARGS,	cmd_data },
	{ "EHLO",     JUNK,			cmd_ehlo },
	{ "EXPN",     0,			cmd_expn },
	{ "HELO",     JUNK,			cmd_helo },
	{ "HELP",     JUNK,			cmd_help },
	{ "MAIL",     HELO | LOGIN | NO_TX,	cmd_mail },
	{ "NOOP",     JUNK,			cmd_noop },
	{ "QUIT",     0,			cmd_quit },
	{ "RCPT",     HELO | LOGIN,		cmd_rcpt },
	{ "RSET",     JUNK | NO_ARGS,		cmd_rset },
	{ "STARTTLS", NO_ARGS,			cmd_starttls },
	{ "VRFY",     JUNK,			cmd_vrfy },
};

static const struct smtp_reply
    bad_verb = { 500, "5.5.2", "no such command" },
    bad_verb_not_here = { 502, "5.5.1", "not offered here" },
    bad_order_helo = { 503, "5.5.1", "say EHLO first" },
    bad_order_tx = { 503, "5.5.1", "not in a transaction: RSET ends it" },
    bad_args = { 501, "5.5.4", "the command has no argument" },
    bad_login = { 530, "5.7.0", "log in first" },
    bad_foreign = { 554, "5.5.2", "this is SMTP" },
    too_long = { 500, "5.5.2", "the line is too long" },
    fine = { 250, "2.0.0", "fine" },
    fine_reset = { 250, "2.0.0", "forgotten" },
    fine_quit = { 221, "2.0.0", "good bye" },
    fine_vrfy = { 252, "2.5.0", "cannot say, but send it and we shall see" },
    fine_help = { 214, "2.0.0",
	"AUTH DATA EHLO HELO MAIL NOOP QUIT RCPT RSET STARTTLS VRFY" };

/* NULL: it may run. */
static const struct smtp_reply *
not_now(const struct smtp *s, const struct command *c, struct str args)
{
	if ((c->needs & NO_ARGS) != 0 && args.n > 0)
		return &bad_args;
	if ((c->needs & HELO) != 0 && s->helo.n == 0)
		return &bad_order_helo;
	if ((c->needs & LOGIN) != 0 && s->service->needs_login &&
	    !s->login.is_in)
		return &bad_login;
	if ((c->needs & NO_TX) != 0 && s->tx.is_open)
		return &bad_order_tx;
	return NULL;
}

static enum step
foreigner(struct smtp *s, struct str line)
{
	smtp_log(s, LOG_LEVEL_WARN, "smtpd-foreign");
	log_str("line", str_sub(line, 0, 100));
	log_end();
	smtp_reply_put(&s->stream.out, &bad_foreign);
	return CLOSE;
}

enum step
smtp_command(struct smtp *s, struct str line)
{
	const struct command *c = commands, *end = c + NITEMS(commands);
	const struct smtp_reply *bad = smtp_line_check(line);
	struct str verb, args;

	if (quirk_is_foreign(line))
		return foreigner(s, line);
	if (bad != NULL)
		return smtp_refuse(s, bad);
	smtp_line_split(line, &verb, &args);
	while (c < end && !str_is(verb, c->name))
		c++;
	if (c == end)
		return smtp_refuse(s, &bad_verb);
	if (line.n > SMTP_LINE_MAX && c->run != cmd_auth)
		return smtp_refuse(s, &too_long);
	bad = not_now(s, c, args);
	if (bad != NULL)
		return smtp_refuse(s, bad);
	if ((c->needs & JUNK) != 0 && ++s->junk > JUNK_MAX)
		s->errors++;
	return c->run(s, args);
}

/* Not offered; its octets would have to be skipped, and nobody knows how
 * many a broken client sends: end it. */
static enum step
cmd_bdat(struct smtp *s, struct str args)
{
	smtp_reply_put(&s->stream.out, &bad_verb_not_here);
	return CLOSE;
}

static enum step
cmd_expn(struct smtp *s, struct str args)
{
	return smtp_refuse(s, &bad_verb_not_here);
}

static enum step
cmd_help(struct smtp *s, struct str args)
{
	return smtp_say(s, &fine_help);
}

static enum step
cmd_noop(struct smtp *s, struct str args)
{
	return smtp_say(s, &fine);
}

static enum step
cmd_quit(struct smtp *s, struct str args)
{
	smtp_reply_put(&s->stream.out, &fine_quit);
	return CLOSE;
}

static enum step
cmd_rset(struct smtp *s, struct str args)
{
	smtp_forget_mail(s);
	return smtp_say(s, &fine_reset);
}

/* Tells nobody who has a mailbox here (RFC 5321 3.5.3, 7.3). */
static enum step
cmd_vrfy(struct smtp *s, struct str args)
{
	static const struct smtp_reply whom = { 501, "5.5.4", "say whom" };

	return args.n == 0 ? smtp_refuse(s, &whom) : smtp_say(s, &fine_vrfy);
}
