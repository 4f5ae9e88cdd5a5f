/* SPDX-License-Identifier: ISC */
/*
 * auth/count.h - who connects, who fails, who is refused: counters by
 * address and by network that decay.
 *
 * An address and its neighbourhood (/24 of IPv4, /64 of IPv6) each have a
 * score: a failed login counts 1, lesser faults a part of it; half of a
 * score is forgotten every ten minutes.  An address over its limit is
 * banned, each time twice as long; a network over four times the limit is.
 *
 * Pure but for memory: the caller gives the time.  Times are milliseconds of
 * clock_real_ms, for bans outlive the process.
 */
#ifndef AUTH_COUNT_H
#define AUTH_COUNT_H

#include "base/buf.h"
#include "base/dict.h"

enum { COUNT_UNIT = 1000 };	/* one failure */

/* One address, or a network (bits < 128). */
struct peer {
	uint8_t		addr[16];
	uint8_t		bits;
	uint32_t	connections;
	uint32_t	score;		/* in units of a thousandth, as of at_ms */
	uint32_t	bans;		/* how often it was banned */
	int64_t		at_ms;
	int64_t		banned_until_ms;
};

struct count_limits {
	uint32_t	connections, failures;
	int64_t		ban_ms, ban_max_ms;
};

struct count {
	struct dict	peers;		/* 17 bytes -> struct peer */
	struct count_limits limits;
	bool		is_changed;	/* a ban or a score since the last save */
};

void	count_init(struct count *c, const struct count_limits *l);
void	count_free(struct count *c);

/* false: banned until *until_out, or (*until_out 0) too many connections.
 * true: counted; count_leave when it is gone. */
bool	count_enter(struct count *c, const uint8_t addr[16], int64_t now,
	    int64_t *until_out);
void	count_leave(struct count *c, const uint8_t addr[16]);
/* A fault of so many thousandths; how long to make it wait, in ms. */
uint32_t count_fault(struct count *c, const uint8_t addr[16], uint32_t units,
	    int64_t now);
/* A right password forgives half of what the address has. */
void	count_good(struct count *c, const uint8_t addr[16], int64_t now);
bool	count_banned(struct count *c, const uint8_t addr[16], int64_t now,
	    int64_t *until_out);

/* By hand; for_ms 0 forgets.  false: there was nothing to forget. */
bool	count_ban(struct count *c, const uint8_t addr[16], int64_t for_ms,
	    int64_t now);
/* Failures as of now, rounded. */
uint32_t count_failures(const struct peer *p, int64_t now);
/* Visit all that are banned. */
typedef void count_fn(const struct peer *p, void *arg);
void	count_each_ban(struct count *c, int64_t now, count_fn *fn, void *arg);
/* Forget who has nothing left; call now and then. */
void	count_sweep(struct count *c, int64_t now);

/* "rated 1", then `peer ADDRESS/BITS score bans at until' a line. */
void	count_save(struct count *c, int64_t now, struct buf *out);
/* Lines that cannot be read are left out; how many were read. */
size_t	count_load(struct count *c, struct str text, int64_t now);
void	count_put_peer(struct buf *out, const struct peer *p);

#endif
