/* SPDX-License-Identifier: ISC */
/*
 * delivery/mx.h - which hosts take a domain's mail, in the order to try.
 */
#ifndef DELIVERY_MX_H
#define DELIVERY_MX_H

#include "base/arena.h"

enum {
	MX_MAX = 4096,		/* more than a DNS answer of 64 KiB holds */
	MX_HOST_MAX = 255,	/* a longer name is no host's (RFC 1123 2.1) */
};

struct mx {
	struct str	host;
	uint32_t	preference;
};

struct mx_list {
	struct mx	*v;
	size_t		n, cap;
};

/* Why a list is empty. */
enum mx_fault {
	MX_FINE,
	MX_NULL,	/* "MX 0 .": the domain takes no mail (RFC 7505) */
	MX_LOOP,	/* the best of them is ourselves */
};

/* host is copied into a; beyond the limits and the arena's cap it is dropped. */
void	mx_add(struct mx_list *l, struct str host, uint32_t preference,
	    struct arena *a);
/*
 * Best first, equals shuffled.  us: our own names; we and whoever is as good
 * or worse are cut off (RFC 5321 5.1): mail would come back or go round.
 */
enum mx_fault mx_order(struct mx_list *l, const struct str *us, size_t n);

#endif
