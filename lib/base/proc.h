/* SPDX-License-Identifier: ISC */
/*
 * base/proc.h - the kinds of process, by name.  What each one is (uid, root,
 * cage, peers) stands in daemon/procs.c; what it may say in ipc/catalogue.h.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

/* Kinds of process, in the order of daemon/procs.c. */
#define PROCS(P)							\
	P(MASTER, "master") P(LOGD, "logd") P(CTLD, "ctld")		\
	P(AUTHD, "authd") P(RATED, "rated") P(ROUTED, "routed")		\
	P(SMTPD, "smtpd") P(SPOOLD, "spoold") P(SYNCD, "syncd")		\
	P(QMGR, "qmgr") P(BOUNCE, "bounce") P(POP3D, "pop3d")		\
	P(IMAPD, "imapd") P(STORED, "stored")				\
	P(RESOLVD, "resolvd") P(REMOTE, "remote") P(CHECKD, "checkd")	\
	P(SIGND, "signd") P(KEYD, "keyd")

enum proc {
#define P(NAME, name) NAME,
	PROCS(P)
#undef P
	PROC_COUNT
};

#define BY(proc)	(1u << (proc))
#define EVERYBODY	((1u << PROC_COUNT) - 1)
#define CHILDREN	(EVERYBODY & ~BY(MASTER))
#define FACES		(BY(SMTPD) | BY(POP3D) | BY(IMAPD))
#define READERS		(BY(POP3D) | BY(IMAPD))

#endif
