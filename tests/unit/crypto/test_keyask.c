/* SPDX-License-Identifier: ISC */
/* What looks like a TLS handshake is signed, whatever is near it is not. */
#include "crypto/keyask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define WORDS "TLS 1.3, server CertificateVerify"

struct made {
	uint8_t		bytes[300];
	size_t		n;
};

static void
add(struct made *m, const void *p, size_t n)
{
	memcpy(m->bytes + m->n, p, n);
	m->n += n;
}

static void
pad(struct made *m, int c, size_t n)
{
	memset(m->bytes + m->n, c, n);
	m->n += n;
}

/* TLS 1.3: so many of that, words with their NUL, a hash of so many. */
static struct made
verify(int blank, size_t blanks, const char *words, size_t hash)
{
	struct made m = { .n = 0 };

	pad(&m, blank, blanks);
	add(&m, words, strlen(words) + 1);
	pad(&m, 0xab, hash);
	return m;
}

/* TLS 1.2: randoms, then curve type, group, length, point. */
static struct made
exchange(int type, int group, int says, size_t point)
{
	struct made m = { .n = 0 };
	uint8_t head[4] = { (uint8_t)type, (uint8_t)(group >> 8),
	    (uint8_t)group, (uint8_t)says };

	pad(&m, 0x5a, 64);
	add(&m, head, sizeof(head));
	pad(&m, 4, point);
	return m;
}

static int
check(uint32_t scheme, struct made m)
{
	struct why why = { .code = 0 };
	int rc = keyask_check(scheme, str_mem(m.bytes, m.n), &why);

	assert_true(rc == 0 || (rc == FAIL_DENIED && why.text[0] != '\0'));
	return rc;
}

static void
test_tls13(void **state)
{
	static const struct {
		uint32_t	scheme;
		int		blank;
		size_t		blanks;
		const char	*words;
		size_t		hash;
		int		want;
	} cases[] = {
		{ 0x0403, ' ', 64, WORDS, 32, 0 },
		{ 0x0403, ' ', 64, WORDS, 48, 0 },
		{ 0x0804, ' ', 64, WORDS, 48, 0 },
		{ 0x0401, ' ', 64, WORDS, 32, FAIL_DENIED },	/* PKCS#1 */
		{ 0x0203, ' ', 64, WORDS, 32, FAIL_DENIED },	/* SHA-1 */
		{ 0, ' ', 64, WORDS, 32, FAIL_DENIED },
		{ 0x0403, ' ', 63, WORDS, 32, FAIL_DENIED },
		{ 0x0403, ' ', 65, WORDS, 32, FAIL_DENIED },
		{ 0x0403, '\t', 64, WORDS, 32, FAIL_DENIED },
		{ 0x0403, ' ', 64, WORDS, 31, FAIL_DENIED },
		{ 0x0403, ' ', 64, WORDS, 64, FAIL_DENIED },
		{ 0x0403, ' ', 64, WORDS, 0, FAIL_DENIED },
		/* a client's own proof is not the server's to make */
		{ 0x0403, ' ', 64, "TLS 1.3, client CertificateVerify", 32,
		  FAIL_DENIED },
		{ 0x0403, ' ', 64, WORDS "x", 31, FAIL_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++)
		assert_int_equal(check(cases[i].scheme, verify(cases[i].blank,
		    cases[i].blanks, cases[i].words, cases[i].hash)),
		    cases[i].want);
}

static void
test_tls12(void **state)
{
	static const struct {
		int	type, group, says;
		size_t	point;
		int	want;
	} cases[] = {
		{ 3, 29, 32, 32, 0 }, { 3, 23, 65, 65, 0 },
		{ 3, 24, 97, 97, 0 },
		{ 3, 29, 65, 65, FAIL_DENIED }, { 3, 23, 32, 32, FAIL_DENIED },
		{ 3, 25, 133, 133, FAIL_DENIED },
		{ 1, 23, 65, 65, FAIL_DENIED }, { 3, 29, 32, 31, FAIL_DENIED },
		{ 3, 29, 32, 33, FAIL_DENIED }, { 3, 29, 32, 0, FAIL_DENIED },
		{ 3, 29 + 256, 32, 32, FAIL_DENIED },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++)
		for (size_t s = 0; s < 2; s++)
			assert_int_equal(check(s ? 0x0401 : 0x0403, exchange(
			    cases[i].type, cases[i].group, cases[i].says,
			    cases[i].point)), cases[i].want);
}

static void
test_short(void **state)
{
	struct made m = exchange(3, 29, 32, 32);
	struct made v = verify(' ', 64, WORDS, 32);

	(void)state;
	for (size_t n = 0; n < m.n; n++)
		assert_int_equal(check(0x0403, (struct made){ .n = n }),
		    FAIL_DENIED);
	for (m.n--; m.n > 0; m.n--)
		assert_int_equal(check(0x0403, m), FAIL_DENIED);
	for (v.n--; v.n > 0; v.n--)
		assert_int_equal(check(0x0403, v), FAIL_DENIED);
}

static void
test_schemes(void **state)
{
	static const struct {
		bool		is_rsa, is_pss;
		const char	*digest;
		uint32_t	want;
	} cases[] = {
		{ false, false, "SHA256", 0x0403 },
		{ false, false, "SHA2-256", 0x0403 },
		{ false, false, "SHA2-384", 0x0503 },
		{ true, true, "SHA256", 0x0804 },
		{ true, false, "SHA2-512", 0x0601 },
		{ true, false, "SHA1", 0 }, { true, true, "MD5", 0 },
		{ false, true, "SHA256", 0 }, { true, true, "", 0 },
	};
	const struct keyask_scheme *s;

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		s = keyask_scheme_of(cases[i].is_rsa, cases[i].is_pss,
		    cases[i].digest);
		assert_int_equal(s == NULL ? 0 : s->number, cases[i].want);
		if (s != NULL)
			assert_ptr_equal(keyask_scheme(s->number), s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls13), cmocka_unit_test(test_tls12),
		cmocka_unit_test(test_short), cmocka_unit_test(test_schemes),
	};

	return cmocka_run_group_tests_name("crypto/keyask", tests, NULL, NULL);
}
