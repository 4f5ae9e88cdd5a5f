/* SPDX-License-Identifier: ISC */
/*
 * pop3d/fetch.c - RETR and TOP: a message file, handed over by stored as a
 * read-only descriptor, goes out with CRLF line ends and stuffed dots.
 *
 * RETR sends as the client takes it; when more RETRs stand in the input
 * already, the messages behind are asked for meanwhile, so that stored works
 * while we send.  TOP first looks for the end of what is wanted, in bounded
 * pieces.
 */
#include <inttypes.h>
#include <stdlib.h>
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
	(void)s, (void)n;
	return NEXT;
}

/* The line that ends the answer goes out with the last piece of the file. */
static void
to_client(void *wire, struct str in, bool last, struct buf *out)
{
	wire_from_disk_dots(wire, in, last, out);
	if (last)
		buf_z(out, ".\r\n");
}

/* The stream owns the descriptor from here on. */
static enum step
send(struct pop3 *s, uint64_t n)
{
	int fd = s->out.fd;

	s->out.wire = (struct wire){ .last = 0 };
	s->out.fd = -2;		/* session.c: on_drained runs s->then */
	s->then = end_answer;
	stream_send_file(&s->stream, fd, 0, n, to_client, &s->out.wire);
	return WAIT;
}

/* Another session may have removed it since the login. */
static enum step
no_file(struct pop3 *s, uint32_t failed)
{
	if (failed == (uint32_t)-FAIL_GONE)
		return pop3_say(s, "-ERR that message is no longer there");
	return pop3_say(s, "-ERR [SYS/TEMP] cannot read that message now");
}

static int
take_file(const struct note *n, uint64_t *size_out, uint32_t *failed_out)
{
	const struct note_store_file *f = note_as_store_file(n);

	*size_out = f != NULL ? f->size : 0;
	*failed_out = f != NULL ? f->failed : (uint32_t)-FAIL_TEMP;
	return *failed_out == 0 ? note_take_fd(n) : -1;
}

static enum step
send_message(struct pop3 *s, uint32_t failed)
{
	if (s->out.fd < 0)
		return no_file(s, failed);
	pop3_say(s, "+OK message follows");
	return send(s, s->out.size);
}

static enum step
on_retr(struct pop3 *s, const struct note *n)
{
	uint32_t failed;

	s->out.fd = take_file(n, &s->out.size, &failed);
	return send_message(s, failed);
}

/* --- ahead ---------------------------------------------------------------- */

static pop3_then_fn take_ahead;

static struct ahead *
ahead_of(struct pop3 *s, size_t i)
{
	struct ahead *a = s->ahead == NULL ? NULL : &s->ahead[i % AHEAD];

	return a == NULL || a->is == AHEAD_NONE || a->i != i ? NULL : a;
}

static void
drop(struct ahead *a)
{
	if (a->is == AHEAD_ASKED && a->session->stored != NULL)
		chan_forget(a->session->stored, a);
	if (a->is == AHEAD_HERE && a->fd >= 0)
		(void)close(a->fd);
	a->is = AHEAD_NONE;
}

void
pop3_drop_ahead(struct pop3 *s)
{
	for (size_t k = 0; s->ahead != NULL && k < AHEAD; k++)
		drop(&s->ahead[k]);
}

/* All but the one that is waited for. */
static void
drop_others(struct pop3 *s)
{
	for (size_t k = 0; s->ahead != NULL && k < AHEAD; k++)
		if (s->ahead[k].i != s->wanted)
			drop(&s->ahead[k]);
}

static void
on_ahead(void *slot, const struct note *n)
{
	struct ahead *a = slot;
	struct pop3 *s = a->session;

	a->fd = take_file(n, &a->size, &a->failed);
	a->is = AHEAD_HERE;
	if (s->then == take_ahead && s->wanted == a->i)
		pop3_on_note(s, NULL);
}

static enum step
take_ahead(struct pop3 *s, const struct note *n)
{
	struct ahead *a = ahead_of(s, s->wanted);

	(void)n;
	if (a == NULL)
		return no_file(s, (uint32_t)-FAIL_TEMP);
	if (a->is == AHEAD_ASKED) {
		s->then = take_ahead;
		return WAIT;
	}
	s->out.fd = a->fd;
	s->out.size = a->size;
	a->is = AHEAD_NONE;
	return send_message(s, a->failed);
}

/* Is the line behind the one that is being answered a RETR, too? */
static bool
is_pipelined(const struct pop3 *s)
{
	struct str in = buf_str(&s->stream.in);

	return str_istarts(str_from(in, str_chr(in, '\n') + 1), "RETR ");
}

static void
look_ahead(struct pop3 *s, size_t i)
{
	struct note_store_body ask = { .box = s->box };
	struct ahead *a;
	size_t k;

	if (s->ahead == NULL)
		s->ahead = xcalloc(AHEAD, sizeof(*s->ahead));
	for (k = i + 1; k < s->mails && k < i + AHEAD; k++) {
		if (s->mail[k].is_gone || ahead_of(s, k) != NULL)
			continue;
		a = &s->ahead[k % AHEAD];
		drop(a);
		*a = (struct ahead){ .session = s, .i = k, .is = AHEAD_ASKED,
		    .fd = -1 };
		ask.uid = s->mail[k].uid;
		ask_store_body(s->stored, &ask, on_ahead, a);
	}
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
	uint32_t failed;

	s->out.fd = take_file(n, &s->out.size, &failed);
	if (s->out.fd < 0)
		return no_file(s, failed);
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
	enum step step = WAIT;
	size_t i;

	(void)argc;
	if (!pop3_number(s, argv[0], &i))
		return pop3_refuse(s, "-ERR no such message");
	s->wanted = i;
	if (ahead_of(s, i) != NULL) {
		step = take_ahead(s, NULL);
	} else {
		drop_others(s);		/* it jumps about */
		(void)ask_body(s, i, on_retr);
	}
	if (is_pipelined(s))
		look_ahead(s, i);
	else
		drop_others(s);		/* it asks one by one */
	return step;
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
