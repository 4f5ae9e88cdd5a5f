/* SPDX-License-Identifier: ISC */
/*
 * maildir/seen.h - the files that a scan saw in a mailbox's folders: a table
 * by hash of the base of their names.  24 octets a file; names are not kept.
 */
#ifndef MAILDIR_SEEN_H
#define MAILDIR_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum seen_state {
	SEEN_IN_NEW = 1,
	SEEN_MATCHED = 2,	/* a record is of this file */
	SEEN_ODD_NAME = 4,	/* not as we would have written it */
	SEEN_DOOMED = 8,	/* expunged: to be unlinked */
	SEEN_EXPUNGED = 16,
	SEEN_USED = 128,
};

struct seen_file {
	uint64_t	hash, letters;
	uint32_t	uid;		/* a rebuild: the last given to it */
	uint8_t		state;		/* enum seen_state */
};

struct seen {
	struct seen_file *file;
	size_t		cap, len;
	size_t		matched;	/* of them */
};

/* NULL: no such file was seen.  Valid until the next seen_put. */
struct seen_file *seen_find(const struct seen *s, uint64_t hash);
/* In the place of one with the same hash: a file that stands in both folders,
 * or that readdir says twice, is one. */
void	seen_put(struct seen *s, const struct seen_file *x);
/* A record is of this file; once or more often. */
void	seen_match(struct seen *s, struct seen_file *x);
/* Has every file a record, and the name that we would have given it? */
bool	seen_all_well(const struct seen *s);
void	seen_free(struct seen *s);

#endif
