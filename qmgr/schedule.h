/* SPDX-License-Identifier: ISC */
/*
 * qmgr/schedule.h - when is a recipient tried again, and when no more.
 */
#ifndef QMGR_SCHEDULE_H
#define QMGR_SCHEDULE_H

#include <stdint.h>

/* The wait after attempt number `attempts` (1, 2 ...): first_ms doubled each
 * time up to most_ms, then up to a tenth more or less by `dice` (any random
 * number), so that what failed together is not tried together. */
int64_t	schedule_wait_ms(uint32_t attempts, int64_t first_ms, int64_t most_ms,
	    uint64_t dice);

/* How long one try of a message of so many octets may take: a large one over
 * a thin line is slow, not stuck (that, remote sees by its blocks). */
int64_t	schedule_try_ms(uint64_t size);

#endif
