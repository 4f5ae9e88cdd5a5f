/* SPDX-License-Identifier: ISC */
/*
 * qmgr/send.c - tries: some recipients of one message, at one domain, given
 * to remote at once; and what follows from each answer.
 *
 *	accepted			marked sent (QUEUE_MARK), gone
 *	later, nobody there		waits by the back-off
 *	slow				its lane pauses, it goes first as the probe
 *	never, bad address, policy	bounced
 *	reputation			bulk is held, a person's mail bounced
 *	nobody saw the end		again, three times (rule 17)
 *
 * What a reply means is said by conf/providers.conf, not by its code.  A mark
 * that cannot be written is tried again until it can: the mail was accepted,
 * and sending it once more would be a duplicate.
 */
#include "qmgr/send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "daemon/daemon.h"
#include "qmgr/qmgr.h"
#include "qmgr/resume.h"
#include "qmgr/schedule.h"
#include "qmgr/terms.h"
#include "qmgr/where.h"

#include "base/banned.h"

enum {
	RECIPIENTS_MAX = 1000,
	MARK_AGAIN_MS = 5000,
	YIELD_MS = 5000,
};

/* One REMOTE_TRY that is out. */
struct trip {
	struct link	link;
	struct link	fresh;		/* oldest first, until it yields */
	int64_t		began_ms;
	struct lane	*lane;
	enum lane_health began;
	char		mid[MID_LEN + 1];
	struct item	**item;		/* NULL: forgotten, or has its row */
	uint32_t	*number;	/* of each */
	size_t		n;
	bool		is_good, is_slow, is_failed, is_unheard;
	bool		is_orphan;
	char		*reason;	/* of the lane's pause */
};

static struct link trips = { &trips, &trips };
static struct link fresh = { &fresh, &fresh };
static struct timer silence;	/* of the first of them */

static void	on_silence(struct timer *timer);
/* Begun before spoold died: who is in them is told to us again, and must not
 * be sent again. */
static struct link orphans = { &orphans, &orphans };
/* Accepted there, and spoold died before that was written down: marked when
 * it tells of them again, not sent.  By id and number. */
static struct dict unwritten;

void
send_reload(void)
{
	terms_load();
	lanes_set_most(&qmgr.lanes, daemon_conf()->queue.connections);
}

void
send_init(void)
{
	lanes_init(&qmgr.lanes, daemon_conf()->queue.connections);
	dict_init(&unwritten);
	timer_init(&silence, on_silence);
	where_init();
	terms_init();
	resume_init();
}

const char *
stage_text(uint32_t stage)
{
	static const char *const texts[] = {
		[STAGE_DNS] = "the look-up", [STAGE_CONNECT] = "connecting",
		[STAGE_GREETING] = "the greeting", [STAGE_EHLO] = "EHLO",
		[STAGE_TLS] = "TLS", [STAGE_AUTH] = "AUTH",
		[STAGE_MAIL] = "MAIL", [STAGE_RCPT] = "RCPT",
		[STAGE_DATA] = "DATA", [STAGE_DOT] = "the end of the message",
		[STAGE_QUIT] = "QUIT",
	};

	return stage < NITEMS(texts) ? texts[stage] : "?";
}

/* --- trips --------------------------------------------------------------- */

static void
trip_free(struct trip *t)
{
	list_remove(&t->link);
	list_remove(&t->fresh);
	free(t->item);
	free(t->number);
	free(t->reason);
	free(t);
}

static struct item *
take_number(struct trip *t, uint32_t number)
{
	for (size_t k = 0; k < t->n; k++) {
		struct item *i = t->item[k];

		if (i != NULL && i->number == number) {
			t->item[k] = NULL;
			i->trip = NULL;
			return i;
		}
	}
	return NULL;
}

void
send_forget(struct item *i)
{
	if (i->trip != NULL)
		(void)take_number(i->trip, i->number);
}

void
send_forget_all(void)
{
	struct link *e;

	while ((e = list_pop(&trips)) != NULL) {
		struct trip *t = container_of(e, struct trip, link);

		for (size_t k = 0; k < t->n; k++) {
			if (t->item[k] != NULL)
				t->item[k]->trip = NULL;
			else	/* it has its row: what it was is known */
				t->number[k] = UINT32_MAX;
			t->item[k] = NULL;
		}
		t->is_orphan = true;
		list_push(&orphans, e);
	}
}

static struct str
unwritten_key(const char *mid, uint32_t number, uint8_t out[MID_LEN + 4])
{
	memcpy(out, mid, MID_LEN);
	memcpy(out + MID_LEN, &number, 4);
	return str_mem(out, MID_LEN + 4);
}

static void
remember_sent(const char *mid, uint32_t number)
{
	uint8_t key[MID_LEN + 4];

	(void)dict_put(&unwritten, unwritten_key(mid, number, key),
	    &unwritten);
}

void
send_loaded(void)
{
	resume_over();
	dict_free(&unwritten);
	dict_init(&unwritten);
	qmgr_look();
}

static void	mark_sent(struct item *i);

bool
send_adopt(struct item *i)
{
	uint8_t key[MID_LEN + 4];
	struct link *e;

	if (dict_del(&unwritten, unwritten_key(i->message->mid, i->number,
	    key)) != NULL) {
		mark_sent(i);
		return true;
	}
	list_each(e, &orphans) {
		struct trip *t = container_of(e, struct trip, link);

		if (strcmp(t->mid, i->message->mid) != 0)
			continue;
		for (size_t k = 0; k < t->n; k++)
			if (t->number[k] == i->number) {
				t->item[k] = i;
				i->trip = t;
				queue_busy(&qmgr.queue, i, true);
				return true;
			}
	}
	return false;
}

int64_t
send_since_ms(const struct item *i)
{
	return i->trip != NULL ? i->trip->began_ms : 0;
}

/* --- what became of one recipient ---------------------------------------- */

static void
on_sent(void *session, const struct note *n)
{
	struct item *i = session;

	if (n == NULL || n->u.queue_marked.failed == (uint32_t)-FAIL_TEMP) {
		/* it has been accepted there: only write that down */
		queue_busy(&qmgr.queue, i, false);
		queue_wait(&qmgr.queue, i, clock_real_ms() + MARK_AGAIN_MS);
		qmgr_look();
		return;
	}
	i->is_busy = false;	/* nothing more is asked about it */
	qmgr_remove(i);
}

static void
mark_sent(struct item *i)
{
	item_set_reason(i, STR(""));
	i->is_sent = true;
	qmgr_mark(i, QUEUE_SENT, on_sent);
}

static void
sent(struct item *i, const struct note_remote_row *r)
{
	qmgr.delivered++;
	qmgr_log(i, "queue-sent");
	log_str("host", r->host);
	log_str("reply", r->reply);
	log_end();
	mark_sent(i);
}

/* "HOST said: REPLY", or our own words. */
static void
set_words(struct item *i, const struct note_remote_row *r)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	if (r->code > 0)
		buf_fmt(&b, "%.*s said: ", STR_ARG(r->host));
	buf_add(&b, str_sub(r->reply, 0, TEXT_MAX - b.len));
	item_set_reason(i, buf_str(&b));
	buf_free(&b);
}

static void
remember(struct item *i, const struct note_remote_row *r, enum verdict v)
{
	struct buf b;
	struct attempt a = { .when_ms = clock_real_ms(), .code = r->code,
	    .stage = r->stage, .verdict = v };
	size_t at[4] = { 0 };
	const struct str part[4] = { r->host, r->address, r->tls, r->reply };

	buf_init(&b, 16 * 1024);
	for (int k = 0; k < 4; k++) {
		at[k] = b.len;
		for (size_t j = 0; j < part[k].n; j++)
			buf_c(&b, part[k].p[j] != 0 ? part[k].p[j] : '?');
		buf_c(&b, 0);
	}
	a.host = buf_cstr(&b) + at[0];
	a.address = buf_cstr(&b) + at[1];
	a.tls = buf_cstr(&b) + at[2];
	a.reply = buf_cstr(&b) + at[3];
	item_attempt(i, &a);
	buf_free(&b);
}

/* The receiver's own status where its class is the one of our verdict and of
 * its code; else ours. */
static const char *
status_of(const struct note_remote_row *r, enum verdict v, char out[16])
{
	static const char *const ours[VERDICTS] = {
		[VERDICT_BAD_ADDRESS] = "5.1.1", [VERDICT_POLICY] = "5.7.1",
		[VERDICT_REPUTATION] = "5.7.1",
	};

	if (r->status.n > 0 && r->status.n < 16 && r->status.p[0] == '5' &&
	    (r->code == 0 || r->code / 100 == 5) &&
	    !str_same(r->status, "5.0.0")) {
		memcpy(out, r->status.p, r->status.n);
		out[r->status.n] = '\0';
		return out;
	}
	return ours[v] != NULL ? ours[v] : "5.0.0";
}

static void
back_to_lane(void *session, const struct note *n)
{
	struct item *i = session;

	(void)n;	/* unwritten, a restart tries it earlier */
	queue_busy(&qmgr.queue, i, false);
	queue_ready(&qmgr.queue, i, true);
	where_add(i, true);
	qmgr_look();
}

/* It was not refused, it was asked to come later: first in its lane. */
static void
slow_down(struct item *i, const struct lane *l)
{
	const struct lane_terms t = terms_of(l);
	unsigned rung = l->rung < t.pauses ? l->rung : t.pauses - 1;

	i->next_ms = lane_paused(l, clock_real_ms()) ? l->pause_until_ms :
	    clock_real_ms() + t.pause_ms[rung];
	qmgr.deferred++;
	qmgr_log(i, "queue-slowed");
	log_z("lane", l->key);
	log_z("reason", i->reason);
	log_end();
	qmgr_mark(i, QUEUE_WAITS, back_to_lane);
}

static void
for_good(struct item *i, const struct note_remote_row *r, enum verdict v)
{
	char status[16];

	i->verdict = (uint32_t)v;
	fail_item(i, status_of(r, v, status));
}

/* A 5xx about us holds what is bulk; a 4xx about us is a *too fast*. */
static void
not_trusted(struct trip *t, struct item *i, const struct note_remote_row *r)
{
	if (r->code / 100 != 5) {
		t->is_slow = true;
		slow_down(i, t->lane);
	} else if (i->message->flags & SPOOL_BULK) {
		qmgr.distrusted++;
		qmgr_hold(i, LOG_LEVEL_ERROR);
	} else
		for_good(i, r, VERDICT_REPUTATION);
}

static void
follow(struct trip *t, struct item *i, const struct note_remote_row *r,
    enum verdict v)
{
	t->lane->deferred += v == VERDICT_LATER;
	t->lane->refused += v > VERDICT_SLOW;
	switch (v) {
	case VERDICT_ACCEPTED:
		t->is_good = true;
		sent(i, r);
		break;
	case VERDICT_SLOW:
		t->is_slow = true;
		slow_down(i, t->lane);
		break;
	case VERDICT_LATER:
		/* nobody there, or nobody who lets us in */
		t->is_failed |= r->stage <= STAGE_AUTH &&
		    r->stage != STAGE_DNS;
		t->is_unheard |= r->stage == STAGE_DNS;
		qmgr_defer(i, str_of(i->reason));
		break;
	case VERDICT_REPUTATION:
		not_trusted(t, i, r);
		break;
	default:
		for_good(i, r, v);
		break;
	}
}

/* Without a reply remote's own words decide. */
static enum verdict
verdict_of(const struct trip *t, const struct note_remote_row *r)
{
	enum verdict v;

	if (r->result == QUEUE_DELIVERED)
		return VERDICT_ACCEPTED;
	if (r->code == 0)
		return r->result == QUEUE_NEVER ? VERDICT_NEVER :
		    VERDICT_LATER;
	v = provider_verdict(&qmgr.providers, provider_named(&qmgr.providers,
	    str_of(t->lane->provider)), r->code, r->reply, NULL);
	/* a 5xx that is not the last word: another host may take it, or it is
	 * our password that is wrong */
	if (r->code / 100 == 5 && r->result == QUEUE_LATER &&
	    v > VERDICT_SLOW)
		return VERDICT_LATER;
	return v == VERDICT_ACCEPTED ? VERDICT_LATER : v;
}

static void
judge(struct trip *t, struct item *i, const struct note_remote_row *r)
{
	enum verdict v = verdict_of(t, r);

	i->attempts++;
	remember(i, r, v);
	if (v != VERDICT_ACCEPTED) {
		set_words(i, r);
		if (t->reason == NULL)
			t->reason = xstrdup(i->reason);
	}
	if (r->result == QUEUE_UNKNOWN)
		qmgr_unknown_end(i);
	else
		follow(t, i, r, v);
}

/* --- the end of a trip --------------------------------------------------- */

static void
no_row(struct trip *t, bool was_heard)
{
	for (size_t k = 0; k < t->n; k++) {
		struct item *i = t->item[k];

		if (i == NULL)
			continue;
		t->item[k] = NULL;
		i->trip = NULL;
		if (i->is_over) {
			qmgr_remove(i);
			continue;
		}
		if (was_heard && daemon_draining())
			continue;	/* not begun: as if never given */
		i->attempts++;
		if (was_heard)
			qmgr_defer(i, STR("the try came to nothing"));
		else
			qmgr_unknown_end(i);
	}
}

static void
finish(struct trip *t, const struct note_remote_done *d)
{
	struct lane_terms terms = terms_of(t->lane);
	enum lane_end how = t->is_slow ? LANE_SLOW : t->is_good ? LANE_GOOD :
	    t->is_failed ? LANE_FAILED : t->is_unheard ? LANE_UNHEARD :
	    LANE_NEUTRAL;
	bool was_paused = lane_paused(t->lane, clock_real_ms());

	no_row(t, d != NULL);
	lane_ended(&qmgr.lanes, t->lane, t->began, how, &terms, str_of(
	    t->reason != NULL ? t->reason : ""), clock_real_ms());
	if (!was_paused && lane_paused(t->lane, clock_real_ms())) {
		log_event(LOG_LEVEL_WARN, "lane-paused");
		log_z("lane", t->lane->key);
		log_i64("for_s", (t->lane->pause_until_ms - clock_real_ms()) /
		    1000);
		log_z("why", how == LANE_SLOW ? "too fast" : "nobody there");
		log_z("reason", t->lane->reason);
		log_end();
	}
	trip_free(t);
	if (daemon_draining())
		send_drain();
	qmgr_look();
}

/* What is out comes to its end, nothing new is begun.  What waits is told to
 * the next qmgr as it was. */
void
send_drain(void)
{
	if (list_empty(&trips) && !qmgr_owes_marks())
		daemon_exit();
}

/* spoold is away, so who that is about is not in the queue. */
static void
orphan_row(struct trip *t, const struct note_remote_row *r)
{
	for (size_t k = 0; k < t->n; k++) {
		if (t->number[k] != r->number)
			continue;
		t->number[k] = UINT32_MAX;
		if (r->result == QUEUE_DELIVERED) {
			t->is_good = true;
			remember_sent(t->mid, r->number);
		}
	}
}

static void
on_answer(void *session, const struct note *n)
{
	struct trip *t = session;
	const struct note_remote_row *r = note_as_remote_row(n);
	struct item *i;

	if (r == NULL) {
		finish(t, note_as_remote_done(n));
		return;
	}
	i = take_number(t, r->number);
	if (i != NULL)
		judge(t, i, r);
	else if (t->is_orphan)
		orphan_row(t, r);
}

/* --- silence -------------------------------------------------------------- */

/* Who is new or failed last, and has said nothing for so long, sits in a
 * connection: that costs a socket, and no longer somebody else's turn. */
static void
on_silence(struct timer *timer)
{
	int64_t now = clock_mono_ms();
	struct link *e;

	while ((e = list_first(&fresh)) != NULL) {
		struct trip *t = container_of(e, struct trip, fresh);

		if (t->began_ms + YIELD_MS > now) {
			timer_set(timer, t->began_ms + YIELD_MS - now);
			break;
		}
		list_remove(e);
		t->began = lane_yields(&qmgr.lanes, t->began);
	}
	qmgr_look();
}

static void
watch_silence(struct trip *t)
{
	if (t->began == LANE_PROVEN)
		return;
	list_push(&fresh, &t->fresh);
	if (!timer_armed(&silence))
		timer_set(&silence, YIELD_MS);
}

/* --- starting ------------------------------------------------------------ */

/* A lane stays with one worker, where its connections are. */
static struct chan *
remote_of(const struct lane *l)
{
	unsigned count = daemon_peer_count(REMOTE);
	struct chan *c = count == 0 ? NULL : daemon_peer(REMOTE,
	    (unsigned)(l->number % count));

	return chan_ok(c) ? c : daemon_any(REMOTE);
}

static void
tell_recipients(struct chan *c, const struct trip *t)
{
	for (size_t k = 0; k < t->n; k++) {
		const struct item *i = t->item[k];
		struct note_remote_rcpt n = { .mid = str_of(i->message->mid),
		    .number = i->number, .address = str_of(i->address),
		    .orcpt = str_of(i->orcpt), .notify = i->notify };

		note_put_remote_rcpt(c, &n);
	}
}

static void
start_trip(struct chan *c, struct trip *t)
{
	const struct message *m = t->item[0]->message;
	struct note_remote_try n = { .mid = str_of(m->mid),
	    .sender = str_of(m->sender), .flags = m->flags, .size = m->size,
	    .recipients = (uint32_t)t->n, .lane = str_of(t->lane->key),
	    .nexthop = item_domain(t->item[0]), .transport = TRANSPORT_SMTP,
	    .connections = terms_of(t->lane).connections,
	    .deadline_ms = clock_mono_ms() + schedule_try_ms(m->size) };

	for (size_t k = 0; k < t->n; k++) {
		queue_ready(&qmgr.queue, t->item[k], false);
		queue_busy(&qmgr.queue, t->item[k], true);
		t->item[k]->trip = t;
	}
	t->began = lane_began(&qmgr.lanes, t->lane, clock_real_ms());
	t->began_ms = clock_mono_ms();
	watch_silence(t);
	tell_recipients(c, t);
	ask_remote_try(c, &n, on_answer, t);
}

static void
serve(struct chan *c, struct lane *l)
{
	struct item *item[RECIPIENTS_MAX];
	uint32_t most = daemon_conf()->queue.recipients;
	struct trip *t = xcalloc(1, sizeof(*t));

	list_init(&t->fresh);
	t->lane = l;
	t->n = lane_pick(&qmgr.lanes, l, item, most < RECIPIENTS_MAX ? most :
	    RECIPIENTS_MAX);
	t->item = xmalloc(t->n * sizeof(*t->item));
	t->number = xmalloc(t->n * sizeof(*t->number));
	memcpy(t->item, item, t->n * sizeof(*t->item));
	memcpy(t->mid, item[0]->message->mid, sizeof(t->mid));
	for (size_t k = 0; k < t->n; k++)
		t->number[k] = item[k]->number;
	list_push(&trips, &t->link);
	start_trip(c, t);
}

void
send_look(void)
{
	struct lane *l;
	struct chan *c;

	if (daemon_draining() || resume_waits_ms() > 0)
		return;
	while ((l = lanes_next(&qmgr.lanes, clock_real_ms())) != NULL) {
		c = remote_of(l);
		if (!chan_ok(c) || chan_busy(c))
			return;	/* looked at again when an answer comes */
		serve(c, l);
	}
}

int64_t
send_next_ms(void)
{
	int64_t next = lanes_next_ms(&qmgr.lanes);
	int64_t first = clock_real_ms() + resume_waits_ms();

	return next >= 0 && next < first ? first : next;
}

void
send_ready(struct item *i)
{
	if (i->is_sent) {
		mark_sent(i);
		return;
	}
	queue_ready(&qmgr.queue, i, true);
	where_add(i, false);
}

void
send_drop(struct item *i)
{
	if (i->is_sent)
		remember_sent(i->message->mid, i->number);
	send_take(i);
}

void
send_take(struct item *i)
{
	lane_take(&qmgr.lanes, i, clock_real_ms());
	where_take(i);
}
