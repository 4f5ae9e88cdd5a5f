/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of daemon/cert.c: certificates are read, and a handshake's
 * signature is asked of keyd, which the test plays.  daemon_file, daemon_key
 * and daemon_peer are this file's.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/tlskey.h"
#include "daemon/cert.h"
#include "daemon/daemon.h"
#include "ipc/fake.h"

#include "../../lib/certs.h"

static int certs_fd = -1;
static char logged[1000];
static struct fake keyd;
static bool keyd_lives;

int
daemon_file(const char *name)
{
	return strcmp(name, "tls-certs") == 0 ? certs_fd : -1;
}

struct str
daemon_key(const char *name)
{
	(void)name;
	return STR("");
}

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	assert_int_equal(kind, KEYD);
	assert_int_equal(index, 0);
	return keyd_lives ? keyd.chan : NULL;
}

static void
on_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)mid, (void)arg;
	(void)snprintf(logged, sizeof(logged), "%.*s", STR_ARG(line));
}

static void
file_is(const char *text)
{
	ssize_t n = (ssize_t)strlen(text);

	if (certs_fd >= 0)
		close(certs_fd);
	certs_fd = memfd_create("certs", 0);
	assert_int_equal(write(certs_fd, text, (size_t)n), n);
	/* whoever read before left the place at the end of the file */
	assert_int_equal(lseek(certs_fd, 0, SEEK_CUR), n);
}

static void
test_life(void **state)
{
	static struct pem a, b;
	static char text[32768];
	struct tls_server *tls = NULL, *first;

	(void)state;
	log_set_sink(on_log, NULL);
	cert_load("pop3", &tls);
	assert_null(tls);
	assert_non_null(strstr(logged, "no-certificate"));

	pem_make(&a, "P-256", "a.example", -60, 60);
	pem_make(&b, "RSA2048", "b.example", -60, 60);
	(void)snprintf(text, sizeof(text), "name a.example\n%sname a.example\n"
	    "%sname b.example\n%s", a.cert, b.cert, b.cert);
	logged[0] = '\0';
	file_is(text);
	cert_load("pop3", &tls);
	assert_non_null(tls);
	assert_string_equal(logged, "");

	/* what is bad: the good ones go on, and it is said */
	first = tls;
	file_is("name a.example\nthis is no certificate\n");
	cert_load("pop3", &tls);
	assert_ptr_equal(tls, first);
	assert_non_null(strstr(logged, "bad-certificate"));

	/* none any more is an order */
	file_is("");
	cert_load("pop3", &tls);
	assert_null(tls);
}

/* --- a handshake --------------------------------------------------------- */

struct shake {
	struct tlskey	*key;
	struct tls_server *server;
	struct tls	*tls;
	SSL_CTX		*ctx;
	SSL		*client;
	int		fd[2];
};

static void
on_keyd_end(struct chan *c, void *arg)
{
	(void)arg;
	keyd_lives = false;
	keyd.chan = NULL;
	chan_free(c);
}

static void
keyd_begins(void)
{
	fake_init(&keyd, SMTPD, KEYD, 0, NULL, on_keyd_end, NULL);
	keyd_lives = true;
}

static void
begin(struct shake *s)
{
	static struct pem p;
	static char text[16384];
	struct str key;
	struct why why;

	memset(s, 0, sizeof(*s));
	log_set_sink(on_log, NULL);
	pem_make(&p, "P-256", "a.example", -60, 60);
	key = p.key_str;
	assert_int_equal(tlskey_next(&key, &s->key, &why), 0);
	(void)snprintf(text, sizeof(text), "name a.example\n%s", p.cert);
	file_is(text);
	cert_load("smtp", &s->server);
	assert_non_null(s->server);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    s->fd), 0);
	s->tls = tls_accept(s->server, s->fd[0]);
	s->ctx = SSL_CTX_new(TLS_client_method());
	s->client = SSL_new(s->ctx);
	SSL_set_fd(s->client, s->fd[1]);
	SSL_set_connect_state(s->client);
}

static void
end(struct shake *s)
{
	tls_free(s->tls);
	SSL_free(s->client);
	SSL_CTX_free(s->ctx);
	tls_server_unref(s->server);
	tlskey_free(s->key);
	close(s->fd[0]);
	close(s->fd[1]);
	if (keyd_lives)
		fake_free(&keyd);
	keyd_lives = false;
}

static enum tls_io
step(struct shake *s)
{
	enum tls_io r = TLS_WANT_READ;

	for (int i = 0; i < 10 && (r == TLS_WANT_READ || r == TLS_WANT_WRITE);
	    i++) {
		(void)SSL_do_handshake(s->client);
		r = tls_handshake(s->tls);
	}
	return r;
}

/* keyd hears the question and says what it said, or refuses. */
static void
keyd_answers(struct shake *s, bool refuse)
{
	uint8_t sig[KEYASK_SIG_MAX];
	struct note n, answer;
	struct why why;
	size_t len;

	loop_once(0);
	assert_true(fake_next(&keyd, &n));
	assert_int_equal(n.kind, NOTE_KEY_SIGN);
	assert_true(str_eq(n.u.key_sign.key, tlskey_id(s->key)));
	assert_int_equal(keyask_check(n.u.key_sign.scheme, n.u.key_sign.tbs,
	    &why), 0);
	note_init(&answer, NOTE_KEY_SIGNED);
	answer.ticket = n.ticket;
	if (refuse) {
		answer.u.key_signed.failed = (uint32_t)-FAIL_DENIED;
		answer.u.key_signed.text = STR("not for you");
	} else {
		assert_int_equal(tlskey_sign(s->key, n.u.key_sign.scheme,
		    n.u.key_sign.tbs, sig, &len, &why), 0);
		answer.u.key_signed.signature = str_mem(sig, len);
	}
	fake_say(&keyd, &answer);
}

static void
test_asks(void **state)
{
	struct shake s;

	(void)state;
	keyd_begins();
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	assert_int_equal(tls_handshake(s.tls), TLS_WANT_KEY);
	keyd_answers(&s, false);
	assert_int_equal(step(&s), TLS_OK);
	end(&s);
}

static void
test_refused(void **state)
{
	struct shake s;

	(void)state;
	keyd_begins();
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	keyd_answers(&s, true);
	assert_int_equal(step(&s), TLS_FAILED);
	assert_non_null(strstr(tls_why(s.tls), "no signature"));
	assert_non_null(strstr(logged, "not for you"));
	end(&s);
}

/* Its question may be what killed it: that handshake fails. */
static void
test_keyd_dies(void **state)
{
	struct shake s;

	(void)state;
	keyd_begins();
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	fake_die(&keyd);
	assert_false(keyd_lives);
	assert_int_equal(step(&s), TLS_FAILED);
	end(&s);
}

/* While there is none the question waits for the next. */
static void
test_keyd_is_away(void **state)
{
	struct shake s;

	(void)state;
	keyd_lives = false;
	clock_freeze(1000);
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	clock_turn(200);
	loop_run_timers();
	assert_int_equal(step(&s), TLS_WANT_KEY);
	keyd_begins();
	clock_turn(200);
	loop_run_timers();
	keyd_answers(&s, false);
	assert_int_equal(step(&s), TLS_OK);
	end(&s);

	/* nor does it wait for ever */
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	for (int i = 0; i < 250; i++) {
		clock_turn(50);
		loop_run_timers();
	}
	assert_int_equal(step(&s), TLS_FAILED);
	end(&s);
	clock_thaw();
}

/* A session that ends while it waits leaves no question behind. */
static void
test_session_ends(void **state)
{
	struct shake s;
	struct note n;

	(void)state;
	keyd_lives = false;
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	end(&s);			/* waits for a keyd */
	keyd_begins();
	loop_once(100);
	assert_false(fake_next(&keyd, &n));
	begin(&s);
	assert_int_equal(step(&s), TLS_WANT_KEY);
	loop_once(0);
	assert_true(fake_next(&keyd, &n));
	end(&s);			/* was asked */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life), cmocka_unit_test(test_asks),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_keyd_dies),
		cmocka_unit_test(test_keyd_is_away),
		cmocka_unit_test(test_session_ends),
	};

	return cmocka_run_group_tests_name("daemon/cert", tests, NULL, NULL);
}
