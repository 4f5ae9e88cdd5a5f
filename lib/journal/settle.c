/* SPDX-License-Identifier: ISC */
/*
 * journal/settle.c - what a sync makes true.
 *
 * Whatever is written goes to `fresh`.  When a sync begins, all of it moves
 * to `covered`; only that is settled when the sync ends well (R8).  When it
 * ends badly nothing of either list can be believed, for the kernel may have
 * dropped the dirty pages and will say 0 the next time: results are handed
 * over again, files are written again under new inodes (R9).
 */
#include "journal/spool.h"

#include <stdlib.h>

#include "base/banned.h"

struct settle {
	struct link	link;		/* first: spool_close frees by it */
	enum settle_kind kind;
	struct message	*m;
	uint32_t	number;		/* recipient, or count of rewrites */
	uint64_t	use;		/* a segment it holds, 0: none */
};

void
settle_add(struct spool *s, enum settle_kind kind, struct message *m,
    uint32_t number, uint64_t use, bool done)
{
	struct settle *e = xcalloc(1, sizeof(*e));

	e->kind = kind;
	e->m = m;
	e->number = number;
	e->use = use;
	m->pins++;
	if (use != 0)
		journal_hold(s->journal, use);
	list_push(done ? &s->fresh : &s->redo, &e->link);
}

static void
settle_drop(struct spool *s, struct settle *e)
{
	if (e->use != 0)
		journal_release(s->journal, e->use);
	e->m->pins--;
	message_doubt(s, e->m);
	list_remove(&e->link);
	free(e);
}

/* --- results ------------------------------------------------------------- */

void
spool_given(struct spool *s, struct message *m, uint32_t number)
{
	struct delivery *d = &m->to[number];

	(void)s;
	if (d->state != DELIVERY_OPEN && d->state != DELIVERY_WAITS)
		bug("recipient %u of %s handed over in state %d", number,
		    m->mid, (int)d->state);
	d->state = DELIVERY_GIVEN;
	d->tainted = false;
	m->pins++;
}

void
spool_taken_back(struct spool *s, struct message *m, uint32_t number)
{
	struct delivery *d = &m->to[number];

	m->pins--;
	if (d->state == DELIVERY_GIVEN)
		d->state = DELIVERY_OPEN;
	/* it may be written for all we know */
	d->repeat = true;
	d->anew = d->anew || d->tainted;
	d->tainted = false;
	message_doubt(s, m);
}

static void
end_mark(struct spool *s, struct message *m, uint32_t number)
{
	struct mark mark = { .number = number, .state = RECIPIENT_DONE };

	if (!m->to[number].ending)
		spool_mark(s, m, &mark, NULL, NULL);
}

static void
again(struct spool *s, struct message *m, uint32_t number)
{
	m->to[number].state = DELIVERY_OPEN;
	m->to[number].anew = true;
	m->to[number].tainted = false;
	s->ops->deliver(s->arg, m, number);
}

void
spool_result(struct spool *s, struct message *m, uint32_t number)
{
	struct delivery *d = &m->to[number];

	m->pins--;
	if (d->state == DELIVERY_GIVEN && d->tainted) {
		again(s, m, number);	/* R9: a sync failed meanwhile */
	} else if (d->state == DELIVERY_GIVEN) {
		d->state = DELIVERY_WRITTEN;
		settle_add(s, SETTLE_RESULT, m, number, 0, true);
		if (!RULE('D'))
			end_mark(s, m, number);
		if (!RULE('U') && m->file_there)
			spool_file_unlink(s, m, 0);
		message_release(s, m);
	}
	message_doubt(s, m);
}

/* --- syncs --------------------------------------------------------------- */

static void
cover(struct settle *e)
{
	struct delivery *d;

	if (e->kind == SETTLE_RESULT) {
		d = &e->m->to[e->number];
		if (d->state == DELIVERY_WRITTEN)
			d->state = DELIVERY_COVERED;
	} else if (e->kind == SETTLE_FILE && e->m->file == FILE_WRITTEN &&
	    e->number == e->m->file_number)
		e->m->file = FILE_COVERED;
}

bool
spool_sync_begin(struct spool *s)
{
	struct link *l;

	if (s->syncing || list_empty(&s->fresh))
		return false;
	while ((l = list_pop(&s->fresh)) != NULL) {
		cover(container_of(l, struct settle, link));
		list_push(&s->covered, l);
	}
	s->syncing = true;
	return true;
}

static void
settled(struct spool *s, struct settle *e)
{
	struct message *m = e->m;

	switch (e->kind) {
	case SETTLE_RESULT:
		/* R7: the local END is written only now. */
		if (m->to[e->number].state == DELIVERY_COVERED ||
		    m->to[e->number].state == DELIVERY_WRITTEN) {
			m->to[e->number].state = DELIVERY_SETTLED;
			end_mark(s, m, e->number);
			if (!RULE('N') && m->file_there)
				spool_file_unlink(s, m, 0);
		}
		break;
	case SETTLE_FILE:
		if (e->number == m->file_number && m->file_there)
			m->file = FILE_SETTLED;
		break;
	case SETTLE_MARK:
	case SETTLE_UNLINK:
	case SETTLE_DROP:
		break;		/* letting go of the segment is all */
	}
	message_release(s, m);
	settle_drop(s, e);
}

/* Not settled, and never to be believed: do it anew. */
static void
unsettle(struct spool *s, struct settle *e)
{
	struct message *m = e->m;

	if (e->kind != SETTLE_RESULT) {
		list_remove(&e->link);
		list_push(&s->redo, &e->link);
		if (e->kind == SETTLE_FILE && e->number == m->file_number)
			m->file = FILE_NONE;
		return;
	}
	if (m->to[e->number].state == DELIVERY_WRITTEN ||
	    m->to[e->number].state == DELIVERY_COVERED)
		again(s, m, e->number);
	settle_drop(s, e);
}

/* R9: a hand-over that is out may have written before the failed sync. */
static void
taint_given(struct spool *s)
{
	struct message *m;
	struct str key;
	void *value;

	for (size_t at = 0; dict_next(&s->messages, &at, &key, &value); ) {
		m = value;
		for (size_t i = 0; i < m->env.n_to; i++)
			if (m->to[i].state == DELIVERY_GIVEN)
				m->to[i].tainted = true;
	}
}

static void
sync_failed(struct spool *s)
{
	struct link *l, all;

	list_init(&all);
	while ((l = list_pop(&s->covered)) != NULL)
		list_push(&all, l);
	while ((l = list_pop(&s->fresh)) != NULL)
		list_push(&all, l);
	if (!RULE('E')) {	/* as if the disk healed by itself */
		while ((l = list_pop(&all)) != NULL)
			list_push(&s->fresh, l);
		return;
	}
	if (RULE('X'))
		taint_given(s);
	while ((l = list_pop(&all)) != NULL)
		unsettle(s, container_of(l, struct settle, link));
}

void
spool_sync_end(struct spool *s, bool failed)
{
	struct link *l;

	s->syncing = false;
	if (failed) {
		sync_failed(s);
		return;
	}
	while ((l = list_pop(&s->covered)) != NULL)
		settled(s, container_of(l, struct settle, link));
	while (!RULE('B') && (l = list_pop(&s->fresh)) != NULL)
		settled(s, container_of(l, struct settle, link));
}

static void
uncover(struct settle *e)
{
	struct message *m = e->m;

	if (e->kind == SETTLE_RESULT &&
	    m->to[e->number].state == DELIVERY_COVERED)
		m->to[e->number].state = DELIVERY_WRITTEN;
	else if (e->kind == SETTLE_FILE && m->file == FILE_COVERED)
		m->file = FILE_WRITTEN;
}

void
spool_sync_lost(struct spool *s)
{
	struct link *l;

	s->syncing = false;
	while ((l = list_pop(&s->covered)) != NULL) {
		uncover(container_of(l, struct settle, link));
		list_push(&s->fresh, l);
	}
}

/* --- sweep --------------------------------------------------------------- */

/* File work once more; 0: done, and *covers_out says whether a sync must
 * cover it before its segment may go. */
static int
redo(struct spool *s, const struct settle *e, bool *covers_out)
{
	struct message *m = e->m;

	*covers_out = false;
	if (e->kind == SETTLE_UNLINK || e->kind == SETTLE_DROP) {
		*covers_out = true;
		return e->kind == SETTLE_UNLINK ? spool_file_remove(s, m) :
		    spool_drop_remove(s, m);
	}
	if (m->open == 0)
		return 0;	/* the file is gone or going */
	if (e->kind == SETTLE_FILE)
		return m->file == FILE_NONE ? spool_file_write(s, m) : 0;
	if (m->file == FILE_NONE)
		return 0;	/* all states stand in the file to come */
	*covers_out = true;
	return spool_file_append(s, m, e->number);
}

/* Work whose sync failed, or that failed itself.  What it holds stays held
 * until the new work is settled. */
static unsigned
redo_some(struct spool *s, unsigned most)
{
	struct settle *e;
	struct link *l;
	unsigned n = 0;
	bool covers;

	for (; n < most && (l = list_first(&s->redo)) != NULL; n++) {
		e = container_of(l, struct settle, link);
		if (redo(s, e, &covers) != 0)
			break;		/* the disk is not well yet */
		list_remove(l);
		if (covers)
			list_push(&s->fresh, l);
		else
			settle_drop(s, e);
	}
	return n;
}

unsigned
spool_sweep(struct spool *s, int64_t older_than_ms, unsigned most)
{
	uint64_t pressing = journal_free(s->journal) <=
	    journal_reserve(s->journal) + 1 ?
	    journal_oldest_held(s->journal) : 0;
	unsigned n = redo_some(s, most);
	struct message *m;
	struct link *l;

	/* R4: what waits leaves the ring; with a full ring at once. */
	while (n < most && (l = list_first(&s->young)) != NULL) {
		m = container_of(l, struct message, young);
		if (m->since_ms > older_than_ms && m->held != pressing)
			break;
		if (m->open > 0 && m->file == FILE_NONE && RULE('S')) {
			if (spool_file_write(s, m) != 0)
				break;
			n++;
		}
		list_remove(&m->young);
		message_doubt(s, m);
	}
	return n;
}
