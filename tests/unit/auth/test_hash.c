/* SPDX-License-Identifier: ISC */
#include "auth/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* All of "secret", made by mkpasswd(1) and crypt(3). */
static const struct {
	const char	*stored, *secret;
	enum hash_answer answer;
} cases[] = {
	{ "{PLAIN}secret", "secret", HASH_RIGHT },
	{ "{plain}secret", "secret", HASH_RIGHT },
	{ "{PLAIN}secret", "secret ", HASH_WRONG },
	{ "{PLAIN}secret", "Secret", HASH_WRONG },
	{ "{PLAIN}", "", HASH_WRONG },
	{ "{PLAIN}p\303\244ss wort", "p\303\244ss wort", HASH_RIGHT },
	{ "!", "secret", HASH_UNUSABLE },
	{ "*", "*", HASH_UNUSABLE },
	{ "*0", "x", HASH_UNUSABLE },
	{ "", "", HASH_UNUSABLE },
	{ "{SSHA}xyz", "secret", HASH_UNUSABLE },
#define SHA512 "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/" \
	"O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
	{ SHA512, "Hello world!", HASH_RIGHT },
	{ "{CRYPT}" SHA512, "Hello world!", HASH_RIGHT },
	{ SHA512, "hello world!", HASH_WRONG },
	{ "$y$j75$abcdefgh1234$35Wj4XRiq69wx.bXHzwSFO5NsIOyCCWeo6QVzVr5q//",
	  "secret", HASH_RIGHT },
	{ "$y$j75$abcdefgh1234$35Wj4XRiq69wx.bXHzwSFO5NsIOyCCWeo6QVzVr5q//",
	  "secre", HASH_WRONG },
	{ "$argon2id$v=19$m=16,t=2,p=1$YWJjZGVmZ2g", "secret",
	  HASH_UNUSABLE },
	{ "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U",
	  HASH_RIGHT },
	{ "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V",
	  HASH_WRONG },
	{ "$y$nonsense", "secret", HASH_WRONG },
};

static void
forms(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(cases); i++) {
		enum hash_answer a = hash_check(str_of(cases[i].stored),
		    str_of(cases[i].secret));

		if (cases[i].answer == HASH_RIGHT ||
		    cases[i].answer == HASH_UNUSABLE)
			assert_int_equal(a, cases[i].answer);
		else
			assert_int_not_equal(a, HASH_RIGHT);
	}
	(void)state;
}

/* bcrypt reads 72 octets, some forms fewer than SASL may bring: what is cut
 * must not open, and a NUL must not end a password. */
static void
long_and_nul(void **state)
{
	char text[600];

	memset(text, 'a', sizeof(text));
	assert_int_equal(hash_check(str_of(hash_dummy()),
	    str_mem(text, sizeof(text))), HASH_WRONG);
	assert_int_equal(hash_check(STR("{PLAIN}secret"), STR("secret\0x")),
	    HASH_WRONG);
	assert_int_equal(hash_check(STR("{PLAIN}secret"), STR("secret\0")),
	    HASH_WRONG);
	(void)state;
}

static void
dummy(void **state)
{
	const char *hash = hash_dummy();

	assert_true(str_starts(str_of(hash), "$y$"));
	assert_ptr_equal(hash, hash_dummy());
	assert_int_equal(hash_check(str_of(hash), STR("")), HASH_WRONG);
	assert_int_equal(hash_check(str_of(hash), STR("secret")), HASH_WRONG);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(long_and_nul),
		cmocka_unit_test(dummy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
