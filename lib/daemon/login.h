/* SPDX-License-Identifier: ISC */
/*
 * daemon/login.h - the way into mailboxes, as pop3d and imapd go it: authd
 * says who it is and gives a grant, stored is shown it, rated counts.  What
 * is said to the client is the room's.
 */
#ifndef DAEMON_LOGIN_H
#define DAEMON_LOGIN_H

#include "ipc/chan.h"
#include "ipc/note.h"

/* Who asks; strings are only read during the call. */
struct login_who {
	struct str	service, peer, sid;
};

struct login_show;

/* AUTH_VERDICT comes to `then'. */
void	login_check(const struct login_who *w, struct str user,
	    struct str secret, struct str authzid, chan_then_fn *then,
	    void *session);
/*
 * The verdict was AUTH_OK: STORE_LOGGED comes to `then', and what was
 * returned is over.  A stored that is away is waited for, for master starts
 * it again: n == NULL comes after STORE_LOGIN's deadline (10 s), or sooner
 * when three of them died while they were asked.  Who has logged in uses the
 * channel daemon_stored_of(account).
 */
struct login_show *login_show(const struct login_who *w,
	    const struct note_auth_verdict *v, chan_then_fn *then,
	    void *session);
/* The session ends first; NULL is none. */
void	login_show_end(struct login_show *l);
/* daemon_ops.on_peer: a stored has come, ask it what waits. */
void	login_on_peer(struct chan *c);
/* account: empty after a failure. */
void	login_count(const struct login_who *w, enum rate_what what,
	    struct str account);
/* Refused: logged as EVENT and counted.  How long its answer waits: a little
 * longer each time, `bad' failures came before it. */
int64_t	login_failed(const struct login_who *w, const char *event,
	    struct str user, unsigned bad);

#endif
