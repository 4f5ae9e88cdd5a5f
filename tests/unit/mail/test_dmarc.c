/* SPDX-License-Identifier: ISC */
/*
 * DMARC: the record, the walk up the tree, alignment, the verdict; against a
 * small DNS that stands in the case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/dmarc.h"

#include "base/banned.h"

static void
test_record(void **state)
{
	static const struct {
		const char	*text;
		bool		ok;
		int		p, sp, np;
		bool		adkim, aspf, t;
		int		psd;
	} cases[] = {
		{ "v=DMARC1; p=reject", true, 2, 2, 2, 0, 0, 0, 0 },
		{ "v=DMARC1;p=none;sp=quarantine;np=reject", true, 0, 1, 2, 0, 0, 0, 0 },
		{ "v=DMARC1; p=quarantine; np=none", true, 1, 1, 0, 0, 0, 0, 0 },
		{ " v = DMARC1 ; P=Reject ; adkim=S; aspf=s; t=y; psd=n", true, 2, 2, 2, 1, 1, 1, 2 },
		{ "v=DMARC1", true, 0, 0, 0, 0, 0, 0, 0 },
		{ "v=DMARC1; p=bogus; psd=y; rua=mailto:x@y", true, 0, 0, 0, 0, 0, 0, 1 },
		{ "v=DMARC1; p=reject; sp=bogus", true, 0, 0, 0, 0, 0, 0, 0 },
		{ "v=DMARC1; p=reject; np=", true, 0, 0, 0, 0, 0, 0, 0 },
		{ "v=DMARC1; p=none; p=reject", true, 0, 0, 0, 0, 0, 0, 0 },
		{ "v=DMARC1; p=reject; unknown; =; ;;pct=0", true, 2, 2, 2, 0, 0, 0, 0 },
		{ "v=dmarc1; p=reject", false, 0, 0, 0, 0, 0, 0, 0 },
		{ "v=DMARC11; p=reject", false, 0, 0, 0, 0, 0, 0, 0 },
		{ "p=reject; v=DMARC1", false, 0, 0, 0, 0, 0, 0, 0 },
		{ "v=spf1 -all", false, 0, 0, 0, 0, 0, 0, 0 },
		{ "", false, 0, 0, 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct dmarc_record r;
		int rc = dmarc_parse(str_of(cases[i].text), &r);

		assert_int_equal(rc, cases[i].ok ? 0 : FAIL_SYNTAX);
		if (rc != 0)
			continue;
		assert_int_equal(r.p, cases[i].p);
		assert_int_equal(r.sp, cases[i].sp);
		assert_int_equal(r.np, cases[i].np);
		assert_int_equal(r.strict_dkim, cases[i].adkim);
		assert_int_equal(r.strict_spf, cases[i].aspf);
		assert_int_equal(r.is_test, cases[i].t);
		assert_int_equal(r.psd, cases[i].psd);
	}
}

/* "name text|name text|": TXT records; "name !" does not answer; "name +"
 * exists otherwise. */
static void
answer(struct dmarc *d, const char *zone)
{
	struct str z = str_of(zone);
	bool exists = false, failed = false;

	while (z.n > 0) {
		struct str text = str_until(&z, '|');
		struct str name = str_until(&text, ' ');

		if (!str_is(name, d->ask))
			continue;
		if (str_same(text, "!"))
			failed = true;
		else if (str_same(text, "+"))
			exists = true;
		else
			dmarc_txt(d, text);
	}
	dmarc_answered(d, exists, failed);
}

static struct str
org_by_list(void *arg, struct str domain)
{
	struct str s = domain;

	(void)arg;
	/* co.uk is a suffix, of the others the last label */
	while (str_chr(s, '.') < s.n && str_chr(str_from(s,
	    str_chr(s, '.') + 1), '.') < str_from(s, str_chr(s, '.') + 1).n &&
	    !(str_iends(s, STR(".co.uk")) && str_chr(s, '.') == s.n - 6))
		s = str_from(s, str_chr(s, '.') + 1);
	return s;
}

#define EX "_dmarc.example.org v=DMARC1; p=reject; sp=quarantine; np=none|"

static const struct verdict_case {
	const char	*author, *spf, *dkim, *zone;
	enum dmarc_result result;
	enum dmarc_policy policy;
	const char	*org;
	unsigned	most_asked;
	bool		by_list;
} verdicts[] = {
	/* no record */
	{ "example.org", "example.org", "", "", DMARC_NONE, 0, "example.org", 2, 0 },
	/* aligned exactly */
	{ "example.org", "example.org", "", EX, DMARC_PASS, 2, "example.org", 2, 0 },
	{ "example.org", "", "example.org", EX, DMARC_PASS, 2, "example.org", 2, 0 },
	{ "EXAMPLE.org.", "", "Example.ORG", EX, DMARC_PASS, 2, "EXAMPLE.org", 2, 0 },
	/* relaxed: below the organisation, and the organisation for one below */
	{ "example.org", "mail.example.org", "", EX, DMARC_PASS, 2, "example.org", 5, 0 },
	{ "a.example.org", "", "b.example.org", EX "a.example.org +|", DMARC_PASS, 1, "example.org", 7, 0 },
	{ "a.example.org", "", "example.org", EX "a.example.org +|", DMARC_PASS, 1, "example.org", 4, 0 },
	/* np: the domain does not exist */
	{ "nix.example.org", "", "", EX, DMARC_FAIL, 0, "example.org", 4, 0 },
	{ "nix.example.org", "", "", EX "nix.example.org +|", DMARC_FAIL, 1, "example.org", 4, 0 },
	/* strict */
	{ "example.org", "mail.example.org", "mail.example.org",
	  "_dmarc.example.org v=DMARC1; p=reject; adkim=s; aspf=s|", DMARC_FAIL, 2, "example.org", 2, 0 },
	{ "example.org", "mail.example.org", "mail.example.org",
	  "_dmarc.example.org v=DMARC1; p=reject; adkim=s|", DMARC_PASS, 2, "example.org", 5, 0 },
	/* somebody else */
	{ "example.org", "evil.org", "notexample.org", EX, DMARC_FAIL, 2, "example.org", 2, 0 },
	{ "example.org", "org", "", EX, DMARC_FAIL, 2, "example.org", 2, 0 },
	/* two records: none of them counts */
	{ "example.org", "", "", EX EX, DMARC_NONE, 0, "example.org", 2, 0 },
	/* other TXT beside it do not matter */
	{ "example.org", "example.org", "", "_dmarc.example.org x|" EX, DMARC_PASS, 2, "example.org", 2, 0 },
	/* a record without a policy: none at all, unless it wants reports */
	{ "example.org", "", "", "_dmarc.example.org v=DMARC1; p=all|", DMARC_NONE, 0, "example.org", 2, 0 },
	{ "example.org", "", "", "_dmarc.example.org v=DMARC1; rua=mailto:x|", DMARC_NONE, 0, "example.org", 2, 0 },
	{ "example.org", "", "", "_dmarc.example.org v=DMARC1; rua=http:x, mailto:a@b|", DMARC_FAIL, 0, "example.org", 2, 0 },
	{ "example.org", "", "", "_dmarc.example.org v=DMARC1; p=reject; sp=x; rua=mailto:a@b|", DMARC_FAIL, 0, "example.org", 2, 0 },
	{ "example.org", "", "example.org", "_dmarc.example.org v=DMARC1; p=reject; sp=x|", DMARC_NONE, 0, "example.org", 2, 0 },
	/* t=y: one step less */
	{ "example.org", "", "", "_dmarc.example.org v=DMARC1;p=reject;t=y|", DMARC_FAIL, 1, "example.org", 2, 0 },
	{ "example.org", "", "", "_dmarc.example.org v=DMARC1;p=quarantine;t=y|", DMARC_FAIL, 0, "example.org", 2, 0 },
	/* psd=y: the organisation is one below; neighbours are strangers */
	{ "a.bank", "b.bank", "", "_dmarc.bank v=DMARC1;p=reject;psd=y|a.bank +|", DMARC_FAIL, 2, "a.bank", 3, 0 },
	{ "x.a.bank", "a.bank", "", "_dmarc.bank v=DMARC1;p=reject;psd=y|", DMARC_PASS, 2, "a.bank", 4, 0 },
	/* psd=n: this is the organisation, whatever stands above */
	{ "x.dept.example.org", "y.dept.example.org", "",
	  "_dmarc.dept.example.org v=DMARC1;p=none;psd=n|" EX, DMARC_PASS, 0, "dept.example.org", 4, 0 },
	{ "x.dept.example.org", "example.org", "",
	  "_dmarc.dept.example.org v=DMARC1;p=none;psd=n|" EX, DMARC_FAIL, 0, "dept.example.org", 2, 0 },
	/* the DNS does not answer */
	{ "example.org", "example.org", "", "_dmarc.example.org !|", DMARC_TEMPERROR, 0, "", 1, 0 },
	{ "example.org", "m.example.org", "", EX "_dmarc.m.example.org !|", DMARC_TEMPERROR, 2, "example.org", 3, 0 },
	{ "example.org", "m.example.org", "example.org", EX "_dmarc.m.example.org !|", DMARC_PASS, 2, "example.org", 3, 0 },
	/* silent above the author's own record: only what is proved for the
	 * very domain is sure, and that nothing is proved */
	{ "example.org", "", "example.org", EX "_dmarc.org !|", DMARC_PASS, 2, "example.org", 2, 0 },
	{ "example.org", "", "", EX "_dmarc.org !|", DMARC_FAIL, 2, "example.org", 2, 0 },
	{ "example.org", "other.org", "", EX "_dmarc.org !|", DMARC_TEMPERROR, 2, "example.org", 2, 0 },
	{ "example.org", "m.example.org", "", EX "_dmarc.org !|", DMARC_TEMPERROR, 2, "example.org", 5, 0 },
	{ "a.example.org", "", "", EX "_dmarc.org !|", DMARC_TEMPERROR, 0, "", 3, 0 },
	/* nobody knows whether it was signed: only if that would be aligned,
	 * and nothing else is */
	{ "example.org", "", "?example.org", EX, DMARC_TEMPERROR, 2, "example.org", 2, 0 },
	{ "example.org", "?m.example.org", "", EX, DMARC_TEMPERROR, 2, "example.org", 5, 0 },
	{ "example.org", "?evil.org", "evil.org", EX, DMARC_FAIL, 2, "example.org", 2, 0 },
	{ "example.org", "?example.org", "example.org", EX, DMARC_PASS, 2, "example.org", 2, 0 },
	{ "a.co.uk", "", "?x.a.co.uk", "_dmarc.a.co.uk v=DMARC1; p=reject|", DMARC_TEMPERROR, 2, "a.co.uk", 1, 1 },
	/* no domain */
	{ "", "example.org", "", EX, DMARC_PERMERROR, 0, "", 0, 0 },
	/* eleven labels: at most eight questions */
	{ "a.b.c.d.e.f.g.h.i.example.org", "example.org", "",
	  "_dmarc.example.org v=DMARC1; p=reject|", DMARC_PASS, 2, "example.org", 8, 0 },
	/* by the list */
	{ "a.co.uk", "b.co.uk", "", "_dmarc.a.co.uk v=DMARC1; p=reject|", DMARC_FAIL, 2, "a.co.uk", 1, 1 },
	{ "x.a.co.uk", "y.a.co.uk", "", "_dmarc.a.co.uk v=DMARC1; p=reject|", DMARC_PASS, 2, "a.co.uk", 2, 1 },
	{ "x.y.example.org", "", "", "", DMARC_NONE, 0, "example.org", 2, 1 },
};

/* "?DOMAIN": not known. */
static void
add(struct dmarc *d, enum dmarc_id how, struct str domain)
{
	if (str_starts(domain, "?"))
		dmarc_add_unknown(d, how, str_from(domain, 1));
	else
		dmarc_add(d, how, domain);
}

static void
test_verdict(void **state)
{
	for (size_t i = 0; i < NITEMS(verdicts); i++) {
		const struct verdict_case *c = &verdicts[i];
		unsigned asked = 0;
		struct dmarc d;

		dmarc_begin(&d, str_of(c->author),
		    c->by_list ? org_by_list : NULL, NULL);
		add(&d, DMARC_SPF, str_of(c->spf));
		add(&d, DMARC_DKIM, str_of(c->dkim));
		for (; dmarc_step(&d) == DMARC_ASK; asked++)
			answer(&d, c->zone);
		if (d.result != c->result || d.policy != c->policy ||
		    asked > c->most_asked || !str_same(d.org, c->org))
			fail_msg("case %zu %s: %s %s org %.*s asked %u", i,
			    c->author, dmarc_result_name(d.result),
			    dmarc_policy_name(d.policy), STR_ARG(d.org), asked);
	}
}

static void
test_many(void **state)
{
	struct dmarc d;
	unsigned asked = 0;

	dmarc_begin(&d, STR("example.org"), NULL, NULL);
	for (int i = 0; i < 100; i++)
		dmarc_add(&d, DMARC_DKIM, STR("a.b.c.d.e.f.g.example.org"));
	for (; dmarc_step(&d) == DMARC_ASK; asked++)
		answer(&d, EX);
	assert_int_equal(d.result, DMARC_PASS);
	assert_true(asked <= 2 + 8 * DMARC_IDS_MAX);
}

static void
test_authors(void **state)
{
	static const struct {
		const char	*block;
		size_t		n, fields;
		const char	*first;
	} cases[] = {
		{ "From: Joe <joe@Example.ORG>\r\n\r\nFrom: x@y\r\n", 1, 1, "example.org" },
		{ "from : a@x.org, b@X.org\r\n", 1, 1, "x.org" },
		{ "From: a@x.org, b@y.org\r\n\r\n", 2, 1, "x.org" },
		{ "From: a@x.org\r\nFrom: b@y.org\r\n\r\n", 2, 2, "x.org" },
		{ "From: a@a.org,b@b.org,c@c.org,d@d.org,d@d.org\r\n\r\n", 5, 1, "a.org" },
		{ "Subject: x\r\n\r\n", 0, 0, NULL },
		{ "From: nobody\r\n\r\n", 0, 1, NULL },
		{ "From: undisclosed:;\r\n\r\n", 0, 1, NULL },
		{ "From: \"joe@bank.com\" <x@evil.org>\r\n\r\n", 1, 1, "evil.org" },
	};

	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str domain[2];
		struct arena a;
		size_t n, fields;

		arena_init(&a, 1 << 16);
		n = dmarc_authors(str_of(cases[i].block), &a, domain, 2,
		    &fields);
		if (i != 4)
			assert_int_equal(n, cases[i].n);
		else
			assert_true(n > 2);
		assert_int_equal(fields, cases[i].fields);
		if (n > 0)
			assert_true(str_same(domain[0], cases[i].first));
		arena_free(&a);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_authors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
