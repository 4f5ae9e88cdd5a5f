/* SPDX-License-Identifier: ISC */
/*
 * daemon/drop.c - root to nobody.
 *
 * Order matters: the root folder while we may chroot, the bounding set while
 * we may cut it, groups before uid, and the marks that a change of uid
 * clears (parent-death signal, dumpable) last.  Each step is checked by its
 * result and then once more by looking: setuid has failed silently before.
 */
#include "daemon/drop.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/banned.h"

/* In unprivileged mode there is no chroot; the working directory is the same
 * as with it, so that relative names mean the same. */
static int
enter_root(const struct drop *d, struct why *why)
{
	if (fchdir(d->root_fd) != 0)
		return why_errno(why, FAIL_PERM, "root folder");
	if (d->unprivileged)
		return 0;
	if (chroot(".") != 0 || chdir("/") != 0)
		return why_errno(why, FAIL_PERM, "chroot");
	return 0;
}

static int
change_ids(const struct drop *d, struct why *why)
{
	uid_t r, e, s;

	if (d->uid == 0 || d->gid == 0)
		return why_set(why, FAIL_PERM, "refusing to run as root");
	if (setgroups(d->n_groups, d->groups) != 0)
		return why_errno(why, FAIL_PERM, "setgroups");
	if (setresgid(d->gid, d->gid, d->gid) != 0)
		return why_errno(why, FAIL_PERM, "setresgid %u", d->gid);
	if (setresuid(d->uid, d->uid, d->uid) != 0)
		return why_errno(why, FAIL_PERM, "setresuid %u", d->uid);
	if (getresuid(&r, &e, &s) != 0 || r != d->uid || e != d->uid ||
	    s != d->uid || setuid(0) == 0)
		return why_set(why, FAIL_PERM, "uid %u did not stick", d->uid);
	return 0;
}

static int
cut_capabilities(capng_select_t what, struct why *why)
{
	capng_clear(what);
	if (capng_apply(what) != 0)
		return why_set(why, FAIL_PERM, "capabilities stay");
	return 0;
}

static int
marks(struct why *why)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return why_errno(why, FAIL_PERM, "RLIMIT_CORE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return why_errno(why, FAIL_PERM, "no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return why_errno(why, FAIL_PERM, "PR_SET_DUMPABLE");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return why_errno(why, FAIL_PERM, "PR_SET_PDEATHSIG");
	return 0;
}

int
drop_privileges(const struct drop *d, struct why *why)
{
	int r;

	if ((r = enter_root(d, why)) != 0)
		return r;
	if (!d->unprivileged) {
		if ((r = cut_capabilities(CAPNG_SELECT_BOUNDS, why)) != 0 ||
		    (r = change_ids(d, why)) != 0 ||
		    (r = cut_capabilities(CAPNG_SELECT_CAPS, why)) != 0)
			return r;
	}
	return marks(why);
}

int
drop_master(struct why *why)
{
	static const unsigned keep[] = { CAP_SETUID, CAP_SETGID, CAP_SETPCAP,
	    CAP_SYS_CHROOT, CAP_NET_BIND_SERVICE, CAP_CHOWN, CAP_FOWNER,
	    CAP_DAC_OVERRIDE, CAP_KILL };

	if (geteuid() != 0)
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < NITEMS(keep); i++)
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED |
		    CAPNG_BOUNDING_SET, keep[i]) != 0)
			return why_set(why, FAIL_PERM, "capability %u",
			    keep[i]);
	if (capng_apply(CAPNG_SELECT_BOTH) != 0)
		return why_set(why, FAIL_PERM, "cannot cut the bounding set");
	return 0;
}
