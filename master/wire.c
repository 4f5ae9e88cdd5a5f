/* SPDX-License-Identifier: ISC */
/*
 * master/wire.c - who holds a channel to whom.
 *
 * Each pair of processes that the table calls peers gets the two ends of a
 * socket pair; master keeps none.  A process cannot reach a peer that it was
 * not dealt.  A channel that ended because one side said what it may not, or
 * did not listen, is dealt anew, but not more often than once a second.
 */
#include "master/master.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/banned.h"

enum { AGAIN_MS = 1000 };

static void
tell_peer(struct child *to, const struct child *of, int fd)
{
	struct note_peer_new n = { .kind = of->kind, .index = of->index,
	    .count = master.count[of->kind], .generation = master.channels,
	    .fd = fd };

	note_put_peer_new(to->chan, &n);
}

static void
deal(struct child *a, struct child *b)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, fd) != 0) {
		log_event(LOG_LEVEL_ERROR, "channel-failed");
		log_errno();
		log_end();
		return;
	}
	master.channels++;
	tell_peer(a, b, fd[0]);
	tell_peer(b, a, fd[1]);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static bool
is_alive(const struct child *c)
{
	return child_exists(c) && c->chan != NULL &&
	    (c->state == CHILD_STARTING || c->state == CHILD_READY);
}

void
wire_child(struct child *c)
{
	each_child(other)
		if (other != c && is_alive(other) &&
		    procs_are_peers(c->kind, other->kind))
			deal(c, other);
}

/* --- a channel that ended before its processes --------------------------- */

struct again {
	struct timer	timer;
	struct child	*a, *b;
	pid_t		pid_a, pid_b;
};

static void
on_again(struct timer *t)
{
	struct again *w = container_of(t, struct again, timer);

	/* a restart has dealt meanwhile */
	if (is_alive(w->a) && is_alive(w->b) && w->a->pid == w->pid_a &&
	    w->b->pid == w->pid_b)
		deal(w->a, w->b);
	free(w);
}

void
wire_again(struct child *a, struct child *b)
{
	struct again *w = xcalloc(1, sizeof(*w));

	w->a = a;
	w->b = b;
	w->pid_a = a->pid;
	w->pid_b = b->pid;
	timer_init(&w->timer, on_again);
	timer_set(&w->timer, AGAIN_MS);
}

static void
peer_bad(struct child *c, const struct note_peer_bad *n)
{
	log_event(LOG_LEVEL_ERROR, "peer-bad");
	log_z("process", procs[c->kind].name);
	log_u64("index", c->index);
	log_z("peer", n->kind < PROC_COUNT ? procs[n->kind].name : "?");
	log_u64("peer-index", n->index);
	log_str("text", n->text);
	log_end();
	if (n->kind >= PROC_COUNT || n->index >= WORKERS_MAX ||
	    !procs_are_peers(c->kind, (enum proc)n->kind) ||
	    n->kind == MASTER)
		return;
	wire_again(c, &master.child[n->kind][n->index]);
}

/* --- what children say to master ----------------------------------------- */

void
on_child_note(struct chan *chan, const struct note *n, void *arg)
{
	struct child *c = arg;

	switch (n->kind) {
	case NOTE_READY:
		watch_ready(c, n->u.ready.catalogue);
		break;
	case NOTE_PEER_BAD:
		peer_bad(c, &n->u.peer_bad);
		break;
	case NOTE_SOCKET_ASK:
		connect_note(chan, n);
		break;
	default:
		(void)control_note(chan, n);
	}
}

/* The end of the channel is not yet the end of the process: SIGCHLD tells.
 * Yet one that has closed it, or says nonsense, is of no more use. */
void
on_child_end(struct chan *chan, void *arg)
{
	struct child *c = arg;

	chan_free(chan);
	c->chan = NULL;
	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}
