/* SPDX-License-Identifier: ISC */
/*
 * spoold as its peers see it: real notes over real channels, smtpd, qmgr,
 * stored and two remotes played by the test, a real spool below $TMPDIR, the
 * clock turned.  Who hears of what first is the test's choice.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int	spoold_main(int argc, char **argv);
#define main spoold_main
#include "qmgr/spoold.c"
#undef main

#include "base/rand.h"
#include "tests/lib/room.h"

enum { REMOTES = 2 };

static struct fake smtp, qmgr, store, remote[REMOTES];
static char dir[200];
static int spool_dir;

/* --- daemon.h, as far as spoold uses it ---------------------------------- */

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	switch (kind) {
	case SMTPD:
		return smtp.chan;
	case QMGR:
		return qmgr.chan;
	case STORED:
		return store.chan;
	case REMOTE:
		return index < REMOTES ? remote[index].chan : NULL;
	default:
		return NULL;
	}
}

unsigned
daemon_peer_count(enum proc kind)
{
	return kind == REMOTE ? REMOTES : 1;
}

struct chan *
daemon_any(enum proc kind)
{
	return daemon_peer(kind, 0);
}

struct chan *
daemon_stored_of(struct str account)
{
	(void)account;
	return store.chan;
}

uint16_t
daemon_boot(void)
{
	return 1;
}

int
daemon_file(const char *name)
{
	(void)name;
	return spool_dir;
}

struct str
daemon_key(const char *name)
{
	(void)name;
	return STR("");
}

bool
daemon_draining(void)
{
	return false;
}

void
daemon_ready(void)
{
}

void
daemon_exit(void)
{
}

/* --- the world ----------------------------------------------------------- */

static void
settle(void)
{
	turn(0);
}

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	loop_init();
	clock_freeze(INT64_C(1764180000000));
	conf_init(&conf);
	conf.spool.segments = 4;
	conf.spool.segment_size = 1 << 20;
	(void)snprintf(dir, sizeof(dir), "%s/veredus-spoold-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		return -1;
	spool_dir = open(dir, O_RDONLY | O_DIRECTORY);
	room_start(spoold_main);
	join(&smtp, SMTPD, 0);
	join(&store, STORED, 0);
	settle();
	return 0;
}

static void
remove_all(int in, const char *name)
{
	int fd = openat(in, name, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    unlinkat(fd, e->d_name, 0) != 0)
			remove_all(fd, e->d_name);
	(void)closedir(d);
	(void)unlinkat(in, name, AT_REMOVEDIR);
}

/* --- what peers say and hear --------------------------------------------- */

#define BODY	"Subject: x\r\n\r\nx\r\n"

/* Accepts a message to one recipient. */
static void
accept_mail(enum route_kind kind, char mid[MID_LEN + 1])
{
	struct note rcpt = { .kind = NOTE_SPOOL_RCPT, .fd = -1 };
	struct note commit = { .kind = NOTE_SPOOL_COMMIT, .ticket = 7 };
	struct note_spool_rcpt *r = &rcpt.u.spool_rcpt;
	struct note_spool_commit *c = &commit.u.spool_commit;
	struct note a;

	mid_make(clock_real_ms(), 1, mid);
	r->mid = c->mid = str_of(mid);
	r->kind = kind;
	r->address = r->account = STR("x@far.test");
	r->home = STR("far.test/x/Maildir");
	c->sender = STR("a@example.org");
	c->recipients = 1;
	c->size = sizeof(BODY) - 1;
	c->received_ms = clock_real_ms();
	c->deadline_ms = clock_mono_ms() + 50000;
	commit.fd = memfd_create("body", MFD_ALLOW_SEALING);
	assert_int_equal(write(commit.fd, BODY, sizeof(BODY) - 1),
	    sizeof(BODY) - 1);
	assert_true(fd_seal(commit.fd));
	say(&smtp, rcpt);
	fake_say(&smtp, &commit);
	close(commit.fd);
	settle();
	assert_true(fake_next(&smtp, &a));
	assert_int_equal(a.kind, NOTE_SPOOL_DONE);
	assert_int_equal(a.u.spool_done.failed, 0);
}

static void
say_heard(unsigned k)
{
	say(&remote[k], (struct note){ .kind = NOTE_REMOTE_HEARD });
}

static void
say_doubt(unsigned k, const char *mid, bool over)
{
	say(&remote[k], (struct note){ .kind = NOTE_REMOTE_DOUBT,
	    .u.remote_doubt = { .mid = str_of(mid), .over = over } });
}

/* qmgr and both remotes are there, and nothing is owed. */
static void
all_join(void)
{
	join(&qmgr, QMGR, 0);
	for (unsigned k = 0; k < REMOTES; k++) {
		join(&remote[k], REMOTE, k);
		say_heard(k);
	}
}

static void
all_die(void)
{
	for (unsigned k = 0; k < REMOTES; k++)
		if (remote[k].chan != NULL)
			die(&remote[k]);
	if (qmgr.chan != NULL)
		die(&qmgr);
}

static void
remove_mail(const char *mid)
{
	say(&qmgr, (struct note){ .kind = NOTE_QUEUE_MARK, .ticket = 9,
	    .u.queue_mark = { .mid = str_of(mid), .state = QUEUE_REMOVED } });
}

/* --- rule 18: who hears of a death of qmgr when -------------------------- */

/* The next qmgr is told nothing before the last remote has spoken. */
static void
heard_late(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	all_join();
	accept_mail(ROUTE_REMOTE, mid);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	say_heard(1);
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	turn(1000);
	say_doubt(0, mid, false);
	say_heard(0);
	turn(100);
	/* by the doubt, and with all that waits */
	for (int k = 0; k < 2; k++) {
		assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
		assert_true(str_is(n.u.queue_new.mid, mid));
		assert_int_equal(n.u.queue_new.in_doubt, 1);
	}
	say_doubt(0, mid, true);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	assert_true(str_is(n.u.queue_new.mid, mid));
	assert_int_equal(n.u.queue_new.in_doubt, 0);
	remove_mail(mid);
	all_die();
}

/* A doubt that comes when qmgr was told already is told after it. */
static void
doubt_late(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	all_join();
	accept_mail(ROUTE_REMOTE, mid);
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	turn(2100);
	turn(100);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	assert_int_equal(n.u.queue_new.in_doubt, 0);
	say_doubt(0, mid, false);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	assert_int_equal(n.u.queue_new.in_doubt, 1);
	say(&remote[0], (struct note){ .kind = NOTE_REMOTE_SENT,
	    .u.remote_sent = { .mid = str_of(mid) } });
	say_doubt(0, mid, true);
	assert_true(told(&qmgr, NOTE_QUEUE_GONE, &n));
	all_die();
}

/* Those that heard of it before spoold did owe nothing any more. */
static void
heard_early(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	all_join();
	accept_mail(ROUTE_REMOTE, mid);
	for (unsigned k = 0; k < REMOTES; k++)
		say_heard(k);
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	remove_mail(mid);
	all_die();
}

/* Nobody waits for a remote that has died, nor for ever. */
static void
never_heard(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	all_join();
	accept_mail(ROUTE_REMOTE, mid);
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	say_heard(1);
	die(&remote[0]);
	turn(100);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	turn(1900);
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	turn(200);
	turn(100);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	remove_mail(mid);
	all_die();
}

/* A remote that spoold meets anew may have doubts from before. */
static void
heard_at_first(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	accept_mail(ROUTE_REMOTE, mid);
	join(&remote[0], REMOTE, 0);
	join(&qmgr, QMGR, 0);
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	say_heard(0);
	turn(100);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	remove_mail(mid);
	all_die();
}

/* --- rule 17: what stored dies of ---------------------------------------- */

/* The hand-over that stored has; false: it has none. */
static bool
handed(struct note *n)
{
	bool is = told(&store, NOTE_STORE_APPEND, n);

	if (is)
		close(n->fd);
	return is;
}

static void
answer_append(const struct note *asked, int failed)
{
	say(&store, (struct note){ .kind = NOTE_STORE_APPENDED,
	    .ticket = asked->ticket, .u.store_appended = {
	    .failed = (uint32_t)-failed, .text = STR("not now") } });
}

static void
try_again(const char *mid, uint32_t ticket)
{
	say(&qmgr, (struct note){ .kind = NOTE_QUEUE_TRY, .ticket = ticket,
	    .u.queue_try = { .mid = str_of(mid) } });
}

static void
mark(const char *mid, enum queue_state state)
{
	say(&qmgr, (struct note){ .kind = NOTE_QUEUE_MARK, .ticket = 8,
	    .u.queue_mark = { .mid = str_of(mid), .state = state,
	    .attempts = 2 } });
}

/* A message for here that was put off once; qmgr knows it. */
static void
accept_deferred(char mid[MID_LEN + 1])
{
	struct note n;

	accept_mail(ROUTE_LOCAL, mid);
	assert_true(handed(&n));
	answer_append(&n, FAIL_TEMP);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	assert_int_equal(n.u.queue_new.attempts, 1);
	mark(mid, QUEUE_WAITS);
}

static void
stored_dies(int times)
{
	struct note n;

	while (times-- > 0) {
		assert_true(handed(&n));
		die(&store);
		join(&store, STORED, 0);
		turn(5000);
		turn(1000);
	}
}

/* The mark is the asker's; and an answer it does not hear is said again. */
static void
deadly(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	all_join();
	accept_deferred(mid);
	try_again(mid, 21);
	stored_dies(3);
	assert_true(told(&qmgr, NOTE_QUEUE_RESULT, &n));
	assert_int_equal(n.ticket, 21);
	assert_int_equal(n.u.queue_result.result, QUEUE_DEADLY);
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	mark(mid, QUEUE_WAITS);
	try_again(mid, 22);
	assert_false(handed(&n));
	assert_true(told(&qmgr, NOTE_QUEUE_RESULT, &n));
	assert_int_equal(n.u.queue_result.result, QUEUE_DEADLY);
	mark(mid, QUEUE_HELD);
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	for (unsigned k = 0; k < REMOTES; k++)
		say_heard(k);
	turn(100);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	assert_int_equal(n.u.queue_new.held, 1);
	mark(mid, QUEUE_RELEASED);
	try_again(mid, 23);
	assert_true(handed(&n));
	answer_append(&n, FAIL_TEMP);
	remove_mail(mid);
	all_die();
}

/* Whoever asked is dead: the next qmgr hears of it all the same. */
static void
asker_gone(void **state)
{
	char mid[MID_LEN + 1];
	struct note n, given;

	(void)state;
	all_join();
	accept_deferred(mid);
	try_again(mid, 31);
	assert_true(handed(&given));
	die(&qmgr);
	join(&qmgr, QMGR, 0);
	for (unsigned k = 0; k < REMOTES; k++)
		say_heard(k);
	turn(100);
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	answer_append(&given, FAIL_TEMP);
	assert_true(told(&qmgr, NOTE_QUEUE_NEW, &n));
	assert_true(str_is(n.u.queue_new.reason, "not now"));
	assert_int_equal(n.u.queue_new.attempts, 3);
	remove_mail(mid);
	all_die();
}

/* --- a body that cannot be read ------------------------------------------ */

static void
no_more_descriptors(bool yes)
{
	static struct rlimit usual;
	struct rlimit none;

	if (!yes) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
		return;
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = (struct rlimit){ 3, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

/* Written down once, by who asked for the try. */
static void
unreadable(void **state)
{
	char mid[MID_LEN + 1];
	struct note n;

	(void)state;
	all_join();
	accept_deferred(mid);
	no_more_descriptors(true);
	try_again(mid, 41);
	no_more_descriptors(false);
	assert_true(told(&qmgr, NOTE_QUEUE_RESULT, &n));
	assert_int_equal(n.u.queue_result.result, QUEUE_LATER);
	assert_true(str_is(n.u.queue_result.text, "the body cannot be read"));
	assert_false(told(&qmgr, NOTE_QUEUE_NEW, &n));
	try_again(mid, 42);
	assert_true(handed(&n));
	answer_append(&n, FAIL_TEMP);
	remove_mail(mid);
	all_die();
}

/* --- a large body -------------------------------------------------------- */

/* One descriptor to fill it, one for whoever only looks at it. */
static void
large_body(void **state)
{
	char mid[MID_LEN + 1], got[2];
	struct note open_it = { .kind = NOTE_SPOOL_OPEN, .ticket = 8 };
	struct note n;
	int view, file;

	(void)state;
	mid_make(clock_real_ms(), 1, mid);
	open_it.u.spool_open.mid = str_of(mid);
	say(&smtp, open_it);
	assert_true(fake_next(&smtp, &n));
	assert_int_equal(n.kind, NOTE_SPOOL_VIEW);
	view = n.fd;
	assert_true(fake_next(&smtp, &n));
	assert_int_equal(n.kind, NOTE_SPOOL_FILE);
	assert_int_equal(n.u.spool_file.failed, 0);
	file = n.fd;
	assert_int_equal(write(file, "x", 1), 1);
	assert_int_equal(pread(view, got, sizeof(got), 0), 1);
	assert_int_equal(got[0], 'x');
	assert_int_equal(fcntl(view, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(write(view, "y", 1), -1);
	assert_int_equal(ftruncate(view, 0), -1);
	(void)close(view);
	(void)close(file);
	/* the same body again is refused, with neither */
	say(&smtp, open_it);
	assert_true(fake_next(&smtp, &n));
	assert_int_equal(n.kind, NOTE_SPOOL_FILE);
	assert_int_equal(-(int)n.u.spool_file.failed, FAIL_PERM);
	assert_int_equal(n.fd, -1);
	say(&smtp, (struct note){ .kind = NOTE_SPOOL_CANCEL,
	    .u.spool_cancel = { .mid = str_of(mid) } });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heard_late), cmocka_unit_test(doubt_late),
		cmocka_unit_test(heard_early),
		cmocka_unit_test(never_heard),
		cmocka_unit_test(heard_at_first), cmocka_unit_test(deadly),
		cmocka_unit_test(asker_gone), cmocka_unit_test(unreadable),
		cmocka_unit_test(large_body),
	};
	int r = cmocka_run_group_tests(tests, setup, NULL);

	remove_all(AT_FDCWD, dir);
	return r;
}
