/* SPDX-License-Identifier: ISC */
/*
 * A table of providers, an empty line, and a reply that is judged by it; the
 * first line of the reply is also taken for the name of a host.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "mail/provider.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
judge(const struct providers *p, struct str reply)
{
	const struct provider_rule *rule;
	struct str rest = reply, host;
	uint64_t code = 0;

	if (!str_line(&rest, &host))
		host = STR("");
	(void)str_u64(str_sub(reply, 0, 3), 999, &code);
	(void)provider_verdict(p, provider_of_mx(p, host), (unsigned)code,
	    reply, &rule);
	host = provider_org(host);
	if (host.n > reply.n)
		abort();
	for (const struct provider *i = p->first; i != NULL; i = i->next)
		if (provider_verdict(p, i, (unsigned)code, reply, &rule) >=
		    VERDICTS || provider_named(p, i->name) != i)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_mem(data, size);
	size_t at = str_find(all, STR("\n\n"));
	struct providers p;
	struct arena a;
	struct why why;
	int r;

	arena_init(&a, 1024 * 1024);
	r = providers_parse(&p, str_sub(all, 0, at), &a, &why);
	if (r == 0)
		judge(&p, str_from(all, at + 2));
	else if (r != why.code)
		abort();
	arena_free(&a);
	return 0;
}
