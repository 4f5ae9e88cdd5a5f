/* SPDX-License-Identifier: ISC */
/*
 * base/heap.h - binary min-heap of intrusive nodes, ordered by an int64_t.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t	key;
	size_t	at;	/* index + 1 in the heap; 0: in none */
};

struct heap {
	struct heap_node	**v;
	size_t			len, cap;
};

void	heap_init(struct heap *h);
void	heap_free(struct heap *h);
void	heap_put(struct heap *h, struct heap_node *n, int64_t key); /* moves if in it */
void	heap_del(struct heap *h, struct heap_node *n);	/* harmless if not in it */
struct heap_node *heap_min(const struct heap *h);	/* NULL when empty */

#endif
