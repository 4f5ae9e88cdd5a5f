/* SPDX-License-Identifier: ISC */
/*
 * smtpd/author.h - may the author of a message be believed?  DKIM and DMARC
 * of one message, for checkd, with keys and records by daemon/dns.h.
 *
 *	a = author_new(fd, size, then, arg)
 *	author_spf(a, domain)		once, whenever SPF is through
 *	... then(arg)			from the loop, once
 *	author_put(a, &authres); author_verdict(a)
 *	author_free(a)			at any time
 */
#ifndef SMTPD_AUTHOR_H
#define SMTPD_AUTHOR_H

#include "base/buf.h"
#include "mail/authres.h"
#include "mail/dmarc.h"
#include "spf/spf.h"

struct author;
typedef void author_then_fn(void *arg);

struct author_verdict {
	enum dmarc_result result;
	enum dmarc_policy policy;	/* what the domain asks for */
	struct str	domain;		/* of From, the one that decided */
	const char	*reason;	/* may be NULL */
	size_t		from_fields;	/* 1 in good mail */
};

/* Once, before the cage: libraries, and the list of public suffixes. */
void	author_init(void);

/* fd has the content, CRLF; it is borrowed and read from offset. */
struct author *author_new(int fd, uint64_t offset, uint64_t size,
	    author_then_fn *then, void *arg);
void	author_free(struct author *a);	/* NULL is harmless */

/* What SPF says of the domain of MAIL FROM, or of HELO.  DMARC begins when
 * this is known and the signatures are judged. */
void	author_spf(struct author *a, enum spf_result result,
	    struct str domain);

/* dkim=... and dmarc=...; valid after then. */
void	author_put(const struct author *a, struct authres *out);
const struct author_verdict *author_verdict(const struct author *a);

#endif
