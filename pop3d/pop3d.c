/* SPDX-License-Identifier: ISC */
/*
 * pop3d/pop3d.c - the process that speaks POP3 with mail clients.
 *
 * Comes in: clients on the services pop3 and pop3s, answers of rated, authd
 * and stored.  Goes out: answers to clients, questions to those three.
 * Never: opens a file or a socket, writes to a mailbox, acts for an account
 * whose grant it was not given.
 *
 * RFC 1939 (POP3), RFC 2449 (CAPA), RFC 2595 (STLS), RFC 3206 (SYS/TEMP),
 * RFC 5034 (AUTH), RFC 8314 (TLS from the first octet).
 */
#include <string.h>

#include "daemon/cert.h"
#include "daemon/daemon.h"
#include "daemon/login.h"
#include "pop3d/session.h"

#include "base/banned.h"

static struct tls_server *tls;

struct tls_server *
pop3d_tls(void)
{
	return tls;
}

static void
load_certificate(void)
{
	cert_load("pop3", &tls);
}

static void
on_key(const char *name)
{
	if (strcmp(name, "ticket") == 0)
		cert_tickets(tls);
}

static bool
start(void)
{
	load_certificate();
	return true;
}

/* The snapshot of a session does not change: news are not for us. */
static void
on_note(struct chan *c, const struct note *n)
{
	(void)c, (void)n;
}

static void
on_peer_gone(struct chan *c)
{
	if (c->peer == STORED)
		pop3_stored_gone(c);
}

static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	pop3_drain();
}

static void
on_stat(void)
{
	daemon_stat("sessions", pop3_count());
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = POP3D, .start = start, .on_peer = login_on_peer,
		.on_note = on_note,
		.on_peer_gone = on_peer_gone, .on_client = pop3_client,
		.on_reload = load_certificate, .on_key = on_key, .on_drain = on_drain,
		.on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
