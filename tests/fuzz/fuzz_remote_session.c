/* SPDX-License-Identifier: ISC */
/*
 * Whole attempts of remote against a hostile server: sockets, timers and TLS
 * of delivery/conn.c, the life of delivery/job.c; dial.c is played here.
 *
 * The first octet chooses LMTP, how much is sent at a time and how the server
 * ends.  The rest is what servers say: 0xff ends one connection, the next one
 * says what follows.  Two messages are tried, one after the other.
 *
 * Held: each recipient has exactly one row, then comes one REMOTE_DONE; what
 * is said in clear are whole lines; nothing is left when the time is over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "delivery/job.h"
#include "delivery/look.h"
#include "delivery/memo.h"

#include "../lib/fakedaemon.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEOPLE = 3, PASSES = 5000, ROUNDS = 60 };
static const enum proc kinds[] = { QMGR, SPOOLD, RESOLVD };

static struct {
	bool		is_begun;
	struct str	script;		/* what servers still have to say */
	unsigned	how;
	int		server;		/* of the connection that is there */
	struct dial	*dial;		/* waits for one */
	unsigned	rows[PEOPLE], done;
} w = { .server = -1 };

void
remote_look_at_end(void)
{
}

/* --- dial.c --------------------------------------------------------------- */

static void
on_end_of_list(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, step);
	struct dial_result r = { .fd = -1 };

	d->fn(d->arg, &r);
}

void
dial_init(struct dial *d)
{
	d->at = 0;
	d->is_temporary = true;
	timer_init(&d->step, on_end_of_list);
}

void
dial_next(struct dial *d)
{
	if (d->at >= d->hosts.n || w.script.n == 0)
		timer_set(&d->step, 0);
	else
		w.dial = d;
}

void
dial_stop(struct dial *d)
{
	timer_stop(&d->step);
	if (w.dial == d)
		w.dial = NULL;
}

void
dial_again(struct dial *d, const struct dial_result *r)
{
	d->at = r->host;
}

void
dial_cut(struct dial *d, size_t host)
{
	d->hosts.n = host;
}

static void
connect_one(void)
{
	struct dial *d = w.dial;
	struct dial_result r = { .host = d->at++ };
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fd) != 0)
		abort();
	fd_close(&w.server);
	w.server = fd[1];
	w.dial = NULL;
	r.fd = fd[0];
	r.address.family = w.how & 2 ? AF_INET6 : AF_INET;
	memcpy(r.text, "x:25", 5);
	d->fn(d->arg, &r);
}

/* --- the peers ------------------------------------------------------------ */

static void
say(struct fake *f, struct note *n, uint32_t ticket)
{
	n->ticket = ticket;
	fake_say(f, n);
}

static void
say_hosts(struct fake *f, uint32_t ticket)
{
	struct note n;

	for (uint32_t i = 0; i < 3; i++) {
		note_init(&n, NOTE_DNS_ROW);
		n.u.dns_row.preference = i;
		n.u.dns_row.data = STR("mx.example.net");
		say(f, &n, ticket);
	}
	note_init(&n, NOTE_DNS_DONE);
	say(f, &n, ticket);
}

static void
say_body(struct fake *f, uint32_t ticket)
{
	static const char text[] = "A: b\r\n\r\n.c\r\n";
	int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct note n;

	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		abort();
	note_init(&n, NOTE_SPOOL_BODY);
	n.u.spool_body.size = sizeof(text) - 1;
	n.u.spool_body.added = STR("X: y\r\n");
	note_set_fd(&n, fd);
	say(f, &n, ticket);
	(void)close(fd);
}

static void
serve(struct fake *f, const struct note *n)
{
	uint32_t ticket = n->ticket;

	switch (n->kind) {
	case NOTE_DNS_ASK:
		say_hosts(f, ticket);
		break;
	case NOTE_SPOOL_READ:
		say_body(f, ticket);
		break;
	case NOTE_REMOTE_ROW:
		if (n->u.remote_row.number >= PEOPLE || w.done > 0)
			abort();
		w.rows[n->u.remote_row.number]++;
		break;
	case NOTE_REMOTE_DONE:
		w.done++;
		break;
	default:
		break;
	}
}

/* Octets of a handshake are not lines. */
static bool
listen_to_it(void)
{
	char text[65536];

	return w.server >= 0 &&
	    recv(w.server, text, sizeof(text), MSG_DONTWAIT) > 0;
}

static void
settle(void)
{
	struct note n;

	for (size_t pass = 0, quiet = 0; quiet < 3; pass++) {
		if (pass == PASSES)
			abort();
		quiet++;
		loop_run_timers();
		loop_once(0);
		for (size_t i = 0; i < NITEMS(kinds); i++)
			while (fake_next(&fakes.peer[i], &n)) {
				serve(&fakes.peer[i], &n);
				quiet = 0;
			}
		if (w.dial != NULL) {
			connect_one();
			quiet = 0;
		}
		if (listen_to_it())
			quiet = 0;
	}
}

/* --- a run ---------------------------------------------------------------- */

static void
no_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	if (n->kind == NOTE_REMOTE_RCPT)
		job_rcpt(c, n);
	else if (n->kind == NOTE_REMOTE_TRY)
		job_try(c, n);
}

static void
begin(void)
{
	struct why why;

	if (w.is_begun)
		return;
	w.is_begun = true;
	log_set_sink(no_log, NULL);
	loop_init();
	digest_warm();
	conf_init(&fakes.conf);
	if (conf_row(&fakes.conf, STR("hostname"), STR("mx.example.org"),
	    &why) != 0)
		abort();
	fakes_begin(REMOTE, kinds, NITEMS(kinds), on_note);
	hop_reload();
}

static void
try(uint32_t ticket)
{
	static const char *const people[] = { "a@x.example", "b@x.example",
	    "c@x.example" };
	struct note n;

	w.done = 0;
	memset(w.rows, 0, sizeof(w.rows));
	for (uint32_t i = 0; i < PEOPLE; i++) {
		note_init(&n, NOTE_REMOTE_RCPT);
		n.u.remote_rcpt.mid = STR("01arz3ndektsv4rrffq69g5fav");
		n.u.remote_rcpt.number = i;
		n.u.remote_rcpt.address = str_of(people[i]);
		say(&fakes.peer[0], &n, 0);
	}
	note_init(&n, NOTE_REMOTE_TRY);
	n.u.remote_try.mid = STR("01arz3ndektsv4rrffq69g5fav");
	n.u.remote_try.recipients = PEOPLE;
	n.u.remote_try.lane = STR("l");
	n.u.remote_try.nexthop = STR("x.example");
	n.u.remote_try.transport = w.how & 1;
	say(&fakes.peer[0], &n, ticket);
	settle();
}

/* The next piece of what the server says; at 0xff it closes. */
static void
speak(void)
{
	size_t end = str_chr(w.script, 0xff), n = w.how & 4 ? 9 : 4000;
	struct str piece = str_sub(w.script, 0, end < n ? end : n);
	ssize_t r;

	if (w.server < 0 || w.script.n == 0)
		return;
	if (piece.n == 0) {
		w.script = str_from(w.script, 1);
		fd_close(&w.server);
	} else {
		r = send(w.server, piece.p, piece.n, MSG_NOSIGNAL);
		if (r < 0 && errno != EAGAIN) {
			w.script = str_from(w.script, end);
			fd_close(&w.server);
		}
		w.script = str_from(w.script, r > 0 ? (size_t)r : 0);
	}
	settle();
}

static void
check(void)
{
	if (w.done != 1)
		abort();
	for (size_t i = 0; i < PEOPLE; i++)
		if (w.rows[i] != 1)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 200000)
		return 0;
	clock_freeze(1700000000000);
	begin();
	w.how = data[0];
	w.script = str_from(str_mem(data, size), 1);
	for (uint32_t ticket = 1; ticket <= 2; ticket++) {
		try(ticket);
		for (size_t i = 0; w.done == 0 && i <= size; i++)
			speak();
		for (int i = 0; w.done == 0 && i < ROUNDS; i++) {
			clock_turn(600000);
			settle();
		}
		check();
	}
	for (int i = 0; i < 3; i++) {
		conn_quit_all_idle();
		fd_close(&w.server);
		settle();
		clock_turn(600000);
		settle();
	}
	if (job_count() != 0 || conn_count() != 0)
		abort();
	memo_free();
	return 0;
}
