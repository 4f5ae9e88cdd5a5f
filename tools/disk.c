/* SPDX-License-Identifier: ISC */
/*
 * tools/disk.c - file systems that forget what a flush has promised.
 *
 * Without barriers a disk's cache may keep what fdatasync(2) called safe; with
 * ext4's fast_commit a replay was seen to leave names without contents.  Both
 * lose mail of any server at a power cut, so `veredus check' says so.  It
 * only says: a machine with batteries may know better.
 */
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/cli.h"

#include "base/banned.h"

#define EXT4_FEATURE_COMPAT	(1024 + 0x5c)	/* in its first superblock */
#define EXT4_FAST_COMMIT	0x0400

/* Only who may read the device learns it; anybody else is told nothing. */
static bool
has_fast_commit(const struct mntent *m)
{
	uint32_t features = 0;
	int fd;

	if (strcmp(m->mnt_type, "ext4") != 0 ||
	    (fd = open(m->mnt_fsname, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return false;
	if (pread(fd, &features, sizeof(features), EXT4_FEATURE_COMPAT) !=
	    (ssize_t)sizeof(features))
		features = 0;
	(void)close(fd);
	return (le32toh(features) & EXT4_FAST_COMMIT) != 0;
}

static bool
is_without_barrier(const struct mntent *m)
{
	const char *barrier = hasmntopt(m, "barrier");

	return hasmntopt(m, "nobarrier") != NULL ||
	    (barrier != NULL && strncmp(barrier, "barrier=0", 9) == 0);
}

/* Does the file system mounted at dir hold path (both absolute)? */
static bool
holds(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return n == 1 || (strncmp(dir, path, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0'));
}

/* Path with what does not exist yet cut off its end; false: none of it. */
static bool
real_part(const char *path, char real[PATH_MAX])
{
	char *part = strdup(path), *slash;
	bool is_found = false;

	while (part != NULL && !(is_found = realpath(part, real) != NULL) &&
	    (slash = strrchr(part, '/')) != NULL && slash != part)
		*slash = '\0';
	free(part);
	return is_found;
}

static const char *
danger_in(const struct mntent *m)
{
	if (is_without_barrier(m))
		return "is mounted without barriers: a power cut may lose mail "
		    "that was answered 250";
	if (has_fast_commit(m))
		return "has ext4's fast_commit: a power cut may lose mail that "
		    "was answered 250 (tune2fs -O ^fast_commit)";
	return NULL;
}

/* The mount that holds path has the longest name; of equals the last one,
 * for it lies on top. */
static const char *
danger_of(const char *path)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const char *danger = NULL;
	char text[2 * PATH_MAX];
	struct mntent m;
	size_t best = 0;

	if (f == NULL)
		return NULL;
	while (getmntent_r(f, &m, text, sizeof(text)) != NULL)
		if (holds(m.mnt_dir, path) && strlen(m.mnt_dir) >= best) {
			best = strlen(m.mnt_dir);
			danger = danger_in(&m);
		}
	(void)endmntent(f);
	return danger;
}

/* `spool sync syncfs' covers the file systems of the folders themselves. */
static void
look_below(struct cli *c, const char *folder)
{
	char mount[PATH_MAX];

	if (str_same(c->conf.spool.sync, "syncfs") &&
	    file_mount_below(folder, mount))
		cli_say("%s: is a file system of its own, which `spool sync "
		    "syncfs' misses: a power cut may lose mail that was "
		    "delivered there (auto or fsync do not)", mount);
}

void
disk_look(struct cli *c)
{
	static const char *const folders[] = { "spool", "mail", "state" };
	const char *danger;
	char path[PATH_MAX];

	for (size_t i = 0; i < NITEMS(folders); i++) {
		if (!real_part(cli_folder(c, folders[i]), path))
			continue;
		danger = danger_of(path);
		if (danger != NULL)
			cli_say("%s: its file system %s", path, danger);
		if (i > 0)
			look_below(c, path);
	}
}
