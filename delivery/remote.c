/* SPDX-License-Identifier: ISC */
/*
 * delivery/remote.c - brings mail to other hosts.
 */
#include "daemon/daemon.h"

#include "base/banned.h"

static bool
start(void)
{
	return true;
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = REMOTE, .start = start,
	};

	daemon_main(&ops, argc, argv);
}
