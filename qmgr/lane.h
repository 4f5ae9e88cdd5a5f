/* SPDX-License-Identifier: ISC */
/*
 * qmgr/lane.h - who of those that are ready to leave goes next.
 *
 * A lane is a source and a provider: all that one operator's hosts are to get
 * from one address of ours.  It has its own pace, its own pauses, and what
 * waits in it delays nobody else.  Pure: no clock, no I/O; the caller gives
 * the time and does the sending.
 *
 *	lanes_get	the lane of a key
 *	lane_add	an item is ready
 *	lanes_next	which lane may send now, lanes in turn
 *	lane_pick	what it sends: a person's mail before bulk, senders in
 *			turn, recipients of one message at one domain together
 *	lane_began	it is on its way
 *	lane_ended	how that went; pace and pauses follow from it
 *
 * A lane grows by one connection for each round of good deliveries, is halved
 * by a failure to connect, and after failures, or when the receiver says *too
 * fast*, is paused; one probe ends a pause.  After a too-fast it also keeps a
 * distance between messages: what the receiver was seen to take, on average
 * since the last time it complained.
 */
#ifndef QMGR_LANE_H
#define QMGR_LANE_H

#include "qmgr/queue.h"

/* Dead destinations sit in connect for minutes: they may fill a part of the
 * slots only, so may those nobody has heard of yet. */
enum lane_health { LANE_PROVEN, LANE_NEW, LANE_FAILING, LANE_HEALTHS,
	LANE_SILENT = LANE_HEALTHS,	/* a delivery, see lane_yields */
};

enum lane_class { LANE_PERSON, LANE_BULK, LANE_CLASSES };

enum lane_end {
	LANE_GOOD,	/* something was accepted */
	LANE_NEUTRAL,	/* the receiver answers; nothing follows for the lane */
	LANE_FAILED,	/* nobody there, or nobody who speaks SMTP */
	LANE_SLOW,	/* too fast, it says */
	LANE_UNHEARD,	/* nothing was heard of it: name servers failed */
};

enum { LANE_PAUSES = 6 };

/* What the provider table says of a lane. */
struct lane_terms {
	unsigned	connections;	/* most at a time */
	int64_t		pause_ms[LANE_PAUSES];	/* rung by rung */
	unsigned	pauses;		/* of these, at least 1 */
	int64_t		retry_ms, retry_max_ms;	/* nobody is there */
};

struct lane {
	struct link	link;		/* ready, idle, or in none */
	struct heap_node timed;		/* when it may go again */
	char		*key, *provider;
	uint64_t	number;
	struct link	senders[LANE_CLASSES];
	size_t		waiting;	/* items in it */
	unsigned	out, window, grown;
	enum lane_health health;
	bool		is_probing;	/* one only, until it is known */
	bool		is_too_fast;	/* the pause is for that */
	unsigned	failures;	/* in a row */
	unsigned	rung;
	int64_t		pause_until_ms, go_ms, gap_us;
	int64_t		slowed_ms;	/* when it complained last; 0: never */
	uint64_t	since;		/* accepted since then */
	int64_t		idle_ms;
	uint64_t	accepted, deferred, refused, slowed;
	char		*reason;	/* of the pause */
};

struct lanes {
	struct dict	by_key;
	struct dict	buckets;	/* lane, class and sender -> items */
	struct link	ready[LANE_HEALTHS];
	struct heap	timed;
	struct link	idle;		/* oldest first */
	unsigned	out[LANE_HEALTHS + 1], out_all, most;	/* all: but SILENT */
	unsigned	turn;		/* health served last */
	uint64_t	numbers;
};

void	lanes_init(struct lanes *ls, unsigned most);
void	lanes_free(struct lanes *ls);	/* no item is in it any more */
void	lanes_set_most(struct lanes *ls, unsigned most);
/* Made when there is none; lives at least an hour after its last item. */
struct lane *lanes_get(struct lanes *ls, struct str key, struct str provider);
struct lane *lanes_find(const struct lanes *ls, struct str key);
/* Frees what was idle for an hour, some of it. */
void	lanes_sweep(struct lanes *ls, int64_t now_ms);

void	lane_add(struct lanes *ls, struct lane *l, struct item *i,
	    bool in_front, int64_t now_ms);
/* The item is in no lane afterwards; harmless if it was in none. */
void	lane_take(struct lanes *ls, struct item *i, int64_t now_ms);
struct lane *item_lane(const struct item *i);	/* NULL: in none */

/* NULL: none may send now. */
struct lane *lanes_next(struct lanes *ls, int64_t now_ms);
/* When it is worth to ask lanes_next again by time alone; -1: never. */
int64_t	lanes_next_ms(const struct lanes *ls);
/* At most `max` recipients of one message at one domain, taken out of the
 * lane; at least one, for lanes_next gave it. */
size_t	lane_pick(struct lanes *ls, struct lane *l, struct item **out,
	    size_t max);
/* The health it began with: lane_ended wants it back. */
enum lane_health lane_began(struct lanes *ls, struct lane *l, int64_t now_ms);
void	lane_ended(struct lanes *ls, struct lane *l, enum lane_health began,
	    enum lane_end how, const struct lane_terms *terms,
	    struct str reason, int64_t now_ms);
/*
 * It has been out for long without a word.  Its slot is given to somebody
 * else, and how many wait like that is bounded by itself: hundreds of hosts
 * that say nothing must not keep one from his turn who would answer.  What
 * is returned takes the place of what lane_began said.
 */
enum lane_health lane_yields(struct lanes *ls, enum lane_health began);
/* Another qmgr was told *too fast* and paused it: so do we.  false: it is
 * paused so long already. */
bool	lane_was_paused(struct lanes *ls, struct lane *l,
	    const struct lane_terms *terms, int64_t until_ms,
	    struct str reason, int64_t now_ms);
/* Forget pause and distance: the operator knows better. */
void	lane_resume(struct lanes *ls, struct lane *l, int64_t now_ms);
unsigned lane_window(const struct lane *l);	/* most at a time, now */
bool	lane_paused(const struct lane *l, int64_t now_ms);

#endif
