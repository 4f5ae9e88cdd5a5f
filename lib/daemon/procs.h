/* SPDX-License-Identifier: ISC */
/*
 * daemon/procs.h - THE process table: one row a kind, the truth about uid,
 * root, cage, number and peers.  Master starts by it, daemon.c drops by it,
 * cage.c cages by it, `veredus status`, the man pages and the lint read it.
 */
#ifndef DAEMON_PROCS_H
#define DAEMON_PROCS_H

#include <stdbool.h>

#include "base/proc.h"

enum cage { CAGE_MASTER, CAGE_FACE, CAGE_CPU, CAGE_OUT, CAGE_DISK, CAGE_DISK_RO,
    CAGE_SYNC };
enum proc_number { ONE, POOL, PER_CORE };

struct proc_row {
	enum proc	kind;
	const char	*name;
	const char	*user;		/* "veredus-smtpd" */
	enum proc_number number;
	enum cage	cage;
	const char	*root;		/* "" : the empty folder; else a FILE_NEW
					 * name: "spool", "log", ... */
	const char	*state;		/* FILES_STATE: its part of the state
					 * folder, dealt as "state" */
	unsigned	groups;		/* BY() mask: also in these kinds' groups */
	unsigned	files;		/* FILES_*: descriptors master deals */
	unsigned	peers;		/* BY() mask, besides master and logd */
	unsigned	start_rank;	/* started in this order */
	const char	*text;		/* one line for status and man pages */
};

/* Descriptors master opens for a kind (FILE_NEW names). */
enum {
	FILES_LOG = 1, FILES_USERS = 2, FILES_TABLES = 4, FILES_STATE = 8,
	FILES_SPOOL = 16, FILES_MAIL = 32, FILES_INDEX = 64, FILES_CERTS = 128,
	FILES_FS = 256,		/* one read-only folder a file system */
	FILES_KEYS = 512,	/* private keys of TLS */
};

extern const struct proc_row procs[PROC_COUNT];

/* Exit code of a process that wants to be started anew (daemon_renew). */
enum { EXIT_RENEWED = 100 };

/* Names of the descriptors by bit, in the order of the enum; FS is several. */
const char *procs_file_name(unsigned bit);	/* NULL: no such bit */
/* May these two speak?  Everybody with logd, master with everybody. */
bool	procs_are_peers(enum proc a, enum proc b);
const char *cage_name(enum cage c);

#endif
