/* SPDX-License-Identifier: ISC */
/*
 * qmgr/doubt.c - recipients whose reply to the final dot is not here yet while
 * the qmgr that asked for it is dead (durability.md 18).
 *
 * remote hears such a reply out, and says by REMOTE_DOUBT whom that is about,
 * at once and when it is over.  Until then, or until that remote is gone, the
 * next qmgr is told that they are in doubt, and leaves them alone: its try
 * would be a second copy.
 *
 * The death of qmgr is heard by everybody in his own time.  So each remote
 * says REMOTE_HEARD behind its doubts, and before it has, no qmgr is told
 * anything; nor before a remote that spoold meets anew has said it.
 */
#include "qmgr/spoold.h"

#include <stdlib.h>
#include <string.h>

#include "qmgr/rule.h"

#include "base/banned.h"

struct doubt {
	struct link	link;
	const struct chan *by;
	char		mid[MID_LEN + 1];
	uint32_t	number;
};

enum {
	REMOTES = 64,
	HEARD_MS = 2000,	/* then a remote that says nothing is passed over:
				 * the queue must not wait for one process */
};

static struct link doubts = { &doubts, &doubts };
/* REMOTE_HEARDs that are due of each; below 0: it heard of a death of qmgr
 * before we did. */
static int owed[REMOTES];
static struct timer patience;

static struct doubt *
find(struct str mid, uint32_t number)
{
	struct doubt *d;
	struct link *l;

	list_each(l, &doubts) {
		d = container_of(l, struct doubt, link);
		if (d->number == number && str_is(mid, d->mid))
			return d;
	}
	return NULL;
}

bool
doubt_has(const struct message *m, uint32_t number)
{
	return QMGR_RULE(18) && find(str_of(m->mid), number) != NULL;
}

/* It began, or it is over; who was sent it meanwhile is gone. */
static void
tell(struct str mid, uint32_t number)
{
	struct message *m = spool_find(spoold.spool, mid);

	if (m != NULL && number < m->env.n_to && !m->to[number].ending)
		wait_tell(m, number);
}

/* Whoever was not sent it after all waits like any other. */
static void
end(struct doubt *d)
{
	list_remove(&d->link);
	tell(str_of(d->mid), d->number);
	free(d);
}

void
doubt_note(const struct chan *c, const struct note_remote_doubt *n)
{
	struct doubt *d = find(n->mid, n->number);

	if (n->over != 0) {
		if (d != NULL && d->by == c)
			end(d);
		return;
	}
	if (d != NULL || n->mid.n != MID_LEN)
		return;
	d = xcalloc(1, sizeof(*d));
	d->by = c;
	memcpy(d->mid, n->mid.p, MID_LEN);
	d->number = n->number;
	list_push(&doubts, &d->link);
	tell(n->mid, n->number);
}

/* --- has everybody heard? ------------------------------------------------ */

static void
owe(unsigned remote, int by)
{
	owed[remote % REMOTES] += by;
	timer_set(&patience, HEARD_MS);
}

static void
on_patience(struct timer *t)
{
	(void)t;
	if (!doubt_ready())
		log_say(LOG_LEVEL_WARN, "remote-silent", "who may have been "
		    "sent their mail when qmgr died is not known");
	memset(owed, 0, sizeof(owed));
}

bool
doubt_ready(void)
{
	for (unsigned k = 0; k < REMOTES; k++)
		if (owed[k] > 0)
			return false;
	return true;
}

void
doubt_init(void)
{
	timer_init(&patience, on_patience);
}

void
doubt_heard(const struct chan *c)
{
	owe(c->index, -1);
}

void
doubt_remote_came(const struct chan *c)
{
	owed[c->index % REMOTES] = 0;
	owe(c->index, 1);
}

void
doubt_qmgr_gone(void)
{
	for (unsigned k = 0; k < daemon_peer_count(REMOTE); k++)
		if (chan_ok(daemon_peer(REMOTE, k)))
			owe(k, 1);
}

void
doubt_remote_gone(const struct chan *c)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &doubts) {
		struct doubt *d = container_of(l, struct doubt, link);

		if (d->by == c)
			end(d);
	}
	owed[c->index % REMOTES] = 0;
}
