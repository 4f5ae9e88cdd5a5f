/* SPDX-License-Identifier: ISC */
/*
 * maildir/reserve.h - numbers taken ahead: UIDs and MODSEQs that no client
 * can have seen (durability.md 20).
 *
 * The file `reserved` of an account says how far numbers may have been used.
 * It is written and synced before the first number of a block is.  After a
 * power cut, when index and names may be older than what clients saw,
 * numbering goes on above the block.
 *
 * The owner syncs: reserve_ask says no and wants a sync, the owner calls
 * reserve_write, has it synced, then reserve_synced.
 *
 * Text: the first line has the CRC-32C of all behind it,
 *	SUM V1 BOOT MODSEQ UIDVALIDITY
 *	MAILBOXID UIDVALIDITY UID BOOT
 * BOOT names the run of the machine in which it was used and not closed
 * clean; 0: all that was done is settled.
 */
#ifndef MAILDIR_RESERVE_H
#define MAILDIR_RESERVE_H

#include "base/dict.h"
#include "maildir/volume.h"

#define RESERVE_FILE	"reserved"
#define RESERVE_UIDS	1024
#define RESERVE_MODSEQS	(1024 * 1024)
#define RESERVE_AHEAD	256	/* changes that one "yes" is good for */

struct reserve_row {
	uint8_t		mailboxid[16];
	uint32_t	uidvalidity;
	uint64_t	boot;		/* as found; own one once asked for */
	bool		unclean;	/* used in another run, not closed */
	bool		ready;		/* boot is ours on the disk */
	bool		ready_written;
	/* UIDs below may be used: safe on the disk, written, wanted */
	uint64_t	synced, written, wanted;
};

struct reserve {
	struct volume	*v;
	int		dir;
	uint64_t	boot;		/* this run of the machine, not 0 */
	bool		lost;		/* there was none, or it was damaged */
	bool		damaged;
	bool		was_open;	/* not closed clean last time */
	uint64_t	synced, written, wanted;	/* MODSEQs below */
	uint32_t	uidvalidity;	/* highest given */
	struct dict	rows;		/* mailboxid -> row */
	bool		dirty;		/* something is wanted, not written */
};

/* Pure. */
void	reserve_put(const struct reserve *r, bool clean, struct buf *out);
int	reserve_get(struct str text, struct reserve *r) MUST_CHECK;

/* Reads the file; a lost or damaged one is told by the flags.  FAIL_TEMP. */
int	reserve_open(struct reserve *r, struct volume *v, int dir,
	    uint64_t boot) MUST_CHECK;
void	reserve_close(struct reserve *r);

struct reserve_row *reserve_row(struct reserve *r, const uint8_t id[16]);
/* A row for a mailbox whose next UID is next: new if there was none. */
struct reserve_row *reserve_row_make(struct reserve *r, const uint8_t id[16],
	    uint32_t uidvalidity, uint32_t next);
void	reserve_forget(struct reserve *r, const uint8_t id[16]);

/* row may be NULL: no UIDs are wanted.
 * May UIDs next .. next + n - 1 and MODSEQs up to modseq + n +
 * RESERVE_AHEAD be used?  If not, more is wanted. */
bool	reserve_ask(struct reserve *r, struct reserve_row *row, uint32_t next,
	    uint32_t n, uint64_t modseq);
/* The mailbox was looked through after another run of the machine: what is
 * on the disk about it can be trusted. */
void	reserve_checked(struct reserve *r, struct reserve_row *row);
int	reserve_write(struct reserve *r) MUST_CHECK;
void	reserve_synced(struct reserve *r);	/* the last write */
/* All is settled: exact numbers, clean.  modseq: next one. */
int	reserve_clean(struct reserve *r, uint64_t modseq) MUST_CHECK;

/* A UIDVALIDITY never used in this account; grows with time. */
uint32_t reserve_uidvalidity(struct reserve *r, int64_t now_s);

#endif
