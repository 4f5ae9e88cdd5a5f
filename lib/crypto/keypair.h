/* SPDX-License-Identifier: ISC */
/*
 * crypto/keypair.h - key pairs as DKIM wants them (RFC 6376, RFC 8463).
 *
 * A private key is PEM text (PKCS #8).  The public half is what stands behind
 * p= in the DNS, base64: for RSA its SubjectPublicKeyInfo, for Ed25519 its 32
 * octets.
 */
#ifndef CRYPTO_KEYPAIR_H
#define CRYPTO_KEYPAIR_H

#include "base/buf.h"
#include "base/fail.h"

#define KEYPAIR_PEM_MAX	16384

enum keypair_type { KEYPAIR_RSA, KEYPAIR_ED25519 };

const char *keypair_name(enum keypair_type t);	/* "rsa", "ed25519" */

/* A new one; bits: of RSA.  FAIL_TEMP. */
int	keypair_make(enum keypair_type t, unsigned bits, struct buf *pem_out)
	    MUST_CHECK;
/* What a PEM text holds, and its public half when public_out is not NULL.
 * FAIL_SYNTAX: no private key of a type we know. */
int	keypair_read(struct str pem, enum keypair_type *type_out,
	    unsigned *bits_out, struct buf *public_out) MUST_CHECK;

#endif
