/* SPDX-License-Identifier: ISC */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ROW(c, path, value) conf_row((c), STR(path), STR(value), &why)

static void
defaults(void **state)
{
	struct conf c;

	conf_init(&c);
	assert_int_equal(c.smtpd.size_limit, 50 << 20);
	assert_int_equal(c.smtpd.command_timeout, 300000);
	assert_false(c.site.cleartext_logins);
	assert_true(str_same(c.stored.layout, "%d/%u/Maildir"));
	assert_true(str_same(c.spool.sync, "auto"));
	assert_int_equal(c.site.trusted.n, 0);
	assert_int_equal(c.stored.folders.n, 5);
	assert_true(str_same(c.stored.folders.v[1], "Drafts \\Drafts"));
	conf_free(&c);
	(void)state;
}

static void
rows(void **state)
{
	struct why why;
	struct conf c;

	conf_init(&c);
	assert_int_equal(ROW(&c, "hostname", "mail.example.org"), 0);
	assert_int_equal(ROW(&c, "cleartext-logins", "yes"), 0);
	assert_int_equal(ROW(&c, "smtp size-limit", "1M"), 0);
	assert_int_equal(ROW(&c, "trusted", "10.0.0.0/8"), 0);
	assert_int_equal(ROW(&c, "trusted", "192.0.2.0/24"), 0);
	assert_true(str_same(c.site.hostname, "mail.example.org"));
	assert_true(c.site.cleartext_logins);
	assert_int_equal(c.smtpd.size_limit, 1 << 20);
	assert_int_equal(c.site.trusted.n, 2);
	assert_true(str_same(c.site.trusted.v[1], "192.0.2.0/24"));
	/* The first row replaces a default, an empty one empties it. */
	assert_int_equal(ROW(&c, "mail folders", "Gesendet \\Sent"), 0);
	assert_int_equal(c.stored.folders.n, 1);
	assert_true(str_same(c.stored.folders.v[0], "Gesendet \\Sent"));
	conf_free(&c);
	conf_init(&c);
	assert_int_equal(ROW(&c, "mail folders", ""), 0);
	assert_int_equal(c.stored.folders.n, 0);
	conf_free(&c);
	(void)state;
}

static void
many_entries(void **state)
{
	char name[20];
	struct why why;
	struct conf c;
	int i, n;

	conf_init(&c);
	for (i = 0; i < 1000; i++) {
		n = snprintf(name, sizeof(name), "d%d.example", i);
		assert_int_equal(conf_row(&c, STR("domain"),
		    str_mem(name, (size_t)n), &why), 0);
	}
	assert_int_equal(c.site.domains.n, 1000);
	assert_true(str_same(c.site.domains.v[0], "d0.example"));
	assert_true(str_same(c.site.domains.v[999], "d999.example"));
	conf_free(&c);
	(void)state;
}

static void
options(void **state)
{
	struct why why;
	struct conf c;

	conf_init(&c);
	assert_int_equal(ROW(&c, "domain", "example.org"), 0);
	assert_int_equal(ROW(&c, "domain example.org catch-all",
	    "joe@example.org"), 0);
	assert_int_equal(ROW(&c, "domain \"example.net\" catch-all",
	    "ann@example.net"), 0);
	assert_true(str_same(conf_option(&c, "domain", STR("example.org"),
	    "catch-all"), "joe@example.org"));
	assert_true(str_same(conf_option(&c, "domain", STR("example.net"),
	    "catch-all"), "ann@example.net"));
	assert_int_equal(conf_option(&c, "domain", STR("example.com"),
	    "catch-all").n, 0);
	conf_free(&c);
	(void)state;
}

static void
refused(void **state)
{
	struct why why;
	struct conf c;

	conf_init(&c);
	assert_int_equal(ROW(&c, "colour", "red"), FAIL_GONE);
	assert_int_equal(ROW(&c, "", "red"), FAIL_GONE);
	assert_int_equal(ROW(&c, "domain example.org colour", "red"),
	    FAIL_GONE);
	assert_int_equal(ROW(&c, "domain example.org catch-all", "red"),
	    FAIL_SYNTAX);
	assert_int_equal(ROW(&c, "hostname", "a..b"), FAIL_SYNTAX);
	assert_int_equal(ROW(&c, "smtp size-limit", "0"), FAIL_SYNTAX);
	assert_int_equal(ROW(&c, "spool sync", "never"), FAIL_SYNTAX);
	assert_int_equal(c.smtpd.size_limit, 50 << 20);
	conf_free(&c);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(rows),
		cmocka_unit_test(many_entries),
		cmocka_unit_test(options),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
