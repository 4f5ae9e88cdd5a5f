/* SPDX-License-Identifier: ISC */
/*
 * journal/journal.c - the ring (see journal.h for its form on the disk).
 *
 * Records go into one batch buffer; journal_flush writes the batch at the
 * place where the ring stands and syncs that segment.  Nothing durable is
 * written over before the segment is used again, and a segment is used again
 * only when it is the oldest and nobody holds it.
 *
 * This file never answers anybody, never looks into a record, and never
 * tries a sync again as if it could heal: after an error the segment is left
 * alone, the next one begins with a VOID for what was refused, and a second
 * error ends the ring until the next start (R5).
 */
#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/rand.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define FORMAT		1
#define NONCE_LEN	16
#define SEGMENT_HEAD	64
#define BATCH_HEAD	64
#define RECORD_HEAD	12
#define VOID_LEN	16
#define SCAN_CHUNK	(64 * 1024)

static const uint8_t segment_magic[4] = { 'V', 'J', 'S', 'G' };
static const uint8_t batch_magic[4] = { 'V', 'J', 'B', 'T' };

struct segment {
	uint64_t	use;	/* 0: never used, or its head is unreadable */
	uint64_t	first;	/* sequence number of its first batch */
	uint8_t		nonce[NONCE_LEN];
	uint32_t	holds;
	uint32_t	size;
	int		handle;	/* -1: no such file yet */
	bool		bad;	/* an error came from it: file is made anew */
};

/* A batch that was found on the disk at start. */
struct found {
	uint64_t	seq;
	uint32_t	segment, at, bytes;
	bool		broken;	/* head is right, the sum is not */
};

/* Sequence numbers from .. to - 1. */
struct range {
	uint64_t	from, to;
};

struct journal {
	const struct disk	*disk;
	struct segment	*seg;
	uint32_t	segs, max_segs, segment_size;
	uint32_t	current;	/* UINT32_MAX: none begun yet */
	uint32_t	at;		/* where the next batch goes */
	uint64_t	use;		/* newest that was given */
	uint64_t	seq;		/* of the next batch */
	uint8_t		*batch;		/* JOURNAL_BATCH_MAX and one block */
	uint32_t	len, records;
	uint32_t	last_at;	/* of the record asked for last */
	unsigned	failures;	/* bad segments in the ring */
	bool		dead;
	struct found	*found;
	size_t		founds, found_cap;
	struct range	*voids;		/* read at start */
	size_t		n_voids;
	struct range	owed;		/* to be made void by the next batch */
};

#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
const char *journal_broken = "";

bool
journal_is_broken(char rule)
{
	return strchr(journal_broken, rule) != NULL;
}
#endif

/* R1: each batch on its own block. */
static uint32_t
round_up(uint32_t n)
{
	uint32_t unit = RULE('1') ? JOURNAL_BLOCK : 64;

	return (n + unit - 1) / unit * unit;
}

static uint32_t
end_of(const struct segment *s)
{
	return s->size - JOURNAL_BLOCK;
}

/* --- forms --------------------------------------------------------------- */

static void
segment_head_put(const struct segment *s, uint8_t head[JOURNAL_BLOCK])
{
	memset(head, 0, JOURNAL_BLOCK);
	memcpy(head, segment_magic, 4);
	num_put32le(head + 4, FORMAT);
	memcpy(head + 8, s->nonce, NONCE_LEN);
	num_put64le(head + 24, s->use);
	num_put64le(head + 32, s->first);
	num_put32le(head + 40, s->size);
	num_put32le(head + SEGMENT_HEAD - 4, crc32c(head, SEGMENT_HEAD - 4));
}

/* Takes over what head says if it is a newer use than s knows. */
static void
segment_head_get(const uint8_t *head, struct segment *s)
{
	if (memcmp(head, segment_magic, 4) != 0 ||
	    num_get32le(head + 4) != FORMAT ||
	    num_get32le(head + SEGMENT_HEAD - 4) !=
	    crc32c(head, SEGMENT_HEAD - 4) ||
	    num_get32le(head + 40) != s->size ||
	    num_get64le(head + 24) <= s->use)
		return;
	memcpy(s->nonce, head + 8, NONCE_LEN);
	s->use = num_get64le(head + 24);
	s->first = num_get64le(head + 32);
}

/* R2: the nonce and the sequence number are inside every sum, so that
 * neither an older use of the block nor the text of a message passes. */
static uint32_t
record_sum(const struct segment *s, uint64_t seq, unsigned type,
    const uint8_t *p, uint32_t n)
{
	uint8_t key[NONCE_LEN + 16];
	uint32_t sum;

	memcpy(key, s->nonce, NONCE_LEN);
	num_put64le(key + NONCE_LEN, seq);
	num_put32le(key + NONCE_LEN + 8, type);
	num_put32le(key + NONCE_LEN + 12, n);
	sum = crc32c_more(0, key, sizeof(key));
	return crc32c_more(sum, p, n);
}

static void
batch_head_put(struct journal *j)
{
	const struct segment *s = &j->seg[j->current];
	uint8_t *b = j->batch, *r = b + BATCH_HEAD;
	uint32_t sum = 0, n;

	for (uint32_t i = 0; i < j->records; i++, r += RECORD_HEAD + n) {
		n = num_get32le(r + 4);
		num_put32le(r + 8, record_sum(s, j->seq, num_get16le(r),
		    r + RECORD_HEAD, n));
		sum = crc32c_more(sum, r, RECORD_HEAD);
	}
	memset(b, 0, BATCH_HEAD);
	memcpy(b, batch_magic, 4);
	num_put32le(b + 4, FORMAT);
	memcpy(b + 8, s->nonce, NONCE_LEN);
	num_put64le(b + 24, j->seq);
	num_put32le(b + 32, j->len);
	num_put32le(b + 36, j->records);
	num_put32le(b + 40, sum);
	num_put32le(b + BATCH_HEAD - 4, crc32c(b, BATCH_HEAD - 4));
}

/* Is this the head of a batch of this use, at a place where it fits? */
static bool
batch_head_ok(const struct segment *s, const uint8_t *b, uint32_t room)
{
	uint32_t bytes = num_get32le(b + 32);

	if (memcmp(b, batch_magic, 4) != 0)
		return false;
	if (RULE('2') && memcmp(b + 8, s->nonce, NONCE_LEN) != 0)
		return false;
	return num_get32le(b + 4) == FORMAT && bytes >= BATCH_HEAD &&
	    bytes <= JOURNAL_BATCH_MAX && bytes <= room &&
	    num_get32le(b + BATCH_HEAD - 4) == crc32c(b, BATCH_HEAD - 4);
}

/* The record at *at of a batch; false at its end or where it makes no
 * sense.  sum_ok_out says whether its own sum is right. */
static bool
record_next(const struct segment *s, uint64_t seq, const uint8_t *b,
    uint32_t bytes, uint32_t *at, unsigned *type_out, struct str *body_out,
    bool *sum_ok_out)
{
	const uint8_t *r = b + *at;
	uint32_t n;

	if (bytes - *at < RECORD_HEAD)
		return false;
	n = num_get32le(r + 4);
	if (n > bytes - *at - RECORD_HEAD)
		return false;
	*type_out = num_get16le(r);
	*body_out = str_mem(r + RECORD_HEAD, n);
	*sum_ok_out = num_get32le(r + 8) ==
	    record_sum(s, seq, *type_out, r + RECORD_HEAD, n);
	*at += RECORD_HEAD + n;
	return true;
}

static bool
batch_sum_ok(const struct segment *s, const uint8_t *b, uint32_t bytes)
{
	uint32_t at = BATCH_HEAD, from, sum = 0, records = 0;
	struct str body;
	unsigned type;
	bool ok;

	for (from = at; record_next(s, num_get64le(b + 24), b, bytes, &at,
	    &type, &body, &ok); from = at, records++) {
		if (!ok)
			return false;
		sum = crc32c_more(sum, b + from, RECORD_HEAD);
	}
	return at == bytes && records == num_get32le(b + 36) &&
	    sum == num_get32le(b + 40);
}

/* --- segments ------------------------------------------------------------ */

static void
segment_name(uint32_t i, const char *tail, char out[DISK_NAME_MAX])
{
	snprintf(out, DISK_NAME_MAX, "journal/s%04" PRIu32 "%s", i, tail);
}

static int
write_zeros(const struct disk *d, int handle, uint32_t size)
{
	static const uint8_t zeros[SCAN_CHUNK];
	uint32_t at, n;
	int r = 0;

	for (at = 0; at < size && r == 0; at += n) {
		n = size - at < sizeof(zeros) ? size - at : sizeof(zeros);
		r = disk_write(d, handle, str_mem(zeros, n), at);
	}
	return r;
}

/* A file of written zeros under its final name: overwriting it later costs
 * one flush and no change of the file system's own books. */
static int
segment_make(struct journal *j, uint32_t i)
{
	const struct disk *d = j->disk;
	struct segment *s = &j->seg[i];
	char made[DISK_NAME_MAX], name[DISK_NAME_MAX];
	int h, r;

	segment_name(i, ".new", made);
	segment_name(i, "", name);
	(void)d->unlink(d->ctx, made);
	h = d->open(d->ctx, made, DISK_READ | DISK_WRITE | DISK_CREATE);
	if (h < 0)
		return FAIL_TEMP;
	r = write_zeros(d, h, j->segment_size);
	if (r == 0 && (d->fdatasync(d->ctx, h) != 0 ||
	    d->rename(d->ctx, made, name) != 0 ||
	    d->sync_folder(d->ctx, "journal") != 0))
		r = FAIL_TEMP;
	if (r != 0) {
		d->close(d->ctx, h);
		(void)d->unlink(d->ctx, made);
		return r;
	}
	if (s->handle >= 0)
		d->close(d->ctx, s->handle);
	if (s->bad)
		j->failures--;
	*s = (struct segment){ .handle = h, .size = j->segment_size };
	return 0;
}

/* The segment to use next: the oldest (R3, O).  segs: the ring may grow. */
static uint32_t
oldest(const struct journal *j)
{
	uint32_t best = j->segs;

	for (uint32_t i = 0; i < j->segs; i++) {
		if (i == j->current || (!RULE('O') && j->seg[i].holds > 0))
			continue;
		if (best == j->segs || (RULE('O')
		    ? j->seg[i].use < j->seg[best].use
		    : j->seg[i].use > j->seg[best].use))
			best = i;
	}
	return best;
}

unsigned
journal_free(const struct journal *j)
{
	unsigned n = j->max_segs > j->segs ? j->max_segs - j->segs : 0;
	uint64_t held = UINT64_MAX;

	for (uint32_t i = 0; i < j->segs; i++)
		if (j->seg[i].holds > 0 || i == j->current)
			held = num_min(held, j->seg[i].use);
	for (uint32_t i = 0; i < j->segs; i++)
		n += j->seg[i].use < held && i != j->current;
	return n;
}

unsigned
journal_reserve(const struct journal *j)
{
	return j->max_segs < 8 ? 1 : 2;
}

uint64_t
journal_oldest_held(const struct journal *j)
{
	uint64_t use = 0;

	for (uint32_t i = 0; i < j->segs; i++)
		if (j->seg[i].holds > 0 && (use == 0 || j->seg[i].use < use))
			use = j->seg[i].use;
	return use;
}

static int
segment_begin(struct journal *j, uint32_t i)
{
	const struct disk *d = j->disk;
	struct segment *s = &j->seg[i];
	uint8_t head[JOURNAL_BLOCK];

	s->use = ++j->use;	/* never twice, also when this goes wrong */
	s->first = j->seq;
	memset(s->nonce, 0, NONCE_LEN);
	if (RULE('2'))
		rand_bytes(s->nonce, NONCE_LEN);
	segment_head_put(s, head);
	if (disk_write(d, s->handle, str_mem(head, sizeof(head)), 0) != 0 ||
	    disk_write(d, s->handle, str_mem(head, sizeof(head)),
	    end_of(s)) != 0) {
		if (errno != ENOSPC && errno != EDQUOT)
			return FAIL_TEMP;
		s->use = 0;	/* nothing began; its turn comes again */
		return FAIL_GONE;
	}
	/* R2: no batch under a nonce that is not on the disk. */
	return RULE('H') && d->fdatasync(d->ctx, s->handle) != 0 ? FAIL_TEMP : 0;
}

static void
fail_segment(struct journal *j, struct segment *s)
{
	if (!s->bad)
		j->failures++;
	s->bad = true;
	j->at = UINT32_MAX;	/* nothing more goes there */
	if (j->failures > 1)
		j->dead = true;
}

/* The head did not go down, so the old use may come back after a cut while
 * newer segments, with the END records for its mail, are written over (R3,
 * O).  It must be gone before the ring goes on: a fresh file, or the end. */
static int
begin_afresh(struct journal *j, uint32_t i)
{
	fail_segment(j, &j->seg[i]);
	if (!j->dead && segment_make(j, i) == 0 && segment_begin(j, i) == 0)
		return 0;
	j->dead = true;
	return FAIL_PERM;
}

/* On to the next segment.  FAIL_GONE: none is free. */
static int
advance(struct journal *j)
{
	uint32_t i = oldest(j);
	bool grow = i == j->segs || j->seg[i].holds > 0;
	int r;

	if (grow && j->segs >= j->max_segs)
		return FAIL_GONE;
	if (grow) {
		j->seg[j->segs] = (struct segment){ .handle = -1 };
		/* no room to grow is a full ring, not a broken one */
		if (segment_make(j, j->segs) != 0)
			return FAIL_GONE;
		i = j->segs++;
	} else if ((j->seg[i].bad || j->seg[i].size != j->segment_size) &&
	    segment_make(j, i) != 0)
		return FAIL_GONE;
	r = segment_begin(j, i);
	if (r == FAIL_GONE)
		return r;
	if (r != 0 && begin_afresh(j, i) != 0)
		return FAIL_PERM;
	j->current = i;
	j->at = JOURNAL_BLOCK;
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static int
find_room(struct journal *j, enum journal_class class, uint32_t need)
{
	uint32_t room, len = j->len == 0 ? BATCH_HEAD : j->len;

	room = j->current < j->segs && j->at < end_of(&j->seg[j->current])
	    ? end_of(&j->seg[j->current]) - j->at : 0;
	if (len + need <= JOURNAL_BATCH_MAX && round_up(len + need) <= room)
		return 0;
	if (j->len > 0)
		return FAIL_TEMP;
	if (class == JOURNAL_MAIL && RULE('4') &&
	    journal_free(j) <= journal_reserve(j))
		return FAIL_GONE;
	return advance(j);
}

static uint8_t *
put_record(struct journal *j, enum journal_type type, uint32_t n)
{
	uint8_t *r = j->batch + j->len;

	memset(r, 0, RECORD_HEAD);
	num_put16le(r, (uint16_t)type);
	num_put32le(r + 4, n);
	j->last_at = j->len;
	j->len += RECORD_HEAD + n;
	j->records++;
	return r + RECORD_HEAD;
}

static uint32_t
owed_size(const struct journal *j)
{
	return j->len == 0 && j->owed.from < j->owed.to ?
	    RECORD_HEAD + VOID_LEN : 0;
}

/* R5: the first batch after a refused one says so before anything else. */
static void
begin_batch(struct journal *j)
{
	bool owes = owed_size(j) > 0;
	uint8_t *p;

	j->len = BATCH_HEAD;
	if (!owes)
		return;
	p = put_record(j, JOURNAL_VOID, VOID_LEN);
	num_put64le(p, j->owed.from);
	num_put64le(p + 8, j->owed.to);
}

int
journal_record(struct journal *j, enum journal_type type,
    enum journal_class class, size_t n, uint8_t **p_out,
    struct journal_place *place_out)
{
	uint32_t most = j->segment_size - 2 * JOURNAL_BLOCK;
	int fail;

	if (j->dead)
		return FAIL_PERM;
	if (most > JOURNAL_BATCH_MAX)
		most = JOURNAL_BATCH_MAX;
	if (n > most - BATCH_HEAD - 2 * RECORD_HEAD - VOID_LEN)
		return FAIL_TOO_BIG;
	fail = find_room(j, class, owed_size(j) + RECORD_HEAD + (uint32_t)n);
	if (fail != 0)
		return fail;
	if (j->len == 0)
		begin_batch(j);
	*p_out = put_record(j, type, (uint32_t)n);
	if (place_out != NULL)
		*place_out = (struct journal_place){
		    .use = j->seg[j->current].use, .seq = j->seq,
		    .at = j->at + j->last_at, .n = (uint32_t)n };
	return 0;
}

static void
batch_reset(struct journal *j)
{
	j->len = j->records = j->last_at = 0;
}

void
journal_unrecord(struct journal *j)
{
	if (j->last_at == 0)
		bug("no record to take back");
	j->len = j->last_at;
	j->last_at = 0;
	if (--j->records == 0)
		batch_reset(j);
}

size_t
journal_gathered(const struct journal *j)
{
	return j->records;
}

static int
write_batch(struct journal *j)
{
	struct segment *s = &j->seg[j->current];
	uint32_t n = round_up(j->len);

	batch_head_put(j);
	memset(j->batch + j->len, 0, n - j->len);
	if (disk_write(j->disk, s->handle, str_mem(j->batch, n), j->at) != 0)
		return errno == ENOSPC || errno == EDQUOT ? FAIL_GONE : FAIL_TEMP;
	if (RULE('F') && j->disk->fdatasync(j->disk->ctx, s->handle) != 0)
		return FAIL_TEMP;
	j->at += n;
	j->seq++;
	j->owed = (struct range){ 0, 0 };
	batch_reset(j);
	return 0;
}

/*
 * R5.  What was in the batch may or may not be on the disk.  Nobody is told
 * "later" before it is written down, in another segment, that it does not
 * count; else a cut would deliver what the client was refused.
 */
static int
void_batch(struct journal *j)
{
	if (j->owed.from == j->owed.to)
		j->owed.from = j->seq;
	j->owed.to = ++j->seq;
	batch_reset(j);
	fail_segment(j, &j->seg[j->current]);
	if (!RULE('5')) {
		j->owed.to = j->owed.from;
		return FAIL_TEMP;
	}
	if (!j->dead && find_room(j, JOURNAL_MARK, owed_size(j)) == 0) {
		begin_batch(j);
		if (write_batch(j) == 0)
			return FAIL_TEMP;
	}
	batch_reset(j);
	j->dead = true;
	return FAIL_PERM;
}

int
journal_flush(struct journal *j)
{
	static const uint8_t nothing[BATCH_HEAD];
	int r, err;

	if (j->records == 0)
		return 0;
	if (j->dead)
		return FAIL_PERM;
	r = write_batch(j);
	if (r == 0)
		return 0;
	/* A write that stopped for want of space left a batch whose sum is
	 * wrong; once its head is wiped the place can be used again. */
	if (r == FAIL_GONE && disk_write(j->disk, j->seg[j->current].handle,
	    str_mem(nothing, sizeof(nothing)), j->at) == 0) {
		batch_reset(j);
		return FAIL_GONE;
	}
	err = errno;
	r = void_batch(j);
	errno = err;
	return r;
}

static struct segment *
segment_of(struct journal *j, uint64_t use)
{
	for (uint32_t i = 0; i < j->segs && use != 0; i++)
		if (j->seg[i].use == use)
			return &j->seg[i];
	return NULL;
}

void
journal_hold(struct journal *j, uint64_t use)
{
	struct segment *s = segment_of(j, use);

	if (s != NULL)
		s->holds++;
}

void
journal_release(struct journal *j, uint64_t use)
{
	struct segment *s = segment_of(j, use);

	if (s == NULL)
		return;
	if (s->holds == 0)
		bug("segment of use %" PRIu64 " released too often", use);
	s->holds--;
}

bool
journal_dead(const struct journal *j)
{
	return j->dead;
}

int
journal_read(struct journal *j, const struct journal_place *place, uint8_t *to)
{
	struct segment *s = segment_of(j, place->use);
	uint8_t head[RECORD_HEAD];

	if (s == NULL)
		return FAIL_GONE;
	if (disk_read(j->disk, s->handle, head, sizeof(head), place->at) != 0 ||
	    num_get32le(head + 4) != place->n ||
	    disk_read(j->disk, s->handle, to, place->n,
	    place->at + RECORD_HEAD) != 0)
		return FAIL_TEMP;
	return num_get32le(head + 8) == record_sum(s, place->seq,
	    num_get16le(head), to, place->n) ? 0 : FAIL_TEMP;
}

/* --- start --------------------------------------------------------------- */

static void
found_add(struct journal *j, struct found f)
{
	if (j->founds == j->found_cap) {
		j->found_cap = j->found_cap == 0 ? 64 : j->found_cap * 2;
		j->found = xrealloc(j->found,
		    j->found_cap * sizeof(*j->found));
	}
	j->found[j->founds++] = f;
}

static int
segment_load(struct journal *j, uint32_t i)
{
	const struct disk *d = j->disk;
	struct segment *s = &j->seg[i];
	uint8_t head[SEGMENT_HEAD];
	char name[DISK_NAME_MAX];
	int64_t size;

	segment_name(i, "", name);
	s->handle = d->open(d->ctx, name, DISK_READ | DISK_WRITE);
	if (s->handle < 0)
		return errno == ENOENT ? FAIL_GONE : FAIL_TEMP;
	size = d->size(d->ctx, s->handle);
	if (size < 0)
		return FAIL_TEMP;
	if (size < 4 * JOURNAL_BLOCK || size > UINT32_MAX)
		return 0;	/* not ours: made anew when its turn comes */
	s->size = (uint32_t)size;
	if (disk_read(d, s->handle, head, sizeof(head), 0) == 0)
		segment_head_get(head, s);
	if (disk_read(d, s->handle, head, sizeof(head), end_of(s)) == 0)
		segment_head_get(head, s);
	return 0;
}

/* Walks the blocks of a segment.  The first batch that fails ends what is
 * believed without doubt; a later one of the same nonce and a higher number
 * proves that what lies between was durable once and is damaged. */
static int
segment_scan(struct journal *j, uint32_t i, uint8_t *buf)
{
	struct segment *s = &j->seg[i];
	uint64_t expect = s->first, seq;
	uint32_t at = JOURNAL_BLOCK, n, in_buf = 0, buf_at = 0, bytes;
	bool broken;

	while (at < end_of(s)) {
		if (at < buf_at || at + BATCH_HEAD > buf_at + in_buf) {
			n = end_of(s) - at;
			in_buf = n < SCAN_CHUNK ? n : SCAN_CHUNK;
			buf_at = at;
			if (disk_read(j->disk, s->handle, buf, in_buf, at) != 0)
				return FAIL_TEMP;
		}
		if (in_buf < BATCH_HEAD)
			break;
		seq = num_get64le(buf + (at - buf_at) + 24);
		if (!batch_head_ok(s, buf + (at - buf_at), end_of(s) - at) ||
		    (RULE('2') && seq < expect)) {
			at += round_up(1);
			continue;
		}
		bytes = num_get32le(buf + (at - buf_at) + 32);
		if (disk_read(j->disk, s->handle, buf, bytes, at) != 0)
			return FAIL_TEMP;
		in_buf = bytes, buf_at = at;
		found_add(j, (struct found){ .seq = seq, .segment = i,
		    .at = at, .bytes = bytes,
		    .broken = !batch_sum_ok(s, buf, bytes) });
		/* What a broken head says of its length may be of a time
		 * before later batches were written over its tail. */
		broken = j->found[j->founds - 1].broken;
		expect = broken ? seq : seq + 1;
		at += broken ? round_up(1) : round_up(bytes);
	}
	return 0;
}

/* The segments that hold something, oldest use first. */
static uint32_t
in_order(const struct journal *j, uint32_t *order)
{
	uint32_t n = 0, at;

	for (uint32_t i = 0; i < j->segs; i++) {
		if (j->seg[i].use == 0)
			continue;
		for (at = n++; at > 0 &&
		    j->seg[order[at - 1]].use > j->seg[i].use; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return n;
}

/* A broken batch whose number the next segment gives again was torn and
 * forgotten by an earlier start. */
static void
forget_torn(struct journal *j, uint64_t first)
{
	while (j->founds > 0 && j->found[j->founds - 1].broken &&
	    j->found[j->founds - 1].seq >= first)
		j->founds--;
}

/*
 * Torn batches at the very end were never answered: forget them, the ring
 * goes on in their place.  If the place is in another segment by now (an
 * error, then a kill before the VOID was written) they stay on the disk, and
 * the next batch must make them void.  What is broken before a good batch is
 * damage.
 */
static void
stand_at_end(struct journal *j, uint32_t eldest, uint32_t newest)
{
	struct segment *s = &j->seg[newest];
	struct found *last;
	uint64_t next;

	while (j->founds > 0 && j->found[j->founds - 1].broken)
		j->founds--;
	last = j->founds > 0 ? &j->found[j->founds - 1] : NULL;
	next = last != NULL ? last->seq + 1 : j->seg[eldest].first;
	j->current = newest;
	j->use = s->use;
	j->seq = s->first;
	j->at = JOURNAL_BLOCK;
	if (last != NULL && last->segment == newest) {
		j->seq = next;
		j->at = last->at + round_up(last->bytes);
	} else if (next < s->first)
		j->owed = (struct range){ next, s->first };
}

static int
scan_ring(struct journal *j, struct why *why)
{
	uint32_t *order = xcalloc(j->segs + 1, sizeof(*order));
	uint32_t n = in_order(j, order);
	int r = 0;

	for (uint32_t i = 0; i < n && r == 0; i++) {
		/* Found and synced is as good as answered; what does not
		 * sync must not be believed. */
		if (RULE('G') && j->disk->fdatasync(j->disk->ctx,
		    j->seg[order[i]].handle) != 0)
			r = FAIL_TEMP;
		forget_torn(j, j->seg[order[i]].first);
		if (r == 0)
			r = segment_scan(j, order[i], j->batch);
		if (r != 0)
			why_errno(why, r, "journal segment %" PRIu32,
			    order[i]);
	}
	if (r == 0 && n > 0)
		stand_at_end(j, order[0], order[n - 1]);
	free(order);
	return r;
}

/* The last process may have died on an error between writing the head and
 * knowing that it is on the disk; the page cache tells no difference.  One
 * copy after the other, for one of them is always whole. */
static int
confirm_head(struct journal *j, struct why *why)
{
	const struct disk *d = j->disk;
	struct segment *s = &j->seg[j->current];
	int64_t at[] = { 0, end_of(s) };
	uint8_t head[JOURNAL_BLOCK];

	segment_head_put(s, head);
	for (size_t i = 0; i < NITEMS(at); i++)
		if (disk_write(d, s->handle, str_mem(head, sizeof(head)),
		    at[i]) != 0 || d->fdatasync(d->ctx, s->handle) != 0)
			return why_errno(why, FAIL_TEMP,
			    "journal segment %" PRIu32, j->current);
	return 0;
}

static int
load_ring(struct journal *j, struct why *why)
{
	int r = 0;

	if (j->disk->sync_folder(j->disk->ctx, "journal") != 0)
		return why_errno(why, FAIL_TEMP, "folder journal");
	for (j->segs = 0; j->segs < JOURNAL_SEGMENTS_MAX; j->segs++) {
		j->seg[j->segs].handle = -1;
		r = segment_load(j, j->segs);
		if (r == FAIL_GONE)
			break;
		if (r != 0)
			return why_errno(why, r, "journal segment %" PRIu32,
			    j->segs);
	}
	j->current = UINT32_MAX;	/* none begun yet */
	r = scan_ring(j, why);
	return r == 0 && j->current < j->segs ? confirm_head(j, why) : r;
}

int
journal_open(struct journal **j_out, const struct disk *d,
    struct journal_limits limits, struct why *why)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	int r;

	j->disk = d;
	j->max_segs = limits.segments;
	j->segment_size = limits.segment_size / JOURNAL_BLOCK * JOURNAL_BLOCK;
	j->seq = 1;
	j->seg = xcalloc(JOURNAL_SEGMENTS_MAX + 1, sizeof(*j->seg));
	j->batch = xmalloc(JOURNAL_BATCH_MAX + JOURNAL_BLOCK);
	if (d->mkdir(d->ctx, "journal") != 0)
		r = why_errno(why, FAIL_TEMP, "folder journal");
	else
		r = load_ring(j, why);
	if (r != 0) {
		journal_close(j);
		return r;
	}
	*j_out = j;
	return 0;
}

void
journal_close(struct journal *j)
{
	for (uint32_t i = 0; i < j->segs; i++)
		if (j->seg[i].handle >= 0)
			j->disk->close(j->disk->ctx, j->seg[i].handle);
	free(j->seg);
	free(j->batch);
	free(j->found);
	free(j->voids);
	free(j);
}

/* --- replay -------------------------------------------------------------- */

typedef void visit_fn(struct journal *j, const struct found *f,
    const uint8_t *b, void *arg);

static int
each_batch(struct journal *j, visit_fn *visit, void *arg, struct why *why)
{
	uint8_t *b = xmalloc(JOURNAL_BATCH_MAX);
	int r = 0;

	for (size_t i = 0; i < j->founds && r == 0; i++) {
		const struct found *f = &j->found[i];

		r = disk_read(j->disk, j->seg[f->segment].handle, b, f->bytes,
		    f->at);
		if (r == 0)
			visit(j, f, b, arg);
		else
			why_errno(why, r, "journal segment %" PRIu32,
			    f->segment);
	}
	free(b);
	return r;
}

static void
take_voids(struct journal *j, const struct found *f, const uint8_t *b,
    void *arg)
{
	uint32_t at = BATCH_HEAD;
	struct str body;
	unsigned type;
	bool ok;

	(void)arg;
	while (record_next(&j->seg[f->segment], f->seq, b, f->bytes, &at,
	    &type, &body, &ok)) {
		if (!ok || type != JOURNAL_VOID || body.n != VOID_LEN)
			continue;
		j->voids = xrealloc(j->voids,
		    (j->n_voids + 1) * sizeof(*j->voids));
		j->voids[j->n_voids++] = (struct range){
		    num_get64le(body.p), num_get64le(body.p + 8) };
	}
}

static bool
is_void(const struct journal *j, uint64_t seq)
{
	for (size_t i = 0; i < j->n_voids; i++)
		if (seq >= j->voids[i].from && seq < j->voids[i].to)
			return true;
	return false;
}

struct replay {
	journal_record_fn	*fn;
	journal_damage_fn	*damage;
	void			*arg;
	uint64_t		expect;
};

/* Batches that should be there and are not; refused ones may be absent. */
static void
report_gap(struct journal *j, struct replay *r, uint64_t seq)
{
	uint64_t first = r->expect;
	char what[80];

	while (first != 0 && first < seq && is_void(j, first))
		first++;
	if (first == 0 || first >= seq)
		return;
	snprintf(what, sizeof(what), "batches from %" PRIu64
	    " up to %" PRIu64 " are missing", first, seq - 1);
	r->damage(r->arg, str_mem(NULL, 0), what);
}

static void
replay_batch(struct journal *j, const struct found *f, const uint8_t *b,
    void *arg)
{
	struct segment *s = &j->seg[f->segment];
	struct journal_place place = { .use = s->use, .seq = f->seq };
	struct replay *r = arg;
	uint32_t at = BATCH_HEAD, from;
	struct str body;
	unsigned type;
	char what[80];
	bool ok;

	report_gap(j, r, f->seq);
	r->expect = f->seq + 1;
	if (is_void(j, f->seq))
		return;
	if (f->broken) {
		snprintf(what, sizeof(what), "batch %" PRIu64
		    " of segment %" PRIu32 " is damaged", f->seq, f->segment);
		r->damage(r->arg, str_mem(b, f->bytes), what);
	}
	for (from = at; record_next(s, f->seq, b, f->bytes, &at, &type, &body,
	    &ok); from = at) {
		place.at = f->at + from;
		place.n = (uint32_t)body.n;
		if (ok && type != JOURNAL_VOID)
			r->fn(r->arg, type, body, &place);
	}
}

int
journal_replay(struct journal *j, journal_record_fn *fn,
    journal_damage_fn *damage, void *arg, struct why *why)
{
	struct replay r = { .fn = fn, .damage = damage, .arg = arg };
	int fail = each_batch(j, take_voids, NULL, why);

	if (fail == 0)
		fail = each_batch(j, replay_batch, &r, why);
	free(j->found);
	j->found = NULL;
	j->founds = j->found_cap = 0;
	return fail;
}
