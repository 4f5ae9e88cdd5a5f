/* SPDX-License-Identifier: ISC */
/*
 * sasl/sasl.h - the server's side of a SASL exchange: PLAIN and LOGIN.
 *
 * The protocol (SMTP, POP3, IMAP) carries base64 lines; this turns them into
 * who and with what.  Whether that is right is authd's to say.
 *
 *	step = sasl_begin(&s, mech, has_initial, initial, &challenge);
 *	while step is SASL_ASK: send the challenge, step = sasl_answer(...)
 *	SASL_DONE: s.authzid, s.user, s.secret; then sasl_end wipes them
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "base/buf.h"

#define SASL_NAME_MAX	320	/* authzid and user, as the notes take them */
#define SASL_SECRET_MAX	4096
/* Longest line of an exchange: both names, the secret, NULs, in base64. */
#define SASL_LINE_MAX	6400

enum sasl_step {
	SASL_ASK,	/* send the challenge (base64), read a line */
	SASL_DONE,
	SASL_CANCELLED,	/* the client said "*" (RFC 4954 4) */
	SASL_BAD,	/* not base64, or not what the mechanism says */
	SASL_UNKNOWN,	/* no such mechanism */
};

struct sasl {
	const struct sasl_mech	*mech;
	unsigned		turn;	/* answers heard */
	struct buf		text;	/* holds what the strs point to */
	struct str		authzid, user, secret;
};

/* The mechanisms by rank, blank-separated: "PLAIN LOGIN". */
const char *sasl_mechs(void);

/* initial: the initial response as sent; "=" says the empty one. */
enum sasl_step sasl_begin(struct sasl *s, struct str mech, bool has_initial,
	    struct str initial, struct buf *challenge_out);
enum sasl_step sasl_answer(struct sasl *s, struct str line,
	    struct buf *challenge_out);
/* Wipes; harmless on a zeroed or ended one. */
void	sasl_end(struct sasl *s);

#endif
