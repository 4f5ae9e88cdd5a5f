/* SPDX-License-Identifier: ISC */
/*
 * smtpd/client.h - has the client a name that leads back to it?  The iprev
 * method of RFC 8601 3, for checkd, with names by daemon/dns.h.
 *
 *	c = client_new(peer, wait_ms, then, arg)
 *	... then(arg)			from the loop, once
 *	client_result(c); client_put(c, &authres)
 *	client_free(c)			at any time
 */
#ifndef SMTPD_CLIENT_H
#define SMTPD_CLIENT_H

#include "mail/authres.h"

/* NONE: it is no address.  FAIL: its names lead elsewhere.  PERMERROR: it has
 * none. */
enum client_result { CLIENT_NONE, CLIENT_PASS, CLIENT_FAIL, CLIENT_TEMPERROR,
    CLIENT_PERMERROR };

struct client;
typedef void client_then_fn(void *arg);

/* Ends within wait_ms: what the DNS has not said by then is temperror. */
struct client *client_new(struct str peer, int64_t wait_ms,
	    client_then_fn *then, void *arg);
void	client_free(struct client *c);	/* NULL is harmless */

enum client_result client_result(const struct client *c);
const char *client_result_name(enum client_result r);
/* iprev=...; nothing for CLIENT_NONE. */
void	client_put(const struct client *c, struct authres *out);

#endif
