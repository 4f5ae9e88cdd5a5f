/* SPDX-License-Identifier: ISC */
/*
 * crypto/keypair.c - key pairs, by OpenSSL's EVP.
 *
 * Private octets live in OpenSSL's memory, in a BIO that wipes itself, and in
 * the caller's buffer, which the caller wipes.
 */
#include "crypto/keypair.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/enc.h"

#include "base/banned.h"

const char *
keypair_name(enum keypair_type t)
{
	return t == KEYPAIR_RSA ? "rsa" : "ed25519";
}

/* --- making -------------------------------------------------------------- */

static EVP_PKEY *
generate(enum keypair_type t, unsigned bits)
{
	return t == KEYPAIR_RSA ?
	    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static int
put_pem(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *p = NULL;
	long n;
	int rc = FAIL_TEMP;

	if (bio == NULL)
		return FAIL_TEMP;
	if (PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) &&
	    (n = BIO_get_mem_data(bio, &p)) > 0) {
		buf_mem(out, p, (size_t)n);
		rc = buf_failed(out) ? FAIL_TEMP : 0;
	}
	(void)BIO_free(bio);
	return rc;
}

int
keypair_make(enum keypair_type t, unsigned bits, struct buf *pem_out)
{
	EVP_PKEY *key = generate(t, bits);
	int rc = key == NULL ? FAIL_TEMP : put_pem(key, pem_out);

	EVP_PKEY_free(key);
	return rc;
}

/* --- reading ------------------------------------------------------------- */

/* Encrypted keys are refused: nobody is there to be asked for the words. */
static int
no_password(char *buf, int size, int is_writing, void *arg)
{
	return -1;
}

static int
put_public(EVP_PKEY *key, enum keypair_type t, struct buf *out)
{
	unsigned char *der = NULL, raw[32];
	size_t n = sizeof(raw);
	int len;

	if (t == KEYPAIR_ED25519) {
		if (!EVP_PKEY_get_raw_public_key(key, raw, &n))
			return FAIL_SYNTAX;
		enc_base64(out, str_mem(raw, n));
		return 0;
	}
	len = i2d_PUBKEY(key, &der);
	if (len <= 0)
		return FAIL_SYNTAX;
	enc_base64(out, str_mem(der, (size_t)len));
	OPENSSL_free(der);
	return 0;
}

static int
describe(EVP_PKEY *key, enum keypair_type *type_out, unsigned *bits_out,
    struct buf *public_out)
{
	enum keypair_type t;

	if (EVP_PKEY_is_a(key, "RSA"))
		t = KEYPAIR_RSA;
	else if (EVP_PKEY_is_a(key, "ED25519"))
		t = KEYPAIR_ED25519;
	else
		return FAIL_SYNTAX;
	*type_out = t;
	*bits_out = (unsigned)EVP_PKEY_get_bits(key);
	return public_out == NULL ? 0 : put_public(key, t, public_out);
}

int
keypair_read(struct str pem, enum keypair_type *type_out, unsigned *bits_out,
    struct buf *public_out)
{
	EVP_PKEY *key;
	BIO *bio;
	int rc;

	if (pem.n == 0 || pem.n > KEYPAIR_PEM_MAX)
		return FAIL_SYNTAX;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio == NULL)
		return FAIL_TEMP;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	rc = key == NULL ? FAIL_SYNTAX :
	    describe(key, type_out, bits_out, public_out);
	EVP_PKEY_free(key);
	(void)BIO_free(bio);
	return rc;
}
