/* SPDX-License-Identifier: ISC */
/*
 * mail/dsn.h - delivery status notifications (RFC 3464 in RFC 6522), CRLF
 * ended, for bounce to write.
 *
 *	dsn_put_head	header fields, and the text for people
 *	dsn_put_person	once a recipient: what happened, in words
 *	dsn_put_report	begins message/delivery-status
 *	dsn_put_recipient	once a recipient
 *	dsn_put_message	begins the returned message or its header; the caller
 *			adds the bytes
 *	dsn_put_tail	the closing boundary
 */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include "base/buf.h"
#include "mail/provider.h"

struct dsn {
	struct str	host;		/* our hostname: Reporting-MTA */
	struct str	mid;		/* of this DSN: Message-ID and boundary */
	struct str	to;		/* the sender of the message */
	struct str	envid;		/* of the message, or empty (xtext removed) */
	struct str	message_id;	/* of the message, with brackets, or empty */
	bool		is_delay;	/* not yet delivered, still trying */
	bool		whole;		/* the message goes back whole, not its header */
	bool		is_8bit;	/* what goes back has octets above 127 */
	int64_t		now_s, arrived_s, expires_s;
	int		zone;
};

struct dsn_recipient {
	struct str	address;	/* where it went */
	struct str	orcpt;		/* "rfc822;joe@example.org" or empty */
	struct str	status;		/* "5.1.1" */
	struct str	reason;		/* words of ours */
	struct str	reply;		/* a server's, verbatim, lines by LF; or empty */
	struct str	remote;		/* host that said it, or empty */
	enum verdict	verdict;	/* 0: none */
	unsigned	attempts;
};

void	dsn_put_head(struct buf *out, const struct dsn *d);
void	dsn_put_person(struct buf *out, const struct dsn *d,
	    const struct dsn_recipient *r);
void	dsn_put_report(struct buf *out, const struct dsn *d);
void	dsn_put_recipient(struct buf *out, const struct dsn *d,
	    const struct dsn_recipient *r);
void	dsn_put_message(struct buf *out, const struct dsn *d);
void	dsn_put_tail(struct buf *out, const struct dsn *d);

#endif
