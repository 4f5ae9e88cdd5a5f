/* SPDX-License-Identifier: ISC */
/*
 * delivery/question.h - questions that are open: asked of the resolvers in
 * turn until one answers or time is up.
 */
#ifndef DELIVERY_QUESTION_H
#define DELIVERY_QUESTION_H

#include "conf/conf.h"
#include "delivery/known.h"
#include "ipc/chan.h"

struct counters {
	uint64_t	asked, known, merged, sent, tcp, timeouts, strays,
			failures, later, refused;
};
extern struct counters counters;

void	questions_init(void);
/* Somebody asks what is not known; wait_ms 0: as the settings say.  Equal
 * questions become one.  Always ends in one DNS_DONE on c, or in c's end. */
void	question_ask(struct chan *c, uint32_t ticket,
	    const struct dns_name *name, unsigned type, int64_t wait_ms);
void	questions_forget(const struct chan *c);	/* c is over */

void	known_tell(struct chan *c, uint32_t ticket, unsigned type,
	    const struct known *k);

size_t	questions_open(void);		/* asked of a resolver now */
size_t	questions_waiting(void);	/* for their turn */

#endif
