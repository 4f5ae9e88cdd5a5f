/* SPDX-License-Identifier: ISC */
/*
 * slowsync.so - LD_PRELOAD: after the real fsync/fdatasync/syncfs, wait as if the
 * device's flush took SLOWSYNC_US microseconds and a journal committed one batch
 * after the other: a call that arrives during slot k ends with slot k+1.  It needs
 * no shared state: slots are multiples of SLOWSYNC_US of CLOCK_MONOTONIC.
 * For machines whose disk acknowledges flushes faster than real media do.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void slow(void)
{
	static long us = -1;
	struct timespec t;
	if (us < 0) {
		const char *e = getenv("SLOWSYNC_US");
		us = e ? atol(e) : 5000;
	}
	if (us <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t);
	long long ns = t.tv_sec * 1000000000LL + t.tv_nsec, d = us * 1000LL;
	ns = (ns / d + 2) * d;
	t.tv_sec = ns / 1000000000LL;
	t.tv_nsec = ns % 1000000000LL;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

int fsync(int fd) { int r = syscall(SYS_fsync, fd); slow(); return r; }
int fdatasync(int fd) { int r = syscall(SYS_fdatasync, fd); slow(); return r; }
int syncfs(int fd) { int r = syscall(SYS_syncfs, fd); slow(); return r; }
