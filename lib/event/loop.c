/* SPDX-License-Identifier: ISC */
/*
 * event/loop.c - epoll, timers, signals and deferred work, one pass at a
 * time: wait, ready descriptors, due timers, deferred work.
 *
 * A callback may unwatch (and free) anything, also what is ready in this very
 * pass: loop_unwatch strikes it out of the batch in hand.  A watch that wants
 * nothing is taken out of the epoll set, for the kernel reports a hang-up
 * always and would spin us.
 */
#include "event/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/banned.h"

enum {
	BATCH = 64,		/* descriptors served a pass */
	DEFER_ROUNDS = 8,	/* deferred work that defers work, a pass */
	SIGNALS = 65,
};

static struct {
	int			epfd;
	struct epoll_event	ready[BATCH];
	int			ready_at, ready_end;
	struct heap		timers;
	struct link		defers;
	struct watch		signal_watch;
	sigset_t		signal_set;
	signal_fn		*on_signal[SIGNALS];
	bool			stop;
} loop = { .epfd = -1, .signal_watch = { .fd = -1 } };

void
loop_init(void)
{
	if (loop.epfd >= 0)
		return;
	loop.epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop.epfd < 0)
		bug("epoll_create1: errno %d", errno);
	heap_init(&loop.timers);
	list_init(&loop.defers);
	sigemptyset(&loop.signal_set);
}

static void
control(int op, struct watch *w)
{
	struct epoll_event ev = { .data.ptr = w };

	if (w->want & LOOP_READ)
		ev.events |= EPOLLIN;
	if (w->want & LOOP_WRITE)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(loop.epfd, op, w->fd, &ev) != 0)
		bug("epoll_ctl %d on %d: errno %d", op, w->fd, errno);
}

/* A change of mind within the pass must not be served with the old mind. */
static void
strike_out(const struct watch *w)
{
	for (int i = loop.ready_at; i < loop.ready_end; i++)
		if (loop.ready[i].data.ptr == w)
			loop.ready[i].data.ptr = NULL;
}

void
loop_watch(struct watch *w, int fd, unsigned want, watch_fn *fn)
{
	loop_init();
	w->fd = fd;
	w->want = want;
	w->fn = fn;
	w->on = true;
	if (want != 0)
		control(EPOLL_CTL_ADD, w);
}

void
loop_want(struct watch *w, unsigned want)
{
	unsigned had = w->want;

	if (!w->on)
		bug("loop_want: not watched");
	if (had == want)
		return;
	w->want = want;
	if (want == 0) {
		control(EPOLL_CTL_DEL, w);
		strike_out(w);
	} else
		control(had == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, w);
}

void
loop_unwatch(struct watch *w)
{
	if (!w->on)
		return;
	if (w->want != 0)
		control(EPOLL_CTL_DEL, w);
	strike_out(w);
	w->on = false;
	w->want = 0;
}

/* An error or hang-up counts as whatever was waited for, so that the read or
 * write which follows meets it. */
static void
serve(void)
{
	struct watch *w;
	unsigned events, got;

	while (loop.ready_at < loop.ready_end) {
		w = loop.ready[loop.ready_at].data.ptr;
		got = loop.ready[loop.ready_at].events;
		loop.ready_at++;
		if (w == NULL)
			continue;
		events = 0;
		if (got & (EPOLLIN | EPOLLHUP | EPOLLERR))
			events |= LOOP_READ & w->want;
		if (got & (EPOLLOUT | EPOLLHUP | EPOLLERR))
			events |= LOOP_WRITE & w->want;
		if (got & (EPOLLHUP | EPOLLERR))
			events |= LOOP_HUP;
		if (events != 0)
			w->fn(w, events);
	}
}

void
timer_init(struct timer *t, timer_fn *fn)
{
	t->node.key = 0;
	t->node.at = 0;
	t->fn = fn;
}

void
timer_set(struct timer *t, int64_t in_ms)
{
	loop_init();
	heap_put(&loop.timers, &t->node, clock_mono_ms() + in_ms);
}

void
timer_stop(struct timer *t)
{
	if (t->node.at != 0)
		heap_del(&loop.timers, &t->node);
}

bool
timer_armed(const struct timer *t)
{
	return t->node.at != 0;
}

/* Only what was due when we began: a timer that sets itself to 0 must not
 * keep the descriptors waiting. */
void
loop_run_timers(void)
{
	int64_t now = clock_mono_ms();
	struct heap_node *n;
	struct timer *t;

	while ((n = heap_min(&loop.timers)) != NULL && n->key <= now) {
		t = container_of(n, struct timer, node);
		heap_del(&loop.timers, n);
		t->fn(t);
		if (n == heap_min(&loop.timers) && n->key <= now)
			return;
	}
}

void
defer_init(struct defer *d, defer_fn *fn)
{
	list_init(&d->link);
	d->fn = fn;
}

void
defer_put(struct defer *d)
{
	loop_init();
	if (!list_linked(&d->link))
		list_push(&loop.defers, &d->link);
}

void
defer_cancel(struct defer *d)
{
	list_remove(&d->link);
}

/* What deferred work defers runs in the same pass, for a few rounds: a batch
 * that is written puts answers, which flush their channels.  The mark is an
 * own element, so that anything else may be cancelled meanwhile. */
static void
run_defers(void)
{
	struct link mark, *l;
	struct defer *d;

	list_init(&mark);
	for (int i = 0; i < DEFER_ROUNDS && !list_empty(&loop.defers); i++) {
		list_push(&loop.defers, &mark);
		while ((l = list_pop(&loop.defers)) != &mark) {
			d = container_of(l, struct defer, link);
			d->fn(d);
		}
	}
}

static void
on_signal(struct watch *w, unsigned events)
{
	struct signalfd_siginfo si;

	(void)events;
	while (read(w->fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo < SIGNALS && loop.on_signal[si.ssi_signo])
			loop.on_signal[si.ssi_signo]((int)si.ssi_signo);
}

void
loop_signal(int signo, signal_fn *fn)
{
	int fd;

	loop_init();
	if (signo <= 0 || signo >= SIGNALS)
		bug("loop_signal: %d", signo);
	loop.on_signal[signo] = fn;
	sigaddset(&loop.signal_set, signo);
	if (sigprocmask(SIG_BLOCK, &loop.signal_set, NULL) != 0)
		bug("sigprocmask: errno %d", errno);
	fd = signalfd(loop.signal_watch.fd, &loop.signal_set,
	    SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		bug("signalfd: errno %d", errno);
	if (!loop.signal_watch.on)
		loop_watch(&loop.signal_watch, fd, LOOP_READ, on_signal);
}

static int
wait_for(int wait_ms)
{
	struct heap_node *n = heap_min(&loop.timers);
	int64_t left;

	if (!list_empty(&loop.defers))
		return 0;
	if (n == NULL)
		return wait_ms;
	left = n->key - clock_mono_ms();
	if (left < 0)
		left = 0;
	if (wait_ms >= 0 && left > wait_ms)
		return wait_ms;
	return left > 3600 * 1000 ? 3600 * 1000 : (int)left;
}

void
loop_once(int wait_ms)
{
	int n;

	loop_init();
	n = epoll_wait(loop.epfd, loop.ready, BATCH, wait_for(wait_ms));
	if (n < 0 && errno != EINTR)
		bug("epoll_wait: errno %d", errno);
	loop.ready_at = 0;
	loop.ready_end = n < 0 ? 0 : n;
	serve();
	loop_run_timers();
	run_defers();
}

void
loop_run(void)
{
	loop.stop = false;
	while (!loop.stop)
		loop_once(-1);
}

void
loop_stop(void)
{
	loop.stop = true;
}
