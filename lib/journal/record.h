/* SPDX-License-Identifier: ISC */
/*
 * journal/record.h - what a record or a spool file says, as C and as bytes.
 *
 * Pure.  Fields are { u8 tag, u32 length, bytes }; a reader skips tags it
 * does not know, a writer leaves out what is empty or 0.
 *
 *	COMMIT, APPEND	u32 length of the envelope, envelope, content
 *	END, STATE	a mark
 *	spool file	head, envelope, content, then marks as they come, each
 *			at the start of a 4 KiB block of its own, so that a
 *			torn one takes nothing along:
 *			{ "MARK", u32 length, u32 CRC-32C, bytes }
 */
#ifndef JOURNAL_RECORD_H
#define JOURNAL_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

/* What is written down of a recipient.  Whether a hand-over is out is known
 * in memory only: after a start it is open again. */
enum recipient_state {
	RECIPIENT_OPEN,
	RECIPIENT_WAITS,	/* deferred, or its way is not local */
	RECIPIENT_HELD,		/* until an operator says so */
	RECIPIENT_DONE,		/* delivered, bounced or removed */
};

struct recipient {
	struct str	address, orcpt, account, home, detail;
	struct str	reason;		/* of the last attempt that failed */
	uint32_t	kind;		/* 0 local, 1 travels */
	uint32_t	notify;
	uint32_t	state;		/* enum recipient_state */
	uint32_t	attempts, redelivery;
	uint32_t	told;		/* 1: the sender knows of the delay */
	int64_t		next_ms;
};

/* What an END says of the others of its message.  Whether there is a file to
 * unlink must be known after a kill: gone from the page cache is not gone. */
enum journal_last {
	LAST_NOT,		/* somebody is still open */
	LAST_ALL,		/* nobody is; there is no file */
	LAST_FILE,		/* nobody is, and its file goes now */
};

/* A recipient of another message that this one (a DSN) ends: both become
 * durable in one record, or neither. */
struct closing {
	struct str	mid;
	uint32_t	number;
	uint32_t	last;		/* as in a mark; set by spool_commit */
};

struct envelope {
	struct str	mid, parent, sid, sender, envid, account, added;
	struct str	digest;		/* SHA-256 of a large body */
	uint64_t	size;		/* octets of the content, CRLF */
	int64_t		received_ms;
	uint32_t	flags;		/* enum spool_flags of the catalogue */
	uint32_t	dropped;	/* 1: came as a file of maildrop/ */
	/* of an APPEND only; its account and home are recipient 0 */
	struct str	mailbox, mailboxid, keywords;
	uint32_t	uid, uidvalidity, mail_flags;
	int64_t		date_s;

	struct recipient *to;
	size_t		n_to;
	struct closing	*closes;
	size_t		n_closes;
};

struct mark {
	struct str	mid, reason;
	uint32_t	number;
	uint32_t	state;		/* enum recipient_state */
	uint32_t	attempts, redelivery;
	uint32_t	last;		/* enum journal_last */
	uint32_t	told;
	int64_t		next_ms;
};

#define MARK_MAX	2048		/* bytes of a mark, reason included */

void	envelope_put(struct buf *out, const struct envelope *e);
/* Strings point into bytes, arrays lie in the arena.  FAIL_SYNTAX, or
 * FAIL_TOO_BIG: the arena's cap. */
int	envelope_get(struct str bytes, struct arena *a, struct envelope *e_out)
	    MUST_CHECK;

void	mark_put(struct buf *out, const struct mark *m);
int	mark_get(struct str bytes, struct mark *m_out) MUST_CHECK;

/* Parts of a COMMIT or APPEND record: its envelope, and where the content
 * begins. */
int	commit_split(struct str bytes, struct str *envelope_out,
	    struct str *content_out) MUST_CHECK;

/* --- spool file ---------------------------------------------------------- */

#define SPOOL_FILE_HEAD	40

struct spool_head {
	uint32_t	envelope;	/* octets */
	uint64_t	content;	/* octets; 0 with a large body in tmp/ */
	uint32_t	envelope_sum, content_sum;
};

void	spool_head_put(const struct spool_head *h, uint8_t out[SPOOL_FILE_HEAD]);
int	spool_head_get(const uint8_t in[SPOOL_FILE_HEAD],
	    struct spool_head *h_out) MUST_CHECK;

#define SPOOL_MARK_BLOCK	4096

/* Where the next mark goes in a file of that size. */
uint64_t spool_mark_at(uint64_t size);
void	spool_mark_put(struct buf *out, const struct mark *m);
/* The next mark of the file at or after *at (moved on); broken ones are
 * skipped.  false at the end.  The mark's strings point into file. */
bool	spool_mark_next(struct str file, size_t *at, struct mark *m_out);

#endif
