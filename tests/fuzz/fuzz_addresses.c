/* SPDX-License-Identifier: ISC */
/*
 * Addresses: whatever a path parser takes, its canonical text must parse to
 * the same again, and hold no octet that could end a line or a path.
 */
#include <stdlib.h>

#include "mail/addr.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_path(const struct addr_path *p, struct arena *a)
{
	struct addr_path again;

	if (p->is_null)
		return;
	if (!str_is_print(p->text) || p->local.n > ADDR_LOCAL_MAX ||
	    p->domain.n > ADDR_DOMAIN_MAX)
		abort();
	if (addr_parse(p->text, true, a, &again) != ADDR_FINE ||
	    !str_eq(again.local, p->local) ||
	    !str_eq(again.domain, p->domain) ||
	    !str_eq(again.text, p->text))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = str_mem(data, n), rest = s;
	struct addr_list list;
	struct addr_item item;
	struct addr_path p;
	struct arena a;
	size_t items = 0;

	arena_init(&a, 1 << 20);
	if (addr_path_parse(&rest, true, &a, &p) == ADDR_FINE)
		check_path(&p, &a);
	if (addr_parse(s, true, &a, &p) == ADDR_FINE)
		check_path(&p, &a);
	addr_list_init(&list, s);
	while (addr_list_next(&list, &item))
		items++;
	if (items > n + 1)
		abort();
	addr_list_free(&list);
	arena_free(&a);
	return 0;
}
