/* SPDX-License-Identifier: ISC */
/*
 * smtp/body.h - the data of a message as it comes in behind 354: framing,
 * dots, line ends, size.
 *
 * Only CRLF "." CRLF ends the data and only CRLF ends a line (RFC 5321
 * 2.3.8, 4.1.1.4).  A bare CR or LF, or a NUL, is a fault: the data is read
 * on to its true end and then refused, so that no two servers can disagree
 * about where it ended.
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include "base/buf.h"

/* RFC 5321 4.5.3.1.6, without CRLF.  Nothing is refused for it. */
#define SMTP_TEXT_MAX	998

enum smtp_fault {
	SMTP_FINE,
	SMTP_BARE_LINE_END,	/* 550 5.6.11 */
	SMTP_NUL,		/* 550 5.6.0 */
	SMTP_TOO_BIG,		/* 552 5.3.4 */
};

struct smtp_body {
	uint64_t	limit;		/* of the content, octets */
	uint64_t	size;		/* content so far */
	uint64_t	taken;		/* octets of the wire so far */
	enum smtp_fault	fault;		/* the first; no more content after it */
	bool		is_over;	/* the end has been read */
	bool		has_8bit;
	bool		has_long;	/* a line of more than SMTP_TEXT_MAX */
	uint64_t	line;		/* octets of the current line */
	int		state;
};

void	smtp_body_begin(struct smtp_body *b, uint64_t limit);
/*
 * Content of `in` goes to out, dots unstuffed.  Returns the octets used: all
 * of them, or, when is_over, those up to the end.
 */
size_t	smtp_body_feed(struct smtp_body *b, struct str in, struct buf *out);

#endif
