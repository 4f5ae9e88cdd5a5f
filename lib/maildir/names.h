/* SPDX-License-Identifier: ISC */
/*
 * maildir/names.h - the names log of a mailbox, `.veredus-names`: which file
 * has which UID.  It lies in the mailbox folder, so that a copy or a backup
 * of the Maildir carries its UIDs.
 *
 * Text, one line an entry, each with the CRC-32C of what follows it:
 *	SUM V1 UIDVALIDITY MAILBOXID NONCE UIDNEXT
 *	SUM UID INTERNALDATE SAVEDATE EMAILID BASE
 * UIDNEXT: those below may be used up though no entry says so (the file was
 * written anew without the dead).  Entries are only ever appended; a torn last
 * line is cut at the next open.
 * NONCE is new with each rewriting of the file: an index knows by it whether
 * its offsets are those of this file.  BASE is the file's name without
 * flags; control octets and '%' in it are written %XX.
 */
#ifndef MAILDIR_NAMES_H
#define MAILDIR_NAMES_H

#include "maildir/fname.h"
#include "maildir/volume.h"

#define NAMES_FILE	".veredus-names"
#define NAMES_LINE_MAX	1024

struct names_head {
	uint32_t	uidvalidity;
	uint8_t		mailboxid[16];
	uint64_t	nonce;
	uint32_t	uidnext;
};

struct names_entry {
	uint32_t	uid;
	int64_t		internaldate_s, savedate_s;
	uint64_t	emailid;
	char		base[FNAME_BUF];
};

/* Pure codecs; a line has its LF. */
void	names_head_put(const struct names_head *h, struct buf *out);
int	names_head_get(struct str line, struct names_head *h_out) MUST_CHECK;
void	names_entry_put(const struct names_entry *e, struct buf *out);
int	names_entry_get(struct str line, struct names_entry *e_out) MUST_CHECK;

struct names {
	struct volume	*v;
	int		fd;	/* -1: not open */
	uint64_t	size;	/* the next entry goes here */
	struct names_head head;
};

/* The file of that folder.  FAIL_GONE: there is none; FAIL_PERM: its head is
 * damaged; FAIL_TEMP: cannot read it. */
int	names_open(struct names *n, struct volume *v, int folder) MUST_CHECK;
/* A new one, beside and renamed. */
int	names_create(struct names *n, struct volume *v, int folder,
	    const struct names_head *head) MUST_CHECK;
void	names_close(struct names *n);
/* Appends; at_out is where the entry stands. */
int	names_add(struct names *n, const struct names_entry *e,
	    uint64_t *at_out) MUST_CHECK;
int	names_get(struct names *n, uint64_t at, struct names_entry *e_out)
	    MUST_CHECK;

/* A walk over entries from an offset on, in the order of the file; damaged
 * lines are skipped and counted. */
struct names_walk {
	struct names	*n;
	uint64_t	at;	/* of p[from] in the file */
	size_t		from, len;
	size_t		damaged;
	uint8_t		p[32 * 1024];
};
void	names_walk_begin(struct names_walk *w, struct names *n, uint64_t at);
uint64_t names_first(const struct names *n);	/* offset of the first entry */
bool	names_walk_next(struct names_walk *w, struct names_entry *e_out,
	    uint64_t *at_out);

#endif
