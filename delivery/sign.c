/* SPDX-License-Identifier: ISC */
/*
 * delivery/sign.c - the one file of signd that calls libopendkim.
 *
 * One handle a key: the message is read once and given to each.  The library
 * never sees a message of strangers here, only of those who may sign; its
 * resolver is never used.  Keys were parsed by OpenSSL before they come here,
 * for the library frees twice where it fails to sign.
 *
 * What is signed: `fields' below, each as often as it stands there; those
 * marked once more ("over-signed"), so that nobody on the way can put another
 * one on top and have it believed.  List-Id, List-Post and Sender are not:
 * lists that change nothing else add them, and a signature that lives through
 * a list is worth more.
 *
 * RFC 6376, RFC 8463 (Ed25519), RFC 8301 (no SHA-1), RFC 8058 4 (one-click
 * unsubscription must be signed).
 */
#include "delivery/sign.h"

#include <opendkim/dkim.h>
#include <openssl/crypto.h>
#include <string.h>

#include "mail/header.h"

#include "base/banned.h"

static const struct {
	const char	*name;
	bool		is_over;
} fields[] = {
	{ "From", true }, { "To", true }, { "Cc", true },
	{ "Subject", true }, { "Date", true }, { "Message-ID", true },
	{ "Reply-To", true }, { "In-Reply-To", true }, { "References", true },
	{ "MIME-Version", true }, { "Content-Type", true },
	{ "Content-Transfer-Encoding", true },
	{ "List-Unsubscribe", true }, { "List-Unsubscribe-Post", true },
	{ "Content-Disposition", false }, { "Content-Language", false },
	{ "Sender", false }, { "List-Id", false }, { "List-Help", false },
	{ "List-Subscribe", false }, { "List-Post", false },
	{ "List-Owner", false }, { "List-Archive", false },
	{ "Auto-Submitted", false }, { "Feedback-ID", false },
	{ "Resent-From", false }, { "Resent-To", false },
	{ "Resent-Cc", false }, { "Resent-Date", false },
	{ "Resent-Message-ID", false },
};

static struct dkim_lib *lib;

/* The library keeps these lists as they are given. */
static void
set_lists(void)
{
	static u_char *all[NITEMS(fields) + 1], *over[NITEMS(fields) + 1];
	size_t n = 0;

	for (size_t i = 0; i < NITEMS(fields); i++) {
		all[i] = (u_char *)xstrdup(fields[i].name);
		if (fields[i].is_over)
			over[n++] = (u_char *)xstrdup(fields[i].name);
	}
	if (dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_SIGNHDRS, all,
	    sizeof(u_char **)) != DKIM_STAT_OK ||
	    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_OVERSIGNHDRS, over,
	    sizeof(u_char **)) != DKIM_STAT_OK)
		bug("libopendkim refuses the list of fields");
}

void
sign_init(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	lib = dkim_init(NULL, NULL);
	if (lib == NULL || !dkim_libfeature(lib, DKIM_FEATURE_SHA256) ||
	    !dkim_libfeature(lib, DKIM_FEATURE_ED25519))
		bug("libopendkim cannot do SHA-256 or Ed25519");
	set_lists();
}

static int
fail(struct sign *s, size_t i, DKIM_STAT st, struct why *why)
{
	const char *text = dkim_geterror(s->handle[i]);

	return why_set(why, st == DKIM_STAT_SYNTAX ? FAIL_SYNTAX : FAIL_TEMP,
	    "%s/%s: %s", s->key[i]->domain, s->key[i]->selector,
	    text != NULL ? text : dkim_getresultstr(st));
}

int
sign_begin(struct sign *s, const struct sign_key *const *keys, size_t n,
    struct why *why)
{
	DKIM_STAT st = DKIM_STAT_OK;

	*s = (struct sign){ .n = 0 };
	for (; s->n < n && s->n < SIGN_KEYS_MAX; s->n++) {
		const struct sign_key *k = keys[s->n];

		s->key[s->n] = k;
		s->handle[s->n] = dkim_sign(lib, (const u_char *)k->selector,
		    NULL, (dkim_sigkey_t)k->pem, (const u_char *)k->selector,
		    (const u_char *)k->domain, DKIM_CANON_RELAXED,
		    DKIM_CANON_RELAXED, k->type == KEYPAIR_RSA ?
		    DKIM_SIGN_RSASHA256 : DKIM_SIGN_ED25519SHA256, -1, &st);
		if (s->handle[s->n] == NULL) {
			sign_free(s);
			return why_set(why, FAIL_TEMP, "%s/%s: %s", k->domain,
			    k->selector, dkim_getresultstr(st));
		}
	}
	return 0;
}

static int
give_field(struct sign *s, struct str raw, struct why *why)
{
	for (size_t i = 0; i < s->n; i++) {
		DKIM_STAT st = dkim_header(s->handle[i], (u_char *)(uintptr_t)
		    raw.p, raw.n);

		if (st != DKIM_STAT_OK)
			return fail(s, i, st, why);
	}
	return 0;
}

int
sign_header(struct sign *s, struct str block, struct why *why)
{
	struct header h;
	struct header_field f;
	int rc = 0;

	header_init(&h, block);
	while (rc == 0 && header_next(&h, &f))
		if (f.name.n > 0)
			rc = give_field(s, str_chomp(f.raw), why);
	for (size_t i = 0; rc == 0 && i < s->n; i++) {
		DKIM_STAT st = dkim_eoh(s->handle[i]);

		if (st != DKIM_STAT_OK)
			rc = fail(s, i, st, why);
	}
	return rc;
}

int
sign_body(struct sign *s, struct str chunk, struct why *why)
{
	for (size_t i = 0; chunk.n > 0 && i < s->n; i++) {
		DKIM_STAT st = dkim_body(s->handle[i], (u_char *)(uintptr_t)
		    chunk.p, chunk.n);

		if (st != DKIM_STAT_OK)
			return fail(s, i, st, why);
	}
	return 0;
}

int
sign_end(struct sign *s, struct buf *out, struct why *why)
{
	for (size_t i = 0; i < s->n; i++) {
		DKIM_STAT st = dkim_eom(s->handle[i], NULL);
		u_char *value = NULL;
		size_t n = 0;

		if (st == DKIM_STAT_OK)
			st = dkim_getsighdr_d(s->handle[i],
			    sizeof(DKIM_SIGNHEADER ": ") - 1, &value, &n);
		if (st != DKIM_STAT_OK)
			return fail(s, i, st, why);
		buf_z(out, DKIM_SIGNHEADER ": ");
		buf_mem(out, value, n);
		buf_z(out, "\r\n");
	}
	return buf_failed(out) ? why_set(why, FAIL_TOO_BIG,
	    "the signatures are too long") : 0;
}

void
sign_free(struct sign *s)
{
	for (size_t i = 0; i < s->n; i++)
		(void)dkim_free(s->handle[i]);
	s->n = 0;
}
