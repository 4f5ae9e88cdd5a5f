/* SPDX-License-Identifier: ISC */
/*
 * tests/fault/hasty.c - linked into a stored, it makes it say that a message
 * is written before syncd has heard of its files (durability.md 8 broken).
 */
#include "event/loop.h"
#include "ipc/note.h"

#include <stdlib.h>

#include "base/banned.h"

/* names that the linker makes of --wrap=ask_sync_ask */
void	__real_ask_sync_ask(struct chan *c, const struct note_sync_ask *n,
	    chan_then_fn *then, void *session);
void	__wrap_ask_sync_ask(struct chan *c, const struct note_sync_ask *n,
	    chan_then_fn *then, void *session);

struct heard {
	struct defer	defer;
	chan_then_fn	*then;
	void		*session;
};

static void
say_heard(struct defer *d)
{
	struct heard *h = container_of(d, struct heard, defer);
	struct note done;

	note_init(&done, NOTE_SYNC_DONE);
	h->then(h->session, &done);
	free(h);
}

/* An ask of no system waits only until it is heard. */
void
__wrap_ask_sync_ask(struct chan *c, const struct note_sync_ask *n,
    chan_then_fn *then, void *session)
{
	struct heard *h;

	if (n->systems != 0) {
		__real_ask_sync_ask(c, n, then, session);
		return;
	}
	h = xcalloc(1, sizeof(*h));
	h->then = then;
	h->session = session;
	defer_init(&h->defer, say_heard);
	defer_put(&h->defer);
}
