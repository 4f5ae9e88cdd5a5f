/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/heap.c: against a plain search for the least.
 */
#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rand.h"

#include "base/banned.h"

enum { NODES = 60, STEPS = 100000 };

static const struct heap_node *
least_of(const struct heap_node *v)
{
	const struct heap_node *least = NULL;

	for (size_t i = 0; i < NODES; i++)
		if (v[i].at != 0 && (least == NULL || v[i].key < least->key))
			least = &v[i];
	return least;
}

static void
minimum_is_right_after_any_change(void **state)
{
	static struct heap_node v[NODES];
	struct heap h;

	rand_seed(20261126);
	heap_init(&h);
	for (int i = 0; i < STEPS; i++) {
		struct heap_node *n = &v[rand_below(NODES)];
		const struct heap_node *least;

		if (rand_below(3) == 0) {
			heap_del(&h, n);
			assert_int_equal(n->at, 0);
		} else
			heap_put(&h, n, (int64_t)rand_below(100) - 50);
		least = least_of(v);
		if (least == NULL) {
			assert_null(heap_min(&h));
			continue;
		}
		assert_int_equal(heap_min(&h)->key, least->key);
	}
	heap_free(&h);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(v[i].at, 0);
}

static void
comes_out_in_order(void **state)
{
	static struct heap_node v[1000];
	struct heap_node *n;
	struct heap h;
	int64_t last = INT64_MIN;
	size_t count = 0;

	heap_init(&h);
	for (size_t i = 0; i < 1000; i++)
		heap_put(&h, &v[i], (int64_t)(i * 7919 % 1000));
	for (; (n = heap_min(&h)) != NULL; count++) {
		assert_true(n->key >= last);
		last = n->key;
		heap_del(&h, n);
	}
	assert_int_equal(count, 1000);
	heap_free(&h);
}

static void
extremes_and_strangers(void **state)
{
	struct heap_node a = { .at = 0 }, b = { .at = 0 };
	struct heap h;

	heap_init(&h);
	assert_null(heap_min(&h));
	heap_del(&h, &a);
	heap_put(&h, &a, INT64_MAX);
	heap_put(&h, &b, INT64_MIN);
	assert_ptr_equal(heap_min(&h), &b);
	heap_put(&h, &b, INT64_MAX);
	heap_put(&h, &a, INT64_MIN);
	assert_ptr_equal(heap_min(&h), &a);
	assert_int_equal(h.len, 2);
	heap_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minimum_is_right_after_any_change),
		cmocka_unit_test(comes_out_in_order),
		cmocka_unit_test(extremes_and_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
