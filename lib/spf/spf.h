/* SPDX-License-Identifier: ISC */
/*
 * spf/spf.h - SPF (RFC 7208): may this address send for that domain?
 *
 * Pure: it asks for DNS records by naming them, and the caller feeds the
 * answers.
 *
 *	spf_begin(&s, &arena, &query);
 *	while (spf_step(&s) == SPF_ASK) {
 *		look up s.ask, s.ask_n octets, of type s.ask_type
 *		spf_row(&s, data) for each record
 *		spf_answered(&s, SPF_FOUND, SPF_VOID or SPF_LATER)
 *	}
 *	s.result, s.explanation ...
 *
 * The query's strings are copied into the arena, and so are the records that
 * matter; when it is full the verdict is permerror.  Type 99 is never asked
 * for (RFC 7208 3.1).
 */
#ifndef SPF_SPF_H
#define SPF_SPF_H

#include "base/arena.h"
#include "base/fail.h"
#include "spf/macro.h"
#include "spf/record.h"

#define SPF_ARENA	(1024 * 1024)	/* as much as can ever be needed */
#define SPF_LOOKUPS_MAX	10		/* RFC 7208 4.6.4 */
#define SPF_VOID_MAX	2
#define SPF_NAMES_MAX	10		/* of one mx; of ptr, the others ignored */
#define SPF_DEPTH_MAX	(SPF_LOOKUPS_MAX + 1)	/* each include costs one */
#define SPF_EXPLAIN_MAX	512		/* octets; what is longer is cut */

enum spf_step { SPF_ASK, SPF_DONE };
enum spf_answer { SPF_FOUND, SPF_VOID, SPF_LATER };
/* Numbers of the DNS types, as daemon/dns.h has them. */
enum spf_type { SPF_TYPE_A = 1, SPF_TYPE_PTR = 12, SPF_TYPE_MX = 15,
    SPF_TYPE_TXT = 16, SPF_TYPE_AAAA = 28 };

struct spf_query {
	struct str	client;		/* "192.0.2.1", "2001:db8::1" */
	struct str	helo;
	struct str	sender;		/* MAIL FROM without <>; may be empty */
	struct str	receiver;	/* our name, for %{r} */
	int64_t		now_s;		/* for %{t} */
};

/* One check_host(): of the sender's domain, or of an include in it. */
struct spf_frame {
	struct str	domain;
	struct str	rest;		/* terms not yet looked at */
	struct str	redirect, exp;	/* empty: none */
	struct spf_term	term;		/* that is being tried */
	bool		is_target;	/* of include or redirect: must exist */
};

struct spf_name {
	struct str	name;
	bool		is_valid;	/* leads back to the client (5.5) */
};

struct spf {
	/* What is to be asked. */
	char		ask[SPF_NAME_MAX + 1];	/* raw octets, no end dot */
	size_t		ask_n;
	enum spf_type	ask_type;

	/* The end. */
	enum spf_result	result;
	struct str	domain;		/* whose policy; of MAIL FROM or HELO */
	struct str	matched;	/* the term that decided; empty: none */
	struct str	matched_in;	/* the domain whose record it stands in */
	struct why	why;		/* of an error, in words */
	char		explanation[SPF_EXPLAIN_MAX + 1]; /* of a fail; or "" */
	unsigned	lookups, voids;

	struct arena	*arena;
	struct spf_values values;
	uint8_t		client[16];	/* the first 4 if is_ipv4 */
	bool		is_ipv4;
	int		state;		/* spf.c */
	int		resume;		/* when the client's names are known */
	bool		is_asking, is_explaining;
	enum spf_answer	answer;
	size_t		rows;		/* of the answer, those that matter */
	bool		is_hit;		/* an address among them is the client's */
	bool		is_full;	/* arena */
	struct str	text;		/* TXT kept */
	struct str	exp_text;	/* the explanation before its macros */
	struct spf_frame frame[SPF_DEPTH_MAX];
	size_t		depth;
	struct str	hosts[SPF_NAMES_MAX];	/* of an mx */
	size_t		hosts_n, host;
	bool		knows_names;
	struct spf_name	names[SPF_NAMES_MAX];	/* of the client, by PTR */
	size_t		names_n, name;
};

/* FAIL_SYNTAX: client is no address.  The arena is the caller's, and holds
 * what the results point to. */
int	spf_begin(struct spf *s, struct arena *a, const struct spf_query *q)
	    MUST_CHECK;
enum spf_step spf_step(struct spf *s);
/* A, AAAA: 4 or 16 octets; MX, PTR: a name; TXT: its strings joined. */
void	spf_row(struct spf *s, struct str data);
void	spf_answered(struct spf *s, enum spf_answer answer);

/* "pass", as RFC 8601 2.7.2 and Received-SPF have it. */
const char *spf_result_name(enum spf_result r);

#endif
