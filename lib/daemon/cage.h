/* SPDX-License-Identifier: ISC */
/*
 * daemon/cage.h - what a process may ask of the kernel: a seccomp list by
 * class, and Landlock for the file system.
 */
#ifndef DAEMON_CAGE_H
#define DAEMON_CAGE_H

#include <stdio.h>

#include "base/fail.h"
#include "daemon/procs.h"

#define CAGE_FOLDERS_MAX	8

struct cage_plan {
	enum cage	cage;
	int		folders[CAGE_FOLDERS_MAX];	/* may be used, DISK */
	size_t		n_folders;
	bool		is_optional;	/* a kernel without it: go on */
};

/* For ever.  What is not on the list kills the process (SIGSYS), which master
 * names.  *missing_out: what this kernel lacks ("" when nothing), only with
 * is_optional; else FAIL_PERM with why. */
int	cage_lock(const struct cage_plan *plan, const char **missing_out,
	    struct why *why) MUST_CHECK;

/* One system call a line, for the cage test and `PROGRAM --cage`. */
void	cage_print(enum cage cage, FILE *out);

/* True when this kernel has both means. */
bool	cage_possible(const char **missing_out);

#endif
