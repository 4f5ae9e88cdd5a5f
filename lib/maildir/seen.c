/* SPDX-License-Identifier: ISC */
/*
 * maildir/seen.c - the files that a scan saw.
 *
 * Open addressing, three quarters full at most; nothing is ever taken out.
 */
#include "maildir/seen.h"

#include <stdlib.h>

#include "base/fail.h"

#include "base/banned.h"

#define CAP_FIRST	256

struct seen_file *
seen_find(const struct seen *s, uint64_t hash)
{
	size_t i;

	if (s->cap == 0)
		return NULL;
	for (i = hash & (s->cap - 1); s->file[i].state & SEEN_USED;
	    i = (i + 1) & (s->cap - 1))
		if (s->file[i].hash == hash)
			return &s->file[i];
	return NULL;
}

static void
place(struct seen_file *file, size_t cap, const struct seen_file *x)
{
	size_t i;

	for (i = x->hash & (cap - 1); file[i].state & SEEN_USED;
	    i = (i + 1) & (cap - 1))
		;
	file[i] = *x;
	file[i].state |= SEEN_USED;
}

static void
grow(struct seen *s)
{
	size_t cap = s->cap == 0 ? CAP_FIRST : s->cap * 2, i;
	struct seen_file *file = xcalloc(cap, sizeof(*file));

	for (i = 0; i < s->cap; i++)
		if (s->file[i].state & SEEN_USED)
			place(file, cap, &s->file[i]);
	free(s->file);
	s->file = file;
	s->cap = cap;
}

void
seen_put(struct seen *s, const struct seen_file *x)
{
	struct seen_file *there = seen_find(s, x->hash);

	if (there != NULL) {
		*there = *x;
		there->state |= SEEN_USED;
		return;
	}
	if (s->len >= s->cap / 4 * 3)
		grow(s);
	place(s->file, s->cap, x);
	s->len++;
}

void
seen_match(struct seen *s, struct seen_file *x)
{
	if (!(x->state & SEEN_MATCHED))
		s->matched++;
	x->state |= SEEN_MATCHED;
}

bool
seen_all_well(const struct seen *s)
{
	size_t i;

	if (s->matched < s->len)
		return false;
	for (i = 0; i < s->cap; i++)
		if (s->file[i].state & SEEN_ODD_NAME)
			return false;
	return true;
}

void
seen_free(struct seen *s)
{
	free(s->file);
	*s = (struct seen){ .file = NULL };
}
