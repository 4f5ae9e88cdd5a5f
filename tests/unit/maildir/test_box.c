/* SPDX-License-Identifier: ISC */
/* A mailbox, without crashes: what is done is there, also after a reopen,
 * and others' changes in the folders are seen. */
#include "tests/unit/maildir/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_init(&w);
	world_open(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void
check(struct box *b, uint32_t uid, const char *text, uint16_t flags)
{
	struct index_record r;
	uint32_t at;
	char got[64];

	assert_int_equal(box_find(b, uid, &at, &r), 0);
	assert_int_equal(r.flags & INDEX_FLAG_MASK, flags);
	world_text(b, uid, got);
	assert_string_equal(got, text);
}

static struct box *
again(struct box *b)
{
	char name[100];

	snprintf(name, sizeof(name), "%.99s", b->name);
	world_close(&w);
	world_open(&w);
	return world_box(&w, name);
}

/* The index is gone while nobody has it open. */
static struct box *
index_lost(struct box *b)
{
	char id[MID_LEN + 1], path[600];

	mid_from_bin(b->names.head.mailboxid, id);
	world_close(&w);
	snprintf(path, sizeof(path), "%s/index/example.org/joe/%s.idx",
	    w.dir, id);
	assert_int_equal(unlink(path), 0);
	world_open(&w);
	return world_box(&w, "INBOX");
}

static void
flags(struct box *b, uint32_t first, uint32_t last, enum box_how how,
    uint16_t f, uint64_t keywords)
{
	struct log_range range = { first, last };
	uint32_t n;

	assert_true(box_ready(b, 0));
	assert_int_equal(box_flags(b, &range, 1, how, f, keywords, &n), 0);
}

static void
check_cache(struct box *b, uint32_t uid, const char *subject)
{
	struct index_record r;
	struct str items, v;
	struct buf blob;
	uint32_t at;

	assert_int_equal(box_find(b, uid, &at, &r), 0);
	buf_init(&blob, CACHE_BLOB_HEAD + CACHE_BLOB_MAX);
	box_cache_read(b, r.cache_at, &blob);
	assert_int_equal(cache_blob_check(buf_str(&blob), &items), 0);
	assert_true(cache_item_get(items, CACHE_ENVELOPE, &v));
	assert_true(str_find(v, str_of(subject)) < v.n);
	buf_free(&blob);
}

static void
delivered(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct index_record r;
	uint32_t uidvalidity, at;

	(void)state;
	world_settle(b);
	uidvalidity = b->h.uidvalidity;
	assert_int_equal(world_deliver(b, "one", 1, false), 1);
	assert_int_equal(world_deliver(b, "two", 2, false), 2);
	assert_int_equal(b->h.messages, 2);
	assert_int_equal(b->h.unseen, 2);
	assert_int_equal(b->h.uidnext, 3);
	check(b, 1, "one", 0);
	check_cache(b, 2, "\"two\"");
	assert_int_equal(box_find(b, 2, &at, &r), 0);
	/* Return-Path, From, Subject, empty line, body; CRLF. */
	assert_int_equal(r.wire_size, 30 + 23 + 14 + 2 + 5);
	assert_int_equal(r.disk_size, r.wire_size - 5);
	b = again(b);
	assert_int_equal(b->h.uidvalidity, uidvalidity);
	check(b, 1, "one", 0);
	check(b, 2, "two", 0);
	assert_int_equal(world_deliver(b, "three", 3, false), 3);
}

static void
flags_and_names(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	uint64_t mask;

	(void)state;
	world_deliver(b, "one", 1, false);
	world_deliver(b, "two", 2, false);
	world_settle(b);
	assert_int_equal(box_keyword_mask(b, STR("$Junk Work"), true, &mask),
	    0);
	assert_int_equal(mask, 3);
	flags(b, 1, 2, BOX_ADD, INDEX_SEEN | INDEX_FLAGGED, mask);
	flags(b, 2, 2, BOX_REMOVE, INDEX_FLAGGED, 1);
	assert_int_equal(b->h.unseen, 0);
	assert_int_equal(b->own.dirty, 2);
	check(b, 1, "one", INDEX_SEEN | INDEX_FLAGGED);
	world_settle(b);
	assert_int_equal(b->own.dirty, 0);
	check(b, 1, "one", INDEX_SEEN | INDEX_FLAGGED);
	check(b, 2, "two", INDEX_SEEN);
	b = again(b);
	assert_int_equal(b->keywords, 2);
	assert_string_equal(b->keyword[1], "Work");
	check(b, 1, "one", INDEX_SEEN | INDEX_FLAGGED);
	check(b, 2, "two", INDEX_SEEN);
}

static void
expunged(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range all = { 1, 100 };
	struct index_record r;
	uint32_t n, at;

	(void)state;
	world_deliver(b, "one", 1, false);
	world_deliver(b, "two", 2, false);
	world_deliver(b, "three", 3, false);
	flags(b, 2, 2, BOX_SET, INDEX_DELETED, 0);
	assert_int_equal(b->h.deleted, 1);
	assert_int_equal(box_expunge(b, &all, 1, true, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(b->h.messages, 2);
	assert_int_equal(b->h.deleted, 0);
	assert_int_equal(box_find(b, 2, &at, &r), FAIL_GONE);
	world_settle(b);
	b = again(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 2);
	assert_int_equal(box_find(b, 2, &at, &r), FAIL_GONE);
	check(b, 3, "three", 0);
	assert_int_equal(world_deliver(b, "four", 4, false), 4);
}

static void
copied_and_moved(void **state)
{
	struct box *b = world_box(&w, "INBOX"), *to;
	struct box_set moved = { 0 };
	uint32_t uid;
	uint64_t mask;
	bool move = false;

	(void)state;
	assert_int_equal(account_create(w.a, STR("Work/Bills")), 0);
	assert_int_equal(account_create(w.a, STR("Work/Bills")), FAIL_PERM);
	to = world_box(&w, "Work/Bills");
	assert_non_null(to);
	world_deliver(b, "one", 1, false);
	world_deliver(b, "two", 2, false);
	assert_int_equal(box_keyword_mask(b, STR("$Junk"), true, &mask), 0);
	flags(b, 1, 1, BOX_SET, INDEX_SEEN, mask);
	assert_true(box_ready(to, 2));
	assert_int_equal(box_copy(b, 1, to, &move, &uid), 0);
	assert_int_equal(uid, 1);
	check(to, 1, "one", INDEX_SEEN);
	assert_int_equal(to->keywords, 1);
	move = true;
	assert_int_equal(box_copy(b, 2, to, &move, &uid), 0);
	assert_true(move);
	box_set_add(&moved, 2);
	assert_int_equal(box_moved(b, &moved), 0);
	box_set_free(&moved);
	assert_int_equal(b->h.messages, 1);
	check(to, 2, "two", 0);
	world_settle(b);
	world_settle(to);
	to = again(to);
	b = world_box(&w, "INBOX");
	box_check(b);
	box_check(to);
	world_settle(b);
	world_settle(to);
	assert_int_equal(b->h.messages, 1);
	assert_int_equal(to->h.messages, 2);
	check(to, 1, "one", INDEX_SEEN);
	check(to, 2, "two", 0);
}

static void
others_deliver(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	char x[64], y[64];

	(void)state;
	world_settle(b);
	world_deliver(b, "one", 1, false);
	world_foreign(&w, "new", "1764180001.M1.host", "alien");
	world_foreign(&w, "cur", "1764180000.M0.host:2,SF", "older");
	box_check(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 3);
	check(b, 1, "one", 0);
	box_check(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 3);
	/* Letters were put in order: the name can be derived. */
	world_text(b, 2, x);
	world_text(b, 3, y);
	assert_true((!strcmp(x, "alien") && !strcmp(y, "older")) ||
	    (!strcmp(y, "alien") && !strcmp(x, "older")));
}

static void
rename_in(const char *from, const char *to)
{
	char x[600], y[600];

	snprintf(x, sizeof(x), "%s/mail/example.org/joe/Maildir/%s", w.dir,
	    from);
	snprintf(y, sizeof(y), "%s/mail/example.org/joe/Maildir/%s", w.dir,
	    to);
	if (to[0] == '\0')
		assert_int_equal(unlink(x), 0);
	else
		assert_int_equal(rename(x, y), 0);
}

/* Others rename and delete; letters that are not ours are kept. */
static void
others_rename(void **state)
{
	struct box *b = world_box(&w, "INBOX");

	(void)state;
	world_foreign(&w, "cur", "1.a:2,", "a");
	world_foreign(&w, "cur", "2.b:2,S", "b");
	world_foreign(&w, "cur", "3.c:2,Sx", "c");
	box_check(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 3);
	flags(b, 1, 3, BOX_ADD, INDEX_FLAGGED, 0);
	rename_in("cur/1.a:2,", "cur/1.a:2,PRS");
	rename_in("cur/2.b:2,S", "");
	box_check(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 2);
	check(b, 1, "a", INDEX_FLAGGED | INDEX_SEEN | INDEX_ANSWERED);
	check(b, 3, "c", INDEX_FLAGGED | INDEX_SEEN);
	rename_in("cur/1.a:2,FPRS", "cur/1.a:2,FPRST");
	rename_in("cur/3.c:2,FSx", "new/3.c");
	box_check(b);
	world_settle(b);
	check(b, 1, "a", INDEX_FLAGGED | INDEX_SEEN | INDEX_ANSWERED |
	    INDEX_DELETED);
	/* Back in new/: read no more. */
	check(b, 3, "c", 0);
	assert_int_equal(b->h.messages, 2);
}

static void
numbers_later(struct account *a)
{
	(void)a;
}

/* Rule 20: a scan that finds much changed waits for numbers, too. */
static void
numbers_in_time(void **state)
{
	enum { FILES = 600 };
	struct box *b = world_box(&w, "INBOX");
	struct reserve *r = &w.a->reserve;
	char was[40], is[40];
	struct index_record rec;
	unsigned i, steps = 0;
	uint32_t at;

	(void)state;
	for (i = 1; i <= FILES; i++) {
		snprintf(was, sizeof(was), "%u.a:2,", i);
		world_foreign(&w, "cur", was, "a");
	}
	box_check(b);
	world_settle(b);
	for (i = 1; i <= FILES; i++) {
		snprintf(was, sizeof(was), "cur/%u.a:2,", i);
		snprintf(is, sizeof(is), "cur/%u.a:2,S", i);
		rename_in(was, is);
	}
	box_check(b);
	w.ops.want_numbers = numbers_later;
	r->synced = r->written = r->wanted = w.a->modseq + 100;
	do {
		(void)box_step(b, BOX_SCAN_ALL, 1000);
		assert_true(w.a->modseq < r->synced);
		assert_int_equal(reserve_write(r), 0);
		reserve_synced(r);
		assert_true(++steps < 100);
	} while (b->scan != NULL || b->todo & BOX_SCAN_ALL);
	for (i = 1; i <= FILES; i++) {
		assert_int_equal(box_find(b, i, &at, &rec), 0);
		assert_true(rec.flags & INDEX_SEEN);
	}
}

/* Index and cache thrown away: all comes back, under the same UIDs, and what
 * was computed at delivery is computed again. */
static void
rebuilt(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range range = { 3, 3 };
	uint32_t uidvalidity, n;
	uint64_t mask;

	(void)state;
	world_deliver(b, "one", 1, false);
	world_deliver(b, "two", 2, false);
	world_deliver(b, "three", 3, false);
	world_deliver(b, "four", 4, false);
	assert_int_equal(box_keyword_mask(b, STR("k1 k2"), true, &mask), 0);
	flags(b, 1, 1, BOX_SET, INDEX_SEEN, mask);
	flags(b, 2, 2, BOX_SET, INDEX_FLAGGED, 2);
	assert_int_equal(box_expunge(b, &range, 1, false, &n), 0);
	world_settle(b);
	flags(b, 4, 4, BOX_SET, INDEX_ANSWERED, 0);	/* not in a name yet */
	uidvalidity = b->h.uidvalidity;
	b = index_lost(b);
	assert_true(b->todo & BOX_REBUILD);
	world_settle(b);
	assert_int_equal(b->h.uidvalidity, uidvalidity);
	assert_int_equal(b->h.messages, 3);
	check(b, 1, "one", INDEX_SEEN);
	check(b, 2, "two", INDEX_FLAGGED);
	check(b, 4, "four", INDEX_ANSWERED);
	check_cache(b, 1, "\"one\"");
	check_cache(b, 4, "\"four\"");
	assert_int_equal(b->keywords, 2);
	assert_int_equal(world_deliver(b, "five", 5, false), 5);
}

/* The last message was expunged, then the index was lost: what is made anew
 * knows its number, or the next look at the log brings it back. */
static void
rebuilt_without_the_last(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range range = { 2, 2 };
	struct index_record r;
	uint32_t n, at;

	(void)state;
	world_deliver(b, "one", 1, false);
	world_deliver(b, "two", 2, false);
	assert_int_equal(box_expunge(b, &range, 1, false, &n), 0);
	world_settle(b);
	b = index_lost(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 1);
	b = again(b);
	assert_int_equal(b->h.messages, 1);
	assert_int_equal(box_find(b, 2, &at, &r), FAIL_GONE);
	assert_int_equal(world_deliver(b, "three", 3, false), 3);
}

/* A power cut left names and sizes, but not what was in the file: it comes
 * back from the journal, and until then nobody is shown zeros. */
static void
torn_in_full_length(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	char path[700], name[FNAME_BUF], zeros[4096] = "";
	struct names_entry e;
	struct index_record r;
	uint32_t at;
	struct delivery d;
	struct why why;
	uint32_t uid;
	int dir, fd;

	(void)state;
	world_deliver(b, "one", 1, false);
	world_deliver(b, "two", 2, false);
	world_settle(b);
	assert_int_equal(box_find(b, 2, &at, &r), 0);
	assert_int_equal(box_name_of(b, &r, &e, name, &dir), 0);
	world_close(&w);
	snprintf(path, sizeof(path), "%s/mail/example.org/joe/Maildir/new/%s",
	    w.dir, name);
	fd = open(path, O_WRONLY);
	assert_true(r.disk_size < sizeof(zeros));
	assert_int_equal(write(fd, zeros, r.disk_size), r.disk_size);
	close(fd);
	world_power_cut(&w);
	world_open(&w);
	b = world_box(&w, "INBOX");
	world_settle(b);
	world_text(b, 2, zeros);
	assert_string_equal(zeros, "");
	snprintf(path, sizeof(path), "%s/mail/example.org/joe/Maildir/tmp/%s",
	    w.dir, name);
	assert_int_equal(access(path, F_OK), 0);
	world_delivery(&d, "two", 2);
	assert_int_equal(deliver_again(b, &d, &uid, &why), 0);
	close(d.fd);
	world_text(b, uid, zeros);
	assert_string_equal(zeros, "two");
	assert_int_equal(b->h.messages, 2);
}

static void
rewrite(struct box *b, uint32_t uid, const char *text)
{
	char path[700];
	FILE *f;

	world_path(b, uid, path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) > 0);
	assert_int_equal(fclose(f), 0);
}

/* Somebody wrote into messages' files: sizes and what is kept of headers
 * follow when one is asked for, and a shorter one is not taken for torn when
 * the index is made anew. */
static void
rewritten(void **state)
{
	static const char *const texts[] = {
		"Subject: 1\n\nx\n",
		"Subject: much longer than it was\n\nlonger\n",
	};
	struct box *b = world_box(&w, "INBOX");
	struct index_record r;
	uint32_t at, uid;
	uint64_t size, sum = 0;
	int fd;

	(void)state;
	for (uid = 1; uid <= 2; uid++) {
		world_deliver(b, "one", uid, uid == 2);
		world_settle(b);
		rewrite(b, uid, texts[uid - 1]);
		assert_int_equal(box_file(b, uid, &fd, &size), 0);
		close(fd);
		assert_int_equal(box_find(b, uid, &at, &r), 0);
		assert_int_equal(size, strlen(texts[uid - 1]));
		assert_int_equal(r.disk_size, size);
		assert_int_equal(r.wire_size, size + 3);
		sum += r.wire_size;
		assert_int_equal(b->h.size, sum);
	}
	check_cache(b, 1, "\"1\"");
	check_cache(b, 2, "\"much longer than it was\"");
	b = index_lost(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 2);
	for (uid = 1; uid <= 2; uid++) {
		assert_int_equal(box_find(b, uid, &at, &r), 0);
		assert_int_equal(r.disk_size, strlen(texts[uid - 1]));
	}
}

/* The record cannot be written: not now, and no descriptor of a closed file. */
static void
rewritten_and_disk_fails(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	uint64_t size;
	struct why why;
	int fd;

	(void)state;
	world_deliver(b, "one", 1, true);
	world_settle(b);
	rewrite(b, 1, "Subject: 1\n\nlonger\n");
	w.left = 0;
	assert_int_equal(box_file(b, 1, &fd, &size), FAIL_TEMP);
	assert_int_equal(fd, -1);
	world_heal(&w);
	assert_int_equal(box_fresh(b, &why), 0);
	assert_int_equal(box_file(b, 1, &fd, &size), 0);
	assert_int_equal(size, strlen("Subject: 1\n\nlonger\n"));
	close(fd);
}

/* Rule 21: what is behind an unsure append waits, and comes in order. */
static void
held(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct delivery d;
	struct draft x;
	struct why why;
	uint32_t uid;

	(void)state;
	assert_true(box_ready(b, 3));
	world_delivery(&d, "held", 9);
	d.unsure = true;
	assert_int_equal(deliver_write(b, &d, &x, &why), 0);
	assert_int_equal(deliver_commit(b, &x, &uid, &why), 0);
	assert_int_equal(uid, 1);
	assert_int_equal(world_deliver(b, "behind", 1, false), 2);
	assert_int_equal(b->h.messages, 0);
	box_sure(b, uid);
	assert_int_equal(b->h.messages, 2);
	check(b, 1, "held", 0);
	check(b, 2, "behind", 0);
	d.key.number = 2;
	assert_int_equal(deliver_write(b, &d, &x, &why), 0);
	assert_int_equal(deliver_commit(b, &x, &uid, &why), 0);
	world_deliver(b, "third", 3, false);
	deliver_take_back(b, &x, uid);
	assert_int_equal(b->h.messages, 3);
	check(b, 4, "third", 0);
	/* One that is never resolved: the next open has it, and what was
	 * behind. */
	d.key.number = 3;
	assert_int_equal(deliver_write(b, &d, &x, &why), 0);
	assert_int_equal(deliver_commit(b, &x, &uid, &why), 0);
	close(d.fd);
	world_deliver(b, "fourth", 4, false);
	b = again(b);
	check(b, 5, "held", 0);
	check(b, 6, "fourth", 0);
	box_check(b);
	world_settle(b);
	assert_int_equal(b->h.messages, 5);
}

/* Rule 20 */
static void
numbers_jump(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	uint32_t uidvalidity = b->h.uidvalidity, next;
	uint64_t modseq;

	(void)state;
	world_deliver(b, "one", 1, false);
	modseq = b->h.modseq;
	world_close(&w);
	world_power_cut(&w);
	world_open(&w);
	b = world_box(&w, "INBOX");
	assert_true(b->todo & BOX_REBUILD);
	world_settle(b);
	assert_int_equal(b->h.uidvalidity, uidvalidity);
	check(b, 1, "one", 0);
	assert_true(world_deliver(b, "two", 2, false) > 1000);
	assert_true(b->h.modseq > modseq + 1000);
	/* Closed clean: no jump, no check. */
	assert_int_equal(account_clean(w.a), 0);
	world_close(&w);
	world_power_cut(&w);
	world_open(&w);
	b = world_box(&w, "INBOX");
	assert_false(b->todo & BOX_REBUILD);
	check(b, 1, "one", 0);
	next = b->uid_next;
	assert_int_equal(world_deliver(b, "three", 3, false), next);
	assert_true(next < 2100);
}

/* syncd: holds what it was lent until its next sync. */
static int lent[32];
static size_t lent_n;

static void
lend(struct account *a, int fd, bool is_folder)
{
	(void)a;
	(void)is_folder;
	if (lent_n < NITEMS(lent))
		lent[lent_n++] = dup(fd);
}

/* One process an account; and when that is gone the next may have it, though
 * syncd still has descriptors of files that were written. */
static void
one_at_a_time(void **state)
{
	struct account *second;
	struct why why;

	(void)state;
	assert_int_equal(account_open(&w.place, STR("joe@example.org"),
	    STR("example.org/joe/Maildir"), true, &second, &why), FAIL_DENIED);
	w.ops.wrote = lend;
	(void)world_deliver(world_box(&w, "INBOX"), "Subject: a\r\n\r\nb\r\n", 1, false);
	assert_true(lent_n > 0);
	world_close(&w);
	world_open(&w);
	assert_non_null(w.a);
	while (lent_n > 0)
		close(lent[--lent_n]);
	w.ops.wrote = NULL;
}

static void
compacted(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range range = { 1, 600 };
	uint32_t n, generation;
	char text[64];
	int i;

	(void)state;
	for (i = 1; i <= 700; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		assert_int_equal(world_deliver(b, text, (uint32_t)i, false), i);
	}
	assert_int_equal(box_expunge(b, &range, 1, false, &n), 0);
	assert_int_equal(n, 600);
	world_settle(b);
	flags(b, 650, 650, BOX_SET, INDEX_SEEN, 0);
	world_settle(b);
	assert_true(box_compact_due(b));
	generation = b->h.generation;
	b->todo |= BOX_COMPACT;
	world_settle(b);
	assert_int_equal(b->h.generation, generation + 1);
	assert_int_equal(b->h.records, 100);
	check(b, 650, "m650", INDEX_SEEN);
	check(b, 700, "m700", 0);
	b = again(b);
	assert_int_equal(b->todo & BOX_REBUILD, 0);
	assert_int_equal(b->h.records, 100);
	check(b, 650, "m650", INDEX_SEEN);
	assert_int_equal(world_deliver(b, "after", 701, false), 701);
}

/* A Maildir from elsewhere is not whole before its first scan is through,
 * also when a process died in between. */
static void
first_scan(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	char name[32];
	int i;

	(void)state;
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "%d.elsewhere", i);
		world_foreign(&w, "new", name, "x");
	}
	assert_false(box_whole(b));
	assert_true(b->todo & BOX_SCAN_ALL);
	assert_true(box_ready(b, 1));
	for (i = 0; b->h.records == 0; i++) {
		assert_true(i < 1000);
		(void)box_step(b, BOX_SCAN_ALL, 0);
	}
	assert_false(box_whole(b));
	world_close(&w);
	world_open(&w);
	b = world_box(&w, "INBOX");
	assert_false(box_whole(b));
	world_settle(b);
	assert_true(box_whole(b));
	assert_int_equal(b->h.messages, 50);
	world_close(&w);
	world_open(&w);
	assert_true(box_whole(world_box(&w, "INBOX")));
}

/* Index or cache deleted under an open mailbox: it is made anew. */
static void
index_deleted(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct why why;
	char path[400], id[MID_LEN + 1];

	(void)state;
	world_settle(b);
	assert_int_equal(world_deliver(b, "one", 1, false), 1);
	box_check_index(b);
	assert_false(b->stale);
	mid_from_bin(b->h.mailboxid, id);
	snprintf(path, sizeof(path), "%s/index/example.org/joe/%s.cache",
	    w.dir, id);
	assert_int_equal(unlink(path), 0);
	box_check_index(b);
	assert_true(b->stale);
	assert_int_equal(box_fresh(b, &why), 0);
	assert_false(box_whole(b));	/* cache and index are a pair */
	world_settle(b);
	box_check_index(b);
	assert_false(b->stale);
	snprintf(path, sizeof(path), "%s/index/example.org/joe/%s.idx",
	    w.dir, id);
	assert_int_equal(unlink(path), 0);
	box_check_index(b);
	assert_true(b->stale);
	assert_int_equal(box_fresh(b, &why), 0);
	assert_false(box_whole(b));
	world_settle(b);
	assert_true(box_whole(b));
	assert_int_equal(b->h.messages, 1);
	check(b, 1, "one", 0);
}

static unsigned
folder_count(const char *name)
{
	char path[600];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/mail/example.org/joe/Maildir/%s",
	    w.dir, name);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Many are expunged, and the index goes before their files do: they stay
 * away.  One that was touched since then was put back by somebody, and is
 * taken in as what it is, a file. */
static void
expunged_unlinked(void **state)
{
	struct box *b = world_box(&w, "INBOX");
	struct log_range most[] = { { 1, 49 }, { 51, 100 } }, last = { 50, 50 };
	struct log_range tail = { 103, 180 };
	char text[16], got[64];
	int64_t now_ms = clock_real_ms();
	uint32_t n;
	int i;

	(void)state;
	for (i = 1; i <= 180; i++) {
		snprintf(text, sizeof(text), "m%d", i);
		assert_int_equal(world_deliver(b, text, (uint32_t)i, false), i);
	}
	world_settle(b);
	b->a->copy_unsettled = true;	/* nothing is unlinked meanwhile */
	clock_freeze(now_ms + 100000);
	assert_int_equal(box_expunge(b, most, 2, false, &n), 0);
	assert_int_equal(n, 99);
	assert_int_equal(box_expunge(b, &tail, 1, false, &n), 0);
	clock_turn(-200000);
	assert_int_equal(box_expunge(b, &last, 1, false, &n), 0);
	clock_thaw();
	assert_int_equal(folder_count("new"), 180);
	world_close(&w);
	world_remove(w.place.index, "example.org");
	world_open(&w);
	b = world_box(&w, "INBOX");
	for (i = 0; i < 3; i++) {
		world_settle(b);
		box_check(b);
	}
	assert_int_equal(b->h.messages, 3);
	assert_int_equal(folder_count("new"), 3);
	world_text(b, b->h.uidnext - 1, got);
	assert_string_equal(got, "m50");
	assert_true(b->h.uidnext > 180);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(delivered), T(flags_and_names), T(expunged),
		T(copied_and_moved), T(others_deliver), T(others_rename),
		T(numbers_in_time),
		T(rebuilt), T(rebuilt_without_the_last),
		T(torn_in_full_length), T(rewritten),
		T(rewritten_and_disk_fails), T(held), T(numbers_jump), T(one_at_a_time),
		T(compacted), T(first_scan),
		T(index_deleted), T(expunged_unlinked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
