/* SPDX-License-Identifier: ISC */
/*
 * Enhanced status codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/code.h"

#include "base/banned.h"

static void
test_valid(void **state)
{
	static const char *const good[] = { "5.1.1", "4.7.28", "2.0.0",
	    "5.999.999" };
	static const char *const bad[] = { "3.1.1", "5.1", "5.1.1.1", "5..1",
	    "5.01.1", "5.1.1000", "55.1.1", "5.1.x", "", "." };

	for (size_t i = 0; i < NITEMS(good); i++)
		assert_true(code_valid(str_of(good[i])));
	for (size_t i = 0; i < NITEMS(bad); i++)
		assert_false(code_valid(str_of(bad[i])));
}

static void
test_text(void **state)
{
	assert_string_equal(code_text(STR("5.1.1")),
	    "there is no such mailbox");
	assert_string_equal(code_text(STR("4.2.2")), "the mailbox is full");
	assert_string_equal(code_text(STR("5.77.77")),
	    code_text(STR("5.0.0")));
	assert_string_equal(code_text(STR("rubbish")),
	    code_text(STR("5.0.0")));
}

static void
test_reply(void **state)
{
	static const struct {
		const char	*reply, *code;
	} cases[] = {
		{ "550 5.1.1 no such user", "5.1.1" },
		{ "550-5.1.1 no such user", "5.1.1" },
		{ "5.7.1 no", "5.7.1" },
		{ "550 no", "5.0.0" },
		{ "451 later", "4.0.0" },
		{ "250 fine", "2.0.0" },
		{ "550", "5.0.0" },
		{ "", "5.0.0" },
	};

	for (size_t i = 0; i < NITEMS(cases); i++)
		assert_true(str_same(code_of_reply(str_of(cases[i].reply)),
		    cases[i].code));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
