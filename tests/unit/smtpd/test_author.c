/* SPDX-License-Identifier: ISC */
/*
 * DKIM and DMARC of a whole message, with a DNS that stands in the case and
 * answers in the order of asking, or backwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "daemon/daemon.h"
#include "event/loop.h"
#include "smtpd/author.h"
#include "smtpd/dkim.h"

#include "../../lib/fakedns.h"
#include "../../lib/rfc8463.h"
#include "base/banned.h"

static struct {
	struct conf	conf;
	bool		is_over;
} w;

/* --- what the room has of others ------------------------------------------ */

const struct conf *
daemon_conf(void)
{
	return &w.conf;
}

static void
then(void *arg)
{
	assert_ptr_equal(arg, &w);
	assert_false(w.is_over);
	w.is_over = true;
}

#define KEY	"test._domainkey.football.example.com " RSA_KEY "|"
#define LETTER	REST BODY
#define REJECT	"_dmarc.football.example.com v=DMARC1; p=reject|"
#define BOOKS	"_dmarc.xn--bcher-kva.example v=DMARC1; p=reject|"
#define AR	"Authentication-Results: mx;\r\n\t"
#define PASS	"dkim=pass header.d=football.example.com header.s=test "	\
	"header.a=rsa-sha256;\r\n\t"

static const struct {
	const char	*message, *spf, *zone, *want;
} cases[] = {
	{ RSA FROM LETTER, "", KEY REJECT,
	  PASS "dmarc=pass policy.dmarc=reject header.from=football.example.com" },
	{ FROM LETTER, "", REJECT, "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=football.example.com" },
	{ FROM LETTER, "football.example.com", REJECT, "dkim=none;\r\n\t"
	  "dmarc=pass policy.dmarc=reject header.from=football.example.com" },
	{ FROM LETTER, "evil.example", REJECT, "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=football.example.com" },
	{ FROM LETTER, "", "", "dkim=none;\r\n\t"
	  "dmarc=none header.from=football.example.com" },
	{ RSA FROM LETTER, "", REJECT,
	  "dkim=permerror reason=\"no key\" header.d=football.example.com "
	  "header.s=test header.a=rsa-sha256;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=football.example.com" },
	{ RSA FROM LETTER, "", "test._domainkey.football.example.com !|" REJECT,
	  "dkim=temperror reason=\"no answer for its key\" "
	  "header.d=football.example.com header.s=test header.a=rsa-sha256;\r\n\t"
	  "dmarc=temperror reason=\"the DNS does not answer\" "
	  "header.from=football.example.com" },
	{ FROM LETTER, "?football.example.com", REJECT, "dkim=none;\r\n\t"
	  "dmarc=temperror reason=\"the DNS does not answer\" "
	  "header.from=football.example.com" },
	{ FROM LETTER, "?evil.example", REJECT, "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=football.example.com" },
	{ RSA FROM LETTER, "", KEY "_dmarc.football.example.com !|",
	  PASS "dmarc=temperror reason=\"the DNS does not answer\" "
	  "header.from=football.example.com" },
	/* the domain exists only by its MX: sp, not np */
	{ "From: a@sub.example.com\r\n\r\n", "",
	  "_dmarc.example.com v=DMARC1; p=none; sp=quarantine; np=reject|"
	  "sub.example.com +|", "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=quarantine header.from=sub.example.com" },
	{ "From: a@sub.example.com\r\n\r\n", "",
	  "_dmarc.example.com v=DMARC1; p=none; sp=quarantine; np=reject|",
	  "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=sub.example.com" },
	/* two authors: one that passes does not hide the other */
	{ "From: a@evil.example, b@football.example.com\r\n\r\n", "evil.example",
	  REJECT "_dmarc.evil.example v=DMARC1; p=none|", "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=football.example.com" },
	{ "From: a@evil.example\r\nFrom: b@football.example.com\r\n\r\n",
	  "evil.example", REJECT "_dmarc.evil.example v=DMARC1; p=none|",
	  "dkim=none;\r\n\t"
	  "dmarc=fail policy.dmarc=reject header.from=football.example.com" },
	/* none, or too many */
	{ "Subject: x\r\n\r\n", "evil.example", "", "dkim=none;\r\n\t"
	  "dmarc=permerror reason=\"no address in From\"" },
	{ "From: a@a.example, a@b.example, a@c.example, a@d.example, "
	  "a@e.example\r\n\r\n", "a.example", "", "dkim=none;\r\n\t"
	  "dmarc=permerror reason=\"too many domains in From\" "
	  "header.from=a.example" },
	/* who hides a domain among many is not helped by that */
	{ "From: a@a.example, a@football.example.com, a@c.example, "
	  "a@d.example, a@e.example\r\n\r\n", "a.example", REJECT,
	  "dkim=none;\r\n\tdmarc=fail policy.dmarc=reject "
	  "header.from=football.example.com" },
	/* a name in its own letters, whatever their case */
	{ "From: a@b\303\274cher.example\r\n\r\n", "", BOOKS,
	  "dkim=none;\r\n\tdmarc=fail policy.dmarc=reject "
	  "header.from=xn--bcher-kva.example" },
	{ "From: a@B\303\234cher.Example\r\n\r\n", "xn--bcher-kva.example",
	  BOOKS, "dkim=none;\r\n\tdmarc=pass policy.dmarc=reject "
	  "header.from=xn--bcher-kva.example" },
	{ "From: a@b\374cher.example\r\n\r\n", "", BOOKS, "dkim=none;\r\n\t"
	  "dmarc=permerror reason=\"no name of a domain in From\"" },
	{ "", "", "", "dkim=none;\r\n\t"
	  "dmarc=permerror reason=\"no address in From\"" },
};

static int
file_of(const char *text)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_true(fd >= 0 && file_write(fd, STR("head")) == 0 &&
	    file_write(fd, str_of(text)) == 0);
	return fd;
}

/* A domain that passed, "?DOMAIN" one that could not be found out. */
static void
say_spf(struct author *a, const char *spf)
{
	if (spf[0] == '?')
		author_spf(a, SPF_TEMPERROR, str_of(spf + 1));
	else
		author_spf(a, spf[0] != '\0' ? SPF_PASS : SPF_NONE,
		    str_of(spf));
}

static void
run(size_t i, bool spf_late, bool backwards)
{
	int fd = file_of(cases[i].message);
	struct author *a = author_new(fd, 4, strlen(cases[i].message), then,
	    &w);
	struct authres ar;
	struct buf out;

	w.is_over = false;
	if (!spf_late)
		say_spf(a, cases[i].spf);
	fakedns_pump(cases[i].zone, backwards);
	if (spf_late) {
		assert_false(w.is_over);
		say_spf(a, cases[i].spf);
		fakedns_pump(cases[i].zone, backwards);
	}
	assert_true(w.is_over && fakedns.opens == 0);
	buf_init(&out, 8192);
	authres_begin(&ar, &out, STR("mx"));
	author_put(a, &ar);
	authres_end(&ar);
	if (!str_starts(buf_str(&out), AR) ||
	    !str_same(str_chomp(str_from(buf_str(&out), sizeof(AR) - 1)),
	    cases[i].want))
		fail_msg("case %zu: %s", i, buf_cstr(&out));
	buf_free(&out);
	author_free(a);
	(void)close(fd);
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NITEMS(cases); i++)
		for (int how = 0; how < 4; how++)
			run(i, how & 1, how & 2);
}

/* An author behind half a mebibyte of header is not looked for, and that is
 * told. */
static void
test_large_header(void **state)
{
	const struct author_verdict *v;
	struct author *a;
	struct buf b;
	int fd;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_fmt(&b, "X-Filler: %060d\r\n", i);
	buf_z(&b, FROM LETTER);
	fd = file_of(buf_cstr(&b));
	a = author_new(fd, 4, b.len, then, &w);
	w.is_over = false;
	say_spf(a, "");
	fakedns_pump(REJECT, false);
	assert_true(w.is_over);
	v = author_verdict(a);
	assert_int_equal(v->result, DMARC_PERMERROR);
	assert_string_equal(v->reason, "the header is too large");
	author_free(a);
	buf_free(&b);
	(void)close(fd);
}

/* `dmarc organisation list': co.uk is nobody's organisation. */
static void
test_list(void **state)
{
	static const struct { const char *from, *spf, *zone, *want; } rows[] = {
		{ "a.firm.co.uk", "b.firm.co.uk",
		  "_dmarc.firm.co.uk v=DMARC1; p=reject|", "dmarc=pass" },
		{ "firm.co.uk", "other.co.uk",
		  "_dmarc.firm.co.uk v=DMARC1; p=reject|", "dmarc=fail" },
		{ "firm.co.uk", "",
		  "_dmarc.co.uk v=DMARC1; p=reject|", "dmarc=none" },
	};
	struct why why;

	assert_int_equal(conf_row(&w.conf, STR("dmarc organisation"),
	    STR("list"), &why), 0);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		char text[100];
		struct author *a;
		struct authres ar;
		struct buf out;
		int fd;

		(void)snprintf(text, sizeof(text), "From: x@%s\r\n\r\n",
		    rows[i].from);
		fd = file_of(text);
		w.is_over = false;
		a = author_new(fd, 4, strlen(text), then, &w);
		say_spf(a, rows[i].spf);
		fakedns_pump(rows[i].zone, false);
		assert_true(w.is_over);
		buf_init(&out, 8192);
		authres_begin(&ar, &out, STR("mx"));
		author_put(a, &ar);
		authres_end(&ar);
		if (str_find(buf_str(&out), str_of(rows[i].want)) == out.len)
			fail_msg("%s: %s", rows[i].from, buf_cstr(&out));
		buf_free(&out);
		author_free(a);
		(void)close(fd);
	}
	assert_int_equal(conf_row(&w.conf, STR("dmarc organisation"),
	    STR("tree"), &why), 0);
}

/* It may be dropped at any time, with questions out. */
static void
test_dropped(void **state)
{
	int fd = file_of(RSA FROM LETTER);
	struct author *a = author_new(fd, 4, strlen(RSA FROM LETTER),
	    then, &w);

	say_spf(a, "");
	assert_int_equal(fakedns.opens, 1);
	author_free(a);
	assert_int_equal(fakedns.opens, 0);
	author_free(NULL);
	(void)close(fd);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_large_header),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_dropped),
	};
	int rc;

	clock_freeze(1700000000000);
	loop_init();
	conf_init(&w.conf);
	author_init();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	conf_free(&w.conf);
	return rc;
}
