/* SPDX-License-Identifier: ISC */
/*
 * daemon/dns.h - asking resolvd: how remote, checkd, smtpd and ctld see the
 * DNS.  (Rooms that like rows as they come use ask_dns_ask themselves.)
 *
 * Names are text: A-labels, with or without the end dot; an octet that is no
 * letter, digit, '-' or '_' may be written \DDD (RFC 1035 5.1), as names in
 * answers are.  Answers have no end dot; the root is ".".  CNAMEs have been
 * followed.  A record that does not suit its type never gets here.
 */
#ifndef DAEMON_DNS_H
#define DAEMON_DNS_H

#include "base/buf.h"
#include "ipc/catalogue.h"

/* What can be asked; their numbers on the wire. */
enum dns_type {
	DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28,
	DNS_TLSA = 52,
};

struct dns_record {
	uint32_t	ttl;		/* seconds */
	uint32_t	preference;	/* MX */
	/* A, AAAA: 4, 16 octets.  MX, PTR: a name.  TXT: its strings joined.
	 * TLSA: usage, selector, matching type, digest, as on the wire. */
	struct str	data;
};

struct dns_answer {
	enum dns_result	result;		/* ipc/catalogue.h */
	bool		validated;	/* see the setting `resolver trust-ad` */
	uint32_t	ttl;		/* seconds it may be kept, also a "no" */
	struct str	name;		/* canonical: where CNAMEs led */
	struct str	text;		/* unless DNS_OK: why, for people */
	const struct dns_record *records;
	size_t		n;		/* at least one when DNS_OK, else none */
};

struct dns_query;
/* The answer is valid until the function returns. */
typedef void dns_then_fn(void *arg, const struct dns_answer *a);

/*
 * Ends in exactly one call of then, from the loop and never from within, at
 * the latest after wait_ms (0: as long as resolvd itself tries): a resolvd
 * that is dead, stopped or busy is DNS_LATER.  The query is gone when then is
 * called; before that dns_forget takes it back, and then is not called.
 */
struct dns_query *dns_ask(struct str name, enum dns_type type,
	    int64_t wait_ms, dns_then_fn *then, void *arg);
void	dns_forget(struct dns_query *q);	/* NULL is harmless */

/* Nobody knows, as against a "no" that somebody is sure of. */
static inline bool
dns_is_failure(enum dns_result r)
{
	return r == DNS_LATER || r == DNS_BAD_ANSWER;
}

const char *dns_type_name(enum dns_type type);	/* NULL: none of ours */
enum dns_type dns_type_of(struct str name);	/* 0: none of ours */
/* "no-name": an enum dns_result in a word, for logs. */
const char *dns_result_name(enum dns_result result);
/* A record's data as a zone file would have it, without preference. */
void	dns_show(enum dns_type type, struct str data, struct buf *out);

#endif
