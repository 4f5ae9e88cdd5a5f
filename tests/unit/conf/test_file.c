/* SPDX-License-Identifier: ISC */
/*
 * The configuration file: what the grammar takes, every error with its
 * place, and `config show' that reads back as what it shows.
 */
#include "conf/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/proc.h"
#include "conf/conf.h"

#define HEAD	"version 1\nhostname mail.example.org\n"

/* Rows as "path=value;" in order. */
static void
rows_text(const struct conf_file *f, struct buf *out)
{
	const struct conf_set *row;

	for (row = f->rows; row != NULL; row = row->next)
		buf_fmt(out, "%.*s=%.*s;", STR_ARG(row->path),
		    STR_ARG(row->value));
}

static const struct {
	const char	*text, *rows;	/* without the hostname row */
} good[] = {
	{ "", "" },
	{ "cleartext-logins yes", "cleartext-logins=yes;" },
	{ "\n\n;;  # a comment\n;", "" },
	{ "cage optional # why", "cage=optional;" },
	{ "tls { cert /c.pem; key /k.pem }", "tls cert=/c.pem;tls key=/k.pem;" },
	{ "tls {\n\tcert /c.pem # x\n\tkey /k.pem\n}\ncage optional",
	  "tls cert=/c.pem;tls key=/k.pem;cage=optional;" },
	{ "tls cert /c.pem; tls key /k.pem",
	  "tls cert=/c.pem;tls key=/k.pem;" },
	{ "tls { cert a; key b } cage optional",
	  "tls cert=a;tls key=b;cage=optional;" },
	{ "smtp { size-limit 1M ; hop-limit 30; }",
	  "smtp size-limit=1M;smtp hop-limit=30;" },
	{ "tls{cert a;key b}", "tls cert=a;tls key=b;" },
	{ "tls{cert a;key b}\ntls Mail.Example { cert c; key d }",
	  "tls cert=a;tls key=b;tls=mail.example;"
	  "tls mail.example cert=c;tls mail.example key=d;" },
	{ "tls { cert a; key b; second-cert c; second-key d }",
	  "tls cert=a;tls key=b;tls second-cert=c;tls second-key=d;" },
	{ "domain a.example, b.example,c.example",
	  "domain=a.example;domain=b.example;domain=c.example;" },
	{ "domain A.Example", "domain=a.example;" },
	{ "domain x.example { catch-all Joe@X.example }",
	  "domain=x.example;domain x.example catch-all=joe@x.example;" },
	{ "domain x.example { }", "domain=x.example;" },
	{ "listen smtp *:25\nlisten pop3 [::1]:110, imap 127.0.0.1:143",
	  "listen=smtp *:25;listen=pop3 [::1]:110;listen=imap 127.0.0.1:143;" },
	{ "alias table text aliases, bdb more.db",
	  "alias table=text aliases;alias table=bdb more.db;" },
	{ "mail folders \"\"", "mail folders=;" },
	{ "mail folders \"Sent mail\" \\Sent, Junk \\Junk",
	  "mail folders=\"Sent mail\" \\Sent;mail folders=Junk \\Junk;" },
	{ "folders run \"/a b/c\\\"d\"", "folders run=/a b/c\"d;" },
	{ "mail { owner vmail; layout %a }",
	  "mail owner=vmail;mail layout=%a;" },
	{ "trusted 10.0.0.0/8\ntrusted ::1", "trusted=10.0.0.0/8;trusted=::1;" },
	{ "cage optional\r\nimap strict yes\r\n", "cage=optional;imap strict=yes;" },
};

static void
grammar(void **state)
{
	struct buf text, rows;
	struct conf_file f;
	size_t i;

	buf_init(&text, 4096);
	buf_init(&rows, 4096);
	for (i = 0; i < NITEMS(good); i++) {
		buf_reset(&text);
		buf_reset(&rows);
		buf_fmt(&text, HEAD "%s", good[i].text);
		if (conf_file_parse(&f, buf_str(&text)) != 0)
			conf_file_errors(&f, good[i].text, &rows);
		else
			rows_text(&f, &rows);
		buf_reset(&text);
		buf_fmt(&text, "hostname=mail.example.org;%s", good[i].rows);
		assert_string_equal(buf_cstr(&rows), buf_cstr(&text));
		conf_file_free(&f);
	}
	buf_free(&text);
	buf_free(&rows);
	(void)state;
}

static const struct {
	const char	*text, *errors;
} bad[] = {
	{ "", "x:1:1: the first line of a configuration is \"version 1\"\n"
	  "x: \"hostname\" is missing\n" },
	{ "hostname a.b", "x:1:1: the first line of a configuration is "
	  "\"version 1\"\n" },
	{ "version 2\nhostname a.b",
	  "x:1:9: version 2 is not known here, only version 1\n" },
	{ "version one\nhostname a.b", "x:1:1: version takes a number\n" },
	{ HEAD "hostnmae a.b",
	  "x:3:1: unknown setting \"hostnmae\", the nearest is \"hostname\"\n" },
	{ HEAD "tls { cetr x }",
	  "x:3:7: unknown setting \"cetr\", the nearest is \"cert\"\n" },
	{ HEAD "size-limit 5M", "x:3:1: unknown setting \"size-limit\", the "
	  "nearest is \"smtp size-limit\"\n" },
	{ HEAD "qwertyuiop 5", "x:3:1: unknown setting \"qwertyuiop\"\n" },
	{ HEAD "tls", "x:3:1: \"tls\" is no setting by itself, but begins "
	  "some\n" },
	{ HEAD "cage", "x:3:1: \"cage\" needs a value\n" },
	{ HEAD "cage maybe", "x:3:6: \"maybe\" is none of: required optional\n" },
	{ HEAD "cage optional now", "x:3:6: \"cage\" takes one value\n" },
	{ HEAD "cage optional, required", "x:3:6: \"cage\" takes one value\n" },
	{ HEAD "cage optional { x }", "x:3:1: this setting has no block\n" },
	{ HEAD "cage optional\ncage required",
	  "x:4:1: \"cage\" was said in line 3 already\n" },
	{ HEAD "domain a.example, A.example",
	  "x:3:19: \"a.example\" was said in line 3 already\n" },
	{ HEAD "domain a.example,", "x:3:1: a value is missing beside a comma\n" },
	{ HEAD "domain , a.example",
	  "x:3:1: a value is missing beside a comma\n" },
	{ HEAD "domain a.example b.example",
	  "x:3:8: too many words for one value; a comma separates values\n" },
	{ HEAD "domain a.example { cacth-all a@b.c }", "x:3:20: \"domain\" has "
	  "no option \"cacth-all\", the nearest is \"catch-all\"\n" },
	{ HEAD "domain a.example { catch-all a }", "x:3:30: \"a\" is not an "
	  "address like joe@example.org\n" },
	{ HEAD "tls { cert a", "x:3:5: a { that is never closed\n"
	  "x:3:7: \"tls cert\" is given, \"tls key\" is missing\n" },
	{ HEAD "}", "x:3:1: a } without its {\n" },
	{ HEAD "tls\n{ cert a; key b }", "x:4:1: a block stands on the line "
	  "of its name\nx:3:1: \"tls\" is no setting by itself, but begins "
	  "some\n" },
	{ HEAD "cage \"optional", "x:3:6: a quote that is never closed\n" },
	{ HEAD "cage \"optional\nimap strict yes",
	  "x:3:6: a quote that is never closed\n" },
	{ HEAD "listen imaps *:993", "x:3:8: imaps needs a certificate: "
	  "\"tls cert\" is missing\n" },
	{ HEAD "smtp size-limit 12parsec", "x:3:17: \"12parsec\" is not a size "
	  "like 512, 64k, 50M or 1G\n" },
	{ HEAD "smtp { a { b { c { d { e { f { g { h {",
	  NULL },
	/* All at once, in the order of finding. */
	{ "version 1\ncage maybe\nnonsense\nimap strict perhaps\n",
	  "x:2:6: \"maybe\" is none of: required optional\n"
	  "x:3:1: unknown setting \"nonsense\"\n"
	  "x:4:13: \"perhaps\" is neither yes nor no\n"
	  "x: \"hostname\" is missing\n" },
};

static void
errors(void **state)
{
	struct conf_file f;
	struct buf out;
	size_t i;

	buf_init(&out, 4096);
	for (i = 0; i < NITEMS(bad); i++) {
		buf_reset(&out);
		assert_int_equal(conf_file_parse(&f, str_of(bad[i].text)),
		    FAIL_SYNTAX);
		conf_file_errors(&f, "x", &out);
		if (bad[i].errors != NULL)
			assert_string_equal(buf_cstr(&out), bad[i].errors);
		assert_true(f.error_count > 0);
		conf_file_free(&f);
	}
	buf_free(&out);
	(void)state;
}

static void
foreign_bytes(void **state)
{
	struct conf_file f;
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(conf_file_parse(&f, STR(HEAD "cage \0optional\n"
	    "domain \xff.example\n")), FAIL_SYNTAX);
	conf_file_errors(&f, "x", &out);
	assert_string_equal(buf_cstr(&out), "x:3:6: a control character\n"
	    "x:4:8: not UTF-8 text\n"
	    "x:4:8: not UTF-8 text\n");
	conf_file_free(&f);
	buf_free(&out);
	(void)state;
}

/* A thousand errors are counted, a hundred told. */
static void
too_many(void **state)
{
	struct conf_file f;
	struct buf text, out;
	int i;

	buf_init(&text, 65536);
	buf_init(&out, 65536);
	buf_z(&text, HEAD);
	for (i = 0; i < 1000; i++)
		buf_z(&text, "nonsense\n");
	assert_int_equal(conf_file_parse(&f, buf_str(&text)), FAIL_SYNTAX);
	assert_int_equal(f.error_count, 1000);
	conf_file_errors(&f, "x", &out);
	assert_true(str_ends(buf_str(&out), "x: and 900 more\n"));
	conf_file_free(&f);
	buf_free(&text);
	buf_free(&out);
	(void)state;
}

static const char *const shown[] = {
	"domain a.example { catch-all joe@a.example }\ndomain b.example\n",
	"listen pop3 [::1]:110\nlisten imap *:143\n",
	"folders run \"/a b/c\"\n",
	"mail folders \"Sent mail\" \\Sent, Junk \\Junk\n",
	"mail folders \"\"\n",
	"smtp size-limit 51200k\npop3 timeout 600s\ncage required\n",
	"smtp size-limit 51201k\npop3 timeout 601s\ncage optional\n",
};

/* What `config show' prints is a valid file that says the same. */
static void
show(void **state)
{
	struct buf text, once, twice;
	struct conf_file f;
	size_t i;
	int only;

	buf_init(&text, 65536);
	buf_init(&once, 65536);
	buf_init(&twice, 65536);
	for (i = 0; i < NITEMS(shown) * 2; i++) {
		only = i % 2;
		buf_reset(&text);
		buf_reset(&once);
		buf_reset(&twice);
		buf_fmt(&text, HEAD "%s", shown[i / 2]);
		assert_int_equal(conf_file_parse(&f, buf_str(&text)), 0);
		conf_file_show(&f, only, &once);
		conf_file_free(&f);
		assert_int_equal(conf_file_parse(&f, buf_str(&once)), 0);
		conf_file_show(&f, only, &twice);
		conf_file_free(&f);
		assert_string_equal(buf_cstr(&once), buf_cstr(&twice));
	}
	buf_free(&text);
	buf_free(&once);
	buf_free(&twice);
	(void)state;
}

static void
show_changed(void **state)
{
	struct conf_file f;
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(conf_file_parse(&f, STR(HEAD "smtp { size-limit "
	    "51200k; hop-limit 30 }\ndomain A.example { catch-all j@a.example "
	    "}\npop3 timeout 600s; cage optional")), 0);
	conf_file_show(&f, true, &out);
	assert_string_equal(buf_cstr(&out), "version 1\ncage optional\n"
	    "hostname mail.example.org\n"
	    "domain a.example { catch-all j@a.example }\n"
	    "smtp hop-limit 30\n");
	conf_file_free(&f);
	buf_free(&out);
	(void)state;
}

/* Each row says whom to tell, and conf_row takes it. */
static void
to_conf(void **state)
{
	const struct conf_set *row;
	struct conf_file f;
	struct conf c;
	struct why why;

	assert_int_equal(conf_file_parse(&f, STR(HEAD "trusted ::1\n"
	    "domain a.example { catch-all j@a.example }\n"
	    "mail folders \"Sent mail\" \\Sent\n")), 0);
	conf_init(&c);
	for (row = f.rows; row != NULL; row = row->next) {
		assert_int_equal(conf_row(&c, row->path, row->value, &why), 0);
		assert_int_equal(row->who & ~EVERYBODY, 0);
	}
	row = conf_file_find(&f, "trusted");
	assert_int_equal(row->line, 3);
	assert_int_equal(row->col, 9);
	assert_true((row->who & BY(RATED)) != 0);
	assert_null(conf_file_find(&f, "postmaster"));
	conf_file_free(&f);
	assert_true(str_same(c.site.trusted.v[0], "::1"));
	assert_true(str_same(conf_option(&c, "domain", STR("a.example"),
	    "catch-all"), "j@a.example"));
	conf_free(&c);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(errors),
		cmocka_unit_test(foreign_bytes),
		cmocka_unit_test(too_many),
		cmocka_unit_test(show),
		cmocka_unit_test(show_changed),
		cmocka_unit_test(to_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
