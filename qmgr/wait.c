/* SPDX-License-Identifier: ISC */
/*
 * qmgr/wait.c - what waits: spoold's side of the queue.
 *
 * qmgr is told of each recipient that travels or was deferred (QUEUE_NEW),
 * at a start or after its own death of all of them again, then QUEUE_LOADED.
 * It decides when to try; spoold hands over (QUEUE_TRY) and writes down what
 * became of it (QUEUE_MARK).  Nothing waits in qmgr alone.
 */
#include "qmgr/spoold.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define TELL_MS		20
#define SCAN_STEP	8	/* files a step: well under 5 ms */

/* A recipient qmgr is to be told of. */
struct news {
	struct link	link;
	char		mid[MID_LEN + 1];
	uint32_t	number;
};

/* Somebody waits for a mark or a try. */
struct waiter {
	uint32_t	generation;	/* of the channel that asked */
	uint32_t	ticket;
	char		mid[MID_LEN + 1];
	uint32_t	number;
	bool		ends;
};

static struct {
	struct link	news;
	struct timer	tell;
	bool		scanning;
	uint32_t	told;
} wait;

static struct chan *
qmgr(void)
{
	struct chan *c = daemon_peer(QMGR, 0);

	return chan_ok(c) ? c : NULL;
}

/* --- telling ------------------------------------------------------------- */

static void
say_new(struct chan *c, const struct message *m, uint32_t number, bool more)
{
	const struct recipient *to = &m->env.to[number];
	struct note_queue_new note = {
		.mid = m->env.mid, .number = number, .kind = to->kind,
		.sender = m->env.sender, .address = to->address,
		.orcpt = to->orcpt, .notify = to->notify,
		.flags = m->env.flags, .size = m->env.size,
		.received_ms = m->env.received_ms, .next_ms = to->next_ms,
		.attempts = to->attempts, .told = to->told,
		.held = to->state == RECIPIENT_HELD, .reason = to->reason,
		.in_doubt = doubt_has(m, number), .more = more,
	};

	note_put_queue_new(c, &note);
	wait.told++;
}

/* The message of the first one that still waits; NULL: there is none. */
static struct message *
first_news(void)
{
	struct link *l;

	while ((l = list_first(&wait.news)) != NULL) {
		struct news *news = container_of(l, struct news, link);
		struct message *m = spool_find(spoold.spool,
		    str_of(news->mid));

		if (m != NULL && m->to[news->number].state == DELIVERY_WAITS)
			return m;
		list_remove(l);
		free(news);
	}
	return NULL;
}

static void
on_tell(struct timer *t)
{
	struct note_queue_loaded loaded = { 0 };
	struct message *m, *next;
	struct chan *c = qmgr();

	if (!doubt_ready()) {	/* R18 */
		timer_set(t, TELL_MS);
		return;
	}
	m = first_news();
	for (; c != NULL && !chan_busy(c) && m != NULL; m = next) {
		struct news *news = container_of(list_pop(&wait.news),
		    struct news, link);
		uint32_t number = news->number;

		free(news);
		next = first_news();
		say_new(c, m, number, next == m);
	}
	if (wait.scanning && list_empty(&wait.news) &&
	    !(c != NULL && chan_busy(c)) &&
	    !spool_scan(spoold.spool, SCAN_STEP)) {
		wait.scanning = false;
		loaded.count = wait.told;
		if (c != NULL)
			note_put_queue_loaded(c, &loaded);
	}
	spoold_gather();
	if (wait.scanning || (c != NULL && !list_empty(&wait.news)))
		timer_set(t, c != NULL && chan_busy(c) ? TELL_MS : 0);
}

void
wait_init(void)
{
	list_init(&wait.news);
	timer_init(&wait.tell, on_tell);
	wait.scanning = true;
	timer_set(&wait.tell, 0);
}

void
wait_tell(struct message *m, uint32_t number)
{
	struct news *news;

	if (qmgr() == NULL)
		return;		/* it will be told of all when it comes */
	news = xcalloc(1, sizeof(*news));
	memcpy(news->mid, m->mid, sizeof(news->mid));
	news->number = number;
	list_push(&wait.news, &news->link);
	if (!timer_armed(&wait.tell))
		timer_set(&wait.tell, 0);
}

void
wait_peer(void)
{
	struct link *l;

	while ((l = list_pop(&wait.news)) != NULL)
		free(container_of(l, struct news, link));
	wait.told = 0;
	wait.scanning = true;
	if (spoold.spool != NULL)
		spool_scan_again(spoold.spool);
	timer_set(&wait.tell, 0);
}

void
wait_tick(void)
{
	if (!list_empty(&wait.news) && !timer_armed(&wait.tell))
		timer_set(&wait.tell, 0);
}

static void
say_gone(struct str mid, uint32_t number)
{
	struct note_queue_gone note = { .mid = mid, .number = number };
	struct chan *c = qmgr();

	if (c != NULL)
		note_put_queue_gone(c, &note);
}

/* qmgr hears of every end it may know of; of others it knows nothing.  Of
 * what it asked for itself it hears by the answer. */
void
wait_ended(struct message *m, uint32_t number)
{
	if (!m->to[number].asked && (m->env.to[number].kind != ROUTE_LOCAL ||
	    m->env.to[number].attempts > 0))
		say_gone(m->env.mid, number);
	if (m->open == 0) {
		spoold_log(LOG_LEVEL_INFO, "spool-done", m);
		log_end();
	}
}

/* --- deferring ----------------------------------------------------------- */

static struct waiter *
waiter_new(const struct message *m, uint32_t number)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	memcpy(w->mid, m->mid, sizeof(w->mid));
	w->number = number;
	return w;
}

static void
on_deferred(void *arg, int fail)
{
	struct waiter *w = arg;
	struct message *m = spool_find(spoold.spool, str_of(w->mid));

	(void)fail;
	if (m != NULL)
		wait_tell(m, w->number);
	free(w);
}

void
wait_defer(struct message *m, uint32_t number, struct str reason, bool held)
{
	const struct recipient *to = &m->env.to[number];
	struct mark mark = {
		.number = number, .attempts = to->attempts + 1,
		.told = to->told,
		.redelivery = to->redelivery, .reason = reason,
		.state = held ? RECIPIENT_HELD : RECIPIENT_WAITS,
	};

	spool_mark(spoold.spool, m, &mark, on_deferred,
	    waiter_new(m, number));
	spoold_gather();
}

/* --- tries --------------------------------------------------------------- */

static struct waiter *
waiter_of(const struct chan *c, uint32_t ticket, const struct message *m,
    uint32_t number)
{
	struct waiter *w = waiter_new(m, number);

	w->generation = c->generation;
	w->ticket = ticket;
	return w;
}

static struct chan *
asker(const struct waiter *w)
{
	struct chan *c = qmgr();

	return c != NULL && c->generation == w->generation ? c : NULL;
}

static void
say_result(struct chan *c, uint32_t ticket, unsigned result, struct str text)
{
	struct note_queue_result note = { .result = result,
	    .text = str_sub(text, 0, TEXT_MAX) };

	if (c != NULL)
		note_answer_queue_result(c, ticket, &note);
}

/* Who asked writes down how it ended.  It is gone: then we do, for the next
 * qmgr was not told of what was being tried. */
static void
on_tried(void *arg, unsigned result, struct str text)
{
	struct waiter *w = arg;
	struct message *m = spool_find(spoold.spool, str_of(w->mid));
	struct chan *c = asker(w);

	if (c != NULL)
		say_result(c, w->ticket, result, text);
	else if (m != NULL && m->to[w->number].state == DELIVERY_WAITS)
		wait_defer(m, w->number, text, result == QUEUE_DEADLY);
	free(w);
}

static void
on_try(struct chan *c, const struct note *n)
{
	uint32_t number = n->u.queue_try.number;
	struct message *m = spool_find(spoold.spool, n->u.queue_try.mid);

	if (m == NULL || number >= m->env.n_to ||
	    m->env.to[number].kind != ROUTE_LOCAL ||
	    m->to[number].state >= DELIVERY_WRITTEN) {
		say_result(c, n->ticket, QUEUE_DELIVERED, STR("is gone"));
	} else if (m->to[number].state != DELIVERY_WAITS) {
		say_result(c, n->ticket, QUEUE_UNKNOWN,
		    STR("is being handed over"));
	} else {
		m->to[number].repeat = true;
		deliver_queue(m, number, on_tried,
		    waiter_of(c, n->ticket, m, number));
	}
	spoold_gather();
}

/* --- marks --------------------------------------------------------------- */

static void
say_marked(struct chan *c, uint32_t ticket, int fail)
{
	struct note_queue_marked note = { .failed = (uint32_t)-fail };

	if (c != NULL)
		note_answer_queue_marked(c, ticket, &note);
}

/* A qmgr that came since then was told of it before it ended. */
static void
on_marked(void *arg, int fail)
{
	struct waiter *w = arg;
	struct str mid = str_of(w->mid);
	struct message *m = spool_find(spoold.spool, mid);
	struct chan *c = asker(w);

	if (m != NULL)
		m->to[w->number].asked = false;
	if (c == NULL && w->ends && fail == 0)
		say_gone(mid, w->number);
	say_marked(c, w->ticket, fail);
	free(w);
}

static uint32_t
state_for(uint32_t queue_state)
{
	switch (queue_state) {
	case QUEUE_HELD:
		return RECIPIENT_HELD;
	case QUEUE_REMOVED:
	case QUEUE_BOUNCED:
	case QUEUE_SENT:
		return RECIPIENT_DONE;
	default:
		return RECIPIENT_WAITS;
	}
}

static const char *
event_for(uint32_t queue_state)
{
	return queue_state == QUEUE_REMOVED ? "queue-removed" :
	    "queue-bounced";
}

static void
on_mark(struct chan *c, const struct note *n)
{
	const struct note_queue_mark *q = &n->u.queue_mark;
	struct message *m = spool_find(spoold.spool, q->mid);
	struct mark mark = {
		.number = q->number, .state = state_for(q->state),
		.attempts = q->attempts, .next_ms = q->next_ms,
		.told = q->told, .reason = q->reason,
	};
	struct waiter *w;

	if (m == NULL || q->number >= m->env.n_to ||
	    m->to[q->number].state >= DELIVERY_WRITTEN) {
		say_marked(c, n->ticket, FAIL_GONE);
	} else {
		mark.redelivery = m->env.to[q->number].redelivery;
		if (q->state == QUEUE_RELEASED)	/* an operator has looked */
			m->to[q->number].deaths = 0;
		m->to[q->number].asked = mark.state == RECIPIENT_DONE;
		/* of who was sent remote and qmgr have told the log */
		if (mark.state == RECIPIENT_DONE && q->state != QUEUE_SENT) {
			spoold_log(LOG_LEVEL_INFO, event_for(q->state), m);
			log_str("recipient", m->env.to[q->number].address);
			log_str("reason", q->reason);
			log_end();
		}
		w = waiter_of(c, n->ticket, m, q->number);
		w->ends = mark.state == RECIPIENT_DONE;
		spool_mark(spoold.spool, m, &mark, on_marked, w);
	}
	spoold_gather();
}

/* Who is still in doubt, or was, is to no qmgr one that waits. */
static void
on_sent(void *arg, int fail)
{
	struct waiter *w = arg;
	struct message *m = spool_find(spoold.spool, str_of(w->mid));

	if (fail != 0 && m != NULL)
		wait_tell(m, w->number);
	free(w);
}

/* A host elsewhere has it.  qmgr's own mark comes later, or never. */
void
wait_sent(const struct note *n)
{
	const struct note_remote_sent *r = &n->u.remote_sent;
	struct message *m = spool_find(spoold.spool, r->mid);
	struct mark mark = { .number = r->number, .state = RECIPIENT_DONE };

	spoold_gather();
	if (m == NULL || r->number >= m->env.n_to ||
	    m->env.to[r->number].kind != ROUTE_REMOTE ||
	    m->to[r->number].state != DELIVERY_WAITS ||
	    m->to[r->number].ending)
		return;
	mark.redelivery = m->env.to[r->number].redelivery;
	spool_mark(spoold.spool, m, &mark, on_sent, waiter_new(m, r->number));
}

/* --- veredus spool check ------------------------------------------------- */

struct check {
	struct chan	*c;
	uint32_t	ticket;
	uint32_t	count;
};

static void
finding(struct check *k, uint32_t severity, const char *item,
    const char *text)
{
	struct note_spool_finding note = { .severity = severity,
	    .item = str_of(item), .text = str_of(text) };

	note_answer_spool_finding(k->c, k->ticket, &note);
	k->count += severity > 0;
}

static void
put_aside_item(void *arg, const char *name)
{
	char item[128];

	snprintf(item, sizeof(item), "corrupt/%.100s", name);
	finding(arg, 1, item, "was damaged and put aside; look at it, then "
	    "remove it");
}

static void
on_check(struct chan *c, const struct note *n)
{
	struct check k = { .c = c, .ticket = n->ticket };
	struct note_ctl_done done = { .failed = 0 };
	struct journal *j = spoold.spool->journal;
	char text[120];

	snprintf(text, sizeof(text), "%u segments free, %zu messages in "
	    "memory", journal_free(j), dict_len(&spoold.spool->messages));
	finding(&k, 0, "journal", text);
	if (journal_dead(j))
		finding(&k, 2, "journal", "two errors: nothing is accepted "
		    "until spoold is started again");
	if (journal_free(j) <= journal_reserve(j))
		finding(&k, 2, "journal", "is full: mail is answered 452");
	(void)spoold.disk.list(spoold.disk.ctx, "corrupt", put_aside_item, &k);
	done.count = k.count;
	note_answer_ctl_done(c, n->ticket, &done);
}

void
wait_note(struct chan *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_QUEUE_TRY:
		on_try(c, n);
		break;
	case NOTE_QUEUE_MARK:
		on_mark(c, n);
		break;
	case NOTE_SPOOL_CHECK:
		on_check(c, n);
		break;
	case NOTE_DROP_LOOK:
		maildrop_look(c, n->ticket);
		break;
	default:
		break;
	}
}
