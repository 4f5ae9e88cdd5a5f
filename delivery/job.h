/* SPDX-License-Identifier: ISC */
/*
 * delivery/job.h - one message, some recipients, one next hop: REMOTE_TRY.
 *
 *	remote.c	the process
 *	job.c		a job's life
 *	way.c		to a session: an idle one, or hosts and addresses
 *			(mx.c, dial.c)
 *	talk.c		the message in it, and what follows from its end
 *	conn.c		the session itself
 *	fact.c		what became of somebody, told to qmgr
 *	look.c		REMOTE_LOOK: only which host it would be
 *	hop.c		what the settings say of a next hop
 *	memo.c		what is remembered of a host's TLS
 */
#ifndef DELIVERY_JOB_H
#define DELIVERY_JOB_H

#include "base/arena.h"
#include "daemon/daemon.h"
#include "delivery/fact.h"
#include "delivery/hop.h"

struct rcpt {
	uint32_t	number;
	bool		told, again;	/* again: by IPv4 */
};

struct job {
	struct link	link;
	struct chan	*qmgr;		/* NULL: it died, after the dot */
	uint32_t	ticket;
	struct arena	arena;
	struct str	mid, lane, nexthop, helo;
	struct address	source;		/* of the lane; AF_UNSPEC: none */
	uint32_t	connections;	/* most of the lane; 0: not said */
	struct rcpt	*rcpt;
	size_t		cap;
	struct smtp_envelope env;
	struct timer	deadline;
	struct hop	hop;
	struct dial	dial;
	size_t		host;		/* of the connection, in dial.hosts */
	struct dial_result dialed;
	size_t		clear_host;	/* 1 + the host whose TLS broke; 0: none */
	struct conn	*conn;
	bool		has_body, asked_body;
	int		body;
	uint64_t	offset, size;
	struct str	added, digest;
	struct fact	best;		/* of the hosts that let us not in */
	struct buf	best_reply;
	bool		has_best, any_temporary;
	bool		wants_mail;	/* the session is idle, for the body */
	bool		is_talking;	/* MAIL was said */
	bool		was_stale, tried_ipv4, was_reused, was_lost;
};

void	job_rcpt(struct chan *c, const struct note *n);
void	job_try(struct chan *c, const struct note *n);
void	job_qmgr_gone(const struct chan *c);
void	job_spoold_came(void);
size_t	job_count(void);
size_t	job_count_of(struct str lane);
/* Those that have not said MAIL end; the others go on. */
void	job_drain(void);

/* In the job's arena. */
struct str job_kept(struct job *j, struct str s);
/* Is there anybody to be asked for? */
bool	job_has_open(const struct job *j);
/* The job is over and gone: as it is, ... */
void	job_done(struct job *j);
/* ... with the same for all who have no row yet, ... */
void	job_done_by(struct job *j, const struct fact *f);
/* ... or with words of our own in place of a reply. */
void	job_done_saying(struct job *j, enum queue_result result,
	    enum remote_stage stage, const char *status, const char *text);

/* way.c: ends in talk_ops, or in the end of the job. */
void	way_find(struct job *j);

/* talk.c */
extern const struct conn_ops talk_ops;

/* remote.c; called when a job or a connection has ended. */
void	remote_look_at_end(void);

#endif
