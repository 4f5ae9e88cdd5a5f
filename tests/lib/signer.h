/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/signer.h - keyd for tests: a tls_signer that has the private key
 * in the same process and answers at once.
 */
#ifndef TESTS_SIGNER_H
#define TESTS_SIGNER_H

#include "crypto/tlskey.h"
#include "event/tls.h"

static struct tlskey *signer_key[8];
static unsigned signer_asked;

UNUSED static void
signer_forget(struct tls *t)
{
	(void)t;
}

UNUSED static void
signer_ask(struct tls *t, struct str id, uint32_t scheme, struct str tbs)
{
	uint8_t sig[KEYASK_SIG_MAX];
	struct why why;
	size_t n = 0;

	signer_asked++;
	for (size_t i = 0; i < NITEMS(signer_key); i++)
		if (signer_key[i] != NULL &&
		    str_eq(tlskey_id(signer_key[i]), id) &&
		    (keyask_check(scheme, tbs, &why) != 0 || tlskey_sign(
		    signer_key[i], scheme, tbs, sig, &n, &why) != 0))
			n = 0;
	tls_signed(t, str_mem(sig, n));
}

static const struct tls_signer signer = { signer_ask, signer_forget };

/* Takes the first private key of the text. */
UNUSED static void
signer_take(struct str pem)
{
	struct why why;
	size_t i = 0;

	while (i < NITEMS(signer_key) && signer_key[i] != NULL)
		i++;
	if (i == NITEMS(signer_key) ||
	    tlskey_next(&pem, &signer_key[i], &why) != 0)
		bug("no private key for the test");
}

UNUSED static void
signer_drop(void)
{
	for (size_t i = 0; i < NITEMS(signer_key); i++) {
		tlskey_free(signer_key[i]);
		signer_key[i] = NULL;
	}
}

#endif
