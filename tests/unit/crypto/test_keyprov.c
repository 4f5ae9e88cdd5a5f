/* SPDX-License-Identifier: ISC */
/*
 * A key without private half signs by asking; it shows no private half, asks
 * inside of a job only, and what it signs OpenSSL verifies.
 */
#include "crypto/keyprov.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/async.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "crypto/tlskey.h"

#include "../../lib/certs.h"

static struct tlskey *key;	/* the private one */
static EVP_PKEY *pub, *ours;	/* of the certificate; by the provider */
static X509 *cert;
static struct keyprov_ask *asked;
static bool at_once, refuse;

static void
answer(struct keyprov_ask *a)
{
	struct why why;

	assert_true(str_eq(a->id, tlskey_id(key)));
	a->state = !refuse && tlskey_sign(key, a->scheme, a->tbs,
	    a->signature, &a->n, &why) == 0 ? KEYPROV_SIGNED : KEYPROV_FAILED;
}

static void
on_ask(struct keyprov_ask *a)
{
	asked = a;
	if (at_once)
		answer(a);
}

static void
begin(const char *kind)
{
	struct pem p;
	struct why why;
	BIO *b;

	assert_int_equal(keyprov_begin(on_ask, &why), 0);
	pem_make(&p, kind, "a.example", -60, 60);
	assert_int_equal(tlskey_next(&p.key_str, &key, &why), 0);
	b = BIO_new_mem_buf(p.cert, -1);
	cert = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	pub = X509_get0_pubkey(cert);
	ours = keyprov_key(pub);
	assert_non_null(ours);
	at_once = true;
	refuse = false;
	asked = NULL;
}

static void
end(void)
{
	EVP_PKEY_free(ours);
	X509_free(cert);
	tlskey_free(key);
}

struct signature {
	uint8_t	bytes[KEYASK_SIG_MAX];
	size_t	n;
	int	ok;
	bool	is_pss;
	const char *digest;
};

static int
sign(void *arg)
{
	struct signature *s = *(struct signature **)arg;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;

	s->n = sizeof(s->bytes);
	s->ok = EVP_DigestSignInit_ex(md, &ctx, s->digest, NULL, NULL, ours,
	    NULL) == 1 && (!s->is_pss ||
	    (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
	    1)) && EVP_DigestSign(md, s->bytes, &s->n,
	    (const uint8_t *)"hello", 5) == 1;
	EVP_MD_CTX_free(md);
	return s->ok;
}

static bool
verifies(const struct signature *s)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	bool ok = EVP_DigestVerifyInit_ex(md, &ctx, s->digest, NULL, NULL,
	    pub, NULL) == 1 && (!s->is_pss ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1) &&
	    EVP_DigestVerify(md, s->bytes, s->n, (const uint8_t *)"hello",
	    5) == 1;

	EVP_MD_CTX_free(md);
	return ok;
}

static void
test_signs(void **state)
{
	static const struct {
		const char	*kind, *digest;
		bool		is_pss;
		uint32_t	scheme;		/* 0: refused */
	} cases[] = {
		{ "RSA2048", "SHA256", true, 0x0804 },
		{ "RSA2048", "SHA512", true, 0x0806 },
		{ "RSA2048", "SHA256", false, 0x0401 },
		{ "RSA3072", "SHA384", true, 0x0805 },
		{ "P-256", "SHA256", false, 0x0403 },
		{ "P-384", "SHA384", false, 0x0503 },
		{ "RSA2048", "SHA1", false, 0 },
		{ "P-256", "SHA1", false, 0 },
	};
	struct signature s, *arg = &s;

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		begin(cases[i].kind);
		s = (struct signature){ .digest = cases[i].digest,
		    .is_pss = cases[i].is_pss };
		assert_int_equal(sign(&arg), cases[i].scheme != 0);
		if (cases[i].scheme != 0) {
			assert_int_equal(asked->scheme, cases[i].scheme);
			assert_true(verifies(&s));
			s.bytes[s.n - 1] ^= 1;
			assert_false(verifies(&s));
		} else
			assert_null(asked);
		refuse = true;
		assert_int_equal(sign(&arg), 0);
		end();
	}
}

/* The job sleeps until somebody has the answer; others run meanwhile. */
static void
test_waits(void **state)
{
	struct signature s[2] = { { .digest = "SHA256" },
	    { .digest = "SHA256" } }, *arg;
	ASYNC_JOB *job[2] = { NULL, NULL };
	ASYNC_WAIT_CTX *wait = ASYNC_WAIT_CTX_new();
	struct keyprov_ask *ask[2];
	int ret;

	(void)state;
	begin("P-256");
	at_once = false;
	for (int i = 0; i < 2; i++) {
		arg = &s[i];
		assert_int_equal(ASYNC_start_job(&job[i], wait, &ret, sign,
		    &arg, sizeof(arg)), ASYNC_PAUSE);
		ask[i] = asked;
	}
	assert_ptr_not_equal(ask[0], ask[1]);
	/* woken without an answer: it sleeps on */
	assert_int_equal(ASYNC_start_job(&job[0], wait, &ret, NULL, NULL, 0),
	    ASYNC_PAUSE);
	answer(ask[1]);
	assert_int_equal(ASYNC_start_job(&job[1], wait, &ret, NULL, NULL, 0),
	    ASYNC_FINISH);
	assert_int_equal(ret, 1);
	assert_true(verifies(&s[1]));
	ask[0]->state = KEYPROV_FAILED;
	assert_int_equal(ASYNC_start_job(&job[0], wait, &ret, NULL, NULL, 0),
	    ASYNC_FINISH);
	assert_int_equal(ret, 0);
	/* outside of a job nobody can wait */
	arg = &s[0];
	assert_int_equal(sign(&arg), 0);
	ASYNC_WAIT_CTX_free(wait);
	ASYNC_cleanup_thread();
	end();
}

static void
test_shows_no_private_half(void **state)
{
	static const char *const kinds[] = { "RSA2048", "P-256" };
	BIGNUM *bn = NULL;
	OSSL_PARAM *params = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	unsigned char out[512], in[512] = { 0 };
	size_t n = sizeof(out);
	EVP_PKEY_CTX *ctx;

	(void)state;
	for (size_t i = 0; i < NITEMS(kinds); i++) {
		begin(kinds[i]);
		assert_int_equal(EVP_PKEY_eq(pub, ours), 1);
		assert_int_equal(X509_check_private_key(cert, ours), 1);
		assert_int_equal(EVP_PKEY_get_bits(ours),
		    EVP_PKEY_get_bits(pub));
		assert_int_equal(EVP_PKEY_get_bn_param(ours,
		    OSSL_PKEY_PARAM_RSA_D, &bn), 0);
		assert_int_equal(EVP_PKEY_get_bn_param(ours,
		    OSSL_PKEY_PARAM_PRIV_KEY, &bn), 0);
		assert_int_equal(EVP_PKEY_todata(ours, EVP_PKEY_KEYPAIR,
		    &params), 0);
		assert_int_equal(PEM_write_bio_PrivateKey(b, ours, NULL, NULL,
		    0, NULL, NULL), 0);
		/* and there is no decryption to be had */
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
		assert_true(ctx == NULL || EVP_PKEY_decrypt_init(ctx) <= 0 ||
		    EVP_PKEY_decrypt(ctx, out, &n, in, 256) <= 0);
		EVP_PKEY_CTX_free(ctx);
		end();
	}
	BIO_free(b);
}

static void
test_other_kinds(void **state)
{
	EVP_PKEY *k = pem_key("ED25519");
	struct why why;

	(void)state;
	assert_int_equal(keyprov_begin(on_ask, &why), 0);
	assert_null(keyprov_key(k));
	EVP_PKEY_free(k);
	/* keys that are made without a word of us are not ours */
	k = pem_key("P-256");
	assert_non_null(k);
	asked = NULL;
	assert_string_equal(OSSL_PROVIDER_get0_name(
	    EVP_PKEY_get0_provider(k)), "default");
	EVP_PKEY_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signs), cmocka_unit_test(test_waits),
		cmocka_unit_test(test_shows_no_private_half),
		cmocka_unit_test(test_other_kinds),
	};

	tlskey_warm();
	return cmocka_run_group_tests_name("crypto/keyprov", tests, NULL,
	    NULL);
}
