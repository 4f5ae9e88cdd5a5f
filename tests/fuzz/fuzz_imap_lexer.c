/* SPDX-License-Identifier: ISC */
/*
 * Commands cut out of bytes that come in one piece and byte by byte: both
 * must cut alike, and every word lies inside its command.
 */
#include <stdlib.h>

#include "imap/lex.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX	4096
#define LITERAL_MAX	512

/* Cuts one command; size_t -1: none. */
static size_t
cut(struct str in, size_t step)
{
	struct imap_cutter c;
	size_t n = step < in.n ? step : in.n;

	imap_cut_reset(&c);
	for (;;) {
		switch (imap_cut(&c, str_sub(in, 0, n), TEXT_MAX)) {
		case IMAP_COMMAND:
			if (c.at > n)
				abort();
			return c.at;
		case IMAP_LITERAL:
			if (c.header >= c.at || in.p[c.header] != '{')
				abort();
			if (c.literal > LITERAL_MAX)
				return (size_t)-1;
			imap_cut_take(&c);
			break;
		case IMAP_LONG:
			return (size_t)-1;
		case IMAP_MORE:
			if (n == in.n)
				return (size_t)-1;
			n = n + step < in.n ? n + step : in.n;
			break;
		}
	}
}

static void
inside(struct str command, struct str word, struct arena *arena)
{
	if (word.n == 0 || arena->used > 0)
		return;
	if (word.p < command.p || word.p + word.n > command.p + command.n)
		abort();
}

static void
words(struct str command)
{
	struct imap_args a;
	struct arena arena;
	struct str word;
	bool nil;

	arena_init(&arena, 1 << 20);
	imap_args_init(&a, command, &arena);
	if (imap_tag(&a, &word))
		inside(command, word, &arena);
	while (imap_sp(&a)) {
		struct imap_args other = a;

		(void)imap_nstring(&other, &word, &nil);
		other = a;
		(void)imap_list_mailbox(&other, &word);
		if (imap_astring(&a, &word))
			inside(command, word, &arena);
		else if (!imap_char(&a, '('))
			break;
	}
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_mem(data, size);
	size_t n;

	while ((n = cut(in, in.n)) != (size_t)-1) {
		if (cut(in, 1) != n)
			abort();
		words(str_sub(in, 0, n));
		in = str_from(in, n);
	}
	return 0;
}
