/* SPDX-License-Identifier: ISC */
/*
 * delivery/known.c - the cache of resolvd: bounded in octets, the least
 * recently used goes first, nothing is told past its time.
 *
 * An entry is one piece of memory: struct, key, texts, records.  What is
 * past its time goes when it is asked for or when room is needed.
 */
#include "delivery/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/list.h"

#include "base/banned.h"

/* What dict and malloc take for an entry, about. */
#define OVERHEAD	128

struct entry {
	struct link	used;	/* most recent last */
	struct known	known;
	struct str	key;
	size_t		bytes;
	uint8_t		tail[];
};

static struct {
	struct dict	dict;
	struct link	used;
	uint64_t	bytes, max, evicted;
} cache;

struct str
known_key(const struct dns_name *name, unsigned type,
    uint8_t out[KNOWN_KEY_MAX])
{
	for (size_t i = 0; i < name->n; i++)
		out[i] = (uint8_t)ascii_lower(name->wire[i]);
	out[name->n] = (uint8_t)(type >> 8);
	out[name->n + 1] = (uint8_t)type;
	return str_mem(out, (size_t)name->n + 2);
}

void
known_init(uint64_t bytes_max)
{
	memset(&cache, 0, sizeof(cache));
	dict_init(&cache.dict);
	list_init(&cache.used);
	cache.max = bytes_max;
}

static void
drop(struct entry *e)
{
	(void)dict_del(&cache.dict, e->key);
	list_remove(&e->used);
	cache.bytes -= e->bytes;
	free(e);
}

void
known_limit(uint64_t bytes_max)
{
	struct link *l;

	while ((l = list_first(&cache.used)) != NULL)
		drop(container_of(l, struct entry, used));
	cache.max = bytes_max;
}

const struct known *
known_get(struct str key)
{
	struct entry *e = dict_get(&cache.dict, key);

	if (e == NULL)
		return NULL;
	if (e->known.until_ms <= clock_mono_ms()) {
		drop(e);
		return NULL;
	}
	list_remove(&e->used);
	list_push(&cache.used, &e->used);
	return &e->known;
}

static size_t
size_of(struct str key, const struct known *k)
{
	size_t n = sizeof(struct entry) + k->n * sizeof(*k->records) + key.n +
	    k->name.n + k->text.n;
	const struct dns_wire_record *r;

	for (r = k->records; r != NULL; r = r->next)
		n += r->data.n;
	return n;
}

static struct str
copy(uint8_t **at, struct str s)
{
	uint8_t *to = *at;

	if (s.n > 0)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return str_mem(to, s.n);
}

/* Records first, for they want to be aligned. */
static struct entry *
entry_of(struct str key, const struct known *k, size_t size)
{
	struct entry *e = xcalloc(1, size);
	struct dns_wire_record *to = (struct dns_wire_record *)(void *)e->tail;
	uint8_t *at = e->tail + k->n * sizeof(*to);
	const struct dns_wire_record *r = k->records;

	e->known = *k;
	e->known.records = k->n > 0 ? to : NULL;
	for (size_t i = 0; i < k->n; i++, r = r->next) {
		to[i] = *r;
		to[i].data = copy(&at, r->data);
		to[i].next = i + 1 < k->n ? &to[i + 1] : NULL;
	}
	e->key = copy(&at, key);
	e->known.name = copy(&at, k->name);
	e->known.text = copy(&at, k->text);
	e->bytes = size + OVERHEAD;
	return e;
}

void
known_put(struct str key, const struct known *k)
{
	size_t size = size_of(key, k);
	struct entry *e = dict_get(&cache.dict, key);

	if (e != NULL)
		drop(e);
	if (size + OVERHEAD > cache.max / 16)
		return;
	while (cache.bytes + size + OVERHEAD > cache.max) {
		drop(container_of(list_first(&cache.used), struct entry,
		    used));
		cache.evicted++;
	}
	e = entry_of(key, k, size);
	(void)dict_put(&cache.dict, e->key, e);
	list_init(&e->used);
	list_push(&cache.used, &e->used);
	cache.bytes += e->bytes;
}

size_t
known_count(void)
{
	return dict_len(&cache.dict);
}

uint64_t
known_bytes(void)
{
	return cache.bytes;
}

uint64_t
known_evicted(void)
{
	return cache.evicted;
}
