/* SPDX-License-Identifier: ISC */
/*
 * daemon/procs.c - THE process table.  A new kind of process is one row here,
 * one in base/proc.h, a folder entry and a man page.
 *
 * peers is symmetric (tests/unit/daemon/test_procs.c) and agrees with what
 * the catalogue lets them say; master and logd are everybody's.
 */
#include "daemon/procs.h"

#include "base/attr.h"
#include "base/banned.h"

/* A row: kind, its number, cage, root, what it is dealt, whom it speaks with. */
#define ROW(KIND, n)	.kind = KIND, .name = n, .user = "veredus-" n

const struct proc_row procs[PROC_COUNT] = {
[MASTER] = { ROW(MASTER, "master"), .number = ONE, .cage = CAGE_MASTER,
	.root = "/", .peers = CHILDREN, .start_rank = 0,
	.text = "starts and watches the others; the only one that is root" },
[LOGD] = { ROW(LOGD, "logd"), .number = ONE, .cage = CAGE_DISK,
	.root = "log", .files = FILES_LOG, .peers = 0, .start_rank = 1,
	.text = "writes the log and keeps the trace of each message" },
[SYNCD] = { ROW(SYNCD, "syncd"), .number = ONE, .cage = CAGE_SYNC,
	.root = "", .files = FILES_FS, .start_rank = 2,
	.peers = BY(SPOOLD) | BY(STORED),
	.text = "waits for the disk, so that nobody else has to" },
[STORED] = { ROW(STORED, "stored"), .number = PER_CORE, .cage = CAGE_DISK,
	.root = "", .state = "account", .start_rank = 3,
	.files = FILES_MAIL | FILES_INDEX | FILES_STATE,
	.peers = READERS | BY(SPOOLD) | BY(SYNCD) | BY(CTLD),
	.text = "owns the mailboxes: delivers, changes, searches, tells of news" },
[AUTHD] = { ROW(AUTHD, "authd"), .number = POOL, .cage = CAGE_DISK_RO,
	.root = "users", .files = FILES_USERS, .start_rank = 4,
	.peers = FACES,
	.text = "checks passwords and gives grants" },
[RATED] = { ROW(RATED, "rated"), .number = ONE, .cage = CAGE_DISK,
	.root = "state", .state = "rated", .files = FILES_STATE,
	.start_rank = 5, .peers = FACES | BY(CTLD),
	.text = "counts connections and failures; penalties and bans" },
[ROUTED] = { ROW(ROUTED, "routed"), .number = POOL, .cage = CAGE_DISK_RO,
	.root = "tables", .files = FILES_USERS | FILES_TABLES,
	.groups = BY(AUTHD), .start_rank = 6,
	.peers = BY(SMTPD) | BY(SPOOLD) | BY(QMGR) | BY(CTLD),
	.text = "says where an address goes: account, alias, elsewhere, nowhere" },
[QMGR] = { ROW(QMGR, "qmgr"), .number = ONE, .cage = CAGE_CPU,
	.root = "", .start_rank = 7,
	.peers = BY(SPOOLD) | BY(ROUTED) | BY(BOUNCE) | BY(REMOTE) |
	    BY(CTLD),
	.text = "knows all mail that waits, and when to try again" },
[BOUNCE] = { ROW(BOUNCE, "bounce"), .number = ONE, .cage = CAGE_CPU,
	.root = "", .start_rank = 8,
	.peers = BY(QMGR) | BY(SPOOLD) | BY(SIGND),
	.text = "writes delivery status notifications" },
[SPOOLD] = { ROW(SPOOLD, "spoold"), .number = ONE, .cage = CAGE_DISK,
	.root = "spool", .files = FILES_SPOOL, .start_rank = 9,
	.peers = BY(SMTPD) | BY(STORED) | BY(QMGR) | BY(BOUNCE) |
	    BY(REMOTE) | BY(ROUTED) | BY(SYNCD) | BY(CTLD),
	.text = "the journal: what it has written down is accepted" },
[CTLD] = { ROW(CTLD, "ctld"), .number = ONE, .cage = CAGE_FACE,
	.root = "", .start_rank = 10,
	.peers = BY(QMGR) | BY(SPOOLD) | BY(RATED) | BY(ROUTED) |
	    BY(STORED) | BY(CHECKD) | BY(RESOLVD) | BY(REMOTE),
	.text = "listens to the operator's command" },
[SMTPD] = { ROW(SMTPD, "smtpd"), .number = PER_CORE, .cage = CAGE_FACE,
	.root = "", .files = FILES_CERTS, .start_rank = 11,
	.peers = BY(AUTHD) | BY(RATED) | BY(ROUTED) | BY(SPOOLD) |
	    BY(CHECKD) | BY(SIGND) | BY(RESOLVD) | BY(KEYD),
	.text = "speaks SMTP with those who bring mail" },
[POP3D] = { ROW(POP3D, "pop3d"), .number = PER_CORE, .cage = CAGE_FACE,
	.root = "", .files = FILES_CERTS, .start_rank = 12,
	.peers = BY(AUTHD) | BY(RATED) | BY(STORED) | BY(KEYD),
	.text = "speaks POP3 with those who fetch mail" },
[IMAPD] = { ROW(IMAPD, "imapd"), .number = PER_CORE, .cage = CAGE_FACE,
	.root = "", .files = FILES_CERTS, .start_rank = 13,
	.peers = BY(AUTHD) | BY(RATED) | BY(STORED) | BY(KEYD),
	.text = "speaks IMAP with those who read mail" },
[RESOLVD] = { ROW(RESOLVD, "resolvd"), .number = ONE, .cage = CAGE_OUT,
	.root = "", .start_rank = 14,
	.peers = BY(REMOTE) | BY(CHECKD) | BY(SMTPD) | BY(CTLD),
	.text = "asks the DNS for those who may not, and remembers" },
[REMOTE] = { ROW(REMOTE, "remote"), .number = PER_CORE, .cage = CAGE_OUT,
	.root = "", .start_rank = 15,
	.peers = BY(QMGR) | BY(SPOOLD) | BY(RESOLVD) | BY(CTLD),
	.text = "brings mail to other hosts" },
[CHECKD] = { ROW(CHECKD, "checkd"), .number = POOL, .cage = CAGE_CPU,
	.root = "", .start_rank = 16,
	.peers = BY(SMTPD) | BY(RESOLVD) | BY(CTLD),
	.text = "says whom a message may be believed to come from" },
[SIGND] = { ROW(SIGND, "signd"), .number = POOL, .cage = CAGE_CPU,
	.root = "", .start_rank = 17, .peers = BY(SMTPD) | BY(BOUNCE),
	.text = "signs what our domains send" },
[KEYD] = { ROW(KEYD, "keyd"), .number = ONE, .cage = CAGE_CPU,
	.root = "", .files = FILES_KEYS, .start_rank = 18, .peers = FACES,
	.text = "keeps the private keys of TLS, and signs with them" },
};

const char *
procs_file_name(unsigned bit)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ FILES_LOG, "log" }, { FILES_USERS, "users" },
		{ FILES_TABLES, "tables" }, { FILES_STATE, "state" },
		{ FILES_SPOOL, "spool" }, { FILES_MAIL, "mail" },
		{ FILES_INDEX, "index" },
	};

	for (size_t i = 0; i < NITEMS(names); i++)
		if (names[i].bit == bit)
			return names[i].name;
	return NULL;
}

bool
procs_are_peers(enum proc a, enum proc b)
{
	if (a == b)
		return false;
	if (a == MASTER || b == MASTER || a == LOGD || b == LOGD)
		return true;
	return (procs[a].peers & BY(b)) != 0;
}

const char *
cage_name(enum cage c)
{
	static const char *const names[] = {
		[CAGE_MASTER] = "master", [CAGE_FACE] = "face",
		[CAGE_CPU] = "cpu", [CAGE_OUT] = "out", [CAGE_DISK] = "disk",
		[CAGE_DISK_RO] = "disk-ro", [CAGE_SYNC] = "sync",
	};

	return names[c];
}
