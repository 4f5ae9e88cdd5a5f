/* SPDX-License-Identifier: ISC */
/*
 * delivery/fact.h - what became of somebody: the facts of a REMOTE_ROW.
 */
#ifndef DELIVERY_FACT_H
#define DELIVERY_FACT_H

#include "delivery/conn.h"
#include "ipc/catalogue.h"

struct job;

/* Strings of whoever it was made from: valid as long as that session. */
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

enum remote_stage fact_stage(enum smtp_step step);
/* Of a reply to a step. */
struct fact fact_of_reply(const struct conn *c, enum smtp_step step,
	    const struct smtp_heard *h);
/* Of a session that ended, by a reply or without one. */
struct fact fact_of_end(const struct conn *c);
/* Why a host did not let us in: of several the last that said something is
 * the reason, should no other one do. */
void	fact_keep_best(struct job *j, const struct fact *f);
/* The row of its i-th recipient, once. */
void	fact_tell(struct job *j, size_t i, const struct fact *f);

#endif
