/* SPDX-License-Identifier: ISC */
/*
 * ipc/chan.h - a channel: one SOCK_SEQPACKET end to one process.
 *
 * Putting and asking never block and return void: what cannot be queued
 * (256 KiB) marks the channel failed, which ends it as if the peer died.
 * Channels are always read.  A note that is malformed, that its sender may
 * not say, or whose descriptor is not what the catalogue says ends the
 * channel, is logged, and reported to master; it never ends the process.
 */
#ifndef IPC_CHAN_H
#define IPC_CHAN_H

#include "base/dict.h"
#include "event/loop.h"
#include "ipc/note.h"

#define CHAN_QUEUE_MAX	(256 * 1024)

struct chan;

/* A note came that is no answer.  The note, its strings and its descriptor
 * are valid until the function returns; note_take_fd keeps the descriptor.
 * ticket != 0: the peer asks, answer with note_answer_* on this channel. */
typedef void chan_note_fn(struct chan *c, const struct note *n, void *arg);
/* The channel is over (peer died, bad note, queue overflow).  All tickets
 * have been failed (then(NULL)) before.  The room may chan_free it here. */
typedef void chan_end_fn(struct chan *c, void *arg);
/* chan_then_fn (ipc/note.h) takes the answer to an ask: once for each ROW,
 * last for the END.  n == NULL: none will come (peer died, replaced, or the
 * row's deadline passed). */

struct chan {
	struct watch	watch;
	struct defer	flush;
	enum proc	me, peer;	/* kinds, ipc/catalogue.h */
	unsigned	index;		/* which worker of the peer's kind */
	uint32_t	generation;
	chan_note_fn	*on_note;
	chan_end_fn	*on_end;
	void		*arg;
	void		*room;		/* the room's own, freed by it at the end */
	struct link	queue;		/* packets not yet sent */
	size_t		queued;		/* bytes */
	size_t		queue_max;	/* CHAN_QUEUE_MAX; master deals more */
	struct dict	asks;		/* ticket -> struct ask, which has its timer */
	struct link	ask_order;
	uint32_t	next_ticket;
	bool		failed;		/* nothing more is said */
	bool		overflow;	/* because it queued too much */
	bool		in_end;		/* tickets are being failed */
	bool		*gone;		/* set true by chan_free in a callback */
};

struct chan *chan_new(int fd, enum proc me, enum proc peer, unsigned index,
	    chan_note_fn *on_note, chan_end_fn *on_end, void *arg);
void	chan_free(struct chan *c);	/* fails its tickets, closes */
bool	chan_busy(const struct chan *c);	/* above half its queue: pause clients */
bool	chan_ok(const struct chan *c);		/* not NULL, not failed */

/* Forget an ask: its answer is dropped, `then` never runs.  A session that
 * ends forgets all its asks by its own pointer, on each channel it asked on
 * and once with c == NULL for asks made while there was no channel. */
void	chan_forget(struct chan *c, const void *session);

/* Take all that stands in the socket, then end as if the peer had died: an
 * end of a newer generation has come.  c is over (on_end ran) afterwards. */
void	chan_replace(struct chan *c);
/* Wait, at most wait_ms in all, until what is queued is sent; before exit. */
void	chan_flush_blocking(struct chan *c, int wait_ms);

/* Called when a peer said what it may not, before the channel ends; set by
 * daemon.c, which tells master. */
typedef void chan_bad_fn(struct chan *c, const char *text);
void	chan_on_bad(chan_bad_fn *fn);

/* Used by the generated code in note.c. */
void	chan_put_packet(struct chan *c, const struct buf *packet, int fd);
uint32_t chan_ticket(struct chan *c, chan_then_fn *then, void *session,
	    int64_t deadline_ms);
void	chan_ask_nobody(chan_then_fn *then, void *session);

#endif
