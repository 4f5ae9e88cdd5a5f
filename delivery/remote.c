/* SPDX-License-Identifier: ISC */
/*
 * delivery/remote.c - the process that brings mail to other hosts.
 *
 * In: REMOTE_RCPT and REMOTE_TRY from qmgr (these recipients of this message,
 * to this next hop, now); the body, read-only, from spoold; names from
 * resolvd.  Out: what each host said, word for word, a row a recipient.
 *
 * It decides neither when nor how often something is tried, nor what a reply
 * means for the queue (qmgr does), and never edits a message.  It opens no
 * file; it connects to where the DNS or the settings say.
 *
 * RFC 5321 (SMTP), RFC 2033 (LMTP) and the extensions of smtp/client.h.
 */
#include "delivery/job.h"

#include "delivery/look.h"

#include "base/banned.h"

enum { COURTESY_MS = 1000 };

static struct timer courtesy;

static void
before_cage(void)
{
	digest_warm();
}

static bool
start(void)
{
	hop_reload();
	return true;
}

static void
on_note(struct chan *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_REMOTE_RCPT:
		job_rcpt(c, n);
		break;
	case NOTE_REMOTE_TRY:
		job_try(c, n);
		break;
	case NOTE_REMOTE_LOOK:
		look_begin(c, n);
		break;
	default:
		break;
	}
}

static void
on_peer(struct chan *c)
{
	if (c->peer == SPOOLD)
		job_spoold_came();
}

static void
on_peer_gone(struct chan *c)
{
	if (c->peer != QMGR)
		return;
	job_qmgr_gone(c);
	look_qmgr_gone(c);
}

/* A kept connection was made by what the settings said before. */
static void
on_reload(void)
{
	conn_quit_all_idle();
	hop_reload();
}

/* What is on its way comes to its end first, then QUIT and its reply: that
 * one is a courtesy, not waited for long. */
void
remote_look_at_end(void)
{
	if (!daemon_draining() || job_count() > 0)
		return;
	if (conn_count() == 0)
		daemon_exit();
	if (!timer_armed(&courtesy))
		timer_set(&courtesy, COURTESY_MS);
}

static void
on_courtesy_over(struct timer *t)
{
	(void)t;
	daemon_exit();
}

static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	timer_init(&courtesy, on_courtesy_over);
	conn_quit_all_idle();
	job_drain();
	remote_look_at_end();
}

static void
on_stat(void)
{
	static const struct { const char *name; const uint64_t *value; }
	rows[] = {
		{ "tried", &counters.tried },
		{ "accepted", &counters.accepted },
		{ "later", &counters.later },
		{ "never", &counters.never },
		{ "unknown", &counters.unknown },
		{ "reused", &counters.reused },
		{ "lost-after-dot", &counters.lost },
		{ "opened", &conn_counters.opened },
		{ "tls", &conn_counters.tls },
		{ "tls-resumed", &conn_counters.resumed },
		{ "tls-broken", &counters.tls_broken },
	};

	daemon_stat("jobs", job_count());
	daemon_stat("connections", conn_count());
	daemon_stat("idle", conn_idle_count());
	for (size_t i = 0; i < NITEMS(rows); i++)
		daemon_stat(rows[i].name, *rows[i].value);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = REMOTE, .before_cage = before_cage, .start = start,
		.on_peer = on_peer, .on_note = on_note,
		.on_peer_gone = on_peer_gone,
		.on_reload = on_reload, .on_drain = on_drain,
		.on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
