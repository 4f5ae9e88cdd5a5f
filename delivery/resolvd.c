/* SPDX-License-Identifier: ISC */
/*
 * delivery/resolvd.c - asks the DNS for those who may not open a socket.
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
		.kind = RESOLVD, .start = start,
	};

	daemon_main(&ops, argc, argv);
}
