/* SPDX-License-Identifier: ISC */
/*
 * pop3d/session.h - one client connection, and what the files of pop3d share.
 *
 *	pop3d.c		the process: services, certificate, drain
 *	session.c	life, lines, waiting
 *	command.c	the command table and the small commands
 *	login.c		USER, PASS, AUTH, opening the mailbox
 *	fetch.c		RETR and TOP
 *
 * States (RFC 1939 3): IN_HELLO (rated is asked, or TLS begun) -> IN_AUTH
 * (AUTHORIZATION) -> IN_TRANS (TRANSACTION) -> IN_BYE (UPDATE, or closing).
 */
#ifndef POP3D_SESSION_H
#define POP3D_SESSION_H

#include "base/rand.h"
#include "event/stream.h"
#include "ipc/chan.h"
#include "mail/wire.h"
#include "sasl/sasl.h"

enum { IN_HELLO = 1, IN_AUTH = 2, IN_TRANS = 4, IN_BYE = 8 };

enum step {
	NEXT,		/* read the next (pipelined) line */
	WAIT,		/* s->then runs when a note, a timer, a file is in */
	CLOSE,		/* when the output is sent */
};

struct pop3;
/* n == NULL: no answer will come, or none was asked (a timer, a file). */
typedef enum step pop3_then_fn(struct pop3 *s, const struct note *n);

/* One message of the snapshot; its number is its place. */
struct mail {
	uint32_t	uid;
	bool		is_gone;	/* DELE, until QUIT or RSET */
	uint64_t	size;		/* octets on the wire, before dot-stuffing */
};

/* RETR and TOP: what is being sent. */
struct sending {
	struct wire	wire;
	int		fd;
	uint64_t	size;		/* of the file */
	uint64_t	at;		/* TOP: scanned so far */
	uint64_t	lines;		/* TOP: still wanted */
	bool		in_body, is_blank;
};

/* A message asked for before its RETR was read, for the client pipelines. */
enum { AHEAD = 8 };
struct ahead {
	struct pop3	*session;
	size_t		i;
	enum { AHEAD_NONE, AHEAD_ASKED, AHEAD_HERE } is;
	int		fd;		/* -1: there is none, see failed */
	uint32_t	failed;
	uint64_t	size;
};

struct pop3 {
	struct stream	stream;
	struct link	link;
	char		sid[SID_LEN + 1];
	char		*peer;
	bool		is_tls_port;
	unsigned	state;
	bool		is_busy;	/* a line's answer is not complete */
	bool		is_counted;	/* rated counts this connection */
	bool		skips_line;	/* the rest of an overlong one */
	bool		is_in_sasl;
	unsigned	errors, bad_logins;
	pop3_then_fn	*then;
	struct timer	delay;

	char		*user;		/* USER's, or of SASL */
	struct sasl	sasl;
	char		*account;	/* as authd says */
	struct login_show *show;	/* NULL: stored is not asked */
	struct chan	*stored;	/* NULL: not logged in, or gone */
	uint32_t	login, box, uidvalidity;
	struct mail	*mail;
	size_t		mails;
	struct sending	out;
	struct ahead	*ahead;		/* AHEAD of them, NULL until needed */
	size_t		wanted;		/* RETR: which one is waited for */
	size_t		closing_at;	/* QUIT: next message to look at */
};

/* --- session.c ----------------------------------------------------------- */

void	pop3_client(int fd, const char *service, struct str peer);
/* What a note or a timer led to: the end of every WAIT. */
void	pop3_go(struct pop3 *s, enum step step);
/* For ask_*: runs s->then and goes on. */
chan_then_fn pop3_on_note;
/* "+OK ..." or "-ERR ..." and a line end. */
enum step pop3_say(struct pop3 *s, const char *text);
/* The client's fault: counted, in the end closed. */
enum step pop3_refuse(struct pop3 *s, const char *text);
/* `then` runs in ms; WAIT. */
enum step pop3_sleep(struct pop3 *s, int64_t ms, pop3_then_fn *then);
/* The worker behind c is gone: sessions that use it say so from now on. */
void	pop3_stored_gone(const struct chan *c);
void	pop3_drain(void);
size_t	pop3_count(void);

/* --- command.c ----------------------------------------------------------- */

enum step pop3_line(struct pop3 *s, struct str line);
enum step pop3_greet(struct pop3 *s);

/* --- login.c, fetch.c ---------------------------------------------------- */

typedef enum step run_fn(struct pop3 *s, const struct str *argv, size_t argc);
run_fn cmd_auth, cmd_pass, cmd_user;
run_fn cmd_retr, cmd_top;
void	pop3_drop_ahead(struct pop3 *s);

void	pop3_forget_user(struct pop3 *s);
bool	pop3_may_login(const struct pop3 *s);
enum step pop3_sasl_line(struct pop3 *s, struct str line);
/* A message number as argument; false when there is none such (any more). */
bool	pop3_number(const struct pop3 *s, struct str arg, size_t *i_out);

/* --- pop3d.c ------------------------------------------------------------- */

struct tls_server *pop3d_tls(void);	/* NULL: no certificate */

#endif
