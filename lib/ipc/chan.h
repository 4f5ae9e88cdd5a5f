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
	struct link	queue;		/* packets not yet sent */
	size_t		queued;		/* bytes */
	struct dict	asks;		/* ticket -> struct ask */
	uint32_t	next_ticket;
	struct timer	deadline;	/* of the oldest ask */
	struct link	ask_order;
	bool		failed, ending, draining;
};

struct chan *chan_new(int fd, enum proc me, enum proc peer, unsigned index,
	    chan_note_fn *on_note, chan_end_fn *on_end, void *arg);
void	chan_free(struct chan *c);	/* fails its tickets, closes */
bool	chan_busy(const struct chan *c);	/* above half its queue: pause clients */
bool	chan_ok(const struct chan *c);		/* not NULL, not failed */

/* Forget an ask: its answer is dropped, `then` never runs.  A session that
 * ends forgets all its asks by its own pointer. */
void	chan_forget(struct chan *c, const void *session);

/* Blocking use, for processes that do one job at a time (style.md 3): wait
 * for one packet.  Only before chan is given to the loop or instead of it. */

/* Used by the generated code in note.c. */
void	chan_put_packet(struct chan *c, const struct buf *packet, int fd);
uint32_t chan_ticket(struct chan *c, chan_then_fn *then, void *session,
	    int64_t deadline_ms);

#endif
