/* SPDX-License-Identifier: ISC */
/*
 * smtp/ext.h - what we offer behind EHLO (RFC 5321 4.1.1.1).
 *
 * Only what the whole way of a message honours may stand here.
 */
#ifndef SMTP_EXT_H
#define SMTP_EXT_H

#include "base/buf.h"

struct smtp_offer {
	struct str	hostname;
	uint64_t	size_limit;
	bool		starttls;	/* possible and not yet done */
	bool		auth;		/* possible and not yet done */
};

void	smtp_ehlo_put(struct buf *out, const struct smtp_offer *o);

#endif
