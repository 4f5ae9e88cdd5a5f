/* SPDX-License-Identifier: ISC */
/*
 * base/arena.h - memory by lifetime.
 *
 * Everything taken from an arena is freed at once by arena_reset (the end of
 * a command) or arena_free (the end of a session).  An arena has a cap:
 * arena_get returns NULL beyond it, and a parser of client data answers
 * FAIL_TOO_BIG.  Memory is zeroed.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena {
	struct arena_chunk	*chunk;
	size_t			used;	/* bytes handed out since reset */
	size_t			cap;
};

void	arena_init(struct arena *a, size_t cap);
void	arena_free(struct arena *a);
void	arena_reset(struct arena *a);	/* keeps at most one small chunk */

void	*arena_get(struct arena *a, size_t n) MUST_CHECK;	/* aligned to 16 */
void	*arena_array(struct arena *a, size_t n, size_t size) MUST_CHECK;

/* A copy of s.  When over the cap: the empty str with p == NULL. */
struct str arena_str(struct arena *a, struct str s);
/* The same, its ASCII letters in lower case. */
struct str arena_lower(struct arena *a, struct str s);
/* A C string; NULL when s holds a NUL byte or is over the cap. */
const char *str_z(struct arena *a, struct str s) MUST_CHECK;
/* printf into the arena; p == NULL when over the cap. */
struct str arena_fmt(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
