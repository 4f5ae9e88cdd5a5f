/* SPDX-License-Identifier: ISC */
/*
 * base/clock.h - the two clocks, which tests can turn.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t	clock_mono_ms(void);	/* for intervals: never goes back */
int64_t	clock_real_ms(void);	/* milliseconds since 1970, UTC */
int64_t	clock_real_s(void);

/* Tests only: from now on both clocks stand still and move by clock_turn. */
void	clock_freeze(int64_t real_ms);
void	clock_turn(int64_t by_ms);
void	clock_thaw(void);

/* "2026-11-26T18:02:03.123+01:00" in local time (tzset was called before
 * the cage); out has at least 32 bytes. */
#define CLOCK_TEXT_MAX	32
void	clock_text(int64_t real_ms, char out[CLOCK_TEXT_MAX]);

#endif
