/* SPDX-License-Identifier: ISC */
/* Any bytes as an alias file: each value given reads back as targets. */
#include <stdlib.h>

#include "table/alias.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TARGETS	64

static void
on_entry(void *arg, uint32_t line, struct str name, struct str value)
{
	struct str target[TARGETS];
	struct why why;
	size_t n = 0;
	int rc;

	(void)line;
	if (name.n == 0 || (value.n > 0 && value.p == NULL))
		return;
	rc = alias_targets(value, arg, target, TARGETS, &n, &why);
	if (rc != 0 && rc != FAIL_TOO_BIG)
		abort();
	if (rc == 0 && n == 0)
		abort();
}

static void
on_error(void *arg, uint32_t line, const char *text)
{
	(void)arg;
	if (line == 0 || text[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a, values;
	struct alias_sink sink = { .entry = on_entry, .error = on_error,
	    .arg = &values };
	struct str target[TARGETS];
	struct why why;
	size_t n;

	arena_init(&a, 1 << 24);
	arena_init(&values, 1 << 24);
	(void)!alias_parse(str_mem(data, size), &sink, &a);
	(void)!alias_targets(str_mem(data, size), &a, target, TARGETS, &n,
	    &why);
	arena_free(&a);
	arena_free(&values);
	return 0;
}
