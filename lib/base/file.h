/* SPDX-License-Identifier: ISC */
/*
 * base/file.h - file work relative to a directory descriptor.  Nothing here
 * follows a link out of the directory (openat2 RESOLVE_BENEATH where the
 * name has a slash).
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/fail.h"

/* All bytes or a failure (FAIL_TEMP, errno tells); restarts after EINTR. */
int	file_write(int fd, struct str s) MUST_CHECK;
int	file_pwrite(int fd, struct str s, off_t at) MUST_CHECK;
/* Exactly n bytes; FAIL_GONE at an early end of file. */
int	file_pread(int fd, void *p, size_t n, off_t at) MUST_CHECK;
/* The whole file, FAIL_TOO_BIG beyond the buffer's max, FAIL_GONE: ENOENT. */
int	file_read_all(int dirfd, const char *name, struct buf *out) MUST_CHECK;
int	file_read_fd(int fd, struct buf *out) MUST_CHECK;
/* Written beside as NAME.tmp, synced, renamed, folder synced. */
int	file_replace(int dirfd, const char *name, struct str content,
	    mode_t mode) MUST_CHECK;
/* A descriptor, close-on-exec; -1 with errno. */
int	file_open(int dirfd, const char *name, int flags, mode_t mode);
int	file_open_dir(int dirfd, const char *name);
/* mkdir -p under dirfd. */
int	file_mkdirs(int dirfd, const char *name, mode_t mode) MUST_CHECK;

/* Is something mounted below this absolute path, which has no link in it?
 * out: where, PATH_MAX.  /proc must be there. */
bool	file_mount_below(const char *path, char *out);

/* A memfd with that content, which nobody can change any more; -1 with errno. */
int	file_sealed(const char *name, struct str content);

#define FILE_BOOT_ID_MAX	63

/* Which run of this machine it is, as the kernel tells; its length, and 0 and
 * "" where /proc cannot be read (in a cage: ask before). */
size_t	file_boot_id(char out[FILE_BOOT_ID_MAX + 1]);

#endif
