/* SPDX-License-Identifier: ISC */
/*
 * base/arena.c - memory by lifetime.
 *
 * A chain of zeroed chunks, the newest first.  A request that does not fit
 * the newest chunk starts another of twice its size; what is left in the old
 * one is given up.  used counts what was asked for, so that the cap means
 * the same however the chunks fall.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"

#include "base/banned.h"

#define ALIGN		((size_t)16)
#define FIRST_CHUNK	((size_t)1024)
#define LAST_CHUNK	((size_t)65536)	/* larger ones only on request */
#define KEPT_CHUNK	((size_t)2048)	/* an idle session costs no more */

struct arena_chunk {
	struct arena_chunk	*older;
	size_t			size, used;
	_Alignas(16) uint8_t	bytes[];
};

void
arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap };
}

static void
free_chunks(struct arena_chunk *c)
{
	struct arena_chunk *older;

	for (; c != NULL; c = older) {
		older = c->older;
		free(c);
	}
}

void
arena_free(struct arena *a)
{
	free_chunks(a->chunk);
	arena_init(a, a->cap);
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *keep = a->chunk;

	a->used = 0;
	if (keep == NULL)
		return;
	free_chunks(keep->older);
	keep->older = NULL;
	if (keep->size > KEPT_CHUNK) {
		free(keep);
		a->chunk = NULL;
		return;
	}
	memset(keep->bytes, 0, keep->used);
	keep->used = 0;
}

static void
add_chunk(struct arena *a, size_t need)
{
	size_t size = a->chunk == NULL ? FIRST_CHUNK : a->chunk->size * 2;
	struct arena_chunk *c;

	if (size > LAST_CHUNK)
		size = LAST_CHUNK;
	if (size < need)
		size = need;
	c = xcalloc(1, sizeof(*c) + size);
	c->size = size;
	c->older = a->chunk;
	a->chunk = c;
}

void *
arena_get(struct arena *a, size_t n)
{
	struct arena_chunk *c;
	size_t need;
	void *p;

	/* an empty piece needs room too: else they would have no end */
	if ((n == 0 ? 1 : n) > a->cap - a->used || n > SIZE_MAX / 2)
		return NULL;
	need = n == 0 ? ALIGN : (n + ALIGN - 1) & ~(ALIGN - 1);
	if (a->chunk == NULL || need > a->chunk->size - a->chunk->used)
		add_chunk(a, need);
	c = a->chunk;
	p = c->bytes + c->used;
	c->used += need;
	a->used = need > a->cap - a->used ? a->cap : a->used + need;
	return p;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	return num_mul_size(n, size, &bytes) ? arena_get(a, bytes) : NULL;
}

struct str
arena_str(struct arena *a, struct str s)
{
	uint8_t *p = arena_get(a, s.n);

	if (p == NULL)
		return str_mem(NULL, 0);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return str_mem(p, s.n);
}

struct str
arena_lower(struct arena *a, struct str s)
{
	uint8_t *p = arena_get(a, s.n);

	if (p == NULL)
		return str_mem(NULL, 0);
	for (size_t i = 0; i < s.n; i++)
		p[i] = (uint8_t)ascii_lower(s.p[i]);
	return str_mem(p, s.n);
}

const char *
str_z(struct arena *a, struct str s)
{
	char *z;

	if (s.n == SIZE_MAX || str_has_nul(s) ||
	    (z = arena_get(a, s.n + 1)) == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

struct str
arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		bug("bad format \"%s\"", fmt);
	if ((p = arena_get(a, (size_t)n + 1)) == NULL)
		return str_mem(NULL, 0);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return str_mem(p, (size_t)n);
}
