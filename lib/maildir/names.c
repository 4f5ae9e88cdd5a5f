/* SPDX-License-Identifier: ISC */
/*
 * maildir/names.c - the names log of a mailbox.
 *
 * A line is believed when its sum is right; everything else in the file is
 * skipped, so that one bad block costs the names in it and no more.
 */
#include "maildir/names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define SUM_TEXT	9	/* eight digits and a blank */

/* --- lines --------------------------------------------------------------- */

/* Fills in the sum of the line that began at `at` and ends it. */
static void
seal(struct buf *out, size_t at)
{
	char sum[SUM_TEXT];
	struct str s = buf_str(out);

	if (buf_failed(out) || s.n < at + SUM_TEXT)
		return;
	s = str_from(s, at + SUM_TEXT);
	snprintf(sum, sizeof(sum), "%08" PRIx32, crc32c(s.p, s.n));
	memcpy(out->p + out->start + at, sum, SUM_TEXT - 1);
	buf_c(out, '\n');
}

static bool
hex_u64(struct str s, uint64_t *v_out)
{
	uint64_t v = 0;
	size_t i;
	int c;

	if (s.n == 0 || s.n > 16)
		return false;
	for (i = 0; i < s.n; i++) {
		c = s.p[i];
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

/* What stands behind a right sum, without the LF. */
static bool
unseal(struct str line, struct str *rest_out)
{
	uint64_t sum;

	if (line.n < SUM_TEXT + 1 || line.p[line.n - 1] != '\n' ||
	    line.p[SUM_TEXT - 1] != ' ')
		return false;
	*rest_out = str_sub(line, SUM_TEXT, line.n - SUM_TEXT - 1);
	return hex_u64(str_sub(line, 0, SUM_TEXT - 1), &sum) &&
	    sum == crc32c(rest_out->p, rest_out->n);
}

void
names_head_put(const struct names_head *h, struct buf *out)
{
	char id[MID_LEN + 1];
	size_t at = buf_str(out).n;

	mid_from_bin(h->mailboxid, id);
	buf_fmt(out, "         V1 %" PRIu32 " %s %016" PRIx64 " %" PRIu32,
	    h->uidvalidity, id, h->nonce, h->uidnext);
	seal(out, at);
}

int
names_head_get(struct str line, struct names_head *h_out)
{
	struct names_head h;
	struct str s;

	if (!unseal(line, &s) || !str_same(str_until(&s, ' '), "V1") ||
	    !str_u32(str_until(&s, ' '), &h.uidvalidity) ||
	    h.uidvalidity == 0 ||
	    !mid_to_bin(str_until(&s, ' '), h.mailboxid) ||
	    !hex_u64(str_until(&s, ' '), &h.nonce) ||
	    !str_u32(s, &h.uidnext))
		return FAIL_SYNTAX;
	*h_out = h;
	return 0;
}

void
names_entry_put(const struct names_entry *e, struct buf *out)
{
	size_t at = buf_str(out).n;
	const char *c;

	buf_fmt(out, "         %" PRIu32 " %" PRIi64 " %" PRIi64 " %016" PRIx64
	    " ", e->uid, e->internaldate_s, e->savedate_s, e->emailid);
	for (c = e->base; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127 || *c == '%')
			buf_fmt(out, "%%%02x", (unsigned)(unsigned char)*c);
		else
			buf_c(out, (uint8_t)*c);
	seal(out, at);
}

static bool
take_i64(struct str *s, int64_t *v_out)
{
	struct str word = str_until(s, ' ');
	bool negative = word.n > 0 && word.p[0] == '-';
	uint64_t v;

	if (!str_u64(str_from(word, negative), INT64_MAX, &v))
		return false;
	*v_out = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

static bool
unescape(struct str s, char out[FNAME_BUF])
{
	uint64_t c;
	size_t n = 0, i;

	for (i = 0; i < s.n; i++, n++) {
		if (n >= FNAME_MAX)
			return false;
		c = s.p[i];
		if (c == '%') {
			if (i + 2 >= s.n || !hex_u64(str_sub(s, i + 1, 2), &c))
				return false;
			i += 2;
		}
		if (c == 0 || c == '/')
			return false;
		out[n] = (char)c;
	}
	out[n] = '\0';
	return n > 0 && out[0] != '.';
}

int
names_entry_get(struct str line, struct names_entry *e_out)
{
	struct names_entry e;
	struct str s;

	if (!unseal(line, &s) || !str_u32(str_until(&s, ' '), &e.uid) ||
	    e.uid == 0 || !take_i64(&s, &e.internaldate_s) ||
	    !take_i64(&s, &e.savedate_s) ||
	    !hex_u64(str_until(&s, ' '), &e.emailid) ||
	    !unescape(s, e.base))
		return FAIL_SYNTAX;
	*e_out = e;
	return 0;
}

/* --- the file ------------------------------------------------------------ */

static const size_t head_size = SUM_TEXT + 3 + 2 + MID_LEN +
    1 + 16 + 2 + 1;	/* the shortest */

static struct str
first_line(struct str s)
{
	size_t at = str_chr(s, '\n');

	return at == s.n ? s : str_sub(s, 0, at + 1);
}

/* Where the last whole line ends; what is behind it was torn. */
static int
find_end(struct names *n, uint64_t *end_out)
{
	uint8_t tail[2 * NAMES_LINE_MAX];
	uint64_t from = n->size > sizeof(tail) ? n->size - sizeof(tail) : 0;
	size_t len = (size_t)(n->size - from);
	int r = volume_read(n->v, n->fd, tail, len, (off_t)from);

	if (r != 0)
		return FAIL_TEMP;
	while (len > 0 && tail[len - 1] != '\n')
		len--;
	/* A whole tail without a line end: zeros of a lost write.  Leave
	 * them, walks skip them; the next entry begins on its own line. */
	*end_out = len == 0 ? n->size : from + len;
	return 0;
}

int
names_open(struct names *n, struct volume *v, int folder)
{
	uint8_t head[128];
	uint64_t end;
	off_t size;
	int r;

	n->v = v;
	n->fd = volume_open_own(v, folder, NAMES_FILE, O_RDWR, 0, NULL);
	if (n->fd < 0)
		return errno == ENOENT ? FAIL_GONE : FAIL_TEMP;
	size = volume_size(v, n->fd);
	if (size < 0)
		goto temp;
	n->size = (uint64_t)size;
	if (n->size < head_size)
		goto damaged;
	r = volume_read(v, n->fd, head, n->size < sizeof(head) ?
	    (size_t)n->size : sizeof(head), 0);
	if (r != 0)
		goto temp;
	if (names_head_get(first_line(str_mem(head, n->size < sizeof(head) ?
	    (size_t)n->size : sizeof(head))), &n->head) != 0)
		goto damaged;
	if (find_end(n, &end) != 0)
		goto temp;
	if (end < n->size && v->truncate(v, n->fd, (off_t)end) < 0)
		goto temp;
	n->size = end;
	return 0;
damaged:
	names_close(n);
	return FAIL_PERM;
temp:
	names_close(n);
	return FAIL_TEMP;
}

int
names_create(struct names *n, struct volume *v, int folder,
    const struct names_head *head)
{
	struct buf b;
	int r;

	buf_init(&b, NAMES_LINE_MAX);
	names_head_put(head, &b);
	r = volume_replace(v, folder, NAMES_FILE, buf_str(&b), 0600);
	buf_free(&b);
	return r != 0 ? r : names_open(n, v, folder);
}

void
names_close(struct names *n)
{
	if (n->fd >= 0)
		n->v->close(n->v, n->fd);
	n->fd = -1;
}

int
names_add(struct names *n, const struct names_entry *e, uint64_t *at_out)
{
	struct buf b;
	int r;

	buf_init(&b, NAMES_LINE_MAX);
	names_entry_put(e, &b);
	if (buf_failed(&b)) {
		buf_free(&b);
		return FAIL_TOO_BIG;
	}
	r = volume_write(n->v, n->fd, buf_str(&b), (off_t)n->size);
	if (r == 0) {
		*at_out = n->size;
		n->size += buf_str(&b).n;
	} else if (n->v->truncate(n->v, n->fd, (off_t)n->size) < 0) {
		/* The torn line has no right sum: nobody believes it. */
	}
	buf_free(&b);
	return r;
}

int
names_get(struct names *n, uint64_t at, struct names_entry *e_out)
{
	uint8_t line[NAMES_LINE_MAX];
	size_t len;

	if (at >= n->size)
		return FAIL_GONE;
	len = n->size - at < sizeof(line) ? (size_t)(n->size - at) :
	    sizeof(line);
	if (volume_read(n->v, n->fd, line, len, (off_t)at) != 0)
		return FAIL_TEMP;
	return names_entry_get(first_line(str_mem(line, len)), e_out);
}

/* --- walking ------------------------------------------------------------- */

uint64_t
names_first(const struct names *n)
{
	uint8_t head[128];
	size_t len = n->size < sizeof(head) ? (size_t)n->size : sizeof(head);

	if (volume_read(n->v, n->fd, head, len, 0) != 0)
		return n->size;
	return first_line(str_mem(head, len)).n;
}

void
names_walk_begin(struct names_walk *w, struct names *n, uint64_t at)
{
	w->n = n;
	w->at = at;
	w->from = w->len = 0;
	w->damaged = 0;
}

static bool
refill(struct names_walk *w)
{
	uint64_t next = w->at + (w->len - w->from);
	size_t room;

	memmove(w->p, w->p + w->from, w->len - w->from);
	w->len -= w->from;
	w->from = 0;
	room = sizeof(w->p) - w->len;
	if (next >= w->n->size || room == 0)
		return false;
	if (room > w->n->size - next)
		room = (size_t)(w->n->size - next);
	if (volume_read(w->n->v, w->n->fd, w->p + w->len, room, (off_t)next)
	    != 0)
		return false;
	w->len += room;
	return true;
}

bool
names_walk_next(struct names_walk *w, struct names_entry *e_out,
    uint64_t *at_out)
{
	struct str rest, line;
	bool more = true;

	for (;;) {
		rest = str_mem(w->p + w->from, w->len - w->from);
		if (str_chr(rest, '\n') == rest.n && (more = refill(w)))
			continue;
		rest = str_mem(w->p + w->from, w->len - w->from);
		if (rest.n == 0)
			return false;
		line = first_line(rest);
		*at_out = w->at;
		w->from += line.n;
		w->at += line.n;
		if (names_entry_get(line, e_out) == 0)
			return true;
		w->damaged++;
	}
}
