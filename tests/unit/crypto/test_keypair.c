/* SPDX-License-Identifier: ISC */
/*
 * Key pairs: what is made can be read, is another one each time, and the
 * public half is what RFC 8463 A says it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "crypto/keypair.h"

#include "base/banned.h"

static void
make_and_read(enum keypair_type want, unsigned bits, size_t public_n)
{
	struct buf pem, public, other;
	enum keypair_type t;
	unsigned n;

	buf_init(&pem, KEYPAIR_PEM_MAX);
	buf_init(&public, 4096);
	buf_init(&other, 4096);
	assert_int_equal(keypair_make(want, bits, &pem), 0);
	assert_true(str_starts(buf_str(&pem), "-----BEGIN PRIVATE KEY-----"));
	assert_int_equal(keypair_read(buf_str(&pem), &t, &n, &public), 0);
	assert_int_equal(t, want);
	assert_int_equal(n, want == KEYPAIR_RSA ? bits : 256);
	assert_int_equal(public.len, public_n);
	buf_reset(&pem);
	assert_int_equal(keypair_make(want, bits, &pem), 0);
	assert_int_equal(keypair_read(buf_str(&pem), &t, &n, &other), 0);
	assert_false(str_eq(buf_str(&public), buf_str(&other)));
	buf_wipe(&pem);
	buf_free(&public);
	buf_free(&other);
}

static void
test_rsa(void **state)
{
	make_and_read(KEYPAIR_RSA, 2048, 392);
}

static void
test_ed25519(void **state)
{
	make_and_read(KEYPAIR_ED25519, 0, 44);
}

/* RFC 8463 A.1, A.2: the secret, as PKCS #8, and its p=. */
static void
test_vector(void **state)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----\n";
	struct buf public;
	enum keypair_type t;
	unsigned n;

	buf_init(&public, 4096);
	assert_int_equal(keypair_read(STR(pem), &t, &n, &public), 0);
	assert_string_equal(buf_cstr(&public),
	    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	buf_free(&public);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = { "", "rubbish",
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	    "-----END PUBLIC KEY-----\n" };

	for (size_t i = 0; i < NITEMS(bad); i++) {
		enum keypair_type t;
		unsigned n;

		assert_int_equal(keypair_read(str_of(bad[i]), &t, &n, NULL),
		    FAIL_SYNTAX);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
