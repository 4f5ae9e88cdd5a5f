/* SPDX-License-Identifier: ISC */
/*
 * Message-IDs: made, and found in the fields that hold several.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/msgid.h"

#include "base/banned.h"

static void
test_make(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	msgid_make(&b, STR("01abc"), STR("mail.example.org"));
	assert_string_equal(buf_cstr(&b), "<01abc@mail.example.org>");
	buf_free(&b);
}

static void
test_next(void **state)
{
	static const struct {
		const char	*in, *ids;
	} cases[] = {
		{ "<a@b>", "a@b;" },
		{ " <a@b>\r\n <c@d> (x)", "a@b;c@d;" },
		{ "junk <a@b> junk", "a@b;" },
		{ "<a <b@c>", "b@c;" },
		{ "<a@b", "" },
		{ "a@b>", "" },
		{ "<>", ";" },
		{ "", "" },
	};
	struct buf b;
	struct str id;

	buf_init(&b, 100);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str s = str_of(cases[i].in);

		buf_reset(&b);
		while (msgid_next(&s, &id))
			buf_fmt(&b, "%.*s;", STR_ARG(id));
		assert_string_equal(buf_cstr(&b), cases[i].ids);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
