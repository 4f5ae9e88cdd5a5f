/* SPDX-License-Identifier: ISC */
/*
 * smtpd/checkd.c - whom a message may be believed to come from.
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
		.kind = CHECKD, .start = start,
	};

	daemon_main(&ops, argc, argv);
}
