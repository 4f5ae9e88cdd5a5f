/* SPDX-License-Identifier: ISC */
/*
 * base/list.c - intrusive doubly linked ring.
 */
#include "base/list.h"

#include "base/fail.h"

#include "base/banned.h"

void
list_init(struct link *head)
{
	head->prev = head->next = head;
}

bool
list_empty(const struct link *head)
{
	return head->next == head;
}

bool
list_linked(const struct link *e)
{
	return e->next != NULL && e->next != e;
}

/* An element in two lists would tie the lists together: our bug. */
static void
put_between(struct link *prev, struct link *e, struct link *next)
{
	if (list_linked(e))
		bug("list element is in a list already");
	e->prev = prev;
	e->next = next;
	prev->next = e;
	next->prev = e;
}

void
list_push(struct link *head, struct link *e)
{
	put_between(head->prev, e, head);
}

void
list_unshift(struct link *head, struct link *e)
{
	put_between(head, e, head->next);
}

void
list_remove(struct link *e)
{
	if (!list_linked(e))
		return;
	e->prev->next = e->next;
	e->next->prev = e->prev;
	list_init(e);
}

struct link *
list_first(const struct link *head)
{
	return list_empty(head) ? NULL : head->next;
}

struct link *
list_pop(struct link *head)
{
	struct link *e = list_first(head);

	if (e != NULL)
		list_remove(e);
	return e;
}
