/* SPDX-License-Identifier: ISC */
/*
 * delivery/keyd.c - keeps the private keys of TLS.
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
		.kind = KEYD, .start = start,
	};

	daemon_main(&ops, argc, argv);
}
