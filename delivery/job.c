/* SPDX-License-Identifier: ISC */
/*
 * delivery/job.c - the life of one attempt.
 *
 *	take an idle connection of the lane
 *	or	hosts of the domain -> an address -> greeting, TLS, AUTH
 *	then	the body from spoold -> transactions -> a row a recipient
 *
 * A host that does not let us in is followed by the next one; a host that has
 * heard MAIL has the word: what it says is told to qmgr, which decides.
 * Nothing is decided here but what only this process can know: that the
 * domain takes no mail, that the host is ourselves, that a refusal is of our
 * IPv6 address and IPv4 is worth one try, that a kept connection was stale.
 *
 * RFC 5321 5.1 (hosts), 4.2.1 (codes), RFC 7505 (null MX).
 */
#include "delivery/job.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "delivery/memo.h"
#include "mail/addr.h"
#include "mail/code.h"

#include "base/banned.h"

enum {
	TYPE_MX = 15,
	RCPTS_MAX = 10000,
	ARENA_MAX = 8 * 1024 * 1024,
	TAKE_HOSTS = 8,		/* of a domain, looked for among the idle */
	NO_DEADLINE_MS = 3600 * 1000,
};

struct rcpt {
	uint32_t	number;
	bool		told, again;	/* again: by IPv4 */
};

struct job {
	struct link	link;
	struct chan	*qmgr;
	uint32_t	ticket;
	struct arena	arena;
	struct str	mid, lane, nexthop, helo;
	struct address	source;		/* of the lane; AF_UNSPEC: none */
	uint32_t	connections;	/* most of the lane; 0: not said */
	struct rcpt	*rcpt;
	size_t		cap;
	struct smtp_envelope env;
	struct timer	deadline;
	struct hop	hop;
	struct dial	dial;
	size_t		host;		/* of the connection, in dial.hosts */
	struct dial_result dialed;
	size_t		clear_host;	/* 1 + the host whose TLS broke; 0: none */
	struct conn	*conn;
	bool		has_body, asked_body;
	int		body;
	uint64_t	offset, size;
	struct str	added, digest;
	struct fact	best;		/* of the hosts that let us not in */
	struct buf	best_reply;
	bool		has_best, any_temporary;
	bool		wants_mail;	/* the session is idle, for the body */
	bool		is_talking;	/* MAIL was said */
	bool		was_stale, tried_ipv4, was_reused, was_lost;
};

static struct link jobs = { &jobs, &jobs };
static struct link gathered = { &gathered, &gathered };	/* before TRY */
static size_t count;
struct counters counters;

static void	find_way(struct job *j);

/* --- rows ---------------------------------------------------------------- */

static enum remote_stage
stage_of(enum smtp_step step)
{
	static const enum remote_stage stages[SMTP_STEPS] = {
		[SMTP_STEP_GREETING] = STAGE_GREETING,
		[SMTP_STEP_EHLO] = STAGE_EHLO, [SMTP_STEP_HELO] = STAGE_EHLO,
		[SMTP_STEP_LHLO] = STAGE_EHLO,
		[SMTP_STEP_STARTTLS] = STAGE_TLS,
		[SMTP_STEP_AUTH] = STAGE_AUTH,
		[SMTP_STEP_AUTH_USER] = STAGE_AUTH,
		[SMTP_STEP_AUTH_SECRET] = STAGE_AUTH,
		[SMTP_STEP_RSET] = STAGE_MAIL, [SMTP_STEP_MAIL] = STAGE_MAIL,
		[SMTP_STEP_RCPT] = STAGE_RCPT, [SMTP_STEP_DATA] = STAGE_DATA,
		[SMTP_STEP_DOT] = STAGE_DOT, [SMTP_STEP_QUIT] = STAGE_QUIT,
	};

	return stages[step];
}

static const char *
stage_name(enum remote_stage stage)
{
	static const char *const names[] = {
		[STAGE_DNS] = "dns", [STAGE_CONNECT] = "connect",
		[STAGE_GREETING] = "greeting", [STAGE_EHLO] = "ehlo",
		[STAGE_TLS] = "tls", [STAGE_AUTH] = "auth",
		[STAGE_MAIL] = "mail", [STAGE_RCPT] = "rcpt",
		[STAGE_DATA] = "data", [STAGE_DOT] = "dot",
		[STAGE_QUIT] = "quit",
	};

	return names[stage];
}

static void
count_result(enum queue_result r)
{
	counters.accepted += r == QUEUE_DELIVERED;
	counters.later += r == QUEUE_LATER;
	counters.never += r == QUEUE_NEVER;
	counters.unknown += r == QUEUE_UNKNOWN;
}

static void
log_fact(const struct job *j, size_t i, const struct fact *f)
{
	static const char *const words[] = { [QUEUE_DELIVERED] = "accepted",
	    [QUEUE_LATER] = "later", [QUEUE_NEVER] = "never",
	    [QUEUE_UNKNOWN] = "unknown" };

	log_event(LOG_LEVEL_INFO, "remote-result");
	log_str("mid", j->mid);
	log_str("to", j->env.to[i].address);
	log_z("result", words[f->result]);
	log_z("stage", stage_name(f->stage));
	log_str("host", f->host);
	log_str("address", f->address);
	log_str("tls", f->tls);
	log_str("reply", f->reply);
	log_end();
}

static void
tell(struct job *j, size_t i, const struct fact *f)
{
	struct note_remote_row n = { .number = j->rcpt[i].number,
	    .result = f->result, .stage = f->stage, .code = f->code,
	    .status = str_sub(f->status, 0, 16),
	    .host = str_sub(f->host, 0, 255), .address = f->address,
	    .tls = f->tls, .reply = str_sub(f->reply, 0, 4096) };

	if (j->rcpt[i].told)
		return;
	j->rcpt[i].told = true;
	count_result(f->result);
	log_fact(j, i, f);
	note_answer_remote_row(j->qmgr, j->ticket, &n);
}

static void
job_free(struct job *j)
{
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

static void
done(struct job *j)
{
	struct note_remote_done n = { .failed = 0, .reused = j->was_reused,
	    .lost = j->was_lost };

	counters.reused += j->was_reused;
	counters.lost += j->was_lost;
	note_answer_remote_done(j->qmgr, j->ticket, &n);
	job_free(j);
}

/* The same for all who have no row yet; the job is over. */
static void
done_by(struct job *j, const struct fact *f)
{
	for (size_t i = 0; i < j->env.n; i++)
		tell(j, i, f);
	done(j);
}

/* Words of our own in place of a reply. */
static void
done_saying(struct job *j, enum queue_result result, enum remote_stage stage,
    const char *status, const char *text)
{
	struct fact f = { .result = result, .stage = stage,
	    .status = str_of(status), .reply = str_of(text) };

	if (j->dialed.text[0] != '\0' && stage > STAGE_CONNECT) {
		f.host = j->dial.hosts.v[j->host].host;
		f.address = str_of(j->dialed.text);
	}
	done_by(j, &f);
}

/* --- facts of a session -------------------------------------------------- */

static enum queue_result
result_of(unsigned code)
{
	return code / 100 == 2 ? QUEUE_DELIVERED :
	    code / 100 == 5 ? QUEUE_NEVER : QUEUE_LATER;
}

static struct fact
fact_of_reply(const struct conn *c, enum smtp_step step,
    const struct smtp_heard *h)
{
	return (struct fact){ .result = result_of(h->code),
	    .stage = stage_of(step), .code = h->code,
	    .status = smtp_heard_status(h), .host = str_of(c->host),
	    .address = str_of(c->address), .tls = str_of(c->tls),
	    .reply = buf_str(&h->text) };
}

/* A session that ended: by a reply or without one. */
static struct fact
fact_of_end(const struct conn *c)
{
	struct fact f;

	if (c->reply_says) {
		f = fact_of_reply(c, c->stage, &c->heard);
		if (f.result == QUEUE_DELIVERED)
			f.result = QUEUE_LATER;
		return f;
	}
	return (struct fact){ .result = QUEUE_LATER,
	    .stage = stage_of(c->stage), .status = STR("4.4.2"),
	    .host = str_of(c->host), .address = str_of(c->address),
	    .tls = str_of(c->tls), .reply = str_of(c->why) };
}

static struct str
kept(struct job *j, struct str s)
{
	return arena_str(&j->arena, s);
}

/* Of several hosts the last one that said something is the reason. */
static void
keep_best(struct job *j, const struct fact *f)
{
	j->any_temporary |= f->result != QUEUE_NEVER;
	if (j->has_best && j->best.code != 0 && f->code == 0)
		return;
	j->best = *f;
	j->best.status = kept(j, f->status);
	j->best.host = kept(j, f->host);
	j->best.address = kept(j, f->address);
	j->best.tls = kept(j, f->tls);
	buf_reset(&j->best_reply);	/* thousands of hosts may say much */
	buf_add(&j->best_reply, str_sub(f->reply, 0, SMTP_HEARD_KEPT));
	j->best.reply = buf_str(&j->best_reply);
	j->has_best = true;
}

/* --- transactions -------------------------------------------------------- */

/* Google, Microsoft and others refuse what comes by IPv6 from addresses
 * without name or record; by IPv4 the same message is welcome. */
static bool
is_of_ipv6(const struct conn *c, const struct smtp_heard *h)
{
	static const char *const words[] = { "ipv6", "ptr record",
	    "reverse dns" };
	struct str text = buf_str(&h->text);

	if (c->family != AF_INET6 || h->code / 100 != 5)
		return false;
	if (str_same(smtp_heard_status(h), "5.7.25"))
		return true;
	for (size_t i = 0; i < NITEMS(words); i++)
		if (str_ifind(text, str_of(words[i])) < text.n)
			return true;
	return false;
}

static void
on_fate(void *arg, struct conn *c, size_t i, enum smtp_step step,
    const struct smtp_heard *h)
{
	struct job *j = arg;
	struct fact f = fact_of_reply(c, step, h);

	if (!j->tried_ipv4 && is_of_ipv6(c, h)) {
		j->rcpt[i].again = true;
		keep_best(j, &f);	/* should there be no IPv4 */
		return;
	}
	tell(j, i, &f);
}

static bool
has_again(const struct job *j)
{
	for (size_t i = 0; i < j->env.n && !j->tried_ipv4; i++)
		if (j->rcpt[i].again && !j->rcpt[i].told)
			return true;
	return false;
}

static bool
has_open(const struct job *j)
{
	for (size_t i = 0; i < j->env.n; i++)
		if (j->env.to[i].fate == SMTP_OPEN ||
		    j->env.to[i].fate == SMTP_AGAIN)
			return true;
	return false;
}

/* Those refused for our IPv6 address, once more by the other family. */
static void
try_ipv4(struct job *j)
{
	for (size_t i = 0; i < j->env.n; i++)
		if (j->rcpt[i].again && !j->rcpt[i].told)
			j->env.to[i].fate = SMTP_OPEN;
	j->tried_ipv4 = true;
	j->is_talking = false;
	j->was_stale = true;	/* none that is open already */
	find_way(j);
}

static void
too_large(struct job *j)
{
	struct conn *c = j->conn;
	char text[160];
	struct fact f = { .result = QUEUE_NEVER, .stage = STAGE_MAIL,
	    .status = STR("5.3.4"), .host = str_of(c->host),
	    .address = str_of(c->address), .tls = str_of(c->tls) };

	(void)snprintf(text, sizeof(text), "the message has %" PRIu64
	    " octets, the host takes no more than %" PRIu64, j->env.size,
	    c->client.caps.size_max);
	f.reply = str_of(text);
	j->conn = NULL;
	conn_keep(c, j->nexthop);
	done_by(j, &f);
}

static void
say_mail(struct job *j)
{
	uint64_t most = j->conn->client.caps.size_max;

	if (most > 0 && j->env.size > most) {
		too_large(j);
		return;
	}
	j->is_talking = true;
	j->wants_mail = false;
	conn_mail(j->conn, &j->env);
}

static void
on_body(void *session, const struct note *n)
{
	struct job *j = session;
	const struct note_spool_body *b = note_as_spool_body(n);

	j->asked_body = false;
	if (b == NULL || b->failed != 0 || n->fd < 0) {
		bool is_gone = b != NULL && b->failed == -FAIL_GONE;

		done_saying(j, QUEUE_LATER, STAGE_MAIL, "4.3.0", is_gone ?
		    "the message is not in the spool any more" :
		    "the message could not be read from the spool");
		return;
	}
	j->body = note_take_fd(n);
	j->offset = b->offset;
	j->size = b->size;
	j->added = kept(j, b->added);
	j->digest = kept(j, b->digest);
	j->env.size = b->size + b->added.n;
	j->has_body = true;
	if (j->wants_mail)
		say_mail(j);
}

static void
ask_body(struct job *j)
{
	struct note_spool_read n = { .mid = j->mid };

	if (j->asked_body)
		return;
	j->asked_body = true;
	ask_spool_read(daemon_peer(SPOOLD, 0), &n, on_body, j);
}

/* Who was left by nobody's word (a server that says 452 for ever). */
static void
leave_open(struct job *j)
{
	const struct conn *c = j->conn;
	struct fact f = { .result = QUEUE_LATER, .stage = STAGE_RCPT,
	    .status = STR("4.5.3"), .host = str_of(c->host),
	    .address = str_of(c->address), .tls = str_of(c->tls),
	    .reply = STR("too many recipients for this host at a time") };

	for (size_t i = 0; i < j->env.n; i++)
		tell(j, i, &f);
}

static void
on_idle(void *arg, struct conn *c)
{
	struct job *j = arg;

	j->wants_mail = true;
	if (!j->has_body) {
		ask_body(j);
		return;
	}
	if (!j->is_talking || (has_open(j) && c->client.took_any)) {
		say_mail(j);
		return;
	}
	if (!has_again(j))
		leave_open(j);
	j->conn = NULL;
	conn_keep(c, j->nexthop);
	if (has_again(j))
		try_ipv4(j);
	else
		done(j);
}

static void
on_content(void *arg, struct conn *c)
{
	struct job *j = arg;
	int fd = fcntl(j->body, F_DUPFD_CLOEXEC, 0);

	if (fd < 0) {
		j->conn = NULL;
		conn_drop(c);
		done_saying(j, QUEUE_LATER, STAGE_DATA, "4.3.0",
		    "no descriptor for the message's body");
		return;
	}
	conn_content(c, j->added, fd, j->offset, j->size, j->digest);
}

/* --- sessions that end --------------------------------------------------- */

/* Before MAIL: the next host may be better. */
static void
not_let_in(struct job *j, struct conn *c)
{
	struct fact f = fact_of_end(c);

	if (c->tls_broke && c->client.tls == SMTP_TLS_MAY) {
		memo_tls_broke(str_of(c->memo), clock_mono_ms() +
		    daemon_conf()->remote.tls_memory);
		log_event(LOG_LEVEL_INFO, "remote-tls-broken");
		log_str("mid", j->mid);
		log_z("host", c->host);
		log_z("address", c->address);
		log_z("text", c->why);
		log_end();
		counters.tls_broken++;
		j->clear_host = j->host + 1;
		dial_again(&j->dial, &j->dialed);
		dial_next(&j->dial);
		return;
	}
	if (c->client.is_loop) {
		f.result = QUEUE_NEVER;
		f.status = STR("5.4.6");
		f.reply = STR("mail for this domain loops back to ourselves");
		if (j->hop.by_mx)
			dial_cut(&j->dial, j->host);
	}
	if (f.stage == STAGE_AUTH || f.stage == STAGE_TLS)
		f.result = QUEUE_LATER;		/* ours to mend */
	keep_best(j, &f);
	dial_next(&j->dial);
}

/* A kept connection that the other side had given up: not a word counts. */
static bool
is_stale(const struct job *j, const struct conn *c)
{
	return !c->is_fresh && !j->was_stale && (!c->heard_any ||
	    (c->reply_says && c->heard.code == 421 &&
	    stage_of(c->stage) == STAGE_MAIL));
}

static void
reopen(struct job *j)
{
	for (size_t i = 0; i < j->env.n; i++)
		if (!j->rcpt[i].told)
			j->env.to[i].fate = SMTP_OPEN;
	j->was_stale = true;
	j->was_reused = false;
	j->is_talking = false;
	find_way(j);
}

static void
on_over(void *arg, struct conn *c)
{
	struct job *j = arg;
	struct fact f = fact_of_end(c);

	j->conn = NULL;		/* it frees itself */
	j->wants_mail = false;
	if (!j->is_talking && c->is_fresh) {
		not_let_in(j, c);
		return;
	}
	if (is_stale(j, c) || !j->is_talking) {
		reopen(j);
		return;
	}
	if (f.stage == STAGE_DOT && f.code == 0) {
		f.result = QUEUE_UNKNOWN;
		j->was_lost = true;
	}
	for (size_t i = 0; i < j->env.n; i++) {
		struct fact mine = f;

		if (j->rcpt[i].again && !j->tried_ipv4)
			continue;
		if (j->env.to[i].fate != SMTP_TAKEN &&
		    mine.result == QUEUE_UNKNOWN)
			mine.result = QUEUE_LATER;
		j->env.to[i].fate = SMTP_DONE;
		tell(j, i, &mine);
	}
	if (has_again(j))
		try_ipv4(j);
	else
		done(j);
}

static const struct conn_ops conn_ops = { .on_idle = on_idle,
    .on_content = on_content, .on_fate = on_fate, .on_over = on_over };

/* --- the way ------------------------------------------------------------- */

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
	done_by(j, &f);
}

static void
begin_session(struct job *j)
{
	struct conn_plan p = { .ops = &conn_ops, .job = j, .lane = j->lane,
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
		keep_best(j, &f);
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
	done_saying(j, QUEUE_LATER, STAGE_CONNECT, "4.4.1", text);
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
	size_t busy = 0;
	struct link *e;

	if (j->connections == 0)
		return;
	list_each(e, &jobs)
		busy += str_eq(container_of(e, struct job, link)->lane,
		    j->lane);
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

		j->conn = conn_take_host(&w, &conn_ops, j);
	}
	if (j->conn != NULL) {
		j->was_reused = true;
		on_idle(j, j->conn);
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
		done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.1.2", why);
		return;
	default:
		done_saying(j, QUEUE_LATER, STAGE_DNS, "4.4.3", why);
		return;
	}
	switch (mx_order(&j->dial.hosts, us, NITEMS(us))) {
	case MX_NULL:
		done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.1.10",
		    "the domain takes no mail (null MX)");
		return;
	case MX_LOOP:
		done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.4.6",
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

static void
find_way(struct job *j)
{
	struct note_dns_ask n = { .name = j->hop.host, .type = TYPE_MX };

	if (!j->was_stale)
		j->conn = conn_take(j->lane, j->nexthop, &conn_ops, j);
	if (j->conn != NULL) {
		j->was_reused = true;
		on_idle(j, j->conn);
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
		f.stage = stage_of(smtp_client_owed(&c->client));
		f.host = kept(j, str_of(c->host));
		f.address = kept(j, str_of(c->address));
		f.tls = kept(j, str_of(c->tls));
		j->conn = NULL;
		conn_drop(c);
	}
	j->was_lost |= in_doubt;
	for (size_t i = 0; i < j->env.n; i++) {
		f.result = in_doubt && j->env.to[i].fate == SMTP_TAKEN ?
		    QUEUE_UNKNOWN : QUEUE_LATER;
		tell(j, i, &f);
	}
	done(j);
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
	j->mid = kept(j, mid);
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
	j->env.to[at] = (struct smtp_to){ .address = kept(j, r->address) };
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
			tell(j, i, &f);
		}
}

/* Its strings are the settings', which a reload frees. */
static bool
find_hop(struct job *j, uint32_t transport)
{
	if (!hop_find(j->nexthop, transport, &j->hop))
		return false;
	j->hop.host = kept(j, j->hop.host);
	j->hop.user = kept(j, j->hop.user);
	j->hop.secret = kept(j, j->hop.secret);
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
	j->lane = kept(j, t->lane);
	j->nexthop = kept(j, t->nexthop);
	j->connections = t->connections;
	j->helo = kept(j, t->helo.n > 0 ? t->helo : f->remote.helo.n > 0 ?
	    f->remote.helo : f->site.hostname);
	j->env.sender = kept(j, t->sender);
	j->env.is_8bit = (t->flags & SPOOL_8BIT) != 0;
	(void)address_parse(t->source, &j->source);
	counters.tried += j->env.n;
	timer_set(&j->deadline, left > 0 ? left : 1);
	if (j->env.n != t->recipients) {
		done_saying(j, QUEUE_LATER, STAGE_DNS, "4.3.0",
		    "the recipients did not all arrive");
		return;
	}
	refuse_unspeakable(j);
	if (!has_open(j))
		done(j);
	else if (daemon_draining())
		stopped(j);
	else if (!find_hop(j, t->transport))
		done_saying(j, QUEUE_NEVER, STAGE_DNS, "5.4.4",
		    "the next hop is not well-formed");
	else
		find_way(j);
}

static void
free_those_of(struct link *list, const struct chan *c)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, list) {
		struct job *j = container_of(e, struct job, link);

		if (j->qmgr == c)
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

/* --- REMOTE_LOOK --------------------------------------------------------- */

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
job_look(struct chan *c, const struct note *n)
{
	struct look *l = xcalloc(1, sizeof(*l));
	struct note_dns_ask ask = { .type = TYPE_MX };
	struct hop hop;

	l->qmgr = c;
	l->ticket = n->ticket;
	list_push(&looks, &l->link);
	arena_init(&l->arena, ARENA_MAX);
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

/* Nobody is left to be told.  What is between the dot and its reply cannot
 * be called back; all else is not said any more. */
void
job_qmgr_gone(struct chan *c)
{
	struct link *e, *tmp;

	free_those_of(&gathered, c);
	free_those_of(&jobs, c);
	list_each_safe(e, tmp, &looks) {
		struct look *l = container_of(e, struct look, link);

		if (l->qmgr == c)
			look_free(l);
	}
}
