/* SPDX-License-Identifier: ISC */
/*
 * journal/disk.h - the one small door to the disk.
 *
 * Journal and spool reach files only through a struct disk, so that a test
 * can put a simulated disk there that tears writes, loses what was not
 * synced and fails at will.  All calls block; names are relative to the
 * spool folder and never start with '/'.  Every call returns -1 with errno
 * set when it fails, as the system call it stands for.
 */
#ifndef JOURNAL_DISK_H
#define JOURNAL_DISK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fail.h"

enum { DISK_READ = 1, DISK_WRITE = 2, DISK_CREATE = 4 /* must be new */ };

#define DISK_NAME_MAX	64	/* longest name below the spool folder */

typedef void disk_name_fn(void *arg, const char *name);

struct disk {
	int	(*open)(void *ctx, const char *name, unsigned how);
	void	(*close)(void *ctx, int handle);
	ssize_t	(*pread)(void *ctx, int handle, void *p, size_t n, int64_t at);
	ssize_t	(*pwrite)(void *ctx, int handle, const void *p, size_t n,
		    int64_t at);
	int64_t	(*size)(void *ctx, int handle);
	int	(*fdatasync)(void *ctx, int handle);
	int	(*sync_folder)(void *ctx, const char *folder);
	int	(*unlink)(void *ctx, const char *name);
	int	(*rename)(void *ctx, const char *from, const char *to);
	int	(*mkdir)(void *ctx, const char *name);	/* 0 if it is there */
	int	(*list)(void *ctx, const char *folder, disk_name_fn *fn,
		    void *arg);	/* plain names, order undefined */
	void	*ctx;
};

/* The real one, below a folder descriptor that stays the caller's. */
void	disk_real(struct disk *d, int folder_fd);

/* All n bytes, restarting short transfers.  FAIL_TEMP with errno; a write
 * that stops short without a reason gives EIO.  FAIL_GONE: file ends. */
int	disk_read(const struct disk *d, int handle, void *p, size_t n,
	    int64_t at) MUST_CHECK;
int	disk_write(const struct disk *d, int handle, struct str s,
	    int64_t at) MUST_CHECK;

#endif
