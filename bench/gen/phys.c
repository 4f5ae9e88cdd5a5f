/* SPDX-License-Identifier: ISC */
/*
 * phys TEST DIR SECONDS WRITERS - what this machine can do at most.
 * TESTs that create 4 KiB files, each made durable before the next:
 *   create      write, close (no sync: the file system's ceiling)
 *   fsync       open(O_EXCL) write fsync close
 *   fdatasync   same with fdatasync
 *   fsyncdir    fsync of the file, then of its directory
 *   tmprename   write tmp/, fsync, rename to new/  (Maildir, no directory sync)
 *   tmprenamed  same, then fsync of new/           (Maildir, fully durable)
 *   append      one log file per writer: 4 KiB append + fdatasync
 *   append1     one log file, all writers write, one leader fdatasyncs for all (group commit)
 *   prealloc    4 KiB pwrite into a preallocated, already written log + fdatasync
 *   osync       pwrite with O_DSYNC into that
 *   syncfsN     N=batch: write N files, then one syncfs (syncfs16, syncfs64, syncfs256)
 *   fsyncbatchN write N files, sync_file_range all, then fsync each
 * TESTs without files: tcprr (loopback 1-byte request/response), unixrr, mem.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *test, *dir;
static double secs;
static atomic_long total;
static double endt;
static char blk[4096];

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static long written, synced;
static int leader, logfd = -1;

static void group(void)
{
	pthread_mutex_lock(&mu);
	if (write(logfd, blk, sizeof blk) < 0)
		perror("write");
	long my = ++written;
	while (synced < my) {
		if (!leader) {
			leader = 1;
			long upto = written;
			pthread_mutex_unlock(&mu);
			fdatasync(logfd);
			pthread_mutex_lock(&mu);
			synced = upto;
			leader = 0;
			pthread_cond_broadcast(&cv);
		} else
			pthread_cond_wait(&cv, &mu);
	}
	pthread_mutex_unlock(&mu);
}

static void *work(void *a)
{
	long id = (long)a, n = 0;
	char d[512], p[600], q[600];
	int batch = 0, fds[1024];
	snprintf(d, sizeof d, "%s/w%ld", dir, id);
	mkdir(d, 0700);
	snprintf(p, sizeof p, "%s/tmp", d); mkdir(p, 0700);
	snprintf(p, sizeof p, "%s/new", d); mkdir(p, 0700);
	int dfd = open(d, O_RDONLY | O_DIRECTORY), nfd = open(p, O_RDONLY | O_DIRECTORY), lfd = -1;
	if (!strncmp(test, "syncfs", 6)) batch = atoi(test + 6);
	if (!strncmp(test, "fsyncbatch", 10)) batch = atoi(test + 10);
	if (!strcmp(test, "append") || !strcmp(test, "prealloc") || !strcmp(test, "osync")) {
		snprintf(p, sizeof p, "%s/log", d);
		lfd = open(p, O_CREAT | O_RDWR | O_TRUNC | (!strcmp(test, "append") ? O_APPEND : 0), 0600);
		if (strcmp(test, "append")) {
			for (int i = 0; i < 4096; i++)
				if (write(lfd, blk, sizeof blk) < 0) break;
			fsync(lfd);
			if (!strcmp(test, "osync")) {
				close(lfd);
				lfd = open(p, O_RDWR | O_DSYNC);
			}
		}
	}
	while (now() < endt) {
		if (batch) {
			for (int i = 0; i < batch; i++) {
				snprintf(p, sizeof p, "%s/new/%ld", d, n++);
				fds[i] = open(p, O_CREAT | O_EXCL | O_WRONLY, 0600);
				if (write(fds[i], blk, sizeof blk) < 0) perror("write");
			}
			if (test[0] == 's')
				syncfs(dfd);
			else {
				for (int i = 0; i < batch; i++)
					sync_file_range(fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);
				for (int i = 0; i < batch; i++)
					fsync(fds[i]);
			}
			for (int i = 0; i < batch; i++)
				close(fds[i]);
			total += batch;
			continue;
		}
		if (lfd >= 0) {
			if (!strcmp(test, "append")) {
				if (write(lfd, blk, sizeof blk) < 0) perror("write");
				fdatasync(lfd);
			} else {
				if (pwrite(lfd, blk, sizeof blk, (n++ % 4096) * 4096L) < 0) perror("pwrite");
				if (test[0] == 'p') fdatasync(lfd);
			}
			total++;
			continue;
		}
		if (logfd >= 0) {
			group();
			total++;
			continue;
		}
		int ren = !strncmp(test, "tmprename", 9);
		snprintf(p, sizeof p, "%s/%s/%ld", d, ren ? "tmp" : "new", n);
		int fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0 || write(fd, blk, sizeof blk) < 0) { perror(p); break; }
		if (!strcmp(test, "fdatasync")) fdatasync(fd);
		else if (strcmp(test, "create")) fsync(fd);
		close(fd);
		if (ren) {
			snprintf(q, sizeof q, "%s/new/%ld", d, n);
			rename(p, q);
		}
		if (!strcmp(test, "fsyncdir") || !strcmp(test, "tmprenamed")) fsync(nfd);
		n++;
		total++;
	}
	return NULL;
}

static void *echo(void *a)
{
	int fd = (int)(long)a;
	char c;
	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1) break;
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 5) return 2;
	test = argv[1]; dir = argv[2]; secs = atof(argv[3]);
	int w = atoi(argv[4]);
	pthread_t t[256];
	memset(blk, 'x', sizeof blk);
	double t0 = now();
	endt = t0 + secs;
	if (!strcmp(test, "mem")) {
		size_t n = 256u << 20;
		char *a = malloc(n), *b = malloc(n);
		memset(a, 1, n); memset(b, 2, n);
		t0 = now();
		long k = 0;
		while (now() < t0 + secs) { memcpy(a, b, n); k++; b[k] ^= a[k]; }
		printf("{\"test\":\"memcpy\",\"GB_per_s\":%.2f}\n", k * (double)n / (now() - t0) / 1e9);
		return 0;
	}
	if (strstr(test, "rr")) {
		int sv[2];
		if (test[0] == 'u')
			socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
		else {
			int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;
			struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
			socklen_t sl = sizeof sa;
			bind(l, (void *)&sa, sizeof sa); listen(l, 5);
			getsockname(l, (void *)&sa, &sl);
			sv[0] = socket(AF_INET, SOCK_STREAM, 0);
			connect(sv[0], (void *)&sa, sizeof sa);
			sv[1] = accept(l, NULL, NULL);
			setsockopt(sv[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			setsockopt(sv[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		}
		pthread_create(t, NULL, echo, (void *)(long)sv[1]);
		char c = 'x';
		long k = 0;
		t0 = now();
		while (now() < t0 + secs) {
			if (write(sv[0], &c, 1) != 1 || read(sv[0], &c, 1) != 1) break;
			k++;
		}
		printf("{\"test\":\"%s\",\"per_s\":%.0f}\n", test, k / (now() - t0));
		return 0;
	}
	mkdir(dir, 0700);
	if (!strcmp(test, "append1")) {
		char p[600];
		snprintf(p, sizeof p, "%s/grouplog", dir);
		logfd = open(p, O_CREAT | O_WRONLY | O_TRUNC | O_APPEND, 0600);
	}
	for (long i = 0; i < w; i++) pthread_create(t + i, NULL, work, (void *)i);
	for (int i = 0; i < w; i++) pthread_join(t[i], NULL);
	double el = now() - t0;
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	printf("{\"test\":\"%s\",\"writers\":%d,\"ops\":%ld,\"seconds\":%.2f,\"per_s\":%.1f,\"cpu_s\":%.2f}\n", test, w,
	       (long)total, el, total / el, ru.ru_utime.tv_sec + ru.ru_stime.tv_sec + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
	return 0;
}
