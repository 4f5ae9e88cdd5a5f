/* SPDX-License-Identifier: ISC */
/*
 * Mailbox names: what decodes from pure ASCII encodes back to the same
 * bytes (one name, one spelling); a pattern matches in bounded time.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "imap/name.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
has_controls(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 32 || s.p[i] > 126)
			return true;
	return false;
}

static void
there_and_back(struct arena *arena, struct str in)
{
	struct str name;
	struct buf b;

	if (imap_name_decode(in, arena, &name) < 0)
		return;
	if (!utf8_valid(name) || name.n > IMAP_NAME_MAX)
		abort();
	buf_init(&b, 16 * IMAP_NAME_MAX);
	imap_name_encode(&b, name);
	if (!has_controls(in) && !str_eq(buf_str(&b), in))
		abort();
	buf_free(&b);
	if (imap_name_valid(name) &&
	    !imap_name_valid(imap_name_canon(arena, name)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_mem(data, size), first;
	struct imap_pattern p;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	first = str_until(&rest, '\n');
	there_and_back(&arena, first);
	if (imap_pattern_init(&p, &arena, first) == 0)
		(void)imap_pattern_match(&p, str_sub(rest, 0, IMAP_NAME_MAX));
	arena_free(&arena);
	return 0;
}
