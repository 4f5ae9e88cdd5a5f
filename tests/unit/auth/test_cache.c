/* SPDX-License-Identifier: ISC */
#include "auth/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define A	STR("joe@example.org")
#define H	STR("$y$hash")
#define S	STR("secret")

static void
knows(void **state)
{
	struct cache *c = cache_new();

	assert_false(cache_knows(c, A, H, S, 0));
	cache_add(c, A, H, S, 0, 1000);
	assert_true(cache_knows(c, A, H, S, 999));
	assert_false(cache_knows(c, A, H, S, 1000));
	assert_false(cache_knows(c, A, H, STR("Secret"), 0));
	assert_false(cache_knows(c, A, H, STR(""), 0));
	/* A changed password is another hash. */
	assert_false(cache_knows(c, A, STR("$y$new"), S, 0));
	assert_false(cache_knows(c, STR("ann@example.org"), H, S, 0));
	/* Where one word ends counts. */
	assert_false(cache_knows(c, A, STR("$y$has"), STR("hsecret"), 0));
	cache_add(c, STR("ann@example.org"), H, S, 0, 0);
	assert_false(cache_knows(c, STR("ann@example.org"), H, S, 0));
	cache_free(c);
	cache_free(NULL);
	(void)state;
}

/* Full: some are forgotten, none is mistaken. */
static void
many(void **state)
{
	struct cache *c = cache_new();
	char name[40];
	int i, n, known = 0;

	for (i = 0; i < 50000; i++) {
		n = snprintf(name, sizeof(name), "u%d", i);
		cache_add(c, str_mem(name, (size_t)n), H, S, i, 100000);
	}
	for (i = 0; i < 50000; i++) {
		n = snprintf(name, sizeof(name), "u%d", i);
		known += cache_knows(c, str_mem(name, (size_t)n), H, S, 50000);
		assert_false(cache_knows(c, str_mem(name, (size_t)n), H,
		    STR("x"), 50000));
	}
	assert_true(known > 20000 && known <= 32768);
	cache_free(c);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
