/* SPDX-License-Identifier: ISC */
/*
 * qmgr/queue.h - the index of all mail that waits, in memory.  The truth is
 * spoold's; this is filled from its notes and thrown away when it dies.
 *
 * An item is one recipient of one message:
 *
 *	waits	in the heap by next_ms; or held, and then in no heap
 *	ready	in a lane (lane.h), or until its lane is known in the list of
 *		its domain (where.h); in the heap by the end of its life
 *	busy	something was asked about it (a try, a mark, a bounce), or it
 *		is in doubt (durability.md 18)
 *
 * An item whose sender is to be told of a delay is in the heap by that time,
 * if it is nearer.
 */
#ifndef QMGR_QUEUE_H
#define QMGR_QUEUE_H

#include "base/dict.h"
#include "base/heap.h"
#include "base/list.h"
#include "ipc/note.h"

struct message {
	struct link	link;		/* of the queue, in order of arrival */
	struct link	items;
	char		mid[27];
	char		*sender;	/* "": null sender */
	uint32_t	flags;		/* enum spool_flags */
	uint64_t	size;
	int64_t		received_ms;
	int64_t		whole_ms;	/* told in part: not due before */
	uint64_t	dice;		/* its recipients wait for as long */
	bool		is_bouncing;	/* a DSN is being made */
	bool		is_noticing;	/* a delay notice is being made */
};

/* How a try went; shared by the recipients that were in it and fared alike. */
struct attempt {
	struct attempt	*older;		/* of this item; see item_attempt */
	int64_t		when_ms;
	uint32_t	code;		/* of the reply; 0: none */
	uint32_t	stage;		/* enum remote_stage */
	uint32_t	verdict;	/* enum verdict, mail/provider.h */
	const char	*host, *address, *tls, *reply;	/* in the same memory */
};

struct item {
	struct link	link;		/* of its message */
	struct heap_node due;
	struct message	*message;
	uint32_t	number, kind, notify, attempts;
	uint32_t	unknown_ends;	/* tries whose end nobody saw (rule 17) */
	bool		is_held, is_busy, is_ready;
	bool		in_doubt;	/* remote may have sent it: busy until
					 * spoold tells how that ended */
	bool		has_failed;	/* for good: waits for its DSN */
	bool		is_told;	/* of the delay */
	bool		is_sent;	/* accepted there; that is to be marked */
	bool		is_over;	/* spoold knows; remote's row is due */
	uint32_t	verdict;	/* enum verdict, of a failure */
	int64_t		next_ms;
	int64_t		expires_ms;
	int64_t		notice_ms;	/* of the delay; 0: none */
	struct link	ready;		/* of its bucket, or its domain */
	struct bucket	*bucket;	/* lane.c; NULL: in no lane */
	struct trip	*trip;		/* send.c: is out in that try */
	struct bounce	*dsn;		/* fail.c: is told of in that */
	struct late	*late;		/* qmgr.c: is to be written down */
	bool		is_late;	/* its sender should know */
	struct attempt	*last;		/* newest first, at most ATTEMPTS */
	char		*address, *orcpt, *reason;
	char		status[16];	/* of a failure: "5.4.7" */
};

enum { ATTEMPTS = 5 };

struct queue {
	struct dict	by_mid;		/* mid -> struct message */
	struct link	messages;
	struct heap	due;
	size_t		items, held;
};

void	queue_init(struct queue *q);
void	queue_clear(struct queue *q);	/* spoold is gone: it will tell anew */

/* From QUEUE_NEW; an item that is there already is replaced.  Not in the
 * heap yet: queue_wait or held. */
struct item *queue_add(struct queue *q, const struct note_queue_new *n);
/* NULL when there is none. */
struct message *queue_message(const struct queue *q, struct str mid);
struct item *queue_item(const struct queue *q, struct str mid,
	    uint32_t number);
/* More of its recipients are told in a moment: until whole_ms none is due, so
 * that they go together.  0: that was the last one. */
void	queue_comes(struct queue *q, struct message *m, int64_t whole_ms);
/* Frees it; the last one of a message frees the message. */
void	queue_remove(struct queue *q, struct item *i);

void	queue_wait(struct queue *q, struct item *i, int64_t next_ms);
void	queue_hold(struct queue *q, struct item *i, bool is_held);
/* It may go: in the heap only by the end of its life.  false: waits again. */
void	queue_ready(struct queue *q, struct item *i, bool is_ready);
/* Out of the heap while something is asked about it, and back. */
void	queue_busy(struct queue *q, struct item *i, bool is_busy);
/* The first item due at now_ms, oldest first; NULL. */
struct item *queue_due(const struct queue *q, int64_t now_ms);
/* When the next is due; -1: none. */
int64_t	queue_next_ms(const struct queue *q);

void	item_set_reason(struct item *i, struct str reason);
/* One more attempt; the oldest of more than ATTEMPTS is forgotten.  Strings
 * of `a` are copied. */
void	item_attempt(struct item *i, const struct attempt *a);
/* The domain of its address, behind the last "@". */
struct str item_domain(const struct item *i);
/* Waits for its next try, and for nothing else. */
bool	item_waits(const struct item *i);
/* mid: a whole id, a prefix, or empty (any).  address: of sender or
 * recipient, or a recipient's domain, or empty (any). */
bool	item_matches(const struct item *i, struct str mid, struct str address);

#endif
