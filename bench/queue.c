/* SPDX-License-Identifier: ISC */
/*
 * bench/queue.c - what a recipient that waits costs qmgr, by how many do.
 *
 *	bench/queue [N ...]	(1000 10000 100000 1000000)
 *
 * Each of N recipients is a message of its own, of 100 senders, to 1,000
 * providers; a tenth is bulk.  They come (QUEUE_NEW), wait, become ready, go
 * into their lanes, and are served until none is left.  One line a N:
 * nanoseconds and octets a recipient.  The code is qmgr's own; what it says
 * to others is not in it.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "qmgr/lane.h"

#include "base/banned.h"

enum { LANES = 1000, SENDERS = 100, TOGETHER = 100 };

static const struct lane_terms terms = { .connections = 20,
    .pause_ms = { 60000 }, .pauses = 1, .retry_ms = 300000,
    .retry_max_ms = 7200000 };

struct phase {
	const char	*name;
	double		ns;
};

static double
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t
in_use(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void
come(struct queue *q, unsigned n)
{
	char mid[27], sender[64], to[64];

	for (unsigned k = 0; k < n; k++) {
		struct note_queue_new note = { .mid = str_mem(mid, 26),
		    .size = 4096, .flags = k % 10 == 0 ? SPOOL_BULK : 0 };
		struct item *i;

		(void)snprintf(mid, sizeof(mid), "%026u", k);
		(void)snprintf(sender, sizeof(sender), "sender%u@example.org",
		    k % SENDERS);
		(void)snprintf(to, sizeof(to), "somebody%u@p%u.example.net", k,
		    k % LANES);
		note.sender = str_of(sender);
		note.address = str_of(to);
		i = queue_add(q, &note);
		i->expires_ms = INT64_MAX;
		queue_wait(q, i, (int64_t)(k * 7919u % n));
	}
}

static void
become_ready(struct queue *q, struct lanes *ls)
{
	struct item *i;
	char key[64];

	while ((i = queue_due(q, INT64_MAX - 1)) != NULL) {
		struct str domain = item_domain(i);

		(void)snprintf(key, sizeof(key), "out>%.*s", STR_ARG(domain));
		queue_ready(q, i, true);
		lane_add(ls, lanes_get(ls, str_of(key), domain), i, false, 1);
	}
}

static unsigned
be_served(struct queue *q, struct lanes *ls)
{
	struct item *item[TOGETHER];
	enum lane_health began;
	struct lane *l;
	unsigned served = 0;
	size_t n;

	while ((l = lanes_next(ls, 1)) != NULL) {
		n = lane_pick(ls, l, item, TOGETHER);
		began = lane_began(ls, l, 1);
		for (size_t k = 0; k < n; k++)
			queue_remove(q, item[k]);
		lane_ended(ls, l, began, LANE_GOOD, &terms, STR(""), 1);
		served += (unsigned)n;
	}
	return served;
}

static void
measure(unsigned n)
{
	struct queue q;
	struct lanes ls;
	size_t before = in_use(), octets;
	double t[4];

	queue_init(&q);
	lanes_init(&ls, 500);
	t[0] = now_ns();
	come(&q, n);
	t[1] = now_ns();
	octets = in_use() - before;
	become_ready(&q, &ls);
	t[2] = now_ns();
	if (be_served(&q, &ls) != n)
		fprintf(stderr, "not all were served\n");
	t[3] = now_ns();
	printf("| %7u | %5.0f | %5.0f | %5.0f | %5zu |\n", n,
	    (t[1] - t[0]) / n, (t[2] - t[1]) / n, (t[3] - t[2]) / n,
	    octets / n);
	dict_free(&q.by_mid);
	heap_free(&q.due);
	lanes_free(&ls);
}

int
main(int argc, char **argv)
{
	static const unsigned usual[] = { 1000, 10000, 100000, 1000000 };

	printf("| waiting | comes, ns | ready, ns | served, ns | octets |\n"
	    "|---|---|---|---|---|\n");
	for (int k = 1; k < argc; k++)
		measure((unsigned)strtoul(argv[k], NULL, 10));
	for (size_t k = 0; argc == 1 && k < NITEMS(usual); k++)
		measure(usual[k]);
	return 0;
}
