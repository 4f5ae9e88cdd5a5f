/* SPDX-License-Identifier: ISC */
/*
 * ipc/catalogue.h - every note that may cross a process border.
 *
 * One row a note, one line a field.  ipc/note.h and note.c make of them the
 * structs, the encoders and decoders, the names in the log and the check of
 * who may say what to whom.  Nothing else in Veredus writes bytes for another
 * process.
 *
 * How a row is said:
 *	PUT	one way, nothing comes back
 *	ASK	an answer is owed within deadline_ms: zero or more ROWs, then
 *		one END, all with the ticket of the ask
 *	ROW	part of an answer, more follows
 *	END	the answer, or the last part of one
 *
 * `failed` in an END is 0 or the positive value of enum fail.
 */
#ifndef IPC_CATALOGUE_H
#define IPC_CATALOGUE_H

#include "base/proc.h"

/* Longest texts, in bytes. */
#define ADDRESS_MAX	320	/* RFC 5321 4.5.3.1: 64 + 1 + 255 */
#define ACCOUNT_MAX	320	/* an account is named by its address */
#define HOME_MAX	512	/* path below the mail root */
#define MAILBOX_MAX	1000	/* UTF-8 name, hierarchy separator '/' */
#define TEXT_MAX	900	/* a reason for people or a reply text */
#define SET_MAX		16000	/* UID set in IMAP notation, "1:4,7" */
#define GRANT_MAX	32

/* --- master and everybody ------------------------------------------------ */

/*        kind	field	    longest, in bytes (strings only) */
#define FIELDS_SELF_NEW(F)	/* the first: who you are; descriptor: your root */ \
	F(u32,	index,	    0)	\
	F(u32,	count,	    0)	/* workers of your kind */		\
	F(u32,	uid,	    0)	\
	F(u32,	gid,	    0)	\
	F(str,	groups,	    64)	/* more group numbers, blank-separated */ \
	F(u32,	flags,	    0)	/* enum self_flags */			\
	F(u32,	boot,	    0)	/* boot counter */
#define FIELDS_CONF_ROW(F)	/* one setting, canonical text (conf/params.h) */ \
	F(str,	path,	    512)	\
	F(str,	value,	    16384)
#define FIELDS_CONF_DONE(F)	/* all rows of this generation are there */ \
	F(u32,	generation, 0)
#define FIELDS_FILE_NEW(F)	/* a descriptor master opened for this kind */ \
	F(str,	name,	    64)	/* "spool", "mail", "state", "index", "log", "users", "tables", "tls-certs", "tls-keys", "fs-spool" ... */
#define FIELDS_KEY_NEW(F)	/* a secret made by master for this run */ \
	F(str,	name,	    32)	/* "grant", "ticket", "place" */	\
	F(sec,	key,	    256)	/* ticket: newest first */
#define FIELDS_LISTEN_NEW(F)	\
	F(str,	service,    32)	/* smtp submission submissions submit pop3 pop3s imap imaps control */ \
	F(str,	address,    128)	\
	F(u32,	generation, 0)	/* listeners of older ones are closed at CONF_DONE */
#define FIELDS_PEER_NEW(F)	/* an end of a channel to that worker */ \
	F(u32,	kind,	    0)	\
	F(u32,	index,	    0)	\
	F(u32,	count,	    0)	/* workers of that kind */		\
	F(u32,	generation, 0)
#define FIELDS_PEER_GONE(F)	\
	F(u32,	kind,	    0)	\
	F(u32,	index,	    0)
#define FIELDS_PEER_BAD(F)	/* this peer said what it may not */	\
	F(u32,	kind,	    0)	\
	F(u32,	index,	    0)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_READY(F)	/* I can serve; master compares the hash */	\
	F(u64,	catalogue,  0)
#define FIELDS_GO(F)	/* the doors are open: accept clients */	\
	F(u32,	boot,	    0)	/* boot counter, for message ids */
#define FIELDS_DRAIN(F)	/* stop accepting, finish, exit by then */	\
	F(u32,	within_ms,  0)
#define FIELDS_STAT_ASK(F)	\
	F(u32,	what,	    0)
#define FIELDS_STAT_ROW(F)	\
	F(str,	name,	    64)	\
	F(u64,	value,	    0)
#define FIELDS_STAT_END(F)	\
	F(u32,	failed,	    0)
#define FIELDS_LOG_LINE(F)	\
	F(u32,	level,	    0)	\
	F(time,	when_ms,    0)	\
	F(str,	mid,	    26)	\
	F(str,	line,	    4096)
#define FIELDS_LOG_REOPEN(F)	\
	F(u32,	generation, 0)

/* --- ctld ---------------------------------------------------------------- */

#define FIELDS_CTL_STATUS(F)	/* answered by PROC_ROWs */		\
	F(u32,	what,	    0)
#define FIELDS_PROC_ROW(F)	\
	F(str,	name,	    32)	\
	F(u32,	index,	    0)	\
	F(u32,	pid,	    0)	\
	F(str,	state,	    16)	/* starting ready waiting draining down */ \
	F(u32,	restarts,   0)	\
	F(time,	since_ms,   0)	\
	F(str,	user,	    32)	\
	F(str,	root,	    256)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_CTL_RELOAD(F)	\
	F(u32,	what,	    0)
#define FIELDS_CTL_STOP(F)	\
	F(u32,	what,	    0)
#define FIELDS_CTL_DONE(F)	/* ends every operator's question */	\
	F(u32,	failed,	    0)	\
	F(u32,	count,	    0)	/* how many it did something to */	\
	F(str,	text,	    16384)
#define FIELDS_TRACE_ASK(F)	\
	F(str,	mid,	    26)	/* or a prefix of 8 or more */
#define FIELDS_TRACE_ROW(F)	\
	F(time,	when_ms,    0)	\
	F(str,	mid,	    26)	\
	F(str,	line,	    4096)

/* --- authd and rated ----------------------------------------------------- */

#define FIELDS_AUTH_CHECK(F)	\
	F(str,	user,	    ADDRESS_MAX)	\
	F(sec,	secret,	    4096)	\
	F(str,	authzid,    ADDRESS_MAX)	/* empty, or must be the account */ \
	F(str,	service,    32)	\
	F(str,	peer,	    64)	/* client address */			\
	F(str,	sid,	    13)
#define FIELDS_AUTH_VERDICT(F)	\
	F(u32,	result,	    0)	/* enum auth_result */			\
	F(str,	account,    ACCOUNT_MAX)	/* canonical address */	\
	F(str,	home,	    HOME_MAX)	\
	F(time,	expires_ms, 0)	/* the grant must be shown before that */ \
	F(sec,	grant,	    GRANT_MAX)	/* crypto/grant.h */
#define FIELDS_RATE_ASK(F)	\
	F(u32,	what,	    0)	/* enum rate_what */			\
	F(str,	service,    32)	\
	F(str,	peer,	    64)	\
	F(str,	account,    ACCOUNT_MAX)
#define FIELDS_RATE_VERDICT(F)	\
	F(u32,	result,	    0)	/* enum rate_result */			\
	F(u32,	delay_ms,   0)	/* wait so long before the answer */	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_RATE_COUNT(F)	\
	F(u32,	what,	    0)	/* enum rate_what */			\
	F(str,	service,    32)	\
	F(str,	peer,	    64)	\
	F(str,	account,    ACCOUNT_MAX)
#define FIELDS_BAN_LIST(F)	\
	F(u32,	what,	    0)
#define FIELDS_BAN_ROW(F)	\
	F(str,	peer,	    64)	\
	F(time,	until_ms,   0)	\
	F(u32,	failures,   0)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_BAN_ACT(F)	/* forget or set a ban by hand */	\
	F(str,	peer,	    64)	\
	F(u32,	for_s,	    0)	/* 0: forget */

/* --- routed -------------------------------------------------------------- */

#define FIELDS_ROUTE_ASK(F)	\
	F(str,	address,    ADDRESS_MAX)	\
	F(str,	sender,	    ADDRESS_MAX)	\
	F(str,	account,    ACCOUNT_MAX)	/* who is logged in, or empty */ \
	F(u32,	may_relay,  0)	\
	F(u32,	explain,    0)	/* 1: ROUTE_STEP rows for `veredus route` */
#define FIELDS_ROUTE_STEP(F)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_ROUTE_ROW(F)	/* one target */				\
	F(u32,	kind,	    0)	/* enum route_kind */			\
	F(str,	address,    ADDRESS_MAX)	/* where it goes */		\
	F(str,	account,    ACCOUNT_MAX)	/* local: whose mailbox */	\
	F(str,	home,	    HOME_MAX)	\
	F(str,	detail,	    64)	/* the tag of user+tag */
#define FIELDS_ROUTE_DONE(F)	\
	F(u32,	result,	    0)	/* enum route_result */			\
	F(u32,	targets,    0)	\
	F(str,	text,	    TEXT_MAX)

/* --- spoold -------------------------------------------------------------- */

#define FIELDS_SPOOL_OPEN(F)	/* a large body: a file of tmp/ to fill */ \
	F(str,	mid,	    26)	\
	F(u64,	size,	    0)	/* declared, or 0 */
#define FIELDS_SPOOL_VIEW(F)	/* descriptor: that file, for those who only look */ \
	F(str,	mid,	    26)
#define FIELDS_SPOOL_FILE(F)	/* descriptor: the same, to be written */ \
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_SPOOL_CANCEL(F)	/* forget the body, RCPTs and CLOSEs of mid */ \
	F(str,	mid,	    26)
#define FIELDS_SPOOL_RCPT(F)	/* repeated, then SPOOL_COMMIT */	\
	F(str,	mid,	    26)	\
	F(u32,	kind,	    0)	/* enum route_kind */			\
	F(str,	address,    ADDRESS_MAX)	\
	F(str,	orcpt,	    500)	/* as given: original recipient */	\
	F(u32,	notify,	    0)	/* DSN NOTIFY bits; 0: default */	\
	F(str,	account,    ACCOUNT_MAX)	\
	F(str,	home,	    HOME_MAX)	\
	F(str,	detail,	    64)	\
	F(str,	reason,	    TEXT_MAX)	/* ROUTE_REFUSED: the reply */
#define FIELDS_SPOOL_CLOSE(F)	/* bounce: recipient of the parent that this DSN ends; same batch */ \
	F(str,	mid,	    26)	/* of the DSN */			\
	F(str,	cause,	    26)	/* whose recipient is marked bounced */	\
	F(u32,	number,	    0)
#define FIELDS_SPOOL_COMMIT(F)	\
	F(str,	mid,	    26)	\
	F(str,	parent,	    26)	\
	F(str,	sid,	    13)	\
	F(str,	sender,	    ADDRESS_MAX)	/* empty: null sender */	\
	F(u32,	flags,	    0)	/* enum spool_flags */			\
	F(u32,	recipients, 0)	/* how many SPOOL_RCPT went before */	\
	F(u64,	size,	    0)	/* octets of the content (CRLF) */	\
	F(str,	digest,	    32)	/* SHA-256 of a large body, else empty */ \
	F(str,	added,	    16384)	/* ADDED header lines, CRLF */		\
	F(str,	envid,	    100)	\
	F(time,	received_ms, 0)	\
	F(time,	deadline_ms, 0)	/* clock_mono_ms: past it answer TEMP, write nothing */ \
	F(str,	account,    ACCOUNT_MAX)	/* submission: who */		\
	F(str,	home,	    HOME_MAX)	\
	F(str,	service,    32)	\
	F(time,	expires_ms, 0)	\
	F(sec,	grant,	    GRANT_MAX)
#define FIELDS_SPOOL_DONE(F)	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_SPOOL_READ(F)	/* bounce, remote: the bytes of a message */ \
	F(str,	mid,	    26)
#define FIELDS_SPOOL_BODY(F)	\
	F(u32,	failed,	    0)	\
	F(str,	sender,	    ADDRESS_MAX)	\
	F(u64,	offset,	    0)	/* where the content begins in the file */ \
	F(u64,	size,	    0)	\
	F(str,	added,	    16384)	\
	F(str,	envid,	    100)	\
	F(time,	received_ms, 0)	\
	F(str,	digest,	    32)	/* SHA-256 of a large body: every reader verifies */
#define FIELDS_SPOOL_APPEND(F)	/* stored: journal an IMAP APPEND */	\
	F(str,	mid,	    26)	/* made by stored; repeat key */	\
	F(str,	account,    ACCOUNT_MAX)	\
	F(str,	home,	    HOME_MAX)	\
	F(str,	mailbox,    MAILBOX_MAX)	\
	F(str,	mailboxid,  26)	\
	F(u32,	uid,	    0)	\
	F(u32,	uidvalidity, 0)	\
	F(u32,	flags,	    0)	\
	F(str,	keywords,   2048)	\
	F(time,	date_s,	    0)	\
	F(u64,	size,	    0)	\
	F(time,	deadline_ms, 0)
#define FIELDS_SPOOL_CHECK(F)	/* veredus spool check */		\
	F(u32,	what,	    0)
#define FIELDS_SPOOL_FINDING(F)	\
	F(u32,	severity,   0)	\
	F(str,	item,	    256)	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_DROP_MAIL(F)	/* a file of maildrop/, as sendmail(8) left it */ \
	F(str,	mid,	    26)	/* the message's, made of the file's name */ \
	F(u32,	uid,	    0)	/* whose file it is */			\
	F(u32,	is_last,    0)	/* 1: who is "later" once more is refused */
#define FIELDS_DROP_DONE(F)	\
	F(u32,	failed,	    0)	/* 0: spoold has it; TEMP: later; else never */ \
	F(str,	text,	    TEXT_MAX)
#define FIELDS_DROP_LOOK(F)	/* sendmail -q: look into maildrop/ now */ \
	F(u32,	what,	    0)
#define FIELDS_REPLAY_END(F)	/* all open hand-overs of the ring are done */ \
	F(u32,	boot,	    0)

/* --- syncd --------------------------------------------------------------- */

#define FIELDS_SYNC_FILE(F)	/* fsync mode: sync this file or folder at the next SYNC_ASK */ \
	F(u32,	is_folder,  0)
#define FIELDS_SYNC_ASK(F)	/* begins after all SYNC_FILEs sent before it */ \
	F(u32,	systems,    0)	/* bit mask: 1 spool, 2 mail, 4 state, 8 index */
#define FIELDS_SYNC_DONE(F)	\
	F(u32,	failed,	    0)	\
	F(u32,	error,	    0)	/* errno */

/* --- qmgr and bounce ----------------------------------------------------- */

#define FIELDS_QUEUE_NEW(F)	/* spoold tells qmgr of what waits or travels */ \
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)	/* recipient number in the journalled envelope */ \
	F(u32,	kind,	    0)	/* enum route_kind */			\
	F(str,	sender,	    ADDRESS_MAX)	\
	F(str,	address,    ADDRESS_MAX)	\
	F(str,	orcpt,	    500)	\
	F(u32,	notify,	    0)	\
	F(u32,	flags,	    0)	/* enum spool_flags */			\
	F(u64,	size,	    0)	\
	F(time,	received_ms, 0)	\
	F(time,	next_ms,    0)	/* 0: now */				\
	F(u32,	attempts,   0)	\
	F(u32,	held,	    0)	\
	F(u32,	in_doubt,   0)	/* 1: remote may have sent it already (REMOTE_DOUBT) */ \
	F(u32,	told,	    0)	/* 1: its sender knows of the delay */	\
	F(u32,	more,	    0)	/* 1: another one of it is right behind */ \
	F(str,	reason,	    TEXT_MAX)	/* of the last failed attempt */
#define FIELDS_QUEUE_LOADED(F)	/* all QUEUE_NEWs of this start are out */ \
	F(u32,	count,	    0)
#define FIELDS_QUEUE_TRY(F)	/* qmgr: hand this one to stored now */	\
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)
#define FIELDS_QUEUE_RESULT(F)	\
	F(u32,	result,	    0)	/* enum queue_result */			\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_QUEUE_MARK(F)	/* qmgr: write this down */		\
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)	\
	F(u32,	state,	    0)	/* enum queue_state */			\
	F(u32,	attempts,   0)	\
	F(u32,	told,	    0)	\
	F(time,	next_ms,    0)	\
	F(str,	reason,	    TEXT_MAX)
#define FIELDS_QUEUE_MARKED(F)	\
	F(u32,	failed,	    0)
#define FIELDS_QUEUE_GONE(F)	/* spoold: this recipient is done */	\
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)
#define FIELDS_QUEUE_LIST(F)	\
	F(str,	mid,	    26)	/* or a prefix, or empty */		\
	F(str,	address,    ADDRESS_MAX)	/* sender or recipient, or empty */
#define FIELDS_QUEUE_ROW(F)	\
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)	\
	F(str,	sender,	    ADDRESS_MAX)	\
	F(str,	address,    ADDRESS_MAX)	\
	F(u64,	size,	    0)	\
	F(time,	received_ms, 0)	\
	F(time,	next_ms,    0)	\
	F(u32,	attempts,   0)	\
	F(time,	expires_ms, 0)	\
	F(str,	state,	    16)	/* active waiting held, in doubt */		\
	F(str,	lane,	    300)	/* it waits in, or empty */		\
	F(str,	now,	    200)	/* what is done about it, in words */ \
	F(str,	reason,	    TEXT_MAX)
#define FIELDS_QUEUE_WHY(F)	/* QUEUE_ROW, its ATTEMPT_ROWs, LANE_ROW; again */ \
	F(str,	mid,	    26)	/* or a prefix, or empty */		\
	F(str,	address,    ADDRESS_MAX)	/* or a domain, or empty */
#define FIELDS_ATTEMPT_ROW(F)	/* newest first */			\
	F(time,	when_ms,    0)	\
	F(u32,	code,	    0)	/* of the reply; 0: none came */	\
	F(str,	stage,	    32)	/* words */				\
	F(str,	verdict,    16)	\
	F(str,	meaning,    100)	/* of the verdict, in words */		\
	F(str,	host,	    255)	\
	F(str,	address,    80)	\
	F(str,	tls,	    80)	/* empty: in clear */			\
	F(str,	reply,	    4096)
#define FIELDS_LANE_ASK(F)	/* the lane of a domain */		\
	F(str,	domain,	    255)
#define FIELDS_LANE_ROW(F)	\
	F(str,	lane,	    300)	\
	F(str,	provider,   255)	\
	F(str,	mx,	    255)	/* host it is known by, or empty */	\
	F(str,	state,	    16)	/* open paused */			\
	F(time,	until_ms,   0)	/* of the pause */			\
	F(u32,	probing,    0)	/* 1: one message goes, till it is known */ \
	F(u32,	too_fast,   0)	/* 1: that is why it is paused */	\
	F(u32,	gap_ms,	    0)	/* between two messages; 0: none */	\
	F(u32,	waiting,    0)	\
	F(u32,	out,	    0)	\
	F(u32,	most,	    0)	/* at a time, now */			\
	F(u64,	accepted,   0)	\
	F(u64,	deferred,   0)	\
	F(u64,	refused,    0)	\
	F(u64,	slowed,	    0)	\
	F(str,	reason,	    TEXT_MAX)	/* of the pause */
#define FIELDS_QUEUE_ACT(F)	\
	F(u32,	verb,	    0)	/* enum queue_verb */			\
	F(str,	mid,	    26)	/* or a prefix; empty with all = 1 */	\
	F(str,	address,    ADDRESS_MAX)	\
	F(u32,	all,	    0)	\
	F(str,	reason,	    TEXT_MAX)
#define FIELDS_BOUNCE_RCPT(F)	/* repeated, then BOUNCE_MAKE */	\
	F(str,	mid,	    26)	/* of the message that failed */	\
	F(u32,	number,	    0)	\
	F(str,	address,    ADDRESS_MAX)	\
	F(str,	orcpt,	    500)	\
	F(str,	status,	    16)	/* 5.1.1 ... */				\
	F(u32,	attempts,   0)	\
	F(u32,	verdict,    0)	/* enum verdict, mail/provider.h; 0: none */ \
	F(str,	reason,	    TEXT_MAX)	/* in words */			\
	F(str,	remote,	    255)	/* the host that said reply, or empty */ \
	F(str,	reply,	    4096)	/* verbatim, lines joined by LF; or empty */
#define FIELDS_BOUNCE_TO(F)	/* repeated: where the DSN goes (routed's rows) */ \
	F(str,	mid,	    26)	/* of the message that failed */	\
	F(u32,	kind,	    0)	/* enum route_kind */			\
	F(str,	address,    ADDRESS_MAX)	\
	F(str,	account,    ACCOUNT_MAX)	\
	F(str,	home,	    HOME_MAX)	\
	F(str,	detail,	    64)
#define FIELDS_BOUNCE_MAKE(F)	\
	F(str,	mid,	    26)	/* of the message that failed */	\
	F(str,	bounce,	    26)	/* mid of the DSN, derived from it */	\
	F(str,	to,	    ADDRESS_MAX)	/* its To: the sender, or postmaster */ \
	F(time,	expires_ms, 0)	\
	F(u32,	is_delay,   0)	/* a delay notice: closes nothing */	\
	F(u32,	is_double,  0)	/* the sender cannot be told: SPOOL_DOUBLE */
#define FIELDS_BOUNCE_DONE(F)	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)

/* --- stored -------------------------------------------------------------- */

#define FIELDS_STORE_LOGIN(F)	/* a face shows a grant, gets a login */	\
	F(str,	account,    ACCOUNT_MAX)	\
	F(str,	home,	    HOME_MAX)	\
	F(str,	service,    32)	\
	F(str,	sid,	    13)	\
	F(time,	expires_ms, 0)	\
	F(sec,	grant,	    GRANT_MAX)
#define FIELDS_STORE_LOGGED(F)	\
	F(u32,	failed,	    0)	\
	F(u32,	login,	    0)	/* handle on this channel, never 0 */	\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_STORE_LOGOUT(F)	/* closes its boxes too */		\
	F(u32,	login,	    0)
#define FIELDS_STORE_OPEN(F)	\
	F(u32,	login,	    0)	\
	F(str,	mailbox,    MAILBOX_MAX)	/* UTF-8, '/' */			\
	F(u32,	read_only,  0)	/* EXAMINE */
#define FIELDS_STORE_CACHE(F)	/* descriptor: the cache file */		\
	F(u32,	generation, 0)
#define FIELDS_STORE_OPENED(F)	/* descriptor: the index, mail/index.h */ \
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)	\
	F(u32,	box,	    0)	/* handle on this channel, never 0 */	\
	F(u32,	generation, 0)	\
	F(u32,	records,    0)	/* in the index now, dead ones included */ \
	F(u32,	uidvalidity, 0)	\
	F(u32,	uidnext,    0)	\
	F(u32,	recent_uid, 0)	/* UIDs from here on are \Recent for this session */ \
	F(u64,	modseq,	    0)	\
	F(str,	keywords,   4096)	/* names by bit, blank-separated */	\
	F(str,	mailboxid,  26)
#define FIELDS_STORE_CLOSE(F)	\
	F(u32,	box,	    0)
#define FIELDS_STORE_TORN(F)	/* that record of the index cannot be read */ \
	F(u32,	box,	    0)	\
	F(u32,	record,	    0)
#define FIELDS_STORE_NEWS(F)	/* the index has changed: look at it */	\
	F(u32,	box,	    0)	\
	F(u32,	records,    0)	\
	F(u32,	uidnext,    0)	\
	F(u64,	modseq,	    0)	\
	F(str,	keywords,   4096)	\
	F(u32,	has_set,    0)	/* 1: `set` names all UIDs whose flags changed (may be empty); 0: look for a newer modseq in the index */ \
	F(str,	set,	    SET_MAX)
#define FIELDS_STORE_GONE(F)	/* these UIDs are expunged; an empty set: look in the index which are */		\
	F(u32,	box,	    0)	\
	F(str,	set,	    SET_MAX)	\
	F(u64,	modseq,	    0)
#define FIELDS_STORE_REMAP(F)	/* descriptor: index of a new generation */ \
	F(u32,	box,	    0)	\
	F(u32,	generation, 0)	\
	F(u32,	records,    0)	\
	F(u64,	modseq,	    0)	/* what it has as expunged up to here was told */
#define FIELDS_STORE_RECACHE(F)	/* descriptor: cache that goes with the last REMAP */ \
	F(u32,	box,	    0)	\
	F(u32,	generation, 0)
#define FIELDS_STORE_BODY(F)	\
	F(u32,	box,	    0)	\
	F(u32,	uid,	    0)
#define FIELDS_STORE_FILE(F)	/* descriptor: the Maildir file (LF ends) */ \
	F(u32,	failed,	    0)	\
	F(u64,	size,	    0)	/* octets of the file */			\
	F(str,	text,	    TEXT_MAX)
#define FIELDS_STORE_CHANGE(F)	/* flags */				\
	F(u32,	box,	    0)	\
	F(str,	set,	    SET_MAX)	/* UIDs */			\
	F(u32,	how,	    0)	/* enum store_how */			\
	F(u32,	flags,	    0)	/* enum index_flags, mail/index.h */	\
	F(str,	keywords,   4096)	/* names, blank-separated */
#define FIELDS_STORE_EXPUNGE(F)	\
	F(u32,	box,	    0)	\
	F(str,	set,	    SET_MAX)	/* empty: all */		\
	F(u32,	only_deleted, 0)	/* 1: only those with \Deleted */
#define FIELDS_STORE_DONE(F)	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)	/* with an IMAP response code first, if one fits: "[TRYCREATE] ..." */ \
	F(u32,	count,	    0)	\
	F(u64,	modseq,	    0)
#define FIELDS_STORE_COPY(F)	\
	F(u32,	box,	    0)	\
	F(str,	set,	    SET_MAX)	\
	F(str,	mailbox,    MAILBOX_MAX)	\
	F(u32,	move,	    0)
#define FIELDS_STORE_COPIED(F)	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)	\
	F(u32,	uidvalidity, 0)	\
	F(str,	from,	    SET_MAX)	/* UIDs copied, in order */	\
	F(str,	to,	    SET_MAX)	/* their new UIDs, same order */
#define FIELDS_STORE_APPEND(F)	/* descriptor: content, CRLF, sealed or of tmp/ */ \
	F(u32,	login,	    0)	/* imapd; 0 from spoold */		\
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)	/* repeat key: (mid, number, redelivery) */ \
	F(u32,	redelivery, 0)	\
	F(u32,	replay,	    0)	/* enum store_replay */	\
	F(str,	account,    ACCOUNT_MAX)	\
	F(str,	home,	    HOME_MAX)	\
	F(str,	mailbox,    MAILBOX_MAX)	\
	F(str,	mailboxid,  26)	/* replay of an APPEND: where it was */	\
	F(u32,	uid,	    0)	/* replay of an APPEND, else 0 */	\
	F(u32,	uidvalidity, 0)	\
	F(u32,	flags,	    0)	\
	F(str,	keywords,   2048)	\
	F(time,	date_s,	    0)	/* INTERNALDATE */			\
	F(u64,	offset,	    0)	/* where the content begins in the file */ \
	F(u64,	size,	    0)	/* octets of the content */		\
	F(str,	digest,	    32)	/* SHA-256 to verify (large bodies), or empty */ \
	F(str,	added,	    16384)	/* header lines put before it, CRLF */	\
	F(time,	deadline_ms, 0)
#define FIELDS_STORE_APPENDED(F)	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)	\
	F(u32,	uid,	    0)	\
	F(u32,	uidvalidity, 0)
#define FIELDS_STORE_MAILBOX(F)	\
	F(u32,	login,	    0)	\
	F(u32,	verb,	    0)	/* enum store_verb */			\
	F(str,	name,	    MAILBOX_MAX)	\
	F(str,	to,	    MAILBOX_MAX)
#define FIELDS_STORE_LIST(F)	\
	F(u32,	login,	    0)
#define FIELDS_STORE_NAME(F)	\
	F(str,	name,	    MAILBOX_MAX)	\
	F(u32,	flags,	    0)	/* enum store_name_flags */		\
	F(str,	special,    32)	/* "\Sent" ... or empty */
#define FIELDS_STORE_STATUS(F)	\
	F(u32,	login,	    0)	\
	F(str,	mailbox,    MAILBOX_MAX)
#define FIELDS_STORE_COUNTS(F)	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)	\
	F(u32,	messages,   0)	\
	F(u32,	recent,	    0)	\
	F(u32,	unseen,	    0)	\
	F(u32,	deleted,    0)	\
	F(u32,	uidnext,    0)	\
	F(u32,	uidvalidity, 0)	\
	F(u64,	size,	    0)	\
	F(u64,	modseq,	    0)
#define FIELDS_STORE_CHECK(F)	/* CHECK: all that was answered is on its way to the disk */ \
	F(u32,	box,	    0)

/* --- resolvd ------------------------------------------------------------- */

/* 255 octets, each as \DDD at worst */
#define DNS_NAME_TEXT	1024

#define FIELDS_DNS_ASK(F)						\
	F(str,	name,	    DNS_NAME_TEXT)	/* A-labels, no end dot needed */ \
	F(u32,	type,	    0)	/* number of the type: 1 A, 15 MX ... */ \
	F(u32,	wait_ms,    0)	/* answer in that time; 0: as the settings say */
#define FIELDS_DNS_ROW(F)	/* one record of the type asked for */	\
	F(u32,	type,	    0)	\
	F(u32,	ttl,	    0)	/* seconds */				\
	F(u32,	preference, 0)	/* MX */				\
	F(str,	data,	    49152)	/* A, AAAA: 4, 16 octets; names: text; TXT: strings joined; TLSA: as on the wire */
#define FIELDS_DNS_DONE(F)						\
	F(u32,	result,	    0)	/* enum dns_result */			\
	F(u32,	validated,  0)	/* a loopback resolver that validates said AD */ \
	F(u32,	ttl,	    0)	/* seconds this answer may be kept */	\
	F(str,	name,	    DNS_NAME_TEXT)	/* canonical, after CNAMEs */ \
	F(str,	text,	    TEXT_MAX)	/* why not, in words */

/* --- remote -------------------------------------------------------------- */

#define FIELDS_REMOTE_RCPT(F)	/* repeated, then REMOTE_TRY */		\
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)	\
	F(str,	address,    ADDRESS_MAX)	\
	F(str,	orcpt,	    500)	\
	F(u32,	notify,	    0)
#define FIELDS_REMOTE_TRY(F)	/* these recipients, at this next hop, now */ \
	F(str,	mid,	    26)	\
	F(str,	sender,	    ADDRESS_MAX)	\
	F(u32,	flags,	    0)	/* enum spool_flags */			\
	F(u64,	size,	    0)	\
	F(u32,	recipients, 0)	/* how many REMOTE_RCPT went before */	\
	F(str,	lane,	    300)	/* connections are kept and reused by it */ \
	F(str,	source,	    64)	/* address we send from, or empty */	\
	F(str,	helo,	    255)	/* or empty: hostname */		\
	F(str,	nexthop,    300)	/* domain (by MX), [host], [host]:port, lmtp:... */ \
	F(u32,	transport,  0)	/* enum transport */			\
	F(u32,	connections, 0)	/* most of the lane, kept ones too; 0: any */ \
	F(time,	deadline_ms, 0)	/* clock_mono_ms: give up by then */
#define FIELDS_REMOTE_ROW(F)	/* what became of one recipient */	\
	F(u32,	number,	    0)	\
	F(u32,	result,	    0)	/* enum queue_result */			\
	F(u32,	stage,	    0)	/* enum remote_stage */			\
	F(u32,	code,	    0)	/* of the reply, 0: none came */	\
	F(str,	status,	    16)	/* enhanced, of the reply or ours */	\
	F(str,	host,	    255)	/* name of the host asked */		\
	F(str,	address,    80)	/* its address and port */		\
	F(str,	tls,	    80)	/* "TLSv1.3 TLS_AES_..." or empty */	\
	F(str,	reply,	    4096)	/* verbatim, lines joined by LF; or our words */
#define FIELDS_REMOTE_DONE(F)						\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)	\
	F(u32,	reused,	    0)	/* 1: on a connection that was there */ \
	F(u32,	lost,	    0)	/* 1: connection lost after the final dot */
#define FIELDS_REMOTE_SENT(F)	/* remote: accepted there, write it down; qmgr hears too */ \
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)
#define FIELDS_REMOTE_DOUBT(F)	/* qmgr is gone, the reply to the dot is not here */ \
	F(str,	mid,	    26)	\
	F(u32,	number,	    0)	\
	F(u32,	over,	    0)	/* 1: no longer; what was sent was told before */
#define FIELDS_REMOTE_HEARD(F)	/* it has heard of qmgr's death, or spoold is new to \
				 * it: all REMOTE_DOUBTs there are were said */ \
	F(u32,	doubts,	    0)	/* jobs they are about */
#define FIELDS_REMOTE_LOOK(F)	/* by whom does this domain take mail? */ \
	F(str,	domain,	    255)
#define FIELDS_REMOTE_SEEN(F)						\
	F(u32,	failed,	    0)	\
	F(str,	mx,	    255)	/* first host; empty: none */		\
	F(u32,	ttl,	    0)	/* seconds */				\
	F(str,	text,	    TEXT_MAX)

#define FIELDS_SOCKET_ASK(F)	/* remote: connect to that path of a `transport' */ \
	F(str,	path,	    108)
#define FIELDS_SOCKET_DONE(F)	/* descriptor: the connection */	\
	F(u32,	failed,	    0)	\
	F(str,	text,	    TEXT_MAX)

/* --- checkd -------------------------------------------------------------- */

#define FIELDS_CHECK_ASK(F)	/* descriptor: the content, CRLF */	\
	F(str,	mid,	    26)	\
	F(str,	sid,	    13)	\
	F(str,	peer,	    64)	/* client address */			\
	F(str,	helo,	    255)	\
	F(str,	sender,	    ADDRESS_MAX)	\
	F(u64,	size,	    0)	\
	F(str,	added,	    16384)	/* header lines put before it so far */
#define FIELDS_CHECK_DONE(F)						\
	F(u32,	failed,	    0)	\
	F(u32,	action,	    0)	/* enum check_action */			\
	F(u32,	code,	    0)	/* reply code of a refusal */		\
	F(str,	status,	    16)	\
	F(str,	text,	    TEXT_MAX)	\
	F(str,	added,	    8192)	/* Authentication-Results, CRLF */
#define FIELDS_SPF_ASK(F)						\
	F(str,	peer,	    64)	\
	F(str,	helo,	    255)	\
	F(str,	sender,	    ADDRESS_MAX)
#define FIELDS_SPF_DONE(F)						\
	F(u32,	failed,	    0)	\
	F(str,	verdict,    16)	/* pass fail softfail neutral none temperror permerror */ \
	F(u32,	lookups,    0)	/* terms that asked the DNS; at most 10 count */ \
	F(u32,	voids,	    0)	/* look-ups that found nothing */	\
	F(str,	domain,	    255)	/* whose policy it is */		\
	F(str,	term,	    1024)	/* that decided; empty: none did */	\
	F(str,	term_domain, 255)	/* whose record it stands in */	\
	F(str,	explanation, 512)	/* of a fail, by the domain */		\
	F(str,	text,	    TEXT_MAX)	/* of an error, in words */

/* --- signd --------------------------------------------------------------- */

#define FIELDS_SIGN_KEY(F)	/* master: a private key, PEM; those before CONF_DONE are all */ \
	F(str,	domain,	    255)	\
	F(str,	selector,   63)
#define FIELDS_SIGN_ASK(F)	/* descriptor: the content, CRLF */	\
	F(str,	mid,	    26)	\
	F(u64,	offset,	    0)	/* where the content begins in the file */ \
	F(u64,	size,	    0)	\
	F(str,	added,	    16384)	/* header lines put before it */	\
	F(str,	account,    ACCOUNT_MAX)	/* submission: who; bounce: empty */ \
	F(str,	home,	    HOME_MAX)	\
	F(str,	service,    32)	\
	F(str,	sid,	    13)	\
	F(time,	expires_ms, 0)	\
	F(sec,	grant,	    GRANT_MAX)
#define FIELDS_SIGN_DONE(F)						\
	F(u32,	failed,	    0)	\
	F(str,	added,	    16384)	/* DKIM-Signature lines, CRLF; may be empty */ \
	F(str,	text,	    TEXT_MAX)

/* --- keyd ---------------------------------------------------------------- */

#define FIELDS_KEY_SIGN(F)						\
	F(str,	key,	    32)	/* SHA-256 of the public key */		\
	F(u32,	scheme,	    0)	/* number of TLS 1.3's SignatureScheme */ \
	F(str,	tbs,	    1024)	/* what is to be signed */
#define FIELDS_KEY_SIGNED(F)						\
	F(u32,	failed,	    0)	\
	F(str,	signature,  1024)	\
	F(str,	text,	    TEXT_MAX)

/*
 * NAME, name, said how, deadline of an ASK (ms), who says it, who hears it,
 * descriptor that travels with it (base/fd.h).
 */
#define NOTES(N)							\
	N(SELF_NEW, self_new, PUT, 0, BY(MASTER), CHILDREN, FD_DIR)	\
	N(CONF_ROW, conf_row, PUT, 0, BY(MASTER), CHILDREN, FD_NONE)	\
	N(CONF_DONE, conf_done, PUT, 0, BY(MASTER), CHILDREN, FD_NONE)	\
	N(FILE_NEW, file_new, PUT, 0, BY(MASTER), CHILDREN, FD_ANY)	\
	N(KEY_NEW, key_new, PUT, 0, BY(MASTER), CHILDREN, FD_NONE)	\
	N(LISTEN_NEW, listen_new, PUT, 0, BY(MASTER), FACES|BY(CTLD), FD_STREAM) \
	N(PEER_NEW, peer_new, PUT, 0, BY(MASTER), CHILDREN, FD_STREAM)	\
	N(PEER_GONE, peer_gone, PUT, 0, BY(MASTER), CHILDREN, FD_NONE)	\
	N(PEER_BAD, peer_bad, PUT, 0, CHILDREN, BY(MASTER), FD_NONE)	\
	N(READY, ready, PUT, 0, CHILDREN, BY(MASTER), FD_NONE)		\
	N(GO, go, PUT, 0, BY(MASTER), CHILDREN, FD_NONE)		\
	N(DRAIN, drain, PUT, 0, BY(MASTER), CHILDREN, FD_NONE)		\
	N(STAT_ASK, stat_ask, ASK, 5000, BY(MASTER)|BY(CTLD), CHILDREN, FD_NONE) \
	N(STAT_ROW, stat_row, ROW, 0, CHILDREN, BY(MASTER)|BY(CTLD), FD_NONE) \
	N(STAT_END, stat_end, END, 0, CHILDREN, BY(MASTER)|BY(CTLD), FD_NONE) \
	N(LOG_LINE, log_line, PUT, 0, EVERYBODY, BY(LOGD), FD_NONE)	\
	N(LOG_REOPEN, log_reopen, PUT, 0, BY(MASTER), BY(LOGD), FD_ANY)	\
	N(CTL_STATUS, ctl_status, ASK, 5000, BY(CTLD), BY(MASTER), FD_NONE) \
	N(PROC_ROW, proc_row, ROW, 0, BY(MASTER), BY(CTLD), FD_NONE)	\
	N(CTL_RELOAD, ctl_reload, ASK, 60000, BY(CTLD), BY(MASTER), FD_NONE) \
	N(CTL_STOP, ctl_stop, ASK, 60000, BY(CTLD), BY(MASTER), FD_NONE) \
	N(CTL_DONE, ctl_done, END, 0, EVERYBODY, BY(CTLD), FD_NONE)	\
	N(TRACE_ASK, trace_ask, ASK, 10000, BY(CTLD), BY(LOGD), FD_NONE) \
	N(TRACE_ROW, trace_row, ROW, 0, BY(LOGD), BY(CTLD), FD_NONE)	\
	N(AUTH_CHECK, auth_check, ASK, 10000, FACES, BY(AUTHD), FD_NONE) \
	N(AUTH_VERDICT, auth_verdict, END, 0, BY(AUTHD), FACES, FD_NONE) \
	N(RATE_ASK, rate_ask, ASK, 2000, FACES, BY(RATED), FD_NONE)	\
	N(RATE_VERDICT, rate_verdict, END, 0, BY(RATED), FACES, FD_NONE) \
	N(RATE_COUNT, rate_count, PUT, 0, FACES, BY(RATED), FD_NONE)	\
	N(BAN_LIST, ban_list, ASK, 5000, BY(CTLD), BY(RATED), FD_NONE)	\
	N(BAN_ROW, ban_row, ROW, 0, BY(RATED), BY(CTLD), FD_NONE)	\
	N(BAN_ACT, ban_act, ASK, 5000, BY(CTLD), BY(RATED), FD_NONE)	\
	N(ROUTE_ASK, route_ask, ASK, 10000, BY(SMTPD)|BY(SPOOLD)|BY(QMGR)|BY(CTLD), BY(ROUTED), FD_NONE) \
	N(ROUTE_STEP, route_step, ROW, 0, BY(ROUTED), BY(CTLD), FD_NONE) \
	N(ROUTE_ROW, route_row, ROW, 0, BY(ROUTED), BY(SMTPD)|BY(SPOOLD)|BY(QMGR)|BY(CTLD), FD_NONE) \
	N(ROUTE_DONE, route_done, END, 0, BY(ROUTED), BY(SMTPD)|BY(SPOOLD)|BY(QMGR)|BY(CTLD), FD_NONE) \
	N(SPOOL_OPEN, spool_open, ASK, 10000, BY(SMTPD), BY(SPOOLD), FD_NONE) \
	N(SPOOL_VIEW, spool_view, ROW, 0, BY(SPOOLD), BY(SMTPD), FD_FILE_RO) \
	N(SPOOL_FILE, spool_file, END, 0, BY(SPOOLD), BY(SMTPD), FD_ANY) \
	N(SPOOL_CANCEL, spool_cancel, PUT, 0, BY(SMTPD)|BY(BOUNCE), BY(SPOOLD), FD_NONE) \
	N(SPOOL_RCPT, spool_rcpt, PUT, 0, BY(SMTPD)|BY(BOUNCE), BY(SPOOLD), FD_NONE) \
	N(SPOOL_CLOSE, spool_close, PUT, 0, BY(BOUNCE), BY(SPOOLD), FD_NONE) \
	N(SPOOL_COMMIT, spool_commit, ASK, 60000, BY(SMTPD)|BY(BOUNCE), BY(SPOOLD), FD_MAYBE_RO) \
	N(SPOOL_DONE, spool_done, END, 0, BY(SPOOLD), BY(SMTPD)|BY(BOUNCE)|BY(STORED), FD_NONE) \
	N(SPOOL_READ, spool_read, ASK, 10000, BY(BOUNCE)|BY(REMOTE), BY(SPOOLD), FD_NONE) \
	N(SPOOL_BODY, spool_body, END, 0, BY(SPOOLD), BY(BOUNCE)|BY(REMOTE), FD_MAYBE_RO) \
	N(SPOOL_APPEND, spool_append, ASK, 60000, BY(STORED), BY(SPOOLD), FD_ANY) \
	N(SPOOL_CHECK, spool_check, ASK, 60000, BY(CTLD), BY(SPOOLD), FD_NONE) \
	N(SPOOL_FINDING, spool_finding, ROW, 0, BY(SPOOLD), BY(CTLD), FD_NONE) \
	N(DROP_MAIL, drop_mail, ASK, 600000, BY(SPOOLD), BY(SMTPD), FD_FILE_RO) \
	N(DROP_DONE, drop_done, END, 0, BY(SMTPD), BY(SPOOLD), FD_NONE)	\
	N(DROP_LOOK, drop_look, ASK, 60000, BY(CTLD), BY(SPOOLD), FD_NONE) \
	N(REPLAY_END, replay_end, PUT, 0, BY(SPOOLD), BY(STORED), FD_NONE) \
	N(SYNC_FILE, sync_file, PUT, 0, BY(STORED)|BY(SPOOLD), BY(SYNCD), FD_ANY) \
	N(SYNC_ASK, sync_ask, ASK, 120000, BY(STORED)|BY(SPOOLD), BY(SYNCD), FD_NONE) \
	N(SYNC_DONE, sync_done, END, 0, BY(SYNCD), BY(STORED)|BY(SPOOLD), FD_NONE) \
	N(QUEUE_NEW, queue_new, PUT, 0, BY(SPOOLD), BY(QMGR), FD_NONE)	\
	N(QUEUE_LOADED, queue_loaded, PUT, 0, BY(SPOOLD), BY(QMGR), FD_NONE) \
	N(QUEUE_TRY, queue_try, ASK, 120000, BY(QMGR), BY(SPOOLD), FD_NONE) \
	N(QUEUE_RESULT, queue_result, END, 0, BY(SPOOLD), BY(QMGR), FD_NONE) \
	N(QUEUE_MARK, queue_mark, ASK, 60000, BY(QMGR), BY(SPOOLD), FD_NONE) \
	N(QUEUE_MARKED, queue_marked, END, 0, BY(SPOOLD), BY(QMGR), FD_NONE) \
	N(QUEUE_GONE, queue_gone, PUT, 0, BY(SPOOLD), BY(QMGR), FD_NONE) \
	N(QUEUE_LIST, queue_list, ASK, 30000, BY(CTLD), BY(QMGR), FD_NONE) \
	N(QUEUE_ROW, queue_row, ROW, 0, BY(QMGR), BY(CTLD), FD_NONE)	\
	N(QUEUE_WHY, queue_why, ASK, 30000, BY(CTLD), BY(QMGR), FD_NONE) \
	N(ATTEMPT_ROW, attempt_row, ROW, 0, BY(QMGR), BY(CTLD), FD_NONE) \
	N(LANE_ASK, lane_ask, ASK, 85000, BY(CTLD), BY(QMGR), FD_NONE)	\
	N(LANE_ROW, lane_row, ROW, 0, BY(QMGR), BY(CTLD), FD_NONE)	\
	N(QUEUE_ACT, queue_act, ASK, 60000, BY(CTLD), BY(QMGR), FD_NONE) \
	N(BOUNCE_RCPT, bounce_rcpt, PUT, 0, BY(QMGR), BY(BOUNCE), FD_NONE) \
	N(BOUNCE_TO, bounce_to, PUT, 0, BY(QMGR), BY(BOUNCE), FD_NONE)	\
	N(BOUNCE_MAKE, bounce_make, ASK, 120000, BY(QMGR), BY(BOUNCE), FD_NONE) \
	N(BOUNCE_DONE, bounce_done, END, 0, BY(BOUNCE), BY(QMGR), FD_NONE) \
	N(STORE_LOGIN, store_login, ASK, 10000, READERS, BY(STORED), FD_NONE) \
	N(STORE_LOGGED, store_logged, END, 0, BY(STORED), READERS, FD_NONE) \
	N(STORE_LOGOUT, store_logout, PUT, 0, READERS, BY(STORED), FD_NONE) \
	N(STORE_OPEN, store_open, ASK, 60000, READERS, BY(STORED), FD_NONE) \
	N(STORE_CACHE, store_cache, ROW, 0, BY(STORED), READERS, FD_FILE_RO) \
	N(STORE_OPENED, store_opened, END, 0, BY(STORED), READERS, FD_MAYBE_RO) \
	N(STORE_CLOSE, store_close, PUT, 0, READERS, BY(STORED), FD_NONE) \
	N(STORE_TORN, store_torn, PUT, 0, READERS, BY(STORED), FD_NONE) \
	N(STORE_NEWS, store_news, PUT, 0, BY(STORED), READERS, FD_NONE)	\
	N(STORE_GONE, store_gone, PUT, 0, BY(STORED), READERS, FD_NONE)	\
	N(STORE_REMAP, store_remap, PUT, 0, BY(STORED), READERS, FD_FILE_RO) \
	N(STORE_RECACHE, store_recache, PUT, 0, BY(STORED), READERS, FD_FILE_RO) \
	N(STORE_BODY, store_body, ASK, 30000, READERS, BY(STORED), FD_NONE) \
	N(STORE_FILE, store_file, END, 0, BY(STORED), READERS, FD_MAYBE_RO) \
	N(STORE_CHANGE, store_change, ASK, 60000, BY(IMAPD), BY(STORED), FD_NONE) \
	N(STORE_EXPUNGE, store_expunge, ASK, 60000, READERS, BY(STORED), FD_NONE) \
	N(STORE_DONE, store_done, END, 0, BY(STORED), READERS, FD_NONE)	\
	N(STORE_COPY, store_copy, ASK, 120000, BY(IMAPD), BY(STORED), FD_NONE) \
	N(STORE_COPIED, store_copied, END, 0, BY(STORED), BY(IMAPD), FD_NONE) \
	N(STORE_APPEND, store_append, ASK, 60000, BY(IMAPD)|BY(SPOOLD), BY(STORED), FD_FILE_RO) \
	N(STORE_APPENDED, store_appended, END, 0, BY(STORED), BY(IMAPD)|BY(SPOOLD), FD_NONE) \
	N(STORE_MAILBOX, store_mailbox, ASK, 60000, BY(IMAPD), BY(STORED), FD_NONE) \
	N(STORE_LIST, store_list, ASK, 30000, BY(IMAPD), BY(STORED), FD_NONE) \
	N(STORE_NAME, store_name, ROW, 0, BY(STORED), BY(IMAPD), FD_NONE) \
	N(STORE_STATUS, store_status, ASK, 30000, BY(IMAPD), BY(STORED), FD_NONE) \
	N(STORE_COUNTS, store_counts, END, 0, BY(STORED), BY(IMAPD), FD_NONE) \
	N(STORE_CHECK, store_check, ASK, 60000, READERS, BY(STORED), FD_NONE) \
	N(DNS_ASK, dns_ask, ASK, 60000, BY(REMOTE)|BY(CHECKD)|BY(SMTPD)|BY(CTLD), BY(RESOLVD), FD_NONE) \
	N(DNS_ROW, dns_row, ROW, 0, BY(RESOLVD), BY(REMOTE)|BY(CHECKD)|BY(SMTPD)|BY(CTLD), FD_NONE) \
	N(DNS_DONE, dns_done, END, 0, BY(RESOLVD), BY(REMOTE)|BY(CHECKD)|BY(SMTPD)|BY(CTLD), FD_NONE) \
	N(REMOTE_RCPT, remote_rcpt, PUT, 0, BY(QMGR), BY(REMOTE), FD_NONE) \
	N(REMOTE_TRY, remote_try, ASK, 7200000, BY(QMGR), BY(REMOTE), FD_NONE) \
	N(REMOTE_ROW, remote_row, ROW, 0, BY(REMOTE), BY(QMGR), FD_NONE) \
	N(REMOTE_DONE, remote_done, END, 0, BY(REMOTE), BY(QMGR), FD_NONE) \
	N(REMOTE_SENT, remote_sent, PUT, 0, BY(REMOTE), BY(SPOOLD), FD_NONE) \
	N(REMOTE_DOUBT, remote_doubt, PUT, 0, BY(REMOTE), BY(SPOOLD), FD_NONE) \
	N(REMOTE_HEARD, remote_heard, PUT, 0, BY(REMOTE), BY(SPOOLD), FD_NONE) \
	N(REMOTE_LOOK, remote_look, ASK, 75000, BY(QMGR), BY(REMOTE), FD_NONE) \
	N(REMOTE_SEEN, remote_seen, END, 0, BY(REMOTE), BY(QMGR), FD_NONE) \
	N(SOCKET_ASK, socket_ask, ASK, 10000, BY(REMOTE), BY(MASTER), FD_NONE) \
	N(SOCKET_DONE, socket_done, END, 0, BY(MASTER), BY(REMOTE), FD_ANY) \
	N(CHECK_ASK, check_ask, ASK, 60000, BY(SMTPD), BY(CHECKD), FD_FILE_RO) \
	N(CHECK_DONE, check_done, END, 0, BY(CHECKD), BY(SMTPD), FD_NONE) \
	N(SPF_ASK, spf_ask, ASK, 60000, BY(CTLD), BY(CHECKD), FD_NONE)	\
	N(SPF_DONE, spf_done, END, 0, BY(CHECKD), BY(CTLD), FD_NONE)	\
	N(SIGN_KEY, sign_key, PUT, 0, BY(MASTER), BY(SIGND), FD_FILE_RO) \
	N(SIGN_ASK, sign_ask, ASK, 20000, BY(SMTPD)|BY(BOUNCE), BY(SIGND), FD_FILE_RO) \
	N(SIGN_DONE, sign_done, END, 0, BY(SIGND), BY(SMTPD)|BY(BOUNCE), FD_NONE) \
	N(KEY_SIGN, key_sign, ASK, 10000, FACES, BY(KEYD), FD_NONE)	\
	N(KEY_SIGNED, key_signed, END, 0, BY(KEYD), FACES, FD_NONE)

/* --- values of fields ---------------------------------------------------- */

enum self_flags {
	SELF_UNPRIVILEGED = 1,	/* no chroot, no uid change: development */
	SELF_CAGE_OPTIONAL = 2,	/* a kernel without our means is said, not fatal */
};

enum auth_result { AUTH_OK, AUTH_NO, AUTH_LATER };

enum rate_what { RATE_CONNECT, RATE_DISCONNECT, RATE_AUTH_FAILED, RATE_AUTH_OK,
    RATE_UNKNOWN_RCPT, RATE_BAD_COMMAND };
enum rate_result { RATE_OK, RATE_REFUSE };

enum route_kind {
	ROUTE_LOCAL,
	ROUTE_REMOTE,
	ROUTE_REFUSED,		/* to be bounced: of maildrop, whose sender waits
				 * for no reply */
};
enum route_result { ROUTE_OK, ROUTE_UNKNOWN, ROUTE_NO_RELAY, ROUTE_LOOP,
    ROUTE_TOO_MANY, ROUTE_BAD_ADDRESS, ROUTE_LATER };

enum spool_flags {
	SPOOL_AUTHED = 1,	/* submission: account, grant are checked */
	SPOOL_8BIT = 2,		/* content has octets above 127 */
	SPOOL_LARGE = 4,	/* body lies in tmp/ under its mid, no descriptor */
	SPOOL_BULK = 8,
	SPOOL_DSN = 16,		/* a bounce of ours */
	SPOOL_DOUBLE = 32,	/* a bounce about a bounce: nobody is told more */
};

/* NOTIFY of RFC 3461 4.1; 0: not given, failures are told. */
enum notify_bits { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4,
    NOTIFY_DELAY = 8 };

enum queue_result {
	QUEUE_DELIVERED,
	QUEUE_LATER,
	QUEUE_NEVER,
	QUEUE_UNKNOWN,		/* nobody saw how it ended */
	QUEUE_DEADLY,		/* spoold: three storeds died of it, hold it */
};
enum queue_state { QUEUE_WAITS, QUEUE_HELD, QUEUE_RELEASED, QUEUE_REMOVED,
    QUEUE_BOUNCED, QUEUE_SENT };
enum queue_verb { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RM };

enum store_replay {
	STORE_FIRST,
	STORE_REPEAT,		/* may have been handed over before */
	STORE_ANEW,		/* a sync failed: adopt nothing, write a new file */
};
enum store_how { STORE_SET, STORE_ADD, STORE_REMOVE };
enum store_verb { STORE_CREATE, STORE_DELETE, STORE_RENAME, STORE_SUBSCRIBE,
    STORE_UNSUBSCRIBE };
enum store_name_flags { STORE_NOSELECT = 1, STORE_SUBSCRIBED = 2,
    STORE_CHILDREN = 4, STORE_NOINFERIORS = 8, STORE_GHOST = 16 };

enum dns_result {
	DNS_OK,
	DNS_NO_NAME,		/* NXDOMAIN */
	DNS_NO_DATA,		/* the name is there, no record of the type */
	DNS_LATER,		/* no resolver answered, SERVFAIL, out of time */
	DNS_BAD_NAME,		/* the question cannot be asked */
	DNS_BAD_ANSWER,		/* loop, too long a chain, too much */
};

enum transport { TRANSPORT_SMTP, TRANSPORT_LMTP };
enum remote_stage { STAGE_DNS, STAGE_CONNECT, STAGE_GREETING, STAGE_EHLO,
    STAGE_TLS, STAGE_AUTH, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_DOT,
    STAGE_QUIT };

enum check_action { CHECK_ACCEPT, CHECK_MARK, CHECK_REJECT, CHECK_LATER };

#endif
