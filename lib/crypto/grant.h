/* SPDX-License-Identifier: ISC */
/*
 * crypto/grant.h - proof of a login (architecture.md, decision 3).
 *
 * authd makes it, the face that asked carries it, stored and spoold check
 * it.  All of them know the key "grant" that master makes for each run; a
 * face does not, so a face that is taken over can act for the accounts that
 * logged in through it and for no others.
 */
#ifndef CRYPTO_GRANT_H
#define CRYPTO_GRANT_H

#include "base/str.h"

#define GRANT_LEN	32
/* A reader shows its grant to stored at once; a submission session keeps it
 * as long as a session may last. */
#define GRANT_LOGIN_MS		(60 * 1000)
#define GRANT_SUBMISSION_MS	(24 * 60 * 60 * 1000)

struct grant {
	struct str	account, home, service, sid;
	int64_t		expires_ms;	/* clock_real_ms */
};

/* FAIL_SYNTAX: a text holds a NUL byte, which separates them in the MAC. */
int	grant_make(struct str key, const struct grant *g,
	    uint8_t mac_out[GRANT_LEN]) MUST_CHECK;
/* Is mac what grant_make gave for the same words, and not expired?  Takes
 * the same time whichever byte differs; an empty key is never right. */
bool	grant_check(struct str key, const struct grant *g, struct str mac,
	    int64_t now_ms);

#endif
