/* SPDX-License-Identifier: ISC */
/*
 * imap/find.h - comparing texts as SEARCH does: substrings, upper and lower
 * case alike.
 */
#ifndef IMAP_FIND_H
#define IMAP_FIND_H

#include "base/buf.h"
#include "base/str.h"

/* Text into the form that is compared: lower case (ASCII, Latin, Greek,
 * Cyrillic), runs of blanks and line ends one blank.  Octets that are no
 * UTF-8 stay as they are. */
void	imap_fold(struct buf *out, struct str text);

/*
 * Text of a charset into UTF-8: us-ascii, utf-8, iso-8859-1, iso-8859-15 and
 * windows-1252 exactly, others as octets (so that ASCII words are found).
 */
void	imap_to_utf8(struct buf *out, struct str text, struct str charset);

/* A header's value with its RFC 2047 words decoded, unfolded, as UTF-8. */
void	imap_header_text(struct buf *out, struct str value);

#endif
