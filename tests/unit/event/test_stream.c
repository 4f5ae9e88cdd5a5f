/* SPDX-License-Identifier: ISC */
/*
 * A stream with the test as its client: what a room sees of input, output,
 * ends, limits, files and a TLS that is played here (real TLS: test_tls.c and
 * the talks over sockets).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/stream.h"

/* --- a TLS that turns case: ciphertext is upper case --------------------- */

struct tls { int fd; unsigned steps; };

static int refs;	/* struct tls that live */

void tls_shutdown(struct tls *t) { (void)t; }
void tls_free(struct tls *t) { refs--; free(t); }

struct tls *
tls_accept(struct tls_server *s, int fd)
{
	struct tls *t = calloc(1, sizeof(*t));

	(void)s;
	refs++;
	t->fd = fd;
	return t;
}

/* The same from the other side; only "mx" is a name it can take. */
struct tls *
tls_connect(struct tls_client *c, int fd, const char *name,
    struct tls_session *session)
{
	(void)c, (void)session;
	return strcmp(name, "mx") == 0 ? tls_accept(NULL, fd) : NULL;
}

static struct { void (*fn)(void *); void *arg; bool waits; unsigned tries; }
    key;

void
tls_on_key(struct tls *t, void (*fn)(void *), void *arg)
{
	(void)t;
	key.fn = fn;
	key.arg = arg;
}

/* Done when the client has said "HI", or "KY" and then the key has come;
 * wrong when it said anything else. */
enum tls_io
tls_handshake(struct tls *t)
{
	char b[2];
	ssize_t r;

	if (key.waits) {
		key.tries++;
		return TLS_WANT_KEY;
	}
	if (t->steps > 0)
		return TLS_OK;
	r = recv(t->fd, b, 2, 0);
	if (r < 0)
		return errno == EAGAIN ? TLS_WANT_READ : TLS_FAILED;
	if (r == 2 && memcmp(b, "KY", 2) == 0) {
		t->steps = 1;
		key.waits = true;
		return TLS_WANT_KEY;
	}
	return r == 2 && memcmp(b, "HI", 2) == 0 ? TLS_OK : TLS_FAILED;
}

enum tls_io
tls_read(struct tls *t, void *p, size_t n, size_t *got_out)
{
	ssize_t r = recv(t->fd, p, n, 0);
	char *c = p;

	for (ssize_t i = 0; i < r; i++)
		c[i] = (char)(c[i] | 32);
	if (r > 0)
		*got_out = (size_t)r;
	return r > 0 ? TLS_OK : r == 0 ? TLS_EOF
	    : errno == EAGAIN ? TLS_WANT_READ : TLS_FAILED;
}

enum tls_io
tls_write(struct tls *t, const void *p, size_t n, size_t *put_out)
{
	char b[256];
	size_t some = n < sizeof(b) ? n : sizeof(b);
	ssize_t r;

	memcpy(b, p, some);
	for (size_t i = 0; i < some; i++)
		b[i] = (char)(b[i] & ~32);
	r = send(t->fd, b, some, MSG_NOSIGNAL);
	if (r > 0)
		*put_out = (size_t)r;
	return r > 0 ? TLS_OK : errno == EAGAIN ? TLS_WANT_WRITE : TLS_FAILED;
}

/* --- a room -------------------------------------------------------------- */

static struct stream s;
static int client;
static struct buf heard;
static unsigned ended, drained, handshakes;
static enum stream_end how;
static enum { ECHO, TAKE_NOTHING, PAUSE, FREE, STARTTLS } what;
static bool is_free, hears_last_words;

static void
on_input(struct stream *st)
{
	struct str in = buf_str(&st->in);

	switch (what) {
	case ECHO:
		buf_add(&heard, in);
		buf_add(&st->out, in);
		buf_consume(&st->in, in.n);
		break;
	case TAKE_NOTHING:
		break;
	case PAUSE:
		buf_add(&heard, str_sub(in, 0, 1));
		buf_consume(&st->in, 1);
		stream_pause(st);
		break;
	case FREE:
		stream_free(st);
		is_free = true;
		break;
	case STARTTLS:
		buf_consume(&st->in, 1);
		buf_z(&st->out, "220 go\r\n");
		stream_start_tls(st, (struct tls_server *)&refs);
		what = ECHO;
		break;
	}
}

static void on_drained(struct stream *st) { (void)st; drained++; }
static void on_tls(struct stream *st) { (void)st; handshakes++; }

static void
on_end(struct stream *st, enum stream_end e)
{
	ended++;
	how = e;
	if (hears_last_words) {
		stream_last_words(st);
		buf_add(&heard, buf_str(&st->in));
	}
	stream_free(st);
	is_free = true;
}

static const struct stream_ops ops = {
	.on_input = on_input, .on_drained = on_drained, .on_tls = on_tls,
	.on_end = on_end,
};

static void
begin(size_t in_max, size_t out_max)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fd), 0);
	client = fd[1];
	buf_free(&heard);
	buf_init(&heard, 1 << 20);
	ended = drained = handshakes = 0;
	is_free = false;
	what = ECHO;
	stream_init(&s, fd[0], in_max, out_max, &ops);
}

static void
finish(void)
{
	if (!is_free)
		stream_free(&s);
	if (client >= 0)
		(void)close(client);
	client = -1;
	buf_free(&heard);
}

static void
say(const char *z)
{
	assert_int_equal(write(client, z, strlen(z)), strlen(z));
}

static const char *
hear(void)
{
	static char b[65536];
	ssize_t r = recv(client, b, sizeof(b) - 1, MSG_DONTWAIT);

	b[r > 0 ? r : 0] = '\0';
	return b;
}

static void
passes(int n)
{
	while (n-- > 0)
		loop_once(0);
}

/* --- tests --------------------------------------------------------------- */

static void
test_echo(void **state)
{
	(void)state;
	begin(1000, 1000);
	say("hello");
	loop_once(0);
	assert_string_equal(hear(), "hello");
	assert_int_equal(drained, 1);
	/* idle connections hold no buffers */
	assert_null(s.in.p);
	assert_null(s.out.p);
	(void)close(client);
	client = -1;
	loop_once(0);
	assert_int_equal(ended, 1);
	assert_int_equal(how, STREAM_EOF);
	finish();
}

/* printf 'QUIT\r\n' | nc: all is answered before the end. */
static void
test_half_closed_client_is_answered(void **state)
{
	(void)state;
	begin(1000, 1000);
	what = PAUSE;
	say("ab");
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	passes(3);
	assert_int_equal(ended, 0);	/* we owe an answer */
	buf_z(&s.out, "1");
	stream_resume(&s);
	passes(3);
	assert_int_equal(ended, 0);
	assert_string_equal(buf_cstr(&heard), "ab");
	buf_z(&s.out, "2");
	stream_resume(&s);
	passes(3);
	assert_int_equal(ended, 1);
	assert_int_equal(how, STREAM_EOF);
	assert_string_equal(hear(), "12");
	finish();
}

static void
test_input_limit(void **state)
{
	char big[101];

	(void)state;
	begin(100, 1000);
	memset(big, 'x', 100);
	big[100] = '\0';
	what = TAKE_NOTHING;
	say(big);
	say(big);
	passes(3);
	assert_int_equal(s.in.len, 100);	/* the rest stays outside */
	what = ECHO;
	stream_poke(&s);
	passes(5);
	assert_int_equal(heard.len, 200);
	finish();
}

static void
test_output_limit(void **state)
{
	char big[200];

	(void)state;
	begin(1000, 100);
	memset(big, 'x', sizeof(big));
	buf_mem(&s.out, big, sizeof(big));
	stream_flush(&s);
	assert_int_equal(ended, 0);	/* never inside a call of ours */
	loop_once(0);
	assert_int_equal(how, STREAM_LIMIT);
	finish();
}

/* Who asks and does not read is not read. */
static void
test_choked(void **state)
{
	static char big[400 * 1024];
	size_t got = 0;

	(void)state;
	begin(1000, 1024 * 1024);
	memset(big, 'x', sizeof(big));
	buf_mem(&s.out, big, sizeof(big));
	assert_true(stream_full(&s));
	stream_flush(&s);
	loop_once(0);
	assert_true(s.out.len > 64 * 1024);
	say("more?");
	passes(3);
	assert_int_equal(heard.len, 0);
	for (int i = 0; i < 100 && got < sizeof(big) + 5; i++) {
		got += strlen(hear());
		loop_once(0);
	}
	assert_int_equal(got, sizeof(big) + 5);
	assert_string_equal(buf_cstr(&heard), "more?");
	finish();
}

static void
test_free_in_callback(void **state)
{
	(void)state;
	begin(1000, 1000);
	what = FREE;
	say("x");
	loop_once(0);
	assert_true(is_free);
	assert_int_equal(ended, 0);
	loop_once(0);
	finish();
}

static void
test_close_after_flush(void **state)
{
	(void)state;
	begin(1000, 1000);
	buf_z(&s.out, "bye");
	stream_close_after_flush(&s);
	assert_int_equal(ended, 0);
	passes(2);
	assert_int_equal(how, STREAM_CLOSED);
	assert_string_equal(hear(), "bye");
	assert_int_equal(recv(client, &(char){ 0 }, 1, 0), 0);
	finish();
}

/* Unread input would turn the close into a reset that overtakes the reply:
 * it is read and thrown away until the client has closed too. */
static void
test_last_reply_survives(void **state)
{
	(void)state;
	begin(10, 1000);
	what = TAKE_NOTHING;
	say("a lot that nobody will ever read");
	loop_once(0);
	buf_z(&s.out, "421 bye");
	stream_close_after_flush(&s);
	passes(2);
	assert_int_equal(ended, 0);
	say("still talking");
	passes(2);
	assert_string_equal(hear(), "421 bye");
	(void)close(client);
	client = -1;
	passes(2);
	assert_int_equal(how, STREAM_CLOSED);
	finish();
}

static void
test_linger_is_short(void **state)
{
	(void)state;
	clock_freeze(1000000);
	begin(10, 1000);
	what = TAKE_NOTHING;
	say("a lot that nobody will ever read");
	loop_once(0);
	stream_close_after_flush(&s);
	passes(2);
	assert_int_equal(ended, 0);
	clock_turn(2001);
	loop_once(0);
	assert_int_equal(how, STREAM_CLOSED);
	finish();
	clock_thaw();
}

static void
test_idle(void **state)
{
	(void)state;
	clock_freeze(1000000);
	begin(1000, 1000);
	stream_idle(&s, 1000);
	clock_turn(900);
	say("x");
	loop_once(0);
	clock_turn(900);
	loop_once(0);
	assert_int_equal(ended, 0);
	clock_turn(101);
	loop_once(0);
	assert_int_equal(how, STREAM_TIMEOUT);
	finish();
	clock_thaw();
}

static void
twice(void *state, struct str in, bool last, struct buf *out)
{
	*(unsigned *)state += last;
	for (size_t i = 0; i < in.n; i++) {
		buf_c(out, in.p[i]);
		buf_c(out, in.p[i]);
	}
}

static int
file_of(size_t n)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	char *p = malloc(n);

	memset(p, 'f', n);
	assert_int_equal(write(fd, p, n), n);
	free(p);
	return fd;
}

static void
test_send_file(void **state)
{
	size_t got = 0;
	unsigned lasts = 0;
	const char *p;

	(void)state;
	begin(1000, 256 * 1024);
	buf_z(&s.out, "head");
	stream_send_file(&s, file_of(300000), 100, 200000, twice, &lasts);
	say("later");
	for (int i = 0; i < 2000 && drained == 0; i++) {
		loop_once(0);
		p = hear();
		if (got == 0 && *p != '\0')
			assert_memory_equal(p, "headff", 6);
		got += strlen(p);
	}
	assert_int_equal(lasts, 1);
	assert_int_equal(drained, 1);
	assert_false(stream_sending(&s));
	passes(2);
	assert_string_equal(buf_cstr(&heard), "later");
	while (*(p = hear()) != '\0')
		got += strlen(p);
	assert_int_equal(got, 4 + 400000 + 5);
	finish();
}

static void
test_send_short_file(void **state)
{
	(void)state;
	begin(1000, 256 * 1024);
	stream_send_file(&s, file_of(10), 0, 20, NULL, NULL);
	passes(3);
	assert_int_equal(how, STREAM_RESET);
	finish();
}

/* What was pipelined in clear behind STARTTLS is never obeyed. */
static void
test_starttls(void **state)
{
	(void)state;
	refs = 0;
	begin(1000, 1000);
	what = STARTTLS;
	say("Sevil");
	passes(2);
	assert_string_equal(hear(), "220 go\r\n");
	assert_int_equal(handshakes, 0);
	assert_false(stream_is_tls(&s));
	say("HI");
	passes(2);
	assert_int_equal(handshakes, 1);
	assert_true(stream_is_tls(&s));
	say("NOOP");
	passes(3);
	assert_string_equal(buf_cstr(&heard), "noop");
	assert_string_equal(hear(), "NOOP");
	/* idle: no room is kept for what may come */
	passes(3);
	assert_null(s.in.p);
	assert_null(s.out.p);
	finish();
	assert_int_equal(refs, 0);
}

static void
test_handshake_fails(void **state)
{
	(void)state;
	refs = 0;
	begin(1000, 1000);
	stream_start_tls(&s, (struct tls_server *)&refs);
	passes(2);
	say("EHLO in clear");
	passes(2);
	assert_int_equal(how, STREAM_TLS_FAILED);
	finish();
	assert_int_equal(refs, 0);
}

/* A client that talks or goes while the key is waited for wakes nobody for
 * ever; the key does. */
static void
test_waits_for_key(void **state)
{
	(void)state;
	for (int closes = 0; closes < 2; closes++) {
		begin(1000, 1000);
		key.tries = 0;
		stream_start_tls(&s, (struct tls_server *)&refs);
		passes(2);
		say("KY");
		passes(2);
		assert_true(key.waits);
		say("too early");
		if (closes)
			close(client);
		passes(5);
		assert_true(key.tries <= 2);
		assert_false(stream_is_tls(&s));
		assert_int_equal(ended, 0);
		key.waits = false;
		key.fn(key.arg);
		passes(3);
		if (closes) {
			client = -1;
			assert_true(handshakes > 0);
		} else
			assert_true(stream_is_tls(&s));
		finish();
		assert_int_equal(refs, 0);
	}
}

static void
test_connect_tls(void **state)
{
	static const struct {
		const char	*name;
		bool		begins;
	} cases[] = { { "mx", true }, { "no name", false } };

	(void)state;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		begin(1000, 1000);
		buf_z(&s.out, "starttls");	/* in clear, before it */
		stream_connect_tls(&s, (struct tls_client *)&refs,
		    cases[i].name, NULL);
		passes(2);
		if (cases[i].begins) {
			say("HI");
			passes(2);
			assert_true(stream_is_tls(&s));
		} else
			assert_int_equal(how, STREAM_TLS_FAILED);
		finish();
		assert_int_equal(refs, 0);
	}
}

/* The peer refuses and closes, and we write before we read. */
static void
test_last_words(void **state)
{
	static const struct {
		bool		is_tls;
		const char	*said, *heard;
		enum stream_end	how;
	} cases[] = {
		{ false, "554 no", "554 no", STREAM_RESET },
		{ true, "554 NO", "554 no", STREAM_RESET },
		{ false, "", "", STREAM_RESET },
	};

	(void)state;
	hears_last_words = true;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		begin(1000, 1000);
		if (cases[i].is_tls) {
			stream_connect_tls(&s, (struct tls_client *)&refs,
			    "mx", NULL);
			say("HI");
			passes(2);
			assert_true(stream_is_tls(&s));
		}
		say(cases[i].said);
		(void)close(client);
		client = -1;
		stream_pause(&s);	/* as while a message goes out */
		buf_z(&s.out, "quit");
		stream_flush(&s);
		passes(2);
		assert_int_equal(ended, 1);
		assert_int_equal(how, cases[i].how);
		assert_string_equal(buf_cstr(&heard), cases[i].heard);
		finish();
	}
	hears_last_words = false;
}

/* A reply where the server's handshake is due is kept; other garbage is not
 * looked at. */
static void
test_clear_text_for_a_handshake(void **state)
{
	static const struct { const char *said, *heard; } cases[] = {
		{ "454 no TLS", "454 no TLS" }, { "XX", "" },
	};

	(void)state;
	hears_last_words = true;
	for (size_t i = 0; i < NITEMS(cases); i++) {
		begin(1000, 1000);
		stream_connect_tls(&s, (struct tls_client *)&refs, "mx", NULL);
		passes(2);
		say(cases[i].said);
		passes(2);
		assert_int_equal(how, STREAM_TLS_FAILED);
		assert_string_equal(buf_cstr(&heard), cases[i].heard);
		finish();
		assert_int_equal(refs, 0);
	}
	hears_last_words = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_half_closed_client_is_answered),
		cmocka_unit_test(test_input_limit),
		cmocka_unit_test(test_output_limit),
		cmocka_unit_test(test_choked),
		cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_close_after_flush),
		cmocka_unit_test(test_last_reply_survives),
		cmocka_unit_test(test_linger_is_short),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_send_file),
		cmocka_unit_test(test_send_short_file),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_handshake_fails),
		cmocka_unit_test(test_waits_for_key),
		cmocka_unit_test(test_connect_tls),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_clear_text_for_a_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
