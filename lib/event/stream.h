/* SPDX-License-Identifier: ISC */
/*
 * event/stream.h - a byte stream to a client: socket, buffers, TLS, limits.
 *
 * A room sees only: bytes came (on_input, it takes what it can from the
 * input and leaves the rest), the output is drained, it is over.  Nothing
 * here ever blocks.  When the output grows past out_high, reading stops
 * until it is below half of that: a client that asks and does not read costs
 * a bounded amount.
 *
 * Idle connections are small: both buffers are given back when empty.
 */
#ifndef EVENT_STREAM_H
#define EVENT_STREAM_H

#include "base/buf.h"
#include "event/loop.h"
#include "event/tls.h"

enum stream_end {
	STREAM_EOF,		/* the peer closed in good order */
	STREAM_RESET,		/* connection error */
	STREAM_TLS_FAILED,
	STREAM_TIMEOUT,		/* the idle timer rang */
	STREAM_LIMIT,		/* a buffer failed (output over its maximum) */
	STREAM_CLOSED,		/* stream_close_after_flush is through */
};

struct stream;

struct stream_ops {
	/* Called when bytes came, and again after stream_resume or when the
	 * room asks by stream_poke.  The room consumes from s->in by
	 * buf_consume.  Bytes left stay for the next call. */
	void	(*on_input)(struct stream *s);
	/* The output buffer is empty (or NULL if the room does not care). */
	void	(*on_drained)(struct stream *s);
	/* A handshake that stream_start_tls began is done (may be NULL). */
	void	(*on_tls)(struct stream *s);
	/* The idle timer rang (may be NULL: the stream ends).  The room says
	 * its last words and closes, or does neither to wait once more. */
	void	(*on_idle)(struct stream *s);
	/* The last call: the room frees its session.  The stream's
	 * descriptor is closed by stream_free. */
	void	(*on_end)(struct stream *s, enum stream_end how);
};

struct stream {
	struct watch	watch;
	struct timer	idle;
	struct defer	flush;
	struct buf	in, out;
	size_t		out_high;
	const struct stream_ops	*ops;
	struct tls	*tls;
	struct tls	*tls_due;	/* its handshake begins when out is sent */
	int64_t		idle_ms;
	/* a file being sent behind `out`; see stream_send_file */
	struct stream_file *file;
	bool		*gone;		/* set true by stream_free in a call */
	unsigned	lingered;	/* bytes thrown away after the end */
	bool		paused : 1, closing : 1, handshaking : 1, eof : 1,
			dead : 1, in_call : 1, want_read : 1, want_write : 1,
			input_due : 1, unread : 1, shut : 1, choked : 1,
			knocked : 1, no_tls : 1, at_key : 1,
			is_client : 1;
};

/* fd: connected, non-blocking socket, owned by the stream from here on.
 * in_max: most unconsumed input kept; out_max: hard limit of the output. */
void	stream_init(struct stream *s, int fd, size_t in_max, size_t out_max,
	    const struct stream_ops *ops);
/* Closes and frees everything; no callback.  Allowed inside callbacks as the
 * last thing a room does with it. */
void	stream_free(struct stream *s);

void	stream_idle(struct stream *s, int64_t ms);	/* restarted by input; 0: off */
/* No more on_input, nothing is read.  A room that waits for a note pauses:
 * else a client that has closed its side already (printf 'QUIT' | nc) ends
 * the session before the answer is out. */
void	stream_pause(struct stream *s);
/* Nothing more goes in or out: what waits to be said is thrown away.  Not
 * from a filter of stream_send_file. */
void	stream_stop(struct stream *s);
bool	stream_full(const struct stream *s);	/* past out_high: say no more now */
void	stream_resume(struct stream *s);		/* on_input soon if bytes wait */
void	stream_poke(struct stream *s);			/* on_input in this pass */

/* Everything written to s->out goes out at the end of the pass; call this
 * after writing outside of a callback of the stream. */
void	stream_flush(struct stream *s);
/* End after the output is sent: on_end(STREAM_CLOSED); input is ignored. */
void	stream_close_after_flush(struct stream *s);

/*
 * Server handshake.  Bytes that stand in `in` (pipelined behind STARTTLS in
 * clear) are thrown away first (CVE-2011-0411).  The output written before
 * the call is sent in clear first.
 */
void	stream_start_tls(struct stream *s, struct tls_server *server);
/* The same as client; name and session as tls_connect.  The caller has made
 * sure that nothing stands in `in`: clear text behind the server's "go on"
 * is an attack, not something to throw away. */
void	stream_connect_tls(struct stream *s, struct tls_client *client,
	    const char *name, struct tls_session *session);
bool	stream_is_tls(const struct stream *s);
/*
 * In on_end only.  What the peer had said and nobody has read yet, into `in':
 * a server that refuses and closes is heard, even if a write failed first.
 * When the handshake of a client failed, `in' holds the clear text that came
 * in its place, if it was that.
 */
void	stream_last_words(struct stream *s);

/*
 * Bytes [at, at+n) of fd are sent behind what is in `out` now, read by pread
 * in pieces of at most 64 KiB as the socket takes them, through `filter`
 * (LF -> CRLF, dot-stuffing: mail/wire.h), which may keep `state`.  Owns fd.
 * on_drained comes when all is sent; until then the room must not write to
 * `out`.  When the file ends early or a read fails: on_end(STREAM_RESET).
 */
typedef void stream_filter_fn(void *state, struct str in, bool last,
	    struct buf *out);
void	stream_send_file(struct stream *s, int fd, uint64_t at, uint64_t n,
	    stream_filter_fn *filter, void *state);
bool	stream_sending(const struct stream *s);

#endif
