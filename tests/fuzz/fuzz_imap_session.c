/* SPDX-License-Identifier: ISC */
/*
 * A whole session of imapd, logged in and with a mailbox of two messages,
 * hears the bytes; a second one has the same mailbox open.  It may say no,
 * but it never crashes, never stops answering, and its every line ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "event/loop.h"
#include "imapd/imapd.h"
#include "imapd/session.h"
#include "tests/talk/toystore.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSES	20000

static void
no_log(enum log_level level, struct str line, struct str mid, void *arg)
{
}

static void
hear(int fd, struct buf *in)
{
	ssize_t r;

	do {
		uint8_t *p = buf_grow(in, 65536);

		r = p == NULL ? 0 : recv(fd, p, 65536, MSG_DONTWAIT);
		if (p != NULL)
			buf_grown(in, r > 0 ? (size_t)r : 0);
	} while (r > 0);
}

/* Until nothing happens any more. */
static void
settle(int fd, struct buf *in)
{
	size_t quiet = 0, n, had;

	for (n = 0; quiet < 2; n++) {
		had = in->len;
		if (n == PASSES)
			abort();
		loop_once(0);
		quiet = toy_serve(&toy) ? 0 : quiet + 1;
		hear(fd, in);
		if (in->len != had)
			quiet = 0;
	}
}

static int
client(struct buf *in)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fd) != 0)
		abort();
	session_new(fd[0], "imap", STR("192.0.2.1"));
	settle(fd[1], in);
	return fd[1];
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
end_one(struct session *s, void *arg)
{
	session_bye(s, "Enough");
}

static const char prologue[] = "a LOGIN joe@example.org secret\r\n"
    "a APPEND INBOX (work) {31+}\r\nSubject: one\r\nFrom: a@b\r\n\r\ntext"
    "\r\n"
    "a APPEND INBOX (\\Deleted) {90+}\r\nSubject: two\r\nContent-Type: "
    "multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo"
    "\r\n--b--\r\n\r\n"
    "a SELECT INBOX\r\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf in, other_in;
	int fd, other;

	if (size > 20000)
		return 0;
	log_set_sink(no_log, NULL);
	loop_init();
	toy_world_begin();
	buf_init(&in, 64 << 20);
	buf_init(&other_in, 64 << 20);
	fd = client(&in);
	say(fd, str_of(prologue), &in);
	if (!str_ends(buf_str(&in), "a OK [READ-WRITE] Selected\r\n"))
		abort();
	other = client(&other_in);
	say(other, STR("a LOGIN joe@example.org secret\r\na SELECT INBOX\r\n"
	    "a IDLE\r\n"), &other_in);
	say(fd, str_mem(data, size), &in);
	settle(other, &other_in);
	say(other, STR("DONE\r\n"), &other_in);
	if (!str_ends(buf_str(&other_in), "a OK IDLE ended\r\n") ||
	    (in.len > 0 && !str_ends(buf_str(&in), "\n")))
		abort();
	session_each(end_one, NULL);
	settle(fd, &in);
	(void)close(fd);
	(void)close(other);
	settle(-1, &in);
	if (!list_empty(&imapd.sessions))
		abort();
	toy_world_end();
	buf_free(&in);
	buf_free(&other_in);
	return 0;
}
