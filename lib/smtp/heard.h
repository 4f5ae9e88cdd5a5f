/* SPDX-License-Identifier: ISC */
/*
 * smtp/heard.h - replies of a server as a client hears them (RFC 5321 4.2),
 * and what a server offers behind EHLO.
 *
 * A server is a stranger: what it may cost is bounded whatever it sends, and
 * its words are kept as they came, for people to read.
 */
#ifndef SMTP_HEARD_H
#define SMTP_HEARD_H

#include "base/buf.h"
#include "base/fail.h"

enum {
	SMTP_HEARD_LINE_MAX = 4096,	/* RFC 5321 4.5.3.1.5 asks for 512 */
	SMTP_HEARD_LINES_MAX = 512,
	SMTP_HEARD_MAX = 64 * 1024,	/* octets of one reply */
	SMTP_HEARD_KEPT = 4000,		/* octets of it that are kept */
};

/* text: behind the code, without line end; index: 0 is the first line. */
typedef void smtp_heard_fn(void *arg, unsigned index, struct str text);

struct smtp_heard {
	/* Set by the caller, may be NULL: sees each line. */
	smtp_heard_fn	*on_line;
	void		*arg;

	unsigned	code;		/* of the reply; 0 until its first line */
	unsigned	lines;
	size_t		octets;
	struct buf	text;		/* its lines with their codes, LF between
					 * them, any octets; cut at KEPT */
	bool		is_over;	/* the next feed begins a new one */
};

void	smtp_heard_init(struct smtp_heard *h);
void	smtp_heard_free(struct smtp_heard *h);
/*
 * Whole lines of `in`, up to the end of one reply; *used_out octets were
 * taken.  0: the reply is complete, 1: more is needed; FAIL_SYNTAX: this is
 * no reply (its text is kept), FAIL_TOO_BIG: it does not end.
 */
int	smtp_heard_feed(struct smtp_heard *h, struct str in, size_t *used_out)
	    MUST_CHECK;
/* The enhanced status code of the first line, if its class agrees with the
 * code; else empty. */
struct str smtp_heard_status(const struct smtp_heard *h);

/* --- what is offered ----------------------------------------------------- */

enum {
	SMTP_CAN_PIPELINING = 1, SMTP_CAN_SIZE = 2, SMTP_CAN_8BITMIME = 4,
	SMTP_CAN_STATUS = 8, SMTP_CAN_STARTTLS = 16, SMTP_CAN_PLAIN = 32,
	SMTP_CAN_LOGIN = 64, SMTP_CAN_DSN = 128,
};

struct smtp_caps {
	unsigned	can;		/* SMTP_CAN_* */
	uint64_t	size_max;	/* 0: no limit was said */
	uint32_t	rcpt_max;	/* RFC 9422; 0: not said */
	uint32_t	mail_max;
};

/* One line behind EHLO, without its code; not the first, which is a name. */
void	smtp_caps_line(struct smtp_caps *c, struct str text);

#endif
