/* SPDX-License-Identifier: ISC */
/*
 * qmgr/qmgr.h - what the files of the process qmgr share.
 *
 *	qmgr.c		the process: what spoold tells, what is due
 *	queue.c		the index
 *	schedule.c	when again
 *	where.c		which lane: domains and their MX
 *	lane.c		who of those that are ready goes next
 *	send.c		tries by remote, and what follows from a reply
 *	resume.c	lanes that were paused before we started
 *	why.c		what is told of an item: attempts, lane
 *	fail.c		who has failed for good, and whom to tell
 *	act.c		what the operator asks
 */
#ifndef QMGR_QMGR_H
#define QMGR_QMGR_H

#include "base/log.h"
#include "event/loop.h"
#include "ipc/chan.h"
#include "mail/provider.h"
#include "qmgr/lane.h"

struct qmgr {
	struct queue	queue;
	struct lanes	lanes;
	struct providers providers;
	struct timer	clock;		/* rings when the next item is due */
	struct timer	sweep;		/* of lanes and domains nobody uses */
	struct defer	look;
	struct link	late;		/* marks for which spoold is too busy */
	unsigned	trying;		/* QUEUE_TRYs that are out */
	uint64_t	delivered, deferred, bounced;	/* for status */
	char		source[64];	/* lanes are named by it */
	uint64_t	distrusted;	/* bulk held: we are not trusted there */
};

extern struct qmgr qmgr;

/* Writes a state down (QUEUE_MARK); `then` as for ask_*, session is the
 * item.  The item is busy until then. */
void	qmgr_mark(struct item *i, enum queue_state state, chan_then_fn *then);
/* Waits by the back-off for another try; attempts have been counted. */
void	qmgr_defer(struct item *i, struct str reason);
/* Nobody saw how the try ended: again, but not for ever. */
void	qmgr_unknown_end(struct item *i);
/* Held until an operator has looked; its reason is set. */
void	qmgr_hold(struct item *i, enum log_level level);
/* What we send from, as lanes are named by it. */
const char *qmgr_source(void);
/* Marks that spoold has not been told yet: we must not end before. */
bool	qmgr_owes_marks(void);
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
/* Its sender is to be told that it is late (then notice_ms is not 0). */
bool	fail_tells_delay(const struct item *i);
void	fail_delay(struct item *i);

/* act.c */
void	act_list(struct chan *c, const struct note *n);
void	act_why(struct chan *c, const struct note *n);
void	act_do(struct chan *c, const struct note *n);
void	act_chan_gone(const struct chan *c);

#endif
