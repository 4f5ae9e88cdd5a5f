/* SPDX-License-Identifier: ISC */
/* SHA-256 (FIPS 180-4 samples) and HMAC-SHA256 (RFC 4231). */
#include "crypto/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/enc.h"

static void
check_hex(const uint8_t *got, const char *want)
{
	struct buf hex;

	buf_init(&hex, 200);
	enc_hex(&hex, str_mem(got, DIGEST_LEN));
	assert_string_equal(buf_cstr(&hex), want);
	buf_free(&hex);
}

static const struct {
	const char	*text, *sum;
} sha[] = {
	{ "",
	  "e3b0c44298fc1c149afbf4c8996fb924"
	  "27ae41e4649b934ca495991b7852b855" },
	{ "abc",
	  "ba7816bf8f01cfea414140de5dae2223"
	  "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
};

static void
sha256(void **state)
{
	uint8_t out[DIGEST_LEN];
	struct digest d;
	struct str all;
	size_t i, j;

	digest_warm();
	for (i = 0; i < NITEMS(sha); i++) {
		all = str_of(sha[i].text);
		digest_sha256(all, out);
		check_hex(out, sha[i].sum);
		digest_begin(&d);
		for (j = 0; j < all.n; j++)
			digest_add(&d, str_sub(all, j, 1));
		digest_end(&d, out);
		check_hex(out, sha[i].sum);
	}
	digest_begin(&d);
	digest_drop(&d);
	digest_drop(&d);
	(void)state;
}

static void
hmac(void **state)
{
	uint8_t out[DIGEST_LEN];
	uint8_t key[131];

	digest_hmac(STR("Jefe"), STR("what do ya want for nothing?"), out);
	check_hex(out, "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	digest_hmac(str_mem(key, sizeof(key)),
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"),
	    out);
	check_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
	digest_hmac(STR(""), STR(""), out);
	check_hex(out, "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad");
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256),
		cmocka_unit_test(hmac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
