/* SPDX-License-Identifier: ISC */
/*
 * qmgr/settling.c - asking syncd for the sync that settles.
 *
 * About once a second, if there is something to settle; large bodies ask for
 * one of their own before their record.  By syncfs a SYNC_ASK is enough; by
 * fsync each file and folder that spoold wrote is handed over first, and
 * stored answers when syncd has heard of its own.
 */
#include "qmgr/spoold.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"

#include "base/banned.h"

#define EVERYTHING (SYSTEM_SPOOL | SYSTEM_MAIL | SYSTEM_STATE)

struct asked {
	settling_fn	*fn;
	void		*arg;
};

/* --- after an error ------------------------------------------------------ */

/*
 * A sync that failed may have lost what looks written, and no later one will
 * say so.  Until the machine is started anew nothing that lies there is
 * believed, also by the next spoold: it finds this file (R9).  It need not be
 * synced, for a cut of power ends what it says.
 */
#define MARKER		"unsynced"

static void
write_marker(void)
{
	int fd = file_open(spoold.folder, MARKER, O_WRONLY | O_CREAT |
	    O_TRUNC, 0600);

	spoold.marker_due = fd < 0 ||
	    file_write(fd, str_of(spoold.machine)) != 0;
	fd_close(&fd);
}

static void
settling_distrust(void)
{
	spoold.distrust = true;
	write_marker();
}

/* Before the root folder changes. */
void
settling_machine(void)
{
	(void)file_boot_id(spoold.machine);
}

void
settling_start(void)
{
	struct buf text;

	buf_init(&text, FILE_BOOT_ID_MAX + 1);
	spoold.distrust = file_read_all(spoold.folder, MARKER, &text) == 0 &&
	    str_same(buf_str(&text), spoold.machine);
	buf_free(&text);
	if (spoold.distrust)
		log_say(LOG_LEVEL_WARN, "spool-unsynced", "a sync failed "
		    "since the machine was started: what is delivered again "
		    "is written anew");
}

/* --- asking -------------------------------------------------------------- */

static void
failed(const char *error)
{
	settling_distrust();
	log_event(LOG_LEVEL_ERROR, "sync-failed");
	log_z("error", error);
	log_z("what", "all that was not settled is written anew; look at the "
	    "disk");
	log_end();
	spool_sync_end(spoold.spool, true);
}

static void
on_synced(void *asked, const struct note *n)
{
	const struct note_sync_done *done = note_as_sync_done(n);
	struct chan *c = daemon_peer(SYNCD, 0);

	if (done != NULL && done->failed != 0) {
		failed(strerror((int)done->error));
	} else if (done != NULL) {
		spool_sync_end(spoold.spool, false);
	} else if (c == asked && chan_ok(c)) {
		/* what it may still say is not heard any more */
		failed("syncd did not answer in time");
	} else {
		log_say(LOG_LEVEL_WARN, "sync-lost", "syncd did not answer; "
		    "the sync is asked for again");
		spool_sync_lost(spoold.spool);
	}
	spoold_gather();
}

void
settling_tick(void)
{
	struct note_sync_ask ask = { .systems = EVERYTHING };
	struct chan *c = daemon_peer(SYNCD, 0);

	if (spoold.marker_due)
		write_marker();
	if (chan_ok(c) && spool_sync_begin(spoold.spool))
		ask_sync_ask(c, &ask, on_synced, c);
}

/* By fsync syncd took the files along that it was handed, and maybe an error
 * that the kernel tells once: as after a failed sync (R9).  By syncfs master's
 * descriptors keep both. */
void
settling_gone(void)
{
	if (!str_same(daemon_conf()->spool.sync, "fsync"))
		return;
	settling_distrust();
	log_say(LOG_LEVEL_WARN, "sync-lost", "syncd died; all that was not "
	    "settled is written anew");
	spool_sync_end(spoold.spool, true);
	spoold_gather();
}

static void
say_file(struct chan *c, const char *name, bool is_folder)
{
	struct note_sync_file note = { .is_folder = is_folder };

	note.fd = file_open(spoold.folder, name, is_folder ?
	    O_RDONLY | O_DIRECTORY : O_RDONLY, 0);
	if (note.fd >= 0)
		note_put_sync_file(c, &note);
	fd_close(&note.fd);
}

void
settling_wrote(const char *name, bool exists)
{
	struct chan *c = daemon_peer(SYNCD, 0);
	struct str folder = str_of(name);
	char path[DISK_NAME_MAX];

	if (!str_same(daemon_conf()->spool.sync, "fsync") || !chan_ok(c))
		return;
	if (exists)
		say_file(c, name, false);
	folder = str_sub(folder, 0, str_rchr(folder, '/'));
	if (folder.n >= sizeof(path))
		return;
	memcpy(path, folder.p, folder.n);
	path[folder.n] = '\0';
	say_file(c, path, true);
}

static void
on_asked(void *session, const struct note *n)
{
	const struct note_sync_done *done = note_as_sync_done(n);
	struct asked *a = session;

	a->fn(a->arg, done == NULL || done->failed != 0 ? FAIL_TEMP : 0);
	free(a);
}

void
settling_ask(settling_fn *fn, void *arg)
{
	struct note_sync_ask ask = { .systems = SYSTEM_SPOOL };
	struct asked *a = xcalloc(1, sizeof(*a));

	a->fn = fn;
	a->arg = arg;
	ask_sync_ask(daemon_peer(SYNCD, 0), &ask, on_asked, a);
}
