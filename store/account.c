/* SPDX-License-Identifier: ISC */
/*
 * store/account.c - open accounts: held while somebody uses them, their
 * numbers synced, closed clean when nobody does.
 *
 * Numbers (durability.md 20): accounts that want some are gathered, their
 * files written, and one sync for all of them asked of syncd; one such sync
 * is under way at a time.
 *
 * Closing: flags go into file names, everything is synced, then `reserved`
 * says that the account is clean, and only then it is closed.
 */
#include "store/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define ACCOUNTS_MAX	2000	/* open at a time, if they are idle */
#define SYNC_STATE	4	/* ipc/catalogue.h, SYNC_ASK */

static struct dict by_name;
static struct link holdings;	/* the least used first */
static bool number_sync;	/* one is under way */
static bool close_sync;
static bool copy_sync;		/* of copies to another file system */
static struct defer number_defer;
static struct timer number_again;

#define NUMBER_TRIES	6
#define NUMBER_AGAIN_MS	500	/* a syncd that died is back by then */

static void ask_numbers(struct defer *d);
static void on_number_again(struct timer *t);

void
accounts_init(void)
{
	dict_init(&by_name);
	list_init(&holdings);
	defer_init(&number_defer, ask_numbers);
	timer_init(&number_again, on_number_again);
}

struct holding *
holding_of(struct account *a)
{
	return a->owner;
}

/* --- special mailboxes of a new account ---------------------------------- */

/* "Sent \Sent": what stands before the last blank. */
static struct str
folder_name(struct str entry)
{
	size_t at = str_rchr(entry, '\\');

	return at == entry.n ? str_trim(entry) :
	    str_trim(str_sub(entry, 0, at));
}

static void
make_folders(struct account *a)
{
	const struct strs *folders = &daemon_conf()->stored.folders;
	struct str name;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < folders->n; i++) {
		name = folder_name(folders->v[i]);
		if (name.n == 0)
			continue;
		r = account_create(a, name);
		if (r == 0 || r == FAIL_PERM)
			r = account_subscribe(a, name, true);
	}
	log_event(r == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "account-new");
	log_z("account", a->name);
	log_z("home", a->home);
	if (r != 0)
		log_errno();
	log_end();
}

/* --- holding ------------------------------------------------------------- */

static bool
box_has_work(const struct box *b)
{
	return !b->stale && !b->is_deleted &&
	    (b->todo & (BOX_FLUSH | BOX_UNLINK));
}

static bool
is_busy(const struct holding *h)
{
	return h->users > 0 || h->in_sync || h->wants_numbers;
}

static void
drop(struct holding *h)
{
	dict_del(&by_name, str_of(h->a->name));
	list_remove(&h->link);
	account_close(h->a);
	free(h);
}

/* Descriptors run short: whoever is idle goes, clean or not. */
static void
make_room(void)
{
	struct link *e, *tmp;
	struct holding *h;

	list_each_safe(e, tmp, &holdings) {
		h = container_of(e, struct holding, link);
		if (!is_busy(h) && !h->closing)
			drop(h);
	}
}

int
account_hold(struct str name, struct str home, struct holding **out,
    struct why *why)
{
	struct holding *h = dict_get(&by_name, name);
	struct account *a;
	int r, tries;

	if (h != NULL && !str_same(home, h->a->home)) {
		/* The users file moved it; the old place goes with its last
		 * user. */
		if (is_busy(h))
			return why_set(why, FAIL_TEMP, "account is moving");
		drop(h);
		h = NULL;
	}
	for (tries = 0; h == NULL; tries++) {
		errno = 0;
		r = account_open(&stored.place, name, home, true, &a, why);
		if (r == 0) {
			h = xcalloc(1, sizeof(*h));
			h->a = a;
			a->owner = h;
			list_init(&h->link);
			list_push(&holdings, &h->link);
			dict_put(&by_name, name, h);
			if (a->is_new)
				make_folders(a);
			account_sweep(a);
			break;
		}
		if (tries > 0 || (errno != EMFILE && errno != ENFILE))
			return r;
		make_room();
	}
	list_remove(&h->link);
	list_push(&holdings, &h->link);
	h->used_ms = clock_mono_ms();
	h->closing = false;
	*out = h;
	return 0;
}

void
account_use(struct holding *h, int by)
{
	h->users += (unsigned)by;
	h->used_ms = clock_mono_ms();
	if (by > 0)
		h->closing = false;
}

void
accounts_each_box(void (*fn)(struct box *b))
{
	struct link *e, *x, *tmp;
	struct holding *h;

	list_each(e, &holdings) {
		h = container_of(e, struct holding, link);
		list_each_safe(x, tmp, &h->a->boxes)
			fn(container_of(x, struct box, link));
	}
}

/* --- syncs --------------------------------------------------------------- */

bool
account_synced(const struct note *n)
{
	const struct note_sync_done *d = note_as_sync_done(n);

	/* by fsync syncd's death took the files along, and perhaps an error */
	if (d != NULL ? d->failed != 0 : stored.fsync_mode)
		stored.sync_failures++;
	return d != NULL && d->failed == 0;
}

void
account_sync_box(const struct box *b)
{
	struct note_sync_file f = { .is_folder = 1, .fd = b->cur };

	note_put_sync_file(daemon_peer(SYNCD, 0), &f);
}

/* --- numbers ------------------------------------------------------------- */

/* store/stored.c has this as account_ops.want_numbers. */
void
account_wants_numbers(struct account *a)
{
	holding_of(a)->wants_numbers = true;
	defer_put(&number_defer);
}

/* Scans that waited for numbers. */
static void
scans_go_on(struct account *a)
{
	struct link *e;
	struct box *b;

	list_each(e, &a->boxes) {
		b = container_of(e, struct box, link);
		if (b->scan != NULL || b->todo != 0)
			box_touch(b);
	}
}

/* Those that wait go on, or ask again; a few times, then they say so. */
static void
numbers_heard(void)
{
	jobs_numbers();
	work_soon();
}

static void
on_number_again(struct timer *t)
{
	struct link *e;

	(void)t;
	list_each(e, &holdings)
		scans_go_on(container_of(e, struct holding, link)->a);
	numbers_heard();
}

static void
numbers_later(void)
{
	/* not put off by each further failure */
	if (!timer_armed(&number_again))
		timer_set(&number_again, NUMBER_AGAIN_MS);
}

static void
on_numbers(void *session, const struct note *n)
{
	const struct note_sync_done *d = note_as_sync_done(n);
	bool synced = account_synced(n);
	struct link *e;
	struct holding *h;

	(void)session;
	number_sync = false;
	list_each(e, &holdings) {
		h = container_of(e, struct holding, link);
		if (h->wants_numbers)
			defer_put(&number_defer);
		if (!h->in_sync)
			continue;
		h->in_sync = false;
		if (!synced)
			continue;
		reserve_synced(&h->a->reserve);
		scans_go_on(h->a);
	}
	if (synced) {
		numbers_heard();
		return;
	}
	log_say(LOG_LEVEL_ERROR, "numbers-not-synced", "%s", d == NULL ?
	    "syncd does not answer" : "the disk failed");
	numbers_later();
}

static void
ask_numbers(struct defer *d)
{
	struct note_sync_ask ask = { .systems = SYNC_STATE };
	struct link *e;
	struct holding *h;
	bool any = false, failed = false;

	(void)d;
	if (number_sync)
		return;		/* on_numbers makes those that wait ask again */
	list_each(e, &holdings) {
		h = container_of(e, struct holding, link);
		if (!h->wants_numbers)
			continue;
		h->wants_numbers = false;
		if (reserve_write(&h->a->reserve) != 0) {
			log_event(LOG_LEVEL_ERROR, "numbers-not-written");
			log_z("account", h->a->name);
			log_errno();
			log_end();
			failed = true;
			continue;
		}
		h->in_sync = any = true;
		account_wrote_state(h->a);
	}
	if (failed)
		numbers_later();
	if (!any)
		return;
	number_sync = true;
	ask_sync_ask(daemon_peer(SYNCD, 0), &ask, on_numbers, NULL);
}

enum run
account_numbers(struct job *j, struct account *a, bool is_ready,
    int *failed_out, struct why *why)
{
	*failed_out = 0;
	if (is_ready)
		return DONE;
	if (j->tries++ >= NUMBER_TRIES) {
		*failed_out = why_set(why, FAIL_TEMP,
		    "no UIDs can be reserved");
		return DONE;
	}
	job_hold(j, holding_of(a));
	return NUMBERS;
}

enum run
box_numbers(struct job *j, struct box *b, uint32_t n, int *failed_out,
    struct why *why)
{
	return account_numbers(j, b->a, box_ready(b, n), failed_out, why);
}

/* --- fsync mode ---------------------------------------------------------- */

void
account_wrote(struct account *a, int fd, bool is_folder)
{
	struct note_sync_file f = { .is_folder = is_folder, .fd = fd };

	(void)a;
	if (stored.fsync_mode)
		note_put_sync_file(daemon_peer(SYNCD, 0), &f);
}

void
account_wrote_state(struct account *a)
{
	int fd;

	if (!stored.fsync_mode)
		return;
	fd = a->v->open(a->v, a->state, RESERVE_FILE, O_RDONLY, 0);
	if (fd >= 0) {
		account_wrote(a, fd, false);
		a->v->close(a->v, fd);
	}
	account_wrote(a, a->state, true);
}

/* --- clean and close ----------------------------------------------------- */

static void
log_shorter(struct holding *h)
{
	if (account_log_long(h->a) &&
	    account_log_anew(h->a, clock_real_s()) != 0) {
		log_event(LOG_LEVEL_WARN, "account-log-not-shortened");
		log_z("account", h->a->name);
		log_errno();
		log_end();
	}
}

/* All files follow now; true: nothing is left to do. */
static bool
settle(struct holding *h)
{
	struct link *e;
	struct box *b;
	bool all = true;

	list_each(e, &h->a->boxes) {
		b = container_of(e, struct box, link);
		if (box_has_work(b) && box_ready(b, 0) &&
		    !box_step(b, BOX_FLUSH | BOX_UNLINK, STEP_MS))
			all = false;
	}
	return all;
}

static void
on_settled(void *session, const struct note *n)
{
	bool synced = account_synced(n);
	struct link *e, *tmp;
	struct holding *h;

	(void)session;
	close_sync = false;
	list_each_safe(e, tmp, &holdings) {
		h = container_of(e, struct holding, link);
		if (!h->closing)
			continue;
		h->closing = false;
		if (!synced || (is_busy(h) && !stored.draining))
			continue;
		h->a->copy_unsettled = false;
		if (account_clean(h->a) == 0 && !stored.draining)
			drop(h);
	}
	if (stored.draining)
		daemon_exit();
}

static void
close_all(bool even_busy)
{
	struct note_sync_ask ask = { .systems = SYNC_STORE };
	int64_t idle_ms = dict_len(&by_name) > ACCOUNTS_MAX ? IDLE_MS / 20 :
	    IDLE_MS, now_ms = clock_mono_ms();
	struct link *e, *tmp;
	struct holding *h;
	bool any = false;

	list_each_safe(e, tmp, &holdings) {
		h = container_of(e, struct holding, link);
		if (!even_busy && (is_busy(h) || now_ms - h->used_ms <
		    idle_ms))
			continue;
		if (!settle(h) && !even_busy) {
			work_soon();
			continue;
		}
		log_shorter(h);
		if (!h->a->used) {
			if (!even_busy)
				drop(h);
			continue;
		}
		h->closing = any = true;
	}
	if (!any) {
		if (even_busy)
			daemon_exit();
		return;
	}
	close_sync = true;
	ask_sync_ask(daemon_peer(SYNCD, 0), &ask, on_settled, NULL);
}

static void
on_copies(void *session, const struct note *n)
{
	struct link *e;
	struct holding *h;

	(void)session;
	copy_sync = false;
	if (!account_synced(n))
		return;		/* whoever waits for a copy takes it back */
	list_each(e, &holdings) {
		h = container_of(e, struct holding, link);
		/* What came after that sync had begun is not in it. */
		if (h->copies_in_sync == h->a->copies || !STORE_RULE('C'))
			h->a->copy_unsettled = false;
	}
	work_soon();
}

/* Copies to another file system: once they are settled, what was expunged
 * after them may go (durability.md 23). */
static void
settle_copies(void)
{
	struct note_sync_ask ask = { .systems = SYNC_STORE };
	struct link *e, *x;
	struct holding *h;

	if (copy_sync)
		return;
	list_each(e, &holdings) {
		h = container_of(e, struct holding, link);
		h->copies_in_sync = h->a->copies;
		if (!h->a->copy_unsettled)
			continue;
		copy_sync = true;
		list_each(x, &h->a->boxes)
			account_sync_box(container_of(x, struct box, link));
	}
	if (copy_sync)
		ask_sync_ask(daemon_peer(SYNCD, 0), &ask, on_copies, NULL);
}

void
accounts_tick(void)
{
	struct link *e;

	settle_copies();
	list_each(e, &holdings)
		log_shorter(container_of(e, struct holding, link));
	if (!close_sync && !stored.draining)
		close_all(false);
}

void
accounts_drain(int64_t within_ms)
{
	int64_t until_ms = clock_mono_ms() + within_ms / 3;
	struct link *e;

	stored.draining = true;
	/* Nobody is served any more: file names may take their time. */
	list_each(e, &holdings)
		while (!settle(container_of(e, struct holding, link)) &&
		    clock_mono_ms() < until_ms)
			;
	close_all(true);
}

void
accounts_stat(void)
{
	size_t boxes = 0;
	struct link *e, *x;

	list_each(e, &holdings)
		list_each(x, &container_of(e, struct holding, link)->a->boxes)
			boxes++;
	daemon_stat("accounts", dict_len(&by_name));
	daemon_stat("mailboxes", boxes);
	daemon_stat("waiting", jobs_waiting());
}
