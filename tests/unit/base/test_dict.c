/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of base/dict.c: against a plain array, SipHash vectors, walking.
 */
#include "base/dict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rand.h"

#include "base/banned.h"

/* The authors' test vectors: key 00..0f, input 00..n-1. */
static void
siphash_gives_the_published_values(void **state)
{
	static const struct { size_t n; uint64_t hash; } rows[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
		{ 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
	};
	static const uint64_t key[2] = {
		0x0706050403020100, 0x0f0e0d0c0b0a0908,
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < NITEMS(rows); i++)
		assert_true(siphash24(key, in, rows[i].n) == rows[i].hash);
}

static void
put_get_del(void **state)
{
	int one, two;
	struct dict d;

	dict_init(&d);
	assert_null(dict_get(&d, STR("a")));
	assert_null(dict_del(&d, STR("a")));
	assert_null(dict_put(&d, STR("a"), &one));
	assert_null(dict_put(&d, STR(""), &two));
	assert_null(dict_put(&d, STR("a\0b"), &two));
	assert_ptr_equal(dict_get(&d, STR("a")), &one);
	assert_ptr_equal(dict_get(&d, STR("")), &two);
	assert_ptr_equal(dict_get(&d, str_of(NULL)), &two);
	assert_null(dict_get(&d, STR("A")));
	assert_ptr_equal(dict_put(&d, STR("a"), &two), &one);
	assert_int_equal(dict_len(&d), 3);
	assert_ptr_equal(dict_del(&d, STR("a")), &two);
	assert_null(dict_get(&d, STR("a")));
	assert_ptr_equal(dict_get(&d, STR("a\0b")), &two);
	assert_int_equal(dict_len(&d), 2);
	dict_free(&d);
	assert_null(dict_get(&d, STR("")));
}

static void
keys_are_copied(void **state)
{
	char key[] = "key";
	struct dict d;

	dict_init(&d);
	dict_put(&d, str_of(key), key);
	key[0] = 'x';
	assert_ptr_equal(dict_get(&d, STR("key")), key);
	assert_null(dict_get(&d, STR("xey")));
	dict_free(&d);
}

enum { KEYS = 500, STEPS = 200000 };

/* Many puts and deletes beside an array that knows the truth; with far more
 * deletes than slots the dead ones must be cleared away. */
static void
behaves_like_an_array(void **state)
{
	static char values[KEYS];
	void *truth[KEYS] = { NULL };
	size_t len = 0;
	struct dict d;

	rand_seed(20261126);
	dict_init(&d);
	for (int i = 0; i < STEPS; i++) {
		uint64_t k = rand_below(KEYS);

		if (rand_below(2) == 0) {
			assert_ptr_equal(dict_put_u64(&d, k, &values[k]),
			    truth[k]);
			len += truth[k] == NULL;
			truth[k] = &values[k];
		} else {
			assert_ptr_equal(dict_del_u64(&d, k), truth[k]);
			len -= truth[k] != NULL;
			truth[k] = NULL;
		}
		assert_int_equal(dict_len(&d), len);
	}
	for (uint64_t k = 0; k < KEYS; k++)
		assert_ptr_equal(dict_get_u64(&d, k), truth[k]);
	assert_true(d.cap <= 4096);
	dict_free(&d);
}

static void
walk_sees_each_once_and_may_delete(void **state)
{
	static char values[KEYS];
	bool seen[KEYS] = { false };
	size_t at = 0, n = 0;
	struct dict d;
	struct str key;
	void *value;

	dict_init(&d);
	assert_false(dict_next(&d, &at, &key, &value));
	for (uint64_t k = 0; k < KEYS; k++)
		dict_put_u64(&d, k, &values[k]);
	for (at = 0; dict_next(&d, &at, &key, &value); n++) {
		size_t k = (size_t)((char *)value - values);

		assert_int_equal(key.n, 8);
		assert_false(seen[k]);
		seen[k] = true;
		if (k % 2 == 0)
			assert_ptr_equal(dict_del(&d, key), value);
	}
	assert_int_equal(n, KEYS);
	assert_int_equal(dict_len(&d), KEYS / 2);
	dict_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_gives_the_published_values),
		cmocka_unit_test(put_get_del),
		cmocka_unit_test(keys_are_copied),
		cmocka_unit_test(behaves_like_an_array),
		cmocka_unit_test(walk_sees_each_once_and_may_delete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
