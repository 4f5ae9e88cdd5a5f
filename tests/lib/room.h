/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/room.h - the main file of a daemon under test, as its peers see
 * it: real notes over real channels that the test plays (ipc/fake.h).
 *
 *	int	stored_main(int argc, char **argv);
 *	#define main stored_main
 *	#include "store/stored.c"
 *	#undef main
 *	#include "tests/lib/room.h"
 *
 * What else of daemon.h that room uses is the test's: who is whose peer, files
 * and keys.  (fakedaemon.h is for files of a room without its main.)
 */
#ifndef TESTS_ROOM_H
#define TESTS_ROOM_H

#include <setjmp.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "event/loop.h"
#include "ipc/fake.h"

static const struct daemon_ops *room;
static struct conf conf;
static jmp_buf room_is_known;

/* --- daemon.h, as far as it is the same for all --------------------------- */

void
daemon_main(const struct daemon_ops *o, int argc, char **argv)
{
	(void)argc, (void)argv;
	room = o;
	longjmp(room_is_known, 1);
}

const struct conf *
daemon_conf(void)
{
	return &conf;
}

void
daemon_stat(const char *name, uint64_t value)
{
	(void)name, (void)value;
}

/* --- the room ------------------------------------------------------------ */

/* After loop_init, with conf as the room shall see it. */
static inline void
room_start(int (*its_main)(int argc, char **argv))
{
	char *argv[] = { NULL };

	if (setjmp(room_is_known) == 0)
		(void)its_main(0, argv);
	if (room->before_cage != NULL)
		room->before_cage();
	room->start();
}

static inline void
room_on_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	room->on_note(c, n);
}

static inline void
room_on_end(struct chan *c, void *arg)
{
	struct fake *f = arg;

	f->chan = NULL;
	room->on_peer_gone(c);
	chan_free(c);
}

/* --- its peers ----------------------------------------------------------- */

static inline void
join(struct fake *f, enum proc peer, unsigned index)
{
	static uint32_t generation;

	fake_init(f, room->kind, peer, index, room_on_note, room_on_end, f);
	f->chan->generation = ++generation;
	room->on_peer(f->chan);
}

static inline void
die(struct fake *f)
{
	fake_die(f);
	fake_free(f);
}

/* The clock goes on, if it was frozen, and what is due happens. */
static inline void
turn(int64_t ms)
{
	clock_turn(ms);
	for (int i = 0; i < 20; i++)
		loop_once(0);
}

static inline void
say(struct fake *f, struct note n)
{
	n.fd = -1;
	fake_say(f, &n);
	turn(0);
}

/* What the room says next of that kind; the rest is dropped. */
static inline bool
told(struct fake *f, enum note_kind kind, struct note *n_out)
{
	turn(0);
	while (fake_next(f, n_out))
		if (n_out->kind == kind)
			return true;
	return false;
}

#endif
