/* SPDX-License-Identifier: ISC */
#include "dns/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/banned.h"

#define L63	"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"
#define L61	"abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwx"

static const struct {
	struct str	text;
	int		r;
	const char	*again;		/* NULL: the same */
	size_t		n;
} cases[] = {
	{ STR_INIT("example.org"), 0, NULL, 13 },
	{ STR_INIT("Example.ORG."), 0, "example.org", 13 },
	{ STR_INIT("."), 0, NULL, 1 },
	{ STR_INIT("a"), 0, NULL, 3 },
	{ STR_INIT("_dmarc.example.org"), 0, NULL, 20 },
	{ STR_INIT("*.example.org"), 0, NULL, 15 },
	{ STR_INIT("xn--bcher-kva.example"), 0, NULL, 23 },
	{ STR_INIT("a\\.b.example"), 0, NULL, 13 },
	{ STR_INIT("a\\032b.example"), 0, NULL, 13 },
	{ STR_INIT("a\\000b\\255.example"), 0, NULL, 14 },
	{ STR_INIT("\\065bc.example"), 0, "abc.example", 13 },
	{ STR_INIT("\\a\\b.example"), 0, "ab.example", 12 },
	{ STR_INIT("a\\\\b"), 0, NULL, 5 },
	{ STR_INIT(L63 ".a"), 0, NULL, 67 },
	{ STR_INIT(L63 "x.a"), FAIL_TOO_BIG, NULL, 0 },
	{ STR_INIT(L63 "." L63 "." L63 "." L61), 0, NULL, 255 },
	{ STR_INIT(L63 "." L63 "." L63 "." L61 "."), 0,
	  L63 "." L63 "." L63 "." L61, 255 },
	{ STR_INIT(L63 "." L63 "." L63 "." L61 "x"), FAIL_TOO_BIG, NULL, 0 },
	{ STR_INIT(L63 "." L63 "." L63 "." L61 ".a"), FAIL_TOO_BIG, NULL, 0 },
	{ STR_INIT(""), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT(".."), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT(".a"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a..b"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a.."), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a b"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a\0b"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("b\303\274cher.example"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a\\"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a\\1"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a\\12x"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a\\256"), FAIL_SYNTAX, NULL, 0 },
	{ STR_INIT("a\\\n"), FAIL_SYNTAX, NULL, 0 },
};

static void
test_text(void **state)
{
	struct dns_name name, wire;
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		assert_int_equal(dns_name_parse(cases[i].text, &name),
		    cases[i].r);
		if (cases[i].r != 0)
			continue;
		assert_int_equal(name.n, cases[i].n);
		buf_reset(&b);
		dns_name_text(&name, &b);
		if (cases[i].again != NULL)
			assert_string_equal(buf_cstr(&b), cases[i].again);
		else
			assert_true(str_eq(buf_str(&b), cases[i].text));
		assert_int_equal(dns_name_of_wire(dns_name_str(&name), &wire),
		    0);
		assert_true(dns_name_eq(&wire, &name));
	}
	buf_free(&b);
}

static void
test_wire(void **state)
{
	static const struct { struct str wire; int r; } wires[] = {
		{ STR_INIT("\0"), 0 }, { STR_INIT("\1a\0"), 0 },
		{ STR_INIT(""), FAIL_SYNTAX }, { STR_INIT("\1a"), FAIL_SYNTAX },
		{ STR_INIT("\1a\0\0"), FAIL_SYNTAX },
		{ STR_INIT("\2a\0"), FAIL_SYNTAX },
		{ STR_INIT("\100a\0"), FAIL_SYNTAX },
		{ STR_INIT("\300\14"), FAIL_SYNTAX },
	};
	struct dns_name name;

	(void)state;
	for (size_t i = 0; i < NITEMS(wires); i++)
		assert_int_equal(dns_name_of_wire(wires[i].wire, &name),
		    wires[i].r);
}

static void
test_case(void **state)
{
	static const uint8_t bits[32] = { 0x0a };	/* octets 1 and 3 */
	struct dns_name a, b;

	(void)state;
	assert_int_equal(dns_name_parse(STR("mAil.Example"), &a), 0);
	b = a;
	dns_name_mix(&b, bits);
	assert_memory_equal(b.wire, "\4MaIl\7example", 14);
	assert_true(dns_name_eq(&a, &b));
	dns_name_lower(&b);
	assert_memory_equal(b.wire, "\4mail\7example", 14);
	assert_int_equal(dns_name_parse(STR("mail.exampl"), &b), 0);
	assert_false(dns_name_eq(&a, &b));
	/* a dot in a label is no dot between labels */
	assert_int_equal(dns_name_parse(STR("mail\\.example"), &b), 0);
	assert_false(dns_name_eq(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_wire),
		cmocka_unit_test(test_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
