/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/daemon.c - daemon/daemon.h for a room under test: channels to
 * fakes, one worker a kind, settings of the transcript.
 */
#include "daemon/daemon.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "talk.h"

#include "base/banned.h"

const struct conf *
daemon_conf(void)
{
	return &talk.conf;
}

unsigned
daemon_index(void)
{
	return 0;
}

unsigned
daemon_count(void)
{
	return 1;
}

uint16_t
daemon_boot(void)
{
	return 1;
}

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	return index == 0 ? talk.fake[kind].chan : NULL;
}

struct chan *
daemon_any(enum proc kind)
{
	return daemon_peer(kind, 0);
}

struct chan *
daemon_authd_of(struct str user)
{
	return daemon_peer(AUTHD, 0);
}

struct chan *
daemon_stored_of(struct str account)
{
	(void)account;
	return daemon_peer(STORED, 0);
}

unsigned
daemon_peer_count(enum proc kind)
{
	(void)kind;
	return 1;
}

/* What the runner has under that name, as a file. */
int
daemon_file(const char *name)
{
	struct str content = talk.room->dealt != NULL ?
	    talk.room->dealt(name) : STR("");
	int fd;

	if (content.n == 0)
		return -1;
	fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0 || write(fd, content.p, content.n) != (ssize_t)content.n)
		bug("daemon_file");
	return fd;
}

struct str
daemon_key(const char *name)
{
	(void)name;
	return STR("0123456789abcdef0123456789abcdef");
}

void
daemon_ready(void)
{
}

void
daemon_exit(void)
{
}

bool
daemon_draining(void)
{
	return talk.is_draining;
}

void
daemon_pause_clients(bool pause)
{
	(void)pause;
}

void
daemon_stat(const char *name, uint64_t value)
{
	(void)name, (void)value;
}
