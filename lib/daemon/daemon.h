/* SPDX-License-Identifier: ISC */
/*
 * daemon/daemon.h - the one main() of all children of master.
 *
 * A room gives a struct daemon_ops; daemon_main does the rest: takes the
 * channel to master from descriptor 3, reads settings, keys, files,
 * listeners and peers, drops to its uid and root, locks its cage, says
 * READY, runs the loop, drains.  A room never sees fork, chroot or seccomp.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "conf/conf.h"
#include "ipc/chan.h"

struct daemon_ops {
	enum proc	kind;
	/* Before the cage, as root still: warm up libraries (may be NULL). */
	void	(*before_cage)(void);
	/* Nobody already, the cage still open: checkd forks its helper. */
	void	(*before_lock)(void);
	/* Settings, keys and files of the first generation are there, the
	 * cage is locked.  A room that is not ready at once (spoold replays)
	 * returns false and calls daemon_ready() later. */
	bool	(*start)(void);
	/* A channel was dealt (a new one to the same worker replaces the old). */
	void	(*on_peer)(struct chan *c);
	/* A note that is no answer came from a peer. */
	void	(*on_note)(struct chan *c, const struct note *n);
	/* The peer is over; c is freed after the call. */
	void	(*on_peer_gone)(struct chan *c);
	/* A client is at the door: fd is connected and non-blocking; owned by
	 * the room.  Only after GO, only while not draining or paused.
	 * peer_addr: "192.0.2.1", "2001:db8::1", or "uid:1000" of whoever
	 * is at a Unix socket (submit, control). */
	void	(*on_client)(int fd, const char *service, struct str peer_addr);
	/* A new generation of settings is complete (reload). */
	void	(*on_reload)(void);
	/* A file was dealt: "mail", "users" ...  Owned by daemon.c unless the
	 * room keeps it: daemon_file() gives it at any time.  Before start()
	 * it is not called; a reload deals new ones before on_reload. */
	void	(*on_file)(const char *name, int fd);
	/* A key was dealt anew while we run ("ticket"); daemon_key gives it. */
	void	(*on_key)(const char *name);
	/* DRAIN came: finish, then call daemon_exit(); master kills after
	 * within_ms.  NULL: exit at once. */
	void	(*on_drain)(int64_t within_ms);
	/* Rows for `veredus status`: call daemon_stat for each. */
	void	(*on_stat)(void);
};

/* Never returns. */
NORETURN void daemon_main(const struct daemon_ops *ops, int argc, char **argv);

const struct conf *daemon_conf(void);	/* current settings, conf/conf.h */
unsigned daemon_index(void);		/* which worker am I */
unsigned daemon_count(void);		/* of how many */
uint16_t daemon_boot(void);		/* boot counter */

/* Channel to worker `index` of a kind; NULL while there is none.  A NULL
 * channel may be given to put and ask (see note.h). */
struct chan *daemon_peer(enum proc kind, unsigned index);
/* Any worker of a pool, round robin over those that live. */
struct chan *daemon_any(enum proc kind);
/* The stored worker of an account (SipHash with the "place" key). */
struct chan *daemon_stored_of(struct str account);
/* The authd worker of a user, so that one of them remembers the password;
 * any other while it is away. */
struct chan *daemon_authd_of(struct str user);
unsigned daemon_peer_count(enum proc kind);	/* configured number */

int	daemon_file(const char *name);		/* -1: not dealt; borrowed */
struct str daemon_key(const char *name);	/* empty: not dealt */

void	daemon_ready(void);
void	daemon_exit(void);			/* flush channels, exit(0) */
/* The same, and a successor is wanted at once: what a library keeps is given
 * back so.  A planned end; nobody calls it a death. */
void	daemon_renew(void);
bool	daemon_draining(void);
void	daemon_pause_clients(bool pause);	/* accept no more for now */
void	daemon_stat(const char *name, uint64_t value);

#endif
