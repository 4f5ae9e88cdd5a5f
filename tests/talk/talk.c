/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/talk.c - plays transcripts; README.md says what may stand in
 * one.  Each is played in a process of its own, so that what one leaves
 * behind is no part of the next, and a hang or a crash is one failure.
 */
#include "talk.h"

#include <errno.h>
#include <linux/sockios.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

enum { CLIENTS = 10, PASSES = 20000, LIMIT_S = 60 };

struct client {
	int		fd;
	bool		is_open, is_eof;
	struct talk_tls	*tls;
	struct buf	in;
};

struct talk talk;

static struct client client[CLIENTS];
static const char *service;
static char peer[64];

void
talk_fail(const char *what, struct str got)
{
	(void)printf("%s:%u: expected: %s\n  got: %.*s\n", talk.file, talk.line,
	    what, (int)(got.n > 4000 ? 4000 : got.n), (const char *)got.p);
	(void)fflush(stdout);
	_exit(1);
}

/* --- text ---------------------------------------------------------------- */

static unsigned
hex(const uint8_t *p)
{
	char two[3] = { (char)p[0], (char)p[1], '\0' };

	return (unsigned)strtoul(two, NULL, 16);
}

void
talk_unescape(struct buf *out, struct str s)
{
	static const char from[] = "rnt0\\\"", to[] = "\r\n\t\0\\\"";

	for (size_t i = 0; i < s.n; i++) {
		const char *at;

		if (s.p[i] != '\\' || i + 1 == s.n) {
			buf_c(out, s.p[i]);
		} else if (s.p[i + 1] == 'x' && i + 3 < s.n) {
			buf_c(out, (uint8_t)hex(s.p + i + 2));
			i += 3;
		} else if ((at = strchr(from, s.p[i + 1])) != NULL) {
			buf_c(out, (uint8_t)to[at - from]);
			i++;
		} else
			buf_c(out, '\\');	/* the flags of IMAP: \Seen */
	}
}

static bool
matches(struct str got, struct str pattern)
{
	size_t n = pattern.n + 5;
	char *p = xmalloc(n), *text = xcalloc(1, got.n + 1);
	regex_t re;
	bool ok;

	(void)snprintf(p, n, "^(%.*s)$", STR_ARG(pattern));
	if (regcomp(&re, p, REG_EXTENDED | REG_NOSUB) != 0)
		talk_fail("a regular expression", pattern);
	if (got.n > 0)
		memcpy(text, got.p, got.n);
	ok = !str_has_nul(got) && regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	free(p);
	free(text);
	return ok;
}

bool
talk_agrees(struct str got, struct str want)
{
	struct buf b;
	bool ok;

	if (want.n > 1 && want.p[0] == '/' && want.p[want.n - 1] == '/')
		return matches(got, str_sub(want, 1, want.n - 2));
	buf_init(&b, 64 << 20);
	talk_unescape(&b, want);
	ok = str_eq(got, buf_str(&b));
	buf_free(&b);
	return ok;
}

/* --- clients ------------------------------------------------------------- */

static ssize_t
receive(struct client *c, uint8_t *p, size_t n)
{
	ssize_t r;

	if (c->tls != NULL) {
		r = talk_tls_read(c->tls, p, n);
		c->is_eof = r < 0;
		return r;
	}
	r = recv(c->fd, p, n, MSG_DONTWAIT);
	c->is_eof = r == 0 || (r < 0 && errno != EAGAIN);
	return r;
}

static void
hear(struct client *c)
{
	ssize_t r = 1;

	while (c->is_open && !c->is_eof && r > 0) {
		uint8_t *p = buf_grow(&c->in, 16384);

		r = receive(c, p, 16384);
		buf_grown(&c->in, r > 0 ? (size_t)r : 0);
	}
}

/* Octets on either side of a client: those that came, and those that the room
 * has not read yet.  While these change, it is at work. */
static size_t
moving(const struct client *c)
{
	int unread = 0;

	if (c->is_open && ioctl(c->fd, SIOCOUTQ, &unread) != 0)
		unread = 0;
	return c->in.len + c->is_eof + (size_t)unread;
}

void
talk_settle(void)
{
	size_t quiet = 0, i, n;

	for (n = 0; quiet < 3; n++) {
		size_t had = 0, has = 0;

		if (n > PASSES)
			talk_fail("an end", STR("it goes on for ever"));
		for (i = 0; i < CLIENTS; i++)
			had += moving(&client[i]);
		loop_once(0);
		if (talk_notes_take() ||
		    (talk.room->serve != NULL && talk.room->serve()))
			had++;
		for (i = 0; i < CLIENTS; i++) {
			hear(&client[i]);
			has += moving(&client[i]);
		}
		quiet = had == has ? quiet + 1 : 0;
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
	talk.room->client(fd[0], service, str_of(peer));
	talk_settle();
}

static ssize_t
transmit(struct client *c, struct str s)
{
	ssize_t r;

	if (c->tls != NULL)
		return talk_tls_write(c->tls, s.p, s.n);
	r = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
	return r < 0 && errno == EAGAIN ? 0 : r;
}

static void
send_all(struct client *c, struct str s)
{
	for (int stuck = 0; s.n > 0;) {
		ssize_t r = transmit(c, s);

		if (r < 0)
			return;		/* closed: S: and X will tell */
		if (r == 0 && ++stuck > 100)
			talk_fail("the room reads what is sent", s);
		s = str_from(s, (size_t)r);
		talk_settle();
	}
}

/* C: and C-, C*N: so many times the text. */
static void
say(struct client *c, struct str text, uint64_t times, const char *end)
{
	struct buf b;

	connect_client(c);
	buf_init(&b, 64 << 20);
	while (times-- > 0)
		talk_unescape(&b, text);
	buf_z(&b, end);
	send_all(c, buf_str(&b));
	buf_free(&b);
	talk_settle();
}

/* C~ "a1 APPEND INBOX | text": the length of the literal is counted here. */
static void
say_literal(struct client *c, struct str line)
{
	size_t bar = str_find(line, STR(" | "));
	struct buf b, literal;

	if (bar == line.n)
		talk_fail("\" | \" and a literal", line);
	connect_client(c);
	buf_init(&b, 64 << 20);
	buf_init(&literal, 64 << 20);
	talk_unescape(&literal, str_from(line, bar + 3));
	talk_unescape(&b, str_sub(line, 0, bar));
	buf_fmt(&b, " {%zu+}\r\n", literal.len);
	buf_add(&b, buf_str(&literal));
	buf_z(&b, "\r\n");
	send_all(c, buf_str(&b));
	buf_free(&b);
	buf_free(&literal);
	talk_settle();
}

static bool
next_line(struct client *c, struct str *line_out)
{
	struct str all = buf_str(&c->in);
	size_t lf = str_chr(all, '\n');

	if (lf == all.n)
		return false;
	*line_out = str_sub(all, 0, lf);
	if (str_ends(*line_out, "\r"))
		line_out->n--;
	return true;
}

void
talk_skip_line(size_t number)
{
	struct client *c = &client[number];
	struct str line;

	if (!next_line(c, &line))
		talk_fail("one more line", buf_str(&c->in));
	buf_consume(&c->in, str_chr(buf_str(&c->in), '\n') + 1);
}

static void
expect(struct client *c, struct str want, bool may_skip)
{
	struct str all, line, shown = want;
	bool ok = false;
	char text[512];

	connect_client(c);
	all = buf_str(&c->in);
	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(shown));
	do {
		if (!next_line(c, &line))
			talk_fail(text, may_skip ? all : buf_str(&c->in));
		ok = talk_agrees(line, want);
		if (!ok && !may_skip)
			talk_fail(text, all);
		buf_consume(&c->in, str_chr(buf_str(&c->in), '\n') + 1);
	} while (!ok);
}

static void
expect_nothing(struct client *c)
{
	connect_client(c);
	if (c->in.len > 0)
		talk_fail("silence", buf_str(&c->in));
}

static void
expect_end(struct client *c)
{
	connect_client(c);
	if (c->in.len > 0 || !c->is_eof)
		talk_fail("the end of the connection", buf_str(&c->in));
}

/* TLS 220 go: where the room connects.  Said in clear when all is ready, for
 * the room speaks first then. */
static void
serve_tls(struct client *c, struct str rest)
{
	struct buf b;

	connect_client(c);
	c->tls = talk_tls_new(c->fd, NULL);
	buf_init(&b, 1000);
	buf_add(&b, str_trim(rest));
	buf_z(&b, "\r\n");
	if (send(c->fd, buf_str(&b).p, b.len, MSG_NOSIGNAL) < 0 ||
	    !talk_tls_handshake(c->tls))
		talk_fail("a handshake", STR(""));
	buf_free(&b);
	talk_settle();
}

/* TLS [alpn=NAME] [fails] */
static void
begin_tls(struct client *c, struct str rest)
{
	char alpn[64] = "";
	bool fails = false, ok;
	struct str word;

	while ((word = str_word(&rest)).n > 0)
		if (str_starts(word, "alpn="))
			(void)snprintf(alpn, sizeof(alpn), "%.*s",
			    STR_ARG(str_from(word, 5)));
		else if (str_same(word, "fails"))
			fails = true;
		else
			talk_fail("TLS [alpn=NAME] [fails]", word);
	connect_client(c);
	c->tls = talk_tls_new(c->fd, alpn[0] != '\0' ? alpn : NULL);
	ok = talk_tls_handshake(c->tls);
	if (ok == fails)
		talk_fail(fails ? "a failed handshake" : "a handshake",
		    str_of(""));
	talk_settle();
}

/* --- lines --------------------------------------------------------------- */

static void
turn(struct str s)
{
	char *end, text[32];
	long n;

	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(s));
	n = strtol(text, &end, 10);
	clock_turn(n * (*end == 'h' ? 3600000 : *end == 'm' ? 60000 :
	    *end == 's' ? 1000 : 1));
	loop_run_timers();
	talk_settle();
}

/* @set PATH = VALUE: for sessions that begin after it. */
static void
set(struct str rest)
{
	struct str path = str_trim(str_until(&rest, '='));
	struct why why;

	if (conf_row(&talk.conf, path, str_trim(rest), &why) != 0)
		talk_fail("a setting", str_of(why.text));
}

static void
choose_service(struct str name)
{
	static const char *const names[] = { "smtp", "submission",
	    "submissions", "submit", "pop3", "pop3s", "imap", "imaps" };

	for (size_t i = 0; i < NITEMS(names); i++)
		if (str_same(name, names[i])) {
			service = names[i];
			return;
		}
	talk_fail("a service", name);
}

static void
act(struct str rest)
{
	struct str all = rest, word = str_word(&rest);
	char text[256];

	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(str_trim(all)));
	if (str_same(word, "service"))
		choose_service(str_trim(rest));
	else if (str_same(word, "peer"))
		(void)snprintf(peer, sizeof(peer), "%.*s",
		    STR_ARG(str_trim(rest)));
	else if (str_same(word, "set"))
		set(rest);
	else if (str_same(word, "dies"))
		talk_peer_dies(str_trim(rest));
	else if (str_same(word, "returns"))
		talk_peer_returns(str_trim(rest));
	else if (str_same(word, "needs") || str_same(word, "in-process") ||
	    str_same(word, "sockets-only"))
		return;		/* for tests/talk/sockets */
	else if (talk.room->act == NULL || !talk.room->act(text))
		talk_fail("a known @word", all);
	talk_settle();
}

static void
half_close(struct client *c)
{
	connect_client(c);
	(void)shutdown(c->fd, SHUT_WR);
	talk_settle();
}

static void
drop(struct client *c)
{
	connect_client(c);
	(void)close(c->fd);
	c->fd = -1;
	c->is_eof = true;
	talk_settle();
}

static void
client_line(struct client *c, struct str line)
{
	struct str rest = str_from(line, 2);
	uint64_t times;

	if (rest.n > 0 && rest.p[0] == ' ')
		rest = str_from(rest, 1);
	if (str_starts(line, "C:"))
		say(c, rest, 1, "\r\n");
	else if (str_starts(line, "C-"))
		say(c, rest, 1, "");
	else if (str_starts(line, "C~"))
		say_literal(c, rest);
	else if (str_starts(line, "C*")) {
		rest = str_from(line, 2);
		if (!str_u64(str_until(&rest, ' '), 1 << 26, &times))
			talk_fail("C*N text", line);
		say(c, rest, times, "");
	} else if (str_starts(line, "S:"))
		expect(c, rest, false);
	else if (str_starts(line, "S?"))
		expect(c, rest, true);
	else if (str_same(line, "S!"))
		expect_nothing(c);
	else if (str_same(line, "X"))
		expect_end(c);
	else if (str_same(line, "EOF"))
		half_close(c);
	else if (str_same(line, "DROP"))
		drop(c);
	else if (str_same(line, "S*"))
		buf_cut(&c->in, 0);
	else if (str_starts(line, "TLS") && talk.room->they_serve)
		serve_tls(c, str_from(line, 3));
	else if (str_starts(line, "TLS"))
		begin_tls(c, str_from(line, 3));
	else
		talk_fail("a line of a transcript", line);
}

static void
note_line(struct str line)
{
	struct str rest = str_from(line, 2);

	if (str_starts(line, "N>"))
		talk_note_expect(rest);
	else if (str_starts(line, "N<"))
		talk_note_say(rest);
	else if (str_starts(line, "N="))
		talk_note_standing(rest);
	else if (str_same(line, "N!"))
		talk_note_none();
	else
		talk_fail("N> N< N= or N!", line);
}

static void
play_line(struct str line)
{
	struct client *c = &client[1];

	if (line.n == 0 || line.p[0] == '#')
		return;
	switch (line.p[0]) {
	case '+':
		turn(str_from(line, 1));
		return;
	case '@':
		act(str_from(line, 1));
		return;
	case 'N':
		note_line(line);
		return;
	}
	if (line.p[0] >= '1' && line.p[0] <= '9') {
		c = &client[line.p[0] - '0'];
		line = str_from(line, 1);
	}
	client_line(c, line);
}

/* --- a transcript -------------------------------------------------------- */

static void
begin(const char *file)
{
	talk.file = file;
	talk.line = 0;
	conf_init(&talk.conf);
	talk.conf.site.hostname = STR("mail.example.org");
	talk.conf.site.cleartext_logins = true;
	talk.conf.check.mail = false;	/* @set check mail = yes */
	choose_service(str_of(talk.room->service));
	(void)snprintf(peer, sizeof(peer), "192.0.2.1");
	clock_freeze(1700000000000);
	loop_init();
	talk_notes_begin();
	if (talk.room->begin != NULL)
		talk.room->begin();
}

/* What the transcript did not look at is a failure, else it says nothing. */
static void
look_for_rest(void)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (client[i].is_open && client[i].in.len > 0)
			talk_fail("nothing more is said at the end",
			    buf_str(&client[i].in));
	talk_note_none();
}

/* Clients vanish, the room ends what is left: all memory must come back. */
static void
end(void)
{
	talk_note_standing(STR("RATE_COUNT"));
	talk_note_standing(STR("STORE_LOGOUT"));
	talk_note_standing(STR("STORE_CLOSE"));
	talk_note_standing(STR("SPOOL_CANCEL"));
	if (talk.room->end != NULL)
		talk.room->end();
	for (size_t i = 0; i < CLIENTS; i++) {
		if (client[i].is_open) {
			talk_tls_free(client[i].tls);
			if (client[i].fd >= 0)
				(void)close(client[i].fd);
			buf_free(&client[i].in);
		}
		client[i] = (struct client){ .fd = -1 };
	}
	talk_settle();
	turn(STR("1h"));
	if (talk.room->is_empty != NULL && !talk.room->is_empty())
		talk_fail("all sessions are freed", STR("some are left"));
	talk_notes_end();
	conf_free(&talk.conf);
}

static void
play(const char *file)
{
	FILE *f = fopen(file, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (f == NULL)
		bug("cannot open %s", file);
	begin(file);
	while ((n = getline(&line, &cap, f)) >= 0) {
		talk.line++;
		play_line(str_chomp(str_mem(line, (size_t)n)));
	}
	look_for_rest();
	(void)fclose(f);
	free(line);
	end();
}

static void
to_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)mid, (void)arg;
	if (getenv("TALK_LOG") != NULL)
		(void)printf("  # %.*s\n", STR_ARG(line));
}

static bool
play_apart(const char *file)
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)alarm(LIMIT_S);
		(void)signal(SIGPIPE, SIG_IGN);	/* OpenSSL's writes */
		log_set_sink(to_log, NULL);
		play(file);
		exit(0);	/* by the leak check, where there is one */
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bug("fork: errno %d", errno);
	(void)printf("%s - %s\n", status == 0 ? "ok" : "not ok", file);
	return status == 0;
}

int
talk_main(const struct talk_room *room, int argc, char **argv)
{
	bool ok = argc > 1;

	talk.room = room;
	for (int i = 1; i < argc; i++)
		ok = play_apart(argv[i]) && ok;
	return ok ? 0 : 1;
}
