/* SPDX-License-Identifier: ISC */
/*
 * maildir/box.h - an open mailbox: index, names, cache, files.
 *
 * The index is the truth that clients see; a change is logged (log.h) before
 * the index is changed, so that an index that is behind is brought up at the
 * next open, and one that is lost is made again of names, log and files.
 * File names follow the flags later, in box_step.
 *
 * Numbers: box_ready must have said yes before anything is changed.
 *
 * A write that fails after the log has the change marks the box stale: it
 * is closed and opened anew before its next use, which repairs it.
 */
#ifndef MAILDIR_BOX_H
#define MAILDIR_BOX_H

#include "mail/index.h"
#include "maildir/account.h"
#include "maildir/names.h"

#define BOX_KEYWORD_MAX		100	/* octets of one name */
#define BOX_KEYWORDS_MAX	3500	/* of all, with the blanks between */
#define BOX_CHUNK		1024	/* records read at a time */
#define BOX_FEW			64	/* files that are unlinked at once */
#define BOX_BULK		1000	/* changed flags that may wait longer */
#define BOX_FLUSH_MS		4000
#define BOX_FLUSH_BULK_MS	(5 * 60 * 1000)

enum box_how { BOX_SET, BOX_ADD, BOX_REMOVE };

/* Work that waits for box_step, most urgent first. */
enum box_todo {
	BOX_REBUILD = 1,	/* not usable until done */
	BOX_SCAN_NEW = 2,	/* somebody delivered into new/ */
	BOX_SCAN_ALL = 4,	/* somebody renamed or deleted */
	BOX_UNLINK = 8,		/* files of expunged messages */
	BOX_FLUSH = 16,		/* flags into file names */
	BOX_COMPACT = 32,	/* a new generation without the dead */
	BOX_WARM = 64,		/* cache of messages that lack it */
};

/* UIDs as ranges, in order of adding. */
struct box_set {
	struct log_range *v;
	size_t		n, cap;
	uint32_t	count;
};
void	box_set_add(struct box_set *s, uint32_t uid);
void	box_set_free(struct box_set *s);

/* Stored's own part of the index header, behind INDEX_HEAD_SIZE. */
struct box_own {
	uint64_t	nonce;		/* of the names log that fits */
	uint64_t	names_size;
	uint32_t	cache_nonce;
	uint32_t	new_from;	/* no record before it is IN_NEW */
	uint32_t	dirty;		/* records with DIRTY */
	uint32_t	dirty_from;	/* none before it */
	uint32_t	recent_uid;	/* UIDs from here on no session saw */
	uint32_t	building;	/* 1: half made */
	int64_t		new_ns, cur_ns;	/* times of the folders when seen */
	uint32_t	cold_from;	/* records before it have their cache */
	uint32_t	partial;	/* 1: the folders were never wholly seen */
};
#define BOX_OWN_SIZE	128
void	box_own_put(const struct box_own *o, uint8_t out[BOX_OWN_SIZE]);
int	box_own_get(const uint8_t in[BOX_OWN_SIZE], struct box_own *o_out)
	    MUST_CHECK;

struct box_scan;
struct box_compact;

struct box {
	struct account	*a;
	struct volume	*v;
	struct link	link;		/* of a->boxes */
	char		name[FOLDER_NAME_BUF];
	int		folder, cur, new_, tmp;	/* tmp: -1 until wanted */
	struct names	names;
	int		index, cache;
	uint64_t	cache_size;
	struct index_header h;
	struct box_own	own;
	struct reserve_row *row;
	char		*keyword[INDEX_KEYWORDS];
	unsigned	keywords;
	uint32_t	jump;		/* added after a rebuild: rebuild.c */
	uint32_t	uid_next;	/* to be given; h.uidnext: announced */
	struct link	held;		/* appended, not yet announced */
	unsigned	todo;		/* enum box_todo */
	struct box_scan	*scan;
	struct box_compact *compact;
	bool		stale;
	bool		is_deleted;	/* its folder is gone */
	bool		failed;		/* and could not be mended: said once */
	int64_t		retry_ms;	/* not before */
	/* What watchers must hear of; collected while has_watchers. */
	bool		has_watchers;
	struct box_set	changed, gone;
	bool		remapped;	/* new generation: new descriptors */
	uint32_t	told_records;	/* what watchers know */
	bool		told_keywords;
	struct link	watchers;	/* the owner's */
	void		*owner;
	int64_t		used_ms, checked_ms;
	int64_t		flush_ms;	/* when BOX_FLUSH is due; 0: nothing is */
	/* a pass of step.c that is under way */
	unsigned	pass_mask;
	uint32_t	pass_at, pass_dirty, pass_new;
};

/* The open box of that name, or opens it.  FAIL_GONE: no such mailbox;
 * FAIL_TEMP. */
int	box_open(struct account *a, struct str name, struct box **out,
	    struct why *why) MUST_CHECK;
struct box *box_by_id(struct account *a, const uint8_t id[16]); /* if open */
void	box_close(struct box *b);
/* Reopens in place when stale.  FAIL_TEMP; the box stays stale, and is not
 * tried again for a second or two. */
int	box_fresh(struct box *b, struct why *why) MUST_CHECK;

/* May it be changed now, with n more UIDs?  If not, numbers are wanted from
 * the owner; ask again once they are synced. */
bool	box_ready(struct box *b, uint32_t n);

/* Looks whether somebody else changed the folders; sets todo. */
void	box_check(struct box *b);
/* Has its index all that the folders had?  Not before the first scan is
 * through; asks for one if none is under way. */
bool	box_whole(struct box *b);
/* Somebody deleted index or cache under us, cut them or put others there: the
 * box is stale. */
void	box_check_index(struct box *b);
/* The same, and that record too. */
void	box_check_record(struct box *b, uint32_t at);
/* Read-only descriptors of index and cache, for a face. */
int	box_share(struct box *b, int *index_out, int *cache_out,
	    struct why *why) MUST_CHECK;
/* Does work that waits, for about ms; false: more is left that can be done
 * now.  Only work in `mask`. */
bool	box_step(struct box *b, unsigned mask, int64_t ms);

/* --- reading ------------------------------------------------------------- */

/* Index of the first record with a UID >= uid; h.records when none. */
uint32_t box_lower(struct box *b, uint32_t uid);
/* FAIL_GONE: no live record. */
int	box_find(struct box *b, uint32_t uid, uint32_t *at_out,
	    struct index_record *r_out) MUST_CHECK;
int	box_read(struct box *b, uint32_t at, uint32_t n, uint8_t *out)
	    MUST_CHECK;
/* The file of a message.  FAIL_GONE: expunged, or somebody renamed it: then
 * todo has BOX_SCAN_ALL; ask again when that is done.  If somebody wrote into
 * it, its record says so from now on. */
int	box_file(struct box *b, uint32_t uid, int *fd_out, uint64_t *size_out)
	    MUST_CHECK;
/* Keyword names by bit, blank-separated. */
void	box_keywords(const struct box *b, struct buf *out);
/* Its bits; names that are new get one.  FAIL_TOO_BIG: no more room, *mask
 * has those that fit. */
int	box_keyword_mask(struct box *b, struct str names, bool make,
	    uint64_t *mask_out) MUST_CHECK;

/* --- changing ------------------------------------------------------------ */

struct box_message {
	struct log_key	key;
	uint32_t	uid;		/* 0: the next one */
	uint16_t	flags;
	uint64_t	keywords;
	int64_t		internaldate_s, savedate_s;
	uint64_t	wire_size, disk_size, emailid;
	char		base[FNAME_BUF];
	bool		in_new;
	uint64_t	letters;	/* in cur/: of the name it has */
	struct str	blob;		/* may be empty */
	bool		unsure;		/* announced after box_sure only, and
					 * later ones not before it */
};
/* The file lies under its name already: gives it its UID. */
int	box_add(struct box *b, const struct box_message *m, uint32_t *uid_out)
	    MUST_CHECK;
/* What was unsure is announced, or is taken back (the caller unlinks its
 * file). */
void	box_sure(struct box *b, uint32_t uid);
int	box_take_back(struct box *b, uint32_t uid) MUST_CHECK;

/* Flags of all UIDs in ranges; count_out: how many were changed. */
int	box_flags(struct box *b, const struct log_range *v, size_t n,
	    enum box_how how, uint16_t flags, uint64_t keywords,
	    uint32_t *count_out) MUST_CHECK;
int	box_expunge(struct box *b, const struct log_range *v, size_t n,
	    bool only_deleted, uint32_t *count_out) MUST_CHECK;
/* Puts the UIDs that live in ranges into out. */
int	box_select(struct box *b, const struct log_range *v, size_t n,
	    bool only_deleted, struct box_set *out) MUST_CHECK;
/* One message into another box (of the same account).  *move: renamed, and
 * the caller expunges it here by box_moved; set to false where it had to be
 * copied (another file system): the file is here yet, and goes by
 * box_expunge.  FAIL_GONE as box_file. */
int	box_copy(struct box *from, uint32_t uid, struct box *to, bool *move,
	    uint32_t *uid_out) MUST_CHECK;
/* Expunges without touching the files. */
int	box_moved(struct box *b, const struct box_set *uids) MUST_CHECK;
/* The same for one whose message gets another UID: its repeat key stands. */
int	box_replaced(struct box *b, uint32_t uid) MUST_CHECK;

/* --- among the files of a box -------------------------------------------- */

/* The name that its record and its entry of the names log give a file, and
 * its folder. */
int	box_name_of(struct box *b, const struct index_record *r,
	    struct names_entry *e_out, char name_out[FNAME_BUF],
	    int *dir_out) MUST_CHECK;
/* Reads a whole file: the account's ingest has its sizes and its blob.
 * FAIL_TEMP. */
int	box_measure(struct box *b, int fd) MUST_CHECK;
void	box_unlink_now(struct box *b, const struct box_set *uids);
int	box_tmp(struct box *b);		/* folder tmp/; -1 */
/* Around changes of ours in cur/: keeps them apart from others'. */
void	box_cur_begin(struct box *b);
void	box_cur_end(struct box *b);
int	box_write_head(struct box *b) MUST_CHECK;
/* The disk said no (errno): stale, and left alone for a while. */
void	box_failed(struct box *b, const char *what);
void	box_mended(struct box *b);
int	box_write(struct box *b, uint32_t at, uint32_t n, const uint8_t *p)
	    MUST_CHECK;
/* A record that cannot be: the index is marked, to be made anew at the next
 * open, and the box is stale.  FAIL_TEMP. */
int	box_damaged(struct box *b, uint32_t at);
/* A record at the end of the index; counts it. */
int	box_put_record(struct box *b, struct index_record *r) MUST_CHECK;
int	box_log_append(struct box *b, const struct box_message *m,
	    uint32_t uid, uint64_t *txn_out) MUST_CHECK;
int	box_log_flags(struct box *b, uint32_t uid, uint16_t flags)
	    MUST_CHECK;
/* What a record of the log says, on the index alone. */
int	box_flags_apply(struct box *b, const struct log_range *v, size_t n,
	    const struct log_record *l) MUST_CHECK;
/* gone: the file is gone, or is in another mailbox. */
int	box_expunge_apply(struct box *b, const struct log_range *v, size_t n,
	    uint64_t txn, bool gone) MUST_CHECK;
/* The record changes: counts, dirt and times follow.  Not written. */
void	box_account_for(struct box *b, uint32_t at,
	    const struct index_record *was, const struct index_record *is);
/* replay.c: repeats what the log has above `txn`. */
int	box_replay(struct box *b, uint64_t txn) MUST_CHECK;
int	box_recount(struct box *b) MUST_CHECK;
/* keywords.c: those of the head of the index.  FAIL_TEMP: read: damaged;
 * written: the box is stale. */
int	box_keywords_read(struct box *b) MUST_CHECK;
int	box_keywords_write(struct box *b) MUST_CHECK;
void	box_keywords_forget(struct box *b);
/* A bit from the log; holes cannot be, bits are given in order. */
void	box_keyword_set(struct box *b, unsigned bit, struct str name);
/* A new, empty index file for this names log. */
int	box_index_new(struct box *b) MUST_CHECK;
/* Records that are not announced yet, from *at = 0 on. */
bool	box_held_get(struct box *b, size_t at, struct index_record *r_out);
/* After a reopen: those that were ready are in the index by the log. */
void	box_held_forget(struct box *b);
uint64_t box_cache_add(struct box *b, struct str blob);	/* 0: could not */
bool	box_scan_saw(struct box *b, struct str base, uint32_t uid,
	    uint64_t *letters_out, bool *in_new_out);
void	box_scan_drop(struct box *b);
bool	box_scan_step(struct box *b, int64_t until_ms);	/* scan.c */
bool	box_compact(struct box *b, int64_t until_ms);	/* compact.c */
bool	box_compact_due(const struct box *b);
void	box_compact_drop(struct box *b);
/* The blob there, or nothing. */
void	box_cache_read(struct box *b, uint64_t at, struct buf *out);
/* Header page of one index into another. */
int	box_head_copy(struct box *from, struct box *to) MUST_CHECK;

#endif
