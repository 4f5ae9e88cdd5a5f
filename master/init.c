/* SPDX-License-Identifier: ISC */
/*
 * master/init.c - what the init system is told: sd_notify(3), without its
 * library.
 *
 * Ready, reloading, stopping, and a sign of life if WATCHDOG_USEC asks for
 * it.  The sign comes from master's loop: who does not turn it any more is
 * killed and started again.  Without NOTIFY_SOCKET nothing is said.
 */
#include "master/master.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/banned.h"

static void
tell(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(un.sun_path))
		return;
	memcpy(un.sun_path, path, n);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* an init system that does not read must not stop us */
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
	    (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)close(fd);
}

void
init_ready(void)
{
	static bool told;

	if (told)
		return;
	told = true;
	tell("READY=1\nSTATUS=all processes are there");
	if (master.ready_fd >= 0 && file_write(master.ready_fd, STR("1")) != 0)
		log_say(LOG_LEVEL_WARN, "starter-gone", "nobody waits for us");
	fd_close(&master.ready_fd);
	log_say(LOG_LEVEL_INFO, "ready", "all processes are there");
}

/* The time tells systemd 253 and newer which of two reloads this is. */
void
init_reloading(void)
{
	char text[80];

	(void)snprintf(text, sizeof(text),
	    "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)clock_mono_ms() * 1000);
	tell(text);
}

void
init_reloaded(bool is_new)
{
	tell(is_new ? "READY=1\nSTATUS=settings were read again" :
	    "READY=1\nSTATUS=the new settings were refused, the old ones stay");
}

void
init_stopping(void)
{
	tell("STOPPING=1\nSTATUS=old sessions are finished");
}

static void
on_watchdog(struct timer *t)
{
	tell("WATCHDOG=1");
	timer_set(t, master.watchdog_ms);
}

/* Twice as often as we must (sd_watchdog_enabled(3)). */
void
init_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t every = 0, who = (uint64_t)getpid();

	if (usec == NULL || !str_u64(str_of(usec), INT64_MAX, &every) ||
	    (pid != NULL && !str_u64(str_of(pid), INT32_MAX, &who)) ||
	    (pid_t)who != getpid() || every < 2000)
		return;
	master.watchdog_ms = (int64_t)(every / 2000);
	timer_init(&master.watchdog, on_watchdog);
	timer_set(&master.watchdog, 0);
}
