/* SPDX-License-Identifier: ISC */
/*
 * imapd/body.h - the file of one message: its sections, read in pieces.
 *
 * A file has LF line ends; all that leaves here has CRLF.  Sizes in octets
 * of the file are called disk, those as the client counts them wire.
 */
#ifndef IMAPD_BODY_H
#define IMAPD_BODY_H

#include "imap/items.h"
#include "imapd/box.h"
#include "mail/mime.h"
#include "mail/wire.h"

struct body {
	uint32_t	uid;
	int		fd;
	uint64_t	disk, wire;	/* of all of it; wire 0: not known yet */
	bool		has_header;	/* the next two are known */
	uint64_t	header_disk, header_wire;
	struct wire	wire_state;	/* while looking for the header's end */
	uint64_t	looked;
	uint32_t	last4;		/* the last octets looked at */
	struct arena	arena;		/* of mime */
	struct mime	mime;
	bool		is_walking, is_walked;
	uint64_t	fed;
	/* Where reading a long section can go on: iOS asks for slices. */
	struct {
		uint64_t	span_at;
		uint64_t	disk, wire;
		struct wire	state;
	} mark;
};

/* Takes the descriptor.  The record's sizes are believed when the file has
 * the size it says. */
struct body *body_new(int fd, uint64_t size, const struct index_record *r);
void	body_free(struct body *b);

/* One bounded step each.  1: done, 0: call again, FAIL_*: unreadable. */
int	body_find_header(struct body *b) MUST_CHECK;
int	body_walk(struct body *b) MUST_CHECK;
/* What an item needs before body_section can answer. */
bool	body_needs_walk(const struct body *b, const struct imap_item *it);

/* Where an item's text lies; false: there is no such part (NIL). */
bool	body_section(const struct body *b, const struct imap_item *it,
	    struct mime_span *out);

/* HEADER.FIELDS out of a header block, with the empty line. */
void	body_fields(struct buf *out, struct str header,
	    const struct imap_item *it);
/* A header block as it is on the wire; FAIL_TEMP, FAIL_TOO_BIG. */
int	body_read_header(const struct body *b, const struct mime_span *span,
	    struct buf *out) MUST_CHECK;

/* Sending [from, from + count) of a section's wire octets. */
struct emit {
	uint64_t	span_at;
	uint64_t	disk, disk_end;
	uint64_t	skip, left;	/* wire octets */
	uint64_t	said;		/* wire octets before disk */
	struct wire	state;
};
void	emit_begin(struct emit *e, const struct body *b,
	    const struct mime_span *span, uint64_t from, uint64_t count);
/* A piece; 1: all is out, 0: more, FAIL_TEMP: the file is not what it was. */
int	emit_step(struct emit *e, struct body *b, struct buf *out) MUST_CHECK;

#endif
