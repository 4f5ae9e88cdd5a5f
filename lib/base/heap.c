/* SPDX-License-Identifier: ISC */
/*
 * base/heap.c - binary min-heap of intrusive nodes.
 */
#include "base/heap.h"

#include <stdlib.h>

#include "base/fail.h"
#include "base/num.h"

#include "base/banned.h"

void
heap_init(struct heap *h)
{
	*h = (struct heap){ .v = NULL };
}

/* The nodes live on and know that they are in no heap. */
void
heap_free(struct heap *h)
{
	for (size_t i = 0; i < h->len; i++)
		h->v[i]->at = 0;
	free(h->v);
	heap_init(h);
}

static void
set(struct heap *h, size_t i, struct heap_node *n)
{
	h->v[i] = n;
	n->at = i + 1;
}

static void
sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	for (; i > 0 && h->v[(i - 1) / 2]->key > n->key; i = (i - 1) / 2)
		set(h, i, h->v[(i - 1) / 2]);
	set(h, i, n);
}

static void
sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	size_t child;

	while ((child = 2 * i + 1) < h->len) {
		if (child + 1 < h->len &&
		    h->v[child + 1]->key < h->v[child]->key)
			child++;
		if (n->key <= h->v[child]->key)
			break;
		set(h, i, h->v[child]);
		i = child;
	}
	set(h, i, n);
}

/* n stands nowhere yet; slot i is free.  Find it the right place from i. */
static void
settle(struct heap *h, size_t i, struct heap_node *n)
{
	if (i > 0 && h->v[(i - 1) / 2]->key > n->key)
		sift_up(h, i, n);
	else
		sift_down(h, i, n);
}

void
heap_put(struct heap *h, struct heap_node *n, int64_t key)
{
	n->key = key;
	if (n->at != 0) {
		settle(h, n->at - 1, n);
		return;
	}
	if (h->len == h->cap) {
		size_t cap = h->cap == 0 ? 16 : h->cap * 2, bytes;

		if (!num_mul_size(cap, sizeof(*h->v), &bytes))
			bug("heap of %zu nodes", cap);
		h->v = xrealloc(h->v, bytes);
		h->cap = cap;
	}
	h->len++;
	sift_up(h, h->len - 1, n);
}

void
heap_del(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;
	size_t i;

	if (n->at == 0)
		return;
	i = n->at - 1;
	n->at = 0;
	last = h->v[--h->len];
	if (last != n)
		settle(h, i, last);
}

struct heap_node *
heap_min(const struct heap *h)
{
	return h->len == 0 ? NULL : h->v[0];
}
