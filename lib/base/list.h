/* SPDX-License-Identifier: ISC */
/*
 * base/list.h - intrusive doubly linked ring.  The list head is a struct
 * link too; an element holds a struct link and is found by container_of.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/attr.h"

struct link {
	struct link	*prev, *next;
};

void	list_init(struct link *head);	/* also makes an element "in no list" */
bool	list_empty(const struct link *head);
bool	list_linked(const struct link *e);
void	list_push(struct link *head, struct link *e);	/* at the end */
void	list_unshift(struct link *head, struct link *e);	/* at the front */
void	list_remove(struct link *e);	/* harmless when in no list */
struct link *list_first(const struct link *head);	/* NULL when empty */
struct link *list_pop(struct link *head);	/* first, removed; NULL when empty */

#define list_each(e, head) \
	for ((e) = (head)->next; (e) != (head); (e) = (e)->next)
#define list_each_safe(e, tmp, head) \
	for ((e) = (head)->next; (tmp) = (e)->next, (e) != (head); (e) = (tmp))

#endif
