/* SPDX-License-Identifier: ISC */
/*
 * mail/recode.h - parts of a message that may not travel as they are become
 * quoted-printable or base64 (RFC 2045 6), before anybody signs it.
 *
 * Three passes over the same octets, in chunks of any size:
 *
 *	mime_begin, mime_feed ..., mime_end		(mail/mime.h)
 *	recode_begin(&r, &mime, RECODE_LONG); recode_look(&r, chunk) ...
 *	if (recode_wanted(&r))
 *		recode_feed(&r, chunk, &out) ...; recode_end(&r, &out)
 *
 * Content has CRLF.  What is decoded from the new parts is what was in the
 * old ones.  Nothing else of the message changes: what lies in a
 * multipart/signed, and parts that are encoded already, never.
 */
#ifndef MAIL_RECODE_H
#define MAIL_RECODE_H

#include "mail/mime.h"

#define RECODE_LINE_MAX	998	/* RFC 5322 2.1.1, without CRLF */

enum recode_why {
	RECODE_LONG = 1,	/* a line of more than RECODE_LINE_MAX octets */
	RECODE_8BIT = 2,	/* octets above 127 */
};

enum recode_how { RECODE_KEEP, RECODE_QP, RECODE_BASE64 };

/* A leaf that may be encoded. */
struct recode_part {
	uint64_t	header_at, header_end, body_at, body_end;
	enum recode_how	how;
	bool		is_text, has_type, is_root;
	bool		has_long, has_8bit;
	uint64_t	escapes;	/* octets that quoted-printable escapes */
	uint64_t	line;		/* octets of the current line */
};

struct recode {
	unsigned	why;		/* enum recode_why */
	struct recode_part *part;	/* in the arena, in order */
	size_t		parts, at_part;
	uint64_t	at;		/* octets fed */
	bool		is_in_body;	/* of the part: its header is written */
	struct buf	header;		/* of the part that is written */
	/* of the body that is written */
	uint8_t		group[57];
	size_t		grouped;
	size_t		column;
	bool		has_cr;
	uint8_t		blank;		/* one that may end the line; 0: none */
};

/* FAIL_TOO_BIG: the arena is full, or the structure went past a limit: the
 * message stays as it is. */
int	recode_begin(struct recode *r, const struct mime *m, unsigned why)
	    MUST_CHECK;
void	recode_look(struct recode *r, struct str chunk);
/* All octets have been looked at: is there something to do?  The passes of
 * recode_feed begin. */
bool	recode_wanted(struct recode *r);
void	recode_feed(struct recode *r, struct str chunk, struct buf *out);
void	recode_end(struct recode *r, struct buf *out);
void	recode_free(struct recode *r);

#endif
