/* SPDX-License-Identifier: ISC */
/*
 * base/dict.h - map from bytes or a u64 to a pointer, keyed SipHash-2-4 so
 * that strangers cannot make collisions.  Keys are copied.  Values belong to
 * the caller.
 */
#ifndef BASE_DICT_H
#define BASE_DICT_H

#include "base/str.h"

struct dict {
	struct dict_slot	*slot;
	size_t			cap;	/* power of two, or 0 */
	size_t			len;
	size_t			used;	/* len plus tombstones */
	uint64_t		key[2];
};

/* The 128-bit key is random, made at dict_init. */
void	dict_init(struct dict *d);
void	dict_free(struct dict *d);	/* keys and slots; values stay */
size_t	dict_len(const struct dict *d);
void	*dict_get(const struct dict *d, struct str key);	/* NULL: absent */
/* The old value or NULL; value must not be NULL. */
void	*dict_put(struct dict *d, struct str key, void *value);
void	*dict_del(struct dict *d, struct str key);		/* old value or NULL */
void	*dict_get_u64(const struct dict *d, uint64_t key);
void	*dict_put_u64(struct dict *d, uint64_t key, void *value);
void	*dict_del_u64(struct dict *d, uint64_t key);
/* Visit all, order undefined; start with *at = 0, false at the end.  The
 * entry just returned may be deleted, nothing may be added meanwhile. */
bool	dict_next(const struct dict *d, size_t *at, struct str *key_out,
	    void **value_out);

uint64_t siphash24(const uint64_t key[2], const void *p, size_t n);

#endif
