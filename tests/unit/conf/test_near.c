/* SPDX-License-Identifier: ISC */
#include "conf/near.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char	*a, *b;
	size_t		 d;
} pairs[] = {
	{ "", "", 0 }, { "a", "", 1 }, { "", "abc", 3 },
	{ "listen", "listen", 0 }, { "Listen", "listen", 0 },
	{ "lisen", "listen", 1 }, { "listten", "listen", 1 },
	{ "lixten", "listen", 1 }, { "lsiten", "listen", 1 },
	{ "kitten", "sitting", 3 }, { "ca", "abc", 3 },
};

static void
distance(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(pairs); i++) {
		assert_int_equal(near_distance(str_of(pairs[i].a),
		    str_of(pairs[i].b)), pairs[i].d);
		assert_int_equal(near_distance(str_of(pairs[i].b),
		    str_of(pairs[i].a)), pairs[i].d);
	}
	(void)state;
}

static void
best(void **state)
{
	struct near n;

	near_begin(&n, STR("hostnmae"));
	near_try(&n, STR("domain"));
	assert_null(n.best.p);
	near_try(&n, STR("hostname"));
	near_try(&n, STR("postname"));
	assert_true(str_same(n.best, "hostname"));
	/* Two letters wrong of three are another word. */
	near_begin(&n, STR("xyz"));
	near_try(&n, STR("xab"));
	assert_null(n.best.p);
	(void)state;
}

static void
long_words(void **state)
{
	static const uint8_t a[65];

	assert_int_equal(near_distance(str_mem(a, 65), STR("a")), SIZE_MAX);
	assert_int_equal(near_distance(str_mem(a, 64), str_mem(a, 64)), 0);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance),
		cmocka_unit_test(best),
		cmocka_unit_test(long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
