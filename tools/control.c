/* SPDX-License-Identifier: ISC */
/*
 * tools/control.c - one question to the running suite (doc/control.md).
 *
 * Plain blocking code: a person waits at the other end.
 */
#include "tools/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/banned.h"

#define ANSWER_WAIT_MS	120000	/* a reload waits for its processes */
#define LINE_MAX_BYTES	(1 << 20)

static const struct {
	const char	*word;
	int		code;
} failures[] = {
	{ "0", EX_OK }, { "temp", EX_TEMPFAIL }, { "syntax", EX_USAGE },
	{ "gone", EX_NOINPUT }, { "denied", EX_NOPERM },
	{ "too-big", EX_DATAERR }, { "perm", EX_UNAVAILABLE },
};

static int
connect_control(struct cli *c)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path, sizeof(un.sun_path), "%s/control",
	    cli_folder(c, "run"));
	int fd;

	if (n < 0 || (size_t)n >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		int e = errno;

		(void)close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

bool
control_alive(struct cli *c)
{
	int fd = connect_control(c);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* As a word of the configuration file: quoted unless plain. */
static void
put_word(struct buf *b, const char *z)
{
	struct str s = str_of(z);
	bool is_plain = s.n > 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || strchr("\"\\;{},#", s.p[i]) != NULL)
			is_plain = false;
	if (is_plain) {
		buf_add(b, s);
		return;
	}
	buf_c(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_c(b, '\\');
		buf_c(b, s.p[i] < ' ' ? ' ' : s.p[i]);
	}
	buf_c(b, '"');
}

static bool
say(int fd, const char *const *words, size_t n)
{
	struct buf b;
	bool ok;

	buf_init(&b, 4096);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_c(&b, ' ');
		put_word(&b, words[i]);
	}
	buf_c(&b, '\n');
	ok = !buf_failed(&b) &&
	    send(fd, b.p + b.start, b.len, MSG_NOSIGNAL) == (ssize_t)b.len;
	buf_free(&b);
	return ok;
}

enum heard { HEARD_LINE, HEARD_END, HEARD_NOTHING };

/* The next line of the answer, taken off `in`. */
static enum heard
next_line(int fd, int wait_ms, struct buf *in, struct buf *line)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		struct str have = buf_str(in);
		size_t end = str_chr(have, '\n');
		uint8_t *room;
		ssize_t n;
		int ready;

		if (end < have.n) {
			buf_reset(line);
			buf_add(line, str_sub(have, 0, end));
			buf_consume(in, end + 1);
			return buf_failed(line) ? HEARD_END : HEARD_LINE;
		}
		ready = poll(&p, 1, wait_ms);
		if (ready == 0)
			return HEARD_NOTHING;
		if (ready < 0 || (room = buf_grow(in, 16384)) == NULL ||
		    (n = read(fd, room, 16384)) <= 0)
			return HEARD_END;
		buf_grown(in, (size_t)n);
	}
}

static int
finish(struct cli *c, const struct json_row *r, struct str line)
{
	struct str failed = json_get(r, "failed"), text = json_get(r, "text");

	if (c->quiet)
		;
	else if (c->json)
		printf("%.*s\n", STR_ARG(line));
	else if (text.n > 0 && str_same(failed, "0"))
		printf("%.*s\n", STR_ARG(text));
	if (!c->quiet && !c->json && !str_same(failed, "0"))
		cli_say("%.*s", STR_ARG(text.n > 0 ? text : failed));
	for (size_t i = 0; i < NITEMS(failures); i++)
		if (str_same(failed, failures[i].word))
			return failures[i].code;
	return EX_SOFTWARE;
}

static int
hear(struct cli *c, int fd, control_row_fn *on_row, void *arg)
{
	struct buf in, line;
	struct arena a;
	struct json_row row;
	int wait_ms = c->wait_ms > 0 ? c->wait_ms : ANSWER_WAIT_MS;
	enum heard heard = HEARD_END;
	int code = -1;

	buf_init(&in, LINE_MAX_BYTES);
	buf_init(&line, LINE_MAX_BYTES);
	arena_init(&a, 4 * LINE_MAX_BYTES);
	while (code < 0 && (heard = next_line(fd, wait_ms, &in, &line)) ==
	    HEARD_LINE) {
		arena_reset(&a);
		if (json_read(buf_str(&line), &a, &row) != 0) {
			cli_say("the suite gave an answer I cannot read");
			code = EX_PROTOCOL;
		} else if (json_true(&row, "done"))
			code = finish(c, &row, buf_str(&line));
		else if (c->json && !c->quiet)
			printf("%s\n", buf_cstr(&line));
		if (on_row != NULL && (code < 0 || c->quiet) &&
		    (!c->json || arg != NULL))
			on_row(c, &row, arg);
	}
	if (code < 0) {
		if (heard == HEARD_NOTHING)
			cli_say("no answer in %d s: whoever was asked is "
			    "stopped or busy; see `veredus status', or wait "
			    "longer by --timeout", wait_ms / 1000);
		else
			cli_say("the suite did not finish its answer");
		code = EX_TEMPFAIL;
	}
	buf_free(&in);
	buf_free(&line);
	arena_free(&a);
	return code;
}

int
control_ask(struct cli *c, const char *const *words, size_t n,
    control_row_fn *on_row, void *arg)
{
	int fd, code;

	if ((code = cli_find(c)) != EX_OK)
		return code;
	fd = connect_control(c);
	if (fd < 0) {
		int err = errno;

		if ((code = cli_load(c)) != EX_OK)
			return code;	/* it may mean another folder */
		errno = err;
		cli_say(errno == EACCES ? "only root and the control group may "
		    "ask: %s/control: %s" : "the suite does not run: "
		    "%s/control: %s", cli_folder(c, "run"), strerror(errno));
		return errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
	}
	if (!say(fd, words, n)) {
		cli_say("cannot ask: %s", strerror(errno));
		code = EX_IOERR;
	} else
		code = hear(c, fd, on_row, arg);
	(void)close(fd);
	return code;
}
