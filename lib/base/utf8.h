/* SPDX-License-Identifier: ISC */
/*
 * base/utf8.h - strict UTF-8 (RFC 3629: no surrogates, no overlong forms).
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

bool	utf8_valid(struct str s);
/* Next code point, moving *s on; false at the end or at a broken sequence. */
bool	utf8_next(struct str *s, uint32_t *cp_out);
void	utf8_put(struct buf *b, uint32_t cp);

#endif
