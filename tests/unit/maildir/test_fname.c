/* SPDX-License-Identifier: ISC */
/* Names of files: letters as bits, derived and parsed. */
#include "maildir/fname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mail/index.h"

static const struct {
	const char	*name, *base, *letters;
	bool		fine, canonical;
} names[] = {
	{ "1.a.host:2,", "1.a.host", "", true, true },
	{ "1.a.host:2,FS", "1.a.host", "FS", true, true },
	{ "1.a.host:2,SF", "1.a.host", "FS", true, false },
	{ "1.a.host:2,SS", "1.a.host", "S", true, false },
	{ "1.a.host:2,PSab", "1.a.host", "PSab", true, true },
	{ "1.a.host:2,S!", "1.a.host", "S", true, false },
	{ "1.a.host", "1.a.host", "", true, false },
	{ "1.a.host:1,S", "1.a.host:1,S", "", true, false },
	{ "a:b:2,T", "a:b", "T", true, true },
	{ ".hidden", "", "", false, false },
	{ ":2,S", "", "", false, false },
	{ "", "", "", false, false },
};

static uint64_t
bits(const char *letters)
{
	uint64_t v = 0;

	while (*letters != '\0')
		v |= fname_letter(*letters++);
	return v;
}

static void
parse_and_make(void **state)
{
	char again[FNAME_BUF];
	struct str base;
	uint64_t letters;
	bool canonical;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(names); i++) {
		assert_int_equal(fname_parse(names[i].name, &base, &letters,
		    &canonical), names[i].fine);
		if (!names[i].fine)
			continue;
		assert_true(str_same(base, names[i].base));
		assert_true(letters == bits(names[i].letters));
		assert_int_equal(canonical, names[i].canonical);
		assert_true(fname_make(base, letters, false, again));
		assert_int_equal(strcmp(again, names[i].name) == 0,
		    names[i].canonical);
	}
}

static void
flags(void **state)
{
	(void)state;
	assert_int_equal(fname_flags(bits("DFRST")), INDEX_FLAG_MASK);
	assert_int_equal(fname_flags(bits("Pa9")), 0);
	assert_true(fname_letters(INDEX_SEEN | INDEX_DELETED) == bits("ST"));
	assert_true(fname_letters(INDEX_EXPUNGED | INDEX_DIRTY) == 0);
	assert_true(fname_letter('/') == 0 && fname_letter('\0') == 0);
}

static void
limits(void **state)
{
	char longest[FNAME_MAX + 10], out[FNAME_BUF];
	struct str base;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	base = str_mem(longest, FNAME_MAX - 3);
	assert_true(fname_make(base, 0, false, out));
	assert_int_equal(strlen(out), FNAME_MAX);
	assert_false(fname_make(base, bits("S"), false, out));
	assert_true(fname_make(str_mem(longest, FNAME_MAX), 0, true, out));
	assert_false(fname_make(str_mem(longest, FNAME_MAX + 1), 0, true,
	    out));
	assert_false(fname_make(STR("a/b"), 0, true, out));
	assert_false(fname_make(STR("a\0b"), 0, true, out));
	assert_false(fname_make(STR(""), 0, true, out));
}

static void
ours(void **state)
{
	static const uint8_t mid[16] = { 0x01, 0x9a, 0xc0, 0, 0, 1, 7 };
	char one[FNAME_BUF], two[FNAME_BUF];
	uint64_t v;

	(void)state;
	fname_base_delivery(mid, 1, 0, 100, 110, one);
	fname_base_delivery(mid, 2, 0, 100, 110, two);
	assert_string_not_equal(one, two);
	fname_base_delivery(mid, 1, 1, 100, 110, two);
	assert_string_not_equal(one, two);
	fname_base_delivery(mid, 1, 0, 100, 110, two);
	assert_string_equal(one, two);
	assert_true(fname_size(str_of(one), 'S', &v) && v == 100);
	assert_true(fname_size(str_of(one), 'W', &v) && v == 110);
	assert_false(fname_size(STR("1.a,S=x"), 'S', &v));
	assert_false(fname_size(STR("1.a"), 'S', &v));
	assert_true(fname_time(str_of(one)) == 0x019ac0000001 / 1000);
	assert_true(fname_time(STR("12.x")) == 0);
	assert_true(fname_time(STR("99999999999.x")) == 0);
	fname_base_copy(1764180000, 5, 1, 2, one);
	assert_true(fname_time(str_of(one)) == 1764180000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_make), cmocka_unit_test(flags),
		cmocka_unit_test(limits), cmocka_unit_test(ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
