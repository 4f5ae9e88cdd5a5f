/* SPDX-License-Identifier: ISC */
/*
 * base/file.c - file work relative to a directory descriptor.
 *
 * A name with a slash goes through openat2 with RESOLVE_BENEATH: no "..", no
 * absolute name and no link leads out of the folder.  A last component that
 * is a link is refused everywhere.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/banned.h"

#define READ_STEP	((size_t)65536)

int
file_write(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FAIL_TEMP;
		s = str_from(s, (size_t)n);
	}
	return 0;
}

int
file_pwrite(int fd, struct str s, off_t at)
{
	while (s.n > 0) {
		ssize_t n = pwrite(fd, s.p, s.n, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FAIL_TEMP;
		s = str_from(s, (size_t)n);
		at += n;
	}
	return 0;
}

int
file_pread(int fd, void *out, size_t n, off_t at)
{
	uint8_t *p = out;

	while (n > 0) {
		ssize_t got = pread(fd, p, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return FAIL_TEMP;
		if (got == 0)
			return FAIL_GONE;
		p += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

/* Asks for no more than the limit leaves, and one byte to see the end. */
static size_t
step(const struct buf *out)
{
	size_t left = out->max - out->len;

	return left < READ_STEP ? left : READ_STEP;
}

static int
expect_end(int fd)
{
	uint8_t one;
	ssize_t n;

	while ((n = read(fd, &one, 1)) < 0 && errno == EINTR)
		;
	if (n == 0)
		return 0;
	return n > 0 ? FAIL_TOO_BIG : FAIL_TEMP;
}

int
file_read_fd(int fd, struct buf *out)
{
	for (;;) {
		size_t want = step(out);
		uint8_t *p;
		ssize_t n;

		if (want == 0)
			return expect_end(fd);
		if ((p = buf_grow(out, want)) == NULL)
			return FAIL_TOO_BIG;
		n = read(fd, p, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? 0 : FAIL_TEMP;
		buf_grown(out, (size_t)n);
	}
}

static int
open_beneath(int dirfd, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.mode = (flags & O_CREAT) != 0 ? mode & 07777 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

int
file_open(int dirfd, const char *name, int flags, mode_t mode)
{
	flags |= O_CLOEXEC | O_NOFOLLOW;
	if (strchr(name, '/') != NULL)
		return open_beneath(dirfd, name, flags, mode);
	if (strcmp(name, "..") == 0) {
		errno = EXDEV;
		return -1;
	}
	return openat(dirfd, name, flags, mode);
}

int
file_open_dir(int dirfd, const char *name)
{
	return file_open(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
}

int
file_read_all(int dirfd, const char *name, struct buf *out)
{
	int r, err, fd = file_open(dirfd, name, O_RDONLY, 0);

	if (fd < 0)
		return errno == ENOENT ? FAIL_GONE : FAIL_TEMP;
	r = file_read_fd(fd, out);
	err = errno;
	close(fd);
	errno = err;
	return r;
}

/* The descriptor of the folder that holds name, and name's last part. */
static int
open_parent(int dirfd, const char *name, const char **last_out)
{
	const char *slash = strrchr(name, '/');
	char parent[PATH_MAX];
	int n;

	if (slash == NULL) {
		*last_out = name;
		return file_open_dir(dirfd, ".");
	}
	n = snprintf(parent, sizeof(parent), "%.*s", (int)(slash - name), name);
	if (n < 1 || (size_t)n >= sizeof(parent)) {
		errno = n < 1 ? EXDEV : ENAMETOOLONG;
		return -1;
	}
	*last_out = slash + 1;
	return file_open_dir(dirfd, parent);
}

static int
write_and_sync(int dir, const char *tmp, struct str content, mode_t mode)
{
	int r, fd = file_open(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC, mode);

	if (fd < 0)
		return FAIL_TEMP;
	r = file_write(fd, content);
	/* umask and an old NAME.tmp must not decide who may read this */
	if (r == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		r = FAIL_TEMP;
	if (close(fd) != 0 && r == 0)
		r = FAIL_TEMP;
	return r;
}

static int
replace_in(int dir, const char *name, struct str content, mode_t mode)
{
	char tmp[NAME_MAX + 1];
	int r, err, n = snprintf(tmp, sizeof(tmp), "%s.tmp", name);

	if (n < 0 || (size_t)n >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return FAIL_TEMP;
	}
	r = write_and_sync(dir, tmp, content, mode);
	if (r == 0 && renameat(dir, tmp, dir, name) == 0)
		return fsync(dir) == 0 ? 0 : FAIL_TEMP;
	err = errno;
	unlinkat(dir, tmp, 0);
	errno = err;
	return FAIL_TEMP;
}

int
file_replace(int dirfd, const char *name, struct str content, mode_t mode)
{
	const char *last;
	int r, err, dir = open_parent(dirfd, name, &last);

	if (dir < 0)
		return FAIL_TEMP;
	r = replace_in(dir, last, content, mode);
	err = errno;
	close(dir);
	errno = err;
	return r;
}

/* One step of mkdir -p: into the part of that name, made if need be. */
static int
step_into(int dir, const char *part, mode_t mode)
{
	if (strcmp(part, "..") == 0) {
		errno = EXDEV;
		return -1;
	}
	if (mkdirat(dir, part, mode) != 0 && errno != EEXIST)
		return -1;
	return file_open_dir(dir, part);
}

int
file_mkdirs(int dirfd, const char *name, mode_t mode)
{
	struct str rest = str_of(name), part;
	int next, err, dir;

	if (rest.n > 0 && rest.p[0] == '/') {
		errno = EXDEV;
		return FAIL_TEMP;
	}
	dir = file_open_dir(dirfd, ".");
	while (dir >= 0 && rest.n > 0) {
		char z[NAME_MAX + 1];

		part = str_until(&rest, '/');
		if (part.n == 0)
			continue;
		snprintf(z, sizeof(z), "%.*s", STR_ARG(part));
		next = part.n > NAME_MAX ? -1 : step_into(dir, z, mode);
		err = part.n > NAME_MAX ? ENAMETOOLONG : errno;
		close(dir);
		errno = err;
		dir = next;
	}
	if (dir < 0)
		return FAIL_TEMP;
	close(dir);
	return 0;
}

bool
file_mount_below(const char *path, char *out)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	size_t n = strlen(path);
	char text[2 * PATH_MAX];
	struct mntent m;
	bool is_found = false;

	if (f == NULL)
		return false;
	if (n > 0 && path[n - 1] == '/')
		n--;
	while (!is_found && getmntent_r(f, &m, text, sizeof(text)) != NULL)
		is_found = strncmp(m.mnt_dir, path, n) == 0 &&
		    m.mnt_dir[n] == '/' && m.mnt_dir[n + 1] != '\0';
	if (is_found)
		(void)snprintf(out, PATH_MAX, "%s", m.mnt_dir);
	(void)endmntent(f);
	return is_found;
}

int
file_sealed(const char *name, struct str content)
{
	int fd = fd_memory(name);

	if (fd >= 0 && (file_write(fd, content) != 0 || !fd_seal(fd)))
		fd_close(&fd);
	return fd;
}

size_t
file_boot_id(char out[FILE_BOOT_ID_MAX + 1])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, FILE_BOOT_ID_MAX);

	fd_close(&fd);
	out[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}
