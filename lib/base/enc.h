/* SPDX-License-Identifier: ISC */
/*
 * base/enc.h - base64, hexadecimal, quoted-printable, xtext, JSON.
 */
#ifndef BASE_ENC_H
#define BASE_ENC_H

#include "base/buf.h"

void	enc_base64(struct buf *out, struct str in);	/* no line breaks */
/* Strict RFC 4648: padding required, no foreign bytes, no set stray bits.
 * FAIL_SYNTAX; out may then hold a part. */
int	dec_base64(struct buf *out, struct str in) MUST_CHECK;
/* As MIME bodies need it: foreign bytes are skipped, ends at padding. */
void	dec_base64_mime(struct buf *out, struct str in);
void	enc_hex(struct buf *out, struct str in);	/* lower case */
int	dec_hex(struct buf *out, struct str in) MUST_CHECK;
void	dec_qp(struct buf *out, struct str in);		/* RFC 2045 6.7, lenient */
void	dec_qp_word(struct buf *out, struct str in);	/* RFC 2047 4.2 "Q" */
int	dec_xtext(struct buf *out, struct str in) MUST_CHECK;	/* RFC 3461 4 */
void	enc_xtext(struct buf *out, struct str in);
/* A string of RFC 8259 with its quotes.  A byte that is no UTF-8 becomes the
 * four characters \xHH: a receiver's words in GBK are still its words. */
void	enc_json(struct buf *out, struct str in);

#endif
