/* SPDX-License-Identifier: ISC */
/*
 * delivery/dial.h - a connection to one of several hosts.
 *
 * Hosts are looked up as their turn comes.  The addresses of a host are taken
 * in turn from both families; a silent one is not waited for, the next is
 * begun beside it.  What bounds it all is time, not a count: one deadline for
 * the connecting of a whole list.
 *
 * RFC 5321 5.1 (hosts in order), RFC 8305 (both families).
 */
#ifndef DELIVERY_DIAL_H
#define DELIVERY_DIAL_H

#include "delivery/address.h"
#include "delivery/mx.h"
#include "event/loop.h"

enum {
	DIAL_ADDRESSES = 64,	/* of one host and family */
	DIAL_BESIDE = 4,	/* connects at a time */
	DIAL_STEP_MS = 250,	/* before the next address is begun beside */
	DIAL_HOST_MS = 2000,	/* before the next host is */
};

struct dial_list {
	struct address v[DIAL_ADDRESSES];
	size_t		n, next;
};

struct dial_attempt {
	struct watch	watch;		/* fd < 0: not in use */
	struct dial	*dial;
	struct address address;
	size_t		host;
};

/* Connected (fd >= 0, the callee's), or the end of the list. */
struct dial_result {
	int		fd;
	size_t		host;		/* index in hosts */
	struct address address;
	char		text[ADDRESS_TEXT];	/* address and port */
	bool		is_us;		/* it is a port we listen on ourselves */
};
typedef void dial_fn(void *arg, const struct dial_result *r);

struct dial {
	/* By the caller. */
	struct mx_list	hosts;
	uint16_t	port;
	sa_family_t	only;		/* AF_UNSPEC: both */
	struct address source4, source6;	/* AF_UNSPEC: any */
	int64_t		left_ms;	/* for all connecting together */
	dial_fn		*fn;
	void		*arg;

	/* Why it came to the end of the list. */
	char		why[300];
	bool		is_temporary;	/* something may be better later */
	bool		had_address;	/* at least one was there to try */

	/* Its own. */
	size_t		at;		/* the next host */
	size_t		host;		/* whose addresses these are */
	struct dial_list list[2];	/* IPv6, IPv4 */
	unsigned	turn;		/* which family is next */
	unsigned	looking;	/* questions out: 1 AAAA, 2 A */
	struct dial_question { struct dial *dial; unsigned which; }
			question[2];
	bool		may_begin;
	struct dial_attempt attempt[DIAL_BESIDE];
	struct timer	step, deadline;
	int64_t		began_ms;
	bool		is_on;
};

/* Caller's part is set; nothing is done yet. */
void	dial_init(struct dial *d);
/* The next connection: fn is called once, never from within this call. */
void	dial_next(struct dial *d);
void	dial_stop(struct dial *d);	/* fn is not called any more */
/* The next time begin with this one once more (in clear, say). */
void	dial_again(struct dial *d, const struct dial_result *r);
/* That host is ourselves: it and all that are not better are cut off. */
void	dial_cut(struct dial *d, size_t host);

#endif
