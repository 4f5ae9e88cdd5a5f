/* SPDX-License-Identifier: ISC */
/*
 * imap/set.h - sets of message numbers or UIDs: "1:4,7,9:*".
 *
 * Numbers are 32 bits, never 0; anything beyond is a syntax error, not a
 * smaller number.  A set costs memory by what was written, never by what a
 * range spans.
 */
#ifndef IMAP_SET_H
#define IMAP_SET_H

#include "base/buf.h"
#include "imap/lex.h"

struct imap_range {
	uint32_t	first, last;	/* 0 stands for '*' until resolved */
};

struct imap_set {
	struct imap_range	*v;
	size_t			n;
};

/* Takes the set at the cursor (up to a byte that cannot be in one). */
bool	imap_set(struct imap_args *a, struct imap_set *out);
/* The whole text is a set. */
bool	imap_set_parse(struct str text, struct arena *arena,
	    struct imap_set *out);
/* Largest number in ranges without '*' (1:* is right in an empty mailbox);
 * 0: none. */
uint32_t imap_set_highest(const struct imap_set *s);
/* '*' becomes star (0: the mailbox is empty, such ranges vanish); ranges are
 * turned right way round, sorted and merged. */
void	imap_set_resolve(struct imap_set *s, uint32_t star);
/* Only of a resolved set. */
bool	imap_set_has(const struct imap_set *s, uint32_t number);
/* Index of the first range whose last >= number; s->n: none. */
size_t	imap_set_from(const struct imap_set *s, uint32_t number);

/* Writing one from numbers, runs shortened to first:last.  Any order. */
struct imap_set_out {
	struct buf	*out;
	uint32_t	first, last;	/* the open run; 0: none */
	size_t		begin;		/* of the text in out */
};
void	imap_set_begin(struct imap_set_out *o, struct buf *out);
void	imap_set_put(struct imap_set_out *o, uint32_t number);
void	imap_set_end(struct imap_set_out *o);

#endif
