/* SPDX-License-Identifier: ISC */
/*
 * auth/cache.c - positive answers, keyed.
 *
 * Two-way sets in one flat array: a look-up is one HMAC and two compares;
 * the older of two is overwritten.  Untouched pages cost no memory.
 */
#include "auth/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "base/rand.h"
#include "crypto/digest.h"
#include "base/buf.h"
#include "base/banned.h"

#define SETS	16384
#define WAYS	2
#define TEXT_MAX	8192

struct slot {
	uint8_t	mac[24];	/* of 32; the first bytes chose the set */
	int64_t	until_ms;	/* 0: empty */
};

struct cache {
	uint8_t		key[DIGEST_LEN];
	struct slot	set[SETS][WAYS];
};

struct cache *
cache_new(void)
{
	struct cache *c = xcalloc(1, sizeof(*c));

	rand_bytes(c->key, sizeof(c->key));
	return c;
}

void
cache_free(struct cache *c)
{
	if (c != NULL)
		explicit_bzero(c->key, sizeof(c->key));
	free(c);
}

/* The set, and what a slot in it must hold.  Lengths go before the words:
 * a secret may hold any byte. */
static struct slot *
place(struct cache *c, struct str account, struct str hash,
    struct str secret, uint8_t mac[DIGEST_LEN])
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	(void)buf_grow(&b, TEXT_MAX);	/* no copies left behind by growing */
	buf_u64le(&b, account.n);
	buf_add(&b, account);
	buf_u64le(&b, hash.n);
	buf_add(&b, hash);
	buf_add(&b, secret);
	if (buf_failed(&b)) {
		buf_wipe(&b);
		return NULL;
	}
	digest_hmac(str_mem(c->key, sizeof(c->key)), buf_str(&b), mac);
	buf_wipe(&b);
	return c->set[num_get32le(mac) % SETS];
}

static bool
matches(const struct slot *s, const uint8_t *mac)
{
	return str_eq_secret(str_mem(s->mac, sizeof(s->mac)),
	    str_mem(mac + DIGEST_LEN - sizeof(s->mac), sizeof(s->mac)));
}

bool
cache_knows(struct cache *c, struct str account, struct str hash,
    struct str secret, int64_t now_ms)
{
	uint8_t mac[DIGEST_LEN];
	const struct slot *s = place(c, account, hash, secret, mac);
	bool known = false;
	size_t i;

	for (i = 0; s != NULL && i < WAYS; i++)
		known |= matches(&s[i], mac) && now_ms < s[i].until_ms;
	return known;
}

void
cache_add(struct cache *c, struct str account, struct str hash,
    struct str secret, int64_t now_ms, int64_t ttl_ms)
{
	uint8_t mac[DIGEST_LEN];
	struct slot *s = place(c, account, hash, secret, mac), *to = s;
	size_t i;

	if (s == NULL || ttl_ms <= 0)
		return;
	for (i = 1; i < WAYS; i++)
		if (matches(&s[i], mac) ||
		    (s[i].until_ms < to->until_ms && !matches(to, mac)))
			to = &s[i];
	memcpy(to->mac, mac + DIGEST_LEN - sizeof(to->mac), sizeof(to->mac));
	to->until_ms = now_ms + ttl_ms;
}
