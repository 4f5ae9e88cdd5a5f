/* SPDX-License-Identifier: ISC */
/*
 * base/fd.h - what kind of descriptor is this?  Checks for descriptors that
 * another process handed us, and small helpers.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>

enum fd_kind {
	FD_NONE,	/* no descriptor */
	FD_FILE_RO,	/* regular file or memfd, O_RDONLY, or a memfd sealed
			 * against write, grow, shrink and further seals */
	FD_FILE_RW,	/* regular file, writable */
	FD_STREAM,	/* socket */
	FD_DIR,		/* directory */
	FD_MAYBE_RO,	/* FD_FILE_RO, or none where an answer is no */
	FD_ANY,		/* whatever it is, or none */
};

/* false for fd < 0, but for FD_NONE. */
bool	fd_is(int fd, enum fd_kind kind);
bool	fd_may_lack(enum fd_kind kind);	/* is none allowed, too? */
int	fd_memory(const char *name);	/* an empty memfd, or -1 with errno */
bool	fd_seal(int fd);		/* from now on nobody can change it */
bool	fd_sealed(int fd);	/* memfd that nobody can change any more */
void	fd_close(int *fd);	/* closes when >= 0 and sets -1 */
int	fd_nonblock(int fd);	/* 0 or FAIL_TEMP */

#endif
