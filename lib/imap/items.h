/* SPDX-License-Identifier: ISC */
/*
 * imap/items.h - what a FETCH asks for (RFC 3501 6.4.5).
 */
#ifndef IMAP_ITEMS_H
#define IMAP_ITEMS_H

#include "base/fail.h"
#include "imap/lex.h"

#define IMAP_ITEMS_MAX		200	/* items of one FETCH */
#define IMAP_DEPTH_MAX		100	/* numbers of a section */
#define IMAP_FIELDS_MAX		1000	/* names of HEADER.FIELDS */

enum imap_item_kind {
	IMAP_FLAGS, IMAP_UID, IMAP_INTERNALDATE, IMAP_SIZE, IMAP_ENVELOPE,
	IMAP_BODY, IMAP_BODYSTRUCTURE,
	IMAP_SECTION,		/* BODY[...], BODY.PEEK[...], RFC822 ... */
};

enum imap_text {		/* which text of a part */
	IMAP_WHOLE, IMAP_HEADER, IMAP_FIELDS, IMAP_FIELDS_NOT, IMAP_TEXT,
	IMAP_MIME,
};

struct imap_item {
	enum imap_item_kind	kind;
	enum imap_text		text;
	bool			sets_seen;
	bool			is_partial;
	uint32_t		from, count;
	const uint32_t		*part;		/* "1.2" is 1, 2 */
	size_t			depth;
	const struct str	*field;
	size_t			fields;
	struct str		label;	/* as the answer names it: "BODY[1]<0>" */
};

struct imap_items {
	struct imap_item	*v;
	size_t			n;
	bool	sets_seen;	/* one of them does */
	bool	needs_cache;	/* ENVELOPE, BODY, BODYSTRUCTURE, fields */
	bool	needs_file;	/* one of the sections */
	bool	has_uid, has_flags;
};

/* The argument of FETCH: a macro, one item, or a list of them.  FAIL_SYNTAX,
 * FAIL_TOO_BIG. */
int	imap_items(struct imap_args *a, struct imap_items *out) MUST_CHECK;

#endif
