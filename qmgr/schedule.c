/* SPDX-License-Identifier: ISC */
/*
 * qmgr/schedule.c - back-off with jitter; pure.
 */
#include "qmgr/schedule.h"

#include "base/banned.h"

int64_t
schedule_wait_ms(uint32_t attempts, int64_t first_ms, int64_t most_ms,
    uint64_t dice)
{
	int64_t wait = first_ms, tenth;

	for (uint32_t i = 1; i < attempts && wait < most_ms; i++)
		wait *= 2;
	if (wait > most_ms)
		wait = most_ms;
	tenth = wait / 10;
	return wait - tenth + (int64_t)(dice % (uint64_t)(2 * tenth + 1));
}
