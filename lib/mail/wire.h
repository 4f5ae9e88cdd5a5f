/* SPDX-License-Identifier: ISC */
/*
 * mail/wire.h - line ends between disk and wire.
 *
 * On disk a line ends with LF, on the wire with CRLF.  An LF on disk that
 * follows a CR is a CRLF already; so CRLF behind a CR is kept as it is when
 * written to disk, and all bytes of the wire survive, but bare LF, which
 * becomes CRLF.  Every filter can be given as stream_filter_fn and works on
 * chunks of any size; its state is zeroed before use.
 */
#ifndef MAIL_WIRE_H
#define MAIL_WIRE_H

#include "base/buf.h"

struct wire {
	uint8_t	last;		/* octet before the next one; 0 at the start */
	bool	held_cr;	/* wire_to_disk: a CR waits for what follows */
	bool	begun;
};

/* LF -> CRLF. */
void	wire_from_disk(void *wire, struct str in, bool last, struct buf *out);
/* The same with dots stuffed (RFC 1939 3, RFC 5321 4.5.2) and CRLF put behind
 * an unfinished last line; the "." line that ends it is the caller's. */
void	wire_from_disk_dots(void *wire, struct str in, bool last,
	    struct buf *out);
/* CRLF -> LF. */
void	wire_to_disk(void *wire, struct str in, bool last, struct buf *out);
/* NUL -> 0x80 on top of wire_from_disk: IMAP cannot say NUL (RFC 3501 4.3). */
void	wire_from_disk_imap(void *wire, struct str in, bool last,
	    struct buf *out);

/* Octets on the wire of octets on disk; pass the same state on. */
uint64_t wire_size(struct wire *w, struct str disk);

#endif
