/* SPDX-License-Identifier: ISC */
/* PLAIN and LOGIN, each on both sides of its limits. */
#include "sasl/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/enc.h"

static void
b64(struct buf *out, struct str in)
{
	buf_reset(out);
	enc_base64(out, in);
}

static const struct {
	struct str	message;
	enum sasl_step	step;
	const char	*authzid, *user, *secret;
} plain[] = {
	{ STR_INIT("\0joe\0secret"), SASL_DONE, "", "joe", "secret" },
	{ STR_INIT("ann\0joe\0secret"), SASL_DONE, "ann", "joe", "secret" },
	{ STR_INIT("\0joe\0with space "), SASL_DONE, "", "joe", "with space " },
	{ STR_INIT("\0j\303\266\0p\303\244"), SASL_DONE, "", "j\303\266",
	  "p\303\244" },
	{ STR_INIT(""), SASL_BAD, "", "", "" },
	{ STR_INIT("joe"), SASL_BAD, "", "", "" },
	{ STR_INIT("\0joe"), SASL_BAD, "", "", "" },
	{ STR_INIT("\0joe\0"), SASL_BAD, "", "", "" },
	{ STR_INIT("\0\0secret"), SASL_BAD, "", "", "" },
	{ STR_INIT("\0joe\0secret\0"), SASL_BAD, "", "", "" },
	{ STR_INIT("\0joe\0sec\0ret"), SASL_BAD, "", "", "" },
	{ STR_INIT("\0joe\0\xff"), SASL_BAD, "", "", "" },
	{ STR_INIT("\xff\0joe\0x"), SASL_BAD, "", "", "" },
};

static void
plain_messages(void **state)
{
	struct buf line, challenge;
	struct sasl s;
	size_t i;
	bool later;

	buf_init(&line, 8192);
	buf_init(&challenge, 8192);
	for (i = 0; i < NITEMS(plain) * 2; i++) {
		later = i % 2;
		b64(&line, plain[i / 2].message);
		if (line.len == 0)
			buf_c(&line, '=');
		if (later) {
			assert_int_equal(sasl_begin(&s, STR("plain"), false,
			    STR(""), &challenge), SASL_ASK);
			assert_int_equal(challenge.len, 0);
			assert_int_equal(sasl_answer(&s,
			    plain[i / 2].message.n == 0 ? STR("") :
			    buf_str(&line), &challenge), plain[i / 2].step);
		} else {
			assert_int_equal(sasl_begin(&s, STR("PLAIN"), true,
			    buf_str(&line), &challenge), plain[i / 2].step);
		}
		if (plain[i / 2].step == SASL_DONE) {
			assert_true(str_same(s.authzid, plain[i / 2].authzid));
			assert_true(str_same(s.user, plain[i / 2].user));
			assert_true(str_same(s.secret, plain[i / 2].secret));
		}
		sasl_end(&s);
		sasl_end(&s);
	}
	buf_free(&line);
	buf_free(&challenge);
	(void)state;
}

static void
login(void **state)
{
	struct buf challenge;
	struct sasl s;

	buf_init(&challenge, 100);
	assert_int_equal(sasl_begin(&s, STR("LOGIN"), false, STR(""),
	    &challenge), SASL_ASK);
	assert_string_equal(buf_cstr(&challenge), "VXNlcm5hbWU6");
	assert_int_equal(sasl_answer(&s, STR("am9l"), &challenge), SASL_ASK);
	assert_string_equal(buf_cstr(&challenge), "UGFzc3dvcmQ6");
	assert_int_equal(sasl_answer(&s, STR("c2VjcmV0"), &challenge),
	    SASL_DONE);
	assert_true(str_same(s.user, "joe"));
	assert_true(str_same(s.secret, "secret"));
	assert_int_equal(s.authzid.n, 0);
	/* nothing may follow */
	assert_int_equal(sasl_answer(&s, STR("eA=="), &challenge), SASL_BAD);
	sasl_end(&s);
	/* the user as initial response */
	assert_int_equal(sasl_begin(&s, STR("login"), true, STR("am9l"),
	    &challenge), SASL_ASK);
	assert_string_equal(buf_cstr(&challenge), "UGFzc3dvcmQ6");
	assert_int_equal(sasl_answer(&s, STR(""), &challenge), SASL_BAD);
	sasl_end(&s);
	assert_int_equal(sasl_begin(&s, STR("login"), true, STR("="),
	    &challenge), SASL_BAD);
	sasl_end(&s);
	buf_free(&challenge);
	(void)state;
}

static void
broken(void **state)
{
	static const char *const lines[] = { "AGpvZQBzZWNyZXQ", "!!!!",
	    "AGpvZQBz ZWNyZXQ=", "AGpvZQBzZWNyZXQ==", "====", "=", "A" };
	struct buf challenge;
	struct sasl s;
	size_t i;

	buf_init(&challenge, 100);
	for (i = 0; i < NITEMS(lines); i++) {
		assert_int_equal(sasl_begin(&s, STR("PLAIN"), false, STR(""),
		    &challenge), SASL_ASK);
		assert_int_equal(sasl_answer(&s, str_of(lines[i]),
		    &challenge), SASL_BAD);
		sasl_end(&s);
	}
	assert_int_equal(sasl_begin(&s, STR("PLAIN"), false, STR(""),
	    &challenge), SASL_ASK);
	assert_int_equal(sasl_answer(&s, STR("*"), &challenge),
	    SASL_CANCELLED);
	sasl_end(&s);
	assert_int_equal(sasl_begin(&s, STR("PLAIN"), true, STR("*"),
	    &challenge), SASL_BAD);
	sasl_end(&s);
	assert_int_equal(sasl_begin(&s, STR("CRAM-MD5"), false, STR(""),
	    &challenge), SASL_UNKNOWN);
	sasl_end(&s);
	assert_int_equal(sasl_begin(&s, STR(""), false, STR(""),
	    &challenge), SASL_UNKNOWN);
	sasl_end(&s);
	buf_free(&challenge);
	(void)state;
}

static void
limits(void **state)
{
	size_t name, secret;
	struct buf message, line, challenge;
	struct sasl s;
	int over;

	buf_init(&message, 65536);
	buf_init(&line, 65536);
	buf_init(&challenge, 100);
	for (over = 0; over < 4; over++) {
		name = SASL_NAME_MAX + (over == 1);
		secret = SASL_SECRET_MAX + (over == 2) + (over == 3) * 3000;
		buf_reset(&message);
		memset(buf_grow(&message, name), 'a', name);
		buf_grown(&message, name);
		buf_c(&message, 0);
		memset(buf_grow(&message, name), 'u', name);
		buf_grown(&message, name);
		buf_c(&message, 0);
		memset(buf_grow(&message, secret), 's', secret);
		buf_grown(&message, secret);
		b64(&line, buf_str(&message));
		assert_int_equal(sasl_begin(&s, STR("PLAIN"), true,
		    buf_str(&line), &challenge), over ? SASL_BAD : SASL_DONE);
		sasl_end(&s);
	}
	buf_free(&message);
	buf_free(&line);
	buf_free(&challenge);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_messages),
		cmocka_unit_test(login),
		cmocka_unit_test(broken),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
