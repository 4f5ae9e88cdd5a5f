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

/* A certificate with its chain in PEM, and the server name (SNI) it is for;
 * the same name twice: one of each kind of key, chosen by what the client
 * knows.  A name nobody has is looked for in the certificates themselves;
 * else, and without SNI, it is the first. */
struct tls_cert {
	struct str	name;
	struct str	pem;
};

/*
 * Who has the private keys.  `ask' is called in a handshake; the answer comes
 * by tls_signed, at once or later.  key: SHA-256 of the public key; scheme: a
 * SignatureScheme of TLS 1.3.  `forget': no answer is wanted any more.
 */
struct tls_signer {
	void	(*ask)(struct tls *t, struct str key, uint32_t scheme,
		    struct str tbs);
	void	(*forget)(struct tls *t);
};
/* Empty: there is none, the handshake fails. */
void	tls_signed(struct tls *t, struct str signature);
/* The signer does not answer: handshakes that wait for their turn to ask
 * it fail now. */
void	tls_signer_is_late(void);

/* alpn: "smtp", "pop3" or "imap".  0, or FAIL_PERM with why.  The texts are
 * not kept. */
int	tls_server_new(const struct tls_cert *certs, size_t n,
	    const struct tls_signer *signer, const char *alpn,
	    struct tls_server **out, struct why *why) MUST_CHECK;
void	tls_server_ref(struct tls_server *s);
void	tls_server_unref(struct tls_server *s);

#define TLS_TICKET_KEY	80	/* name, AES-256 key, HMAC key */
#define TLS_TICKET_KEYS	3

/* Session ticket keys dealt by master, newest first; tickets of older keys
 * are still read.  None: no tickets. */
void	tls_server_tickets(struct tls_server *s, const struct str *key,
	    size_t n);

/* TLS_WANT_KEY: the signer has not answered yet (only in a handshake). */
enum tls_io { TLS_OK, TLS_WANT_READ, TLS_WANT_WRITE, TLS_WANT_KEY, TLS_EOF,
    TLS_FAILED };

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
/* Called when a handshake that said TLS_WANT_KEY can go on. */
void	tls_on_key(struct tls *t, void (*fn)(void *), void *arg);
enum tls_io tls_read(struct tls *t, void *p, size_t n, size_t *got_out);
enum tls_io tls_write(struct tls *t, const void *p, size_t n, size_t *put_out);
void	tls_shutdown(struct tls *t);	/* sends close_notify, best effort */
void	tls_free(struct tls *t);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", valid while t lives. */
const char *tls_describe(struct tls *t);
const char *tls_why(struct tls *t);	/* reason of the last TLS_FAILED */

#endif
