/* SPDX-License-Identifier: ISC */
/*
 * qmgr/qmgr.c - the process that knows all mail that waits: what is due is
 * tried again, what fails for good is bounced, what is held stays.
 *
 * In: QUEUE_NEW and QUEUE_GONE of spoold, results of tries, the operator's
 * wishes by ctld.  Out: QUEUE_TRY and QUEUE_MARK to spoold, who writes states
 * down; BOUNCE_MAKE to bounce.  It keeps nothing: when it dies, spoold tells
 * the new one everything; it never sees a message's bytes.
 *
 * Local recipients go by spoold to stored (QUEUE_TRY, here); those elsewhere
 * by lanes to remote (send.c).
 */
#include "qmgr/qmgr.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "daemon/daemon.h"
#include "mail/code.h"
#include "qmgr/resume.h"
#include "qmgr/rule.h"
#include "qmgr/schedule.h"
#include "qmgr/send.h"
#include "qmgr/where.h"
#include "qmgr/why.h"

#include "base/banned.h"

enum {
	TRIES_MAX = 64,		/* unanswered QUEUE_TRYs */
	UNKNOWN_ENDS_MAX = 3,	/* rule 17: then an operator decides */
	SWEEP_MS = 5000,
	BUSY_MS = 5,		/* spoold has not read what we said */
	WHOLE_MS = 1000,	/* the rest of a message follows at once */
	TOGETHER_MS = 1000,	/* due so soon, it goes along */
};

struct qmgr qmgr;

void
qmgr_log(const struct item *i, const char *event)
{
	log_event(LOG_LEVEL_INFO, event);
	log_z("mid", i->message->mid);
	log_u64("number", i->number);
	log_z("to", i->address);
	log_u64("attempts", i->attempts);
}

void
qmgr_look(void)
{
	defer_put(&qmgr.look);
}

/* --- marks --------------------------------------------------------------- */

/* spoold reads between two flushes, and what it has not read must not pile up
 * in the channel: thousands may be sent, or held, in one moment. */
struct late {
	struct link	link;
	struct item	*item;
	enum queue_state state;
	chan_then_fn	*then;
};

static void
say_mark(struct item *i, enum queue_state state, chan_then_fn *then)
{
	struct note_queue_mark n = { .mid = str_of(i->message->mid),
	    .number = i->number, .state = state, .attempts = i->attempts,
	    .told = i->is_told, .next_ms = i->next_ms,
	    .reason = str_of(i->reason) };

	ask_queue_mark(daemon_peer(SPOOLD, 0), &n, then, i);
}

static void
late_free(struct late *l)
{
	l->item->late = NULL;
	list_remove(&l->link);
	free(l);
}

static void
say_late(void)
{
	struct link *e;

	while (!chan_busy(daemon_peer(SPOOLD, 0)) &&
	    (e = list_first(&qmgr.late)) != NULL) {
		struct late *l = container_of(e, struct late, link);

		say_mark(l->item, l->state, l->then);
		late_free(l);
	}
	if (daemon_draining())
		send_drain();
}

bool
qmgr_owes_marks(void)
{
	return !list_empty(&qmgr.late);
}

void
qmgr_mark(struct item *i, enum queue_state state, chan_then_fn *then)
{
	struct late *l;

	send_take(i);
	queue_ready(&qmgr.queue, i, false);
	queue_busy(&qmgr.queue, i, true);
	if (!qmgr_owes_marks() && !chan_busy(daemon_peer(SPOOLD, 0))) {
		say_mark(i, state, then);
		return;
	}
	l = xcalloc(1, sizeof(*l));
	*l = (struct late){ .item = i, .state = state, .then = then };
	i->late = l;
	list_push(&qmgr.late, &l->link);
	qmgr_look();
}

void
qmgr_remove(struct item *i)
{
	if (i->late != NULL)
		late_free(i->late);
	else if (i->is_busy)
		chan_forget(daemon_peer(SPOOLD, 0), i);
	send_forget(i);
	send_take(i);
	queue_remove(&qmgr.queue, i);
}

/* --- later --------------------------------------------------------------- */

/* Written or not: it waits.  Unwritten, a restart tries it earlier. */
static void
on_waits(void *session, const struct note *n)
{
	struct item *i = session;

	(void)n;
	queue_busy(&qmgr.queue, i, false);
	qmgr_look();
}

/* The next try, but never past the end of its life. */
void
qmgr_defer(struct item *i, struct str reason)
{
	const struct conf *c = daemon_conf();
	int64_t now = clock_real_ms(), next = now + schedule_wait_ms(
	    i->attempts, c->queue.retry, c->queue.retry_max, i->message->dice);

	if (next > i->expires_ms)
		next = i->expires_ms;
	if (str_cmp(reason, str_of(i->reason)) != 0)
		item_set_reason(i, reason);
	i->next_ms = next;
	qmgr.deferred++;
	qmgr_log(i, "queue-deferred");
	log_z("reason", i->reason);
	log_i64("next_s", (next - now) / 1000);
	log_end();
	qmgr_mark(i, QUEUE_WAITS, on_waits);
}

/* --- tries --------------------------------------------------------------- */

static void
on_held(void *session, const struct note *n)
{
	struct item *i = session;

	(void)n;
	queue_hold(&qmgr.queue, i, true);
	queue_busy(&qmgr.queue, i, false);
}

void
qmgr_hold(struct item *i, enum log_level level)
{
	log_event(level, "queue-held");
	log_z("mid", i->message->mid);
	log_u64("number", i->number);
	log_z("to", i->address);
	log_z("reason", i->reason);
	log_end();
	qmgr_mark(i, QUEUE_HELD, on_held);
}

/* The mail may be delivered: rule 17. */
void
qmgr_unknown_end(struct item *i)
{
	i->unknown_ends++;
	if (i->unknown_ends < UNKNOWN_ENDS_MAX || !QMGR_RULE(17)) {
		qmgr_defer(i, i->kind == ROUTE_REMOTE && i->reason[0] != '\0' ?
		    str_of(i->reason) : STR("the delivery was interrupted"));
		return;
	}
	item_set_reason(i, STR("three deliveries were interrupted: held, "
	    "an operator should look"));
	qmgr_hold(i, LOG_LEVEL_WARN);
}

static void
delivered(struct item *i)
{
	qmgr.delivered++;
	qmgr_log(i, "queue-delivered");
	log_end();
	qmgr_remove(i);
}

static void
on_result(void *session, const struct note *n)
{
	const struct note_queue_result *r = note_as_queue_result(n);
	struct item *i = session;

	qmgr.trying--;
	qmgr_look();
	i->attempts++;
	switch (r != NULL ? (enum queue_result)r->result : QUEUE_UNKNOWN) {
	case QUEUE_DELIVERED:
		delivered(i);
		return;
	case QUEUE_LATER:
		qmgr_defer(i, r->text);
		return;
	case QUEUE_NEVER:
		item_set_reason(i, r->text);
		fail_item(i, "5.0.0");
		return;
	case QUEUE_DEADLY:
		item_set_reason(i, r->text);
		qmgr_hold(i, LOG_LEVEL_WARN);
		return;
	case QUEUE_UNKNOWN:
		break;
	}
	qmgr_unknown_end(i);
}

/* Who waited in a paused lane never had a try of its own: the lane's reason is
 * his. */
static void
expire(struct item *i)
{
	const struct lane *l = item_lane(i);
	const char *last = i->reason[0] == '\0' && l != NULL &&
	    l->reason != NULL ? l->reason : i->reason;
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s%s", last[0] != '\0' ?
	    "not delivered in time; the last attempt ended with: " :
	    "not delivered in time", last);
	send_take(i);
	item_set_reason(i, str_of(text));
	fail_item(i, "5.4.7");
}

/* Those of a message that are due now, or nearly, go together. */
static void
ready_all(const struct message *m)
{
	int64_t soon = clock_real_ms() + TOGETHER_MS;
	struct link *e;

	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->kind == ROUTE_REMOTE && item_waits(i) &&
		    i->next_ms <= soon)
			send_ready(i);
	}
}

/* smtpd would not take it, and its sender was gone already: the reply is the
 * reason.  One that stayed "later" to the end is over like any other. */
static void
refused(struct item *i)
{
	struct str code = code_of_reply(str_of(i->reason));
	char status[16];

	(void)snprintf(status, sizeof(status), "%.*s", STR_ARG(code));
	fail_item(i, str_starts(code, "5") ? status : "5.4.7");
}

static void
try_item(struct item *i)
{
	struct note_queue_try n = { .mid = str_of(i->message->mid),
	    .number = i->number };

	if (i->kind == ROUTE_REMOTE) {
		ready_all(i->message);
		return;
	}
	if (i->kind == ROUTE_REFUSED) {
		refused(i);
		return;
	}
	qmgr.trying++;
	queue_busy(&qmgr.queue, i, true);
	ask_queue_try(daemon_peer(SPOOLD, 0), &n, on_result, i);
}

/* Its time has come: for a try, for the notice of a delay, or for good. */
static void
is_due(struct item *i, int64_t now_ms)
{
	if (now_ms >= i->expires_ms && !i->is_sent)
		expire(i);
	else if (i->notice_ms > 0 && i->notice_ms <= now_ms)
		fail_delay(i);
	else
		try_item(i);
}

static void
set_clock(void)
{
	int64_t next = queue_next_ms(&qmgr.queue), now = clock_real_ms();
	int64_t lanes = send_next_ms();

	if (next < 0 || (lanes >= 0 && lanes < next))
		next = lanes;
	if (chan_busy(daemon_peer(SPOOLD, 0))) {
		timer_set(&qmgr.clock, BUSY_MS);
		return;
	}
	if (next < 0 || qmgr.trying >= TRIES_MAX)
		timer_stop(&qmgr.clock);
	else	/* the wall clock may be set: look again in a while */
		timer_set(&qmgr.clock, next <= now ? 0 : next - now < 60000 ?
		    next - now : 60000);
}

static void
look(struct defer *d)
{
	struct chan *spoold = daemon_peer(SPOOLD, 0);
	struct item *i;

	(void)d;
	say_late();
	while (qmgr.trying < TRIES_MAX && chan_ok(spoold) &&
	    !chan_busy(spoold) &&
	    (i = queue_due(&qmgr.queue, clock_real_ms())) != NULL)
		is_due(i, clock_real_ms());
	send_look();
	set_clock();
}

static void
on_clock(struct timer *t)
{
	(void)t;
	look(NULL);
}

/* --- what spoold tells --------------------------------------------------- */

/* Lifetime and notices by the settings of now, also for what is here. */
static void
set_times(struct item *i)
{
	const struct conf *c = daemon_conf();
	int64_t received = i->message->received_ms;

	i->expires_ms = received + c->queue.lifetime;
	i->notice_ms = !i->is_late && fail_tells_delay(i) ? received +
	    c->queue.delay_notice : 0;
}

/* A first failure comes without a time: the back-off begins here. */
static void
on_new(const struct note_queue_new *n)
{
	struct item *i;

	i = queue_item(&qmgr.queue, n->mid, n->number);
	if (i != NULL && (i->trip != NULL || i->has_failed || i->is_sent))
		return;		/* what it is in ends with an answer */
	if (i != NULL)
		qmgr_remove(i);
	i = queue_add(&qmgr.queue, n);
	queue_comes(&qmgr.queue, i->message, n->more ? clock_real_ms() +
	    WHOLE_MS : 0);
	resume_look(n);
	set_times(i);
	if (send_adopt(i))
		;
	else if (n->in_doubt) {
		i->in_doubt = true;
		queue_busy(&qmgr.queue, i, true);
	} else if (n->held)
		queue_hold(&qmgr.queue, i, true);
	else if (n->kind == ROUTE_REMOTE && daemon_conf()->spool.hold) {
		item_set_reason(i, STR("hold-travelling is on"));
		qmgr_mark(i, QUEUE_HELD, on_held);
	} else if (n->next_ms == 0 && n->attempts > 0)
		qmgr_defer(i, n->reason);
	else
		queue_wait(&qmgr.queue, i, n->next_ms);
	qmgr_look();
}

static void
on_gone(const struct note_queue_gone *n)
{
	struct item *i = queue_item(&qmgr.queue, n->mid, n->number);

	if (i != NULL && i->trip != NULL)
		i->is_over = true;	/* its lane wants to hear the row */
	else if (i != NULL)
		qmgr_remove(i);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_QUEUE_NEW)
		on_new(note_as_queue_new(n));
	else if (n->kind == NOTE_QUEUE_GONE)
		on_gone(note_as_queue_gone(n));
	else if (n->kind == NOTE_QUEUE_LOADED)
		send_loaded();
	else if (n->kind == NOTE_QUEUE_LIST)
		act_list(c, n);
	else if (n->kind == NOTE_QUEUE_WHY)
		act_why(c, n);
	else if (n->kind == NOTE_LANE_ASK)
		why_ask_lane(c, n);
	else if (n->kind == NOTE_QUEUE_ACT)
		act_do(c, n);
}

/* --- the process --------------------------------------------------------- */

/* What was asked in the moment of its death is answered in the next pass: by
 * then the items are gone. */
static void
forget_asks(void)
{
	struct link *m, *e;

	list_each(m, &qmgr.queue.messages) {
		struct message *one = container_of(m, struct message, link);

		if (one->mid[0] == '\0')
			continue;
		list_each(e, &one->items) {
			struct item *i = container_of(e, struct item, link);

			if (i->is_busy)
				chan_forget(NULL, i);
		}
	}
}

/* Items leave their lanes before they go; the lanes stay. */
static void
forget_lanes(void)
{
	struct link *m, *e;

	list_each(m, &qmgr.queue.messages) {
		struct message *one = container_of(m, struct message, link);

		if (one->mid[0] == '\0')
			continue;
		list_each(e, &one->items)
			send_drop(container_of(e, struct item, link));
	}
}

static void
on_peer(struct chan *c)
{
	if (c->peer == REMOTE)
		qmgr_look();
}

static void
on_sweep(struct timer *t)
{
	int64_t now = clock_real_ms();

	lanes_sweep(&qmgr.lanes, now);
	where_sweep(now);
	timer_set(t, SWEEP_MS);
}

static void
on_reload(void)
{
	struct link *m, *e;

	send_reload();
	list_each(m, &qmgr.queue.messages) {
		struct message *one = container_of(m, struct message, link);

		if (one->mid[0] == '\0')
			continue;
		list_each(e, &one->items) {
			struct item *i = container_of(e, struct item, link);

			set_times(i);
			queue_ready(&qmgr.queue, i, i->is_ready);
		}
	}
	qmgr_look();
}

const char *
qmgr_source(void)
{
	struct str source = daemon_conf()->remote.source_ipv4;

	if (source.n == 0)
		source = STR("out");
	(void)snprintf(qmgr.source, sizeof(qmgr.source), "%.*s",
	    STR_ARG(source));
	return qmgr.source;
}

static void
on_peer_gone(struct chan *c)
{
	act_chan_gone(c);
	why_chan_gone(c);
	if (c->peer != SPOOLD)
		return;
	fail_forget();
	forget_asks();
	while (qmgr_owes_marks())
		late_free(container_of(list_first(&qmgr.late), struct late,
		    link));
	send_forget_all();
	forget_lanes();
	queue_clear(&qmgr.queue);
	qmgr.trying = 0;
	timer_stop(&qmgr.clock);
}

static void
before_cage(void)
{
	digest_warm();
}

static bool
start(void)
{
	queue_init(&qmgr.queue);
	timer_init(&qmgr.clock, on_clock);
	defer_init(&qmgr.look, look);
	list_init(&qmgr.late);
	timer_init(&qmgr.sweep, on_sweep);
	timer_set(&qmgr.sweep, SWEEP_MS);
	send_init();
	return true;
}

static void
on_stat(void)
{
	daemon_stat("recipients", qmgr.queue.items);
	daemon_stat("held", qmgr.queue.held);
	daemon_stat("delivered", qmgr.delivered);
	daemon_stat("deferred", qmgr.deferred);
	daemon_stat("bounced", qmgr.bounced);
	daemon_stat("out", qmgr.lanes.out_all);
	daemon_stat("lanes", dict_len(&qmgr.lanes.by_key));
	daemon_stat("not-trusted", qmgr.distrusted);
	daemon_stat("no-name-server", where_failing());
}

static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	send_drain();
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = QMGR, .before_cage = before_cage, .start = start,
		.on_peer = on_peer, .on_note = on_note, .on_reload = on_reload,
		.on_peer_gone = on_peer_gone, .on_drain = on_drain,
		.on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
