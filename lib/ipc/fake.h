/* SPDX-License-Identifier: ISC */
/*
 * ipc/fake.h - for tests: the far end of a channel, played by the test.
 *
 * fake_new gives a real struct chan (to be handed to a room) whose socket
 * ends in the test.  Notes go through the real encoder, the real checks and
 * the real loop; nothing of chan.c is replaced.
 */
#ifndef IPC_FAKE_H
#define IPC_FAKE_H

#include "base/arena.h"
#include "ipc/chan.h"

struct fake {
	struct chan	*chan;		/* NULL once the room has freed it */
	int		fd;		/* the test's end */
	struct buf	last;		/* packet of fake_next */
};

/* A channel of `me` (the room under test) to worker `index` of `peer`. */
void	fake_init(struct fake *f, enum proc me, enum proc peer,
	    unsigned index, chan_note_fn *on_note, chan_end_fn *on_end,
	    void *arg);
void	fake_free(struct fake *f);	/* both ends; no on_end */

/* The next note that the room has put, asked or answered; false when there
 * is none.  Valid until the next call; its descriptor is the caller's.  One
 * that is not what the catalogue says is bug(). */
bool	fake_next(struct fake *f, struct note *n_out);
/* Says a note to the room (n->ticket: as is) and runs one pass of the loop
 * so that it has been heard.  n->fd is borrowed. */
void	fake_say(struct fake *f, const struct note *n);
/* The peer dies: the room's tickets fail, its on_end runs. */
void	fake_die(struct fake *f);

/* Raw bytes and descriptors, for hostile peers. */
void	fake_raw(struct fake *f, struct str packet, const int *fds, size_t n);

/* "AUTH_VERDICT" to its kind, NOTE_NONE when there is no such row. */
enum note_kind note_kind_of(struct str name);
/* Sets one field from text (numbers decimal, or bytes; strings are copied
 * into a).  FAIL_GONE: no such field, FAIL_SYNTAX, FAIL_TOO_BIG. */
int	note_set(struct note *n, struct str field, struct str value,
	    struct arena *a) MUST_CHECK;
/* A field as text as note_print gives it, but secrets in clear and strings
 * raw: for a test to compare.  FAIL_GONE. */
int	note_get(const struct note *n, struct str field, struct buf *out)
	    MUST_CHECK;

#endif
