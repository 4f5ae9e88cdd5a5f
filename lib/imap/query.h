/* SPDX-License-Identifier: ISC */
/*
 * imap/query.h - what a SEARCH asks (RFC 3501 6.4.4), as a flat program.
 *
 * The program is in postfix order: keys push an answer, AND, OR and NOT work
 * on the answers before them.  An answer may be "unknown yet", so that the
 * room first tries with the index record alone, then with the cached
 * header, and opens the file only when it must.
 */
#ifndef IMAP_QUERY_H
#define IMAP_QUERY_H

#include "base/fail.h"
#include "imap/lex.h"
#include "imap/set.h"

#define IMAP_QUERY_MAX	20000	/* keys and operators of one SEARCH */
#define IMAP_QUERY_DEEP	1000	/* open OR, NOT and parentheses */

enum imap_key {
	IMAP_Q_ALL, IMAP_Q_AND, IMAP_Q_OR, IMAP_Q_NOT,
	/* from the index record */
	IMAP_Q_FLAG, IMAP_Q_NO_FLAG,	/* number: enum index_flags */
	IMAP_Q_RECENT, IMAP_Q_OLD, IMAP_Q_NEW,
	IMAP_Q_KEYWORD, IMAP_Q_NO_KEYWORD,	/* text */
	IMAP_Q_SEQ, IMAP_Q_UID,			/* set, not yet resolved */
	IMAP_Q_LARGER, IMAP_Q_SMALLER,		/* number: octets */
	IMAP_Q_BEFORE, IMAP_Q_ON, IMAP_Q_SINCE,	/* number: day */
	/* from the header */
	IMAP_Q_SENTBEFORE, IMAP_Q_SENTON, IMAP_Q_SENTSINCE,
	IMAP_Q_HEADER,				/* name, text */
	/* from the file */
	IMAP_Q_BODY, IMAP_Q_TEXT,		/* text */
};

struct imap_key_node {
	enum imap_key	key;
	bool		is_top;	/* all answers must be yes to this one */
	int64_t		number;
	struct str	name, text;	/* text is folded (imap/find.h) */
	struct imap_set	set;
};

struct imap_query {
	struct imap_key_node	*v;
	size_t			n;
	size_t			deepest;	/* answers on the stack at once */
};

/* The arguments of SEARCH after its blank.  FAIL_SYNTAX, FAIL_TOO_BIG;
 * FAIL_PERM: a charset we do not have. */
int	imap_query(struct imap_args *a, struct imap_query *out) MUST_CHECK;

enum imap_truth { IMAP_NO, IMAP_YES, IMAP_UNKNOWN };
typedef enum imap_truth imap_ask_fn(void *arg, const struct imap_key_node *);
/* stack: q->deepest bytes of the caller. */
enum imap_truth imap_query_run(const struct imap_query *q, uint8_t *stack,
	    imap_ask_fn *ask, void *arg);

#endif
