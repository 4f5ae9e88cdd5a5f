/* SPDX-License-Identifier: ISC */
/*
 * conf/params.h - THE catalogue of settings.  One row a setting: it gives
 * the struct member, the parser, the default, the bounds, the line of
 * `veredus config show`, the item of veredus.conf(5).
 *
 *	P(member, kind, "path in the file", default, min, max, who, "text")
 *
 * kind: flag (bool), num (uint32_t), size (uint64_t bytes), ms (int64_t),
 * word (struct str, one of the words in `min`, blank-separated), text
 * (struct str), list (struct strs: repeated or comma-separated).
 * min of text and list: what a value looks like, one of the shapes of
 * conf/value.c: host domain address net path listen table layout folder
 * char; empty: any word.
 * who: BY() mask of the kinds that are sent it; master knows all.
 *
 *	O("list", "option", shape, "text")
 *
 * is an option in the block of an entry of that list; whoever is sent the
 * list is sent it too.
 */
#ifndef CONF_PARAMS_H
#define CONF_PARAMS_H

#define PARAM_SECTIONS(S) S(master) S(site) S(smtpd) S(spool)	\
	 S(queue) S(alias) S(pop3d) S(imapd) S(stored) S(auth)	\
	S(rate) S(log) S(remote) S(check) S(dkim) S(dmarc) S(resolver)

/* What master itself needs: folders, listeners, processes.  Relative paths
 * start at the folder of the configuration file. */
#define PARAMS_master(P)						\
	P(listen, list, "listen", "", "listen", "", BY(MASTER)|BY(REMOTE), \
	  "A service and where it listens: smtp, submission, submissions, "	\
	  "pop3, pop3s, imap or imaps, then ADDRESS:PORT. *:PORT is every " \
	  "address; an IPv6 address stands in brackets.")		\
	P(tls_cert, text, "tls cert", "", "path", "", BY(MASTER),		\
	  "PEM file with the certificate and its chain.")		\
	P(tls_key, text, "tls key", "", "path", "", BY(MASTER),		\
	  "PEM file with its private key (RSA, P-256 or P-384), which only "	\
	  "keyd ever has.")						\
	P(tls_cert2, text, "tls second-cert", "", "path", "", BY(MASTER), \
	  "A certificate with another kind of key for the same name: a "	\
	  "client gets the one it can check, P-256 if both.")		\
	P(tls_key2, text, "tls second-key", "", "path", "", BY(MASTER),	\
	  "Its private key.")						\
	P(tls_names, list, "tls", "", "host", "", BY(MASTER),		\
	  "A server name with its own certificate, in a block: cert and "	\
	  "key, second-cert and second-key. A client that asks for no "	\
	  "name, or for one that no certificate has, gets `tls cert'.")	\
	P(ticket_rotation, ms, "tls ticket-rotation", "12h", "1s", "30d", \
	  BY(MASTER), "How often the key of TLS session tickets changes; "	\
	  "the one before still opens them for one such time.")		\
	P(run, text, "folders run", "/run/veredus", "path", "", BY(MASTER),	\
	  "Sockets and the pid file.")					\
	P(state, text, "folders state", "/var/lib/veredus", "path", "", BY(MASTER), \
	  "Accounts, users, tables, counters.")				\
	P(spool, text, "folders spool", "/var/spool/veredus", "path", "",	\
	  BY(MASTER), "The journal and mail that waits.")		\
	P(mail, text, "folders mail", "/var/lib/veredus/mail", "path", "",	\
	  BY(MASTER), "The Maildirs.")					\
	P(log, text, "folders log", "/var/log/veredus", "path", "", BY(MASTER), \
	  "Log files and the trace store.")				\
	P(index, text, "folders index", "", "path", "", BY(MASTER),		\
	  "Indexes of mailboxes; state/index if empty.")		\
	P(users, text, "folders users", "", "path", "", BY(MASTER),		\
	  "Where the users file lies; state/users if empty.")		\
	P(tables, text, "folders tables", "", "path", "", BY(MASTER),	\
	  "Where alias and other tables lie; state/tables if empty.")	\
	P(dkim, text, "folders dkim", "", "path", "", BY(MASTER),	\
	  "Where the private keys of DKIM lie; state/dkim if empty.")	\
	P(cage, word, "cage", "required", "required optional", "", EVERYBODY, \
	  "Refuse to start where the kernel lacks seccomp or Landlock, or go on.") \
	P(user_prefix, text, "user-prefix", "veredus-", "", "", BY(MASTER), \
	  "Processes run as this and their name.")			\
	P(uid_base, num, "uid-base", "0", "0", "4000000000", BY(MASTER), \
	  "Not 0: no user names; kind number n runs as uid and gid base + n.") \
	P(control_group, text, "control-group", "veredus-adm", "", "", BY(MASTER), \
	  "Group that may speak to run/control besides root.")		\
	P(pid_file, text, "pid-file", "", "path", "", BY(MASTER),		\
	  "run/master.pid if empty.")					\
	P(drain, ms, "drain", "30s", "1s", "1h", BY(MASTER),		\
	  "How long old sessions may finish at reload and stop.")	\
	P(authds, num, "workers authd", "2", "1", "8", BY(MASTER), "Processes.") \
	P(routeds, num, "workers routed", "1", "1", "8", BY(MASTER), "Processes.") \
	P(smtpds, num, "workers smtpd", "0", "0", "8", BY(MASTER), "0: one a core.") \
	P(pop3ds, num, "workers pop3d", "0", "0", "8", BY(MASTER), "0: one a core.") \
	P(imapds, num, "workers imapd", "0", "0", "8", BY(MASTER), "0: one a core.") \
	P(storeds, num, "workers stored", "0", "0", "8", BY(MASTER), "0: one a core.") \
	P(signds, num, "workers signd", "1", "1", "8", BY(MASTER), "Processes.") \
	P(checkds, num, "workers checkd", "2", "1", "8", BY(MASTER), "Processes.") \
	P(remotes, num, "workers remote", "0", "0", "8", BY(MASTER), "0: one a core.") \
	P(smarthost_secret, text, "smarthost password-file", "", "path", "", \
	  BY(MASTER), "File whose first line is the password for `smarthost user'; " \
	  "opened by master only.")					\
	P(smarthost_ca, text, "smarthost authorities",			\
	  "/etc/ssl/certs/ca-certificates.crt", "path", "", BY(MASTER),	\
	  "PEM file with the certificates by which the smarthost's is checked.")

#define PARAMS_site(P)							\
	P(hostname, text, "hostname", "", "host", "", EVERYBODY,	\
	  "Our fully qualified name: greeting, EHLO, Received, message ids. " \
	  "The only setting that has to be given.")			\
	P(domains, list, "domain", "", "domain", "",			\
	  BY(ROUTED)|BY(SMTPD)|BY(CTLD)|BY(AUTHD)|BY(QMGR)|BY(BOUNCE)|	\
	  BY(SIGND),							\
	  "A domain whose mail is delivered here; may have a block.")	\
	P(postmaster, text, "postmaster", "", "address", "",		\
	  BY(ROUTED)|BY(QMGR)|BY(BOUNCE),				\
	  "Where mail for postmaster, abuse and root goes when no alias "	\
	  "says so; without it, to the first account of the users file.") \
	P(origin, text, "origin", "", "domain", "",			\
	  BY(ROUTED)|BY(SMTPD)|BY(AUTHD)|BY(QMGR)|BY(BOUNCE),		\
	  "Domain put behind a bare name in an address, an alias or a "	\
	  "login; without it, the first domain, else the hostname.")	\
	P(tag_separator, text, "tag-separator", "+", "char", "", BY(ROUTED), \
	  "What separates name and tag: joe+lists@example.org is joe's.") \
	P(trusted, list, "trusted", "", "net", "", FACES|BY(RATED),	\
	  "Networks exempt from limits and bans; they gain no relay.")	\
	P(cleartext_logins, flag, "cleartext-logins", "no", "", "", FACES, \
	  "Allow passwords on connections without TLS.")

#define PARAMS_smtpd(P)							\
	P(size_limit, size, "smtp size-limit", "50M", "1k", "2G",	\
	  BY(SMTPD)|BY(SPOOLD)|BY(STORED)|BY(IMAPD),			\
	  "Largest message accepted; announced by SIZE.")		\
	P(recipient_limit, num, "smtp recipient-limit", "1000", "100", "100000", \
	  BY(SMTPD), "Most recipients of one message.")			\
	P(relay_networks, list, "relay-networks", "", "net", "", BY(SMTPD), \
	  "Networks that may relay without login.")			\
	P(hop_limit, num, "smtp hop-limit", "100", "20", "1000", BY(SMTPD), \
	  "Received lines after which a message is in a loop.")		\
	P(command_timeout, ms, "smtp command-timeout", "5m", "1s", "1h", \
	  BY(SMTPD), "Wait for a command; RFC 5321 4.5.3.2.7 asks 5 minutes.") \
	P(data_timeout, ms, "smtp data-timeout", "5m", "1s", "1h",	\
	  BY(SMTPD), "Wait for a block of data.")			\
	P(long_lines, word, "smtp long-lines", "encode", "encode keep", "",	\
	  BY(SMTPD), "Submitted parts with a line of more than 998 octets " \
	  "are re-encoded before they are signed, or kept: servers on the "	\
	  "way may cut such lines, or refuse them.")			\
	P(eight_bit, word, "smtp 8bit", "keep", "keep encode", "",	\
	  BY(SMTPD), "Submitted parts with octets above 127 are kept, or "	\
	  "re-encoded before they are signed, for receivers without "	\
	  "8BITMIME.")

/* Signing (signd) and what has to be done to a message before. */
#define PARAMS_dkim(P)							\
	P(sign, flag, "dkim sign", "yes", "", "", BY(SMTPD)|BY(BOUNCE),	\
	  "Have mail of submission and our own notices signed, where there " \
	  "is a key: see `veredus dkim new'.")				\
	P(unavailable, word, "dkim unavailable", "later", "later unsigned", "", \
	  BY(SMTPD)|BY(BOUNCE),						\
	  "What a message gets while signd does not answer: a temporary "	\
	  "failure (451), or no signature.")				\
	P(senders, word, "dkim senders", "own", "own local", "", BY(SIGND),	\
	  "The domain in From that an account's mail is signed for: its "	\
	  "own and those below it, or any domain served here.")		\
	P(without_login, list, "dkim without-login", "", "domain", "",	\
	  BY(SIGND), "Domains that mail is signed for without a login: "	\
	  "what programs on this host (sendmail) and relay-networks send.") \
	P(signatures, num, "dkim signatures", "8", "0", "32", BY(CHECKD), \
	  "Signatures of a message that are looked at; 0: none.")

/* Mail of strangers: is it from where it says?  checkd finds out. */
#define PARAMS_check(P)							\
	P(mail, flag, "check mail", "yes", "", "", BY(SMTPD),		\
	  "SPF, DKIM and DMARC of mail that comes in by the smtp service. "	\
	  "Not asked of who is logged in, of trusted networks, of "	\
	  "relay-networks and of `check skip'.")			\
	P(skip, list, "check skip", "127.0.0.0/8,::1", "net", "", BY(SMTPD), \
	  "Networks whose mail is not checked.")			\
	P(authserv_id, text, "check authserv-id", "", "host", "",	\
	  BY(SMTPD)|BY(CHECKD), "Our name in Authentication-Results "	\
	  "(RFC 8601 2.5); hostname if empty. Lines that strangers wrote in " \
	  "this name are taken out.")					\
	P(timeout, ms, "check timeout", "20s", "100ms", "50s", BY(CHECKD), \
	  "What the DNS has not said by then is temperror.")		\
	P(unavailable, word, "check unavailable", "accept", "accept later", \
	  "", BY(SMTPD), "When checkd does not answer: accept the mail, "	\
	  "marked temperror, or a temporary failure (451).")		\
	P(engine, word, "spf engine", "own", "own both unguarded", "", BY(CHECKD), \
	  "own: ours alone. both: libspf2 is asked too, in a process of its "	\
	  "own; ours is the verdict, differences are counted and logged. "	\
	  "unguarded: it also sees records that are known to crash it, for "	\
	  "tests. Takes effect when checkd starts.")			\
	P(iprev, word, "check iprev", "accept", "no accept mark reject", "", \
	  BY(CHECKD), "A client whose address has no name, or none that leads " \
	  "back to it. no: it is not looked up.")			\
	P(spf_fail, word, "check spf fail", "mark", "accept mark reject", "", \
	  BY(CHECKD), "The domain of MAIL FROM (of HELO, if that is null) " \
	  "says the client may not send for it. Nothing SPF says counts where " \
	  "DMARC passes.")						\
	P(spf_softfail, word, "check spf softfail", "accept",		\
	  "accept mark reject", "", BY(CHECKD), "It says probably not.")	\
	P(spf_permerror, word, "check spf permerror", "accept",		\
	  "accept mark reject", "", BY(CHECKD), "Its SPF record is wrong.") \
	P(spf_temperror, word, "check spf temperror", "accept",		\
	  "accept mark later", "", BY(CHECKD), "The DNS does not say.")	\
	P(dmarc_permerror, word, "check dmarc permerror", "mark",	\
	  "accept mark reject", "", BY(CHECKD), "Nobody can say whose message " \
	  "it is: no address in From, or more than four domains.")	\
	P(dmarc_temperror, word, "check dmarc temperror", "accept",	\
	  "accept mark later", "", BY(CHECKD), "The DNS does not say what " \
	  "the author's domain asks for.")

/* What checkd makes of SPF and DKIM for the author's domain (RFC 9989). */
#define PARAMS_dmarc(P)							\
	P(apply, word, "dmarc apply", "yes", "yes mark no", "", BY(CHECKD), \
	  "Refuse or mark mail as the domain in From asks for, only mark "	\
	  "it, or only write the verdict down.")			\
	P(organisation, word, "dmarc organisation", "tree", "tree list", "", \
	  BY(CHECKD), "The organisational domain is found by the DNS (RFC "	\
	  "9989), or by the list of public suffixes.")

#define PARAMS_spool(P)							\
	P(segments, num, "spool segments", "16", "3", "1024", BY(SPOOLD), \
	  "Segments of the journal ring.")				\
	P(segment_size, size, "spool segment-size", "16M", "1M", "256M", \
	  BY(SPOOLD), "Size of one segment.")				\
	P(sync, word, "spool sync", "auto", "auto syncfs fsync", "",	\
	  BY(SPOOLD)|BY(SYNCD)|BY(STORED),				\
	  "How results are settled: auto, syncfs or fsync.  syncfs misses "	\
	  "what is mounted below mail/; auto sees that.")		\
	P(hold, flag, "hold-travelling", "no", "", "", BY(SPOOLD)|BY(QMGR), \
	  "Hold every message that would leave this host.")

#define PARAMS_queue(P)							\
	P(retry, ms, "queue retry", "5m", "1s", "1d", BY(QMGR),		\
	  "First wait after a failed attempt; doubles up to retry-max.") \
	P(retry_max, ms, "queue retry-max", "2h", "1s", "7d", BY(QMGR),	\
	  "Longest wait between two attempts.")				\
	P(lifetime, ms, "queue lifetime", "4d", "1s", "30d",		\
	  BY(QMGR)|BY(STORED)|BY(SPOOLD), "After that a message is bounced.") \
	P(delay_notice, ms, "queue delay-notice", "4h", "0s", "30d", BY(QMGR), \
	  "So long after it came a sender is told that a message still waits; " \
	  "0s: never.")							\
	P(recipients, num, "queue recipients", "100", "1", "1000", BY(QMGR), \
	  "Most recipients of one message that go to another host together.") \
	P(connections, num, "queue connections", "500", "4", "10000", BY(QMGR), \
	  "Most deliveries to other hosts at a time; destinations that did not " \
	  "answer last time may take a quarter of them. What has waited 5s for " \
	  "a host is not counted, up to four times as many.")				\
	P(lane_connections, num, "queue lane-connections", "20", "1", "1000", \
	  BY(QMGR), "Most of these to one provider; conf/providers.conf may "	\
	  "say less.")							\
	P(providers, text, "providers", "providers.conf", "path", "",	\
	  BY(MASTER), "What replies of other hosts mean. Without that file "	\
	  "the table we were built with.")

#define PARAMS_alias(P)							\
	P(tables, list, "alias table", "", "table", "", BY(ROUTED)|BY(CTLD), \
	  "A table of aliases: text or bdb, then its path below folders "	\
	  "tables. The first table that knows a name decides; "		\
	  "see aliases(5).")

#define PARAMS_pop3d(P)							\
	P(timeout, ms, "pop3 timeout", "10m", "1s", "1d", BY(POP3D),	\
	  "Wait for a command; RFC 1939 3 asks at least 10 minutes.")

#define PARAMS_imapd(P)							\
	P(timeout, ms, "imap timeout", "30m", "1s", "7d", BY(IMAPD),	\
	  "Wait for a command; RFC 3501 5.4 asks at least 30 minutes.")	\
	P(strict, flag, "imap strict", "no", "", "", BY(IMAPD),		\
	  "Take only DONE in IDLE (RFC 2177 by the letter).")

#define PARAMS_stored(P)						\
	P(layout, text, "mail layout", "%d/%u/Maildir", "layout", "",	\
	  BY(AUTHD)|BY(ROUTED),						\
	  "Maildir below the mail folder: %u local part, %d domain, %a address.") \
	P(owner, text, "mail owner", "", "", "", BY(MASTER),		\
	  "User that owns the Maildirs and runs stored; veredus-stored if empty.") \
	P(folders, list, "mail folders",				\
	  "Sent \\Sent,Drafts \\Drafts,Trash \\Trash,Junk \\Junk,Archive \\Archive", \
	  "folder", "", BY(STORED),					\
	  "Mailboxes of a new account and their special use (RFC 6154).")

#define PARAMS_auth(P)							\
	P(cache_ttl, ms, "auth cache", "5m", "0s", "1d", BY(AUTHD),	\
	  "How long a good password is remembered (as a keyed digest).")

#define PARAMS_rate(P)							\
	P(connections, num, "limit connections", "50", "1", "100000",	\
	  BY(RATED), "Connections at a time from one address.")		\
	P(failures, num, "limit failures", "10", "1", "100000",		\
	  BY(RATED), "Failed logins of one address before it is banned; " \
	  "how fast they are forgotten says `limit forget'.")		\
	P(network, num, "limit network", "5", "1", "1000", BY(RATED),	\
	  "A network (IPv4 /24, IPv6 /64) may do so many times what one " \
	  "address may.")						\
	P(half_life, ms, "limit forget", "5m", "1s", "7d", BY(RATED),	\
	  "After that time a failure counts half.")			\
	P(ban, ms, "limit ban", "10m", "1s", "30d", BY(RATED),		\
	  "First ban; each one that follows is twice as long.")		\
	P(ban_max, ms, "limit ban-max", "1d", "1s", "365d", BY(RATED),	\
	  "Longest ban; so long without one, and the next is short again.")

#define PARAMS_log(P)							\
	P(target, word, "log", "file", "file syslog journal", "", BY(LOGD), \
	  "Where lines go: file (in folders log), syslog or journal.")

#define PARAMS_remote(P)						\
	P(port, num, "remote port", "25", "1", "65535", BY(REMOTE),	\
	  "Port of other hosts; 25 but for tests.")			\
	P(helo, text, "remote helo", "", "host", "", BY(REMOTE),	\
	  "What we call ourselves to other hosts; hostname if empty.")	\
	P(source_ipv4, text, "remote source-ipv4", "", "", "", BY(REMOTE)|BY(QMGR), \
	  "Address to send from; the system's choice if empty.")	\
	P(source_ipv6, text, "remote source-ipv6", "", "", "", BY(REMOTE), \
	  "Address to send from; the system's choice if empty.")	\
	P(tls, word, "remote tls", "may", "may must never", "", BY(REMOTE), \
	  "STARTTLS with other hosts: if they can, always or never. Their " \
	  "certificates are not checked.")				\
	P(tls_memory, ms, "remote tls-memory", "1h", "0s", "7d", BY(REMOTE), \
	  "How long a host whose TLS failed is spoken to in clear.")	\
	P(idle, ms, "remote idle", "5s", "0s", "5m", BY(REMOTE),	\
	  "How long a connection waits for the next message of its lane.") \
	P(messages, num, "remote messages", "100", "1", "100000", BY(REMOTE), \
	  "Messages on one connection at most.")			\
	P(recipients, num, "remote recipients", "100", "1", "1000", BY(REMOTE), \
	  "Recipients of one transaction; RFC 5321 4.5.3.1.8 lets a host " \
	  "refuse more than 100.")					\
	P(connect_timeout, ms, "remote connect-timeout", "1m", "100ms", "1h", \
	  BY(REMOTE), "For connecting to all hosts of a domain together.") \
	P(greeting_timeout, ms, "remote greeting-timeout", "5m", "100ms", "1h", \
	  BY(REMOTE), "Wait for the greeting (RFC 5321 4.5.3.2.1).")	\
	P(tls_timeout, ms, "remote tls-timeout", "1m", "100ms", "1h",	\
	  BY(REMOTE), "Wait for the end of the TLS handshake.")		\
	P(mail_timeout, ms, "remote mail-timeout", "5m", "100ms", "1h",	\
	  BY(REMOTE), "Wait for the reply to EHLO, AUTH, RSET and MAIL "	\
	  "(RFC 5321 4.5.3.2.2).")					\
	P(rcpt_timeout, ms, "remote rcpt-timeout", "5m", "100ms", "1h",	\
	  BY(REMOTE), "Wait for the reply to RCPT (4.5.3.2.3).")		\
	P(data_timeout, ms, "remote data-timeout", "2m", "100ms", "1h",	\
	  BY(REMOTE), "Wait for the reply to DATA (4.5.3.2.4).")		\
	P(block_timeout, ms, "remote block-timeout", "3m", "100ms", "1h", \
	  BY(REMOTE), "Wait for a block of the message to be taken (4.5.3.2.5).") \
	P(dot_timeout, ms, "remote dot-timeout", "10m", "100ms", "2h",	\
	  BY(REMOTE), "Wait for the reply to the end of the message "	\
	  "(4.5.3.2.6).")						\
	P(quit_timeout, ms, "remote quit-timeout", "10s", "100ms", "5m", \
	  BY(REMOTE), "Wait for the reply to QUIT.")			\
	P(transports, list, "transport", "", "transport", "", BY(REMOTE), \
	  "A domain and the host that takes its mail in place of its MX: " \
	  "HOST, HOST:PORT, [ADDRESS]:PORT or lmtp:HOST:PORT.")		\
	P(smarthost, text, "smarthost host", "", "", "", BY(REMOTE),	\
	  "HOST or HOST:PORT that takes all mail that travels.")		\
	P(smarthost_user, text, "smarthost user", "", "", "", BY(REMOTE), \
	  "Name to log in with; no AUTH if empty.")			\
	P(smarthost_wrapped, flag, "smarthost implicit-tls", "no", "", "",	\
	  BY(REMOTE), "TLS from the first octet, as on port 465, in place of " \
	  "STARTTLS.")							\
	P(smarthost_tls, word, "smarthost tls", "verify",		\
	  "verify must may never", "", BY(REMOTE),			\
	  "verify: TLS with a certificate that is good and names the host; " \
	  "must: TLS with any. A password is never said without TLS.")

#define PARAMS_resolver(P)						\
	P(addresses, list, "resolver address", "", "server", "", BY(RESOLVD), \
	  "A DNS resolver, best first: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; " \
	  "without any, those of /etc/resolv.conf.")			\
	P(trust_ad, flag, "resolver trust-ad", "no", "", "", BY(RESOLVD), \
	  "The resolvers validate DNSSEC: believe their AD bit, if they are " \
	  "on a loopback address.")					\
	P(timeout, ms, "resolver timeout", "2s", "50ms", "30s", BY(RESOLVD), \
	  "Wait for one resolver before another is asked.")		\
	P(rounds, num, "resolver rounds", "3", "1", "10", BY(RESOLVD),	\
	  "How often each resolver is asked one question.")		\
	P(deadline, ms, "resolver deadline", "15s", "100ms", "50s", BY(RESOLVD), \
	  "After that a question is answered: later.")			\
	P(random_case, flag, "resolver random-case", "no", "", "", BY(RESOLVD), \
	  "Ask in random upper and lower case and want it back, which makes " \
	  "forged answers harder; a few servers fail.")			\
	P(questions, num, "resolver questions", "200", "1", "5000", BY(RESOLVD), \
	  "Questions open at a time; more of them wait.")		\
	P(waiting, num, "resolver waiting", "5000", "1", "100000", BY(RESOLVD), \
	  "Questions that wait for that; more are answered: later.")	\
	P(cache, size, "resolver cache", "16M", "64k", "4G", BY(RESOLVD), \
	  "Memory for answers that are remembered.")			\
	P(ttl_min, ms, "resolver ttl-min", "1s", "0s", "1h", BY(RESOLVD), \
	  "An answer is remembered at least so long.")			\
	P(ttl_max, ms, "resolver ttl-max", "1d", "1s", "7d", BY(RESOLVD), \
	  "And at most so long.")					\
	P(negative_max, ms, "resolver negative-max", "1h", "0s", "1d",	\
	  BY(RESOLVD), "That something is not there is remembered at most " \
	  "so long (RFC 2308 5).")					\
	P(failure_ttl, ms, "resolver failure-ttl", "5s", "0s", "5m",	\
	  BY(RESOLVD), "A resolver's SERVFAIL is remembered so long "	\
	  "(RFC 9520).")

#define PARAM_OPTIONS(O)						\
	O("tls", "cert", "path", "Certificate and chain of that name.")	\
	O("tls", "key", "path", "Its private key.")			\
	O("tls", "second-cert", "path", "One with another kind of key.") \
	O("tls", "second-key", "path", "Its private key.")		\
	O("domain", "catch-all", "address",				\
	  "Takes what is addressed to no account and no alias of the domain.")

#endif
