/* SPDX-License-Identifier: ISC */
/*
 * crypto/keyask.h - what a TLS server may have signed, and nothing else.
 *
 * A key of TLS is not a key for everything: whoever may ask for signatures
 * (a face that was taken over) must not get one that means something outside
 * of a handshake.  So keyd looks at what it is to sign before it does.
 */
#ifndef CRYPTO_KEYASK_H
#define CRYPTO_KEYASK_H

#include "base/fail.h"
#include "base/str.h"

#define KEYASK_ID	32	/* SHA-256 of the public key, as in X.509 */
#define KEYASK_TBS_MAX	1024
#define KEYASK_SIG_MAX	1024

/* SignatureScheme of RFC 8446 4.2.3; TLS 1.2 has the same numbers, but there
 * an ECDSA one says the digest only. */
struct keyask_scheme {
	uint32_t	number;
	const char	*digest;	/* name in OpenSSL */
	bool		is_rsa;		/* else ECDSA */
	bool		is_pss;
	bool		is_old;		/* TLS 1.2 only */
};

/* NULL: not one of those we sign. */
const struct keyask_scheme *keyask_scheme(uint32_t number);
const struct keyask_scheme *keyask_scheme_of(bool is_rsa, bool is_pss,
	    const char *digest);

/*
 * Is this what a server signs in a handshake?  TLS 1.3: 64 blanks, the words
 * "TLS 1.3, server CertificateVerify", NUL, a transcript hash (RFC 8446
 * 4.4.3).  TLS 1.2: two randoms of 32 bytes and the parameters of ECDHE over
 * a curve that we offer (RFC 8422 5.4).  0, or FAIL_DENIED with why.
 */
int	keyask_check(uint32_t scheme, struct str tbs, struct why *why)
	    MUST_CHECK;

#endif
