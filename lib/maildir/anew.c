/* SPDX-License-Identifier: ISC */
/*
 * maildir/anew.c - the log of an account written anew, shorter.
 *
 * What stays: repeat keys, EXPUNGEs and deleted mailboxes for the lifetime of
 * the queue and a day (durability.md 15), names of keywords, and whatever an
 * index or the file names do not have yet.  Flags that both have are dropped;
 * keywords, which no file name can say, are kept as the index has them: one
 * SET a run of messages that have the same, at the front of the new log.
 */
#include "maildir/account.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box.h"

#include "base/banned.h"

#define LOG_LONG	(1024 * 1024)
#define RUN_MAX		4096	/* ranges of one record */

/* What the index of a mailbox has of the log. */
struct applied {
	bool		all;		/* everything, and file names too */
	uint32_t	uidnext;
	int		fd;		/* of the index; -1: none */
	bool		is_own;		/* to be closed */
	uint32_t	records;
	bool		deleted;	/* the mailbox is gone */
};

bool
account_log_long(const struct account *a)
{
	return a->log.size > LOG_LONG && a->log.size > 4 * a->log_kept;
}

static bool
read_head(struct account *a, int fd, const uint8_t id[16],
    struct index_header *h, struct box_own *own)
{
	uint8_t head[INDEX_HEAD_SIZE + BOX_OWN_SIZE];

	return volume_read(a->v, fd, head, sizeof(head), 0) == 0 &&
	    index_header_get(head, h, NULL) == 0 &&
	    box_own_get(head + INDEX_HEAD_SIZE, own) == 0 &&
	    memcmp(h->mailboxid, id, 16) == 0;
}

static void
look(struct account *a, const uint8_t id[16], struct applied *out)
{
	const struct account_last *last = dict_get(&a->last,
	    str_mem(id, 16));
	struct box *b = box_by_id(a, id);
	char text[MID_LEN + 1], name[64];
	struct index_header h;
	struct box_own own;

	*out = (struct applied){ .fd = -1 };
	if (b != NULL && (b->stale || b->todo & BOX_REBUILD ||
	    !list_empty(&b->held)))
		return;
	mid_from_bin(id, text);
	snprintf(name, sizeof(name), "%s.idx", text);
	out->is_own = b == NULL;
	out->fd = b != NULL ? b->index : a->v->open(a->v, a->index, name,
	    O_RDONLY, 0);
	if (out->fd < 0 || !read_head(a, out->fd, id, &h, &own) ||
	    own.building)
		return;
	out->uidnext = h.uidnext;
	out->records = h.records;
	out->all = own.dirty == 0 && last != NULL && last->txn <= h.modseq &&
	    last->uid < h.uidnext;
}

static struct applied *
applied_of(struct account *a, struct dict *marks, const uint8_t id[16])
{
	struct applied *x = dict_get(marks, str_mem(id, 16));

	if (x == NULL) {
		x = xcalloc(1, sizeof(*x));
		look(a, id, x);
		dict_put(marks, str_mem(id, 16), x);
	}
	return x;
}

/* --- keywords ------------------------------------------------------------ */

struct run {
	struct log	*to;
	uint8_t		mailboxid[16];
	uint16_t	flags;
	uint64_t	keywords;
	struct box_set	uids;
};

static int
end_run(struct run *x)
{
	/* Below every real txn: only an index that is made anew reads it. */
	struct log_record r = { .type = LOG_FLAGS, .txn = 1, .how = BOX_SET,
	    .flags = x->flags, .keywords = x->keywords };
	struct buf ranges;
	int fail = 0;

	if (x->uids.n > 0) {
		buf_init(&ranges, RUN_MAX * 8);
		log_ranges_put(&ranges, x->uids.v, x->uids.n);
		r.ranges = buf_str(&ranges);
		memcpy(r.mailboxid, x->mailboxid, 16);
		fail = log_put(x->to, &r);
		buf_free(&ranges);
	}
	box_set_free(&x->uids);
	return fail;
}

static int
add_to_run(struct run *x, const struct index_record *r)
{
	uint16_t flags = r->flags & INDEX_FLAG_MASK;
	int fail = 0;

	if (r->flags & INDEX_EXPUNGED || r->keywords == 0)
		return 0;
	if (x->uids.n == RUN_MAX || (x->uids.n > 0 && (x->flags != flags ||
	    x->keywords != r->keywords)))
		fail = end_run(x);
	x->flags = flags;
	x->keywords = r->keywords;
	box_set_add(&x->uids, r->uid);
	return fail;
}

static int
keep_keywords(struct account *a, const uint8_t id[16],
    const struct applied *x, struct log *to)
{
	uint8_t *p = xmalloc((size_t)BOX_CHUNK * INDEX_RECORD_SIZE);
	struct run run = { .to = to };
	struct index_record r;
	uint32_t at, n, k;
	int fail = 0;

	memcpy(run.mailboxid, id, 16);
	for (at = 0; fail == 0 && at < x->records; at += n) {
		n = x->records - at < BOX_CHUNK ? x->records - at : BOX_CHUNK;
		fail = volume_read(a->v, x->fd, p, (size_t)n *
		    INDEX_RECORD_SIZE, INDEX_HEADER_SIZE + (off_t)at *
		    INDEX_RECORD_SIZE);
		for (k = 0; fail == 0 && k < n; k++)
			fail = index_record_get(p + (size_t)k *
			    INDEX_RECORD_SIZE, &r) != 0 ? FAIL_TEMP :
			    add_to_run(&run, &r);
	}
	free(p);
	if (fail == 0)
		fail = end_run(&run);
	box_set_free(&run.uids);
	return fail;
}

/* --- all of it ----------------------------------------------------------- */

static bool
is_kept(struct account *a, const struct log_record *r,
    const struct applied *x, int64_t now_s)
{
	static const uint8_t none[16];
	bool young = STORE_RULE('P') &&
	    r->when_s > now_s - a->place->keep_s;

	switch (r->type) {
	case LOG_APPEND:
		return (young && memcmp(r->key.mid, none, 16) != 0) ||
		    (!x->all && !x->deleted);
	case LOG_EXPUNGE:
		return young || (!x->all && !x->deleted);
	case LOG_NAME:
		return young;
	case LOG_KEYWORD:
		return !x->deleted;
	case LOG_FLAGS:
		return !x->all && !x->deleted;
	case LOG_META:
	case LOG_CHECKPOINT:
		break;
	}
	return false;
}

static int
first_pass(struct account *a, struct dict *marks)
{
	struct log_record r;
	struct log_walk w;
	struct applied *x;

	log_walk_begin(&w, &a->log);
	while (log_walk_next(&w, &r)) {
		x = applied_of(a, marks, r.mailboxid);
		x->deleted |= r.type == LOG_NAME;
	}
	log_walk_end(&w);
	return 0;
}

static int
write_keywords(struct account *a, struct dict *marks, struct log *anew)
{
	struct applied *x;
	struct str id;
	void *value;
	size_t at = 0;
	int fail = 0;

	while (fail == 0 && dict_next(marks, &at, &id, &value)) {
		x = value;
		if (x->all && !x->deleted)
			fail = keep_keywords(a, id.p, x, anew);
	}
	return fail;
}

static int
write_records(struct account *a, struct dict *marks, struct log *anew,
    int64_t now_s)
{
	struct applied *x;
	struct log_record r;
	struct log_walk w;
	int fail = 0;

	log_walk_begin(&w, &a->log);
	while (fail == 0 && log_walk_next(&w, &r)) {
		x = dict_get(marks, str_mem(r.mailboxid, 16));
		if (!is_kept(a, &r, x, now_s))
			continue;
		if (r.type == LOG_APPEND && x->all)
			r.keywords = 0;		/* said at the front, newer */
		fail = log_put(anew, &r);
	}
	log_walk_end(&w);
	return fail;
}

static void
free_marks(struct account *a, struct dict *marks)
{
	struct applied *x;
	struct str id;
	void *value;
	size_t at = 0;

	while (dict_next(marks, &at, &id, &value)) {
		x = value;
		if (x->is_own && x->fd >= 0)
			a->v->close(a->v, x->fd);
		free(x);
	}
	dict_free(marks);
}

int
account_log_anew(struct account *a, int64_t now_s)
{
	struct dict marks;
	struct log anew;
	int fail = log_anew_begin(&anew, a->v, a->state);

	if (fail != 0)
		return fail;
	dict_init(&marks);
	fail = first_pass(a, &marks);
	if (fail == 0)
		fail = write_keywords(a, &marks, &anew);
	if (fail == 0)
		fail = write_records(a, &marks, &anew, now_s);
	free_marks(a, &marks);
	if (fail == 0)
		fail = log_anew_end(&a->log, &anew, a->state);
	else
		log_anew_drop(&anew, a->state);
	if (fail == 0)
		a->log_kept = a->log.size;
	return fail;
}
