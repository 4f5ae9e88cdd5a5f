/* SPDX-License-Identifier: ISC */
/*
 * journal/disk.c - the real disk: system calls relative to one folder.
 *
 * Nothing here decides anything; what must be synced when stands in
 * journal.c and spool.c.  A folder is synced through a descriptor opened for
 * it and closed again: it is rare (a new segment, a large body).
 */
#include "journal/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static int
folder_of(void *ctx)
{
	return (int)(intptr_t)ctx;
}

static int
real_open(void *ctx, const char *name, unsigned how)
{
	/* O_NONBLOCK: never held up by what is no file */
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	if ((how & DISK_WRITE) != 0)
		flags |= (how & DISK_READ) != 0 ? O_RDWR : O_WRONLY;
	if ((how & DISK_CREATE) != 0)
		flags |= O_CREAT | O_EXCL;
	return openat(folder_of(ctx), name, flags, 0600);
}

static void
real_close(void *ctx, int handle)
{
	(void)ctx;
	close(handle);
}

static ssize_t
real_pread(void *ctx, int handle, void *p, size_t n, int64_t at)
{
	(void)ctx;
	return pread(handle, p, n, at);
}

static ssize_t
real_pwrite(void *ctx, int handle, const void *p, size_t n, int64_t at)
{
	(void)ctx;
	return pwrite(handle, p, n, at);
}

static int64_t
real_size(void *ctx, int handle)
{
	struct stat st;

	(void)ctx;
	return fstat(handle, &st) == 0 ? st.st_size : -1;
}

static int
real_fdatasync(void *ctx, int handle)
{
	(void)ctx;
	return fdatasync(handle);
}

static int
open_folder(void *ctx, const char *folder)
{
	return openat(folder_of(ctx), folder,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int
real_sync_folder(void *ctx, const char *folder)
{
	int fd = open_folder(ctx, folder), r, saved;

	if (fd < 0)
		return -1;
	r = fsync(fd);
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

static int
real_unlink(void *ctx, const char *name)
{
	return unlinkat(folder_of(ctx), name, 0);
}

static int
real_rename(void *ctx, const char *from, const char *to)
{
	return renameat(folder_of(ctx), from, folder_of(ctx), to);
}

static int
real_mkdir(void *ctx, const char *name)
{
	if (mkdirat(folder_of(ctx), name, 0700) == 0 || errno == EEXIST)
		return 0;
	return -1;
}

static int
real_list(void *ctx, const char *folder, disk_name_fn *fn, void *arg)
{
	int fd = open_folder(ctx, folder);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			fn(arg, e->d_name);
	closedir(dir);
	return 0;
}

void
disk_real(struct disk *d, int folder_fd)
{
	*d = (struct disk){
		.open = real_open, .close = real_close, .pread = real_pread,
		.pwrite = real_pwrite, .size = real_size,
		.fdatasync = real_fdatasync, .sync_folder = real_sync_folder,
		.unlink = real_unlink, .rename = real_rename,
		.mkdir = real_mkdir, .list = real_list,
		.ctx = (void *)(intptr_t)folder_fd,
	};
}

int
disk_read(const struct disk *d, int handle, void *p, size_t n, int64_t at)
{
	uint8_t *to = p;
	ssize_t got;

	while (n > 0) {
		got = d->pread(d->ctx, handle, to, n, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return FAIL_TEMP;
		if (got == 0)
			return FAIL_GONE;
		to += got, at += got, n -= (size_t)got;
	}
	return 0;
}

int
disk_write(const struct disk *d, int handle, struct str s, int64_t at)
{
	ssize_t done;

	while (s.n > 0) {
		done = d->pwrite(d->ctx, handle, s.p, s.n, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done == 0)
			errno = EIO;
		if (done <= 0)
			return FAIL_TEMP;
		s = str_from(s, (size_t)done);
		at += done;
	}
	return 0;
}
