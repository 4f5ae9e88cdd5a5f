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

#include "../../lib/certs.h"
#include "../../lib/signer.h"

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
	struct tls_cert certs = { .name = STR("mail.example.org") };
	struct why why;

	memset(&w, 0, sizeof(w));
	pem_make(&w.pem, "P-256", "mail.example.org", -60, 3600);
	signer_take(w.pem.key_str);
	certs.pem = w.pem.cert_str;
	assert_int_equal(tls_server_new(&certs, 1, &signer, "imap", &w.server,
	    &why), 0);
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
	signer_drop();
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
test_bad_certificates(void **state)
{
	struct tls_cert none = { .name = STR("x"), .pem = STR("nothing") };
	struct tls_server *s = NULL;
	struct why why;

	(void)state;
	assert_int_equal(tls_server_new(&none, 1, &signer, "imap", &s, &why),
	    FAIL_PERM);
	assert_non_null(strstr(why.text, "certificate"));
	assert_int_equal(tls_server_new(&none, 0, &signer, "imap", &s, &why),
	    FAIL_PERM);
	assert_null(s);
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

	pem_make(&other, "P-256", "mail.example.org", -60, 3600);
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

/* A session begun with anybody does not open one that wants to be sure. */
static void
test_client_resumes_unchecked(void **state)
{
	static uint8_t key[80] = { 7 };
	struct str keys = str_mem(key, 80);
	struct world *w = *state;
	struct tls_client *any = NULL, *sure = NULL;
	struct tls_session *session;
	struct why why;
	struct tls *t;

	tls_server_tickets(w->server, &keys, 1);
	assert_int_equal(tls_client_new(STR(""), &any, &why), 0);
	assert_int_equal(tls_client_new(w->pem.cert_str, &sure, &why), 0);
	assert_int_equal(shake_ours(w, any, "mail.example.org", NULL, &t),
	    TLS_OK);
	session = tls_session_take(t);
	assert_non_null(session);
	tls_free(t);
	assert_int_equal(shake_ours(w, sure, "mail.example.org", session, &t),
	    TLS_FAILED);
	assert_true(str_istarts(str_of(tls_why(t)), "certificate: "));
	tls_session_free(session);
	tls_free(t);
	tls_client_unref(any);
	tls_client_unref(sure);
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

/* --- several certificates ------------------------------------------------- */

static struct tls_server *
server_of(const struct tls_cert *certs, size_t n, const struct tls_signer *who)
{
	struct tls_server *s = NULL;
	struct why why;

	assert_int_equal(tls_server_new(certs, n, who, "imap", &s, &why), 0);
	return s;
}

static void
use_server(struct world *w, struct tls_server *s)
{
	disconnect_pair(w);
	tls_server_unref(w->server);
	w->server = s;
	connect_pair(w);
}

/* Which certificate is met, by the name that is asked for and the kind of
 * signature that the client knows; each with TLS 1.3 and 1.2. */
static void
test_names_and_kinds(void **state)
{
	static struct pem site, rsa, other;
	static const char both[] = "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256";
	static const struct {
		const char	*name;
		const char	*knows;
		const struct pem *want;		/* NULL: no handshake */
	} cases[] = {
		{ NULL, both, &site },
		{ "site.example", both, &site },
		{ "SITE.example", both, &site },
		/* P-256 costs us less: that the client prefers RSA is no matter */
		{ NULL, "RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA256", &site },
		{ "site.example", "RSA-PSS+SHA256:RSA+SHA256", &rsa },
		{ NULL, "RSA-PSS+SHA256:RSA+SHA256", &rsa },
		{ "other.example", both, &other },
		{ "x.example", both, &other },	/* so the setting calls it */
		{ "nobody.example", both, &site },
		{ "other.example", "RSA-PSS+SHA256:RSA+SHA256", NULL },
	};
	struct world *w = *state;

	pem_make(&site, "P-256", "site.example", -60, 60);
	pem_make(&rsa, "RSA2048", "site.example", -60, 60);
	pem_make(&other, "P-256", "other.example", -60, 60);
	signer_take(site.key_str);
	signer_take(rsa.key_str);
	signer_take(other.key_str);
	const struct tls_cert certs[] = {
		{ STR("site.example"), site.cert_str },
		{ STR("site.example"), rsa.cert_str },
		{ STR("x.example"), other.cert_str },
	};
	use_server(w, server_of(certs, NITEMS(certs), &signer));
	for (size_t i = 0; i < 2 * NITEMS(cases); i++) {
		const struct pem *want = cases[i / 2].want;
		char got[8192] = "";

		disconnect_pair(w);
		connect_pair(w);
		if (i % 2 == 1)
			SSL_set_max_proto_version(w->client, TLS1_2_VERSION);
		assert_int_equal(SSL_set1_sigalgs_list(w->client,
		    cases[i / 2].knows), 1);
		if (cases[i / 2].name != NULL)
			SSL_set_tlsext_host_name(w->client,
			    cases[i / 2].name);
		assert_int_equal(shake(w), want != NULL ? TLS_OK : TLS_FAILED);
		if (want != NULL) {
			X509 *x = SSL_get1_peer_certificate(w->client);
			BIO *b = BIO_new(BIO_s_mem());
			struct str text;

			PEM_write_bio_X509(b, x);
			pem_text(b, got, sizeof(got), &text);
			X509_free(x);
			assert_string_equal(got, want->cert);
		}
	}
}

/* RSA key exchange would need decryption, which keyd does not do. */
static void
test_no_rsa_key_exchange(void **state)
{
	static struct pem rsa;
	struct world *w = *state;
	struct tls_cert cert = { .name = STR("a.example") };

	pem_make(&rsa, "RSA2048", "a.example", -60, 60);
	signer_take(rsa.key_str);
	cert.pem = rsa.cert_str;
	use_server(w, server_of(&cert, 1, &signer));
	SSL_set_max_proto_version(w->client, TLS1_2_VERSION);
	SSL_set_cipher_list(w->client, "kRSA");
	assert_int_equal(shake(w), TLS_FAILED);
}

/* --- a signer that takes its time ---------------------------------------- */

enum { MANY = 150 };	/* more than may wait at a time: 128 */

static struct tls *waiting[MANY];
static size_t n_waiting, n_asked, n_forgotten, n_woken;
static struct str asked_key;
static uint8_t asked_tbs[1024];
static struct { uint32_t scheme; size_t n; } asked;

static void
late_ask(struct tls *t, struct str key, uint32_t scheme, struct str tbs)
{
	asked_key = key;
	asked.scheme = scheme;
	asked.n = tbs.n;
	memcpy(asked_tbs, tbs.p, tbs.n);
	n_asked++;
	waiting[n_waiting++] = t;
}

static void
late_forget(struct tls *t)
{
	for (size_t i = 0; i < n_waiting; i++)
		if (waiting[i] == t) {
			waiting[i] = waiting[--n_waiting];
			n_forgotten++;
			return;
		}
	fail_msg("forgets what was not asked");
}

static const struct tls_signer late = { late_ask, late_forget };

static void
on_woken(void *arg)
{
	(void)arg;
	n_woken++;
}

static void
use_late_signer(struct world *w)
{
	struct tls_cert cert = { STR("mail.example.org"), w->pem.cert_str };

	n_waiting = n_asked = n_forgotten = n_woken = 0;
	use_server(w, server_of(&cert, 1, &late));
}

static void
test_waits_for_signer(void **state)
{
	struct world *w = *state;
	uint8_t sig[KEYASK_SIG_MAX];
	struct why why;
	size_t n;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	    version++) {
		use_late_signer(w);
		SSL_set_max_proto_version(w->client, version);
		tls_on_key(w->tls, on_woken, NULL);
		assert_int_equal(shake(w), TLS_WANT_KEY);
		assert_int_equal(tls_handshake(w->tls), TLS_WANT_KEY);
		assert_int_equal(n_asked, 1);
		assert_int_equal(n_woken, 0);
		assert_int_equal(tlskey_sign(signer_key[0], asked.scheme,
		    str_mem(asked_tbs, asked.n), sig, &n, &why), 0);
		tls_signed(w->tls, str_mem(sig, n));
		assert_int_equal(n_woken, 1);
		assert_int_equal(shake(w), TLS_OK);
		assert_int_equal(n_asked, 1);
		/* a late second word changes nothing */
		tls_signed(w->tls, STR(""));
		n_waiting = 0;
	}
}

static void
test_wrong_signature(void **state)
{
	struct world *w = *state;
	static const uint8_t junk[64] = { 0x30 };
	static const struct str said[] = {
		{ NULL, 0 }, { junk, 1 }, { junk, sizeof(junk) },
	};

	for (size_t i = 0; i < NITEMS(said); i++) {
		use_late_signer(w);
		assert_int_equal(shake(w), TLS_WANT_KEY);
		tls_signed(w->tls, said[i]);
		if (said[i].n == 0) {
			assert_int_equal(shake(w), TLS_FAILED);
			assert_non_null(strstr(tls_why(w->tls),
			    "no signature"));
		} else {	/* the client finds out */
			(void)shake(w);
			assert_false(SSL_is_init_finished(w->client));
		}
		n_waiting = 0;
	}
}

/* Its job is brought to its end before it goes (else its memory stays, which
 * a sanitizer build tells). */
static void
test_dies_waiting(void **state)
{
	struct world *w = *state;

	use_late_signer(w);
	assert_int_equal(shake(w), TLS_WANT_KEY);
	disconnect_pair(w);
	assert_int_equal(n_forgotten, 1);
	connect_pair(w);
}

static void
sign_one(struct tls *t)
{
	uint8_t sig[KEYASK_SIG_MAX];
	struct why why;
	size_t n;

	assert_int_equal(tlskey_sign(signer_key[0], 0x0403, str_mem(asked_tbs,
	    asked.n), sig, &n, &why), 0);
	tls_signed(t, str_mem(sig, n));
}

/* The client guessed a group that we do not have: HelloRetryRequest, and the
 * job of the first half is over before the one that asks begins. */
static void
test_hello_retry(void **state)
{
	struct world *w = *state;

	for (int is_late = 0; is_late < 2; is_late++) {
		if (is_late)
			use_late_signer(w);
		assert_int_equal(SSL_set1_groups_list(w->client,
		    "P-521:P-256"), 1);
		assert_int_equal(shake(w), is_late ? TLS_WANT_KEY : TLS_OK);
		if (is_late) {
			assert_int_equal(n_asked, 1);
			sign_one(w->tls);
			n_waiting = 0;
			assert_int_equal(shake(w), TLS_OK);
		}
		assert_true(SSL_is_init_finished(w->client));
	}
}

/* A resumed handshake asks nobody. */
static void
test_resumed_asks_nobody(void **state)
{
	static uint8_t key[80] = { 3 };
	struct str keys = str_mem(key, 80);
	struct world *w = *state;
	unsigned before;

	tls_server_tickets(w->server, &keys, 1);
	signer_asked = 0;
	assert_false(is_resumed_after(w, &keys, 1));
	before = signer_asked;
	assert_int_equal(before, 2);
	assert_true(is_resumed_after(w, &keys, 1));
	assert_int_equal(signer_asked, before);
}

struct crowd {
	struct world	w;
	enum tls_io	said;
};

static void
crowd_shake(struct crowd *c)
{
	for (size_t i = 0; i < MANY; i++)
		if (c[i].said != TLS_OK && c[i].said != TLS_FAILED)
			c[i].said = shake(&c[i].w);
}

static size_t
crowd_count(const struct crowd *c, enum tls_io said)
{
	size_t n = 0;

	for (size_t i = 0; i < MANY; i++)
		n += c[i].said == said;
	return n;
}

/* So many wait for the signer, the others for their turn; who ends makes
 * room.  (The one signature given is of another session: its client refuses
 * it, and so that handshake ends.) */
static void
test_crowd(void **state)
{
	struct world *w = *state;
	static struct crowd c[MANY];

	use_late_signer(w);
	for (size_t i = 0; i < MANY; i++) {
		c[i].w = (struct world){ .server = w->server, .ctx = w->ctx };
		c[i].said = TLS_WANT_READ;
		connect_pair(&c[i].w);
		tls_on_key(c[i].w.tls, on_woken, NULL);
	}
	crowd_shake(c);
	assert_int_equal(n_asked, 128);
	assert_int_equal(crowd_count(c, TLS_WANT_KEY), MANY);
	sign_one(waiting[0]);
	waiting[0] = waiting[--n_waiting];
	assert_int_equal(n_woken, 1);
	crowd_shake(c);
	assert_int_equal(n_woken, 2);
	crowd_shake(c);
	assert_int_equal(n_asked, 129);
	/* those who have not asked go at once when it is known to be silent */
	tls_signer_is_late();
	crowd_shake(c);
	assert_int_equal(crowd_count(c, TLS_FAILED), MANY - 129 + 1);
	for (size_t i = 0; i < MANY; i++)
		disconnect_pair(&c[i].w);
	assert_int_equal(n_forgotten, 128);
}

/* Clients that stop between the two hellos take nobody's turn; and who was
 * called and is gone passes it on. */
static void
test_turns(void **state)
{
	struct world *w = *state;
	static struct crowd c[MANY];
	size_t i;

	use_late_signer(w);
	for (i = 0; i < MANY; i++) {
		c[i].w = (struct world){ .server = w->server, .ctx = w->ctx };
		connect_pair(&c[i].w);
		SSL_set1_groups_list(c[i].w.client, "P-521:P-256");
		(void)SSL_do_handshake(c[i].w.client);
		assert_int_equal(tls_handshake(c[i].w.tls), TLS_WANT_READ);
	}
	assert_int_equal(shake(w), TLS_WANT_KEY);
	assert_int_equal(n_asked, 1);
	/* they go on: 127 ask, 23 wait, and the first of those is called */
	for (i = 0; i < MANY; i++) {
		tls_on_key(c[i].w.tls, on_woken, NULL);
		assert_int_equal(shake(&c[i].w), TLS_WANT_KEY);
	}
	assert_int_equal(n_asked, 128);
	n_woken = 0;
	sign_one(w->tls);
	waiting[0] = waiting[--n_waiting];
	assert_int_equal(shake(w) == TLS_WANT_KEY, false);
	assert_int_equal(n_woken, 1);
	disconnect_pair(&c[127].w);	/* it was the one */
	assert_int_equal(n_woken, 2);
	assert_int_equal(shake(&c[128].w), TLS_WANT_KEY);
	assert_int_equal(n_asked, 129);
	for (i = 0; i < MANY; i++)
		if (i != 127)
			disconnect_pair(&c[i].w);
	assert_int_equal(n_forgotten, 128);
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
		cmocka_unit_test_setup_teardown(test_client_resumes_unchecked,
		    setup, teardown),
		cmocka_unit_test(test_client_refuses),
		cmocka_unit_test_setup_teardown(test_bad_certificates, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_names_and_kinds, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_rsa_key_exchange,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_signer, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_wrong_signature, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_dies_waiting, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_resumed_asks_nobody,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_hello_retry, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
	};

	return cmocka_run_group_tests_name("event/tls", tests, NULL, NULL);
}
