/* SPDX-License-Identifier: ISC */
/*
 * maildir/scan.c - what others did to the folders.
 *
 * A scan goes through phases, each in steps that stop in time:
 *
 *	READ_NEW, READ_CUR	names of the folders into a table: hash of the
 *				base, letters, which folder
 *	REBUILD			index of a mailbox that has none: rebuild.c
 *	COMPARE			each live record against the table: letters
 *				that others changed are merged, files that are
 *				gone are noted
 *	FIND			names in the folders that no record has
 *	TAKE			those get their UIDs: take.c
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
#include "maildir/scan.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define LARGE	65536	/* names; more leave memory worth giving back */
#define AT_ONCE	256	/* records, each of which may need a number */

_Static_assert(AT_ONCE <= RESERVE_AHEAD, "numbers for a chunk of records");

/* --- what was seen -------------------------------------------------------- */

static uint64_t
hash_of(struct box *b, struct str base)
{
	return siphash24(b->a->place->hash_key, base.p, base.n);
}

struct seen_file *
scan_seen(struct box *b, struct str base)
{
	return b->scan == NULL ? NULL :
	    seen_find(&b->scan->seen, hash_of(b, base));
}

/* Did the scan see a file of this base that no record has yet, and none of a
 * later UID will? */
bool
box_scan_saw(struct box *b, struct str base, uint32_t uid,
    uint64_t *letters_out, bool *in_new_out)
{
	struct seen_file *x = scan_seen(b, base);

	if (x == NULL || x->state & (SEEN_MATCHED | SEEN_EXPUNGED) ||
	    x->uid > uid)
		return false;
	seen_match(&b->scan->seen, x);
	*letters_out = x->letters;
	*in_new_out = (x->state & SEEN_IN_NEW) != 0;
	return true;
}

/* --- reading the folders -------------------------------------------------- */

/*
 * A file of ours that is shorter than its name says, or has other line ends:
 * a power cut came before it was settled, so nobody was told of it (what was
 * answered is written anew from the journal).  It would stand in the mailbox
 * unreadable for ever; tmp/ is where such things are looked for.
 */
void
scan_take_out_torn(struct box *b, const char *name, bool in_new)
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

bool
scan_is_doubted(const struct box *b)
{
	return b->row->unclean || b->jump > 0;
}

bool
scan_is_ours(const char *name)
{
	return strstr(name, ".veredus,") != NULL;
}

static bool
is_torn(struct box *b, const char *name, bool in_new)
{
	int dir = in_new ? b->new_ : b->cur;
	uint64_t said;
	struct stat st;

	if (b->scan->kind != SCAN_ANEW || !scan_is_doubted(b) ||
	    !scan_is_ours(name) ||
	    !fname_size(str_of(name), 'S', &said) ||
	    b->v->stat(b->v, dir, name, &st) != 0 ||
	    (uint64_t)st.st_size >= said)
		return false;
	scan_take_out_torn(b, name, in_new);
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
	struct seen_file x = { .state = 0 };
	struct str base;
	bool canonical;

	if (!fname_parse(name, &base, &x.letters, &canonical) ||
	    is_torn(b, name, in_new))
		return;
	x.hash = hash_of(b, base);
	if (in_new)
		x.state |= SEEN_IN_NEW;
	if (in_new ? strlen(name) != base.n && x.letters == 0 : !canonical)
		x.state |= SEEN_ODD_NAME;
	seen_put(&s->seen, &x);
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
	int64_t ns = volume_mtime_ns(b->v, fd);

	return ns == -1 || clock_real_ms() * 1000000 - ns < RACY_NS ? 0 : ns;
}

static void
begin(struct box *b)
{
	struct box_scan *s = xcalloc(1, sizeof(*s));
	int64_t cur_ns;

	s->fd = s->old = -1;
	s->quiet = true;
	s->kind = b->todo & BOX_REBUILD ? SCAN_ANEW : b->todo & BOX_SCAN_ALL ?
	    SCAN_ALL : SCAN_ONLY_NEW;
	b->todo &= ~(unsigned)BOX_SCAN_NEW;
	if (s->kind != SCAN_ONLY_NEW) {
		b->todo &= ~(unsigned)BOX_SCAN_ALL;
		/* From here on our own changes keep this up to date. */
		cur_ns = volume_mtime_ns(b->v, b->cur);
		if (cur_ns != -1)
			b->own.cur_ns = cur_ns;
	}
	s->new_ns = settled_ns(b, b->new_);
	b->scan = s;
}

void
box_scan_drop(struct box *b)
{
	struct box_scan *s = b->scan;
	bool is_large;

	if (s == NULL)
		return;
	is_large = s->seen.len > LARGE || s->entries > LARGE;
	scan_take_end(b);
	seen_free(&s->seen);
	free(s->entry);
	box_set_free(&s->missing);
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
	return b->scan->quiet && b->own.cur_ns != 0 && b->own.cur_ns != -1 &&
	    volume_mtime_ns(b->v, b->cur) == b->own.cur_ns;
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
    const struct seen_file *x)
{
	uint64_t theirs = (x->letters ^ was->letters) & fname_own();
	struct index_record r = *was;
	uint8_t bytes[INDEX_RECORD_SIZE];
	uint64_t want = (fname_letters(r.flags) & ~theirs) |
	    (x->letters & theirs);
	uint16_t flags = fname_flags(want);

	r.letters = x->letters;
	r.flags = (uint16_t)((r.flags & INDEX_EXPUNGED) | flags);
	if (x->state & SEEN_IN_NEW)
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
	struct seen_file *x;
	bool in_new = (r->flags & INDEX_IN_NEW) != 0;

	if (r->flags & INDEX_EXPUNGED && !(r->flags & INDEX_DIRTY))
		return 0;
	if (s->kind == SCAN_ONLY_NEW && !in_new)
		return 0;
	if (names_get(&b->names, r->name_at, &e) != 0 || e.uid != r->uid)
		return box_damaged(b, at);
	x = scan_seen(b, str_of(e.base));
	if (r->flags & INDEX_EXPUNGED) {
		/* Somebody renamed what was to be unlinked, or unlinked it. */
		if (x != NULL && !(x->state & SEEN_MATCHED))
			x->state |= SEEN_DOOMED;
		return x != NULL || s->kind == SCAN_ONLY_NEW ? 0 :
		    undirty(b, at, r);
	}
	if (x == NULL) {
		if (file_exists(b, r, e.base))
			return 0;
		if (s->kind == SCAN_ONLY_NEW)
			b->todo |= BOX_SCAN_ALL;
		else
			box_set_add(&s->missing, r->uid);
		return 0;
	}
	seen_match(&s->seen, x);
	x->state &= (uint8_t)~SEEN_DOOMED;
	if (x->letters == r->letters && !(x->state & SEEN_IN_NEW) == !in_new)
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
	struct seen_file *x;
	size_t i;

	for (i = 0; box_held_get(b, i, &r); i++) {
		if (names_get(&b->names, r.name_at, &e) != 0)
			continue;
		x = scan_seen(b, str_of(e.base));
		if (x != NULL)
			seen_match(&s->seen, x);
	}
}

/* true: all records are through. */
static bool
compare(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	uint8_t *p = xmalloc((size_t)AT_ONCE * INDEX_RECORD_SIZE);
	struct index_record r;
	uint32_t n, k;

	if (s->kind == SCAN_ONLY_NEW && s->at < b->own.new_from)
		s->at = b->own.new_from;
	while (s->at < b->h.records && !b->stale && scan_has_numbers(b)) {
		n = b->h.records - s->at;
		if (n > AT_ONCE)
			n = AT_ONCE;
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

static void
find_one(struct box *b, int dir, bool in_new, const char *name)
{
	struct str base;
	uint64_t letters;
	bool canonical;
	struct seen_file *x;

	if (!fname_parse(name, &base, &letters, &canonical))
		return;
	x = scan_seen(b, base);
	if (x == NULL || !(x->state & SEEN_IN_NEW) != !in_new)
		return;		/* came meanwhile, or its twin counts */
	if (x->state & SEEN_MATCHED) {
		if (x->state & SEEN_ODD_NAME)
			(void)scan_straighten(b, dir, in_new, name);
		return;
	}
	if (x->state & SEEN_DOOMED) {
		if (b->a->copy_unsettled)	/* durability.md 23 */
			b->todo |= BOX_UNLINK;
		else
			b->v->unlink(b->v, dir, name);
		return;
	}
	scan_found_add(b, dir, name, x);
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

/* --- the phases ---------------------------------------------------------- */

static void
finish(struct box *b)
{
	struct box_scan *s = b->scan;

	if (s->kind != SCAN_ONLY_NEW) {
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
		return s->kind == SCAN_ONLY_NEW ||
		    read_folder(b, b->cur, false, until_ms);
	case REBUILD:
		return s->kind != SCAN_ANEW || scan_rebuild(b, until_ms);
	case COMPARE:
		return s->kind == SCAN_ANEW || compare(b, until_ms);
	case FIND_NEW:
		if (seen_all_well(&s->seen)) {
			s->phase = FIND_CUR;
			return true;
		}
		return find_in(b, b->new_, true, until_ms);
	case FIND_CUR:
		return s->kind == SCAN_ONLY_NEW ||
		    find_in(b, b->cur, false, until_ms);
	case TAKE:
		return scan_take(b, until_ms);
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
	if (b->scan->phase > REBUILD && !scan_has_numbers(b))
		return true;
	while (b->scan->phase != END) {
		if (!phase_step(b, until_ms)) {
			if (!b->stale)
				return b->scan->phase == TAKE &&
				    !scan_has_numbers(b);
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
