/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/talk.h - plays transcripts (*.talk) against a room in this
 * process.  README.md beside this says what may stand in a transcript.
 *
 * A room's runner is a small file: it links the room's sources but the one
 * with main(), defines what that one defines, and gives a struct talk_room.
 * The clients are socket pairs, the other processes are ipc/fake.h, the
 * clock is turned; nothing of the room, of lib/event and of lib/ipc is
 * replaced.  daemon.h is played by daemon.c of this folder.
 */
#ifndef TALK_TALK_H
#define TALK_TALK_H

#include <sys/types.h>

#include "conf/conf.h"
#include "event/tls.h"
#include "ipc/fake.h"

struct talk_room {
	enum proc	me;
	unsigned	peers;		/* BY() mask: those it has channels to */
	const char	*service;	/* of a client, unless @service says */
	const char	*alpn;		/* for talk_tls() */
	bool		they_serve;	/* the clients are servers: the room
					 * connects, TLS begins at its end */
	/* Standing answers, "RATE_ASK RATE_VERDICT result=RATE_OK": so is a
	 * note answered that the transcript does not name; NULL ends. */
	const char	*const *standing;
	void	(*client)(int fd, const char *service, struct str peer);
	void	(*on_peer)(struct chan *c);			/* or NULL */
	void	(*on_note)(struct chan *c, const struct note *n); /* or NULL */
	void	(*on_peer_gone)(struct chan *c);		/* or NULL */
	/* All may be NULL. */
	void	(*begin)(void);		/* of a transcript */
	void	(*end)(void);		/* of it: all sessions must go away */
	bool	(*is_empty)(void);	/* afterwards: have they? */
	bool	(*act)(const char *what);	/* "@what", false: unknown */
	/* Peers that the room's runner plays itself (peers is 0 then): answers
	 * what was asked; false: nothing was. */
	bool	(*serve)(void);
	struct str (*file)(const char *name);	/* content of fd=@name */
	struct str (*dealt)(const char *name);	/* of daemon_file(name) */
};

int	talk_main(const struct talk_room *room, int argc, char **argv);

/* A server with a certificate made for this run (ownership stays here). */
struct tls_server *talk_tls(void);

/* --- between the files of this folder ------------------------------------ */

struct talk {
	const struct talk_room *room;
	struct conf	conf;
	struct fake	fake[PROC_COUNT];	/* by kind */
	const char	*file;
	unsigned	line;
	bool		is_draining;
};

extern struct talk talk;

/* Says where and what, and ends this transcript as failed. */
NORETURN void talk_fail(const char *what, struct str got);
/* Runs the loop and reads what comes until nothing happens any more. */
void	talk_settle(void);
/* A line said to that client is passed over. */
void	talk_skip_line(size_t number);
/* C escapes \r \n \t \0 \\ \" \xHH; any other backslash stands for itself. */
void	talk_unescape(struct buf *out, struct str text);
/* want: text with escapes, or /regex/ that must match all of got. */
bool	talk_agrees(struct str got, struct str want);

/* note.c */
void	talk_notes_begin(void);
void	talk_notes_end(void);
bool	talk_notes_take(void);		/* from the fakes; did any come? */
void	talk_note_expect(struct str rest);	/* N> */
void	talk_note_say(struct str rest);		/* N< */
void	talk_note_standing(struct str rest);	/* N= */
void	talk_note_none(void);			/* N! */
void	talk_peer_dies(struct str name);
void	talk_peer_returns(struct str name);

/* client.c: TLS of the client's side */
struct talk_tls;
struct talk_tls *talk_tls_new(int fd, const char *alpn);
bool	talk_tls_handshake(struct talk_tls *t);	/* false: it failed */
/* Bytes, 0: nothing now, -1: close_notify or end. */
ssize_t	talk_tls_read(struct talk_tls *t, void *p, size_t n);
ssize_t	talk_tls_write(struct talk_tls *t, const void *p, size_t n);
void	talk_tls_free(struct talk_tls *t);

#endif
