/* SPDX-License-Identifier: ISC */
/*
 * maildir/deliver.c - writing a message into a mailbox.
 *
 * Order, and what a death in between leaves:
 *	file under tmp/		rubbish, cleaned later
 *	renamed into new/	a file that no record has.  Its name says which
 *				delivery it is: the repeat finds it
 *	APPEND in the log	the next open of the mailbox does the rest
 *	names, cache, index	done
 */
#include "maildir/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "crypto/digest.h"

#include "base/banned.h"

#define PIECE	(64 * 1024)

/* --- the draft ----------------------------------------------------------- */

static bool
has_key(const struct log_key *key)
{
	static const uint8_t none[16];

	return memcmp(key->mid, none, 16) != 0;
}

/* Content from the descriptor through the ingest. */
static int
pour(struct box *b, const struct delivery *d, struct why *why)
{
	struct ingest *i = b->a->place->ingest;
	struct digest digest = { NULL };
	uint8_t piece[PIECE], sum[DIGEST_LEN];
	uint64_t at = 0;
	size_t want;
	int r = 0;

	if (d->digest.n > 0)
		digest_begin(&digest);
	ingest_feed(i, d->added);
	while (r == 0 && at < d->size) {
		want = d->size - at < PIECE ? (size_t)(d->size - at) : PIECE;
		/* Not our disk: a memfd, or a file of the spool. */
		r = volume_read(&volume_real, d->fd, piece, want,
		    (off_t)(d->offset + at));
		if (r != 0)
			break;
		if (d->digest.n > 0)
			digest_add(&digest, str_mem(piece, want));
		ingest_feed(i, str_mem(piece, want));
		at += want;
	}
	if (r != 0) {
		digest_drop(&digest);
		return why_set(why, r == FAIL_GONE ? FAIL_PERM : FAIL_TEMP,
		    "content is shorter than announced");
	}
	if (d->digest.n > 0) {
		digest_end(&digest, sum);
		if (STORE_RULE('G') &&
		    !str_eq(d->digest, str_mem(sum, sizeof(sum))))
			return why_set(why, FAIL_PERM,
			    "content has another digest than announced");
	}
	return 0;
}

static void
fill(const struct delivery *d, struct ingest *i, struct box_message *m)
{
	memset(m, 0, sizeof(*m));
	m->key = d->key;
	m->uid = d->uid;
	m->unsure = d->unsure;
	m->flags = d->flags & INDEX_FLAG_MASK;
	m->keywords = d->keywords;
	m->savedate_s = clock_real_s();
	m->internaldate_s = d->date_s;
	m->wire_size = i->wire_size;
	m->disk_size = i->disk_size;
	m->emailid = rand_u64();
	m->in_new = !d->in_cur && m->flags == 0;
	m->letters = m->in_new ? 0 : fname_letters(m->flags);
	if (has_key(&d->key))
		fname_base_delivery(d->key.mid, d->key.number,
		    d->key.redelivery, m->disk_size, m->wire_size, m->base);
	else
		fname_base_copy(m->savedate_s, rand_u64(), m->disk_size,
		    m->wire_size, m->base);
	m->blob = buf_str(&i->blob);
}

int
deliver_write(struct box *b, const struct delivery *d, struct draft *out,
    struct why *why)
{
	struct ingest *i = b->a->place->ingest;
	int tmp = box_tmp(b), fd, r;

	if (tmp < 0)
		return why_errno(why, FAIL_TEMP, "tmp");
	snprintf(out->tmp, sizeof(out->tmp), "%lld.T%016llx.veredus",
	    (long long)clock_real_s(), (unsigned long long)rand_u64());
	fd = b->v->open(b->v, tmp, out->tmp, O_WRONLY | O_CREAT | O_EXCL,
	    0600);
	if (fd < 0)
		return why_errno(why, FAIL_TEMP, "cannot make a file");
	ingest_begin(i, b->v, fd);
	r = pour(b, d, why);
	if (r == 0 && ingest_end(i) != 0)
		r = why_errno(why, FAIL_TEMP, "cannot write");
	if (r == 0 && b->a->place->ops->wrote != NULL)
		b->a->place->ops->wrote(b->a, fd, false);
	b->v->close(b->v, fd);
	if (r != 0) {
		b->v->unlink(b->v, tmp, out->tmp);
		return r;
	}
	fill(d, i, &out->m);
	return 0;
}

void
deliver_drop(struct box *b, struct draft *x)
{
	if (x->tmp[0] != '\0' && box_tmp(b) >= 0)
		b->v->unlink(b->v, box_tmp(b), x->tmp);
	x->tmp[0] = '\0';
}

static void
wrote(struct box *b, int fd, bool is_folder)
{
	if (b->a->place->ops->wrote != NULL)
		b->a->place->ops->wrote(b->a, fd, is_folder);
}

/* The names log and the account's log go to the disk with the file. */
static void
wrote_all(struct box *b, int dir)
{
	if (b->a->place->ops->wrote == NULL)
		return;
	wrote(b, dir, true);
	wrote(b, b->names.fd, false);
	wrote(b, b->a->log.fd, false);
}

static int
add(struct box *b, struct draft *x, const char *name, uint32_t *uid_out,
    struct why *why)
{
	int dir = x->m.in_new ? b->new_ : b->cur, r;

	r = box_add(b, &x->m, uid_out);
	if (r == 0) {
		wrote_all(b, dir);
		return 0;
	}
	/* Not logged, so it has not been. */
	b->v->unlink(b->v, dir, name);
	return why_errno(why, FAIL_TEMP, "cannot write the log");
}

int
deliver_commit(struct box *b, struct draft *x, uint32_t *uid_out,
    struct why *why)
{
	char name[FNAME_BUF];
	int dir = x->m.in_new ? b->new_ : b->cur, r;

	if (!fname_make(str_of(x->m.base), x->m.letters, x->m.in_new, name))
		return why_set(why, FAIL_BUG, "no name");
	if (!x->m.in_new)
		box_cur_begin(b);
	r = b->v->rename(b->v, box_tmp(b), x->tmp, dir, name, false);
	if (!x->m.in_new)
		box_cur_end(b);
	if (r < 0) {
		r = why_errno(why, FAIL_TEMP, "cannot rename");
		deliver_drop(b, x);
		return r;
	}
	x->tmp[0] = '\0';
	return add(b, x, name, uid_out, why);
}

void
deliver_take_back(struct box *b, const struct draft *x, uint32_t uid)
{
	char name[FNAME_BUF];
	int dir = x->m.in_new ? b->new_ : b->cur;

	if (box_take_back(b, uid) != 0)
		log_say(LOG_LEVEL_WARN, "append-not-undone", "%s", b->name);
	if (b->stale || dir < 0 || !fname_make(str_of(x->m.base),
	    x->m.letters, x->m.in_new, name))
		return;
	box_cur_begin(b);
	b->v->unlink(b->v, dir, name);
	box_cur_end(b);
}

/* --- repeats ------------------------------------------------------------- */

/* Do two files have the same bytes? */
static bool
same(struct box *b, int x, int y)
{
	uint8_t p[PIECE / 2], q[PIECE / 2];
	off_t size = volume_size(b->v, x), at = 0;
	size_t n;

	if (size < 0 || size != volume_size(b->v, y))
		return false;
	for (; at < size; at += (off_t)n) {
		n = size - at < (off_t)sizeof(p) ? (size_t)(size - at) :
		    sizeof(p);
		if (volume_read(b->v, x, p, n, at) != 0 ||
		    volume_read(b->v, y, q, n, at) != 0 ||
		    memcmp(p, q, n) != 0)
			return false;
	}
	return true;
}

static bool
same_as_draft(struct box *b, struct draft *x, int dir, const char *name)
{
	int ours, theirs;
	bool equal = false;

	theirs = b->v->open(b->v, dir, name, O_RDONLY, 0);
	if (theirs < 0)
		return false;
	ours = b->v->open(b->v, box_tmp(b), x->tmp, O_RDONLY, 0);
	if (ours >= 0) {
		equal = same(b, ours, theirs);
		b->v->close(b->v, ours);
	}
	b->v->close(b->v, theirs);
	return equal;
}

/* A file of that base under any letters.  Replay is rare: a walk will do. */
static bool
find_base(struct box *b, struct str base, char name_out[FNAME_BUF],
    bool *in_new_out)
{
	struct volume_walk *w = xmalloc(sizeof(*w));
	struct stat st;
	struct str found;
	uint64_t letters;
	const char *name;
	bool canonical, yes = false;

	snprintf(name_out, FNAME_BUF, "%.*s", STR_ARG(base));
	*in_new_out = true;
	if (b->v->stat(b->v, b->new_, name_out, &st) == 0)
		yes = true;
	if (!yes)
		volume_walk_begin(w, b->v, b->cur);
	while (!yes && volume_walk_next(w, &name, NULL) == 1)
		if (fname_parse(name, &found, &letters, &canonical) &&
		    str_eq(found, base)) {
			snprintf(name_out, FNAME_BUF, "%s", name);
			*in_new_out = false;
			yes = true;
		}
	free(w);
	return yes;
}

static bool
uid_of(struct box *b, struct str base, uint32_t *uid_out)
{
	struct names_walk *w = xmalloc(sizeof(*w));
	struct index_record r;
	struct names_entry e;
	uint64_t at;
	uint32_t where;
	bool found = false;

	names_walk_begin(w, &b->names, names_first(&b->names));
	while (names_walk_next(w, &e, &at))
		if (str_same(base, e.base) &&
		    box_find(b, e.uid, &where, &r) == 0) {
			*uid_out = e.uid;
			found = true;
		}
	free(w);
	return found;
}

/* What the first try left of a message. */
struct left {
	bool		has_record, has_file, has_key;
	struct index_record r;
	char		name[FNAME_BUF];	/* of the file, or for it */
	bool		in_new;
};

static bool
has_record(struct box *b, uint32_t uid, struct left *l)
{
	struct names_entry e;
	struct stat st;
	uint32_t at;
	int dir;

	l->has_record = box_find(b, uid, &at, &l->r) == 0 &&
	    box_name_of(b, &l->r, &e, l->name, &dir) == 0;
	if (!l->has_record)
		return false;
	l->in_new = (l->r.flags & INDEX_IN_NEW) != 0;
	l->has_file = b->v->stat(b->v, dir, l->name, &st) == 0;
	return true;
}

/* By its key that is one look; else by its name, everywhere. */
static void
look_for(struct box *b, const struct draft *x, struct left *l)
{
	const struct account_known *known = account_known(b->a, &x->m.key);
	struct str base = str_of(x->m.base);
	char name[FNAME_BUF];
	uint32_t uid;
	bool in_new;

	memset(l, 0, sizeof(*l));
	l->has_key = known != NULL;
	if (!(known != NULL && memcmp(known->mailboxid, b->h.mailboxid, 16) ==
	    0 && has_record(b, known->uid, l)) && uid_of(b, base, &uid))
		(void)has_record(b, uid, l);
	if (l->has_file || !find_base(b, base, name, &in_new))
		return;
	/* No record, or somebody renamed what it names. */
	l->has_file = true;
	l->in_new = in_new;
	memcpy(l->name, name, sizeof(l->name));
}

/* The record stays as it is; its key belongs into the log. */
static int
keep_record(struct box *b, struct draft *x, const struct left *l,
    uint32_t *uid_out, struct why *why)
{
	uint64_t txn;

	if (!l->has_key && box_log_append(b, &x->m, l->r.uid, &txn) != 0)
		return why_errno(why, FAIL_TEMP, "cannot write the log");
	*uid_out = l->r.uid;
	wrote_all(b, l->in_new ? b->new_ : b->cur);
	return 0;
}

/* The file stands under its name and has no record.  If that cannot be
 * written, the file may stay: the next try finds it. */
static int
add_record(struct box *b, struct draft *x, const struct left *l,
    uint32_t *uid_out, struct why *why)
{
	struct str base;
	bool canonical;

	if (!fname_parse(l->name, &base, &x->m.letters, &canonical))
		return why_set(why, FAIL_BUG, "no name");
	x->m.in_new = l->in_new;
	x->m.flags = fname_flags(x->m.letters);
	if (box_add(b, &x->m, uid_out) != 0)
		return why_errno(why, FAIL_TEMP, "cannot write the log");
	wrote_all(b, l->in_new ? b->new_ : b->cur);
	return 0;
}

/* The draft takes the place of that file, or of none. */
static int
put_over(struct box *b, struct draft *x, const struct left *l,
    struct why *why)
{
	int dir = l->in_new ? b->new_ : b->cur, r;

	if (!l->in_new)
		box_cur_begin(b);
	r = volume_put_over(b->v, box_tmp(b), x->tmp, dir, l->name);
	if (!l->in_new)
		box_cur_end(b);
	if (r != 0) {
		r = why_errno(why, FAIL_TEMP, "cannot rename");
		deliver_drop(b, x);
		return r;
	}
	x->tmp[0] = '\0';
	/* A scan that missed the file would expunge it at its end. */
	if (b->scan != NULL) {
		box_scan_drop(b);
		b->todo |= BOX_SCAN_ALL;
	}
	return 0;
}

/* What lies there is not what was sent: a cut came in between.  Whoever had
 * that UID sees it go and the whole message come. */
static int
replace(struct box *b, struct draft *x, const struct left *l,
    uint32_t *uid_out, struct why *why)
{
	int r;

	log_event(LOG_LEVEL_WARN, "message-damaged");
	log_z("account", b->a->name);
	log_z("file", l->name);
	log_end();
	r = put_over(b, x, l, why);
	if (r != 0)
		return r;
	if (l->has_record) {
		if (box_replaced(b, l->r.uid) != 0)
			return why_errno(why, FAIL_TEMP,
			    "cannot write the log");
		x->m.uid = 0;
	}
	return add_record(b, x, l, uid_out, why);
}

/* Rule A: are these the bytes that were sent? */
static bool
is_whole(struct box *b, struct draft *x, const struct left *l)
{
	return !STORE_RULE('A') || same_as_draft(b, x, l->in_new ? b->new_ :
	    b->cur, l->name);
}

/* It may be that nobody has synced what was adopted. */
static void
wrote_adopted(struct box *b, const struct left *l)
{
	int dir = l->in_new ? b->new_ : b->cur, fd;

	if (b->a->place->ops->wrote == NULL)
		return;
	fd = b->v->open(b->v, dir, l->name, O_RDONLY, 0);
	if (fd >= 0) {
		wrote(b, fd, false);
		b->v->close(b->v, fd);
	}
}

static int
again_file(struct box *b, struct draft *x, const struct left *l, bool anew,
    uint32_t *uid_out, struct why *why)
{
	int r = 0;

	if (!anew && !is_whole(b, x, l))
		return replace(b, x, l, uid_out, why);
	/* A sync failed: the bytes are in doubt though they look right, and
	 * the same name gets a new file (durability.md 9). */
	if (anew) {
		r = put_over(b, x, l, why);
	} else {
		deliver_drop(b, x);
		wrote_adopted(b, l);
	}
	if (r != 0)
		return r;
	return l->has_record ? keep_record(b, x, l, uid_out, why) :
	    add_record(b, x, l, uid_out, why);
}

/*
 * A record without a file.  Somebody deleted it, or a disk forgot it that
 * was mounted anew without the machine going down: these look alike, and only
 * one of them may be believed without losing mail.  So it comes back, under
 * its own UID.
 */
static int
again_record(struct box *b, struct draft *x, const struct left *l,
    uint32_t *uid_out, struct why *why)
{
	int r;

	if (l->r.disk_size != x->m.disk_size ||
	    l->r.wire_size != x->m.wire_size)
		return replace(b, x, l, uid_out, why);
	r = put_over(b, x, l, why);
	return r != 0 ? r : keep_record(b, x, l, uid_out, why);
}

/* A UID of a replayed APPEND counts only if it can be put in its place: its
 * number is free, and nobody looks. */
static void
settle_uid(struct box *b, struct draft *x)
{
	struct index_record r;
	uint32_t at;

	if (x->m.uid == 0 || x->m.uid >= b->h.uidnext || !STORE_RULE('T'))
		return;
	if (b->has_watchers || !list_empty(&b->held)) {
		x->m.uid = 0;
		return;
	}
	at = box_lower(b, x->m.uid);
	if (at < b->h.records) {
		uint8_t bytes[INDEX_RECORD_SIZE];

		if (box_read(b, at, 1, bytes) != 0 ||
		    index_record_get(bytes, &r) != 0 || r.uid == x->m.uid)
			x->m.uid = 0;
	}
}

int
deliver_again(struct box *b, const struct delivery *d, uint32_t *uid_out,
    struct why *why)
{
	const struct account_known *known = account_known(b->a, &d->key);
	struct draft x;
	struct left l;
	int r;

	if (known != NULL && (known->expunged || !STORE_RULE('K'))) {
		*uid_out = known->uid;
		return 0;
	}
	r = deliver_write(b, d, &x, why);
	if (r != 0)
		return r;
	settle_uid(b, &x);
	look_for(b, &x, &l);
	if (b->stale) {
		deliver_drop(b, &x);
		return why_set(why, FAIL_TEMP, "the index is damaged");
	}
	if (l.has_file)
		return again_file(b, &x, &l, d->anew, uid_out, why);
	if (l.has_record)
		return again_record(b, &x, &l, uid_out, why);
	return deliver_commit(b, &x, uid_out, why);
}
