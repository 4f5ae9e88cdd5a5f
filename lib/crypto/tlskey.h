/* SPDX-License-Identifier: ISC */
/*
 * crypto/tlskey.h - private keys of TLS: read, named by their public half,
 * used.  keyd's, and of whoever checks that key and certificate match.
 */
#ifndef CRYPTO_TLSKEY_H
#define CRYPTO_TLSKEY_H

#include "base/buf.h"
#include "crypto/keyask.h"

struct tlskey;
struct evp_pkey_st;

/* Before the first of the others, and before a cage: OpenSSL then reads no
 * openssl.cnf. */
void	tlskey_warm(void);

/* PEM texts behind each other, cursor style: the next private key and *pem
 * moved behind it.  FAIL_GONE: none is left; FAIL_PERM with why: locked, of
 * a kind that TLS does not use here, or damaged (the cursor moves on). */
int	tlskey_next(struct str *pem, struct tlskey **out, struct why *why)
	    MUST_CHECK;
void	tlskey_free(struct tlskey *k);

struct str tlskey_id(const struct tlskey *k);	/* KEYASK_ID bytes */
const char *tlskey_kind(const struct tlskey *k);	/* "RSA 2048" */
/* The name of a public key: SHA-256 over its SubjectPublicKeyInfo. */
int	tlskey_id_of(struct evp_pkey_st *public_key, uint8_t id[KEYASK_ID])
	    MUST_CHECK;

/* tbs: keyask_check said yes.  0, or FAIL_PERM with why. */
int	tlskey_sign(const struct tlskey *k, uint32_t scheme, struct str tbs,
	    uint8_t sig[KEYASK_SIG_MAX], size_t *n_out, struct why *why)
	    MUST_CHECK;

/* The PEM blocks of certificates or of private keys, and nothing of what
 * stands between: many keep both in one file. */
void	tlskey_only_certs(struct str pem, struct buf *out);
void	tlskey_only_keys(struct str pem, struct buf *out);

/* What a pair of files is good for. */
struct tlspair {
	bool	is_rsa;
	int64_t	from_s, until_s;	/* validity of the first certificate */
	bool	names_host;		/* it names `host' */
};
/* Do they belong together, and can we use them?  Time is not judged.  host
 * may be empty.  0, or FAIL_PERM with why. */
int	tlskey_pair(struct str cert_pem, struct str key_pem, struct str host,
	    struct tlspair *out, struct why *why) MUST_CHECK;

#endif
