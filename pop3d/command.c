/* SPDX-License-Identifier: ISC */
/*
 * pop3d/command.c - what a POP3 client may say, and what we answer.
 *
 * A line comes in from session.c, cut at its line end and never longer than
 * its limit.  It leaves as text in the output and as a step: NEXT (read the
 * next pipelined line), WAIT (a note is out; s->then runs when its answer is
 * in) or CLOSE.  This file opens no file and no socket.
 *
 * RFC 1939 (POP3), RFC 2449 (CAPA and response codes), RFC 2595 (STLS).
 */
#include "pop3d/session.h"

#include <inttypes.h>

#include "base/log.h"
#include "daemon/daemon.h"

#include "base/banned.h"

enum { ARGS_MAX = 2 };

static run_fn cmd_capa, cmd_dele, cmd_list, cmd_noop, cmd_quit, cmd_rset,
    cmd_stat, cmd_stls, cmd_uidl;

static const struct command {
	const char	*name;
	unsigned	states;		/* where RFC 1939 allows it */
	size_t		min, max;	/* arguments; the last takes the rest */
	run_fn		*run;
} commands[] = {
	{ "AUTH", IN_AUTH,	      0, 2, cmd_auth },	/* bare: list them */
	{ "CAPA", IN_AUTH | IN_TRANS, 0, 0, cmd_capa },
	{ "DELE", IN_TRANS,	      1, 1, cmd_dele },
	{ "LIST", IN_TRANS,	      0, 1, cmd_list },
	{ "NOOP", IN_TRANS,	      0, 0, cmd_noop },
	{ "PASS", IN_AUTH,	      1, 1, cmd_pass },	/* may hold spaces */
	{ "QUIT", IN_AUTH | IN_TRANS, 0, 0, cmd_quit },
	{ "RETR", IN_TRANS,	      1, 1, cmd_retr },
	{ "RSET", IN_TRANS,	      0, 0, cmd_rset },
	{ "STAT", IN_TRANS,	      0, 0, cmd_stat },
	{ "STLS", IN_AUTH,	      0, 0, cmd_stls },
	{ "TOP",  IN_TRANS,	      2, 2, cmd_top },
	{ "UIDL", IN_TRANS,	      0, 1, cmd_uidl },
	{ "USER", IN_AUTH,	      1, 1, cmd_user },
};

/* First lines of those who are no POP3 clients: what a browser was made to
 * send must not be read as POP3 further down (ALPACA), a TLS or SSH client
 * will not speak POP3 at all. */
static const char *const foreign[] = { "GET ", "POST ", "PUT ", "HEAD ",
    "OPTIONS ", "CONNECT ", "EHLO ", "SSH-", "\x16\x03" };

static bool
is_foreign(struct str line)
{
	for (size_t i = 0; i < NITEMS(foreign); i++)
		if (str_starts(line, foreign[i]))
			return true;
	return false;
}

static const struct command *
find(struct str verb)
{
	for (size_t i = 0; i < NITEMS(commands); i++)
		if (str_is(verb, commands[i].name))
			return &commands[i];
	return NULL;
}

static enum step
unknown(struct pop3 *s, struct str line)
{
	if (!is_foreign(line))
		return pop3_refuse(s, "-ERR unknown command");
	pop3_say(s, "-ERR this is POP3");
	return CLOSE;
}

/* PASS: one blank ends the verb, all others are the password's. */
static struct str
take_rest(const struct command *c, struct str line)
{
	if (c->run == cmd_pass)
		return line;
	return str_trim(line);
}

enum step
pop3_line(struct pop3 *s, struct str line)
{
	struct str rest = line, verb = str_until(&rest, ' '), argv[ARGS_MAX];
	const struct command *c = find(verb);
	size_t argc = 0;

	if (c == NULL || str_has_nul(line))
		return unknown(s, line);
	if ((c->states & s->state) == 0)
		return pop3_refuse(s, "-ERR not valid in this state");
	while (argc + 1 < c->max && str_more(rest))
		argv[argc++] = str_word(&rest);
	if (argc < c->max && rest.n > 0 && (str_more(rest) ||
	    c->run == cmd_pass)) {
		argv[argc++] = take_rest(c, rest);
		rest.n = 0;
	}
	if (argc < c->min || str_more(rest))
		return pop3_refuse(s, "-ERR wrong number of arguments");
	return c->run(s, argv, argc);
}

enum step
pop3_greet(struct pop3 *s)
{
	s->state = IN_AUTH;
	buf_fmt(&s->stream.out, "+OK %.*s Veredus POP3\r\n",
	    STR_ARG(daemon_conf()->site.hostname));
	return NEXT;
}

/* --- both states --------------------------------------------------------- */

static enum step
cmd_capa(struct pop3 *s, const struct str *argv, size_t argc)
{
	struct buf *out = &s->stream.out;

	(void)argv, (void)argc;
	buf_z(out, "+OK what can be done\r\nTOP\r\nUIDL\r\nPIPELINING\r\n"
	    "RESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n");
	if (pop3_may_login(s))
		buf_fmt(out, "USER\r\nSASL %s\r\n", sasl_mechs());
	if (s->state == IN_AUTH && pop3d_tls() != NULL &&
	    !stream_is_tls(&s->stream))
		buf_z(out, "STLS\r\n");
	return pop3_say(s, ".");
}

static enum step
cmd_stls(struct pop3 *s, const struct str *argv, size_t argc)
{
	(void)argv, (void)argc;
	if (stream_is_tls(&s->stream))
		return pop3_refuse(s, "-ERR TLS is there already");
	if (pop3d_tls() == NULL)
		return pop3_refuse(s, "-ERR no certificate is set up");
	pop3_say(s, "+OK begin TLS");
	pop3_forget_user(s);	/* said in clear (RFC 2595 4) */
	stream_start_tls(&s->stream, pop3d_tls());
	return NEXT;
}

/* --- TRANSACTION --------------------------------------------------------- */

bool
pop3_number(const struct pop3 *s, struct str arg, size_t *i_out)
{
	return str_index(arg, s->mails, i_out) && !s->mail[*i_out].is_gone;
}

static enum step
no_such(struct pop3 *s)
{
	return pop3_refuse(s, "-ERR no such message");
}

static void
sum(const struct pop3 *s, size_t *count_out, uint64_t *size_out)
{
	*count_out = 0;
	*size_out = 0;
	for (size_t i = 0; i < s->mails; i++)
		if (!s->mail[i].is_gone) {
			(*count_out)++;
			*size_out += s->mail[i].size;
		}
}

static enum step
cmd_stat(struct pop3 *s, const struct str *argv, size_t argc)
{
	uint64_t size;
	size_t count;

	(void)argv, (void)argc;
	sum(s, &count, &size);
	buf_fmt(&s->stream.out, "+OK %zu %" PRIu64 "\r\n", count, size);
	return NEXT;
}

/* One row of LIST or UIDL. */
typedef void row_fn(struct pop3 *s, size_t i);

/* Sizes are octets on the wire, every line end counted as two. */
static void
put_size(struct pop3 *s, size_t i)
{
	struct buf *out = &s->stream.out;

	buf_num(out, i + 1);
	buf_c(out, ' ');
	buf_num(out, s->mail[i].size);
	buf_z(out, "\r\n");
}

/* As Dovecot's default, so that a move keeps what clients have seen. */
static void
put_uid(struct pop3 *s, size_t i)
{
	struct buf *out = &s->stream.out;

	buf_num(out, i + 1);
	buf_c(out, ' ');
	buf_hex32(out, s->mail[i].uid);
	buf_hex32(out, s->uidvalidity);
	buf_z(out, "\r\n");
}

static enum step
list(struct pop3 *s, const struct str *argv, size_t argc, const char *head,
    row_fn *put)
{
	size_t i;

	if (argc == 1 && !pop3_number(s, argv[0], &i))
		return no_such(s);
	if (argc == 1) {
		buf_z(&s->stream.out, "+OK ");
		put(s, i);
		return NEXT;
	}
	pop3_say(s, head);
	for (i = 0; i < s->mails; i++)
		if (!s->mail[i].is_gone)
			put(s, i);
	return pop3_say(s, ".");
}

static enum step
cmd_list(struct pop3 *s, const struct str *argv, size_t argc)
{
	return list(s, argv, argc, "+OK sizes follow", put_size);
}

static enum step
cmd_uidl(struct pop3 *s, const struct str *argv, size_t argc)
{
	return list(s, argv, argc, "+OK unique ids follow", put_uid);
}

static enum step
cmd_dele(struct pop3 *s, const struct str *argv, size_t argc)
{
	size_t i;

	(void)argc;
	if (!pop3_number(s, argv[0], &i))
		return no_such(s);
	s->mail[i].is_gone = true;
	return pop3_say(s, "+OK marked");
}

static enum step
cmd_noop(struct pop3 *s, const struct str *argv, size_t argc)
{
	(void)argv, (void)argc;
	return pop3_say(s, "+OK");
}

static enum step
cmd_rset(struct pop3 *s, const struct str *argv, size_t argc)
{
	(void)argv, (void)argc;
	for (size_t i = 0; i < s->mails; i++)
		s->mail[i].is_gone = false;
	return pop3_say(s, "+OK nothing is marked");
}

/* --- QUIT: always answered; the mail is gone before the +OK, not after --- */

static pop3_then_fn on_expunged;

/* The next marked UIDs as a set, as many as a note takes; false: no more. */
static bool
next_set(struct pop3 *s, struct buf *set)
{
	size_t i = s->closing_at, from;

	while (i < s->mails && set->len < SET_MAX - 32) {
		if (!s->mail[i].is_gone) {
			i++;
			continue;
		}
		/* Only UIDs that were seen: what the snapshot leaves out (a
		 * record that was being written) must not go with them. */
		for (from = i++; i < s->mails && s->mail[i].is_gone &&
		    s->mail[i].uid == s->mail[i - 1].uid + 1; i++)
			;
		buf_fmt(set, "%s%" PRIu32 ":%" PRIu32, set->len > 0 ? "," : "",
		    s->mail[from].uid, s->mail[i - 1].uid);
	}
	s->closing_at = i;
	return set->len > 0;
}

static enum step
expunge(struct pop3 *s)
{
	struct note_store_expunge ask = { .box = s->box };
	struct buf set;
	enum step step = CLOSE;

	buf_init(&set, SET_MAX);
	if (next_set(s, &set)) {
		ask.set = buf_str(&set);
		s->then = on_expunged;
		ask_store_expunge(s->stored, &ask, pop3_on_note, s);
		step = WAIT;
	} else
		pop3_say(s, "+OK good bye");
	buf_free(&set);
	return step;
}

static enum step
on_expunged(struct pop3 *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);

	if (d != NULL && d->failed == 0)
		return expunge(s);
	pop3_say(s, "-ERR [SYS/TEMP] some deleted messages were not removed");
	return CLOSE;
}

static enum step
cmd_quit(struct pop3 *s, const struct str *argv, size_t argc)
{
	(void)argv, (void)argc;
	s->closing_at = 0;
	return expunge(s);
}
