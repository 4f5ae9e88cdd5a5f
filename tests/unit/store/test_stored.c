/* SPDX-License-Identifier: ISC */
/*
 * stored as its peers see it: real notes over real channels, two faces, a
 * spoold and a syncd played by the test, real files below $TMPDIR.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int	stored_main(int argc, char **argv);
#define main stored_main
#include "store/stored.c"
#undef main

#include "crypto/grant.h"
#include "tests/lib/room.h"
#include "tests/unit/maildir/world.h"

static struct fake imap, pop, spool, sync_;
static int folders[3];
static char dir[200];
static bool exited;
static bool sync_hangs;		/* mail is not synced; numbers are */
static bool sync_fails;		/* as the next sync of mail ends */
static struct volume apart;

/* --- daemon.h, as far as stored uses it ---------------------------------- */

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	(void)index;
	return kind == SPOOLD ? spool.chan : kind == SYNCD ? sync_.chan :
	    NULL;
}

unsigned
daemon_index(void)
{
	return 0;
}

int
daemon_file(const char *name)
{
	return folders[name[0] == 'm' ? 0 : name[0] == 's' ? 1 : 2];
}

struct str
daemon_key(const char *name)
{
	(void)name;
	return STR("a key that only authd and stored know");
}

void
daemon_exit(void)
{
	exited = true;
}

/* --- the world ----------------------------------------------------------- */

static void
passes(int n)
{
	while (n-- > 0)
		loop_once(0);
}

static uint32_t asked[64];	/* while sync_hangs */
static size_t n_asked;
static unsigned mounts;		/* mailboxes whose file systems are to be synced */

static void
say_synced(uint32_t ticket)
{
	struct note done = { .kind = NOTE_SYNC_DONE, .ticket = ticket,
	    .fd = -1, .u.sync_done = { .failed = sync_fails } };

	fake_say(&sync_, &done);
}

/* Syncs are done at once, or as long as sync_hangs those of mail are not. */
static void
serve_syncd(void)
{
	struct note n;

	while (!sync_hangs && n_asked > 0)
		say_synced(asked[--n_asked]);
	while (fake_next(&sync_, &n)) {
		if (n.kind == NOTE_SYNC_FILE) {
			mounts++;
			close(n.fd);
		}
		if (n.kind != NOTE_SYNC_ASK)
			continue;
		if (!sync_hangs || n.u.sync_ask.systems != SYNC_STORE) {
			say_synced(n.ticket);
			continue;
		}
		assert_true(n_asked < NITEMS(asked));
		asked[n_asked++] = n.ticket;
	}
}

/* --- each mailbox on a file system of its own ---------------------------- */

static bool
is_apart(int from, int to)
{
	struct stat a, b;

	return fstatat(from, "..", &a, 0) == 0 && fstatat(to, "..", &b, 0) ==
	    0 && a.st_ino != b.st_ino;
}

static int
apart_rename(struct volume *v, int from_dir, const char *from, int to_dir,
    const char *to, bool replace)
{
	if (!is_apart(from_dir, to_dir))
		return volume_real.rename(v, from_dir, from, to_dir, to,
		    replace);
	errno = EXDEV;
	return -1;
}

static int
apart_link(struct volume *v, int from_dir, const char *from, int to_dir,
    const char *to)
{
	if (!is_apart(from_dir, to_dir))
		return volume_real.link(v, from_dir, from, to_dir, to);
	errno = EXDEV;
	return -1;
}

static void
settle(void)
{
	int i;

	for (i = 0; i < 30; i++) {
		passes(2);
		serve_syncd();
	}
}

static int
folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	return open(path, O_RDONLY | O_DIRECTORY);
}

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	loop_init();
	conf_init(&conf);
	snprintf(dir, sizeof(dir), "%s/veredus-stored-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		return -1;
	folders[0] = folder("mail");
	folders[1] = folder("state");
	folders[2] = folder("index");
	room_start(stored_main);
	apart = volume_real;
	apart.rename = apart_rename;
	apart.link = apart_link;
	join(&imap, IMAPD, 0);
	join(&pop, POP3D, 0);
	join(&spool, SPOOLD, 0);
	join(&sync_, SYNCD, 0);
	return 0;
}

#define ASK_TRIES	2000

/* A note to stored; its answer. */
static bool
ask(struct fake *f, struct note *n, struct note *a)
{
	static uint32_t ticket;

	n->ticket = ++ticket;
	fake_say(f, n);
	settle();
	/* A job that waits for others is looked at again a moment later. */
	for (int i = 0; i < ASK_TRIES; i++) {
		while (fake_next(f, a))
			if (a->ticket == n->ticket && note_how(a->kind) == END)
				return true;
		loop_once(1);
		settle();
	}
	return false;
}

static char who[40] = "joe@example.org", home[60] = "example.org/joe/Maildir";

static void
as(const char *name)
{
	snprintf(who, sizeof(who), "%s@example.org", name);
	snprintf(home, sizeof(home), "example.org/%s/Maildir", name);
}

#define NEW(n, X, x) struct note n = { .kind = NOTE_STORE_##X, .fd = -1 }; \
	struct note_store_##x *x = &n.u.store_##x

static int
content(const char *text)
{
	int fd = memfd_create("content", MFD_ALLOW_SEALING);

	assert_true(dprintf(fd, "Subject: %s\r\n\r\n%s\r\n", text, text) > 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL), 0);
	return fd;
}

static void
fill_append(struct note_store_append *append, const char *text, char mid[27],
    int *fd_out)
{
	mid_make(1764180000000, 1, mid);
	append->mid = str_of(mid);
	append->account = str_of(who);
	append->home = str_of(home);
	append->mailbox = STR("INBOX");
	append->date_s = 1764180000;
	append->size = strlen(text) * 2 + 15;
	*fd_out = content(text);
}

static uint32_t
deliver(const char *text)
{
	NEW(n, APPEND, append);
	struct note a;
	char mid[27];

	fill_append(append, text, mid, &n.fd);
	append->added = STR("Return-Path: <>\r\n");
	append->number = 1;
	assert_true(ask(&spool, &n, &a));
	close(n.fd);
	assert_int_equal(a.kind, NOTE_STORE_APPENDED);
	assert_int_equal(a.u.store_appended.failed, 0);
	return a.u.store_appended.uid;
}

static void
make_grant(struct note_store_login *login, const char *service,
    uint8_t mac[GRANT_LEN])
{
	struct grant g;

	login->account = str_of(who);
	login->home = str_of(home);
	login->service = str_of(service);
	login->sid = STR("0123456789abc");
	login->expires_ms = clock_real_ms() + 5000;
	g = (struct grant){ login->account, login->home, login->service,
	    login->sid, login->expires_ms };
	assert_int_equal(grant_make(daemon_key("grant"), &g, mac), 0);
	login->grant = str_mem(mac, GRANT_LEN);
}

static uint32_t
login(struct fake *f, const char *service)
{
	NEW(n, LOGIN, login);
	uint8_t mac[GRANT_LEN];
	struct note a;

	make_grant(login, service, mac);
	assert_true(ask(f, &n, &a));
	assert_int_equal(a.u.store_logged.failed, 0);
	mac[3] ^= 1;
	assert_true(ask(f, &n, &a));
	assert_int_equal(a.u.store_logged.failed, -FAIL_DENIED);
	mac[3] ^= 1;
	assert_true(ask(f, &n, &a));
	return a.u.store_logged.login;
}

struct opened {
	uint32_t	box, records, uidnext, recent;
	uint32_t	uidvalidity;
	int		fd;
	char		mailboxid[27];
};

static struct opened
open_box(struct fake *f, uint32_t id, const char *name)
{
	NEW(n, OPEN, open);
	struct opened o;
	struct note a;

	open->login = id;
	open->mailbox = str_of(name);
	assert_true(ask(f, &n, &a));
	assert_int_equal(a.u.store_opened.failed, 0);
	assert_true(a.fd >= 0);
	o = (struct opened){ a.u.store_opened.box, a.u.store_opened.records,
	    a.u.store_opened.uidnext, a.u.store_opened.recent_uid,
	    a.u.store_opened.uidvalidity, a.fd, "" };
	snprintf(o.mailboxid, sizeof(o.mailboxid), "%.*s",
	    STR_ARG(a.u.store_opened.mailboxid));
	return o;
}

static void
replay_end(void)
{
	struct note n = { .kind = NOTE_REPLAY_END, .fd = -1 };

	fake_say(&spool, &n);
	settle();
}

static int
verb(uint32_t id, enum store_verb what, const char *name, const char *to)
{
	NEW(n, MAILBOX, mailbox);
	struct note a;

	mailbox->login = id;
	mailbox->verb = what;
	mailbox->name = str_of(name);
	mailbox->to = str_of(to);
	assert_true(ask(&imap, &n, &a));
	return (int)a.u.store_done.failed;
}

static void
list(uint32_t id, struct buf *out)
{
	NEW(n, LIST, list);
	struct note a;

	list->login = id;
	n.ticket = 90000;
	fake_say(&imap, &n);
	settle();
	while (fake_next(&imap, &a))
		if (a.kind == NOTE_STORE_NAME)
			buf_fmt(out, "%.*s:%u%s%.*s ",
			    STR_ARG(a.u.store_name.name),
			    a.u.store_name.flags,
			    a.u.store_name.special.n > 0 ? ":" : "",
			    STR_ARG(a.u.store_name.special));
}

/* --- the story ----------------------------------------------------------- */

static void
shut_doors(void **state)
{
	NEW(n, LOGIN, login);
	uint8_t mac[GRANT_LEN] = { 0 };
	struct note a;

	(void)state;
	assert_int_equal(deliver("before the doors"), 1);
	login->account = str_of(who);
	/* A bad grant need not wait. */
	assert_true(ask(&imap, &n, &a));
	assert_int_equal(a.u.store_logged.failed, -FAIL_DENIED);
	/* A good one does, for what was open is handed over again yet. */
	make_grant(login, "imap", mac);
	n.ticket = 4000;
	fake_say(&imap, &n);
	settle();
	assert_false(fake_next(&imap, &a));
	replay_end();
	assert_true(told(&imap, NOTE_STORE_LOGGED, &a));
	assert_int_equal(a.ticket, 4000);
	assert_int_equal(a.u.store_logged.failed, 0);
}

static void
two_faces(void **state)
{
	uint32_t x, y, z;
	struct opened one, two, three;
	struct note a;
	NEW(change_note, CHANGE, change);
	NEW(expunge_note, EXPUNGE, expunge);
	NEW(body_note, BODY, body);
	char bytes[100] = "";

	(void)state;
	x = login(&imap, "imap");
	y = login(&imap, "imap");
	z = login(&pop, "pop3");
	assert_true(x != y && x != 0 && y != 0 && z != 0);
	one = open_box(&imap, x, "INBOX");
	two = open_box(&imap, y, "INBOX");
	three = open_box(&pop, z, "INBOX");
	assert_int_equal(one.records, 1);
	assert_int_equal(one.recent, 1);
	assert_int_equal(two.recent, 2);
	assert_true(one.box != two.box);
	assert_int_equal(deliver("second"), 2);
	assert_true(told(&imap, NOTE_STORE_NEWS, &a));
	assert_int_equal(a.u.store_news.records, 2);
	assert_true(told(&imap, NOTE_STORE_NEWS, &a));
	assert_true(told(&pop, NOTE_STORE_NEWS, &a));

	change->box = one.box;
	change->set = STR("1:2");
	change->how = STORE_ADD;
	change->flags = INDEX_SEEN | INDEX_DELETED;
	change->keywords = STR("$Junk");
	change_note.ticket = 4711;
	fake_say(&imap, &change_note);
	settle();
	/* News before the answer, to both. */
	assert_true(fake_next(&imap, &a));
	assert_int_equal(a.kind, NOTE_STORE_NEWS);
	assert_true(str_same(a.u.store_news.set, "1:2"));
	assert_true(str_same(a.u.store_news.keywords, "$Junk"));
	assert_true(fake_next(&imap, &a));
	assert_int_equal(a.kind, NOTE_STORE_NEWS);
	assert_true(fake_next(&imap, &a));
	assert_int_equal(a.kind, NOTE_STORE_DONE);
	assert_int_equal(a.u.store_done.count, 2);

	body->box = two.box;
	body->uid = 2;
	assert_true(ask(&imap, &body_note, &a));
	assert_int_equal(a.u.store_file.failed, 0);
	assert_true(read(a.fd, bytes, sizeof(bytes) - 1) > 0);
	assert_string_equal(bytes,
	    "Return-Path: <>\nSubject: second\n\nsecond\n");
	assert_true(write(a.fd, "x", 1) < 0);
	close(a.fd);

	expunge->box = three.box;
	expunge->set = STR("1");
	assert_true(ask(&pop, &expunge_note, &a));
	assert_int_equal(a.u.store_done.count, 1);
	assert_true(told(&imap, NOTE_STORE_GONE, &a));
	assert_true(str_same(a.u.store_gone.set, "1"));
	assert_true(told(&imap, NOTE_STORE_GONE, &a));
	body->uid = 1;
	assert_true(ask(&imap, &body_note, &a));
	assert_int_equal(a.u.store_file.failed, -FAIL_GONE);
	/* Somebody else's handle is none. */
	body->box = three.box == one.box ? two.box : one.box + 1000;
	assert_true(ask(&pop, &body_note, &a));
	assert_int_equal(a.u.store_file.failed, -FAIL_GONE);
	close(one.fd);
	close(two.fd);
	close(three.fd);
}

/* An APPEND is answered only after the journal. */
static void
append(void **state)
{
	NEW(n, APPEND, append);
	NEW(status_note, STATUS, status);
	struct note a, j, done = { .kind = NOTE_SPOOL_DONE, .fd = -1 };
	uint32_t id = login(&imap, "imap"), uid;
	char mid[27];

	(void)state;
	fill_append(append, "draft", mid, &n.fd);
	append->login = id;
	append->flags = INDEX_SEEN;
	append->mailbox = STR("Drafts");
	n.ticket = 5000;
	fake_say(&imap, &n);
	settle();
	while (fake_next(&imap, &a))
		assert_int_not_equal(a.ticket, 5000);
	assert_true(told(&spool, NOTE_SPOOL_APPEND, &j));
	assert_true(str_same(j.u.spool_append.mailbox, "Drafts"));
	assert_true(j.fd >= 0);
	close(j.fd);
	uid = j.u.spool_append.uid;
	assert_int_equal(uid, 1);
	done.ticket = j.ticket;
	fake_say(&spool, &done);
	settle();
	assert_true(told(&imap, NOTE_STORE_APPENDED, &a));
	assert_int_equal(a.u.store_appended.failed, 0);
	assert_int_equal(a.u.store_appended.uid, uid);
	/* Refused by the journal: it has never been. */
	close(n.fd);
	fill_append(append, "draft", mid, &n.fd);
	append->mailbox = STR("Drafts");
	n.ticket = 5001;
	fake_say(&imap, &n);
	settle();
	assert_true(told(&spool, NOTE_SPOOL_APPEND, &j));
	close(j.fd);
	done.ticket = j.ticket;
	done.u.spool_done.failed = -FAIL_TEMP;
	fake_say(&spool, &done);
	settle();
	assert_true(told(&imap, NOTE_STORE_APPENDED, &a));
	assert_int_equal(a.u.store_appended.failed, -FAIL_TEMP);
	status->login = id;
	status->mailbox = STR("Drafts");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.messages, 1);
	/* No such mailbox. */
	append->mailbox = STR("Nowhere");
	assert_true(ask(&imap, &n, &a));
	assert_int_equal(a.u.store_appended.failed, -FAIL_GONE);
	close(n.fd);
}

static void
mailboxes(void **state)
{
	uint32_t id = login(&imap, "imap");
	struct opened in, bills;
	NEW(copy_note, COPY, copy);
	NEW(status_note, STATUS, status);
	struct note a;
	struct buf b;

	(void)state;
	buf_init(&b, 4000);
	assert_int_equal(verb(id, STORE_CREATE, "Work/Bills", ""), 0);
	assert_int_equal(verb(id, STORE_CREATE, "Work/Bills", ""),
	    -FAIL_PERM);
	assert_int_equal(verb(id, STORE_SUBSCRIBE, "Gone", ""), 0);
	list(id, &b);
	assert_string_equal(buf_cstr(&b), "INBOX:0 Archive:2:\\Archive "
	    "Drafts:2:\\Drafts Gone:19 Junk:2:\\Junk Sent:2:\\Sent "
	    "Trash:2:\\Trash Work:5 Work/Bills:0 ");
	in = open_box(&imap, id, "INBOX");
	bills = open_box(&imap, id, "Work/Bills");
	deliver("third");
	deliver("fourth");
	copy->box = in.box;
	copy->set = STR("3");
	copy->mailbox = STR("Work/Bills");
	assert_true(ask(&imap, &copy_note, &a));
	assert_int_equal(a.u.store_copied.failed, 0);
	assert_true(str_same(a.u.store_copied.from, "3"));
	assert_true(str_same(a.u.store_copied.to, "1"));
	copy->set = STR("2:4");
	copy->move = 1;
	assert_true(ask(&imap, &copy_note, &a));
	assert_true(str_same(a.u.store_copied.from, "2:4"));
	assert_true(str_same(a.u.store_copied.to, "2:4"));
	copy->mailbox = STR("Nowhere");
	assert_true(ask(&imap, &copy_note, &a));
	assert_int_equal(a.u.store_copied.failed, -FAIL_GONE);
	status->login = id;
	status->mailbox = STR("Work/Bills");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.messages, 4);
	status->mailbox = STR("INBOX");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.messages, 0);
	assert_int_equal(verb(id, STORE_RENAME, "Work", "Work/x"),
	    -FAIL_PERM);
	assert_int_equal(verb(id, STORE_RENAME, "Work", "Play"), 0);
	assert_int_equal(verb(id, STORE_DELETE, "Play", ""), -FAIL_PERM);
	status->mailbox = STR("Play/Bills");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.messages, 4);
	/* It is open, and renamed, and still the same. */
	copy->box = bills.box;
	copy->set = STR("1:4");
	copy->mailbox = STR("INBOX");
	assert_true(ask(&imap, &copy_note, &a));
	assert_int_equal(a.u.store_copied.failed, 0);
	assert_int_equal(verb(id, STORE_DELETE, "Play/Bills", ""), 0);
	status->mailbox = STR("Play/Bills");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.failed, -FAIL_GONE);
	assert_int_equal(verb(id, STORE_RENAME, "INBOX", "Old"), 0);
	status->mailbox = STR("Old");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.messages, 4);
	status->mailbox = STR("INBOX");
	assert_true(ask(&imap, &status_note, &a));
	assert_int_equal(a.u.store_counts.messages, 0);
	close(in.fd);
	close(bills.fd);
	buf_free(&b);
}

static void
repeats(void **state)
{
	NEW(n, APPEND, append);
	struct note a;
	char mid[27];
	uint32_t uid;

	(void)state;
	fill_append(append, "once", mid, &n.fd);
	append->number = 3;
	assert_true(ask(&spool, &n, &a));
	uid = a.u.store_appended.uid;
	append->replay = 1;
	assert_true(ask(&spool, &n, &a));
	assert_int_equal(a.u.store_appended.failed, 0);
	assert_int_equal(a.u.store_appended.uid, uid);
	append->size++;		/* shorter than announced */
	append->number = 4;
	assert_true(ask(&spool, &n, &a));
	assert_int_equal(a.u.store_appended.failed, -FAIL_PERM);
	append->size--;
	append->deadline_ms = 1;
	assert_true(ask(&spool, &n, &a));
	assert_int_equal(a.u.store_appended.failed, -FAIL_TEMP);
	close(n.fd);
}

/* --- rules of durability.md, with each broken in test_stored_broken ------ */

/* Rule 16: what spoold hands over again late is numbered anew. */
static void
late_replay(void **state)
{
	NEW(n, APPEND, append);
	struct opened o;
	struct note a;
	char mid[27];

	(void)state;
	as("late");
	assert_int_equal(deliver("one"), 1);
	o = open_box(&imap, login(&imap, "imap"), "INBOX");
	fill_append(append, "late", mid, &n.fd);
	append->number = 9;
	append->replay = STORE_ANEW;
	append->uid = 1;
	append->uidvalidity = o.uidvalidity;
	assert_true(ask(&spool, &n, &a));
	assert_int_equal(a.u.store_appended.failed, 0);
	assert_int_equal(a.u.store_appended.uid, o.uidnext);
	close(n.fd);
	close(o.fd);
}

/* Rule 21: a delivery behind an APPEND is answered, but announced after it. */
static void
in_order(void **state)
{
	NEW(n, APPEND, append);
	struct note a, j, done = { .kind = NOTE_SPOOL_DONE, .fd = -1 };
	struct opened o;
	char mid[27];
	uint32_t id;

	(void)state;
	as("order");
	id = login(&imap, "imap");
	o = open_box(&imap, id, "INBOX");
	fill_append(append, "appended", mid, &n.fd);
	append->login = id;
	n.ticket = 6000;
	fake_say(&imap, &n);
	settle();
	assert_true(told(&spool, NOTE_SPOOL_APPEND, &j));
	close(j.fd);
	close(n.fd);
	done.ticket = j.ticket;
	assert_int_equal(j.u.spool_append.uid, 1);
	assert_int_equal(deliver("meanwhile"), 2);
	while (fake_next(&imap, &a))
		assert_int_not_equal(a.kind, NOTE_STORE_NEWS);
	fake_say(&spool, &done);
	settle();
	assert_true(told(&imap, NOTE_STORE_NEWS, &a));
	assert_int_equal(a.u.store_news.records, 2);
	assert_int_equal(a.u.store_news.uidnext, 3);
	assert_true(told(&imap, NOTE_STORE_APPENDED, &a));
	assert_int_equal(a.u.store_appended.uid, 1);
	close(o.fd);
}

/* Rule 22: all that a power cut may take of an APPEND is in its record. */
static void
whole_record(void **state)
{
	NEW(n, APPEND, append);
	struct note a, j, done = { .kind = NOTE_SPOOL_DONE, .fd = -1 };
	struct opened o;
	const struct note_spool_append *s = &j.u.spool_append;
	char mid[27];
	uint32_t id;

	(void)state;
	as("record");
	id = login(&imap, "imap");
	o = open_box(&imap, id, "Drafts");
	close(o.fd);
	assert_int_equal(strlen(o.mailboxid), MID_LEN);
	fill_append(append, "draft", mid, &n.fd);
	append->login = id;
	append->mailbox = STR("Drafts");
	append->flags = INDEX_SEEN | INDEX_FLAGGED;
	append->keywords = STR("$Forwarded");
	append->date_s = 1234567890;
	n.ticket = 6500;
	fake_say(&imap, &n);
	settle();
	assert_true(told(&spool, NOTE_SPOOL_APPEND, &j));
	close(j.fd);
	close(n.fd);
	assert_true(str_same(s->account, who) && str_same(s->home, home));
	assert_true(str_same(s->mailbox, "Drafts"));
	assert_true(str_same(s->mailboxid, o.mailboxid));
	assert_int_equal(s->uid, 1);
	assert_int_equal(s->uidvalidity, o.uidvalidity);
	assert_int_equal(s->flags, INDEX_SEEN | INDEX_FLAGGED);
	assert_true(str_same(s->keywords, "$Forwarded"));
	assert_int_equal(s->date_s, 1234567890);
	done.ticket = j.ticket;
	fake_say(&spool, &done);
	settle();
	assert_true(told(&imap, NOTE_STORE_APPENDED, &a));
}

static unsigned
files(const char *box)
{
	static const char *const subs[] = { "new", "cur" };
	char path[400];
	struct dirent *e;
	unsigned n = 0;
	size_t i;
	DIR *d;

	for (i = 0; i < NITEMS(subs); i++) {
		snprintf(path, sizeof(path), "%s/mail/%s/%s/%s", dir, home,
		    box, subs[i]);
		d = opendir(path);
		assert_non_null(d);
		while ((e = readdir(d)) != NULL)
			n += e->d_name[0] != '.';
		closedir(d);
	}
	return n;
}

static uint32_t
messages(uint32_t id, const char *name)
{
	NEW(n, STATUS, status);
	struct note a;

	status->login = id;
	status->mailbox = str_of(name);
	assert_true(ask(&imap, &n, &a));
	return a.u.store_counts.messages;
}

static void
look_through(struct box *b)
{
	b->todo |= BOX_SCAN_ALL;
	box_touch(b);
}

/* A second is over, and somebody has touched all folders. */
static void
next_tick(void)
{
	accounts_each_box(look_through);
	on_tick(&tick);
	settle();
}

/* Rule 23: no sync has ended since the copy was made, so a power cut may
 * take the copy: the source must be there yet. */
static void
copy_and_expunge(const char *name, bool move)
{
	NEW(copy_note, COPY, copy);
	NEW(expunge_note, EXPUNGE, expunge);
	struct opened in;
	struct note a;
	uint32_t id;
	int i;

	as(name);
	assert_int_equal(deliver("precious"), 1);
	id = login(&imap, "imap");
	in = open_box(&imap, id, "INBOX");
	close(in.fd);
	sync_hangs = true;
	copy->box = in.box;
	copy->set = STR("1");
	copy->mailbox = STR("Archive");
	copy->move = move;
	copy_note.ticket = 7000;
	fake_say(&imap, &copy_note);
	for (i = 0; i < ASK_TRIES && files(".Archive") == 0; i++) {
		loop_once(1);
		settle();
	}
	expunge->box = in.box;
	expunge->set = STR("1");
	if (!move)
		assert_true(ask(&imap, &expunge_note, &a));
	for (i = 0; i < 3; i++) {
		next_tick();
		while (fake_next(&imap, &a))
			assert_int_not_equal(a.ticket, 7000);
		assert_int_equal(files(".Archive"), 1);
		assert_int_equal(files(""), 1);
	}
	sync_hangs = false;
	for (i = 0; i < 3; i++)
		next_tick();
	assert_true(told(&imap, NOTE_STORE_COPIED, &a));
	assert_int_equal(a.u.store_copied.failed, 0);
	assert_int_equal(files(".Archive"), 1);
	assert_int_equal(files(""), 0);
	assert_int_equal(messages(id, "Archive"), 1);
	assert_int_equal(messages(id, "INBOX"), 0);
}

/* Durability 9 and 23: a sync that failed is not made good by the next one.
 * What it covered is taken back, and the source was never touched. */
static void
copy_and_fail(const char *name, bool move, bool by_tick)
{
	NEW(n, COPY, copy);
	struct opened in;
	struct note a;
	uint32_t id;

	as(name);
	assert_int_equal(deliver("precious"), 1);
	id = login(&imap, "imap");
	in = open_box(&imap, id, "INBOX");
	close(in.fd);
	sync_hangs = true;
	mounts = 0;
	copy->box = in.box;
	copy->set = STR("1");
	copy->mailbox = STR("Archive");
	copy->move = move;
	n.ticket = 7700;
	fake_say(&imap, &n);
	for (int i = 0; i < ASK_TRIES && files(".Archive") == 0; i++) {
		loop_once(1);
		settle();
	}
	assert_int_equal(messages(id, "INBOX"), 1);
	assert_int_equal(mounts, 1);	/* the Archive's */
	if (by_tick) {		/* the error is met by what a tick asks */
		next_tick();
		assert_int_equal(n_asked, 2);
		sync_fails = true;
		say_synced(asked[--n_asked]);
	}
	sync_fails = !by_tick;
	sync_hangs = false;
	serve_syncd();
	sync_fails = false;
	for (int i = 0; i < 3; i++)
		next_tick();
	assert_true(told(&imap, NOTE_STORE_COPIED, &a));
	assert_int_equal((int)a.u.store_copied.failed, -FAIL_TEMP);
	assert_int_equal(messages(id, "INBOX"), 1);
	assert_int_equal(messages(id, "Archive"), 0);
	assert_int_equal(files(""), 1);
	assert_int_equal(files(".Archive"), 0);
}

static void
failed_sync(void **state)
{
	(void)state;
	stored.place.v = &apart;
	copy_and_fail("nomove", true, false);
	copy_and_fail("nocopy", false, false);
	copy_and_fail("nomove2", true, true);
	copy_and_fail("nocopy2", false, true);
	stored.place.v = &volume_real;
}

/* Asks that hang are answered: those of before. */
static void
some_synced(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		say_synced(asked[i]);
	memmove(asked, asked + n, (n_asked - n) * sizeof(asked[0]));
	n_asked -= n;
	settle();
}

static void
copy_to_archive(uint32_t box, const char *set, unsigned files_then)
{
	NEW(n, COPY, copy);
	int i;

	copy->box = box;
	copy->set = str_of(set);
	copy->mailbox = STR("Archive");
	n.ticket = 7500;
	fake_say(&imap, &n);
	for (i = 0; i < ASK_TRIES && files(".Archive") < files_then; i++) {
		loop_once(1);
		settle();
	}
	assert_int_equal(files(".Archive"), files_then);
}

/* Rule 23: a sync that began before the copy does not settle it. */
static void
copy_in_sync(void **state)
{
	NEW(expunge_note, EXPUNGE, expunge);
	struct opened in;
	struct note a;
	size_t n;

	(void)state;
	stored.place.v = &apart;
	as("race");
	assert_int_equal(deliver("one"), 1);
	assert_int_equal(deliver("two"), 2);
	in = open_box(&imap, login(&imap, "imap"), "INBOX");
	close(in.fd);
	sync_hangs = true;
	copy_to_archive(in.box, "1", 1);
	next_tick();
	n = n_asked;
	assert_true(n >= 2);
	copy_to_archive(in.box, "2", 2);
	expunge->box = in.box;
	expunge->set = STR("2");
	assert_true(ask(&imap, &expunge_note, &a));
	some_synced(n);
	next_tick();
	assert_int_equal(files(""), 2);
	sync_hangs = false;
	next_tick();
	next_tick();
	assert_int_equal(files(""), 1);
	stored.place.v = &volume_real;
}

static unsigned busy;

static int
busy_lock(struct volume *v, int fd)
{
	if (busy == 0)
		return volume_real.lock(v, fd);
	busy--;
	errno = EAGAIN;
	return -1;
}

static unsigned users;

static void
count_users(struct box *b)
{
	if (str_same(str_of(b->a->name), who))
		users = holding_of(b->a)->users;
}

/* A delivery that waits twice, first for the account itself, leaves nobody
 * behind who uses it. */
static void
waits_for_account(void **state)
{
	static struct volume v;		/* the account goes on with it */

	(void)state;
	as("locked");
	v = volume_real;
	v.lock = busy_lock;
	stored.place.v = &v;
	busy = 1;
	assert_int_equal(deliver("one"), 1);
	stored.place.v = &volume_real;
	users = 99;
	accounts_each_box(count_users);
	assert_int_equal(users, 0);
}

/* Rule 16: a spoold that never says REPLAY_END shuts nobody out for ever. */
static void
doors_open_by_time(void **state)
{
	NEW(n, LOGIN, login);
	uint8_t mac[GRANT_LEN] = { 0 };
	struct note a;

	(void)state;
	clock_freeze(clock_real_ms());
	doors_shut();
	as("joe");
	login->account = str_of(who);
	make_grant(login, "imap", mac);
	n.ticket = 8000;
	fake_say(&imap, &n);
	clock_turn(DOORS_MS - 1);
	loop_run_timers();
	settle();
	assert_false(told(&imap, NOTE_STORE_LOGGED, &a));
	clock_turn(1);
	loop_run_timers();
	settle();
	assert_true(told(&imap, NOTE_STORE_LOGGED, &a));
	assert_int_equal(a.u.store_logged.failed, 0);
}

static void
settled_first(void **state)
{
	(void)state;
	stored.place.v = &apart;
	copy_and_expunge("copies", false);
	copy_and_expunge("moves", true);
	stored.place.v = &volume_real;
}

#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
static const struct broken {
	const char	*rule, *text;
	void		(*test)(void **state);
} brokens[] = {
	{ "O", "16: the doors are open at once", NULL },
	{ "T", "16: a UID of a record counts below UIDNEXT", late_replay },
	{ "S", "16: the doors wait for ever", doors_open_by_time },
	{ "V", "21: announced out of order", in_order },
	{ "W", "21: STORE_DONE waits for an announcement", in_order },
	{ "B", "22: the record has no MAILBOXID", whole_record },
	{ "X", "22: the record has no name of the mailbox", whole_record },
	{ "F", "22: the record has no flags", whole_record },
	{ "D", "22: the record has no date", whole_record },
	{ "N", "22: the record has no UID", whole_record },
	{ "E", "9: an error that another sync has met is not heard",
	    failed_sync },
	{ "U", "23: a source is unlinked before its copy is settled",
	    settled_first },
	{ "C", "23: a sync settles copies made after it began", copy_in_sync },
};

static const char *dropped;

static void
run_without(const void *arg)
{
	const struct broken *b = arg;

	maildir_broken = dropped;
	if (setup(NULL) != 0)
		_exit(0);
	shut_doors(NULL);
	if (b->test != NULL)
		b->test(NULL);
}

static bool
is_noticed(const char *rule, const struct broken *b)
{
	dropped = rule;
	return world_fails(run_without, b);
}

/* As built it passes; with its rule broken the same test fails. */
static void
each_rule(void **state)
{
	const struct broken *b;
	bool found;

	(void)state;
	for (b = brokens; b < brokens + NITEMS(brokens); b++) {
		assert_false(is_noticed("", b));
		found = is_noticed(b->rule, b);
		printf("rule %s: %s\n", b->text, found ? "noticed" :
		    "NOT NOTICED");
		assert_true(found);
	}
}
#endif

/* A face dies: its handles are gone; stop: clean. */
static void
ends(void **state)
{
	(void)state;
	fake_die(&imap);
	settle();
	room->on_drain(3000);
	settle();
	assert_true(exited);
}

int
main(void)
{
#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
	const struct CMUnitTest broken[] = { cmocka_unit_test(each_rule) };

	return cmocka_run_group_tests(broken, NULL, NULL);
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shut_doors), cmocka_unit_test(two_faces),
		cmocka_unit_test(append), cmocka_unit_test(mailboxes),
		cmocka_unit_test(repeats), cmocka_unit_test(late_replay),
		cmocka_unit_test(in_order), cmocka_unit_test(whole_record),
		cmocka_unit_test(settled_first),
		cmocka_unit_test(copy_in_sync),
		cmocka_unit_test(waits_for_account),
		cmocka_unit_test(failed_sync),
		cmocka_unit_test(doors_open_by_time), cmocka_unit_test(ends),
	};
	int r = cmocka_run_group_tests(tests, setup, NULL);

	world_remove(AT_FDCWD, dir);
	return r;
}
