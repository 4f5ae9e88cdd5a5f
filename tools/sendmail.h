/* SPDX-License-Identifier: ISC */
/*
 * tools/sendmail.h - the parts of sendmail(8): what a program on this host
 * hands in becomes a mail, which goes to run/submit by SMTP, or waits in
 * spool/maildrop while nobody listens there.
 */
#ifndef TOOLS_SENDMAIL_H
#define TOOLS_SENDMAIL_H

#include <stdio.h>

#include "tools/cli.h"

#define MAIL_RECIPIENTS_MAX	1000

/* One message to hand in.  Strings live in the arena of the struct cli. */
struct mail {
	struct str	sender;		/* empty: the null sender */
	struct str	to[MAIL_RECIPIENTS_MAX];
	size_t		n_to;
	struct buf	content;	/* CRLF line ends, not dot-stuffed */
	bool		is_8bit;
};

/* --- compose.c ----------------------------------------------------------- */

struct compose {
	struct str	sender_address;	/* for a From: field that is missing */
	struct str	full_name;	/* -F; may be empty */
	bool		from_header;	/* -t: To, Cc and Bcc name recipients */
	bool		ignore_dots;	/* -i: "." alone ends nothing */
};

/* Reads a message with LF or CRLF line ends.  An exit code. */
int	compose_mail(struct cli *c, FILE *in, const struct compose *how,
	    struct mail *m);
/* FAIL_TOO_BIG when there are too many already, FAIL_SYNTAX when it is not
 * clean.  One that is there already is not added again. */
int	mail_add_recipient(struct mail *m, struct str address) MUST_CHECK;

/* Without control bytes and angle brackets. */
bool	address_is_clean(struct str address);

/* --- submit.c ------------------------------------------------------------ */

enum submit_result {
	SUBMIT_DONE,	/* taken for at least one recipient */
	SUBMIT_LATER,	/* nobody is there, or 4xx */
	SUBMIT_REFUSED,	/* 5xx for the message, or for all recipients */
};

/*
 * Hands m in.  said gets a line for each reply that refused something.  On
 * SUBMIT_DONE and SUBMIT_LATER m->to keeps only the recipients that should
 * be tried again.
 */
enum submit_result submit_mail(struct cli *c, struct mail *m,
	    struct buf *said);
/* A connected socket, or -1 with errno. */
int	submit_connect(struct cli *c);
/* -bs: SMTP between standard input and run/submit.  An exit code. */
int	submit_proxy(struct cli *c);

/* --- drop.c -------------------------------------------------------------- */

/* Leaves m in spool/maildrop, durably.  An exit code. */
int	drop_mail(struct cli *c, const struct mail *m);
/* Asks the suite to look there now, and waits until it has.  An exit code. */
int	drop_flush(struct cli *c);
/* How many messages wait there; -1: cannot tell. */
int	drop_count(struct cli *c);

#endif
