/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of mail/provider.c, and of conf/providers.conf itself: real
 * replies of receivers and what they mean; each row of the table is the
 * verdict of at least one of them, else it can never match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mail/provider.h"

static struct arena arena;
static struct providers table;
static char *text, *replies;

static char *
read_file(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[1000];
	char *out = calloc(1, 256 * 1024);
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", srcdir != NULL ? srcdir :
	    "..", name);
	f = fopen(path, "r");
	if (f == NULL || out == NULL)
		fail_msg("%s", path);
	if (fread(out, 1, 256 * 1024 - 1, f) == 0)
		fail_msg("%s is empty", path);
	(void)fclose(f);
	return out;
}

static int
setup(void **state)
{
	struct why why;

	(void)state;
	arena_init(&arena, 4 * 1024 * 1024);
	text = read_file("conf/providers.conf");
	replies = read_file("tests/unit/mail/replies.txt");
	if (providers_parse(&table, str_of(text), &arena, &why) != 0)
		fail_msg("%s", why.text);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	free(text);
	free(replies);
	return 0;
}

/* replies.txt: PROVIDER | VERDICT | REPLY, lines of a reply by "\n". */
static struct str
unfold(struct str s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'n') {
			out[n++] = '\n';
			i++;
		} else
			out[n++] = (char)s.p[i];
	return str_mem(out, n);
}

static unsigned
code_of(struct str reply)
{
	uint64_t v = 0;

	assert_true(str_u64(str_sub(reply, 0, 3), 999, &v));
	return (unsigned)v;
}

static void
test_replies(void **state)
{
	static bool seen[10000];
	struct str all = str_of(replies), line;
	unsigned wrong = 0;

	(void)state;
	while (str_line(&all, &line)) {
		const struct provider_rule *rule;
		struct str name, want, reply;
		char flat[1000];
		enum verdict v;

		if (line.n == 0 || line.p[0] == '#')
			continue;
		name = str_trim(str_until(&line, '|'));
		want = str_trim(str_until(&line, '|'));
		assert_true(line.n < sizeof(flat));
		reply = unfold(str_trim(line), flat);
		if (!str_same(name, "-"))
			assert_non_null(provider_named(&table, name));
		v = provider_verdict(&table, provider_named(&table, name),
		    code_of(reply), reply, &rule);
		if (rule != NULL)
			seen[rule->line] = true;
		if (!str_same(want, verdict_name(v))) {
			print_error("%.*s: %s, not %.*s: %.*s\n", STR_ARG(name),
			    verdict_name(v), STR_ARG(want), STR_ARG(reply));
			wrong++;
		}
	}
	for (struct provider *p = table.first; p != NULL; p = p->next)
		for (struct provider_rule *r = p->rules; r != NULL;
		    r = r->next)
			if (!seen[r->line]) {
				print_error("line %u of providers.conf decides "
				    "no reply of replies.txt\n", r->line);
				wrong++;
			}
	assert_int_equal(wrong, 0);
}

static void
test_whose_host(void **state)
{
	static const struct { const char *mx, *provider, *org; } cases[] = {
		{ "mx3.qq.com", "qq", "qq.com" },
		{ "mxbiz1.qq.com.", "qq", "qq.com" },
		{ "ASPMX.L.GOOGLE.COM", "gmail", "GOOGLE.COM" },
		{ "example-org.mail.protection.outlook.com", "outlook",
		  "outlook.com" },
		{ "mta5.am0.yahoodns.net", "yahoo", "yahoodns.net" },
		{ "notqq.com", "", "notqq.com" },
		{ "mx.mail.example.co.uk", "", "example.co.uk" },
		{ "a.b.com.cn", "", "b.com.cn" },
		{ "example.co", "", "example.co" },
		{ "mx.example.co", "", "example.co" },
		{ "host", "", "host" }, { "192.0.2.1", "", "192.0.2.1" },
		{ "[2001:db8::1]", "", "[2001:db8::1]" }, { "", "", "" },
		{ "x.co.uk", "", "x.co.uk" }, { "co.uk", "", "co.uk" },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		const struct provider *p = provider_of_mx(&table,
		    str_of(cases[i].mx));

		assert_true(str_same(p != NULL ? p->name : STR(""),
		    cases[i].provider));
		assert_true(str_same(provider_org(str_of(cases[i].mx)),
		    cases[i].org));
	}
}

static void
test_code_alone(void **state)
{
	static const struct { unsigned code; enum verdict want; } cases[] = {
		{ 250, VERDICT_ACCEPTED }, { 251, VERDICT_ACCEPTED },
		{ 354, VERDICT_LATER }, { 421, VERDICT_LATER },
		{ 450, VERDICT_LATER }, { 550, VERDICT_NEVER },
		{ 599, VERDICT_NEVER }, { 0, VERDICT_LATER },
		{ 999, VERDICT_LATER },
	};
	struct providers none;

	(void)state;
	assert_int_equal(providers_parse(&none, STR(""), &arena, NULL), 0);
	none.general = none.first;
	for (size_t i = 0; i < NITEMS(cases); i++)
		assert_int_equal(provider_verdict(&none, NULL, cases[i].code,
		    STR("words"), NULL), cases[i].want);
}

static void
test_what_is_wrong(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "550 slow \"x\"", "begins with a provider" },
		{ "provider a\nprovider a", "line 2: this provider is there" },
		{ "provider", "one name" },
		{ "provider a\n mx", "wants names" },
		{ "provider a\n mx example.com.", "no name of a host" },
		{ "provider a\n mx Example.com", "no name of a host" },
		{ "provider a\n connections 0", "number from 1" },
		{ "provider a\n connections x", "number from 1" },
		{ "provider a\n pause", "one to six" },
		{ "provider a\n pause 5", "no time like" },
		{ "provider a\n pause 0m", "no time like" },
		{ "provider a\n pause 1s 1s 1s 1s 1s 1s 1s", "one to six" },
		{ "provider a\n 550 perhaps \"x\"", "a code wants" },
		{ "provider a\n 550", "a code wants" },
		{ "provider a\n 550 slow \"\"", "empty text" },
		{ "provider a\n 550 slow a b c d e", "four texts" },
		{ "provider a\n 550 slow \"x", "quote without end" },
		{ "provider a\n 55 slow x", "neither provider" },
		{ "provider a\n 5y0 slow x", "neither provider" },
		{ "provider a\n colour blue", "neither provider" },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct providers p;
		struct why why = { .text = "" };

		assert_int_equal(providers_parse(&p, str_of(cases[i].text),
		    &arena, &why), FAIL_SYNTAX);
		if (strstr(why.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, why.text);
	}
}

static void
test_phrase_over_lines(void **state)
{
	struct providers p;

	(void)state;
	assert_int_equal(providers_parse(&p, STR("provider *\n"
	    " 5xx policy \"not have authentication information\" # why\n"
	    " 5xx slow \"b\"\n"), &arena, NULL), 0);
	assert_int_equal(provider_verdict(&p, NULL, 550, STR(
	    "550-5.7.26 This mail does not have authentication\n"
	    "550-5.7.26 information or fails\n550 5.7.26 b"), NULL),
	    VERDICT_POLICY);
	assert_int_equal(provider_verdict(&p, NULL, 450,
	    STR("450 authentication information"), NULL), VERDICT_LATER);
}

static void
test_limits(void **state)
{
	struct providers p;
	struct arena small;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 2000; i++)
		buf_fmt(&b, "provider p%d\n 550 slow x\n", i);
	arena_init(&small, 20000);
	assert_int_equal(providers_parse(&p, buf_str(&b), &small, NULL),
	    FAIL_TOO_BIG);
	arena_free(&small);
	buf_reset(&b);
	/* a reply beyond what is looked at */
	for (int i = 0; i < 3000; i++)
		buf_z(&b, "550-x\n");
	buf_z(&b, "550 frequency limit");
	assert_int_equal(provider_verdict(&table, NULL, 550, buf_str(&b),
	    NULL), VERDICT_NEVER);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_whose_host),
		cmocka_unit_test(test_code_alone),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_phrase_over_lines),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("mail/provider", tests, setup,
	    teardown);
}
