/* SPDX-License-Identifier: ISC */
/*
 * crypto/keyask.c - the shapes of what a TLS server signs.
 *
 * Pure: bytes in, yes or no out.  RFC 8446 4.4.3 (TLS 1.3), RFC 8422 5.4
 * (ECDHE in TLS 1.2), RFC 5246 7.4.3.
 */
#include "crypto/keyask.h"

#include <string.h>
#include <strings.h>

#include "base/banned.h"

#define BLANKS		64
#define CONTEXT		"TLS 1.3, server CertificateVerify"
#define RANDOMS		64	/* client's and server's */
#define NAMED_CURVE	3

static const struct keyask_scheme schemes[] = {
	{ 0x0403, "SHA256", false, false, false },
	{ 0x0503, "SHA384", false, false, false },
	{ 0x0603, "SHA512", false, false, false },
	{ 0x0804, "SHA256", true,  true,  false },
	{ 0x0805, "SHA384", true,  true,  false },
	{ 0x0806, "SHA512", true,  true,  false },
	{ 0x0401, "SHA256", true,  false, true },
	{ 0x0501, "SHA384", true,  false, true },
	{ 0x0601, "SHA512", true,  false, true },
};

/* Groups of event/tls.c and the length of a point of each. */
static const struct { uint16_t group; uint8_t point; } curves[] = {
	{ 29, 32 }, { 23, 65 }, { 24, 97 },	/* X25519, P-256, P-384 */
};

const struct keyask_scheme *
keyask_scheme(uint32_t number)
{
	for (size_t i = 0; i < NITEMS(schemes); i++)
		if (schemes[i].number == number)
			return &schemes[i];
	return NULL;
}

const struct keyask_scheme *
keyask_scheme_of(bool is_rsa, bool is_pss, const char *digest)
{
	const struct keyask_scheme *s = schemes, *end = s + NITEMS(schemes);

	if (strncasecmp(digest, "SHA2-", 5) == 0)	/* OpenSSL has both */
		digest += 5;
	else if (strncasecmp(digest, "SHA", 3) == 0)
		digest += 3;
	while (s < end && (s->is_rsa != is_rsa || s->is_pss != is_pss ||
	    strcmp(s->digest + 3, digest) != 0))
		s++;
	return s < end ? s : NULL;
}

static bool
is_verify(struct str tbs)
{
	size_t at = BLANKS + sizeof(CONTEXT);	/* its NUL counts */

	for (size_t i = 0; i < BLANKS && i < tbs.n; i++)
		if (tbs.p[i] != ' ')
			return false;
	return (tbs.n == at + 32 || tbs.n == at + 48) &&
	    memcmp(tbs.p + BLANKS, CONTEXT, sizeof(CONTEXT)) == 0;
}

static bool
is_exchange(struct str tbs)
{
	const uint8_t *p = tbs.p + RANDOMS;

	if (tbs.n < RANDOMS + 4 || p[0] != NAMED_CURVE)
		return false;
	for (size_t i = 0; i < NITEMS(curves); i++)
		if ((p[1] << 8 | p[2]) == curves[i].group)
			return p[3] == curves[i].point &&
			    tbs.n == RANDOMS + 4u + curves[i].point;
	return false;
}

int
keyask_check(uint32_t scheme, struct str tbs, struct why *why)
{
	const struct keyask_scheme *s = keyask_scheme(scheme);

	if (s == NULL)
		return why_set(why, FAIL_DENIED, "signature scheme %u is not "
		    "made here", scheme);
	if (is_exchange(tbs) || (!s->is_old && is_verify(tbs)))
		return 0;
	return why_set(why, FAIL_DENIED, "these %zu bytes are no part of a "
	    "TLS handshake", tbs.n);
}
