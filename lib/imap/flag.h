/* SPDX-License-Identifier: ISC */
/*
 * imap/flag.h - flag lists: system flags as bits, keywords as names.
 */
#ifndef IMAP_FLAG_H
#define IMAP_FLAG_H

#include "base/buf.h"
#include "base/fail.h"
#include "imap/lex.h"

#define IMAP_KEYWORD_MAX	100	/* octets of one keyword */
#define IMAP_KEYWORDS_MAX	64	/* in one list; bits of an index record */

struct imap_flags {
	uint32_t	bits;		/* enum index_flags */
	struct str	keywords;	/* names, blank-separated */
};

/* "(\Seen work)"; with is_bare also "\Seen work" without parentheses, as
 * STORE allows.  FAIL_SYNTAX; FAIL_TOO_BIG: a keyword too long or too many
 * of them. */
int	imap_flag_list(struct imap_args *a, bool is_bare,
	    struct imap_flags *out) MUST_CHECK;

/* "\Seen work": system flags, \Recent, then the keywords whose bits are set;
 * names: by bit, blank-separated (as STORE_OPENED says them). */
void	imap_put_flags(struct buf *out, uint32_t bits, bool is_recent,
	    uint64_t keywords, struct str names);
/* The bit of a keyword, or -1. */
int	imap_keyword_bit(struct str names, struct str keyword);

#endif
