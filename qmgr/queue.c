/* SPDX-License-Identifier: ISC */
/*
 * qmgr/queue.c - messages by id, their recipients by time.  No I/O.
 *
 * Cost per recipient does not grow with the queue but by the logarithm of
 * the heap.
 */
#include "qmgr/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/rand.h"

#include "base/banned.h"

void
queue_init(struct queue *q)
{
	memset(q, 0, sizeof(*q));
	dict_init(&q->by_mid);
	list_init(&q->messages);
	heap_init(&q->due);
}

static void
item_free(struct item *i)
{
	struct attempt *a;

	while ((a = i->last) != NULL) {
		i->last = a->older;
		free(a);
	}
	free(i->address);
	free(i->orcpt);
	free(i->reason);
	free(i);
}

static void
message_free(struct queue *q, struct message *m)
{
	(void)dict_del(&q->by_mid, str_of(m->mid));
	list_remove(&m->link);
	free(m->sender);
	free(m);
}

void
queue_remove(struct queue *q, struct item *i)
{
	struct message *m = i->message;

	heap_del(&q->due, &i->due);
	list_remove(&i->ready);	/* a bucket is left by lane_take, before */
	q->held -= i->is_held;
	q->items--;
	list_remove(&i->link);
	item_free(i);
	if (list_empty(&m->items))
		message_free(q, m);
}

/* The last queue_remove of a message frees the message too. */
static void
remove_message(struct queue *q, struct message *m)
{
	struct item *i;
	bool is_last;

	do {
		i = container_of(list_first(&m->items), struct item, link);
		is_last = i->link.next == &m->items;
		queue_remove(q, i);
	} while (!is_last);
}

void
queue_clear(struct queue *q)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &q->messages) {
		struct message *m = container_of(e, struct message, link);

		if (m->mid[0] != '\0')	/* not a job's marker (act.c) */
			remove_message(q, m);
	}
}

struct message *
queue_message(const struct queue *q, struct str mid)
{
	return dict_get(&q->by_mid, mid);
}

/* They stand in order: of a thousand recipients none is compared with all
 * others when it is told. */
static struct item *
item_of(const struct message *m, uint32_t number)
{
	struct link *e;

	if (list_empty(&m->items) || container_of(m->items.prev, struct item,
	    link)->number < number)
		return NULL;
	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->number == number)
			return i;
	}
	return NULL;
}

struct item *
queue_item(const struct queue *q, struct str mid, uint32_t number)
{
	struct message *m = queue_message(q, mid);

	return m != NULL ? item_of(m, number) : NULL;
}

static struct message *
message_of(struct queue *q, const struct note_queue_new *n)
{
	struct message *m = queue_message(q, n->mid);

	if (m != NULL)
		return m;
	m = xcalloc(1, sizeof(*m));
	memcpy(m->mid, n->mid.p, n->mid.n);
	m->sender = xmemdupz(n->sender.p, n->sender.n);
	m->flags = n->flags;
	m->size = n->size;
	m->received_ms = n->received_ms;
	m->dice = rand_u64();
	list_init(&m->items);
	list_push(&q->messages, &m->link);
	(void)dict_put(&q->by_mid, n->mid, m);
	return m;
}

struct item *
queue_add(struct queue *q, const struct note_queue_new *n)
{
	struct message *m = message_of(q, n);
	struct item *old = item_of(m, n->number);
	struct item *i = xcalloc(1, sizeof(*i));
	struct link *at;

	list_init(&i->ready);
	i->message = m;
	i->number = n->number;
	i->kind = n->kind;
	i->notify = n->notify;
	i->attempts = n->attempts;
	i->is_told = n->told != 0;
	i->address = xmemdupz(n->address.p, n->address.n);
	i->orcpt = xmemdupz(n->orcpt.p, n->orcpt.n);
	i->reason = xmemdupz(n->reason.p, n->reason.n);
	at = &m->items;
	while (at->prev != &m->items && container_of(at->prev, struct item,
	    link)->number > n->number)
		at = at->prev;
	list_push(at, &i->link);
	q->items++;
	if (old != NULL)
		queue_remove(q, old);
	return i;
}

static void
place(struct queue *q, struct item *i)
{
	int64_t at = i->is_ready ? i->expires_ms : i->next_ms;

	if (i->is_held || i->is_busy || i->has_failed) {
		heap_del(&q->due, &i->due);
		return;
	}
	if (i->notice_ms > 0 && i->notice_ms < at)
		at = i->notice_ms;
	if (at < i->message->whole_ms)
		at = i->message->whole_ms;
	heap_put(&q->due, &i->due, at);
}

void
queue_comes(struct queue *q, struct message *m, int64_t whole_ms)
{
	bool was_partial = m->whole_ms > 0;
	struct link *e;

	m->whole_ms = whole_ms;
	if (whole_ms > 0 || !was_partial)
		return;
	list_each(e, &m->items) {
		struct item *i = container_of(e, struct item, link);

		if (i->due.at > 0)
			place(q, i);
	}
}

void
queue_wait(struct queue *q, struct item *i, int64_t next_ms)
{
	i->next_ms = next_ms;
	i->is_ready = false;
	place(q, i);
}

void
queue_hold(struct queue *q, struct item *i, bool is_held)
{
	q->held += (size_t)is_held;
	q->held -= (size_t)i->is_held;
	i->is_held = is_held;
	place(q, i);
}

void
queue_ready(struct queue *q, struct item *i, bool is_ready)
{
	i->is_ready = is_ready;
	place(q, i);
}

void
queue_busy(struct queue *q, struct item *i, bool is_busy)
{
	i->is_busy = is_busy;
	place(q, i);
}

struct item *
queue_due(const struct queue *q, int64_t now_ms)
{
	struct heap_node *n = heap_min(&q->due);

	if (n == NULL || n->key > now_ms)
		return NULL;
	return container_of(n, struct item, due);
}

int64_t
queue_next_ms(const struct queue *q)
{
	struct heap_node *n = heap_min(&q->due);

	return n != NULL ? n->key : -1;
}

void
item_set_reason(struct item *i, struct str reason)
{
	free(i->reason);
	i->reason = xmemdupz(reason.p, reason.n);
}

static char *
put_z(char **to, const char *text)
{
	char *at = *to;
	size_t n = strlen(text) + 1;

	memcpy(at, text, n);
	*to += n;
	return at;
}

static void
forget_oldest(struct item *i)
{
	struct attempt **a = &i->last;

	for (int n = 0; n < ATTEMPTS; n++) {
		if (*a == NULL)
			return;
		a = &(*a)->older;
	}
	free(*a);
	*a = NULL;
}

void
item_attempt(struct item *i, const struct attempt *a)
{
	size_t n = strlen(a->host) + strlen(a->address) + strlen(a->tls) +
	    strlen(a->reply) + 4;
	struct attempt *own = xmalloc(sizeof(*own) + n);
	char *text = (char *)(own + 1);

	*own = *a;
	own->host = put_z(&text, a->host);
	own->address = put_z(&text, a->address);
	own->tls = put_z(&text, a->tls);
	own->reply = put_z(&text, a->reply);
	own->older = i->last;
	i->last = own;
	forget_oldest(i);
}

struct str
item_domain(const struct item *i)
{
	struct str s = str_of(i->address);
	size_t at = str_rchr(s, '@');

	return at < s.n ? str_from(s, at + 1) : s;
}

bool
item_waits(const struct item *i)
{
	return !i->is_held && !i->is_busy && !i->is_ready && !i->has_failed;
}

bool
item_matches(const struct item *i, struct str mid, struct str address)
{
	if (!str_eq(str_sub(str_of(i->message->mid), 0, mid.n), mid))
		return false;
	if (address.n > 0 && str_chr(address, '@') == address.n &&
	    str_ieq(address, item_domain(i)))
		return true;
	return address.n == 0 || str_ieq(address, str_of(i->address)) ||
	    str_ieq(address, str_of(i->message->sender));
}
