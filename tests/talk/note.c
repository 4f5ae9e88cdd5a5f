/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/note.c - the notes of a transcript: N> what the room must say,
 * N< what the test says to it, N= what is answered without being named.
 *
 * Notes that the room said wait in one list, in the order they came from
 * each process.  N> takes the oldest of its kind; a note that asks is then
 * open, and N< with an answer goes to the oldest open ask of a process that
 * may say such an answer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "talk.h"

#include "base/banned.h"

struct said {
	struct said	*next;
	enum proc	from;		/* the fake that heard it */
	struct note	note;
	struct buf	packet;		/* its strings */
	unsigned	line;		/* when it came */
};

struct standing {
	struct standing	*next;
	enum note_kind	kind;
	char		*answer;	/* empty: ignored; NULL: named only */
};

static struct said *waiting, *open_asks;
static struct standing *standing;
static int last_rw = -1;		/* of the last "rw=" or "view=" we gave */

static const struct {
	const char *name;
	uint32_t value;
} names[] = {
#define V(name) { #name, name }
	V(AUTH_OK), V(AUTH_NO), V(AUTH_LATER),
	V(RATE_CONNECT), V(RATE_DISCONNECT), V(RATE_AUTH_FAILED),
	V(RATE_AUTH_OK), V(RATE_UNKNOWN_RCPT), V(RATE_BAD_COMMAND),
	V(RATE_OK), V(RATE_REFUSE),
	V(ROUTE_LOCAL), V(ROUTE_REMOTE),
	V(ROUTE_OK), V(ROUTE_UNKNOWN), V(ROUTE_NO_RELAY), V(ROUTE_LOOP),
	V(ROUTE_TOO_MANY), V(ROUTE_BAD_ADDRESS), V(ROUTE_LATER),
	V(SPOOL_AUTHED), V(SPOOL_8BIT), V(SPOOL_LARGE), V(SPOOL_DSN),
	V(STORE_SET), V(STORE_ADD), V(STORE_REMOVE),
	V(QUEUE_DELIVERED), V(QUEUE_LATER), V(QUEUE_NEVER), V(QUEUE_UNKNOWN), V(QUEUE_DEADLY),
	V(DNS_OK), V(DNS_NO_NAME), V(DNS_NO_DATA), V(DNS_LATER),
	V(DNS_BAD_NAME), V(DNS_BAD_ANSWER),
	V(CHECK_ACCEPT), V(CHECK_MARK), V(CHECK_REJECT), V(CHECK_LATER),
	V(STAGE_DNS), V(STAGE_CONNECT), V(STAGE_GREETING), V(STAGE_EHLO),
	V(STAGE_TLS), V(STAGE_AUTH), V(STAGE_MAIL), V(STAGE_RCPT),
	V(STAGE_DATA), V(STAGE_DOT), V(STAGE_QUIT),
	{ "TEMP", -FAIL_TEMP }, { "PERM", -FAIL_PERM },
	{ "SYNTAX", -FAIL_SYNTAX }, { "TOO_BIG", -FAIL_TOO_BIG },
	{ "DENIED", -FAIL_DENIED }, { "GONE", -FAIL_GONE },
#undef V
};

/* "SPOOL_AUTHED|SPOOL_8BIT" as a number; text that is none stays. */
static void
number_of(struct str text, struct buf *out)
{
	struct str left = text;
	uint32_t sum = 0;

	if (text.n == 0)
		return;
	while (left.n > 0) {
		struct str one = str_until(&left, '|');
		size_t i = 0;

		while (i < NITEMS(names) && !str_same(one, names[i].name))
			i++;
		if (i == NITEMS(names)) {
			buf_add(out, text);
			return;
		}
		sum |= names[i].value;
	}
	buf_fmt(out, "%u", sum);
}

/* Cuts "field=value" off: value is bare, "quoted" or /regex/. */
static bool
next_field(struct str *rest, struct str *field_out, struct str *value_out)
{
	size_t n, end;

	*rest = str_trim(*rest);
	if (rest->n == 0)
		return false;
	n = str_chr(*rest, '=');
	if (n == rest->n)
		talk_fail("field=value", *rest);
	*field_out = str_sub(*rest, 0, n);
	*rest = str_from(*rest, n + 1);
	if (rest->n > 0 && (rest->p[0] == '"' || rest->p[0] == '/')) {
		uint8_t quote = rest->p[0];

		for (end = 1; end < rest->n; end++)
			if (rest->p[end] == quote && rest->p[end - 1] != '\\' &&
			    (end + 1 == rest->n || rest->p[end + 1] == ' '))
				break;
		if (end >= rest->n)
			talk_fail("no end of the value", *rest);
		*value_out = quote == '/' ? str_sub(*rest, 0, end + 1) :
		    str_sub(*rest, 1, end - 1);
		*rest = str_from(*rest, end + 1);
	} else
		*value_out = str_word(rest);
	return true;
}

/* --- what the room said -------------------------------------------------- */

static void
said_free(struct said *s)
{
	fd_close(&s->note.fd);
	buf_free(&s->packet);
	free(s);
}

static void
put_last(struct said **list, struct said *s)
{
	while (*list != NULL)
		list = &(*list)->next;
	s->next = NULL;
	*list = s;
}

static const struct standing *
standing_for(enum note_kind kind)
{
	const struct standing *s = standing;

	while (s != NULL && s->kind != kind)
		s = s->next;
	return s;
}

static void say_to(enum proc from, uint32_t ticket, struct str rest);

/* "ROUTE_ROW ... | ROUTE_DONE ...": one note after the other. */
static void
say_all(enum proc from, uint32_t ticket, struct str answers)
{
	while (answers.n > 0) {
		size_t end = str_find(answers, STR(" | "));

		say_to(from, ticket, str_sub(answers, 0, end));
		answers = str_from(answers, end + 3);
	}
}

static void
heard(enum proc from, const struct note *n)
{
	const struct standing *std = standing_for(n->kind);
	struct said *s;
	struct why why;
	int fd = n->fd;

	if (std != NULL && std->answer != NULL) {
		fd_close(&fd);
		say_all(from, n->ticket, str_of(std->answer));
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->from = from;
	s->line = talk.line;
	buf_init(&s->packet, NOTE_MAX);
	note_encode(n, &s->packet);
	if (note_decode(buf_str(&s->packet), &s->note, &why) != 0)
		bug("%s", why.text);
	note_set_fd(&s->note, fd);
	put_last(&waiting, s);
}

bool
talk_notes_take(void)
{
	bool any = false;
	struct note n;

	for (size_t p = 0; p < PROC_COUNT; p++) {
		struct fake *f = &talk.fake[p];

		while (f->fd >= 0 && fake_next(f, &n)) {
			heard((enum proc)p, &n);
			any = true;
		}
	}
	return any;
}

static void
print_waiting(struct buf *out)
{
	for (const struct said *s = waiting; s != NULL; s = s->next) {
		buf_fmt(out, "\n    to %s (line %u): ", proc_name(s->from),
		    s->line);
		note_print(&s->note, out);
	}
}

static NORETURN void
fail_with_notes(const char *what)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	print_waiting(&b);
	talk_fail(what, b.len > 0 ? buf_str(&b) : STR("no note"));
}

static void
read_all(int fd, struct buf *out)
{
	uint8_t *p;
	ssize_t r;

	do {
		p = buf_grow(out, 65536);
		r = pread(fd, p, 65536, (off_t)out->len);
		buf_grown(out, r > 0 ? (size_t)r : 0);
	} while (r > 0);
}

static void
check_field(const struct note *n, struct str field, struct str value)
{
	struct buf got, want;

	buf_init(&got, 64 << 20);
	buf_init(&want, 64 << 20);
	if (str_same(field, "fd")) {
		if (n->fd < 0)
			fail_with_notes("a descriptor");
		read_all(n->fd, &got);
	} else if (str_same(field, "file")) {
		read_all(last_rw, &got);
	} else if (note_get(n, field, &got) != 0)
		talk_fail("no such field", field);
	number_of(value, &want);
	if (!talk_agrees(buf_str(&got), buf_str(&want)))
		talk_fail(buf_cstr(&want), buf_str(&got));
	buf_free(&got);
	buf_free(&want);
}

void
talk_note_expect(struct str rest)
{
	struct str name = str_word(&rest), field, value;
	enum note_kind kind = note_kind_of(name);
	struct said **at = &waiting, *s;

	if (kind == NOTE_NONE)
		talk_fail("no such note", name);
	while (*at != NULL && (*at)->note.kind != kind)
		at = &(*at)->next;
	s = *at;
	if (s == NULL)
		fail_with_notes("the room says that note");
	*at = s->next;
	while (next_field(&rest, &field, &value))
		check_field(&s->note, field, value);
	if (note_how(kind) == ASK)
		put_last(&open_asks, s);
	else
		said_free(s);
}

void
talk_note_none(void)
{
	if (waiting != NULL)
		fail_with_notes("no note");
}

/* --- what the test says -------------------------------------------------- */

static int
to_read(int fd)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int
file_with(struct str content, bool is_writable)
{
	int fd = memfd_create("talk", MFD_CLOEXEC), ro;

	if (fd < 0 || write(fd, content.p, content.n) != (ssize_t)content.n)
		bug("memfd");
	if (is_writable)
		return fd;
	ro = to_read(fd);
	(void)close(fd);
	return ro;
}

/* "view=content": to be read; then "rw=@view": the same file, to be written. */
static int
large_file(struct str field, struct str content)
{
	if (str_same(field, "rw") && str_same(content, "@view"))
		return dup(last_rw);
	fd_close(&last_rw);
	last_rw = file_with(content, true);
	return str_same(field, "rw") ? dup(last_rw) : to_read(last_rw);
}

static void
set_field(struct note *n, struct str field, struct str value, struct arena *a)
{
	struct buf b, text;

	buf_init(&b, 64 << 20);
	buf_init(&text, 64 << 20);
	number_of(value, &b);
	talk_unescape(&text, buf_str(&b));
	if (str_same(field, "fd") && str_starts(buf_str(&text), "@") &&
	    talk.room->file != NULL)
		n->fd = file_with(talk.room->file(buf_cstr(&text) + 1), false);
	else if (str_same(field, "fd"))
		n->fd = file_with(buf_str(&text), false);
	else if (str_same(field, "rw") || str_same(field, "view"))
		n->fd = large_file(field, buf_str(&text));
	else if (note_set(n, field, buf_str(&text), a) != 0)
		talk_fail("no such field, or no such value", field);
	buf_free(&b);
	buf_free(&text);
}

/* "NAME field=value ..." to the room, by that process. */
static void
say_to(enum proc from, uint32_t ticket, struct str rest)
{
	struct str name = str_word(&rest), field, value;
	struct arena a;
	struct note n;
	int fd;

	note_init(&n, note_kind_of(name));
	n.ticket = ticket;
	arena_init(&a, 1 << 20);
	while (next_field(&rest, &field, &value))
		set_field(&n, field, value, &a);
	fd = n.fd;
	/* note_init left it open which member of the union has it */
	note_set_fd(&n, fd);
	fake_say(&talk.fake[from], &n);
	fd_close(&fd);
	arena_free(&a);
}

static uint32_t asked;

void
talk_note_say(struct str rest)
{
	struct str all = rest, name = str_word(&rest);
	enum note_kind kind = note_kind_of(name);
	struct said **at = &open_asks, *s;
	uint32_t ticket = 0;
	enum proc from;

	if (kind == NOTE_NONE)
		talk_fail("no such note", name);
	if (note_how(kind) == ROW || note_how(kind) == END) {
		while (*at != NULL && !note_may(kind, (*at)->from, talk.room->me))
			at = &(*at)->next;
		s = *at;
		if (s == NULL)
			fail_with_notes("an open ask (N>) for this answer");
		from = s->from;
		ticket = s->note.ticket;
		if (note_how(kind) == END) {
			*at = s->next;
			said_free(s);
		}
	} else {
		for (from = 0; from < PROC_COUNT; from++)
			if (talk.fake[from].fd >= 0 &&
			    note_may(kind, from, talk.room->me))
				break;
		if (from == PROC_COUNT)
			talk_fail("nobody may say that", name);
		if (note_how(kind) == ASK)	/* its answers are N> lines */
			ticket = ++asked;
	}
	say_to(from, ticket, all);
	talk_settle();
}

/* "NAME ANSWER ...": answered so; "NAME": ignored; "NAME -": to be named. */
void
talk_note_standing(struct str rest)
{
	struct str name = str_word(&rest);
	struct standing *s = xcalloc(1, sizeof(*s));

	rest = str_trim(rest);
	s->kind = note_kind_of(name);
	if (s->kind == NOTE_NONE)
		talk_fail("no such note", name);
	if (!str_same(rest, "-")) {
		s->answer = xcalloc(1, rest.n + 1);
		if (rest.n > 0)
			memcpy(s->answer, rest.p, rest.n);
	}
	s->next = standing;
	standing = s;
}

/* --- life ---------------------------------------------------------------- */

static enum proc
proc_of(struct str name)
{
	for (size_t p = 0; p < PROC_COUNT; p++)
		if (str_same(name, proc_name((enum proc)p)))
			return (enum proc)p;
	talk_fail("no such process", name);
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	if (talk.room->on_note != NULL)
		talk.room->on_note(c, n);
}

static void
on_end(struct chan *c, void *arg)
{
	(void)arg;
	talk.fake[c->peer].chan = NULL;
	if (talk.room->on_peer_gone != NULL)
		talk.room->on_peer_gone(c);
	chan_free(c);
}

static void
peer_begins(enum proc p)
{
	buf_free(&talk.fake[p].last);	/* of one that died */
	fake_init(&talk.fake[p], talk.room->me, p, 0, on_note, on_end, NULL);
	if (talk.room->on_peer != NULL)
		talk.room->on_peer(talk.fake[p].chan);
}

void
talk_peer_dies(struct str name)
{
	enum proc p = proc_of(name);
	struct said **at = &open_asks, *s;

	while ((s = *at) != NULL)
		if (s->from == p) {
			*at = s->next;
			said_free(s);
		} else
			at = &s->next;
	if (talk.fake[p].fd < 0)
		talk_fail("it lives", name);
	fake_die(&talk.fake[p]);
	talk_settle();
}

void
talk_peer_returns(struct str name)
{
	peer_begins(proc_of(name));
	talk_settle();
}

void
talk_notes_begin(void)
{
	for (size_t p = 0; p < PROC_COUNT; p++) {
		talk.fake[p] = (struct fake){ .fd = -1 };
		if (talk.room->peers & BY(p))
			peer_begins((enum proc)p);
	}
	for (size_t i = 0; talk.room->standing != NULL &&
	    talk.room->standing[i] != NULL; i++)
		talk_note_standing(str_of(talk.room->standing[i]));
}

void
talk_notes_end(void)
{
	struct said *s;
	struct standing *std;

	while ((s = waiting) != NULL) {
		waiting = s->next;
		said_free(s);
	}
	while ((s = open_asks) != NULL) {
		open_asks = s->next;
		said_free(s);
	}
	while ((std = standing) != NULL) {
		standing = std->next;
		free(std->answer);
		free(std);
	}
	for (size_t p = 0; p < PROC_COUNT; p++)
		if (talk.fake[p].chan != NULL)
			fake_free(&talk.fake[p]);
		else
			buf_free(&talk.fake[p].last);
	fd_close(&last_rw);
}
