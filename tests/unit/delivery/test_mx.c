/* SPDX-License-Identifier: ISC */
/*
 * The order of mail exchangers: preferences, equals, ourselves, null.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "delivery/mx.h"

#include "base/buf.h"
#include "base/rand.h"
#include "base/banned.h"

/* "10 host, 20 other" into a list. */
static void
fill(struct mx_list *l, const char *text, struct arena *a)
{
	struct str rest = str_of(text);

	while (rest.n > 0) {
		struct str one = str_trim(str_until(&rest, ',')), word;
		uint32_t preference;

		word = str_word(&one);
		assert_true(str_u32(word, &preference));
		mx_add(l, str_trim(one), preference, a);
	}
}

static const struct {
	const char	*in, *out;
	enum mx_fault	fault;
} cases[] = {
	{ "20 b.example, 10 a.example", "a.example b.example ", MX_FINE },
	{ "10 a.example.", "a.example ", MX_FINE },
	{ "", "", MX_FINE },
	{ "0 .", "", MX_NULL },
	{ "0 ., 5 .", "", MX_NULL },
	{ "0 ., 10 a.example", "a.example ", MX_FINE },
	{ "10 us.example", "", MX_LOOP },
	{ "10 US.EXAMPLE., 10 a.example, 20 b.example", "", MX_LOOP },
	{ "10 a.example, 20 us.example, 20 b.example, 30 c.example",
	  "a.example ", MX_FINE },
	{ "10 a.example, 20 alias.example", "a.example ", MX_FINE },
	{ "4294967295 a.example, 0 b.example", "b.example a.example ",
	  MX_FINE },
};

static void
test_order(void **state)
{
	struct str us[] = { STR("us.example"), STR(""), STR("alias.example") };

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct mx_list l = { .n = 0 };
		struct arena a;
		struct buf got;

		arena_init(&a, 1 << 20);
		buf_init(&got, 1000);
		fill(&l, cases[i].in, &a);
		assert_int_equal(mx_order(&l, us, NITEMS(us)), cases[i].fault);
		for (size_t k = 0; k < l.n; k++)
			buf_fmt(&got, "%.*s ", STR_ARG(l.v[k].host));
		assert_string_equal(buf_cstr(&got), cases[i].out);
		buf_free(&got);
		arena_free(&a);
	}
}

/* Each of the equals comes first at times, and stays between its neighbours. */
static void
test_shuffle(void **state)
{
	unsigned first[3] = { 0 };

	(void)state;
	rand_seed(1);
	for (int i = 0; i < 300; i++) {
		struct mx_list l = { .n = 0 };
		struct arena a;

		arena_init(&a, 1 << 20);
		fill(&l, "5 x, 10 0, 10 1, 10 2, 20 y", &a);
		assert_int_equal(mx_order(&l, NULL, 0), MX_FINE);
		assert_true(str_same(l.v[0].host, "x"));
		assert_true(str_same(l.v[4].host, "y"));
		first[l.v[1].host.p[0] - '0']++;
		arena_free(&a);
	}
	for (size_t i = 0; i < 3; i++)
		assert_in_range(first[i], 50, 150);
}

/* As many as an answer can hold, and then no more. */
static void
test_many(void **state)
{
	static const char long_name[MX_HOST_MAX + 1] = { 'x' };
	struct mx_list l = { .n = 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 24);
	for (uint32_t i = 0; i < MX_MAX + 100; i++) {
		mx_add(&l, STR("mx.example"), i, &a);
		mx_add(&l, str_mem(long_name, sizeof(long_name)), i, &a);
	}
	assert_int_equal(l.n, MX_MAX);
	assert_int_equal(mx_order(&l, NULL, 0), MX_FINE);
	arena_free(&a);
	l = (struct mx_list){ .n = 0 };
	arena_init(&a, 1000);		/* too little memory: fewer hosts */
	for (uint32_t i = 0; i < 1000; i++)
		mx_add(&l, STR("mx.example"), i, &a);
	assert_in_range(l.n, 1, 100);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_shuffle),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
