/* SPDX-License-Identifier: ISC */
/*
 * auth/cache.h - who has proved a password lately.
 *
 * Holds no password and nothing a password can be guessed from without the
 * key of this process: a slot is an HMAC over account, stored hash and
 * secret.  A changed password is another hash, so its old slot never matches
 * again.  Wrong passwords are not remembered.
 */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include "base/str.h"

struct cache;

struct cache *cache_new(void);
void	cache_free(struct cache *c);
bool	cache_knows(struct cache *c, struct str account, struct str hash,
	    struct str secret, int64_t now_ms);
void	cache_add(struct cache *c, struct str account, struct str hash,
	    struct str secret, int64_t now_ms, int64_t ttl_ms);

#endif
