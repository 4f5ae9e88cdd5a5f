/* SPDX-License-Identifier: ISC */
/*
 * master/watch.c - the life of the children: start, ready, doors, death,
 * restart with back-off, and stopping in order.
 *
 * The doors (GO to the faces) open when spoold has replayed its journal, or
 * after 30 seconds, and stay open: a spoold that dies later makes 4xx, not
 * refused connections.
 */
#include "master/master.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/banned.h"

enum {
	DOORS_MS = 30 * 1000,
	BACK_OFF_MS = 500, BACK_OFF_MAX_MS = 30 * 1000,
	STEADY_MS = 60 * 1000,	/* lived so long: the next death is a first */
	STAGE_MS = 10 * 1000,
	RENEW_MS = 1000,	/* who wants it sooner is out of its mind */
};

static void
set_state(struct child *c, enum child_state state)
{
	c->state = state;
	c->since_ms = clock_real_ms();
}

const char *
child_state_name(const struct child *c)
{
	static const char *const names[] = {
		[CHILD_DOWN] = "down", [CHILD_STARTING] = "starting",
		[CHILD_READY] = "ready", [CHILD_DRAINING] = "draining",
	};

	return c->is_stopped ? "stopped" : names[c->state];
}

static void
log_child(enum log_level level, const char *event, const struct child *c)
{
	log_event(level, event);
	log_z("process", procs[c->kind].name);
	log_u64("index", c->index);
	log_u64("pid", (uint64_t)c->pid);
}

/* --- ready and doors ----------------------------------------------------- */

static void
tell_go(struct child *c)
{
	struct note_go n = { .boot = master.boot };

	if (c->state != CHILD_READY || c->is_asked || c->chan == NULL)
		return;
	c->is_asked = true;
	note_put_go(c->chan, &n);
}

static void
open_doors(void)
{
	if (master.doors_open)
		return;
	master.doors_open = true;
	timer_stop(&master.doors);
	each_child(c)
		if (child_exists(c))
			tell_go(c);
}

static void
look_whether_ready(void)
{
	each_child(c)
		if (child_exists(c) && c->state != CHILD_READY)
			return;
	init_ready();
}

void
watch_ready(struct child *c, uint64_t catalogue)
{
	if (c->state != CHILD_STARTING)
		return;
	if (catalogue != note_catalogue_hash()) {
		log_child(LOG_LEVEL_ERROR, "process-other-version", c);
		log_end();
		(void)kill(c->pid, SIGKILL);
		return;
	}
	set_state(c, CHILD_READY);
	log_child(LOG_LEVEL_INFO, "process-ready", c);
	log_end();
	if (c->kind == SPOOLD)
		open_doors();
	if (master.doors_open || c->kind != SPOOLD)
		look_whether_ready();
	if (master.doors_open)
		tell_go(c);
}

static void
on_doors(struct timer *t)
{
	(void)t;
	log_say(LOG_LEVEL_WARN, "doors-open",
	    "spoold is not ready; mail is answered with \"later\"");
	open_doors();
}

/* --- start --------------------------------------------------------------- */

static void
on_start_again(struct timer *t)
{
	struct child *c = container_of(t, struct child, again);

	if (master.stage == 0)
		start_child(c);
}

static void
start_kind(enum proc kind)
{
	for (unsigned i = 0; i < master.count[kind]; i++)
		start_child(&master.child[kind][i]);
}

void
watch_start_all(void)
{
	for (int k = MASTER + 1; k < PROC_COUNT; k++) {
		master.count[k] = config_workers(master.config, (enum proc)k);
		for (unsigned i = 0; i < WORKERS_MAX; i++) {
			struct child *c = &master.child[k][i];

			c->kind = (enum proc)k;
			c->index = i;
			timer_init(&c->again, on_start_again);
		}
	}
	timer_init(&master.doors, on_doors);
	timer_set(&master.doors, DOORS_MS);
	for (unsigned rank = 1; rank <= PROC_COUNT; rank++)
		for (int k = MASTER + 1; k < PROC_COUNT; k++)
			if (procs[k].start_rank == rank)
				start_kind((enum proc)k);
}

/* --- death --------------------------------------------------------------- */

static void
describe_end(struct child *c, int status)
{
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (signo == SIGSYS)
		(void)snprintf(c->last, sizeof(c->last),
		    "killed by its cage: a system call it may not make");
	else if (signo != 0)
		(void)snprintf(c->last, sizeof(c->last), "killed by SIG%s",
		    sigabbrev_np(signo));
	else
		(void)snprintf(c->last, sizeof(c->last), "exited with %d",
		    WEXITSTATUS(status));
}

/* The first death in a while is answered at once: clients are waiting. */
static void
restart_later(struct child *c)
{
	int64_t lived = clock_mono_ms() - c->started_ms;

	if (lived > STEADY_MS)
		c->back_off_ms = 0;
	timer_set(&c->again, c->back_off_ms);
	c->restarts++;
	c->back_off_ms = c->back_off_ms == 0 ? BACK_OFF_MS
	    : (int64_t)num_min((uint64_t)c->back_off_ms * 2, BACK_OFF_MAX_MS);
}

/* It has done so much that it asked for a successor. */
static bool
wants_renewal(const struct child *c, int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RENEWED &&
	    c->state == CHILD_READY &&
	    clock_mono_ms() - c->started_ms >= RENEW_MS;
}

static void	next_stage(void);

static void
on_death(struct child *c, int status)
{
	bool renews = wants_renewal(c, status);
	bool expected = renews || c->state == CHILD_DRAINING ||
	    master.stage != 0;

	describe_end(c, status);
	log_child(expected ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
	    renews ? "process-renewed" : expected ? "process-ended" :
	    "process-died", c);
	log_z("text", c->last);
	log_end();
	c->pid = 0;
	if (c->chan != NULL)
		chan_free(c->chan);
	c->chan = NULL;
	c->is_stopped = false;
	set_state(c, CHILD_DOWN);
	if (master.stage != 0)
		next_stage();
	else if (renews)
		start_child(c);
	else
		restart_later(c);
}

static struct child *
by_pid(pid_t pid)
{
	each_child(c)
		if (child_exists(c) && c->pid == pid)
			return c;
	return NULL;
}

void
watch_reap(void)
{
	struct child *c;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) >
	    0) {
		c = by_pid(pid);
		if (c == NULL)
			continue;
		if (WIFSTOPPED(status) || WIFCONTINUED(status)) {
			c->is_stopped = WIFSTOPPED(status);
			log_child(LOG_LEVEL_WARN, c->is_stopped
			    ? "process-stopped" : "process-continued", c);
			log_end();
		} else
			on_death(c, status);
	}
}

/* --- stop ---------------------------------------------------------------- */

/* Who goes together, in this order: first those who take in, last the log. */
static const unsigned stages[] = {
	0, FACES, BY(CTLD) | BY(QMGR) | BY(REMOTE) | BY(BOUNCE), BY(SPOOLD),
	BY(STORED) | BY(AUTHD) | BY(RATED) | BY(ROUTED) | BY(RESOLVD) |
	    BY(CHECKD) | BY(SIGND) | BY(KEYD), BY(SYNCD), BY(LOGD),
};

static bool
stage_is_over(void)
{
	each_child(c)
		if (child_exists(c) && c->pid > 0 &&
		    (stages[master.stage] & BY(c->kind)))
			return false;
	return true;
}

static void
on_stage_late(struct timer *t)
{
	(void)t;
	each_child(c)
		if (child_exists(c) && c->pid > 0 &&
		    (stages[master.stage] & BY(c->kind))) {
			log_child(LOG_LEVEL_WARN, "process-late", c);
			log_end();
			(void)kill(c->pid, SIGKILL);
		}
}

static void
begin_stage(void)
{
	struct note_drain n = { .within_ms = STAGE_MS };

	/* sessions, of others with us and of ours with others */
	if (stages[master.stage] & (FACES | BY(REMOTE)))
		n.within_ms = (uint32_t)master.config->conf.master.drain;
	each_child(c)
		if (child_exists(c) && c->pid > 0 &&
		    (stages[master.stage] & BY(c->kind))) {
			set_state(c, CHILD_DRAINING);
			note_put_drain(c->chan, &n);
		}
	timer_set(&master.stage_timer, n.within_ms + 1000);
}

static void
next_stage(void)
{
	while (stage_is_over()) {
		if (++master.stage == (int)NITEMS(stages)) {
			loop_stop();
			return;
		}
		begin_stage();
	}
}

void
watch_stop(void)
{
	if (master.stage != 0)
		return;
	log_say(LOG_LEVEL_INFO, "stopping", "by order");
	init_stopping();
	timer_init(&master.stage_timer, on_stage_late);
	each_child(c)
		timer_stop(&c->again);
	master.stage = 1;
	begin_stage();
	next_stage();
}
