/* SPDX-License-Identifier: ISC */
/*
 * A whole session of smtpd hears the bytes, with all its peers answering.
 * The first byte says which port, and what the peers say.  It may refuse, but
 * every line it says is a reply, what it commits has CRLF and no NUL, has the
 * size and the recipients it names, and nothing is left when it is over.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "event/loop.h"
#include "mail/header.h"
#include "tests/fuzz/smtpd.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t replay_cuts = 256;	/* each a whole session: see replay.c */

#define PASSES	20000

static struct {
	bool		is_begun;
	unsigned	mood;		/* of the peers */
	unsigned	recipients;	/* SPOOL_RCPTs since the last commit */
	unsigned	committed, accepted;
	int		large;
} w;

static const enum proc kinds[] = { AUTHD, RATED, ROUTED, STORED, SPOOLD,
    SIGND, CHECKD };

/* --- smtpd.c as the session sees it --------------------------------------- */

void
smtpd_accepted(void)
{
	w.accepted++;
}

/* --- the peers ------------------------------------------------------------ */

static void
check_added(struct str added)
{
	struct header h;
	struct header_field f;

	/* on top what signd or checkd said, then ours */
	header_init(&h, added);
	while (header_next(&h, &f) && !str_is(f.name, "Received"))
		if (!str_is(f.name, "DKIM-Signature") &&
		    !str_is(f.name, "Authentication-Results"))
			abort();
	if (!str_is(f.name, "Received") || !str_ends(added, "\r\n") ||
	    str_has_nul(added) || !str_is_ascii(added) ||
	    str_find(added, STR("\r\n\r\n")) < added.n)
		abort();
}

static void
answer_commit(const struct note *n, struct note *out)
{
	const struct note_spool_commit *c = note_as_spool_commit(n);
	bool is_large = (c->flags & SPOOL_LARGE) != 0;

	if (c->recipients != w.recipients || c->recipients == 0 ||
	    ((c->flags & SPOOL_AUTHED) != 0) != (c->grant.n > 0))
		abort();
	check_content(is_large ? w.large : n->fd, c->size);
	check_added(c->added);
	w.recipients = 0;
	note_init(out, NOTE_SPOOL_DONE);
	out->u.spool_done.failed = w.mood & 8 ? 1 : 0;
	w.committed += out->u.spool_done.failed == 0;
}

static void
say_route(struct fake *f, const struct note *n)
{
	const struct note_route_ask *ask = note_as_route_ask(n);
	struct note row, done;

	note_init(&done, NOTE_ROUTE_DONE);
	done.ticket = n->ticket;
	done.u.route_done.result = str_iends(ask->address, STR("org")) ||
	    ask->may_relay ? ROUTE_OK : ROUTE_UNKNOWN;
	if (done.u.route_done.result == ROUTE_OK) {
		note_init(&row, NOTE_ROUTE_ROW);
		row.ticket = n->ticket;
		row.u.route_row.address = ask->address;
		row.u.route_row.account = ask->address;
		done.u.route_done.targets = 1;
		fake_say(f, &row);
	}
	fake_say(f, &done);
}

static void
serve(struct fake *f, const struct note *n)
{
	struct note out;
	int fd = n->fd;

	note_init(&out, NOTE_RATE_VERDICT);
	switch (n->kind) {
	case NOTE_RATE_ASK:
		break;
	case NOTE_AUTH_CHECK:
		note_init(&out, NOTE_AUTH_VERDICT);
		out.u.auth_verdict.result = w.mood & 4 ? AUTH_NO : AUTH_OK;
		out.u.auth_verdict.account = STR("joe@example.org");
		out.u.auth_verdict.grant = STR("grant");
		break;
	case NOTE_ROUTE_ASK:
		say_route(f, n);
		return;
	case NOTE_SPOOL_RCPT:
		w.recipients++;
		return;
	case NOTE_SIGN_ASK:
		note_init(&out, NOTE_SIGN_DONE);
		out.u.sign_done.added = STR("DKIM-Signature: x\r\n");
		break;
	case NOTE_CHECK_ASK:
		note_init(&out, NOTE_CHECK_DONE);
		out.u.check_done.added =
		    STR("Authentication-Results: x; none\r\n");
		out.u.check_done.action = w.mood & 16 ? CHECK_REJECT :
		    CHECK_ACCEPT;
		out.u.check_done.code = 550;
		out.u.check_done.status = STR("5.7.26");
		break;
	case NOTE_SPOOL_CANCEL:
		w.recipients = 0;
		return;
	case NOTE_SPOOL_OPEN:
		give_view(f, n->ticket, &w.large);
		note_init(&out, NOTE_SPOOL_FILE);
		note_set_fd(&out, w.large);
		break;
	case NOTE_SPOOL_COMMIT:
		answer_commit(n, &out);
		break;
	default:
		return;
	}
	fd_close(&fd);
	out.ticket = n->ticket;
	fake_say(f, &out);
}

/* --- the client ----------------------------------------------------------- */

static bool
hear(int fd, struct buf *in)
{
	uint8_t *p = buf_grow(in, 65536);
	ssize_t r = p == NULL ? 0 : recv(fd, p, 65536, MSG_DONTWAIT);

	if (p != NULL)
		buf_grown(in, r > 0 ? (size_t)r : 0);
	return r > 0;
}

static void
settle(int fd, struct buf *in)
{
	struct note n;

	for (size_t pass = 0, quiet = 0; quiet < 3; pass++) {
		if (pass == PASSES)
			abort();
		quiet++;
		loop_once(0);
		for (size_t i = 0; i < NITEMS(kinds); i++)
			while (fake_next(&fakes.peer[i], &n)) {
				serve(&fakes.peer[i], &n);
				quiet = 0;
			}
		if (hear(fd, in))
			quiet = 0;
	}
}

static void
begin(void)
{
	struct why why;

	if (w.is_begun)
		return;
	w.is_begun = true;
	w.large = -1;
	log_set_sink(no_log, NULL);
	loop_init();
	digest_warm();
	conf_init(&fakes.conf);
	if (conf_row(&fakes.conf, STR("hostname"), STR("mx.example.org"),
	    &why) != 0 || conf_row(&fakes.conf, STR("domain"),
	    STR("example.org"), &why) != 0 || conf_row(&fakes.conf,
	    STR("cleartext-logins"), STR("yes"), &why) != 0)
		abort();
	fakes_begin(SMTPD, kinds, NITEMS(kinds), NULL);
}

/* Every line is "ddd-" or "ddd ", but the challenges of AUTH have no end of
 * their own to check. */
static void
check_replies(struct str all)
{
	struct str line;
	uint64_t code;

	if (all.n > 0 && !str_ends(all, "\r\n"))
		abort();
	while (all.n > 0) {
		if (!str_line(&all, &line) || line.n < 4 ||
		    !str_u64(str_sub(line, 0, 3), 599, &code) || code < 200 ||
		    (line.p[3] != ' ' && line.p[3] != '-') ||
		    !str_is_print(line) || line.n > 510)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const services[] = { "smtp", "submission", "submit",
	    "smtp" };
	struct str s = str_mem(data, size);
	struct buf in;
	int fd[2];

	if (size < 1 || size > 600000)
		return 0;
	clock_freeze(1700000000000);
	begin();
	w.mood = data[0];
	w.recipients = w.committed = w.accepted = 0;
	s = str_from(s, 1);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fd) != 0)
		abort();
	buf_init(&in, 64 << 20);
	smtp_client(fd[0], services[w.mood & 3], STR("192.0.2.1"));
	settle(fd[1], &in);
	for (int stuck = 0; s.n > 0 && stuck < 50;) {
		ssize_t r = send(fd[1], s.p, s.n, MSG_NOSIGNAL);

		if (r < 0 && errno != EAGAIN)
			break;
		s = str_from(s, r > 0 ? (size_t)r : 0);
		stuck = r > 0 ? 0 : stuck + 1;
		settle(fd[1], &in);
		clock_turn(100);	/* slow answers to errors */
		loop_run_timers();
	}
	(void)shutdown(fd[1], SHUT_WR);
	for (int i = 0; i < 30 && smtp_count() > 0; i++) {
		settle(fd[1], &in);
		clock_turn(i < 20 ? 100 : 400000);
		loop_run_timers();
	}
	settle(fd[1], &in);
	if (smtp_count() != 0 || w.accepted != w.committed)
		abort();
	check_replies(buf_str(&in));
	buf_free(&in);
	(void)close(fd[1]);
	return 0;
}
