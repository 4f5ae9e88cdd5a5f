/* SPDX-License-Identifier: ISC */
/*
 * delivery/way.c - from a next hop to a session.
 *
 *	take an idle connection of the lane
 *	or	hosts of the domain -> an address -> a session (talk.c)
 *
 * Decided here: that a domain takes no mail or does not exist, that a host is
 * ourselves.  How long connecting may take is one time for all of it.
 *
 * RFC 5321 5.1 (hosts), RFC 7505 (null MX).
 */
#include "delivery/job.h"

#include <stdio.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	TYPE_MX = 15,
	TAKE_HOSTS = 8,		/* of a domain, looked for among the idle */
};

/* --- an address ---------------------------------------------------------- */

static void
no_way(struct job *j)
{
	const struct dial *d = &j->dial;
	struct fact f = { .result = QUEUE_LATER, .reply = str_of(d->why),
	    .stage = d->had_address ? STAGE_CONNECT : STAGE_DNS,
	    .status = d->had_address ? STR("4.4.1") : STR("4.4.3") };

	if (j->has_best) {
		f = j->best;
		if (j->any_temporary || d->is_temporary)
			f.result = QUEUE_LATER;
	} else if (!d->is_temporary && !d->had_address) {
		f.result = QUEUE_NEVER;
		f.status = STR("5.4.4");
	}
	if (f.reply.n == 0)
		f.reply = STR("no host to connect to");
	job_done_by(j, &f);
}

static void
begin_session(struct job *j)
{
	struct conn_plan p = { .ops = &talk_ops, .job = j, .lane = j->lane,
	    .nexthop = j->nexthop, .host = j->dial.hosts.v[j->host].host,
	    .dialed = j->dialed, .port = j->hop.port, .helo = j->helo,
	    .us = daemon_conf()->site.hostname, .user = j->hop.user,
	    .secret = j->hop.secret, .tls = j->hop.tls,
	    .trust = j->hop.trust, .is_lmtp = j->hop.is_lmtp,
	    .is_wrapped = j->hop.is_wrapped };

	/* also where nothing is remembered (`remote tls-memory 0s') */
	if (p.tls == SMTP_TLS_MAY && j->clear_host == j->host + 1)
		p.tls = SMTP_TLS_NEVER;
	j->conn = conn_new(&p);
}

static void
on_dialed(void *arg, const struct dial_result *r)
{
	struct job *j = arg;

	if (r->fd < 0) {
		no_way(j);
		return;
	}
	j->dialed = *r;
	j->host = r->host;
	if (r->is_us && j->hop.by_mx) {
		struct fact f = { .result = QUEUE_NEVER,
		    .stage = STAGE_CONNECT, .status = STR("5.4.6"),
		    .host = j->dial.hosts.v[r->host].host,
		    .address = str_of(r->text),
		    .reply = STR("mail for this domain loops back to "
		    "ourselves") };

		(void)close(r->fd);
		fact_keep_best(j, &f);
		dial_cut(&j->dial, r->host);
		dial_next(&j->dial);
		return;
	}
	begin_session(j);
}

/* --- a Unix socket, which master connects -------------------------------- */

static void
on_socket(void *session, const struct note *n)
{
	struct job *j = session;
	const struct note_socket_done *d = note_as_socket_done(n);
	char text[1100];

	if (d != NULL && d->failed == 0 && n->fd >= 0) {
		j->host = 0;
		j->dialed = (struct dial_result){ .fd = note_take_fd(n) };
		(void)snprintf(j->dialed.text, sizeof(j->dialed.text), "%.*s",
		    STR_ARG(j->hop.host));
		begin_session(j);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(d == NULL ?
	    STR("no connection in time") : d->text));
	job_done_saying(j, QUEUE_LATER, STAGE_CONNECT, "4.4.1", text);
}

static void
ask_socket(struct job *j)
{
	struct note_socket_ask n = { .path = j->hop.host };

	ask_socket_ask(daemon_peer(MASTER, 0), &n, on_socket, j);
}

/* In use and kept together, no more than the lane may have. */
static void
make_room(const struct job *j)
{
	size_t busy = job_count_of(j->lane);

	if (j->connections == 0)
		return;
	conn_make_room(j->lane, j->connections > busy ? j->connections - busy :
	    0);
}

/* Hosts are known: one that is idle, or a new connection. */
static void
go(struct job *j)
{
	const struct conf *c = daemon_conf();
	struct dial *d = &j->dial;

	d->port = j->hop.port;
	d->only = j->tried_ipv4 ? AF_INET : AF_UNSPEC;
	d->left_ms = c->remote.connect_timeout;
	d->fn = on_dialed;
	d->arg = j;
	(void)address_parse(c->remote.source_ipv4, &d->source4);
	(void)address_parse(c->remote.source_ipv6, &d->source6);
	if (j->source.family == AF_INET)
		d->source4 = j->source;
	else if (j->source.family == AF_INET6)
		d->source6 = j->source;
	dial_init(d);
	if (j->hop.host.p[0] == '/')
		d->at = d->hosts.n;	/* there is nobody else */
	for (size_t i = 0; !j->was_stale && j->conn == NULL &&
	    i < d->hosts.n && i < TAKE_HOSTS; i++) {
		struct conn_want w = { .lane = j->lane,
		    .host = d->hosts.v[i].host, .port = j->hop.port,
		    .is_lmtp = j->hop.is_lmtp, .user = j->hop.user,
		    .trust = j->hop.trust };

		j->conn = conn_take_host(&w, &talk_ops, j);
	}
	if (j->conn != NULL) {
		j->was_reused = true;
		talk_ops.on_idle(j, j->conn);
		return;
	}
	make_room(j);
	if (j->hop.host.p[0] == '/')
		ask_socket(j);
	else
		dial_next(d);
}

/* --- hosts of a domain --------------------------------------------------- */

static void
on_mx_done(struct job *j, const struct note_dns_done *n)
{
	struct str us[] = { daemon_conf()->site.hostname, j->helo };
	struct str text = n != NULL ? n->text :
	    STR("the resolver does not answer");
	char why[500];

	(void)snprintf(why, sizeof(why), "%.*s: %.*s", STR_ARG(j->hop.host),
	    STR_ARG(text));
	switch (n == NULL ? DNS_LATER : (enum dns_result)n->result) {
	case DNS_OK:
		break;
	case DNS_NO_DATA:	/* implicit: the domain itself, RFC 5321 5.1 */
		j->dial.hosts.n = 0;
		mx_add(&j->dial.hosts, j->hop.host, 0, &j->arena);
		break;
	case DNS_NO_NAME:
	case DNS_BAD_NAME:
		job_done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.1.2", why);
		return;
	default:
		job_done_saying(j, QUEUE_LATER, STAGE_DNS, "4.4.3", why);
		return;
	}
	switch (mx_order(&j->dial.hosts, us, NITEMS(us))) {
	case MX_NULL:
		job_done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.1.10",
		    "the domain takes no mail (null MX)");
		return;
	case MX_LOOP:
		job_done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.4.6",
		    "mail for this domain loops back to ourselves");
		return;
	case MX_FINE:
		go(j);
	}
}

static void
on_mx(void *session, const struct note *n)
{
	struct job *j = session;

	if (n != NULL && n->kind == NOTE_DNS_ROW)
		mx_add(&j->dial.hosts, n->u.dns_row.data,
		    n->u.dns_row.preference, &j->arena);
	else
		on_mx_done(j, note_as_dns_done(n));
}

void
way_find(struct job *j)
{
	struct note_dns_ask n = { .name = j->hop.host, .type = TYPE_MX };

	if (!j->was_stale)
		j->conn = conn_take(j->lane, j->nexthop, &talk_ops, j);
	if (j->conn != NULL) {
		j->was_reused = true;
		talk_ops.on_idle(j, j->conn);
		return;
	}
	j->dial.hosts.n = j->clear_host = 0;
	if (j->hop.by_mx) {
		ask_dns_ask(daemon_peer(RESOLVD, 0), &n, on_mx, j);
		return;
	}
	mx_add(&j->dial.hosts, j->hop.host, 0, &j->arena);
	go(j);
}
