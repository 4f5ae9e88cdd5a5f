/* SPDX-License-Identifier: ISC */
/*
 * maildir/log.c - the log of an account: records, appending, walking.
 */
#include "maildir/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define ANEW_FILE	"log.new"
#define APPEND_FIXED	(8 + 16 + 4 + 4 + 4 + 2 + 2 + 8 + 8 * 5)
#define FLAGS_FIXED	(1 + 1 + 2 + 8)

enum { EXPUNGE_MOVED = 1, EXPUNGE_REPLACED = 2 };

/* --- records ------------------------------------------------------------- */

static void
put_u16(struct buf *out, uint16_t v)
{
	buf_c(out, (uint8_t)v);
	buf_c(out, (uint8_t)(v >> 8));
}

static void
put_append(const struct log_record *r, struct buf *out)
{
	buf_u64le(out, (uint64_t)r->when_s);
	buf_mem(out, r->key.mid, sizeof(r->key.mid));
	buf_u32le(out, r->key.number);
	buf_u32le(out, r->key.redelivery);
	buf_u32le(out, r->uid);
	put_u16(out, r->flags);
	put_u16(out, r->in_new);
	buf_u64le(out, r->keywords);
	buf_u64le(out, (uint64_t)r->internaldate_s);
	buf_u64le(out, (uint64_t)r->savedate_s);
	buf_u64le(out, r->wire_size);
	buf_u64le(out, r->disk_size);
	buf_u64le(out, r->emailid);
	buf_add(out, r->name);
}

static void
put_payload(const struct log_record *r, struct buf *out)
{
	switch (r->type) {
	case LOG_APPEND:
		put_append(r, out);
		break;
	case LOG_FLAGS:
		buf_c(out, r->how);
		buf_c(out, 0);
		put_u16(out, r->flags);
		buf_u64le(out, r->keywords);
		buf_add(out, r->ranges);
		break;
	case LOG_KEYWORD:
		buf_c(out, r->bit);
		buf_add(out, r->name);
		break;
	case LOG_EXPUNGE:
		buf_u64le(out, (uint64_t)r->when_s);
		buf_u64le(out, (r->moved ? EXPUNGE_MOVED : 0) |
		    (r->replaced ? EXPUNGE_REPLACED : 0));
		buf_add(out, r->ranges);
		break;
	case LOG_NAME:
	case LOG_META:
	case LOG_CHECKPOINT:
		buf_u64le(out, (uint64_t)r->when_s);
		break;
	}
}

void
log_record_put(const struct log_record *r, struct buf *out)
{
	size_t at = buf_str(out).n, n;
	uint8_t *p;

	buf_u32le(out, 0);
	put_u16(out, (uint16_t)r->type);
	put_u16(out, 0);
	buf_u64le(out, r->txn);
	buf_mem(out, r->mailboxid, sizeof(r->mailboxid));
	put_payload(r, out);
	if (buf_failed(out))
		return;
	p = out->p + out->start + at;
	n = buf_str(out).n - at;
	num_put32le(p, (uint32_t)(n + LOG_TAIL));
	buf_u32le(out, crc32c(p, n));
}

static int
get_append(struct str s, struct log_record *r)
{
	const uint8_t *p = s.p;

	if (s.n < APPEND_FIXED)
		return FAIL_SYNTAX;
	r->when_s = (int64_t)num_get64le(p);
	memcpy(r->key.mid, p + 8, sizeof(r->key.mid));
	r->key.number = num_get32le(p + 24);
	r->key.redelivery = num_get32le(p + 28);
	r->uid = num_get32le(p + 32);
	r->flags = num_get16le(p + 36);
	r->in_new = num_get16le(p + 38) != 0;
	r->keywords = num_get64le(p + 40);
	r->internaldate_s = (int64_t)num_get64le(p + 48);
	r->savedate_s = (int64_t)num_get64le(p + 56);
	r->wire_size = num_get64le(p + 64);
	r->disk_size = num_get64le(p + 72);
	r->emailid = num_get64le(p + 80);
	r->name = str_from(s, APPEND_FIXED);
	if (r->uid == 0 || r->name.n == 0 || r->name.n > FNAME_MAX ||
	    str_has_nul(r->name) || str_chr(r->name, '/') != r->name.n ||
	    r->name.p[0] == '.')
		return FAIL_SYNTAX;
	return 0;
}

static int
get_payload(struct str s, struct log_record *r)
{
	switch (r->type) {
	case LOG_APPEND:
		return get_append(s, r);
	case LOG_FLAGS:
		if (s.n < FLAGS_FIXED || (s.n - FLAGS_FIXED) % 8 != 0)
			return FAIL_SYNTAX;
		r->how = s.p[0];
		r->flags = num_get16le(s.p + 2);
		r->keywords = num_get64le(s.p + 4);
		r->ranges = str_from(s, FLAGS_FIXED);
		return 0;
	case LOG_KEYWORD:
		if (s.n < 2 || s.p[0] > 63)
			return FAIL_SYNTAX;
		r->bit = s.p[0];
		r->name = str_from(s, 1);
		return 0;
	case LOG_EXPUNGE:
		if (s.n < 16 || s.n % 8 != 0)
			return FAIL_SYNTAX;
		r->when_s = (int64_t)num_get64le(s.p);
		r->moved = num_get64le(s.p + 8) & EXPUNGE_MOVED;
		r->replaced = num_get64le(s.p + 8) & EXPUNGE_REPLACED;
		r->ranges = str_from(s, 16);
		return 0;
	case LOG_NAME:
	case LOG_META:
	case LOG_CHECKPOINT:
		if (s.n < 8)
			return FAIL_SYNTAX;
		r->when_s = (int64_t)num_get64le(s.p);
		return 0;
	}
	return FAIL_SYNTAX;
}

int
log_record_get(struct str bytes, struct log_record *r_out, size_t *size_out)
{
	struct log_record r = { 0 };
	uint32_t n;
	int fail;

	if (bytes.n < LOG_HEAD + LOG_TAIL)
		return FAIL_GONE;
	n = num_get32le(bytes.p);
	if (n < LOG_HEAD + LOG_TAIL || n > LOG_RECORD_MAX || n > bytes.n)
		return FAIL_GONE;
	if (num_get32le(bytes.p + n - LOG_TAIL) !=
	    crc32c(bytes.p, n - LOG_TAIL))
		return FAIL_GONE;
	*size_out = n;
	r.type = (enum log_type)num_get16le(bytes.p + 4);
	r.txn = num_get64le(bytes.p + 8);
	memcpy(r.mailboxid, bytes.p + 16, sizeof(r.mailboxid));
	fail = get_payload(str_sub(bytes, LOG_HEAD, n - LOG_HEAD - LOG_TAIL),
	    &r);
	if (fail != 0)
		return fail;
	*r_out = r;
	return 0;
}

void
log_ranges_put(struct buf *out, const struct log_range *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_u32le(out, v[i].first);
		buf_u32le(out, v[i].last);
	}
}

bool
log_ranges_next(struct str *ranges, struct log_range *out)
{
	if (ranges->n < 8)
		return false;
	out->first = num_get32le(ranges->p);
	out->last = num_get32le(ranges->p + 4);
	*ranges = str_from(*ranges, 8);
	return true;
}

/* --- the file ------------------------------------------------------------ */

/* Finds the end of what can be believed, and the last txn; FAIL_SYNTAX when
 * nothing can. */
static int
find_end(struct log *l, log_seen_fn *seen, void *arg)
{
	struct log_walk w;
	struct log_record r;
	off_t size = volume_size(l->v, l->fd);
	uint64_t end;

	if (size < 0)
		return FAIL_TEMP;
	l->size = (uint64_t)size;
	l->txn = 0;
	log_walk_begin(&w, l);
	while (log_walk_next(&w, &r)) {
		if (r.txn > l->txn)
			l->txn = r.txn;
		if (seen != NULL)
			seen(arg, &r);
	}
	end = w.at;
	log_walk_end(&w);
	l->cut = l->size - end;
	if (end == 0 && l->size > 0)
		return FAIL_SYNTAX;
	if (l->cut > 0 && l->v->truncate(l->v, l->fd, (off_t)end) < 0)
		return FAIL_TEMP;
	l->size = end;
	return 0;
}

/* Not one record: it may be anybody's file, and is not cut to nothing. */
static int
begin_again(struct log *l, int dir)
{
	log_close(l);
	if (volume_put_aside(l->v, dir, LOG_FILE) != 0)
		return FAIL_TEMP;
	l->size = 0;
	l->fd = volume_create(l->v, dir, LOG_FILE, 0600);
	return l->fd < 0 ? FAIL_TEMP : 0;
}

int
log_open(struct log *l, struct volume *v, int dir, log_seen_fn *seen,
    void *arg)
{
	int r;

	l->v = v;
	l->fd = volume_open_own(v, dir, LOG_FILE, O_RDWR | O_CREAT, 0600,
	    NULL);
	if (l->fd < 0)
		return FAIL_TEMP;
	r = find_end(l, seen, arg);
	if (r == FAIL_SYNTAX)
		r = begin_again(l, dir);
	if (r != 0)
		log_close(l);
	return r;
}

void
log_close(struct log *l)
{
	if (l->fd >= 0)
		l->v->close(l->v, l->fd);
	l->fd = -1;
}

int
log_add(struct log *l, const struct log_record *r)
{
	if (r->txn <= l->txn)
		bug("log: txn goes back");
	return log_put(l, r);
}

int
log_put(struct log *l, const struct log_record *r)
{
	struct buf b;
	int fail;

	buf_init(&b, LOG_RECORD_MAX);
	log_record_put(r, &b);
	if (buf_failed(&b)) {
		buf_free(&b);
		return FAIL_TOO_BIG;
	}
	fail = volume_write(l->v, l->fd, buf_str(&b), (off_t)l->size);
	if (fail == 0) {
		l->size += buf_str(&b).n;
		if (r->txn > l->txn)
			l->txn = r->txn;
	} else if (l->v->truncate(l->v, l->fd, (off_t)l->size) < 0) {
		/* A torn record has no right sum; the next one overwrites
		 * it. */
	}
	buf_free(&b);
	return fail;
}

void
log_walk_begin(struct log_walk *w, struct log *l)
{
	w->l = l;
	w->at = w->next = 0;
	buf_init(&w->b, LOG_RECORD_MAX + 128 * 1024);
}

static bool
refill(struct log_walk *w)
{
	size_t room = 64 * 1024;
	uint8_t *p;

	if (w->next >= w->l->size)
		return false;
	if (room > w->l->size - w->next)
		room = (size_t)(w->l->size - w->next);
	p = buf_grow(&w->b, room);
	if (p == NULL || volume_read(w->l->v, w->l->fd, p, room,
	    (off_t)w->next) != 0)
		return false;
	buf_grown(&w->b, room);
	w->next += room;
	return true;
}

/* Records of a later version are stepped over. */
bool
log_walk_next(struct log_walk *w, struct log_record *r_out)
{
	size_t n;
	int r;

	/* The strings of the record before are in b: it goes only now. */
	for (;;) {
		r = log_record_get(buf_str(&w->b), r_out, &n);
		if (r == FAIL_GONE) {
			if (buf_str(&w->b).n > LOG_RECORD_MAX || !refill(w))
				return false;
			continue;
		}
		w->at += n;
		buf_consume(&w->b, n);
		if (r == 0)
			return true;
	}
}

void
log_walk_end(struct log_walk *w)
{
	buf_free(&w->b);
}

/* --- anew ---------------------------------------------------------------- */

int
log_anew_begin(struct log *anew, struct volume *v, int dir)
{
	anew->v = v;
	anew->size = anew->txn = anew->cut = 0;
	anew->fd = volume_create(v, dir, ANEW_FILE, 0600);
	return anew->fd < 0 ? FAIL_TEMP : 0;
}

int
log_anew_end(struct log *l, struct log *anew, int dir)
{
	if (l->v->rename(l->v, dir, ANEW_FILE, dir, LOG_FILE, true) < 0) {
		log_anew_drop(anew, dir);
		return FAIL_TEMP;
	}
	if (anew->txn < l->txn)
		anew->txn = l->txn;
	log_close(l);
	*l = *anew;
	anew->fd = -1;
	return 0;
}

void
log_anew_drop(struct log *anew, int dir)
{
	if (anew->fd < 0)
		return;
	anew->v->unlink(anew->v, dir, ANEW_FILE);
	log_close(anew);
}
