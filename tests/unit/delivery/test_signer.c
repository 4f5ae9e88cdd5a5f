/* SPDX-License-Identifier: ISC */
/*
 * signd's answers: who gets a signature for which domain, and who does not.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/grant.h"
#include "crypto/keypair.h"
#include "daemon/daemon.h"
#include "delivery/signer.h"
#include "ipc/fake.h"

#include "base/banned.h"

#ifdef VEREDUS_SANITIZE
/* The library loses memory with each Ed25519 signature (signd begins anew for
 * that); our own part of it, reading keys, is test_keypair's. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libopendkim\nleak:libcrypto\n";
}
#endif

#define NOW	1700000000000
#define SECRET	"0123456789abcdef0123456789abcdef"

static struct {
	struct conf	conf;
	struct fake	master, smtpd, bounce;
	uint64_t	keys;
	bool		has_ended;
} w;

/* --- what the room has of others ------------------------------------------ */

const struct conf *
daemon_conf(void)
{
	return &w.conf;
}

struct str
daemon_key(const char *name)
{
	assert_string_equal(name, "grant");
	return STR(SECRET);
}

void
daemon_stat(const char *name, uint64_t value)
{
	if (strcmp(name, "keys") == 0)
		w.keys = value;
}

void
daemon_renew(void)
{
	w.has_ended = true;
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	signer_note(c, n);
}

static void
on_end(struct chan *c, void *arg)
{
	fail_msg("the channel ended");
}

static int
file_of(struct str s)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0 && file_write(fd, s) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
	    F_SEAL_SEAL) == 0);
	return fd;
}

/* --- keys ------------------------------------------------------------------ */

static void
deal(const char *domain, const char *selector, struct str pem)
{
	struct note n;
	int fd = file_of(pem);

	note_init(&n, NOTE_SIGN_KEY);
	n.u.sign_key.domain = str_of(domain);
	n.u.sign_key.selector = str_of(selector);
	note_set_fd(&n, fd);
	fake_say(&w.master, &n);
	(void)close(fd);
}

static void
deal_new(const char *domain, const char *selector, enum keypair_type t,
    unsigned bits)
{
	struct buf pem;

	buf_init(&pem, KEYPAIR_PEM_MAX);
	assert_int_equal(keypair_make(t, bits, &pem), 0);
	deal(domain, selector, buf_str(&pem));
	buf_wipe(&pem);
}

static uint64_t
keys(void)
{
	signer_stat();
	return w.keys;
}

static void
deal_all(void)
{
	deal_new("example.org", "e", KEYPAIR_ED25519, 0);
	deal_new("example.net", "n", KEYPAIR_ED25519, 0);
	deal_new("local.example", "l", KEYPAIR_ED25519, 0);
	signer_swap_keys();
}

/* --- asking ---------------------------------------------------------------- */

struct sign_case {
	bool		by_bounce;
	const char	*account, *from;
	const char	*d;	/* of the signature; NULL: none */
	int		failed;
	int		grant;	/* 0 good, 1 of another, 2 expired, 3 none */
};

static void
put_grant(const struct sign_case *c, struct note_sign_ask *n,
    uint8_t mac[GRANT_LEN])
{
	struct grant g = {
		.account = c->grant == 1 ? STR("ann@example.net") : n->account,
		.service = n->service, .sid = n->sid,
		.expires_ms = n->expires_ms,
	};

	if (c->grant == 3 || n->account.n == 0)
		return;
	assert_int_equal(grant_make(STR(SECRET), &g, mac), 0);
	n->grant = str_mem(mac, GRANT_LEN);
}

static void
run(const struct sign_case *c)
{
	struct fake *f = c->by_bounce ? &w.bounce : &w.smtpd;
	uint8_t mac[GRANT_LEN];
	char text[200], want[80];
	struct note n;
	int fd;

	(void)snprintf(text, sizeof(text), "%sSubject: x\r\n\r\nbody\r\n",
	    c->from);
	fd = file_of(str_of(text));
	note_init(&n, NOTE_SIGN_ASK);
	n.ticket = 7;
	n.u.sign_ask.size = strlen(text);
	n.u.sign_ask.added = STR("Received: from x\r\n");
	n.u.sign_ask.account = str_of(c->account);
	n.u.sign_ask.service = STR("submission");
	n.u.sign_ask.sid = STR("sid");
	n.u.sign_ask.expires_ms = c->grant == 2 ? NOW - 1 : NOW + 1000;
	put_grant(c, &n.u.sign_ask, mac);
	note_set_fd(&n, fd);
	fake_say(f, &n);
	(void)close(fd);
	assert_true(fake_next(f, &n));
	assert_int_equal(n.kind, NOTE_SIGN_DONE);
	assert_int_equal(-(int)n.u.sign_done.failed, c->failed);
	(void)snprintf(want, sizeof(want), "d=%s;", c->d != NULL ? c->d : "");
	if (c->d == NULL)
		assert_int_equal(n.u.sign_done.added.n, 0);
	else if (!str_starts(n.u.sign_done.added, "DKIM-Signature: v=1;") ||
	    str_find(n.u.sign_done.added, str_of(want)) ==
	    n.u.sign_done.added.n)
		fail_msg("%s %s: %.*s", c->account, c->from,
		    STR_ARG(n.u.sign_done.added));
}

#define JOE	"joe@example.org"
#define F(domain)	"From: x@" domain "\r\n"

static const struct sign_case cases[] = {
	{ 0, JOE, F("example.org"), "example.org", 0, 0 },
	{ 0, JOE, F("Example.ORG"), "example.org", 0, 0 },
	{ 0, JOE, F("a.b.example.org"), "example.org", 0, 0 },
	/* not his */
	{ 0, JOE, F("example.net"), NULL, 0, 0 },
	{ 0, JOE, F("notexample.org"), NULL, 0, 0 },
	{ 0, JOE, F("org"), NULL, 0, 0 },
	{ 0, JOE, "From: a@example.org, b@example.net\r\n", NULL, 0, 0 },
	{ 0, JOE, F("example.org") F("example.org"), NULL, 0, 0 },
	{ 0, JOE, "", NULL, 0, 0 },
	{ 0, JOE, "From: joe\r\n", NULL, 0, 0 },
	/* without a live grant of his own: refused, also for what is his */
	{ 0, JOE, F("example.org"), NULL, FAIL_DENIED, 1 },
	{ 0, JOE, F("example.org"), NULL, FAIL_DENIED, 2 },
	{ 0, JOE, F("example.org"), NULL, FAIL_DENIED, 3 },
	/* no login: only what the setting names */
	{ 0, "", F("local.example"), "local.example", 0, 3 },
	{ 0, "", F("x.local.example"), "local.example", 0, 3 },
	{ 0, "", F("example.org"), NULL, 0, 3 },
	{ 0, JOE, F("local.example"), NULL, 0, 0 },
	/* bounce: our host name, by the key above it */
	{ 1, "", F("mail.example.org"), "example.org", 0, 3 },
	{ 1, "", F("example.org"), NULL, 0, 3 },
	{ 1, "", F("local.example"), NULL, 0, 3 },
};

static void
test_who(void **state)
{
	deal_all();
	assert_int_equal(keys(), 3);
	for (size_t i = 0; i < NITEMS(cases); i++)
		run(&cases[i]);
}

/* `dkim senders local': any domain served here, with a login. */
static void
test_local(void **state)
{
	static const struct sign_case
	    good = { 0, JOE, F("example.net"), "example.net", 0, 0 },
	    other = { 0, JOE, F("local.example"), NULL, 0, 0 },
	    no_grant = { 0, JOE, F("example.net"), NULL, FAIL_DENIED, 3 };
	struct why why;

	deal_all();
	assert_int_equal(conf_row(&w.conf, STR("dkim senders"), STR("local"),
	    &why), 0);
	run(&good);
	run(&other);
	run(&no_grant);
}

/* A set replaces the one before; what is no key is left out. */
static void
test_keys(void **state)
{
	static const struct sign_case
	    good = { 0, JOE, F("example.org"), "example.org", 0, 0 },
	    none = { 0, JOE, F("example.org"), NULL, 0, 0 };

	deal_all();
	run(&good);
	deal("example.org", "junk", STR("no key"));
	deal_new("example.org", "short", KEYPAIR_RSA, 512);
	signer_swap_keys();
	assert_int_equal(keys(), 0);
	run(&none);
	deal_new("example.org", "rsa", KEYPAIR_RSA, 1024);
	deal_new("example.org", "ed", KEYPAIR_ED25519, 0);
	run(&none);	/* not before they are all there */
	signer_swap_keys();
	assert_int_equal(keys(), 2);
	run(&good);
}

/* A content that is not there is our trouble, not an unsigned message. */
static void
test_cut(void **state)
{
	struct note n;
	int fd = file_of(STR("From: x@example.org\r\n\r\nx\r\n"));

	deal_all();
	note_init(&n, NOTE_SIGN_ASK);
	n.ticket = 7;
	n.u.sign_ask.size = 1000;
	note_set_fd(&n, fd);
	fake_say(&w.bounce, &n);
	(void)close(fd);
	assert_true(fake_next(&w.bounce, &n));
	assert_int_equal(-(int)n.u.sign_done.failed, FAIL_TEMP);
}

static int
setup(void **state)
{
	struct why why;

	memset(&w, 0, sizeof(w));
	conf_init(&w.conf);
	if (conf_row(&w.conf, STR("hostname"), STR("mail.example.org"), &why) ||
	    conf_row(&w.conf, STR("domain"), STR("example.org"), &why) ||
	    conf_row(&w.conf, STR("domain"), STR("example.net"), &why) ||
	    conf_row(&w.conf, STR("dkim without-login"), STR("local.example"),
	    &why))
		return 1;
	fake_init(&w.master, SIGND, MASTER, 0, on_note, on_end, NULL);
	fake_init(&w.smtpd, SIGND, SMTPD, 0, on_note, on_end, NULL);
	fake_init(&w.bounce, SIGND, BOUNCE, 0, on_note, on_end, NULL);
	return 0;
}

static int
teardown(void **state)
{
	signer_swap_keys();	/* none: the old ones are freed */
	fake_free(&w.master);
	fake_free(&w.smtpd);
	fake_free(&w.bounce);
	conf_free(&w.conf);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who, setup, teardown),
		cmocka_unit_test_setup_teardown(test_local, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
	};

	clock_freeze(NOW);
	loop_init();
	signer_warm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
