/* SPDX-License-Identifier: ISC */
/*
 * delivery/conn.h - one session with a server: the socket, its timers and
 * TLS around the step table of smtp/client.h.
 */
#ifndef DELIVERY_CONN_H
#define DELIVERY_CONN_H

#include "base/list.h"
#include "crypto/digest.h"
#include "delivery/dial.h"
#include "event/stream.h"
#include "mail/wire.h"
#include "smtp/client.h"

enum {
	CONN_IN_MAX = 16 * 1024,
	CONN_OUT_MAX = 1024 * 1024,	/* 1,000 recipients pipelined */
	CONN_HOST_MAX = 255,
};

struct conn;

/* What the session's user hears.  None is called from within a conn_* call
 * but conn_mail and conn_sent, which only write. */
struct conn_ops {
	/* Nothing is owed: conn_mail, conn_keep or conn_quit. */
	void	(*on_idle)(void *job, struct conn *c);
	/* 354: conn_content, or conn_drop. */
	void	(*on_content)(void *job, struct conn *c);
	void	(*on_fate)(void *job, struct conn *c, size_t i,
		    enum smtp_step step, const struct smtp_heard *h);
	/* The session is over; c is freed after the call.  c->why says why
	 * unless a reply does (c->reply_says); c->stage is where. */
	void	(*on_over)(void *job, struct conn *c);
};

/* What a session is begun with. */
struct conn_plan {
	const struct conn_ops *ops;
	void		*job;
	struct str	lane, nexthop;	/* who may use it later */
	struct str	host;
	struct dial_result dialed;
	uint16_t	port;
	struct str	helo, us;
	struct str	user, secret;
	enum smtp_tls	tls;
	struct tls_client *trust;
	bool		is_lmtp;
	bool		is_wrapped;	/* TLS from the first octet, RFC 8314 */
};

struct conn {
	struct link	link;		/* all, or the idle ones */
	struct stream	stream;
	struct timer	patience;	/* for the reply that is owed */
	struct defer	reap;
	struct smtp_client client;
	struct smtp_heard heard;
	const struct conn_ops *ops;
	void		*job;		/* NULL: idle, or saying QUIT */
	char		*lane, *nexthop, *helo, *us, *user, *secret;
	char		host[CONN_HOST_MAX + 1];
	char		memo[CONN_HOST_MAX + 8];	/* host and port */
	char		address[ADDRESS_TEXT];
	char		tls[80];	/* version and cipher, or "" */
	uint16_t	port;
	sa_family_t	family;
	struct tls_client *trust;
	unsigned	messages;	/* begun on it */
	bool		is_fresh;	/* of this job, not taken over */
	bool		heard_any;	/* a reply in this transaction */
	bool		is_over, tls_broke, is_shaking, is_wrapped;

	/* on_over */
	char		why[300];
	bool		reply_says;
	enum smtp_step	stage;

	/* content on its way */
	struct wire	wire;
	struct digest	digest;
	uint8_t		want[DIGEST_LEN];
	bool		verify, is_damaged;
};

struct conn *conn_new(const struct conn_plan *p);
/* An idle one of this lane that fits; it is the job's from now on. */
struct conn *conn_take(struct str lane, struct str nexthop,
	    const struct conn_ops *ops, void *job);
/* The same by host, once the domain's hosts are known. */
struct conn_want {
	struct str	lane, host, user;
	uint16_t	port;
	bool		is_lmtp;
	const struct tls_client *trust;
};
struct conn *conn_take_host(const struct conn_want *w,
	    const struct conn_ops *ops, void *job);
void	conn_mail(struct conn *c, struct smtp_envelope *env);
/*
 * Behind 354: added lines, then size octets of fd (owned) at offset, dots
 * stuffed.  digest: 32 octets the content must have, or empty; when it has
 * not, the dot is never sent and on_over comes.
 */
void	conn_content(struct conn *c, struct str added, int fd, uint64_t offset,
	    uint64_t size, struct str digest);
/* The job is done with it: it waits for the next one, or says QUIT. */
void	conn_keep(struct conn *c, struct str nexthop);
void	conn_quit(struct conn *c);
void	conn_drop(struct conn *c);	/* at once; no callback */

extern struct conn_counters {
	uint64_t	opened, tls, resumed;
} conn_counters;

/* Idle ones of the lane beyond so many say QUIT, the oldest first. */
void	conn_make_room(struct str lane, size_t most);

size_t	conn_count(void);
size_t	conn_idle_count(void);
void	conn_quit_all_idle(void);

#endif
