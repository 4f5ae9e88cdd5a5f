/* SPDX-License-Identifier: ISC */
/*
 * auth/meter.h - what each client address and network has done lately.
 *
 * Addresses are kept singly and by their neighbourhood (IPv4 /24, IPv6 /64).
 * Failures fade: after a half-life each counts half.  Memory is bounded;
 * whoever did nothing for longest is forgotten first, who is connected or
 * banned last.
 */
#ifndef AUTH_METER_H
#define AUTH_METER_H

#include "base/buf.h"
#include "base/fail.h"
#include "conf/net.h"

#define METER_SLOTS	24	/* faces that may hold connections */
#define METER_RECORDS	50000
#define METER_TEXT	128

struct meter;

struct meter_limits {
	uint32_t	connections, failures, network;
	int64_t		half_life_ms, ban_ms, ban_max_ms;
};

struct meter_verdict {
	bool		refuse;
	uint32_t	delay_ms;
	char		text[METER_TEXT];	/* reason of a refusal */
};

/* One that is banned, or has failures that still count. */
struct meter_row {
	struct net	net;
	int64_t		until_ms;	/* 0: not banned */
	uint32_t	failures;	/* as they count now, rounded */
	bool		by_hand;
};
typedef void meter_row_fn(void *arg, const struct meter_row *row);

struct meter *meter_new(void);
void	meter_free(struct meter *m);

/* A connection came; it counts until meter_disconnect, also when it is
 * refused.  slot: which face has it. */
void	meter_connect(struct meter *m, const struct meter_limits *l,
	    const uint8_t addr[16], unsigned slot, int64_t now_ms,
	    struct meter_verdict *out);
void	meter_disconnect(struct meter *m, const uint8_t addr[16],
	    unsigned slot);
/* A face died, and all its connections with it. */
void	meter_slot_gone(struct meter *m, unsigned slot);

/* Something bad: milli 1000 is one failed login.  The verdict says how long
 * to let the client wait, or that it has to go. */
void	meter_failure(struct meter *m, const struct meter_limits *l,
	    const uint8_t addr[16], uint32_t milli, int64_t now_ms,
	    struct meter_verdict *out);

/* By hand.  FAIL_SYNTAX: neither an address nor a neighbourhood; FAIL_GONE:
 * nothing to forget. */
int	meter_ban(struct meter *m, const struct net *net, int64_t until_ms,
	    int64_t now_ms) MUST_CHECK;
int	meter_forget(struct meter *m, const struct net *net) MUST_CHECK;

void	meter_each(const struct meter *m, const struct meter_limits *l,
	    int64_t now_ms, meter_row_fn *fn, void *arg);
size_t	meter_records(const struct meter *m);
size_t	meter_connections(const struct meter *m);

/* The state file: text, a line a record that matters.  FAIL_SYNTAX: damaged;
 * what was read before the damage is kept. */
void	meter_save(const struct meter *m, const struct meter_limits *l,
	    int64_t now_ms, struct buf *out);
int	meter_load(struct meter *m, struct str text, int64_t now_ms)
	    MUST_CHECK;

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/64" */
void	meter_net_text(const struct net *net, struct buf *out);

#endif
