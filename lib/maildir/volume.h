/* SPDX-License-Identifier: ISC */
/*
 * maildir/volume.h - the one small door to the file system.
 *
 * All of lib/maildir reaches files only through a struct volume, so that a
 * test can put one there that fails, or dies, at the n-th change, or that
 * loses what was not synced.  Calls have the meaning and the errno of the
 * system call they are named after; folders are descriptors, names have no
 * slash but where said.  Nothing here syncs: settling is others' work.
 */
#ifndef MAILDIR_VOLUME_H
#define MAILDIR_VOLUME_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fail.h"

struct volume {
	/* name may have slashes; never leaves dir, follows no link */
	int	(*open)(struct volume *v, int dir, const char *name, int flags,
		    mode_t mode);
	void	(*close)(struct volume *v, int fd);
	ssize_t	(*pread)(struct volume *v, int fd, void *p, size_t n,
		    off_t at);
	ssize_t	(*pwrite)(struct volume *v, int fd, const void *p, size_t n,
		    off_t at);
	int	(*truncate)(struct volume *v, int fd, off_t size);
	/* replace: an existing `to` may go; else EEXIST */
	int	(*rename)(struct volume *v, int from, const char *name, int to,
		    const char *new_name, bool replace);
	int	(*link)(struct volume *v, int from, const char *name, int to,
		    const char *new_name);
	int	(*unlink)(struct volume *v, int dir, const char *name);
	int	(*mkdir)(struct volume *v, int dir, const char *name,
		    mode_t mode);
	int	(*rmdir)(struct volume *v, int dir, const char *name);
	/* of a name (links not followed) or, with NULL, of dir itself */
	int	(*stat)(struct volume *v, int dir, const char *name,
		    struct stat *st_out);
	/* struct linux_dirent64 records, as getdents64(2); 0 at the end */
	ssize_t	(*dents)(struct volume *v, int dir, void *p, size_t n);
	int	(*rewind)(struct volume *v, int dir);
	int	(*lock)(struct volume *v, int fd);	/* whole file, OFD */
};

extern struct volume volume_real;

/*
 * Deliberately broken builds (VEREDUS_FAULTS): a rule whose letter is in this
 * set is not kept; test_cut_broken proves that each is noticed.
 */
#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
extern const char *maildir_broken;
bool	maildir_is_broken(char rule);
#define STORE_RULE(letter)	(!maildir_is_broken(letter))
#else
#define STORE_RULE(letter)	true
#endif

/* All bytes or FAIL_TEMP; FAIL_GONE: the file ends. */
int	volume_write(struct volume *v, int fd, struct str s, off_t at)
	    MUST_CHECK;
int	volume_read(struct volume *v, int fd, void *p, size_t n, off_t at)
	    MUST_CHECK;
/* All of a file from `at` on; FAIL_TOO_BIG beyond the buffer's max. */
int	volume_read_all(struct volume *v, int fd, off_t at, struct buf *out)
	    MUST_CHECK;
/* -1: cannot tell. */
off_t	volume_size(struct volume *v, int fd);
int64_t	volume_mtime_ns(struct volume *v, int fd);
/*
 * What lies under a name of ours and is none of our files: after a power cut
 * on a file system without a journal a name may lead to any inode, be it a
 * folder or another process's file (e2fsck makes that consistent, not right),
 * and each open, unlink and rename of it fails for ever.  It is renamed to
 * NAME.damaged (.damaged.1, ...), for nothing is unlinked that is not
 * understood, and the log says so; whoever wanted it goes on as without it.
 * FAIL_TEMP with errno.
 */
int	volume_put_aside(struct volume *v, int dir, const char *name)
	    MUST_CHECK;
/* errno of a name that leads to no file which we may use. */
bool	volume_is_strange(int error);
/* As open, of a file that is ours alone: what cannot be opened as a file is
 * put aside, and `*aside_out` (or NULL) says so; without O_CREAT the errno is
 * ENOENT then, too.  A file of ours or root's that denies us stays: EACCES,
 * until the operator has given it back. */
int	volume_open_own(struct volume *v, int dir, const char *name, int flags,
	    mode_t mode, bool *aside_out) MUST_CHECK;
/* A new and empty file of ours in the place of whatever was there. */
int	volume_create(struct volume *v, int dir, const char *name, mode_t mode)
	    MUST_CHECK;
/* As rename, of a file, in the place of whatever was there; FAIL_TEMP. */
int	volume_put_over(struct volume *v, int from, const char *name, int to,
	    const char *new_name) MUST_CHECK;
/* Write beside and rename; not synced. */
int	volume_replace(struct volume *v, int dir, const char *name,
	    struct str content, mode_t mode) MUST_CHECK;
/* mkdir of each level, also in the place of a file; FAIL_TEMP. */
int	volume_mkdirs(struct volume *v, int dir, const char *path, mode_t mode)
	    MUST_CHECK;
/* A folder and all in it, so many levels deep; 0: it is gone, or was. */
int	volume_remove(struct volume *v, int dir, const char *name, int levels)
	    MUST_CHECK;

/* A walk over a folder, entry by entry, any number at a time. */
struct volume_walk {
	struct volume	*v;
	int		dir;
	size_t		at, len;
	union {		/* aligned for the records in it */
		uint64_t align;
		char	bytes[32 * 1024];
	} u;
};
void	volume_walk_begin(struct volume_walk *w, struct volume *v, int dir);
/* 1: an entry (valid until the next call; not "." nor ".."), 0: end, or
 * FAIL_TEMP. */
int	volume_walk_next(struct volume_walk *w, const char **name_out,
	    unsigned char *type_out) MUST_CHECK;

#endif
