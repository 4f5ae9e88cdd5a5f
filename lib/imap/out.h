/* SPDX-License-Identifier: ISC */
/*
 * imap/out.h - strings as answers carry them.
 *
 * Quoted when the octets allow it, else a literal; an octet above 127 is
 * never quoted and a NUL is never sent (it goes out as 0x80, so that sizes
 * stay right).  The empty string is always "": a client's parser was seen to
 * wait for ever on {0}.
 */
#ifndef IMAP_OUT_H
#define IMAP_OUT_H

#include "base/buf.h"
#include "base/str.h"

void	imap_put_string(struct buf *out, struct str s);
void	imap_put_astring(struct buf *out, struct str s);	/* atom if it can be */
void	imap_put_nstring(struct buf *out, struct str s);	/* p == NULL: NIL */
/* octets of a literal; NUL becomes 0x80 */
void	imap_put_octets(struct buf *out, struct str s);
/* "{n}" and line end, for content the room sends itself */
void	imap_put_literal(struct buf *out, uint64_t n);

#endif
