/* SPDX-License-Identifier: ISC */
/*
 * base/fd.c - what kind of descriptor is this?
 */
#include "base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

#include "base/banned.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
fd_memory(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

bool
fd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, ALL_SEALS) == 0;
}

bool
fd_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & ALL_SEALS) == ALL_SEALS;
}

static bool
is_readable_file(int fd, const struct stat *st, int mode)
{
	return S_ISREG(st->st_mode) && (mode == O_RDONLY || fd_sealed(fd));
}

bool
fd_is(int fd, enum fd_kind kind)
{
	struct stat st;
	int flags;

	if (kind == FD_NONE)
		return fd < 0;
	if (fd < 0 || fstat(fd, &st) != 0 || (flags = fcntl(fd, F_GETFL)) < 0)
		return false;
	switch (kind) {
	case FD_FILE_RO:
	case FD_MAYBE_RO:
		return (flags & O_PATH) == 0 &&
		    is_readable_file(fd, &st, flags & O_ACCMODE);
	case FD_FILE_RW:
		return S_ISREG(st.st_mode) && (flags & O_PATH) == 0 &&
		    (flags & O_ACCMODE) != O_RDONLY;
	case FD_STREAM:
		return S_ISSOCK(st.st_mode);
	case FD_DIR:
		return S_ISDIR(st.st_mode);
	case FD_ANY:
		return true;
	case FD_NONE:
		break;
	}
	return false;
}

bool
fd_may_lack(enum fd_kind kind)
{
	return kind == FD_NONE || kind == FD_MAYBE_RO || kind == FD_ANY;
}

void
fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int
fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return FAIL_TEMP;
	return 0;
}
