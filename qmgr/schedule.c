/* SPDX-License-Identifier: ISC */
/*
 * qmgr/schedule.c - back-off with jitter; pure.
 */
#include "qmgr/schedule.h"

#include "base/banned.h"

enum {
	TRY_MS = 30 * 60 * 1000,
	TRY_MOST_MS = 115 * 60 * 1000,	/* REMOTE_TRY is given up after 2 h */
	OCTETS_A_MS = 8,		/* 64 kbit/s */
};

int64_t
schedule_try_ms(uint64_t size)
{
	uint64_t ms = TRY_MS + size / OCTETS_A_MS;

	return ms < TRY_MOST_MS ? (int64_t)ms : TRY_MOST_MS;
}

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
