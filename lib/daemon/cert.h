/* SPDX-License-Identifier: ISC */
/*
 * daemon/cert.h - the certificates of a face, from the descriptor "tls-certs"
 * that master dealt; their keys are keyd's.
 */
#ifndef DAEMON_CERT_H
#define DAEMON_CERT_H

#include "event/tls.h"

/*
 * Reads them (at start and again at reload) for a protocol's ALPN name.  What
 * is bad leaves *tls as it is and is logged; none at all makes it NULL: TLS is
 * not offered.
 */
void	cert_load(const char *alpn, struct tls_server **tls);

/* New ticket keys were dealt (daemon_ops.on_key).  tls may be NULL. */
void	cert_tickets(struct tls_server *tls);

#endif
