/* SPDX-License-Identifier: ISC */
/*
 * smtp/head.h - the header of a message on its way in: what strangers may not
 * say is taken out, what we must know is noted.
 *
 * Fed with content (CRLF, dots unstuffed).  Taken out, with their
 * continuation lines: Return-Path; Delivered-To of our domains; results of
 * authentication in our name; Bcc on submission.  Nothing else is changed,
 * and nothing behind the header is looked at.
 */
#ifndef SMTP_HEAD_H
#define SMTP_HEAD_H

#include "base/buf.h"

/* Octets of one field that are looked at; a longer one is judged by them. */
#define SMTP_FIELD_MAX	(16 * 1024)

typedef bool smtp_is_ours_fn(void *arg, struct str domain);

struct smtp_head {
	/* Set by the caller. */
	struct str	hostname;	/* authserv-id of ours */
	smtp_is_ours_fn	*is_ours;	/* may be NULL: no domain is */
	void		*arg;
	bool		is_submission;

	/* Found. */
	bool		is_over;
	unsigned	hops;		/* Received */
	unsigned	froms;
	bool		has_date, has_message_id;
	bool		is_bulk;	/* Precedence or List-* says so */

	struct buf	field;		/* as far as it has come */
	enum { HEAD_GATHER, HEAD_PASS, HEAD_DROP } mode;
	bool		at_line_start, is_begun;
};

void	smtp_head_begin(struct smtp_head *h);	/* keeps what the caller set */
/* Octets used: all, or, when is_over, those before
 * the empty line. */
size_t	smtp_head_feed(struct smtp_head *h, struct str in, struct buf *out);
/* The data is over; a header without end is written out. */
void	smtp_head_end(struct smtp_head *h, struct buf *out);
void	smtp_head_free(struct smtp_head *h);

#endif
