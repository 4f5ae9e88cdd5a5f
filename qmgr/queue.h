/* SPDX-License-Identifier: ISC */
/*
 * qmgr/queue.h - the index of all mail that waits, in memory.  The truth is
 * spoold's; this is filled from its notes and thrown away when it dies.
 *
 * An item is one recipient of one message:
 *
 *	waits	in the heap by next_ms; or held, and then in no heap
 *	busy	something was asked about it (a try, a mark, a bounce)
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
	bool		is_bouncing;	/* a DSN is being made */
};

struct item {
	struct link	link;		/* of its message */
	struct heap_node due;
	struct message	*message;
	uint32_t	number, kind, notify, attempts;
	uint32_t	unknown_ends;	/* tries whose end nobody saw (rule 17) */
	bool		is_held, is_busy;
	bool		has_failed;	/* for good: waits for its DSN */
	int64_t		next_ms;
	char		*address, *orcpt, *reason;
	char		status[16];	/* of a failure: "5.4.7" */
};

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
/* Frees it; the last one of a message frees the message. */
void	queue_remove(struct queue *q, struct item *i);

void	queue_wait(struct queue *q, struct item *i, int64_t next_ms);
void	queue_hold(struct queue *q, struct item *i, bool is_held);
/* Out of the heap while something is asked about it, and back. */
void	queue_busy(struct queue *q, struct item *i, bool is_busy);
/* The first item due at now_ms, oldest first; NULL. */
struct item *queue_due(const struct queue *q, int64_t now_ms);
/* When the next is due; -1: none. */
int64_t	queue_next_ms(const struct queue *q);

void	item_set_reason(struct item *i, struct str reason);
/* mid: a whole id, a prefix, or empty (any).  address: of sender or
 * recipient, or empty (any). */
bool	item_matches(const struct item *i, struct str mid, struct str address);

#endif
