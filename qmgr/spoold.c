/* SPDX-License-Identifier: ISC */
/*
 * qmgr/spoold - the journal: what it has written down is accepted.
 *
 * Takes messages (SPOOL_COMMIT) and APPENDs, makes all that wait durable with
 * one write and one flush, answers, hands local recipients to stored, tells
 * qmgr of the rest, settles once a second, and after a start finishes what
 * was open.  It alone writes the spool.
 *
 * The flush of the journal is the only sync it waits for; while it runs the
 * next notes gather in their sockets.  It never reads a header, never talks
 * to the network, and never answers before the flush.
 */
#include "qmgr/spoold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"

#include "base/banned.h"

#define TICK_MS		1000
#define HEARD_ALL	64	/* fewer notes: no channel kept any back */
#define PASSES		16	/* then it is written, whatever else comes */
#define SPILL_AGE_MS	10000	/* what is older leaves the ring for a file */
#define SPILLS		32	/* files a tick: a few ms of work */
#define REPLAY_MAX_MS	30000	/* then the doors open all the same */

struct spoold spoold;

/* --- what the spool tells ------------------------------------------------ */

static void
on_committed(void *arg, struct message *m, int fail)
{
	(void)arg;
	draft_committed(m, fail);
}

static void
on_deliver(void *arg, struct message *m, uint32_t number)
{
	(void)arg;
	deliver_queue(m, number, NULL, NULL);
}

static void
on_waits(void *arg, struct message *m, uint32_t number)
{
	(void)arg;
	wait_tell(m, number);
}

static void
on_ended(void *arg, struct message *m, uint32_t number)
{
	(void)arg;
	wait_ended(m, number);
}

/* Put aside for a person to look at; everything else goes on. */
static void
on_corrupt(void *arg, const char *name, struct str bytes, const char *what)
{
	char aside[64];
	int fd = -1;

	(void)arg;
	if (bytes.n > 0) {
		snprintf(aside, sizeof(aside), "corrupt/%s.%lld", name,
		    (long long)clock_real_ms());
		fd = file_open(spoold.folder, aside, O_WRONLY | O_CREAT |
		    O_EXCL, 0600);
		if (fd >= 0 && file_write(fd, bytes) != 0)
			aside[0] = '\0';
		fd_close(&fd);
	}
	log_event(LOG_LEVEL_ERROR, "spool-damaged");
	log_z("item", name);
	log_z("what", what);
	log_u64("bytes", bytes.n);
	log_end();
}

static void
on_wrote(void *arg, const char *name, bool exists)
{
	(void)arg;
	settling_wrote(name, exists);
}

static void
on_forget(void *arg, struct message *m)
{
	(void)arg;
	deliver_forget(m);
}

static const struct spool_ops ops = {
	.committed = on_committed, .deliver = on_deliver, .waits = on_waits,
	.ended = on_ended, .corrupt = on_corrupt, .wrote = on_wrote,
	.forget = on_forget,
};

/* --- batches ------------------------------------------------------------- */

void
spoold_log(enum log_level level, const char *event, const struct message *m)
{
	log_event(level, event);
	log_z("mid", m->mid);
	if (m->env.sid.n > 0)
		log_str("sid", m->env.sid);
}

void
spoold_gather(void)
{
	defer_put(&spoold.batch);
}

/* R5: loudly, and once a tick. */
static void
say_broken(int fail)
{
	log_event(LOG_LEVEL_ERROR, fail == FAIL_PERM ? "journal-dead" :
	    "journal-error");
	log_z("what", fail == FAIL_PERM ? "two errors: nothing is accepted "
	    "until spoold is started again" : "a segment was abandoned");
	log_errno();
	log_end();
}

static void
flush(void)
{
	int r;

	spoold.passes = 0;
	timer_stop(&spoold.listen);
	if (!spool_gathers(spoold.spool))
		return;
	r = spool_flush(spoold.spool);
	spoold.batches += r == 0;
	if (r == FAIL_TEMP || r == FAIL_PERM)
		say_broken(r);
}

/* A pass reads no more than so many notes of a channel.  On a disk that takes
 * 10 ms a flush that would be 6,400 recipients a second, so what lies in the
 * channels is heard before the batch goes. */
static bool
has_heard_all(void)
{
	bool all = spoold.heard < HEARD_ALL || ++spoold.passes >= PASSES;

	spoold.heard = 0;
	return all;
}

/* One write, one flush. */
static void
on_batch(struct defer *d)
{
	(void)d;
	if (has_heard_all())
		flush();
	else
		timer_set(&spoold.listen, 0);
	deliver_pump();
	spool_tidy(spoold.spool);
}

static void
on_listen(struct timer *t)
{
	(void)t;
	spoold_gather();
}

/* --- replay -------------------------------------------------------------- */

static void
tell_replay_end(struct chan *c)
{
	struct note_replay_end note = { .boot = daemon_boot() };

	note_put_replay_end(c, &note);
}

/* R16: the doors open when all open hand-overs of the ring are done. */
static void
replay_over(void)
{
	if (spoold.replayed)
		return;
	spoold.replayed = true;
	timer_stop(&spoold.replay_limit);
	for (unsigned i = 0; i < daemon_peer_count(STORED); i++)
		tell_replay_end(daemon_peer(STORED, i));
	log_event(LOG_LEVEL_INFO, "spool-replayed");
	log_u64("messages", dict_len(&spoold.spool->messages));
	log_end();
	daemon_ready();
}

static void
on_replay_limit(struct timer *t)
{
	(void)t;
	log_say(LOG_LEVEL_WARN, "spool-replay-slow",
	    "%zu hand-overs are still open", deliver_out());
	replay_over();
}

/* --- the daemon ---------------------------------------------------------- */

static void
on_tick(struct timer *t)
{
	timer_set(t, TICK_MS);
	(void)spool_sweep(spoold.spool, clock_mono_ms() - SPILL_AGE_MS,
	    SPILLS);
	draft_tick();
	deliver_tick();
	wait_tick();
	maildrop_tick();
	settling_tick();
	if (!spoold.replayed && deliver_out() == 0)
		replay_over();
	spoold_gather();
}

static void
cannot_start(const struct why *why)
{
	log_say(LOG_LEVEL_ERROR, "spool-unusable", "%s", why->text);
	daemon_exit();
}

static void
before_cage(void)
{
	digest_warm();
	settling_machine();
}

static bool
start(void)
{
	const struct conf *conf = daemon_conf();
	struct journal_limits limits = {
		.segments = conf->spool.segments,
		.segment_size = (uint32_t)conf->spool.segment_size,
	};
	struct why why;

	spoold.folder = daemon_file("spool");
	disk_real(&spoold.disk, spoold.folder);
	list_init(&spoold.drafts);
	deliver_init();
	wait_init();
	doubt_init();
	defer_init(&spoold.batch, on_batch);
	timer_init(&spoold.listen, on_listen);
	timer_init(&spoold.tick, on_tick);
	timer_init(&spoold.replay_limit, on_replay_limit);
	if (spool_lay_out(&spoold.disk, &why) != 0 ||
	    spool_open(&spoold.spool, &spoold.disk, limits, &ops, NULL,
	    &why) != 0)
		cannot_start(&why);
	maildrop_start();
	settling_start();
	spool_begin(spoold.spool);
	timer_set(&spoold.tick, 0);
	timer_set(&spoold.replay_limit, REPLAY_MAX_MS);
	spoold_gather();
	if (deliver_out() == 0) {	/* nothing was open: the usual start */
		spoold.replayed = true;
		timer_stop(&spoold.replay_limit);
	}
	return spoold.replayed;
}

static void
on_peer(struct chan *c)
{
	if (c->peer == QMGR)
		wait_peer();
	if (c->peer == REMOTE)
		doubt_remote_came(c);
	if (c->peer == STORED) {
		if (spoold.replayed)
			tell_replay_end(c);
		deliver_peer(c);
	}
}

static void
remote_note(struct chan *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_REMOTE_SENT:
		wait_sent(n);
		break;
	case NOTE_REMOTE_DOUBT:
		doubt_note(c, &n->u.remote_doubt);
		break;
	case NOTE_REMOTE_HEARD:
		doubt_heard(c);
		break;
	default:
		draft_note(c, n);
		break;
	}
}

static void
on_note(struct chan *c, const struct note *n)
{
	spoold.heard++;
	switch (c->peer) {
	case QMGR:
	case CTLD:
		wait_note(c, n);
		break;
	case REMOTE:
		remote_note(c, n);
		break;
	default:
		draft_note(c, n);
		break;
	}
}

static void
on_peer_gone(struct chan *c)
{
	draft_peer_gone(c);
	maildrop_peer_gone(c);
	if (c->peer == STORED)
		deliver_peer(NULL);
	if (c->peer == SYNCD)
		settling_gone();
	if (c->peer == REMOTE)
		doubt_remote_gone(c);
	if (c->peer == QMGR)
		doubt_qmgr_gone();
}

/* Everything answered is durable; marks that gather go down once more. */
static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	flush();
	daemon_exit();
}

static void
on_stat(void)
{
	daemon_stat("accepted", spoold.accepted);
	daemon_stat("refused", spoold.refused);
	daemon_stat("delivered", spoold.delivered);
	daemon_stat("batches", spoold.batches);
	daemon_stat("messages-in-memory", dict_len(&spoold.spool->messages));
	daemon_stat("hand-overs", deliver_out());
	daemon_stat("segments-free", journal_free(spoold.spool->journal));
	daemon_stat("journal-dead", journal_dead(spoold.spool->journal));
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops daemon = {
		.kind = SPOOLD, .before_cage = before_cage, .start = start, .on_peer = on_peer,
		.on_note = on_note, .on_peer_gone = on_peer_gone,
		.on_drain = on_drain, .on_stat = on_stat,
	};

	daemon_main(&daemon, argc, argv);
}
