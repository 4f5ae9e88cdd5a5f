/* SPDX-License-Identifier: ISC */
/*
 * Sets: what is resolved is sorted, apart, and has the members that were
 * written; written again it reads the same.
 */
#include <stdlib.h>

#include "imap/set.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STAR	100

static bool
was_written(const struct imap_range *v, size_t n, uint32_t number)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t a = v[i].first == 0 ? STAR : v[i].first;
		uint32_t b = v[i].last == 0 ? STAR : v[i].last;

		if (a > b ? number >= b && number <= a :
		    number >= a && number <= b)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_set s, before;
	struct arena arena;
	uint32_t number;
	size_t i;

	if (size > 2000)
		return 0;
	arena_init(&arena, 1 << 20);
	if (imap_set_parse(str_mem(data, size), &arena, &s) &&
	    imap_set_parse(str_mem(data, size), &arena, &before)) {
		imap_set_resolve(&s, STAR);
		for (i = 0; i < s.n; i++)
			if (s.v[i].first == 0 || s.v[i].first > s.v[i].last ||
			    (i > 0 && s.v[i].first <= s.v[i - 1].last))
				abort();
		for (number = 1; number < 130; number++)
			if (imap_set_has(&s, number) !=
			    was_written(before.v, before.n, number))
				abort();
	}
	arena_free(&arena);
	return 0;
}
