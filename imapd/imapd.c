/* SPDX-License-Identifier: ISC */
/*
 * imapd/imapd.c - veredus-imapd: IMAP4rev1 for the mailboxes of stored.
 *
 * Comes in: clients on the services imap and imaps, answers of rated, authd
 * and stored.  Goes out: answers to clients, questions to those three.
 * Never: opens a file or a socket, writes to a mailbox, knows a password
 * longer than its check, acts for an account whose grant it was not given.
 */
#include "imapd/imapd.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/cert.h"
#include "daemon/daemon.h"
#include "daemon/login.h"
#include "imapd/box.h"
#include "imapd/session.h"

#include "base/banned.h"

#define DRAIN_TEXT	"[UNAVAILABLE] The server is going down"

struct imapd imapd = { .page = { .fd = -1 }, .window = { .fd = -1 } };

static void
load_certificate(void)
{
	cert_load("imap", &imapd.tls);
}

static void
on_key(const char *name)
{
	if (strcmp(name, "ticket") == 0)
		cert_tickets(imapd.tls);
}

/* --- what daemon.c calls ------------------------------------------------- */

static bool
start(void)
{
	list_init(&imapd.sessions);
	dict_init(&imapd.boxes);
	load_certificate();
	return true;
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (c->peer == STORED)
		box_on_note(c, n);
}

static void
on_peer_gone(struct chan *c)
{
	if (c->peer == STORED)
		session_stored_gone(c);
}

static void
on_client(int fd, const char *service, struct str peer)
{
	session_new(fd, str_is(str_of(service), "imaps") ? "imaps" : "imap",
	    peer);
}

static void
end_idle_one(struct session *s, void *arg)
{
	if (!s->is_busy)
		session_bye(s, DRAIN_TEXT);
	else
		s->is_draining = true;
}

/* Commands that run are finished; session.c calls imapd_drained when the
 * last session is gone. */
static void
on_drain(int64_t within_ms)
{
	imapd.is_draining = true;
	session_each(end_idle_one, NULL);
	imapd_look_for_end();
}

void
imapd_look_for_end(void)
{
	if (imapd.is_draining && list_empty(&imapd.sessions))
		daemon_exit();
}

static void
count_one(struct session *s, void *arg)
{
	uint64_t *n = arg;

	n[0]++;
	n[1] += (s->state & IN_LOGGED) != 0;
	n[2] += s->state == IN_SELECTED;
}

static void
on_stat(void)
{
	uint64_t n[3] = { 0 };

	session_each(count_one, n);
	daemon_stat("sessions", n[0]);
	daemon_stat("logged-in", n[1]);
	daemon_stat("selected", n[2]);
	daemon_stat("logins", imapd.logins);
	daemon_stat("quirks", imapd.quirks);
}

static const struct daemon_ops ops = {
	.kind = IMAPD,
	.start = start,
	.on_peer = login_on_peer,
	.on_note = on_note,
	.on_peer_gone = on_peer_gone,
	.on_client = on_client,
	.on_reload = load_certificate,
	.on_key = on_key,
	.on_drain = on_drain,
	.on_stat = on_stat,
};

int
main(int argc, char **argv)
{
	daemon_main(&ops, argc, argv);
}
