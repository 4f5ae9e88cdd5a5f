/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/idle.c - for tests only: a process of any kind that is ready and
 * does nothing.  Stands in for a room that is not under test (instance.py
 * with_idle=...), and for the unit tests of master.  Its kind is its name.
 * SIGUSR2: it wants to be started anew.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/procs.h"
#include "base/banned.h"

/* As one that has done its share. */
static void
on_renew(int signo)
{
	(void)signo;
	_exit(EXIT_RENEWED);
}

static void
on_client(int fd, const char *service, struct str peer)
{
	(void)service, (void)peer;
	fd_close(&fd);
}

int
main(int argc, char **argv)
{
	static struct daemon_ops ops = { .on_client = on_client };
	const char *name = strrchr(argv[0], '-');

	for (int k = LOGD; name != NULL && k < PROC_COUNT; k++)
		if (strcmp(name + 1, proc_name((enum proc)k)) == 0)
			ops.kind = (enum proc)k;
	(void)signal(SIGUSR2, on_renew);
	daemon_main(&ops, argc, argv);
}
