/* SPDX-License-Identifier: ISC */
/*
 * qmgr/fail.c - recipients that have failed for good, or are late: whom to
 * tell, and by which way.
 *
 * All recipients of a message that fail in one try share one DSN (as many as
 * a channel takes; the rest get another).  Routed says where the sender's mail
 * goes; bounce writes the DSN, and spoold marks the recipients bounced in the
 * same batch that makes the DSN durable (rule 19), so none is told twice.
 *
 *	sender is empty, unknown, a
 *	list, or ourselves		-> postmaster ("double bounce")
 *	that one fails too		-> a line in the log, no more mail
 *	NOTIFY without FAILURE		-> marked, nobody is told
 *
 * A delay notice goes to a person only: not to a null sender, not for bulk,
 * not where NOTIFY leaves DELAY out; postmaster never hears of a delay.
 *
 * RFC 5321 6.1, RFC 3461 5.2, RFC 3464.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/rand.h"
#include "crypto/digest.h"
#include "daemon/daemon.h"
#include "mail/addr.h"
#include "qmgr/qmgr.h"
#include "qmgr/send.h"

#include "base/banned.h"

enum {
	AGAIN_MS = 60 * 1000,	/* at most: begins with a second */
	AGAIN_FIRST_MS = 1000,
	GATHER_MS = 200,		/* others of the same try come along */
	TARGETS_MAX = 10,		/* a sender of more is a list */
	ROWS_MAX = 100 * 1024,		/* octets of BOUNCE_RCPTs a DSN */
};

struct target {
	uint32_t	kind;
	char		*address, *account, *home, *detail;
};

/* One DSN in the making. */
struct bounce {
	struct link	link;
	struct timer	timer;	/* begins it, and begins it again */
	int64_t		again_ms;
	char		mid[MID_LEN + 1];
	char		*to;
	bool		is_double, is_delay;
	struct target	target[TARGETS_MAX];
	unsigned	targets;
};

static struct link bounces = { &bounces, &bounces };

static void	begin(struct message *m, bool is_delay);
static void	fail_more(struct message *m);

static bool
tells_failure(const struct item *i)
{
	return (i->notify == 0 || (i->notify & NOTIFY_FAILURE) != 0) &&
	    (i->message->flags & SPOOL_DOUBLE) == 0;
}

static void
drop_targets(struct bounce *b)
{
	for (unsigned k = 0; k < b->targets && k < TARGETS_MAX; k++) {
		free(b->target[k].address);
		free(b->target[k].account);
		free(b->target[k].home);
		free(b->target[k].detail);
	}
	b->targets = 0;
}

static void
bounce_free(struct bounce *b)
{
	for (unsigned k = 0; k < daemon_peer_count(ROUTED); k++)
		chan_forget(daemon_peer(ROUTED, k), b);
	chan_forget(daemon_peer(BOUNCE, 0), b);
	chan_forget(NULL, b);
	timer_stop(&b->timer);
	drop_targets(b);
	list_remove(&b->link);
	free(b->to);
	free(b);
}

void
fail_forget(void)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &bounces)
		bounce_free(container_of(e, struct bounce, link));
}

/* Those a DSN of this kind is about, not yet told of. */
static bool
is_for(const struct bounce *b, const struct item *i)
{
	return b->is_delay ? i->is_late && !i->has_failed : i->has_failed;
}

/* --- nobody is told ------------------------------------------------------ */

static void
on_marked(void *session, const struct note *n)
{
	struct item *i = session;

	if (n == NULL || n->u.queue_marked.failed != 0) {
		queue_busy(&qmgr.queue, i, false);
		i->has_failed = false;	/* tried, and failed, again later */
		queue_wait(&qmgr.queue, i, clock_real_ms() + AGAIN_MS);
		qmgr_look();
		return;
	}
	qmgr_remove(i);
}

static void
drop_silently(struct item *i)
{
	qmgr_mark(i, QUEUE_BOUNCED, on_marked);
}

static void
drop_all(const struct bounce *b)
{
	struct message *m = queue_message(&qmgr.queue, str_of(b->mid));
	struct link *e, *tmp;

	if (m == NULL)
		return;
	m->is_bouncing = false;
	list_each_safe(e, tmp, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->has_failed && (i->dsn == b || i->dsn == NULL))
			drop_silently(i);
	}
}

/* --- made ---------------------------------------------------------------- */

static void
again(struct bounce *b, const char *why)
{
	log_event(LOG_LEVEL_WARN, "bounce-later");
	log_z("mid", b->mid);
	log_z("text", why);
	log_end();
	/* a process that was started anew is there in a moment */
	b->again_ms = b->again_ms == 0 ? AGAIN_FIRST_MS :
	    (int64_t)num_min((uint64_t)b->again_ms * 2, AGAIN_MS);
	timer_set(&b->timer, b->again_ms);
}

/* The first of those that are told of in b. */
static struct item *
first_told(const struct bounce *b)
{
	struct message *m = queue_message(&qmgr.queue, str_of(b->mid));
	struct link *e;

	if (m == NULL)
		return NULL;
	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->dsn == b)
			return i;
	}
	return NULL;
}

static void
on_told(void *session, const struct note *n)
{
	struct item *i = session;

	(void)n;	/* unwritten, a restart tells again */
	queue_busy(&qmgr.queue, i, false);
	qmgr_look();
}

static void
told_of_delay(struct item *i)
{
	i->dsn = NULL;
	i->is_late = false;
	i->is_told = true;
	if (!i->is_busy && !i->is_held)
		qmgr_mark(i, QUEUE_WAITS, on_told);
}

static void
on_made(void *session, const struct note *n)
{
	const struct note_bounce_done *d = note_as_bounce_done(n);
	struct bounce *b = session;
	struct message *m;
	struct item *i;

	if (d == NULL || d->failed != 0) {
		again(b, d == NULL ? "bounce does not answer" : "not written");
		return;
	}
	/* most are gone already: spoold has said QUEUE_GONE */
	while ((i = first_told(b)) != NULL)
		if (b->is_delay)
			told_of_delay(i);
		else
			qmgr_remove(i);
	m = queue_message(&qmgr.queue, str_of(b->mid));
	if (m != NULL && !b->is_delay) {
		m->is_bouncing = false;
		fail_more(m);
	} else if (m != NULL)
		m->is_noticing = false;
	bounce_free(b);
}

/* --- the DSN ------------------------------------------------------------- */

/* The id of a DSN follows from what it is about: made twice, it is the same
 * message. */
static void
derive_id(const struct bounce *b, const struct message *m,
    char out[MID_LEN + 1])
{
	struct link *e;
	struct buf text;
	uint8_t sum[DIGEST_LEN];

	buf_init(&text, 1 << 20);
	buf_fmt(&text, "%s %s", b->is_delay ? "delay" : "dsn", b->mid);
	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->dsn == b)
			buf_fmt(&text, " %u", i->number);
	}
	digest_sha256(buf_str(&text), sum);
	mid_from_bin(sum, out);
	buf_free(&text);
}

static void
tell_recipient(struct chan *bounce, const struct item *i, bool is_delay)
{
	const struct attempt *a = i->last;
	struct note_bounce_rcpt n = { .mid = str_of(i->message->mid),
	    .number = i->number, .address = str_of(i->address),
	    .orcpt = str_of(i->orcpt), .status = is_delay ? STR("4.4.7") :
	    str_of(i->status), .attempts = i->attempts,
	    .verdict = i->verdict, .reason = str_of(i->reason) };

	if (a != NULL && a->code > 0) {
		n.remote = str_sub(str_of(a->host), 0, 255);
		n.reply = str_sub(str_of(a->reply), 0, 4096);
	}
	note_put_bounce_rcpt(bounce, &n);
}

static size_t
row_size(const struct item *i)
{
	return 512 + strlen(i->address) + strlen(i->orcpt) +
	    strlen(i->reason) + (i->last != NULL ? strlen(i->last->reply) : 0);
}

static bool
choose(struct bounce *b, struct message *m)
{
	size_t size = 0;
	struct link *e;

	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->dsn == b)
			i->dsn = NULL;	/* a second beginning */
		if (!is_for(b, i) || i->dsn != NULL || size > ROWS_MAX)
			continue;
		i->dsn = b;
		size += row_size(i);
	}
	return size > 0;
}

static void
put_targets(struct chan *bounce, const struct bounce *b)
{
	for (unsigned k = 0; k < b->targets; k++) {
		const struct target *t = &b->target[k];
		struct note_bounce_to n = { .mid = str_of(b->mid),
		    .kind = t->kind, .address = str_of(t->address),
		    .account = str_of(t->account), .home = str_of(t->home),
		    .detail = str_of(t->detail) };

		note_put_bounce_to(bounce, &n);
	}
}

static void
put_recipients(struct chan *bounce, const struct bounce *b,
    const struct message *m)
{
	struct link *e;

	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->dsn == b)
			tell_recipient(bounce, i, b->is_delay);
	}
}

static void
make(struct bounce *b)
{
	struct message *m = queue_message(&qmgr.queue, str_of(b->mid));
	struct chan *bounce = daemon_any(BOUNCE);
	char id[MID_LEN + 1];
	struct note_bounce_make n = { .mid = str_of(b->mid),
	    .bounce = str_mem(id, MID_LEN), .to = str_of(b->to),
	    .is_double = b->is_double, .is_delay = b->is_delay };

	if (m == NULL || !choose(b, m)) {
		if (m != NULL && b->is_delay)
			m->is_noticing = false;
		else if (m != NULL)
			m->is_bouncing = false;
		bounce_free(b);
		return;
	}
	n.expires_ms = m->received_ms + daemon_conf()->queue.lifetime;
	derive_id(b, m, id);
	put_targets(bounce, b);
	put_recipients(bounce, b, m);
	ask_bounce_make(bounce, &n, on_made, b);
}

/* --- the way back -------------------------------------------------------- */

static void ask_route(struct bounce *b);

/* Nobody wants to hear of a delay. */
static void
drop_notice(struct bounce *b)
{
	struct message *m = queue_message(&qmgr.queue, str_of(b->mid));
	struct link *e;

	if (m != NULL) {
		m->is_noticing = false;
		list_each(e, &m->items)
			container_of(e, struct item, link)->is_late = false;
	}
	bounce_free(b);
}

static void
cannot_tell(struct bounce *b)
{
	if (b->is_delay) {
		drop_notice(b);
		return;
	}
	if (!b->is_double) {
		b->is_double = true;
		free(b->to);
		b->to = xstrdup("postmaster");
		ask_route(b);
		return;
	}
	log_event(LOG_LEVEL_ERROR, "bounce-dropped");
	log_z("mid", b->mid);
	log_z("text", "neither the sender nor postmaster can be told");
	log_end();
	drop_all(b);
	bounce_free(b);
}

static void
take_target(struct bounce *b, const struct note_route_row *r)
{
	if (b->targets < TARGETS_MAX)
		b->target[b->targets] = (struct target){ .kind = r->kind,
		    .address = xmemdupz(r->address.p, r->address.n),
		    .account = xmemdupz(r->account.p, r->account.n),
		    .home = xmemdupz(r->home.p, r->home.n),
		    .detail = xmemdupz(r->detail.p, r->detail.n) };
	b->targets++;
}

static void
on_route(void *session, const struct note *n)
{
	const struct note_route_done *d = note_as_route_done(n);
	struct bounce *b = session;

	if (n != NULL && n->kind == NOTE_ROUTE_ROW) {
		take_target(b, note_as_route_row(n));
		return;
	}
	if (d == NULL || d->result == ROUTE_LATER)
		again(b, "routed does not know now");
	else if (d->result != ROUTE_OK || b->targets == 0 ||
	    b->targets > TARGETS_MAX)
		cannot_tell(b);
	else
		make(b);
}

static void
ask_route(struct bounce *b)
{
	struct note_route_ask n = { .address = str_of(b->to), .may_relay = 1 };

	drop_targets(b);
	ask_route_ask(daemon_any(ROUTED), &n, on_route, b);
}

static void
on_timer(struct timer *t)
{
	ask_route(container_of(t, struct bounce, timer));
}

/* Nobody, or ourselves: what we write comes from MAILER-DAEMON (in its From:,
 * and some answer that one). */
static bool
is_nobody(const char *sender)
{
	struct str local, domain;

	if (sender[0] == '\0')
		return true;
	return addr_split(str_of(sender), &local, &domain) &&
	    str_is(local, "mailer-daemon") &&
	    str_ieq(domain, daemon_conf()->site.hostname);
}

static void
begin(struct message *m, bool is_delay)
{
	struct bounce *b = xcalloc(1, sizeof(*b));

	if (is_delay)
		m->is_noticing = true;
	else
		m->is_bouncing = true;
	memcpy(b->mid, m->mid, sizeof(b->mid));
	b->is_delay = is_delay;
	b->is_double = is_nobody(m->sender);
	b->to = xstrdup(b->is_double ? "postmaster" : m->sender);
	list_push(&bounces, &b->link);
	timer_init(&b->timer, on_timer);
	timer_set(&b->timer, GATHER_MS);
}

/* Who failed while a DSN was made, or did not fit into it. */
static void
fail_more(struct message *m)
{
	struct link *e;

	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->has_failed && i->dsn == NULL && tells_failure(i)) {
			begin(m, false);
			return;
		}
	}
}

void
fail_item(struct item *i, const char *status)
{
	i->has_failed = true;
	(void)snprintf(i->status, sizeof(i->status), "%s", status);
	send_take(i);
	queue_ready(&qmgr.queue, i, false);
	queue_busy(&qmgr.queue, i, true);
	qmgr.bounced++;
	qmgr_log(i, "queue-failed");
	log_z("status", status);
	log_z("reason", i->reason);
	log_end();
	if (!tells_failure(i))
		drop_silently(i);
	else if (!i->message->is_bouncing)
		begin(i->message, false);
}

/* --- delay --------------------------------------------------------------- */

bool
fail_tells_delay(const struct item *i)
{
	const struct message *m = i->message;

	return daemon_conf()->queue.delay_notice > 0 && !i->is_told &&
	    !is_nobody(m->sender) &&
	    (m->flags & (SPOOL_BULK | SPOOL_DSN | SPOOL_DOUBLE)) == 0 &&
	    (i->notify == 0 || (i->notify & NOTIFY_DELAY) != 0);
}

void
fail_delay(struct item *i)
{
	i->notice_ms = 0;
	i->is_late = true;
	queue_ready(&qmgr.queue, i, i->is_ready);	/* its place by time */
	if (!i->message->is_noticing)
		begin(i->message, true);
	qmgr_look();
}
