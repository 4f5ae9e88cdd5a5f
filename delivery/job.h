/* SPDX-License-Identifier: ISC */
/*
 * delivery/job.h - one message, some recipients, one next hop: REMOTE_TRY.
 */
#ifndef DELIVERY_JOB_H
#define DELIVERY_JOB_H

#include "base/arena.h"
#include "daemon/daemon.h"
#include "delivery/conn.h"

/* What became of somebody: the facts of a REMOTE_ROW. */
struct fact {
	enum queue_result result;
	enum remote_stage stage;
	unsigned	code;
	struct str	status, host, address, tls, reply;
};

struct counters {
	uint64_t	tried, accepted, later, never, unknown, reused, lost,
			tls_broken;
};
extern struct counters counters;

/* How a next hop is reached. */
struct hop {
	struct str	host;		/* to be looked up by MX, or as it is */
	bool		by_mx, is_lmtp, is_wrapped;
	uint16_t	port;
	enum smtp_tls	tls;
	struct tls_client *trust;	/* borrowed */
	struct str	user, secret;
};

/* false: nonsense.  Strings of text and of the settings. */
bool	hop_find(struct str nexthop, uint32_t transport, struct hop *out);
void	hop_reload(void);
void	hop_free(void);		/* for tests */

void	job_rcpt(struct chan *c, const struct note *n);
void	job_try(struct chan *c, const struct note *n);
void	job_look(struct chan *c, const struct note *n);
void	job_qmgr_gone(struct chan *c);
size_t	job_count(void);
/* Those that have not said MAIL end; the others go on. */
void	job_drain(void);
/* remote.c; called when a job or a connection has ended. */
void	remote_look_at_end(void);

#endif
