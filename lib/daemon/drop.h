/* SPDX-License-Identifier: ISC */
/*
 * daemon/drop.h - root to nobody: root folder, uid, groups, capabilities.
 */
#ifndef DAEMON_DROP_H
#define DAEMON_DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/fail.h"

#define DROP_GROUPS_MAX	8

struct drop {
	int	root_fd;		/* the folder that becomes "/" */
	uid_t	uid;
	gid_t	gid;
	gid_t	groups[DROP_GROUPS_MAX];
	size_t	n_groups;
	bool	unprivileged;		/* started by an ordinary user */
};

/* After it there is no way back: no capability, no new privilege, no core,
 * not to be traced; dies with master.  0, or FAIL_PERM with why; the caller
 * must then exit. */
int	drop_privileges(const struct drop *d, struct why *why) MUST_CHECK;

/* Master: only the capabilities that starting children takes stay. */
int	drop_master(struct why *why) MUST_CHECK;

#endif
