/* SPDX-License-Identifier: ISC */
#include "conf/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"

static const struct {
	const char	*net, *addr;
	bool		 is_in;
} cases[] = {
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.8", false },
	{ "192.0.2.7/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::1", false },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "::/0", "2001:db8::1", true },
	{ "::1", "::1", true },
};

static const char *const bad[] = {
	"", "/", "10", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
	"10.0.0.0/8/8", "10.0.0.256", "10.0.0.0/ 8", "::1/129", "[::1]",
	"localhost", "10.0.0.0/08x", "1234:1234:1234:1234:1234:1234:1234:1234:1",
	"00000000000000000000000000000000000000000000000000000000000000001",
};

static void
membership(void **state)
{
	uint8_t addr[16];
	struct net net;
	size_t i;

	for (i = 0; i < NITEMS(cases); i++) {
		assert_true(net_parse(str_of(cases[i].net), &net));
		assert_true(net_addr(str_of(cases[i].addr), addr));
		assert_int_equal(net_has(&net, addr), cases[i].is_in);
	}
	(void)state;
}

static void
refused(void **state)
{
	struct net net;
	size_t i;

	for (i = 0; i < NITEMS(bad); i++)
		assert_false(net_parse(str_of(bad[i]), &net));
	assert_false(net_parse(STR("10.0.0.1\0"), &net));
	(void)state;
}

static void
listed(void **state)
{
	struct str v[] = { STR("10.0.0.0/8"), STR("2001:db8::/32") };
	struct strs nets = { .v = v, .n = 2 };

	assert_true(net_listed(&nets, STR("10.1.2.3")));
	assert_true(net_listed(&nets, STR("2001:db8::7")));
	assert_false(net_listed(&nets, STR("11.1.2.3")));
	assert_false(net_listed(&nets, STR("local")));
	assert_false(net_listed(&nets, STR("")));
	nets.n = 0;
	assert_false(net_listed(&nets, STR("10.1.2.3")));
	(void)state;
}

static void
around(void **state)
{
	uint8_t a[16], b[16];
	struct net net;

	assert_true(net_addr(STR("192.0.2.77"), a));
	net_around(a, &net);
	assert_true(net_addr(STR("192.0.2.1"), b));
	assert_true(net_has(&net, b));
	assert_true(net_addr(STR("192.0.3.1"), b));
	assert_false(net_has(&net, b));
	assert_true(net_addr(STR("2001:db8:0:1::7"), a));
	net_around(a, &net);
	assert_true(net_addr(STR("2001:db8:0:1:ffff::"), b));
	assert_true(net_has(&net, b));
	assert_true(net_addr(STR("2001:db8:0:2::"), b));
	assert_false(net_has(&net, b));
	(void)state;
}

static void
which_family(void **state)
{
	static const struct { const char *address; bool is_ipv4; } families[] = {
		{ "192.0.2.10", true }, { "::ffff:192.0.2.10", true },
		{ "::192.0.2.10", false }, { "2001:db8::1", false },
		{ "::", false },
	};
	uint8_t a[16];

	for (size_t i = 0; i < NITEMS(families); i++) {
		assert_true(net_addr(str_of(families[i].address), a));
		assert_int_equal(net_is_ipv4(a), families[i].is_ipv4);
	}
	(void)state;
}

static void
reverse(void **state)
{
	static const struct { const char *address, *name; } names[] = {
		{ "192.0.2.10", "10.2.0.192.in-addr.arpa" },
		{ "::ffff:192.0.2.10", "10.2.0.192.in-addr.arpa" },
		{ "2001:db8::1f", "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
		  "0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
		{ "uid:0", NULL }, { "", NULL }, { "192.0.2.256", NULL },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	for (size_t i = 0; i < NITEMS(names); i++) {
		buf_reset(&b);
		assert_int_equal(net_reverse(str_of(names[i].address), &b),
		    names[i].name != NULL);
		assert_string_equal(buf_cstr(&b),
		    names[i].name == NULL ? "" : names[i].name);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(membership),
		cmocka_unit_test(refused),
		cmocka_unit_test(listed),
		cmocka_unit_test(around),
		cmocka_unit_test(reverse),
		cmocka_unit_test(which_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
