/* SPDX-License-Identifier: ISC */
/*
 * A good domain has nothing wrong; each fault of MX, HELO and PTR is named,
 * with the record that mends it.
 */
#include "dnsworld.h"

#include "base/banned.h"

#define SILENT6		"0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b." \
			"d.0.1.0.0.2.ip6.arpa"
#define MX		"example.org. IN MX 10 mail.example.org."
#define PTR		"10.2.0.192.in-addr.arpa. IN PTR mail.example.org."

static const struct dns_case cases[] = {
	{ "no MX", "example.org MX", NULL, "mx wrong", "there is none", MX },
	{ "null MX", "example.org MX", "example.org MX 0 .", "mx wrong",
	  "takes no mail", MX },
	{ "null MX beside another", NULL, "example.org MX 0 .", "mx wrong",
	  "takes no mail", MX },
	{ "an alias", "example.org MX", "example.org MX 10 mx.example.org\n"
	  "mx.example.org CNAME mail.example.org", "mx wrong",
	  "10 mx.example.org is an alias of mail.example.org", MX },
	{ "no address", NULL, "example.org MX 20 b.example.org", "mx wrong",
	  "20 b.example.org has no address",
	  "b.example.org. IN A 192.0.2.10" },
	{ "an address for a name", "example.org MX",
	  "example.org MX 10 192.0.2.10", "mx wrong", "full name", MX },
	{ "a short name", "example.org MX", "example.org MX 10 mail",
	  "mx wrong", "full name", MX },
	{ "elsewhere", NULL, "example.org MX 20 mx.example.net\n"
	  "mx.example.net A 198.51.100.1", "mx warn",
	  "20 mx.example.net (198.51.100.1) is another host", MX },
	{ "our name, by an address others see", "mail.example.org A",
	  "mail.example.org A 198.51.100.1", "mx ok",
	  "mail.example.org (198.51.100.1, 2001:db8::10), which is here",
	  NULL },
	{ "silence about MX", "example.org MX", "example.org LATER",
	  "mx unknown", "does not say what example.org has", NULL },
	{ "silence about its host", NULL, "example.org MX 20 b.example.org\n"
	  "b.example.org LATER", "mx unknown", "b.example.org", NULL },

	{ "HELO without the source", "mail.example.org AAAA", NULL,
	  "helo wrong", "not the address 2001:db8::10",
	  "mail.example.org. IN AAAA 2001:db8::10" },
	{ "HELO has it", NULL, NULL, "helo ok",
	  "mail.example.org has the address 192.0.2.10", NULL },

	{ "no PTR", "10.2.0.192.in-addr.arpa PTR", NULL, "ptr wrong",
	  "192.0.2.10 has no name", PTR },
	{ "no PTR of IPv6", SILENT6 " PTR", NULL, "ptr wrong",
	  "2001:db8::10 has no name",
	  SILENT6 ". IN PTR mail.example.org." },
	{ "no way back", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR vps7.host.net", "ptr wrong",
	  "is vps7.host.net, which does not lead back", PTR },
	{ "to another", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR vps7.host.net\n"
	  "vps7.host.net A 192.0.2.11", "ptr wrong", "does not lead back",
	  PTR },
	{ "another name", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR www.example.org\n"
	  "www.example.org A 192.0.2.10", "ptr warn",
	  "is www.example.org, and we say mail.example.org", PTR },
	{ "a customer's line", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR dyn-7.host.net\n"
	  "dyn-7.host.net A 192.0.2.10", "ptr warn", "customer's line", PTR },
	{ "with the address in it", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR a192-0-2-10.host.net\n"
	  "a192-0-2-10.host.net A 192.0.2.10", "ptr warn", "customer's line",
	  PTR },
	{ "an organisation of that name", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR www.cable.net\n"
	  "www.cable.net A 192.0.2.10", "ptr warn", "and we say", PTR },
	{ "of several the one that leads back", NULL,
	  "10.2.0.192.in-addr.arpa PTR zzz.example.org", "ptr ok",
	  "192.0.2.10 is mail.example.org", NULL },
	{ "silence about PTR", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa LATER", "ptr unknown", "192.0.2.10", NULL },
	{ "silence about its way back", "10.2.0.192.in-addr.arpa PTR",
	  "10.2.0.192.in-addr.arpa PTR x.host.net\nx.host.net LATER",
	  "ptr unknown", "192.0.2.10", NULL },
};

static void
test_good(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	zone_check(&w.zone);
	if (count_of(&w, ZONE_OK) != w.rows)
		print_rows(&w);
	/* mx 1, spf 2 + stranger + helo, dkim 2, dmarc, ptr 2, helo 2 */
	assert_int_equal(count_of(&w, ZONE_OK), 12);
	assert_int_equal(w.rows, 12);
	arena_free(&w.arena);
}

static void
test_cases(void **state)
{
	(void)state;
	run_cases(cases, NITEMS(cases));
}

/* What we call ourselves is a setting, not a record. */
static void
test_helo(void **state)
{
	static const struct {
		const char	*helo;
		struct dns_case	c;
	} helos[] = {
		{ "mail", { "no dot", NULL, NULL, "helo wrong",
		  "`mail' is no full host name",
		  "remote helo mail.example.org" } },
		{ "192.0.2.10", { "an address", NULL, NULL, "helo wrong",
		  "no full host name", "remote helo mail.example.org" } },
		{ "[192.0.2.10]", { "a literal", NULL, NULL, "helo wrong",
		  "no full host name", "remote helo mail.example.org" } },
		{ "out.example.org", { "an alias", NULL,
		  "out.example.org CNAME mail.example.org", "helo warn",
		  "is an alias", "remote helo mail.example.org" } },
		{ "out.example.org", { "nowhere", NULL, NULL, "helo wrong",
		  "out.example.org has not the address 192.0.2.10",
		  "out.example.org. IN A 192.0.2.10" } },
		{ "out.example.org", { "silence", NULL,
		  "out.example.org LATER", "helo unknown", "out.example.org",
		  NULL } },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < NITEMS(helos); i++) {
		world_begin(&w);
		w.zone.helo = str_of(helos[i].helo);
		run_case(&w, &helos[i].c);
		arena_free(&w.arena);
	}
}

static void
test_txt(void **state)
{
	static const char tail[] = "\" \"x\\\\\\\"\\001\"";
	struct world w;
	char text[258];
	struct str r;

	(void)state;
	world_begin(&w);
	memset(text, 'x', 256);
	text[256] = '\\';
	text[257] = '"';
	r = zone_txt(&w.zone, STR("a.b"), arena_fmt(&w.arena, "%.*s\1", 258,
	    text));
	assert_true(str_starts(r, "a.b. IN TXT \"xxx"));
	assert_true(str_ends(r, tail));
	assert_int_equal(r.n, 13 + 255 + strlen(tail));
	arena_free(&w.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_cases),
		cmocka_unit_test(test_helo), cmocka_unit_test(test_txt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
