/* SPDX-License-Identifier: ISC */
/*
 * dns/name.h - names of the DNS: as text, as on the wire, compared.  Pure.
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include "base/buf.h"
#include "base/fail.h"

#define DNS_NAME_MAX	255	/* octets on the wire, RFC 1035 2.3.4 */

struct dns_name {
	uint8_t	wire[DNS_NAME_MAX];	/* uncompressed, ends with the root */
	uint8_t	n;			/* octets; 1 for the root */
};

/*
 * "mx.example.org", with or without the end dot; "." is the root; \DDD and \X
 * as in RFC 1035 5.1.  Letters stay as they are.  Octets above 126, blanks
 * and controls have to be escaped: a name in UTF-8 is no A-label.
 * FAIL_SYNTAX: an empty label, a broken escape, what had to be escaped;
 * FAIL_TOO_BIG: a label above 63 octets, a name above 255.
 */
int	dns_name_parse(struct str text, struct dns_name *out) MUST_CHECK;
/* n octets of a whole uncompressed name; FAIL_SYNTAX. */
int	dns_name_of_wire(struct str wire, struct dns_name *out) MUST_CHECK;
/* Lower case, without the end dot, escaped where parse wants it. */
void	dns_name_text(const struct dns_name *name, struct buf *out);

bool	dns_name_eq(const struct dns_name *a, const struct dns_name *b);
void	dns_name_lower(struct dns_name *name);
/* Each letter's case by a bit of `bits` (draft-vixie-dnsext-dns0x20). */
void	dns_name_mix(struct dns_name *name, const uint8_t bits[32]);
struct str dns_name_str(const struct dns_name *name);

#endif
