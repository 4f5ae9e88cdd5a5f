/* SPDX-License-Identifier: ISC */
/*
 * qmgr/settling.c - asking syncd for the sync that settles.
 *
 * About once a second, if there is something to settle; large bodies ask for
 * one of their own before their record.  By syncfs a SYNC_ASK is enough; by
 * fsync each file and folder that spoold wrote is handed over first, and
 * stored does the same with its own before it answers.
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

static void
on_synced(void *session, const struct note *n)
{
	const struct note_sync_done *done = note_as_sync_done(n);

	(void)session;
	if (done == NULL) {
		log_say(LOG_LEVEL_WARN, "sync-lost", "syncd did not answer; "
		    "the sync is asked for again");
		spool_sync_lost(spoold.spool);
	} else {
		if (done->failed != 0) {
			log_event(LOG_LEVEL_ERROR, "sync-failed");
			log_z("error", strerror((int)done->error));
			log_z("what", "all that was not settled is written "
			    "anew; look at the disk");
			log_end();
		}
		spool_sync_end(spoold.spool, done->failed != 0);
	}
	spoold_gather();
}

void
settling_tick(void)
{
	struct note_sync_ask ask = { .systems = EVERYTHING };
	struct chan *c = daemon_peer(SYNCD, 0);

	if (chan_ok(c) && spool_sync_begin(spoold.spool))
		ask_sync_ask(c, &ask, on_synced, NULL);
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
