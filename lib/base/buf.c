/* SPDX-License-Identifier: ISC */
/*
 * base/buf.c - owned bytes with a hard limit.
 *
 * The memory holds start + len + 1 bytes at least: what was consumed at the
 * front, what is held, and the NUL.  The front is closed up only when room
 * is needed, so that a stream that is read line by line moves each byte at
 * most a few times.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/num.h"

#include "base/banned.h"

#define FIRST_CAP	64

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

void
buf_reset(struct buf *b)
{
	b->start = b->len = 0;
	b->failed = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

void
buf_shrink(struct buf *b)
{
	bool failed = b->failed;

	if (b->len != 0)
		return;
	buf_free(b);
	b->failed = failed;
}

bool
buf_failed(const struct buf *b)
{
	return b->failed;
}

/* Is there room for n more bytes and the NUL?  Makes it when there may be. */
static bool
make_room(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->failed || n > b->max - b->len || n > SIZE_MAX / 4) {
		b->failed = true;
		return false;
	}
	need = b->len + n + 1;
	if (b->start + need <= b->cap)
		return true;
	if (b->start > 0) {
		memmove(b->p, b->p + b->start, b->len + 1);
		b->start = 0;
	}
	/* Half full at most after closing up, lest every add moves all. */
	if (need <= b->cap - b->cap / 4)
		return true;
	for (cap = b->cap == 0 ? FIRST_CAP : b->cap; cap < need;)
		if (!num_mul_size(cap, 2, &cap))
			bug("buffer of %zu bytes", need);
	if (cap == b->cap && !num_mul_size(cap, 2, &cap))
		bug("buffer of %zu bytes", need);
	if (cap - 1 > b->max)
		cap = b->max + 1;
	b->p = xrealloc(b->p, cap);
	b->p[b->start + b->len] = '\0';
	b->cap = cap;
	return true;
}

uint8_t *
buf_grow(struct buf *b, size_t n)
{
	return make_room(b, n) ? b->p + b->start + b->len : NULL;
}

void
buf_grown(struct buf *b, size_t n)
{
	if (b->p == NULL || b->start + b->len + n >= b->cap)
		bug("buf_grown by %zu beyond what buf_grow gave", n);
	b->len += n;
	b->p[b->start + b->len] = '\0';
}

void
buf_mem(struct buf *b, const void *p, size_t n)
{
	uint8_t *to;

	if (n == 0 || (to = buf_grow(b, n)) == NULL)
		return;
	memcpy(to, p, n);
	buf_grown(b, n);
}

void
buf_add(struct buf *b, struct str s)
{
	buf_mem(b, s.p, s.n);
}

void
buf_z(struct buf *b, const char *z)
{
	buf_mem(b, z, strlen(z));
}

void
buf_c(struct buf *b, uint8_t c)
{
	buf_mem(b, &c, 1);
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	char small[256];
	uint8_t *to;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		bug("bad format \"%s\"", fmt);
	if ((size_t)n < sizeof(small)) {
		buf_mem(b, small, (size_t)n);
		return;
	}
	if ((to = buf_grow(b, (size_t)n)) == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_grown(b, (size_t)n);
}

void
buf_num(struct buf *b, uint64_t v)
{
	char text[20];		/* digits of UINT64_MAX */
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buf_mem(b, text + at, sizeof(text) - at);
}

void
buf_hex32(struct buf *b, uint32_t v)
{
	char text[8];

	for (size_t i = sizeof(text); i-- > 0; v >>= 4)
		text[i] = "0123456789ABCDEF"[v & 15];
	buf_mem(b, text, sizeof(text));
}

void
buf_u32be(struct buf *b, uint32_t v)
{
	uint8_t x[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16),
	    (uint8_t)(v >> 8), (uint8_t)v };

	buf_mem(b, x, sizeof(x));
}

void
buf_u32le(struct buf *b, uint32_t v)
{
	uint8_t x[4];

	num_put32le(x, v);
	buf_mem(b, x, sizeof(x));
}

void
buf_u64le(struct buf *b, uint64_t v)
{
	uint8_t x[8];

	num_put64le(x, v);
	buf_mem(b, x, sizeof(x));
}

struct str
buf_str(const struct buf *b)
{
	return str_mem(b->p == NULL ? NULL : b->p + b->start, b->len);
}

const char *
buf_cstr(struct buf *b)
{
	return b->p == NULL ? "" : (const char *)b->p + b->start;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		bug("buf_consume of %zu bytes, %zu held", n, b->len);
	b->start += n;
	b->len -= n;
	if (b->len == 0 && b->p != NULL) {
		b->start = 0;
		b->p[0] = '\0';
	}
}

void
buf_front(struct buf *b, struct str s)
{
	struct buf all;

	buf_init(&all, b->max);
	buf_add(&all, s);
	buf_add(&all, buf_str(b));
	if (!buf_failed(&all)) {
		buf_reset(b);
		buf_add(b, buf_str(&all));
	}
	buf_free(&all);
}

void
buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->p[b->start + len] = '\0';
}
