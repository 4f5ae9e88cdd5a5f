/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/certs.h - self-signed certificates for unit tests.
 */
#ifndef TESTS_CERTS_H
#define TESTS_CERTS_H

#include <stdint.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/fail.h"
#include "base/str.h"

struct pem {
	char		cert[8192], key[8192];
	struct str	cert_str, key_str;
};

UNUSED static void
pem_text(BIO *b, char *out, size_t n, struct str *s)
{
	char *p;
	long len = BIO_get_mem_data(b, &p);

	if (len <= 0 || (size_t)len >= n)
		bug("PEM of %ld bytes", len);
	memcpy(out, p, (size_t)len);
	out[len] = '\0';
	*s = str_mem(out, (size_t)len);
	BIO_free(b);
}

/* "RSA2048", "RSA1024", "P-256", "P-384", "P-521" or "ED25519". */
UNUSED static EVP_PKEY *
pem_key(const char *kind)
{
	if (strncmp(kind, "RSA", 3) == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA",
		    (size_t)strtoul(kind + 3, NULL, 10));
	if (strncmp(kind, "P-", 2) == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
	return EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

UNUSED static void
pem_make(struct pem *p, const char *kind, const char *host, long from_s,
    long to_s)
{
	EVP_PKEY *key = pem_key(kind);
	X509 *x = X509_new();
	BIO *cert = BIO_new(BIO_s_mem()), *text = BIO_new(BIO_s_mem());

	if (key == NULL)
		bug("no %s key", kind);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), to_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	if (X509_sign(x, key, strcmp(kind, "ED25519") == 0 ? NULL :
	    EVP_sha256()) <= 0 || PEM_write_bio_X509(cert, x) != 1 ||
	    PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) !=
	    1)
		bug("no certificate");
	pem_text(cert, p->cert, sizeof(p->cert), &p->cert_str);
	pem_text(text, p->key, sizeof(p->key), &p->key_str);
	X509_free(x);
	EVP_PKEY_free(key);
}

#endif
