/* SPDX-License-Identifier: ISC */
/*
 * conf/near.c - how far is one word from another?
 */
#include "conf/near.h"

#include <string.h>

#include "base/banned.h"

#define LONGEST	64

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t
near_distance(struct str a, struct str b)
{
	size_t row[3][LONGEST + 1];	/* two before, before, this */
	size_t *before2 = row[0], *before = row[1], *this = row[2], *t;
	size_t i, j, cost;

	if (a.n > LONGEST || b.n > LONGEST)
		return SIZE_MAX;
	for (j = 0; j <= b.n; j++)
		before[j] = j;
	for (i = 1; i <= a.n; i++) {
		this[0] = i;
		for (j = 1; j <= b.n; j++) {
			cost = ascii_lower(a.p[i - 1]) !=
			    ascii_lower(b.p[j - 1]);
			this[j] = min3(before[j] + 1, this[j - 1] + 1,
			    before[j - 1] + cost);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] &&
			    before2[j - 2] + 1 < this[j])
				this[j] = before2[j - 2] + 1;
		}
		t = before2, before2 = before, before = this, this = t;
	}
	return before[b.n];
}

void
near_begin(struct near *n, struct str word)
{
	n->word = word;
	n->best = str_of(NULL);
	/* One wrong letter in three is a slip, more is another word. */
	n->distance = 1 + (word.n > 3 ? 1 : 0) + (word.n > 8 ? 1 : 0) + 1;
}

void
near_try(struct near *n, struct str candidate)
{
	size_t d = near_distance(n->word, candidate);

	if (d < n->distance && d < candidate.n) {
		n->distance = d;
		n->best = candidate;
	}
}
