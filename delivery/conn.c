/* SPDX-License-Identifier: ISC */
/*
 * delivery/conn.c - one session with a server.
 *
 *	connected -> greeted -> [TLS] -> [AUTH] -> a job's messages -> idle
 *	    -> the next job's, or QUIT
 *
 * Each reply has its own patience, counted from when it was owed: a server
 * that sends an octet a minute gains nothing.  Content has one for each block
 * that moves.  Whatever a server does ends in on_over with a reason.
 *
 * Never: TLS over octets that came in clear behind STARTTLS; the final dot
 * behind a body that is not the one that was accepted.
 */
#include "delivery/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "daemon/daemon.h"
#include "delivery/job.h"
#include "delivery/memo.h"

#include "base/banned.h"

/* Longer than any pause between two attempts. */
enum { ONE_BY_ONE_MS = 24 * 3600 * 1000 };

static struct link idle = { &idle, &idle };
static size_t count, idle_count;
struct conn_counters conn_counters;

static void	act(struct conn *c, enum smtp_todo todo);

/* --- the end ------------------------------------------------------------- */

static void
keep_session(struct conn *c)
{
	struct tls_session *s;

	if (!stream_is_tls(&c->stream))
		return;
	s = tls_session_take(c->stream.tls);
	if (s != NULL)
		memo_keep_session(str_of(c->memo), c->trust, s);
}

static void
conn_free(struct conn *c)
{
	keep_session(c);
	timer_stop(&c->patience);
	if (list_linked(&c->link))
		idle_count--;
	list_remove(&c->link);
	stream_free(&c->stream);
	smtp_heard_free(&c->heard);
	digest_drop(&c->digest);
	tls_client_unref(c->trust);
	if (c->secret != NULL)
		explicit_bzero(c->secret, strlen(c->secret));
	free(c->lane);
	free(c->nexthop);
	free(c->helo);
	free(c->us);
	free(c->user);
	free(c->secret);
	free(c);
	count--;
	remote_look_at_end();
}

static void
on_reap(struct defer *d)
{
	conn_free(container_of(d, struct conn, reap));
}

/*
 * Commands that were sent ahead went unheard, or the replies do not fit them:
 * one by one next time.  Nothing is heard on a kept connection that is stale.
 */
static void
suspect_pipelining(struct conn *c, enum smtp_step stage)
{
	if (c->reply_says || !c->client.pipelining ||
	    (!c->heard_any && !c->is_fresh) || stage < SMTP_STEP_MAIL ||
	    stage > SMTP_STEP_DATA || c->client.is_sending)
		return;
	memo_pipelining_broke(str_of(c->memo), clock_mono_ms() +
	    ONE_BY_ONE_MS);
}

/* Nothing is freed under the feet of whoever calls: at the end of the pass. */
void
conn_drop(struct conn *c)
{
	c->job = NULL;
	c->is_over = true;
	timer_stop(&c->patience);
	stream_stop(&c->stream);	/* a message that was given up */
	defer_put(&c->reap);
}

static void
over(struct conn *c, enum smtp_step stage)
{
	void *job = c->job;

	if (c->is_over)
		return;
	c->stage = stage;
	suspect_pipelining(c, stage);
	/* STARTTLS was the end of it: in clear, it may be a host like others */
	c->tls_broke |= stage == SMTP_STEP_STARTTLS;
	if (job != NULL)
		c->ops->on_over(job, c);
	conn_drop(c);
}

static void
over_because(struct conn *c, const char *why)
{
	(void)snprintf(c->why, sizeof(c->why), "%s", why);
	c->reply_says = false;
	over(c, smtp_client_owed(&c->client));
}

/* --- patience ------------------------------------------------------------ */

static int64_t
patience_ms(enum smtp_step step)
{
	const struct conf *f = daemon_conf();

	switch (step) {
	case SMTP_STEP_GREETING:
		return f->remote.greeting_timeout;
	case SMTP_STEP_RCPT:
		return f->remote.rcpt_timeout;
	case SMTP_STEP_DATA:
		return f->remote.data_timeout;
	case SMTP_STEP_DOT:
		return f->remote.dot_timeout;
	case SMTP_STEP_QUIT:
		return f->remote.quit_timeout;
	default:
		return f->remote.mail_timeout;
	}
}

static void
on_patience(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, patience);
	char text[120];

	if (c->job == NULL && list_linked(&c->link)) {
		conn_quit(c);		/* idle long enough */
		return;
	}
	if (c->is_shaking) {
		c->tls_broke = true;
		(void)snprintf(text, sizeof(text), "the TLS handshake did not "
		    "end in time");
	} else
		(void)snprintf(text, sizeof(text), "no reply to %s in time",
		    smtp_client_owed(&c->client) == SMTP_STEP_GREETING ?
		    "the connection" :
		    smtp_step_name(smtp_client_owed(&c->client)));
	over_because(c, text);
}

/* --- what to do ---------------------------------------------------------- */

static void
shake_hands(struct conn *c)
{
	if (c->stream.in.len > 0) {
		c->tls_broke = true;
		over_because(c, "clear text came behind the reply to STARTTLS");
		return;
	}
	c->is_shaking = true;
	timer_set(&c->patience, daemon_conf()->remote.tls_timeout);
	stream_connect_tls(&c->stream, c->trust, c->host,
	    memo_session(str_of(c->memo), c->trust));
}

static void
session_over(struct conn *c)
{
	enum smtp_step stage = smtp_client_stage(&c->client);

	if (c->job == NULL && stage == SMTP_STEP_QUIT) {
		timer_stop(&c->patience);
		stream_close_after_flush(&c->stream);	/* in good order */
		return;
	}
	c->reply_says = c->client.fault == NULL;
	if (!c->reply_says)
		(void)snprintf(c->why, sizeof(c->why), "%s", c->client.fault);
	over(c, stage);
}

static void
act(struct conn *c, enum smtp_todo todo)
{
	switch (todo) {
	case SMTP_HEAR:
		timer_set(&c->patience,
		    patience_ms(smtp_client_owed(&c->client)));
		break;
	case SMTP_HANDSHAKE:
		shake_hands(c);
		break;
	case SMTP_CONTENT:
		timer_stop(&c->patience);
		c->ops->on_content(c->job, c);
		break;
	case SMTP_IDLE:
		timer_stop(&c->patience);
		if (c->client.tls_refused)
			memo_tls_broke(str_of(c->memo), clock_mono_ms() +
			    daemon_conf()->remote.tls_memory);
		c->ops->on_idle(c->job, c);
		break;
	case SMTP_OVER:
		session_over(c);
		break;
	}
}

/* No reply at all: its first line is what people should see. */
static void
not_a_reply(struct conn *c, int rc)
{
	struct str text = buf_str(&c->heard.text);

	(void)snprintf(c->why, sizeof(c->why), "%s: \"%.*s\"",
	    rc == FAIL_TOO_BIG ? "a reply without end" : "not an SMTP reply",
	    (int)(text.n < 200 ? text.n : 200), (const char *)text.p);
	c->reply_says = false;
	over(c, smtp_client_owed(&c->client));
}

/*
 * Consent came behind the last reply that was owed: whoever reads on takes it
 * for the answer to what was said only now, and from there each reply for
 * that to the command behind.  A server may refuse and go at any time.
 */
static bool
is_early(const struct conn *c)
{
	struct str more = buf_str(&c->stream.in);

	return more.n > 0 && more.p[0] < '4' && c->job != NULL &&
	    !c->is_shaking && !c->client.is_sending && c->client.owes > 0;
}

static void
on_input(struct stream *s)
{
	struct conn *c = container_of(s, struct conn, stream);
	size_t used;
	bool is_last;
	int rc;

	if (c->job == NULL && list_linked(&c->link)) {
		conn_drop(c);	/* idle, and it speaks: 421 most of the time */
		return;
	}
	while (!c->is_over && !c->is_shaking && s->in.len > 0 &&
	    !list_linked(&c->link)) {
		rc = smtp_heard_feed(&c->heard, buf_str(&s->in), &used);
		buf_consume(&s->in, used);
		if (rc == 1)
			return;
		if (rc < 0) {
			not_a_reply(c, rc);
			return;
		}
		c->heard_any = true;
		is_last = smtp_client_owes_one(&c->client);
		act(c, smtp_client_hear(&c->client, &c->heard));
		if (is_last && is_early(c))
			over_because(c, "a reply came before its command");
	}
}

static void
on_tls(struct stream *s)
{
	struct conn *c = container_of(s, struct conn, stream);

	c->is_shaking = false;
	(void)snprintf(c->tls, sizeof(c->tls), "%s", tls_describe(s->tls));
	conn_counters.tls++;
	conn_counters.resumed += tls_resumed(s->tls);
	if (c->is_wrapped && !c->client.is_secure) {
		c->client.is_secure = true;
		act(c, smtp_client_begin(&c->client));
	} else
		act(c, smtp_client_secured(&c->client));
}

static void
on_drained(struct stream *s)
{
	struct conn *c = container_of(s, struct conn, stream);

	if (c->is_damaged)
		over_because(c, "the body on our disk is not the one that was "
		    "accepted");
	else if (c->client.is_sending)
		return;
	stream_idle(s, 0);
}

/* Only while content goes out. */
static void
on_block_idle(struct stream *s)
{
	struct conn *c = container_of(s, struct conn, stream);

	over_because(c, "the message is not taken: no progress in time");
}

/* Ended without a reply that says why. */
static void
ended(struct conn *c, enum stream_end how)
{
	struct stream *s = &c->stream;
	struct str clear = buf_str(&s->in), line = STR("");

	if (how == STREAM_TLS_FAILED && str_line(&clear, &line))
		(void)snprintf(c->why, sizeof(c->why), "TLS: it spoke in clear "
		    "where its handshake was due: \"%.*s\"",
		    (int)(line.n < 200 ? line.n : 200), (const char *)line.p);
	else if (how == STREAM_TLS_FAILED)
		(void)snprintf(c->why, sizeof(c->why), "TLS: %s",
		    s->tls != NULL ? tls_why(s->tls) : "no such name");
	else
		(void)snprintf(c->why, sizeof(c->why), "connection %s%s",
		    how == STREAM_EOF ? "closed by the other side" : "lost",
		    c->client.is_sending ? " while the message was sent" : "");
	/* closed on the first words under TLS: its TLS is no good either */
	c->tls_broke |= how == STREAM_TLS_FAILED || c->is_shaking ||
	    (c->client.is_secure && c->client.caps.can == 0 &&
	    smtp_client_owed(&c->client) == SMTP_STEP_EHLO);
	c->reply_says = false;
	over(c, c->is_shaking ? SMTP_STEP_STARTTLS :
	    smtp_client_owed(&c->client));
}

/*
 * A server that refuses and closes: our next write fails before its words are
 * read, and while content goes out nothing is read at all.  What it had said
 * is heard first, as if it had come in time.
 */
static void
on_end(struct stream *s, enum stream_end how)
{
	struct conn *c = container_of(s, struct conn, stream);

	if (how == STREAM_RESET || how == STREAM_TLS_FAILED)
		stream_last_words(s);
	if (how == STREAM_RESET)
		on_input(s);
	if (!c->is_over)
		ended(c, how);
	conn_drop(c);
}

static const struct stream_ops ops = { .on_input = on_input,
    .on_drained = on_drained, .on_tls = on_tls, .on_idle = on_block_idle,
    .on_end = on_end };

/* --- content ------------------------------------------------------------- */

/* The dot goes out with the last octets, but only behind the right ones. */
static void
stuff(void *state, struct str in, bool last, struct buf *out)
{
	struct conn *c = state;
	uint8_t got[DIGEST_LEN];

	if (c->verify)
		digest_add(&c->digest, in);
	wire_from_disk_dots(&c->wire, in, last, out);
	if (!last)
		return;
	if (c->verify) {
		digest_end(&c->digest, got);
		c->is_damaged = memcmp(got, c->want, sizeof(got)) != 0;
	}
	if (!c->is_damaged)
		act(c, smtp_client_sent(&c->client));
}

void
conn_content(struct conn *c, struct str added, int fd, uint64_t offset,
    uint64_t size, struct str digest)
{
	c->wire = (struct wire){ .last = 0 };
	c->verify = digest.n == DIGEST_LEN;
	if (c->verify) {
		memcpy(c->want, digest.p, DIGEST_LEN);
		digest_drop(&c->digest);
		digest_begin(&c->digest);
	}
	wire_from_disk_dots(&c->wire, added, false, &c->stream.out);
	stream_idle(&c->stream, daemon_conf()->remote.block_timeout);
	stream_send_file(&c->stream, fd, offset, size, stuff, c);
}

/* --- for jobs ------------------------------------------------------------ */

static void
on_fate(struct smtp_client *client, size_t i, enum smtp_step step,
    const struct smtp_heard *h)
{
	struct conn *c = client->arg;

	c->ops->on_fate(c->job, c, i, step, h);
}

static char *
copy(struct str s)
{
	return xmemdupz(s.p, s.n);
}

struct conn *
conn_new(const struct conn_plan *p)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->ops = p->ops;
	c->job = p->job;
	c->lane = copy(p->lane);
	c->nexthop = copy(p->nexthop);
	c->helo = copy(p->helo);
	c->us = copy(p->us);
	c->user = copy(p->user);
	c->secret = copy(p->secret);
	c->port = p->port;
	c->family = p->dialed.address.family;
	c->is_fresh = true;
	c->trust = p->trust;
	tls_client_ref(c->trust);
	(void)snprintf(c->host, sizeof(c->host), "%.*s", STR_ARG(p->host));
	(void)snprintf(c->memo, sizeof(c->memo), "%s:%u", c->host, p->port);
	(void)snprintf(c->address, sizeof(c->address), "%s", p->dialed.text);
	list_init(&c->link);
	timer_init(&c->patience, on_patience);
	defer_init(&c->reap, on_reap);
	smtp_heard_init(&c->heard);
	stream_init(&c->stream, p->dialed.fd, CONN_IN_MAX, CONN_OUT_MAX, &ops);
	c->client = (struct smtp_client){ .name = str_of(c->helo),
	    .us = str_of(c->us), .is_lmtp = p->is_lmtp, .tls = p->tls,
	    .user = str_of(c->user), .secret = str_of(c->secret),
	    .rcpt_max = daemon_conf()->remote.recipients,
	    .out = &c->stream.out, .fate = on_fate, .arg = c };
	if (c->client.tls == SMTP_TLS_MAY &&
	    memo_tls_is_broken(str_of(c->memo), clock_mono_ms()))
		c->client.tls = SMTP_TLS_NEVER;
	c->client.no_pipelining = memo_pipelining_is_broken(str_of(c->memo),
	    clock_mono_ms());
	count++;
	conn_counters.opened++;
	c->is_wrapped = p->is_wrapped;
	if (c->is_wrapped)
		shake_hands(c);
	else
		act(c, smtp_client_begin(&c->client));
	return c;
}

static struct conn *
take(struct conn *c, const struct conn_ops *job_ops, void *job)
{
	list_remove(&c->link);
	idle_count--;
	timer_stop(&c->patience);
	c->ops = job_ops;
	c->job = job;
	c->is_fresh = false;
	return c;
}

/* The one used last: the others may end. */
struct conn *
conn_take(struct str lane, struct str nexthop, const struct conn_ops *job_ops,
    void *job)
{
	for (struct link *e = idle.prev; e != &idle; e = e->prev) {
		struct conn *c = container_of(e, struct conn, link);

		if (str_same(lane, c->lane) && str_same(nexthop, c->nexthop))
			return take(c, job_ops, job);
	}
	return NULL;
}

struct conn *
conn_take_host(const struct conn_want *w, const struct conn_ops *job_ops,
    void *job)
{
	for (struct link *e = idle.prev; e != &idle; e = e->prev) {
		struct conn *c = container_of(e, struct conn, link);

		if (str_same(w->lane, c->lane) && str_is(w->host, c->host) &&
		    w->port == c->port && w->is_lmtp == c->client.is_lmtp &&
		    str_same(w->user, c->user) && w->trust == c->trust)
			return take(c, job_ops, job);
	}
	return NULL;
}

void
conn_mail(struct conn *c, struct smtp_envelope *env)
{
	c->messages++;
	c->heard_any = false;
	act(c, smtp_client_mail(&c->client, env));
	stream_flush(&c->stream);
}

void
conn_keep(struct conn *c, struct str nexthop)
{
	const struct conf *f = daemon_conf();
	uint32_t most = c->client.caps.mail_max > 0 &&
	    c->client.caps.mail_max < f->remote.messages ?
	    c->client.caps.mail_max : f->remote.messages;

	keep_session(c);
	if (c->messages >= most || f->remote.idle == 0 || daemon_draining() ||
	    c->client.owes > 0 || c->stream.in.len > 0) {
		conn_quit(c);
		return;
	}
	free(c->nexthop);
	c->nexthop = copy(nexthop);
	c->job = NULL;
	list_push(&idle, &c->link);
	idle_count++;
	timer_set(&c->patience, f->remote.idle);
}

void
conn_quit(struct conn *c)
{
	if (list_linked(&c->link)) {
		list_remove(&c->link);
		idle_count--;
	}
	c->job = NULL;
	if (c->is_over)
		return;
	if (c->client.owes > 0 || c->is_shaking) {
		conn_drop(c);
		return;
	}
	act(c, smtp_client_quit(&c->client));
	stream_flush(&c->stream);
}

/* All domains of a large receiver have hosts of their own there: what is kept
 * for some counts as connections to it as much as what is in use. */
void
conn_make_room(struct str lane, size_t most)
{
	struct link *e, *tmp;
	size_t n = 0;

	list_each(e, &idle)
		n += str_same(lane, container_of(e, struct conn, link)->lane);
	list_each_safe(e, tmp, &idle) {
		struct conn *c = container_of(e, struct conn, link);

		if (n <= most)
			return;
		if (!str_same(lane, c->lane))
			continue;
		conn_quit(c);
		n--;
	}
}

size_t
conn_count(void)
{
	return count;
}

size_t
conn_idle_count(void)
{
	return idle_count;
}

void
conn_quit_all_idle(void)
{
	while (!list_empty(&idle))
		conn_quit(container_of(list_first(&idle), struct conn, link));
}
