/* SPDX-License-Identifier: ISC */
/*
 * mail/msgid.h - Message-IDs (RFC 5322 3.6.4).
 */
#ifndef MAIL_MSGID_H
#define MAIL_MSGID_H

#include "base/buf.h"

/* "<MID@HOST>": mid is unique already (base/rand.h). */
void	msgid_make(struct buf *out, struct str mid, struct str host);
/* The next "<...>" of a Message-ID, In-Reply-To or References value, brackets
 * taken off, moving *s on; false at the end. */
bool	msgid_next(struct str *s, struct str *id_out);

#endif
