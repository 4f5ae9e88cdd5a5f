/* SPDX-License-Identifier: ISC */
/*
 * store/job.c - questions that wait.
 *
 * Most are answered where they are asked and never come here.  One that must
 * wait is kept with a copy of its note and its descriptor; nothing that
 * waits holds up another.
 */
#include "store/stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#include "base/banned.h"

#define AGAIN_MS		50
#define AGAIN_TRIES	100	/* 5 s */

static struct link numbers, work, doors, again, asked;
static struct timer again_timer;
static bool is_init;
static size_t waiting;

static void	on_again(struct timer *t);

static void
init(void)
{
	if (is_init)
		return;
	is_init = true;
	list_init(&numbers);
	list_init(&work);
	list_init(&doors);
	list_init(&again);
	list_init(&asked);
	timer_init(&again_timer, on_again);
}

static struct link *
list_of(enum run why)
{
	init();
	switch (why) {
	case NUMBERS:
		return &numbers;
	case WORK:
		return &work;
	case DOORS:
		return &doors;
	case AGAIN:
		if (!timer_armed(&again_timer))
			timer_set(&again_timer, AGAIN_MS);
		return &again;
	case ASKED:
	case DONE:
		break;
	}
	return &asked;
}

static void
copy_note(struct job *k, const struct note *n)
{
	note_keep(n, &k->packet, &k->copy);
	note_set_fd(&k->copy, note_take_fd(n));
	k->n = &k->copy;
}

void
job_hold(struct job *j, struct holding *h)
{
	/* What is not kept yet uses it from then on: job_keep. */
	if (j->is_copy && j->h != h) {
		if (j->h != NULL)
			account_use(j->h, -1);
		account_use(h, 1);
	}
	j->h = h;
}

struct job *
job_keep(struct job *j, enum run why)
{
	struct job *k = j;

	if (!j->is_copy) {
		k = xcalloc(1, sizeof(*k));
		k->peer = j->peer;
		k->ticket = j->ticket;
		k->run = j->run;
		k->h = j->h;
		k->state = j->state;
		k->end = j->end;
		k->tries = j->tries;
		k->agains = j->agains;
		k->begun = j->begun;
		k->is_copy = true;
		copy_note(k, j->n);
		waiting++;
		list_init(&k->link);
		if (k->h != NULL)
			account_use(k->h, 1);
	}
	list_remove(&k->link);
	list_push(list_of(why), &k->link);
	if (why == WORK)
		work_soon();
	return k;
}

static void
finish(struct job *j)
{
	if (j->end != NULL)
		j->end(j);
	if (!j->is_copy)
		return;
	list_remove(&j->link);
	if (j->h != NULL)
		account_use(j->h, -1);
	fd_close(&j->copy.fd);
	buf_free(&j->packet);
	waiting--;
	free(j);
}

static void
run(struct job *j)
{
	enum run how = j->run(j);

	if (how == DONE)
		finish(j);
	else if (how != ASKED)
		(void)job_keep(j, how);
}

void
job_start(struct peer *p, const struct note *n, job_fn *fn)
{
	struct job j = { .peer = p, .n = n, .ticket = n->ticket, .run = fn };

	run(&j);
}

void
job_again(struct job *j)
{
	run(j);
}

/* All that stand in the list now; those that come back wait anew. */
static void
run_all(struct link *list)
{
	struct link now, *e;

	list_init(&now);
	while ((e = list_pop(list)) != NULL)
		list_push(&now, e);
	while ((e = list_pop(&now)) != NULL)
		run(container_of(e, struct job, link));
}

void
jobs_numbers(void)
{
	run_all(list_of(NUMBERS));
}

void
jobs_doors(void)
{
	run_all(list_of(DOORS));
}

static void
on_again(struct timer *t)
{
	(void)t;
	run_all(&again);
}

bool
job_may_try_again(struct job *j)
{
	return j->agains++ < AGAIN_TRIES;
}

bool
jobs_work(void)
{
	struct link *list = list_of(WORK);

	run_all(list);
	return !list_empty(list);
}

size_t
jobs_waiting(void)
{
	return waiting;
}

static void
peer_gone(struct link *list, struct peer *p)
{
	struct link *e, *tmp;
	struct job *j;

	list_each_safe(e, tmp, list) {
		j = container_of(e, struct job, link);
		if (j->peer != p)
			continue;
		j->peer = NULL;
		/* One that asked somebody else hears the answer first. */
		if (list != &asked)
			finish(j);
	}
}

void
jobs_of_peer_gone(struct peer *p)
{
	init();
	peer_gone(&numbers, p);
	peer_gone(&work, p);
	peer_gone(&doors, p);
	peer_gone(&again, p);
	peer_gone(&asked, p);
}
