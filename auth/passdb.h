/* SPDX-License-Identifier: ISC */
/*
 * auth/passdb.h - whose password is this?
 *
 * A check has two parts.  passdb_begin does all that is quick: it makes the
 * name canonical, looks up the account and asks the cache.  What is left is
 * passdb_finish, which costs what the stored hash asks for; authd does it
 * between other work, so that a flood of wrong guesses delays the quick
 * answers by no more than one hash.
 */
#ifndef AUTH_PASSDB_H
#define AUTH_PASSDB_H

#include "base/buf.h"
#include "base/fail.h"
#include "conf/conf.h"
#include "ipc/catalogue.h"

struct passdb;

struct passdb_ask {
	struct str	user, secret, authzid;	/* as the client gave them */
};

struct passdb_check {
	enum auth_result result;
	const char	*reason;	/* for the log */
	struct buf	account;	/* canonical; also when it is unknown */
	struct buf	home;
	struct buf	hash;		/* to compare with; wiped by _end */
	bool		is_known;	/* the hash is the account's own */
	bool		may_act;	/* authzid is empty or the account */
};

/* dir: folder of the users file, borrowed. */
struct passdb *passdb_new(int dir);
void	passdb_free(struct passdb *db);

/* true: decided, see check->result.  false: passdb_finish is to be called.
 * check is to be ended in both cases. */
bool	passdb_begin(struct passdb *db, const struct conf *conf,
	    const struct passdb_ask *ask, int64_t now_ms,
	    struct passdb_check *check);
void	passdb_finish(struct passdb *db, const struct conf *conf,
	    struct str secret, int64_t now_ms, struct passdb_check *check);
void	passdb_end(struct passdb_check *check);

size_t	passdb_accounts(const struct passdb *db);

#endif
