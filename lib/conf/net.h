/* SPDX-License-Identifier: ISC */
/*
 * conf/net.h - networks as settings name them, and who is in one.
 *
 * "192.0.2.7", "10.0.0.0/8", "2001:db8::/32".  IPv4 is kept as
 * ::ffff:a.b.c.d, so that a client that comes by a mapped address is the
 * same client.
 */
#ifndef CONF_NET_H
#define CONF_NET_H

#include "base/buf.h"

struct net {
	uint8_t	addr[16];	/* bits beyond `bits` are zero */
	unsigned bits;		/* 0..128 */
};

struct strs;

bool	net_parse(struct str s, struct net *net_out) MUST_CHECK;
/* An address without length; false for anything else ("local"). */
bool	net_addr(struct str s, uint8_t addr_out[16]) MUST_CHECK;
/* Was it written as IPv4, or mapped? */
bool	net_is_ipv4(const uint8_t addr[16]);
bool	net_has(const struct net *net, const uint8_t addr[16]);
/* Is the client in one of the networks of a setting?  A peer that is no
 * address (a local socket) is in none. */
bool	net_listed(const struct strs *nets, struct str peer);
/* What counts as one neighbourhood: the /24 of IPv4, the /64 of IPv6. */
void	net_around(const uint8_t addr[16], struct net *net_out);
/* "1.2.0.192.in-addr.arpa": the name whose PTR says who an address is.
 * False, and nothing is added, when it is no address. */
bool	net_reverse(struct str address, struct buf *out) MUST_CHECK;

#endif
