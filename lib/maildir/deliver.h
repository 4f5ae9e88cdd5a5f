/* SPDX-License-Identifier: ISC */
/*
 * maildir/deliver.h - a message comes: content with CRLF on a descriptor,
 * with header lines put before it, becomes a file, a UID and a record.
 */
#ifndef MAILDIR_DELIVER_H
#define MAILDIR_DELIVER_H

#include "maildir/box.h"

struct delivery {
	struct log_key	key;		/* with a mid; all zero: an own one */
	struct str	added;		/* header lines, CRLF */
	int		fd;		/* content; borrowed */
	uint64_t	offset, size;	/* where it stands in fd */
	struct str	digest;		/* SHA-256 of the content, or empty */
	uint32_t	uid;		/* 0: the next */
	uint16_t	flags;
	uint64_t	keywords;
	int64_t		date_s;		/* INTERNALDATE */
	bool		in_cur;		/* APPEND: seen by its maker */
	bool		anew;		/* a sync failed: adopt no file */
	bool		unsure;		/* see struct box_message */
};

/* The file under tmp/, its sizes known, blob in the ingest of the place. */
struct draft {
	char		tmp[FNAME_BUF];
	struct box_message m;
};

/* Writes it under tmp/.  FAIL_TEMP: disk; FAIL_PERM: the content is not what
 * its size or digest says. */
int	deliver_write(struct box *b, const struct delivery *d,
	    struct draft *out, struct why *why) MUST_CHECK;
/* Into place, and box_add. */
int	deliver_commit(struct box *b, struct draft *x, uint32_t *uid_out,
	    struct why *why) MUST_CHECK;
void	deliver_drop(struct box *b, struct draft *x);
/* What was unsure is refused: as if it had not been. */
void	deliver_take_back(struct box *b, const struct draft *x, uint32_t uid);

/*
 * One that may have been made before (durability.md 14): believed only when
 * the log has its key together with an EXPUNGE, or a file of equal content
 * is there.
 */
int	deliver_again(struct box *b, const struct delivery *d,
	    uint32_t *uid_out, struct why *why) MUST_CHECK;

#endif
