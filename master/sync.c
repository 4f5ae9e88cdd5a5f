/* SPDX-License-Identifier: ISC */
/*
 * master/sync.c - how results are settled when the site leaves it to us.
 *
 * Syncing a whole file system at once is cheap, and right where its journal
 * keeps names and contents together.  Elsewhere (ext4 without a journal, NFS,
 * what we do not know) files and folders are synced one by one: a syncfs
 * there was seen to leave damaged files behind after a power cut.  So they are
 * where something is mounted below mail/ or state/: syncfs covers the file
 * systems of these folders only.  Chosen here, at the start and at a reload,
 * so that spoold, stored and syncd agree.
 */
#include "master/master.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#include "base/banned.h"

#define EXT4	0xef53
#define XFS	0x58465342
#define BTRFS	0x9123683e
#define F2FS	0xf2f52010
#define TMPFS	0x01021994
#define OVERLAY	0x794c7630	/* of a container; what lies below is not told */

/* The kernel lists each journal as NAME-INODE of its block device. */
static bool
ext4_has_journal(int fd)
{
	char path[64], link[PATH_MAX], name[PATH_MAX + 32];
	const char *base;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return false;
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u",
	    major(st.st_dev), minor(st.st_dev));
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return false;
	link[n] = '\0';
	base = strrchr(link, '/');
	(void)snprintf(name, sizeof(name), "/proc/fs/jbd2/%s-8",
	    base == NULL ? link : base + 1);
	return access(name, F_OK) == 0;
}

static bool
whole_is_safe(int fd)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) != 0)
		return false;
	switch ((unsigned long)fs.f_type & 0xffffffff) {
	case EXT4:
		return ext4_has_journal(fd);
	case XFS:
	case BTRFS:
	case F2FS:
	case TMPFS:
	case OVERLAY:
		return true;
	default:
		return false;
	}
}

static const char *chosen;
static char mount[PATH_MAX];	/* why it is fsync; or empty */

static bool
has_mounts(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	return file_mount_below(path, mount);
}

void
sync_choose(void)
{
	static const enum folder settled[] = { FOLDER_SPOOL, FOLDER_MAIL,
	    FOLDER_ACCOUNT, FOLDER_INDEX };
	struct str said = master.config->conf.spool.sync;

	mount[0] = '\0';
	chosen = str_same(said, "fsync") ? "fsync" : "syncfs";
	if (!str_same(said, "auto"))
		return;
	for (size_t i = 0; i < NITEMS(settled); i++)
		if (!whole_is_safe(master.folder[settled[i]]))
			chosen = "fsync";
	if (has_mounts(master.folder[FOLDER_MAIL]) ||
	    has_mounts(master.folder[FOLDER_ACCOUNT]))
		chosen = "fsync";
}

void
sync_tell(void)
{
	if (mount[0] == '\0')
		return;
	log_event(LOG_LEVEL_INFO, "sync-by-file");
	log_z("mount", mount);
	log_end();
}

const char *
sync_how(void)
{
	return chosen;
}
