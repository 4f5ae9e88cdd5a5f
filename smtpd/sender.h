/* SPDX-License-Identifier: ISC */
/*
 * smtpd/sender.h - may the client send for who it says it is?  SPF of MAIL
 * FROM and of HELO, side by side, with records by daemon/dns.h; for checkd.
 *
 *	s = sender_new(peer, helo, sender, wait_ms, then, arg)
 *	... then(arg)			from the loop, once
 *	sender_put(s, &authres); sender_spf(s)
 *	sender_free(s)			at any time
 */
#ifndef SMTPD_SENDER_H
#define SMTPD_SENDER_H

#include "mail/authres.h"
#include "spf/spf.h"

struct sender;
typedef void sender_then_fn(void *arg);

/* Ends within wait_ms: what the DNS has not said by then is temperror.  A
 * peer that is no address has no verdict: none. */
struct sender *sender_new(struct str peer, struct str helo, struct str sender,
	    int64_t wait_ms, sender_then_fn *then, void *arg);
void	sender_free(struct sender *s);	/* NULL is harmless */

/* Of MAIL FROM, or of HELO where that is null (RFC 7208 2.4); valid after
 * then. */
const struct spf *sender_spf(const struct sender *s);
/* spf=..., a second one for HELO if it has a record of its own. */
void	sender_put(const struct sender *s, struct authres *out);

#endif
