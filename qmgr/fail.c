/* SPDX-License-Identifier: ISC */
/*
 * qmgr/fail.c - recipients that have failed for good: whom to tell, and by
 * which way.
 *
 * All recipients of a message that fail in one pass share one DSN.  Routed
 * says where the sender's mail goes; bounce writes the DSN, and spoold marks
 * the recipients bounced in the same batch that makes the DSN durable (rule
 * 19), so none is told twice.
 *
 *	sender is empty, or unknown	-> postmaster ("double bounce")
 *	that one fails too		-> a line in the log, no more mail
 *	NOTIFY without FAILURE		-> marked, nobody is told
 *
 * RFC 5321 6.1, RFC 3461 5.2, RFC 3464.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "crypto/digest.h"
#include "daemon/daemon.h"
#include "qmgr/qmgr.h"

#include "base/banned.h"

enum { AGAIN_MS = 60 * 1000 };

/* One DSN in the making. */
struct bounce {
	struct link	link;
	struct timer	timer;	/* begins it, and begins it again */
	char		mid[MID_LEN + 1];
	char		*to;
	bool		is_double;
	unsigned	targets;
};

static struct link bounces = { &bounces, &bounces };

static void
bounce_free(struct bounce *b)
{
	chan_forget(daemon_any(ROUTED), b);
	chan_forget(daemon_any(BOUNCE), b);
	timer_stop(&b->timer);
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

		if (i->has_failed)
			drop_silently(i);
	}
}

/* --- the DSN ------------------------------------------------------------- */

static void
again(struct bounce *b, const char *why)
{
	log_event(LOG_LEVEL_WARN, "bounce-later");
	log_z("mid", b->mid);
	log_z("text", why);
	log_end();
	timer_set(&b->timer, AGAIN_MS);
}

static struct item *
first_failed(const struct message *m)
{
	struct link *e;

	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->has_failed)
			return i;
	}
	return NULL;
}

/* Most are gone already: spoold has said QUEUE_GONE. */
static void
remove_failed(struct str mid)
{
	struct message *m;
	struct item *i;

	while ((m = queue_message(&qmgr.queue, mid)) != NULL &&
	    (i = first_failed(m)) != NULL)
		qmgr_remove(i);
}

static void
on_made(void *session, const struct note *n)
{
	const struct note_bounce_done *d = note_as_bounce_done(n);
	struct bounce *b = session;

	if (d == NULL || d->failed != 0) {
		again(b, d == NULL ? "bounce does not answer" : "not written");
		return;
	}
	remove_failed(str_of(b->mid));
	bounce_free(b);
}

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
	buf_fmt(&text, "dsn %s", b->mid);
	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->has_failed)
			buf_fmt(&text, " %u", i->number);
	}
	digest_sha256(buf_str(&text), sum);
	mid_from_bin(sum, out);
	buf_free(&text);
}

static void
tell_recipient(struct chan *bounce, const struct item *i)
{
	struct note_bounce_rcpt n = { .mid = str_of(i->message->mid),
	    .number = i->number, .address = str_of(i->address),
	    .orcpt = str_of(i->orcpt), .status = str_of(i->status),
	    .attempts = i->attempts, .reason = str_of(i->reason) };

	note_put_bounce_rcpt(bounce, &n);
}

static void
make(struct bounce *b)
{
	struct message *m = queue_message(&qmgr.queue, str_of(b->mid));
	struct chan *bounce = daemon_any(BOUNCE);
	char id[MID_LEN + 1];
	struct note_bounce_make n = { .mid = str_of(b->mid),
	    .bounce = str_mem(id, MID_LEN), .to = str_of(b->to),
	    .is_double = b->is_double };
	struct link *e;

	if (m == NULL) {
		bounce_free(b);
		return;
	}
	derive_id(b, m, id);
	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->has_failed)
			tell_recipient(bounce, i);
	}
	m->is_bouncing = false;	/* who fails from now on gets another */
	ask_bounce_make(bounce, &n, on_made, b);
}

/* --- the way back -------------------------------------------------------- */

static void ask_route(struct bounce *b);

static void
cannot_tell(struct bounce *b)
{
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
	struct note_bounce_to n = { .mid = str_of(b->mid), .kind = r->kind,
	    .address = r->address, .account = r->account, .home = r->home,
	    .detail = r->detail };

	/* a list as sender is told nothing more of what it sent */
	if (b->targets++ < 10)
		note_put_bounce_to(daemon_any(BOUNCE), &n);
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
	else if (d->result != ROUTE_OK || b->targets == 0)
		cannot_tell(b);
	else
		make(b);
}

static void
ask_route(struct bounce *b)
{
	struct note_route_ask n = { .address = str_of(b->to), .may_relay = 1 };

	b->targets = 0;
	ask_route_ask(daemon_any(ROUTED), &n, on_route, b);
}

static void
on_timer(struct timer *t)
{
	ask_route(container_of(t, struct bounce, timer));
}

static void
begin(struct message *m)
{
	struct bounce *b = xcalloc(1, sizeof(*b));

	m->is_bouncing = true;
	memcpy(b->mid, m->mid, sizeof(b->mid));
	b->is_double = m->sender[0] == '\0';
	b->to = xstrdup(b->is_double ? "postmaster" : m->sender);
	list_push(&bounces, &b->link);
	timer_init(&b->timer, on_timer);
	timer_set(&b->timer, 0);	/* others of this pass come along */
}

void
fail_item(struct item *i, const char *status)
{
	i->has_failed = true;
	(void)snprintf(i->status, sizeof(i->status), "%s", status);
	queue_busy(&qmgr.queue, i, true);
	qmgr.bounced++;
	qmgr_log(i, "queue-failed");
	log_z("status", status);
	log_z("reason", i->reason);
	log_end();
	if ((i->notify != 0 && (i->notify & NOTIFY_FAILURE) == 0) ||
	    (i->message->flags & SPOOL_DOUBLE) != 0)
		drop_silently(i);
	else if (!i->message->is_bouncing)
		begin(i->message);
}
