/* SPDX-License-Identifier: ISC */
/*
 * qmgr/lane.c - lanes, and senders in lanes, in turn.
 *
 * Where a lane is:
 *
 *	nothing waits in it			idle
 *	as much is out as it may have		in no list
 *	paused, or keeps its distance		heap `timed'
 *	else					ready, by its health
 *
 * Items of one lane, class and sender stand in a bucket, in order; buckets of
 * a lane take turns.  All steps cost the same however much waits, but for the
 * logarithm of the heap of lanes.
 */
#include "qmgr/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fail.h"
#include "qmgr/schedule.h"

#include "base/banned.h"

enum {
	IDLE_MS = 60 * 60 * 1000,
	SWEEP = 64,
	FAILURES_MAX = 3,		/* then a pause; at once if never proven */
	GATHER_MAX = 4096,		/* items looked at for one transaction */
	CLEAN_MS = 60 * 60 * 1000,	/* without complaint: first rung again */
	GAP_MAX_US = 600 * 1000 * 1000,
	KEY_MAX = 400,
	SILENT_TIMES = 4,	/* as many as all slots: a socket each */
};

struct bucket {
	struct link	link;		/* of its lane's class */
	struct link	items;
	struct lane	*lane;
	enum lane_class	class;
};

void
lanes_init(struct lanes *ls, unsigned most)
{
	memset(ls, 0, sizeof(*ls));
	dict_init(&ls->by_key);
	dict_init(&ls->buckets);
	heap_init(&ls->timed);
	list_init(&ls->idle);
	for (int h = 0; h < LANE_HEALTHS; h++)
		list_init(&ls->ready[h]);
	lanes_set_most(ls, most);
}

void
lanes_set_most(struct lanes *ls, unsigned most)
{
	ls->most = most > 4 ? most : 4;
}

static void
lane_free(struct lanes *ls, struct lane *l)
{
	heap_del(&ls->timed, &l->timed);
	list_remove(&l->link);
	free(l->key);
	free(l->provider);
	free(l->reason);
	free(l);
}

void
lanes_free(struct lanes *ls)
{
	struct str key;
	void *l;

	for (size_t at = 0; dict_next(&ls->by_key, &at, &key, &l); )
		lane_free(ls, l);
	dict_free(&ls->by_key);
	dict_free(&ls->buckets);
	heap_free(&ls->timed);
}

struct lane *
lanes_find(const struct lanes *ls, struct str key)
{
	return dict_get(&ls->by_key, key);
}

struct lane *
lanes_get(struct lanes *ls, struct str key, struct str provider)
{
	struct lane *l = lanes_find(ls, key);

	if (l != NULL)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->key = xmemdupz(key.p, key.n);
	l->provider = xmemdupz(provider.p, provider.n);
	l->number = ++ls->numbers;
	l->window = 1;
	l->health = LANE_NEW;
	for (int c = 0; c < LANE_CLASSES; c++)
		list_init(&l->senders[c]);
	list_init(&l->link);
	(void)dict_put(&ls->by_key, key, l);
	return l;
}

bool
lane_paused(const struct lane *l, int64_t now_ms)
{
	return l->pause_until_ms > now_ms;
}

/* --- where it is --------------------------------------------------------- */

unsigned
lane_window(const struct lane *l)
{
	return l->is_probing ? 1 : l->window;
}

static void
place(struct lanes *ls, struct lane *l, int64_t now_ms)
{
	int64_t go_ms = l->pause_until_ms > l->go_ms ? l->pause_until_ms :
	    l->go_ms;

	list_remove(&l->link);
	heap_del(&ls->timed, &l->timed);
	if (l->waiting == 0) {
		if (l->out == 0) {
			l->idle_ms = now_ms;
			list_push(&ls->idle, &l->link);
		}
	} else if (l->out >= lane_window(l))
		return;
	else if (go_ms > now_ms)
		heap_put(&ls->timed, &l->timed, go_ms);
	else
		list_push(&ls->ready[l->health], &l->link);
}

void
lanes_sweep(struct lanes *ls, int64_t now_ms)
{
	for (int k = 0; k < SWEEP; k++) {
		struct link *e = list_first(&ls->idle);
		struct lane *l;

		if (e == NULL)
			return;
		l = container_of(e, struct lane, link);
		if (now_ms - l->idle_ms < IDLE_MS)
			return;
		if (lane_paused(l, now_ms)) {
			place(ls, l, now_ms);	/* an hour more */
			continue;
		}
		(void)dict_del(&ls->by_key, str_of(l->key));
		lane_free(ls, l);
	}
}

/* --- items --------------------------------------------------------------- */

static enum lane_class
class_of(const struct item *i)
{
	return i->message->flags & SPOOL_BULK ? LANE_BULK : LANE_PERSON;
}

/* lane's number, class, sender: no two buckets have the same. */
static struct str
bucket_key(const struct lane *l, enum lane_class class, struct str sender,
    uint8_t out[KEY_MAX])
{
	size_t n = sender.n < KEY_MAX - 16 ? sender.n : KEY_MAX - 16;

	memcpy(out, &l->number, 8);
	out[8] = (uint8_t)class;
	if (n > 0)
		memcpy(out + 9, sender.p, n);
	return str_mem(out, 9 + n);
}

static struct bucket *
bucket_of(struct lanes *ls, struct lane *l, const struct item *i)
{
	enum lane_class class = class_of(i);
	uint8_t text[KEY_MAX];
	struct str key = bucket_key(l, class, str_of(i->message->sender),
	    text);
	struct bucket *b = dict_get(&ls->buckets, key);

	if (b != NULL)
		return b;
	b = xcalloc(1, sizeof(*b));
	b->lane = l;
	b->class = class;
	list_init(&b->items);
	list_push(&l->senders[class], &b->link);
	(void)dict_put(&ls->buckets, key, b);
	return b;
}

/* `i` was the last one in it: its sender is the bucket's. */
static void
bucket_free(struct lanes *ls, struct bucket *b, const struct item *i)
{
	uint8_t text[KEY_MAX];

	(void)dict_del(&ls->buckets, bucket_key(b->lane, b->class,
	    str_of(i->message->sender), text));
	list_remove(&b->link);
	free(b);
}

static void
take(struct lanes *ls, struct item *i)
{
	struct bucket *b = i->bucket;

	list_remove(&i->ready);
	i->bucket = NULL;
	b->lane->waiting--;
	if (list_empty(&b->items))
		bucket_free(ls, b, i);
}

void
lane_add(struct lanes *ls, struct lane *l, struct item *i, bool in_front,
    int64_t now_ms)
{
	struct bucket *b;

	lane_take(ls, i, now_ms);
	b = bucket_of(ls, l, i);
	i->bucket = b;
	if (in_front) {
		list_unshift(&b->items, &i->ready);
		list_remove(&b->link);
		list_unshift(&l->senders[b->class], &b->link);
	} else
		list_push(&b->items, &i->ready);
	if (l->waiting++ == 0)
		place(ls, l, now_ms);
}

void
lane_take(struct lanes *ls, struct item *i, int64_t now_ms)
{
	struct lane *l = item_lane(i);

	if (l == NULL)
		return;
	take(ls, i);
	if (l->waiting == 0)
		place(ls, l, now_ms);
}

struct lane *
item_lane(const struct item *i)
{
	return i->bucket != NULL ? i->bucket->lane : NULL;
}

/* --- who is next --------------------------------------------------------- */

/* Slots a health may fill: what failed last a quarter, who is new three. */
static unsigned
most_of(const struct lanes *ls, enum lane_health h)
{
	return h == LANE_FAILING ? ls->most / 4 : h == LANE_NEW ?
	    ls->most - ls->most / 4 : ls->most;
}

/* What is out of all healths that are no better than h. */
static unsigned
out_of(const struct lanes *ls, enum lane_health h)
{
	unsigned n = 0;

	for (int k = (int)h; k < LANE_HEALTHS; k++)
		n += ls->out[k];
	return n;
}

static void
wake(struct lanes *ls, int64_t now_ms)
{
	struct heap_node *n;

	while ((n = heap_min(&ls->timed)) != NULL && n->key <= now_ms)
		place(ls, container_of(n, struct lane, timed), now_ms);
}

struct lane *
lanes_next(struct lanes *ls, int64_t now_ms)
{
	wake(ls, now_ms);
	for (unsigned k = 1; k <= LANE_HEALTHS; k++) {
		enum lane_health h = (ls->turn + k) % LANE_HEALTHS;
		struct link *e = list_first(&ls->ready[h]);

		if (e == NULL || ls->out_all >= ls->most ||
		    out_of(ls, h) >= most_of(ls, h) ||
		    (h != LANE_PROVEN &&
		    ls->out[LANE_SILENT] / SILENT_TIMES >= ls->most))
			continue;
		ls->turn = (unsigned)h;
		return container_of(e, struct lane, link);
	}
	return NULL;
}

int64_t
lanes_next_ms(const struct lanes *ls)
{
	struct heap_node *n = heap_min(&ls->timed);

	return n != NULL ? n->key : -1;
}

static bool
goes_with(const struct item *a, const struct item *b)
{
	return a->message == b->message &&
	    str_ieq(item_domain(a), item_domain(b));
}

size_t
lane_pick(struct lanes *ls, struct lane *l, struct item **out, size_t max)
{
	int class = list_empty(&l->senders[LANE_PERSON]) ? LANE_BULK :
	    LANE_PERSON;
	struct bucket *b = container_of(list_first(&l->senders[class]),
	    struct bucket, link);
	struct link *e = list_first(&b->items), *next;
	struct item *first = container_of(e, struct item, ready), *i;
	size_t n = 0;

	/* the next turn is another sender's */
	list_remove(&b->link);
	list_push(&l->senders[class], &b->link);
	for (int k = 0; k < GATHER_MAX && n < max && e != &b->items; k++) {
		next = e->next;
		i = container_of(e, struct item, ready);
		if (i->message != first->message)
			break;
		if (goes_with(first, i))
			out[n++] = i;
		e = next;
	}
	for (size_t k = 0; k < n; k++)
		take(ls, out[k]);
	return n;
}

enum lane_health
lane_began(struct lanes *ls, struct lane *l, int64_t now_ms)
{
	l->out++;
	ls->out[l->health]++;
	ls->out_all++;
	if (l->gap_us > 0)
		l->go_ms = now_ms + (l->gap_us + 999) / 1000;
	place(ls, l, now_ms);
	return l->health;
}

enum lane_health
lane_yields(struct lanes *ls, enum lane_health began)
{
	ls->out[began]--;
	ls->out_all--;
	ls->out[LANE_SILENT]++;
	return LANE_SILENT;
}

/* --- what follows from an end -------------------------------------------- */

static void
set_reason(struct lane *l, struct str reason)
{
	free(l->reason);
	l->reason = xmemdupz(reason.p, reason.n);
}

static void
pause_for(struct lane *l, int64_t ms, bool is_too_fast, struct str reason,
    int64_t now_ms)
{
	l->is_too_fast = is_too_fast;
	l->window = 1;
	l->grown = 0;
	l->is_probing = true;
	if (now_ms + ms > l->pause_until_ms)
		l->pause_until_ms = now_ms + ms;
	set_reason(l, reason);
}

static void
good(struct lane *l, const struct lane_terms *t, int64_t now_ms)
{
	l->accepted++;
	l->since++;
	l->failures = 0;
	l->health = LANE_PROVEN;
	if (l->is_probing)
		l->is_probing = false;
	else if (++l->grown >= l->window) {
		l->grown = 0;
		l->window++;
	}
	if (l->window > t->connections)
		l->window = t->connections;
	l->gap_us -= l->gap_us / 25;
	if (l->gap_us < 1000)
		l->gap_us = 0;
	if (l->rung > 0 && now_ms - l->slowed_ms > CLEAN_MS)
		l->rung = 0;
}

static void
failed(struct lane *l, const struct lane_terms *t, struct str reason,
    int64_t now_ms)
{
	bool was_proven = l->health == LANE_PROVEN;

	l->failures++;
	l->window = l->window > 1 ? l->window / 2 : 1;
	if (was_proven && l->failures < FAILURES_MAX)
		return;
	l->health = LANE_FAILING;
	/* several that were out together are one failure */
	if (!lane_paused(l, now_ms))
		pause_for(l, schedule_wait_ms(was_proven ? 1 : l->failures,
		    t->retry_ms, t->retry_max_ms, l->number), false, reason,
		    now_ms);
}

/* The receiver was seen to take `since` messages since its last complaint,
 * pauses included: not faster than that, and a tenth less. */
static void
keep_distance(struct lane *l, int64_t now_ms)
{
	int64_t gap_us = l->gap_us * 2;

	if (l->slowed_ms > 0 && l->since > 0 && now_ms > l->slowed_ms)
		gap_us = (now_ms - l->slowed_ms) * 1100 / (int64_t)l->since;
	else if (gap_us == 0)
		gap_us = 100 * 1000;
	if (gap_us < l->gap_us)
		gap_us = l->gap_us;
	l->gap_us = gap_us < GAP_MAX_US ? gap_us : GAP_MAX_US;
	l->slowed_ms = now_ms;
	l->since = 0;
}

static void
slowed(struct lane *l, const struct lane_terms *t, struct str reason,
    int64_t now_ms)
{
	unsigned rung = l->rung < t->pauses ? l->rung : t->pauses - 1;

	l->slowed++;
	if (lane_paused(l, now_ms))
		return;		/* was on its way when we were told */
	/* a probe that is refused, or a complaint soon after one: longer */
	if (l->is_probing || l->since < 5)
		l->rung++;
	l->health = LANE_PROVEN;	/* it does answer */
	keep_distance(l, now_ms);
	pause_for(l, t->pause_ms[rung], true, reason, now_ms);
}

void
lane_ended(struct lanes *ls, struct lane *l, enum lane_health began,
    enum lane_end how, const struct lane_terms *terms, struct str reason,
    int64_t now_ms)
{
	l->out--;
	ls->out[began]--;
	ls->out_all -= began != LANE_SILENT;
	switch (how) {
	case LANE_GOOD:
		good(l, terms, now_ms);
		break;
	case LANE_NEUTRAL:
		l->failures = 0;
		l->is_probing = false;
		if (l->health == LANE_FAILING)
			l->health = LANE_NEW;
		break;
	case LANE_FAILED:
		failed(l, terms, reason, now_ms);
		break;
	case LANE_SLOW:
		slowed(l, terms, reason, now_ms);
		break;
	case LANE_UNHEARD:
		break;
	}
	place(ls, l, now_ms);
}

/* The rung is the one of such a pause, or of a longer one that is nearly
 * over: a probe that is refused goes on from there. */
bool
lane_was_paused(struct lanes *ls, struct lane *l, const struct lane_terms *t,
    int64_t until_ms, struct str reason, int64_t now_ms)
{
	unsigned rung = 0;

	if (until_ms <= l->pause_until_ms)
		return false;
	while (rung + 1 < t->pauses && t->pause_ms[rung] < until_ms - now_ms)
		rung++;
	l->rung = rung + 1;
	l->health = LANE_PROVEN;
	if (l->gap_us == 0)
		keep_distance(l, now_ms);
	pause_for(l, until_ms - now_ms, true, reason, now_ms);
	place(ls, l, now_ms);
	return true;
}

void
lane_resume(struct lanes *ls, struct lane *l, int64_t now_ms)
{
	l->pause_until_ms = l->go_ms = 0;
	l->gap_us = 0;
	l->rung = l->failures = 0;
	place(ls, l, now_ms);
}
