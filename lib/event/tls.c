/* SPDX-License-Identifier: ISC */
/*
 * event/tls.c - TLS for streams, both sides, by OpenSSL 3.  The only file
 * of the suite that calls SSL_*.
 *
 * What comes in: certificates that master read, a connected socket.  What
 * goes out: plain bytes, and a word that says what to wait for.  It holds no
 * private key: a signature is asked of whoever has it (struct tls_signer).
 * It never opens a file, reads no openssl.cnf and asks no resolver: it works
 * in an empty root under a seccomp list.
 *
 * RFC 8446 (TLS 1.3), RFC 5246 (1.2), RFC 7301 (ALPN), RFC 5077 (tickets).
 */
#include "event/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/list.h"
#include "base/rand.h"
#include "crypto/keyprov.h"

#include "base/banned.h"

#define TICKET_NAME	16	/* RFC 5077 4: key_name */

struct ticket_key {
	uint8_t	name[TICKET_NAME];
	uint8_t	aes[32], mac[32];
};
_Static_assert(sizeof(struct ticket_key) == TLS_TICKET_KEY, "as dealt");

struct site {
	char		*name;
	SSL_CTX		*ctx;
	X509		*leaf;		/* of the first certificate */
};

struct tls_server {
	struct site	*site;		/* the first is the default */
	size_t		n_sites;
	const struct tls_signer *signer;
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
	struct keyprov_ask *ask;	/* on the stack of its job */
	struct link	turn;		/* waits for a job */
	void		(*on_key)(void *);
	void		*on_key_arg;
	bool		is_shut;
	bool		is_paused, is_called, is_ending, is_late;
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

/* --- certificates -------------------------------------------------------- */

/* Without it OpenSSL asks a terminal for the passphrase of a locked PEM. */
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

/* The key of a certificate is an object that asks for its signatures. */
static int
use_leaf(SSL_CTX *ctx, X509 *cert, struct why *why)
{
	EVP_PKEY *key;
	int rc = 0;

	if (SSL_CTX_use_certificate(ctx, cert) != 1)
		return fail(why, "certificate");
	key = keyprov_key(X509_get0_pubkey(cert));
	if (key == NULL || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		rc = fail(why, "key of the certificate");
	EVP_PKEY_free(key);
	return rc;
}

static int
use_chain(struct site *site, struct str pem, struct why *why)
{
	BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	X509 *cert = bio != NULL ? read_cert(bio) : NULL;
	int rc = cert == NULL ? fail(why, "certificate") :
	    use_leaf(site->ctx, cert, why);

	if (site->leaf == NULL)
		site->leaf = cert;
	else
		X509_free(cert);
	while (rc == 0 && (cert = read_cert(bio)) != NULL)
		if (SSL_CTX_add0_chain_cert(site->ctx, cert) != 1) {
			X509_free(cert);
			rc = fail(why, "certificate chain");
		}
	ERR_clear_error();	/* the end of the text is no error */
	BIO_free(bio);
	return rc;
}

/* --- server name --------------------------------------------------------- */

static struct site *
site_of(struct tls_server *s, const char *name)
{
	for (size_t i = 0; i < s->n_sites; i++)
		if (strcasecmp(s->site[i].name, name) == 0)
			return &s->site[i];
	for (size_t i = 0; i < s->n_sites; i++)
		if (X509_check_host(s->site[i].leaf, name, 0, 0, NULL) == 1)
			return &s->site[i];
	return &s->site[0];
}

/* RFC 6066 3.  A name we do not know is no reason to refuse: clients that
 * check say so themselves. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_server *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct site *site;

	(void)alert;
	if (name == NULL || s->n_sites == 1)
		return SSL_TLSEXT_ERR_NOACK;
	site = site_of(s, name);
	if (site != &s->site[0] && SSL_set_SSL_CTX(ssl, site->ctx) == NULL)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

/* --- signatures ---------------------------------------------------------- */

/*
 * A full handshake needs a signature that another process makes.  It runs as
 * a job (ASYNC_start_job(3)) on a stack of its own, which pauses there.  A
 * resumed one needs none and runs without: on_cert is called for full ones
 * only, sends it back, and it comes again as a job.  Only so many may be
 * paused at a time, whoever comes later waits his turn: OpenSSL never gives
 * their stacks back.  A job that waits for its client is not paused but over.
 */
#define PAUSED_MAX	128

static struct {
	struct tls	*running;	/* whose handshake is on the stack */
	unsigned	paused;
	struct link	waiting;	/* for fewer to be */
} hand = { .waiting = { &hand.waiting, &hand.waiting } };

static void
on_ask(struct keyprov_ask *a)
{
	struct tls *t = hand.running;

	if (t == NULL || t->is_ending) {
		a->state = KEYPROV_FAILED;
		return;
	}
	t->ask = a;
	t->server->signer->ask(t, a->id, a->scheme, a->tbs);
}

static void
go_on(struct tls *t)
{
	if (t->on_key != NULL)
		t->on_key(t->on_key_arg);
}

void
tls_signed(struct tls *t, struct str signature)
{
	struct keyprov_ask *a = t->ask;

	if (a == NULL || a->state != KEYPROV_WAITS)
		return;
	if (signature.n == 0 || signature.n > sizeof(a->signature)) {
		(void)snprintf(t->why, sizeof(t->why), "no signature: keyd "
		    "did not answer or refused");
		a->state = KEYPROV_FAILED;
	} else {
		memcpy(a->signature, signature.p, signature.n);
		a->n = signature.n;
		a->state = KEYPROV_SIGNED;
	}
	go_on(t);
}

void
tls_signer_is_late(void)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &hand.waiting) {
		struct tls *t = container_of(l, struct tls, turn);

		list_remove(l);
		t->is_late = true;
		go_on(t);
	}
}

void
tls_on_key(struct tls *t, void (*fn)(void *), void *arg)
{
	t->on_key = fn;
	t->on_key_arg = arg;
}

/* Only full handshakes come here (RFC 8446 2.2, RFC 5246 7.3). */
static int
on_cert(SSL *ssl, void *arg)
{
	(void)arg;
	return (SSL_get_mode(ssl) & SSL_MODE_ASYNC) != 0 ? 1 : -1;
}

/* One step; what SSL_get_error says of it. */
static int
run(struct tls *t, int *rc_out)
{
	ERR_clear_error();
	errno = 0;
	hand.running = t;
	*rc_out = SSL_do_handshake(t->ssl);
	hand.running = NULL;
	return SSL_get_error(t->ssl, *rc_out);
}

static void
call_next(void)
{
	struct link *first = list_pop(&hand.waiting);
	struct tls *t;

	if (first == NULL)
		return;
	t = container_of(first, struct tls, turn);
	t->is_called = true;
	go_on(t);
}

/* False: too many are paused, it waits. */
static bool
job_begin(struct tls *t)
{
	if (hand.paused >= PAUSED_MAX) {
		list_push(&hand.waiting, &t->turn);
		return false;
	}
	(void)SSL_set_mode(t->ssl, SSL_MODE_ASYNC);
	return true;
}

static void
set_paused(struct tls *t, bool is_paused)
{
	if (t->is_paused == is_paused)
		return;
	t->is_paused = is_paused;
	if (is_paused)
		hand.paused++;
	else {
		hand.paused--;
		call_next();
	}
}

/* A job that is paused must come to its end before its SSL goes.  Who was
 * called and does not come lets the next one have his turn. */
static void
job_end(struct tls *t)
{
	int rc;

	t->on_key = NULL;
	t->is_ending = true;
	list_remove(&t->turn);
	if (t->ask != NULL && t->ask->state == KEYPROV_WAITS) {
		t->server->signer->forget(t);
		t->ask->state = KEYPROV_FAILED;
	}
	if (t->is_paused)
		(void)run(t, &rc);
	set_paused(t, false);
	if (t->is_called)
		call_next();
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
	for (size_t i = 0; s->tickets > 0 && i < s->n_sites; i++)
		SSL_CTX_clear_options(s->site[i].ctx, SSL_OP_NO_TICKET);
}

/* --- server -------------------------------------------------------------- */

/* No RSA key exchange: keyd does not decrypt.  What it signs stands in
 * crypto/keyask.c. */
#define CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL"
#define SCHEMES	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:"		\
	"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"			\
	"RSA+SHA256:RSA+SHA384:RSA+SHA512"

static bool
set_options(struct tls_server *s, SSL_CTX *ctx)
{
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
	SSL_CTX_set_cert_cb(ctx, on_cert, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, s);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	/* mail clients offer the curves we like first; X25519 is cheapest */
	return SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
	    SSL_CTX_set1_sigalgs_list(ctx, SCHEMES) == 1;
}

static struct site *
named_site(struct tls_server *s, struct str name)
{
	for (size_t i = 0; i < s->n_sites; i++)
		if (str_is(name, s->site[i].name))
			return &s->site[i];
	return NULL;
}

static int
add_site(struct tls_server *s, const struct tls_cert *c, struct why *why)
{
	struct site *site = named_site(s, c->name);

	if (site == NULL) {
		site = &s->site[s->n_sites++];
		site->name = xmemdupz(c->name.p, c->name.n);
		site->ctx = SSL_CTX_new(TLS_server_method());
		if (site->ctx == NULL || !set_options(s, site->ctx))
			return fail(why, "TLS");
	}
	return use_chain(site, c->pem, why);
}

int
tls_server_new(const struct tls_cert *certs, size_t n,
    const struct tls_signer *signer, const char *alpn,
    struct tls_server **out, struct why *why)
{
	struct tls_server *s;
	int rc;

	if (n == 0)
		return why_set(why, FAIL_PERM, "certificate: there is none");
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	rc = keyprov_begin(on_ask, why);
	if (rc != 0)
		return rc;
	s = xcalloc(1, sizeof(*s));
	s->refs = 1;
	s->signer = signer;
	s->site = xcalloc(n, sizeof(*s->site));
	(void)snprintf(s->alpn, sizeof(s->alpn), "%s", alpn);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_site(s, &certs[i], why);
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
	for (size_t i = 0; i < s->n_sites; i++) {
		SSL_CTX_free(s->site[i].ctx);
		X509_free(s->site[i].leaf);
		free(s->site[i].name);
	}
	free(s->site);
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
	list_init(&t->turn);
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

	t->ssl = SSL_new(s->site[0].ctx);
	if (t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(t->ssl);
	list_init(&t->turn);
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
		} else if (t->why[0] == '\0')	/* else it was the signer */
			reason(t->why, sizeof(t->why));
		t->is_shut = true;	/* no close_notify after an error */
		return TLS_FAILED;
	}
}

static enum tls_io
no_key(struct tls *t, const char *text)
{
	(void)snprintf(t->why, sizeof(t->why), "%s", text);
	t->is_shut = true;
	return TLS_FAILED;
}

/* A resumed session has what was found when it began: if nobody looked then,
 * it was not good. */
static bool
is_trusted(const struct tls *t)
{
	return t->client == NULL || !t->client->checks ||
	    SSL_get_verify_result(t->ssl) == X509_V_OK;
}

enum tls_io
tls_handshake(struct tls *t)
{
	int rc, said;

	if (t->is_late)
		return no_key(t, "no signature: keyd did not answer");
	if (list_linked(&t->turn) ||
	    (t->ask != NULL && t->ask->state == KEYPROV_WAITS))
		return TLS_WANT_KEY;
	t->is_called = false;
	said = run(t, &rc);
	if (said == SSL_ERROR_WANT_X509_LOOKUP) {	/* from on_cert */
		if (!job_begin(t))
			return TLS_WANT_KEY;
		said = run(t, &rc);
	}
	set_paused(t, said == SSL_ERROR_WANT_ASYNC);
	if (said == SSL_ERROR_WANT_ASYNC)
		return TLS_WANT_KEY;
	/* It has its signature; or it has told the client to say hello again
	 * (RFC 8446 4.1.4), and on_cert will be asked again.  Else its answer
	 * is only half sent, and the signature still to come. */
	if (t->ask != NULL || said == SSL_ERROR_WANT_READ)
		(void)SSL_clear_mode(t->ssl, SSL_MODE_ASYNC);
	t->ask = NULL;
	return rc == 1 && is_trusted(t) ? TLS_OK : outcome(t, rc);
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
	job_end(t);
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
