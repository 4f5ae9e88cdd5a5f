/* SPDX-License-Identifier: ISC */
/*
 * maildir/box.c - opening a mailbox: names, index and cache.
 *
 * States of an index at open, and what is done:
 *	fits names log, up to date	used as it is
 *	fits, log has newer records	they are repeated (replay.c)
 *	absent, damaged, half made,	BOX_REBUILD: made again of names, log
 *	of another names log, or the	and files (rebuild.c); the mailbox
 *	machine went down in between	answers when that is done
 *	no names log either		a new mailbox; files are taken in as
 *					if somebody had delivered them
 */
#include "maildir/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/rand.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define HEAD_WRITE	(INDEX_HEAD_SIZE + BOX_OWN_SIZE)
#define FILE_BUF	64
#define RETRY_MS	1500	/* a mailbox that cannot be opened */

static const uint8_t cache_magic[4] = { 'V', 'C', 'A', 'C' };

/* --- sets ---------------------------------------------------------------- */

void
box_set_add(struct box_set *s, uint32_t uid)
{
	s->count++;
	if (s->n > 0 && s->v[s->n - 1].last + 1 == uid) {
		s->v[s->n - 1].last = uid;
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 8 : s->cap * 2;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = (struct log_range){ uid, uid };
}

void
box_set_free(struct box_set *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

static void
say(const struct box *b, enum log_level level, const char *event)
{
	log_event(level, event);
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
}

/* --- the head of the index ----------------------------------------------- */

void
box_own_put(const struct box_own *o, uint8_t out[BOX_OWN_SIZE])
{
	memset(out, 0, BOX_OWN_SIZE);
	num_put64le(out, o->nonce);
	num_put64le(out + 8, o->names_size);
	num_put32le(out + 16, o->cache_nonce);
	num_put32le(out + 20, o->new_from);
	num_put32le(out + 24, o->dirty);
	num_put32le(out + 28, o->dirty_from);
	num_put32le(out + 32, o->recent_uid);
	num_put32le(out + 36, o->building);
	num_put64le(out + 40, (uint64_t)o->new_ns);
	num_put64le(out + 48, (uint64_t)o->cur_ns);
	num_put32le(out + 56, o->cold_from);
	num_put32le(out + 60, o->partial);
	num_put32le(out + BOX_OWN_SIZE - 4, crc32c(out, BOX_OWN_SIZE - 4));
}

int
box_own_get(const uint8_t in[BOX_OWN_SIZE], struct box_own *o_out)
{
	if (num_get32le(in + BOX_OWN_SIZE - 4) !=
	    crc32c(in, BOX_OWN_SIZE - 4))
		return FAIL_TEMP;
	o_out->nonce = num_get64le(in);
	o_out->names_size = num_get64le(in + 8);
	o_out->cache_nonce = num_get32le(in + 16);
	o_out->new_from = num_get32le(in + 20);
	o_out->dirty = num_get32le(in + 24);
	o_out->dirty_from = num_get32le(in + 28);
	o_out->recent_uid = num_get32le(in + 32);
	o_out->building = num_get32le(in + 36);
	o_out->new_ns = (int64_t)num_get64le(in + 40);
	o_out->cur_ns = (int64_t)num_get64le(in + 48);
	o_out->cold_from = num_get32le(in + 56);
	o_out->partial = num_get32le(in + 60);
	return 0;
}

int
box_write_head(struct box *b)
{
	uint8_t bytes[HEAD_WRITE];

	b->own.names_size = b->names.size;
	index_header_put(&b->h, bytes);
	box_own_put(&b->own, bytes + INDEX_HEAD_SIZE);
	if (volume_write(b->v, b->index, str_mem(bytes, sizeof(bytes)), 0) !=
	    0) {
		b->stale = true;
		return FAIL_TEMP;
	}
	b->a->used = true;
	return 0;
}

int
box_head_copy(struct box *from, struct box *to)
{
	uint8_t page[INDEX_HEADER_SIZE];

	if (volume_read(from->v, from->index, page, sizeof(page), 0) != 0)
		return FAIL_TEMP;
	return volume_write(to->v, to->index, str_mem(page, sizeof(page)), 0);
}

/* --- index and cache files ----------------------------------------------- */

static void
file_name(const struct box *b, const char *kind, char out[FILE_BUF])
{
	char id[MID_LEN + 1];

	mid_from_bin(b->names.head.mailboxid, id);
	snprintf(out, FILE_BUF, "%s.%s", id, kind);
}

static int
cache_new(struct box *b)
{
	uint8_t head[CACHE_FIRST] = { 0 };
	char name[FILE_BUF];

	if (b->cache >= 0)
		b->v->close(b->v, b->cache);
	file_name(b, "cache", name);
	/* Faces may still read the old one: never truncated, replaced. */
	b->cache = volume_create(b->v, b->a->index, name, 0600);
	if (b->cache < 0)
		return FAIL_TEMP;
	b->own.cache_nonce = (uint32_t)rand_u64() | 1;
	memcpy(head, cache_magic, 4);
	num_put32le(head + 4, INDEX_VERSION);
	num_put32le(head + 8, b->own.cache_nonce);
	b->cache_size = CACHE_FIRST;
	return volume_write(b->v, b->cache, str_mem(head, sizeof(head)), 0);
}

/* The one that goes with the index, or a new, empty one: then offsets in
 * records point nowhere, and later into other messages' blobs. */
static int
load_cache(struct box *b, bool *is_new_out)
{
	uint8_t head[CACHE_FIRST];
	char name[FILE_BUF];
	off_t size;

	file_name(b, "cache", name);
	b->cache = volume_open_own(b->v, b->a->index, name, O_RDWR, 0, NULL);
	if (b->cache >= 0 && volume_read(b->v, b->cache, head, sizeof(head),
	    0) == 0 && memcmp(head, cache_magic, 4) == 0 &&
	    num_get32le(head + 4) == INDEX_VERSION &&
	    num_get32le(head + 8) == b->own.cache_nonce &&
	    (size = volume_size(b->v, b->cache)) >= CACHE_FIRST) {
		b->cache_size = (uint64_t)size;
		*is_new_out = false;
		return 0;
	}
	*is_new_out = true;
	return cache_new(b);
}

uint64_t
box_cache_add(struct box *b, struct str blob)
{
	uint64_t at = b->cache_size;

	if (blob.n == 0 || b->cache < 0)
		return 0;
	if (volume_write(b->v, b->cache, blob, (off_t)at) != 0)
		return 0;	/* the next one overwrites what is there */
	b->cache_size += blob.n;
	return at;
}

int
box_index_new(struct box *b)
{
	uint8_t head[INDEX_HEADER_SIZE] = { 0 };
	char name[FILE_BUF];

	if (b->index >= 0)
		b->v->close(b->v, b->index);
	file_name(b, "idx", name);
	b->index = volume_create(b->v, b->a->index, name, 0600);
	if (b->index < 0)
		return FAIL_TEMP;
	b->h = (struct index_header){ .version = INDEX_VERSION,
	    .generation = b->h.generation + 1,
	    .uidvalidity = b->names.head.uidvalidity, .uidnext = 1 };
	memcpy(b->h.mailboxid, b->names.head.mailboxid,
	    sizeof(b->h.mailboxid));
	b->own = (struct box_own){ .nonce = b->names.head.nonce,
	    .recent_uid = 1, .cache_nonce = b->own.cache_nonce,
	    .partial = 1 };
	if (volume_write(b->v, b->index, str_mem(head, sizeof(head)), 0) != 0)
		return FAIL_TEMP;
	return box_keywords_write(b) != 0 ? FAIL_TEMP : box_write_head(b);
}

/* 0: it fits; FAIL_GONE: it must be made anew. */
static int
load_index(struct box *b)
{
	uint8_t head[HEAD_WRITE];
	char name[FILE_BUF];
	off_t size;

	file_name(b, "idx", name);
	b->index = volume_open_own(b->v, b->a->index, name, O_RDWR, 0, NULL);
	if (b->index < 0)
		return errno == ENOENT ? FAIL_GONE : FAIL_TEMP;
	size = volume_size(b->v, b->index);
	if (volume_read(b->v, b->index, head, sizeof(head), 0) != 0 ||
	    index_header_get(head, &b->h, NULL) != 0 ||
	    box_own_get(head + INDEX_HEAD_SIZE, &b->own) != 0 ||
	    box_keywords_read(b) != 0)
		return FAIL_GONE;
	if (b->own.building || b->own.nonce != b->names.head.nonce ||
	    b->own.names_size > b->names.size ||
	    b->h.uidvalidity != b->names.head.uidvalidity ||
	    memcmp(b->h.mailboxid, b->names.head.mailboxid, 16) != 0 ||
	    size < 0 || (uint64_t)size < INDEX_HEADER_SIZE +
	    (uint64_t)b->h.records * INDEX_RECORD_SIZE)
		return FAIL_GONE;
	return 0;
}

bool
box_whole(struct box *b)
{
	if (!(b->todo & BOX_REBUILD) && !b->own.partial)
		return true;
	if (b->scan == NULL && !(b->todo & BOX_REBUILD))
		b->todo |= BOX_SCAN_ALL;
	return false;
}

/* Is what we have open still what stands there, and as long? */
static bool
is_there(struct box *b, int fd, const char *suffix, uint64_t size)
{
	char name[FILE_BUF];
	struct stat ours, st;

	file_name(b, suffix, name);
	if (b->v->stat(b->v, fd, NULL, &ours) < 0)
		return true;	/* cannot tell */
	if (b->v->stat(b->v, b->a->index, name, &st) < 0)
		return errno != ENOENT;
	return st.st_ino == ours.st_ino && st.st_dev == ours.st_dev &&
	    (uint64_t)st.st_size >= size;
}

/* One that was cut would get a hole by the next record. */
static void
check_size(struct box *b)
{
	off_t size;

	if (b->stale || b->is_deleted || b->todo & BOX_REBUILD)
		return;
	size = volume_size(b->v, b->index);
	if (size < 0 || (uint64_t)size >= INDEX_HEADER_SIZE +
	    (uint64_t)b->h.records * INDEX_RECORD_SIZE)
		return;
	say(b, LOG_LEVEL_WARN, "index-cut");
	log_end();
	b->stale = true;
}

static bool
head_is_whole(struct box *b)
{
	uint8_t head[HEAD_WRITE];
	struct index_header h;
	struct box_own own;

	return volume_read(b->v, b->index, head, sizeof(head), 0) == 0 &&
	    index_header_get(head, &h, NULL) == 0 &&
	    box_own_get(head + INDEX_HEAD_SIZE, &own) == 0;
}

void
box_check_index(struct box *b)
{
	uint64_t size = INDEX_HEADER_SIZE + (uint64_t)b->h.records *
	    INDEX_RECORD_SIZE;

	if (b->stale || b->is_deleted || b->todo & BOX_REBUILD ||
	    (is_there(b, b->index, "idx", size) &&
	    is_there(b, b->cache, "cache", b->cache_size) && head_is_whole(b)))
		return;
	say(b, LOG_LEVEL_WARN, "index-gone");
	log_end();
	b->stale = true;
}

int
box_share(struct box *b, int *index_out, int *cache_out, struct why *why)
{
	char name[FILE_BUF];

	file_name(b, "idx", name);
	*index_out = b->v->open(b->v, b->a->index, name, O_RDONLY, 0);
	if (*index_out < 0)
		return why_errno(why, FAIL_TEMP, "index");
	file_name(b, "cache", name);
	*cache_out = b->v->open(b->v, b->a->index, name, O_RDONLY, 0);
	if (*cache_out >= 0)
		return 0;
	b->v->close(b->v, *index_out);
	return why_errno(why, FAIL_TEMP, "cache");
}

/* --- names and numbers --------------------------------------------------- */

static int
names_new(struct box *b)
{
	struct names_head head = { .nonce = rand_u64() };

	head.uidvalidity = reserve_uidvalidity(&b->a->reserve,
	    clock_real_s());
	rand_bytes(head.mailboxid, sizeof(head.mailboxid));
	return names_create(&b->names, b->v, b->folder, &head);
}

static int
load_names(struct box *b)
{
	int r = names_open(&b->names, b->v, b->folder);
	struct box *other;

	if (r == FAIL_PERM) {
		say(b, LOG_LEVEL_ERROR, "names-damaged");
		log_end();
		if (volume_put_aside(b->v, b->folder, NAMES_FILE) != 0)
			return FAIL_TEMP;
	}
	if (r == FAIL_PERM || r == FAIL_GONE)
		return names_new(b);
	if (r != 0)
		return r;
	other = box_by_id(b->a, b->names.head.mailboxid);
	if (other == NULL || other == b)
		return 0;
	/* Somebody copied a folder with its names: the copy is another
	 * mailbox and gets an identity of its own. */
	names_close(&b->names);
	return names_new(b);
}

/* Rule 20: numbering goes on above all that a client can have seen.  What
 * the state folder lost, or never had (a Maildir from elsewhere), leaves
 * room for blocks that were under way there. */
static int
load_numbers(struct box *b, uint32_t *jump_out)
{
	struct reserve *res = &b->a->reserve;
	const struct names_head *head = &b->names.head;

	*jump_out = 0;
	b->row = reserve_row(res, head->mailboxid);
	if (b->row != NULL && b->row->uidvalidity == head->uidvalidity)
		return 0;
	if (b->names.size > names_first(&b->names))
		*jump_out = 2 * RESERVE_UIDS;
	if (*jump_out > 0 && (b->row != NULL || res->damaged ||
	    (res->lost && b->a->last.len > 0))) {
		say(b, LOG_LEVEL_ERROR, "numbers-lost");
		log_end();
		names_close(&b->names);
		if (names_new(b) != 0)
			return FAIL_TEMP;
		*jump_out = 0;
		head = &b->names.head;
	}
	b->row = reserve_row_make(res, head->mailboxid, head->uidvalidity, 1);
	return 0;
}

/* --- open and close ------------------------------------------------------ */

static int
open_folders(struct box *b, const char *folder)
{
	b->folder = account_folder(b->a, folder);
	if (b->folder < 0)
		return errno == ENOENT || errno == ENOTDIR ? FAIL_GONE :
		    FAIL_TEMP;
	b->cur = b->v->open(b->v, b->folder, "cur", O_RDONLY | O_DIRECTORY, 0);
	b->new_ = b->v->open(b->v, b->folder, "new", O_RDONLY | O_DIRECTORY,
	    0);
	if (b->cur < 0 || b->new_ < 0)
		return errno == ENOENT ? FAIL_GONE : FAIL_TEMP;
	return 0;
}

/* Index and cache, or BOX_REBUILD. */
static int
load_index_files(struct box *b, const struct account_last *last, uint32_t jump)
{
	bool had_names = b->names.size > names_first(&b->names), is_new = true;
	int r = load_index(b);

	if (r == FAIL_TEMP)
		return r;
	if (r != 0 && !had_names && last == NULL) {
		b->todo |= BOX_SCAN_ALL;
		if (box_index_new(b) != 0)
			return FAIL_TEMP;
	} else if (r != 0 || b->row->unclean || jump > 0) {
		b->todo |= BOX_REBUILD;
	}
	if (load_cache(b, &is_new) != 0)
		return FAIL_TEMP;
	/* Faces hold pairs of index and cache: both are others, or none. */
	if (is_new && b->h.records > 0)
		b->todo |= BOX_REBUILD;
	return 0;
}

static uint32_t
next_uid(const struct box *b, const struct account_last *last)
{
	uint32_t uid = b->todo & BOX_REBUILD ? 1 : b->h.uidnext;

	if (STORE_RULE('I') && b->row->unclean && uid < b->row->synced)
		uid = (uint32_t)b->row->synced;
	if (last != NULL && uid <= last->uid)
		uid = last->uid + 1;
	return uid < b->names.head.uidnext ? b->names.head.uidnext : uid;
}

/* What an index that is in use says is still to be done. */
static unsigned
work_left(const struct box *b)
{
	return (b->own.partial ? BOX_SCAN_ALL : 0u) |
	    (b->own.dirty > 0 ? BOX_FLUSH | BOX_UNLINK : 0u) |
	    (b->own.cold_from < b->h.records ? BOX_WARM : 0u);
}

static int
load(struct box *b)
{
	const struct account_last *last;
	uint32_t jump;

	if (load_names(b) != 0 || load_numbers(b, &jump) != 0)
		return FAIL_TEMP;
	last = dict_get(&b->a->last, str_mem(b->names.head.mailboxid, 16));
	if (load_index_files(b, last, jump) != 0)
		return FAIL_TEMP;
	b->uid_next = next_uid(b, last);
	b->own.recent_uid = b->own.recent_uid == 0 ? 1 : b->own.recent_uid;
	b->jump = jump;		/* once the names were read: rebuild.c */
	if (b->todo & BOX_REBUILD)
		return 0;
	b->todo |= work_left(b);
	return last == NULL || (last->txn <= b->h.modseq &&
	    last->uid < b->h.uidnext) ? 0 : box_replay(b, b->h.modseq);
}

static void
close_files(struct box *b)
{
	int *fd[] = { &b->index, &b->cache, &b->cur, &b->new_, &b->tmp,
	    &b->folder };
	size_t i;

	names_close(&b->names);
	for (i = 0; i < NITEMS(fd); i++) {
		if (*fd[i] >= 0)
			b->v->close(b->v, *fd[i]);
		*fd[i] = -1;
	}
}

/* A torn record is found while the log is repeated: that index is marked,
 * and the second try makes it anew. */
static int
load_all(struct box *b, const char *folder)
{
	struct why why;
	int r, tries;

	if (account_index(b->a, &why) != 0)
		return FAIL_TEMP;
	for (tries = 0; tries < 2; tries++) {
		b->stale = false;
		b->todo = 0;
		r = open_folders(b, folder);
		if (r == 0)
			r = load(b);
		if (r == 0 || !b->stale)
			return r;
		close_files(b);
	}
	return r;
}

static struct box *
box_new(struct account *a, struct str name)
{
	struct box *b = xcalloc(1, sizeof(*b));

	b->a = a;
	b->v = a->v;
	b->folder = b->cur = b->new_ = b->tmp = b->index = b->cache =
	    b->names.fd = -1;
	snprintf(b->name, sizeof(b->name), "%.*s", STR_ARG(name));
	list_init(&b->held);
	list_init(&b->watchers);
	list_init(&b->link);
	b->used_ms = clock_mono_ms();
	return b;
}

static struct box *
box_by_name(struct account *a, struct str name)
{
	struct link *e;
	struct box *b;

	list_each(e, &a->boxes) {
		b = container_of(e, struct box, link);
		if (!b->is_deleted && str_same(name, b->name))
			return b;
	}
	return NULL;
}

struct box *
box_by_id(struct account *a, const uint8_t id[16])
{
	struct link *e;
	struct box *b;

	list_each(e, &a->boxes) {
		b = container_of(e, struct box, link);
		if (b->names.fd >= 0 &&
		    memcmp(b->names.head.mailboxid, id, 16) == 0)
			return b;
	}
	return NULL;
}

int
box_open(struct account *a, struct str name, struct box **out,
    struct why *why)
{
	char folder[FOLDER_BUF];
	struct box *b;
	int r;

	if (str_is(name, "INBOX"))
		name = STR("INBOX");
	b = box_by_name(a, name);
	if (b != NULL) {
		*out = b;
		b->used_ms = clock_mono_ms();
		check_size(b);
		return box_fresh(b, why);
	}
	if (folder_encode(name, folder) != 0)
		return why_set(why, FAIL_GONE, "no such mailbox");
	b = box_new(a, name);
	r = load_all(b, folder);
	if (r == FAIL_GONE) {
		box_close(b);
		return why_set(why, FAIL_GONE, "no such mailbox");
	}
	if (r != 0) {
		why_errno(why, FAIL_TEMP, "cannot open mailbox");
		box_close(b);
		return FAIL_TEMP;
	}
	list_push(&a->boxes, &b->link);
	*out = b;
	return 0;
}

void
box_close(struct box *b)
{
	box_scan_drop(b);
	box_compact_drop(b);
	while (!list_empty(&b->held))
		free(list_pop(&b->held));
	list_remove(&b->link);
	/* What is left of its block is given back: a clean account has exact
	 * numbers. */
	if (b->row != NULL && !b->is_deleted && !b->stale &&
	    !b->row->unclean && !(b->todo & BOX_REBUILD))
		b->row->wanted = b->row->written = b->row->synced =
		    b->uid_next;
	close_files(b);
	box_keywords_forget(b);
	box_set_free(&b->changed);
	box_set_free(&b->gone);
	free(b);
}

/* Once until it is mended, for it may be tried for days. */
void
box_failed(struct box *b, const char *what)
{
	b->stale = true;
	b->retry_ms = clock_mono_ms() + RETRY_MS;
	if (b->failed)
		return;
	b->failed = true;
	say(b, LOG_LEVEL_ERROR, "mailbox-failed");
	log_z("what", what);
	log_errno();
	log_end();
}

void
box_mended(struct box *b)
{
	if (!b->failed)
		return;
	b->failed = false;
	say(b, LOG_LEVEL_INFO, "mailbox-mended");
	log_end();
}

int
box_fresh(struct box *b, struct why *why)
{
	uint32_t uid_next = b->uid_next, generation = b->h.generation;
	char folder[FOLDER_BUF];

	if (!b->stale)
		return 0;
	if (clock_mono_ms() < b->retry_ms)
		return why_set(why, FAIL_TEMP, "mailbox failed a moment ago");
	if (account_index(b->a, why) != 0)
		return FAIL_TEMP;
	box_scan_drop(b);
	box_compact_drop(b);
	close_files(b);
	b->pass_mask = 0;
	errno = 0;
	if (folder_encode(str_of(b->name), folder) != 0 ||
	    load_all(b, folder) != 0) {
		why_errno(why, FAIL_TEMP, "cannot open mailbox again");
		box_failed(b, "reopen");
		close_files(b);
		return FAIL_TEMP;
	}
	b->stale = false;
	if (!(b->todo & BOX_REBUILD))
		box_mended(b);
	box_held_forget(b);
	if (b->uid_next < uid_next)
		b->uid_next = uid_next;
	if (b->h.generation <= generation)
		b->h.generation = generation + 1;
	b->remapped = true;
	return 0;
}

bool
box_ready(struct box *b, uint32_t n)
{
	struct account *a = b->a;

	if (reserve_ask(&a->reserve, b->row, b->uid_next, n, a->modseq))
		return true;
	a->place->ops->want_numbers(a);
	/* A want_numbers that syncs at once has made it true. */
	return reserve_ask(&a->reserve, b->row, b->uid_next, n, a->modseq);
}

/* --- looking at the folders ---------------------------------------------- */

void
box_check(struct box *b)
{
	int64_t ns;

	if (b->stale || b->is_deleted)
		return;
	b->checked_ms = clock_mono_ms();
	ns = volume_mtime_ns(b->v, b->new_);
	if (ns != -1 && ns != b->own.new_ns)
		b->todo |= BOX_SCAN_NEW;
	ns = volume_mtime_ns(b->v, b->cur);
	if (ns != -1 && ns != b->own.cur_ns)
		b->todo |= BOX_SCAN_ALL;
}
