/* SPDX-License-Identifier: ISC */
/*
 * store/set.c - sets of UIDs as faces send them: "1:4,7".  No '*': a face
 * knows its mailbox and says numbers.
 */
#include "store/stored.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static int
by_first(const void *a, const void *b)
{
	const struct log_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void
merge(struct uid_set *s)
{
	size_t i, k = 0;

	qsort(s->v, s->n, sizeof(*s->v), by_first);
	for (i = 1; i < s->n; i++)
		if (s->v[i].first <= s->v[k].last ||
		    s->v[i].first == s->v[k].last + 1) {
			if (s->v[i].last > s->v[k].last)
				s->v[k].last = s->v[i].last;
		} else {
			s->v[++k] = s->v[i];
		}
	if (s->n > 0)
		s->n = k + 1;
}

static bool
take_range(struct str part, struct log_range *out)
{
	struct str first = str_until(&part, ':');
	uint32_t swap;

	if (!str_u32(first, &out->first) || out->first == 0)
		return false;
	out->last = out->first;
	if (part.n > 0 && (!str_u32(part, &out->last) || out->last == 0))
		return false;
	if (out->last < out->first) {
		swap = out->first;
		out->first = out->last;
		out->last = swap;
	}
	return true;
}

int
uid_set_parse(struct str text, struct uid_set *out)
{
	size_t most = 1, i;
	struct str part;

	for (i = 0; i < text.n; i++)
		most += text.p[i] == ',';
	out->v = xcalloc(most, sizeof(*out->v));
	out->n = 0;
	while (text.n > 0) {
		part = str_until(&text, ',');
		if (out->n >= most || !take_range(part, &out->v[out->n++])) {
			uid_set_free(out);
			return FAIL_SYNTAX;
		}
	}
	merge(out);
	return 0;
}

void
uid_set_free(struct uid_set *s)
{
	free(s->v);
	s->v = NULL;
	s->n = 0;
}

size_t
uid_set_put(struct buf *out, const struct box_set *s, size_t from)
{
	size_t i;

	for (i = from; i < s->n; i++) {
		/* two numbers of ten digits, colon, comma */
		if (buf_str(out).n + 22 > out->max)
			break;
		if (buf_str(out).n > 0)
			buf_c(out, ',');
		buf_fmt(out, s->v[i].first == s->v[i].last ? "%" PRIu32 :
		    "%" PRIu32 ":%" PRIu32, s->v[i].first, s->v[i].last);
	}
	return i;
}
