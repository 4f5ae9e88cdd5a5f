/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of event/tls.c: a real handshake over a socket pair, with a
 * client made of OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "event/tls.h"

struct pem {
	char	cert[4096], key[2048];
	struct str cert_str, key_str;
};

static void
bio_text(BIO *b, char *out, size_t n, struct str *s)
{
	char *p;
	long len = BIO_get_mem_data(b, &p);

	assert_true(len > 0 && (size_t)len < n);
	memcpy(out, p, (size_t)len);
	*s = str_mem(out, (size_t)len);
	BIO_free(b);
}

static void
make_pair(struct pem *p, long from_s, long to_s)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	BIO *b = BIO_new(BIO_s_mem());

	assert_non_null(key);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), to_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)"mail.example.org", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(b, x), 1);
	bio_text(b, p->cert, sizeof(p->cert), &p->cert_str);
	b = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL,
	    NULL), 1);
	bio_text(b, p->key, sizeof(p->key), &p->key_str);
	X509_free(x);
	EVP_PKEY_free(key);
}

struct world {
	struct pem	pem;
	struct tls_server *server;
	struct tls	*tls;
	SSL_CTX		*ctx;
	SSL		*client;
	int		fd[2];
};

static void
connect_pair(struct world *w)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    w->fd), 0);
	w->tls = tls_accept(w->server, w->fd[0]);
	assert_non_null(w->tls);
	w->client = SSL_new(w->ctx);
	SSL_set_fd(w->client, w->fd[1]);
	SSL_set_connect_state(w->client);
}

static void
disconnect_pair(struct world *w)
{
	tls_free(w->tls);
	SSL_free(w->client);
	close(w->fd[0]);
	close(w->fd[1]);
}

static int
setup(void **state)
{
	static struct world w;
	struct why why;

	memset(&w, 0, sizeof(w));
	make_pair(&w.pem, -60, 3600);
	assert_int_equal(tls_server_new(w.pem.cert_str, w.pem.key_str, "imap",
	    &w.server, &why), 0);
	w.ctx = SSL_CTX_new(TLS_client_method());
	connect_pair(&w);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	disconnect_pair(w);
	SSL_CTX_free(w->ctx);
	tls_server_unref(w->server);
	return 0;
}

/* Both sides in turn until the server is done; what the server said last. */
static enum tls_io
shake(struct world *w)
{
	enum tls_io r = TLS_WANT_READ;

	for (int i = 0; i < 20; i++) {
		(void)SSL_do_handshake(w->client);
		r = tls_handshake(w->tls);
		if (r != TLS_WANT_READ && r != TLS_WANT_WRITE)
			break;
	}
	(void)SSL_do_handshake(w->client);
	return r;
}

static void
test_bytes_both_ways(void **state)
{
	struct world *w = *state;
	char text[16];
	size_t n;

	assert_int_equal(shake(w), TLS_OK);
	assert_string_equal(SSL_get_version(w->client), "TLSv1.3");
	assert_memory_equal(tls_describe(w->tls), "TLSv1.3 TLS_", 12);
	assert_int_equal(tls_read(w->tls, text, sizeof(text), &n),
	    TLS_WANT_READ);
	assert_int_equal(SSL_write(w->client, "a1 NOOP\r\n", 9), 9);
	assert_int_equal(tls_read(w->tls, text, sizeof(text), &n), TLS_OK);
	assert_int_equal(n, 9);
	assert_memory_equal(text, "a1 NOOP\r\n", 9);
	assert_int_equal(tls_write(w->tls, "a1 OK\r\n", 7, &n), TLS_OK);
	assert_int_equal(n, 7);
	assert_int_equal(SSL_read(w->client, text, sizeof(text)), 7);
}

static void
test_close_notify(void **state)
{
	struct world *w = *state;
	char text[16];
	size_t n;

	assert_int_equal(shake(w), TLS_OK);
	SSL_shutdown(w->client);
	assert_int_equal(tls_read(w->tls, text, sizeof(text), &n), TLS_EOF);
	tls_shutdown(w->tls);
	assert_int_equal(SSL_read(w->client, text, sizeof(text)), 0);
	assert_int_equal(SSL_get_shutdown(w->client) & SSL_RECEIVED_SHUTDOWN,
	    SSL_RECEIVED_SHUTDOWN);
}

/* A full socket: nothing is lost, the same bytes are offered again. */
static void
test_full_socket(void **state)
{
	struct world *w = *state;
	static char big[256 * 1024], back[256 * 1024];
	size_t put = 0, got = 0, n;
	bool was_full = false;

	assert_int_equal(shake(w), TLS_OK);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 >> 3);
	while (got < sizeof(big)) {
		int r;

		while (put < sizeof(big)) {
			enum tls_io io = tls_write(w->tls, big + put,
			    sizeof(big) - put, &n);

			if (io == TLS_WANT_WRITE) {
				was_full = true;
				break;
			}
			assert_int_equal(io, TLS_OK);
			put += n;
		}
		r = SSL_read(w->client, back + got, (int)(sizeof(back) - got));
		if (r > 0)
			got += (size_t)r;
	}
	assert_true(was_full);
	assert_memory_equal(big, back, sizeof(big));
}

static void
test_garbage_is_no_hello(void **state)
{
	struct world *w = *state;

	assert_int_equal(write(w->fd[1], "EHLO attacker\r\n", 15), 15);
	assert_int_equal(tls_handshake(w->tls), TLS_FAILED);
	assert_true(strlen(tls_why(w->tls)) > 0);
	tls_shutdown(w->tls);	/* harmless */
}

static void
test_alpn(void **state)
{
	static const struct {
		const char	*list;
		unsigned	n;
		enum tls_io	want;
	} cases[] = {
		{ "\x04imap", 5, TLS_OK },
		{ "\x02h2\x04imap", 8, TLS_OK },
		{ "\x02h2\x08http/1.1", 12, TLS_FAILED },
		{ "\x05imaps", 6, TLS_FAILED },
		{ "\x04IMAP", 5, TLS_FAILED },
		{ NULL, 0, TLS_OK },
	};
	struct world *w = *state;

	for (size_t i = 0; i < NITEMS(cases); i++) {
		disconnect_pair(w);
		connect_pair(w);
		if (cases[i].list != NULL)
			assert_int_equal(SSL_set_alpn_protos(w->client,
			    (const unsigned char *)cases[i].list, cases[i].n),
			    0);
		assert_int_equal(shake(w), cases[i].want);
	}
}

static void
test_old_versions_are_refused(void **state)
{
	struct world *w = *state;

	SSL_set_security_level(w->client, 0);
	SSL_set_max_proto_version(w->client, TLS1_1_VERSION);
	SSL_set_min_proto_version(w->client, TLS1_VERSION);
	assert_int_equal(shake(w), TLS_FAILED);
}

static void
read_ticket(struct world *w)
{
	char c;

	(void)SSL_read(w->client, &c, 1);
}

static bool
is_resumed_after(struct world *w, const struct str *keys, size_t n)
{
	SSL_SESSION *session;
	bool resumed;

	assert_int_equal(shake(w), TLS_OK);
	read_ticket(w);
	session = SSL_get1_session(w->client);
	SSL_shutdown(w->client);
	tls_server_tickets(w->server, keys, n);
	disconnect_pair(w);
	connect_pair(w);
	SSL_set_session(w->client, session);
	SSL_SESSION_free(session);
	assert_int_equal(shake(w), TLS_OK);
	resumed = SSL_session_reused(w->client);
	return resumed;
}

static void
test_tickets(void **state)
{
	static uint8_t a[80] = { 1 }, b[80] = { 2 };
	struct str key_a = str_mem(a, 80), key_b = str_mem(b, 80);
	struct str both[2] = { key_b, key_a };
	struct world *w = *state;

	assert_false(is_resumed_after(w, &key_a, 1));	/* no keys before */
	assert_true(is_resumed_after(w, &key_a, 1));
	assert_true(is_resumed_after(w, both, 2));	/* rotated */
	assert_false(is_resumed_after(w, &key_a, 1));	/* newest is gone */
}

static void
test_bad_pairs(void **state)
{
	struct world *w = *state;
	static struct pem other, old, future;
	struct tls_server *s = NULL;
	struct why why;
	int64_t until = 0;

	make_pair(&other, -60, 3600);
	make_pair(&old, -7200, -3600);
	make_pair(&future, 3600, 7200);
	assert_int_equal(tls_server_new(w->pem.cert_str, other.key_str, "imap",
	    &s, &why), FAIL_PERM);
	assert_non_null(strstr(why.text, "private key"));
	assert_int_equal(tls_server_new(STR("nothing"), other.key_str, "imap",
	    &s, &why), FAIL_PERM);
	assert_non_null(strstr(why.text, "certificate"));
	assert_null(s);
	assert_int_equal(tls_pair_check(other.cert_str, other.key_str, &until,
	    &why), 0);
	assert_true(until > time(NULL) + 3000 && until < time(NULL) + 4000);
	assert_int_equal(tls_pair_check(old.cert_str, old.key_str, &until,
	    &why), FAIL_PERM);
	assert_non_null(strstr(why.text, "expired"));
	assert_int_equal(tls_pair_check(future.cert_str, future.key_str, &until,
	    &why), FAIL_PERM);
	assert_int_equal(tls_pair_check(old.cert_str, other.key_str, &until,
	    &why), FAIL_PERM);
	assert_int_equal(tls_pair_check(old.cert_str, STR(""), &until, &why),
	    FAIL_PERM);
}

/* --- our own client ------------------------------------------------------- */

/* Both ends ours; what the client said last. */
static enum tls_io
shake_ours(struct world *w, struct tls_client *c, const char *name,
    struct tls_session *session, struct tls **out)
{
	enum tls_io r = TLS_WANT_READ;
	char byte;
	size_t n;

	disconnect_pair(w);
	connect_pair(w);
	*out = tls_connect(c, w->fd[1], name, session);
	assert_non_null(*out);
	for (int i = 0; i < 20 && (r == TLS_WANT_READ || r == TLS_WANT_WRITE);
	    i++) {
		r = tls_handshake(*out);
		(void)tls_handshake(w->tls);
	}
	if (r == TLS_OK)	/* the ticket comes behind it */
		(void)tls_read(*out, &byte, 1, &n);
	return r;
}

static void
test_client_trust(void **state)
{
	struct world *w = *state;
	struct pem other;
	const struct {
		struct str	ca;
		const char	*name;
		enum tls_io	want;
		const char	*why;
	} cases[] = {
		{ STR(""), "anything.example", TLS_OK, "" },
		{ STR(""), "192.0.2.1", TLS_OK, "" },
		{ w->pem.cert_str, "mail.example.org", TLS_OK, "" },
		{ w->pem.cert_str, "mail.example.net", TLS_FAILED,
		  "certificate: hostname mismatch" },
		{ w->pem.cert_str, "192.0.2.1", TLS_FAILED,
		  "certificate: IP address mismatch" },
		{ STR(""), "mail.example.org", TLS_FAILED,	/* of other */
		  "certificate: " },
	};

	make_pair(&other, -60, 3600);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str ca = i + 1 < NITEMS(cases) ? cases[i].ca :
		    other.cert_str;
		struct tls_client *c = NULL;
		struct why why;
		struct tls *t;

		assert_int_equal(tls_client_new(ca, &c, &why), 0);
		assert_int_equal(shake_ours(w, c, cases[i].name, NULL, &t),
		    cases[i].want);
		assert_true(str_istarts(str_of(tls_why(t)), cases[i].why));
		tls_free(t);
		tls_client_unref(c);
	}
}

static void
test_client_resumes(void **state)
{
	static uint8_t key[80] = { 7 };
	struct str keys = str_mem(key, 80);
	struct world *w = *state;
	struct tls_client *c = NULL;
	struct tls_session *session;
	struct why why;
	struct tls *t;

	tls_server_tickets(w->server, &keys, 1);
	assert_int_equal(tls_client_new(STR(""), &c, &why), 0);
	assert_int_equal(shake_ours(w, c, "mx", NULL, &t), TLS_OK);
	assert_false(tls_resumed(t));
	session = tls_session_take(t);
	assert_non_null(session);
	assert_null(tls_session_take(t));
	tls_free(t);		/* without close_notify */
	assert_int_equal(shake_ours(w, c, "mx", session, &t), TLS_OK);
	assert_true(tls_resumed(t));
	tls_session_free(session);
	tls_free(t);
	tls_client_unref(c);
}

static void
test_client_refuses(void **state)
{
	struct tls_client *c = NULL;
	struct why why;

	(void)state;
	assert_int_equal(tls_client_new(STR("no PEM"), &c, &why), FAIL_PERM);
	assert_null(c);
	assert_true(strlen(why.text) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_both_ways, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_close_notify, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_full_socket, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_garbage_is_no_hello, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_alpn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_versions_are_refused,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_tickets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_trust, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_client_resumes, setup,
		    teardown),
		cmocka_unit_test(test_client_refuses),
		cmocka_unit_test_setup_teardown(test_bad_pairs, setup, teardown),
	};

	return cmocka_run_group_tests_name("event/tls", tests, NULL, NULL);
}
