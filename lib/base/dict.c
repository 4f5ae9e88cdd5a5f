/* SPDX-License-Identifier: ISC */
/*
 * base/dict.c - open addressing with linear probing and tombstones.
 *
 * A slot is empty (key and value NULL), dead (value NULL, key is the mark)
 * or holds a value.  Up to three quarters of the slots are used, dead ones
 * counted; then the table is built anew, twice as large if the living alone
 * fill more than a third of it.  The u64 forms use the eight bytes of the number as
 * key, so one dict should use one form only.
 */
#include "base/dict.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"
#include "base/rand.h"

#include "base/banned.h"

struct dict_slot {
	uint8_t		*key;
	size_t		key_len;
	uint64_t	hash;
	void		*value;
};

static uint8_t dead_mark;

#define ROTL(x, b)	(((x) << (b)) | ((x) >> (64 - (b))))

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = ROTL(v[1], 13) ^ v[0];
	v[0] = ROTL(v[0], 32);
	v[2] += v[3];
	v[3] = ROTL(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = ROTL(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = ROTL(v[1], 17) ^ v[2];
	v[2] = ROTL(v[2], 32);
}

static void
sip_take(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
uint64_t
siphash24(const uint64_t key[2], const void *bytes, size_t n)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573,
	};
	const uint8_t *p = bytes;
	uint64_t last = (uint64_t)n << 56;

	for (; n >= 8; p += 8, n -= 8)
		sip_take(v, num_get64le(p));
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)p[i] << (8 * i);
	sip_take(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
dict_init(struct dict *d)
{
	*d = (struct dict){ .slot = NULL };
	rand_bytes(d->key, sizeof(d->key));
}

void
dict_free(struct dict *d)
{
	for (size_t i = 0; i < d->cap; i++)
		if (d->slot[i].value != NULL)
			free(d->slot[i].key);
	free(d->slot);
	d->slot = NULL;
	d->cap = d->len = d->used = 0;
}

size_t
dict_len(const struct dict *d)
{
	return d->len;
}

static struct dict_slot *
find(const struct dict *d, struct str key, uint64_t hash)
{
	size_t mask = d->cap - 1;

	if (d->cap == 0)
		return NULL;
	for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
		struct dict_slot *s = &d->slot[i];

		if (s->key == NULL)
			return NULL;
		if (s->value != NULL && s->hash == hash &&
		    str_eq(str_mem(s->key, s->key_len), key))
			return s;
	}
}

static void
place(struct dict *d, struct dict_slot new)
{
	size_t mask = d->cap - 1, i = (size_t)new.hash & mask;

	while (d->slot[i].key != NULL)
		i = (i + 1) & mask;
	d->slot[i] = new;
}

static void
rebuild(struct dict *d)
{
	struct dict_slot *old = d->slot;
	size_t old_cap = d->cap;

	if (d->cap == 0)
		d->cap = 8;
	else if (d->len > d->cap / 3)
		d->cap *= 2;
	d->slot = xcalloc(d->cap, sizeof(*d->slot));
	d->used = d->len;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].value != NULL)
			place(d, old[i]);
	free(old);
}

void *
dict_get(const struct dict *d, struct str key)
{
	struct dict_slot *s = find(d, key, siphash24(d->key, key.p, key.n));

	return s == NULL ? NULL : s->value;
}

void *
dict_put(struct dict *d, struct str key, void *value)
{
	uint64_t hash = siphash24(d->key, key.p, key.n);
	struct dict_slot *s = find(d, key, hash);
	struct dict_slot new = { .key_len = key.n, .hash = hash,
	    .value = value };
	void *old;

	if (value == NULL)
		bug("dict value is NULL");
	if (s != NULL) {
		old = s->value;
		s->value = value;
		return old;
	}
	if (d->used + 1 > d->cap - d->cap / 4)
		rebuild(d);
	new.key = xmalloc(key.n);
	if (key.n > 0)
		memcpy(new.key, key.p, key.n);
	place(d, new);
	d->len++;
	d->used++;
	return NULL;
}

void *
dict_del(struct dict *d, struct str key)
{
	struct dict_slot *s = find(d, key, siphash24(d->key, key.p, key.n));
	void *old;

	if (s == NULL)
		return NULL;
	old = s->value;
	free(s->key);
	*s = (struct dict_slot){ .key = &dead_mark };
	d->len--;
	return old;
}

static struct str
u64_key(uint8_t bytes[8], uint64_t key)
{
	num_put64le(bytes, key);
	return str_mem(bytes, 8);
}

void *
dict_get_u64(const struct dict *d, uint64_t key)
{
	uint8_t bytes[8];

	return dict_get(d, u64_key(bytes, key));
}

void *
dict_put_u64(struct dict *d, uint64_t key, void *value)
{
	uint8_t bytes[8];

	return dict_put(d, u64_key(bytes, key), value);
}

void *
dict_del_u64(struct dict *d, uint64_t key)
{
	uint8_t bytes[8];

	return dict_del(d, u64_key(bytes, key));
}

bool
dict_next(const struct dict *d, size_t *at, struct str *key_out,
    void **value_out)
{
	while (*at < d->cap) {
		const struct dict_slot *s = &d->slot[(*at)++];

		if (s->value == NULL)
			continue;
		if (key_out != NULL)
			*key_out = str_mem(s->key, s->key_len);
		if (value_out != NULL)
			*value_out = s->value;
		return true;
	}
	return false;
}
