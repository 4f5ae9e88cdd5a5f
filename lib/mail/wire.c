/* SPDX-License-Identifier: ISC */
/*
 * mail/wire.c - line ends between disk and wire.
 *
 * Filters for streams: bytes in chunks of any size go in, converted bytes go
 * out; what must be remembered between chunks is one octet.
 */
#include "mail/wire.h"

#include <string.h>

#include "base/banned.h"

/* The next LF at or behind *at; in.n when there is none. */
static size_t
find_lf(struct str in, size_t at)
{
	const uint8_t *lf = at < in.n ?
	    memchr(in.p + at, '\n', in.n - at) : NULL;

	return lf == NULL ? in.n : (size_t)(lf - in.p);
}

/* Does the LF at `at` stand for a whole CRLF? */
static bool
is_bare(const struct wire *w, struct str in, size_t at)
{
	return (at > 0 ? in.p[at - 1] : w->last) != '\r';
}

static void
remember(struct wire *w, struct str in)
{
	if (in.n > 0) {
		w->last = in.p[in.n - 1];
		w->begun = true;
	}
}

void
wire_from_disk(void *wire, struct str in, bool last, struct buf *out)
{
	struct wire *w = wire;
	size_t from = 0;

	(void)last;
	for (size_t lf = find_lf(in, 0); lf < in.n; lf = find_lf(in, lf + 1)) {
		if (!is_bare(w, in, lf))
			continue;
		buf_add(out, str_sub(in, from, lf - from));
		buf_mem(out, "\r\n", 2);
		from = lf + 1;
	}
	buf_add(out, str_from(in, from));
	remember(w, in);
}

/* A dot needs a second one when it begins a line. */
static bool
begins_line(const struct wire *w, struct str in, size_t at)
{
	return at > 0 ? in.p[at - 1] == '\n' : !w->begun || w->last == '\n';
}

void
wire_from_disk_dots(void *wire, struct str in, bool last, struct buf *out)
{
	struct wire *w = wire;

	for (size_t at = 0; at < in.n;) {
		size_t lf = find_lf(in, at);

		if (in.p[at] == '.' && begins_line(w, in, at))
			buf_c(out, '.');
		buf_add(out, str_sub(in, at, lf - at));
		if (lf < in.n) {
			if (is_bare(w, in, lf))
				buf_c(out, '\r');
			buf_c(out, '\n');
		}
		at = lf + 1;
	}
	remember(w, in);
	if (last && w->begun && w->last != '\n')
		buf_mem(out, "\r\n", 2);
}

/* One octet after the other: the CR of a CRLF is dropped unless the octet
 * before it is a CR too, which would make the LF look like a CRLF. */
void
wire_to_disk(void *wire, struct str in, bool last, struct buf *out)
{
	struct wire *w = wire;

	for (size_t i = 0; i < in.n; i++) {
		const uint8_t *cr;
		size_t n;

		if (w->held_cr) {
			if (in.p[i] != '\n' || w->last == '\r') {
				buf_c(out, '\r');
				w->last = '\r';
			}
			w->held_cr = false;
		}
		cr = memchr(in.p + i, '\r', in.n - i);
		n = cr == NULL ? in.n - i : (size_t)(cr - in.p) - i;
		if (n > 0) {
			buf_add(out, str_sub(in, i, n));
			w->last = in.p[i + n - 1];
		}
		i += n;
		w->held_cr = cr != NULL;
	}
	if (last && w->held_cr) {
		buf_c(out, '\r');
		w->held_cr = false;
	}
}

void
wire_from_disk_imap(void *wire, struct str in, bool last, struct buf *out)
{
	size_t len = out->len;
	uint8_t *p, *nul, *end;

	wire_from_disk(wire, in, last, out);
	if (out->len == len)
		return;
	p = out->p + out->start + len;
	end = out->p + out->start + out->len;
	while (p < end && (nul = memchr(p, 0, (size_t)(end - p))) != NULL) {
		*nul = 0x80;
		p = nul + 1;
	}
}

uint64_t
wire_size(struct wire *w, struct str disk)
{
	uint64_t size = disk.n;

	for (size_t lf = find_lf(disk, 0); lf < disk.n;
	    lf = find_lf(disk, lf + 1))
		size += is_bare(w, disk, lf);
	remember(w, disk);
	return size;
}
