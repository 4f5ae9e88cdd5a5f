/* SPDX-License-Identifier: ISC */
/*
 * delivery/mx.c - the order of mail exchangers.
 *
 * RFC 5321 5.1 (order, equals, ourselves), RFC 7505 (null MX).
 */
#include "delivery/mx.h"

#include <stdlib.h>

#include "base/rand.h"

#include "base/banned.h"

static bool
make_room(struct mx_list *l, struct arena *a)
{
	size_t cap = l->cap > 0 ? l->cap * 2 : 8;
	struct mx *v;

	if (l->n < l->cap)
		return true;
	if (l->n >= MX_MAX)
		return false;
	v = arena_array(a, cap, sizeof(*v));
	if (v == NULL)
		return false;
	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	l->v = v;
	l->cap = cap;
	return true;
}

static struct str
without_dot(struct str name)
{
	return name.n > 0 && name.p[name.n - 1] == '.' ?
	    str_sub(name, 0, name.n - 1) : name;
}

void
mx_add(struct mx_list *l, struct str host, uint32_t preference,
    struct arena *a)
{
	struct str kept;

	if (host.n > MX_HOST_MAX || !make_room(l, a))
		return;
	kept = arena_str(a, without_dot(host));
	if (kept.p != NULL || host.n <= 1)
		l->v[l->n++] = (struct mx){ kept, preference };
}

static int
by_preference(const void *a, const void *b)
{
	const struct mx *x = a, *y = b;

	return (x->preference > y->preference) - (x->preference < y->preference);
}

static void
shuffle(struct mx *v, size_t n)
{
	for (; n > 1; n--) {
		size_t i = (size_t)rand_below(n);
		struct mx t = v[i];

		v[i] = v[n - 1];
		v[n - 1] = t;
	}
}

static void
shuffle_equals(struct mx_list *l)
{
	for (size_t from = 0, to; from < l->n; from = to) {
		for (to = from; to < l->n &&
		    l->v[to].preference == l->v[from].preference; to++)
			;
		shuffle(l->v + from, to - from);
	}
}

static bool
is_us(struct str host, const struct str *us, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (us[i].n > 0 && str_ieq(host, us[i]))
			return true;
	return false;
}

/* A "." among others means nothing: dropped. */
static void
drop_roots(struct mx_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].host.n > 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

enum mx_fault
mx_order(struct mx_list *l, const struct str *us, size_t n)
{
	bool had_any = l->n > 0;

	drop_roots(l);
	if (l->n == 0)
		return had_any ? MX_NULL : MX_FINE;
	qsort(l->v, l->n, sizeof(*l->v), by_preference);
	for (size_t i = 0; i < l->n; i++)
		if (is_us(l->v[i].host, us, n)) {
			uint32_t ours = l->v[i].preference;

			l->n = i;
			while (l->n > 0 && l->v[l->n - 1].preference == ours)
				l->n--;
			if (l->n == 0)
				return MX_LOOP;
		}
	shuffle_equals(l);
	return MX_FINE;
}
