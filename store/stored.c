/* SPDX-License-Identifier: ISC */
/*
 * store/stored.c - the process that owns mailboxes.
 *
 * Comes in: mail from spoold, questions of pop3d and imapd for the accounts
 * whose grants they show.  Goes out: answers, news, read-only descriptors;
 * to spoold what is appended, to syncd what must be synced.
 *
 * One worker has an account; nobody else writes to its mailboxes.  Never:
 * waits for a sync, does more than 5 ms at a stretch, follows a link out of
 * the mail folder, believes a file that a crash may have cut.
 *
 * After a start the doors are shut for faces until spoold has handed over
 * again what was open (REPLAY_END), or for 30 s (durability.md 16).
 */
#include "store/stored.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rand.h"
#include "crypto/digest.h"

#include "base/banned.h"

struct stored stored;

static struct dict peers;	/* struct chan * as a number -> struct peer */
static struct timer work, tick, doors;
static struct defer tell;

/* --- peers --------------------------------------------------------------- */

static struct peer *
peer_of(struct chan *c)
{
	return dict_get_u64(&peers, (uint64_t)(uintptr_t)c);
}

static void
on_peer(struct chan *c)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	p->c = c;
	dict_init(&p->logins);
	dict_init(&p->views);
	dict_put_u64(&peers, (uint64_t)(uintptr_t)c, p);
}

static void
on_peer_gone(struct chan *c)
{
	struct peer *p = dict_del_u64(&peers, (uint64_t)(uintptr_t)c);
	struct str key;
	void *login;
	size_t at = 0;

	if (p == NULL)
		return;
	jobs_of_peer_gone(p);
	while (dict_next(&p->logins, &at, &key, &login))
		login_close(login);
	dict_free(&p->logins);
	dict_free(&p->views);
	free(p);
}

/* --- doors --------------------------------------------------------------- */

bool
doors_open(void)
{
	return stored.doors || !STORE_RULE('O');
}

void
doors_unlock(const char *why)
{
	if (stored.doors)
		return;
	log_say(LOG_LEVEL_INFO, "doors-open", "%s", why);
	stored.doors = true;
	timer_stop(&doors);
	jobs_doors();
}

static void
doors_shut(void)
{
	stored.doors = false;
	if (STORE_RULE('S'))
		timer_set(&doors, DOORS_MS);
}

static void
on_doors(struct timer *t)
{
	(void)t;
	doors_unlock("spoold has not said that replay is through");
}

/* --- work ---------------------------------------------------------------- */

void
work_soon(void)
{
	defer_put(&tell);
	if (!timer_armed(&work))
		timer_set(&work, 0);
}

static void
on_tell(struct defer *d)
{
	(void)d;
	boxes_tell();
}

/* One step for each that has work; then others have their turn. */
static void
on_work(struct timer *t)
{
	bool steps = boxes_step(), jobs = jobs_work();

	boxes_tell();
	if (steps)
		timer_set(t, 0);
	else if (jobs)
		timer_set(t, 2);	/* they wait for somebody */
}

static void
on_tick(struct timer *t)
{
	boxes_look();
	accounts_tick();
	timer_set(t, 1000);
}

/* --- notes --------------------------------------------------------------- */

static const struct {
	enum note_kind	kind;
	job_fn		*ask;
	void		(*put)(struct peer *p, const struct note *n);
} handlers[] = {
	{ NOTE_STORE_APPEND, on_append, NULL },
	{ NOTE_STORE_BODY, on_body, NULL },
	{ NOTE_STORE_CHANGE, on_change, NULL },
	{ NOTE_STORE_CHECK, on_check, NULL },
	{ NOTE_STORE_CLOSE, NULL, on_close },
	{ NOTE_STORE_COPY, on_copy, NULL },
	{ NOTE_STORE_EXPUNGE, on_expunge, NULL },
	{ NOTE_STORE_LIST, on_list, NULL },
	{ NOTE_STORE_LOGIN, on_login, NULL },
	{ NOTE_STORE_LOGOUT, NULL, on_logout },
	{ NOTE_STORE_MAILBOX, on_mailbox, NULL },
	{ NOTE_STORE_OPEN, on_open, NULL },
	{ NOTE_STORE_STATUS, on_status, NULL },
	{ NOTE_STORE_TORN, NULL, on_torn },
};

static void
on_note(struct chan *c, const struct note *n)
{
	struct peer *p = peer_of(c);
	size_t i;

	if (n->kind == NOTE_REPLAY_END) {
		stored.place.may_expunge = true;
		doors_unlock("replay is through");
		return;
	}
	for (i = 0; i < NITEMS(handlers); i++) {
		if (handlers[i].kind != n->kind || p == NULL)
			continue;
		if (handlers[i].ask != NULL)
			job_start(p, n, handlers[i].ask);
		else
			handlers[i].put(p, n);
		return;
	}
}

/* --- start --------------------------------------------------------------- */

/* This run of the machine: a power cut gives another. */
static uint64_t
boot_id(void)
{
	static const uint64_t key[2] = { 0x76657265, 0x647573 };
	char text[FILE_BOOT_ID_MAX + 1];
	size_t n = file_boot_id(text);

	if (n == 0)
		return rand_u64() | 1;	/* every start is checked, then */
	return siphash24(key, text, n) | 1;
}

static void
before_cage(void)
{
	digest_warm();
	stored.place.boot = boot_id();
	ingest_init(&stored.ingest);
}

static void
choose_sync(void)
{
	/* master has decided what "auto" is */
	stored.fsync_mode = str_same(daemon_conf()->spool.sync, "fsync");
	stored.ops.wrote = stored.fsync_mode ? account_wrote : NULL;
}

static bool
start(void)
{
	stored.ops.index_gone = standin_make;
	stored.ops.want_numbers = account_wants_numbers;
	stored.place.v = &volume_real;
	stored.place.mail = daemon_file("mail");
	stored.place.state = daemon_file("state");
	stored.place.index = daemon_file("index");
	stored.place.ingest = &stored.ingest;
	stored.place.ops = &stored.ops;
	stored.place.hash_key[0] = rand_u64();
	stored.place.hash_key[1] = rand_u64();
	/* Repeat keys live as long as a message may wait, and a day. */
	stored.place.keep_s = daemon_conf()->queue.lifetime / 1000 + 86400;
	standin_forget(&stored.place);
	choose_sync();
	accounts_init();
	timer_set(&tick, 1000);
	doors_shut();
	return true;
}

static void
on_reload(void)
{
	stored.place.keep_s = daemon_conf()->queue.lifetime / 1000 + 86400;
	choose_sync();
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = STORED, .before_cage = before_cage, .start = start,
		.on_peer = on_peer, .on_note = on_note,
		.on_peer_gone = on_peer_gone, .on_reload = on_reload,
		.on_drain = accounts_drain, .on_stat = accounts_stat,
	};

	dict_init(&peers);
	timer_init(&work, on_work);
	timer_init(&tick, on_tick);
	timer_init(&doors, on_doors);
	defer_init(&tell, on_tell);
	daemon_main(&ops, argc, argv);
}
