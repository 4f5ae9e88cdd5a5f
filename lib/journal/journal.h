/* SPDX-License-Identifier: ISC */
/*
 * journal/journal.h - the promise: a ring of segments that makes what many
 * clients wait for durable with one write and one flush.
 *
 * The ring knows records as bytes with a type; what they mean, and when one
 * is settled, is the owner's (spool.c).  Rules named R1..R11 are those of the
 * design's durability page, doc/states.md shows them as disk states.
 *
 * On disk, all numbers little endian:
 *	segment	block 0: head; batches; last block: copy of the head
 *	head	"VJSG" version nonce use first-sequence size CRC
 *	batch	starts on its own block: "VJBT" nonce sequence bytes records
 *		CRC, then the records, then zeros up to the next block
 *	record	u16 type, u16 0, u32 length, u32 CRC of nonce, sequence, type,
 *		length and bytes; the bytes
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "journal/disk.h"

#define JOURNAL_BLOCK		4096
#define JOURNAL_BATCH_MAX	(4u << 20)
#define JOURNAL_SEGMENTS_MAX	1024

enum journal_type {
	JOURNAL_COMMIT = 1,	/* a message: envelope and content */
	JOURNAL_APPEND,		/* a message put into a mailbox by IMAP */
	JOURNAL_END,		/* a recipient is done */
	JOURNAL_STATE,		/* a recipient waits, is held ... */
	JOURNAL_VOID,		/* a batch that was refused: the ring's own */
};

/* Mail is refused while only the reserve is left, which belongs to END and
 * STATE records: they are what empties the ring (R4). */
enum journal_class { JOURNAL_MAIL, JOURNAL_MARK };

/* Where a record lies.  `use` numbers each use of a segment, never 0. */
struct journal_place {
	uint64_t	use;
	uint64_t	seq;	/* of its batch */
	uint32_t	at;	/* of the record's head in the segment */
	uint32_t	n;	/* length of the bytes */
};

struct journal_limits {
	uint32_t	segments, segment_size;
};

struct journal;

/* Every record that counts, oldest first. */
typedef void journal_record_fn(void *arg, enum journal_type type,
    struct str bytes, const struct journal_place *place);
/* Bytes that were durable once and are broken now, for corrupt/. */
typedef void journal_damage_fn(void *arg, struct str bytes, const char *what);

/*
 * Reads and verifies the ring below folder "journal" of the disk and syncs
 * what it found: what is believed from here on is on the disk.  FAIL_TEMP
 * with why: the disk does not read or sync; nothing was changed.
 */
int	journal_open(struct journal **j_out, const struct disk *d,
	    struct journal_limits limits, struct why *why) MUST_CHECK;
void	journal_close(struct journal *j);
/* Once, after journal_open. */
int	journal_replay(struct journal *j, journal_record_fn *fn,
	    journal_damage_fn *damage, void *arg, struct why *why) MUST_CHECK;

/*
 * Room for a record of n bytes in the batch that gathers; the caller fills
 * it before the next call on j.  place_out may be NULL.
 * FAIL_TEMP: flush first, then ask again.  FAIL_GONE: the ring is full, or
 * its disk is.  FAIL_TOO_BIG: never fits.  FAIL_PERM: the ring is dead.
 */
int	journal_record(struct journal *j, enum journal_type type,
	    enum journal_class class, size_t n, uint8_t **p_out,
	    struct journal_place *place_out) MUST_CHECK;
/* Takes back the record asked for last (its content could not be read). */
void	journal_unrecord(struct journal *j);
size_t	journal_gathered(const struct journal *j);	/* records waiting */

/*
 * One write, one flush.  0: all records of the batch are durable.
 * FAIL_GONE: no space on the file system; nothing was written, try later.
 * FAIL_TEMP: refused, and the refusal is durable (R5): after a kill or cut
 * none of these records is seen again.  FAIL_PERM: refused, and the ring is
 * dead until the next start: stop accepting and sending.  errno says of the
 * last two what the disk said first.
 */
int	journal_flush(struct journal *j) MUST_CHECK;

/* The segment of that use stays until as many releases came.  A use that is
 * gone already is ignored. */
void	journal_hold(struct journal *j, uint64_t use);
void	journal_release(struct journal *j, uint64_t use);

/* The bytes of a record again, verified.  FAIL_GONE: reused, FAIL_TEMP:
 * cannot be read or is broken. */
int	journal_read(struct journal *j, const struct journal_place *place,
	    uint8_t *to) MUST_CHECK;

bool	journal_dead(const struct journal *j);
/* Segments that could be begun now; below `reserve` no mail is taken. */
unsigned journal_free(const struct journal *j);
unsigned journal_reserve(const struct journal *j);
/* Oldest use that something holds, 0 if none: what to spill to make room. */
uint64_t journal_oldest_held(const struct journal *j);

/*
 * Deliberately broken builds (VEREDUS_FAULTS): the letter of a rule in this
 * set is not kept.  The model test proves that it notices each.
 */
#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
extern const char *journal_broken;
bool	journal_is_broken(char rule);
#define RULE(letter)	(!journal_is_broken(letter))
#else
#define RULE(letter)	true
#endif

#endif
