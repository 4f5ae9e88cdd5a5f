/* SPDX-License-Identifier: ISC */
/*
 * mail/zone.h - what the DNS says of a domain, judged: does its mail come in
 * here, and will what we send for it be believed?
 *
 * Each finding is a row: what was looked at, how it is, why in words, and the
 * record that would be right, as a line of a zone file.  The records of all
 * rows, published, leave nothing wrong.
 *
 * Pure but for the three functions given.  What they return lives as long as
 * the arena.  RFC 5321 5 (MX), 7505 (null MX), 7208, 6376, 9989, 9990.
 */
#ifndef MAIL_ZONE_H
#define MAIL_ZONE_H

#include "base/arena.h"
#include "base/str.h"

/* Numbers of the DNS types. */
enum zone_type { ZONE_A = 1, ZONE_PTR = 12, ZONE_MX = 15, ZONE_TXT = 16,
    ZONE_AAAA = 28 };
enum zone_found { ZONE_FOUND, ZONE_NOTHING, ZONE_LATER };

struct zone_record {
	uint32_t	preference;	/* MX */
	struct str	data;		/* addresses as text; TXT joined */
};

struct zone_answer {
	enum zone_found	found;
	struct str	name;		/* where aliases led */
	struct str	text;		/* ZONE_LATER: why */
	const struct zone_record *records;
	size_t		n;
};

/* As checkd says it. */
struct zone_spf {
	struct str	verdict;	/* "pass" */
	struct str	term, term_domain; /* that decided; empty: none */
	struct str	text;		/* of an error */
	unsigned	lookups;
};

enum zone_level { ZONE_OK, ZONE_WARN, ZONE_WRONG, ZONE_UNKNOWN };

struct zone_row {
	const char	*item;		/* "mx" */
	enum zone_level	level;
	struct str	text;		/* both printable ASCII */
	struct str	record;		/* may be empty */
};

struct zone_source {		/* an address we send from */
	struct str	address;	/* as inet_ntop(3) writes it */
	struct str	reverse;	/* 1.2.0.192.in-addr.arpa */
	bool		is_ipv6;
};

struct zone_key {
	struct str	selector;
	const char	*type;		/* "rsa", "ed25519" */
	unsigned	bits;
	struct str	public;		/* what belongs behind p= */
};

struct zone {
	struct str	domain;		/* all names: lower case, no end dot */
	struct str	host;		/* our name, which an MX should say */
	struct str	helo;		/* what we call ourselves elsewhere */
	const struct zone_source *source;
	size_t		sources;
	const struct str *here;		/* addresses of this host */
	size_t		heres;
	const struct zone_key *key;
	size_t		keys;

	struct zone_answer (*ask)(void *arg, struct str name,
			    enum zone_type type);
	struct zone_spf	(*spf)(void *arg, struct str address, struct str helo,
			    struct str sender);
	void		(*row)(void *arg, const struct zone_row *row);
	void		*arg;
	struct arena	*arena;
};

void	zone_check(struct zone *z);

/* --- its parts ----------------------------------------------------------- */

void	zone_check_spf(struct zone *z);		/* zonetxt.c */
void	zone_check_dkim(struct zone *z);
void	zone_check_dmarc(struct zone *z);

void	zone_say(struct zone *z, const char *item, enum zone_level level,
	    struct str text, struct str record);
/* The DNS did not say. */
void	zone_say_later(struct zone *z, const char *item, struct str name,
	    const struct zone_answer *a);
/* `NAME. IN TXT "..."', in strings of at most 255 octets. */
struct str zone_txt(struct zone *z, struct str name, struct str text);
/* Has the name a dot, and is it no address? */
bool	zone_is_full(struct str name);

#endif
