/* SPDX-License-Identifier: ISC */
/* SEARCH: what parses runs, on a stack as deep as it said. */
#include <stdlib.h>

#include "imap/find.h"
#include "imap/query.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum imap_truth
ask(void *arg, const struct imap_key_node *k)
{
	unsigned *n = arg;

	return (enum imap_truth)((*n)++ % 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct imap_args a = { str_mem(data, size), &arena };
	struct imap_query q;
	struct buf text;
	uint8_t *stack;
	unsigned n = 0;

	arena_init(&arena, 8 << 20);
	if (imap_query(&a, &q) == 0) {
		stack = malloc(q.deepest);
		if (stack == NULL || q.n == 0 || q.n > 2 * IMAP_QUERY_MAX)
			abort();
		(void)imap_query_run(&q, stack, ask, &n);
		free(stack);
	}
	buf_init(&text, 4 * size + 100);
	imap_header_text(&text, str_mem(data, size));
	buf_reset(&text);
	imap_fold(&text, str_mem(data, size));
	if (buf_failed(&text))
		abort();
	buf_free(&text);
	arena_free(&arena);
	return 0;
}
