/* SPDX-License-Identifier: ISC */
/*
 * maildir/take.c - files that others put into the folders get their UIDs, in
 * the order of time.
 */
#include "maildir/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/rand.h"

#include "base/banned.h"

#define AHEAD	65536	/* UIDs asked for at a time */

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

void
scan_found_add(struct box *b, int dir, const char *name,
    const struct seen_file *x)
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
	f->in_new = (x->state & SEEN_IN_NEW) != 0;
	memcpy(f->name, name, n);
	if (s->founds == s->found_cap) {
		s->found_cap = s->found_cap == 0 ? 16 : s->found_cap * 2;
		s->found = xrealloc(s->found, s->found_cap *
		    sizeof(struct found *));
	}
	s->found[s->founds++] = f;
}

bool
scan_straighten(struct box *b, int dir, bool in_new, const char *name)
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
unreadable(struct box *b, const char *name)
{
	log_event(LOG_LEVEL_WARN, "message-unreadable");
	log_z("account", b->a->name);
	log_z("mailbox", b->name);
	log_z("file", name);
	log_errno();
	log_end();
	return FAIL_GONE;
}

int
scan_open(struct box *b, const char *name, bool in_new, int *fd_out)
{
	*fd_out = b->v->open(b->v, in_new ? b->new_ : b->cur, name, O_RDONLY,
	    0);
	if (*fd_out >= 0)
		return 0;
	if (errno == ENOENT)
		return FAIL_GONE;
	return volume_is_strange(errno) ? unreadable(b, name) : FAIL_TEMP;
}

/* The one reader of the account's ingest at a time: a file that was left in
 * the middle is read again from its start when somebody else used it. */
static int
look_at(struct box *b, const struct found *f, int64_t until_ms)
{
	struct box_scan *s = b->scan;
	struct ingest *i = b->a->place->ingest;
	int fail;

	if (s->fd < 0) {
		s->ingesting = false;
		fail = scan_open(b, f->name, f->in_new, &s->fd);
		if (fail != 0)
			return fail;
	}
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
	if (s->kind == SCAN_ONLY_NEW && s->fd < 0 && is_known(b, base)) {
		b->todo |= BOX_SCAN_ALL;
		return true;
	}
	r = look_at(b, f, until_ms);
	if (r == 0)
		return false;
	if (r == FAIL_GONE)
		return true;
	if (r < 0 || !scan_straighten(b, f->in_new ? b->new_ : b->cur, f->in_new,
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
bool
scan_has_numbers(struct box *b)
{
	struct box_scan *s = b->scan;
	size_t left = s->founds - s->taken;

	if (box_ready(b, 1))
		return true;
	return left > 1 && box_ready(b, (uint32_t)num_min(left, AHEAD));
}

bool
scan_take(struct box *b, int64_t until_ms)
{
	struct box_scan *s = b->scan;

	if (!s->sorted && s->founds > 0)
		qsort(s->found, s->founds, sizeof(struct found *), by_time);
	s->sorted = true;
	while (s->taken < s->founds && !b->stale) {
		if (!scan_has_numbers(b))
			return false;	/* goes on when they are there */
		if (!take_one(b, until_ms))
			return false;
		taken(b);
		if (clock_mono_ms() >= until_ms)
			break;
	}
	return s->taken >= s->founds;
}

void
scan_take_end(struct box *b)
{
	struct box_scan *s = b->scan;

	for (size_t i = s->taken; i < s->founds; i++)
		free(s->found[i]);
	free(s->found);
	if (s->fd >= 0)
		b->v->close(b->v, s->fd);
}
