/* SPDX-License-Identifier: ISC */
/*
 * smtp/reply.h - replies (RFC 5321 4.2, RFC 2034), said and read.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/buf.h"
#include "base/fail.h"

#define SMTP_REPLY_LINE_MAX	512	/* RFC 5321 4.5.3.1.5, with CRLF */
#define SMTP_REPLY_LINES_MAX	100	/* of one reply that we read */

/* One reply of ours; text is fixed text of ours, without line end. */
struct smtp_reply {
	unsigned	code;		/* three digits */
	const char	*enhanced;	/* "5.5.1", or NULL: 354, 220, 334 ... */
	const char	*text;
};

void	smtp_reply_put(struct buf *out, const struct smtp_reply *r);

/* Any text, of several lines if it has LFs or is long; octets that are no
 * printable ASCII become "?".  enhanced may be empty. */
void	smtp_reply_text(struct buf *out, unsigned code, struct str enhanced,
	    struct str text);

/* A reply being read, line by line. */
struct smtp_answer {
	unsigned	code;		/* 0 until the first line */
	unsigned	lines;
	struct str	text;		/* of the last line, behind the code */
};

/* line: without line end.  1: more lines follow; 0: it is complete;
 * FAIL_SYNTAX: no reply, a code that changed, or lines without end. */
int	smtp_answer_line(struct smtp_answer *a, struct str line) MUST_CHECK;

#endif
