/* SPDX-License-Identifier: ISC */
/*
 * maildir/log.h - the log of an account: what happened to its mailboxes.
 *
 * Append-only records, little endian:
 *	u32 length of the whole, u16 type, u16 0, u64 txn, u8 mailboxid[16],
 *	payload, u32 CRC-32C of all before
 * txn grows by at least one a record, over all mailboxes; it is the MODSEQ
 * of what it did.  A record is written before the index is changed; the
 * index says up to which txn it is right.  A torn tail is cut at the next
 * open; a bad record in the middle ends the log there, for what is behind it
 * cannot be found.
 *
 * A log keeps the repeat key of a delivery and the EXPUNGE of a message for
 * the lifetime of the queue and a day (durability.md 15), also when it is
 * written anew.
 */
#ifndef MAILDIR_LOG_H
#define MAILDIR_LOG_H

#include "maildir/fname.h"
#include "maildir/volume.h"

#define LOG_FILE	"log"
#define LOG_RECORD_MAX	(256 * 1024)
#define LOG_HEAD	32
#define LOG_TAIL	4

enum log_type {
	LOG_APPEND = 1,		/* a message is there */
	LOG_FLAGS = 2,
	LOG_KEYWORD = 3,	/* a bit has a name from now on */
	LOG_EXPUNGE = 4,
	LOG_NAME = 5,		/* a mailbox was deleted */
	LOG_META = 6,
	LOG_CHECKPOINT = 7,	/* all before it is settled */
};

struct log_range {
	uint32_t	first, last;
};

/* The same repeat key: the same delivery (durability.md 13). */
struct log_key {
	uint8_t		mid[16];	/* all zero: no key */
	uint32_t	number, redelivery;
};

struct log_record {
	enum log_type	type;
	uint64_t	txn;
	uint8_t		mailboxid[16];
	int64_t		when_s;		/* APPEND, EXPUNGE, NAME: for keeping */
	/* APPEND */
	struct log_key	key;
	uint32_t	uid;
	uint16_t	flags;		/* FLAGS too */
	uint64_t	keywords;	/* FLAGS too */
	int64_t		internaldate_s, savedate_s;
	uint64_t	wire_size, disk_size, emailid;
	bool		in_new;
	struct str	name;		/* base; KEYWORD: its name */
	/* FLAGS */
	uint8_t		how;		/* enum box_how */
	uint8_t		bit;		/* KEYWORD */
	bool		moved;		/* EXPUNGE: the file is elsewhere */
	bool		replaced;	/* EXPUNGE: and its message comes under
					 * another UID: no end of its key */
	struct str	ranges;		/* FLAGS, EXPUNGE: pairs of u32 */
};

/* Pure codecs. */
void	log_record_put(const struct log_record *r, struct buf *out);
/* The record at the front of bytes; size_out: its length.  FAIL_GONE: more
 * bytes are needed, or it is torn; FAIL_SYNTAX: its sum is right and it
 * makes no sense (a later version). */
int	log_record_get(struct str bytes, struct log_record *r_out,
	    size_t *size_out) MUST_CHECK;
void	log_ranges_put(struct buf *out, const struct log_range *v, size_t n);
/* Cursor over ranges of a record. */
bool	log_ranges_next(struct str *ranges, struct log_range *out);

struct log {
	struct volume	*v;
	int		fd;
	uint64_t	size;
	uint64_t	txn;		/* of the last record */
	uint64_t	cut;		/* octets thrown away at open */
};

/* Opens or creates; seen (may be NULL) is told of each record.  The caller
 * holds the account's lock. */
typedef void log_seen_fn(void *arg, const struct log_record *r);
int	log_open(struct log *l, struct volume *v, int dir, log_seen_fn *seen,
	    void *arg) MUST_CHECK;
void	log_close(struct log *l);
/* Gives r->txn, which must be above l->txn. */
int	log_add(struct log *l, const struct log_record *r) MUST_CHECK;
/* As it is: for a log that is written anew. */
int	log_put(struct log *l, const struct log_record *r) MUST_CHECK;

/* A walk over the log from its start; strings are valid until the next. */
struct log_walk {
	struct log	*l;
	struct buf	b;
	uint64_t	at;	/* of what stands at the front of b */
	uint64_t	next;	/* what to read */
};
void	log_walk_begin(struct log_walk *w, struct log *l);
bool	log_walk_next(struct log_walk *w, struct log_record *r_out);
void	log_walk_end(struct log_walk *w);

/* Writing anew: records are put into a second log, which then takes the
 * place of the first. */
int	log_anew_begin(struct log *anew, struct volume *v, int dir) MUST_CHECK;
int	log_anew_end(struct log *l, struct log *anew, int dir) MUST_CHECK;
void	log_anew_drop(struct log *anew, int dir);

#endif
