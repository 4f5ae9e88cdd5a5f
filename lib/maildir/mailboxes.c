/* SPDX-License-Identifier: ISC */
/*
 * maildir/mailboxes.c - the mailboxes of an account: list, create, delete,
 * rename, subscribe.
 *
 * A mailbox is a folder of Maildir++; its identity (MAILBOXID, UIDVALIDITY)
 * lies in it and goes with it when it is renamed.  Subscriptions stand in
 * the file `subscriptions`, a folder name without its dot a line, as other
 * servers keep it.
 */
#include "maildir/account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "maildir/box.h"

#include "base/banned.h"

#define SUBSCRIPTIONS		"subscriptions"
#define SUBSCRIPTIONS_MAX	(4 * 1024 * 1024)

static const char *const parts[] = { "tmp", "new", "cur" };

/* --- subscriptions ------------------------------------------------------- */

static int
read_subscriptions(struct account *a, struct buf *out)
{
	int fd = a->v->open(a->v, a->root, SUBSCRIPTIONS, O_RDONLY, 0), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : FAIL_TEMP;
	r = volume_read_all(a->v, fd, 0, out);
	a->v->close(a->v, fd);
	return r;
}

/* A line of the file for a folder: INBOX, or the name without its dot. */
static struct str
line_of(const char *folder)
{
	return strcmp(folder, ".") == 0 ? STR("INBOX") : str_of(folder + 1);
}

int
account_subscribe(struct account *a, struct str name, bool on)
{
	char folder[FOLDER_BUF];
	struct str rest, line;
	struct buf was, is;
	bool there = false;
	int r = folder_encode(name, folder);

	if (r != 0)
		return r;
	buf_init(&was, SUBSCRIPTIONS_MAX);
	buf_init(&is, SUBSCRIPTIONS_MAX);
	r = read_subscriptions(a, &was);
	for (rest = buf_str(&was); r == 0 && str_line(&rest, &line);) {
		if (str_eq(line, line_of(folder))) {
			there = true;
			if (!on)
				continue;
		}
		buf_add(&is, line);
		buf_c(&is, '\n');
	}
	if (on && !there) {
		buf_add(&is, line_of(folder));
		buf_c(&is, '\n');
	}
	if (r == 0 && buf_failed(&is))
		r = FAIL_TOO_BIG;
	if (r == 0 && on != there)
		r = volume_replace(a->v, a->root, SUBSCRIPTIONS, buf_str(&is),
		    0600);
	buf_free(&was);
	buf_free(&is);
	return r;
}

/* --- list ---------------------------------------------------------------- */

struct listing {
	struct dict	seen;		/* folders told of */
	struct dict	subscribed;	/* lines */
};

static void
tell_folder(struct listing *l, const char *folder, bool exists,
    account_name_fn *fn, void *arg)
{
	char name[FOLDER_NAME_BUF];

	if (strcmp(folder, ".") == 0)
		snprintf(name, sizeof(name), "INBOX");
	else if (folder_decode(folder, name) != 0)
		return;
	if (dict_put(&l->seen, str_of(folder), l) != NULL)
		return;
	fn(arg, name, dict_get(&l->subscribed, line_of(folder)) != NULL,
	    exists);
}

static bool
is_mailbox(struct account *a, const char *folder)
{
	char path[FOLDER_BUF + 8];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/cur", folder);
	fd = a->v->open(a->v, a->root, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return false;
	a->v->close(a->v, fd);
	return a->v->stat(a->v, a->root, folder, &st) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* A fresh folder that was not synced itself is lost with what is in it. */
static void
tell_fresh(struct account *a, int fd)
{
	void (*wrote)(struct account *, int, bool) = a->place->ops->wrote;
	int part;

	for (size_t i = 0; wrote != NULL && i < NITEMS(parts); i++) {
		part = a->v->open(a->v, fd, parts[i], O_RDONLY | O_DIRECTORY,
		    0);
		if (part < 0)
			continue;
		wrote(a, part, true);
		a->v->close(a->v, part);
	}
	if (wrote != NULL)
		wrote(a, fd, true);
}

static int
list_folders(struct account *a, struct listing *l, account_name_fn *fn,
    void *arg)
{
	struct volume_walk *w = xmalloc(sizeof(*w));
	const char *folder;
	unsigned char type;
	int r;

	volume_walk_begin(w, a->v, a->root);
	while ((r = volume_walk_next(w, &folder, &type)) == 1)
		if (folder[0] == '.' && (type == DT_DIR || type == DT_UNKNOWN)
		    && is_mailbox(a, folder))
			tell_folder(l, folder, true, fn, arg);
	free(w);
	return r;
}

/* Subscriptions outlive their mailboxes (RFC 3501 6.3.6). */
static void
list_lines(struct listing *l, struct str lines, account_name_fn *fn,
    void *arg)
{
	char folder[FOLDER_BUF];
	struct str line;

	while (str_line(&lines, &line))
		if (line.n > 0 && line.n < FOLDER_MAX &&
		    !str_same(line, "INBOX")) {
			snprintf(folder, sizeof(folder), ".%.*s",
			    STR_ARG(line));
			tell_folder(l, folder, false, fn, arg);
		}
}

int
account_list(struct account *a, account_name_fn *fn, void *arg)
{
	struct listing l;
	struct buf lines;
	struct str rest, line;
	int r;

	dict_init(&l.seen);
	dict_init(&l.subscribed);
	buf_init(&lines, SUBSCRIPTIONS_MAX);
	r = read_subscriptions(a, &lines);
	for (rest = buf_str(&lines); r == 0 && str_line(&rest, &line);)
		dict_put(&l.subscribed, line, &l);
	if (r == 0) {
		tell_folder(&l, ".", true, fn, arg);
		r = list_folders(a, &l, fn, arg);
		list_lines(&l, buf_str(&lines), fn, arg);
	}
	dict_free(&l.seen);
	dict_free(&l.subscribed);
	buf_free(&lines);
	return r;
}

bool
account_has(struct account *a, struct str name)
{
	char folder[FOLDER_BUF];

	return folder_encode(name, folder) == 0 && is_mailbox(a, folder);
}

/* --- create -------------------------------------------------------------- */

int
account_create(struct account *a, struct str name)
{
	char folder[FOLDER_BUF], path[FOLDER_BUF + 16];
	size_t i;
	int fd, r = folder_encode(name, folder);

	if (r != 0)
		return r;
	if (is_mailbox(a, folder))
		return FAIL_PERM;
	if (a->v->mkdir(a->v, a->root, folder, 0700) < 0 && errno != EEXIST)
		return errno == ENAMETOOLONG ? FAIL_TOO_BIG : FAIL_TEMP;
	fd = a->v->open(a->v, a->root, folder, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return FAIL_TEMP;
	/* cur/ last: it is what makes a folder a mailbox. */
	for (i = 0; r == 0 && i < NITEMS(parts); i++)
		if (a->v->mkdir(a->v, fd, parts[i], 0700) < 0 &&
		    errno != EEXIST)
			r = FAIL_TEMP;
	if (r == 0)
		tell_fresh(a, fd);
	a->v->close(a->v, fd);
	/* The mark of Maildir++ for delivery agents. */
	snprintf(path, sizeof(path), "%s/maildirfolder", folder);
	fd = r != 0 ? -1 : a->v->open(a->v, a->root, path,
	    O_WRONLY | O_CREAT, 0600);
	if (fd >= 0)
		a->v->close(a->v, fd);
	if (r == 0 && a->place->ops->wrote != NULL)
		a->place->ops->wrote(a, a->root, true);
	return r;
}

/* --- delete -------------------------------------------------------------- */

/* The open box of that folder: closed, or if somebody looks at it, cut off
 * from its folder. */
static void
detach(struct account *a, struct str name)
{
	struct link *e, *tmp;
	struct box *b;

	list_each_safe(e, tmp, &a->boxes) {
		b = container_of(e, struct box, link);
		if (!str_same(name, b->name) || b->is_deleted)
			continue;
		if (b->has_watchers)
			b->is_deleted = true;
		else
			box_close(b);
	}
}

/* MAILBOXID of a folder, if it has one. */
static bool
folder_id(struct account *a, const char *folder, uint8_t id_out[16])
{
	struct names n = { .fd = -1 };
	int fd = account_folder(a, folder), r;

	if (fd < 0)
		return false;
	r = names_open(&n, a->v, fd);
	a->v->close(a->v, fd);
	if (r != 0)
		return false;
	memcpy(id_out, n.head.mailboxid, 16);
	names_close(&n);
	return true;
}

static void
forget_index(struct account *a, const uint8_t id[16])
{
	static const char *const kinds[] = { "idx", "cache" };
	char text[MID_LEN + 1], name[64];
	size_t i;

	mid_from_bin(id, text);
	for (i = 0; i < NITEMS(kinds); i++) {
		snprintf(name, sizeof(name), "%s.%s", text, kinds[i]);
		a->v->unlink(a->v, a->index, name);
	}
	reserve_forget(&a->reserve, id);
}

#define TRASH	".veredus-deleted"

/*
 * Logged first: a replay after a death must not bring mail back into it.
 * Then renamed aside, which is one step; what is left of it then is nobody's
 * mailbox and is removed at leisure.
 */
int
account_delete(struct account *a, struct str name)
{
	struct log_record r = { .type = LOG_NAME };
	char folder[FOLDER_BUF];
	bool has_id;

	if (str_is(name, "INBOX"))
		return FAIL_PERM;
	if (folder_encode(name, folder) != 0 || !is_mailbox(a, folder))
		return FAIL_GONE;
	has_id = folder_id(a, folder, r.mailboxid);
	if (has_id && account_log(a, &r) != 0)
		return FAIL_TEMP;
	account_sweep(a);
	if (a->v->rename(a->v, a->root, folder, a->root, TRASH, false) < 0)
		return FAIL_TEMP;
	detach(a, name);
	if (has_id)
		forget_index(a, r.mailboxid);
	account_sweep(a);
	return 0;
}

void
account_sweep(struct account *a)
{
	if (volume_remove(a->v, a->root, TRASH, 3) != 0) {
		log_event(LOG_LEVEL_WARN, "folder-not-removed");
		log_z("account", a->name);
		log_errno();
		log_end();
	}
}

/* --- rename -------------------------------------------------------------- */

static void
rename_open(struct account *a, struct str from, struct str to)
{
	struct link *e;
	struct box *b;

	list_each(e, &a->boxes) {
		b = container_of(e, struct box, link);
		if (!b->is_deleted && str_same(from, b->name))
			snprintf(b->name, sizeof(b->name), "%.*s",
			    STR_ARG(to));
	}
}

int
account_rename(struct account *a, struct str from, struct str to)
{
	char folder[FOLDER_BUF], new_folder[FOLDER_BUF];
	int r = folder_encode(to, new_folder);

	if (r != 0)
		return r;
	if (is_mailbox(a, new_folder))
		return FAIL_PERM;
	if (folder_encode(from, folder) != 0 || !is_mailbox(a, folder))
		return FAIL_GONE;
	if (strcmp(folder, ".") == 0)
		return FAIL_PERM;
	if (a->v->rename(a->v, a->root, folder, a->root, new_folder, false)
	    < 0)
		return errno == ENAMETOOLONG ? FAIL_TOO_BIG : FAIL_TEMP;
	rename_open(a, from, to);
	if (a->place->ops->wrote != NULL)
		a->place->ops->wrote(a, a->root, true);
	return 0;
}
