/* SPDX-License-Identifier: ISC */
/* A place with one account, on a volume that can die. */
#include "tests/unit/maildir/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the volume ---------------------------------------------------------- */

static struct world *
of(struct volume *v)
{
	return container_of(v, struct world, v);
}

/* false: dead, or dies now. */
static bool
change(struct volume *v)
{
	struct world *w = of(v);

	if (w->dead) {
		errno = EIO;
		return false;
	}
	w->changes++;
	if (w->left >= 0 && w->left-- == 0) {
		w->dead = true;
		errno = EIO;
		return false;
	}
	return true;
}

static int
v_open(struct volume *v, int dir, const char *name, int flags, mode_t mode)
{
	if (flags & (O_CREAT | O_TRUNC) ? !change(v) : of(v)->dead) {
		errno = EIO;
		return -1;
	}
	return volume_real.open(v, dir, name, flags, mode);
}

static ssize_t
v_pwrite(struct volume *v, int fd, const void *p, size_t n, off_t at)
{
	bool was_dead = of(v)->dead;

	if (change(v))
		return volume_real.pwrite(v, fd, p, n, at);
	if (!was_dead && n > 1)		/* torn */
		(void)!volume_real.pwrite(v, fd, p, n / 2, at);
	errno = EIO;
	return -1;
}

static ssize_t
v_pread(struct volume *v, int fd, void *p, size_t n, off_t at)
{
	if (of(v)->dead) {
		errno = EIO;
		return -1;
	}
	return volume_real.pread(v, fd, p, n, at);
}

#define CHANGE(call) return change(v) ? volume_real.call : -1

static int
v_truncate(struct volume *v, int fd, off_t size)
{
	CHANGE(truncate(v, fd, size));
}

static int
v_rename(struct volume *v, int from, const char *name, int to,
    const char *new_name, bool replace)
{
	CHANGE(rename(v, from, name, to, new_name, replace));
}

static int
v_link(struct volume *v, int from, const char *name, int to,
    const char *new_name)
{
	CHANGE(link(v, from, name, to, new_name));
}

static int
v_unlink(struct volume *v, int dir, const char *name)
{
	CHANGE(unlink(v, dir, name));
}

static int
v_mkdir(struct volume *v, int dir, const char *name, mode_t mode)
{
	CHANGE(mkdir(v, dir, name, mode));
}

static int
v_rmdir(struct volume *v, int dir, const char *name)
{
	CHANGE(rmdir(v, dir, name));
}

static int
v_stat(struct volume *v, int dir, const char *name, struct stat *st_out)
{
	if (of(v)->dead) {
		errno = EIO;
		return -1;
	}
	return volume_real.stat(v, dir, name, st_out);
}

static void
want_numbers(struct account *a)
{
	if (reserve_write(&a->reserve) == 0)
		reserve_synced(&a->reserve);
}

/* --- the world ----------------------------------------------------------- */

static int
folder(struct world *w, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	if (mkdir(path, 0700) < 0)
		abort();
	return open(path, O_RDONLY | O_DIRECTORY);
}

void
world_init(struct world *w)
{
	const char *tmp = getenv("TMPDIR");

	memset(w, 0, sizeof(*w));
	w->left = -1;
	w->v = volume_real;
	w->v.open = v_open;
	w->v.pwrite = v_pwrite;
	w->v.pread = v_pread;
	w->v.truncate = v_truncate;
	w->v.rename = v_rename;
	w->v.link = v_link;
	w->v.unlink = v_unlink;
	w->v.mkdir = v_mkdir;
	w->v.rmdir = v_rmdir;
	w->v.stat = v_stat;
	snprintf(w->dir, sizeof(w->dir), "%s/veredus-maildir-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(w->dir) == NULL)
		abort();
	ingest_init(&w->ingest);
	w->ops.want_numbers = want_numbers;
	w->place = (struct account_place){ .v = &w->v,
	    .mail = folder(w, "mail"), .state = folder(w, "state"),
	    .index = folder(w, "index"), .boot = 1, .keep_s = 500000,
	    .may_expunge = true, .ingest = &w->ingest, .ops = &w->ops,
	    .hash_key = { 1, 2 } };
}

void
world_remove(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
	struct dirent *e;
	DIR *d;

	if (fd < 0 || (d = fdopendir(fd)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) < 0)
			world_remove(fd, e->d_name);
	}
	closedir(d);
	unlinkat(dir, name, AT_REMOVEDIR);
}

void
world_free(struct world *w)
{
	world_close(w);
	close(w->place.mail);
	close(w->place.state);
	close(w->place.index);
	ingest_free(&w->ingest);
	world_remove(AT_FDCWD, w->dir);
}

bool
world_fails(void (*fn)(const void *arg), const void *arg)
{
	const char *tmp = getenv("TMPDIR");
	char its[100], back[100];
	int status;
	pid_t pid;

	/* A test that fails removes nothing. */
	snprintf(back, sizeof(back), "%s", tmp == NULL ? "/tmp" : tmp);
	snprintf(its, sizeof(its), "%.70s/veredus-broken-XXXXXX", back);
	if (mkdtemp(its) == NULL || setenv("TMPDIR", its, 1) != 0)
		abort();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stdout);
		(void)!freopen("/dev/null", "w", stderr);
		fn(arg);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid ||
	    setenv("TMPDIR", back, 1) != 0)
		abort();
	world_remove(AT_FDCWD, its);
	return status != 0;
}

void
world_open(struct world *w)
{
	struct why why;

	if (account_open(&w->place, STR("joe@example.org"),
	    STR("example.org/joe/Maildir"), true, &w->a, &why) != 0) {
		w->a = NULL;
		if (!w->dead) {
			fprintf(stderr, "account_open: %s\n", why.text);
			abort();
		}
	}
}

void
world_close(struct world *w)
{
	if (w->a != NULL)
		account_close(w->a);
	w->a = NULL;
}

void
world_power_cut(struct world *w)
{
	w->place.boot++;
}

void
world_heal(struct world *w)
{
	w->left = -1;
	w->dead = false;
}

struct box *
world_box(struct world *w, const char *name)
{
	struct box *b;
	struct why why;

	if (w->a == NULL ||
	    box_open(w->a, str_of(name), &b, &why) != 0)
		return NULL;
	return b;
}

void
world_settle(struct box *b)
{
	int i;

	for (i = 0; i < 1000 && (b->todo != 0 || b->scan != NULL) &&
	    !b->stale; i++)
		(void)box_step(b, ~0u, 100);
}

int
world_content(const char *text)
{
	int fd = memfd_create("content", 0);

	if (fd < 0 || dprintf(fd, "From: <a@example.org>\r\nSubject: %s\r\n"
	    "\r\n%s\r\n", text, text) < 0)
		abort();
	return fd;
}

/* The caller closes d->fd. */
void
world_delivery(struct delivery *d, const char *text, uint32_t key)
{
	memset(d, 0, sizeof(*d));
	d->fd = world_content(text);
	d->size = (uint64_t)lseek(d->fd, 0, SEEK_END);
	d->added = STR("Return-Path: <a@example.org>\r\n");
	d->date_s = 1764180000;
	if (key != 0) {
		memcpy(d->key.mid, "\1\x9a\xbc\1\2\3", 6);
		memcpy(d->key.mid + 8, &key, 4);
		d->key.number = 1;
	}
}

uint32_t
world_deliver(struct box *b, const char *text, uint32_t key, bool in_cur)
{
	struct delivery d;
	struct draft x;
	struct why why = { 0, "" };
	uint32_t uid = 0;

	world_delivery(&d, text, key);
	d.in_cur = in_cur;
	assert_true(box_ready(b, 1));
	assert_int_equal(deliver_write(b, &d, &x, &why), 0);
	assert_int_equal(deliver_commit(b, &x, &uid, &why), 0);
	close(d.fd);
	return uid;
}

void
world_text(struct box *b, uint32_t uid, char out[64])
{
	char bytes[512] = "", *at;
	uint64_t size;
	ssize_t n;
	int fd;

	out[0] = '\0';
	if (box_file(b, uid, &fd, &size) != 0)
		return;
	n = pread(fd, bytes, sizeof(bytes) - 1, 0);
	close(fd);
	at = strstr(bytes, "Subject: ");
	if (n > 0 && at != NULL)
		snprintf(out, 64, "%.*s", (int)strcspn(at + 9, "\n"), at + 9);
}

void
world_path(struct box *b, uint32_t uid, char out[700])
{
	char name[FNAME_BUF];
	struct names_entry e;
	struct index_record r;
	uint32_t at;
	int dir;

	if (box_find(b, uid, &at, &r) != 0 ||
	    box_name_of(b, &r, &e, name, &dir) != 0)
		abort();
	snprintf(out, 700, "%s/mail/example.org/joe/Maildir/%s/%s",
	    of(b->v)->dir, dir == b->new_ ? "new" : "cur", name);
}

void
world_foreign(struct world *w, const char *in, const char *name,
    const char *text)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/mail/example.org/joe/Maildir/%s/%s",
	    w->dir, in, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || dprintf(fd, "Subject: %s\n\n%s\n", text, text) < 0)
		abort();
	close(fd);
}
