/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/list.c: order, removal, what is in no list.
 */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/banned.h"

struct item {
	int		n;
	struct link	link;
};

static int
number(struct link *l)
{
	return container_of(l, struct item, link)->n;
}

static void
order_is_kept(void **state)
{
	struct item v[5] = { { .n = 0 }, { .n = 1 }, { .n = 2 }, { .n = 3 },
	    { .n = 4 } };
	struct link head, *e;
	int expected[] = { 4, 3, 0, 1, 2 }, i = 0;

	list_init(&head);
	assert_true(list_empty(&head));
	assert_null(list_first(&head));
	assert_null(list_pop(&head));
	list_push(&head, &v[0].link);
	list_push(&head, &v[1].link);
	list_push(&head, &v[2].link);
	list_unshift(&head, &v[3].link);
	list_unshift(&head, &v[4].link);
	list_each(e, &head)
		assert_int_equal(number(e), expected[i++]);
	assert_int_equal(i, 5);
	assert_int_equal(number(list_first(&head)), 4);
	for (i = 0; i < 5; i++)
		assert_int_equal(number(list_pop(&head)), expected[i]);
	assert_true(list_empty(&head));
}

static void
removal_is_harmless_and_final(void **state)
{
	struct item zeroed = { .n = 1 }, inited = { .n = 2 }, in = { .n = 3 };
	struct link head;

	list_init(&head);
	list_init(&inited.link);
	assert_false(list_linked(&zeroed.link));
	assert_false(list_linked(&inited.link));
	list_remove(&zeroed.link);
	list_remove(&inited.link);
	list_push(&head, &in.link);
	assert_true(list_linked(&in.link));
	list_remove(&in.link);
	assert_false(list_linked(&in.link));
	assert_true(list_empty(&head));
	list_remove(&in.link);
	list_push(&head, &in.link);	/* may come back */
	assert_ptr_equal(list_first(&head), &in.link);
}

static void
each_safe_may_remove(void **state)
{
	struct item v[6] = { { .n = 0 } };
	struct link head, *e, *next;
	int left = 0;

	list_init(&head);
	for (int i = 0; i < 6; i++) {
		v[i].n = i;
		list_push(&head, &v[i].link);
	}
	list_each_safe(e, next, &head)
		if (number(e) % 2 == 0)
			list_remove(e);
	list_each(e, &head) {
		assert_int_equal(number(e), 2 * left + 1);
		left++;
	}
	assert_int_equal(left, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(removal_is_harmless_and_final),
		cmocka_unit_test(each_safe_may_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
