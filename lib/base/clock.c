/* SPDX-License-Identifier: ISC */
/*
 * base/clock.c - the two clocks, which tests can turn.
 *
 * clock_text uses localtime_r, which never looks for the zone file again
 * after tzset: local time stays right in an empty root.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/banned.h"

static bool frozen;
static int64_t frozen_real_ms, frozen_mono_ms;

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);		/* cannot fail for these clocks */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return frozen ? frozen_mono_ms : read_ms(CLOCK_MONOTONIC);
}

int64_t
clock_real_ms(void)
{
	return frozen ? frozen_real_ms : read_ms(CLOCK_REALTIME);
}

int64_t
clock_real_s(void)
{
	return clock_real_ms() / 1000;
}

void
clock_freeze(int64_t real_ms)
{
	frozen_mono_ms = clock_mono_ms();
	frozen_real_ms = real_ms;
	frozen = true;
}

void
clock_turn(int64_t by_ms)
{
	frozen_mono_ms += by_ms;
	frozen_real_ms += by_ms;
}

void
clock_thaw(void)
{
	frozen = false;
}

void
clock_text(int64_t real_ms, char out[CLOCK_TEXT_MAX])
{
	unsigned ms = (unsigned)(((real_ms % 1000) + 1000) % 1000);
	time_t t = (time_t)((real_ms - ms) / 1000);
	struct tm tm;
	long off;

	if (localtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900) {
		snprintf(out, CLOCK_TEXT_MAX, "-");
		return;
	}
	off = labs(tm.tm_gmtoff) / 60;
	/* the remainders tell the compiler how long each part can be */
	snprintf(out, CLOCK_TEXT_MAX,
	    "%04u-%02u-%02uT%02u:%02u:%02u.%03u%c%02u:%02u",
	    (unsigned)(tm.tm_year + 1900) % 10000,
	    (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100, ms % 1000,
	    tm.tm_gmtoff < 0 ? '-' : '+',
	    (unsigned)(off / 60) % 100, (unsigned)(off % 60) % 100);
}
