/* SPDX-License-Identifier: ISC */
/*
 * ENVELOPE and BODYSTRUCTURE: always printable ASCII, quotes closed,
 * parentheses balanced.
 */
#include <stdlib.h>

#include "mail/shape.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct buf *b)
{
	struct str s = buf_str(b);
	long depth = 0;
	bool in_quotes = false;

	if (buf_failed(b) || !str_is_print(s) || s.n == 0 || s.p[0] != '(')
		abort();
	for (size_t i = 0; i < s.n; i++) {
		if (in_quotes && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			in_quotes = !in_quotes;
		else if (!in_quotes && s.p[i] == '(')
			depth++;
		else if (!in_quotes && s.p[i] == ')' && --depth == 0 &&
		    i + 1 < s.n)
			abort();
	}
	if (depth != 0 || in_quotes)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a;
	struct mime m;
	struct buf out;

	arena_init(&a, 1 << 22);
	buf_init(&out, 1 << 26);
	if (mime_begin(&m, &a) != 0)
		abort();
	mime_feed(&m, str_mem(data, n));
	mime_end(&m);
	shape_envelope(&out, m.root->message);
	check(&out);
	buf_reset(&out);
	shape_body(&out, &m, true);
	check(&out);
	buf_reset(&out);
	shape_body(&out, &m, false);
	check(&out);
	buf_free(&out);
	arena_free(&a);
	return 0;
}
