/* SPDX-License-Identifier: ISC */
/*
 * maildir/volume.c - the real file system, and what is made of its calls.
 */
#include "maildir/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#include "base/banned.h"

#define ASIDE_MAX	100	/* things put aside under one name */

#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
const char *maildir_broken = "";

bool
maildir_is_broken(char rule)
{
	return strchr(maildir_broken, rule) != NULL;
}
#endif

struct dent {			/* struct linux_dirent64, getdents64(2) */
	uint64_t	ino;
	int64_t		off;
	unsigned short	reclen;
	unsigned char	type;
	char		name[];
};

static int
real_open(struct volume *v, int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW |
		    O_NONBLOCK),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS,
	};

	/* O_NONBLOCK: a FIFO among the messages must not hold us up. */
	(void)v;
	if (strchr(name, '/') == NULL)
		return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW |
		    O_NONBLOCK, mode);
	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static void
real_close(struct volume *v, int fd)
{
	(void)v;
	close(fd);
}

static ssize_t
real_pread(struct volume *v, int fd, void *p, size_t n, off_t at)
{
	(void)v;
	return pread(fd, p, n, at);
}

static ssize_t
real_pwrite(struct volume *v, int fd, const void *p, size_t n, off_t at)
{
	(void)v;
	return pwrite(fd, p, n, at);
}

static int
real_truncate(struct volume *v, int fd, off_t size)
{
	(void)v;
	return ftruncate(fd, size);
}

static int
real_rename(struct volume *v, int from, const char *name, int to,
    const char *new_name, bool replace)
{
	(void)v;
	return renameat2(from, name, to, new_name,
	    replace ? 0 : RENAME_NOREPLACE);
}

static int
real_link(struct volume *v, int from, const char *name, int to,
    const char *new_name)
{
	(void)v;
	return linkat(from, name, to, new_name, 0);
}

static int
real_unlink(struct volume *v, int dir, const char *name)
{
	(void)v;
	return unlinkat(dir, name, 0);
}

static int
real_mkdir(struct volume *v, int dir, const char *name, mode_t mode)
{
	(void)v;
	return mkdirat(dir, name, mode);
}

static int
real_rmdir(struct volume *v, int dir, const char *name)
{
	(void)v;
	return unlinkat(dir, name, AT_REMOVEDIR);
}

static int
real_stat(struct volume *v, int dir, const char *name, struct stat *st_out)
{
	(void)v;
	if (name == NULL)
		return fstat(dir, st_out);
	return fstatat(dir, name, st_out, AT_SYMLINK_NOFOLLOW);
}

static ssize_t
real_dents(struct volume *v, int dir, void *p, size_t n)
{
	(void)v;
	return syscall(SYS_getdents64, dir, p, n);
}

static int
real_rewind(struct volume *v, int dir)
{
	(void)v;
	return lseek(dir, 0, SEEK_SET) < 0 ? -1 : 0;
}

static int
real_lock(struct volume *v, int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)v;
	return fcntl(fd, F_OFD_SETLK, &lock);
}

struct volume volume_real = {
	.open = real_open, .close = real_close, .pread = real_pread,
	.pwrite = real_pwrite, .truncate = real_truncate,
	.rename = real_rename, .link = real_link, .unlink = real_unlink,
	.mkdir = real_mkdir, .rmdir = real_rmdir, .stat = real_stat,
	.dents = real_dents, .rewind = real_rewind, .lock = real_lock,
};

int
volume_write(struct volume *v, int fd, struct str s, off_t at)
{
	ssize_t n;

	while (s.n > 0) {
		n = v->pwrite(v, fd, s.p, s.n, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return FAIL_TEMP;
		}
		s = str_from(s, (size_t)n);
		at += n;
	}
	return 0;
}

int
volume_read(struct volume *v, int fd, void *p, size_t n, off_t at)
{
	uint8_t *to = p;
	ssize_t got;

	while (n > 0) {
		got = v->pread(v, fd, to, n, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return FAIL_TEMP;
		if (got == 0)
			return FAIL_GONE;
		to += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

int
volume_read_all(struct volume *v, int fd, off_t at, struct buf *out)
{
	uint8_t *p;
	ssize_t n;

	for (;;) {
		p = buf_grow(out, 16 * 1024);
		if (p == NULL)
			return FAIL_TOO_BIG;
		n = v->pread(v, fd, p, 16 * 1024, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FAIL_TEMP;
		if (n == 0)
			return 0;
		buf_grown(out, (size_t)n);
		at += n;
	}
}

off_t
volume_size(struct volume *v, int fd)
{
	struct stat st;

	return v->stat(v, fd, NULL, &st) < 0 ? -1 : st.st_size;
}

int64_t
volume_mtime_ns(struct volume *v, int fd)
{
	struct stat st;

	return v->stat(v, fd, NULL, &st) < 0 ? -1 :
	    (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

/* --- what is none of our files ------------------------------------------- */

static void
say_aside(const char *name, const char *aside)
{
	log_event(LOG_LEVEL_ERROR, "file-damaged");
	log_z("file", name);
	log_z("aside", aside);
	log_end();
}

int
volume_put_aside(struct volume *v, int dir, const char *name)
{
	char aside[NAME_MAX + 1] = "";
	unsigned i;
	int n;

	for (i = 0; i < ASIDE_MAX; i++) {
		n = i == 0 ? snprintf(aside, sizeof(aside), "%s.damaged", name)
		    : snprintf(aside, sizeof(aside), "%s.damaged.%u", name, i);
		if (n >= (int)sizeof(aside)) {
			errno = ENAMETOOLONG;
			return FAIL_TEMP;
		}
		if (v->rename(v, dir, name, dir, aside, false) == 0) {
			say_aside(name, aside);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	return FAIL_TEMP;
}

bool
volume_is_strange(int error)
{
	return error == EISDIR || error == ELOOP || error == EACCES ||
	    error == ENXIO;
}

/* A file that is ours or root's and may not be opened is no other process's:
 * somebody brought it back as root, and it is right but for its owner or
 * mode.  Without it UIDs and flags would be lost. */
static bool
is_operators(struct volume *v, int dir, const char *name)
{
	struct stat st;
	bool is = errno == EACCES && v->stat(v, dir, name, &st) == 0 &&
	    S_ISREG(st.st_mode) &&
	    (st.st_uid == 0 || st.st_uid == geteuid());

	if (is)
		errno = EACCES;
	return is;
}

int
volume_open_own(struct volume *v, int dir, const char *name, int flags,
    mode_t mode, bool *aside_out)
{
	int fd = v->open(v, dir, name, flags, mode);
	struct stat st;

	if (aside_out != NULL)
		*aside_out = false;
	if (fd >= 0) {
		/* If that cannot be told, the first read cannot be done. */
		if (v->stat(v, fd, NULL, &st) < 0 || S_ISREG(st.st_mode))
			return fd;
		v->close(v, fd);
	} else if (!volume_is_strange(errno) || is_operators(v, dir, name)) {
		return -1;
	}
	if (volume_put_aside(v, dir, name) != 0)
		return -1;
	if (aside_out != NULL)
		*aside_out = true;
	return v->open(v, dir, name, flags, mode);
}

int
volume_create(struct volume *v, int dir, const char *name, mode_t mode)
{
	if (v->unlink(v, dir, name) < 0 && errno != ENOENT &&
	    volume_put_aside(v, dir, name) != 0)
		return -1;
	return v->open(v, dir, name, O_RDWR | O_CREAT | O_EXCL, mode);
}

int
volume_replace(struct volume *v, int dir, const char *name,
    struct str content, mode_t mode)
{
	char beside[300];
	int fd, r;

	if (snprintf(beside, sizeof(beside), "%s.tmp", name) >=
	    (int)sizeof(beside))
		return FAIL_TOO_BIG;
	fd = volume_create(v, dir, beside, mode);
	if (fd < 0)
		return FAIL_TEMP;
	r = volume_write(v, fd, content, 0);
	v->close(v, fd);
	if (r == 0)
		r = volume_put_over(v, dir, beside, dir, name);
	if (r != 0)
		v->unlink(v, dir, beside);
	return r;
}

int
volume_put_over(struct volume *v, int from, const char *name, int to,
    const char *new_name)
{
	if (v->rename(v, from, name, to, new_name, true) == 0)
		return 0;
	if (errno != EISDIR || volume_put_aside(v, to, new_name) != 0)
		return FAIL_TEMP;
	return v->rename(v, from, name, to, new_name, true) < 0 ? FAIL_TEMP :
	    0;
}

int
volume_remove(struct volume *v, int parent, const char *name, int levels)
{
	struct volume_walk *w;
	const char *entry;
	int fd = v->open(v, parent, name, O_RDONLY | O_DIRECTORY, 0), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : FAIL_TEMP;
	w = xmalloc(sizeof(*w));
	volume_walk_begin(w, v, fd);
	while ((r = volume_walk_next(w, &entry, NULL)) == 1) {
		if (v->unlink(v, fd, entry) == 0 || errno == ENOENT)
			continue;
		if ((errno != EISDIR && errno != EPERM) || levels == 0 ||
		    volume_remove(v, fd, entry, levels - 1) != 0) {
			r = FAIL_TEMP;
			break;
		}
	}
	free(w);
	v->close(v, fd);
	if (r == 0 && v->rmdir(v, parent, name) < 0)
		r = FAIL_TEMP;
	return r;
}

/* A file in the place of a folder is put aside.  A link is not: an operator
 * may have made it, and is to be told that it is not followed. */
static int
make_folder(struct volume *v, int dir, const char *name, mode_t mode)
{
	struct stat st;

	if (v->stat(v, dir, name, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return 0;
		if (volume_put_aside(v, dir, name) != 0)
			return FAIL_TEMP;
	}
	return v->mkdir(v, dir, name, mode) < 0 && errno != EEXIST ?
	    FAIL_TEMP : 0;
}

int
volume_mkdirs(struct volume *v, int dir, const char *path, mode_t mode)
{
	const char *slash;
	char part[1024];
	size_t n;
	int at = dir, next;

	for (;; path = slash + 1) {
		slash = strchr(path, '/');
		n = slash == NULL ? strlen(path) : (size_t)(slash - path);
		if (n == 0 || n >= sizeof(part))
			break;
		memcpy(part, path, n);
		part[n] = '\0';
		if (make_folder(v, at, part, mode) != 0)
			break;
		if (slash == NULL) {
			if (at != dir)
				v->close(v, at);
			return 0;
		}
		next = v->open(v, at, part, O_RDONLY | O_DIRECTORY, 0);
		if (next < 0)
			break;
		if (at != dir)
			v->close(v, at);
		at = next;
	}
	if (at != dir)
		v->close(v, at);
	return FAIL_TEMP;
}

/* --- walking a folder ---------------------------------------------------- */

void
volume_walk_begin(struct volume_walk *w, struct volume *v, int dir)
{
	w->v = v;
	w->dir = dir;
	w->at = w->len = 0;
	v->rewind(v, dir);
}

int
volume_walk_next(struct volume_walk *w, const char **name_out,
    unsigned char *type_out)
{
	const struct dent *d;
	ssize_t n;

	for (;;) {
		if (w->at >= w->len) {
			n = w->v->dents(w->v, w->dir, w->u.bytes,
			    sizeof(w->u.bytes));
			if (n < 0)
				return FAIL_TEMP;
			if (n == 0)
				return 0;
			w->at = 0;
			w->len = (size_t)n;
		}
		d = (const struct dent *)(const void *)(w->u.bytes + w->at);
		w->at += d->reclen;
		if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
			continue;
		*name_out = d->name;
		if (type_out != NULL)
			*type_out = d->type;
		return 1;
	}
}
