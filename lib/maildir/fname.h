/* SPDX-License-Identifier: ISC */
/*
 * maildir/fname.h - names of files in a Maildir.
 *
 *	BASE		in new/
 *	BASE:2,LETTERS	in cur/
 *
 * LETTERS are kept as a set of bits: D F R S T are flags of ours, every
 * other letter or digit (P; a-z, which Dovecot uses for keywords) is kept as
 * it was.  Our own bases are
 *	SECONDS.VmidNnumber[Rredelivery].veredus,S=octets,W=wire octets
 * for deliveries, where the seconds are those in the message id, and
 *	SECONDS.R16hex.veredus,S=...,W=... for copies.
 */
#ifndef MAILDIR_FNAME_H
#define MAILDIR_FNAME_H

#include "base/rand.h"
#include "base/str.h"

#define FNAME_MAX	255	/* of a file's name, NAME_MAX */
#define FNAME_BUF	(FNAME_MAX + 1)

/* The bit of a letter; 0 for what is none. */
uint64_t fname_letter(char c);
/* enum index_flags of letters, and back; other letters are no flags. */
uint16_t fname_flags(uint64_t letters);
uint64_t fname_letters(uint16_t flags);
/* All five letters that are flags of ours. */
uint64_t fname_own(void);

/* name -> base and letters.  false: hidden (begins with a dot) or longer
 * than FNAME_MAX.  canonical_out: fname_make gives the same name again. */
bool	fname_parse(const char *name, struct str *base_out,
	    uint64_t *letters_out, bool *canonical_out);
/* false: does not fit. */
bool	fname_make(struct str base, uint64_t letters, bool in_new,
	    char out[FNAME_BUF]) MUST_CHECK;

void	fname_base_delivery(const uint8_t mid[16], uint32_t number,
	    uint32_t redelivery, uint64_t size, uint64_t wire,
	    char out[FNAME_BUF]);
void	fname_base_copy(int64_t now_s, uint64_t unique, uint64_t size,
	    uint64_t wire, char out[FNAME_BUF]);

/* ",S=" and ",W=" of a base; false: absent or no number. */
bool	fname_size(struct str base, char which, uint64_t *out);
/* Seconds at the front, 0 when there is no plausible time. */
int64_t	fname_time(struct str base);

#endif
