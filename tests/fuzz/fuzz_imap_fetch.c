/* SPDX-License-Identifier: ISC */
/*
 * FETCH items and flag lists: within limits, and the label of a section
 * parses as the section it names.
 */
#include <stdlib.h>

#include "imap/flag.h"
#include "imap/items.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_item(struct arena *arena, const struct imap_item *it)
{
	struct imap_args a = { it->label, arena };
	struct imap_items again;
	size_t cut = str_rchr(it->label, '<');

	if (it->depth > IMAP_DEPTH_MAX || it->fields > IMAP_FIELDS_MAX ||
	    it->label.n == 0)
		abort();
	if (it->kind != IMAP_SECTION || !str_starts(it->label, "BODY["))
		return;
	if (it->is_partial)
		a.rest = str_sub(it->label, 0, cut);
	if (imap_items(&a, &again) != 0 || again.n != 1 ||
	    again.v[0].depth != it->depth || again.v[0].text != it->text ||
	    again.v[0].fields != it->fields)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct imap_args a = { str_mem(data, size), &arena };
	struct imap_items items;
	struct imap_flags flags;
	size_t i;

	arena_init(&arena, 32 << 20);
	if (imap_items(&a, &items) == 0) {
		if (items.n == 0 || items.n > IMAP_ITEMS_MAX)
			abort();
		for (i = 0; i < items.n; i++)
			check_item(&arena, &items.v[i]);
	}
	a.rest = str_mem(data, size);
	if (imap_flag_list(&a, true, &flags) == 0 && flags.keywords.n >
	    IMAP_KEYWORDS_MAX * (IMAP_KEYWORD_MAX + 1))
		abort();
	arena_free(&arena);
	return 0;
}
