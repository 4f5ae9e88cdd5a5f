/* SPDX-License-Identifier: ISC */
/*
 * maildir/scan.h - a scan of a mailbox's folders, among the files that do it:
 *
 *	scan.c		its phases; folders read, records compared
 *	rebuild.c	an index made anew
 *	take.c		files that no record has get their UIDs
 *
 * Others need box_scan_step, box_scan_saw and box_scan_drop of box.h.
 */
#ifndef MAILDIR_SCAN_H
#define MAILDIR_SCAN_H

#include "maildir/box.h"
#include "maildir/seen.h"

/* SCAN_ONLY_NEW: somebody delivered into new/; SCAN_ALL: somebody renamed or
 * deleted; SCAN_ANEW: there is no index. */
enum scan_kind { SCAN_ONLY_NEW, SCAN_ALL, SCAN_ANEW };
enum scan_phase { READ_NEW, READ_CUR, REBUILD, COMPARE, FIND_NEW, FIND_CUR,
    TAKE, END };

struct found {			/* a file that no record has */
	int64_t		mtime_ns;
	uint64_t	letters;
	bool		in_new;
	char		name[];		/* as it stands in the folder */
};

struct scan_entry {		/* of the names log */
	uint32_t	uid;
	uint32_t	gone_s;		/* when it was expunged; 0: it lives */
	uint64_t	at;
};

struct box_scan {
	enum scan_kind	kind;
	enum scan_phase	phase;
	bool		quiet;
	bool		walking;
	struct volume_walk walk;
	struct seen	seen;
	uint32_t	at;		/* COMPARE: next record */
	struct box_set	missing;
	int64_t		new_ns;
	/* take.c */
	struct found	**found;
	size_t		founds, found_cap, taken;
	bool		sorted;
	int		fd;		/* the file being taken in */
	uint64_t	read_at;
	bool		ingesting;
	/* rebuild.c */
	struct scan_entry *entry;
	size_t		entries, entry_cap, next;
	bool		listed;
	int64_t		doubt_s;	/* what was saved since then may have
					 * got lost in a power cut */
	int		old;		/* the old index, for what it may know */
	uint32_t	old_records;
	uint64_t	old_cache_size;
};

/* The file of that base; NULL: none was seen. */
struct seen_file *scan_seen(struct box *b, struct str base);
/* Did the machine go down with the mailbox open, as far as we can tell?  Only
 * then can a file be torn; any other that is short was shortened by somebody. */
bool	scan_is_doubted(const struct box *b);
/* Is it a name that we made? */
bool	scan_is_ours(const char *name);
/* A torn file goes to tmp/, and is logged. */
void	scan_take_out_torn(struct box *b, const char *name, bool in_new);

/* rebuild.c; true: done. */
bool	scan_rebuild(struct box *b, int64_t until_ms);

/* take.c */
/* To be taken in, if it is a file. */
void	scan_found_add(struct box *b, int dir, const char *name,
	    const struct seen_file *x);
/* A name with letters in another order, or without them: as we would have
 * written it, so that it can be derived.  false: it could not be renamed. */
bool	scan_straighten(struct box *b, int dir, bool in_new, const char *name);
/* A message's file.  FAIL_GONE: it is not there, or cannot be read by
 * anybody (logged); FAIL_TEMP. */
int	scan_open(struct box *b, const char *name, bool in_new, int *fd_out)
	    MUST_CHECK;
/* Numbers for what is still to be taken in, or those are asked for. */
bool	scan_has_numbers(struct box *b);
/* true: all are. */
bool	scan_take(struct box *b, int64_t until_ms);
void	scan_take_end(struct box *b);	/* frees what is left of it */

#endif
