/* SPDX-License-Identifier: ISC */
/*
 * tools/submit.c - SMTP to run/submit, the client's side.
 *
 * Plain blocking code with a deadline for each reply: whoever started
 * sendmail waits.  smtpd knows who we are by the uid of the socket.
 */
#include "tools/sendmail.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "smtp/reply.h"

#include "base/banned.h"

#define REPLY_WAIT_MS	(5 * 60 * 1000)		/* RFC 5321 4.5.3.2 */
#define REPLY_MAX	65536
#define CODE_LOST	421

struct talk {
	int		fd;
	struct buf	in;
	struct buf	*said;
	char		text[SMTP_REPLY_LINE_MAX];	/* of the last reply */
};

int
submit_connect(struct cli *c)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int err, fd, n = snprintf(un.sun_path, sizeof(un.sun_path),
	    "%s/submit", cli_folder(c, "run"));

	if (n < 0 || (size_t)n >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		err = errno;
		(void)close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* More bytes of the reply; false when none will come. */
static bool
hear_more(struct talk *t)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	uint8_t *room;
	ssize_t n;

	if (poll(&p, 1, REPLY_WAIT_MS) != 1 ||
	    (room = buf_grow(&t->in, 4096)) == NULL ||
	    (n = read(t->fd, room, 4096)) <= 0)
		return false;
	buf_grown(&t->in, (size_t)n);
	return true;
}

/* One whole reply; its code, or CODE_LOST when the line is dead. */
static unsigned
hear(struct talk *t)
{
	struct smtp_answer a = { .code = 0 };
	int more = 1;

	while (more == 1) {
		struct str have = buf_str(&t->in);
		size_t end = str_chr(have, '\n');

		if (end == have.n) {
			if (hear_more(t))
				continue;
			break;
		}
		more = smtp_answer_line(&a, str_chomp(str_sub(have, 0, end)));
		(void)snprintf(t->text, sizeof(t->text), "%u %.*s", a.code,
		    STR_ARG(a.text));
		buf_consume(&t->in, end + 1);
	}
	if (more == 0)
		return a.code;
	(void)snprintf(t->text, sizeof(t->text), "%d the suite hung up",
	    CODE_LOST);
	return CODE_LOST;
}

static unsigned
say(struct talk *t, struct str text)
{
	return file_write(t->fd, text) == 0 ? hear(t) : CODE_LOST;
}

static unsigned
say_path(struct talk *t, const char *verb, struct str address,
    const char *params)
{
	struct buf b;
	unsigned code;

	buf_init(&b, 4096);
	buf_fmt(&b, "%s:<%.*s>%s\r\n", verb, STR_ARG(address), params);
	code = buf_failed(&b) ? 501 : say(t, buf_str(&b));
	buf_free(&b);
	return code;
}

/* Dots at the start of a line are doubled (RFC 5321 4.5.2). */
static unsigned
say_content(struct talk *t, const struct mail *m)
{
	struct str rest = buf_str(&m->content), line;
	struct buf out;
	unsigned code = CODE_LOST;
	bool ok = true;

	buf_init(&out, 2 * m->content.len + 16);
	while (str_line(&rest, &line)) {
		if (str_starts(line, "."))
			buf_c(&out, '.');
		buf_add(&out, line);
		buf_z(&out, "\r\n");
	}
	buf_z(&out, ".\r\n");
	ok = !buf_failed(&out) && file_write(t->fd, buf_str(&out)) == 0;
	buf_free(&out);
	if (ok)
		code = hear(t);
	return code;
}

static enum submit_result
refused(struct talk *t, unsigned code, struct str what)
{
	if (what.n > 0)
		buf_fmt(t->said, "%.*s: ", STR_ARG(what));
	buf_fmt(t->said, "%s\n", t->text);
	return code / 100 == 5 ? SUBMIT_REFUSED : SUBMIT_LATER;
}

/*
 * How many were taken.  m->to is put in order: first m->n_to that got a 4xx,
 * behind them those that were taken, for they must be tried again too if
 * DATA fails.  What was refused for good is gone.
 */
static size_t
say_recipients(struct talk *t, struct mail *m)
{
	size_t all = m->n_to, taken = 0, later = 0;

	for (size_t i = 0; i < all; i++) {
		struct str to = m->to[i];
		unsigned code = say_path(t, "RCPT TO", to, "");

		if (code / 100 == 2)
			m->to[later + taken++] = to;
		else if (refused(t, code, to) == SUBMIT_LATER) {
			m->to[later + taken] = m->to[later];
			m->to[later++] = to;
		}
	}
	m->n_to = later;
	return taken;
}

static enum submit_result
converse(struct talk *t, struct mail *m)
{
	size_t taken;
	unsigned code;

	if ((code = hear(t)) / 100 != 2 ||
	    (code = say(t, STR("EHLO localhost\r\n"))) / 100 != 2)
		return refused(t, code, STR(""));
	code = say_path(t, "MAIL FROM", m->sender,
	    m->is_8bit ? " BODY=8BITMIME" : "");
	if (code / 100 != 2)
		return refused(t, code, m->sender);
	taken = say_recipients(t, m);
	if (taken == 0)
		return m->n_to > 0 ? SUBMIT_LATER : SUBMIT_REFUSED;
	if ((code = say(t, STR("DATA\r\n"))) / 100 == 3)
		code = say_content(t, m);
	if (code / 100 == 2) {
		(void)say(t, STR("QUIT\r\n"));
		return SUBMIT_DONE;
	}
	m->n_to += taken;
	return refused(t, code, STR(""));
}

enum submit_result
submit_mail(struct cli *c, struct mail *m, struct buf *said)
{
	struct talk t = { .fd = submit_connect(c), .said = said };
	enum submit_result result;

	if (t.fd < 0)
		return SUBMIT_LATER;
	buf_init(&t.in, REPLY_MAX);
	result = converse(&t, m);
	buf_free(&t.in);
	(void)close(t.fd);
	return result;
}

/* --- -bs ----------------------------------------------------------------- */

/* Copies what is there; false at the end. */
static bool
pass_on(int from, int to)
{
	uint8_t block[16384];
	ssize_t n = read(from, block, sizeof(block));

	return n > 0 && file_write(to, str_mem(block, (size_t)n)) == 0;
}

int
submit_proxy(struct cli *c)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
	    { .events = POLLIN } };

	if ((p[1].fd = submit_connect(c)) < 0) {
		cli_say("the suite does not run: %s", strerror(errno));
		return EX_UNAVAILABLE;
	}
	while (poll(p, 2, -1) > 0 || errno == EINTR) {
		if (p[1].revents != 0 && !pass_on(p[1].fd, STDOUT_FILENO))
			break;
		if (p[0].revents != 0 && !pass_on(STDIN_FILENO, p[1].fd)) {
			/* the client has said all, smtpd may not have */
			(void)shutdown(p[1].fd, SHUT_WR);
			p[0].fd = -1;
		}
	}
	(void)close(p[1].fd);
	return EX_OK;
}
