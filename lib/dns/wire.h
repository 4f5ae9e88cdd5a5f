/* SPDX-License-Identifier: ISC */
/*
 * dns/wire.h - questions and answers as packets.  The only file of the suite
 * that calls libldns is wire.c.
 *
 * libldns takes memory of its own and gives it back within the call; of what
 * strangers send it sees only what already matches the question.
 */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H

#include "base/arena.h"
#include "dns/name.h"

enum {
	DNS_PACKET_MAX = 65535,
	DNS_EDNS_SIZE = 1232,	/* never a fragment: DNS flag day 2020 */
	DNS_RECORDS_MAX = 1000,	/* of one answer */
	DNS_DATA_MAX = 64 * 1024,	/* text and data of all its records */
	DNS_RECORD_MAX = 48 * 1024,	/* and of one: it fits in a note */
	DNS_CHAIN_MAX = 12,	/* CNAMEs in a row */
};

/* The numbers of RFC 1035 4.1.1 and RFC 6891 that matter to us. */
enum dns_rcode { RCODE_NOERROR = 0, RCODE_FORMERR = 1, RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4, RCODE_REFUSED = 5,
    RCODE_BADVERS = 16 };
const char *dns_rcode_name(unsigned rcode);

struct dns_question {
	struct dns_name	name;	/* in the case it is asked in */
	uint16_t	type, id;
	bool		has_edns;
	bool		wants_ad;	/* RFC 6840 5.7 */
	bool		wants_case;	/* the answer must have the same case */
};

/* Adds the packet of a question. */
int	dns_question_write(const struct dns_question *q, struct buf *out)
	    MUST_CHECK;

struct dns_wire_record {
	struct dns_wire_record *next;
	uint32_t	ttl, preference;
	struct str	data;		/* as in daemon/dns.h */
};

enum dns_reply_kind {
	REPLY_RECORDS,		/* there they are */
	REPLY_NO_NAME,		/* NXDOMAIN */
	REPLY_NO_DATA,
	REPLY_ALIAS,		/* CNAMEs, and nothing of where they lead:
				 * ask again for `name` */
	REPLY_TRUNCATED,	/* ask by TCP */
	REPLY_LOOP,		/* CNAMEs in a circle, or too many */
	REPLY_TOO_MUCH,		/* beyond the limits above */
	REPLY_LAME,		/* refers us to others: no resolver */
	REPLY_ERROR,		/* see rcode */
};

struct dns_reply {
	enum dns_reply_kind kind;
	unsigned	rcode;
	bool		is_authentic;	/* AD */
	bool		has_edns;
	bool		is_ttl_given;	/* false: a no without SOA */
	uint32_t	ttl;		/* least of all that was used */
	unsigned	aliases;	/* CNAMEs followed */
	struct dns_name	name;		/* where they led */
	struct dns_wire_record *records;
	size_t		n;
};

/*
 * Is this packet the answer to this question?  Id, question and (if wanted)
 * case are compared before anything else is looked at.
 * FAIL_GONE: it is not; somebody else's, or a forger's.  FAIL_SYNTAX: it is,
 * and it is broken.  Records point into the arena.
 */
int	dns_reply_read(struct str packet, const struct dns_question *q,
	    struct arena *a, struct dns_reply *out) MUST_CHECK;

#endif
