/* SPDX-License-Identifier: ISC */
/*
 * maildir/reserve.c - blocks of UIDs and MODSEQs, synced before use.
 */
#include "maildir/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define SUM_TEXT	9

static struct str
id_str(const uint8_t id[16])
{
	return str_mem(id, 16);
}

/* --- text ---------------------------------------------------------------- */

void
reserve_put(const struct reserve *r, bool clean, struct buf *out)
{
	struct reserve_row *row;
	char id[MID_LEN + 1], sum[SUM_TEXT];
	struct str key, all;
	void *value;
	size_t at = 0;

	buf_fmt(out, "         V1 %016" PRIx64 " %" PRIu64 " %" PRIu32 "\n",
	    clean ? 0 : r->boot, r->wanted, r->uidvalidity);
	while (dict_next(&r->rows, &at, &key, &value)) {
		row = value;
		mid_from_bin(row->mailboxid, id);
		buf_fmt(out, "%s %" PRIu32 " %" PRIu64 " %016" PRIx64 "\n", id,
		    row->uidvalidity, row->wanted, clean ? 0 : row->boot);
	}
	all = buf_str(out);
	if (buf_failed(out))
		return;
	snprintf(sum, sizeof(sum), "%08" PRIx32,
	    crc32c(all.p + SUM_TEXT, all.n - SUM_TEXT));
	memcpy(out->p + out->start, sum, SUM_TEXT - 1);
}

static bool
take_hex(struct str *s, uint64_t *v_out)
{
	struct str word = str_until(s, ' ');
	uint64_t v = 0;
	size_t i;

	if (word.n == 0 || word.n > 16)
		return false;
	for (i = 0; i < word.n; i++) {
		int c = word.p[i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*v_out = v;
	return true;
}

static int
get_row(struct str line, struct reserve *r)
{
	struct reserve_row *row;
	uint8_t id[16];
	uint32_t uidvalidity;
	uint64_t limit, boot;

	if (!mid_to_bin(str_until(&line, ' '), id) ||
	    !str_u32(str_until(&line, ' '), &uidvalidity) ||
	    !str_u64(str_until(&line, ' '), UINT32_MAX, &limit) ||
	    !take_hex(&line, &boot) || uidvalidity == 0)
		return FAIL_SYNTAX;
	row = reserve_row_make(r, id, uidvalidity, (uint32_t)limit);
	row->boot = boot;
	row->unclean = boot != 0 && boot != r->boot;
	row->ready = row->ready_written = boot != 0 && boot == r->boot;
	return 0;
}

int
reserve_get(struct str text, struct reserve *r)
{
	struct str line, all = text;
	uint64_t sum, boot;

	if (text.n < SUM_TEXT || !take_hex(&all, &sum) ||
	    sum != crc32c(text.p + SUM_TEXT, text.n - SUM_TEXT) ||
	    !str_line(&all, &line) || !str_same(str_until(&line, ' '), "V1") ||
	    !take_hex(&line, &boot) ||
	    !str_u64(str_until(&line, ' '), INT64_MAX, &r->wanted) ||
	    !str_u32(line, &r->uidvalidity))
		return FAIL_SYNTAX;
	r->was_open = boot != 0;
	r->synced = r->written = r->wanted;
	while (str_line(&all, &line))
		if (get_row(line, r) != 0)
			return FAIL_SYNTAX;
	return 0;
}

/* --- rows ---------------------------------------------------------------- */

struct reserve_row *
reserve_row(struct reserve *r, const uint8_t id[16])
{
	return dict_get(&r->rows, id_str(id));
}

struct reserve_row *
reserve_row_make(struct reserve *r, const uint8_t id[16],
    uint32_t uidvalidity, uint32_t next)
{
	struct reserve_row *row = reserve_row(r, id);

	if (row == NULL) {
		row = xcalloc(1, sizeof(*row));
		memcpy(row->mailboxid, id, 16);
		dict_put(&r->rows, id_str(id), row);
	}
	if (row->uidvalidity != uidvalidity) {
		row->uidvalidity = uidvalidity;
		row->synced = row->written = row->wanted = next;
	}
	if (uidvalidity > r->uidvalidity)
		r->uidvalidity = uidvalidity;
	return row;
}

void
reserve_forget(struct reserve *r, const uint8_t id[16])
{
	free(dict_del(&r->rows, id_str(id)));
	r->dirty = true;
}

static void
free_rows(struct reserve *r)
{
	struct str key;
	void *row;
	size_t at = 0;

	while (dict_next(&r->rows, &at, &key, &row))
		free(row);
	dict_free(&r->rows);
}

/* --- the file ------------------------------------------------------------ */

int
reserve_open(struct reserve *r, struct volume *v, int dir, uint64_t boot)
{
	struct buf text;
	int fd, fail;
	bool aside;

	memset(r, 0, sizeof(*r));
	r->v = v;
	r->dir = dir;
	r->boot = boot;
	dict_init(&r->rows);
	fd = volume_open_own(v, dir, RESERVE_FILE, O_RDONLY, 0, &aside);
	if (fd < 0) {
		if (errno != ENOENT)
			return FAIL_TEMP;
		r->lost = true;
		r->damaged = aside;
		return 0;
	}
	buf_init(&text, 16 * 1024 * 1024);
	fail = volume_read_all(v, fd, 0, &text);
	v->close(v, fd);
	if (fail == 0 && reserve_get(buf_str(&text), r) != 0) {
		free_rows(r);
		dict_init(&r->rows);
		r->synced = r->written = r->wanted = 0;
		r->lost = r->damaged = true;
	}
	buf_free(&text);
	return fail;
}

void
reserve_close(struct reserve *r)
{
	free_rows(r);
}

bool
reserve_ask(struct reserve *r, struct reserve_row *row, uint32_t next,
    uint32_t n, uint64_t modseq)
{
	bool fine = true;

	/* An unclean row says already that it must be looked through. */
	if (row != NULL && !row->ready && !row->unclean) {
		row->boot = r->boot;
		fine = false;
	}
	if (modseq + n + RESERVE_AHEAD > r->synced) {
		if (modseq + n + RESERVE_AHEAD > r->wanted)
			r->wanted = modseq + n + RESERVE_MODSEQS;
		fine = false;
	}
	if (row != NULL && (uint64_t)next + n > row->synced) {
		if ((uint64_t)next + n > row->wanted)
			row->wanted = (uint64_t)next + n + RESERVE_UIDS;
		fine = false;
	}
	if (!fine)
		r->dirty = true;
	return fine;
}

void
reserve_checked(struct reserve *r, struct reserve_row *row)
{
	if (!row->unclean)
		return;
	row->unclean = false;
	row->boot = r->boot;
	row->ready = row->ready_written = true;
	r->dirty = true;
}

static int
write_file(struct reserve *r, bool clean)
{
	struct buf text;
	int fail;

	buf_init(&text, 16 * 1024 * 1024);
	reserve_put(r, clean, &text);
	fail = buf_failed(&text) ? FAIL_TOO_BIG : volume_replace(r->v, r->dir,
	    RESERVE_FILE, buf_str(&text), 0600);
	buf_free(&text);
	return fail;
}

int
reserve_write(struct reserve *r)
{
	struct reserve_row *row;
	struct str key;
	void *value;
	size_t at = 0;
	int fail = write_file(r, false);

	if (fail != 0)
		return fail;
	r->written = r->wanted;
	while (dict_next(&r->rows, &at, &key, &value)) {
		row = value;
		row->written = row->wanted;
		row->ready_written = row->boot == r->boot;
	}
	r->dirty = false;
	return 0;
}

void
reserve_synced(struct reserve *r)
{
	struct reserve_row *row;
	struct str key;
	void *value;
	size_t at = 0;

	r->synced = r->written;
	while (dict_next(&r->rows, &at, &key, &value)) {
		row = value;
		row->synced = row->written;
		row->ready = row->ready_written;
	}
	r->lost = r->damaged = false;
}

/* Rows of mailboxes in use have their exact next UID in wanted by now. */
int
reserve_clean(struct reserve *r, uint64_t modseq)
{
	struct reserve_row *row;
	struct str key;
	void *value;
	size_t at = 0;
	int fail;

	r->wanted = modseq;
	fail = write_file(r, true);
	if (fail != 0)
		return fail;
	r->synced = r->written = r->wanted;
	while (dict_next(&r->rows, &at, &key, &value)) {
		row = value;
		row->synced = row->written = row->wanted;
		row->ready = row->ready_written = false;
		row->boot = 0;
	}
	r->was_open = false;
	return 0;
}

uint32_t
reserve_uidvalidity(struct reserve *r, int64_t now_s)
{
	uint32_t next = now_s > 0 && now_s < UINT32_MAX ? (uint32_t)now_s : 1;

	if (next <= r->uidvalidity)
		next = r->uidvalidity + 1;
	r->uidvalidity = next;
	return next;
}
