/* SPDX-License-Identifier: ISC */
/* Mailbox names as folders: both ways, and what is refused. */
#include "maildir/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name, *folder;
} both[] = {
	{ "Sent", ".Sent" },
	{ "Work/Bills", ".Work.Bills" },
	{ "INBOX/Old", ".INBOX.Old" },
	{ "v1.0", ".v1\\2e0" },
	{ "a\\b", ".a\\5cb" },
	{ "Tom & Jerry", ".Tom &- Jerry" },
	{ "Entw\xc3\xbcrfe", ".Entw&APw-rfe" },
	{ "\xe5\x8f\xb0\xe5\x8c\x97", ".&U,BTFw-" },
	{ "x\xf0\x9f\x90\xb4/y", ".x&2D3cNA-.y" },
};

static void
round_trip(void **state)
{
	char folder[FOLDER_BUF], name[FOLDER_NAME_BUF];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(both); i++) {
		assert_int_equal(folder_encode(str_of(both[i].name), folder),
		    0);
		assert_string_equal(folder, both[i].folder);
		assert_int_equal(folder_decode(folder, name), 0);
		assert_string_equal(name, both[i].name);
	}
	assert_int_equal(folder_encode(STR("inbox"), folder), 0);
	assert_string_equal(folder, ".");
}

static void
refused(void **state)
{
	static const char *const names[] = { "", "/", "a//b", "/a", "a/",
	    "a\nb", "a\x7f", "\xff", "\xc3" };
	static const char *const folders[] = { "Sent", "", ".", "..", "...",
	    ".a..b", ".&APw", ".&AP-", ".&3E2,NA-", ".&2D0-", ".&AGE-", ".a\\2fb",
	    ".a\\zz", ".x&" };
	char out[FOLDER_NAME_BUF], much[400];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(names); i++)
		assert_int_equal(folder_encode(str_of(names[i]), out),
		    FAIL_SYNTAX);
	for (i = 0; i < NITEMS(folders); i++)
		assert_int_equal(folder_decode(folders[i], out), FAIL_SYNTAX);
	memset(much, 'a', sizeof(much));
	assert_int_equal(folder_encode(str_mem(much, 254), out), 0);
	assert_int_equal(folder_encode(str_mem(much, 255), out),
	    FAIL_TOO_BIG);
}

static void
accounts(void **state)
{
	char out[FOLDER_ACCOUNT_BUF];

	(void)state;
	assert_int_equal(folder_account(STR("joe@example.org"), out), 0);
	assert_string_equal(out, "example.org/joe");
	assert_int_equal(folder_account(STR("a/b@x"), out), 0);
	assert_string_equal(out, "x/a%2Fb");
	assert_int_equal(folder_account(STR("..@.."), out), 0);
	assert_string_equal(out, "%2E./%2E.");
	assert_int_equal(folder_account(STR("joe"), out), 0);
	assert_string_equal(out, "_/joe");
	assert_int_equal(folder_account(STR("@x"), out), FAIL_SYNTAX);
	assert_int_equal(folder_account(STR(""), out), FAIL_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(refused),
		cmocka_unit_test(accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
