/* SPDX-License-Identifier: ISC */
/*
 * conf/near.h - the nearest known word, for "did you mean".
 */
#ifndef CONF_NEAR_H
#define CONF_NEAR_H

#include "base/str.h"

struct near {
	struct str	word, best;	/* best.p is NULL: nothing near */
	size_t		distance;
};

void	near_begin(struct near *n, struct str word);
void	near_try(struct near *n, struct str candidate);

/* Letters to add, drop, change or swap (optimal string alignment); words
 * longer than 64 are far from everything. */
size_t	near_distance(struct str a, struct str b);

#endif
