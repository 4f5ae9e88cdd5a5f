/* SPDX-License-Identifier: ISC */
/*
 * Re-encoding: chunks do not matter, and a second run finds nothing left to
 * do: parts that were encoded are seen as encoded, with the same structure.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/recode.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
recode(struct str in, unsigned why, size_t step, struct buf *out,
    size_t *parts_out)
{
	struct arena a;
	struct mime m;
	struct recode r = { .why = 0 };
	bool wanted = false;

	arena_init(&a, MIME_ARENA_CAP);
	if (mime_begin(&m, &a) != 0)
		abort();
	mime_feed(&m, in);
	mime_end(&m);
	*parts_out = m.parts;
	if (recode_begin(&r, &m, why) == 0) {
		for (size_t at = 0; at < in.n; at += step)
			recode_look(&r, str_sub(in, at, step));
		wanted = recode_wanted(&r);
		for (size_t at = 0; wanted && at < in.n; at += step)
			recode_feed(&r, str_sub(in, at, step), out);
		if (wanted)
			recode_end(&r, out);
	}
	recode_free(&r);
	arena_free(&a);
	return wanted;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf one, two;
	struct str in = str_mem(data, n);
	unsigned why;
	size_t step, parts, again;

	if (n < 2)
		return 0;
	why = data[0] & 3;
	step = data[1] % 64 + 1;
	in = str_from(in, 2);
	buf_init(&one, 1 << 24);
	buf_init(&two, 1 << 24);
	if (recode(in, why, step, &one, &parts)) {
		(void)recode(in, why, 1 << 20, &two, &again);
		if (!str_eq(buf_str(&one), buf_str(&two)) || buf_failed(&one))
			abort();
		buf_reset(&two);
		if (recode(buf_str(&one), why, step, &two, &again) ||
		    parts != again)
			abort();
	}
	buf_free(&one);
	buf_free(&two);
	return 0;
}
