/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/toystore.h - stored, authd and rated for in-process talks of
 * imapd: mailboxes in memory behind real channels and real notes.
 *
 * It knows the accounts joe@example.org and ann@example.org, password
 * "secret", each with INBOX and the five special mailboxes.
 */
#ifndef TESTS_TOYSTORE_H
#define TESTS_TOYSTORE_H

#include "conf/conf.h"
#include "ipc/fake.h"

struct toy {
	struct fake	stored, authd, rated;
	struct link	boxes;		/* of all accounts */
	struct link	openers;
	struct link	logins;
	uint32_t	next_handle;
	bool		is_deaf;	/* stored hears nothing */
	bool		is_terse;	/* it does not name UIDs in its news:
					 * TOY_TERSE is in the environment */
	unsigned	bodies;		/* STORE_BODY asked */
};

void	toy_init(struct toy *t, chan_note_fn *on_note, chan_end_fn *on_end);
void	toy_free(struct toy *t);
/* Answers what was asked; false: nothing was. */
bool	toy_serve(struct toy *t);
/* So many messages more in joe's INBOX; they have no text. */
void	toy_fill(struct toy *t, unsigned n);
/* A new generation of every index, without the dead. */
void	toy_compact(struct toy *t);
/* Forget what was cached: ENVELOPE has to come from the files. */
void	toy_drop_caches(struct toy *t);


/* toyworld.c: the process around the sessions, with the clock standing. */
extern struct conf toy_conf;
extern struct toy toy;
void	toy_world_begin(void);
void	toy_world_end(void);
void	toy_stored_returns(void);	/* after fake_die(&toy.stored) */

#endif
