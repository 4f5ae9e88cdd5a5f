/* SPDX-License-Identifier: ISC */
/*
 * maildir/scan.c - what others did to the folders, and an index made anew.
 *
 * A scan goes through phases, each in steps that stop in time:
 *
 *	READ_NEW, READ_CUR	names of the folders into a table: hash of the
 *				base, letters, which folder
 *	REBUILD			index of a mailbox that has none: entries of
 *				the names log whose file is there become
 *				records, then the log is repeated on them
 *	COMPARE			each live record against the table: letters
 *				that others changed are merged, files that are
 *				gone are noted
 *	FIND			names in the folders that no record has
 *	TAKE			those get their UIDs, in the order of time
 *	END
 *
 * Three ways to go: only new/ (somebody delivered), all (somebody renamed
 * or deleted), rebuild.
 *
 * Letters merge one by one: the record keeps what the name said last; where
 * the name now says otherwise somebody changed it, and that wins over no
 * change of ours.  (If we changed it too, both say the same: it is a bit.)
 *
 * A file that is missing is expunged only if cur/ was quiet during the whole
 * scan (readdir may skip what is renamed meanwhile), if its derived name
 * cannot be found either, and if replay is through: after a power cut the
 * journal brings back what the disk forgot (durability.md 14).
 */
#include "maildir/box.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/rand.h"

#include "base/banned.h"

enum phase { READ_NEW, READ_CUR, REBUILD, COMPARE, FIND_NEW, FIND_CUR, TAKE,
    END };
enum kind { ONLY_NEW, ALL, ANEW };

#define AHEAD	65536	/* UIDs asked for at a time */
#define DOUBT_S	60	/* results are settled once a second; a disk may hang */
#define LARGE	65536	/* names; more leave memory worth giving back */

enum { IN_NEW = 1, MATCHED = 2, ODD_NAME = 4, DOOMED = 8, EXPUNGED = 16,
    USED = 128 };

struct slot {			/* a file seen */
	uint64_t	hash, letters;
	uint32_t	uid;		/* ANEW: the last that was given to it */
	uint8_t		state;
};

struct found {			/* a file that no record has */
	int64_t		mtime_ns;
	uint64_t	letters;
	bool		in_new;
	char		name[];		/* as it stands in the folder */
};

struct entry {			/* of the names log */
	uint32_t	uid;
	uint32_t	gone_s;		/* when it was expunged; 0: it lives */
	uint64_t	at;
};

struct box_scan {
	enum kind	kind;
	enum phase	phase;
	bool		quiet;
	bool		walking;
	struct volume_walk walk;
	struct slot	*slot;
	size_t		cap, len, matched;
	uint32_t	at;		/* COMPARE: next record */
	struct box_set	missing;
	struct found	**found;
	size_t		founds, found_cap, taken;
	bool		sorted;
	/* the file being taken in */
	int		fd;
	uint64_t	read_at;
	bool		ingesting;
	/* REBUILD */
	struct entry	*entry;
	size_t		entries, entry_cap, next;
	bool		listed;
	int64_t		doubt_s;	/* what was saved since then may have got
					 * lost in a power cut */
	int		old;		/* the old index, for what it may know */
	uint32_t	old_records;
	uint64_t	old_cache_size;
	int64_t		new_ns;
};

/* --- the table ----------------------------------------------------------- */

static uint64_t
hash_of(struct box *b, struct str base)
{
	return siphash24(b->a->place->hash_key, base.p, base.n);
}

static struct slot *
slot_find(struct box_scan *s, uint64_t hash)
{
	size_t i;

	if (s->cap == 0)
		return NULL;
	for (i = hash & (s->cap - 1); s->slot[i].state & USED;
	    i = (i + 1) & (s->cap - 1))
		if (s->slot[i].hash == hash)
			return &s->slot[i];
	return NULL;
}

static void
slot_place(struct slot *slot, size_t cap, const struct slot *x)
{
	size_t i;

	for (i = x->hash & (cap - 1); slot[i].state & USED;
	    i = (i + 1) & (cap - 1))
		;
	slot[i] = *x;
}

static void
grow(struct box_scan *s)
{
	size_t cap = s->cap == 0 ? 256 : s->cap * 2, i;
	struct slot *slot = xcalloc(cap, sizeof(*slot));

	for (i = 0; i < s->cap; i++)
		if (s->slot[i].state & USED)
			slot_place(slot, cap, &s->slot[i]);
	free(s->slot);
	s->slot = slot;
	s->cap = cap;
}

/*
 * A file of ours that is shorter than its name says, or has other line ends:
 * a power cut came before it was settled, so nobody was told of it (what was
 * answered is written anew from the journal).  It would stand in the mailbox
 * unreadable for ever; tmp/ is where such things are looked for.
 */
static void
take_out_torn(struct box *b, const char *name, bool in_new)
{
	int tmp = box_tmp(b);

	if (tmp < 0)
		return;
	log_event(LOG_LEVEL_WARN, "message-torn");
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_z("file", name);
	log_end();
	(void)b->v->rename(b->v, in_new ? b->new_ : b->cur, name, tmp, name,
	    true);
}

static bool
is_ours(const char *name)
{
	return strstr(name, ".veredus,") != NULL;
}

static bool
is_torn(struct box *b, const char *name, bool in_new)
{
	int dir = in_new ? b->new_ : b->cur;
	uint64_t said;
	struct stat st;

	if (b->scan->kind != ANEW || !is_ours(name) ||
	    !fname_size(str_of(name), 'S', &said) ||
	    b->v->stat(b->v, dir, name, &st) != 0 ||
	    (uint64_t)st.st_size >= said)
		return false;
	take_out_torn(b, name, in_new);
	return true;
}

/* Folders, links and the like are no messages.  A file system that does not
 * tell is believed until the file is opened. */
static bool
may_be_file(unsigned char type)
{
	return type == DT_REG || type == DT_UNKNOWN;
}

static void
note_name(struct box *b, const char *name, bool in_new)
{
	struct box_scan *s = b->scan;
	struct slot x = { .state = USED }, *there;
	struct str base;
	bool canonical;

	if (!fname_parse(name, &base, &x.letters, &canonical) ||
	    is_torn(b, name, in_new))
		return;
	x.hash = hash_of(b, base);
	if (in_new)
		x.state |= IN_NEW;
	if (in_new ? strlen(name) != base.n && x.letters == 0 : !canonical)
		x.state |= ODD_NAME;
	there = slot_find(s, x.hash);
	if (there != NULL) {
		*there = x;	/* in both folders, or twice by readdir */
		return;
	}
	if (s->len >= s->cap / 4 * 3)
		grow(s);
	slot_place(s->slot, s->cap, &x);
	s->len++;
}

/* true: the folder is through. */
static bool
read_folder(struct box *b, int dir, bool in_new, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	unsigned char type;
	const char *name;
	unsigned n = 0;
	int r;

	if (!s->walking)
		volume_walk_begin(&s->walk, b->v, dir);
	s->walking = true;
	while ((r = volume_walk_next(&s->walk, &name, &type)) == 1) {
		if (may_be_file(type))
			note_name(b, name, in_new);
		if (++n % 256 == 0 && clock_mono_ms() >= until_ms)
			return false;
	}
	if (r < 0)
		s->quiet = false;
	s->walking = false;
	return true;
}

/* --- begin and end ------------------------------------------------------- */

#define RACY_NS		INT64_C(20000000)

/* The time of a folder; 0 when it is so young that the next change may get
 * the same. */
static int64_t
settled_ns(struct box *b, int fd)
{
	struct stat st;
	int64_t ns;

	if (b->v->stat(b->v, fd, NULL, &st) < 0)
		return 0;
	ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return clock_real_ms() * 1000000 - ns < RACY_NS ? 0 : ns;
}

static void
begin(struct box *b)
{
	struct box_scan *s = xcalloc(1, sizeof(*s));
	struct stat st;

	s->fd = s->old = -1;
	s->quiet = true;
	s->kind = b->todo & BOX_REBUILD ? ANEW : b->todo & BOX_SCAN_ALL ?
	    ALL : ONLY_NEW;
	b->todo &= ~(unsigned)BOX_SCAN_NEW;
	if (s->kind != ONLY_NEW) {
		b->todo &= ~(unsigned)BOX_SCAN_ALL;
		/* From here on our own changes keep this up to date. */
		if (b->v->stat(b->v, b->cur, NULL, &st) == 0)
			b->own.cur_ns = (int64_t)st.st_mtim.tv_sec *
			    1000000000 + st.st_mtim.tv_nsec;
	}
	s->new_ns = settled_ns(b, b->new_);
	b->scan = s;
}

void
box_scan_drop(struct box *b)
{
	struct box_scan *s = b->scan;
	bool is_large;
	size_t i;

	if (s == NULL)
		return;
	is_large = s->len > LARGE || s->entries > LARGE;
	for (i = s->taken; i < s->founds; i++)
		free(s->found[i]);
	free(s->found);
	free(s->slot);
	free(s->entry);
	box_set_free(&s->missing);
	if (s->fd >= 0)
		b->v->close(b->v, s->fd);
	if (s->old >= 0)
		b->v->close(b->v, s->old);
	free(s);
	b->scan = NULL;
	if (is_large)
		malloc_trim(0);
}

static bool
was_quiet(struct box *b)
{
	struct stat st;

	return b->scan->quiet && b->own.cur_ns != 0 &&
	    b->v->stat(b->v, b->cur, NULL, &st) == 0 && b->own.cur_ns ==
	    (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static void
expunge_missing(struct box *b)
{
	struct box_scan *s = b->scan;

	if (s->missing.n == 0 || !was_quiet(b) ||
	    (STORE_RULE('M') && !b->a->place->may_expunge))
		return;
	log_event(LOG_LEVEL_INFO, "mailbox-files-gone");
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_u64("count", s->missing.count);
	log_end();
	if (box_moved(b, &s->missing) != 0)
		b->own.cur_ns = 0;
}

/* --- comparing ----------------------------------------------------------- */

static bool
file_exists(struct box *b, const struct index_record *r, const char *base)
{
	char name[FNAME_BUF];
	struct stat st;
	bool in_new = (r->flags & INDEX_IN_NEW) != 0;

	if (!fname_make(str_of(base), r->letters, in_new, name))
		return true;
	if (b->v->stat(b->v, in_new ? b->new_ : b->cur, name, &st) == 0)
		return S_ISREG(st.st_mode);
	return errno != ENOENT;
}

/* Others renamed it. */
static int
merge(struct box *b, uint32_t at, const struct index_record *was,
    const struct slot *x)
{
	uint64_t theirs = (x->letters ^ was->letters) & fname_own();
	struct index_record r = *was;
	uint8_t bytes[INDEX_RECORD_SIZE];
	uint64_t want = (fname_letters(r.flags) & ~theirs) |
	    (x->letters & theirs);
	uint16_t flags = fname_flags(want);

	r.letters = x->letters;
	r.flags = (uint16_t)((r.flags & INDEX_EXPUNGED) | flags);
	if (x->state & IN_NEW)
		r.flags |= INDEX_IN_NEW;
	if (want != (x->letters & fname_own()))
		r.flags |= INDEX_DIRTY;
	if (flags != (was->flags & INDEX_FLAG_MASK)) {
		if (box_log_flags(b, r.uid, flags) != 0)
			return FAIL_TEMP;
		r.modseq = b->a->modseq;
		if (b->has_watchers)
			box_set_add(&b->changed, r.uid);
	}
	box_account_for(b, at, was, &r);
	index_record_put(&r, bytes);
	return box_write(b, at, 1, bytes);
}

/* An expunged message whose file is gone. */
static int
undirty(struct box *b, uint32_t at, const struct index_record *was)
{
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r = *was;

	r.flags &= (uint16_t)~INDEX_DIRTY;
	box_account_for(b, at, was, &r);
	index_record_put(&r, bytes);
	return box_write(b, at, 1, bytes);
}

static int
compare_one(struct box *b, uint32_t at, const struct index_record *r)
{
	struct box_scan *s = b->scan;
	struct names_entry e;
	struct slot *x;
	bool in_new = (r->flags & INDEX_IN_NEW) != 0;

	if (r->flags & INDEX_EXPUNGED && !(r->flags & INDEX_DIRTY))
		return 0;
	if (s->kind == ONLY_NEW && !in_new)
		return 0;
	if (names_get(&b->names, r->name_at, &e) != 0 || e.uid != r->uid)
		return box_damaged(b, at);
	x = slot_find(s, hash_of(b, str_of(e.base)));
	if (r->flags & INDEX_EXPUNGED) {
		/* Somebody renamed what was to be unlinked, or unlinked it. */
		if (x != NULL && !(x->state & MATCHED))
			x->state |= DOOMED;
		return x != NULL || s->kind == ONLY_NEW ? 0 :
		    undirty(b, at, r);
	}
	if (x == NULL) {
		if (file_exists(b, r, e.base))
			return 0;
		if (s->kind == ONLY_NEW)
			b->todo |= BOX_SCAN_ALL;
		else
			box_set_add(&s->missing, r->uid);
		return 0;
	}
	if (!(x->state & MATCHED))
		s->matched++;
	x->state = (uint8_t)((x->state | MATCHED) & ~DOOMED);
	if (x->letters == r->letters && !(x->state & IN_NEW) == !in_new)
		return 0;
	return merge(b, at, r, x);
}

/* Files of messages that are not announced yet are no strangers' files. */
static void
match_held(struct box *b)
{
	struct box_scan *s = b->scan;
	struct index_record r;
	struct names_entry e;
	struct slot *x;
	size_t i;

	for (i = 0; box_held_get(b, i, &r); i++) {
		if (names_get(&b->names, r.name_at, &e) != 0)
			continue;
		x = slot_find(s, hash_of(b, str_of(e.base)));
		if (x == NULL || x->state & MATCHED)
			continue;
		x->state |= MATCHED;
		s->matched++;
	}
}

/* true: all records are through. */
static bool
compare(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	uint8_t *p = xmalloc((size_t)BOX_CHUNK * INDEX_RECORD_SIZE);
	struct index_record r;
	uint32_t n, k;

	if (s->kind == ONLY_NEW && s->at < b->own.new_from)
		s->at = b->own.new_from;
	while (s->at < b->h.records && !b->stale) {
		n = b->h.records - s->at;
		if (n > BOX_CHUNK / 4)
			n = BOX_CHUNK / 4;
		if (box_read(b, s->at, n, p) != 0)
			break;
		for (k = 0; k < n && !b->stale; k++)
			if (index_record_get(p + (size_t)k *
			    INDEX_RECORD_SIZE, &r) != 0)
				(void)box_damaged(b, s->at + k);
			else if (compare_one(b, s->at + k, &r) != 0)
				b->stale = true;
		s->at += n;
		if (clock_mono_ms() >= until_ms)
			break;
	}
	free(p);
	if (b->stale || s->at < b->h.records)
		return false;
	match_held(b);
	return true;
}

/* --- files that no record has -------------------------------------------- */

static int
by_time(const void *a, const void *b)
{
	const struct found *x = *(const struct found *const *)a;
	const struct found *y = *(const struct found *const *)b;

	if (x->mtime_ns != y->mtime_ns)
		return x->mtime_ns < y->mtime_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
found_add(struct box *b, int dir, const char *name, const struct slot *x)
{
	struct box_scan *s = b->scan;
	size_t n = strlen(name) + 1;
	struct found *f;
	struct stat st;

	if (b->v->stat(b->v, dir, name, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	f = xcalloc(1, sizeof(*f) + n);
	f->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
	    st.st_mtim.tv_nsec;
	f->letters = x->letters;
	f->in_new = (x->state & IN_NEW) != 0;
	memcpy(f->name, name, n);
	if (s->founds == s->found_cap) {
		s->found_cap = s->found_cap == 0 ? 16 : s->found_cap * 2;
		s->found = xrealloc(s->found, s->found_cap *
		    sizeof(struct found *));
	}
	s->found[s->founds++] = f;
}

/* A name with letters in another order, or without them: as we would have
 * written it, so that it can be derived. */
static bool
straighten(struct box *b, int dir, bool in_new, const char *name)
{
	char new_name[FNAME_BUF];
	struct str base;
	uint64_t letters;
	bool canonical, fine;

	if (!fname_parse(name, &base, &letters, &canonical) ||
	    !fname_make(base, letters, in_new, new_name))
		return false;
	if (strcmp(name, new_name) == 0)
		return true;
	box_cur_begin(b);
	fine = b->v->rename(b->v, dir, name, dir, new_name, false) == 0;
	box_cur_end(b);
	return fine;
}

static void
find_one(struct box *b, int dir, bool in_new, const char *name)
{
	struct box_scan *s = b->scan;
	struct str base;
	uint64_t letters;
	bool canonical;
	struct slot *x;

	if (!fname_parse(name, &base, &letters, &canonical))
		return;
	x = slot_find(s, hash_of(b, base));
	if (x == NULL || !(x->state & IN_NEW) != !in_new)
		return;		/* came meanwhile, or its twin counts */
	if (x->state & MATCHED) {
		if (x->state & ODD_NAME)
			(void)straighten(b, dir, in_new, name);
		return;
	}
	if (x->state & DOOMED) {
		if (b->a->copy_unsettled)	/* durability.md 23 */
			b->todo |= BOX_UNLINK;
		else
			b->v->unlink(b->v, dir, name);
		return;
	}
	found_add(b, dir, name, x);
}

static bool
anything_to_find(const struct box_scan *s)
{
	size_t i;

	if (s->matched < s->len)
		return true;
	for (i = 0; i < s->cap; i++)
		if (s->slot[i].state & ODD_NAME)
			return true;
	return false;
}

static bool
find_in(struct box *b, int dir, bool in_new, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	unsigned char type;
	const char *name;
	unsigned n = 0;

	if (!s->walking)
		volume_walk_begin(&s->walk, b->v, dir);
	s->walking = true;
	while (volume_walk_next(&s->walk, &name, &type) == 1) {
		if (may_be_file(type))
			find_one(b, dir, in_new, name);
		if (++n % 64 == 0 && clock_mono_ms() >= until_ms)
			return false;
	}
	s->walking = false;
	return true;
}

/* --- taking them in ------------------------------------------------------ */

/* Is this base a message of ours that somebody put back into new/?  Names
 * that are older than an hour are looked for everywhere, others at the end
 * of the names log. */
static bool
is_known(struct box *b, struct str base)
{
	struct names_walk *w = xmalloc(sizeof(*w));
	uint64_t tail = 256 * 1024, from = names_first(&b->names), at;
	int64_t when_s = fname_time(base);
	struct names_entry e;
	bool known = false;

	if (when_s > clock_real_s() - 3600 && b->names.size > from + tail)
		from = b->names.size - tail;
	names_walk_begin(w, &b->names, from);
	while (!known && names_walk_next(w, &e, &at))
		known = str_same(base, e.base);
	free(w);
	return known;
}

static void
message_of(struct box *b, const struct found *f, struct str base,
    struct box_message *m)
{
	struct ingest *i = b->a->place->ingest;

	memset(m, 0, sizeof(*m));
	snprintf(m->base, sizeof(m->base), "%.*s", STR_ARG(base));
	m->flags = fname_flags(f->letters);
	m->letters = f->letters;
	m->in_new = f->in_new;
	m->savedate_s = clock_real_s();
	/* Not from the file's time: a copy or a restore changes it. */
	m->internaldate_s = fname_time(base);
	if (m->internaldate_s == 0)
		m->internaldate_s = m->savedate_s;
	m->wire_size = i->wire_size;
	m->disk_size = i->disk_size;
	m->emailid = rand_u64();
	m->blob = buf_str(&i->blob);
}

/* Reads on in the file; 1: whole, 0: more, or a failure. */
static int
read_file(struct box *b, int64_t until_ms)
{
	struct ingest *i = b->a->place->ingest;
	struct box_scan *s = b->scan;
	uint8_t piece[32 * 1024];
	ssize_t n;

	do {
		n = b->v->pread(b->v, s->fd, piece, sizeof(piece),
		    (off_t)s->read_at);
		if (n < 0)
			return FAIL_TEMP;
		if (n == 0)
			return ingest_end(i) == 0 ? 1 : FAIL_TEMP;
		ingest_feed(i, str_mem(piece, (size_t)n));
		s->read_at += (uint64_t)n;
	} while (clock_mono_ms() < until_ms);
	return 0;
}

/* Another's file, or nothing that can be read, under a message's name: it is
 * left alone, and no reason to have no mailbox. */
static int
unreadable(struct box *b, const struct found *f)
{
	log_event(LOG_LEVEL_WARN, "message-unreadable");
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_z("file", f->name);
	log_errno();
	log_end();
	return FAIL_GONE;
}

static int
open_found(struct box *b, const struct found *f)
{
	b->scan->fd = b->v->open(b->v, f->in_new ? b->new_ : b->cur, f->name,
	    O_RDONLY, 0);
	b->scan->ingesting = false;
	if (b->scan->fd >= 0)
		return 0;
	if (errno == ENOENT)
		return FAIL_GONE;
	return volume_is_strange(errno) ? unreadable(b, f) : FAIL_TEMP;
}

/* The one reader of the account's ingest at a time: a file that was left in
 * the middle is read again from its start when somebody else used it. */
static int
look_at(struct box *b, const struct found *f, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	struct ingest *i = b->a->place->ingest;
	int fail = s->fd < 0 ? open_found(b, f) : 0;

	if (fail != 0)
		return fail;
	if (!s->ingesting || i->user != s) {
		ingest_begin(i, b->v, -1);
		i->user = s;
		s->ingesting = true;
		s->read_at = 0;
	}
	return read_file(b, until_ms);
}

static void
taken(struct box *b)
{
	struct box_scan *s = b->scan;

	if (s->fd >= 0)
		b->v->close(b->v, s->fd);
	s->fd = -1;
	s->ingesting = false;
	free(s->found[s->taken++]);
}

/* true: done with this one, in good or bad. */
static bool
take_one(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	struct found *f = s->found[s->taken];
	struct box_message m;
	struct str base;
	uint64_t letters;
	uint32_t uid;
	bool canonical;
	int r;

	if (!fname_parse(f->name, &base, &letters, &canonical))
		return true;
	if (s->kind == ONLY_NEW && s->fd < 0 && is_known(b, base)) {
		b->todo |= BOX_SCAN_ALL;
		return true;
	}
	r = look_at(b, f, until_ms);
	if (r == 0)
		return false;
	if (r == FAIL_GONE)
		return true;
	if (r < 0 || !straighten(b, f->in_new ? b->new_ : b->cur, f->in_new,
	    f->name)) {
		s->quiet = false;
		return true;
	}
	message_of(b, f, base, &m);
	if (box_add(b, &m, &uid) != 0)
		s->quiet = false;
	return true;
}

/* Each block of numbers costs a sync: many files are worth a large one. */
static bool
has_numbers(struct box *b)
{
	struct box_scan *s = b->scan;
	size_t left = s->founds - s->taken;

	if (box_ready(b, 1))
		return true;
	return left > 1 && box_ready(b, (uint32_t)num_min(left, AHEAD));
}

static bool
take(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;

	if (!s->sorted && s->founds > 0)
		qsort(s->found, s->founds, sizeof(struct found *), by_time);
	s->sorted = true;
	while (s->taken < s->founds && !b->stale) {
		if (!has_numbers(b))
			return false;	/* goes on when they are there */
		if (!take_one(b, until_ms))
			return false;
		taken(b);
		if (clock_mono_ms() >= until_ms)
			break;
	}
	return s->taken >= s->founds;
}

/* --- an index anew ------------------------------------------------------- */

static int
by_uid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* A message that was written anew, or moved away and back, has the name that
 * it had under another UID: the last one counts. */
static void
note_uid(struct box *b, struct str base, uint32_t uid)
{
	struct slot *x = slot_find(b->scan, hash_of(b, base));

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
	struct entry x;
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
	s->doubt_s = b->row->unclean || b->jump > 0 ? newest_s - DOUBT_S :
	    INT64_MAX;
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
	struct found *f;
	char name[FNAME_BUF];
	struct stat st;
	uint64_t size, wire;
	bool in_new = (r->flags & INDEX_IN_NEW) != 0;
	bool is_sure = r->savedate_s < b->scan->doubt_s;
	int fail;

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
	f = xcalloc(1, sizeof(*f) + FNAME_BUF);
	memcpy(f->name, name, FNAME_BUF);
	f->in_new = in_new;
	fail = look_at(b, f, INT64_MAX);
	free(f);
	if (b->scan->fd >= 0)
		b->v->close(b->v, b->scan->fd);
	b->scan->fd = -1;
	if (fail != 1)
		return fail == FAIL_GONE ? FAIL_GONE : FAIL_TEMP;
	r->wire_size = b->a->place->ingest->wire_size;
	if (!is_sure && is_ours(name) && fname_size(str_of(base), 'W', &wire) &&
	    wire != r->wire_size) {
		take_out_torn(b, name, in_new);
		return FAIL_GONE;
	}
	r->cache_at = box_cache_add(b, buf_str(&b->a->place->ingest->blob));
	return 0;
}

/* It was expunged, and its file was not unlinked yet.  One that was touched
 * since is no longer ours to unlink: somebody put it back. */
static void
unlink_later(struct box *b, const struct entry *x)
{
	struct names_entry e;
	char name[FNAME_BUF];
	struct slot *slot;
	struct stat st;
	bool in_new;

	if (names_get(&b->names, x->at, &e) != 0)
		return;
	slot = slot_find(b->scan, hash_of(b, str_of(e.base)));
	if (slot == NULL || slot->uid != x->uid || slot->state & MATCHED)
		return;
	slot->state |= EXPUNGED;
	in_new = (slot->state & IN_NEW) != 0;
	if (fname_make(str_of(e.base), slot->letters, in_new, name) &&
	    b->v->stat(b->v, in_new ? b->new_ : b->cur, name, &st) == 0 &&
	    st.st_ctim.tv_sec <= (time_t)x->gone_s)
		slot->state |= DOOMED;
}

static int
rebuild_one(struct box *b, const struct entry *x)
{
	struct box_scan *s = b->scan;
	struct index_record r = { .uid = x->uid, .name_at = x->at }, old;
	struct names_entry e;
	struct slot *slot;
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
	slot = slot_find(s, hash_of(b, str_of(e.base)));
	if (slot == NULL || slot->state & MATCHED || slot->uid != x->uid)
		return 0;		/* its file is gone, or another's */
	r.letters = slot->letters;
	r.flags = fname_flags(slot->letters);
	if (slot->state & IN_NEW)
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
	slot->state |= MATCHED;
	s->matched++;
	return fail != 0 ? fail : box_put_record(b, &r);
}

static bool
rebuild(struct box *b, int64_t until_ms)
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

/* Did the scan see a file of this base that no record has yet, and none of a
 * later UID will? */
bool
box_scan_saw(struct box *b, struct str base, uint32_t uid,
    uint64_t *letters_out, bool *in_new_out)
{
	struct slot *x = b->scan == NULL ? NULL :
	    slot_find(b->scan, hash_of(b, base));

	if (x == NULL || x->state & (MATCHED | EXPUNGED) || x->uid > uid)
		return false;
	x->state |= MATCHED;
	b->scan->matched++;
	*letters_out = x->letters;
	*in_new_out = (x->state & IN_NEW) != 0;
	return true;
}

/* --- the phases ---------------------------------------------------------- */

static void
finish(struct box *b)
{
	struct box_scan *s = b->scan;

	if (s->kind != ONLY_NEW) {
		bool quiet = was_quiet(b) && settled_ns(b, b->cur) != 0;

		expunge_missing(b);
		if (!quiet || (s->missing.n > 0 && !b->a->place->may_expunge))
			b->own.cur_ns = 0;	/* the next look scans again */
		b->own.partial = 0;
	}
	b->own.new_ns = s->quiet ? s->new_ns : 0;
	box_scan_drop(b);
	if (!b->stale && box_write_head(b) != 0)
		b->stale = true;
}

static bool
phase_step(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;

	switch (s->phase) {
	case READ_NEW:
		return read_folder(b, b->new_, true, until_ms);
	case READ_CUR:
		return s->kind == ONLY_NEW ||
		    read_folder(b, b->cur, false, until_ms);
	case REBUILD:
		return s->kind != ANEW || rebuild(b, until_ms);
	case COMPARE:
		return s->kind == ANEW || compare(b, until_ms);
	case FIND_NEW:
		if (!anything_to_find(s)) {
			s->phase = FIND_CUR;
			return true;
		}
		return find_in(b, b->new_, true, until_ms);
	case FIND_CUR:
		return s->kind == ONLY_NEW ||
		    find_in(b, b->cur, false, until_ms);
	case TAKE:
		return take(b, until_ms);
	case END:
		break;
	}
	return true;
}

/* true: nothing more can be done now. */
bool
box_scan_step(struct box *b, int64_t until_ms)
{
	if (b->scan == NULL)
		begin(b);
	/* Numbers first: changes of flags need them too. */
	if (b->scan->phase > REBUILD && !has_numbers(b))
		return true;
	while (b->scan->phase != END) {
		if (!phase_step(b, until_ms)) {
			if (!b->stale)
				return b->scan->phase == TAKE &&
				    !has_numbers(b);
			box_scan_drop(b);
			return true;
		}
		b->scan->phase++;
		if (clock_mono_ms() >= until_ms)
			return false;
	}
	finish(b);
	return true;
}
