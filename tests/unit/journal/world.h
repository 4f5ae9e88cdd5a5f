/* SPDX-License-Identifier: ISC */
/* What the tests of lib/journal share: a simulated disk and a spool on it
 * whose owner only writes down what it is told. */
#ifndef TEST_JOURNAL_WORLD_H
#define TEST_JOURNAL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "journal/spool.h"
#include "tests/fault/simdisk.h"

#define MID_A "0000000001000aaaaaaaaaaaaa"
#define MID_B "0000000001000bbbbbbbbbbbbb"

struct world {
	struct sim	sim;
	struct disk	disk;
	struct spool	*spool;
	struct buf	log;	/* "committed 0;deliver 1;..." */
};

static inline void
world_committed(void *arg, struct message *m, int fail)
{
	struct world *w = arg;

	buf_fmt(&w->log, "committed %c %d;", m->mid[20], fail);
}

static inline void
world_deliver(void *arg, struct message *m, uint32_t number)
{
	struct world *w = arg;

	buf_fmt(&w->log, "deliver %c%u%s%s;", m->mid[20], number,
	    m->to[number].repeat ? " repeat" : "",
	    m->to[number].anew ? " anew" : "");
	spool_given(w->spool, m, number);
}

static inline void
world_waits(void *arg, struct message *m, uint32_t number)
{
	struct world *w = arg;

	buf_fmt(&w->log, "waits %c%u;", m->mid[20], number);
}

static inline void
world_ended(void *arg, struct message *m, uint32_t number)
{
	struct world *w = arg;

	buf_fmt(&w->log, "ended %c%u;", m->mid[20], number);
}

static inline void
world_corrupt(void *arg, const char *name, struct str bytes, const char *what)
{
	struct world *w = arg;

	(void)bytes, (void)name;
	buf_fmt(&w->log, "corrupt %s;", what);
}

static const struct spool_ops world_ops = {
	.committed = world_committed, .deliver = world_deliver,
	.waits = world_waits, .ended = world_ended, .corrupt = world_corrupt,
};

static inline void
world_start(struct world *w)
{
	struct journal_limits limits = { 4, 16 * SIM_BLOCK };
	struct why why;

	assert_int_equal(spool_open(&w->spool, &w->disk, limits, &world_ops,
	    w, &why), 0);
	spool_begin(w->spool);
	while (spool_scan(w->spool, 3))
		;
	spool_tidy(w->spool);
}

static inline int
world_make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	sim_init(&w->sim, 1);
	rand_seed(1);
	w->disk = sim_disk(&w->sim);
	buf_init(&w->log, 1 << 20);
	world_start(w);
	*state = w;
	return 0;
}

static inline int
world_end(void **state)
{
	struct world *w = *state;

	spool_close(w->spool);
	sim_free(&w->sim);
	buf_free(&w->log);
	free(w);
	return 0;
}

/* Another process: after a kill, or after a power cut that kept nothing. */
static inline void
world_restart(struct world *w, bool cut)
{
	spool_close(w->spool);
	if (cut)
		sim_cut(&w->sim);
	world_start(w);
}

static inline int
world_fill(void *arg, uint8_t *to, size_t n)
{
	memcpy(to, arg, n);
	return 0;
}

/* A message to one local and one travelling recipient. */
static inline struct message *
world_commit(struct world *w, const char *mid)
{
	static char content[] = "Subject: x\r\n\r\nbody\r\n";
	struct recipient to[2] = {
		{ .address = STR("joe@example.org"), .kind = 0 },
		{ .address = STR("jim@example.net"), .kind = 1 },
	};
	struct envelope e = { .mid = str_of(mid), .sender = STR("a@b.example"),
	    .to = to, .n_to = 2, .size = sizeof(content) - 1 };
	struct message *m = NULL;

	assert_int_equal(spool_commit(w->spool, JOURNAL_COMMIT, &e, e.size,
	    world_fill, content, 1, &m), 0);
	return m;
}

static inline void
world_says(struct world *w, const char *expected)
{
	assert_string_equal(buf_cstr(&w->log), expected);
	buf_reset(&w->log);
}

static inline void
world_sync(struct world *w, bool fail)
{
	assert_true(spool_sync_begin(w->spool));
	sim_syncfs_begin(&w->sim);
	sim_syncfs_end(&w->sim, fail);
	spool_sync_end(w->spool, fail);
	spool_tidy(w->spool);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_make, world_end)

#endif
