/* SPDX-License-Identifier: ISC */
/*
 * imapd/mailbox.h - names of mailboxes as arguments.
 */
#ifndef IMAPD_MAILBOX_H
#define IMAPD_MAILBOX_H

#include "imapd/session.h"

/* A blank and a mailbox name; UTF-8 in the command's arena.  FAIL_SYNTAX:
 * no string; FAIL_PERM: a name no mailbox can have. */
int	mailbox_arg(struct session *s, struct imap_args *a,
	    struct str *name_out) MUST_CHECK;
/* What mailbox_arg's failure deserves. */
enum step mailbox_refuse(struct session *s, int rc);

#endif
