/* SPDX-License-Identifier: ISC */
/*
 * MIME walk: parts lie inside their parents and in order, sizes add up, and
 * chunks of any size give the same tree.
 */
#include <stdlib.h>

#include "mail/mime.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint64_t
end_of(const struct mime_span *s)
{
	return s->at + s->size;
}

static void
check_part(const struct mime_part *p)
{
	const struct mime_part *up = p->parent;

	if (p->body.at < end_of(&p->header) || p->body.wire < p->body.size ||
	    p->depth >= MIME_DEPTH_MAX || p->type.n == 0 || p->subtype.n == 0)
		abort();
	if (up != NULL && (p->header.at < up->body.at ||
	    end_of(&p->body) > end_of(&up->body)))
		abort();
	if (p->next != NULL && (p->next->header.at < end_of(&p->body) ||
	    p->next->number != p->number + 1))
		abort();
	if ((p->kind == MIME_MULTIPART || p->kind == MIME_RFC822) !=
	    (p->child != NULL))
		abort();
}

static void
walk(struct mime *m, struct arena *a, struct str s, size_t step)
{
	arena_init(a, 1 << 22);
	if (mime_begin(m, a) != 0)
		abort();
	for (size_t at = 0; at < s.n; at += step)
		mime_feed(m, str_sub(s, at, step));
	mime_end(m);
}

static const struct mime_part *
following(const struct mime_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p == NULL ? NULL : p->next;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = str_mem(data, n);
	struct arena a, b;
	struct mime m, k;
	const struct mime_part *p, *q;

	walk(&m, &a, s, n + 1);
	walk(&k, &b, s, 1 + n % 17);
	if (m.whole.size != n || m.whole.wire < n || m.parts != k.parts ||
	    m.root->header.wire + m.root->body.wire != m.whole.wire)
		abort();
	for (p = m.root, q = k.root; p != NULL;
	    p = following(p), q = following(q)) {
		check_part(p);
		if (q == NULL || p->kind != q->kind ||
		    p->body.at != q->body.at || p->body.wire != q->body.wire ||
		    p->body.lines != q->body.lines ||
		    !str_eq(p->subtype, q->subtype))
			abort();
	}
	arena_free(&a);
	arena_free(&b);
	return 0;
}
