/* SPDX-License-Identifier: ISC */
/*
 * crypto/tlskey.c - private keys of TLS, by OpenSSL's EVP.
 *
 * PEM text in, signatures out.  Opens no file, asks nobody for a passphrase,
 * and never decrypts: there is no call here that could.
 *
 * RFC 7468 (PEM), RFC 8446 4.2.3 (schemes).
 */
#include "crypto/tlskey.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/banned.h"

#define RSA_BITS_MIN	2048	/* OpenSSL's security level 2 */
#define RSA_BITS_MAX	8192	/* its signature has to fit a note */
#define PEM_BEGIN	"-----BEGIN "
#define PEM_END		"-----END "

struct tlskey {
	EVP_PKEY	*pkey;
	bool		is_rsa;
	uint8_t		id[KEYASK_ID];
	char		kind[24];
};

void
tlskey_warm(void)
{
	uint8_t byte;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    RAND_bytes(&byte, 1) != 1)
		bug("OpenSSL does not begin");
}

/* --- reading ------------------------------------------------------------- */

static int
fail(struct why *why, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(e);

	ERR_clear_error();
	return why_set(why, FAIL_PERM, "%s%s%s", what, reason != NULL ? ": " :
	    "", reason != NULL ? reason : "");
}

/* Without it OpenSSL asks a terminal for the passphrase of a locked key. */
static int
no_passphrase(char *buf, int size, int for_writing, void *arg)
{
	(void)buf, (void)size, (void)for_writing, (void)arg;
	return -1;
}

int
tlskey_id_of(EVP_PKEY *public_key, uint8_t id[KEYASK_ID])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(public_key, &der), rc = 0;

	if (n <= 0 || EVP_Digest(der, (size_t)n, id, NULL, EVP_sha256(),
	    NULL) != 1)
		rc = FAIL_PERM;
	OPENSSL_free(der);
	ERR_clear_error();
	return rc;
}

/* RSA, and the two curves that TLS is spoken with. */
static int
look_at(struct tlskey *k, struct why *why)
{
	int bits = EVP_PKEY_get_bits(k->pkey);
	char group[32] = "";
	size_t n;

	k->is_rsa = EVP_PKEY_is_a(k->pkey, "RSA");
	if (k->is_rsa && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
		return why_set(why, FAIL_PERM, "private key: RSA of %d bits, "
		    "%d to %d are good", bits, RSA_BITS_MIN, RSA_BITS_MAX);
	if (!k->is_rsa && (!EVP_PKEY_is_a(k->pkey, "EC") ||
	    EVP_PKEY_get_group_name(k->pkey, group, sizeof(group), &n) != 1 ||
	    (strcmp(group, "prime256v1") != 0 &&
	    strcmp(group, "secp384r1") != 0)))
		return why_set(why, FAIL_PERM, "private key: neither RSA nor "
		    "P-256 nor P-384");
	(void)snprintf(k->kind, sizeof(k->kind), "%s %d",
	    k->is_rsa ? "RSA" : "P", bits);
	if (tlskey_id_of(k->pkey, k->id) != 0)
		return fail(why, "private key");
	return 0;
}

static int
read_one(struct str pem, struct tlskey **out, struct why *why)
{
	BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	struct tlskey *k = xcalloc(1, sizeof(*k));
	int rc = 0;

	if (bio != NULL)
		k->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase,
		    NULL);
	BIO_free(bio);
	if (k->pkey == NULL)
		rc = fail(why, "private key");
	else
		rc = look_at(k, why);
	if (rc == 0)
		*out = k;
	else
		tlskey_free(k);
	return rc;
}

/* The block up to its END line, and what stood before it. */
static struct str
next_block(struct str *pem)
{
	struct str all = *pem, block;
	size_t end = str_find(all, STR(PEM_END));

	if (end < all.n)
		end += str_chr(str_from(all, end), '\n') + 1;
	block = str_sub(all, 0, end);
	*pem = str_from(all, end);
	return block;
}

int
tlskey_next(struct str *pem, struct tlskey **out, struct why *why)
{
	struct str block;

	while (pem->n > 0) {
		block = next_block(pem);
		if (str_find(block, STR("PRIVATE KEY-----")) < block.n)
			return read_one(block, out, why);
	}
	return why_set(why, FAIL_GONE, "private key: there is none");
}

void
tlskey_free(struct tlskey *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

static bool
is_cert(struct str label)
{
	return str_same(label, "CERTIFICATE") ||
	    str_same(label, "X509 CERTIFICATE");
}

static bool
is_key(struct str label)
{
	return str_ends(label, "PRIVATE KEY");
}

/* Copies the blocks whose label `wanted' takes; each line gets a line end. */
static void
only(struct str pem, bool (*wanted)(struct str), struct buf *out)
{
	struct str line, label;
	bool copies = false;

	while (str_line(&pem, &line)) {
		line = str_trim(line);
		if (str_starts(line, PEM_BEGIN)) {
			label = str_from(line, sizeof(PEM_BEGIN) - 1);
			copies = str_ends(label, "-----") &&
			    wanted(str_sub(label, 0, label.n - 5));
		}
		if (copies) {
			buf_add(out, line);
			buf_c(out, '\n');
		}
		if (str_starts(line, PEM_END))
			copies = false;
	}
}

void
tlskey_only_certs(struct str pem, struct buf *out)
{
	only(pem, is_cert, out);
}

void
tlskey_only_keys(struct str pem, struct buf *out)
{
	only(pem, is_key, out);
}

struct str
tlskey_id(const struct tlskey *k)
{
	return str_mem(k->id, sizeof(k->id));
}

const char *
tlskey_kind(const struct tlskey *k)
{
	return k->kind;
}

/* --- signing ------------------------------------------------------------- */

static bool
set_padding(EVP_PKEY_CTX *ctx, const struct keyask_scheme *s)
{
	if (!s->is_pss)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

int
tlskey_sign(const struct tlskey *k, uint32_t scheme, struct str tbs,
    uint8_t sig[KEYASK_SIG_MAX], size_t *n_out, struct why *why)
{
	const struct keyask_scheme *s = keyask_scheme(scheme);
	EVP_PKEY_CTX *ctx;
	EVP_MD_CTX *md;
	size_t n = KEYASK_SIG_MAX;
	int rc = 0;

	if (s == NULL || s->is_rsa != k->is_rsa)
		return why_set(why, FAIL_PERM, "scheme %u is none of %s",
		    scheme, k->kind);
	md = EVP_MD_CTX_new();
	if (md == NULL || EVP_DigestSignInit_ex(md, &ctx, s->digest, NULL,
	    NULL, k->pkey, NULL) != 1 || !set_padding(ctx, s) ||
	    EVP_DigestSign(md, sig, &n, tbs.p, tbs.n) != 1)
		rc = fail(why, "signing");
	else
		*n_out = n;
	EVP_MD_CTX_free(md);
	return rc;
}

/* --- a pair -------------------------------------------------------------- */

static int
seconds_of(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return FAIL_PERM;
	*out = (int64_t)timegm(&tm);
	return 0;
}

static int
judge(X509 *cert, const struct tlskey *k, struct str host,
    struct tlspair *out, struct why *why)
{
	if (X509_check_private_key(cert, k->pkey) != 1)
		return fail(why, "private key does not fit the certificate");
	if (seconds_of(X509_get0_notBefore(cert), &out->from_s) != 0 ||
	    seconds_of(X509_get0_notAfter(cert), &out->until_s) != 0)
		return fail(why, "certificate");
	out->is_rsa = k->is_rsa;
	out->names_host = host.n > 0 && X509_check_host(cert,
	    (const char *)host.p, host.n, 0, NULL) == 1;
	return 0;
}

int
tlskey_pair(struct str cert_pem, struct str key_pem, struct str host,
    struct tlspair *out, struct why *why)
{
	BIO *bio = cert_pem.n <= INT_MAX ?
	    BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n) : NULL;
	X509 *cert = bio == NULL ? NULL :
	    PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	struct tlskey *k = NULL;
	int rc;

	if (cert == NULL)
		rc = fail(why, "certificate");
	else
		rc = tlskey_next(&key_pem, &k, why);
	if (rc == 0)
		rc = judge(cert, k, host, out, why);
	ERR_clear_error();
	tlskey_free(k);
	X509_free(cert);
	BIO_free(bio);
	return rc == 0 ? 0 : FAIL_PERM;
}
