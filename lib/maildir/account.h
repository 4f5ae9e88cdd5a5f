/* SPDX-License-Identifier: ISC */
/*
 * maildir/account.h - an account: its folders, its log, its numbers, its
 * open mailboxes.  One process has an account open; a lock says so to
 * others.
 */
#ifndef MAILDIR_ACCOUNT_H
#define MAILDIR_ACCOUNT_H

#include "base/dict.h"
#include "base/list.h"
#include "maildir/folder.h"
#include "maildir/ingest.h"
#include "maildir/log.h"
#include "maildir/reserve.h"

#define LOCK_FILE	"lock"

struct account;
struct account_place;

struct account_ops {
	/* Numbers are wanted: reserve_write, sync, reserve_synced. */
	void	(*want_numbers)(struct account *a);
	/* This file or folder was written and must be settled (fsync mode);
	 * fd is borrowed.  May be NULL. */
	void	(*wrote)(struct account *a, int fd, bool is_folder);
	/* Somebody deleted the root folder of indices: place->index is
	 * another now, or this fails.  May be NULL. */
	int	(*index_gone)(struct account_place *p);
};

/* What all accounts of a process share. */
struct account_place {
	struct volume	*v;
	int		mail, state, index;	/* root folders */
	uint64_t	boot;		/* this run of the machine */
	int64_t		keep_s;		/* repeat keys and EXPUNGEs are kept */
	bool		may_expunge;	/* replay is through: what is missing
					 * now was deleted by somebody */
	struct ingest	*ingest;
	const struct account_ops *ops;
	uint64_t	hash_key[2];	/* of names in scans */
};

struct account {
	struct account_place *place;
	struct volume	*v;
	char		*name, *home;
	int		root;		/* the Maildir */
	int		state, index;	/* folders of this account */
	int		lock;		/* file of that, lent to nobody */
	struct log	log;
	struct reserve	reserve;
	uint64_t	log_kept;	/* its size when it was written anew */
	uint64_t	modseq;		/* last used */
	struct link	boxes;		/* open ones */
	struct dict	last;		/* mailboxid -> what the log has of it */
	struct dict	keys;		/* repeat keys, once asked for */
	struct dict	uids;		/* the same by mailbox and UID */
	bool		has_keys;
	uint64_t	copies;		/* made to another file system */
	bool		copy_unsettled;	/* a copy to another file system: keep
					 * what was expunged (durability 23) */
	bool		used;		/* written to since the last clean */
	bool		is_new;		/* Maildir was made by this open */
	void		*owner;
};

/* What the log has of a mailbox, for its next open. */
struct account_last {
	uint64_t	txn;
	uint32_t	uid;		/* highest APPEND */
};

/* A delivery the log knows. */
struct account_known {
	uint8_t		mailboxid[16];
	uint32_t	uid;
	bool		expunged;
};

/* create: makes the Maildir if it is missing.  FAIL_GONE: it is missing;
 * FAIL_DENIED: another process holds it; FAIL_TEMP. */
int	account_open(struct account_place *p, struct str name, struct str home,
	    bool create, struct account **out, struct why *why) MUST_CHECK;
/* Closes its boxes too. */
void	account_close(struct account *a);

/* Its folder of indices, made anew if somebody deleted it. */
int	account_index(struct account *a, struct why *why) MUST_CHECK;

/* May something be logged that needs no UID?  As box_ready. */
bool	account_ready(struct account *a);
/* The next MODSEQ. */
uint64_t account_txn(struct account *a);
/* Writes a record (txn is given here) and remembers what is needed of it. */
int	account_log(struct account *a, struct log_record *r) MUST_CHECK;

/* NULL: never heard of. */
const struct account_known *account_known(struct account *a,
	    const struct log_key *key);

/* Is the log long enough to be written anew?  Does it, keeping what rule 15
 * asks for and what no index has yet. */
bool	account_log_long(const struct account *a);
int	account_log_anew(struct account *a, int64_t now_s) MUST_CHECK;

/* All that was done is settled (the owner synced): exact numbers, no check
 * at the next open. */
int	account_clean(struct account *a) MUST_CHECK;

/* --- mailboxes (names: UTF-8, '/') ----------------------------- */

typedef void account_name_fn(void *arg, const char *name, bool subscribed,
	    bool exists);
/* INBOX first, then all folders and subscriptions, in no order. */
int	account_list(struct account *a, account_name_fn *fn, void *arg)
	    MUST_CHECK;
bool	account_has(struct account *a, struct str name);
/* FAIL_PERM: exists already; FAIL_SYNTAX, FAIL_TOO_BIG: bad name. */
int	account_create(struct account *a, struct str name) MUST_CHECK;
/* FAIL_GONE; FAIL_PERM: INBOX. */
int	account_delete(struct account *a, struct str name) MUST_CHECK;
/* Removes what a delete left, also one that was cut short. */
void	account_sweep(struct account *a);
/* One folder; children are the caller's, and so is INBOX, which stays while
 * its messages move.  FAIL_GONE, FAIL_PERM: `to` exists. */
int	account_rename(struct account *a, struct str from, struct str to)
	    MUST_CHECK;
int	account_subscribe(struct account *a, struct str name, bool on)
	    MUST_CHECK;

/* The folder of a mailbox; -1 with errno. */
int	account_folder(struct account *a, const char *folder);

#endif
