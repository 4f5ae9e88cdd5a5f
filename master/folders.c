/* SPDX-License-Identifier: ISC */
/*
 * master/folders.c - the folders of the instance: made, given to their
 * owners, opened once; from then on a folder is a descriptor.
 *
 * Nothing is done to what lies in them: a process that cannot read its own
 * files says so itself.
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/banned.h"

/* Path: a setting, or (when that is empty) a name below another folder. */
static const struct row {
	enum folder	folder, parent;
	const char	*name;
	enum proc	owner, group;
	mode_t		mode;
} rows[FOLDER_COUNT] = {
	{ FOLDER_RUN,	  FOLDER_COUNT, "run",	   MASTER, MASTER, 0755 },
	{ FOLDER_EMPTY,	  FOLDER_RUN,	"empty",   MASTER, MASTER, 0555 },
	{ FOLDER_STATE,	  FOLDER_COUNT, "state",   MASTER, MASTER, 0755 },
	/* password digests: authd's group reads them, root writes them */
	{ FOLDER_USERS,	  FOLDER_STATE, "users",   MASTER, AUTHD,  02750 },
	{ FOLDER_TABLES,  FOLDER_STATE, "tables",  MASTER, MASTER, 0755 },
	{ FOLDER_DKIM,	  FOLDER_STATE, "dkim",	   MASTER, MASTER, 0700 },
	{ FOLDER_RATED,	  FOLDER_STATE, "rated",   RATED,  RATED,  0700 },
	{ FOLDER_ACCOUNT, FOLDER_STATE, "account", STORED, STORED, 0700 },
	{ FOLDER_INDEX,	  FOLDER_STATE, "index",   STORED, STORED, 0700 },
	/* maildrop in it is everybody's to reach */
	{ FOLDER_SPOOL,	  FOLDER_COUNT, "spool",   SPOOLD, SPOOLD, 0711 },
	{ FOLDER_MAILDROP, FOLDER_SPOOL, "maildrop", SPOOLD, SPOOLD, 03730 },
	{ FOLDER_MAIL,	  FOLDER_COUNT, "mail",	   STORED, STORED, 0711 },
	{ FOLDER_LOG,	  FOLDER_COUNT, "log",	   LOGD,   LOGD,   0750 },
};

static struct str
setting(enum folder f)
{
	const struct conf *c = &master.config->conf;

	switch (f) {
	case FOLDER_RUN:
		return c->master.run;
	case FOLDER_STATE:
		return c->master.state;
	case FOLDER_USERS:
		return c->master.users;
	case FOLDER_TABLES:
		return c->master.tables;
	case FOLDER_DKIM:
		return c->master.dkim;
	case FOLDER_INDEX:
		return c->master.index;
	case FOLDER_SPOOL:
		return c->master.spool;
	case FOLDER_MAIL:
		return c->master.mail;
	case FOLDER_LOG:
		return c->master.log;
	default:
		return str_of("");
	}
}

/*
 * maildrop is sendmail's to write and nobody's to read.  What is left there
 * has its group, which spoold is in, so spoold may read it.  Without the group
 * (an instance for tests) everybody may write, and the sticky bit must do.
 */
static void
open_to_drop(const struct row *r, gid_t *gid, mode_t *mode)
{
	if (r->folder != FOLDER_MAILDROP)
		return;
	if (master.drop_gid != 0)
		*gid = master.drop_gid;
	else
		*mode |= 03;
}

/* mkdir -p; a folder that is there is as good. */
static int
make_folders(int at, char *path)
{
	char *slash = path;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdirat(at, path, 0755) != 0 && errno != EEXIST)
			return FAIL_PERM;
		*slash = '/';
	}
	return mkdirat(at, path, 0755) == 0 || errno == EEXIST ? 0 : FAIL_PERM;
}

static int
give(int fd, const struct row *r)
{
	uid_t uid = r->owner == MASTER ? geteuid() : master.uid[r->owner];
	gid_t gid = r->group == MASTER ? getegid() : master.gid[r->group];
	mode_t mode = r->mode;
	struct stat st;

	open_to_drop(r, &gid, &mode);
	if (fstat(fd, &st) != 0)
		return FAIL_PERM;
	if ((st.st_uid != uid || st.st_gid != gid) && fchown(fd, uid, gid) != 0)
		return FAIL_PERM;
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
		return FAIL_PERM;
	return 0;
}

static int
open_folder(const struct row *r, struct why *why)
{
	struct str path = setting(r->folder);
	int at = master.base_fd;
	char *z;
	int fd = -1;

	if (path.n == 0) {
		path = str_of(r->name);
		at = master.folder[r->parent];
	}
	z = strndup((const char *)path.p, path.n);
	if (z == NULL)
		return why_set(why, FAIL_TEMP, "out of memory");
	if (make_folders(at, z) == 0)
		fd = openat(at, z, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || give(fd, r) != 0)
		(void)why_errno(why, FAIL_PERM, "folder %s (%s)", r->name, z);
	else
		master.folder[r->folder] = fd;
	free(z);
	return master.folder[r->folder] < 0 ? FAIL_PERM : 0;
}

int
folders_open(struct why *why)
{
	for (int i = 0; i < FOLDER_COUNT; i++)
		master.folder[i] = -1;
	for (int i = 0; i < FOLDER_COUNT; i++)
		if (open_folder(&rows[i], why) != 0)
			return FAIL_PERM;
	return 0;
}

int
folder_anew(enum folder f, struct why *why)
{
	int was = master.folder[f];
	struct stat st;

	if (fstat(was, &st) == 0 && st.st_nlink > 0)
		return 0;
	master.folder[f] = -1;
	if (open_folder(&rows[f], why) != 0) {
		master.folder[f] = was;
		return FAIL_PERM;
	}
	(void)close(was);
	log_say(LOG_LEVEL_WARN, "folder-anew", "%s was deleted",
	    rows[f].name);
	return 0;
}

/*
 * Our children hold the lock too (descriptor 4): a master that was killed
 * and started again waits until the last of the old children is gone, so
 * that two spoolds never write one spool.
 */
int
folders_lock(struct why *why)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

	master.lock_fd = openat(master.folder[FOLDER_RUN], "lock",
	    O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (master.lock_fd < 0)
		return why_errno(why, FAIL_PERM, "run/lock");
	for (int i = 0; flock(master.lock_fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (i == 100)
			return why_set(why, FAIL_TEMP,
			    "this instance is running already");
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* The counter makes message ids of two starts differ whatever the clock. */
int
folders_boot(struct why *why)
{
	int at = master.folder[FOLDER_STATE];
	struct buf text;
	uint32_t boot = 0;
	char out[16];

	buf_init(&text, 64);
	if (file_read_all(at, "boot", &text) == 0)
		(void)str_u32(str_trim(str_chomp(buf_str(&text))), &boot);
	buf_free(&text);
	master.boot = boot + 1;
	(void)snprintf(out, sizeof(out), "%" PRIu32 "\n", master.boot);
	if (file_replace(at, "boot", str_of(out), 0644) != 0)
		return why_errno(why, FAIL_PERM, "state/boot");
	return 0;
}

int
folder_of_file(enum proc kind, unsigned bit)
{
	switch (bit) {
	case FILES_LOG:
		return master.folder[FOLDER_LOG];
	case FILES_USERS:
		return master.folder[FOLDER_USERS];
	case FILES_TABLES:
		return master.folder[FOLDER_TABLES];
	case FILES_STATE:
		return master.folder[kind == RATED ? FOLDER_RATED
		    : FOLDER_ACCOUNT];
	case FILES_SPOOL:
		return master.folder[FOLDER_SPOOL];
	case FILES_MAIL:
		return master.folder[FOLDER_MAIL];
	case FILES_INDEX:
		return master.folder[FOLDER_INDEX];
	}
	return -1;
}

int
folder_root(enum proc kind)
{
	const char *root = procs[kind].root, *name;

	for (unsigned bit = 1; bit <= FILES_INDEX; bit <<= 1) {
		name = procs_file_name(bit);
		if (name != NULL && strcmp(name, root) == 0)
			return folder_of_file(kind, bit);
	}
	return master.folder[FOLDER_EMPTY];
}
