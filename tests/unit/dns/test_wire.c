/* SPDX-License-Identifier: ISC */
/* Packets made by hand: what is an answer, and what it says. */
#include "dns/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/banned.h"

enum { A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, MX = 15, TXT = 16,
    TLSA = 52 };
enum { AA = 0x0400, TC = 0x0200, RD = 0x0100, RA = 0x80, AD = 0x20 };

static struct {
	struct buf	p;
	struct arena	arena;
	struct dns_question q;
	struct dns_reply r;
} w;

static void
put16(unsigned v)
{
	buf_c(&w.p, (uint8_t)(v >> 8));
	buf_c(&w.p, (uint8_t)v);
}

static void
put_name(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), 0);
	buf_add(&w.p, dns_name_str(&name));
}

/* The head of an answer to w.q, with room for the counts. */
static void
head(unsigned flags)
{
	buf_reset(&w.p);
	put16(w.q.id);
	put16(0x8000 | RD | flags);
	put16(1);
	for (int i = 0; i < 3; i++)
		put16(0);
	buf_add(&w.p, dns_name_str(&w.q.name));
	put16(w.q.type);
	put16(1);
}

static void
ask(const char *name, unsigned type)
{
	memset(&w.q, 0, sizeof(w.q));
	assert_int_equal(dns_name_parse(str_of(name), &w.q.name), 0);
	w.q.type = (uint16_t)type;
	w.q.id = 0x1234;
}

/* section: 1 answer, 2 authority, 3 additional */
static void
rr_head(unsigned section, const char *owner, unsigned type, uint32_t ttl)
{
	uint8_t *count = w.p.p + w.p.start + 4 + 2 * section;

	count[1]++;
	if (count[1] == 0)
		count[0]++;
	put_name(owner);
	put16(type);
	put16(1);
	buf_u32be(&w.p, ttl);
}

static void
rr(unsigned section, const char *owner, unsigned type, uint32_t ttl,
    struct str data)
{
	rr_head(section, owner, type, ttl);
	put16((unsigned)data.n);
	buf_add(&w.p, data);
}

static void
rr_name(unsigned section, const char *owner, unsigned type, uint32_t ttl,
    const char *to)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(to), &name), 0);
	rr(section, owner, type, ttl, dns_name_str(&name));
}

static void
soa(const char *owner, uint32_t ttl, uint32_t least)
{
	struct buf b;

	buf_init(&b, 100);
	buf_mem(&b, "\0\0", 2);		/* both names: the root */
	for (int i = 0; i < 4; i++)
		buf_u32be(&b, 1);
	buf_u32be(&b, least);
	rr(2, owner, SOA, ttl, buf_str(&b));
	buf_free(&b);
}

static int
read_it(void)
{
	arena_reset(&w.arena);
	return dns_reply_read(buf_str(&w.p), &w.q, &w.arena, &w.r);
}

static void
is_name(const char *text)
{
	struct buf b;

	buf_init(&b, 1024);
	dns_name_text(&w.r.name, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_free(&b);
}

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	buf_init(&w.p, 70000);
	arena_init(&w.arena, 256 * 1024);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(&w.p);
	arena_free(&w.arena);
	return 0;
}

static void
test_question(void **state)
{
	static const uint8_t plain[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0,
	    0, 1, 'a', 0, 0, 15, 0, 1 };

	(void)state;
	ask("a", MX);
	assert_int_equal(dns_question_write(&w.q, &w.p), 0);
	assert_int_equal(w.p.len, sizeof(plain));
	assert_memory_equal(w.p.p, plain, sizeof(plain));
	buf_reset(&w.p);
	w.q.has_edns = w.q.wants_ad = true;
	assert_int_equal(dns_question_write(&w.q, &w.p), 0);
	assert_int_equal(w.p.len, sizeof(plain) + 11);
	assert_int_equal(w.p.p[3], AD);
	assert_int_equal(w.p.p[11], 1);
	/* root, OPT, 1232 */
	assert_memory_equal(w.p.p + sizeof(plain), "\0\0\51\4\320", 5);
}

/* Whatever does not repeat the question is not looked at. */
static void
test_match(void **state)
{
	static const struct { size_t at; uint8_t mask; int r; } flips[] = {
		{ 0, 0x01, FAIL_GONE }, { 1, 0x80, FAIL_GONE },	/* id */
		{ 2, 0x80, FAIL_GONE }, { 2, 0x08, FAIL_GONE },	/* QR, opcode */
		{ 5, 0x02, FAIL_GONE }, { 5, 0x01, FAIL_GONE },	/* QDCOUNT */
		{ 13, 0x02, FAIL_GONE }, { 12, 0x01, FAIL_GONE }, /* name */
		{ 13, 0x20, 0 },				/* its case */
		{ 22, 0x01, FAIL_GONE }, { 24, 0x02, FAIL_GONE }, /* type, class */
	};

	(void)state;
	ask("host.org", A);
	for (size_t i = 0; i < NITEMS(flips); i++) {
		head(RA);
		rr(1, "host.org", A, 60, STR("\300\0\2\1"));
		assert_int_equal(read_it(), 0);
		w.p.p[flips[i].at] ^= flips[i].mask;
		assert_int_equal(read_it(), flips[i].r);
	}
	head(RA);
	w.q.wants_case = true;
	assert_int_equal(read_it(), 0);
	w.p.p[13] ^= 0x20;
	assert_int_equal(read_it(), FAIL_GONE);
	for (size_t n = 0; n < 12; n++) {
		buf_cut(&w.p, n);
		assert_int_equal(read_it(), FAIL_GONE);
		head(RA);
	}
	/* a name that only begins like ours, at the very end */
	head(RA);
	buf_cut(&w.p, 12 + 9);
	assert_int_equal(read_it(), FAIL_GONE);
}

static void
test_records(void **state)
{
	const struct dns_wire_record *r;

	(void)state;
	ask("example.org", MX);
	head(RA | AD);
	rr(1, "Example.ORG", MX, 300, STR("\0\12\2MX\7example\3org\0"));
	rr(1, "example.org", MX, 200, STR("\0\0\0"));
	rr(1, "other.org", MX, 1, STR("\0\1\3bad\0"));
	rr(1, "example.org", A, 1, STR("\1\2\3\4"));
	rr(3, "example.org", MX, 1, STR("\0\1\3bad\0"));
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_RECORDS);
	assert_true(w.r.is_authentic);
	assert_int_equal(w.r.n, 2);
	assert_int_equal(w.r.ttl, 200);
	r = w.r.records;
	assert_int_equal(r->preference, 10);
	assert_true(str_same(r->data, "mx.example.org"));
	assert_true(str_same(r->next->data, "."));
	assert_null(r->next->next);
	is_name("example.org");
}

static void
test_types(void **state)
{
	static const struct { unsigned type; struct str wire, data; } cases[] = {
		{ A, STR_INIT("\1\2\3\4"), STR_INIT("\1\2\3\4") },
		{ 28, STR_INIT("0123456789abcdef"), STR_INIT("0123456789abcdef") },
		{ PTR, STR_INIT("\1H\7example\0"), STR_INIT("h.example") },
		{ PTR, STR_INIT("\3a b\7e.ample\0"), STR_INIT("a\\032b.e\\.ample") },
		{ TXT, STR_INIT("\2v=\0\3spf"), STR_INIT("v=spf") },
		{ TXT, STR_INIT("\3a\0b"), STR_INIT("a\0b") },
		{ TXT, STR_INIT("\0"), STR_INIT("") },
		{ TLSA, STR_INIT("\3\1\1digest"), STR_INIT("\3\1\1digest") },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		ask("x.example", cases[i].type);
		head(RA);
		rr(1, "x.example", cases[i].type, 60, cases[i].wire);
		assert_int_equal(read_it(), 0);
		assert_int_equal(w.r.n, 1);
		assert_true(str_eq(w.r.records->data, cases[i].data));
	}
}

static void
test_aliases(void **state)
{
	char from[20], to[20];

	(void)state;
	ask("a.example", A);
	head(RA);	/* in any order */
	rr(1, "c.example", A, 500, STR("\1\2\3\4"));
	rr_name(1, "b.example", CNAME, 40, "c.example");
	rr_name(1, "a.example", CNAME, 50, "b.example");
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_RECORDS);
	assert_int_equal(w.r.aliases, 2);
	assert_int_equal(w.r.ttl, 40);
	is_name("c.example");

	head(RA);	/* the resolver leaves the rest to us */
	rr_name(1, "a.example", CNAME, 50, "b.example");
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_ALIAS);
	assert_int_equal(w.r.ttl, 50);
	is_name("b.example");

	soa("example", 30, 70);
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_NO_DATA);
	assert_int_equal(w.r.ttl, 30);

	head(RA);	/* a circle */
	rr_name(1, "a.example", CNAME, 50, "b.example");
	rr_name(1, "b.example", CNAME, 50, "a.example");
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_LOOP);

	for (unsigned n = DNS_CHAIN_MAX; n <= DNS_CHAIN_MAX + 1; n++) {
		ask("n0.example", A);
		head(RA);
		for (unsigned i = 0; i < n; i++) {
			(void)snprintf(from, sizeof(from), "n%u.example", i);
			(void)snprintf(to, sizeof(to), "n%u.example", i + 1);
			rr_name(1, from, CNAME, 50, to);
		}
		rr(1, to, A, 500, STR("\1\2\3\4"));
		assert_int_equal(read_it(), 0);
		assert_int_equal(w.r.kind, n > DNS_CHAIN_MAX ? REPLY_LOOP :
		    REPLY_RECORDS);
	}
}

static void
test_no(void **state)
{
	(void)state;
	ask("a.example", A);
	head(RA | RCODE_NXDOMAIN);
	soa("example", 600, 70);
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_NO_NAME);
	assert_int_equal(w.r.ttl, 70);
	assert_true(w.r.is_ttl_given);

	head(RA | RCODE_NXDOMAIN);
	assert_int_equal(read_it(), 0);
	assert_false(w.r.is_ttl_given);

	head(RA | RCODE_NXDOMAIN);	/* of where it leads */
	rr_name(1, "a.example", CNAME, 50, "gone.example");
	soa("example", 600, 70);
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_NO_NAME);
	assert_int_equal(w.r.ttl, 50);
	is_name("gone.example");

	head(RA | RCODE_NXDOMAIN);	/* yes and no at once */
	rr(1, "a.example", A, 500, STR("\1\2\3\4"));
	assert_int_equal(read_it(), FAIL_SYNTAX);

	head(RA);
	soa("example", 600, 70);
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_NO_DATA);

	head(0);
	rr_name(2, "example", NS, 50, "ns.example");
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_LAME);
	head(AA);
	rr_name(2, "example", NS, 50, "ns.example");
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_NO_DATA);
}

static void
test_errors(void **state)
{
	static const unsigned codes[] = { RCODE_FORMERR, RCODE_SERVFAIL,
	    RCODE_NOTIMP, RCODE_REFUSED, 15 };

	(void)state;
	ask("a.example", A);
	for (size_t i = 0; i < NITEMS(codes); i++) {
		head(RA | codes[i]);
		buf_z(&w.p, "whatever");
		assert_int_equal(read_it(), 0);
		assert_int_equal(w.r.kind, REPLY_ERROR);
		assert_int_equal(w.r.rcode, codes[i]);
		assert_non_null(dns_rcode_name(codes[i]));
		/* without the question only where it could not be read */
		w.p.p[5] = 0;
		assert_int_equal(read_it(), codes[i] == RCODE_REFUSED ||
		    codes[i] == 15 ? FAIL_GONE : 0);
	}
	head(RA);	/* BADVERS: its upper half stands in the OPT */
	w.p.p[11] = 1;
	buf_mem(&w.p, "\0\0\51\4\320\1\0\0\0\0\0", 11);
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_ERROR);
	assert_int_equal(w.r.rcode, RCODE_BADVERS);
	assert_true(w.r.has_edns);

	head(RA | TC);
	buf_z(&w.p, "cut anywhere");
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.kind, REPLY_TRUNCATED);
}

static void
test_broken(void **state)
{
	size_t whole;

	(void)state;
	ask("a.example", A);
	head(RA);
	rr(1, "a.example", A, 60, STR("\1\2\3"));	/* three octets */
	assert_int_equal(read_it(), FAIL_SYNTAX);

	head(RA);	/* a pointer to itself */
	w.p.p[7] = 1;
	put16(0xc000 | (unsigned)w.p.len);
	put16(A);
	put16(1);
	buf_u32be(&w.p, 60);
	put16(4);
	buf_mem(&w.p, "\1\2\3\4", 4);
	assert_int_equal(read_it(), FAIL_SYNTAX);

	head(RA);	/* cut at each octet behind the question */
	whole = w.p.len;
	rr(1, "a.example", A, 60, STR("\1\2\3\4"));
	assert_int_equal(read_it(), 0);
	while (w.p.len > whole) {
		buf_cut(&w.p, w.p.len - 1);
		assert_int_equal(read_it(), FAIL_SYNTAX);
	}

	ask("a.example", TXT);	/* a string longer than its record */
	head(RA);
	rr(1, "a.example", TXT, 60, STR("\5abc"));
	assert_int_equal(read_it(), FAIL_SYNTAX);
}

static void
test_ttl(void **state)
{
	(void)state;
	ask("a.example", A);
	head(RA);
	rr(1, "a.example", A, 0x7fffffff, STR("\1\2\3\4"));
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.ttl, 0x7fffffff);
	head(RA);	/* RFC 2181 8: as zero */
	rr(1, "a.example", A, 0x80000000, STR("\1\2\3\4"));
	assert_int_equal(read_it(), 0);
	assert_int_equal(w.r.ttl, 0);
	assert_int_equal(w.r.records->ttl, 0);
}

static void
test_limits(void **state)
{
	char long_txt[256];

	(void)state;
	ask("a", A);
	for (unsigned n = DNS_RECORDS_MAX; n <= DNS_RECORDS_MAX + 1; n++) {
		head(RA);
		for (unsigned i = 0; i < n; i++)
			rr(1, "a", A, 60, STR("\1\2\3\4"));
		assert_int_equal(read_it(), 0);
		assert_int_equal(w.r.kind, n > DNS_RECORDS_MAX ?
		    REPLY_TOO_MUCH : REPLY_RECORDS);
	}
	memset(long_txt, 'x', sizeof(long_txt));
	long_txt[0] = (char)255;
	ask("a", TXT);
	for (unsigned n = 192; n <= 193; n++) {
		head(RA);
		rr_head(1, "a", TXT, 60);
		put16(n * 256);
		for (unsigned i = 0; i < n; i++)
			buf_mem(&w.p, long_txt, sizeof(long_txt));
		assert_int_equal(read_it(), 0);
		/* 192 strings of 255 fit in 48 KiB, 193 do not */
		assert_int_equal(w.r.kind, n > 192 ? REPLY_TOO_MUCH :
		    REPLY_RECORDS);
	}
	head(RA);
	while (w.p.len <= DNS_PACKET_MAX)
		buf_c(&w.p, 0);
	assert_int_equal(read_it(), FAIL_GONE);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_question), T(test_match), T(test_records),
		T(test_types), T(test_aliases), T(test_no), T(test_errors),
		T(test_broken), T(test_ttl), T(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
