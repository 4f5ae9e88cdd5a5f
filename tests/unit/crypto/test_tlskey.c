/* SPDX-License-Identifier: ISC */
/* Keys are read, named, sign what OpenSSL verifies; pairs fit or do not. */
#include "crypto/tlskey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#include "../../lib/certs.h"

static bool
verifies(struct str cert, uint32_t scheme, struct str tbs, struct str sig)
{
	const struct keyask_scheme *s = keyask_scheme(scheme);
	BIO *b = BIO_new_mem_buf(cert.p, (int)cert.n);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	bool ok;

	assert_int_equal(EVP_DigestVerifyInit_ex(md, &ctx, s->digest, NULL,
	    NULL, X509_get0_pubkey(x), NULL), 1);
	if (s->is_pss)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PSS_PADDING), 1);
	ok = EVP_DigestVerify(md, sig.p, sig.n, tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(md);
	X509_free(x);
	BIO_free(b);
	return ok;
}

static void
test_sign(void **state)
{
	static const struct {
		const char	*kind;
		uint32_t	scheme;
		int		want;
	} cases[] = {
		{ "P-256", 0x0403, 0 }, { "P-256", 0x0603, 0 },
		{ "P-256", 0x0804, FAIL_PERM }, { "P-384", 0x0503, 0 },
		{ "RSA2048", 0x0804, 0 }, { "RSA2048", 0x0806, 0 },
		{ "RSA2048", 0x0401, 0 }, { "RSA2048", 0x0403, FAIL_PERM },
		{ "P-256", 0x0807, FAIL_PERM },
	};
	uint8_t sig[KEYASK_SIG_MAX];
	struct tlskey *k = NULL;
	struct pem p;
	struct why why;
	size_t n;

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str text;

		pem_make(&p, cases[i].kind, "a.example", -60, 60);
		text = p.key_str;
		assert_int_equal(tlskey_next(&text, &k, &why), 0);
		assert_int_equal(tlskey_sign(k, cases[i].scheme, STR("tbs"),
		    sig, &n, &why), cases[i].want);
		if (cases[i].want == 0) {
			assert_true(verifies(p.cert_str, cases[i].scheme,
			    STR("tbs"), str_mem(sig, n)));
			assert_false(verifies(p.cert_str, cases[i].scheme,
			    STR("tbS"), str_mem(sig, n)));
		}
		tlskey_free(k);
	}
}

/* Several in one text, with other things between; each is named by its
 * certificate's public key. */
static void
test_several(void **state)
{
	struct pem a, b, bad;
	struct tlskey *k[2] = { NULL, NULL }, *none = NULL;
	uint8_t id[KEYASK_ID];
	char text[65536];
	struct str all;
	struct why why;
	X509 *x;
	BIO *bio;

	(void)state;
	pem_make(&a, "P-256", "a.example", -60, 60);
	pem_make(&b, "RSA2048", "b.example", -60, 60);
	pem_make(&bad, "ED25519", "c.example", -60, 60);
	(void)snprintf(text, sizeof(text), "words\n%s%s%s%swords\n%s", a.cert,
	    a.key, bad.key, a.cert, b.key);
	all = str_of(text);
	assert_int_equal(tlskey_next(&all, &k[0], &why), 0);
	assert_string_equal(tlskey_kind(k[0]), "P 256");
	assert_int_equal(tlskey_next(&all, &none, &why), FAIL_PERM);
	assert_int_equal(tlskey_next(&all, &k[1], &why), 0);
	assert_string_equal(tlskey_kind(k[1]), "RSA 2048");
	assert_int_equal(tlskey_next(&all, &none, &why), FAIL_GONE);
	assert_null(none);
	bio = BIO_new_mem_buf(b.cert, -1);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(tlskey_id_of(X509_get0_pubkey(x), id), 0);
	assert_true(str_eq(tlskey_id(k[1]), str_mem(id, sizeof(id))));
	assert_false(str_eq(tlskey_id(k[0]), tlskey_id(k[1])));
	X509_free(x);
	BIO_free(bio);
	tlskey_free(k[0]);
	tlskey_free(k[1]);
}

/* One file for both, with other things in it. */
static void
test_one_file(void **state)
{
	static struct pem p;
	static char text[32768], want[32768];
	struct buf certs, keys;

	(void)state;
	pem_make(&p, "P-256", "a.example", -60, 60);
	(void)snprintf(text, sizeof(text), "words\r\n%s\n-----BEGIN EC "
	    "PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	    "%swords\n%s-----BEGIN PRIVATE KEY-----", p.key, p.cert, p.cert);
	buf_init(&certs, sizeof(text));
	buf_init(&keys, sizeof(text));
	tlskey_only_certs(str_of(text), &certs);
	(void)snprintf(want, sizeof(want), "%s%s", p.cert, p.cert);
	assert_string_equal(buf_cstr(&certs), want);
	tlskey_only_keys(str_of(text), &keys);
	(void)snprintf(want, sizeof(want), "%s-----BEGIN PRIVATE KEY-----\n",
	    p.key);
	assert_string_equal(buf_cstr(&keys), want);
	buf_free(&certs);
	buf_free(&keys);
}

static void
test_bad_keys(void **state)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "", "none" }, { "nothing", "none" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE "
		    "KEY-----\n", "private key" },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n", "private key" },
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END "
		    "ENCRYPTED PRIVATE KEY-----\n", "private key" },
	};
	static const char *const kinds[] = { "RSA1024", "P-521", "ED25519" };
	struct tlskey *k = NULL;
	struct why why;
	struct pem p;
	struct str s;

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		s = str_of(cases[i].text);
		assert_true(tlskey_next(&s, &k, &why) < 0);
		assert_non_null(strstr(why.text, cases[i].why));
		assert_null(k);
	}
	for (size_t i = 0; i < NITEMS(kinds); i++) {
		pem_make(&p, kinds[i], "a.example", -60, 60);
		s = p.key_str;
		assert_int_equal(tlskey_next(&s, &k, &why), FAIL_PERM);
		assert_null(k);
	}
}

static void
test_pairs(void **state)
{
	static struct pem a, b;
	static const struct {
		const char	*cert, *key, *host;
		const char	*why;		/* NULL: a pair */
		bool		names_host;
	} cases[] = {
		{ a.cert, a.key, "a.example", NULL, true },
		{ a.cert, a.key, "b.example", NULL, false },
		{ a.cert, a.key, "", NULL, false },
		{ a.cert, b.key, "", "does not fit", false },
		{ a.key, a.key, "", "certificate", false },
		{ a.cert, a.cert, "", "private key", false },
		{ "", "", "", "certificate", false },
	};
	struct tlspair pair;
	struct why why;
	int64_t now = (int64_t)time(NULL);
	int rc;

	(void)state;
	pem_make(&a, "P-256", "a.example", -60, 3600);
	pem_make(&b, "P-256", "a.example", -60, 60);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		rc = tlskey_pair(str_of(cases[i].cert), str_of(cases[i].key),
		    str_of(cases[i].host), &pair, &why);
		assert_int_equal(rc, cases[i].why == NULL ? 0 : FAIL_PERM);
		if (rc != 0) {
			assert_non_null(strstr(why.text, cases[i].why));
			continue;
		}
		assert_int_equal(pair.names_host, cases[i].names_host);
		assert_true(pair.until_s > now + 3500 &&
		    pair.until_s < now + 3700);
		assert_true(pair.from_s < now);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign), cmocka_unit_test(test_several),
		cmocka_unit_test(test_one_file),
		cmocka_unit_test(test_bad_keys), cmocka_unit_test(test_pairs),
	};

	tlskey_warm();
	return cmocka_run_group_tests_name("crypto/tlskey", tests, NULL, NULL);
}
