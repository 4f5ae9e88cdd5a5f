/* SPDX-License-Identifier: ISC */
/*
 * mail/authres.h - the Authentication-Results field (RFC 8601), as we write
 * it: one field, folded before each method, whatever strangers put into the
 * values.
 *
 *	authres_begin(&a, &out, hostname);
 *	authres_result(&a, "spf", "pass");
 *	authres_prop(&a, "smtp", "mailfrom", sender);
 *	authres_result(&a, "dkim", "neutral");
 *	authres_reason(&a, "key of 512 bits");
 *	authres_prop(&a, "header", "d", domain);
 *	authres_end(&a);
 */
#ifndef MAIL_AUTHRES_H
#define MAIL_AUTHRES_H

#include "base/buf.h"

#define AUTHRES_VALUE_MAX	300	/* of one value; the rest is cut */

struct authres {
	struct buf	*out;
	bool		any;
};

void	authres_begin(struct authres *a, struct buf *out, struct str host);
/* A method and its result; what follows belongs to it. */
void	authres_result(struct authres *a, const char *method,
	    const char *result);
/* In words; right behind authres_result. */
void	authres_reason(struct authres *a, const char *text);
/* ptype.property=value; an empty value says nothing and is left out. */
void	authres_prop(struct authres *a, const char *ptype,
	    const char *property, struct str value);
/* "none" when there was no result; CRLF. */
void	authres_end(struct authres *a);

#endif
