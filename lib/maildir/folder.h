/* SPDX-License-Identifier: ISC */
/*
 * maildir/folder.h - names of mailboxes as folders: Maildir++.
 *
 * The mailbox "Work/Bills" (UTF-8, '/') lies in ".Work.Bills" beside new/ and
 * cur/ of INBOX, each level in modified UTF-7 (RFC 3501 5.1.3).  A '.' or a
 * '\' in a level is written \2e or \5c, so that any name can be kept; other
 * tools show it so.  INBOX itself is the folder ".".
 */
#ifndef MAILDIR_FOLDER_H
#define MAILDIR_FOLDER_H

#include "base/fail.h"
#include "base/str.h"

#define FOLDER_MAX	255	/* NAME_MAX */
#define FOLDER_BUF	(FOLDER_MAX + 1)
#define FOLDER_NAME_MAX	1000	/* of a mailbox name, octets of UTF-8 */
#define FOLDER_NAME_BUF	(FOLDER_NAME_MAX + 1)

/* FAIL_SYNTAX: no mailbox may be called so (not UTF-8, empty level, control
 * octet); FAIL_TOO_BIG: the folder's name would be too long. */
int	folder_encode(struct str name, char out[FOLDER_BUF]) MUST_CHECK;
/* FAIL_SYNTAX: not a folder of ours, or one that folder_encode would have
 * called otherwise. */
int	folder_decode(const char *folder, char out[FOLDER_NAME_BUF])
	    MUST_CHECK;

/* An account "local@domain" as the path "domain/local" below the account and
 * index roots; octets that a file name may not have are written %XX. */
#define FOLDER_ACCOUNT_BUF	(256 + 4 * 320)
int	folder_account(struct str account, char out[FOLDER_ACCOUNT_BUF])
	    MUST_CHECK;

#endif
