/* SPDX-License-Identifier: ISC */
/* The cache: its bound, who goes first, and nothing past its time. */
#include "delivery/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

#include "base/banned.h"

enum { MAX = 64 * 1024 };

static struct str
key(const char *text, uint8_t out[KNOWN_KEY_MAX])
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), 0);
	return known_key(&name, 15, out);
}

static const struct known *
get(const char *text)
{
	uint8_t bytes[KNOWN_KEY_MAX];

	return known_get(key(text, bytes));
}

static void
put(const char *text, int64_t for_ms, size_t size)
{
	static uint8_t data[MAX];
	struct dns_wire_record second = { .preference = 2,
	    .data = str_mem(data, size) };
	struct dns_wire_record first = { .next = &second, .preference = 1,
	    .data = str_of(text) };
	uint8_t bytes[KNOWN_KEY_MAX];
	struct known k = { .result = DNS_OK, .validated = true,
	    .until_ms = clock_mono_ms() + for_ms, .name = str_of(text),
	    .records = &first, .n = 2 };

	known_put(key(text, bytes), &k);
	memset(&first, 0xaa, sizeof(first));	/* all of it was copied */
}

static int
setup(void **state)
{
	static bool is_there;

	(void)state;
	clock_freeze(1000000000000);
	if (!is_there)
		known_init(MAX);
	is_there = true;
	known_limit(MAX);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	known_limit(MAX);
	clock_thaw();
	return 0;
}

static void
test_copy(void **state)
{
	const struct known *k;

	(void)state;
	assert_null(get("a.example"));
	put("a.example", 1000, 100);
	k = get("A.Example");
	assert_non_null(k);
	assert_true(k->validated);
	assert_true(str_same(k->name, "a.example"));
	assert_int_equal(k->n, 2);
	assert_int_equal(k->records->preference, 1);
	assert_true(str_same(k->records->data, "a.example"));
	assert_int_equal(k->records->next->data.n, 100);
	assert_null(k->records->next->next);
	put("a.example", 1000, 5);	/* in its place */
	assert_int_equal(known_count(), 1);
	assert_int_equal(get("a.example")->records->next->data.n, 5);
}

static void
test_type_is_part_of_the_key(void **state)
{
	uint8_t bytes[KNOWN_KEY_MAX];
	struct dns_name name;

	(void)state;
	put("a.example", 1000, 1);
	assert_int_equal(dns_name_parse(STR("a.example"), &name), 0);
	assert_non_null(known_get(known_key(&name, 15, bytes)));
	assert_null(known_get(known_key(&name, 16, bytes)));
	assert_null(known_get(known_key(&name, 15 << 8, bytes)));
}

static void
test_time(void **state)
{
	(void)state;
	put("a.example", 1000, 1);
	clock_turn(999);
	assert_non_null(get("a.example"));
	clock_turn(1);
	assert_null(get("a.example"));
	assert_int_equal(known_count(), 0);
	assert_int_equal(known_bytes(), 0);
}

static void
test_bound(void **state)
{
	char name[32];

	(void)state;
	put("kept.example", 1000, 1000);
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		put(name, 1000, 1000);
		assert_true(known_bytes() <= MAX);
		assert_non_null(get("kept.example"));	/* used: stays */
	}
	assert_non_null(get("n499.example"));
	assert_null(get("n0.example"));
	assert_int_equal(known_evicted() + known_count(), 501);
	put("large.example", 1000, MAX / 16);
	assert_null(get("large.example"));
	known_limit(MAX);
	assert_int_equal(known_count(), 0);
	assert_int_equal(known_bytes(), 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_copy), T(test_type_is_part_of_the_key), T(test_time),
		T(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
