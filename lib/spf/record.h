/* SPDX-License-Identifier: ISC */
/*
 * spf/record.h - the text of an SPF record (RFC 7208 12), term by term.
 */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include "base/fail.h"
#include "base/str.h"

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL,
    SPF_TEMPERROR, SPF_PERMERROR };

enum spf_what { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4,
    SPF_IP6, SPF_EXISTS, SPF_REDIRECT, SPF_EXP, SPF_OTHER };

struct spf_term {
	enum spf_what	what;
	enum spf_result	qualifier;	/* of a mechanism that matches */
	struct str	text;		/* as written */
	struct str	spec;		/* domain-spec; empty: not given */
	unsigned	bits4, bits6;	/* of the prefix: 32 and 128 unless said */
	uint8_t		addr[16];	/* ip4 (the first 4), ip6 */
};

/* Is it one at all?  "v=spf1", then a space or nothing. */
bool	spf_is_record(struct str text);

/* What stands behind the version, term by term: 1, 0 at the end, or
 * FAIL_SYNTAX. */
int	spf_term_next(struct str *rest, struct spf_term *out) MUST_CHECK;

/* All of it, before any of it is used (RFC 7208 4.6): FAIL_SYNTAX, or the
 * terms and the two modifiers' domain-specs. */
int	spf_record_parse(struct str text, struct str *terms_out,
	    struct str *redirect_out, struct str *exp_out, struct why *why)
	    MUST_CHECK;

#endif
