/* SPDX-License-Identifier: ISC */
/*
 * crypto/digest.c - SHA-256 and HMAC-SHA256.
 *
 * Bytes in, 32 bytes out.  Never keeps a key: a context that held one is
 * freed (and wiped by OpenSSL) before the function returns.
 *
 * FIPS 180-4 (SHA-256), RFC 2104 (HMAC).
 */
#include "crypto/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/fail.h"
#include "base/banned.h"

void
digest_warm(void)
{
	uint8_t out[DIGEST_LEN];

	digest_sha256(STR("warm"), out);
	digest_hmac(STR("warm"), STR("warm"), out);
}

void
digest_begin(struct digest *d)
{
	d->ctx = EVP_MD_CTX_new();
	if (d->ctx == NULL || !EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL))
		bug("no SHA-256");
}

void
digest_add(struct digest *d, struct str s)
{
	if (s.n > 0 && !EVP_DigestUpdate(d->ctx, s.p, s.n))
		bug("SHA-256 refused %zu bytes", s.n);
}

void
digest_end(struct digest *d, uint8_t out[DIGEST_LEN])
{
	if (!EVP_DigestFinal_ex(d->ctx, out, NULL))
		bug("SHA-256 did not end");
	digest_drop(d);
}

void
digest_drop(struct digest *d)
{
	EVP_MD_CTX_free(d->ctx);
	d->ctx = NULL;
}

void
digest_sha256(struct str s, uint8_t out[DIGEST_LEN])
{
	struct digest d;

	digest_begin(&d);
	digest_add(&d, s);
	digest_end(&d, out);
}

void
digest_hmac(struct str key, struct str s, uint8_t out[DIGEST_LEN])
{
	/* HMAC() takes a NULL key as "the key of before". */
	if (HMAC(EVP_sha256(), key.n > 0 ? (const void *)key.p : "",
	    (int)key.n, s.p, s.n, out, NULL) == NULL)
		bug("no HMAC-SHA256");
}
