/* SPDX-License-Identifier: ISC */
/*
 * mail/addr.h - addresses: SMTP paths, strictly (RFC 5321 4.1.2), and address
 * lists of header fields, leniently (RFC 5322 3.4 and 4.4).
 *
 * Inside the suite an address is the text "local@domain" with the local part
 * unquoted where it may be ("a b"@x stays quoted); addr_split takes it apart.
 */
#ifndef MAIL_ADDR_H
#define MAIL_ADDR_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

#define ADDR_LOCAL_MAX	64	/* RFC 5321 4.5.3.1.1, octets */
#define ADDR_DOMAIN_MAX	255	/* RFC 5321 4.5.3.1.2 */
#define ADDR_LABEL_MAX	63	/* RFC 1035 2.3.4 */

/* What a path says.  Strings live in the arena or in the text given. */
struct addr_path {
	struct str	local;	/* without quotes and quoting backslashes */
	struct str	domain;	/* without trailing dot; "[...]" for a literal;
				 * empty only for <> and <postmaster> */
	struct str	text;	/* canonical: local, quoted if it must be, "@",
				 * domain; empty for <> */
	bool		is_null, is_literal, had_route;
};

/* Why a path is refused; smtpd has a reply for each. */
enum addr_fault {
	ADDR_FINE,
	ADDR_SYNTAX,	/* 501 5.1.3 / 5.1.7 */
	ADDR_8BIT,	/* an octet above 127: 553 5.6.7 */
	ADDR_TOO_LONG,	/* a part beyond its limit: 501 5.1.3 */
	ADDR_NO_DOMAIN,	/* <joe>: only <postmaster> may stand alone */
};

/*
 * One path "<...>" at the start of *s, which is moved behind the ">".
 * Source routes (@a,@b:x@y) are read and dropped.  null_ok: MAIL's "<>".
 */
enum addr_fault addr_path_parse(struct str *s, bool null_ok, struct arena *a,
	    struct addr_path *out) MUST_CHECK;

/* The same rules for an address without angle brackets: configuration, CLI,
 * login names, aliases.  bare_ok: a local part alone will do. */
enum addr_fault addr_parse(struct str s, bool bare_ok, struct arena *a,
	    struct addr_path *out) MUST_CHECK;

/* "local@domain" at its last "@" (a quoted local part may hold others);
 * local keeps its quotes.  false: no "@". */
bool	addr_split(struct str address, struct str *local_out,
	    struct str *domain_out);

/* Letters, digits, inner hyphens, labels of 1-63, 255 in all. */
bool	addr_domain_valid(struct str domain);
/* "[192.0.2.1]", "[IPv6:2001:db8::1]". */
bool	addr_literal_valid(struct str domain);

/* local (unquoted bytes) as dot-atom, or quoted where it is none. */
void	addr_put_local(struct buf *out, struct str local);
/* The whole in lower case (ASCII): how accounts and tables know it. */
void	addr_put_lower(struct buf *out, struct str address);

/* --- lists in header fields ---------------------------------------------- */

enum addr_kind {
	ADDR_MAILBOX,
	ADDR_GROUP,	/* name: begins "name:" */
	ADDR_GROUP_END,	/* its ";" */
};

/* Parts are unquoted, unfolded and free of comments; empty when absent.
 * Valid until the next call.  Octets are the field's: 8-bit, also NUL. */
struct addr_item {
	enum addr_kind	kind;
	struct str	name;	/* display name, or the comment behind */
	struct str	route;	/* obsolete "@a,@b" */
	struct str	local;
	struct str	domain;
};

struct addr_list {
	struct str	rest;
	bool		in_group;
	struct buf	text;	/* of the current item */
};

/* A walk over the value of From, To ...; never fails: what is no address is
 * skipped to the next comma.  Linear, one item is at most 4 KiB of text. */
void	addr_list_init(struct addr_list *l, struct str value);
bool	addr_list_next(struct addr_list *l, struct addr_item *out);
void	addr_list_free(struct addr_list *l);

#endif
