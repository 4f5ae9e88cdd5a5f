/* SPDX-License-Identifier: ISC */
/*
 * event/loop.h - the event loop: epoll, a timer heap, signals, and work that
 * is put off to the end of a pass.
 *
 * One loop a process (file-static).  Callbacks run one at a time; each may
 * delete any watch, also its own.
 */
#ifndef EVENT_LOOP_H
#define EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HUP = 4 };

struct watch;
typedef void watch_fn(struct watch *w, unsigned events);

/* A descriptor that is watched.  Embedded by its owner; fd belongs to the
 * owner, who calls loop_unwatch before closing it. */
struct watch {
	int		fd;
	unsigned	want;		/* LOOP_READ | LOOP_WRITE */
	watch_fn	*fn;
	bool		on;
};

struct timer;
typedef void timer_fn(struct timer *t);

struct timer {
	struct heap_node node;
	timer_fn	*fn;
};

/* Work put off to the end of the current pass (before the next wait): runs
 * once, order of putting.  Used to flush outputs and to gather batches. */
struct defer;
typedef void defer_fn(struct defer *d);
struct defer {
	struct link	link;
	defer_fn	*fn;
};

void	loop_init(void);		/* before the cage */
void	loop_watch(struct watch *w, int fd, unsigned want, watch_fn *fn);
void	loop_want(struct watch *w, unsigned want);
void	loop_unwatch(struct watch *w);	/* harmless when not watched */

void	timer_init(struct timer *t, timer_fn *fn);
void	timer_set(struct timer *t, int64_t in_ms);	/* (re)arms */
void	timer_stop(struct timer *t);			/* harmless when not armed */
bool	timer_armed(const struct timer *t);

void	defer_init(struct defer *d, defer_fn *fn);
void	defer_put(struct defer *d);			/* harmless when already put */
void	defer_cancel(struct defer *d);

/* Signals come as a call in the loop (signalfd), not in a handler. */
typedef void signal_fn(int signo);
void	loop_signal(int signo, signal_fn *fn);

/* Runs until loop_stop.  loop_once makes one pass waiting at most wait_ms
 * (-1: until something happens); tests and loop_run are built on it. */
void	loop_run(void);
void	loop_once(int wait_ms);
void	loop_stop(void);
/* Tests with a turned clock: run all timers that are due. */
void	loop_run_timers(void);

#endif
