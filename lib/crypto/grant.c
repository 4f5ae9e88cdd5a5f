/* SPDX-License-Identifier: ISC */
/*
 * crypto/grant.c - HMAC-SHA256(key, account 0 home 0 service 0 sid 0 expires).
 *
 * The words are kept apart by a NUL that none of them may hold, so that no
 * two different grants give the same bytes.
 */
#include "crypto/grant.h"

#include "base/buf.h"
#include "base/fail.h"
#include "crypto/digest.h"
#include "base/banned.h"

#define WORDS_MAX	4096

int
grant_make(struct str key, const struct grant *g, uint8_t mac_out[GRANT_LEN])
{
	const struct str word[] = { g->account, g->home, g->service, g->sid };
	struct buf b;
	size_t i;

	if (key.n == 0)
		return FAIL_BUG;
	for (i = 0; i < NITEMS(word); i++)
		if (str_has_nul(word[i]))
			return FAIL_SYNTAX;
	buf_init(&b, WORDS_MAX);
	for (i = 0; i < NITEMS(word); i++) {
		buf_add(&b, word[i]);
		buf_c(&b, 0);
	}
	buf_fmt(&b, "%lld", (long long)g->expires_ms);
	if (buf_failed(&b)) {
		buf_free(&b);
		return FAIL_TOO_BIG;
	}
	digest_hmac(key, buf_str(&b), mac_out);
	buf_free(&b);
	return 0;
}

bool
grant_check(struct str key, const struct grant *g, struct str mac,
    int64_t now_ms)
{
	uint8_t want[GRANT_LEN];

	if (now_ms >= g->expires_ms || grant_make(key, g, want) != 0)
		return false;
	return str_eq_secret(str_mem(want, sizeof(want)), mac);
}
