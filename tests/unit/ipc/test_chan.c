/* SPDX-License-Identifier: ISC */
/*
 * A channel with the test at its far end: tickets, deadlines, hostile
 * packets, descriptors, a peer that does not read, a peer that dies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/fake.h"

static struct {
	unsigned	notes, ends, bads, thens, nulls, rows;
	enum note_kind	last;
	uint32_t	ticket;
	int		fd;
	bool		free_in_note;
} seen;
static struct fake fake;

static void
on_bad(struct chan *c, const char *text)
{
	(void)c, (void)text;
	seen.bads++;
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	seen.notes++;
	seen.last = n->kind;
	seen.ticket = n->ticket;
	seen.fd = n->fd;
	if (n->fd >= 0)
		assert_true(fcntl(n->fd, F_GETFD) & FD_CLOEXEC);
	if (seen.free_in_note) {
		fake.chan = NULL;
		chan_free(c);
	}
}

static void
on_end(struct chan *c, void *arg)
{
	(void)arg;
	seen.ends++;
	fake.chan = NULL;
	chan_free(c);
}

static void
then(void *session, const struct note *n)
{
	(void)session;
	seen.thens++;
	seen.nulls += n == NULL;
	if (n != NULL) {
		seen.last = n->kind;
		seen.rows += note_how(n->kind) == ROW;
	}
}

static void
quiet(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

static void
begin(enum proc me, enum proc peer)
{
	memset(&seen, 0, sizeof(seen));
	log_set_sink(quiet, NULL);
	chan_on_bad(on_bad);
	fake_init(&fake, me, peer, 0, on_note, on_end, NULL);
}

static void
ask(void *session)
{
	struct note_auth_check n = { .user = STR("joe"),
	    .secret = STR("s") };

	ask_auth_check(fake.chan, &n, then, session);
}

static void
test_ask_and_answer(void **state)
{
	struct note n, a;

	(void)state;
	begin(SMTPD, AUTHD);
	ask(&seen);
	assert_true(fake_next(&fake, &n));
	assert_int_equal(n.kind, NOTE_AUTH_CHECK);
	assert_true(str_same(n.u.auth_check.user, "joe"));
	assert_true(n.ticket != 0);
	note_init(&a, NOTE_AUTH_VERDICT);
	a.ticket = n.ticket;
	fake_say(&fake, &a);
	assert_int_equal(seen.thens, 1);
	assert_int_equal(seen.nulls, 0);
	fake_say(&fake, &a);	/* once more: nobody waits */
	assert_int_equal(seen.thens, 1);
	assert_int_equal(seen.bads, 0);
	fake_free(&fake);
}

static void
test_rows_then_end(void **state)
{
	struct note_trace_ask ask_n = { .mid = STR("0123456789") };
	struct note n, row, done;

	(void)state;
	begin(CTLD, LOGD);
	ask_trace_ask(fake.chan, &ask_n, then, &seen);
	assert_true(fake_next(&fake, &n));
	note_init(&row, NOTE_TRACE_ROW);
	note_init(&done, NOTE_CTL_DONE);
	row.ticket = done.ticket = n.ticket;
	fake_say(&fake, &row);
	fake_say(&fake, &row);
	fake_say(&fake, &done);
	assert_int_equal(seen.thens, 3);
	assert_int_equal(seen.rows, 2);
	assert_int_equal(seen.last, NOTE_CTL_DONE);
	fake_free(&fake);
}

static void
test_peer_dies(void **state)
{
	(void)state;
	begin(SMTPD, AUTHD);
	ask(&seen);
	ask(&seen);
	fake_die(&fake);
	assert_int_equal(seen.nulls, 2);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.bads, 0);
	fake_free(&fake);
}

/* The answer stands in the socket when the peer dies; its unread packets
 * make the kernel report a reset first. */
static void
test_last_words(void **state)
{
	struct note a;
	struct buf b;

	(void)state;
	begin(SMTPD, AUTHD);
	ask(&seen);
	note_init(&a, NOTE_AUTH_VERDICT);
	a.ticket = 1;
	buf_init(&b, NOTE_MAX);
	note_encode(&a, &b);
	assert_int_equal(send(fake.fd, b.p, b.len, 0), b.len);
	buf_free(&b);
	fd_close(&fake.fd);	/* with our ask unread in it */
	loop_once(0);
	assert_int_equal(seen.thens, 1);
	assert_int_equal(seen.nulls, 0);
	assert_int_equal(seen.ends, 1);
	fake_free(&fake);
}

static void
test_deadline(void **state)
{
	(void)state;
	clock_freeze(1000000);
	begin(SMTPD, AUTHD);
	ask(&seen);
	clock_turn(9999);
	loop_run_timers();
	assert_int_equal(seen.thens, 0);
	clock_turn(2);
	loop_run_timers();
	assert_int_equal(seen.nulls, 1);
	assert_true(chan_ok(fake.chan));
	fake_free(&fake);
	clock_thaw();
}

static void
test_forget(void **state)
{
	int a, b;

	(void)state;
	begin(SMTPD, AUTHD);
	ask(&a);
	ask(&b);
	ask(&a);
	chan_forget(fake.chan, &a);
	fake_die(&fake);
	assert_int_equal(seen.nulls, 1);
	fake_free(&fake);
}

static void
test_nobody_there(void **state)
{
	int a, b;

	(void)state;
	begin(SMTPD, AUTHD);
	fake_free(&fake);
	ask(&a);
	ask(&b);
	assert_int_equal(seen.thens, 0);	/* not inside ask */
	chan_forget(NULL, &a);
	loop_once(0);
	assert_int_equal(seen.nulls, 1);
}

/* What a peer that was taken over may try; each ends the channel and is
 * told, none ends us. */
static void
test_hostile(void **state)
{
	struct note n;
	struct buf b;

	(void)state;
	for (int i = 0; i < 9; i++) {
		int null_fd = open("/dev/null", O_RDONLY);
		int two[] = { null_fd, null_fd };
		size_t fds = 0;

		begin(STORED, IMAPD);
		buf_init(&b, NOTE_MAX + 100);
		note_init(&n, NOTE_STORE_LIST);
		n.ticket = 5;
		switch (i) {
		case 0:		/* may not say it to us */
			n.kind = NOTE_REPLAY_END;
			n.ticket = 0;
			break;
		case 1:		/* master's word */
			note_init(&n, NOTE_DRAIN);
			break;
		case 2:		/* an ask without ticket */
			n.ticket = 0;
			break;
		case 3:		/* a put with one */
			note_init(&n, NOTE_STORE_LOGOUT);
			n.ticket = 9;
			break;
		case 4:		/* a descriptor where there is none */
			fds = 1;
			break;
		case 5:		/* two of them */
			fds = 2;
			break;
		case 6:		/* APPEND needs a file, this is a device */
			note_init(&n, NOTE_STORE_APPEND);
			n.ticket = 5;
			fds = 1;
			break;
		case 7:		/* and it needs one at all */
			note_init(&n, NOTE_STORE_APPEND);
			n.ticket = 5;
			break;
		}
		note_encode(&n, &b);
		if (i == 8)	/* bytes left over */
			buf_z(&b, "x");
		fake_raw(&fake, buf_str(&b), two, fds);
		assert_int_equal(seen.notes, 0);
		assert_int_equal(seen.bads, 1);
		assert_int_equal(seen.ends, 1);
		buf_free(&b);
		(void)close(null_fd);
		fake_free(&fake);
	}
}

static void
test_too_long_a_packet(void **state)
{
	uint8_t *big = calloc(1, NOTE_MAX + 1);

	(void)state;
	begin(STORED, IMAPD);
	big[0] = NOTE_STORE_LIST;
	fake_raw(&fake, str_mem(big, NOTE_MAX + 1), NULL, 0);
	assert_int_equal(seen.bads, 1);
	assert_int_equal(seen.ends, 1);
	free(big);
	fake_free(&fake);
}

static unsigned
open_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_descriptor_arrives(void **state)
{
	struct note n;
	int fd = memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	unsigned before;

	(void)state;
	begin(STORED, IMAPD);
	before = open_fds();
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	note_init(&n, NOTE_STORE_APPEND);
	n.ticket = 5;
	note_set_fd(&n, fd);
	fake_say(&fake, &n);
	assert_int_equal(seen.notes, 1);
	assert_true(seen.fd >= 0);
	assert_int_equal(open_fds(), before);	/* not taken: closed */
	(void)close(fd);
	fake_free(&fake);
}

/* A full table: the note comes without its descriptor, which is no fault of
 * the peer; the room answers "later". */
static void
test_our_shortage(void **state)
{
	struct rlimit had, none;
	struct note n;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	int high = 3;

	(void)state;
	begin(STORED, IMAPD);
	for (int i = 0; i < 256; i++)
		if (fcntl(i, F_GETFD) >= 0)
			high = i;
	while (dup(fd) <= high)	/* no hole below the limit */
		;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
	none = had;
	none.rlim_cur = (rlim_t)high + 2;
	note_init(&n, NOTE_STORE_APPEND);
	n.ticket = 5;
	note_set_fd(&n, fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	fake_say(&fake, &n);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &had), 0);
	assert_int_equal(seen.notes, 1);
	assert_int_equal(seen.fd, -1);
	assert_int_equal(seen.bads, 0);
	assert_int_equal(seen.ends, 0);
	fake_free(&fake);
}

/* The limit of the queue is met in put; the end comes in the loop. */
static void
test_peer_does_not_read(void **state)
{
	struct note_log_line n = { .line = str_mem(NULL, 0) };
	static uint8_t line[4096];
	unsigned sent = 0;

	(void)state;
	begin(SMTPD, LOGD);
	n.line = str_mem(line, sizeof(line));
	while (chan_ok(fake.chan) && sent++ < 100000)
		note_put_log_line(fake.chan, &n);
	assert_true(sent > 64 && sent < 10000);
	assert_int_equal(seen.ends, 0);
	loop_once(0);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.bads, 1);
	fake_free(&fake);
}

static void
test_queue_drains_in_order(void **state)
{
	struct note_log_line n = { .level = 0 };
	static uint8_t line[4096];
	struct note got;
	unsigned sent = 0, read = 0;

	(void)state;
	begin(SMTPD, LOGD);
	n.line = str_mem(line, sizeof(line));
	while (fake.chan->queued < 100000) {
		n.level = sent++;
		note_put_log_line(fake.chan, &n);
	}
	assert_false(chan_busy(fake.chan));
	for (int pass = 0; pass < 1000 && read < sent; pass++) {
		while (fake_next(&fake, &got)) {
			assert_int_equal(got.u.log_line.level, read);
			read++;
		}
		loop_once(0);
	}
	assert_int_equal(read, sent);
	assert_int_equal(fake.chan->queued, 0);
	fake_free(&fake);
}

static void
test_replace_reads_the_old(void **state)
{
	struct note n;
	struct buf b;

	(void)state;
	begin(STORED, IMAPD);
	note_init(&n, NOTE_STORE_LIST);
	n.ticket = 3;
	buf_init(&b, NOTE_MAX);
	note_encode(&n, &b);
	assert_int_equal(send(fake.fd, b.p, b.len, 0), b.len);
	assert_int_equal(send(fake.fd, b.p, b.len, 0), b.len);
	buf_free(&b);
	chan_replace(fake.chan);
	assert_int_equal(seen.notes, 2);
	assert_int_equal(seen.ends, 1);
	fake_free(&fake);
}

static void
test_freed_in_a_note(void **state)
{
	struct note n;

	(void)state;
	begin(STORED, IMAPD);
	seen.free_in_note = true;
	note_init(&n, NOTE_STORE_LIST);
	n.ticket = 3;
	fake_say(&fake, &n);
	assert_int_equal(seen.notes, 1);
	assert_null(fake.chan);
	fake_free(&fake);
}

/* A wrong answer reaches `then` as a note of another kind. */
static void
test_wrong_answer(void **state)
{
	struct note n, a;

	(void)state;
	begin(SMTPD, ROUTED);
	struct note_route_ask q = { .address = STR("a@b") };

	ask_route_ask(fake.chan, &q, then, &seen);
	assert_true(fake_next(&fake, &n));
	note_init(&a, NOTE_STAT_END);	/* may be said to master, ctld only */
	a.ticket = n.ticket;
	fake_say(&fake, &a);
	assert_int_equal(seen.bads, 1);
	assert_int_equal(seen.nulls, 1);
	fake_free(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask_and_answer),
		cmocka_unit_test(test_rows_then_end),
		cmocka_unit_test(test_peer_dies),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_too_long_a_packet),
		cmocka_unit_test(test_descriptor_arrives),
		cmocka_unit_test(test_our_shortage),
		cmocka_unit_test(test_peer_does_not_read),
		cmocka_unit_test(test_queue_drains_in_order),
		cmocka_unit_test(test_replace_reads_the_old),
		cmocka_unit_test(test_freed_in_a_note),
		cmocka_unit_test(test_wrong_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
