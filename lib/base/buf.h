/* SPDX-License-Identifier: ISC */
/*
 * base/buf.h - owned bytes with a hard limit.
 *
 * Adding never fails loudly: what does not fit sets `failed`, leaves the
 * buffer as it was, and every later add does nothing; the event loop (or the
 * caller, once, at the end) looks at buf_failed().  A NUL always stands past
 * the end, so that buf_z() is free.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	uint8_t	*p;	/* NULL until the first add */
	size_t	start;	/* bytes consumed at the front, still in p */
	size_t	len;	/* bytes held, from p + start */
	size_t	cap;
	size_t	max;	/* hard limit on len */
	bool	failed;
};

void	buf_init(struct buf *b, size_t max);	/* takes no memory yet */
void	buf_free(struct buf *b);		/* back to as after buf_init */
void	buf_wipe(struct buf *b);		/* zeroes, then as buf_free */
void	buf_reset(struct buf *b);		/* len 0, failed cleared, memory kept */
void	buf_shrink(struct buf *b);		/* gives the memory back if len is 0 */
bool	buf_failed(const struct buf *b);

void	buf_add(struct buf *b, struct str s);
void	buf_mem(struct buf *b, const void *p, size_t n);
void	buf_z(struct buf *b, const char *z);
void	buf_c(struct buf *b, uint8_t c);
void	buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
/* What buf_fmt does with %"PRIu64" and %08"PRIX32", for lists of thousands of
 * lines: a tenth of its cost. */
void	buf_num(struct buf *b, uint64_t v);
void	buf_hex32(struct buf *b, uint32_t v);
void	buf_u32be(struct buf *b, uint32_t v);
void	buf_u32le(struct buf *b, uint32_t v);
void	buf_u64le(struct buf *b, uint64_t v);

/* Room for n bytes at the end, NULL when over the limit (sets failed);
 * buf_grown() says how many of them were filled. */
uint8_t	*buf_grow(struct buf *b, size_t n);
void	buf_grown(struct buf *b, size_t n);

/* What it holds.  Valid until the next add, consume or reset. */
struct str buf_str(const struct buf *b);
const char *buf_cstr(struct buf *b);		/* NUL-terminated, never NULL */

/* Before what is there: all of s or, where that is too much, nothing; it is no
 * failure then. */
void	buf_front(struct buf *b, struct str s);
void	buf_consume(struct buf *b, size_t n);	/* drop n bytes at the front */
void	buf_cut(struct buf *b, size_t len);	/* keep the first len bytes */

#endif
