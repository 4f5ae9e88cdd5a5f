/* SPDX-License-Identifier: ISC */
/*
 * delivery/exchange.h - one question to one resolver, by UDP or TCP.
 *
 * A socket of its own each, on a random port, connected: the kernel lets
 * only packets of that address and port in.
 */
#ifndef DELIVERY_EXCHANGE_H
#define DELIVERY_EXCHANGE_H

#include "base/buf.h"
#include "base/fail.h"
#include "delivery/server.h"
#include "event/loop.h"

struct exchange;

/* packet.p == NULL: there is no answer, and why says so; the exchange is
 * over.  Else: true, it was the answer (the exchange may have been ended, it
 * is not looked at again), or false, it is somebody else's. */
typedef bool exchange_fn(struct exchange *x, struct str packet,
	    const char *why);

struct exchange {
	struct watch	watch;		/* fd -1: none */
	struct timer	timer;
	exchange_fn	*fn;
	struct buf	in, out;	/* TCP */
	unsigned	strays;
	bool		is_tcp;
};

void	exchange_init(struct exchange *x);
/* 0, and fn will be called, or FAIL_TEMP with why: it will not. */
int	exchange_begin(struct exchange *x, bool is_tcp, const struct server *s,
	    struct str packet, int64_t wait_ms, exchange_fn *fn,
	    struct why *why) MUST_CHECK;
void	exchange_end(struct exchange *x);	/* fn is not called any more */

#endif
