/* SPDX-License-Identifier: ISC */
/*
 * imapd/command.h - the one table of commands.
 */
#ifndef IMAPD_COMMAND_H
#define IMAPD_COMMAND_H

#include "imapd/session.h"

enum {			/* what a row says besides */
	BY_UID = 1,	/* numbers are UIDs, answers carry them */
	NO_EXPUNGE = 2,	/* no EXPUNGE while it is answered (RFC 3501 7.4.1) */
	NO_NEWS = 4,	/* nor EXISTS: a client was seen to miss it */
	SECRET = 8,	/* its text is wiped */
};

typedef enum step run_fn(struct session *s, struct imap_args *a);

struct command {
	const char	*name;
	unsigned	states;		/* where RFC 3501 allows it */
	unsigned	is;
	run_fn		*run;
};

/* The row, or NULL; name may be two words ("UID FETCH"). */
const struct command *command_find(struct str name);
/* Runs s->text. */
enum step command_run(struct session *s);
/* Would text ("tag NAME ...") be this command? */
bool	command_is(struct str text, const char *name, struct imap_args *a,
	    struct str *tag_out);

run_fn	cmd_append, cmd_authenticate, cmd_capability, cmd_check, cmd_close,
	cmd_copy, cmd_create, cmd_delete, cmd_examine, cmd_expunge,
	cmd_fetch, cmd_id, cmd_idle, cmd_list, cmd_login, cmd_logout,
	cmd_lsub, cmd_move, cmd_namespace, cmd_noop, cmd_rename, cmd_search,
	cmd_select, cmd_starttls, cmd_status, cmd_store, cmd_subscribe,
	cmd_uid_expunge, cmd_unselect, cmd_unsubscribe;

#endif
