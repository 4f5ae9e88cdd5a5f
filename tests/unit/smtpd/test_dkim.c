/* SPDX-License-Identifier: ISC */
/*
 * DKIM verification: the message and the keys of RFC 8463 A, and what becomes
 * of its two signatures when something is changed, missing or too much.  More
 * of it, against other signers, in tests/suite/dkim.test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mail/header.h"
#include "smtpd/dkim.h"

#include "../../lib/rfc8463.h"
#include "base/banned.h"

#define NONE	"none"
#define DOWN	"!"

static const struct check_case {
	const char	*message;
	const char	*ed, *rsa;	/* keys; NONE, DOWN; two by LF */
	const char	*want;		/* verdicts, blank-separated */
} cases[] = {
	{ ED RSA FROM REST BODY, ED_KEY, RSA_KEY, "pass pass" },
	{ RSA FROM REST BODY, ED_KEY, RSA_KEY, "pass" },
	{ FROM REST BODY, ED_KEY, RSA_KEY, "" },
	/* changed */
	{ ED RSA FROM REST "Hi!\r\n", ED_KEY, RSA_KEY, "fail fail" },
	{ ED RSA FROM "Reply-To: x\r\n" REST BODY, ED_KEY, RSA_KEY, "pass pass" },
	{ ED RSA "From: evil@example.org\r\n" FROM REST BODY, ED_KEY, RSA_KEY, "fail fail" },
	{ ED RSA FROM "Subject: x\r\n" REST BODY, ED_KEY, RSA_KEY, "fail fail" },
	/* keys */
	{ ED RSA FROM REST BODY, NONE, RSA_KEY, "permerror pass" },
	{ ED RSA FROM REST BODY, DOWN, RSA_KEY, "temperror pass" },
	{ ED RSA FROM REST BODY, NONE, NONE, "permerror permerror" },
	{ ED RSA FROM REST BODY, "v=DKIM1; k=ed25519; p=", RSA_KEY, "permerror pass" },
	{ ED RSA FROM REST BODY, RSA_KEY, ED_KEY, "permerror permerror" },
	{ ED RSA FROM REST BODY, ED_KEY "\n" ED_KEY, RSA_KEY, "permerror pass" },
	{ ED RSA FROM REST BODY, "v=spf1 -all\n" ED_KEY, RSA_KEY, "pass pass" },
	{ ED RSA FROM REST BODY, "v=DKIM1; p=?", RSA_KEY, "permerror pass" },
	{ ED RSA FROM REST BODY, "v=DKIM1; s=tlsrpt; " ED_KEY, RSA_KEY, "permerror pass" },
	{ ED RSA FROM REST BODY, "v=DKIM1; h=sha1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", RSA_KEY, "permerror pass" },
	/* signatures */
	{ "DKIM-Signature: rubbish\r\n" RSA FROM REST BODY, ED_KEY, RSA_KEY, "pass permerror" },
	{ "DKIM-Signature:\r\n" FROM REST BODY, ED_KEY, RSA_KEY, "permerror" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=test; h=to; bh=AA==; b=AA==\r\n" FROM REST BODY, ED_KEY, RSA_KEY, "permerror" },
	{ "DKIM-Signature: v=1; a=rsa-sha256; d=football.example.com; s=test; t=5; x=10; h=from; bh=AA==; b=AA==\r\n" FROM REST BODY, ED_KEY, RSA_KEY, "permerror" },
	{ ED RSA REST BODY, ED_KEY, RSA_KEY, "permerror" },
	{ ED RSA "From: \r\n" REST BODY, ED_KEY, RSA_KEY, "permerror" },
	/* at most four are looked at */
	{ ED ED ED ED ED ED RSA FROM REST BODY, ED_KEY, RSA_KEY, "pass pass pass pass" },
};

static void
answer(struct dkim_check *v, size_t i, const struct check_case *c)
{
	const char *key = str_starts(str_of(dkim_check_key(v, i)), "test.") ?
	    c->rsa : c->ed;
	struct str s = str_of(key), line;

	while (key != (const char *)NONE && str_more(s)) {
		line = str_until(&s, '\n');
		if (!str_same(line, NONE) && !str_same(line, DOWN))
			dkim_check_txt(v, i, line);
	}
	dkim_check_answered(v, i, str_same(str_of(key), DOWN));
}

static void
run(const struct check_case *c, struct buf *out)
{
	struct dkim_check *v = dkim_check_new(4);
	struct str all = str_of(c->message);
	size_t head = header_end(all), n;

	dkim_check_header(v, str_sub(all, 0, head));
	n = dkim_check_keys(v);
	for (size_t i = 0; i < n; i++)
		answer(v, i, c);
	for (size_t at = head; at < all.n; at++)
		dkim_check_body(v, str_sub(all, at, 1));
	dkim_check_end(v);
	for (size_t i = 0; i < dkim_check_results(v); i++) {
		const struct dkim_result *r = dkim_check_result(v, i);

		buf_fmt(out, "%s%s", i > 0 ? " " : "",
		    dkim_verdict_name(r->verdict));
		assert_int_equal(r->reason == NULL,
		    r->verdict == DKIM_V_PASS);
	}
	dkim_check_free(v);
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct buf out;

		buf_init(&out, 1000);
		run(&cases[i], &out);
		if (!str_same(buf_str(&out), cases[i].want))
			fail_msg("case %zu: %s, not %s", i, buf_cstr(&out),
			    cases[i].want);
		buf_free(&out);
	}
}

/* What a result tells; and as a part of Authentication-Results. */
static void
test_result(void **state)
{
	struct dkim_check *v = dkim_check_new(8);
	struct authres a;
	struct buf out;

	dkim_check_header(v, STR(RSA FROM REST));
	assert_int_equal(dkim_check_keys(v), 1);
	assert_string_equal(dkim_check_key(v, 0),
	    "test._domainkey.football.example.com");
	dkim_check_txt(v, 0, STR(RSA_KEY));
	dkim_check_answered(v, 0, false);
	dkim_check_body(v, STR(BODY));
	dkim_check_end(v);
	assert_int_equal(dkim_check_results(v), 1);
	assert_int_equal(dkim_check_result(v, 0)->bits, 1024);
	buf_init(&out, 1000);
	authres_begin(&a, &out, STR("mx"));
	dkim_check_put(v, &a);
	authres_end(&a);
	assert_string_equal(buf_cstr(&out), "Authentication-Results: mx;\r\n"
	    "\tdkim=pass header.d=football.example.com header.s=test"
	    " header.a=rsa-sha256\r\n");
	buf_free(&out);
	dkim_check_free(v);
}

/* A header out of proportion is judged by nobody. */
static void
test_large(void **state)
{
	struct dkim_check *v = dkim_check_new(8);
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_z(&b, RSA);
	for (int i = 0; i < 5000; i++)
		buf_z(&b, "X: y\r\n");
	buf_z(&b, FROM REST);
	dkim_check_header(v, buf_str(&b));
	assert_int_equal(dkim_check_keys(v), 0);
	dkim_check_body(v, STR(BODY));
	dkim_check_end(v);
	assert_int_equal(dkim_check_results(v), 1);
	assert_int_equal(dkim_check_result(v, 0)->verdict, DKIM_V_PERMERROR);
	dkim_check_free(v);
	buf_free(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_large),
	};

	dkim_check_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
