/* SPDX-License-Identifier: ISC */
/*
 * imapd/box.c - the view over an index file, and what stored tells of it.
 *
 * The index is read by pread, 64 records at a time, and believed only so
 * far as its sums and lengths are right: a record that stays torn counts as
 * expunged.  A new generation of the file is taken when nothing is left to
 * say about the old one, for message numbers are counted in the old.
 *
 * Never writes anything but answers to the client.
 */
#include "imapd/box.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "daemon/daemon.h"
#include "imap/flag.h"
#include "imapd/body.h"
#include "imapd/idle.h"
#include "imapd/imapd.h"

#include "base/banned.h"

enum {
	TORN_TRIES = 5,
	RANGES_MAX = 8192,	/* of changed flags; more: look at them all */
	SET_ARENA = 1024 * 1024,
};

/* --- sets of UIDs -------------------------------------------------------- */

void
ranges_add(struct ranges *r, uint32_t first, uint32_t last)
{
	if (r->n > 0 && r->v[r->n - 1].last + 1 == first && first != 0) {
		r->v[r->n - 1].last = last;
		return;
	}
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 4 : 2 * r->cap;
		r->v = xrealloc(r->v, r->cap * sizeof(r->v[0]));
	}
	r->v[r->n++] = (struct imap_range){ first, last };
}

void
ranges_add_text(struct ranges *r, struct str set)
{
	struct arena arena;
	struct imap_set s;
	size_t i;

	arena_init(&arena, SET_ARENA);
	if (imap_set_parse(set, &arena, &s)) {
		imap_set_resolve(&s, UINT32_MAX);
		for (i = 0; i < s.n; i++)
			ranges_add(r, s.v[i].first, s.v[i].last);
	}
	arena_free(&arena);
}

void
ranges_free(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){ NULL, 0, 0 };
}

/* --- life ---------------------------------------------------------------- */

static uint64_t
box_key(unsigned worker, uint32_t handle)
{
	return (uint64_t)worker << 32 | handle;
}

struct box *
box_new(struct session *s)
{
	struct box *b = xcalloc(1, sizeof(*b));

	b->session = s;
	b->index_fd = b->cache_fd = -1;
	b->next_index_fd = b->next_cache_fd = -1;
	buf_init(&b->keywords, 8192);
	return b;
}

void
box_free(struct box **at)
{
	struct box *b = *at;

	if (b == NULL)
		return;
	box_drop_body(b);
	if (b->handle != 0)
		dict_del_u64(&imapd.boxes, box_key(b->worker, b->handle));
	fd_close(&b->index_fd);
	fd_close(&b->cache_fd);
	fd_close(&b->next_index_fd);
	fd_close(&b->next_cache_fd);
	ranges_free(&b->gone);
	ranges_free(&b->changed);
	ranges_free(&b->gone_since);
	ranges_free(&b->sync.set);
	buf_free(&b->keywords);
	free(b->dead);
	free(b);
	*at = NULL;
	box_forget_page();
}

void
box_close(struct session *s)
{
	struct note_store_close note = { 0 };

	if (s->box == NULL)
		return;
	note.box = s->box->handle;
	if (s->stored != NULL && note.box != 0)
		note_put_store_close(s->stored, &note);
	box_free(&s->box);
	s->state = IN_AUTH;
}

void
box_register(struct box *b)
{
	dict_put_u64(&imapd.boxes, box_key(b->worker, b->handle), b);
}

/* --- numbers ------------------------------------------------------------- */

size_t
box_dead_before(const struct box *b, uint32_t record)
{
	size_t lo = 0, hi = b->dead_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->dead[mid] < record)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t
box_exists(const struct box *b)
{
	return b->records - (uint32_t)box_dead_before(b, b->records);
}

uint32_t
box_seq(const struct box *b, uint32_t record)
{
	return record + 1 - (uint32_t)box_dead_before(b, record);
}

bool
box_is_dead(const struct box *b, uint32_t record)
{
	size_t i = box_dead_before(b, record);

	return i < b->dead_n && b->dead[i] == record;
}

/* dead[k] - k live records stand before the k-th dead one. */
uint32_t
box_at_seq(const struct box *b, uint32_t seq)
{
	size_t lo = 0, hi = b->dead_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->dead[mid] - mid <= seq - 1)
			lo = mid + 1;
		else
			hi = mid;
	}
	return seq - 1 + (uint32_t)lo;
}

void
box_bury(struct box *b, const uint32_t *record, size_t n)
{
	size_t i = b->dead_n, k = n, to = b->dead_n + n;

	if (n == 0)
		return;
	if (to > b->dead_cap) {
		b->dead_cap = to + to / 2;
		b->dead = xrealloc(b->dead, b->dead_cap * sizeof(*b->dead));
	}
	while (k > 0)	/* merged from the end, in place */
		if (i > 0 && b->dead[i - 1] > record[k - 1])
			b->dead[--to] = b->dead[--i];
		else
			b->dead[--to] = record[--k];
	b->dead_n += n;
}

/* --- records ------------------------------------------------------------- */

void
box_forget_page(void)
{
	imapd.page.fd = -1;
	imapd.window.fd = -1;
}

static off_t
record_at(uint32_t record)
{
	return INDEX_HEADER_SIZE + (off_t)record * INDEX_RECORD_SIZE;
}

static bool
load_page(const struct box *b, uint32_t record)
{
	ssize_t n = pread(b->index_fd, imapd.page.bytes,
	    sizeof(imapd.page.bytes), record_at(record));

	imapd.page.fd = -1;
	if (n < INDEX_RECORD_SIZE)
		return false;
	imapd.page.fd = b->index_fd;
	imapd.page.first = record;
	imapd.page.n = (uint32_t)n / INDEX_RECORD_SIZE;
	return true;
}

/* One record by itself, a few times: a write may be under way. */
static bool
read_alone(const struct box *b, uint32_t record, struct index_record *out)
{
	uint8_t bytes[INDEX_RECORD_SIZE];
	int i;

	for (i = 0; i < TORN_TRIES; i++) {
		if (pread(b->index_fd, bytes, sizeof(bytes),
		    record_at(record)) != sizeof(bytes))
			return false;
		if (index_record_get(bytes, out) == 0)
			return true;
	}
	return false;
}

/* Torn again and again, or cut: stored shall look, and mend it. */
static bool
is_torn(struct box *b, uint32_t record)
{
	struct note_store_torn n = { .box = b->handle, .record = record };

	b->torn = true;
	if (b->session->stored != NULL && !b->torn_told)
		note_put_store_torn(b->session->stored, &n);
	b->torn_told = true;
	return false;
}

bool
box_record(struct box *b, uint32_t record, struct index_record *out)
{
	const uint8_t *at;

	if (imapd.page.fd != b->index_fd || record < imapd.page.first ||
	    record - imapd.page.first >= imapd.page.n) {
		if (!load_page(b, record))
			return is_torn(b, record);
	}
	at = imapd.page.bytes +
	    (size_t)(record - imapd.page.first) * INDEX_RECORD_SIZE;
	return index_record_get(at, out) == 0 || read_alone(b, record, out) ||
	    is_torn(b, record);
}

/* UIDs never change, so that a page may serve here, whatever its age. */
static uint32_t
uid_of(struct box *b, uint32_t record)
{
	struct index_record r;
	bool in_page = imapd.page.fd == b->index_fd &&
	    record >= imapd.page.first &&
	    record - imapd.page.first < imapd.page.n;

	if (in_page ? box_record(b, record, &r) : read_alone(b, record, &r) ||
	    is_torn(b, record))
		return r.uid;
	return 0;
}

uint32_t
box_lower_uid(struct box *b, uint32_t uid, uint32_t from, uint32_t to)
{
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (uid_of(b, mid) < uid)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

bool
box_is_recent(const struct box *b, const struct index_record *r)
{
	return r->uid >= b->recent_uid;
}

uint32_t
box_count_recent(struct box *b)
{
	uint32_t first;

	if (b->records == 0 || b->recent_uid == UINT32_MAX)
		return 0;
	first = box_lower_uid(b, b->recent_uid, 0, b->records);
	return b->records - first - (uint32_t)(box_dead_before(b, b->records) -
	    box_dead_before(b, first));
}

/* UID of the last message, for '*'; 0: there is none. */
uint32_t
box_last_uid(struct box *b)
{
	uint32_t n = box_exists(b);

	return n == 0 ? 0 : uid_of(b, box_at_seq(b, n));
}

bool
box_header(const struct box *b, struct index_header *out)
{
	uint8_t bytes[INDEX_HEAD_SIZE];
	int i;

	for (i = 0; i < TORN_TRIES; i++) {
		if (pread(b->index_fd, bytes, sizeof(bytes), 0) !=
		    sizeof(bytes))
			return false;
		if (index_header_get(bytes, out, NULL) == 0)
			return true;
	}
	return false;
}

/* --- cache --------------------------------------------------------------- */

static bool
blob_in_window(const struct box *b, uint64_t at, size_t n)
{
	return imapd.window.fd == b->cache_fd && at >= imapd.window.at &&
	    at - imapd.window.at + n <= imapd.window.n;
}

static bool
load_window(const struct box *b, uint64_t at)
{
	ssize_t n = pread(b->cache_fd, imapd.window.bytes,
	    sizeof(imapd.window.bytes), (off_t)at);

	imapd.window.fd = -1;
	if (n <= CACHE_BLOB_HEAD)
		return false;
	imapd.window.fd = b->cache_fd;
	imapd.window.at = at;
	imapd.window.n = (size_t)n;
	return true;
}

static const uint8_t *
in_window(uint64_t at)
{
	return imapd.window.bytes + (at - imapd.window.at);
}

/* A blob that is larger than the window. */
static bool
load_alone(const struct box *b, uint64_t at, size_t n, struct buf *spare)
{
	uint8_t *p;

	buf_reset(spare);
	p = buf_grow(spare, n);
	if (p == NULL || pread(b->cache_fd, p, n, (off_t)at) != (ssize_t)n)
		return false;
	buf_grown(spare, n);
	return true;
}

bool
box_cache(const struct box *b, const struct index_record *r,
    struct buf *spare, struct str *items_out)
{
	uint64_t at = r->cache_at;
	size_t n;

	if (at == 0 || b->cache_fd < 0 || at > INT64_MAX)
		return false;
	if (!blob_in_window(b, at, CACHE_BLOB_HEAD) && !load_window(b, at))
		return false;
	n = cache_blob_length(in_window(at));
	if (n == 0 || n > CACHE_BLOB_MAX)
		return false;
	n += CACHE_BLOB_HEAD;
	if (n > sizeof(imapd.window.bytes))
		return load_alone(b, at, n, spare) &&
		    cache_blob_check(buf_str(spare), items_out) == 0;
	if (!blob_in_window(b, at, n) && !load_window(b, at))
		return false;
	return blob_in_window(b, at, n) &&
	    cache_blob_check(str_mem(in_window(at), n), items_out) == 0;
}

/* --- walking ------------------------------------------------------------- */

void
walk_begin(struct walk *w, const struct imap_set *set, bool by_uid)
{
	*w = (struct walk){ .set = set, .by_uid = by_uid };
}

/* The records of the next range. */
static bool
next_range(struct box *b, struct walk *w)
{
	const struct imap_range *r;
	uint32_t exists = box_exists(b), from = w->end;

	if (w->range == w->set->n || exists == 0)
		return false;
	r = &w->set->v[w->range++];
	if (!w->by_uid) {
		if (r->first > exists)
			return false;
		w->next = box_at_seq(b, r->first);
		w->end = box_at_seq(b, r->last > exists ? exists :
		    r->last) + 1;
	} else {
		w->next = box_lower_uid(b, r->first, from, b->records);
		w->end = r->first == r->last && w->next < b->records ?
		    w->next + (uid_of(b, w->next) == r->first) :
		    r->last == UINT32_MAX ? b->records :
		    box_lower_uid(b, r->last + 1, w->next, b->records);
	}
	w->dead_at = box_dead_before(b, w->next);
	return true;
}

bool
walk_next(struct box *b, struct walk *w, uint32_t *record_out)
{
	for (;;) {
		while (w->next < w->end && w->dead_at < b->dead_n &&
		    b->dead[w->dead_at] == w->next) {
			w->next++;
			w->dead_at++;
		}
		if (w->next < w->end) {
			*record_out = w->next++;
			return true;
		}
		if (!next_range(b, w))
			return false;
	}
}

/* --- saying -------------------------------------------------------------- */

void
box_put_flags(struct session *s, const struct index_record *r,
    uint32_t record, bool with_uid)
{
	struct box *b = s->box;

	buf_z(OUT(s), "* ");
	buf_num(OUT(s), box_seq(b, record));
	buf_z(OUT(s), " FETCH (");
	if (with_uid) {
		buf_z(OUT(s), "UID ");
		buf_num(OUT(s), r->uid);
		buf_c(OUT(s), ' ');
	}
	buf_z(OUT(s), "FLAGS (");
	imap_put_flags(OUT(s), r->flags & INDEX_FLAG_MASK,
	    box_is_recent(b, r), r->keywords, buf_str(&b->keywords));
	buf_z(OUT(s), "))\r\n");
}

void
box_put_flag_names(struct session *s)
{
	struct str names = buf_str(&s->box->keywords);

	buf_z(OUT(s), "\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	while (str_more(names)) {
		buf_c(OUT(s), ' ');
		buf_add(OUT(s), str_word(&names));
	}
}

/* --- news ---------------------------------------------------------------- */

static void
on_news(struct box *b, const struct note_store_news *n)
{
	b->new_records = n->records;
	b->uidnext = n->uidnext;
	b->new_modseq = n->modseq;
	if (!str_eq(n->keywords, buf_str(&b->keywords))) {
		buf_reset(&b->keywords);
		buf_add(&b->keywords, n->keywords);
		b->new_keywords = true;
	}
	if (n->has_set == 0)
		b->must_scan |= n->modseq > b->modseq;
	else if (n->set.n > 0 && !b->must_scan)
		ranges_add_text(&b->changed, n->set);
	if (b->changed.n > RANGES_MAX) {
		b->must_scan = true;
		ranges_free(&b->changed);
	}
}

static void
on_gone(struct box *b, const struct note_store_gone *n)
{
	if (n->set.n == 0 && b->next_index_fd >= 0)
		b->gone_look_next = true;
	else if (n->set.n == 0)
		b->gone_look = true;
	ranges_add_text(&b->gone, n->set);
	if (b->next_index_fd >= 0)
		ranges_add_text(&b->gone_since, n->set);
	if (n->modseq > b->new_modseq)
		b->new_modseq = n->modseq;
}

/* A second one before the first was looked at takes its place. */
static void
on_remap(struct box *b, const struct note *n)
{
	int fd = note_take_fd(n);

	if (fd < 0)
		return;		/* short of descriptors: the old one will do */
	fd_close(&b->next_index_fd);
	fd_close(&b->next_cache_fd);
	ranges_free(&b->gone_since);
	b->gone_look |= b->gone_look_next;
	b->gone_look_next = false;
	b->next_index_fd = fd;
	b->next_generation = n->u.store_remap.generation;
	b->next_modseq = n->u.store_remap.modseq;
	b->new_records = n->u.store_remap.records;
}

static void
on_recache(struct box *b, const struct note *n)
{
	int fd = note_take_fd(n);

	if (fd < 0)
		return;
	if (b->next_index_fd >= 0) {
		fd_close(&b->next_cache_fd);
		b->next_cache_fd = fd;
		return;
	}
	box_forget_page();
	fd_close(&b->cache_fd);
	b->cache_fd = fd;
}

/* The handle stands first in each of these notes. */
static struct box *
box_of(struct chan *c, const struct note *n)
{
	uint32_t handle;

	switch (n->kind) {
	case NOTE_STORE_NEWS:
		handle = n->u.store_news.box;
		break;
	case NOTE_STORE_GONE:
		handle = n->u.store_gone.box;
		break;
	case NOTE_STORE_REMAP:
		handle = n->u.store_remap.box;
		break;
	case NOTE_STORE_RECACHE:
		handle = n->u.store_recache.box;
		break;
	default:
		return NULL;
	}
	return dict_get_u64(&imapd.boxes, box_key(c->index, handle));
}

void
box_on_note(struct chan *c, const struct note *n)
{
	struct box *b = box_of(c, n);

	if (b == NULL)		/* closed meanwhile */
		return;
	switch (n->kind) {
	case NOTE_STORE_NEWS:
		on_news(b, &n->u.store_news);
		break;
	case NOTE_STORE_GONE:
		on_gone(b, &n->u.store_gone);
		break;
	case NOTE_STORE_REMAP:
		on_remap(b, n);
		break;
	default:
		on_recache(b, n);
		break;
	}
	idle_on_news(b->session);
}
