/* SPDX-License-Identifier: ISC */
#include "conf/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char	*shape, *text;
	bool		 is_good;
} shapes[] = {
	{ "", "anything at all", true },
	{ "host", "", true },
	{ "host", "mail.example.org", true },
	{ "host", "localhost", true },
	{ "host", "xn--bcher-kva.example", true },
	{ "host", "b\303\274cher.example", false },
	{ "host", "a..b", false },
	{ "host", ".a", false },
	{ "host", "a.", false },
	{ "host", "-a.b", false },
	{ "host", "a-.b", false },
	{ "host", "a_b.c", false },
	{ "host", "192.0.2.1", false },
	{ "host", "[192.0.2.1]", false },
	{ "address", "joe@example.org", true },
	{ "address", "joe.doe+x@example.org", true },
	{ "address", "joe", false },
	{ "address", "@example.org", false },
	{ "address", "joe@", false },
	{ "address", "j@oe@example.org", false },
	{ "address", ".joe@example.org", false },
	{ "address", "joe.@example.org", false },
	{ "address", "jo e@example.org", false },
	{ "address", "<joe@example.org>", false },
	{ "net", "10.0.0.0/8", true },
	{ "net", "10.0.0.0/99", false },
	{ "path", "/etc/ssl/mail.pem", true },
	{ "path", "certs/mail.pem", true },
	{ "path", "/etc/../shadow", false },
	{ "path", "..", false },
	{ "path", "/a..b/c", true },
	{ "listen", "smtp *:25", true },
	{ "listen", "imaps 127.0.0.1:993", true },
	{ "listen", "pop3 [::1]:110", true },
	{ "listen", "pop3 ::1:110", false },
	{ "listen", "pop3 [127.0.0.1]:110", false },
	{ "listen", "pop3 []:110", false },
	{ "listen", "pop4 *:110", false },
	{ "listen", "pop3", false },
	{ "listen", "pop3 *", false },
	{ "listen", "pop3 *:", false },
	{ "listen", "pop3 *:0", false },
	{ "listen", "pop3 *:65536", false },
	{ "listen", "pop3 *:65535", true },
	{ "listen", "pop3 localhost:110", false },
	{ "server", "192.0.2.7", true },
	{ "server", "192.0.2.7:5353", true },
	{ "server", "2001:db8::1", true },
	{ "server", "[2001:db8::1]:53", true },
	{ "server", "2001:db8::1:99999", false },
	{ "server", "192.0.2.7:0", false },
	{ "server", "192.0.2.7:", false },
	{ "server", "192.0.2.7:65536", false },
	{ "server", "[]:53", false },
	{ "server", "resolver.example:53", false },
	{ "table", "text aliases", true },
	{ "table", "bdb maps/aliases.db", true },
	{ "table", "ldap x", false },
	{ "table", "text", false },
	{ "table", "text /etc/aliases", false },
	{ "table", "text ../aliases", false },
	{ "layout", "%d/%u/Maildir", true },
	{ "layout", "%a", true },
	{ "layout", "%d", false },
	{ "layout", "/x/%a", false },
	{ "layout", "../%a", false },
	{ "layout", "%u%", false },
	{ "layout", "%u%h", false },
	{ "folder", "Sent \\Sent", true },
	{ "folder", "Sent", true },
	{ "folder", "\"Sent mail\" \\Sent", true },
	{ "folder", "Sent mail", false },
	{ "folder", "Sent \\", false },
	{ "char", "+", true },
	{ "char", "++", false },
	{ "char", "a", false },
	{ "char", "@", false },
};

static void
shape_table(void **state)
{
	struct why why;
	size_t i;

	for (i = 0; i < NITEMS(shapes); i++) {
		int rc = shape_check(shapes[i].shape, str_of(shapes[i].text),
		    &why);

		if ((rc == 0) != shapes[i].is_good)
			fail_msg("%s \"%s\"", shapes[i].shape, shapes[i].text);
		if (rc != 0)
			assert_true(strlen(why.text) > 10);
	}
	assert_int_not_equal(shape_check("", STR("a\0b"), &why), 0);
	assert_int_not_equal(shape_check("", STR("\xff"), &why), 0);
	assert_false(shape_known("sphere"));
	(void)state;
}

static const struct {
	struct param	 p;
	const char	*text;
	bool		 is_good;
	uint64_t	 value;
} kinds[] = {
#define NUM { .path = "n", .kind = PARAM_num, .min = "1", .max = "9" }
	{ NUM, "1", true, 1 }, { NUM, "9", true, 9 }, { NUM, "0", false, 0 },
	{ NUM, "10", false, 0 }, { NUM, "-1", false, 0 },
	{ NUM, "", false, 0 }, { NUM, "1k", false, 0 },
	{ NUM, "4294967297", false, 0 },
#define SIZE { .path = "s", .kind = PARAM_size, .min = "1k", .max = "1G" }
	{ SIZE, "1k", true, 1024 }, { SIZE, "1023", false, 0 },
	{ SIZE, "1G", true, 1 << 30 }, { SIZE, "2G", false, 0 },
	{ SIZE, "many", false, 0 },
#define MS { .path = "m", .kind = PARAM_ms, .min = "1s", .max = "1h" }
	{ MS, "1s", true, 1000 }, { MS, "999ms", false, 0 },
	{ MS, "60m", true, 3600000 }, { MS, "61m", false, 0 },
	{ MS, "30", false, 0 },
#define FLAG { .path = "f", .kind = PARAM_flag }
	{ FLAG, "yes", true, 1 }, { FLAG, "no", true, 0 },
	{ FLAG, "true", false, 0 }, { FLAG, "", false, 0 },
#define WORD { .path = "w", .kind = PARAM_word, .min = "red green" }
	{ WORD, "red", true, 0 }, { WORD, "green", true, 0 },
	{ WORD, "red green", false, 0 }, { WORD, "", false, 0 },
	{ WORD, "blue", false, 0 },
};

static uint64_t
as_number(const struct param *p, const union value *v)
{
	switch (p->kind) {
	case PARAM_flag:
		return v->flag;
	case PARAM_num:
		return v->num;
	case PARAM_size:
		return v->size;
	case PARAM_ms:
		return (uint64_t)v->ms;
	default:
		return 0;
	}
}

static void
kind_table(void **state)
{
	union value v;
	struct why why;
	size_t i;

	for (i = 0; i < NITEMS(kinds); i++) {
		int rc = value_parse(&kinds[i].p, str_of(kinds[i].text), &v,
		    &why);

		if ((rc == 0) != kinds[i].is_good)
			fail_msg("%s \"%s\"", kinds[i].p.path, kinds[i].text);
		if (rc == 0)
			assert_int_equal(as_number(&kinds[i].p, &v),
			    kinds[i].value);
	}
	(void)state;
}

static void
listeners(void **state)
{
	struct listen l;

	assert_int_equal(listen_parse(STR("imap [2001:db8::1]:143"), &l, NULL),
	    0);
	assert_true(str_same(l.service, "imap"));
	assert_true(str_same(l.host, "2001:db8::1"));
	assert_int_equal(l.port, 143);
	assert_int_equal(listen_parse(STR("smtp *:25"), &l, NULL), 0);
	assert_true(str_same(l.host, "*"));
	(void)state;
}

/* What is quoted comes back as it was. */
static void
words(void **state)
{
	const char *const all[] = { "a", "", "two words", "a\"b", "a\\b",
	    "#no comment", "semi;colon", "br{ace", "com,ma", "a#b" };
	struct arena a;
	struct buf b;
	struct str word[NITEMS(all)];
	size_t i;

	arena_init(&a, 4096);
	buf_init(&b, 4096);
	for (i = 0; i < NITEMS(all); i++) {
		conf_quote(&b, str_of(all[i]));
		buf_c(&b, ' ');
	}
	assert_int_equal(conf_split(buf_str(&b), word, NITEMS(all), &a),
	    NITEMS(all));
	for (i = 0; i < NITEMS(all); i++)
		assert_true(str_same(word[i], all[i]));
	assert_int_equal(conf_split(buf_str(&b), word, 2, &a), 3);
	assert_int_equal(conf_split(STR("a \"b"), word, 4, &a), 0);
	assert_int_equal(conf_split(STR("\"b\\"), word, 4, &a), 0);
	assert_int_equal(conf_split(STR("  "), word, 4, &a), 0);
	buf_reset(&b);
	conf_quote(&b, STR("a#b"));
	assert_string_equal(buf_cstr(&b), "a#b");
	buf_free(&b);
	arena_free(&a);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape_table),
		cmocka_unit_test(kind_table),
		cmocka_unit_test(listeners),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
