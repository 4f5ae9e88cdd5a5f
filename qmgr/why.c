/* SPDX-License-Identifier: ISC */
/*
 * qmgr/why.c - what is told of an item that waits: its attempts, its lane.
 *
 * Rows for ctld; the words are made by veredus(8).  Nothing is changed here.
 */
#include "qmgr/why.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "mail/provider.h"
#include "qmgr/qmgr.h"
#include "qmgr/send.h"
#include "qmgr/where.h"

#include "base/banned.h"

static void
put_attempts(struct chan *c, uint32_t ticket, const struct item *i)
{
	for (const struct attempt *a = i->last; a != NULL; a = a->older) {
		struct note_attempt_row n = { .when_ms = a->when_ms,
		    .code = a->code, .stage = str_of(stage_text(a->stage)),
		    .verdict = str_of(verdict_name((enum verdict)a->verdict)),
		    .meaning = str_of(verdict_text((enum verdict)a->verdict)),
		    .host = str_of(a->host), .address = str_of(a->address),
		    .tls = str_of(a->tls), .reply = str_of(a->reply) };

		note_answer_attempt_row(c, ticket, &n);
	}
}

static void
put_lane(struct chan *c, uint32_t ticket, const struct lane *l, struct str mx)
{
	int64_t now = clock_real_ms();
	struct note_lane_row n = { .lane = str_of(l->key),
	    .provider = str_of(l->provider), .mx = mx,
	    .state = lane_paused(l, now) ? STR("paused") : STR("open"),
	    .until_ms = l->pause_until_ms, .probing = l->is_probing,
	    .too_fast = l->is_too_fast,
	    .gap_ms = (uint32_t)(l->gap_us / 1000),
	    .waiting = (uint32_t)l->waiting, .out = l->out,
	    .most = lane_window(l), .accepted = l->accepted,
	    .deferred = l->deferred, .refused = l->refused,
	    .slowed = l->slowed, .reason = str_sub(str_of(l->reason), 0,
	    TEXT_MAX) };

	note_answer_lane_row(c, ticket, &n);
}

struct lane *
why_lane(const struct item *i, struct str *mx_out)
{
	*mx_out = STR("");
	return i->kind == ROUTE_REMOTE ? where_known(item_domain(i), mx_out) :
	    NULL;
}

int64_t
why_next_ms(const struct item *i)
{
	const struct lane *l = item_lane(i);

	if (i->is_held || i->in_doubt)
		return 0;
	if (l != NULL && lane_paused(l, clock_real_ms()))
		return l->pause_until_ms;
	return i->next_ms;
}

static struct str
out_now(const struct item *i, char out[WHY_NOW_MAX])
{
	(void)snprintf(out, WHY_NOW_MAX, "remote has had it for %" PRId64 " s",
	    (clock_mono_ms() - send_since_ms(i)) / 1000);
	return str_of(out);
}

/* It may go, and does not. */
static struct str
ready_now(const struct item *i, char out[WHY_NOW_MAX])
{
	if (!chan_ok(daemon_any(REMOTE)))
		return STR("no remote is there to take it");
	if (i->bucket != NULL)
		return lane_paused(item_lane(i), clock_real_ms()) ? STR("") :
		    STR("waits for its turn in its lane");
	if (where_since_ms(i) == 0)
		return STR("waits for its mail hosts to be looked up");
	(void)snprintf(out, WHY_NOW_MAX, "remote was asked %" PRId64 " s ago who "
	    "its mail hosts are", (clock_mono_ms() - where_since_ms(i)) /
	    1000);
	return str_of(out);
}

struct str
why_now(const struct item *i, char out[WHY_NOW_MAX])
{
	if (i->is_held)
		return STR("");
	if (i->in_doubt)
		return STR("was being sent when qmgr died; remote still hears "
		    "what the receiver says to it");
	if (i->trip != NULL)
		return out_now(i, out);
	if (i->is_sent)
		return STR("was accepted there; that is being written down");
	if (i->has_failed)
		return STR("has failed; its sender is being told");
	if (i->is_ready && i->kind == ROUTE_REMOTE)
		return ready_now(i, out);
	return STR("");
}

void
why_put(struct chan *c, uint32_t ticket, const struct item *i,
    const void **told)
{
	struct str mx;
	struct lane *l = why_lane(i, &mx);

	put_attempts(c, ticket, i);
	if (l != NULL && l != *told)
		put_lane(c, ticket, l, mx);
	*told = l;
}

/* --- LANE_ASK ------------------------------------------------------------ */

struct asked {
	struct link	link;
	struct chan	*chan;
	uint32_t	ticket;
	char		*domain;
};

static struct link all = { &all, &all };

static void
asked_free(struct asked *a)
{
	list_remove(&a->link);
	free(a->domain);
	free(a);
}

static void
answer(struct asked *a, int failed, struct str text)
{
	struct note_ctl_done n = { .failed = (uint32_t)-failed, .text = text };
	struct str mx;
	struct lane *l = where_known(str_of(a->domain), &mx);

	if (l != NULL) {
		put_lane(a->chan, a->ticket, l, mx);
		n.count = 1;
		n.failed = 0;
		n.text = STR("");
	}
	note_answer_ctl_done(a->chan, a->ticket, &n);
	asked_free(a);
}

static void
on_seen(void *session, const struct note *n)
{
	const struct note_remote_seen *s = note_as_remote_seen(n);
	struct asked *a = session;

	if (s == NULL)
		answer(a, FAIL_TEMP, STR("no answer about its mail hosts"));
	else {
		if (s->failed == 0)
			where_learn(str_of(a->domain), s->mx, s->ttl);
		answer(a, -(int)s->failed, s->text);
	}
}

void
why_ask_lane(struct chan *c, const struct note *n)
{
	struct asked *a = xcalloc(1, sizeof(*a));
	struct note_remote_look look = { .domain = n->u.lane_ask.domain };
	struct str mx;

	a->chan = c;
	a->ticket = n->ticket;
	a->domain = xmemdupz(look.domain.p, look.domain.n);
	list_push(&all, &a->link);
	if (where_known(look.domain, &mx) != NULL)
		answer(a, 0, STR(""));
	else
		ask_remote_look(daemon_any(REMOTE), &look, on_seen, a);
}

void
why_chan_gone(const struct chan *c)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &all) {
		struct asked *a = container_of(e, struct asked, link);

		if (a->chan != c)
			continue;
		for (unsigned k = 0; k < daemon_peer_count(REMOTE); k++)
			chan_forget(daemon_peer(REMOTE, k), a);
		chan_forget(NULL, a);
		asked_free(a);
	}
}
