/* SPDX-License-Identifier: ISC */
/*
 * smtp/ext.c - what we offer behind EHLO.
 *
 * One row an extension.  RFC 2920, 1870, 6152, 2034, 3207, 4954.
 */
#include "smtp/ext.h"

#include <inttypes.h>

#include "base/banned.h"

enum { ALWAYS, IF_STARTTLS, IF_AUTH };

static const struct {
	const char	*text;
	int		when;
} offers[] = {
	{ "PIPELINING", ALWAYS },
	{ "8BITMIME", ALWAYS },
	{ "STARTTLS", IF_STARTTLS },
	{ "AUTH PLAIN LOGIN", IF_AUTH },
	{ "ENHANCEDSTATUSCODES", ALWAYS },
};

void
smtp_ehlo_put(struct buf *out, const struct smtp_offer *o)
{
	buf_fmt(out, "250-%.*s\r\n", STR_ARG(o->hostname));
	for (size_t i = 0; i < NITEMS(offers); i++)
		if (offers[i].when == ALWAYS ||
		    (offers[i].when == IF_STARTTLS && o->starttls) ||
		    (offers[i].when == IF_AUTH && o->auth))
			buf_fmt(out, "250-%s\r\n", offers[i].text);
	buf_fmt(out, "250 SIZE %" PRIu64 "\r\n", o->size_limit);
}
