/* SPDX-License-Identifier: ISC */
/* imap/set: strict numbers, costs by what is written. */
#include "imap/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static const struct {
	const char	*in;
	uint32_t	star;
	const char	*out;	/* resolved and written again; NULL: refused */
} sets[] = {
	{ "1", 9, "1" }, { "1:3", 9, "1:3" }, { "3:1", 9, "1:3" },
	{ "1,2,3", 9, "1:3" }, { "5,1:2", 9, "1:2,5" },
	{ "1:5,2:3,4:7", 9, "1:7" }, { "*", 9, "9" }, { "7:*", 9, "7:9" },
	{ "*:7", 9, "7:9" }, { "12:*", 9, "9:12" }, { "*:*", 9, "9" },
	{ "*", 0, "" }, { "1:*", 0, "" }, { "1,3:*", 0, "1" },
	{ "4294967295", 9, "4294967295" },
	{ "1:4294967295,7", 9, "1:4294967295" },
	{ "0", 9, NULL }, { "0:*", 9, NULL }, { "1,", 9, NULL },
	{ ",1", 9, NULL }, { "1:", 9, NULL }, { ":1", 9, NULL },
	{ "4294967296", 9, NULL }, { "4294967297", 9, NULL },
	{ "18446744073709551617", 9, NULL }, { "-1", 9, NULL },
	{ "*:*:*", 9, NULL }, { "", 9, NULL }, { "1 ", 9, NULL },
	{ "1;2", 9, NULL }, { "**", 9, NULL }, { "01", 9, "1" },
};

static void
parse_and_write(void **state)
{
	struct arena arena;
	size_t i, k;

	arena_init(&arena, 65536);
	for (i = 0; i < NITEMS(sets); i++) {
		struct imap_set s;
		struct buf b;
		bool ok = imap_set_parse(str_of(sets[i].in), &arena, &s);

		if (ok != (sets[i].out != NULL))
			fail_msg("row %zu: %d", i, ok);
		if (!ok)
			continue;
		imap_set_resolve(&s, sets[i].star);
		buf_init(&b, 1000);
		for (k = 0; k < s.n; k++)
			buf_fmt(&b, s.v[k].first == s.v[k].last ? "%s%u" :
			    "%s%u:%u", k > 0 ? "," : "", s.v[k].first,
			    s.v[k].last);
		if (!str_same(buf_str(&b), sets[i].out))
			fail_msg("row %zu: %s", i, buf_cstr(&b));
		buf_free(&b);
	}
	arena_free(&arena);
}

static void
membership(void **state)
{
	struct arena arena;
	struct imap_set s;

	arena_init(&arena, 65536);
	assert_true(imap_set_parse(STR("10:20,40,3"), &arena, &s));
	assert_int_equal(imap_set_highest(&s), 40);
	imap_set_resolve(&s, 99);
	assert_true(imap_set_has(&s, 3) && imap_set_has(&s, 10) &&
	    imap_set_has(&s, 20) && imap_set_has(&s, 40));
	assert_false(imap_set_has(&s, 2) || imap_set_has(&s, 9) ||
	    imap_set_has(&s, 21) || imap_set_has(&s, 41));
	assert_int_equal(imap_set_from(&s, 21), 2);
	assert_int_equal(imap_set_from(&s, 41), 3);
	arena_free(&arena);
}

static void
writing(void **state)
{
	static const uint32_t in[] = { 1, 2, 3, 5, 7, 8, 6, 4294967295u };
	struct imap_set_out o;
	struct buf b;
	size_t i;

	buf_init(&b, 1000);
	buf_z(&b, "x ");
	imap_set_begin(&o, &b);
	for (i = 0; i < NITEMS(in); i++)
		imap_set_put(&o, in[i]);
	imap_set_end(&o);
	assert_string_equal(buf_cstr(&b), "x 1:3,5,7:8,6,4294967295");
	buf_free(&b);
}

/* Stops at what cannot be in a set. */
static void
at_cursor(void **state)
{
	struct arena arena;
	struct imap_set s;
	struct imap_args a = { STR("1:4,* FLAGS"), &arena };

	arena_init(&arena, 65536);
	assert_true(imap_set(&a, &s) && s.n == 2 && imap_sp(&a));
	assert_true(str_same(a.rest, "FLAGS"));
	a.rest = STR(" FLAGS");
	assert_false(imap_set(&a, &s));
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_write),
		cmocka_unit_test(membership),
		cmocka_unit_test(writing),
		cmocka_unit_test(at_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
