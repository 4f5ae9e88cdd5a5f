/* SPDX-License-Identifier: ISC */
/*
 * delivery/look.c - REMOTE_LOOK: which host stands for a domain, so that qmgr
 * knows the lane of its mail.  Nothing is connected to.
 */
#include "delivery/look.h"

#include <stdlib.h>

#include "base/arena.h"
#include "daemon/daemon.h"
#include "delivery/hop.h"
#include "delivery/mx.h"

#include "base/banned.h"

enum { TYPE_MX = 15, LOOK_MAX = 1024 * 1024 };

struct look {
	struct link	link;
	struct chan	*qmgr;
	uint32_t	ticket;
	struct arena	arena;
	struct mx_list	hosts;
	struct str	domain;
};

static struct link looks = { &looks, &looks };

static void
look_free(struct look *l)
{
	chan_forget(daemon_peer(RESOLVD, 0), l);
	chan_forget(NULL, l);
	list_remove(&l->link);
	arena_free(&l->arena);
	free(l);
}

static void
seen(struct look *l, int rc, struct str mx, uint32_t ttl, struct str text)
{
	struct note_remote_seen n = { .failed = (uint32_t)-rc, .mx = mx,
	    .ttl = ttl, .text = text };

	note_answer_remote_seen(l->qmgr, l->ticket, &n);
	look_free(l);
}

/* Best, and of equals the same one every time: it is a name for a lane. */
static struct str
first_host(const struct mx_list *l)
{
	const struct mx *best = l->v;

	for (size_t i = 1; i < l->n; i++)
		if (l->v[i].preference < best->preference ||
		    (l->v[i].preference == best->preference &&
		    str_cmp(l->v[i].host, best->host) < 0))
			best = &l->v[i];
	return best->host;
}

static void
on_look(void *session, const struct note *n)
{
	struct look *l = session;
	const struct note_dns_done *done = note_as_dns_done(n);

	if (n != NULL && n->kind == NOTE_DNS_ROW)
		mx_add(&l->hosts, n->u.dns_row.data, n->u.dns_row.preference,
		    &l->arena);
	else if (done == NULL)
		seen(l, FAIL_TEMP, STR(""), 0,
		    STR("the resolver does not answer"));
	else if (done->result == DNS_OK && l->hosts.n > 0)
		seen(l, 0, first_host(&l->hosts), done->ttl, STR(""));
	else if (done->result == DNS_NO_DATA)
		seen(l, 0, l->domain, done->ttl, STR(""));
	else
		seen(l, done->result == DNS_NO_NAME ||
		    done->result == DNS_BAD_NAME ? FAIL_GONE : FAIL_TEMP,
		    STR(""), done->ttl, done->text);
}

void
look_begin(struct chan *c, const struct note *n)
{
	struct look *l = xcalloc(1, sizeof(*l));
	struct note_dns_ask ask = { .type = TYPE_MX };
	struct hop hop;

	l->qmgr = c;
	l->ticket = n->ticket;
	list_push(&looks, &l->link);
	arena_init(&l->arena, LOOK_MAX);
	l->domain = arena_str(&l->arena, n->u.remote_look.domain);
	if (!hop_find(l->domain, TRANSPORT_SMTP, &hop))
		seen(l, FAIL_PERM, STR(""), 0, STR("no such next hop"));
	else if (!hop.by_mx)
		seen(l, 0, hop.host, 3600, STR(""));
	else {
		ask.name = hop.host;
		ask_dns_ask(daemon_peer(RESOLVD, 0), &ask, on_look, l);
	}
}

void
look_qmgr_gone(const struct chan *c)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &looks) {
		struct look *l = container_of(e, struct look, link);

		if (l->qmgr == c)
			look_free(l);
	}
}
