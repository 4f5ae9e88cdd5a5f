/* SPDX-License-Identifier: ISC */
/*
 * smtpd/dkim.c - the one file of checkd that calls libopendkim.
 *
 * Strangers' headers and keys meet a foreign library here, in a process that
 * may do nothing but compute.  What is kept from it: signatures beyond a
 * number or a length, fields with NUL or without a name, headers out of
 * proportion, key records longer than its buffer.  Its resolver is never
 * used: the callback before processing names all keys at once and says "try
 * again" until they are answered, so they are looked up side by side.
 *
 * Good signatures that are not believed (RFC 8601 calls it policy): those
 * that leave a part of the body open (l=), of RSA keys below 1024 bits, or
 * made with SHA-1.
 *
 * RFC 6376 6, RFC 8301, RFC 8463.
 */
#include "smtpd/dkim.h"

#include <opendkim/dkim.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "mail/header.h"

#include "base/banned.h"

enum {
	FIELDS_MAX = 2000,
	HEADER_MAX = 512 * 1024,
	FIELD_MAX = 60 * 1024,	/* the library's own limit is 64 KiB */
	SIGNATURE_MAX = 8 * 1024,
	SIGNATURES_MAX = 32,
	NAME_MAX_ = 253,
	KEY_MAX = 4096,
	KEY_MIN_BITS = 1024,	/* RFC 8301 3.2 */
	PUT_MAX = 5000,		/* octets of results after which none begins */
};

struct key {
	char		name[NAME_MAX_ + 1];
	struct buf	text;
	unsigned	records;
	bool		is_answered, has_failed;
};

struct dkim_check {
	DKIM		*handle;	/* NULL: there is nothing to judge */
	size_t		max;
	size_t		fed, broken;	/* signatures given; not to be read */
	struct key	key[SIGNATURES_MAX];
	size_t		keys;
	bool		is_open;	/* body is wanted */
	struct dkim_result result[SIGNATURES_MAX + 1];
	size_t		results;
};

static DKIM_LIB *lib;

/* --- callbacks ----------------------------------------------------------- */

static struct key *
key_find(struct dkim_check *v, const char *name)
{
	for (size_t i = 0; i < v->keys; i++)
		if (strcasecmp(v->key[i].name, name) == 0)
			return &v->key[i];
	return NULL;
}

/* Where the key of a signature lies; false: nowhere, or too far away. */
static bool
key_name(DKIM_SIGINFO *sig, char out[NAME_MAX_ + 1])
{
	const u_char *s = dkim_sig_getselector(sig);
	const u_char *d = dkim_sig_getdomain(sig);

	return s != NULL && d != NULL && s[0] != '\0' && d[0] != '\0' &&
	    snprintf(out, NAME_MAX_ + 1, "%s._domainkey.%s",
	    (const char *)s, (const char *)d) <= NAME_MAX_;
}

/* Signatures that are wrong in themselves (expired, no such algorithm) need
 * no key. */
static bool
wants_key(DKIM_SIGINFO *sig)
{
	int error = dkim_sig_geterror(sig);

	return error == DKIM_SIGERROR_UNKNOWN || error == DKIM_SIGERROR_OK;
}

static DKIM_CBSTAT
on_prescreen(DKIM *handle, DKIM_SIGINFO **sigs, int n)
{
	struct dkim_check *v = dkim_get_user_context(handle);
	char name[NAME_MAX_ + 1];
	bool waits = false;

	for (int i = 0; i < n; i++) {
		struct key *k;

		if (!wants_key(sigs[i]) || !key_name(sigs[i], name))
			continue;
		k = key_find(v, name);
		if (k == NULL && v->keys < SIGNATURES_MAX) {
			k = &v->key[v->keys++];
			memcpy(k->name, name, sizeof(name));
			buf_init(&k->text, KEY_MAX);
		}
		waits |= k != NULL && !k->is_answered;
	}
	return waits ? DKIM_CBSTAT_TRYAGAIN : DKIM_CBSTAT_CONTINUE;
}

static DKIM_CBSTAT
on_key(DKIM *handle, DKIM_SIGINFO *sig, u_char *out, size_t max)
{
	struct dkim_check *v = dkim_get_user_context(handle);
	char name[NAME_MAX_ + 1];
	struct key *k = key_name(sig, name) ? key_find(v, name) : NULL;

	if (k == NULL || k->records == 0 || k->text.len >= max)
		return k != NULL && k->has_failed ? DKIM_CBSTAT_ERROR :
		    DKIM_CBSTAT_NOTFOUND;
	memcpy(out, buf_cstr(&k->text), k->text.len + 1);
	return DKIM_CBSTAT_CONTINUE;
}

void
dkim_check_init(void)
{
	unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC;

	/* else the first key would have it open openssl.cnf, in the cage */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	lib = dkim_init(NULL, NULL);
	if (lib == NULL || !dkim_libfeature(lib, DKIM_FEATURE_SHA256) ||
	    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
	    sizeof(flags)) != DKIM_STAT_OK ||
	    dkim_set_prescreen(lib, on_prescreen) != DKIM_STAT_OK ||
	    dkim_set_key_lookup(lib, on_key) != DKIM_STAT_OK)
		bug("libopendkim cannot be set up");
}

/* --- header and keys ----------------------------------------------------- */

struct dkim_check *
dkim_check_new(size_t max)
{
	struct dkim_check *v = xcalloc(1, sizeof(*v));

	v->max = max < SIGNATURES_MAX ? max : SIGNATURES_MAX;
	return v;
}

static void
drop_handle(struct dkim_check *v)
{
	if (v->handle != NULL)
		(void)dkim_free(v->handle);
	v->handle = NULL;
	v->is_open = false;
}

void
dkim_check_free(struct dkim_check *v)
{
	if (v == NULL)
		return;
	drop_handle(v);
	for (size_t i = 0; i < v->keys; i++)
		buf_free(&v->key[i].text);
	free(v);
}

static void
add_result(struct dkim_check *v, enum dkim_verdict verdict,
    const char *reason)
{
	if (v->results < NITEMS(v->result))
		v->result[v->results++] = (struct dkim_result){
		    .verdict = verdict, .reason = reason };
}

/* The header as a whole cannot be judged: all its signatures are so. */
static void
give_up(struct dkim_check *v, const char *reason)
{
	drop_handle(v);
	add_result(v, DKIM_V_PERMERROR, reason);
}

/* Is it to be given to the library? */
static bool
is_wanted(struct dkim_check *v, const struct header_field *f)
{
	if (f->name.n == 0 || str_has_nul(f->raw))
		return false;
	if (!str_is(f->name, DKIM_SIGNHEADER))
		return true;
	if (v->fed + v->broken >= v->max)
		return false;
	if (f->raw.n > SIGNATURE_MAX) {
		v->broken++;
		return false;
	}
	v->fed++;
	return true;
}

/* One that it does not take is no field to it; nothing is signed by that. */
static void
give_field(struct dkim_check *v, const struct header_field *f)
{
	struct str raw = str_chomp(f->raw);
	DKIM_STAT st = dkim_header(v->handle, (u_char *)(uintptr_t)raw.p,
	    raw.n);

	if (st != DKIM_STAT_OK && str_is(f->name, DKIM_SIGNHEADER)) {
		v->fed--;
		v->broken++;
	}
}

/* Begins, or goes on when the keys are there. */
static void
end_header(struct dkim_check *v)
{
	DKIM_STAT st = dkim_eoh(v->handle);

	if (st == DKIM_STAT_OK)
		v->is_open = true;
	else if (st == DKIM_STAT_NOSIG)
		drop_handle(v);
	else if (st != DKIM_STAT_CBTRYAGAIN)
		give_up(v, "the header is not well-formed");
}

void
dkim_check_header(struct dkim_check *v, struct str block)
{
	struct header h;
	struct header_field f;
	size_t fields = 0, size = 0;
	DKIM_STAT st;

	if (header_count(block, DKIM_SIGNHEADER) == 0 || v->max == 0)
		return;
	v->handle = dkim_verify(lib, (const u_char *)"-", NULL, &st);
	if (v->handle == NULL || dkim_set_user_context(v->handle, v) !=
	    DKIM_STAT_OK)
		bug("no handle of libopendkim");
	header_init(&h, block);
	while (header_next(&h, &f)) {
		size += f.raw.n;
		if (++fields > FIELDS_MAX || size > HEADER_MAX ||
		    f.raw.n > FIELD_MAX) {
			give_up(v, "the header is too large");
			return;
		}
		if (is_wanted(v, &f))
			give_field(v, &f);
	}
	end_header(v);
}

size_t
dkim_check_keys(const struct dkim_check *v)
{
	return v->handle == NULL ? 0 : v->keys;
}

const char *
dkim_check_key(const struct dkim_check *v, size_t i)
{
	return v->key[i].name;
}

/* RFC 6376 3.6.2.2: what a record without p= is about is not DKIM's.  Two
 * keys under one name are none. */
void
dkim_check_txt(struct dkim_check *v, size_t i, struct str text)
{
	struct key *k = &v->key[i];

	if (str_find(text, STR("p=")) == text.n || str_has_nul(text))
		return;
	if (k->records++ == 0)
		buf_add(&k->text, text);
}

void
dkim_check_answered(struct dkim_check *v, size_t i, bool failed)
{
	v->key[i].is_answered = true;
	v->key[i].has_failed = failed;
	for (size_t n = 0; n < v->keys; n++)
		if (!v->key[n].is_answered)
			return;
	if (v->handle != NULL && !v->is_open)
		end_header(v);
}

/* --- body and end -------------------------------------------------------- */

void
dkim_check_body(struct dkim_check *v, struct str chunk)
{
	if (!v->is_open || chunk.n == 0)
		return;
	if (dkim_body(v->handle, (u_char *)(uintptr_t)chunk.p, chunk.n) !=
	    DKIM_STAT_OK)
		give_up(v, "the body cannot be read");
}

/* What the library says of a signature, in the words of RFC 8601.  Those not
 * here are syntax. */
static const struct {
	int		error;
	enum dkim_verdict verdict;
	const char	*reason;
} errors[] = {
	{ DKIM_SIGERROR_BADSIG, DKIM_V_FAIL, "the signature does not fit" },
	{ DKIM_SIGERROR_NOKEY, DKIM_V_PERMERROR, "no key" },
	{ DKIM_SIGERROR_MULTIREPLY, DKIM_V_PERMERROR, "several keys" },
	{ DKIM_SIGERROR_KEYFAIL, DKIM_V_TEMPERROR, "no answer for its key" },
	{ DKIM_SIGERROR_KEYREVOKED, DKIM_V_PERMERROR, "the key is revoked" },
	{ DKIM_SIGERROR_KEYTOOSMALL, DKIM_V_POLICY, "the key is too short" },
	{ DKIM_SIGERROR_EXPIRED, DKIM_V_PERMERROR, "the signature has expired" },
	{ DKIM_SIGERROR_FUTURE, DKIM_V_PERMERROR, "signed in the future" },
	{ DKIM_SIGERROR_TOOLARGE_L, DKIM_V_PERMERROR,
	  "l= is more than the body has" },
	{ DKIM_SIGERROR_NOTEMAILKEY, DKIM_V_PERMERROR, "the key is not for mail" },
	{ DKIM_SIGERROR_KEYHASHMISMATCH, DKIM_V_PERMERROR,
	  "the key is for another hash" },
	{ DKIM_SIGERROR_KEYTYPEUNKNOWN, DKIM_V_PERMERROR,
	  "the key is of an unknown type" },
	{ DKIM_SIGERROR_KEYDECODE, DKIM_V_PERMERROR, "the key cannot be read" },
	{ DKIM_SIGERROR_SUBDOMAIN, DKIM_V_PERMERROR,
	  "the key is not for domains below" },
	{ DKIM_SIGERROR_INVALID_H, DKIM_V_PERMERROR, "From is not signed" },
};

static void
judge_error(struct dkim_result *r, int error)
{
	for (size_t i = 0; i < NITEMS(errors); i++)
		if (errors[i].error == error) {
			r->verdict = errors[i].verdict;
			r->reason = errors[i].reason;
			return;
		}
	r->verdict = DKIM_V_PERMERROR;
	r->reason = "the signature is not well-formed";
}

static bool
has_length(DKIM *handle, DKIM_SIGINFO *sig)
{
	ssize_t all, done, length = -1;

	return dkim_sig_getcanonlen(handle, sig, &all, &done, &length) ==
	    DKIM_STAT_OK && length != -1;
}

/* The signature is right: is it to be believed? */
static void
judge_good(DKIM *handle, DKIM_SIGINFO *sig, struct dkim_result *r)
{
	dkim_alg_t alg = DKIM_SIGN_UNKNOWN;

	r->verdict = DKIM_V_POLICY;
	(void)dkim_sig_getsignalg(sig, &alg);
	if (alg == DKIM_SIGN_RSASHA1)
		r->reason = "SHA-1 is not trusted";
	else if (alg != DKIM_SIGN_ED25519SHA256 && r->bits < KEY_MIN_BITS)
		r->reason = "the key is too short";
	else if (has_length(handle, sig))
		r->reason = "l= leaves a part of the body unsigned";
	else
		r->verdict = DKIM_V_PASS;
}

static void
judge(struct dkim_check *v, DKIM_SIGINFO *sig, struct dkim_result *r)
{
	int error = dkim_sig_geterror(sig);
	unsigned flags = dkim_sig_getflags(sig);
	char name[NAME_MAX_ + 1];
	const struct key *k = key_name(sig, name) ? key_find(v, name) : NULL;

	if (k != NULL && k->has_failed) {
		judge_error(r, DKIM_SIGERROR_KEYFAIL);
	} else if (k != NULL && k->records != 1) {
		judge_error(r, k->records == 0 ? DKIM_SIGERROR_NOKEY :
		    DKIM_SIGERROR_MULTIREPLY);
	} else if (error != DKIM_SIGERROR_OK &&
	    error != DKIM_SIGERROR_UNKNOWN && error != DKIM_SIGERROR_BADSIG) {
		judge_error(r, error);
	} else if (dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH) {
		r->verdict = DKIM_V_FAIL;
		r->reason = "the body was changed";
	} else if (dkim_sig_getbh(sig) != DKIM_SIGBH_MATCH ||
	    (flags & DKIM_SIGFLAG_PASSED) == 0) {
		judge_error(r, DKIM_SIGERROR_BADSIG);
	} else {
		judge_good(v->handle, sig, r);
	}
}

static void
judge_all(struct dkim_check *v)
{
	DKIM_SIGINFO **sigs = NULL;
	int n = 0;

	if (dkim_getsiglist(v->handle, &sigs, &n) != DKIM_STAT_OK)
		n = 0;
	for (int i = 0; i < n && v->results < SIGNATURES_MAX; i++) {
		struct dkim_result *r = &v->result[v->results++];
		unsigned bits = 0;

		if (dkim_sig_getkeysize(sigs[i], &bits) == DKIM_STAT_OK)
			r->bits = bits;
		r->domain = str_of((char *)dkim_sig_getdomain(sigs[i]));
		r->selector = str_of((char *)dkim_sig_getselector(sigs[i]));
		r->algorithm = str_of((char *)dkim_sig_getalgorithm(sigs[i]));
		judge(v, sigs[i], r);
	}
	if ((size_t)n < v->fed)
		v->broken += v->fed - (size_t)n;
}

void
dkim_check_end(struct dkim_check *v)
{
	if (v->is_open) {
		(void)dkim_eom(v->handle, NULL);
		judge_all(v);
		v->is_open = false;
	} else if (v->handle == NULL && v->results == 0) {
		v->broken += v->fed;	/* it found none in them */
	}
	if (v->broken > 0)
		add_result(v, DKIM_V_PERMERROR,
		    "the signature is not well-formed");
}

/* --- results ------------------------------------------------------------- */

size_t
dkim_check_results(const struct dkim_check *v)
{
	return v->results;
}

const struct dkim_result *
dkim_check_result(const struct dkim_check *v, size_t i)
{
	return &v->result[i];
}

const char *
dkim_verdict_name(enum dkim_verdict verdict)
{
	static const char *const names[] = {
		[DKIM_V_PASS] = "pass", [DKIM_V_FAIL] = "fail",
		[DKIM_V_POLICY] = "policy", [DKIM_V_NEUTRAL] = "neutral",
		[DKIM_V_TEMPERROR] = "temperror",
		[DKIM_V_PERMERROR] = "permerror",
	};

	return names[verdict];
}

void
dkim_check_put(const struct dkim_check *v, struct authres *a)
{
	if (v->results == 0)
		authres_result(a, "dkim", "none");
	for (size_t i = 0; i < v->results && a->out->len < PUT_MAX; i++) {
		const struct dkim_result *r = &v->result[i];

		authres_result(a, "dkim", dkim_verdict_name(r->verdict));
		if (r->reason != NULL)
			authres_reason(a, r->reason);
		authres_prop(a, "header", "d", r->domain);
		authres_prop(a, "header", "s", r->selector);
		authres_prop(a, "header", "a", r->algorithm);
	}
}
