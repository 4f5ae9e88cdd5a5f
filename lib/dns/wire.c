/* SPDX-License-Identifier: ISC */
/*
 * dns/wire.c - questions and answers as packets, by libldns.
 *
 * In: a question, or a packet that came.  Out: a packet, or what it says
 * about that one question: CNAMEs followed inside it, records of the type,
 * the least TTL.  What else it holds (additional records, other names) is
 * not believed and not kept.
 *
 * RFC 1035 4 (packets), RFC 2181 5.2, 8 and 10.1 (TTLs, aliases), RFC 2308
 * (what is not there), RFC 6891 (EDNS0).
 */
#include "dns/wire.h"

#include <ldns/rbtree.h>
#include <ldns/dname.h>
#include <ldns/host2wire.h>
#include <ldns/packet.h>
#include <ldns/rdata.h>
#include <ldns/rr.h>
#include <ldns/wire2host.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum {
	HEAD = 12,
	QR = 0x80, OPCODE = 0x78, AA = 0x04, TC = 0x02,	/* octet 2 */
	RA = 0x80, RCODE = 0x0f,			/* octet 3 */
	CLASS_IN = 1,
	TTL_MAX = 0x7fffffff,
};

const char *
dns_rcode_name(unsigned rcode)
{
	static const char *const names[] = {
		[RCODE_NOERROR] = "NOERROR", [RCODE_FORMERR] = "FORMERR",
		[RCODE_SERVFAIL] = "SERVFAIL", [RCODE_NXDOMAIN] = "NXDOMAIN",
		[RCODE_NOTIMP] = "NOTIMP", [RCODE_REFUSED] = "REFUSED",
		[RCODE_BADVERS] = "BADVERS",
	};

	return rcode < NITEMS(names) && names[rcode] != NULL ? names[rcode]
	    : "an error";
}

/* --- questions ----------------------------------------------------------- */

static ldns_pkt *
question_packet(const struct dns_question *q)
{
	ldns_rdf *name = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, q->name.n,
	    q->name.wire);
	ldns_pkt *p;

	if (name == NULL)
		return NULL;
	p = ldns_pkt_query_new(name, (ldns_rr_type)q->type, LDNS_RR_CLASS_IN,
	    LDNS_RD);
	if (p == NULL) {
		ldns_rdf_deep_free(name);
		return NULL;
	}
	ldns_pkt_set_id(p, q->id);
	ldns_pkt_set_ad(p, q->wants_ad);
	if (q->has_edns)
		ldns_pkt_set_edns_udp_size(p, DNS_EDNS_SIZE);
	return p;
}

int
dns_question_write(const struct dns_question *q, struct buf *out)
{
	ldns_pkt *p = question_packet(q);
	uint8_t *wire = NULL;
	size_t n = 0;
	int r = FAIL_BUG;

	if (p != NULL && ldns_pkt2wire(&wire, p, &n) == LDNS_STATUS_OK) {
		buf_mem(out, wire, n);
		r = 0;
	}
	free(wire);
	ldns_pkt_free(p);
	return r;
}

/* --- is it an answer to this? -------------------------------------------- */

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool
is_same_question(struct str packet, const struct dns_question *q)
{
	struct str name = str_sub(packet, HEAD, q->name.n);
	struct str asked = dns_name_str(&q->name);
	size_t at = HEAD + (size_t)q->name.n;

	return packet.n >= at + 4 && (q->wants_case ? str_eq(name, asked)
	    : str_ieq(name, asked)) && get16(packet.p + at) == q->type &&
	    get16(packet.p + at + 2) == CLASS_IN;
}

/* A server that cannot read a question may not repeat it. */
static bool
is_bare_error(struct str packet)
{
	unsigned rcode = packet.p[3] & RCODE;

	return get16(packet.p + 4) == 0 && (rcode == RCODE_FORMERR ||
	    rcode == RCODE_NOTIMP || rcode == RCODE_SERVFAIL);
}

static bool
is_answer_to(struct str packet, const struct dns_question *q)
{
	if (packet.n < HEAD || get16(packet.p) != q->id ||
	    (packet.p[2] & QR) == 0 || (packet.p[2] & OPCODE) != 0)
		return false;
	return is_bare_error(packet) ||
	    (get16(packet.p + 4) == 1 && is_same_question(packet, q));
}

/* --- what does it say? --------------------------------------------------- */

struct reading {
	const struct dns_question *q;
	struct arena	*arena;
	struct dns_reply *r;
	struct dns_wire_record **last;
	size_t		bytes;
	bool		is_too_much;
};

static bool
name_of(const ldns_rdf *rdf, struct dns_name *out)
{
	return rdf != NULL && ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME &&
	    dns_name_of_wire(str_mem(ldns_rdf_data(rdf), ldns_rdf_size(rdf)),
	    out) == 0;
}

static bool
is_of(const ldns_rr *rr, const struct dns_name *owner, unsigned type)
{
	struct dns_name name;

	return (unsigned)ldns_rr_get_type(rr) == type &&
	    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	    name_of(ldns_rr_owner(rr), &name) && dns_name_eq(&name, owner);
}

static void
least_ttl(struct dns_reply *r, uint32_t ttl)
{
	if (ttl > TTL_MAX)	/* RFC 2181 8 */
		ttl = 0;
	if (!r->is_ttl_given || ttl < r->ttl)
		r->ttl = ttl;
	r->is_ttl_given = true;
}

static struct str
rdf_bytes(const ldns_rdf *rdf)
{
	return rdf == NULL ? str_of("") :
	    str_mem(ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

static void
put_name(const ldns_rdf *rdf, struct buf *out)
{
	struct dns_name name;

	if (name_of(rdf, &name))
		dns_name_text(&name, out);
}

/* The data of a record in the form of daemon/dns.h. */
static void
put_data(const ldns_rr *rr, struct dns_wire_record *rec, struct buf *out)
{
	size_t n = ldns_rr_rd_count(rr);

	switch (ldns_rr_get_type(rr)) {
	case LDNS_RR_TYPE_MX:
		if (n == 2 && ldns_rdf_size(ldns_rr_rdf(rr, 0)) == 2) {
			rec->preference = get16(ldns_rdf_data(
			    ldns_rr_rdf(rr, 0)));
			put_name(ldns_rr_rdf(rr, 1), out);
		}
		break;
	case LDNS_RR_TYPE_PTR:
		put_name(ldns_rr_rdf(rr, 0), out);
		break;
	case LDNS_RR_TYPE_TXT:	/* each string behind its length */
		for (size_t i = 0; i < n; i++)
			buf_add(out, str_from(rdf_bytes(ldns_rr_rdf(rr, i)),
			    1));
		break;
	default:
		for (size_t i = 0; i < n; i++)
			buf_add(out, rdf_bytes(ldns_rr_rdf(rr, i)));
	}
}

/* A TXT may be empty; anything else without data is none of its type. */
static void
keep_record(struct reading *g, const ldns_rr *rr)
{
	struct dns_wire_record *rec = arena_get(g->arena, sizeof(*rec));
	struct buf data;

	if (rec == NULL || g->r->n == DNS_RECORDS_MAX) {
		g->is_too_much = true;
		return;
	}
	buf_init(&data, DNS_RECORD_MAX);
	put_data(rr, rec, &data);
	g->bytes += data.len;
	rec->data = arena_str(g->arena, buf_str(&data));
	if (buf_failed(&data) || g->bytes > DNS_DATA_MAX ||
	    (data.len > 0 && rec->data.p == NULL))
		g->is_too_much = true;
	else if (data.len > 0 || g->q->type == LDNS_RR_TYPE_TXT) {
		rec->ttl = ldns_rr_ttl(rr) > TTL_MAX ? 0 : ldns_rr_ttl(rr);
		least_ttl(g->r, rec->ttl);
		*g->last = rec;
		g->last = &rec->next;
		g->r->n++;
	}
	buf_free(&data);
}

static void
keep_records(struct reading *g, const ldns_rr_list *answer)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);

		if (is_of(rr, &g->r->name, g->q->type))
			keep_record(g, rr);
	}
}

static bool
follow_alias(struct reading *g, const ldns_rr_list *answer)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);

		if (!is_of(rr, &g->r->name, LDNS_RR_TYPE_CNAME) ||
		    !name_of(ldns_rr_rdf(rr, 0), &g->r->name))
			continue;
		least_ttl(g->r, ldns_rr_ttl(rr));
		g->r->aliases++;
		return true;
	}
	return false;
}

/* How long a "no" may be kept: RFC 2308 5. */
static bool
read_soa(struct dns_reply *r, const ldns_rr_list *authority)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(authority); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(authority, i);
		const ldns_rdf *least;

		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SOA ||
		    ldns_rr_rd_count(rr) != 7)
			continue;
		least = ldns_rr_rdf(rr, 6);
		least_ttl(r, ldns_rr_ttl(rr));
		if (ldns_rdf_size(least) == 4)
			least_ttl(r, ldns_rdf2native_int32(least));
		return true;
	}
	return false;
}

static bool
has_type(const ldns_rr_list *list, ldns_rr_type type)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		if (ldns_rr_get_type(ldns_rr_list_rr(list, i)) == type)
			return true;
	return false;
}

static enum dns_reply_kind
kind_of_no(struct dns_reply *r, const ldns_pkt *p)
{
	const ldns_rr_list *authority = ldns_pkt_authority(p);
	uint32_t alias_ttl = r->ttl;
	bool has_soa = read_soa(r, authority);

	if (r->rcode == RCODE_NXDOMAIN) {
		r->is_ttl_given = has_soa;
		return REPLY_NO_NAME;
	}
	if (r->aliases > 0 && !has_soa) {
		r->ttl = alias_ttl;
		return REPLY_ALIAS;
	}
	if (!has_soa && !ldns_pkt_aa(p) && !ldns_pkt_ra(p) &&
	    has_type(authority, LDNS_RR_TYPE_NS))
		return REPLY_LAME;
	r->is_ttl_given = has_soa;
	return REPLY_NO_DATA;
}

static int
read_answer(struct reading *g, const ldns_pkt *p)
{
	struct dns_reply *r = g->r;
	const ldns_rr_list *answer = ldns_pkt_answer(p);

	for (;;) {
		keep_records(g, answer);
		if (g->is_too_much)
			r->kind = REPLY_TOO_MUCH;
		else if (r->n > 0)
			r->kind = REPLY_RECORDS;
		else if (!follow_alias(g, answer))
			r->kind = kind_of_no(r, p);
		else if (r->aliases > DNS_CHAIN_MAX)
			r->kind = REPLY_LOOP;
		else
			continue;
		break;
	}
	/* it is not there, and here it is */
	return r->rcode == RCODE_NXDOMAIN && r->n > 0 ? FAIL_SYNTAX : 0;
}

static int
read_whole(struct str packet, struct reading *g)
{
	ldns_pkt *p = NULL;
	int r = FAIL_SYNTAX;

	if (ldns_wire2pkt(&p, packet.p, packet.n) != LDNS_STATUS_OK)
		return FAIL_SYNTAX;
	g->r->is_authentic = ldns_pkt_ad(p);
	g->r->has_edns = ldns_pkt_edns(p);
	g->r->rcode |= (unsigned)ldns_pkt_edns_extended_rcode(p) << 4;
	if (g->r->rcode == RCODE_NOERROR || g->r->rcode == RCODE_NXDOMAIN)
		r = read_answer(g, p);
	else {
		g->r->kind = REPLY_ERROR;
		r = 0;
	}
	ldns_pkt_free(p);
	return r;
}

int
dns_reply_read(struct str packet, const struct dns_question *q,
    struct arena *a, struct dns_reply *out)
{
	struct dns_reply reply = { .kind = REPLY_ERROR, .name = q->name };
	struct reading g = { .q = q, .arena = a, .r = &reply,
	    .last = &reply.records };
	int r;

	if (packet.n > DNS_PACKET_MAX || !is_answer_to(packet, q))
		return FAIL_GONE;
	reply.rcode = packet.p[3] & RCODE;
	if (reply.rcode != RCODE_NOERROR && reply.rcode != RCODE_NXDOMAIN)
		;	/* why is all that counts */
	else if ((packet.p[2] & TC) != 0)
		reply.kind = REPLY_TRUNCATED;
	else if ((r = read_whole(packet, &g)) != 0)
		return r;
	*out = reply;
	return 0;
}
