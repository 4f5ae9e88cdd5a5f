/* SPDX-License-Identifier: ISC */
/*
 * imap/name.h - mailbox names: modified UTF-7 (RFC 3501 5.1.3) outside,
 * UTF-8 with '/' inside, and the patterns of LIST.
 */
#ifndef IMAP_NAME_H
#define IMAP_NAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

/* Longest name, as UTF-8; equals MAILBOX_MAX of the catalogue. */
#define IMAP_NAME_MAX	1000

/*
 * Strict: what is encoded must need it, surrogates come in pairs, no stray
 * bits.  Octets above 127 are taken when they are UTF-8 (RFC 9051).
 * FAIL_SYNTAX; FAIL_TOO_BIG beyond IMAP_NAME_MAX or the arena.
 */
int	imap_name_decode(struct str name, struct arena *arena,
	    struct str *out) MUST_CHECK;
void	imap_name_encode(struct buf *out, struct str utf8);

/* May a mailbox be called so?  No empty level, no "." or "..", no control
 * octet, no '~' in front, no wildcard. */
bool	imap_name_valid(struct str utf8);
/* "inbox" in any case, alone or as first level, becomes INBOX. */
struct str imap_name_canon(struct arena *arena, struct str utf8);

/* A pattern of LIST and LSUB.  '*' matches all, '%' all but '/'. */
struct imap_pattern {
	struct str	text;	/* UTF-8, runs of wildcards made one */
	uint8_t		*row;	/* one state a byte of text, and one */
};
int	imap_pattern_init(struct imap_pattern *p, struct arena *arena,
	    struct str utf8) MUST_CHECK;
/* Time: pattern times name, at worst. */
bool	imap_pattern_match(const struct imap_pattern *p, struct str name);

#endif
