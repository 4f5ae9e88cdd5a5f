/* SPDX-License-Identifier: ISC */
/*
 * base/rand.h - random bytes from the kernel, and the ids made of them.
 */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

void	rand_bytes(void *p, size_t n);
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t limit);	/* uniform in 0..limit-1; limit > 0 */

/* Tests only: a repeatable sequence from here on. */
void	rand_seed(uint64_t seed);

/*
 * Message id: 128 bits = 48-bit milliseconds, 16-bit boot counter, 64 random
 * bits, as 26 characters of Crockford base32, lower case, NUL-terminated.
 * Session id: 13 characters (40-bit seconds-and-more, 25 random bits).
 */
#define MID_LEN	26
#define SID_LEN	13
void	mid_make(int64_t real_ms, uint16_t boot, char out[MID_LEN + 1]);
void	sid_make(int64_t real_ms, char out[SID_LEN + 1]);
bool	mid_valid(struct str s);
bool	mid_to_bin(struct str s, uint8_t out[16]) MUST_CHECK;
void	mid_from_bin(const uint8_t bin[16], char out[MID_LEN + 1]);

#endif
