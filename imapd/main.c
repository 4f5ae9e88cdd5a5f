/* SPDX-License-Identifier: ISC */
/*
 * imapd/main.c - veredus-imapd: IMAP4rev1 for the mailboxes of stored.
 *
 * Comes in: clients on the services imap and imaps, answers of rated, authd
 * and stored.  Goes out: answers to clients, questions to those three.
 * Never: opens a file or a socket, writes to a mailbox, knows a password
 * longer than its check, acts for an account whose grant it was not given.
 */
#include "imapd/imapd.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "imapd/box.h"
#include "imapd/session.h"

#include "base/banned.h"

#define PEM_MAX		(256 * 1024)
#define DRAIN_TEXT	"[UNAVAILABLE] The server is going down"

struct imapd imapd = { .page = { .fd = -1 }, .window = { .fd = -1 } };

/* --- certificate --------------------------------------------------------- */

static bool
read_pem(const char *name, struct buf *out)
{
	int fd = daemon_file(name);

	buf_init(out, PEM_MAX);
	return fd >= 0 && file_read_fd(fd, out) == 0;
}

/* A certificate that cannot be used leaves the old one in place. */
static void
load_certificate(void)
{
	struct tls_server *tls;
	struct buf cert, key;
	struct why why;
	bool have = read_pem("tls-cert", &cert);

	have = read_pem("tls-key", &key) && have;
	if (have && tls_server_new(buf_str(&cert), buf_str(&key), "imap",
	    &tls, &why) == 0) {
		struct str ticket = daemon_key("ticket");

		if (ticket.n > 0)
			tls_server_tickets(tls, &ticket, 1);
		if (imapd.tls != NULL)
			tls_server_unref(imapd.tls);
		imapd.tls = tls;
	} else if (have)
		log_say(LOG_LEVEL_ERROR, "imap-bad-certificate", "%s",
		    why.text);
	buf_free(&cert);
	buf_wipe(&key);
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
	.on_note = on_note,
	.on_peer_gone = on_peer_gone,
	.on_client = on_client,
	.on_reload = load_certificate,
	.on_drain = on_drain,
	.on_stat = on_stat,
};

int
main(int argc, char **argv)
{
	daemon_main(&ops, argc, argv);
}
