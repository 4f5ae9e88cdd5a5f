/* SPDX-License-Identifier: ISC */
/*
 * crypto/keyprov.h - private keys that are in another process, as keys of
 * OpenSSL: a built-in provider of one operation, signing.
 */
#ifndef CRYPTO_KEYPROV_H
#define CRYPTO_KEYPROV_H

#include "crypto/keyask.h"

struct evp_pkey_st;

enum keyprov_state { KEYPROV_WAITS, KEYPROV_SIGNED, KEYPROV_FAILED };

/* A signature that is wanted; lives until its state is no longer WAITS and
 * the job that wants it ran on. */
struct keyprov_ask {
	struct str	id;		/* of the key, KEYASK_ID bytes */
	uint32_t	scheme;
	struct str	tbs;
	enum keyprov_state state;
	uint8_t		signature[KEYASK_SIG_MAX];
	size_t		n;
};

/*
 * Called for each signature, on the stack of the handshake that wants it.  It
 * may set the state at once; else it keeps the ask, the job is paused
 * (ASYNC_start_job gives ASYNC_PAUSE), and whoever has the answer sets the
 * state and lets the job run on.  Outside of a job what waits has failed.
 */
typedef void keyprov_fn(struct keyprov_ask *ask);

/* Once a process, before the first key.  0, or FAIL_PERM with why. */
int	keyprov_begin(keyprov_fn *fn, struct why *why) MUST_CHECK;

/* Such a key for this public half (RSA or EC; of a certificate).  NULL: a
 * kind of key that we do not sign with. */
struct evp_pkey_st *keyprov_key(struct evp_pkey_st *public_key);

#endif
