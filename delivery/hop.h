/* SPDX-License-Identifier: ISC */
/*
 * delivery/hop.h - how a next hop is reached, as settings and qmgr say.
 */
#ifndef DELIVERY_HOP_H
#define DELIVERY_HOP_H

#include "event/tls.h"
#include "smtp/client.h"

/* How a next hop is reached. */
struct hop {
	struct str	host;		/* to be looked up by MX, or as it is */
	bool		by_mx, is_lmtp, is_wrapped;
	uint16_t	port;
	enum smtp_tls	tls;
	struct tls_client *trust;	/* borrowed */
	struct str	user, secret;
};

/* false: nonsense.  Strings of text and of the settings. */
bool	hop_find(struct str nexthop, uint32_t transport, struct hop *out);
void	hop_reload(void);
void	hop_free(void);		/* for tests */

#endif
