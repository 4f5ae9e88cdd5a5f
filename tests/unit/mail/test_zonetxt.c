/* SPDX-License-Identifier: ISC */
/*
 * Each fault of a domain's SPF, DKIM and DMARC is named, with the record that
 * mends it.
 */
#include "dnsworld.h"

#include "base/banned.h"

#define SPF(text)	"example.org. IN TXT \"v=spf1 " text "\""
#define MINIMAL		SPF("ip4:192.0.2.10 ip6:2001:db8::10 ~all")
#define DMARC(text)	"_dmarc.example.org. IN TXT \"v=DMARC1; " text "\""
#define DMARC_IS(text)	"_dmarc.example.org TXT", "_dmarc.example.org TXT \"" \
			text "\""
#define SPF_IS(text)	"example.org TXT", "example.org TXT \"" text "\""
#define KEY(text)	"one._domainkey.example.org TXT", \
			"one._domainkey.example.org TXT \"" text "\""
#define KEY_RIGHT	"one._domainkey.example.org. IN TXT " \
			"\"v=DKIM1; k=rsa; p=" RSA_KEY "\""

static const struct dns_case spf_cases[] = {
	{ "none", "example.org TXT", NULL, "spf wrong", "there is none",
	  MINIMAL },
	{ "other TXT", SPF_IS("v=spf10 -all"), "spf wrong", "there is none",
	  MINIMAL },
	{ "two", NULL, "example.org TXT \"v=spf1 ip4:198.51.100.1 mx ~all\"",
	  "spf wrong", "2 records", SPF("ip4:192.0.2.10 ip6:2001:db8::10 mx "
	  "ip4:198.51.100.1 ~all") },
	{ "one family does not pass", SPF_IS("v=spf1 ip4:192.0.2.10 "
	  "include:x.example.net -all") "\nx.example.net TXT "
	  "\"v=spf1 -all\"", "spf wrong",
	  "2001:db8::10, which we send from, gets fail by `-all'",
	  SPF("ip6:2001:db8::10 ip4:192.0.2.10 include:x.example.net -all") },
	{ "softfail", SPF_IS("v=spf1 ip4:192.0.2.11 ~all"), "spf wrong",
	  "192.0.2.10, which we send from, gets softfail by `~all'",
	  SPF("ip4:192.0.2.10 ip6:2001:db8::10 ip4:192.0.2.11 ~all") },
	{ "passes", NULL, NULL, "spf ok", "192.0.2.10 passes by `mx'", NULL },
	{ "+all", SPF_IS("v=spf1 mx +all"), "spf wrong",
	  "anybody passes: 203.0.113.251 does by `+all'",
	  SPF("mx ~all") },
	{ "everybody's net", SPF_IS("v=spf1 ip4:0.0.0.0/0 mx -all"),
	  "spf wrong", "anybody passes: 203.0.113.251 does by `ip4:0.0.0.0/0'",
	  SPF("ip4:192.0.2.10 mx -all") },
	{ "everybody's include", SPF_IS("v=spf1 mx include:x.example.net -all")
	  "\nx.example.net TXT \"v=spf1 all\"", "spf wrong",
	  "anybody passes: 203.0.113.251 does by `include:x.example.net'",
	  SPF("mx -all") },
	{ "everybody's redirect", SPF_IS("v=spf1 redirect=x.example.net")
	  "\nx.example.net TXT \"v=spf1 all\"", "spf wrong",
	  "anybody passes: 203.0.113.251 does by `all'", MINIMAL },
	{ "no all", SPF_IS("v=spf1 mx"), "spf warn", "nothing against strangers",
	  SPF("mx ~all") },
	{ "?all", SPF_IS("v=spf1 mx ?all"), "spf warn",
	  "nothing against strangers", SPF("mx ~all") },
	{ "redirect", SPF_IS("v=spf1 redirect=x.example.net")
	  "\nx.example.net TXT \"v=spf1 -all\"", "spf wrong", "gets fail",
	  SPF("ip4:192.0.2.10 ip6:2001:db8::10 redirect=x.example.net") },
	{ "syntax", SPF_IS("v=spf1 mx ip4:1.2.3 -all"), "spf wrong",
	  "an error in it", MINIMAL },
	{ "eleven look-ups", SPF_IS("v=spf1 mx exists:a.example.org "
	  "exists:b.example.org a a a a a a a a -all")
	  "\nexample.org A 198.51.100.1", "spf wrong",
	  "more than 10 DNS lookups", MINIMAL },
	{ "nine", SPF_IS("v=spf1 mx a a a a a a a a -all")
	  "\nexample.org A 198.51.100.1", "spf warn", "takes 9 look-ups",
	  NULL },
	{ "void", SPF_IS("v=spf1 mx a:a.b.c a:b.b.c a:c.b.c -all"),
	  "spf wrong", "found nothing", MINIMAL },
	{ "an include that is not there", SPF_IS("v=spf1 mx "
	  "include:gone.example.net -all"), "spf wrong",
	  "referred to, and has no SPF record: gone.example.net", MINIMAL },
	{ "silence", "example.org TXT", "example.org LATER", "spf unknown",
	  "does not say", NULL },
	{ "silence of an include", SPF_IS("v=spf1 mx include:x.b -all")
	  "\nx.b LATER", "spf unknown", "cannot be tried now", NULL },
	{ "HELO has none", "mail.example.org TXT", NULL, "spf warn",
	  "a bounce of ours gets none", "mail.example.org. IN TXT "
	  "\"v=spf1 a -all\"" },
	{ "HELO refuses", "mail.example.org TXT",
	  "mail.example.org TXT \"v=spf1 -all\"", "spf wrong",
	  "a bounce of ours gets fail", "mail.example.org. IN TXT "
	  "\"v=spf1 a -all\"" },
};

static const struct dns_case dkim_cases[] = {
	{ "missing", "one._domainkey.example.org TXT", NULL, "dkim wrong",
	  "one is not published", KEY_RIGHT },
	{ "two", NULL, "one._domainkey.example.org TXT \"v=DKIM1; p=x\"",
	  "dkim wrong", "one has 2 records", KEY_RIGHT },
	{ "differs", KEY("v=DKIM1; k=rsa; p=MIIBother"), "dkim wrong",
	  "is not that of our key", KEY_RIGHT },
	{ "differs by an octet", KEY("v=DKIM1; k=rsa; p=MIIBrsa+key/im=="),
	  "dkim wrong", "is not that of our key", KEY_RIGHT },
	{ "cut short", KEY("v=DKIM1; k=rsa; p=MIIBrsa"), "dkim wrong",
	  "is not that of our key", KEY_RIGHT },
	{ "white space", KEY("v = DKIM1 ; p = MIIB rsa+key/ in== ; "),
	  "dkim ok", "one, rsa-2048, is published", NULL },
	{ "revoked", KEY("v=DKIM1; p="), "dkim wrong", "is revoked",
	  KEY_RIGHT },
	{ "no p=", KEY("v=DKIM1"), "dkim wrong", "has no p=", KEY_RIGHT },
	{ "another version", KEY("v=DKIM2; p=" RSA_KEY), "dkim wrong",
	  "no DKIM1 record", KEY_RIGHT },
	{ "another type", KEY("k=ed25519; p=" RSA_KEY), "dkim wrong",
	  "another type of key", KEY_RIGHT },
	{ "no type is rsa", "two._domainkey.example.org TXT",
	  "two._domainkey.example.org TXT \"p=" ED_KEY "\"", "dkim wrong",
	  "another type of key", "two._domainkey.example.org. IN TXT "
	  "\"v=DKIM1; k=ed25519; p=" ED_KEY "\"" },
	{ "sha1 only", KEY("h=sha1; p=" RSA_KEY), "dkim wrong",
	  "does not allow SHA-256", KEY_RIGHT },
	{ "of several hashes", KEY("h=sha1 : sha256; p=" RSA_KEY), "dkim ok",
	  "one", NULL },
	{ "another service", KEY("s=tlsrpt; p=" RSA_KEY), "dkim wrong",
	  "is not for mail", KEY_RIGHT },
	{ "testing", KEY("t=s:y; p=" RSA_KEY), "dkim warn", "t=y",
	  KEY_RIGHT },
	{ "strict is fine", KEY("t=s; s=email; p=" RSA_KEY), "dkim ok", "one",
	  NULL },
	{ "silence", "one._domainkey.example.org TXT",
	  "one._domainkey.example.org LATER", "dkim unknown",
	  "one._domainkey.example.org", NULL },
};

static const struct dns_case dmarc_cases[] = {
	{ "missing", "_dmarc.example.org TXT", NULL, "dmarc wrong",
	  "there is none", DMARC("p=quarantine") },
	{ "two", NULL, "_dmarc.example.org TXT \"v=DMARC1; p=none\"",
	  "dmarc wrong", "2 records", DMARC("p=reject") },
	{ "no version first", DMARC_IS("p=reject; v=DMARC1"), "dmarc wrong",
	  "does not begin with", DMARC("p=reject") },
	{ "version in lower case", DMARC_IS("v=dmarc1; p=reject; aspf=s"),
	  "dmarc wrong", "does not begin with", DMARC("p=reject; aspf=s") },
	{ "no p=", DMARC_IS("v=DMARC1; sp=reject"), "dmarc wrong",
	  "there is no p=", DMARC("p=quarantine; sp=reject") },
	{ "no policy of that name", DMARC_IS("v=DMARC1; p=deny"),
	  "dmarc wrong", "p= has a value", DMARC("p=quarantine") },
	{ "no alignment of that name", DMARC_IS("v=DMARC1;p=reject;adkim=x"),
	  "dmarc wrong", "adkim= has a value", DMARC("p=reject") },
	{ "p=none", DMARC_IS("v=DMARC1; p=none; rua=mailto:a@example.org"),
	  "dmarc warn", "p=none",
	  DMARC("p=quarantine; rua=mailto:a@example.org") },
	{ "test", DMARC_IS("v=DMARC1; p=reject; t=y"), "dmarc warn", "t=y",
	  DMARC("p=reject") },
	{ "removed tags", DMARC_IS("v=DMARC1; p=reject; pct=50; ri=1"),
	  "dmarc warn", "ri= is no tag any more", DMARC("p=reject") },
	{ "unknown tags", DMARC_IS("v=DMARC1; p=reject; policy=x"),
	  "dmarc warn", "policy= is no tag of DMARC", DMARC("p=reject") },
	{ "fine", DMARC_IS("v=DMARC1; p=quarantine; np=reject; psd=n; "
	  "fo=1; aspf=s; adkim=r; t=n"), "dmarc ok", "p=quarantine", NULL },
	{ "rua elsewhere", DMARC_IS("v=DMARC1; p=reject; "
	  "rua=mailto:a@example.org, mailto:b@example.net!10m"),
	  "dmarc wrong", "example.net does not say that it takes reports",
	  "example.org._report._dmarc.example.net. IN TXT \"v=DMARC1\"" },
	{ "rua elsewhere, agreed", DMARC_IS("v=DMARC1; p=reject; "
	  "rua=mailto:b@example.net") "\nexample.org._report._dmarc."
	  "example.net TXT \"v=DMARC1\"", "dmarc ok", "p=reject", NULL },
	{ "rua of the same organisation", DMARC_IS("v=DMARC1; p=reject; "
	  "rua=mailto:b@deep.below.example.org"), "dmarc ok", "p=reject",
	  NULL },
	{ "rua of no mail", DMARC_IS("v=DMARC1; p=reject; "
	  "rua=https://example.net/"), "dmarc warn", "no mailto:", NULL },
	{ "rua: silence", DMARC_IS("v=DMARC1; p=reject; "
	  "rua=mailto:b@example.net") "\nexample.org._report._dmarc."
	  "example.net LATER", "dmarc unknown", "_report", NULL },
	{ "of the organisation above", "_dmarc.example.org TXT",
	  "_dmarc.org TXT \"v=DMARC1; p=reject; sp=quarantine\"", "dmarc ok",
	  "quarantine, by the record of org", NULL },
	{ "of the one above, which asks nothing", "_dmarc.example.org TXT",
	  "_dmarc.org TXT \"v=DMARC1; p=none\"", "dmarc warn",
	  "none, by the record of org", DMARC("p=quarantine") },
	{ "silence", "_dmarc.example.org TXT", "_dmarc.example.org LATER",
	  "dmarc unknown", "_dmarc.example.org", NULL },
	{ "silence above", "_dmarc.example.org TXT", "_dmarc.org LATER",
	  "dmarc unknown", "above", NULL },
};

static void
test_spf(void **state)
{
	(void)state;
	run_cases(spf_cases, NITEMS(spf_cases));
}

static void
test_dkim(void **state)
{
	(void)state;
	run_cases(dkim_cases, NITEMS(dkim_cases));
}

static void
test_dmarc(void **state)
{
	(void)state;
	run_cases(dmarc_cases, NITEMS(dmarc_cases));
}

/* The keys themselves. */
static void
test_keys(void **state)
{
	static const struct {
		struct zone_key	key;
		size_t		n;
		struct dns_case	c;
	} sets[] = {
		{ { STR_INIT("one"), "rsa", 1024, STR_INIT(RSA_KEY) }, 1,
		  { "weak", NULL, NULL, "dkim warn", "only 1024 bits", NULL } },
		{ { STR_INIT("one"), "rsa", 512, STR_INIT(RSA_KEY) }, 1,
		  { "too weak", NULL, NULL, "dkim wrong", "only 512 bits",
		    NULL } },
		{ { STR_INIT("two"), "ed25519", 256, STR_INIT(ED_KEY) }, 1,
		  { "no RSA", NULL, NULL, "dkim warn", "no RSA key", NULL } },
		{ { .bits = 0 }, 0, { "none", NULL, NULL, "dkim wrong",
		  "nothing is signed", NULL } },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < NITEMS(sets); i++) {
		world_begin(&w);
		w.zone.key = &sets[i].key;
		w.zone.keys = sets[i].n;
		run_case(&w, &sets[i].c);
		arena_free(&w.arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spf), cmocka_unit_test(test_dkim),
		cmocka_unit_test(test_dmarc), cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
