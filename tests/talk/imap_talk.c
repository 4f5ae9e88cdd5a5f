/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/imap_talk.c - runs IMAP transcripts in this process: session.c
 * and all its commands behind socket pairs, with toystore.c for the rest of
 * the suite and a turned clock.
 *
 *	C: text		client 1 sends a line; 2C:, 3C: ... other clients, who
 *			connect by their first line or expectation
 *	C- text		without a line end; \r \n \0 \\ \xHH as in C
 *	C*N text	N times the text, in one line
 *	C~ text | more	text, then more as a non-synchronizing literal
 *	S: text		the next line said to it, literally
 *	S: /regex/	or by an extended regular expression
 *	S? text		the same, lines before it are skipped
 *	S!		nothing is said
 *	X		its connection is closed by us (after BYE)
 *	+5s +3m		the clock is turned
 *	@compact	a new generation of every index; also @drop-caches,
 *			@stored-dies, @stored-deaf, @strict, @cleartext-off,
 *			@bodies N (so many files were asked for), @fill N
 *			(messages more), @skip N (lines said to client 1)
 */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "imapd/imapd.h"
#include "imapd/session.h"
#include "toystore.h"

#include "base/banned.h"

enum { CLIENTS = 10, PASSES = 4000 };

struct client {
	int		fd;
	bool		is_open, is_eof;
	struct buf	in;
};

static struct client client[CLIENTS];
static const char *file_name;
static unsigned line_number;

/* --- the world ----------------------------------------------------------- */

static NORETURN void
fail(const char *what, struct str got)
{
	(void)fprintf(stderr, "%s:%u: %s\n  got: %.*s\n", file_name,
	    line_number, what, (int)(got.n > 2000 ? 2000 : got.n),
	    (const char *)got.p);
	exit(1);
}

static void
hear(struct client *c)
{
	ssize_t r;

	if (!c->is_open || c->is_eof)
		return;
	do {
		uint8_t *p = buf_grow(&c->in, 65536);

		r = recv(c->fd, p, 65536, MSG_DONTWAIT);
		buf_grown(&c->in, r > 0 ? (size_t)r : 0);
	} while (r > 0);
	c->is_eof = r == 0 || errno != EAGAIN;
}

/* Until nothing happens any more. */
static void
settle(void)
{
	size_t quiet = 0, n, i;

	for (n = 0; quiet < 3 && n < PASSES; n++) {
		size_t had = 0;
		bool any;

		for (i = 0; i < CLIENTS; i++)
			had += client[i].in.len;
		loop_once(0);
		any = toy_serve(&toy);
		for (i = 0; i < CLIENTS; i++) {
			hear(&client[i]);
			had -= client[i].in.len;
		}
		quiet = any || had != 0 ? 0 : quiet + 1;
	}
}

static void
connect_client(struct client *c)
{
	int fd[2];

	if (c->is_open)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
	    fd) != 0)
		bug("socketpair");
	c->fd = fd[1];
	c->is_open = true;
	buf_init(&c->in, 64 << 20);
	session_new(fd[0], "imap", STR("192.0.2.1"));
	settle();
}

static void
send_all(struct client *c, struct str s)
{
	while (s.n > 0) {
		ssize_t r = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (r > 0)
			s = str_from(s, (size_t)r);
		else if (errno != EAGAIN)
			return;		/* closed: S: and X will tell */
		settle();
	}
}

/* --- lines --------------------------------------------------------------- */

static unsigned
hex(const char *p)
{
	char two[3] = { p[0], p[1], '\0' };

	return (unsigned)strtoul(two, NULL, 16);
}

static void
unescape(struct buf *out, const char *p)
{
	for (; *p != '\0'; p++) {
		if (*p != '\\') {
			buf_c(out, (uint8_t)*p);
			continue;
		}
		switch (*++p) {
		case 'r':
			buf_c(out, '\r');
			break;
		case 'n':
			buf_c(out, '\n');
			break;
		case '0':
			buf_c(out, 0);
			break;
		case 'x':
			buf_c(out, (uint8_t)hex(p + 1));
			p += 2;
			break;
		default:	/* "\\" and the flags of IMAP, "\Seen" */
			if (*p != '\\')
				buf_c(out, '\\');
			buf_c(out, (uint8_t)*p);
		}
	}
}

static void
say(struct client *c, const char *text, unsigned times, bool line_end)
{
	struct buf b;

	connect_client(c);
	buf_init(&b, 64 << 20);
	while (times-- > 0)
		unescape(&b, text);
	if (line_end)
		buf_z(&b, "\r\n");
	send_all(c, buf_str(&b));
	buf_free(&b);
	settle();
}

/* "APPEND INBOX | text": the length is counted here. */
static void
say_literal(struct client *c, char *line)
{
	char *bar = strstr(line, " | ");
	struct buf b, literal;

	if (bar == NULL)
		bug("no literal: %s", line);
	*bar = '\0';
	connect_client(c);
	buf_init(&b, 64 << 20);
	buf_init(&literal, 64 << 20);
	unescape(&literal, bar + 3);
	unescape(&b, line);
	buf_fmt(&b, " {%zu+}\r\n", literal.len);
	buf_add(&b, buf_str(&literal));
	buf_z(&b, "\r\n");
	send_all(c, buf_str(&b));
	buf_free(&b);
	buf_free(&literal);
	settle();
}

static bool
agrees(struct str got, const char *want)
{
	size_t n = strlen(want);
	char *pattern, *text;
	regex_t re;
	bool ok;

	if (n < 2 || want[0] != '/' || want[n - 1] != '/') {
		struct buf b;

		buf_init(&b, 1 << 20);
		unescape(&b, want);
		ok = str_eq(got, buf_str(&b));
		buf_free(&b);
		return ok;
	}
	pattern = xmalloc(n + 3);
	(void)snprintf(pattern, n + 3, "^(%.*s)$", (int)n - 2, want + 1);
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		bug("bad pattern %s", want);
	text = xcalloc(1, got.n + 1);
	memcpy(text, got.p, got.n);
	ok = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	free(pattern);
	free(text);
	return ok;
}

static void
expect(struct client *c, const char *want, bool may_skip)
{
	struct str all, line;
	size_t lf;
	bool ok;

	connect_client(c);
	do {
		all = buf_str(&c->in);
		lf = str_chr(all, '\n');
		if (lf == all.n)
			fail(want, all);
		line = str_chomp(str_sub(all, 0, lf));
		ok = agrees(line, want);
		if (!ok && !may_skip)
			fail(want, all);
		buf_consume(&c->in, lf + 1);
	} while (!ok);
}

/* --- @ and + ------------------------------------------------------------- */

static void
turn(const char *p)
{
	char *end;
	long n = strtol(p, &end, 10);

	clock_turn(n * (*end == 'm' ? 60000 : *end == 's' ? 1000 : 1));
	loop_run_timers();
	settle();
}

static void
skip(struct client *c, unsigned long n)
{
	while (n-- > 0) {
		struct str all = buf_str(&c->in);
		size_t lf = str_chr(all, '\n');

		if (lf == all.n)
			fail("more lines", all);
		buf_consume(&c->in, lf + 1);
	}
}

static void
act(const char *what)
{
	if (strcmp(what, "compact") == 0)
		toy_compact(&toy);
	else if (strcmp(what, "drop-caches") == 0)
		toy_drop_caches(&toy);
	else if (strcmp(what, "stored-dies") == 0)
		fake_die(&toy.stored);
	else if (strcmp(what, "stored-deaf") == 0)
		toy.is_deaf = true;
	else if (strcmp(what, "strict") == 0)
		toy_conf.imapd.strict = true;
	else if (strcmp(what, "cleartext-off") == 0)
		toy_conf.site.cleartext_logins = false;
	else if (strncmp(what, "fill ", 5) == 0)
		toy_fill(&toy, (unsigned)strtoul(what + 5, NULL, 10));
	else if (strncmp(what, "skip ", 5) == 0)
		skip(&client[1], strtoul(what + 5, NULL, 10));
	else if (strncmp(what, "bodies ", 7) == 0) {
		if (toy.bodies != strtoul(what + 7, NULL, 10))
			fail(what, STR("another number"));
	} else
		bug("@%s", what);
	settle();
}

static void
run_line(char *line)
{
	struct client *c = &client[1];

	if (line[0] == '\0' || line[0] == '#')
		return;
	if (line[0] == '+') {
		turn(line + 1);
		return;
	}
	if (line[0] == '@') {
		act(line + 1);
		return;
	}
	if (line[0] >= '1' && line[0] <= '9')
		c = &client[*line++ - '0'];
	if (strncmp(line, "C: ", 3) == 0 || strcmp(line, "C:") == 0)
		say(c, line[2] == '\0' ? "" : line + 3, 1, true);
	else if (strncmp(line, "C- ", 3) == 0)
		say(c, line + 3, 1, false);
	else if (strncmp(line, "C~ ", 3) == 0)
		say_literal(c, line + 3);
	else if (strncmp(line, "C*", 2) == 0) {
		char *end;
		unsigned long n = strtoul(line + 2, &end, 10);

		say(c, end + 1, (unsigned)n, false);
	} else if (strncmp(line, "S: ", 3) == 0 || strcmp(line, "S:") == 0)
		expect(c, line[2] == '\0' ? "" : line + 3, false);
	else if (strncmp(line, "S? ", 3) == 0)
		expect(c, line + 3, true);
	else if (strcmp(line, "S!") == 0) {
		if (c->in.len > 0)
			fail("silence", buf_str(&c->in));
	} else if (strcmp(line, "X") == 0) {
		if (c->in.len > 0 || !c->is_eof)
			fail("the end", buf_str(&c->in));
	} else if (strcmp(line, "EOF") == 0) {
		(void)shutdown(c->fd, SHUT_WR);
		settle();
	} else
		bug("what is \"%s\"?", line);
}

static void
end_one(struct session *s, void *arg)
{
	session_bye(s, "The test is over");
}

static void
run_file(const char *name)
{
	FILE *f = fopen(name, "r");
	char *line = NULL;
	size_t cap = 0, i;
	ssize_t n;

	if (f == NULL)
		bug("cannot open %s", name);
	file_name = name;
	line_number = 0;
	toy_world_begin();
	while ((n = getline(&line, &cap, f)) >= 0) {
		line_number++;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		run_line(line);
	}
	(void)fclose(f);
	free(line);
	session_each(end_one, NULL);
	settle();
	for (i = 0; i < CLIENTS; i++) {
		if (client[i].is_open) {
			(void)close(client[i].fd);
			buf_free(&client[i].in);
		}
		client[i] = (struct client){ 0 };
	}
	settle();
	turn("1m");
	if (!list_empty(&imapd.sessions))
		fail("all sessions freed", STR("some are left"));
	toy_world_end();
}

static void
no_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	if (getenv("TALK_LOG") != NULL)
		(void)fprintf(stderr, "%.*s\n", STR_ARG(line));
}

int
main(int argc, char **argv)
{
	int i;

	loop_init();
	log_set_sink(no_log, NULL);
	for (i = 1; i < argc; i++)
		run_file(argv[i]);
	(void)printf("%d talks\n", argc - 1);
	return 0;
}
