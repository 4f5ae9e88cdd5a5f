/* SPDX-License-Identifier: ISC */
/*
 * imap/set.c - message sets (RFC 3501 9, sequence-set).
 */
#include "imap/set.h"

#include <stdlib.h>

#include "base/banned.h"

static bool
seq_number(struct imap_args *a, uint32_t *out)
{
	*out = 0;
	if (imap_char(a, '*'))
		return true;
	return imap_number(a, out) && *out != 0;
}

static size_t
count_ranges(struct str s)
{
	size_t n = 1, i;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == ',';
	return n;
}

/* The text that can belong to a set: digits, ':', ',', '*'. */
static struct str
set_text(struct imap_args *a)
{
	size_t n = 0;
	struct str s;

	while (n < a->rest.n && ((a->rest.p[n] >= '0' &&
	    a->rest.p[n] <= ':') || a->rest.p[n] == ',' ||
	    a->rest.p[n] == '*'))
		n++;
	s = str_sub(a->rest, 0, n);
	a->rest = str_from(a->rest, n);
	return s;
}

bool
imap_set_parse(struct str text, struct arena *arena, struct imap_set *out)
{
	struct imap_args a = { text, arena };
	size_t max = count_ranges(text), n = 0;
	struct imap_range *v = arena_array(arena, max, sizeof(*v));

	if (v == NULL)
		return false;
	do {
		if (!seq_number(&a, &v[n].first))
			return false;
		v[n].last = v[n].first;
		if (imap_char(&a, ':') && !seq_number(&a, &v[n].last))
			return false;
		n++;
	} while (imap_char(&a, ','));
	if (a.rest.n != 0)
		return false;
	*out = (struct imap_set){ v, n };
	return true;
}

bool
imap_set(struct imap_args *a, struct imap_set *out)
{
	return imap_set_parse(set_text(a), a->arena, out);
}

uint32_t
imap_set_highest(const struct imap_set *s)
{
	uint32_t max = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].first == 0 || s->v[i].last == 0)
			continue;
		if (s->v[i].first > max)
			max = s->v[i].first;
		if (s->v[i].last > max)
			max = s->v[i].last;
	}
	return max;
}

static int
by_first(const void *a, const void *b)
{
	const struct imap_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void
imap_set_resolve(struct imap_set *s, uint32_t star)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		struct imap_range r = s->v[i];

		if ((r.first == 0 || r.last == 0) && star == 0)
			continue;
		if (r.first == 0)
			r.first = star;
		if (r.last == 0)
			r.last = star;
		if (r.first > r.last)
			r = (struct imap_range){ r.last, r.first };
		s->v[n++] = r;
	}
	s->n = n;
	if (n == 0)
		return;
	qsort(s->v, n, sizeof(s->v[0]), by_first);
	for (i = 1, n = 0; i < s->n; i++) {
		struct imap_range *last = &s->v[n];

		if (last->last != UINT32_MAX &&
		    s->v[i].first > last->last + 1)
			s->v[++n] = s->v[i];
		else if (s->v[i].last > last->last)
			last->last = s->v[i].last;
	}
	s->n = n + 1;
}

size_t
imap_set_from(const struct imap_set *s, uint32_t number)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].last < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
imap_set_has(const struct imap_set *s, uint32_t number)
{
	size_t i = imap_set_from(s, number);

	return i < s->n && s->v[i].first <= number;
}

void
imap_set_begin(struct imap_set_out *o, struct buf *out)
{
	*o = (struct imap_set_out){ .out = out, .begin = out->len };
}

static void
close_run(struct imap_set_out *o)
{
	if (o->first == 0)
		return;
	if (o->out->len > o->begin)
		buf_c(o->out, ',');
	buf_fmt(o->out, "%u", o->first);
	if (o->last > o->first)
		buf_fmt(o->out, ":%u", o->last);
	o->first = 0;
}

void
imap_set_put(struct imap_set_out *o, uint32_t number)
{
	if (o->first != 0 && number == o->last + 1 && number != 0) {
		o->last = number;
		return;
	}
	close_run(o);
	o->first = o->last = number;
}

void
imap_set_end(struct imap_set_out *o)
{
	close_run(o);
}
