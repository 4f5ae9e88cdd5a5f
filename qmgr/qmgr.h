/* SPDX-License-Identifier: ISC */
/*
 * qmgr/qmgr.h - what the files of the process qmgr share.
 *
 *	qmgr.c		the process: what spoold tells, what is due
 *	queue.c		the index
 *	schedule.c	when again
 *	fail.c		who has failed for good, and whom to tell
 *	act.c		what the operator asks
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include "event/loop.h"
#include "ipc/chan.h"
#include "qmgr/queue.h"

struct qmgr {
	struct queue	queue;
	struct timer	clock;		/* rings when the next item is due */
	struct defer	look;
	unsigned	trying;		/* QUEUE_TRYs that are out */
	uint64_t	delivered, deferred, bounced;	/* for status */
};

extern struct qmgr qmgr;

/* Writes a state down (QUEUE_MARK); `then` as for ask_*, session is the
 * item.  The item is busy until then. */
void	qmgr_mark(struct item *i, enum queue_state state, chan_then_fn *then);
/* Out of the queue for good; answers about it that are still due are not
 * heard. */
void	qmgr_remove(struct item *i);
/* Back in the heap, to be looked at in this pass. */
void	qmgr_look(void);
/* A line of the log about an item; the caller adds and ends. */
void	qmgr_log(const struct item *i, const char *event);

/* fail.c: no more tries.  status: "5.4.7"; the item's reason is set. */
void	fail_item(struct item *i, const char *status);
void	fail_forget(void);	/* spoold is gone */

/* act.c */
void	act_list(struct chan *c, const struct note *n);
void	act_do(struct chan *c, const struct note *n);
void	act_chan_gone(const struct chan *c);

#endif
