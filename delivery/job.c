/* SPDX-License-Identifier: ISC */
/*
 * delivery/job.c - the life of one attempt: REMOTE_RCPTs are gathered,
 * REMOTE_TRY begins it, REMOTE_DONE ends it.
 *
 * What happens between stands in way.c (to a session) and talk.c (in it).
 */
#include "delivery/job.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"

#include "base/banned.h"

enum {
	RCPTS_MAX = 10000,
	ARENA_MAX = 8 * 1024 * 1024,
	NO_DEADLINE_MS = 3600 * 1000,
};

static struct link jobs = { &jobs, &jobs };
static struct link gathered = { &gathered, &gathered };	/* before TRY */
static size_t count;

struct str
job_kept(struct job *j, struct str s)
{
	return arena_str(&j->arena, s);
}

bool
job_has_open(const struct job *j)
{
	for (size_t i = 0; i < j->env.n; i++)
		if (j->env.to[i].fate == SMTP_OPEN ||
		    j->env.to[i].fate == SMTP_AGAIN)
			return true;
	return false;
}

/* --- ends ---------------------------------------------------------------- */

/* R18: spoold tells the next qmgr of nobody who may have it already. */
static void
tell_doubt(const struct job *j, bool over)
{
	struct note_remote_doubt n = { .mid = j->mid, .over = over };
	struct chan *c = daemon_peer(SPOOLD, 0);

	for (size_t i = 0; chan_ok(c) && i < j->env.n; i++) {
		n.number = j->rcpt[i].number;
		note_put_remote_doubt(c, &n);
	}
}

/* Behind all doubts: until then spoold tells a qmgr nothing. */
static void
say_heard(void)
{
	struct note_remote_heard n = { 0 };
	struct chan *c = daemon_peer(SPOOLD, 0);
	struct link *e;

	list_each(e, &jobs)
		n.doubts += container_of(e, struct job, link)->qmgr == NULL;
	if (chan_ok(c))
		note_put_remote_heard(c, &n);
}

static void
job_free(struct job *j)
{
	if (j->qmgr == NULL)
		tell_doubt(j, true);
	dial_stop(&j->dial);
	timer_stop(&j->deadline);
	chan_forget(daemon_peer(SPOOLD, 0), j);
	chan_forget(daemon_peer(RESOLVD, 0), j);
	chan_forget(daemon_peer(MASTER, 0), j);
	chan_forget(NULL, j);
	if (j->conn != NULL)
		conn_drop(j->conn);
	fd_close(&j->body);
	buf_free(&j->best_reply);
	tls_client_unref(j->hop.trust);
	if (j->hop.secret.n > 0)
		explicit_bzero((void *)(uintptr_t)j->hop.secret.p,
		    j->hop.secret.n);
	list_remove(&j->link);
	arena_free(&j->arena);
	free(j->rcpt);
	free(j->env.to);
	free(j);
	count--;
	remote_look_at_end();
}

void
job_done(struct job *j)
{
	struct note_remote_done n = { .failed = 0, .reused = j->was_reused,
	    .lost = j->was_lost };

	counters.reused += j->was_reused;
	counters.lost += j->was_lost;
	if (j->qmgr != NULL)
		note_answer_remote_done(j->qmgr, j->ticket, &n);
	job_free(j);
}

/* The same for all who have no row yet; the job is over. */
void
job_done_by(struct job *j, const struct fact *f)
{
	for (size_t i = 0; i < j->env.n; i++)
		fact_tell(j, i, f);
	job_done(j);
}

/* Words of our own in place of a reply. */
void
job_done_saying(struct job *j, enum queue_result result,
    enum remote_stage stage, const char *status, const char *text)
{
	struct fact f = { .result = result, .stage = stage,
	    .status = str_of(status), .reply = str_of(text) };

	if (j->dialed.text[0] != '\0' && stage > STAGE_CONNECT) {
		f.host = j->dial.hosts.v[j->host].host;
		f.address = str_of(j->dialed.text);
	}
	job_done_by(j, &f);
}

/* --- notes --------------------------------------------------------------- */

static void
on_deadline(struct timer *t)
{
	struct job *j = container_of(t, struct job, deadline);
	struct conn *c = j->conn;
	bool in_doubt = c != NULL && smtp_client_in_doubt(&c->client);
	struct fact f = { .result = QUEUE_LATER, .stage = STAGE_CONNECT,
	    .status = STR("4.4.7"), .reply = STR("given up: out of time") };

	if (c != NULL) {
		f.stage = fact_stage(smtp_client_owed(&c->client));
		f.host = job_kept(j, str_of(c->host));
		f.address = job_kept(j, str_of(c->address));
		f.tls = job_kept(j, str_of(c->tls));
		j->conn = NULL;
		conn_drop(c);
	}
	j->was_lost |= in_doubt;
	for (size_t i = 0; i < j->env.n; i++) {
		f.result = in_doubt && j->env.to[i].fate == SMTP_TAKEN ?
		    QUEUE_UNKNOWN : QUEUE_LATER;
		fact_tell(j, i, &f);
	}
	job_done(j);
}

static struct job *
gathering(const struct chan *c, struct str mid)
{
	struct link *e;

	list_each(e, &gathered) {
		struct job *j = container_of(e, struct job, link);

		if (j->qmgr == c && str_eq(j->mid, mid))
			return j;
	}
	return NULL;
}

static struct job *
job_new(struct chan *c, struct str mid)
{
	struct job *j = xcalloc(1, sizeof(*j));

	arena_init(&j->arena, ARENA_MAX);
	j->qmgr = c;
	j->mid = job_kept(j, mid);
	j->body = -1;
	buf_init(&j->best_reply, SMTP_HEARD_KEPT);
	timer_init(&j->deadline, on_deadline);
	dial_init(&j->dial);
	list_push(&gathered, &j->link);
	count++;
	return j;
}

void
job_rcpt(struct chan *c, const struct note *n)
{
	const struct note_remote_rcpt *r = &n->u.remote_rcpt;
	struct job *j = gathering(c, r->mid);
	size_t at;

	if (j == NULL)
		j = job_new(c, r->mid);
	at = j->env.n;
	if (at >= RCPTS_MAX)
		return;
	if (at == j->cap) {
		j->cap = j->cap > 0 ? j->cap * 2 : 4;
		j->rcpt = xrealloc(j->rcpt, j->cap * sizeof(*j->rcpt));
		j->env.to = xrealloc(j->env.to, j->cap * sizeof(*j->env.to));
	}
	j->rcpt[at] = (struct rcpt){ .number = r->number };
	j->env.to[at] = (struct smtp_to){ .address = job_kept(j, r->address) };
	j->env.n++;
}

/* A local part is never rewritten for a server that cannot take it. */
static void
refuse_unspeakable(struct job *j)
{
	struct fact f = { .result = QUEUE_NEVER, .stage = STAGE_RCPT,
	    .status = STR("5.6.7"), .reply = STR("an address has characters "
	    "that cannot be sent on") };
	bool is_fine = str_is_ascii(j->env.sender);

	for (size_t i = 0; i < j->env.n; i++)
		if (!is_fine || !str_is_print(j->env.to[i].address)) {
			j->env.to[i].fate = SMTP_DONE;
			fact_tell(j, i, &f);
		}
}

/* Its strings are the settings', which a reload frees. */
static bool
find_hop(struct job *j, uint32_t transport)
{
	if (!hop_find(j->nexthop, transport, &j->hop))
		return false;
	j->hop.host = job_kept(j, j->hop.host);
	j->hop.user = job_kept(j, j->hop.user);
	j->hop.secret = job_kept(j, j->hop.secret);
	if (j->hop.trust != NULL)
		tls_client_ref(j->hop.trust);
	return true;
}

/* Given back: no attempt, no row. */
static void
stopped(struct job *j)
{
	struct note_remote_done n = { .failed = -FAIL_TEMP,
	    .text = STR("we are being stopped") };

	note_answer_remote_done(j->qmgr, j->ticket, &n);
	job_free(j);
}

void
job_try(struct chan *c, const struct note *n)
{
	const struct note_remote_try *t = &n->u.remote_try;
	struct job *j = gathering(c, t->mid);
	const struct conf *f = daemon_conf();
	int64_t left = t->deadline_ms > 0 ? t->deadline_ms - clock_mono_ms() :
	    NO_DEADLINE_MS;

	if (j == NULL)
		j = job_new(c, t->mid);
	list_remove(&j->link);
	list_push(&jobs, &j->link);
	j->ticket = n->ticket;
	j->lane = job_kept(j, t->lane);
	j->nexthop = job_kept(j, t->nexthop);
	j->connections = t->connections;
	j->helo = job_kept(j, t->helo.n > 0 ? t->helo : f->remote.helo.n > 0 ?
	    f->remote.helo : f->site.hostname);
	j->env.sender = job_kept(j, t->sender);
	j->env.is_8bit = (t->flags & SPOOL_8BIT) != 0;
	(void)address_parse(t->source, &j->source);
	counters.tried += j->env.n;
	timer_set(&j->deadline, left > 0 ? left : 1);
	if (j->env.n != t->recipients) {
		job_done_saying(j, QUEUE_LATER, STAGE_DNS, "4.3.0",
		    "the recipients did not all arrive");
		return;
	}
	refuse_unspeakable(j);
	if (!job_has_open(j))
		job_done(j);
	else if (daemon_draining())
		stopped(j);
	else if (!find_hop(j, t->transport))
		job_done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.4.4",
		    "the next hop is not well-formed");
	else
		way_find(j);
}

static void
free_those_of(struct link *list, const struct chan *c)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, list) {
		struct job *j = container_of(e, struct job, link);

		if (j->qmgr != c)
			continue;
		if (j->conn != NULL && smtp_client_in_doubt(&j->conn->client)) {
			j->qmgr = NULL;
			tell_doubt(j, false);
		} else
			job_free(j);
	}
}

void
job_drain(void)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &jobs) {
		struct job *j = container_of(e, struct job, link);

		if (!j->is_talking)
			stopped(j);
	}
}

size_t
job_count(void)
{
	return count;
}

size_t
job_count_of(struct str lane)
{
	struct link *e;
	size_t n = 0;

	list_each(e, &jobs)
		n += str_eq(container_of(e, struct job, link)->lane, lane);
	return n;
}

/* What is between the dot and its reply cannot be called back: spoold is told
 * how it ended, before the next qmgr begins.  All else is not said any more. */
void
job_qmgr_gone(const struct chan *c)
{
	free_those_of(&gathered, c);
	free_those_of(&jobs, c);
	say_heard();
}

/* It may have died after that qmgr: what the last one knew is said anew. */
void
job_spoold_came(void)
{
	struct link *e;

	list_each(e, &jobs) {
		struct job *j = container_of(e, struct job, link);

		if (j->qmgr == NULL)
			tell_doubt(j, false);
	}
	say_heard();
}
