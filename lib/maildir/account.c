/* SPDX-License-Identifier: ISC */
/*
 * maildir/account.c - an account: opened, its log, its repeat keys.
 */
#include "maildir/account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "maildir/box.h"

#include "base/banned.h"

/* --- what the log says of each mailbox ----------------------------------- */

static void
remember_last(void *arg, const struct log_record *r)
{
	struct account *a = arg;
	struct str id = str_mem(r->mailboxid, 16);
	struct account_last *last = dict_get(&a->last, id);

	if (last == NULL) {
		last = xcalloc(1, sizeof(*last));
		dict_put(&a->last, id, last);
	}
	if (r->type == LOG_APPEND && r->uid > last->uid)
		last->uid = r->uid;
	if (r->txn > last->txn)
		last->txn = r->txn;
}

static void
say_cut(const struct account *a)
{
	if (a->log.cut == 0)
		return;
	log_event(LOG_LEVEL_WARN, "account-log-cut");
	log_z("account", a->name);
	log_u64("octets", a->log.cut);
	log_end();
}

static void
free_values(struct dict *d)
{
	struct str key;
	void *value;
	size_t at = 0;

	while (dict_next(d, &at, &key, &value))
		free(value);
	dict_free(d);
}

/* --- repeat keys --------------------------------------------------------- */

static struct str
key_str(const struct log_key *key, uint8_t out[24])
{
	memcpy(out, key->mid, 16);
	memcpy(out + 16, &key->number, 4);
	memcpy(out + 20, &key->redelivery, 4);
	return str_mem(out, 24);
}

static struct str
uid_str(const uint8_t id[16], uint32_t uid, uint8_t out[20])
{
	memcpy(out, id, 16);
	memcpy(out + 16, &uid, 4);
	return str_mem(out, 20);
}

static bool
no_key(const struct log_key *key)
{
	static const uint8_t none[16];

	return memcmp(key->mid, none, 16) == 0;
}

/* `uids` borrows what `keys` owns. */
static void
key_append(struct account *a, const struct log_record *r)
{
	struct account_known *known;
	uint8_t key[24], uid[20];

	if (no_key(&r->key))
		return;
	known = dict_get(&a->keys, key_str(&r->key, key));
	if (known == NULL) {
		known = xcalloc(1, sizeof(*known));
		dict_put(&a->keys, key_str(&r->key, key), known);
	}
	memcpy(known->mailboxid, r->mailboxid, 16);
	known->uid = r->uid;
	known->expunged = false;
	dict_put(&a->uids, uid_str(r->mailboxid, r->uid, uid), known);
}

static void
key_expunge(struct account *a, const struct log_record *r)
{
	struct str ranges = r->ranges;
	struct account_known *known;
	struct log_range range;
	uint8_t uid[20];
	uint32_t u;

	if (r->replaced)
		return;
	while (log_ranges_next(&ranges, &range))
		for (u = range.first; u >= range.first && u <= range.last;
		    u++) {
			known = dict_get(&a->uids,
			    uid_str(r->mailboxid, u, uid));
			if (known != NULL && known->uid == u &&
			    memcmp(known->mailboxid, r->mailboxid, 16) == 0)
				known->expunged = true;
		}
}

/* All that was in a mailbox that was deleted. */
static void
key_deleted(struct account *a, const struct log_record *r)
{
	struct account_known *known;
	struct str key;
	void *value;
	size_t at = 0;

	while (dict_next(&a->keys, &at, &key, &value)) {
		known = value;
		if (memcmp(known->mailboxid, r->mailboxid, 16) == 0)
			known->expunged = true;
	}
}

static void
key_note(struct account *a, const struct log_record *r)
{
	if (r->type == LOG_APPEND)
		key_append(a, r);
	else if (r->type == LOG_EXPUNGE)
		key_expunge(a, r);
	else if (r->type == LOG_NAME)
		key_deleted(a, r);
}

const struct account_known *
account_known(struct account *a, const struct log_key *key)
{
	struct log_record r;
	struct log_walk w;
	uint8_t bytes[24];

	if (!a->has_keys) {
		a->has_keys = true;
		log_walk_begin(&w, &a->log);
		while (log_walk_next(&w, &r))
			key_note(a, &r);
		log_walk_end(&w);
	}
	return dict_get(&a->keys, key_str(key, bytes));
}

/* --- writing ------------------------------------------------------------- */

bool
account_ready(struct account *a)
{
	if (reserve_ask(&a->reserve, NULL, 0, 0, a->modseq))
		return true;
	a->place->ops->want_numbers(a);
	return reserve_ask(&a->reserve, NULL, 0, 0, a->modseq);
}

uint64_t
account_txn(struct account *a)
{
	return ++a->modseq;
}

int
account_log(struct account *a, struct log_record *r)
{
	int fail;

	r->txn = account_txn(a);
	if (r->when_s == 0)
		r->when_s = clock_real_s();
	a->used = true;
	fail = log_add(&a->log, r);
	if (fail != 0)
		return fail;
	remember_last(a, r);
	if (a->has_keys)
		key_note(a, r);
	return 0;
}

/* --- closed clean -------------------------------------------------------- */

int
account_clean(struct account *a)
{
	struct link *e;
	struct box *b;
	int r;

	list_each(e, &a->boxes) {
		b = container_of(e, struct box, link);
		if (b->stale || b->row->unclean)
			continue;
		b->row->wanted = b->uid_next;
	}
	r = reserve_clean(&a->reserve, a->modseq + 1);
	if (r == 0)
		a->used = false;
	return r;
}

/* --- open and close ------------------------------------------------------ */

static int
open_below(struct volume *v, int root, const char *path)
{
	int fd = v->open(v, root, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
		return fd;
	if (volume_mkdirs(v, root, path, 0700) != 0)
		return -1;
	return v->open(v, root, path, O_RDONLY | O_DIRECTORY, 0);
}

/* A link counts as a folder: whatever comes of it, it is not ours to replace.
 * tmp/ is made by whoever needs it. */
static bool
has_folder(struct account *a, const char *name)
{
	struct stat st;

	return a->v->stat(a->v, a->root, name, &st) == 0 &&
	    !S_ISREG(st.st_mode);
}

static int
open_root(struct account *a, bool create, struct why *why)
{
	a->root = a->v->open(a->v, a->place->mail, a->home,
	    O_RDONLY | O_DIRECTORY, 0);
	if (a->root < 0 && errno != ENOENT && errno != ENOTDIR)
		return why_errno(why, FAIL_TEMP, "%s", a->home);
	if (a->root >= 0 && has_folder(a, "cur") && has_folder(a, "new"))
		return 0;
	if (!create)
		return why_set(why, FAIL_GONE, "no Maildir");
	if (a->root < 0)
		a->root = open_below(a->v, a->place->mail, a->home);
	if (a->root < 0 || volume_mkdirs(a->v, a->root, "tmp", 0700) != 0 ||
	    volume_mkdirs(a->v, a->root, "new", 0700) != 0 ||
	    volume_mkdirs(a->v, a->root, "cur", 0700) != 0)
		return why_errno(why, FAIL_TEMP, "%s", a->home);
	a->is_new = true;
	return 0;
}

/*
 * One process an account.  The lock has a file of its own: a lock lives as
 * long as any copy of its descriptor, and the log's is lent to syncd.
 */
static int
take_lock(struct account *a, struct why *why)
{
	a->lock = volume_open_own(a->v, a->state, LOCK_FILE, O_RDWR | O_CREAT,
	    0600, NULL);
	if (a->lock < 0)
		return why_errno(why, FAIL_TEMP, "lock of the account");
	if (a->v->lock(a->v, a->lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return why_errno(why, FAIL_TEMP, "lock of the account");
	return why_set(why, FAIL_DENIED, "another process holds the account");
}

static bool
is_deleted(struct account *a, int folder)
{
	struct stat st;

	return a->v->stat(a->v, folder, NULL, &st) == 0 && st.st_nlink == 0;
}

int
account_index(struct account *a, struct why *why)
{
	struct account_place *p = a->place;
	char path[FOLDER_ACCOUNT_BUF];
	int fd;

	if (a->index >= 0 && !is_deleted(a, a->index))
		return 0;
	if (folder_account(str_of(a->name), path) != 0)
		return why_set(why, FAIL_PERM, "no such account");
	if (is_deleted(a, p->index) && p->ops->index_gone != NULL &&
	    p->ops->index_gone(p) != 0)
		return why_errno(why, FAIL_TEMP, "folder of indices");
	fd = open_below(a->v, p->index, path);
	if (fd < 0)
		return why_errno(why, FAIL_TEMP, "index of the account");
	if (a->index >= 0)
		a->v->close(a->v, a->index);
	a->index = fd;
	return 0;
}

static int
open_parts(struct account *a, bool create, struct why *why)
{
	char path[FOLDER_ACCOUNT_BUF];
	int r;

	if (folder_account(str_of(a->name), path) != 0)
		return why_set(why, FAIL_PERM, "no such account");
	r = open_root(a, create, why);
	if (r != 0)
		return r;
	a->state = open_below(a->v, a->place->state, path);
	if (a->state < 0)
		return why_errno(why, FAIL_TEMP, "state of the account");
	r = account_index(a, why);
	if (r == 0)
		r = take_lock(a, why);
	if (r != 0)
		return r;
	r = log_open(&a->log, a->v, a->state, remember_last, a);
	if (r != 0)
		return why_errno(why, r, "account log");
	say_cut(a);
	if (reserve_open(&a->reserve, a->v, a->state, a->place->boot) != 0)
		return why_errno(why, FAIL_TEMP, "reserved numbers");
	/* Not closed clean: above all that may have been used. */
	a->modseq = a->log.txn;
	if (a->modseq < a->reserve.wanted)
		a->modseq = a->reserve.wanted;
	if (a->modseq == 0)
		a->modseq = 1;
	return 0;
}

int
account_open(struct account_place *p, struct str name, struct str home,
    bool create, struct account **out, struct why *why)
{
	struct account *a = xcalloc(1, sizeof(*a));
	int r;

	a->place = p;
	a->v = p->v;
	a->name = xcalloc(name.n + 1, 1);
	memcpy(a->name, name.p, name.n);
	a->home = xcalloc(home.n + 1, 1);
	memcpy(a->home, home.p, home.n);
	a->root = a->state = a->index = a->lock = a->log.fd = -1;
	list_init(&a->boxes);
	dict_init(&a->last);
	dict_init(&a->keys);
	dict_init(&a->uids);
	r = open_parts(a, create, why);
	if (r != 0) {
		account_close(a);
		return r;
	}
	a->log_kept = a->log.size / 2;
	*out = a;
	return 0;
}

void
account_close(struct account *a)
{
	int *fd[] = { &a->root, &a->state, &a->index, &a->lock };
	size_t i;

	while (!list_empty(&a->boxes))
		box_close(container_of(list_first(&a->boxes), struct box,
		    link));
	if (a->log.fd >= 0)
		log_close(&a->log);
	if (a->reserve.v != NULL)
		reserve_close(&a->reserve);
	for (i = 0; i < NITEMS(fd); i++)
		if (*fd[i] >= 0)
			a->v->close(a->v, *fd[i]);
	free_values(&a->last);
	free_values(&a->keys);
	dict_free(&a->uids);
	free(a->name);
	free(a->home);
	free(a);
}

int
account_folder(struct account *a, const char *folder)
{
	if (strcmp(folder, ".") == 0)
		return a->v->open(a->v, a->root, ".",
		    O_RDONLY | O_DIRECTORY, 0);
	return a->v->open(a->v, a->root, folder, O_RDONLY | O_DIRECTORY, 0);
}
