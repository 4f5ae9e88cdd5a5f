/* SPDX-License-Identifier: ISC */
/*
 * crypto/digest.h - SHA-256 and HMAC-SHA256, by OpenSSL's EVP.
 *
 * None of these can fail but for want of memory, which is bug().  A process
 * that will be caged calls digest_warm() before: the first use fetches the
 * algorithms, which may want to read files.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/str.h"

#define DIGEST_LEN	32

struct digest {
	struct evp_md_ctx_st	*ctx;	/* NULL when not begun */
};

void	digest_warm(void);

/* Streaming: begin, add as often as needed, end (or drop). */
void	digest_begin(struct digest *d);
void	digest_add(struct digest *d, struct str s);
void	digest_end(struct digest *d, uint8_t out[DIGEST_LEN]);
void	digest_drop(struct digest *d);	/* harmless when not begun */

void	digest_sha256(struct str s, uint8_t out[DIGEST_LEN]);
void	digest_hmac(struct str key, struct str s, uint8_t out[DIGEST_LEN]);

#endif
