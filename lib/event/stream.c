/* SPDX-License-Identifier: ISC */
/*
 * event/stream.c - bytes to and from a client, with TLS and limits.
 *
 * All work is done in turn(), which runs for a ready socket, for a timer, or
 * at the end of a pass when a room wrote something: hand input to the room,
 * push output, look whether it is over, say what to wait for.  So the room's
 * callbacks never nest, and stream_* calls made by a room only set a mark.
 *
 * A callback may free the stream: `gone` tells the caller up the stack.
 *
 * It never blocks, and never reads more than in_max ahead of the room.
 */
#include "event/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/banned.h"

enum {
	READ_PIECE = 16 * 1024,
	FILE_PIECE = 64 * 1024,
	OUT_HIGH = 64 * 1024,
	LINGER_MS = 2000,	/* for the last reply to arrive */
	LINGER_BYTES = 1024 * 1024,
};

struct stream_file {
	int		fd;
	uint64_t	at, left;
	stream_filter_fn *filter;
	void		*state;
};

static void	turn(struct stream *s);
static void	wake(struct stream *s);

/* --- calls into the room ------------------------------------------------- */

/* True when the stream still lives after the call. */
static bool
call(struct stream *s, void (*fn)(struct stream *))
{
	bool gone = false, *outer = s->gone;

	if (fn == NULL)
		return true;
	s->gone = &gone;
	s->in_call = true;
	fn(s);
	if (gone) {
		if (outer != NULL)
			*outer = true;
		return false;
	}
	s->gone = outer;
	s->in_call = false;
	return true;
}

static bool
over(struct stream *s, enum stream_end how)
{
	if (s->dead)
		return false;
	s->dead = true;
	timer_stop(&s->idle);
	defer_cancel(&s->flush);
	loop_unwatch(&s->watch);
	s->ops->on_end(s, how);
	return false;
}

/* --- input --------------------------------------------------------------- */

static bool
may_read(const struct stream *s)
{
	return !s->paused && !s->closing && !s->eof && !s->choked &&
	    s->file == NULL && s->tls_due == NULL && !s->handshaking &&
	    s->in.len < s->in.max;
}

static bool
may_hear(const struct stream *s)
{
	return !s->paused && !s->closing && !s->choked && s->file == NULL &&
	    s->tls_due == NULL && !s->handshaking;
}

/* The socket as tls_read sees it. */
static enum tls_io
plain_read(struct stream *s, void *p, size_t n, size_t *got_out)
{
	ssize_t r;

	do
		r = recv(s->watch.fd, p, n, 0);
	while (r < 0 && errno == EINTR);
	if (r > 0) {
		*got_out = (size_t)r;
		return TLS_OK;
	}
	if (r == 0)
		return TLS_EOF;
	return errno == EAGAIN ? TLS_WANT_READ : TLS_FAILED;
}

static enum tls_io
take(struct stream *s, void *p, size_t n, size_t *got_out)
{
	return s->tls != NULL ? tls_read(s->tls, p, n, got_out)
	    : plain_read(s, p, n, got_out);
}

/*
 * One piece a turn.  TLS may hold more in its own buffer, of which the kernel
 * knows nothing: `unread` makes the next turn come without the socket.
 *
 * It is read into one place for all: a buffer of 16 KiB for each session in
 * turn would leave as much of a hole in the heap between what they keep.
 */
static bool
read_in(struct stream *s)
{
	static uint8_t piece[READ_PIECE];
	size_t n = num_min(READ_PIECE, s->in.max - s->in.len), got = 0;
	enum tls_io r;

	s->want_read = false;
	s->unread = false;
	r = take(s, piece, n, &got);
	if (r == TLS_OK) {
		buf_mem(&s->in, piece, got);
		explicit_bzero(piece, got);
		if (buf_failed(&s->in))
			return over(s, STREAM_LIMIT);
		s->input_due = true;
		s->unread = s->tls != NULL;
		if (s->idle_ms > 0)
			timer_set(&s->idle, s->idle_ms);
		return true;
	}
	if (r == TLS_EOF) {
		s->eof = true;
		s->input_due = true;
	}
	s->want_write = r == TLS_WANT_WRITE;
	return r == TLS_FAILED ? over(s, STREAM_RESET) : true;
}

static bool
give_input(struct stream *s)
{
	if (!s->input_due || !may_hear(s))
		return true;
	s->input_due = false;
	if (s->in.len > 0 && !call(s, s->ops->on_input))
		return false;
	buf_shrink(&s->in);
	return true;
}

/* --- output -------------------------------------------------------------- */

static enum tls_io
plain_write(struct stream *s, const void *p, size_t n, size_t *put_out)
{
	ssize_t r;

	do
		r = send(s->watch.fd, p, n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0) {
		*put_out = (size_t)r;
		return TLS_OK;
	}
	return errno == EAGAIN ? TLS_WANT_WRITE : TLS_FAILED;
}

/* Sends what it can.  False: the stream is over. */
static bool
push_out(struct stream *s)
{
	struct str out;
	size_t put;
	enum tls_io r;

	while (s->out.len > 0) {
		out = buf_str(&s->out);
		put = 0;
		r = s->tls != NULL ? tls_write(s->tls, out.p, out.n, &put)
		    : plain_write(s, out.p, out.n, &put);
		if (r == TLS_FAILED || r == TLS_EOF)
			return over(s, STREAM_RESET);
		if (r != TLS_OK) {
			s->want_write = r == TLS_WANT_WRITE;
			s->want_read = r == TLS_WANT_READ;
			return true;
		}
		buf_consume(&s->out, put);
		s->want_write = false;
		if (s->idle_ms > 0)
			timer_set(&s->idle, s->idle_ms);
	}
	buf_shrink(&s->out);
	return true;
}

static void
file_end(struct stream *s)
{
	fd_close(&s->file->fd);
	free(s->file);
	s->file = NULL;
}

/* The next piece of the file into `out`; the filter may double it. */
static bool
fill_from_file(struct stream *s)
{
	static uint8_t piece[FILE_PIECE];
	struct stream_file *f = s->file;
	size_t n = num_min(f->left, (s->out.max - s->out.len) / 2);
	ssize_t r = 0;

	n = num_min(n, sizeof(piece));
	if (n > 0)
		r = pread(f->fd, piece, n, (off_t)f->at);
	if (r < 0 && errno == EINTR)
		return true;
	if (f->left > 0 && r <= 0)
		return over(s, STREAM_RESET);
	f->at += (uint64_t)r;
	f->left -= (uint64_t)r;
	if (f->filter != NULL)
		f->filter(f->state, str_mem(piece, (size_t)r), f->left == 0,
		    &s->out);
	else
		buf_mem(&s->out, piece, (size_t)r);
	if (f->left == 0)
		file_end(s);
	return true;
}

/*
 * All that waits to be said, files too.  One file piece a turn when the
 * socket takes it all, so that a fast reader does not hold up the others.
 */
static bool
give_output(struct stream *s)
{
	bool had = s->out.len > 0 || s->file != NULL;

	if (s->out.failed)
		return over(s, STREAM_LIMIT);
	if (s->handshaking)
		return true;
	if (s->file != NULL && s->out.len < FILE_PIECE / 2 &&
	    !fill_from_file(s))
		return false;
	if (s->out.failed)
		return over(s, STREAM_LIMIT);
	if (!push_out(s))
		return false;
	if (s->file != NULL && s->out.len == 0) {
		defer_put(&s->flush);
		return true;
	}
	if (s->choked && s->out.len <= s->out_high / 2) {
		s->choked = false;
		s->input_due |= s->in.len > 0;
	} else if (s->out.len > s->out_high)
		s->choked = true;
	if (had && s->out.len == 0 && s->file == NULL && !s->closing) {
		s->input_due |= s->in.len > 0;
		return call(s, s->ops->on_drained);
	}
	return true;
}

/* --- TLS ----------------------------------------------------------------- */

/* The signature is there, or will never come. */
static void
on_key(void *arg)
{
	struct stream *s = arg;

	s->knocked = false;
	wake(s);
}

/*
 * A server that says a reply where its handshake is due: no record of TLS
 * begins with a digit (RFC 8446 5.1).  To OpenSSL it would be a wrong version
 * number, and its words be lost.
 */
static bool
speaks_clear(struct stream *s)
{
	uint8_t first;

	return s->is_client && recv(s->watch.fd, &first, 1, MSG_PEEK) == 1 &&
	    first >= '0' && first <= '9';
}

/* False: over. */
static bool
handshake(struct stream *s)
{
	if (s->no_tls)
		return over(s, STREAM_TLS_FAILED);
	if (s->tls_due != NULL) {
		if (s->out.len > 0)
			return true;	/* "220 ready" first, in clear */
		s->tls = s->tls_due;
		s->tls_due = NULL;
		tls_on_key(s->tls, on_key, s);
		s->handshaking = true;
	}
	if (!s->handshaking)
		return true;
	s->want_read = s->want_write = s->at_key = false;
	if (speaks_clear(s))
		return over(s, STREAM_TLS_FAILED);
	switch (tls_handshake(s->tls)) {
	case TLS_OK:
		break;
	case TLS_WANT_READ:
		s->want_read = true;
		return true;
	case TLS_WANT_WRITE:
		s->want_write = true;
		return true;
	case TLS_WANT_KEY:
		s->at_key = true;
		return true;
	default:
		return over(s, STREAM_TLS_FAILED);
	}
	s->handshaking = false;
	s->unread = true;	/* early data behind the client's Finished */
	return call(s, s->ops->on_tls);
}

/* --- the end ------------------------------------------------------------- */

/*
 * Closing a socket with unread input makes the kernel send a reset, and a
 * reset can overtake our last reply.  So say that we are done, then throw
 * away what still comes, for a short while.
 */
static bool
linger(struct stream *s)
{
	static uint8_t waste[READ_PIECE];
	ssize_t r;

	if (!s->shut) {
		if (s->tls != NULL)
			tls_shutdown(s->tls);
		(void)shutdown(s->watch.fd, SHUT_WR);
		s->shut = true;
		if (s->eof)
			return over(s, STREAM_CLOSED);
		timer_set(&s->idle, LINGER_MS);
		s->lingered = s->in.len > 0;
	}
	while ((r = recv(s->watch.fd, waste, sizeof(waste), 0)) > 0) {
		s->lingered += (unsigned)r;
		if (s->lingered > LINGER_BYTES)
			return over(s, STREAM_CLOSED);
	}
	if (r == 0 || errno != EAGAIN || s->lingered == 0)
		return over(s, STREAM_CLOSED);
	s->want_read = true;
	s->want_write = false;
	return true;
}

static bool
look_for_end(struct stream *s)
{
	if (s->out.len > 0 || s->file != NULL)
		return true;
	if (s->closing)
		return linger(s);
	if (s->eof && may_hear(s) && !s->input_due)
		return over(s, STREAM_EOF);
	return true;
}

static void
set_wants(struct stream *s)
{
	unsigned want = 0;

	if (s->want_read || may_read(s))
		want |= LOOP_READ;
	/* Most pauses are over before anything comes.  Until something does,
	 * the socket stays watched: that saves two system calls a command. */
	if ((s->paused || s->at_key) && !s->knocked)
		want |= s->watch.want & LOOP_READ;
	if (s->want_write)
		want |= LOOP_WRITE;
	loop_want(&s->watch, want);
	if ((s->unread && may_read(s)) || (s->input_due && may_hear(s)))
		defer_put(&s->flush);
}

static void
turn(struct stream *s)
{
	if (s->dead)
		return;
	if (!handshake(s) || !give_input(s) || !give_output(s) ||
	    !look_for_end(s))
		return;
	/* a room may have begun TLS just now, and its 220 is out */
	if ((s->tls_due != NULL || s->no_tls) && !handshake(s))
		return;
	set_wants(s);
}

static void
on_ready(struct watch *w, unsigned events)
{
	struct stream *s = container_of(w, struct stream, watch);

	if ((events & ~(unsigned)LOOP_WRITE) != 0 && (s->paused || s->at_key))
		s->knocked = true;
	if ((events & LOOP_READ) && may_read(s) && !read_in(s))
		return;
	turn(s);
}

static void
on_flush(struct defer *d)
{
	struct stream *s = container_of(d, struct stream, flush);

	if (s->unread && may_read(s) && !read_in(s))
		return;
	turn(s);
}

static void
on_idle(struct timer *t)
{
	struct stream *s = container_of(t, struct stream, idle);
	bool in_tls = s->tls_due != NULL || s->handshaking;

	if (s->ops->on_idle == NULL || s->shut || s->closing || in_tls) {
		(void)over(s, s->shut ? STREAM_CLOSED : STREAM_TIMEOUT);
		return;
	}
	if (!call(s, s->ops->on_idle))
		return;
	/* Last words that nobody reads are not waited for. */
	timer_set(&s->idle, s->closing ? LINGER_MS : s->idle_ms);
	turn(s);
}

/* --- for rooms ----------------------------------------------------------- */

void
stream_init(struct stream *s, int fd, size_t in_max, size_t out_max,
    const struct stream_ops *ops)
{
	*s = (struct stream){ .ops = ops };
	buf_init(&s->in, in_max);
	buf_init(&s->out, out_max);
	s->out_high = num_min(OUT_HIGH, out_max / 2);
	timer_init(&s->idle, on_idle);
	defer_init(&s->flush, on_flush);
	loop_watch(&s->watch, fd, LOOP_READ, on_ready);
}

void
stream_free(struct stream *s)
{
	if (s->gone != NULL)
		*s->gone = true;
	s->dead = true;
	timer_stop(&s->idle);
	defer_cancel(&s->flush);
	loop_unwatch(&s->watch);
	if (s->file != NULL)
		file_end(s);
	if (s->tls != NULL)
		tls_free(s->tls);
	if (s->tls_due != NULL)
		tls_free(s->tls_due);
	s->tls = s->tls_due = NULL;
	fd_close(&s->watch.fd);
	buf_wipe(&s->in);	/* passwords came this way */
	buf_free(&s->out);
}

void
stream_idle(struct stream *s, int64_t ms)
{
	s->idle_ms = ms;
	if (s->dead || s->shut)
		return;
	if (ms > 0)
		timer_set(&s->idle, ms);
	else
		timer_stop(&s->idle);
}

/* Any of these may be called from the room's on_input: the turn that called
 * it goes on and sees the mark; otherwise one is put off to the end of the
 * pass. */
static void
wake(struct stream *s)
{
	if (!s->dead)
		defer_put(&s->flush);
}

void
stream_pause(struct stream *s)
{
	s->paused = true;
	wake(s);
}

void
stream_stop(struct stream *s)
{
	buf_reset(&s->out);
	if (s->file != NULL)
		file_end(s);
	stream_pause(s);
}

void
stream_resume(struct stream *s)
{
	s->paused = false;
	s->knocked = false;
	s->input_due |= s->in.len > 0 || s->eof;
	wake(s);
}

void
stream_poke(struct stream *s)
{
	s->input_due = true;
	wake(s);
}

void
stream_flush(struct stream *s)
{
	wake(s);
}

bool
stream_full(const struct stream *s)
{
	return s->out.len > s->out_high;
}

void
stream_close_after_flush(struct stream *s)
{
	s->closing = true;
	s->paused = false;
	wake(s);
}

static void
begin_tls(struct stream *s, struct tls *tls)
{
	buf_cut(&s->in, 0);	/* said in clear, before the handshake */
	s->input_due = false;
	s->unread = false;
	s->tls_due = tls;
	s->no_tls = tls == NULL;	/* no memory, or no such name */
	wake(s);
}

void
stream_start_tls(struct stream *s, struct tls_server *server)
{
	begin_tls(s, tls_accept(server, s->watch.fd));
}

void
stream_connect_tls(struct stream *s, struct tls_client *client,
    const char *name, struct tls_session *session)
{
	s->is_client = true;
	begin_tls(s, tls_connect(client, s->watch.fd, name, session));
}

void
stream_last_words(struct stream *s)
{
	static uint8_t piece[READ_PIECE];
	bool is_clear = s->tls == NULL || (s->handshaking && speaks_clear(s));
	size_t n, got;

	if (s->tls_due != NULL || (s->handshaking && !is_clear))
		return;
	do {
		n = num_min(READ_PIECE, s->in.max - s->in.len);
		got = 0;
		if (n > 0 && (is_clear ? plain_read(s, piece, n, &got) :
		    tls_read(s->tls, piece, n, &got)) == TLS_OK)
			buf_mem(&s->in, piece, got);
	} while (got > 0);
	explicit_bzero(piece, sizeof(piece));
}

bool
stream_is_tls(const struct stream *s)
{
	return s->tls != NULL && !s->handshaking;
}

void
stream_send_file(struct stream *s, int fd, uint64_t at, uint64_t n,
    stream_filter_fn *filter, void *state)
{
	struct stream_file *f = xmalloc(sizeof(*f));

	if (s->file != NULL)
		bug("stream_send_file: one is on its way");
	*f = (struct stream_file){ .fd = fd, .at = at, .left = n,
	    .filter = filter, .state = state };
	s->file = f;
	wake(s);
}

bool
stream_sending(const struct stream *s)
{
	return s->file != NULL;
}
