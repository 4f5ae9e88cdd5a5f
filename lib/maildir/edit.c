/* SPDX-License-Identifier: ISC */
/*
 * maildir/edit.c - records: found, added, changed, expunged.
 *
 * Every change is one record of the log, then the records of the index, in
 * place, a chunk at a time.  A record whose sum is wrong is a damaged index:
 * the file is thrown away and the box is stale, so that the next open makes
 * it anew.
 */
#include "maildir/box.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define RANGES_A_RECORD	16000	/* of the log: well below LOG_RECORD_MAX */

struct held {
	struct link	link;
	uint32_t	uid;
	bool		waiting;	/* for box_sure or box_take_back */
	struct index_record r;
};

static off_t
record_at(uint32_t at)
{
	return INDEX_HEADER_SIZE + (off_t)at * INDEX_RECORD_SIZE;
}

int
box_read(struct box *b, uint32_t at, uint32_t n, uint8_t *out)
{
	if (volume_read(b->v, b->index, out, (size_t)n * INDEX_RECORD_SIZE,
	    record_at(at)) == 0)
		return 0;
	b->stale = true;
	return FAIL_TEMP;
}

int
box_write(struct box *b, uint32_t at, uint32_t n, const uint8_t *p)
{
	if (volume_write(b->v, b->index, str_mem(p, (size_t)n *
	    INDEX_RECORD_SIZE), record_at(at)) == 0)
		return 0;
	b->stale = true;
	return FAIL_TEMP;
}

/* A record with a wrong sum.  Nobody but us writes here: the file is bad. */
int
box_damaged(struct box *b, uint32_t at)
{
	log_event(LOG_LEVEL_ERROR, "index-damaged");
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_u64("record", at);
	log_end();
	b->own.building = 1;
	if (box_write_head(b) != 0) {
		/* Found again at the next open, by the same sum. */
	}
	b->stale = true;
	return FAIL_TEMP;
}

static int
get(struct box *b, uint32_t at, struct index_record *r_out)
{
	uint8_t bytes[INDEX_RECORD_SIZE];

	if (box_read(b, at, 1, bytes) != 0)
		return FAIL_TEMP;
	return index_record_get(bytes, r_out) == 0 ? 0 : box_damaged(b, at);
}

void
box_check_record(struct box *b, uint32_t at)
{
	struct index_record r;

	box_check_index(b);
	if (!b->stale && !(b->todo & BOX_REBUILD) && at < b->h.records)
		(void)!get(b, at, &r);
}

static int
put(struct box *b, uint32_t at, const struct index_record *r)
{
	uint8_t bytes[INDEX_RECORD_SIZE];

	index_record_put(r, bytes);
	return box_write(b, at, 1, bytes);
}

/* --- finding ------------------------------------------------------------- */

/* Where it lies if no UID from it to the last is missing, as is most often
 * so: one read in place of a search. */
static uint32_t
guess(const struct box *b, uint32_t uid)
{
	uint32_t back = b->h.uidnext - uid;

	return uid < b->h.uidnext && back <= b->h.records ?
	    b->h.records - back : b->h.records / 2;
}

uint32_t
box_lower(struct box *b, uint32_t uid)
{
	uint32_t low = 0, high = b->h.records, mid = guess(b, uid);
	struct index_record r;

	for (; low < high; mid = low + (high - low) / 2) {
		if (mid >= high)	/* guessed: behind the last */
			mid = high - 1;
		if (get(b, mid, &r) != 0)
			return b->h.records;
		if (r.uid == uid)
			return mid;
		if (r.uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int
box_find(struct box *b, uint32_t uid, uint32_t *at_out,
    struct index_record *r_out)
{
	uint32_t at = box_lower(b, uid);

	if (b->stale)
		return FAIL_TEMP;
	if (at >= b->h.records)
		return FAIL_GONE;
	if (get(b, at, r_out) != 0)
		return FAIL_TEMP;
	if (r_out->uid != uid || (r_out->flags & INDEX_EXPUNGED))
		return FAIL_GONE;
	*at_out = at;
	return 0;
}

/* --- counting ------------------------------------------------------------ */

static void
count(struct index_header *h, const struct index_record *r, int by)
{
	uint32_t one = (uint32_t)by;

	if (r->flags & INDEX_EXPUNGED)
		return;
	h->messages += one;
	h->unseen += r->flags & INDEX_SEEN ? 0 : one;
	h->deleted += r->flags & INDEX_DELETED ? one : 0;
	h->size += by > 0 ? r->wire_size : -r->wire_size;
}

void
box_account_for(struct box *b, uint32_t at, const struct index_record *was,
    const struct index_record *is)
{
	count(&b->h, was, -1);
	count(&b->h, is, 1);
	if (was->flags & INDEX_DIRTY && !(is->flags & INDEX_DIRTY) &&
	    b->own.dirty > 0)
		b->own.dirty--;
	if (is->flags & INDEX_DIRTY && !(was->flags & INDEX_DIRTY)) {
		if (b->own.dirty++ == 0 || at < b->own.dirty_from)
			b->own.dirty_from = at;
		if (at < b->pass_dirty)
			b->pass_dirty = at;
		if (!(is->flags & INDEX_EXPUNGED))
			b->todo |= BOX_FLUSH;
	}
	if (is->flags & INDEX_IN_NEW && at < b->own.new_from)
		b->own.new_from = at;
	if (is->flags & INDEX_IN_NEW && at < b->pass_new)
		b->pass_new = at;
	if (is->modseq > b->h.modseq)
		b->h.modseq = is->modseq;
}

/* After a crash the head may not fit the records: count again. */
int
box_recount(struct box *b)
{
	uint8_t *p = xmalloc((size_t)BOX_CHUNK * INDEX_RECORD_SIZE);
	struct index_record r;
	uint32_t at, n, k;
	int fail = 0;

	b->h.messages = b->h.unseen = b->h.deleted = b->own.dirty = 0;
	b->h.size = 0;
	b->own.new_from = b->h.records;
	for (at = 0; fail == 0 && at < b->h.records; at += n) {
		n = b->h.records - at < BOX_CHUNK ? b->h.records - at :
		    BOX_CHUNK;
		fail = box_read(b, at, n, p);
		for (k = 0; fail == 0 && k < n; k++) {
			if (index_record_get(p + (size_t)k *
			    INDEX_RECORD_SIZE, &r) != 0)
				fail = box_damaged(b, at + k);
			else
				box_account_for(b, at + k,
				    &(struct index_record){ .flags =
				    INDEX_EXPUNGED }, &r);
		}
	}
	free(p);
	return fail == 0 ? box_write_head(b) : fail;
}

/* --- editing ranges of records ------------------------------------------- */

enum edit_what { EDIT_FLAGS, EDIT_EXPUNGE, EDIT_SELECT };

struct edit {
	enum edit_what	what;
	enum box_how	how;
	uint16_t	flags;
	uint64_t	keywords;
	uint64_t	txn;
	bool		only_deleted, gone;
	bool		dry;		/* count only */
	bool		any;		/* is there one at all? */
	struct box_set	*out;
	uint32_t	changed;
	uint32_t	from;		/* UIDs below are done */
};

static void
edit_flags(const struct edit *e, struct index_record *r)
{
	uint16_t state = r->flags & (uint16_t)~INDEX_FLAG_MASK;
	uint16_t flags = r->flags & INDEX_FLAG_MASK;

	switch (e->how) {
	case BOX_SET:
		flags = e->flags;
		r->keywords = e->keywords;
		break;
	case BOX_ADD:
		flags |= e->flags;
		r->keywords |= e->keywords;
		break;
	case BOX_REMOVE:
		flags &= (uint16_t)~e->flags;
		r->keywords &= ~e->keywords;
		break;
	}
	state &= (uint16_t)~INDEX_DIRTY;
	if (fname_letters(flags) != (r->letters & fname_own()))
		state |= INDEX_DIRTY;
	r->flags = state | (flags & INDEX_FLAG_MASK);
}

/* Was anything changed? */
static bool
edit_record(const struct edit *e, struct index_record *r)
{
	struct index_record was = *r;

	if (r->flags & INDEX_EXPUNGED)
		return false;
	switch (e->what) {
	case EDIT_SELECT:
		return !e->only_deleted || (r->flags & INDEX_DELETED);
	case EDIT_FLAGS:
		edit_flags(e, r);
		break;
	case EDIT_EXPUNGE:
		r->flags |= INDEX_EXPUNGED | INDEX_DIRTY;
		if (e->gone)
			r->flags &= (uint16_t)~INDEX_DIRTY;
		break;
	}
	if (r->flags == was.flags && r->keywords == was.keywords)
		return false;
	r->modseq = e->txn;
	return true;
}

static void
tell(struct box *b, const struct edit *e, uint32_t uid)
{
	if (b->has_watchers)
		box_set_add(e->what == EDIT_EXPUNGE ? &b->gone : &b->changed,
		    uid);
}

struct span {		/* records of a chunk that were changed */
	uint32_t	first, last;
	bool		any;
};

static int
edit_chunk(struct box *b, uint32_t at, uint32_t n, uint8_t *p,
    const struct log_range **v, const struct log_range *end, struct edit *e)
{
	struct span span = { 0 };
	struct index_record r, was;
	uint32_t k;

	for (k = 0; k < n; k++) {
		if (index_record_get(p + (size_t)k * INDEX_RECORD_SIZE, &r)
		    != 0)
			return box_damaged(b, at + k);
		while (*v < end && (*v)->last < r.uid)
			(*v)++;
		if (*v == end)
			break;
		e->from = r.uid + 1;
		was = r;
		if (r.uid < (*v)->first || !edit_record(e, &r))
			continue;
		e->changed++;
		if (e->out != NULL)
			box_set_add(e->out, r.uid);
		if (e->any)
			break;
		if (e->dry)
			continue;
		tell(b, e, r.uid);
		box_account_for(b, at + k, &was, &r);
		index_record_put(&r, p + (size_t)k * INDEX_RECORD_SIZE);
		span.first = span.any ? span.first : k;
		span.last = k;
		span.any = true;
	}
	return !span.any ? 0 : box_write(b, at + span.first, span.last -
	    span.first + 1, p + (size_t)span.first * INDEX_RECORD_SIZE);
}

/* Ranges are sorted and do not overlap. */
static int
edit_ranges(struct box *b, const struct log_range *v, size_t n,
    struct edit *e)
{
	const struct log_range *end = v + n;
	uint8_t *p = xmalloc((size_t)BOX_CHUNK * INDEX_RECORD_SIZE);
	uint32_t at, len, wish;
	int r = 0;

	e->from = 0;
	while (r == 0 && v < end && !(e->any && e->changed > 0)) {
		at = box_lower(b, v->first > e->from ? v->first : e->from);
		if (b->stale)
			r = FAIL_TEMP;
		if (r != 0 || at >= b->h.records)
			break;
		/* Few UIDs are wanted: read few records. */
		wish = end[-1].last - v->first;
		len = wish < BOX_CHUNK ? wish + 1 : BOX_CHUNK;
		if (len > b->h.records - at)
			len = b->h.records - at;
		r = box_read(b, at, len, p);
		if (r == 0)
			r = edit_chunk(b, at, len, p, &v, end, e);
	}
	free(p);
	return r;
}

int
box_select(struct box *b, const struct log_range *v, size_t n,
    bool only_deleted, struct box_set *out)
{
	struct edit e = { .what = EDIT_SELECT, .only_deleted = only_deleted,
	    .dry = true, .out = out };

	return edit_ranges(b, v, n, &e);
}

/* One change as records of the log, none with too many ranges.  No range
 * reaches beyond what is announced: a repeat must not touch later mail. */
static int
log_change(struct box *b, struct log_record *l, const struct log_range *v,
    size_t n)
{
	struct log_range range;
	struct buf ranges;
	size_t i, k;
	int r = 0;

	memcpy(l->mailboxid, b->names.head.mailboxid, 16);
	buf_init(&ranges, RANGES_A_RECORD * 8);
	for (i = 0; r == 0 && i < n; i += k) {
		buf_reset(&ranges);
		for (k = 0; i + k < n && k < RANGES_A_RECORD; k++) {
			range = v[i + k];
			if (range.last >= b->h.uidnext)
				range.last = b->h.uidnext - 1;
			if (range.first <= range.last)
				log_ranges_put(&ranges, &range, 1);
		}
		l->ranges = buf_str(&ranges);
		if (l->ranges.n > 0)
			r = account_log(b->a, l);
	}
	buf_free(&ranges);
	return r;
}

int
box_flags_apply(struct box *b, const struct log_range *v, size_t n,
    const struct log_record *l)
{
	struct edit e = { .what = EDIT_FLAGS, .how = (enum box_how)l->how,
	    .flags = l->flags & INDEX_FLAG_MASK, .keywords = l->keywords,
	    .txn = l->txn };

	return edit_ranges(b, v, n, &e);
}

static void
flush_in(struct box *b, int64_t ms)
{
	int64_t at = clock_mono_ms() + ms;

	if (b->flush_ms == 0 || at < b->flush_ms)
		b->flush_ms = at;
}

int
box_flags(struct box *b, const struct log_range *v, size_t n,
    enum box_how how, uint16_t flags, uint64_t keywords, uint32_t *count_out)
{
	struct edit e = { .what = EDIT_FLAGS, .how = how,
	    .flags = flags & INDEX_FLAG_MASK, .keywords = keywords,
	    .dry = true, .any = true };
	struct log_record l = { .type = LOG_FLAGS, .how = (uint8_t)how,
	    .flags = e.flags, .keywords = keywords };
	int r = edit_ranges(b, v, n, &e);

	*count_out = 0;
	if (r != 0 || e.changed == 0)
		return r;
	r = log_change(b, &l, v, n);
	if (r != 0)
		return r;
	/* It has happened: what fails from here on is repaired at reopen. */
	e.dry = e.any = false;
	e.changed = 0;
	e.txn = l.txn;
	if (edit_ranges(b, v, n, &e) != 0 || box_write_head(b) != 0)
		b->stale = true;
	*count_out = e.changed;
	flush_in(b, e.changed > BOX_BULK ? BOX_FLUSH_BULK_MS : BOX_FLUSH_MS);
	return 0;
}

int
box_expunge_apply(struct box *b, const struct log_range *v, size_t n,
    uint64_t txn, bool gone)
{
	struct edit e = { .what = EDIT_EXPUNGE, .txn = txn, .gone = gone };

	return edit_ranges(b, v, n, &e);
}

static int
expunge_set(struct box *b, const struct box_set *uids, bool gone,
    bool replaced)
{
	struct log_record l = { .type = LOG_EXPUNGE, .moved = gone,
	    .replaced = replaced };
	int r;

	if (uids->n == 0)
		return 0;
	r = log_change(b, &l, uids->v, uids->n);
	if (r != 0)
		return r;
	if (box_expunge_apply(b, uids->v, uids->n, l.txn, gone) != 0 ||
	    box_write_head(b) != 0)
		b->stale = true;
	else if (!gone && uids->count <= BOX_FEW)
		box_unlink_now(b, uids);
	else if (!gone)
		b->todo |= BOX_UNLINK;
	return 0;
}

int
box_expunge(struct box *b, const struct log_range *v, size_t n,
    bool only_deleted, uint32_t *count_out)
{
	struct box_set uids = { 0 };
	int r = box_select(b, v, n, only_deleted, &uids);

	*count_out = uids.count;
	if (r == 0)
		r = expunge_set(b, &uids, false, false);
	box_set_free(&uids);
	return r;
}

int
box_moved(struct box *b, const struct box_set *uids)
{
	return expunge_set(b, uids, true, false);
}

int
box_replaced(struct box *b, uint32_t uid)
{
	struct log_range one = { uid, uid };
	struct box_set set = { .v = &one, .n = 1, .count = 1 };

	return expunge_set(b, &set, true, true);
}

int
box_log_flags(struct box *b, uint32_t uid, uint16_t flags)
{
	struct log_record l = { .type = LOG_FLAGS, .how = BOX_SET };
	struct log_range one = { uid, uid };
	struct index_record r;
	uint32_t at;

	if (box_find(b, uid, &at, &r) != 0)
		return FAIL_TEMP;
	l.flags = flags & INDEX_FLAG_MASK;
	l.keywords = r.keywords;
	return log_change(b, &l, &one, 1);
}

/* --- adding -------------------------------------------------------------- */

/* A replayed APPEND belongs between others.  Nobody has the mailbox open
 * (the caller saw to it); `building` says half done if we die meanwhile. */
static int
insert(struct box *b, struct index_record *r, uint32_t at)
{
	uint8_t *p = xmalloc((size_t)BOX_CHUNK * INDEX_RECORD_SIZE);
	uint32_t left = b->h.records - at, n;
	int fail;

	b->own.building = 1;
	fail = box_write_head(b);
	while (fail == 0 && left > 0) {
		n = left < BOX_CHUNK ? left : BOX_CHUNK;
		left -= n;
		fail = box_read(b, at + left, n, p);
		if (fail == 0)
			fail = box_write(b, at + left + 1, n, p);
	}
	free(p);
	if (fail == 0)
		fail = put(b, at, r);
	if (fail != 0) {
		b->stale = true;
		return fail;
	}
	b->own.building = 0;
	b->h.records++;
	b->own.dirty_from = 0;
	b->own.new_from = 0;
	return 0;
}

int
box_put_record(struct box *b, struct index_record *r)
{
	static const struct index_record none = { .flags = INDEX_EXPUNGED };
	uint32_t at = b->h.records;
	int fail;

	if (fname_letters(r->flags) != (r->letters & fname_own()))
		r->flags |= INDEX_DIRTY;
	if (r->uid < b->h.uidnext) {
		at = box_lower(b, r->uid);
		fail = insert(b, r, at);
	} else {
		fail = put(b, at, r);
		b->h.records++;
		b->h.uidnext = r->uid + 1;
	}
	if (fail != 0)
		return fail;
	if (b->uid_next < b->h.uidnext)
		b->uid_next = b->h.uidnext;
	if (at < b->own.new_from && !(r->flags & INDEX_IN_NEW) &&
	    b->own.new_from == b->h.records - 1)
		b->own.new_from = b->h.records;
	box_account_for(b, at, &none, r);
	return box_write_head(b);
}

static struct held *
find_held(struct box *b, uint32_t uid)
{
	struct link *e;

	list_each(e, &b->held)
		if (container_of(e, struct held, link)->uid == uid)
			return container_of(e, struct held, link);
	return NULL;
}

static void
hold(struct box *b, const struct index_record *r, bool waiting)
{
	struct held *h = xcalloc(1, sizeof(*h));
	struct link *e;

	h->uid = r->uid;
	h->waiting = waiting;
	h->r = *r;
	list_init(&h->link);
	/* In order of UIDs, nearly always at the end. */
	for (e = b->held.prev; e != &b->held &&
	    container_of(e, struct held, link)->uid > r->uid; e = e->prev)
		;
	list_unshift(e, &h->link);
}

/* Announces from the front what waits for nobody.  MODSEQs only grow, also
 * for one that was logged long before it is announced. */
static void
release(struct box *b)
{
	struct held *h;

	while (!list_empty(&b->held) && !b->stale) {
		h = container_of(list_first(&b->held), struct held, link);
		if (h->waiting)
			return;
		if (h->r.modseq <= b->h.modseq)
			h->r.modseq = account_txn(b->a);
		if (box_put_record(b, &h->r) != 0)
			b->stale = true;
		list_remove(&h->link);
		free(h);
	}
}

void
box_sure(struct box *b, uint32_t uid)
{
	struct held *h = find_held(b, uid);

	if (h == NULL)
		return;		/* a reopen announced it meanwhile */
	h->waiting = false;
	release(b);
}

int
box_take_back(struct box *b, uint32_t uid)
{
	struct log_record l = { .type = LOG_EXPUNGE };
	struct log_range one = { uid, uid };
	struct held *h = find_held(b, uid);
	struct buf ranges;
	uint32_t n;
	int r;

	if (h == NULL)
		return box_expunge(b, &one, 1, false, &n);
	list_remove(&h->link);
	free(h);
	buf_init(&ranges, 8);
	log_ranges_put(&ranges, &one, 1);
	l.ranges = buf_str(&ranges);
	memcpy(l.mailboxid, b->names.head.mailboxid, 16);
	r = account_log(b->a, &l);
	buf_free(&ranges);
	release(b);
	return r;
}

bool
box_held_get(struct box *b, size_t at, struct index_record *r_out)
{
	struct link *e;

	list_each(e, &b->held)
		if (at-- == 0) {
			*r_out = container_of(e, struct held, link)->r;
			return true;
		}
	return false;
}

void
box_held_forget(struct box *b)
{
	struct link *e, *tmp;
	struct held *h;

	list_each_safe(e, tmp, &b->held) {
		h = container_of(e, struct held, link);
		if (h->waiting)
			continue;
		list_remove(&h->link);
		free(h);
	}
}

/* In the order of their UIDs (durability.md 21). */
static void
announce(struct box *b, struct index_record *r, bool unsure)
{
	if ((unsure || (STORE_RULE('V') && !list_empty(&b->held))) &&
	    r->uid >= b->h.uidnext)
		hold(b, r, unsure);
	else if (box_put_record(b, r) != 0)
		b->stale = true;
}

int
box_log_append(struct box *b, const struct box_message *m, uint32_t uid,
    uint64_t *txn_out)
{
	struct log_record l = {
		.type = LOG_APPEND, .key = m->key, .uid = uid,
		.flags = m->flags & INDEX_FLAG_MASK, .keywords = m->keywords,
		.internaldate_s = m->internaldate_s,
		.savedate_s = m->savedate_s, .wire_size = m->wire_size,
		.disk_size = m->disk_size, .emailid = m->emailid,
		.in_new = m->in_new, .name = str_of(m->base),
	};
	int r;

	memcpy(l.mailboxid, b->names.head.mailboxid, 16);
	r = account_log(b->a, &l);
	*txn_out = l.txn;
	return r;
}

int
box_add(struct box *b, const struct box_message *m, uint32_t *uid_out)
{
	struct index_record r = {
		.flags = m->flags & INDEX_FLAG_MASK, .keywords = m->keywords,
		.internaldate_s = m->internaldate_s,
		.savedate_s = m->savedate_s, .wire_size = m->wire_size,
		.disk_size = m->disk_size, .letters = m->letters,
	};
	struct names_entry e = {
		.internaldate_s = m->internaldate_s,
		.savedate_s = m->savedate_s, .emailid = m->emailid,
	};

	r.uid = m->uid != 0 ? m->uid : b->uid_next++;
	if (r.uid >= b->uid_next)
		b->uid_next = r.uid + 1;
	if (m->in_new)
		r.flags |= INDEX_IN_NEW;
	if (box_log_append(b, m, r.uid, &r.modseq) != 0)
		return FAIL_TEMP;
	*uid_out = r.uid;
	e.uid = r.uid;
	memcpy(e.base, m->base, sizeof(e.base));
	if (names_add(&b->names, &e, &r.name_at) != 0) {
		b->stale = true;	/* the log has it: reopen mends it */
		return 0;
	}
	r.cache_at = box_cache_add(b, m->blob);
	announce(b, &r, m->unsure);
	return 0;
}
