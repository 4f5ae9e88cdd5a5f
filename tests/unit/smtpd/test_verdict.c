/* SPDX-License-Identifier: ISC */
/*
 * smtpd/verdict.c: each rule against each result, and which of two wins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "smtpd/verdict.h"

#include "base/banned.h"

static void
set(struct conf *c, const char *rules)
{
	struct str all = str_of(rules);
	struct why why;

	while (all.n > 0) {
		struct str value = str_until(&all, ';');
		struct str path = str_until(&value, '=');

		if (conf_row(c, path, value, &why) != 0)
			fail_msg("%s", why.text);
	}
}

/* Defaults: spf fail, temperror ... as conf/params.h says. */
static const struct {
	const char	*rules;
	enum spf_result	spf;
	enum dmarc_result dmarc;
	enum dmarc_policy policy;
	enum check_action action;
	const char	*mark;
	unsigned	code;
} cases[] = {
	/* nothing is wrong */
	{ "", SPF_PASS, DMARC_PASS, DMARC_P_REJECT, CHECK_ACCEPT, NULL, 0 },
	{ "", SPF_NONE, DMARC_NONE, DMARC_P_NONE, CHECK_ACCEPT, NULL, 0 },
	{ "", SPF_NEUTRAL, DMARC_NONE, DMARC_P_NONE, CHECK_ACCEPT, NULL, 0 },
	/* SPF by its rules */
	{ "check spf fail=mark", SPF_FAIL, DMARC_NONE, DMARC_P_NONE,
	  CHECK_MARK, "spf=fail", 550 },
	{ "check spf fail=reject", SPF_FAIL, DMARC_NONE, DMARC_P_NONE,
	  CHECK_REJECT, "spf=fail", 550 },
	{ "check spf fail=accept", SPF_FAIL, DMARC_NONE, DMARC_P_NONE,
	  CHECK_ACCEPT, NULL, 0 },
	{ "check spf softfail=mark", SPF_SOFTFAIL, DMARC_NONE, DMARC_P_NONE,
	  CHECK_MARK, "spf=softfail", 550 },
	{ "check spf permerror=reject", SPF_PERMERROR, DMARC_NONE,
	  DMARC_P_NONE, CHECK_REJECT, "spf=permerror", 550 },
	{ "check spf temperror=later", SPF_TEMPERROR, DMARC_NONE,
	  DMARC_P_NONE, CHECK_LATER, "spf=temperror", 451 },
	/* ... but not where DMARC passes: forwarded, and signed */
	{ "check spf fail=reject", SPF_FAIL, DMARC_PASS, DMARC_P_REJECT,
	  CHECK_ACCEPT, NULL, 0 },
	/* DMARC by what the domain asks for, as far as it is let */
	{ "dmarc apply=yes", SPF_NONE, DMARC_FAIL, DMARC_P_REJECT,
	  CHECK_REJECT, "dmarc=fail", 550 },
	{ "dmarc apply=yes", SPF_NONE, DMARC_FAIL, DMARC_P_QUARANTINE,
	  CHECK_MARK, "dmarc=fail", 550 },
	{ "dmarc apply=yes", SPF_NONE, DMARC_FAIL, DMARC_P_NONE,
	  CHECK_ACCEPT, NULL, 0 },
	{ "dmarc apply=mark", SPF_NONE, DMARC_FAIL, DMARC_P_REJECT,
	  CHECK_MARK, "dmarc=fail", 550 },
	{ "dmarc apply=no", SPF_NONE, DMARC_FAIL, DMARC_P_REJECT,
	  CHECK_ACCEPT, NULL, 0 },
	{ "check dmarc temperror=later", SPF_NONE, DMARC_TEMPERROR,
	  DMARC_P_NONE, CHECK_LATER, "dmarc=temperror", 451 },
	{ "check dmarc temperror=accept", SPF_NONE, DMARC_TEMPERROR,
	  DMARC_P_NONE, CHECK_ACCEPT, NULL, 0 },
	/* the stricter of two */
	{ "check spf fail=reject", SPF_FAIL, DMARC_FAIL, DMARC_P_QUARANTINE,
	  CHECK_REJECT, "spf=fail", 550 },
	{ "check spf fail=mark", SPF_FAIL, DMARC_FAIL, DMARC_P_REJECT,
	  CHECK_REJECT, "dmarc=fail", 550 },
	{ "check spf temperror=later;check dmarc temperror=later",
	  SPF_TEMPERROR, DMARC_TEMPERROR, DMARC_P_NONE, CHECK_LATER,
	  "dmarc=temperror", 451 },
	/* sure before unsure */
	{ "check spf temperror=later", SPF_TEMPERROR, DMARC_FAIL,
	  DMARC_P_REJECT, CHECK_REJECT, "dmarc=fail", 550 },
	{ "check spf fail=reject;check dmarc temperror=later", SPF_FAIL,
	  DMARC_TEMPERROR, DMARC_P_NONE, CHECK_REJECT, "spf=fail", 550 },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct verdict_facts f = { .spf = cases[i].spf,
		    .dmarc = cases[i].dmarc, .policy = cases[i].policy };
		struct verdict v;
		struct conf c;

		conf_init(&c);
		set(&c, cases[i].rules);
		v = verdict_of(&c, &f);
		if (v.action != cases[i].action)
			fail_msg("case %zu: action %d", i, (int)v.action);
		if (cases[i].mark != NULL) {
			assert_string_equal(v.mark, cases[i].mark);
			assert_int_equal(v.code, cases[i].code);
			assert_int_equal(v.status[0], '0' + (int)v.code / 100);
		}
		conf_free(&c);
	}
}

static void
test_words(void **state)
{
	static const struct {
		const char	*rules;
		enum spf_result	spf;
		enum dmarc_result dmarc;
		const char	*explanation, *want;
	} rows[] = {
		{ "check spf fail=reject", SPF_FAIL, DMARC_NONE, "",
		  "s.example does not let 192.0.2.1 send for it (spf=fail)" },
		{ "check spf fail=reject", SPF_FAIL, DMARC_NONE, "go away",
		  "s.example does not let 192.0.2.1 send for it (spf=fail); "
		  "it says: go away" },
		{ "check spf softfail=reject", SPF_SOFTFAIL, DMARC_NONE,
		  "go away", "s.example does not let 192.0.2.1 send for it "
		  "(spf=softfail)" },
		{ "check spf permerror=reject", SPF_PERMERROR, DMARC_NONE, "",
		  "the SPF record of s.example cannot be used "
		  "(spf=permerror)" },
		{ "check spf temperror=later", SPF_TEMPERROR, DMARC_NONE, "",
		  "cannot find out now whether this is mail of s.example "
		  "(spf=temperror), try again later" },
		{ "", SPF_NONE, DMARC_FAIL, "go away",
		  "d.example wants mail refused that it has not proved to be "
		  "its own (dmarc=fail)" },
		{ "check dmarc temperror=later", SPF_NONE, DMARC_TEMPERROR,
		  "", "cannot find out now whether this is mail of d.example "
		  "(dmarc=temperror), try again later" },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct verdict_facts f = { .spf = rows[i].spf,
		    .dmarc = rows[i].dmarc, .policy = DMARC_P_REJECT,
		    .peer = STR("192.0.2.1"), .spf_domain = STR("s.example"),
		    .dmarc_domain = STR("d.example"),
		    .explanation = str_of(rows[i].explanation) };
		struct verdict v;
		struct conf c;
		struct buf out;

		conf_init(&c);
		set(&c, rows[i].rules);
		buf_init(&out, 1000);
		v = verdict_of(&c, &f);
		verdict_text(&v, &f, &out);
		assert_string_equal(buf_cstr(&out), rows[i].want);
		buf_free(&out);
		conf_free(&c);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("smtpd/verdict", tests, NULL, NULL);
}
