/* SPDX-License-Identifier: ISC */
/*
 * smtp/client.h - our side of an SMTP or LMTP session: what to say, what to
 * hear, what comes next.
 *
 * A table of steps and a queue of replies owed.  Pure: commands go into a
 * buffer, whole replies come in, the answer of each call says what the owner
 * of the socket has to do.  The fate of each recipient is told by a call as
 * soon as it is known; what a reply means is not decided here.
 *
 * RFC 5321, RFC 2033 (LMTP), RFC 2920 (PIPELINING), RFC 1870 (SIZE), RFC 6152
 * (8BITMIME), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 9422 (LIMITS).
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "smtp/heard.h"

enum smtp_step {
	SMTP_STEP_GREETING,
	SMTP_STEP_EHLO,
	SMTP_STEP_HELO,
	SMTP_STEP_LHLO,
	SMTP_STEP_STARTTLS,
	SMTP_STEP_AUTH,		/* AUTH PLAIN, or the first line of LOGIN */
	SMTP_STEP_AUTH_USER,
	SMTP_STEP_AUTH_SECRET,
	SMTP_STEP_RSET,
	SMTP_STEP_MAIL,
	SMTP_STEP_RCPT,
	SMTP_STEP_DATA,
	SMTP_STEP_DOT,
	SMTP_STEP_QUIT,
	SMTP_STEPS
};

/* What the owner has to do. */
enum smtp_todo {
	SMTP_HEAR,	/* a reply is owed: wait for it */
	SMTP_HANDSHAKE,	/* do it, then smtp_client_secured */
	SMTP_CONTENT,	/* send it with dots stuffed, then smtp_client_sent */
	SMTP_IDLE,	/* nothing is owed: a transaction may begin */
	SMTP_OVER,	/* close; smtp_client_stage and c->fault say why */
};

enum smtp_tls { SMTP_TLS_NEVER, SMTP_TLS_MAY, SMTP_TLS_MUST };

enum smtp_fate {
	SMTP_OPEN,	/* not asked for yet */
	SMTP_AGAIN,	/* 452 behind others: in the next transaction */
	SMTP_TAKEN,	/* RCPT was accepted; the content decides */
	SMTP_DONE,	/* told */
};

struct smtp_to {
	struct str	address;
	enum smtp_fate	fate;
};

/* One message to some recipients; several transactions if it must be. */
struct smtp_envelope {
	struct str	sender;		/* empty: the null sender */
	uint64_t	size;		/* octets on the wire, dots not counted */
	bool		is_8bit;
	struct smtp_to	*to;
	size_t		n;
};

struct smtp_client;
/* The fate of recipient i, by the reply h to a step. */
typedef void smtp_fate_fn(struct smtp_client *c, size_t i,
	    enum smtp_step step, const struct smtp_heard *h);

struct smtp_client {
	/* By the caller, valid as long as the session. */
	struct str	name;		/* what we call ourselves */
	struct str	us;		/* who greets so is ourselves; may be empty */
	bool		is_lmtp;
	enum smtp_tls	tls;
	struct str	user, secret;	/* AUTH, if user is not empty */
	uint32_t	rcpt_max;	/* recipients a transaction */
	bool		no_pipelining;	/* it did not work, whatever it offers */
	struct buf	*out;
	smtp_fate_fn	*fate;
	void		*arg;

	/* To be read. */
	struct smtp_caps caps;
	bool		is_secure;
	bool		tls_refused;	/* STARTTLS was offered and refused */
	bool		is_loop;	/* it is ourselves */
	const char	*fault;		/* OVER: what was wrong if no reply says
					 * it; NULL: the reply does */
	bool		took_any;	/* in this transaction, so far */

	/* Its own. */
	struct smtp_owed { uint8_t step; uint32_t n; } owed[6];
	size_t		owes;
	enum smtp_step	heard;		/* the step whose reply came last */
	struct smtp_envelope *env;
	size_t		asked;		/* env->to below it have been asked for */
	size_t		answered;	/* ... and below it have an answer */
	uint32_t	in_tx, taken;
	bool		pipelining, is_dead, needs_rset;
	bool		is_sending;
	bool		said_params;	/* of MAIL */
	bool		mail_again;	/* once the replies owed are heard */
};

/* Waits for the greeting. */
enum smtp_todo smtp_client_begin(struct smtp_client *c);
/* A complete reply. */
enum smtp_todo smtp_client_hear(struct smtp_client *c,
	    const struct smtp_heard *h);
enum smtp_todo smtp_client_secured(struct smtp_client *c);
/*
 * Only when IDLE.  Asks for the recipients that are OPEN or AGAIN, at most
 * rcpt_max of them; when it is IDLE again and some are left, and took_any
 * says that it makes sense, the caller gives the same envelope once more.
 */
enum smtp_todo smtp_client_mail(struct smtp_client *c,
	    struct smtp_envelope *env);
enum smtp_todo smtp_client_sent(struct smtp_client *c);
enum smtp_todo smtp_client_quit(struct smtp_client *c);

/* The step whose reply is owed next; with nothing owed the last one heard. */
enum smtp_step smtp_client_owed(const struct smtp_client *c);
/* Is the next reply the last one owed?  Nothing may come behind it. */
bool	smtp_client_owes_one(const struct smtp_client *c);
/* The step of the reply that was heard last. */
enum smtp_step smtp_client_stage(const struct smtp_client *c);
/* Is anybody's fate between the dot and its reply? */
bool	smtp_client_in_doubt(const struct smtp_client *c);
const char *smtp_step_name(enum smtp_step step);

#endif
