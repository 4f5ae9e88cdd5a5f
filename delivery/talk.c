/* SPDX-License-Identifier: ISC */
/*
 * delivery/talk.c - a job's message in a session, and what follows when the
 * session ends.
 *
 *	idle -> body from spoold -> transactions -> a row a recipient
 *
 * A host that does not let us in is followed by the next one; a host that has
 * heard MAIL has the word: what it says is told to qmgr, which decides.
 * Nothing is decided here but what only this process can know: that the
 * host is ourselves, that a refusal is of our IPv6 address and IPv4 is worth
 * one try, that a kept connection was stale.
 */
#include "delivery/job.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "delivery/memo.h"

#include "base/banned.h"

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
		fact_keep_best(j, &f);	/* should there be no IPv4 */
		return;
	}
	fact_tell(j, i, &f);
}

static bool
has_again(const struct job *j)
{
	for (size_t i = 0; i < j->env.n && !j->tried_ipv4; i++)
		if (j->rcpt[i].again && !j->rcpt[i].told)
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
	way_find(j);
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
	job_done_by(j, &f);
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

		job_done_saying(j, QUEUE_LATER, STAGE_MAIL, "4.3.0", is_gone ?
		    "the message is not in the spool any more" :
		    "the message could not be read from the spool");
		return;
	}
	j->body = note_take_fd(n);
	j->offset = b->offset;
	j->size = b->size;
	j->added = job_kept(j, b->added);
	j->digest = job_kept(j, b->digest);
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
		fact_tell(j, i, &f);
}

static void
on_idle(void *arg, struct conn *c)
{
	struct job *j = arg;

	j->wants_mail = true;
	if (j->qmgr == NULL) {		/* the dot has been answered */
		j->conn = NULL;
		conn_keep(c, j->nexthop);
		job_done(j);
		return;
	}
	if (!j->has_body) {
		ask_body(j);
		return;
	}
	if (!j->is_talking || (job_has_open(j) && c->client.took_any)) {
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
		job_done(j);
}

static void
on_content(void *arg, struct conn *c)
{
	struct job *j = arg;
	int fd = fcntl(j->body, F_DUPFD_CLOEXEC, 0);

	if (fd < 0) {
		j->conn = NULL;
		conn_drop(c);
		job_done_saying(j, QUEUE_LATER, STAGE_DATA, "4.3.0",
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
	fact_keep_best(j, &f);
	dial_next(&j->dial);
}

/* A kept connection that the other side had given up: not a word counts. */
static bool
is_stale(const struct job *j, const struct conn *c)
{
	return !c->is_fresh && !j->was_stale && (!c->heard_any ||
	    c->stage == SMTP_STEP_RSET ||
	    (c->reply_says && c->heard.code == 421 &&
	    fact_stage(c->stage) == STAGE_MAIL));
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
	way_find(j);
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
		fact_tell(j, i, &mine);
	}
	if (has_again(j))
		try_ipv4(j);
	else
		job_done(j);
}

const struct conn_ops talk_ops = { .on_idle = on_idle,
    .on_content = on_content, .on_fate = on_fate, .on_over = on_over };
