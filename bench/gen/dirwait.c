/* SPDX-License-Identifier: ISC */
/*
 * dirwait N TIMEOUT DIR... - print READY, then wait until N files have been
 * created in or renamed into the given directories; print the CLOCK_MONOTONIC
 * time of the first and the N-th arrival.  inotify: no polling, little CPU.
 * "-" in place of DIR... reads the directories from stdin, one per line.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static char buf[1 << 18], line[4096];
	long want, got = 0, over = 0;
	double first = 0, last = 0, end;
	if (argc < 4)
		return 2;
	want = atol(argv[1]);
	int fd = inotify_init1(IN_NONBLOCK);
	if (!strcmp(argv[3], "-")) {
		while (fgets(line, sizeof line, stdin)) {
			line[strcspn(line, "\n")] = 0;
			if (inotify_add_watch(fd, line, IN_MOVED_TO | IN_CREATE) < 0)
				perror(line);
		}
	} else
		for (int i = 3; i < argc; i++)
			if (inotify_add_watch(fd, argv[i], IN_MOVED_TO | IN_CREATE) < 0)
				perror(argv[i]);
	printf("READY\n");
	fflush(stdout);
	end = now() + atof(argv[2]);
	while (got < want && now() < end) {
		struct pollfd p = {fd, POLLIN, 0};
		poll(&p, 1, 200);
		ssize_t n;
		while ((n = read(fd, buf, sizeof buf)) > 0)
			for (char *q = buf; q < buf + n;) {
				struct inotify_event *e = (void *)q;
				if (e->mask & IN_Q_OVERFLOW)
					over++;
				else if (!(e->mask & IN_IGNORED)) {
					got++;
					last = now();
					if (!first)
						first = last;
				}
				q += sizeof *e + e->len;
			}
		usleep(2000);	/* let events gather */
	}
	printf("{\"arrived\":%ld,\"first\":%.6f,\"last\":%.6f,\"overflow\":%ld}\n", got, first, last, over);
	return got < want;
}
