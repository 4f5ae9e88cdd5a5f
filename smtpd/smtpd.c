/* SPDX-License-Identifier: ISC */
/*
 * smtpd/smtpd.c - the process that speaks SMTP with those who bring mail.
 *
 * In: connected sockets, by service; the certificate; channels to rated (may
 * this address come in), authd (is this the password), routed (where does
 * this address go) and spoold (write it down), which also brings what waited
 * in maildrop.  Out: messages, to spoold.
 *
 * It opens no file and makes no connection; it never says 250 to a message
 * that spoold has not written down; it never relays for a stranger, for it
 * cannot: routed decides that, and spoold checks the grant.
 *
 * RFC 5321 and the extensions in lib/smtp/ext.c; RFC 6409 (submission),
 * RFC 8314 (TLS from the first octet).
 */
#include "smtpd/session.h"

#include <string.h>

#include "base/log.h"
#include "daemon/cert.h"

#include "base/banned.h"


static struct {
	struct tls_server	*tls;	/* NULL: no certificate */
	uint64_t		accepted;
} smtpd;

struct tls_server *
smtpd_tls(void)
{
	return smtpd.tls;
}

void
smtpd_accepted(void)
{
	smtpd.accepted++;
}

static void
load_tls(void)
{
	cert_load("smtp", &smtpd.tls);
}

static void
on_key(const char *name)
{
	if (strcmp(name, "ticket") == 0)
		cert_tickets(smtpd.tls);
}

static void
before_cage(void)
{
	digest_warm();
}

static bool
start(void)
{
	load_tls();
	return true;
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_DROP_MAIL)
		drop_note(c, n);
}

static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	smtp_drain_all();
}

static void
on_stat(void)
{
	daemon_stat("sessions", smtp_count());
	daemon_stat("of-maildrop", drop_count());
	daemon_stat("accepted", smtpd.accepted);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = SMTPD, .before_cage = before_cage, .start = start,
		.on_client = smtp_client, .on_note = on_note,
		.on_peer_gone = drop_peer_gone, .on_reload = load_tls,
		.on_key = on_key,
		.on_drain = on_drain, .on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
