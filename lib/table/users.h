/* SPDX-License-Identifier: ISC */
/*
 * table/users.h - the users file: `address:hash:id:home' a line.
 *
 * Read whole and indexed, so that a look-up costs the same among ten and
 * among a hundred thousand accounts; read anew when the name means another
 * file.  Lines that cannot be right are left out and counted.
 */
#ifndef TABLE_USERS_H
#define TABLE_USERS_H

#include "base/buf.h"
#include "base/fail.h"

#define USERS_FILE	"users"

struct users;

struct user {
	struct str	address, hash, id, home;
};

/* dir: the folder of the file; stays the caller's and open. */
struct users *users_new(int dir);
void	users_free(struct users *u);

/*
 * Strings are valid until the next call.  FAIL_GONE: no such account.
 * FAIL_TEMP: the file is missing or cannot be read, nobody can say.
 */
int	users_find(struct users *u, struct str address, struct user *out,
	    struct why *why) MUST_CHECK;
/* Some account, the same for the same number while the file stays. */
int	users_nth(struct users *u, uint64_t number, struct user *out,
	    struct why *why) MUST_CHECK;
/* The account of the first line that has one. */
int	users_first(struct users *u, struct user *out, struct why *why)
	    MUST_CHECK;
/* As of the last look-up. */
size_t	users_count(const struct users *u);
size_t	users_bad_lines(const struct users *u, uint32_t *first_out);

/*
 * Where the Maildir of an account lies below the mail folder: what its line
 * says, else by the layout (%u local part, %d domain, %a address).
 * FAIL_DENIED: the path would leave the mail folder or somebody's own.
 */
int	users_home(const struct user *user, struct str layout,
	    struct buf *home_out) MUST_CHECK;

#endif
