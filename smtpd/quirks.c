/* SPDX-License-Identifier: ISC */
/*
 * smtpd/quirks.c - those who are no SMTP clients at all.
 *
 * A browser that was talked into posting to our port, a TLS client on the
 * port without TLS, a proxy that nobody configured: what follows their first
 * line may be text that somebody else chose, and some of it may look like
 * SMTP.  So the connection ends at that line (ALPACA, Brinkmann et al. 2021).
 * Each row has its transcript in tests/talk/smtp/foreign-*.talk.
 */
#include "smtpd/session.h"

#include "base/banned.h"

static const char *const foreign[] = {
	"GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ",
	"TRACE ", "PATCH ", "PRI ",			/* HTTP/1 and 2 */
	"Host:", "User-Agent:", "Content-Length:",	/* its headers */
	"PROXY ",					/* PROXY protocol 1 */
	"\x16\x03",					/* a ClientHello */
	"SSH-",
};

bool
quirk_is_foreign(struct str line)
{
	for (size_t i = 0; i < NITEMS(foreign); i++)
		if (str_istarts(line, foreign[i]))
			return true;
	return false;
}
