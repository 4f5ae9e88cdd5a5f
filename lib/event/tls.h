/* SPDX-License-Identifier: ISC */
/*
 * event/tls.h - TLS for streams.  The only file of the suite that calls
 * OpenSSL's SSL_* functions is tls.c.
 *
 * TLS 1.2 and 1.3; SSL_MODE_RELEASE_BUFFERS; no compression, no
 * renegotiation.  Server: with an ALPN list that lacks our protocol the
 * handshake fails with no_application_protocol (RFC 7301 3.2), no list is
 * served.
 */
#ifndef EVENT_TLS_H
#define EVENT_TLS_H

#include "base/fail.h"
#include "base/str.h"

struct tls_server;	/* certificate, key, options; shared by sessions */
struct tls_client;	/* whom we believe; shared by connections */
struct tls_session;	/* what a server gave us to resume by */
struct tls;		/* one connection */

/* PEM texts.  alpn: "smtp", "pop3" or "imap".  0, or FAIL_PERM with why
 * (which names the part that is wrong, never the key's content). */
int	tls_server_new(struct str cert_pem, struct str key_pem,
	    const char *alpn, struct tls_server **out, struct why *why)
	    MUST_CHECK;
void	tls_server_ref(struct tls_server *s);
void	tls_server_unref(struct tls_server *s);

#define TLS_TICKET_KEY	80	/* name, AES-256 key, HMAC key */
#define TLS_TICKET_KEYS	3

/* Session ticket keys dealt by master, newest first; tickets of older keys
 * are still read.  None: no tickets. */
void	tls_server_tickets(struct tls_server *s, const struct str *key,
	    size_t n);

/* For veredus check: does the key belong to the certificate, is it valid
 * now, for which names? */
int	tls_pair_check(struct str cert_pem, struct str key_pem,
	    int64_t *not_after_s_out, struct why *why) MUST_CHECK;

enum tls_io { TLS_OK, TLS_WANT_READ, TLS_WANT_WRITE, TLS_EOF, TLS_FAILED };

/*
 * The other side: we connect.  ca_pem empty: encrypted with whoever is there
 * (opportunistic, RFC 7435); else the certificate must come from one of these
 * and name the host.  0, or FAIL_PERM with why.
 */
int	tls_client_new(struct str ca_pem, struct tls_client **out,
	    struct why *why) MUST_CHECK;
void	tls_client_ref(struct tls_client *c);
void	tls_client_unref(struct tls_client *c);

/* The newest thing to resume by that the server gave, owned by the caller;
 * NULL: none yet.  With TLS 1.3 it comes behind the handshake. */
struct tls_session *tls_session_take(struct tls *t);
void	tls_session_free(struct tls_session *s);
bool	tls_resumed(const struct tls *t);

/* Used by stream.c only. */
/* name: for SNI and the check; session: borrowed, may be NULL. */
struct tls *tls_connect(struct tls_client *c, int fd, const char *name,
	    struct tls_session *session);
struct tls *tls_accept(struct tls_server *s, int fd);
enum tls_io tls_handshake(struct tls *t);
enum tls_io tls_read(struct tls *t, void *p, size_t n, size_t *got_out);
enum tls_io tls_write(struct tls *t, const void *p, size_t n, size_t *put_out);
void	tls_shutdown(struct tls *t);	/* sends close_notify, best effort */
void	tls_free(struct tls *t);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", valid while t lives. */
const char *tls_describe(struct tls *t);
const char *tls_why(struct tls *t);	/* reason of the last TLS_FAILED */

#endif
