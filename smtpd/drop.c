/* SPDX-License-Identifier: ISC */
/*
 * smtpd/drop.c - what waited in maildrop: a session without a client.
 *
 * spoold gives the descriptor of a file that sendmail(8) left while the suite
 * was down (its form: tools/drop.c).  It is read here, in the cage of those
 * who read strangers' words, and goes through the same commands and the same
 * rules as a message that comes in at run/submit: MAIL, RCPT for each
 * recipient, DATA.  The answers that a client would hear are read here.
 *
 * Nobody waits for a refusal any more, so the queue bounces it: whoever is
 * refused for good becomes a recipient of kind ROUTE_REFUSED, and when the
 * content is refused all do, with a line in its place.  A 4xx leaves the whole
 * file where it is, until spoold says that it was the last time.
 *
 * The message has the id that spoold made of the file's name, so a file that
 * is brought twice is one message.  This file opens nothing; whoever wrote
 * the file may still be writing: it is read once, from its front to its end.
 */
#include "smtpd/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "mail/wire.h"

#include "base/banned.h"

#define MAGIC		"veredus-drop 1"
#define HEAD_MAX	(1024 * 1024)
#define PIECE		(16 * 1024)
#define TURN		(256 * 1024)	/* then others have theirs */
#define REPLIES_MAX	(64 * 1024)
#define GIVE_UP_MS	(5 * 60 * 1000)	/* spoold asks for ten minutes */

typedef enum step drop_fn(struct drop *d);

struct drop {
	struct smtp	s;
	struct link	link;
	char		mid[MID_LEN + 1];
	struct chan	*chan;
	uint32_t	ticket;
	int		fd;
	bool		is_last;	/* 4xx is no more than 5xx */
	bool		is_notice;	/* all are refused, and told why */
	struct buf	head;		/* from, to ... */
	struct str	sender, to;	/* in head: a line a recipient */
	struct str	rest;		/* of `to', still to be said */
	struct str	rcpt;
	uint64_t	content_at, at;
	size_t		turn;		/* octets of this one */
	struct wire	wire;
	char		refusal[SMTP_REPLY_LINE_MAX];
	char		later[SMTP_REPLY_LINE_MAX];
	drop_fn		*next;		/* when the reply is there */
	struct timer	give_up;
};

static struct link drops = { &drops, &drops };

static drop_fn	say_mail, say_recipient, say_data, feed, heard_mail,
    heard_recipient, heard_data, heard_end;

const char *
drop_mid(const struct drop *d)
{
	return d->mid;
}

size_t
drop_count(void)
{
	struct link *l;
	size_t n = 0;

	list_each(l, &drops)
		n++;
	return n;
}

/* --- begin and end ------------------------------------------------------- */

static void
drop_free(struct drop *d)
{
	list_remove(&d->link);
	timer_stop(&d->give_up);
	timer_stop(&d->s.stream.idle);
	smtp_release(&d->s);
	buf_free(&d->s.stream.in);
	buf_free(&d->s.stream.out);
	buf_free(&d->head);
	fd_close(&d->fd);
	free(d);
}

static enum step
over(struct drop *d, int fail, const char *text)
{
	struct note_drop_done done = { .failed = (uint32_t)-fail,
	    .text = str_of(text) };

	if (fail != 0) {
		smtp_log(&d->s, LOG_LEVEL_WARN, "smtpd-drop-refused");
		log_z("mid", d->mid);
		log_z("reason", text);
		log_end();
	}
	if (d->chan != NULL)
		note_answer_drop_done(d->chan, d->ticket, &done);
	d->chan = NULL;
	return CLOSE;
}

static void
on_give_up(struct timer *t)
{
	struct drop *d = container_of(t, struct drop, give_up);

	(void)over(d, FAIL_TEMP, "took too long");
	drop_free(d);
}

/* The stream has none to be idle; what its timer counts ends by give_up. */
static void
on_idle(struct timer *t)
{
	(void)t;
}

void
drop_peer_gone(struct chan *c)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &drops) {
		struct drop *d = container_of(l, struct drop, link);

		if (d->chan == c)
			drop_free(d);
	}
}

void
drop_go(struct smtp *s, enum step step)
{
	struct drop *d = s->drop;

	d->turn = 0;
	while (step == NEXT)
		step = d->next(d);
	if (step == CLOSE)
		drop_free(d);
}

/* --- what is said -------------------------------------------------------- */

/* Says a command; `then` reads the reply. */
static enum step
say(struct drop *d, drop_fn *then, const char *verb, struct str path)
{
	struct buf line;
	enum step step;

	d->next = then;
	buf_init(&line, 2 * SMTP_REPLY_LINE_MAX);
	buf_z(&line, verb);
	if (path.p != NULL)
		buf_fmt(&line, ":<%.*s>", STR_ARG(path));
	step = smtp_command(&d->s, buf_str(&line));
	arena_reset(&d->s.scratch);
	buf_free(&line);
	return step;
}

/* The code of the reply, and its last line as text. */
static unsigned
hear(struct drop *d, char text[SMTP_REPLY_LINE_MAX])
{
	struct str all = buf_str(&d->s.stream.out), line = STR("");
	struct smtp_answer a = { .code = 0 };

	while (str_line(&all, &line) && smtp_answer_line(&a,
	    str_chomp(line)) == 1)
		;
	(void)snprintf(text, SMTP_REPLY_LINE_MAX, "%u %.*s", a.code,
	    STR_ARG(a.text));
	buf_reset(&d->s.stream.out);
	return a.code;
}

static enum step
say_mail(struct drop *d)
{
	return say(d, heard_mail, "MAIL FROM", d->sender);
}

static enum step
heard_mail(struct drop *d)
{
	char text[SMTP_REPLY_LINE_MAX];
	unsigned code = hear(d, text);

	if (code / 100 != 2)	/* no sender, so nobody to tell */
		return over(d, code / 100 == 5 ? FAIL_PERM : FAIL_TEMP, text);
	d->rest = d->to;
	return say_recipient(d);
}

static enum step
say_recipient(struct drop *d)
{
	struct str line;

	if (!str_line(&d->rest, &line))
		return d->later[0] != '\0' ? over(d, FAIL_TEMP, d->later) :
		    say_data(d);
	d->rcpt = str_from(line, 3);
	if (!d->is_notice)
		return say(d, heard_recipient, "RCPT TO", d->rcpt);
	return tx_refuse(&d->s.tx, d->rcpt, str_of(d->refusal)) ?
	    say_recipient(d) : over(d, FAIL_PERM, "too many recipients");
}

static enum step
heard_recipient(struct drop *d)
{
	char text[SMTP_REPLY_LINE_MAX];
	unsigned code = hear(d, text);

	if (code / 100 == 5 || (code / 100 == 4 && d->is_last)) {
		if (!tx_refuse(&d->s.tx, d->rcpt, str_of(text)))
			return over(d, FAIL_PERM, "too many recipients");
	} else if (code / 100 != 2)
		memcpy(d->later, text, sizeof(d->later));
	return say_recipient(d);
}

static enum step
say_data(struct drop *d)
{
	return say(d, heard_data, "DATA", str_mem(NULL, 0));
}

static enum step
heard_data(struct drop *d)
{
	char text[SMTP_REPLY_LINE_MAX];

	if (hear(d, text) != 354)
		return over(d, FAIL_TEMP, text);
	d->at = d->content_at;
	d->wire = (struct wire){ 0 };
	return feed(d);
}

/* The next piece into the session's input; true: it was the last. */
static bool
read_piece(struct drop *d, int *fail_out)
{
	static uint8_t piece[PIECE];
	ssize_t n;

	if (d->is_notice) {
		buf_z(&d->s.stream.in, "Subject: (not kept)\r\n\r\n"
		    "The content was refused and is not kept.\r\n.\r\n");
		return true;
	}
	n = pread(d->fd, piece, sizeof(piece), (off_t)d->at);
	if (n < 0)
		*fail_out = FAIL_TEMP;
	if (n < 0)
		return true;
	d->at += (uint64_t)n;
	d->turn += (size_t)n;
	wire_from_disk_dots(&d->wire, str_mem(piece, (size_t)n), n == 0,
	    &d->s.stream.in);
	if (n == 0)
		buf_z(&d->s.stream.in, ".\r\n");
	return n == 0;
}

static enum step
feed(struct drop *d)
{
	int fail = 0;
	enum step step = NEXT;

	d->next = feed;
	while (step == NEXT && d->next == feed) {
		if (d->turn >= TURN)
			return smtp_delay(&d->s, 0, NULL);
		if (read_piece(d, &fail))
			d->next = heard_end;
		if (fail != 0)
			return over(d, fail, "the file cannot be read");
		step = smtp_data_input(&d->s);
	}
	return step;
}

/* Refused for good: once more without the content, for the bounce. */
static enum step
heard_end(struct drop *d)
{
	char text[SMTP_REPLY_LINE_MAX];
	unsigned code = hear(d, text);

	if (code / 100 == 2)
		return over(d, 0, "");
	if (code / 100 != 5)
		return over(d, FAIL_TEMP, text);
	if (d->is_notice)
		return over(d, FAIL_PERM, text);
	d->is_notice = true;
	memcpy(d->refusal, text, sizeof(d->refusal));
	return say_mail(d);
}

/* --- the file ------------------------------------------------------------ */

static bool
is_address(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] == 127 || s.p[i] == '<' ||
		    s.p[i] == '>')
			return false;
	return s.n <= ADDRESS_MAX;
}

static int
parse_head(struct drop *d, struct str head)
{
	struct str line;

	if (!str_line(&head, &line) || !str_same(line, MAGIC) ||
	    !str_line(&head, &line) || !str_starts(line, "from "))
		return FAIL_SYNTAX;
	d->sender = str_from(line, 5);
	d->to = head;
	if (!is_address(d->sender) || head.n == 0)
		return FAIL_SYNTAX;
	while (str_line(&head, &line))
		if (!str_starts(line, "to ") || !is_address(str_from(line, 3)))
			return FAIL_SYNTAX;
	return 0;
}

/* All up to the empty line; where it ends is where the content begins. */
static int
read_head(struct drop *d)
{
	uint8_t *room;
	struct str have;
	ssize_t n = 1;
	size_t from = 0, at;

	while (n > 0 && d->head.len < HEAD_MAX) {
		if ((room = buf_grow(&d->head, PIECE)) == NULL)
			return FAIL_SYNTAX;
		n = pread(d->fd, room, PIECE, (off_t)d->head.len);
		if (n < 0)
			return FAIL_TEMP;
		buf_grown(&d->head, (size_t)n);
		have = buf_str(&d->head);
		at = from + str_find(str_from(have, from), STR("\n\n"));
		if (at < have.n) {
			d->content_at = at + 2;
			return parse_head(d, str_sub(have, 0, at + 1));
		}
		from = have.n > 0 ? have.n - 1 : 0;
	}
	return FAIL_SYNTAX;
}

static void
drop_begin(struct drop *d, const struct note_drop_mail *n)
{
	char peer[32];

	(void)snprintf(peer, sizeof(peer), "uid:%u", n->uid);
	smtp_begin(&d->s, "maildrop", str_of(peer));
	d->s.drop = d;
	d->s.helo = STR("localhost");
	d->s.is_esmtp = d->s.is_greeted = true;
	buf_init(&d->s.stream.in, 4 * PIECE);
	buf_init(&d->s.stream.out, REPLIES_MAX);
	timer_init(&d->s.stream.idle, on_idle);
	timer_init(&d->give_up, on_give_up);
	timer_set(&d->give_up, GIVE_UP_MS);
	buf_init(&d->head, HEAD_MAX + PIECE);
	list_push(&drops, &d->link);
}

void
drop_note(struct chan *c, const struct note *note)
{
	const struct note_drop_mail *n = &note->u.drop_mail;
	struct drop *d = xcalloc(1, sizeof(*d));
	int fail;

	memcpy(d->mid, n->mid.p, num_min(n->mid.n, MID_LEN));
	d->chan = c;
	d->ticket = note->ticket;
	d->fd = note_take_fd(note);
	d->is_last = n->is_last != 0;
	drop_begin(d, n);
	fail = read_head(d);
	d->next = say_mail;
	drop_go(&d->s, fail == 0 ? NEXT : over(d, fail, fail == FAIL_TEMP ?
	    "the file cannot be read" : "not a file of sendmail"));
}
