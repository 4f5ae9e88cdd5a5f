/* SPDX-License-Identifier: ISC */
/*
 * A whole POP3 session hears the bytes.  The other processes answer as they
 * would; what is checked: each answer ends its line, nothing is removed
 * before QUIT was said, and only messages that were shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "event/loop.h"
#include "mail/index.h"
#include "pop3d/session.h"

#include "../lib/fakedaemon.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSES	20000
#define MAILS	3

static const enum proc kinds[] = { AUTHD, RATED, STORED };
static bool quit_was_said;

/* --- what pop3d.c defines ------------------------------------------------- */

struct tls_server *
pop3d_tls(void)
{
	return NULL;
}

/* --- the others ----------------------------------------------------------- */

static void
require(bool claim)
{
	if (!claim)
		abort();
}

static int
file_of(struct str content)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	require(fd >= 0 && file_write(fd, content) == 0);
	require(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL) == 0);
	return fd;
}

static int
index_file(void)
{
	static uint8_t bytes[INDEX_HEADER_SIZE + MAILS * INDEX_RECORD_SIZE];
	struct index_header h = { .version = INDEX_VERSION, .generation = 1,
	    .uidvalidity = 17, .uidnext = 100, .records = MAILS };
	uint32_t i;

	index_header_put(&h, bytes);
	for (i = 0; i < MAILS; i++) {
		struct index_record r = { .uid = 5 + 2 * i, .modseq = 1,
		    .wire_size = 40 };

		index_record_put(&r, bytes + INDEX_HEADER_SIZE +
		    i * INDEX_RECORD_SIZE);
	}
	return file_of(str_mem(bytes, sizeof(bytes)));
}

static void
answer(struct fake *f, const struct note *ask, struct note *n)
{
	n->ticket = ask->ticket;
	fake_say(f, n);
	if (n->fd >= 0)
		(void)close(n->fd);
}

static void
check_expunge(const struct note_store_expunge *n)
{
	struct str set = n->set, one;
	uint32_t uid;

	require(quit_was_said);
	while (set.n > 0) {
		one = str_until(&set, ',');
		require(str_u32(str_until(&one, ':'), &uid));
		require(uid == 5 || uid == 7 || uid == 9);
		require(one.n == 0 || str_u32(one, &uid));
		require(uid == 5 || uid == 7 || uid == 9);
	}
}

static void
on_ask(struct fake *f, const struct note *ask)
{
	struct note n;

	switch (ask->kind) {
	case NOTE_RATE_ASK:
		note_init(&n, NOTE_RATE_VERDICT);
		break;
	case NOTE_AUTH_CHECK:
		note_init(&n, NOTE_AUTH_VERDICT);
		n.u.auth_verdict.result = str_same(
		    ask->u.auth_check.secret, "secret") ? AUTH_OK : AUTH_NO;
		n.u.auth_verdict.account = STR("joe@example.org");
		break;
	case NOTE_STORE_LOGIN:
		note_init(&n, NOTE_STORE_LOGGED);
		n.u.store_logged.login = 1;
		break;
	case NOTE_STORE_OPEN:
		note_init(&n, NOTE_STORE_OPENED);
		n.u.store_opened.box = 1;
		n.u.store_opened.records = MAILS;
		n.u.store_opened.uidvalidity = 17;
		note_set_fd(&n, index_file());
		break;
	case NOTE_STORE_BODY:
		note_init(&n, NOTE_STORE_FILE);
		n.u.store_file.size = 23;
		note_set_fd(&n, file_of(STR("Subject: x\n\n.\n..x\nend\n")));
		break;
	case NOTE_STORE_EXPUNGE:
		check_expunge(&ask->u.store_expunge);
		note_init(&n, NOTE_STORE_DONE);
		break;
	default:
		return;
	}
	answer(f, ask, &n);
}

static bool
serve(struct fake *f)
{
	struct note n;
	bool any = false;

	while (fake_next(f, &n)) {
		any = true;
		on_ask(f, &n);
		if (n.fd >= 0)
			(void)close(n.fd);
	}
	return any;
}

/* --- the client ------------------------------------------------------------ */

static void
no_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

static void
hear(int fd, struct buf *in)
{
	uint8_t piece[4096];
	ssize_t r;

	while (fd >= 0 && (r = recv(fd, piece, sizeof(piece),
	    MSG_DONTWAIT)) > 0)
		buf_mem(in, piece, (size_t)r);
}

static void
settle(int fd, struct buf *in)
{
	size_t quiet = 0, n, had;

	for (n = 0; quiet < 2; n++) {
		had = in->len;
		require(n < PASSES);
		loop_once(0);
		clock_turn(1000);
		loop_run_timers();
		quiet = serve(&fakes.peer[0]) + serve(&fakes.peer[1]) +
		    serve(&fakes.peer[2]) > 0 ?
		    0 : quiet + 1;
		hear(fd, in);
		if (in->len != had)
			quiet = 0;
	}
}

static void
say(int fd, struct str s, struct buf *in)
{
	while (s.n > 0) {
		ssize_t r = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (r > 0)
			s = str_from(s, (size_t)r);
		else if (errno != EAGAIN)
			break;
		settle(fd, in);
	}
}

static void
begin(void)
{
	struct why why;

	log_set_sink(no_log, NULL);
	loop_init();
	clock_freeze(1700000000000);
	conf_init(&fakes.conf);
	require(conf_row(&fakes.conf, STR("hostname"), STR("mail.example.org"),
	    &why) == 0);
	require(conf_row(&fakes.conf, STR("cleartext-logins"), STR("yes"),
	    &why) == 0);
	require(conf_row(&fakes.conf, STR("pop3 timeout"), STR("1d"), &why) == 0);
	fakes_begin(POP3D, kinds, NITEMS(kinds), NULL);
}

static void
end(void)
{
	for (size_t i = 0; i < NITEMS(kinds); i++)
		fake_free(&fakes.peer[i]);
	conf_free(&fakes.conf);
	clock_thaw();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_mem(data, size);
	struct buf in;
	int fd[2];

	if (size > 20000)
		return 0;
	begin();
	buf_init(&in, 64 << 20);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, fd) == 0);
	pop3_client(fd[0], "pop3", STR("192.0.2.1"));
	settle(fd[1], &in);
	quit_was_said = str_ifind(bytes, STR("QUIT")) < bytes.n;
	say(fd[1], bytes, &in);
	settle(fd[1], &in);
	require(str_starts(buf_str(&in), "+OK ") &&
	    str_ends(buf_str(&in), "\r\n"));
	(void)close(fd[1]);
	settle(-1, &in);
	require(pop3_count() == 0);
	buf_free(&in);
	end();
	return 0;
}
