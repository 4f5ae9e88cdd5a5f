/* SPDX-License-Identifier: ISC */
/*
 * qmgr/spoold.h - what the files of spoold share.
 *
 *	spoold.c	start, replay, notes, batches
 *	draft.c		a message being brought: RCPTs, large body, COMMIT
 *	deliver.c	hand-overs to stored
 *	wait.c		what waits: telling qmgr, its tries and marks
 *	doubt.c		whom no qmgr is told of yet
 *	settling.c	the sync once a second
 *	maildrop.c	what programs left while nobody took their mail
 *
 * What is durable and when stands in lib/journal/spool.h; here notes come
 * and go.
 */
#ifndef QMGR_SPOOLD_H
#define QMGR_SPOOLD_H

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "event/loop.h"
#include "journal/spool.h"

#define SMALL_BODY	(256 * 1024)	/* a sealed memfd; larger: tmp/ */

enum { SYSTEM_SPOOL = 1, SYSTEM_MAIL = 2, SYSTEM_STATE = 4, SYSTEM_INDEX = 8 };

struct spoold {
	struct disk	disk;
	struct spool	*spool;
	int		folder;
	struct defer	batch;		/* flush what gathered, tidy up */
	struct timer	listen;		/* first hear what else is there */
	unsigned	heard;		/* notes of this pass */
	unsigned	passes;		/* of the batch that gathers */
	struct timer	tick;		/* once a second */
	struct link	drafts;		/* draft.c */
	struct timer	replay_limit;
	bool		replayed;	/* the doors may open */
	bool		distrust;	/* a sync failed: adopt nothing (R9) */
	bool		marker_due;	/* ... and that is to be written down */
	char		machine[FILE_BOOT_ID_MAX + 1];	/* its boot id */
	bool		full;		/* said once until there is room */
	uint64_t	accepted, delivered, refused, batches;
};
extern struct spoold spoold;		/* the daemon's one struct */

/* spoold.c */
void	spoold_gather(void);		/* a batch is due at the end of the pass */
void	spoold_log(enum log_level, const char *event, const struct message *m);

/* draft.c */
void	draft_note(struct chan *c, const struct note *n);
void	draft_committed(struct message *m, int fail);
void	draft_peer_gone(struct chan *c);
void	draft_tick(void);

/* deliver.c */
void	deliver_init(void);
/* How an attempt that qmgr asked for ended: enum queue_result. */
typedef void deliver_fn(void *arg, unsigned result, struct str text);
void	deliver_queue(struct message *m, uint32_t number, deliver_fn *fn,
	    void *arg);
void	deliver_pump(void);
void	deliver_keep_body(struct message *m, int fd);	/* takes fd */
void	deliver_forget(struct message *m);
int	deliver_body(struct message *m);	/* a descriptor, or -1 */
size_t	deliver_out(void);		/* hand-overs queued or out */
void	deliver_peer(struct chan *c);
void	deliver_tick(void);

/* wait.c */
void	wait_init(void);
void	wait_note(struct chan *c, const struct note *n);
void	wait_tell(struct message *m, uint32_t number);
void	wait_ended(struct message *m, uint32_t number);
void	wait_peer(void);
void	wait_tick(void);
void	wait_sent(const struct note *n);
/* A hand-over failed: written down, then told to qmgr. */
void	wait_defer(struct message *m, uint32_t number, struct str reason,
	    bool held);

/* doubt.c */
void	doubt_init(void);
bool	doubt_has(const struct message *m, uint32_t number);
/* Every remote has said whom it is in doubt about: qmgr may be told. */
bool	doubt_ready(void);
void	doubt_note(const struct chan *c, const struct note_remote_doubt *n);
void	doubt_heard(const struct chan *c);
void	doubt_remote_came(const struct chan *c);
void	doubt_remote_gone(const struct chan *c);
void	doubt_qmgr_gone(void);

/* maildrop.c */
void	maildrop_start(void);	/* after spool_open, before anything else */
void	maildrop_tick(void);
void	maildrop_look(struct chan *c, uint32_t ticket);	/* sendmail -q */
bool	maildrop_is_out(struct str mid);
void	maildrop_committed(struct message *m);
void	maildrop_peer_gone(struct chan *c);

/* settling.c */
void	settling_tick(void);
void	settling_gone(void);	/* syncd is */
void	settling_machine(void);	/* before the cage */
void	settling_start(void);
void	settling_wrote(const char *name, bool exists);
/* Syncs what was written so far on the spool's file system; fn(arg, 0) when
 * it is on the disk. */
typedef void settling_fn(void *arg, int fail);
void	settling_ask(settling_fn *fn, void *arg);

#endif
