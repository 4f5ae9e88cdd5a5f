/* SPDX-License-Identifier: ISC */
/*
 * crypto/keyprov.c - the provider "veredus": keys without private half.
 *
 * For libssl a key of ours looks like any other: it has size, curve and
 * public half, and signs.  Inside is an ordinary public key; signing asks
 * whoever has the private one (keyd) and pauses the handshake's job until it
 * has answered.  It exports nothing private, for there is nothing, and offers
 * no decryption: RSA key exchange cannot be had.
 *
 * Two traps.  Export must refuse when the private half is asked for, else
 * OpenSSL moves the key to its own provider and signs with half a key.  And
 * from here on "RSA" has two providers, so the other is made the default.
 *
 * provider(7), provider-keymgmt(7), provider-signature(7), ASYNC_start_job(3).
 */
#include "crypto/keyprov.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/async.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "crypto/tlskey.h"
#include "base/banned.h"

#define NAME	"veredus"
#define PROPS	"provider=" NAME
#define THEIRS	"provider=default"

struct remote {
	EVP_PKEY	*pub;		/* of the default provider */
	const char	*kind;		/* "RSA" or "EC" */
	uint8_t		id[KEYASK_ID];
};

struct signing {
	const struct remote *key;
	bool		is_pss;
	char		digest[32];
};

static keyprov_fn *ask_fn;
static OSSL_PROVIDER *theirs, *ours;

typedef void (*entry_fn)(void);
#define ENTRY(id, fn)	{ OSSL_FUNC_##id, (entry_fn)(fn) }
#define ENTRY_END	{ 0, NULL }

/* --- keys ---------------------------------------------------------------- */

static void *
key_new(const char *kind)
{
	struct remote *k = xcalloc(1, sizeof(*k));

	k->kind = kind;
	return k;
}

static void *
rsa_new(void *provctx)
{
	(void)provctx;
	return key_new("RSA");
}

static void *
ec_new(void *provctx)
{
	(void)provctx;
	return key_new("EC");
}

static void
key_free(void *key)
{
	struct remote *k = key;

	if (k != NULL)
		EVP_PKEY_free(k->pub);
	free(k);
}

/* A key has both halves, whoever holds the other. */
static int
key_has(const void *key, int selection)
{
	const struct remote *k = key;

	return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0 ||
	    k->pub != NULL;
}

/* A key pair of `kind' in the provider that props say. */
static EVP_PKEY *
from_data(const char *kind, const char *props, int selection,
    const OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, props);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, selection,
	    (OSSL_PARAM *)(uintptr_t)params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct remote *k = key;

	(void)selection;
	if (k->pub != NULL)
		return 0;
	k->pub = from_data(k->kind, THEIRS, EVP_PKEY_PUBLIC_KEY, params);
	return k->pub != NULL && tlskey_id_of(k->pub, k->id) == 0;
}

static int
key_export(void *key, int selection, OSSL_CALLBACK *cb, void *arg)
{
	struct remote *k = key;

	if (k->pub == NULL || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY))
		return 0;
	return EVP_PKEY_export(k->pub, EVP_PKEY_PUBLIC_KEY, cb, arg);
}

static const OSSL_PARAM *
key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct remote *x = a, *y = b;

	(void)selection;
	return x->pub != NULL && y->pub != NULL &&
	    EVP_PKEY_eq(x->pub, y->pub) == 1;
}

static int
key_get(void *key, OSSL_PARAM params[])
{
	struct remote *k = key;

	return k->pub != NULL && EVP_PKEY_get_params(k->pub, params) == 1;
}

static const OSSL_PARAM *
key_gettable(void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return params;
}

static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

static const char *
rsa_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL;
}

#define KEY_ENTRIES(kind)						\
	ENTRY(KEYMGMT_NEW, kind##_new), ENTRY(KEYMGMT_FREE, key_free),	\
	ENTRY(KEYMGMT_HAS, key_has), ENTRY(KEYMGMT_IMPORT, key_import),	\
	ENTRY(KEYMGMT_IMPORT_TYPES, key_types),				\
	ENTRY(KEYMGMT_EXPORT, key_export),				\
	ENTRY(KEYMGMT_EXPORT_TYPES, key_types),				\
	ENTRY(KEYMGMT_MATCH, key_match),				\
	ENTRY(KEYMGMT_GET_PARAMS, key_get),				\
	ENTRY(KEYMGMT_GETTABLE_PARAMS, key_gettable),			\
	ENTRY(KEYMGMT_QUERY_OPERATION_NAME, kind##_operation), ENTRY_END

static const OSSL_DISPATCH rsa_keys[] = { KEY_ENTRIES(rsa) };
static const OSSL_DISPATCH ec_keys[] = { KEY_ENTRIES(ec) };

/* --- signatures ---------------------------------------------------------- */

static void *
sign_new(void *provctx, const char *props)
{
	(void)provctx, (void)props;
	return xcalloc(1, sizeof(struct signing));
}

static void
sign_free(void *ctx)
{
	free(ctx);
}

static void *
sign_dup(void *ctx)
{
	struct signing *s = xmalloc(sizeof(*s));

	*s = *(struct signing *)ctx;
	return s;
}

/* A number or a word, as it comes. */
static bool
is_word(const OSSL_PARAM *p, const char *word, int number)
{
	const char *z = NULL;
	int n;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string_ptr(p, &z) == 1 &&
		    strcmp(z, word) == 0;
	return OSSL_PARAM_get_int(p, &n) == 1 && n == number;
}

/* TLS signs with PKCS#1 v1.5 or with PSS and a salt as long as the digest;
 * whatever else is asked for is refused. */
static int
sign_set(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const OSSL_PARAM *p;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL) {
		s->is_pss = is_word(p, OSSL_PKEY_RSA_PAD_MODE_PSS,
		    RSA_PKCS1_PSS_PADDING);
		if (!s->is_pss && !is_word(p, OSSL_PKEY_RSA_PAD_MODE_PKCSV15,
		    RSA_PKCS1_PADDING))
			return 0;
	}
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return p == NULL || is_word(p, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST,
	    RSA_PSS_SALTLEN_DIGEST);
}

static const OSSL_PARAM *
sign_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	(void)ctx, (void)provctx;
	return params;
}

static int
sign_begin(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	int n = snprintf(s->digest, sizeof(s->digest), "%s",
	    digest != NULL ? digest : "");

	s->key = key;
	return n > 0 && (size_t)n < sizeof(s->digest) && sign_set(s, params);
}

/* The answer, once it is there; the job sleeps until then. */
static bool
ask(struct keyprov_ask *a)
{
	ask_fn(a);
	while (a->state == KEYPROV_WAITS) {
		if (ASYNC_get_current_job() == NULL || ASYNC_pause_job() != 1)
			return false;
	}
	return a->state == KEYPROV_SIGNED;
}

static int
sign(void *ctx, unsigned char *sig, size_t *n, size_t size,
    const unsigned char *tbs, size_t tbs_n)
{
	const struct signing *s = ctx;
	const struct keyask_scheme *scheme = keyask_scheme_of(
	    strcmp(s->key->kind, "RSA") == 0, s->is_pss, s->digest);
	struct keyprov_ask a = { .state = KEYPROV_WAITS };

	if (sig == NULL) {
		*n = (size_t)EVP_PKEY_get_size(s->key->pub);
		return 1;
	}
	if (scheme == NULL || tbs_n > KEYASK_TBS_MAX)
		return 0;
	a.id = str_mem(s->key->id, KEYASK_ID);
	a.scheme = scheme->number;
	a.tbs = str_mem(tbs, tbs_n);
	if (!ask(&a) || a.n == 0 || a.n > size)
		return 0;
	memcpy(sig, a.signature, a.n);
	*n = a.n;
	return 1;
}

static const OSSL_DISPATCH signatures[] = {
	ENTRY(SIGNATURE_NEWCTX, sign_new), ENTRY(SIGNATURE_FREECTX, sign_free),
	ENTRY(SIGNATURE_DUPCTX, sign_dup),
	ENTRY(SIGNATURE_DIGEST_SIGN_INIT, sign_begin),
	ENTRY(SIGNATURE_DIGEST_SIGN, sign),
	ENTRY(SIGNATURE_SET_CTX_PARAMS, sign_set),
	ENTRY(SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable), ENTRY_END
};

/* --- the provider -------------------------------------------------------- */

static const OSSL_ALGORITHM *
query(void *provctx, int operation, int *no_cache)
{
	/* libssl looks for keys by their names in X.509 */
	static const OSSL_ALGORITHM keys[] = {
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPS, rsa_keys,
		  NULL },
		{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPS, ec_keys,
		  NULL },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM signing[] = {
		{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPS, signatures,
		  NULL },
		{ "ECDSA", PROPS, signatures, NULL },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keys;
	return operation == OSSL_OP_SIGNATURE ? signing : NULL;
}

static int
begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH entries[] = {
		ENTRY(PROVIDER_QUERY_OPERATION, query), ENTRY_END
	};

	(void)handle, (void)in;
	*out = entries;
	*provctx = &ask_fn;	/* NULL would mean that we failed */
	return 1;
}

/* Before OpenSSL cleans up: it would lose them. */
static void
at_exit(void)
{
	(void)OSSL_PROVIDER_unload(ours);
	(void)OSSL_PROVIDER_unload(theirs);
}

int
keyprov_begin(keyprov_fn *fn, struct why *why)
{
	if (ask_fn != NULL) {
		ask_fn = fn;
		return 0;
	}
	theirs = OSSL_PROVIDER_load(NULL, "default");
	if (OSSL_PROVIDER_add_builtin(NULL, NAME, begin) == 1)
		ours = OSSL_PROVIDER_load(NULL, NAME);
	if (theirs == NULL || ours == NULL || atexit(at_exit) != 0 ||
	    EVP_set_default_properties(NULL, "?" THEIRS) != 1)
		return why_set(why, FAIL_PERM, "OpenSSL takes no provider of "
		    "ours");
	ask_fn = fn;
	return 0;
}

EVP_PKEY *
keyprov_key(EVP_PKEY *public_key)
{
	const char *kind = EVP_PKEY_is_a(public_key, "RSA") ? "RSA" :
	    EVP_PKEY_is_a(public_key, "EC") ? "EC" : NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (kind != NULL && EVP_PKEY_todata(public_key, EVP_PKEY_PUBLIC_KEY,
	    &params) == 1)
		key = from_data(kind, PROPS, EVP_PKEY_KEYPAIR, params);
	OSSL_PARAM_free(params);
	ERR_clear_error();
	return key;
}
