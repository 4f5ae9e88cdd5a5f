/* SPDX-License-Identifier: ISC */
/*
 * auth/hash.h - is this the password?
 *
 * Stored forms: whatever libcrypt knows ($y$ yescrypt, $gy$, $7$, $2b$
 * bcrypt, $6$ ...), with or without {CRYPT} before it, and {PLAIN}password
 * for tests.
 */
#ifndef AUTH_HASH_H
#define AUTH_HASH_H

#include "base/str.h"

enum hash_answer { HASH_RIGHT, HASH_WRONG, HASH_UNUSABLE };

/* Takes as long as the stored form asks for (tens of milliseconds).
 * HASH_UNUSABLE: no form we know; it took no time. */
enum hash_answer hash_check(struct str stored, struct str secret);

/* A yescrypt hash of nothing anybody knows: what an unknown user's password
 * is compared with when there is no account to imitate. */
const char *hash_dummy(void);

#endif
