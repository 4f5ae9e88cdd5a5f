/* SPDX-License-Identifier: ISC */
/*
 * base/str.h - borrowed bytes.
 *
 * A struct str points into memory that somebody else owns.  It is never
 * NUL-terminated and is valid until its owner reads again or is reset; who
 * wants to keep it copies it (arena_str, buf_add).  All functions are pure.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct str {
	const uint8_t	*p;	/* may be NULL when n is 0 */
	size_t		n;
};

/* STR("literal") as expression; STR_INIT in static tables. */
#define STR_INIT(lit)	{ (const uint8_t *)(lit), sizeof(lit) - 1 }
#define STR(lit)	((struct str)STR_INIT(lit))
/* for printf-like functions: "%.*s", STR_ARG(s) */
#define STR_ARG(s)	(int)(s).n, (const char *)(s).p

struct str str_of(const char *z);	/* NULL gives the empty str */
struct str str_mem(const void *p, size_t n);

bool	str_eq(struct str a, struct str b);
bool	str_is(struct str a, const char *z);	/* ASCII case does not matter */
bool	str_same(struct str a, const char *z);	/* bytes are equal */
bool	str_ieq(struct str a, struct str b);	/* ASCII case does not matter */
int	str_cmp(struct str a, struct str b);	/* memcmp order, shorter first */
bool	str_starts(struct str s, const char *z);
bool	str_istarts(struct str s, const char *z);
bool	str_ends(struct str s, const char *z);
bool	str_iends(struct str s, struct str tail);

/* Part of s; from and n are cut to what is there. */
struct str str_sub(struct str s, size_t from, size_t n);
struct str str_from(struct str s, size_t from);

/* Index of the first/last byte c, or of the text z; s.n when absent. */
size_t	str_chr(struct str s, uint8_t c);
size_t	str_rchr(struct str s, uint8_t c);
size_t	str_find(struct str s, struct str what);
size_t	str_ifind(struct str s, struct str what);

/* Without blanks and tabs at both ends / without CR and LF at the end. */
struct str str_trim(struct str s);
struct str str_chomp(struct str s);

/* Cursor style: take the next word (blanks and tabs separate), the rest
 * (after skipping one run of blanks), or what stands before byte c (which is
 * taken too; the whole rest when c is absent).  All move *s on. */
struct str str_word(struct str *s);
struct str str_rest(struct str *s);
struct str str_until(struct str *s, uint8_t c);
/* Is there anything but blanks left? */
bool	str_more(struct str s);
/* Like str_until(s, '\n'), and a CR before it is dropped; false at the end
 * of s. */
bool	str_line(struct str *s, struct str *line_out);

/* Strict decimal in 0..max: no sign, no blanks, no overflow. */
bool	str_u64(struct str s, uint64_t max, uint64_t *v_out);
bool	str_u32(struct str s, uint32_t *v_out);
/* A message number 1..count as index 0..count-1 (POP3). */
bool	str_index(struct str s, size_t count, size_t *i_out);

bool	str_has_nul(struct str s);
bool	str_is_ascii(struct str s);	/* all bytes below 128 */
bool	str_is_print(struct str s);	/* all bytes 32..126 */

/* Same time for equal lengths whatever the bytes; lengths may leak. */
bool	str_eq_secret(struct str a, struct str b);

/* Is s one of the n in v, whatever the case of its ASCII letters? */
bool	str_iamong(struct str s, const struct str *v, size_t n);

int	ascii_lower(int c);
int	ascii_upper(int c);

#endif
