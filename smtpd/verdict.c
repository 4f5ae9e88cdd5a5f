/* SPDX-License-Identifier: ISC */
/*
 * smtpd/verdict.c - reject, mark or accept: one row a result that has a rule.
 *
 * The strictest rule that fits wins.  Where DMARC passes, SPF has no say:
 * mail that was forwarded, and is signed by its author's domain, comes from
 * addresses that its sender's domain does not know (RFC 9989 7.1 warns of
 * refusing it).
 */
#include "smtpd/verdict.h"

#include "base/attr.h"

#include "base/banned.h"

#define NO_SETTING	{ NULL, 0 }

/* --- rules --------------------------------------------------------------- */

static struct str
rule_spf(const struct conf *c, const struct verdict_facts *f)
{
	const struct {
		enum spf_result	result;
		struct str	word;
	} rows[] = {
		{ SPF_FAIL, c->check.spf_fail },
		{ SPF_SOFTFAIL, c->check.spf_softfail },
		{ SPF_PERMERROR, c->check.spf_permerror },
		{ SPF_TEMPERROR, c->check.spf_temperror },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (rows[i].result == f->spf && f->dmarc != DMARC_PASS)
			return rows[i].word;
	return STR("accept");
}

/* What the author's domain asks for, as far as `dmarc apply' lets it. */
static struct str
rule_dmarc(const struct conf *c, const struct verdict_facts *f)
{
	if (f->dmarc == DMARC_TEMPERROR)
		return c->check.dmarc_temperror;
	if (f->dmarc == DMARC_PERMERROR)
		return c->check.dmarc_permerror;
	if (f->dmarc != DMARC_FAIL || f->policy == DMARC_P_NONE ||
	    str_same(c->dmarc.apply, "no"))
		return STR("accept");
	if (f->policy == DMARC_P_REJECT && str_same(c->dmarc.apply, "yes"))
		return STR("reject");
	return STR("mark");
}

/* Where the DNS is silent there is no rule: it is a doubt, no more. */
static struct str
rule_client(const struct conf *c, const struct verdict_facts *f)
{
	if (f->client == CLIENT_FAIL || f->client == CLIENT_PERMERROR)
		return c->check.iprev;
	return STR("accept");
}

static enum check_action
action_of(struct str word)
{
	static const struct {
		const char	*word;
		enum check_action action;
	} words[] = {
		{ "mark", CHECK_MARK }, { "reject", CHECK_REJECT },
		{ "later", CHECK_LATER },
	};

	for (size_t i = 0; i < NITEMS(words); i++)
		if (str_same(word, words[i].word))
			return words[i].action;
	return CHECK_ACCEPT;
}

/* reject says more than later, as it is sure. */
static int
severity(enum check_action a)
{
	static const int rank[] = {
		[CHECK_ACCEPT] = 0, [CHECK_MARK] = 1, [CHECK_LATER] = 2,
		[CHECK_REJECT] = 3,
	};

	return rank[a];
}

/* --- the codes of RFC 7372 ----------------------------------------------- */

static const struct verdict spf_rows[] = {
	[SPF_NONE] = { CHECK_ACCEPT, 0, "", "spf=none" },
	[SPF_NEUTRAL] = { CHECK_ACCEPT, 0, "", "spf=neutral" },
	[SPF_PASS] = { CHECK_ACCEPT, 0, "", "spf=pass" },
	[SPF_FAIL] = { CHECK_REJECT, 550, "5.7.23", "spf=fail" },
	[SPF_SOFTFAIL] = { CHECK_REJECT, 550, "5.7.23", "spf=softfail" },
	[SPF_TEMPERROR] = { CHECK_LATER, 451, "4.7.24", "spf=temperror" },
	[SPF_PERMERROR] = { CHECK_REJECT, 550, "5.7.24", "spf=permerror" },
};

static const struct verdict dmarc_rows[] = {
	[DMARC_NONE] = { CHECK_ACCEPT, 0, "", "dmarc=none" },
	[DMARC_PASS] = { CHECK_ACCEPT, 0, "", "dmarc=pass" },
	[DMARC_FAIL] = { CHECK_REJECT, 550, "5.7.26", "dmarc=fail" },
	[DMARC_TEMPERROR] = { CHECK_LATER, 451, "4.7.0", "dmarc=temperror" },
	/* RFC 5322 3.6.2 is what it breaks */
	[DMARC_PERMERROR] = { CHECK_REJECT, 550, "5.6.0", "dmarc=permerror" },
};

static const struct verdict client_rows[] = {
	[CLIENT_NONE] = { CHECK_ACCEPT, 0, "", "iprev=none" },
	[CLIENT_PASS] = { CHECK_ACCEPT, 0, "", "iprev=pass" },
	[CLIENT_FAIL] = { CHECK_REJECT, 550, "5.7.25", "iprev=fail" },
	[CLIENT_TEMPERROR] = { CHECK_ACCEPT, 0, "", "iprev=temperror" },
	[CLIENT_PERMERROR] = { CHECK_REJECT, 550, "5.7.25", "iprev=permerror" },
};

struct verdict
verdict_of(const struct conf *conf, const struct verdict_facts *f)
{
	struct verdict v[] = { dmarc_rows[f->dmarc], spf_rows[f->spf],
	    client_rows[f->client] }, *worst = &v[0];

	v[0].action = action_of(rule_dmarc(conf, f));
	v[1].action = action_of(rule_spf(conf, f));
	v[2].action = action_of(rule_client(conf, f));
	for (size_t i = 1; i < NITEMS(v); i++)
		if (severity(v[i].action) > severity(worst->action))
			worst = &v[i];
	return *worst;
}

void
verdict_text(const struct verdict *v, const struct verdict_facts *f,
    struct buf *out)
{
	bool is_spf = str_starts(str_of(v->mark), "spf");
	struct str domain = is_spf ? f->spf_domain : f->dmarc_domain;

	if (v->action == CHECK_LATER)
		buf_fmt(out, "cannot find out now whether this is mail of "
		    "%.*s (%s), try again later", STR_ARG(domain), v->mark);
	else if (str_starts(str_of(v->mark), "iprev"))
		buf_fmt(out, "%.*s has no name that leads back to it (%s)",
		    STR_ARG(f->peer), v->mark);
	else if (!is_spf && f->dmarc == DMARC_PERMERROR)
		buf_fmt(out, "the From field does not say whose message it is "
		    "(%s)", v->mark);
	else if (!is_spf)
		buf_fmt(out, "%.*s wants mail refused that it has not proved "
		    "to be its own (%s)", STR_ARG(domain), v->mark);
	else if (f->spf == SPF_PERMERROR)
		buf_fmt(out, "the SPF record of %.*s cannot be used (%s)",
		    STR_ARG(domain), v->mark);
	else
		buf_fmt(out, "%.*s does not let %.*s send for it (%s)",
		    STR_ARG(domain), STR_ARG(f->peer), v->mark);
	if (is_spf && f->spf == SPF_FAIL && f->explanation.n > 0)
		buf_fmt(out, "; it says: %.*s", STR_ARG(f->explanation));
}
