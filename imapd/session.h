/* SPDX-License-Identifier: ISC */
/*
 * imapd/session.h - one client connection, and how its commands run.
 *
 * A command handler returns a step.  What it keeps over a wait lies in the
 * command's arena (s->job) and is gone when the tagged answer is out.
 *
 *	hello ------> no-auth -----> auth <-----> selected
 *	(rated asked)  LOGIN,	      SELECT,	   FETCH ...
 *		       STARTTLS	      APPEND ...
 *	any of them --> bye: the output is sent, then the connection ends
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include "base/arena.h"
#include "base/rand.h"
#include "event/stream.h"
#include "imap/lex.h"
#include "ipc/chan.h"

enum {
	IN_HELLO = 1, IN_NO_AUTH = 2, IN_AUTH = 4, IN_SELECTED = 8,
	IN_BYE = 16,
	IN_LOGGED = IN_AUTH | IN_SELECTED,
	IN_ANY = IN_NO_AUTH | IN_LOGGED,
};

enum step {
	NEXT,	/* the tagged answer is written; on to the next command */
	WAIT,	/* a note is out (s->then), or bytes are due (s->take) */
	WORK,	/* more to do: s->work is called again soon */
	CLOSE,	/* say what is in the buffer and end */
};

struct session;
struct command;
struct box;

typedef enum step work_fn(struct session *s);
/* n == NULL: no answer will come. */
typedef enum step then_fn(struct session *s, const struct note *n);
/* Client bytes that are no command: takes what it can and says how much.
 * WAIT: more bytes are due. */
typedef enum step take_fn(struct session *s, struct str in, size_t *used_out);

struct session {
	struct stream	stream;
	struct link	all;
	unsigned	state;		/* one of IN_* */
	bool		is_busy : 1;	/* a command runs: input is paused */
	bool		in_input : 1;	/* on_input is up the stack */
	bool		is_counted : 1;	/* rated counts this connection */
	bool		to_line_end : 1; /* throw away the rest of a line */
	bool		stored_gone : 1; /* say BYE when the command is over */
	bool		had_quirk : 1;	/* one was logged already */
	bool		wants_work : 1;	/* the last step was WORK */
	bool		is_draining : 1; /* say BYE when the command is over */
	bool		view_lost : 1;	/* say BYE: numbers are not sure */
	uint8_t		bad;		/* broken commands in a row */
	uint8_t		bad_logins;
	unsigned	thrown;		/* octets of an over-long line */
	const char	*service;	/* "imap", "imaps" */
	char		*peer;
	char		sid[SID_LEN + 1];

	char		*account;	/* NULL before the login */
	char		*client;	/* what ID said, or NULL */
	struct chan	*stored;
	uint32_t	login;		/* handle at stored; 0: none */
	struct box	*box;		/* selected mailbox, or NULL */

	struct imap_cutter cutter;
	const struct command *command;	/* that runs, or NULL */
	struct arena	arena;		/* its memory */
	struct str	text;		/* all of it, in the arena */
	struct str	tag, answer;
	void		*job;		/* its own state */
	void		(*job_end)(struct session *);	/* closes descriptors */
	then_fn		*then;
	work_fn		*work;
	take_fn		*take;
	struct defer	work_defer;
	int64_t		slice_ms;	/* when this step began */
	struct timer	tick;
	void		(*on_tick)(struct session *);
};

/* fd is owned from here on; service is fixed text. */
void	session_new(int fd, const char *service, struct str peer);
void	session_each(void (*fn)(struct session *s, void *arg), void *arg);
/* "* BYE text", then the end. */
void	session_bye(struct session *s, const char *text);
void	session_stored_gone(struct chan *c);

/* Goes on after a note, a line or a timer, and flushes. */
void	session_go(struct session *s, enum step step);
void	session_on_note(void *session, const struct note *n);
/* Does stored have more to hear than is good?  Ask it a little later. */
bool	session_store_busy(const struct session *s);
/* Wait, then go on with work. */
enum step session_sleep(struct session *s, int64_t ms, work_fn *work);

/* --- saying things ------------------------------------------------------- */

#define OUT(s)	(&(s)->stream.out)

/* The tagged answer; before it what is new in the mailbox. */
enum step session_ok(struct session *s, const char *fmt, ...) PRINTF(2, 3);
enum step session_no(struct session *s, const char *fmt, ...) PRINTF(2, 3);
/* The mailbox that was to be selected cannot be read: NO, none is. */
enum step session_torn(struct session *s);
/* Of any length; text is in the command's arena, with its OK or NO. */
enum step session_answer(struct session *s, struct str text);
/* The client's fault; counted. */
enum step session_bad(struct session *s, const char *fmt, ...) PRINTF(2, 3);
/* FAIL_SYNTAX, FAIL_TOO_BIG ... of a parser. */
enum step session_refuse(struct session *s, int rc);
/* stored said no, with its text, or nothing (n == NULL). */
enum step session_failed(struct session *s, uint32_t failed, struct str text);
enum step session_unavailable(struct session *s);

/* Zeroed memory that lives as long as the command. */
void	*session_job(struct session *s, size_t n,
	    void (*end)(struct session *));
/* For steps of long commands: is the output full, or the time used up?
 * Looks at the clock at each 32nd call. */
bool	session_slice_over(struct session *s, unsigned *calls);

#endif
