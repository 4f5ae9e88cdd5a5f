/* SPDX-License-Identifier: ISC */
/*
 * maildir/step.c - files of a mailbox: opened, copied, renamed and unlinked;
 * the work that follows the index, in small steps.
 *
 * The name of a file is derived: its base from the names log, its letters
 * from the record.  Where it is not there, somebody else has renamed or
 * deleted it, and a scan of the folders is due (scan.c).
 */
#include "maildir/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#include "base/banned.h"

#define SCANS		(BOX_REBUILD | BOX_SCAN_NEW | BOX_SCAN_ALL)
#define AGAIN_MS	30000
#define WARM_MAX	(4 * 1024 * 1024)	/* what one step may read */

/* Our own renames in cur/ must not look like others' later, nor hide them:
 * compare before, take the new time after. */
void
box_cur_begin(struct box *b)
{
	int64_t ns = volume_mtime_ns(b->v, b->cur);

	if (ns != b->own.cur_ns && ns != -1 && !(b->todo & BOX_REBUILD)) {
		b->todo |= BOX_SCAN_ALL;
		b->own.cur_ns = 0;
	}
}

void
box_cur_end(struct box *b)
{
	if (b->own.cur_ns != 0)
		b->own.cur_ns = volume_mtime_ns(b->v, b->cur);
}

static int
open_tmp(struct box *b)
{
	return b->v->open(b->v, b->folder, "tmp", O_RDONLY | O_DIRECTORY, 0);
}

/* Nothing in it counts, so it may get lost, and without it no mail could be
 * delivered for ever. */
int
box_tmp(struct box *b)
{
	if (b->tmp < 0)
		b->tmp = open_tmp(b);
	if (b->tmp < 0 && (errno == ENOENT || errno == ENOTDIR) &&
	    volume_mkdirs(b->v, b->folder, "tmp", 0700) == 0)
		b->tmp = open_tmp(b);
	return b->tmp;
}

/* --- a message's file ---------------------------------------------------- */

int
box_name_of(struct box *b, const struct index_record *r,
    struct names_entry *e_out, char name_out[FNAME_BUF], int *dir_out)
{
	int fail = names_get(&b->names, r->name_at, e_out);

	if (fail != 0 || e_out->uid != r->uid)
		return box_damaged(b, 0);	/* it has other offsets */
	if (!fname_make(str_of(e_out->base), r->letters,
	    (r->flags & INDEX_IN_NEW) != 0, name_out))
		return FAIL_PERM;
	*dir_out = r->flags & INDEX_IN_NEW ? b->new_ : b->cur;
	return 0;
}

int
box_measure(struct box *b, int fd)
{
	struct ingest *i = b->a->place->ingest;
	uint8_t piece[32 * 1024];
	off_t from = 0;
	ssize_t n;

	ingest_begin(i, b->v, -1);
	i->user = NULL;		/* a scan begins its file anew */
	while ((n = b->v->pread(b->v, fd, piece, sizeof(piece), from)) > 0) {
		ingest_feed(i, str_mem(piece, (size_t)n));
		from += n;
	}
	return n < 0 || ingest_end(i) != 0 ? FAIL_TEMP : 0;
}

/*
 * Somebody wrote into its file.  A message must not change (RFC 3501,
 * 2.3.1.1), but this one has, and to give it another UID would be to expunge
 * a file that we did not write: its sizes and what was kept of its header are
 * those of the file again.
 */
static int
correct(struct box *b, uint32_t at, struct index_record *r, int fd)
{
	const struct ingest *i = b->a->place->ingest;
	const struct index_record was = *r;
	uint8_t bytes[INDEX_RECORD_SIZE];

	if (box_measure(b, fd) != 0)
		return FAIL_TEMP;
	log_event(LOG_LEVEL_WARN, "message-rewritten");
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_u64("uid", r->uid);
	log_u64("was", was.disk_size);
	log_u64("is", i->disk_size);
	log_end();
	r->disk_size = i->disk_size;
	r->wire_size = i->wire_size;
	r->cache_at = box_cache_add(b, buf_str(&i->blob));
	box_account_for(b, at, &was, r);
	index_record_put(r, bytes);
	return box_write(b, at, 1, bytes) != 0 ? FAIL_TEMP : box_write_head(b);
}

int
box_file(struct box *b, uint32_t uid, int *fd_out, uint64_t *size_out)
{
	char name[FNAME_BUF];
	struct names_entry e;
	struct index_record r;
	uint32_t at;
	off_t size;
	int dir, fail = box_find(b, uid, &at, &r);

	if (fail == 0)
		fail = box_name_of(b, &r, &e, name, &dir);
	if (fail != 0)
		return fail;
	*fd_out = b->v->open(b->v, dir, name, O_RDONLY, 0);
	if (*fd_out < 0) {
		if (errno != ENOENT)
			return FAIL_TEMP;
		b->todo |= BOX_SCAN_ALL;
		return FAIL_GONE;
	}
	size = volume_size(b->v, *fd_out);
	fail = size < 0 ? FAIL_TEMP : (uint64_t)size == r.disk_size ? 0 :
	    correct(b, at, &r, *fd_out);
	*size_out = (uint64_t)size;
	if (fail == 0)
		return 0;
	b->v->close(b->v, *fd_out);
	*fd_out = -1;
	return fail;
}

/* --- copying ------------------------------------------------------------- */

static int
copy_bytes(struct box *from, int dir, const char *name, struct box *to,
    const char *new_name)
{
	int in, out, tmp = box_tmp(to), fail = FAIL_TEMP;
	uint8_t piece[16 * 1024];
	ssize_t n = -1;
	off_t at = 0;

	in = from->v->open(from->v, dir, name, O_RDONLY, 0);
	if (in < 0 || tmp < 0)
		goto out;
	out = to->v->open(to->v, tmp, new_name, O_WRONLY | O_CREAT | O_EXCL,
	    0600);
	if (out < 0)
		goto out;
	while ((n = from->v->pread(from->v, in, piece, sizeof(piece), at)) > 0
	    && volume_write(to->v, out, str_mem(piece, (size_t)n), at) == 0)
		at += n;
	to->v->close(to->v, out);
	if (n == 0 && to->v->rename(to->v, tmp, new_name, to->cur, new_name,
	    false) == 0)
		fail = 0;
	else
		to->v->unlink(to->v, tmp, new_name);
	/* The source may go only when this is settled (durability.md 23). */
	to->a->copies++;
	to->a->copy_unsettled = STORE_RULE('U');
out:
	if (in >= 0)
		from->v->close(from->v, in);
	return fail;
}

static void
new_base(struct box_message *m)
{
	fname_base_copy(clock_real_s(), rand_u64(), m->disk_size,
	    m->wire_size, m->base);
}

/* 0, FAIL_GONE (no such source), FAIL_TEMP. */
static int
place(struct box *from, int dir, const char *name, struct box *to,
    struct box_message *m, bool *move)
{
	char new_name[FNAME_BUF];
	int tries, r;

	for (tries = 0; tries < 3; tries++) {
		if (!*move || tries > 0)
			new_base(m);
		if (!fname_make(str_of(m->base), m->letters, false, new_name))
			continue;
		if (*move)
			r = from->v->rename(from->v, dir, name, to->cur,
			    new_name, false);
		else
			r = from->v->link(from->v, dir, name, to->cur,
			    new_name);
		if (r == 0)
			return 0;
		if (errno == ENOENT) {
			from->todo |= BOX_SCAN_ALL;
			return FAIL_GONE;
		}
		/* Another file system, or one without links. */
		if (errno == EXDEV || errno == EMLINK || errno == EPERM) {
			if (*move)	/* from now on it is a copy like others */
				new_base(m);
			*move = false;
			if (!fname_make(str_of(m->base), m->letters, false,
			    new_name))
				continue;
			return copy_bytes(from, dir, name, to, new_name);
		}
		if (errno != EEXIST)
			return FAIL_TEMP;
	}
	return FAIL_TEMP;
}

/* Keywords have bits of their own in each mailbox. */
static int
map_keywords(struct box *from, struct box *to, uint64_t bits,
    uint64_t *mask_out)
{
	uint64_t one;
	unsigned i;

	*mask_out = 0;
	for (i = 0; i < from->keywords; i++) {
		if ((bits & UINT64_C(1) << i) == 0)
			continue;
		if (box_keyword_mask(to, str_of(from->keyword[i]), true, &one)
		    == FAIL_TEMP)
			return FAIL_TEMP;
		*mask_out |= one;
	}
	return 0;
}

void
box_cache_read(struct box *b, uint64_t at, struct buf *out)
{
	uint8_t head[CACHE_BLOB_HEAD];
	uint32_t n;
	uint8_t *p;
	struct str items;

	buf_reset(out);
	if (at == 0 || volume_read(b->v, b->cache, head, sizeof(head),
	    (off_t)at) != 0 || (n = cache_blob_length(head)) == 0)
		return;
	n += CACHE_BLOB_HEAD;
	p = buf_grow(out, n);
	if (p == NULL || volume_read(b->v, b->cache, p, n, (off_t)at) != 0)
		return;
	buf_grown(out, n);
	if (cache_blob_check(buf_str(out), &items) != 0)
		buf_reset(out);
}

/* By fsync each thing that changed is handed over: the file, the folders
 * that name it or named it, and the two logs (durability.md 23). */
static void
tell_placed(struct box *from, int from_dir, struct box *to,
    const struct box_message *m)
{
	void (*wrote)(struct account *, int, bool) = to->a->place->ops->wrote;
	char name[FNAME_BUF];
	int fd;

	if (wrote == NULL || !fname_make(str_of(m->base), m->letters, false,
	    name))
		return;
	fd = to->v->open(to->v, to->cur, name, O_RDONLY, 0);
	if (fd >= 0) {
		wrote(to->a, fd, false);
		to->v->close(to->v, fd);
	}
	wrote(to->a, to->cur, true);
	wrote(from->a, from_dir, true);
	wrote(to->a, to->names.fd, false);
	wrote(to->a, to->a->log.fd, false);
}

int
box_copy(struct box *from, uint32_t uid, struct box *to, bool *move,
    uint32_t *uid_out)
{
	struct box_message m = { .savedate_s = clock_real_s() };
	char name[FNAME_BUF];
	struct names_entry e;
	struct index_record r;
	struct buf blob;
	uint32_t at;
	int dir, fail = box_find(from, uid, &at, &r);

	if (fail == 0)
		fail = box_name_of(from, &r, &e, name, &dir);
	if (fail == 0)
		fail = map_keywords(from, to, r.keywords, &m.keywords);
	if (fail != 0)
		return fail;
	m.flags = r.flags & INDEX_FLAG_MASK;
	m.letters = (r.letters & ~fname_own()) | fname_letters(m.flags);
	m.internaldate_s = r.internaldate_s;
	m.wire_size = r.wire_size;
	m.disk_size = r.disk_size;
	m.emailid = e.emailid;
	memcpy(m.base, e.base, sizeof(m.base));
	box_cur_begin(from);
	box_cur_begin(to);
	fail = place(from, dir, name, to, &m, move);
	box_cur_end(from);
	box_cur_end(to);
	if (fail != 0)
		return fail;
	buf_init(&blob, CACHE_BLOB_HEAD + CACHE_BLOB_MAX);
	box_cache_read(from, r.cache_at, &blob);
	m.blob = buf_str(&blob);
	fail = box_add(to, &m, uid_out);
	buf_free(&blob);
	if (fail == 0) {
		tell_placed(from, dir, to, &m);
		return 0;
	}
	/* Not logged: as if it had not been. */
	if (fname_make(str_of(m.base), m.letters, false, name)) {
		char back[FNAME_BUF];

		if (!*move)
			to->v->unlink(to->v, to->cur, name);
		else if (fname_make(str_of(e.base), r.letters,
		    (r.flags & INDEX_IN_NEW) != 0, back))
			to->v->rename(to->v, to->cur, name, dir, back, false);
	}
	return fail;
}

/* --- file names follow --------------------------------------------------- */

static void
unlink_one(struct box *b, struct index_record *r)
{
	char name[FNAME_BUF];
	struct names_entry e;
	int dir;

	if (box_name_of(b, r, &e, name, &dir) != 0)
		return;
	/* What became a folder is no file of ours, and nobody's message. */
	if (b->v->unlink(b->v, dir, name) < 0 && errno != EISDIR) {
		if (errno != ENOENT)
			return;		/* tried again later */
		/* Renamed meanwhile by somebody: the scan finds the file, and
		 * this record, and ends it. */
		b->todo |= BOX_SCAN_ALL;
		return;
	}
	r->flags &= (uint16_t)~INDEX_DIRTY;
}

static void
rename_one(struct box *b, struct index_record *r)
{
	uint64_t letters = (r->letters & ~fname_own()) |
	    fname_letters(r->flags);
	char name[FNAME_BUF], new_name[FNAME_BUF];
	struct names_entry e;
	int dir;

	if (box_name_of(b, r, &e, name, &dir) != 0 ||
	    !fname_make(str_of(e.base), letters, false, new_name))
		return;
	if (b->v->rename(b->v, dir, name, b->cur, new_name, false) < 0) {
		if (errno == ENOENT || errno == EEXIST)
			b->todo |= BOX_SCAN_ALL;
		return;
	}
	r->letters = letters;
	r->flags &= (uint16_t)~(INDEX_DIRTY | INDEX_IN_NEW);
}

/* A message that a session has seen leaves new/ with the next flush. */
static bool
wants(const struct box *b, const struct index_record *r, unsigned mask)
{
	if (r->flags & INDEX_EXPUNGED)
		return (r->flags & INDEX_DIRTY) && (mask & BOX_UNLINK) &&
		    !b->a->copy_unsettled;
	if (!(mask & BOX_FLUSH))
		return false;
	return (r->flags & INDEX_DIRTY) || ((r->flags & INDEX_IN_NEW) &&
	    r->uid < b->own.recent_uid);
}

static void
follow_record(struct box *b, uint32_t at, uint8_t *p)
{
	struct index_record r, was;

	if (index_record_get(p, &r) != 0)
		return;		/* the caller looked */
	was = r;
	if (r.flags & INDEX_EXPUNGED)
		unlink_one(b, &r);
	else
		rename_one(b, &r);
	index_record_put(&r, p);
	box_account_for(b, at, &was, &r);
}

/* What is still dirty, or in new/, bounds the next pass. */
static void
remember(struct box *b, uint32_t at, const uint8_t *p)
{
	struct index_record r;

	if (index_record_get(p, &r) != 0)
		return;
	if (r.flags & INDEX_DIRTY && at < b->pass_dirty)
		b->pass_dirty = at;
	if (r.flags & INDEX_IN_NEW && at < b->pass_new)
		b->pass_new = at;
}

/* Records from `at` on, a chunk at most; where it stopped. */
static uint32_t
follow_chunk(struct box *b, uint32_t at, unsigned mask, int64_t until_ms)
{
	uint8_t *p = xmalloc((size_t)BOX_CHUNK * INDEX_RECORD_SIZE), *one;
	uint32_t n = b->h.records - at, k, done = 0;
	struct index_record r;

	if (n > BOX_CHUNK)
		n = BOX_CHUNK;
	if (box_read(b, at, n, p) != 0)
		n = 0;
	for (k = 0; k < n && !b->stale; k++) {
		one = p + (size_t)k * INDEX_RECORD_SIZE;
		if (index_record_get(one, &r) == 0 && wants(b, &r, mask)) {
			follow_record(b, at + k, one);
			done++;
		}
		remember(b, at + k, one);
		if (done >= 32 && done % 32 == 0 &&
		    clock_mono_ms() >= until_ms) {
			k++;
			break;
		}
	}
	if (done > 0 && box_write(b, at, k, p) != 0)
		b->stale = true;
	free(p);
	return at + k;
}

/* One pass over all that may have work; true: it came to the end. */
static bool
follow(struct box *b, unsigned mask, int64_t until_ms)
{
	uint32_t first = b->own.dirty > 0 ? b->own.dirty_from : UINT32_MAX;

	if (b->own.new_from < first && mask & BOX_FLUSH)
		first = b->own.new_from;
	if (b->pass_mask != mask) {
		b->pass_mask = mask;
		b->pass_at = first;
		b->pass_dirty = b->pass_new = UINT32_MAX;
	}
	box_cur_begin(b);
	while (b->pass_at < b->h.records && !b->stale) {
		b->pass_at = follow_chunk(b, b->pass_at, mask, until_ms);
		if (clock_mono_ms() >= until_ms)
			break;
	}
	box_cur_end(b);
	if (b->stale || b->pass_at < b->h.records)
		return b->stale || box_write_head(b) != 0;
	b->pass_mask = 0;
	b->own.dirty_from = b->pass_dirty < b->h.records ? b->pass_dirty :
	    b->h.records;
	if (mask & BOX_FLUSH)
		b->own.new_from = b->pass_new < b->h.records ? b->pass_new :
		    b->h.records;
	b->todo &= ~mask;
	if (mask & BOX_FLUSH)
		b->flush_ms = 0;
	if (b->own.dirty > 0 && mask & BOX_FLUSH && !(b->todo & SCANS)) {
		b->todo |= BOX_FLUSH;	/* the world said no: later again */
		b->flush_ms = clock_mono_ms() + AGAIN_MS;
	}
	return box_write_head(b) == 0 || b->stale;
}

/* A few messages: their files go at once, without a pass. */
void
box_unlink_now(struct box *b, const struct box_set *uids)
{
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;
	uint32_t at, uid;
	size_t i;

	if (b->a->copy_unsettled) {
		b->todo |= BOX_UNLINK;
		return;
	}
	box_cur_begin(b);
	for (i = 0; i < uids->n && !b->stale; i++)
		for (uid = uids->v[i].first; uid <= uids->v[i].last; uid++) {
			at = box_lower(b, uid);
			if (b->stale || at >= b->h.records ||
			    box_read(b, at, 1, bytes) != 0)
				break;
			if (index_record_get(bytes, &r) != 0 || r.uid != uid ||
			    (~r.flags & (INDEX_EXPUNGED | INDEX_DIRTY)))
				continue;
			follow_record(b, at, bytes);
			if (box_write(b, at, 1, bytes) != 0)
				break;
		}
	box_cur_end(b);
	if (!b->stale && box_write_head(b) != 0)
		b->stale = true;
}

/* --- what a lost index took along ---------------------------------------- */

/* Reads a message for its cache.  One that cannot be had stays without:
 * whoever asks for it reads the file. */
static int
warm_record(struct box *b, uint32_t at)
{
	struct ingest *i = b->a->place->ingest;
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;
	struct names_entry e;
	char name[FNAME_BUF];
	int dir, fd, fail;

	if (box_read(b, at, 1, bytes) != 0)
		return FAIL_TEMP;
	if (index_record_get(bytes, &r) != 0)
		return box_damaged(b, at);
	if (r.cache_at != 0 || r.flags & INDEX_EXPUNGED ||
	    r.disk_size > WARM_MAX)
		return 0;
	if (box_name_of(b, &r, &e, name, &dir) != 0)
		return b->stale ? FAIL_TEMP : 0;
	fd = b->v->open(b->v, dir, name, O_RDONLY, 0);
	if (fd < 0)
		return 0;
	fail = box_measure(b, fd);
	b->v->close(b->v, fd);
	if (fail != 0 || i->disk_size != r.disk_size)
		return 0;
	r.cache_at = box_cache_add(b, buf_str(&i->blob));
	index_record_put(&r, bytes);
	return box_write(b, at, 1, bytes);
}

static bool
warm(struct box *b, int64_t until_ms)
{
	unsigned n = 0;

	for (; b->own.cold_from < b->h.records; b->own.cold_from++) {
		if (warm_record(b, b->own.cold_from) != 0)
			break;
		if (++n % 8 == 0 && clock_mono_ms() >= until_ms)
			return false;
	}
	b->todo &= ~(unsigned)BOX_WARM;
	return b->stale || box_write_head(b) == 0 || b->stale;
}

/* --- steps --------------------------------------------------------------- */

bool
box_step(struct box *b, unsigned mask, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;
	unsigned now;

	if (b->stale || b->is_deleted)
		return true;
	if (b->scan != NULL || b->todo & mask & SCANS) {
		if (!box_scan_step(b, until_ms))
			return false;
		return (b->todo & mask & ~(unsigned)SCANS) == 0;
	}
	now = b->todo & mask & (BOX_UNLINK | BOX_FLUSH);
	if (now & BOX_UNLINK && b->a->copy_unsettled)
		now &= ~(unsigned)BOX_UNLINK;
	if (now != 0 && !follow(b, now, until_ms))
		return false;
	if (b->todo & mask & BOX_COMPACT)
		return box_compact(b, until_ms);
	return !(b->todo & mask & BOX_WARM) || warm(b, until_ms);
}
