/* SPDX-License-Identifier: ISC */
/*
 * maildir/rebuild.c - the index of a mailbox that has none: entries of the
 * names log whose file is there become records, then the log is repeated on
 * them.
 */
#include "maildir/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define DOUBT_S	60	/* results are settled once a second; a disk may hang */

/* --- what names and log say ---------------------------------------------- */

static int
by_uid(const void *a, const void *b)
{
	const struct scan_entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* A message that was written anew, or moved away and back, has the name that
 * it had under another UID: the last one counts. */
static void
note_uid(struct box *b, struct str base, uint32_t uid)
{
	struct seen_file *x = scan_seen(b, base);

	if (x != NULL && x->uid < uid)
		x->uid = uid;
}

static void
strike_range(struct box_scan *s, const struct log_range *range,
    uint32_t gone_s)
{
	size_t low = 0, high = s->entries, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (s->entry[mid].uid < range->first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < s->entries && s->entry[low].uid <= range->last; low++)
		s->entry[low].gone_s = gone_s;
}

/* What the log says is expunged is struck off the list. */
static void
strike(struct box *b)
{
	struct log_range range;
	struct log_record l;
	struct log_walk w;
	bool here;

	log_walk_begin(&w, &b->a->log);
	while (log_walk_next(&w, &l)) {
		if (memcmp(l.mailboxid, b->names.head.mailboxid, 16) != 0)
			continue;
		if (l.type == LOG_APPEND)
			note_uid(b, l.name, l.uid);
		if (l.type != LOG_EXPUNGE)
			continue;
		/* One whose file went elsewhere has nothing to unlink here. */
		here = !l.moved && l.when_s > 0 && l.when_s < UINT32_MAX;
		while (log_ranges_next(&l.ranges, &range))
			strike_range(b->scan, &range, here ?
			    (uint32_t)l.when_s : 1);
	}
	log_walk_end(&w);
}

static void
list_names(struct box *b)
{
	struct names_walk *w = xmalloc(sizeof(*w));
	struct box_scan *s = b->scan;
	struct names_entry e;
	struct scan_entry x;
	int64_t newest_s = 0;
	bool in_order = true;

	names_walk_begin(w, &b->names, names_first(&b->names));
	while (names_walk_next(w, &e, &x.at)) {
		x.uid = e.uid;
		x.gone_s = 0;
		note_uid(b, str_of(e.base), e.uid);
		if (e.savedate_s > newest_s)
			newest_s = e.savedate_s;
		if (s->entries == s->entry_cap) {
			s->entry_cap = s->entry_cap == 0 ? 256 :
			    s->entry_cap * 2;
			s->entry = xrealloc(s->entry, s->entry_cap *
			    sizeof(*s->entry));
		}
		if (s->entries > 0 && s->entry[s->entries - 1].uid >= x.uid)
			in_order = false;
		s->entry[s->entries++] = x;
	}
	free(w);
	s->doubt_s = scan_is_doubted(b) ? newest_s - DOUBT_S : INT64_MAX;
	if (!in_order)
		qsort(s->entry, s->entries, sizeof(*s->entry), by_uid);
	strike(b);
}

/* The old index may still know things that are dear: keywords, cache. */
static void
keep_old(struct box *b)
{
	struct box_scan *s = b->scan;
	off_t size;

	s->old = b->index;
	b->index = -1;
	size = s->old < 0 ? -1 : volume_size(b->v, s->old);
	if (size > INDEX_HEADER_SIZE)
		s->old_records = (uint32_t)((size - INDEX_HEADER_SIZE) /
		    INDEX_RECORD_SIZE);
	s->old_cache_size = b->cache_size;
}

static bool
old_get(struct box *b, uint32_t at, struct index_record *r_out)
{
	uint8_t bytes[INDEX_RECORD_SIZE];

	return volume_read(b->v, b->scan->old, bytes, sizeof(bytes),
	    INDEX_HEADER_SIZE + (off_t)at * INDEX_RECORD_SIZE) == 0 &&
	    index_record_get(bytes, r_out) == 0;
}

static bool
old_record(struct box *b, uint32_t uid, struct index_record *r_out)
{
	struct box_scan *s = b->scan;
	uint32_t low = 0, high = s->old_records, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (!old_get(b, mid, r_out))
			return false;
		if (r_out->uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->old_records && old_get(b, low, r_out) &&
	    r_out->uid == uid && !(r_out->flags & INDEX_EXPUNGED);
}

static int
begin_anew(struct box *b)
{
	struct box_scan *s = b->scan;
	int64_t cur_ns;

	if (!b->failed) {
		log_event(LOG_LEVEL_WARN, "index-rebuild");
		log_z("account", b->a->name);
		log_z("mailbox", b->name);
		log_end();
	}
	keep_old(b);
	cur_ns = b->own.cur_ns;
	if (box_index_new(b) != 0)
		return FAIL_TEMP;
	b->own.cur_ns = cur_ns;
	b->own.building = 1;
	b->own.recent_uid = UINT32_MAX;	/* nothing is new again */
	if (box_write_head(b) != 0)
		return FAIL_TEMP;
	list_names(b);
	s->listed = true;
	return 0;
}

/* Sizes from the name if it says the truth about the file, from the old
 * index, or from the file itself; only from that when the machine may have
 * gone down before the file was settled: it may be there in its full length
 * with nothing in it. */
static int
sizes(struct box *b, const char *base, struct index_record *r,
    const struct index_record *old)
{
	const struct ingest *i = b->a->place->ingest;
	char name[FNAME_BUF];
	struct stat st;
	uint64_t size, wire;
	bool in_new = (r->flags & INDEX_IN_NEW) != 0;
	bool is_sure = r->savedate_s < b->scan->doubt_s;
	int fd, fail;

	if (!fname_make(str_of(base), r->letters, in_new, name) ||
	    b->v->stat(b->v, in_new ? b->new_ : b->cur, name, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return FAIL_GONE;
	r->disk_size = (uint64_t)st.st_size;
	if (is_sure && old != NULL && old->disk_size == r->disk_size) {
		r->wire_size = old->wire_size;
		return 0;
	}
	if (is_sure && fname_size(str_of(base), 'S', &size) &&
	    size == r->disk_size && fname_size(str_of(base), 'W', &wire)) {
		r->wire_size = wire;
		return 0;
	}
	fail = scan_open(b, name, in_new, &fd);
	if (fail != 0)
		return fail;
	fail = box_measure(b, fd);
	b->v->close(b->v, fd);
	if (fail != 0)
		return fail;
	r->wire_size = i->wire_size;
	if (!is_sure && scan_is_ours(name) &&
	    fname_size(str_of(base), 'W', &wire) && wire != r->wire_size) {
		scan_take_out_torn(b, name, in_new);
		return FAIL_GONE;
	}
	r->cache_at = box_cache_add(b, buf_str(&i->blob));
	return 0;
}

/* It was expunged, and its file was not unlinked yet.  One that was touched
 * since is no longer ours to unlink: somebody put it back. */
static void
unlink_later(struct box *b, const struct scan_entry *x)
{
	struct names_entry e;
	char name[FNAME_BUF];
	struct seen_file *file;
	struct stat st;
	bool in_new;

	if (names_get(&b->names, x->at, &e) != 0)
		return;
	file = scan_seen(b, str_of(e.base));
	if (file == NULL || file->uid != x->uid || file->state & SEEN_MATCHED)
		return;
	file->state |= SEEN_EXPUNGED;
	in_new = (file->state & SEEN_IN_NEW) != 0;
	if (fname_make(str_of(e.base), file->letters, in_new, name) &&
	    b->v->stat(b->v, in_new ? b->new_ : b->cur, name, &st) == 0 &&
	    st.st_ctim.tv_sec <= (time_t)x->gone_s)
		file->state |= SEEN_DOOMED;
}

static int
rebuild_one(struct box *b, const struct scan_entry *x)
{
	struct box_scan *s = b->scan;
	struct index_record r = { .uid = x->uid, .name_at = x->at }, old;
	struct names_entry e;
	struct seen_file *file;
	bool has_old;
	int fail;

	if (x->uid >= b->uid_next)
		b->uid_next = x->uid + 1;
	if (x->gone_s != 0)
		unlink_later(b, x);
	if (x->gone_s != 0 || x->uid < b->h.uidnext)
		return 0;		/* expunged, or said twice */
	fail = names_get(&b->names, x->at, &e);
	if (fail != 0)
		return fail == FAIL_TEMP ? fail : 0;
	file = scan_seen(b, str_of(e.base));
	if (file == NULL || file->state & SEEN_MATCHED || file->uid != x->uid)
		return 0;		/* its file is gone, or another's */
	r.letters = file->letters;
	r.flags = fname_flags(file->letters);
	if (file->state & SEEN_IN_NEW)
		r.flags |= INDEX_IN_NEW;
	r.internaldate_s = e.internaldate_s;
	r.savedate_s = e.savedate_s;
	r.modseq = b->a->modseq;
	has_old = s->old >= 0 && old_record(b, x->uid, &old);
	if (has_old) {
		r.keywords = old.keywords;
		if (old.cache_at < s->old_cache_size)
			r.cache_at = old.cache_at;
	}
	fail = sizes(b, e.base, &r, has_old ? &old : NULL);
	if (fail == FAIL_GONE)
		return 0;
	seen_match(&s->seen, file);
	return fail != 0 ? fail : box_put_record(b, &r);
}

bool
scan_rebuild(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	const struct account_last *last;
	unsigned n = 0;

	errno = 0;
	if (!s->listed && begin_anew(b) != 0) {
		box_failed(b, "index");
		return false;
	}
	while (s->next < s->entries) {
		if (rebuild_one(b, &s->entry[s->next++]) != 0) {
			box_failed(b, "index");
			return false;
		}
		if (++n % 32 == 0 && clock_mono_ms() >= until_ms)
			return false;
	}
	/* What happened since names and files: the log, all of it. */
	if (box_replay(b, 0) != 0) {
		box_failed(b, "index");
		return false;
	}
	last = dict_get(&b->a->last, str_mem(b->names.head.mailboxid, 16));
	/* The last ones may be expunged: they are known all the same. */
	if (last != NULL && b->h.uidnext <= last->uid)
		b->h.uidnext = last->uid + 1;
	if (b->uid_next < b->h.uidnext)
		b->uid_next = b->h.uidnext;
	b->uid_next += b->jump;
	b->jump = 0;
	if (b->h.modseq < b->a->modseq)
		b->h.modseq = b->a->modseq;
	b->own.building = 0;
	b->own.recent_uid = b->h.uidnext;
	reserve_checked(&b->a->reserve, b->row);
	b->remapped = true;
	if (box_write_head(b) != 0) {
		box_failed(b, "index");
		return false;
	}
	box_mended(b);
	b->todo &= ~(unsigned)BOX_REBUILD;
	b->todo |= BOX_WARM;
	return true;
}
