/* SPDX-License-Identifier: ISC */
/*
 * delivery/server.h - the DNS resolvers of the settings, and which of them
 * answer.
 */
#ifndef DELIVERY_SERVER_H
#define DELIVERY_SERVER_H

#include "conf/conf.h"
#include "delivery/address.h"

enum { SERVERS_MAX = 8 };	/* more settings than that are not used */

struct server {
	struct address	address;
	uint16_t	port;
	char		text[ADDRESS_TEXT];
	bool		is_loopback;
	bool		has_edns;		/* it answered with EDNS once */
	int64_t		no_edns_until_ms;	/* it refused EDNS */
	unsigned	silent;			/* to so many questions in a row */
	bool		is_down;		/* after SILENT_MAX of them */
	int64_t		down_ms;		/* since then, clock_mono_ms */
	int64_t		probe_ms;		/* next question it gets then */
};

/* From the settings, after a start or a reload.  What is known of those that
 * stay is kept; pointers stay valid: a server that is gone is never picked. */
void	servers_reload(const struct conf *conf);
size_t	servers_count(void);
size_t	servers_down(void);
/* Calls say for each one that is down. */
void	servers_each_down(void (*say)(const struct server *s, int64_t for_s));

/*
 * The best one that is not in *tried, a mask of indexes to which it is
 * added; NULL: all are.  One that is down comes last, but when its time to be
 * looked at has come.
 */
struct server *server_pick(unsigned *tried);
unsigned server_bit(const struct server *s);
bool	server_may_edns(const struct server *s);

void	server_answered(struct server *s, bool has_edns);
void	server_silent(struct server *s, const char *why);	/* logged once */
void	server_refused_edns(struct server *s);

#endif
