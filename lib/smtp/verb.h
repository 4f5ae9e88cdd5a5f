/* SPDX-License-Identifier: ISC */
/*
 * smtp/verb.h - command lines of a client (RFC 5321 4.1.1), strictly.
 *
 * A line is cut at CRLF by the caller and holds no line end.  What is wrong
 * comes back as the reply to give.
 */
#ifndef SMTP_VERB_H
#define SMTP_VERB_H

#include "mail/addr.h"
#include "smtp/reply.h"

#define SMTP_LINE_MAX	2048	/* of a command with its parameters; RFC 5321
				 * 4.5.3.1.4 asks 512 and more for extensions */
#define SMTP_AUTH_LINE_MAX 12288	/* RFC 4954 4 */
#define SMTP_PARAMS_MAX	16

/* NULL: the octets are fine (32-126); else the reply. */
const struct smtp_reply *smtp_line_check(struct str line);

/* Verb and the rest, blanks between and behind them taken off. */
void	smtp_line_split(struct str line, struct str *verb_out,
	    struct str *args_out);

struct smtp_mail {
	struct addr_path sender;
	uint64_t	size;		/* SIZE=, else 0 */
	bool		is_8bit;	/* BODY=8BITMIME */
};

struct smtp_rcpt {
	struct addr_path recipient;
};

/* Which extensions the service has told the client of: parameters of others
 * are 555 (RFC 5321 4.1.1.11). */
enum { SMTP_PARAM_SIZE = 1, SMTP_PARAM_8BITMIME = 2, SMTP_PARAM_AUTH = 4 };

/* args: "FROM:<...> ..." / "TO:<...> ...".  Strings live in the arena.
 * NULL: *out is filled; else the reply to give.  bare_ok: <joe> without
 * domain may pass (our own people). */
const struct smtp_reply *smtp_parse_mail(struct str args, unsigned offered,
	    bool bare_ok, struct arena *a, struct smtp_mail *out);
const struct smtp_reply *smtp_parse_rcpt(struct str args, bool bare_ok,
	    struct arena *a, struct smtp_rcpt *out);

/* The name behind EHLO and HELO: a domain or an address literal; some octets
 * that many clients send by mistake (underscores, a bare address) are fine,
 * for nothing is decided by it.  NULL or the reply. */
const struct smtp_reply *smtp_parse_hello(struct str args,
	    struct str *name_out);

#endif
