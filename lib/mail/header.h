/* SPDX-License-Identifier: ISC */
/*
 * mail/header.h - the fields of a header block (RFC 5322 2.2).
 *
 * One rule for the end of the header, used by every reader of the suite: the
 * first line that is empty (CRLF or LF alone), or the end of the bytes.  A
 * line without a colon, or a continuation line that continues nothing, is a
 * field without name; it never ends the header.  Line ends may be CRLF or LF.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"

struct header_field {
	struct str	name;	/* blanks before the colon cut; empty: no field */
	struct str	value;	/* behind the colon, folded still, without the
				 * last line end */
	struct str	raw;	/* all of it with its line ends */
};

struct header {
	struct str	rest;
};

/* Walk; block may go on with the body, the walk stops at the empty line. */
void	header_init(struct header *h, struct str block);
bool	header_next(struct header *h, struct header_field *out);

/* Octets of the header with the empty line that ends it; content.n when
 * there is none. */
size_t	header_end(struct str content);

/* First field of that name; false when absent. */
bool	header_get(struct str block, const char *name,
	    struct header_field *out);
size_t	header_count(struct str block, const char *name);

/* Value on one line: line ends taken out (RFC 5322 2.2.3), blanks at both
 * ends too.  NULs stay. */
void	header_unfold(struct buf *out, struct str value);

/* Blanks, line ends and comments (RFC 5322 3.2.2) at the front of a value; an
 * unclosed comment takes all. */
void	header_skip_cfws(struct str *s);

/* A field name: 33-126 without colon, at least one. */
bool	header_name_valid(struct str name);

#endif
