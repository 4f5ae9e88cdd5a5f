/* SPDX-License-Identifier: ISC */
/*
 * qmgr/syncd - waits for the disk, so that nobody else has to.
 *
 * SYNC_ASK syncs the file systems it names and answers.  By syncfs on the
 * folder master dealt for each ("fs-spool", "fs-mail" ...): master keeps
 * these descriptors, so that an error is seen once by somebody even if syncd
 * dies; and on folders it was handed by SYNC_FILE, for a mailbox may be a mount
 * of its own.  By fsync on the files and folders it was handed by SYNC_FILE before
 * the ask; a failing one fails the ask, and is never tried again.  An ask of
 * no system is answered at once: what its asker handed over before is here.
 *
 * The kernel tells an error once, and it may be an ask of stored, or for one
 * large body, that meets it.  All that is not settled is in doubt then (R9),
 * so the next ask that settles is failed too, and the next one of each stored
 * that was there: it may be about copies (R23).
 *
 * One job at a time: while a sync runs asks queue in the sockets, and all
 * that came meanwhile are answered by the next one.  It opens nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "event/loop.h"

#include "base/banned.h"

struct file {
	struct link	link;
	int		fd;
	bool		is_folder;
};

struct asked {
	struct link	link;
	struct chan	*c;
	uint32_t	ticket;
	uint32_t	systems;
};

static struct {
	struct link	files, asks;
	struct timer	work;
	bool		owes_error;	/* who settles has not heard of it */
	uint64_t	syncs, failed;
} syncd;

/* Bits of SYNC_ASK.  Only who settles asks for both. */
enum { SPOOL = 1, MAIL = 2, SETTLES = SPOOL | MAIL };

static const char *const systems[] = { "fs-spool", "fs-mail", "fs-state",
    "fs-index" };

/* Two folders of one file system are synced once. */
static void
sync_system(int fd, struct buf *done, int *error)
{
	size_t n = done->len / sizeof(dev_t);
	dev_t *had = (dev_t *)(void *)done->p;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return;
	for (size_t k = 0; k < n; k++)
		if (had[k] == st.st_dev)
			return;
	buf_mem(done, &st.st_dev, sizeof(st.st_dev));
	if (syncfs(fd) != 0)
		*error = errno;
}

static void
close_files(void)
{
	struct link *l;
	struct file *f;

	while ((l = list_pop(&syncd.files)) != NULL) {
		f = container_of(l, struct file, link);
		close(f->fd);
		free(f);
	}
}

static int
sync_systems(uint32_t mask)
{
	struct buf done;
	struct link *l;
	int error = 0;

	buf_init(&done, 1 << 16);
	for (size_t i = 0; i < NITEMS(systems); i++)
		if (mask & (1u << i))
			sync_system(daemon_file(systems[i]), &done, &error);
	list_each(l, &syncd.files)
		sync_system(container_of(l, struct file, link)->fd, &done,
		    &error);
	buf_free(&done);
	close_files();
	return error;
}

static int
sync_files(void)
{
	struct link *l;
	struct file *f;
	int error = 0;

	/* files first, then the folders that name them */
	for (int folders = 0; folders < 2; folders++)
		list_each(l, &syncd.files) {
			f = container_of(l, struct file, link);
			if (f->is_folder == (folders == 1) &&
			    fsync(f->fd) != 0)
				error = errno;
		}
	close_files();
	return error;
}

/* An error since its last ask, or since it came? */
static bool
has_missed(struct chan *stored)
{
	uint64_t heard = (uintptr_t)stored->room;

	stored->room = (void *)(uintptr_t)syncd.failed;
	return heard != syncd.failed;
}

static void
answer(struct asked *a, int error)
{
	struct note_sync_done done = { .error = (uint32_t)error };
	bool settles = (a->systems & SETTLES) == SETTLES, missed;

	if (a->c == NULL)
		return;
	missed = a->c->peer == STORED ? has_missed(a->c) :
	    settles && syncd.owes_error;
	if (error == 0 && missed)
		done.error = EIO;
	done.failed = done.error != 0;
	if (settles)
		syncd.owes_error = false;
	note_answer_sync_done(a->c, a->ticket, &done);
}

/* All asks so far: whatever they cover was written before now. */
static void
on_work(struct timer *t)
{
	bool by_file = str_same(daemon_conf()->spool.sync, "fsync");
	struct asked *a;
	struct link *l;
	uint32_t mask = 0;
	int error;

	(void)t;
	list_each(l, &syncd.asks)
		mask |= container_of(l, struct asked, link)->systems;
	error = by_file ? sync_files() : sync_systems(mask);
	syncd.syncs++;
	syncd.failed += error != 0;
	if (error != 0) {
		syncd.owes_error = true;
		errno = error;
		log_event(LOG_LEVEL_ERROR, "sync-failed");
		log_errno();
		log_end();
	}
	while ((l = list_pop(&syncd.asks)) != NULL) {
		a = container_of(l, struct asked, link);
		answer(a, error);
		free(a);
	}
}

static void
on_peer(struct chan *c)
{
	c->room = (void *)(uintptr_t)syncd.failed;
}

static void
on_note(struct chan *c, const struct note *n)
{
	struct note_sync_done done = { .failed = 0 };
	struct asked *a;
	struct file *f;

	if (n->kind == NOTE_SYNC_FILE && n->fd >= 0) {
		f = xcalloc(1, sizeof(*f));
		f->fd = note_take_fd(n);
		f->is_folder = n->u.sync_file.is_folder != 0;
		list_push(&syncd.files, &f->link);
	} else if (n->kind == NOTE_SYNC_ASK &&
	    n->u.sync_ask.systems == 0) {
		note_answer_sync_done(c, n->ticket, &done);
	} else if (n->kind == NOTE_SYNC_ASK) {
		a = xcalloc(1, sizeof(*a));
		a->c = c;
		a->ticket = n->ticket;
		a->systems = n->u.sync_ask.systems;
		list_push(&syncd.asks, &a->link);
		if (!timer_armed(&syncd.work))
			timer_set(&syncd.work, 0);
	}
}

static void
on_peer_gone(struct chan *c)
{
	struct link *l;
	struct asked *a;

	list_each(l, &syncd.asks) {
		a = container_of(l, struct asked, link);
		if (a->c == c)
			a->c = NULL;
	}
}

static bool
start(void)
{
	list_init(&syncd.files);
	list_init(&syncd.asks);
	timer_init(&syncd.work, on_work);
	return true;
}

static void
on_stat(void)
{
	daemon_stat("syncs", syncd.syncs);
	daemon_stat("failed", syncd.failed);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops daemon = {
		.kind = SYNCD, .start = start, .on_peer = on_peer,
		.on_note = on_note,
		.on_peer_gone = on_peer_gone, .on_stat = on_stat,
	};

	daemon_main(&daemon, argc, argv);
}
