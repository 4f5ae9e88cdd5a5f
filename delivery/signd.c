/* SPDX-License-Identifier: ISC */
/*
 * delivery/signd.c - DKIM signatures of what our domains send.
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
		.kind = SIGND, .start = start,
	};

	daemon_main(&ops, argc, argv);
}
