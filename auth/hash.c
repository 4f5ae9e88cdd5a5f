/* SPDX-License-Identifier: ISC */
/*
 * auth/hash.c - passwords against their stored forms, by crypt(3).
 *
 * The only file that calls libcrypt to check.  Comparison takes the same
 * time wherever two hashes differ; the secret is wiped from every copy made
 * here.
 */
#include "auth/hash.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/rand.h"
#include "base/banned.h"

/* Longest passphrase libcrypt takes; SASL lets 4096 octets through. */
#define SECRET_MAX	(CRYPT_MAX_PASSPHRASE_SIZE - 1)

static bool
is_usable(const char *hash)
{
	int rc = crypt_checksalt(hash);

	return rc == CRYPT_SALT_OK || rc == CRYPT_SALT_METHOD_LEGACY ||
	    rc == CRYPT_SALT_TOO_CHEAP;
}

static enum hash_answer
check_crypt(struct str stored, struct str secret)
{
	char hash[CRYPT_OUTPUT_SIZE], text[SECRET_MAX + 1];
	struct crypt_data *data;
	const char *made;
	bool right;

	if (stored.n >= sizeof(hash))
		return HASH_UNUSABLE;
	memcpy(hash, stored.p, stored.n);
	hash[stored.n] = '\0';
	if (!is_usable(hash))
		return HASH_UNUSABLE;
	memcpy(text, secret.p, secret.n);
	text[secret.n] = '\0';
	data = xcalloc(1, sizeof(*data));	/* 32 KiB */
	made = crypt_r(text, hash, data);
	right = made != NULL && made[0] != '*' &&
	    str_eq_secret(str_of(made), stored);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return right ? HASH_RIGHT : HASH_WRONG;
}

enum hash_answer
hash_check(struct str stored, struct str secret)
{
	if (str_has_nul(secret) || str_has_nul(stored))
		return HASH_WRONG;
	if (str_istarts(stored, "{PLAIN}"))
		return secret.n > 0 && str_eq_secret(str_from(stored,
		    strlen("{PLAIN}")), secret) ? HASH_RIGHT : HASH_WRONG;
	/* Cut, a long password would open what its beginning opens. */
	if (secret.n > SECRET_MAX)
		return HASH_WRONG;
	if (str_istarts(stored, "{CRYPT}"))
		stored = str_from(stored, strlen("{CRYPT}"));
	else if (str_starts(stored, "{"))
		return HASH_UNUSABLE;
	return check_crypt(stored, secret);
}

const char *
hash_dummy(void)
{
	static char hash[CRYPT_OUTPUT_SIZE];
	struct crypt_data *data;
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], secret[33];
	const char *made;
	size_t i;

	if (hash[0] != '\0')
		return hash;
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, salt, sizeof(salt)) == NULL)
		bug("libcrypt makes no yescrypt salt");
	for (i = 0; i < sizeof(secret) - 1; i++)
		secret[i] = (char)('a' + rand_below(26));
	secret[i] = '\0';
	data = xcalloc(1, sizeof(*data));
	made = crypt_r(secret, salt, data);
	if (made == NULL || made[0] == '*' || strlen(made) >= sizeof(hash))
		bug("libcrypt makes no yescrypt hash");
	memcpy(hash, made, strlen(made) + 1);
	free(data);
	return hash;
}
