/* SPDX-License-Identifier: ISC */
/*
 * smtpd/session.h - one client connection, and what the files of smtpd share.
 *
 *	session.c	life, lines, waiting, errors
 *	command.c	the command table and the small commands
 *	hello.c		greeting, EHLO, HELO, STARTTLS
 *	auth.c		AUTH
 *	mailtx.c	MAIL and RCPT: the transaction
 *	data.c		DATA: the content on its way to spoold
 *	recode.c	re-encodes what may not travel as it is
 *	check.c		has it checked: SPF, DKIM, DMARC
 *	sign.c		has it signed before it is stored
 *	drop.c		what waited in maildrop: a session without a client
 *	quirks.c	those who are no SMTP clients at all
 *	smtpd.c		the process: services, certificate, drain
 *
 * States, by what stands in the struct:
 *
 *	greeted		may say		because
 *	no		nothing		rated is asked, or TLS is begun
 *	yes, no helo	EHLO ...	RFC 5321 4.1.4
 *	helo		MAIL AUTH	login needed first on submission
 *	tx.is_open	RCPT DATA
 *
 * mode says who takes the next line: the command table, AUTH, or the data.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "base/arena.h"
#include "base/dict.h"
#include "base/log.h"
#include "base/rand.h"
#include "crypto/digest.h"
#include "daemon/daemon.h"
#include "event/stream.h"
#include "sasl/sasl.h"
#include "smtp/body.h"
#include "smtp/head.h"
#include "smtp/reply.h"

/* What a handler says when it returns. */
enum step {
	NEXT,		/* read on */
	WAIT,		/* a note or a timer is out; smtp_go() when it is in */
	CLOSE,		/* when the output is sent */
};

enum mode { MODE_COMMAND, MODE_AUTH, MODE_DATA };

struct service {
	const char	*name;
	bool		is_submission;	/* mail of our own people: is mended */
	bool		needs_login;
	bool		offers_auth;
	bool		offers_tls;	/* STARTTLS */
	bool		begins_tls;
	bool		is_local;	/* a Unix socket: the uid is the login */
};

/* Where a copy goes: one row of routed's answer, merged when equal. */
struct target {
	struct target	*next;
	struct str	key;		/* equal ones are one delivery */
	uint32_t	kind;		/* enum route_kind */
	struct str	address, account, home, detail;
	struct str	reason;		/* ROUTE_REFUSED: the reply */
};

struct targets {
	struct target	*first, **end;
	size_t		n;
};

struct smtp;
typedef enum step smtp_step_fn(struct smtp *s);

/* One mail transaction, from MAIL to the answer to its data. */
struct tx {
	bool		is_open;
	struct arena	arena;
	struct str	sender;		/* empty: null sender */
	bool		is_8bit;
	uint64_t	size;		/* as declared */
	size_t		recipients;	/* accepted RCPTs */
	struct targets	targets;
	struct targets	asked;		/* rows of the answer that is coming */
	struct dict	known;		/* targets by key, when there are many */
	struct str	rcpt;		/* the one that is asked about */
	struct str	only_rcpt;	/* for Received, while there is one */

	char		mid[MID_LEN + 1];
	struct smtp_body body;
	struct smtp_head head;
	struct buf	content;	/* not yet written */
	size_t		held;		/* of it, counted among all sessions' */
	struct buf	raw;		/* unstuffed, header not yet looked at */
	uint64_t	written;	/* octets of content, now or later in file */
	int		file;		/* to read, by others too: a sealed memfd,
					 * or of spoold's tmp/; -1: none */
	int		filling;	/* the latter, to write; -1: it is full */
	bool		is_large;	/* SPOOL_OPEN was said */
	const struct smtp_reply *spoiled; /* the end will be refused so */
	struct digest	digest;
	struct target	*to_say;	/* next SPOOL_RCPT */
	int64_t		give_up_ms;	/* clock_mono_ms: spoold is too slow */
	int64_t		received_ms;
	struct buf	added;		/* header lines put before the content */
	bool		is_recoded;	/* or need not be */
	struct recoding	*recoding;	/* of a large body; NULL: none */
	struct help {			/* of checkd, or signd: help.c */
		smtp_step_fn *ask, *then;
		int64_t	until_ms;	/* clock_mono_ms: it is too slow */
		unsigned deaths;	/* of who was asked */
		bool	is_asked;	/* somebody who lives */
	}		help;
};

struct login {
	bool		is_in;
	struct str	account, home;
	struct str	grant;
	int64_t		expires_ms;
};

struct smtp {
	struct stream	stream;
	struct drop	*drop;		/* no client: the stream has no socket */
	struct link	link;		/* of all sessions */
	struct arena	arena;		/* as long as the session */
	struct arena	scratch;	/* as long as a command */
	const struct service *service;
	char		sid[SID_LEN + 1];
	struct str	peer;
	struct str	helo;		/* empty: not said (again) */
	bool		is_esmtp;
	bool		may_relay;	/* relay-networks, or local */
	bool		is_greeted, is_waiting, is_counted, is_over;
	bool		skips_line;	/* the rest of an overlong one */
	enum mode	mode;
	struct login	login;
	struct sasl	sasl;		/* while an exchange goes on */
	struct tx	tx;
	unsigned	errors;		/* since the last accepted message */
	unsigned	junk;		/* commands that get nowhere, likewise */
	unsigned	messages;
	struct timer	delay;
	enum step	(*after_delay)(struct smtp *);
};

/* --- session.c ----------------------------------------------------------- */

void	smtp_client(int fd, const char *service, struct str peer);
/* All of a session but its stream. */
void	smtp_begin(struct smtp *s, const char *service, struct str peer);
/* What a note or a timer led to: the end of every WAIT. */
void	smtp_go(struct smtp *s, enum step step);
/* NEXT after wait_ms; `then` runs first (may be NULL). */
enum step smtp_delay(struct smtp *s, int64_t wait_ms,
	    enum step (*then)(struct smtp *));
enum step smtp_say(struct smtp *s, const struct smtp_reply *r);
/* The same for the client's faults: counted, slowed, at last 421. */
enum step smtp_refuse(struct smtp *s, const struct smtp_reply *r);
enum step smtp_refuse_text(struct smtp *s, unsigned code,
	    const char *enhanced, struct str text);
/* EHLO, STARTTLS and RSET: sender and recipients are forgotten. */
void	smtp_forget_mail(struct smtp *s);
/* begins a log line with sid; the caller goes on and ends it */
void	smtp_log(const struct smtp *s, enum log_level level,
	    const char *event);
/* Lets go of all a session holds but its stream. */
void	smtp_release(struct smtp *s);
/* All that are idle are told and closed; the others when they are. */
void	smtp_drain_all(void);
size_t	smtp_count(void);

/* --- command.c, hello.c, auth.c, mailtx.c, data.c, quirks.c -------------- */

enum step smtp_command(struct smtp *s, struct str line);

typedef enum step command_fn(struct smtp *s, struct str args);
command_fn cmd_auth, cmd_data, cmd_ehlo, cmd_helo, cmd_mail, cmd_rcpt,
    cmd_starttls;

enum step smtp_greet(struct smtp *s);
void	smtp_begin_tls(struct smtp *s);
void	smtp_on_tls(struct stream *st);

enum step smtp_auth_line(struct smtp *s, struct str line);
bool	smtp_auth_offered(const struct smtp *s);

void	tx_begin(struct tx *tx);	/* once a session */
void	tx_end(struct tx *tx);		/* all memory and descriptors back */

void	tx_drop_content(struct tx *tx);
/* Takes a recipient who gets a bounce in place of the message; false: no
 * room. */
bool	tx_refuse(struct tx *tx, struct str address, struct str reason);
/* Takes what it can of the stream's input. */
enum step smtp_data_input(struct smtp *s);

/* 4xx or 5xx instead of 250: the transaction is over, and logged. */
enum step smtp_data_refuse(struct smtp *s, const struct smtp_reply *r);
/* Re-encodes the content, if it must be, then goes on. */
enum step smtp_recode(struct smtp *s, enum step (*then)(struct smtp *));
void	tx_drop_recoding(struct tx *tx);
/* Who we are in Authentication-Results. */
struct str smtp_authserv_id(void);
/* Puts an Authentication-Results line on top of tx.added, or refuses, then
 * goes on. */
enum step smtp_check(struct smtp *s, smtp_step_fn *then);
/* Puts DKIM-Signature lines on top of tx.added, then goes on. */
enum step smtp_sign(struct smtp *s, smtp_step_fn *then);
/* help.c: `ask' sends a note to smtp_helper(), and is called again while that
 * makes sense; the asker goes on with tx.help.then. */
enum step smtp_help(struct smtp *s, smtp_step_fn *ask, smtp_step_fn *then);
struct chan *smtp_helper(struct smtp *s, enum proc kind);
/* No good answer: is it worth to ask again?  Then by smtp_help_later. */
bool	smtp_help_again(struct smtp *s, bool has_answered);
enum step smtp_help_later(struct smtp *s);

/* Is this the first line of another protocol?  Then nothing of it may be
 * read as SMTP. */
bool	quirk_is_foreign(struct str line);

/* --- drop.c -------------------------------------------------------------- */

/* spoold gives a file of maildrop/. */
void	drop_note(struct chan *c, const struct note *n);
/* What a step, a note or a timer of a session without client led to. */
void	drop_go(struct smtp *s, enum step step);
const char *drop_mid(const struct drop *d);
void	drop_peer_gone(struct chan *c);
size_t	drop_count(void);

/* --- smtpd.c ------------------------------------------------------------- */

struct tls_server *smtpd_tls(void);	/* NULL: no certificate */
void	smtpd_accepted(void);		/* counts for `veredus status` */

#endif
