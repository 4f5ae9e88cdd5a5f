/* SPDX-License-Identifier: ISC */
/*
 * maildir/compact.c - a new generation: index, names and cache without the
 * dead.
 *
 * Written beside, then renamed: names first, which makes the old index no
 * longer fit, then cache and index.  A death in between costs a rebuild, no
 * message.  A change of the mailbox while it is written begins it anew.
 */
#include "maildir/box.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/rand.h"

#include "base/banned.h"

#define BESIDE_NAMES	NAMES_FILE ".new"

struct box_compact {
	struct box	to;		/* names, index, cache, head */
	uint64_t	modseq;		/* of the box when it began */
	uint32_t	records;
	uint32_t	at;
	struct buf	blob;
};

/* Worth it: half of it is dead, and not just a few. */
bool
box_compact_due(const struct box *b)
{
	uint32_t dead = b->h.records - b->h.messages;

	return !b->stale && !b->is_deleted && b->own.dirty == 0 &&
	    !(b->todo & BOX_REBUILD) && b->scan == NULL &&
	    list_empty(&b->held) && dead > 256 && dead > b->h.messages;
}

static void
beside_name(const struct box *b, const char *kind, char out[64])
{
	char id[MID_LEN + 1];

	mid_from_bin(b->names.head.mailboxid, id);
	snprintf(out, 64, "%s.%s", id, kind);
}

void
box_compact_drop(struct box *b)
{
	struct box_compact *c = b->compact;

	if (c == NULL)
		return;
	names_close(&c->to.names);
	if (c->to.index >= 0)
		b->v->close(b->v, c->to.index);
	if (c->to.cache >= 0)
		b->v->close(b->v, c->to.cache);
	buf_free(&c->blob);
	free(c);
	b->compact = NULL;
}

static int
write_cache_head(struct box *to)
{
	uint8_t head[CACHE_FIRST] = { 'V', 'C', 'A', 'C' };

	to->own.cache_nonce = (uint32_t)rand_u64() | 1;
	num_put32le(head + 4, INDEX_VERSION);
	num_put32le(head + 8, to->own.cache_nonce);
	to->cache_size = CACHE_FIRST;
	return volume_write(to->v, to->cache, str_mem(head, sizeof(head)), 0);
}

static int
write_names_head(struct box *to)
{
	struct buf line;
	int r;

	to->names.head.nonce = rand_u64();
	to->names.head.uidnext = to->h.uidnext;
	to->own.nonce = to->names.head.nonce;
	buf_init(&line, NAMES_LINE_MAX);
	names_head_put(&to->names.head, &line);
	r = volume_write(to->v, to->names.fd, buf_str(&line), 0);
	to->names.size = buf_str(&line).n;
	buf_free(&line);
	return r;
}

static int
begin(struct box *b)
{
	struct box_compact *c = xcalloc(1, sizeof(*c));
	char name[64];

	b->compact = c;
	c->to.a = b->a;
	c->to.v = c->to.names.v = b->v;
	c->to.h = b->h;
	c->to.h.generation++;
	c->to.own = b->own;
	c->to.names.head = b->names.head;
	c->modseq = b->h.modseq;
	c->records = b->h.records;
	buf_init(&c->blob, CACHE_BLOB_HEAD + CACHE_BLOB_MAX);
	c->to.names.fd = volume_create(b->v, b->folder, BESIDE_NAMES,
	    0600);
	beside_name(b, "idx.new", name);
	c->to.index = volume_create(b->v, b->a->index, name, 0600);
	beside_name(b, "cache.new", name);
	c->to.cache = volume_create(b->v, b->a->index, name, 0600);
	if (c->to.names.fd < 0 || c->to.index < 0 || c->to.cache < 0)
		return FAIL_TEMP;
	/* The old head with its keywords, then ours over it. */
	if (box_head_copy(b, &c->to) != 0 || write_cache_head(&c->to) != 0 ||
	    write_names_head(&c->to) != 0)
		return FAIL_TEMP;
	c->to.h.records = c->to.h.messages = c->to.h.unseen =
	    c->to.h.deleted = 0;
	c->to.h.size = 0;
	c->to.own.new_from = c->to.own.dirty_from = 0;
	c->to.own.cold_from = 0;
	return 0;
}

static int
carry(struct box *b, struct index_record *r)
{
	static const struct index_record none = { .flags = INDEX_EXPUNGED };
	struct box_compact *c = b->compact;
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct names_entry e;

	if (names_get(&b->names, r->name_at, &e) != 0 || e.uid != r->uid ||
	    names_add(&c->to.names, &e, &r->name_at) != 0)
		return FAIL_TEMP;
	box_cache_read(b, r->cache_at, &c->blob);
	r->cache_at = box_cache_add(&c->to, buf_str(&c->blob));
	index_record_put(r, bytes);
	if (box_write(&c->to, c->to.h.records, 1, bytes) != 0)
		return FAIL_TEMP;
	box_account_for(&c->to, c->to.h.records++, &none, r);
	return 0;
}

/* Names first: from then on only the new index fits. */
static int
put_in_place(struct box *b)
{
	struct box_compact *c = b->compact;
	char name[64], beside[72];
	static const char *const kinds[] = { "cache", "idx" };
	size_t i;

	if (box_write_head(&c->to) != 0 || b->v->rename(b->v, b->folder,
	    BESIDE_NAMES, b->folder, NAMES_FILE, true) < 0)
		return FAIL_TEMP;
	for (i = 0; i < NITEMS(kinds); i++) {
		beside_name(b, kinds[i], name);
		snprintf(beside, sizeof(beside), "%s.new", name);
		if (b->v->rename(b->v, b->a->index, beside, b->a->index, name,
		    true) < 0)
			return FAIL_TEMP;
	}
	return 0;
}

static void
swap(int *x, int *y)
{
	int z = *x;

	*x = *y;
	*y = z;
}

static void
finish(struct box *b)
{
	struct box_compact *c = b->compact;

	if (put_in_place(b) != 0) {
		b->stale = true;
		box_compact_drop(b);
		return;
	}
	swap(&b->index, &c->to.index);
	swap(&b->cache, &c->to.cache);
	swap(&b->names.fd, &c->to.names.fd);
	b->names.size = c->to.names.size;
	b->names.head = c->to.names.head;
	b->cache_size = c->to.cache_size;
	b->h = c->to.h;
	b->own = c->to.own;
	b->remapped = true;
	box_compact_drop(b);
}

/* true: nothing of it is left. */
bool
box_compact(struct box *b, int64_t until_ms)
{
	struct box_compact *c = b->compact;
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;
	unsigned n = 0;

	if (c != NULL && (c->modseq != b->h.modseq ||
	    c->records != b->h.records))
		box_compact_drop(b);
	if (b->compact == NULL && begin(b) != 0)
		goto stop;
	c = b->compact;
	while (c->at < c->records) {
		if (box_read(b, c->at++, 1, bytes) != 0 ||
		    index_record_get(bytes, &r) != 0)
			goto stop;
		if (!(r.flags & INDEX_EXPUNGED) && carry(b, &r) != 0)
			goto stop;
		if (++n % 64 == 0 && clock_mono_ms() >= until_ms)
			return false;
	}
	finish(b);
	b->todo &= ~(unsigned)BOX_COMPACT;
	return true;
stop:
	box_compact_drop(b);
	b->todo &= ~(unsigned)BOX_COMPACT;
	return true;
}
