/* SPDX-License-Identifier: ISC */
/*
 * smtp/body.c - the data of a message.
 *
 *	state		octet	next		content
 *	LINE		.	DOT
 *			CR	CR
 *			else	TEXT		octet
 *	TEXT		CR	CR
 *			else	TEXT		octet
 *	CR		LF	LINE		CR LF
 *			else	fault
 *	DOT		CR	DOT_CR
 *			else	TEXT		octet (the dot is dropped)
 *	DOT_CR		LF	the end
 *			else	fault
 *
 * LF where no CR went before, and NUL, are faults in every state.  After a
 * fault the states go on as written (a stray CR or LF counts as text), only
 * the content is thrown away.  No length of line means anything here: a dot
 * behind the 1,000th octet of a line is a dot.
 */
#include "smtp/body.h"

#include <string.h>

#include "base/banned.h"

enum { LINE, TEXT, CR, DOT, DOT_CR };

void
smtp_body_begin(struct smtp_body *b, uint64_t limit)
{
	*b = (struct smtp_body){ .limit = limit, .state = LINE };
}

static void
set_fault(struct smtp_body *b, enum smtp_fault fault)
{
	if (b->fault == SMTP_FINE)
		b->fault = fault;
}

static void
put(struct smtp_body *b, const void *p, size_t n, struct buf *out)
{
	if (b->fault != SMTP_FINE)
		return;
	if (n > b->limit - b->size) {
		set_fault(b, SMTP_TOO_BIG);
		return;
	}
	b->size += n;
	buf_mem(out, p, n);
}

static void
look_at_octets(struct smtp_body *b, const uint8_t *p, size_t n)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < n; i++)
		seen |= p[i];
	b->has_8bit |= (seen & 0x80) != 0;
	if (n > 0 && memchr(p, 0, n) != NULL)
		set_fault(b, SMTP_NUL);
}

/*
 * Whole lines, the common case, at once: from a line start over all lines
 * that end properly and do not begin with a dot.  Returns the octets taken;
 * the state is LINE again.
 */
static size_t
take_lines(struct smtp_body *b, const uint8_t *p, size_t n, struct buf *out)
{
	size_t at = 0;

	while (at < n && p[at] != '.') {
		const uint8_t *lf = memchr(p + at, '\n', n - at);
		const uint8_t *cr = memchr(p + at, '\r', n - at);

		if (lf == NULL || cr == NULL || cr + 1 != lf)
			break;
		b->has_long |= (size_t)(cr - p) - at > SMTP_TEXT_MAX;
		at = (size_t)(lf - p) + 1;
	}
	if (at > 0)
		put(b, p, at, out);
	return at;
}

/* Text up to the next CR or LF. */
static size_t
take_text(struct smtp_body *b, const uint8_t *p, size_t n, struct buf *out)
{
	const uint8_t *lf = memchr(p, '\n', n);
	size_t end = lf == NULL ? n : (size_t)(lf - p);
	const uint8_t *cr = memchr(p, '\r', end);

	end = cr == NULL ? end : (size_t)(cr - p);
	put(b, p, end, out);
	b->line += end;
	b->has_long |= b->line > SMTP_TEXT_MAX;
	return end;
}

/* One octet by the table above. */
static void
take_octet(struct smtp_body *b, uint8_t c, struct buf *out)
{
	if (b->state == CR && c == '\n') {
		put(b, "\r\n", 2, out);
		b->line = 0;
		b->state = LINE;
		return;
	}
	if (b->state == DOT_CR && c == '\n') {
		b->is_over = true;
		return;
	}
	if (b->state == CR || b->state == DOT_CR || c == '\n') {
		set_fault(b, SMTP_BARE_LINE_END);
		b->state = c == '\r' ? CR : TEXT;
		return;
	}
	if (b->state == LINE && c == '.') {
		b->state = DOT;
		return;
	}
	if (c == '\r') {
		b->state = b->state == DOT ? DOT_CR : CR;
		return;
	}
	put(b, &c, 1, out);
	b->line++;
	b->state = TEXT;
}

size_t
smtp_body_feed(struct smtp_body *b, struct str in, struct buf *out)
{
	size_t at = 0;

	while (at < in.n && !b->is_over) {
		size_t n = 0;

		if (b->state == LINE)
			n = take_lines(b, in.p + at, in.n - at, out);
		else if (b->state == TEXT)
			n = take_text(b, in.p + at, in.n - at, out);
		if (n == 0) {
			take_octet(b, in.p[at], out);
			n = 1;
		}
		look_at_octets(b, in.p + at, n);
		at += n;
	}
	b->taken += at;
	return at;
}
