/* SPDX-License-Identifier: ISC */
/*
 * mail/shape.h - ENVELOPE, BODY and BODYSTRUCTURE as IMAP says them (RFC
 * 3501 7.4.2), from a walked message.
 *
 * Every string is NIL or a quoted string of printable ASCII: what is not (8-bit
 * octets, control characters, NUL) is written as encoded words (RFC 2047), so
 * that no text of ours needs a literal.  Lists of addresses are cut at
 * SHAPE_ADDRESSES_MAX.  A text that does not fit leaves buf_failed(out).
 */
#ifndef MAIL_SHAPE_H
#define MAIL_SHAPE_H

#include "mail/mime.h"

#define SHAPE_ADDRESSES_MAX	1000	/* of one field */
#define SHAPE_TEXT_MAX		4096	/* octets of one string, then cut */

void	shape_envelope(struct buf *out, const struct mime_message *message);
/* extended: BODYSTRUCTURE; else BODY. */
void	shape_body(struct buf *out, const struct mime *m, bool extended);
/* One string as above; p == NULL gives NIL. */
void	shape_string(struct buf *out, struct str s);

#endif
