/* SPDX-License-Identifier: ISC */
/*
 * master/master.h - what master knows, and its parts.
 *
 *	main.c		options, signals, pid file
 *	init.c		what the init system is told
 *	config.c	the file: read, check, keep
 *	certs.c		certificates and keys: look, put together
 *	folders.c	make and open the folders of the instance
 *	listen.c	bind, or take sockets from the init system
 *	tickets.c	keys of session tickets, dealt and rotated
 *	start.c		fork and exec a child, tell it all it must know
 *	wire.c		who holds a channel to whom
 *	watch.c		reap, back off, ready, open the doors, stop in order
 *	reload.c	a new file: all of it or nothing
 *	control.c	what ctld may ask
 *	dkim.c		keys for signd
 *	resolvers.c	whom resolvd asks if nobody says
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <sys/types.h>

#include "conf/conf.h"
#include "conf/file.h"
#include "daemon/procs.h"
#include "ipc/chan.h"

enum {
	WORKERS_MAX = 8,
	GRANT_KEY = 32,
	PLACE_KEY = 16,
	TICKET_KEY = 80,
	TICKET_KEYS = 2,	/* today's and the one before */
};

enum child_state { CHILD_DOWN, CHILD_STARTING, CHILD_READY, CHILD_DRAINING };

struct child {
	enum proc	kind;
	unsigned	index;
	pid_t		pid;		/* 0: none */
	enum child_state state;
	bool		is_stopped;	/* SIGSTOP */
	struct chan	*chan;
	uint32_t	restarts;
	int64_t		since_ms;	/* real time, of the state */
	int64_t		started_ms;	/* monotonic */
	int64_t		back_off_ms;
	struct timer	again;		/* time to start it */
	bool		is_asked;	/* for GO: told already */
	char		last[200];	/* how the one before ended */
};

/* The file as it stands in memory; a reload makes a second one. */
struct config {
	struct conf_file file;
	struct conf	conf;
	struct buf	text;
	int		certs_fd, keys_fd;	/* sealed, maybe empty */
	struct buf	warnings;	/* what is good but will not stay so */
	int		secret_fd, ca_fd;	/* of the smarthost; -1: none */
	int		providers_fd;		/* -1: none */
};

enum folder { FOLDER_RUN, FOLDER_EMPTY, FOLDER_STATE, FOLDER_USERS,
    FOLDER_TABLES, FOLDER_DKIM, FOLDER_RATED, FOLDER_ACCOUNT, FOLDER_INDEX, FOLDER_SPOOL,
    FOLDER_MAILDROP, FOLDER_MAIL, FOLDER_LOG, FOLDER_COUNT };

struct socket {
	struct link	link;
	char		service[33];
	char		address[129];	/* "127.0.0.1:2525" or a path */
	int		fd;
	uint32_t	generation;	/* of the settings that named it first */
	bool		is_old;		/* not named by the newest settings */
};

struct master {
	const char	*path;		/* of the file, as given */
	const char	*libexec;
	bool		is_foreground, is_unprivileged;
	int		base_fd;	/* relative paths start here */
	int		lock_fd;
	int		program[PROC_COUNT];
	int		folder[FOLDER_COUNT];
	gid_t		drop_gid;	/* who may leave mail; 0: everybody */
	struct config	*config;
	uint32_t	generation;	/* of settings */
	uint32_t	channels;	/* generation of channels */
	uint32_t	boot;
	struct child	child[PROC_COUNT][WORKERS_MAX];
	unsigned	count[PROC_COUNT];
	uid_t		uid[PROC_COUNT];
	gid_t		gid[PROC_COUNT];
	struct link	sockets;
	uint8_t		grant_key[GRANT_KEY], place_key[PLACE_KEY];
	uint8_t		ticket_key[TICKET_KEYS * TICKET_KEY];	/* newest first */
	size_t		ticket_keys;
	bool		doors_open;
	int		stage;		/* of stopping; 0: running */
	struct timer	doors, stage_timer, ticket_timer, watchdog;
	int64_t		watchdog_ms;
	int		ready_fd;	/* parent that waits for us, or -1 */
};

extern struct master master;

/* config.c: NULL with the errors in text */
struct config *config_read(struct buf *errors);
void	config_free(struct config *c);
bool	config_find_users(const struct config *c, struct buf *errors);
unsigned config_workers(const struct config *c, enum proc kind);

/* certs.c */
int	certs_open(struct config *c, struct buf *errors) MUST_CHECK;
void	certs_warn(const struct config *c);

/* folders.c */
int	folders_open(struct why *why) MUST_CHECK;
/* One that somebody deleted is made anew; one that is there stays. */
int	folder_anew(enum folder f, struct why *why) MUST_CHECK;
int	folders_lock(struct why *why) MUST_CHECK;	/* one master an instance */
int	folders_boot(struct why *why) MUST_CHECK;	/* next boot counter */
int	folder_of_file(enum proc kind, unsigned bit);	/* -1: none */
int	folder_root(enum proc kind);

/* listen.c: new sockets beside the old; then one of the two. */
int	listen_bind(const struct config *c, struct why *why) MUST_CHECK;
void	listen_keep_new(void);
void	listen_keep_old(void);
void	listen_forget_unix(void);	/* at the end: remove the paths */

/* tickets.c */
void	tickets_begin(void);
void	tickets_deal(struct child *c);
void	tickets_reload(const struct config *old);

/* start.c */
void	start_child(struct child *c);
void	start_tell_settings(struct child *c);

/* dkim.c: a SIGN_KEY for each key; does nothing for other kinds */
void	dkim_tell(struct child *c);

/* wire.c */
void	wire_child(struct child *c);		/* to all that live */
void	wire_again(struct child *a, struct child *b);
void	on_child_note(struct chan *c, const struct note *n, void *arg);
void	connect_note(struct chan *c, const struct note *n);
void	on_child_end(struct chan *c, void *arg);

/* watch.c */
void	watch_start_all(void);
void	watch_reap(void);
void	watch_ready(struct child *c, uint64_t catalogue);
void	watch_stop(void);
const char *child_state_name(const struct child *c);

/* sync.c: "syncfs" or "fsync", what `spool sync` means on these folders, as it
 * was chosen last */
void	sync_choose(void);
void	sync_tell(void);		/* the log, why it is fsync */
const char *sync_how(void);

/* reload.c: 0, or why nothing was changed; text says what was. */
int	reload(struct buf *text);

/* control.c */
bool	control_note(struct chan *c, const struct note *n);

/* init.c */
void	init_ready(void);
void	init_reloading(void);
void	init_reloaded(bool is_new);
void	init_stopping(void);
void	init_watchdog(void);

#define each_child(c) \
	for (struct child *c = &master.child[0][0]; \
	    c < &master.child[0][0] + PROC_COUNT * WORKERS_MAX; c++)
static inline bool
child_exists(const struct child *c)
{
	return c->index < master.count[c->kind] && c->kind != MASTER;
}

/* resolvers.c */
void	resolvers_tell(struct child *c);

#endif
