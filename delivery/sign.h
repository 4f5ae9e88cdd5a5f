/* SPDX-License-Identifier: ISC */
/*
 * delivery/sign.h - DKIM signatures over one message, by libopendkim.
 *
 *	sign_begin(&s, domain, keys, n)
 *	sign_header(&s, block)		in order; ends with the last field
 *	sign_body(&s, chunk)		any number
 *	sign_end(&s, &lines)
 *	sign_free(&s)
 */
#ifndef DELIVERY_SIGN_H
#define DELIVERY_SIGN_H

#include "base/buf.h"
#include "base/fail.h"
#include "crypto/keypair.h"

#define SIGN_KEYS_MAX	4	/* of one domain: two types, two selectors */

struct sign_key {
	struct sign_key	*next;
	char		*domain, *selector;
	enum keypair_type type;
	unsigned	bits;
	char		*pem;
	size_t		pem_len;
};

struct sign {
	struct dkim	*handle[SIGN_KEYS_MAX];
	const struct sign_key *key[SIGN_KEYS_MAX];
	size_t		n;
};

/* Before the cage: the library reads a file. */
void	sign_init(void);

int	sign_begin(struct sign *s, const struct sign_key *const *keys,
	    size_t n, struct why *why) MUST_CHECK;
int	sign_header(struct sign *s, struct str block, struct why *why)
	    MUST_CHECK;
int	sign_body(struct sign *s, struct str chunk, struct why *why) MUST_CHECK;
/* DKIM-Signature fields, CRLF. */
int	sign_end(struct sign *s, struct buf *out, struct why *why) MUST_CHECK;
void	sign_free(struct sign *s);

#endif
