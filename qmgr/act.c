/* SPDX-License-Identifier: ISC */
/*
 * qmgr/act.c - what the operator asks: list the queue, retry, hold, release,
 * remove.
 *
 * A queue may hold a million messages: a job walks it as far as the channels
 * take, rests, and goes on.  Its place is a marker in the list of messages,
 * so that the queue may change meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "qmgr/qmgr.h"
#include "qmgr/send.h"
#include "qmgr/why.h"

#include "base/banned.h"

enum { REST_MS = 5, MESSAGES_A_TURN = 500 };

struct job;
typedef void job_fn(struct job *j, struct item *i);

struct job {
	struct link	link;		/* of all jobs */
	struct message	marker;		/* its mid is empty */
	struct timer	rest;
	struct chan	*chan;
	uint32_t	ticket;
	job_fn		*fn;
	enum queue_verb	verb;
	char		*mid, *address, *reason;
	char		in[27];		/* the message it rests in, ... */
	uint32_t	from;		/* ... and the number it goes on with */
	uint32_t	count;		/* of what it did something to */
	const void	*lane_told;	/* the last one, not to tell it twice */
	uint32_t	busy;		/* of what could not be touched just now */
	uint32_t	held;		/* of what only a release sets going */
	uint32_t	paused, probed;	/* of what is to be tried: its lane is,
					 * or was until now */
};

static struct link jobs = { &jobs, &jobs };

static job_fn put_why, do_verb;

static void
job_free(struct job *j)
{
	list_remove(&j->link);
	list_remove(&j->marker.link);
	timer_stop(&j->rest);
	free(j->mid);
	free(j->address);
	free(j->reason);
	free(j);
}

void
act_chan_gone(const struct chan *c)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &jobs) {
		struct job *j = container_of(e, struct job, link);

		if (j->chan == c)
			job_free(j);
	}
}

/* --- walking ------------------------------------------------------------- */

/* What was done and what was left, and why: nothing is skipped in silence. */
static void
put_sum(const struct job *j, struct buf *out)
{
	static const char *const done[] = { [QUEUE_RETRY] = "to be tried now",
	    [QUEUE_HOLD] = "held", [QUEUE_RELEASE] = "released",
	    [QUEUE_RM] = "removed" };

	buf_fmt(out, "%u %s", j->count, done[j->verb]);
	if (j->held > 0)
		buf_fmt(out, "; %u held, left as they are: see `veredus queue "
		    "release'", j->held);
	if (j->busy > 0)
		buf_fmt(out, "; %u left: being tried this moment, in doubt, or "
		    "their sender is being told; ask again", j->busy);
}

/* A retry is not a try at once where a lane sends one message first. */
static void
put_lanes(const struct job *j, struct buf *out)
{
	if (j->paused > 0)
		buf_fmt(out, "; %u of these wait in a paused lane: only a "
		    "message or an address that is named ends its pause",
		    j->paused);
	if (j->probed > 0)
		buf_fmt(out, "; %u of these in a lane that was paused: one "
		    "message is sent to see, the others when it has its reply",
		    j->probed);
}

static void
finish(struct job *j)
{
	struct note_ctl_done n = { .count = j->count };
	bool is_named = j->mid[0] != '\0' || j->address[0] != '\0';
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (is_named && j->count == 0 && j->busy == 0 && j->held == 0) {
		n.failed = (uint32_t)-FAIL_GONE;
		n.text = j->fn == put_why ? STR("nothing in the queue is "
		    "called that; for what has left it see `veredus trace'") :
		    STR("nothing in the queue is called that");
	} else if (j->fn == do_verb) {
		put_sum(j, &text);
		put_lanes(j, &text);
		n.failed = (uint32_t)-(j->busy > 0 ? FAIL_TEMP :
		    is_named && j->count == 0 ? FAIL_PERM : 0);
		n.text = buf_str(&text);
	}
	note_answer_ctl_done(j->chan, j->ticket, &n);
	buf_free(&text);
	job_free(j);
}

static bool
may_go_on(const struct job *j)
{
	return !chan_busy(j->chan) && (daemon_peer(SPOOLD, 0) == NULL ||
	    !chan_busy(daemon_peer(SPOOLD, 0)));
}

/* False: the channels are full, the rest later.  A thousand recipients are
 * more than a channel holds. */
static bool
visit(struct job *j, struct message *m)
{
	struct link *e, *tmp;

	if (strcmp(j->in, m->mid) != 0)
		j->from = 0;		/* it has left meanwhile */
	list_each_safe(e, tmp, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->number < j->from || !item_matches(i, str_of(j->mid),
		    str_of(j->address)))
			continue;
		if (!may_go_on(j)) {
			j->from = i->number;
			memcpy(j->in, m->mid, sizeof(j->in));
			return false;
		}
		j->count++;
		j->fn(j, i);
	}
	j->in[0] = '\0';
	return true;
}

static void
place_before(struct job *j, struct link *message)
{
	list_remove(&j->marker.link);
	list_push(message, &j->marker.link);
}

static void
walk(struct job *j)
{
	struct link *here = &j->marker.link, *next;

	for (int k = 0; k < MESSAGES_A_TURN && may_go_on(j); k++) {
		next = here->next;
		if (next == &qmgr.queue.messages) {
			finish(j);
			return;
		}
		/* the marker steps over it before it may vanish */
		place_before(j, next->next);
		if (container_of(next, struct message, link)->mid[0] != '\0' &&
		    !visit(j, container_of(next, struct message, link)))
			place_before(j, next);
	}
	timer_set(&j->rest, REST_MS);
}

static void
on_rest(struct timer *t)
{
	walk(container_of(t, struct job, rest));
}

static struct job *
job_new(struct chan *c, uint32_t ticket, job_fn *fn, struct str mid,
    struct str address)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->chan = c;
	j->ticket = ticket;
	j->fn = fn;
	j->mid = xmemdupz(mid.p, mid.n);
	j->address = xmemdupz(address.p, address.n);
	timer_init(&j->rest, on_rest);
	list_init(&j->marker.items);
	list_unshift(&qmgr.queue.messages, &j->marker.link);
	list_push(&jobs, &j->link);
	return j;
}

/* --- list ---------------------------------------------------------------- */

static struct str
state_name(const struct item *i)
{
	return i->is_held ? STR("held") : i->in_doubt ? STR("in doubt") :
	    i->is_busy ? STR("active") : STR("waiting");
}

static void
put_row(struct job *j, struct item *i)
{
	const struct message *m = i->message;
	struct note_queue_row n = { .mid = str_of(m->mid), .number = i->number,
	    .sender = str_of(m->sender), .address = str_of(i->address),
	    .size = m->size, .received_ms = m->received_ms,
	    .next_ms = why_next_ms(i), .attempts = i->attempts,
	    .expires_ms = i->expires_ms, .state = state_name(i),
	    .reason = str_of(i->reason) };
	char now[WHY_NOW_MAX];
	struct str mx;
	const struct lane *l = why_lane(i, &mx);

	n.now = why_now(i, now);
	if (l != NULL)
		n.lane = str_of(l->key);
	note_answer_queue_row(j->chan, j->ticket, &n);
}

static void
put_why(struct job *j, struct item *i)
{
	put_row(j, i);
	why_put(j->chan, j->ticket, i, &j->lane_told);
}

void
act_why(struct chan *c, const struct note *n)
{
	const struct note_queue_why *q = note_as_queue_why(n);

	walk(job_new(c, n->ticket, put_why, q->mid, q->address));
}

void
act_list(struct chan *c, const struct note *n)
{
	const struct note_queue_list *q = note_as_queue_list(n);

	walk(job_new(c, n->ticket, put_row, q->mid, q->address));
}

/* --- verbs --------------------------------------------------------------- */

static void
on_done_holding(void *session, const struct note *n)
{
	struct item *i = session;

	queue_hold(&qmgr.queue, i, n != NULL && n->u.queue_marked.failed == 0);
	queue_busy(&qmgr.queue, i, false);
	qmgr_look();
}

static void
on_released(void *session, const struct note *n)
{
	struct item *i = session;

	if (n != NULL && n->u.queue_marked.failed == 0)
		queue_hold(&qmgr.queue, i, false);
	queue_busy(&qmgr.queue, i, false);
	qmgr_look();
}

static void
on_removed(void *session, const struct note *n)
{
	struct item *i = session;

	if (n != NULL && n->u.queue_marked.failed == 0)
		qmgr_remove(i);
	else
		queue_busy(&qmgr.queue, i, false);
}

/* Now: also where its lane pauses, if it was meant by its name. */
static void
retry(struct job *j, struct item *i)
{
	int64_t now = clock_real_ms();
	struct str mx;
	struct lane *l = why_lane(i, &mx);

	if (l != NULL && (j->mid[0] != '\0' || j->address[0] != '\0'))
		lane_resume(&qmgr.lanes, l, now);
	if (l != NULL && lane_paused(l, now))
		j->paused++;
	else if (l != NULL && l->is_probing)
		j->probed++;
	send_take(i);
	queue_wait(&qmgr.queue, i, now);
}

static void
do_verb(struct job *j, struct item *i)
{
	/* what is being done this moment ends as it will */
	if (i->is_busy || i->has_failed) {
		j->count--;
		j->busy++;
		return;
	}
	switch (j->verb) {
	case QUEUE_RETRY:
		if (i->is_held) {
			j->count--;
			j->held++;
		} else
			retry(j, i);
		return;
	case QUEUE_HOLD:
		if (j->reason[0] != '\0')
			item_set_reason(i, str_of(j->reason));
		qmgr_mark(i, QUEUE_HELD, on_done_holding);
		return;
	case QUEUE_RELEASE:
		i->next_ms = clock_real_ms();
		qmgr_mark(i, QUEUE_RELEASED, on_released);
		return;
	case QUEUE_RM:
		qmgr_log(i, "queue-removed");
		log_z("reason", j->reason);
		log_end();
		qmgr_mark(i, QUEUE_REMOVED, on_removed);
		return;
	}
}

void
act_do(struct chan *c, const struct note *n)
{
	const struct note_queue_act *q = note_as_queue_act(n);
	struct note_ctl_done no = { .failed = (uint32_t)-FAIL_SYNTAX,
	    .text = STR("which message? an id, an address, or all") };
	struct job *j;

	if (q->verb > QUEUE_RM || (q->mid.n == 0 && q->address.n == 0 &&
	    !q->all)) {
		note_answer_ctl_done(c, n->ticket, &no);
		return;
	}
	j = job_new(c, n->ticket, do_verb, q->mid, q->address);
	j->verb = (enum queue_verb)q->verb;
	j->reason = xmemdupz(q->reason.p, q->reason.n);
	walk(j);
	qmgr_look();
}
