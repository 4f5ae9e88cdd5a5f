/* SPDX-License-Identifier: ISC */
/*
 * qmgr/doubt.c - recipients whose reply to the final dot is not here yet while
 * the qmgr that asked for it is dead (durability.md 18).
 *
 * remote hears such a reply out, and says by REMOTE_DOUBT whom that is about,
 * at once and when it is over.  Until then, or until that remote is gone, the
 * next qmgr is not told of them: its try would be a second copy.
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

static struct link doubts = { &doubts, &doubts };

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

/* Whoever was not sent it after all waits like any other. */
static void
end(struct doubt *d)
{
	struct message *m = spool_find(spoold.spool, str_of(d->mid));
	uint32_t number = d->number;

	list_remove(&d->link);
	free(d);
	if (m != NULL && number < m->env.n_to && !m->to[number].ending)
		wait_tell(m, number);
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
}

void
doubt_peer_gone(const struct chan *c)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &doubts) {
		struct doubt *d = container_of(l, struct doubt, link);

		if (d->by == c)
			end(d);
	}
}
