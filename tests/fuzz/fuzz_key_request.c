/* SPDX-License-Identifier: ISC */
/*
 * What a face that was taken over may ask of keyd.  The bytes become one
 * KEY_SIGN after the other, through a real channel and the real decoder:
 *
 *	u8 which key (0: P-256, 1: RSA, 2: unknown, 3: a short name, 4: the
 *	bytes as they are, as a packet), u16 scheme, u16 length, what to sign
 *
 * What is checked: each question that is well-formed gets one answer, in the
 * end; a signature is of what was asked, and only what begins as a TLS
 * handshake begins is signed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

int keyd_main(int argc, char **argv);
#define main	keyd_main
#include "../../delivery/keyd.c"
#undef main

#include "base/clock.h"
#include "ipc/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fake face;
static bool lives;
static EVP_PKEY *real[2];

/* --- what daemon.c defines ------------------------------------------------ */

int
daemon_file(const char *name)
{
	(void)name;
	return -1;
}

NORETURN void
daemon_main(const struct daemon_ops *o, int argc, char **argv)
{
	(void)o, (void)argc, (void)argv;
	abort();
}

static void
on_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

static void
on_face_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	on_note(c, n);
}

static void
on_face_end(struct chan *c, void *arg)
{
	(void)arg;
	on_peer_gone(c);
	face.chan = NULL;
	lives = false;
	chan_free(c);
}

/* --- the world ------------------------------------------------------------ */

static void
add_key(size_t i, EVP_PKEY *key)
{
	BIO *b = BIO_new(BIO_s_mem());
	struct str pem;
	struct why why;
	char *p;
	long n;

	if (key == NULL || PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0,
	    NULL, NULL) != 1)
		abort();
	n = BIO_get_mem_data(b, &p);
	pem = str_mem(p, (size_t)n);
	if (tlskey_next(&pem, &k.now.key[i], &why) != 0)
		abort();
	k.now.n = i + 1;
	real[i] = key;
	BIO_free(b);
}

static void
begin(void)
{
	if (real[0] == NULL) {
		tlskey_warm();
		log_set_sink(on_log, NULL);
		add_key(0, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
		add_key(1, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
		timer_init(&k.too_late, on_too_late);
		timer_init(&k.forget_old, on_forget_old);
		clock_freeze(1000);
	}
	fake_init(&face, KEYD, SMTPD, 0, on_face_note, on_face_end, NULL);
	lives = true;
}

/* --- judging -------------------------------------------------------------- */

static bool
is_handshake(struct str tbs)
{
	static const char words[] = "TLS 1.3, server CertificateVerify";

	return tbs.n > 68 && ((str_starts(str_from(tbs, 64), words) &&
	    tbs.p[0] == ' ') || tbs.p[64] == 3);
}

static void
verify(size_t which, uint32_t scheme, struct str tbs, struct str sig)
{
	const struct keyask_scheme *s = keyask_scheme(scheme);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;

	if (which > 1 || s == NULL || !is_handshake(tbs) ||
	    EVP_DigestVerifyInit_ex(md, &ctx, s->digest, NULL, NULL,
	    real[which], NULL) != 1)
		abort();
	if (s->is_pss && EVP_PKEY_CTX_set_rsa_padding(ctx, 6) != 1)
		abort();
	if (EVP_DigestVerify(md, sig.p, sig.n, tbs.p, tbs.n) != 1)
		abort();
	EVP_MD_CTX_free(md);
}

/* The answer, now or when the time of waiting is over. */
static void
hear(size_t which, uint32_t ticket, const struct note_key_sign *ask)
{
	struct note n;

	loop_once(0);
	if (!fake_next(&face, &n)) {
		clock_turn(EARLY_MS);
		loop_run_timers();
		loop_once(0);
		if (!fake_next(&face, &n))
			abort();
	}
	if (n.kind != NOTE_KEY_SIGNED || n.ticket != ticket)
		abort();
	if (n.u.key_signed.failed == 0)
		verify(which, ask->scheme, ask->tbs, n.u.key_signed.signature);
	else if (n.u.key_signed.signature.n > 0 || n.u.key_signed.text.n == 0)
		abort();
}

static void
say(size_t which, uint32_t scheme, struct str tbs, uint32_t ticket)
{
	static const uint8_t unknown[KEYASK_ID];
	struct note n;

	note_init(&n, NOTE_KEY_SIGN);
	n.ticket = ticket;
	n.u.key_sign.key = which < 2 ? tlskey_id(k.now.key[which]) :
	    str_mem(unknown, which == 2 ? sizeof(unknown) : 7);
	n.u.key_sign.scheme = scheme;
	n.u.key_sign.tbs = tbs;
	fake_say(&face, &n);
	if (!lives)
		abort();
	hear(which, ticket, &n.u.key_sign);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_mem(data, size), tbs;
	uint32_t ticket = 1;

	begin();
	while (in.n >= 5 && lives && ticket < 50) {
		size_t which = in.p[0] % 5;
		uint32_t scheme = (uint32_t)in.p[1] << 8 | in.p[2];
		size_t n = ((size_t)in.p[3] << 8 | in.p[4]) %
		    (KEYASK_TBS_MAX + 1);

		tbs = str_sub(in, 5, n);
		in = str_from(in, 5 + tbs.n);
		if (which == 4)
			fake_raw(&face, tbs, NULL, 0);
		else
			say(which, scheme, tbs, ticket++);
		loop_once(0);
	}
	if (lives)
		fake_free(&face);
	else {
		fd_close(&face.fd);
		buf_free(&face.last);
	}
	serve_early(true);
	return 0;
}
