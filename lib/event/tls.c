/* SPDX-License-Identifier: ISC */
/*
 * event/tls.c - TLS for streams, both sides, by OpenSSL 3.  The only file
 * of the suite that calls SSL_*.
 *
 * What comes in: PEM texts that master read, a connected socket.  What goes
 * out: plain bytes, and a word that says what to wait for.  It never opens a
 * file, reads no openssl.cnf and asks no resolver: it works in an empty root
 * under a seccomp list.
 *
 * RFC 8446 (TLS 1.3), RFC 5246 (1.2), RFC 7301 (ALPN), RFC 5077 (tickets).
 */
#include "event/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/rand.h"

#include "base/banned.h"

#define TICKET_NAME	16	/* RFC 5077 4: key_name */

struct ticket_key {
	uint8_t	name[TICKET_NAME];
	uint8_t	aes[32], mac[32];
};
_Static_assert(sizeof(struct ticket_key) == TLS_TICKET_KEY, "as dealt");

struct tls_server {
	SSL_CTX		*ctx;
	unsigned	refs;
	char		alpn[16];
	struct ticket_key ticket[TLS_TICKET_KEYS];	/* newest first */
	size_t		tickets;
};

struct tls_client {
	SSL_CTX		*ctx;
	unsigned	refs;
	bool		checks;		/* the certificate, or takes any */
};

struct tls {
	SSL		*ssl;
	struct tls_server *server;	/* one of these */
	struct tls_client *client;
	SSL_SESSION	*session;	/* client: the newest to resume by */
	bool		is_shut;
	char		why[160];
	char		text[80];
};

/* --- reasons ------------------------------------------------------------- */

static void
reason(char *out, size_t n)
{
	unsigned long e = ERR_peek_last_error();

	if (e == 0)
		(void)snprintf(out, n, "%s", errno != 0 ? strerror(errno) :
		    "connection ended");
	else if (ERR_reason_error_string(e) != NULL)
		(void)snprintf(out, n, "%s", ERR_reason_error_string(e));
	else
		(void)snprintf(out, n, "error %lx", e);
	ERR_clear_error();
}

static int
fail(struct why *why, const char *what)
{
	char text[120];

	reason(text, sizeof(text));
	return why_set(why, FAIL_PERM, "%s: %s", what, text);
}

/* --- certificate and key ------------------------------------------------- */

/* Without it OpenSSL asks a terminal for the passphrase of a locked key. */
static int
no_passphrase(char *buf, int size, int for_writing, void *arg)
{
	(void)buf, (void)size, (void)for_writing, (void)arg;
	return -1;
}

static X509 *
read_cert(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

static int
use_chain(SSL_CTX *ctx, struct str pem, struct why *why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert = bio != NULL ? read_cert(bio) : NULL;
	int rc = 0;

	if (cert == NULL)
		rc = fail(why, "certificate");
	else if (SSL_CTX_use_certificate(ctx, cert) != 1)
		rc = fail(why, "certificate");
	X509_free(cert);
	while (rc == 0 && (cert = read_cert(bio)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
			X509_free(cert);
			rc = fail(why, "certificate chain");
		}
	ERR_clear_error();	/* the end of the text is no error */
	BIO_free(bio);
	return rc;
}

static EVP_PKEY *
read_key(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio == NULL ? NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return key;
}

static int
use_key(SSL_CTX *ctx, struct str pem, struct why *why)
{
	EVP_PKEY *key = read_key(pem);
	int rc = 0;

	if (key == NULL)
		return fail(why, "private key");
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		rc = fail(why, "private key does not fit the certificate");
	EVP_PKEY_free(key);
	return rc;
}

int
tls_pair_check(struct str cert_pem, struct str key_pem,
    int64_t *not_after_s_out, struct why *why)
{
	BIO *bio = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n);
	X509 *cert = bio != NULL ? read_cert(bio) : NULL;
	EVP_PKEY *key = read_key(key_pem);
	time_t now = time(NULL);
	struct tm tm;
	int rc = 0;

	if (cert == NULL)
		rc = fail(why, "certificate");
	else if (key == NULL)
		rc = fail(why, "private key");
	else if (X509_check_private_key(cert, key) != 1)
		rc = fail(why, "private key does not fit the certificate");
	else if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
		rc = why_set(why, FAIL_PERM, "certificate is not valid yet");
	else if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0)
		rc = why_set(why, FAIL_PERM, "certificate has expired");
	else if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		rc = fail(why, "certificate");
	else
		*not_after_s_out = (int64_t)timegm(&tm);
	ERR_clear_error();
	EVP_PKEY_free(key);
	X509_free(cert);
	BIO_free(bio);
	return rc;
}

/* --- ALPN ---------------------------------------------------------------- */

/* A client that names protocols must name ours, or another service's session
 * could be replayed here (ALPACA). */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *in, unsigned int n, void *arg)
{
	const struct tls_server *s = arg;
	size_t want = strlen(s->alpn);

	(void)ssl;
	for (unsigned at = 0; at < n && in[at] < n - at; at += in[at] + 1u)
		if (in[at] == want && memcmp(in + at + 1, s->alpn, want) == 0) {
			*out = in + at + 1;
			*out_n = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- tickets ------------------------------------------------------------- */

static int
ticket_init(const struct ticket_key *k, const unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	OSSL_PARAM params[3];

	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
	    (void *)(uintptr_t)k->mac, sizeof(k->mac));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    (char *)(uintptr_t)"sha256", 0);
	params[2] = OSSL_PARAM_construct_end();
	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv,
	    is_new) == 1 && EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* 0: unknown key, full handshake; 1: fine; 2: fine, but give a new one. */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
	const struct tls_server *s =
	    SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (is_new && s->tickets > 0) {
		memcpy(name, s->ticket[0].name, TICKET_NAME);
		rand_bytes(iv, EVP_MAX_IV_LENGTH);
		return ticket_init(&s->ticket[0], iv, cipher, mac, 1) ? 1 : -1;
	}
	for (size_t i = 0; !is_new && i < s->tickets; i++)
		if (memcmp(name, s->ticket[i].name, TICKET_NAME) == 0)
			return !ticket_init(&s->ticket[i], iv, cipher, mac, 0)
			    ? -1 : i == 0 ? 1 : 2;
	return 0;
}

void
tls_server_tickets(struct tls_server *s, const struct str *key, size_t n)
{
	s->tickets = 0;
	for (size_t i = 0; i < n && s->tickets < TLS_TICKET_KEYS; i++) {
		struct ticket_key *k = &s->ticket[s->tickets];

		if (key[i].n < TLS_TICKET_KEY)
			continue;
		memcpy(k->name, key[i].p, TICKET_NAME);
		memcpy(k->aes, key[i].p + TICKET_NAME, sizeof(k->aes));
		memcpy(k->mac, key[i].p + TICKET_NAME + sizeof(k->aes),
		    sizeof(k->mac));
		s->tickets++;
	}
	if (s->tickets > 0)
		SSL_CTX_clear_options(s->ctx, SSL_OP_NO_TICKET);
}

/* --- server -------------------------------------------------------------- */

static void
set_options(struct tls_server *s)
{
	SSL_CTX *ctx = s->ctx;

	SSL_CTX_set_app_data(ctx, s);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_NO_TICKET |		/* until keys are dealt */
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* an idle connection keeps no record buffers */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, s);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	/* mail clients offer the curves we like first; X25519 is cheapest */
	(void)SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384");
}

int
tls_server_new(struct str cert_pem, struct str key_pem, const char *alpn,
    struct tls_server **out, struct why *why)
{
	struct tls_server *s;
	int rc;

	if (cert_pem.n > INT_MAX || key_pem.n > INT_MAX)
		return why_set(why, FAIL_PERM, "certificate: too big");
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	s = xcalloc(1, sizeof(*s));
	s->refs = 1;
	(void)snprintf(s->alpn, sizeof(s->alpn), "%s", alpn);
	s->ctx = SSL_CTX_new(TLS_server_method());
	if (s->ctx == NULL)
		rc = fail(why, "TLS");
	else {
		set_options(s);
		rc = use_chain(s->ctx, cert_pem, why);
		if (rc == 0)
			rc = use_key(s->ctx, key_pem, why);
	}
	if (rc == 0)
		*out = s;
	else
		tls_server_unref(s);
	return rc;
}

void
tls_server_ref(struct tls_server *s)
{
	s->refs++;
}

void
tls_server_unref(struct tls_server *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	SSL_CTX_free(s->ctx);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

/* --- client -------------------------------------------------------------- */

static int
trust(SSL_CTX *ctx, struct str pem, struct why *why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert;
	size_t n = 0;

	while (bio != NULL && (cert = read_cert(bio)) != NULL) {
		n += X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) == 1;
		X509_free(cert);
	}
	ERR_clear_error();
	BIO_free(bio);
	if (n == 0)
		return why_set(why, FAIL_PERM, "no certificate in the list of "
		    "authorities");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

/* Kept for the caller to take; a later one replaces it. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_app_data(ssl);

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1;
}

static void
set_client_options(struct tls_client *c)
{
	SSL_CTX *ctx = c->ctx;

	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	if (!c->checks)		/* a weak key is better than clear text */
		SSL_CTX_set_security_level(ctx, 1);
}

int
tls_client_new(struct str ca_pem, struct tls_client **out, struct why *why)
{
	struct tls_client *c;
	int rc = 0;

	if (ca_pem.n > INT_MAX)
		return why_set(why, FAIL_PERM, "authorities: too big");
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	c = xcalloc(1, sizeof(*c));
	c->refs = 1;
	c->checks = ca_pem.n > 0;
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (c->ctx == NULL)
		rc = fail(why, "TLS");
	else
		set_client_options(c);
	if (rc == 0 && c->checks)
		rc = trust(c->ctx, ca_pem, why);
	if (rc == 0)
		*out = c;
	else
		tls_client_unref(c);
	return rc;
}

void
tls_client_ref(struct tls_client *c)
{
	c->refs++;
}

void
tls_client_unref(struct tls_client *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	SSL_CTX_free(c->ctx);
	free(c);
}

static bool
set_name(const struct tls_client *c, SSL *ssl, const char *name)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
	bool ok;

	ERR_clear_error();
	ASN1_OCTET_STRING_free(ip);
	if (ip == NULL)		/* an address is no name for SNI, RFC 6066 3 */
		ok = SSL_set_tlsext_host_name(ssl, name) == 1 &&
		    (!c->checks || SSL_set1_host(ssl, name) == 1);
	else
		ok = !c->checks || X509_VERIFY_PARAM_set1_ip_asc(
		    SSL_get0_param(ssl), name) == 1;
	return ok;
}

struct tls *
tls_connect(struct tls_client *c, int fd, const char *name,
    struct tls_session *session)
{
	struct tls *t = xcalloc(1, sizeof(*t));

	t->ssl = SSL_new(c->ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1 ||
	    !set_name(c, t->ssl, name)) {
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_app_data(t->ssl, t);
	if (session != NULL)
		(void)SSL_set_session(t->ssl, (SSL_SESSION *)session);
	SSL_set_connect_state(t->ssl);
	t->client = c;
	tls_client_ref(c);
	return t;
}

struct tls_session *
tls_session_take(struct tls *t)
{
	SSL_SESSION *s = t->session;

	t->session = NULL;
	return (struct tls_session *)s;
}

void
tls_session_free(struct tls_session *s)
{
	SSL_SESSION_free((SSL_SESSION *)s);
}

bool
tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}

/* --- connection ---------------------------------------------------------- */

struct tls *
tls_accept(struct tls_server *s, int fd)
{
	struct tls *t = xcalloc(1, sizeof(*t));

	t->ssl = SSL_new(s->ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(t->ssl);
	t->server = s;
	tls_server_ref(s);
	return t;
}

static enum tls_io
outcome(struct tls *t, int rc)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	default:
		if (t->client != NULL && t->client->checks &&
		    SSL_get_verify_result(t->ssl) != X509_V_OK) {
			(void)snprintf(t->why, sizeof(t->why),
			    "certificate: %s", X509_verify_cert_error_string(
			    SSL_get_verify_result(t->ssl)));
			ERR_clear_error();
		} else
			reason(t->why, sizeof(t->why));
		t->is_shut = true;	/* no close_notify after an error */
		return TLS_FAILED;
	}
}

enum tls_io
tls_handshake(struct tls *t)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(t->ssl);
	return rc == 1 ? TLS_OK : outcome(t, rc);
}

enum tls_io
tls_read(struct tls *t, void *p, size_t n, size_t *got_out)
{
	int rc;

	*got_out = 0;
	ERR_clear_error();
	errno = 0;
	rc = SSL_read_ex(t->ssl, p, n, got_out);
	return rc == 1 ? TLS_OK : outcome(t, rc);
}

enum tls_io
tls_write(struct tls *t, const void *p, size_t n, size_t *put_out)
{
	int rc;

	*put_out = 0;
	if (n == 0)
		return TLS_OK;
	ERR_clear_error();
	errno = 0;
	rc = SSL_write_ex(t->ssl, p, n, put_out);
	return rc == 1 ? TLS_OK : outcome(t, rc);
}

void
tls_shutdown(struct tls *t)
{
	if (t->is_shut || !SSL_is_init_finished(t->ssl))
		return;
	t->is_shut = true;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	/* A connection that ends without close_notify, as most do, would make
	 * its session one that is not resumed. */
	if (t->client != NULL && !t->is_shut && SSL_is_init_finished(t->ssl))
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN |
		    SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	SSL_SESSION_free(t->session);
	tls_server_unref(t->server);
	tls_client_unref(t->client);
	free(t);
}

const char *
tls_describe(struct tls *t)
{
	(void)snprintf(t->text, sizeof(t->text), "%s %s",
	    SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl));
	return t->text;
}

const char *
tls_why(struct tls *t)
{
	return t->why;
}
