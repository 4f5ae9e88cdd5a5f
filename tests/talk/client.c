/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/client.c - TLS of the clients in a transcript, and the
 * certificate of the server they meet.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "talk.h"
#include "../lib/signer.h"

#include "base/banned.h"

struct talk_tls {
	SSL	*ssl;
};

static struct str
take_text(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	void *copy = xmalloc((size_t)n);

	memcpy(copy, p, (size_t)n);
	BIO_free(b);
	return str_mem(copy, (size_t)n);
}

static void
make_certificate(struct str *cert_out, struct str *key_out)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	BIO *cert_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)"mail.example.org", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	if (X509_sign(x, key, EVP_sha256()) <= 0 ||
	    PEM_write_bio_X509(cert_text, x) != 1 ||
	    PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL,
	    NULL) != 1)
		bug("no certificate");
	X509_free(x);
	EVP_PKEY_free(key);
	*cert_out = take_text(cert_text);
	*key_out = take_text(key_text);
}

struct tls_server *
talk_tls(void)
{
	static struct tls_server *server;
	struct tls_cert certs = { .name = STR("mail.example.org") };
	struct str cert, key;
	struct why why;

	if (server != NULL)
		return server;
	make_certificate(&cert, &key);
	signer_take(key);
	certs.pem = cert;
	if (tls_server_new(&certs, 1, &signer, talk.room->alpn, &server,
	    &why) != 0)
		bug("TLS: %s", why.text);
	free((void *)(uintptr_t)cert.p);
	free((void *)(uintptr_t)key.p);
	return server;
}

/* For a room that connects: the far end has the certificate. */
static SSL_CTX *
far_server(void)
{
	static SSL_CTX *ctx;
	struct str cert, key;
	BIO *cert_text, *key_text;
	EVP_PKEY *k;
	X509 *x;

	if (ctx != NULL)
		return ctx;
	make_certificate(&cert, &key);
	cert_text = BIO_new_mem_buf(cert.p, (int)cert.n);
	key_text = BIO_new_mem_buf(key.p, (int)key.n);
	x = PEM_read_bio_X509(cert_text, NULL, NULL, NULL);
	k = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
	ctx = SSL_CTX_new(TLS_server_method());
	if (SSL_CTX_use_certificate(ctx, x) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, k) != 1)
		bug("no certificate");
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(cert_text);
	BIO_free(key_text);
	free((void *)(uintptr_t)cert.p);
	free((void *)(uintptr_t)key.p);
	return ctx;
}

struct talk_tls *
talk_tls_new(int fd, const char *alpn)
{
	static SSL_CTX *ctx;
	struct talk_tls *t = xcalloc(1, sizeof(*t));
	uint8_t wire[64];
	size_t n = alpn != NULL ? strlen(alpn) : 0;

	if (ctx == NULL)
		ctx = SSL_CTX_new(TLS_client_method());
	t->ssl = SSL_new(talk.room->they_serve ? far_server() : ctx);
	if (n > 0 && n < sizeof(wire)) {
		wire[0] = (uint8_t)n;
		memcpy(wire + 1, alpn, n);
		(void)SSL_set_alpn_protos(t->ssl, wire, (unsigned)n + 1);
	}
	SSL_set_mode(t->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_fd(t->ssl, fd);
	if (talk.room->they_serve)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
}

bool
talk_tls_handshake(struct talk_tls *t)
{
	for (int i = 0; i < 20; i++) {
		if (SSL_do_handshake(t->ssl) == 1)
			return true;
		ERR_clear_error();
		talk_settle();
	}
	return false;
}

ssize_t
talk_tls_read(struct talk_tls *t, void *p, size_t n)
{
	int rc;

	/* before the handshake is through bytes are no text */
	if (!SSL_is_init_finished(t->ssl))
		return 0;
	ERR_clear_error();
	rc = SSL_read(t->ssl, p, (int)n);
	if (rc > 0)
		return rc;
	rc = SSL_get_error(t->ssl, rc);
	return rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

ssize_t
talk_tls_write(struct talk_tls *t, const void *p, size_t n)
{
	int rc;

	ERR_clear_error();
	rc = SSL_write(t->ssl, p, (int)n);
	if (rc > 0)
		return rc;
	rc = SSL_get_error(t->ssl, rc);
	return rc == SSL_ERROR_WANT_READ || rc == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

void
talk_tls_free(struct talk_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}
