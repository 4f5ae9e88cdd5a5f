/* SPDX-License-Identifier: ISC */
/*
 * pop3d/fetch.c - RETR and TOP: a message file, handed over by stored as a
 * read-only descriptor, goes out with CRLF line ends and stuffed dots.
 *
 * RETR sends as the client takes it.  TOP first looks for the end of what is
 * wanted, in bounded pieces.
 */
#include <inttypes.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "pop3d/session.h"

#include "base/banned.h"

enum { PIECE = 64 * 1024, PIECES_A_TURN = 32 };

static pop3_then_fn scan;

static enum step
end_answer(struct pop3 *s, const struct note *n)
{
	(void)n;
	return pop3_say(s, ".");
}

/* The stream owns the descriptor from here on. */
static enum step
send(struct pop3 *s, uint64_t n)
{
	int fd = s->out.fd;

	s->out.wire = (struct wire){ .last = 0 };
	s->out.fd = -2;		/* session.c: on_drained runs s->then */
	s->then = end_answer;
	stream_send_file(&s->stream, fd, 0, n, wire_from_disk_dots,
	    &s->out.wire);
	return WAIT;
}

static int
take_file(struct pop3 *s, const struct note *n)
{
	const struct note_store_file *f = note_as_store_file(n);

	s->out.fd = f != NULL && f->failed == 0 ? note_take_fd(n) : -1;
	s->out.size = f != NULL ? f->size : 0;
	return s->out.fd;
}

/* Another session may have removed it since the login. */
static enum step
no_file(struct pop3 *s, const struct note *n)
{
	const struct note_store_file *f = note_as_store_file(n);

	if (f != NULL && f->failed == (uint32_t)-FAIL_GONE)
		return pop3_say(s, "-ERR that message is no longer there");
	return pop3_say(s, "-ERR [SYS/TEMP] cannot read that message now");
}

static enum step
on_retr(struct pop3 *s, const struct note *n)
{
	if (take_file(s, n) < 0)
		return no_file(s, n);
	pop3_say(s, "+OK message follows");
	return send(s, s->out.size);
}

/* --- TOP ----------------------------------------------------------------- */

/* Moves on to the end of the header and n lines more; true at that place. */
static bool
scan_piece(struct sending *o, struct str piece)
{
	for (size_t i = 0; i < piece.n; i++) {
		uint8_t c = piece.p[i];

		if (c != '\n') {
			o->is_blank = o->is_blank && c == '\r';
			continue;
		}
		if (o->in_body)
			o->lines--;
		else
			o->in_body = o->is_blank;
		o->is_blank = true;
		if (o->in_body && o->lines == 0) {
			o->at += i + 1;
			return true;
		}
	}
	o->at += piece.n;
	return false;
}

static enum step
scan(struct pop3 *s, const struct note *n)
{
	static uint8_t piece[PIECE];
	struct sending *o = &s->out;

	(void)n;
	for (int k = 0; k < PIECES_A_TURN; k++) {
		ssize_t got = o->at < o->size ? pread(o->fd, piece, PIECE,
		    (off_t)o->at) : 0;

		if (got <= 0 || scan_piece(o, str_mem(piece, (size_t)got))) {
			pop3_say(s, "+OK top of message follows");
			return send(s, o->at);
		}
	}
	return pop3_sleep(s, 0, scan);	/* others first */
}

static enum step
on_top(struct pop3 *s, const struct note *n)
{
	if (take_file(s, n) < 0)
		return no_file(s, n);
	s->out.at = 0;
	s->out.in_body = false;
	s->out.is_blank = true;
	return scan(s, NULL);
}

/* --- commands ------------------------------------------------------------ */

static enum step
ask_body(struct pop3 *s, size_t i, pop3_then_fn *then)
{
	struct note_store_body ask = { .box = s->box, .uid = s->mail[i].uid };

	s->then = then;
	ask_store_body(s->stored, &ask, pop3_on_note, s);
	return WAIT;
}

enum step
cmd_retr(struct pop3 *s, const struct str *argv, size_t argc)
{
	size_t i;

	(void)argc;
	if (!pop3_number(s, argv[0], &i))
		return pop3_refuse(s, "-ERR no such message");
	return ask_body(s, i, on_retr);
}

enum step
cmd_top(struct pop3 *s, const struct str *argv, size_t argc)
{
	size_t i;

	(void)argc;
	if (!pop3_number(s, argv[0], &i))
		return pop3_refuse(s, "-ERR no such message");
	if (!str_u64(argv[1], UINT64_MAX, &s->out.lines))
		return pop3_refuse(s, "-ERR how many lines?");
	return ask_body(s, i, on_top);
}
