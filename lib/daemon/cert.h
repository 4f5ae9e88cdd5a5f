/* SPDX-License-Identifier: ISC */
/*
 * daemon/cert.h - the certificate of a face, from the descriptors "tls-cert"
 * and "tls-key" that master dealt.
 */
#ifndef DAEMON_CERT_H
#define DAEMON_CERT_H

#include "event/tls.h"

/*
 * Reads them (at start and again at reload) for a protocol's ALPN name.  A
 * certificate that is missing or bad leaves *tls as it is and is logged.
 * *tls is NULL while there has been none: TLS is not offered.
 */
void	cert_load(const char *alpn, struct tls_server **tls);

/* New ticket keys were dealt (daemon_ops.on_key).  tls may be NULL. */
void	cert_tickets(struct tls_server *tls);

#endif
