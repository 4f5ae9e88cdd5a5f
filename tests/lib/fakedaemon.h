/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/fakedaemon.h - daemon/daemon.h for a room under test: settings,
 * and one fake peer of each kind it speaks with (ipc/fake.h).  Included by
 * one file of a program, which links neither lib/daemon's process nor a cage.
 */
#ifndef TESTS_FAKEDAEMON_H
#define TESTS_FAKEDAEMON_H

#include "daemon/daemon.h"
#include "ipc/fake.h"

#define FAKES_MAX	8

static struct {
	struct conf	conf;
	struct fake	peer[FAKES_MAX];
	enum proc	kind[FAKES_MAX];
	size_t		n;
} fakes;

/* NULL: it is not a peer. */
static struct fake *
fakes_of(enum proc kind)
{
	for (size_t i = 0; i < fakes.n; i++)
		if (fakes.kind[i] == kind)
			return &fakes.peer[i];
	return NULL;
}

static void
fakes_on_end(struct chan *c, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < fakes.n; i++)
		if (fakes.peer[i].chan == c)
			fakes.peer[i].chan = NULL;
	chan_free(c);
}

static void
fakes_no_note(struct chan *c, const struct note *n, void *arg)
{
	(void)c, (void)n, (void)arg;
}

/* on_note: what peers say unasked; NULL: it is not listened to. */
static void
fakes_begin(enum proc me, const enum proc *kinds, size_t n,
    chan_note_fn *on_note)
{
	fakes.n = n;
	for (size_t i = 0; i < n; i++) {
		fakes.kind[i] = kinds[i];
		fake_init(&fakes.peer[i], me, kinds[i], 0, on_note != NULL ?
		    on_note : fakes_no_note, fakes_on_end, NULL);
	}
}

/* --- daemon.h ------------------------------------------------------------- */

const struct conf *
daemon_conf(void)
{
	return &fakes.conf;
}

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	const struct fake *f = fakes_of(kind);

	return f != NULL && index == 0 ? f->chan : NULL;
}

struct chan *
daemon_any(enum proc kind)
{
	return daemon_peer(kind, 0);
}

struct chan *
daemon_stored_of(struct str account)
{
	(void)account;
	return daemon_peer(STORED, 0);
}

struct chan *
daemon_authd_of(struct str user)
{
	(void)user;
	return daemon_peer(AUTHD, 0);
}

unsigned
daemon_peer_count(enum proc kind)
{
	return fakes_of(kind) != NULL;
}

int
daemon_file(const char *name)
{
	(void)name;
	return -1;
}

uint16_t
daemon_boot(void)
{
	return 1;
}

bool
daemon_draining(void)
{
	return false;
}

void
daemon_exit(void)
{
}

#endif
