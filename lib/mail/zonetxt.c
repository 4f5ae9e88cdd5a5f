/* SPDX-License-Identifier: ISC */
/*
 * mail/zonetxt.c - what a domain says in TXT records: SPF, DKIM, DMARC.
 *
 * SPF is not read but tried: for each address we send from, and for one that
 * is nobody's.  A record that would be right keeps what the domain's own says
 * as far as it can be kept.
 *
 * RFC 7208; 6376 3.6.1 and 8301 (DKIM); 9989 4.7 and 9990 4 (DMARC).
 */
#include "mail/zone.h"

#include <string.h>

#include "base/buf.h"
#include "mail/dmarc.h"

#include "base/banned.h"

#define TEXT_MAX	65536		/* of one record */
#define LOOKUPS_MANY	9		/* of ten: the next include breaks it */
#define RSA_GOOD	2048
#define RSA_LEAST	1024		/* RFC 8301 3.2 */
#define REPORTS_MAX	10		/* addresses of rua= that are looked at */

/* "v=spf1", then a space or nothing. */
static bool
is_spf(struct str text)
{
	return str_istarts(text, "v=spf1") && (text.n == 6 || text.p[6] == ' ');
}

static struct str
kept(struct zone *z, struct buf *b)
{
	struct str s = arena_str(z->arena, buf_str(b));

	buf_free(b);
	return s;
}

/* --- SPF: the record that would be right --------------------------------- */

/* An `all' with its qualifier, or none. */
static bool
is_all(struct str term)
{
	if (term.n > 0 && strchr("+-~?", term.p[0]) != NULL)
		term = str_from(term, 1);
	return str_is(term, "all");
}

static bool
is_word_of(struct str text, struct str word)
{
	struct str w;

	while ((w = str_word(&text)).n > 0)
		if (str_ieq(w, word))
			return true;
	return false;
}

/* What shall become of the record that is there. */
struct spf_change {
	const bool	*add;		/* by source: does not pass yet */
	struct str	drop;		/* a term that lets strangers in */
};

static void
put_sources(struct zone *z, struct buf *b, const bool *add)
{
	for (size_t i = 0; i < z->sources; i++)
		if (add == NULL || add[i])
			buf_fmt(b, " %s:%.*s", z->source[i].is_ipv6 ? "ip6" :
			    "ip4", STR_ARG(z->source[i].address));
}

/* The terms of a record that stay; *end is its `all' where that is strict. */
static void
put_terms(struct buf *b, struct str text, struct str drop, struct str *end)
{
	struct str w;

	(void)str_word(&text);
	while ((w = str_word(&text)).n > 0) {
		if (is_all(w) && (w.p[0] == '-' || w.p[0] == '~'))
			*end = end->n > 0 && end->p[0] == '~' ? *end : w;
		else if (str_istarts(w, "redirect="))
			*end = end->n > 0 ? *end : w;
		else if (!is_all(w) && !str_ieq(w, drop) &&
		    !is_word_of(buf_str(b), w))
			buf_fmt(b, " %.*s", STR_ARG(w));
	}
}

/* All SPF records of the answer as one. */
static struct str
spf_merged(struct zone *z, const struct zone_answer *a,
    const struct spf_change *change)
{
	struct str end = STR("");
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_z(&b, "v=spf1");
	put_sources(z, &b, change->add);
	for (size_t i = 0; i < a->n; i++)
		if (is_spf(a->records[i].data))
			put_terms(&b, a->records[i].data, change->drop, &end);
	buf_c(&b, ' ');
	buf_add(&b, end.n > 0 ? end : STR("~all"));
	return zone_txt(z, z->domain, kept(z, &b));
}

/* What suffices for this host alone, when the record cannot be mended. */
static struct str
spf_minimal(struct zone *z)
{
	static const struct spf_change all = { .drop = STR_INIT("") };
	static const struct zone_answer none = { .found = ZONE_NOTHING };

	return spf_merged(z, &none, &all);
}

/* --- SPF: verdicts ------------------------------------------------------- */

/* Nobody sends from there (RFC 5737). */
static const struct str strangers[] = { STR_INIT("203.0.113.251"),
    STR_INIT("198.51.100.253") };

static struct str
stranger_for(const struct zone *z)
{
	for (size_t i = 0; i < z->sources; i++)
		if (str_eq(z->source[i].address, strangers[0]))
			return strangers[1];
	return strangers[0];
}

static struct str
postmaster(struct zone *z)
{
	return arena_fmt(z->arena, "postmaster@%.*s", STR_ARG(z->domain));
}

static void
say_spf(struct zone *z, enum zone_level level, struct str text,
    struct str record)
{
	zone_say(z, "spf", level, text, record);
}

/* An error is the record's, whoever sends. */
static bool
say_spf_error(struct zone *z, const struct zone_spf *v)
{
	if (str_same(v->verdict, "temperror"))
		say_spf(z, ZONE_UNKNOWN, arena_fmt(z->arena,
		    "cannot be tried now: %.*s", STR_ARG(v->text)), STR(""));
	else if (str_same(v->verdict, "permerror"))
		say_spf(z, ZONE_WRONG, arena_fmt(z->arena, "an error in it, so "
		    "that it counts for nothing: %.*s; this host alone needs "
		    "no more than", STR_ARG(v->text)), spf_minimal(z));
	else
		return false;
	return true;
}

static void
judge_stranger(struct zone *z, struct str who, const struct zone_spf *v,
    struct str record)
{
	if (str_same(v->verdict, "pass")) {
		say_spf(z, ZONE_WRONG, arena_fmt(z->arena, "anybody passes: "
		    "%.*s does by `%.*s'", STR_ARG(who), STR_ARG(v->term)),
		    record);
	} else if (str_same(v->verdict, "neutral")) {
		say_spf(z, ZONE_WARN, STR("it says nothing against strangers "
		    "(neutral): end it with ~all or -all"), record);
	} else if (v->lookups >= LOOKUPS_MANY) {
		say_spf(z, ZONE_WARN, arena_fmt(z->arena, "it takes %u "
		    "look-ups, and more than 10 are an error: includes grow "
		    "without asking", v->lookups), STR(""));
	} else {
		say_spf(z, ZONE_OK, arena_fmt(z->arena, "a stranger gets "
		    "%.*s; %u of 10 look-ups", STR_ARG(v->verdict),
		    v->lookups), STR(""));
	}
}

static void
judge_spf_source(struct zone *z, const struct zone_source *s,
    const struct zone_spf *v, struct str record)
{
	if (say_spf_error(z, v))
		return;
	if (str_same(v->verdict, "pass"))
		say_spf(z, ZONE_OK, arena_fmt(z->arena, "%.*s passes by `%.*s'",
		    STR_ARG(s->address), STR_ARG(v->term)), STR(""));
	else
		say_spf(z, ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s, which we send from, gets %.*s%s%.*s%s",
		    STR_ARG(s->address), STR_ARG(v->verdict),
		    v->term.n > 0 ? " by `" : "", STR_ARG(v->term),
		    v->term.n > 0 ? "'" : ""), record);
}

/* One record that mends all: who sends gets in, who does not stays out. */
static struct str
spf_mended(struct zone *z, const struct zone_answer *a,
    const struct zone_spf *v, const struct zone_spf *stranger)
{
	bool *add = arena_array(z->arena, z->sources + 1, sizeof(*add));
	struct str drop = STR("");

	if (add == NULL)
		return STR("");
	if (str_same(stranger->verdict, "pass")) {
		if (!str_ieq(stranger->term_domain, z->domain))
			return spf_minimal(z);	/* by a redirect */
		drop = stranger->term;
	}
	for (size_t i = 0; i < z->sources; i++)
		add[i] = !str_same(v[i].verdict, "pass") ||
		    (drop.n > 0 && str_ieq(v[i].term, drop));
	return spf_merged(z, a, &(struct spf_change){ .add = add,
	    .drop = drop });
}

static void
judge_spf(struct zone *z, const struct zone_answer *a)
{
	struct zone_spf *v = arena_array(z->arena, z->sources + 1, sizeof(*v));
	struct str stranger = stranger_for(z), record;

	if (v == NULL)
		return;
	/* the stranger last, and first judged: an error is said once */
	for (size_t i = 0; i <= z->sources; i++)
		v[i] = z->spf(z->arg, i < z->sources ? z->source[i].address :
		    stranger, z->helo, postmaster(z));
	if (say_spf_error(z, &v[z->sources]))
		return;
	record = spf_mended(z, a, v, &v[z->sources]);
	judge_stranger(z, stranger, &v[z->sources], record);
	for (size_t i = 0; i < z->sources; i++)
		judge_spf_source(z, &z->source[i], &v[i], record);
}

/* What a message without a sender, a bounce, is measured by. */
static void
check_helo_spf(struct zone *z)
{
	struct zone_spf v = { .verdict = STR("pass") };
	struct str right = zone_txt(z, z->helo, STR("v=spf1 a -all"));

	if (!zone_is_full(z->helo) || str_ieq(z->helo, z->domain))
		return;
	for (size_t i = 0; i < z->sources && str_same(v.verdict, "pass"); i++)
		v = z->spf(z->arg, z->source[i].address, z->helo, STR(""));
	if (str_same(v.verdict, "pass") && z->sources > 0)
		say_spf(z, ZONE_OK, arena_fmt(z->arena, "a bounce of ours "
		    "passes, by %.*s", STR_ARG(z->helo)), STR(""));
	else if (str_same(v.verdict, "none"))
		say_spf(z, ZONE_WARN, arena_fmt(z->arena, "a bounce of ours "
		    "gets none: %.*s has no record", STR_ARG(z->helo)), right);
	else if (str_same(v.verdict, "temperror"))
		(void)say_spf_error(z, &v);
	else if (z->sources > 0)
		say_spf(z, ZONE_WRONG, arena_fmt(z->arena, "a bounce of ours "
		    "gets %.*s by the record of %.*s", STR_ARG(v.verdict),
		    STR_ARG(z->helo)), right);
}

void
zone_check_spf(struct zone *z)
{
	struct zone_answer a = z->ask(z->arg, z->domain, ZONE_TXT);
	size_t n = 0;

	for (size_t i = 0; i < a.n; i++)
		n += is_spf(a.records[i].data);
	if (a.found == ZONE_LATER)
		zone_say_later(z, "spf", z->domain, &a);
	else if (n == 0)
		say_spf(z, ZONE_WRONG, STR("there is none: many receivers "
		    "take nothing from such a domain"), spf_minimal(z));
	else if (n > 1)
		say_spf(z, ZONE_WRONG, arena_fmt(z->arena, "%zu records, which "
		    "is an error: one only", n), spf_merged(z, &a,
		    &(struct spf_change){ .drop = STR("") }));
	else
		judge_spf(z, &a);
	check_helo_spf(z);
}

/* --- tags, of DKIM and DMARC --------------------------------------------- */

static struct str
trim(struct str s)
{
	return str_trim(str_chomp(s));
}

/* The next NAME=VALUE; false at the end. */
static bool
tag_next(struct str *in, struct str *name, struct str *value)
{
	struct str part = { NULL, 0 };

	while (in->n > 0 && part.n == 0)
		part = trim(str_until(in, ';'));
	*name = trim(str_until(&part, '='));
	*value = trim(part);
	return name->n > 0 || value->n > 0;
}

/* The first of that name; false: not there. */
static bool
tag_of(struct str text, const char *name, struct str *value_out)
{
	struct str n, v;

	while (tag_next(&text, &n, &v))
		if (str_same(n, name)) {
			*value_out = v;
			return true;
		}
	return false;
}

/* Is the word one of those between colons? */
static bool
is_listed(struct str list, struct str word)
{
	while (list.n > 0)
		if (str_ieq(trim(str_until(&list, ':')), word))
			return true;
	return false;
}

/* --- DKIM ---------------------------------------------------------------- */

/* Base64, white space inside it does not count (RFC 6376 3.2). */
static bool
is_same_base64(struct str a, struct str b)
{
	for (;;) {
		while (a.n > 0 && strchr(" \t\r\n", a.p[0]) != NULL)
			a = str_from(a, 1);
		while (b.n > 0 && strchr(" \t\r\n", b.p[0]) != NULL)
			b = str_from(b, 1);
		if (a.n == 0 || b.n == 0 || a.p[0] != b.p[0])
			return a.n == 0 && b.n == 0;
		a = str_from(a, 1);
		b = str_from(b, 1);
	}
}

/* Why a verifier would not take a signature of ours; NULL: it would. */
static const char *
flaw_of(struct str record, const struct zone_key *k)
{
	struct str v;

	if (tag_of(record, "v", &v) && !str_same(v, "DKIM1"))
		return "is no DKIM1 record";
	if (!tag_of(record, "p", &v))
		return "has no p=";
	if (v.n == 0)
		return "is revoked (p= is empty)";
	if (tag_of(record, "k", &v) ? !str_is(v, k->type) :
	    strcmp(k->type, "rsa") != 0)
		return "is for another type of key (k=)";
	(void)tag_of(record, "p", &v);
	if (!is_same_base64(v, k->public))
		return "is not that of our key";
	if (tag_of(record, "h", &v) && !is_listed(v, STR("sha256")))
		return "does not allow SHA-256 (h=)";
	if (tag_of(record, "s", &v) && !is_listed(v, STR("*")) &&
	    !is_listed(v, STR("email")))
		return "is not for mail (s=)";
	return NULL;
}

/* A verdict on a good record: it may still say "testing", or be weak. */
static void
judge_good_key(struct zone *z, const struct zone_key *k, struct str record,
    struct str right)
{
	bool is_rsa = strcmp(k->type, "rsa") == 0;
	struct str t;

	if (is_rsa && k->bits < RSA_GOOD)
		zone_say(z, "dkim", k->bits < RSA_LEAST ? ZONE_WRONG :
		    ZONE_WARN, arena_fmt(z->arena, "%.*s has only %u bits: "
		    "make another with `veredus dkim new %.*s'",
		    STR_ARG(k->selector), k->bits, STR_ARG(z->domain)),
		    STR(""));
	else if (tag_of(record, "t", &t) && is_listed(t, STR("y")))
		zone_say(z, "dkim", ZONE_WARN, arena_fmt(z->arena, "%.*s says "
		    "t=y, for testing: some take it for no signature",
		    STR_ARG(k->selector)), right);
	else
		zone_say(z, "dkim", ZONE_OK, arena_fmt(z->arena,
		    "%.*s, %s-%u, is published", STR_ARG(k->selector), k->type,
		    k->bits), STR(""));
}

static void
judge_key(struct zone *z, const struct zone_key *k)
{
	struct str name = arena_fmt(z->arena, "%.*s._domainkey.%.*s",
	    STR_ARG(k->selector), STR_ARG(z->domain));
	struct str right = zone_txt(z, name, arena_fmt(z->arena,
	    "v=DKIM1; k=%s; p=%.*s", k->type, STR_ARG(k->public)));
	struct zone_answer a = z->ask(z->arg, name, ZONE_TXT);
	const char *flaw;

	if (a.found == ZONE_LATER)
		zone_say_later(z, "dkim", name, &a);
	else if (a.n == 0)
		zone_say(z, "dkim", ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s is not published: what it signs fails",
		    STR_ARG(k->selector)), right);
	else if (a.n > 1)
		zone_say(z, "dkim", ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s has %zu records: one only", STR_ARG(k->selector),
		    a.n), right);
	else if ((flaw = flaw_of(a.records[0].data, k)) != NULL)
		zone_say(z, "dkim", ZONE_WRONG, arena_fmt(z->arena,
		    "the record of %.*s %s", STR_ARG(k->selector), flaw),
		    right);
	else
		judge_good_key(z, k, a.records[0].data, right);
}

void
zone_check_dkim(struct zone *z)
{
	bool has_rsa = false;

	for (size_t i = 0; i < z->keys; i++) {
		judge_key(z, &z->key[i]);
		has_rsa |= strcmp(z->key[i].type, "rsa") == 0;
	}
	if (z->keys == 0)
		zone_say(z, "dkim", ZONE_WRONG, arena_fmt(z->arena, "no key, so "
		    "nothing is signed: make one with `veredus dkim new %.*s'",
		    STR_ARG(z->domain)), STR(""));
	else if (!has_rsa)
		zone_say(z, "dkim", ZONE_WARN, arena_fmt(z->arena, "no RSA key, "
		    "and big receivers read no other: `veredus dkim new %.*s "
		    "--type rsa'", STR_ARG(z->domain)), STR(""));
}

/* --- DMARC: the record --------------------------------------------------- */

static bool
is_dmarc(struct str text)
{
	struct dmarc_record r;

	return dmarc_parse(text, &r) == 0;
}

/* Meant as one, whatever a receiver makes of it. */
static bool
is_like_dmarc(struct str text)
{
	return str_ifind(text, STR("dmarc")) < text.n;
}

/* What each tag may say; NULL: anything. */
static const struct {
	const char	*name;
	const char	*words;
	bool		is_removed;	/* by RFC 9989 */
} tags[] = {
	{ "v", "DMARC1", false }, { "p", "none:quarantine:reject", false },
	{ "sp", "none:quarantine:reject", false },
	{ "np", "none:quarantine:reject", false }, { "adkim", "r:s", false },
	{ "aspf", "r:s", false }, { "t", "y:n", false },
	{ "psd", "y:n:u", false }, { "fo", NULL, false },
	{ "rua", NULL, false }, { "ruf", NULL, false }, { "pct", NULL, true },
	{ "rf", NULL, true }, { "ri", NULL, true },
};

static size_t
tag_index(struct str name)
{
	size_t i = 0;

	while (i < NITEMS(tags) && !str_is(name, tags[i].name))
		i++;
	return i;
}

/* A record, tag by tag. */
struct seen {
	struct str	policy, rua;
	struct str	bad, removed, unknown;	/* the last of each */
	bool		is_test;
};

/* Good: a tag of today with a value it may have. */
static bool
see_tag(struct seen *s, struct str name, struct str value)
{
	size_t i = tag_index(name);

	if (i == NITEMS(tags)) {
		s->unknown = name;
	} else if (tags[i].is_removed) {
		s->removed = name;
	} else if (tags[i].words != NULL &&
	    !is_listed(str_of(tags[i].words), value)) {
		s->bad = name;
	} else {
		if (str_is(name, "p"))
			s->policy = value;
		else if (str_is(name, "rua"))
			s->rua = value;
		s->is_test |= str_is(name, "t") && str_is(value, "y");
		return true;
	}
	return false;
}

static struct seen
see(struct str text)
{
	struct seen s = { .is_test = false };
	struct str name, value;

	while (tag_next(&text, &name, &value))
		(void)see_tag(&s, name, value);
	return s;
}

static struct str
dmarc_name(struct zone *z)
{
	return arena_fmt(z->arena, "_dmarc.%.*s", STR_ARG(z->domain));
}

/* The good tags of what is there, and a policy that protects. */
static struct str
dmarc_right(struct zone *z, struct str text)
{
	struct seen s = see(text), unused = { .is_test = false };
	struct str name, value;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_fmt(&b, "v=DMARC1; p=%s", str_is(s.policy, "reject") ? "reject" :
	    "quarantine");
	while (tag_next(&text, &name, &value))
		if (see_tag(&unused, name, value) && !str_is(name, "v") &&
		    !str_is(name, "p") && !str_is(name, "t"))
			buf_fmt(&b, "; %.*s=%.*s", STR_ARG(name),
			    STR_ARG(value));
	return zone_txt(z, dmarc_name(z), kept(z, &b));
}

/* --- DMARC: reports ------------------------------------------------------ */

/* Asks whatever an evaluation for the domain asks. */
static bool
walk(struct zone *z, struct dmarc *d, struct str domain)
{
	struct zone_answer a;

	dmarc_begin(d, domain, NULL, NULL);
	while (dmarc_step(d) == DMARC_ASK) {
		a = z->ask(z->arg, arena_str(z->arena, str_of(d->ask)),
		    d->ask_exists ? ZONE_A : ZONE_TXT);
		for (size_t i = 0; i < a.n && !d->ask_exists; i++)
			dmarc_txt(d, a.records[i].data);
		dmarc_answered(d, a.n > 0, a.found == ZONE_LATER);
	}
	return d->result != DMARC_TEMPERROR;
}

static bool
is_same_organisation(struct zone *z, struct str a, struct str b)
{
	struct dmarc one, other;

	return str_ieq(a, b) || (walk(z, &one, a) && walk(z, &other, b) &&
	    str_ieq(one.org, other.org));
}

/* "mailto:x@example.net!10m"; the domain, or nothing. */
static struct str
rua_domain(struct str uri)
{
	size_t at;

	if (!str_istarts(uri, "mailto:"))
		return STR("");
	uri = str_until(&uri, '!');
	at = str_rchr(uri, '@');
	return str_from(uri, at < uri.n ? at + 1 : uri.n);
}

/* RFC 9990 4: who is to get reports about others has to agree. */
static void
judge_rua(struct zone *z, struct str uri)
{
	struct str domain = rua_domain(uri), name;
	struct zone_answer a;

	if (domain.n == 0) {
		zone_say(z, "dmarc", ZONE_WARN, arena_fmt(z->arena,
		    "rua: `%.*s' is no mailto: address, and gets no report",
		    STR_ARG(uri)), STR(""));
		return;
	}
	if (is_same_organisation(z, z->domain, domain))
		return;
	name = arena_fmt(z->arena, "%.*s._report._dmarc.%.*s",
	    STR_ARG(z->domain), STR_ARG(domain));
	a = z->ask(z->arg, name, ZONE_TXT);
	for (size_t i = 0; i < a.n; i++)
		if (is_dmarc(a.records[i].data))
			return;
	if (a.found == ZONE_LATER)
		zone_say_later(z, "dmarc", name, &a);
	else
		zone_say(z, "dmarc", ZONE_WRONG, arena_fmt(z->arena, "rua: "
		    "%.*s does not say that it takes reports about %.*s, and "
		    "gets none", STR_ARG(domain), STR_ARG(z->domain)),
		    zone_txt(z, name, STR("v=DMARC1")));
}

/* --- DMARC: verdicts ----------------------------------------------------- */

static void
say_dmarc(struct zone *z, enum zone_level level, struct str text,
    struct str record)
{
	zone_say(z, "dmarc", level, text, record);
}

static void
judge_tags(struct zone *z, const struct seen *s, struct str right)
{
	if (s->bad.n > 0)
		say_dmarc(z, ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s= has a value that means nothing",
		    STR_ARG(s->bad)), right);
	else if (s->policy.n == 0)
		say_dmarc(z, ZONE_WRONG, STR("there is no p=: no policy"),
		    right);
	else if (s->is_test)
		say_dmarc(z, ZONE_WARN, STR("t=y asks for less than p= says"),
		    right);
	else if (str_is(s->policy, "none"))
		say_dmarc(z, ZONE_WARN, STR("p=none: whoever forges the domain "
		    "is believed as before"), right);
	else if (s->removed.n > 0 || s->unknown.n > 0)
		say_dmarc(z, ZONE_WARN, arena_fmt(z->arena, "%.*s= is %s",
		    STR_ARG(s->removed.n > 0 ? s->removed : s->unknown),
		    s->removed.n > 0 ? "no tag any more (RFC 9989)" :
		    "no tag of DMARC"), right);
	else
		say_dmarc(z, ZONE_OK, arena_fmt(z->arena, "p=%.*s",
		    STR_ARG(s->policy)), STR(""));
}

static void
judge_dmarc(struct zone *z, struct str text)
{
	struct seen s = see(text);
	struct str uris = s.rua, uri;

	judge_tags(z, &s, dmarc_right(z, text));
	for (unsigned i = 0; uris.n > 0 && i < REPORTS_MAX; i++)
		if ((uri = trim(str_until(&uris, ','))).n > 0)
			judge_rua(z, uri);
}

/* None of its own: perhaps its organisation has one. */
static void
judge_inherited(struct zone *z)
{
	struct dmarc d;

	if (!walk(z, &d, z->domain))
		say_dmarc(z, ZONE_UNKNOWN, STR("the DNS does not say whether "
		    "there is one above"), STR(""));
	else if (d.found_at.n == 0)
		say_dmarc(z, ZONE_WRONG, STR("there is none: anybody may use "
		    "the domain in From"), dmarc_right(z, STR("")));
	else
		say_dmarc(z, d.policy == DMARC_P_NONE ? ZONE_WARN : ZONE_OK,
		    arena_fmt(z->arena, "%s, by the record of %.*s",
		    dmarc_policy_name(d.policy), STR_ARG(d.found_at)),
		    d.policy == DMARC_P_NONE ? dmarc_right(z, STR("")) :
		    STR(""));
}

void
zone_check_dmarc(struct zone *z)
{
	struct zone_answer a = z->ask(z->arg, dmarc_name(z), ZONE_TXT);
	struct str text = STR(""), like = STR("");
	size_t n = 0;

	for (size_t i = 0; i < a.n; i++) {
		struct str t = a.records[i].data;

		if (is_dmarc(t) && n++ == 0)
			text = t;
		else if (!is_dmarc(t) && is_like_dmarc(t))
			like = t;
	}
	if (a.found == ZONE_LATER)
		zone_say_later(z, "dmarc", dmarc_name(z), &a);
	else if (n > 1)
		say_dmarc(z, ZONE_WRONG, arena_fmt(z->arena, "%zu records, so "
		    "that none counts", n), dmarc_right(z, text));
	else if (n == 0 && like.n > 0)
		say_dmarc(z, ZONE_WRONG, STR("it does not begin with "
		    "`v=DMARC1;', so that it is none"), dmarc_right(z, like));
	else if (n == 0)
		judge_inherited(z);
	else
		judge_dmarc(z, text);
}
