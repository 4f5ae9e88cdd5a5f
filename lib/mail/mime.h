/* SPDX-License-Identifier: ISC */
/*
 * mail/mime.h - the MIME structure of a message (RFC 2045-2047, 2183, 2046),
 * found in one pass over chunks of any size.
 *
 * Works on content with CRLF and on Maildir files with LF: every size is
 * kept in octets of the input and in octets on the wire, where an LF that
 * follows no CR counts two.  Time is linear, depth costs no stack.
 *
 * Past a limit the rest is opaque: the part it lies in ends where its parent
 * ends.  One reading of ambiguous mail, everywhere: of doubled fields the
 * first counts; a delimiter is "--", the boundary, "--" if it closes, blanks,
 * line end, and the innermost open multipart with that boundary takes it.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

#define MIME_PARTS_MAX		10000
#define MIME_DEPTH_MAX		100
#define MIME_HEADER_MAX		(10 * 1024 * 1024)	/* of all parts, then
							 * fields are ignored */
#define MIME_BOUNDARY_MAX	200	/* RFC 2046 5.1.1 allows 70 */
#define MIME_FIELD_MAX		(32 * 1024)	/* of one field; the rest of
						 * it is cut */
#define MIME_PARAMS_MAX		64	/* of one field */
#define MIME_ARENA_CAP		(32 * 1024 * 1024)

/* A stretch of the message. */
struct mime_span {
	uint64_t	at;	/* first octet, in the input */
	uint64_t	size;	/* octets of the input */
	uint64_t	wire;	/* octets on the wire */
	uint64_t	lines;	/* line ends in it */
};

struct mime_param {
	struct mime_param *next;
	struct str	name, value;	/* as written, unquoted, unfolded */
};

/* Fields kept of every message header, folded, as written. */
enum mime_field {
	MIME_DATE, MIME_SUBJECT, MIME_FROM, MIME_SENDER, MIME_REPLY_TO,
	MIME_TO, MIME_CC, MIME_BCC, MIME_IN_REPLY_TO, MIME_MESSAGE_ID,
	MIME_FIELDS
};

/* The header of the message itself, or of a message/rfc822. */
struct mime_message {
	struct str	field[MIME_FIELDS];	/* p == NULL: absent.  Doubled
						 * address fields are joined
						 * by ", " */
};

enum mime_kind { MIME_LEAF, MIME_TEXT, MIME_MULTIPART, MIME_RFC822 };

/*
 * One part.  The root is the message: number 0, its header is the message's.
 * A MIME_RFC822 part has one child: the message in it, whose header is that
 * message's header.  A MIME_MULTIPART part has at least one child, if need be
 * an empty text/plain one.
 */
struct mime_part {
	struct mime_part *parent, *child, *last_child, *next;
	struct mime_span header;	/* with its empty line; a message
					 * without one: all of it */
	struct mime_span body;
	struct mime_message *message;	/* root and children of MIME_RFC822 */
	enum mime_kind	kind;
	unsigned	depth;
	unsigned	number;		/* 1.. among its siblings */
	struct str	type, subtype;	/* as written, never empty */
	struct mime_param *params;
	struct str	encoding;	/* "7BIT" when absent or broken */
	struct str	id, description, md5, location, language;
				/* p == NULL: absent; as written, folded */
	struct str	disposition;	/* p == NULL: absent */
	struct mime_param *disposition_params;
	bool		has_type;	/* a valid Content-Type was there */
};

struct mime {
	struct mime_part *root;
	struct mime_span whole;		/* all octets fed */
	size_t		parts;
	bool		limited;	/* a limit was met */
	bool		has_nul, has_8bit;
	struct arena	*arena;
	struct mime_walk *walk;		/* in the arena */
};

/* Everything lives in the arena (cap: MIME_ARENA_CAP or less; when it is
 * full the rest is opaque).  Feed any number of chunks, then end. */
int	mime_begin(struct mime *m, struct arena *a) MUST_CHECK;
void	mime_feed(struct mime *m, struct str chunk);
void	mime_end(struct mime *m);

/* Children 1.2.3 of the root as IMAP counts them (RFC 3501 6.4.5): NULL when
 * there is none.  A message that is no multipart is its own part 1. */
struct mime_part *mime_find(const struct mime *m, const uint32_t *number,
	    size_t n);

/* Value of a parameter; empty str with p == NULL when absent. */
struct str mime_param_get(const struct mime_param *p, const char *name);

/* One field value with parameters: "type/subtype; a=b".  token_out gets what
 * stands before the first ";".  Comments are skipped. */
void	mime_params_parse(struct str value, struct arena *a,
	    struct str *token_out, struct mime_param **params_out);

#endif
