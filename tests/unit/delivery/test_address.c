/* SPDX-License-Identifier: ISC */
/*
 * Addresses as text, for sockets, and those that are nobody's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "delivery/address.h"

#include "base/banned.h"

static const struct {
	const char	*in, *text;
	bool		usable;
} cases[] = {
	{ "192.0.2.1", "192.0.2.1:25", true },
	{ "127.0.0.1", "127.0.0.1:25", true },
	{ "0.0.0.0", "0.0.0.0:25", false },
	{ "0.1.2.3", "0.1.2.3:25", false },
	{ "224.0.0.1", "224.0.0.1:25", false },
	{ "255.255.255.255", "255.255.255.255:25", false },
	{ "2001:db8::1", "[2001:db8::1]:25", true },
	{ "::1", "[::1]:25", true },
	{ "::", "[::]:25", false },
	{ "ff02::1", "[ff02::1]:25", false },
	{ "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:25", false },
};

static void
test_cases(void **state)
{
	struct sockaddr_storage s;
	struct address a, back;
	char text[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		assert_true(address_parse(str_of(cases[i].in), &a));
		address_text(&a, 25, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(address_is_usable(&a), cases[i].usable);
		(void)address_to_socket(&a, 25, &s);
		address_of_socket(&s, &back);
		assert_true(address_is_same(&a, &back));
	}
}

static void
test_nonsense(void **state)
{
	static const char *const bad[] = { "", "192.0.2", "mail.example.org",
	    "[::1]", "1.2.3.4.5", "::g",
	    "1111111111111111111111111111111111111111111111111111" };
	struct address a;

	(void)state;
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_false(address_parse(str_of(bad[i]), &a));
	assert_false(address_parse(str_mem("1.2.3.4\0", 8), &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
