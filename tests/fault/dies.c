/* SPDX-License-Identifier: ISC */
/*
 * tests/fault/dies.c - linked into a stored, it makes it die of every message
 * in which this word stands.  What it puts itself before is ingest_feed, so
 * stored itself has no line for it.
 */
#include "maildir/ingest.h"

#include <stdlib.h>

#include "base/banned.h"

#define WORD	"deadly-to-stored"

/* names that the linker makes of --wrap=ingest_feed */
void	__real_ingest_feed(struct ingest *i, struct str chunk);
void	__wrap_ingest_feed(struct ingest *i, struct str chunk);

void
__wrap_ingest_feed(struct ingest *i, struct str chunk)
{
	if (str_find(chunk, STR(WORD)) < chunk.n)
		abort();
	__real_ingest_feed(i, chunk);
}
