/* SPDX-License-Identifier: ISC */
/*
 * fsprobe - which system calls make a message durable, and at what price.
 *
 *   fsprobe run   STEPS DIR LEDGER COUNT [STATUS [SIZE [GROUP]]]
 *   fsprobe check STEPS DIR LEDGER CUT
 *   fsprobe bench STEPS DIR SECONDS [SIZE [GROUP [WRITERS]]]
 *
 * STEPS is a word; each letter is done for every message of a group in turn, then the
 * next letter; letters marked 1 once for the group.  Messages go to DIR/new/HH/NAME.
 *
 *   c create in place   t create in DIR/tmp   o O_TMPFILE in DIR/tmp   O O_TMPFILE in the target folder
 *   w write             s start write-back    f fsync file             a fdatasync file
 *   l linkat (fd)       r rename tmp -> new   k close
 *   L linkat (fd) to DIR/cur/HH as well: both names must survive
 *   M (1) make the target folder afresh for this group
 *   d (1) fsync target folder   D (1) fsync DIR/new   T (1) fsync DIR/tmp   S (1) syncfs
 *
 * After a '|', what is done to messages of an earlier group (which then counts as
 * acked a second time): x unlink, v rename to DIR/cur/HH, A append a record, f a d
 * as above, e (1) fsync DIR/cur/HH.
 *
 * run writes one ledger line a message: name size seed ack1 sent2 ack2 (log indexes).
 * check prints: acked lost damaged ghost undone doubled
 *   lost     acked by CUT, name absent        damaged  acked, content wrong
 *   ghost    not acked, name there, content wrong
 *   undone   second phase acked, but undone   doubled  both in new and cur
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAXGROUP 1024
#define REC 64

struct msg {
	char name[48];
	int hh, fd, size;
	uint32_t seed;
	uint64_t ack1, sent2, ack2;
};

static const char *dir, *steps;
static const volatile uint64_t *last; /* the recorder's status page */
static int hashed = 16, size = 6000, salt;
static char filler[1 << 20];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void fill(char *p, int n, uint32_t seed)
{
	for (int i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = 'A' + (seed >> 24) % 26;
	}
}

static uint64_t now_idx(void)
{
	return last ? *last : 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static const char *path(char *buf, const char *box, const struct msg *m)
{
	sprintf(buf, "%s/%s/%02x/%s", dir, box, m->hh, m->name);
	return buf;
}

static void syncdir(const char *p)
{
	int fd = open(p, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || fsync(fd) < 0)
		die(p);
	close(fd);
}

static void once(char c, const struct msg *m)
{
	char b[600];

	switch (c) {
	case 'd': sprintf(b, "%s/new/%02x", dir, m->hh); syncdir(b); break;
	case 'e': sprintf(b, "%s/cur/%02x", dir, m->hh); syncdir(b); break;
	case 'D': sprintf(b, "%s/new", dir); syncdir(b); break;
	case 'T': sprintf(b, "%s/tmp", dir); syncdir(b); break;
	case 'S':
		if (syncfs(m->fd) < 0)
			die("syncfs");
		break;
	case 'M':
		sprintf(b, "%s/new/%02x", dir, m->hh);
		if (mkdir(b, 0700) < 0 && errno != EEXIST)
			die(b);
	}
}

static void each(char c, struct msg *m)
{
	char a[600], b[600];
	int n = 0;

	switch (c) {
	case 'c': m->fd = n = open(path(a, "new", m), O_RDWR | O_CREAT | O_EXCL, 0600); break;
	case 't':
		sprintf(a, "%s/tmp/%s", dir, m->name);
		m->fd = n = open(a, O_RDWR | O_CREAT | O_EXCL, 0600);
		break;
	case 'o': sprintf(a, "%s/tmp", dir); m->fd = n = open(a, O_RDWR | O_TMPFILE, 0600); break;
	case 'O': sprintf(a, "%s/new/%02x", dir, m->hh); m->fd = n = open(a, O_RDWR | O_TMPFILE, 0600); break;
	case 'w': n = write(m->fd, filler + m->seed, m->size) == m->size ? 0 : -1; break;
	case 's': n = sync_file_range(m->fd, 0, 0, SYNC_FILE_RANGE_WRITE); break;
	case 'f': n = fsync(m->fd); break;
	case 'a': n = fdatasync(m->fd); break;
	case 'l': n = linkat(m->fd, "", AT_FDCWD, path(a, "new", m), AT_EMPTY_PATH); break;
	case 'L': n = linkat(m->fd, "", AT_FDCWD, path(a, "cur", m), AT_EMPTY_PATH); break;
	case 'r': sprintf(b, "%s/tmp/%s", dir, m->name); n = rename(b, path(a, "new", m)); break;
	case 'k': n = close(m->fd); m->fd = -1; break;
	case 'x': n = unlink(path(a, "new", m)); break;
	case 'v': n = rename(path(a, "new", m), path(b, "cur", m)); break;
	case 'A': n = pwrite(m->fd, filler + m->seed + m->size, REC, m->size) == REC ? 0 : -1; break;
	default: fprintf(stderr, "fsprobe: step %c\n", c); exit(2);
	}
	if (n < 0)
		die((char[]){ c, 0 });
}

static void doall(const char *s, struct msg *m, int n)
{
	for (; *s && *s != '|'; s++)
		if (strchr("dDeTSM", *s))
			once(*s, m);
		else
			for (int i = 0; i < n; i++)
				each(*s, m + i);
}

static void layout(void)
{
	char b[600];

	for (int i = -3; i < 2 * 256; i++) {
		if (i >= 0 && (i & 255) >= hashed)
			continue;
		if (i < 0)
			sprintf(b, "%s/%s", dir, (const char *[]){ "new", "cur", "tmp" }[i + 3]);
		else
			sprintf(b, "%s/%s/%02x", dir, i < 256 ? "new" : "cur", i & 255);
		if (i >= 0 && i < 256 && strchr(steps, 'M'))
			continue;
		if (mkdir(b, 0700) < 0 && errno != EEXIST)
			die(b);
	}
	int fd = open(dir, O_RDONLY);

	syncfs(fd);
	close(fd);
}

static void group(struct msg *m, int n, long g, int tid)
{
	for (int i = 0; i < n; i++) {
		memset(m + i, 0, sizeof *m);
		m[i].hh = (g + tid * 5) % hashed;
		if (strchr(steps, 'M'))
			m[i].hh = g % 256;
		m[i].seed = (g * 7919 + i * 104729 + tid * 31) % 500000;
		m[i].size = size;
		sprintf(m[i].name, "%d.%d.%ld.%d", salt, tid, g, i);
	}
	doall(steps, m, n);
}

static void run(const char *ledger, int count, int grp)
{
	static struct msg cur[MAXGROUP], prev[MAXGROUP];
	const char *second = strchr(steps, '|');
	FILE *f = fopen(ledger, "w");
	long g = 0;
	uint64_t a;

	if (!f)
		die(ledger);
	for (int done = 0; done < count; done += grp, g++) {
		/* sizes from 0.1 to 4 times SIZE, so that small, inline and multi-block files occur */
		int keep = size;

		size = keep / 10 + (g * 2654435761u % 1000) * keep * 39 / 10000;
		group(cur, grp, g, 0);
		size = keep;
		a = now_idx();
		for (int i = 0; i < grp; i++)
			cur[i].ack1 = a;
		if (second && g) {
			a = now_idx();
			for (int i = 0; i < grp; i++)
				prev[i].sent2 = a;
			doall(second + 1, prev, grp);
			a = now_idx();
			for (int i = 0; i < grp; i++)
				prev[i].ack2 = a;
		}
		for (int i = 0; g && i < grp; i++) {
			fprintf(f, "%s %d %d %u %lu %lu %lu\n", prev[i].name, prev[i].hh, prev[i].size, prev[i].seed,
				prev[i].ack1, prev[i].sent2, prev[i].ack2);
			if (prev[i].fd >= 0)
				close(prev[i].fd);
		}
		memcpy(prev, cur, sizeof prev);
	}
	for (int i = 0; i < grp; i++)
		fprintf(f, "%s %d %d %u %lu 0 0\n", prev[i].name, prev[i].hh, prev[i].size, prev[i].seed, prev[i].ack1);
	fclose(f);
}

/* 0 absent, 1 wrong, 2 right, 3 right and the appended record too */
static int look(const char *box, const struct msg *m)
{
	static char buf[1 << 20];
	char a[600];
	int fd = open(path(a, box, m), O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof buf);
	close(fd);
	if (n < m->size || memcmp(buf, filler + m->seed, m->size))
		return 1;
	if (n == m->size)
		return 2;
	return n == m->size + REC && !memcmp(buf + m->size, filler + m->seed + m->size, REC) ? 3 : 2;
}

static void check(const char *ledger, uint64_t cut)
{
	const char *second = strchr(steps, '|');
	int acked = 0, lost = 0, damaged = 0, ghost = 0, undone = 0, doubled = 0;
	FILE *f = fopen(ledger, "r");
	struct msg m;

	if (!f)
		die(ledger);
	while (fscanf(f, "%47s %d %d %u %lu %lu %lu", m.name, &m.hh, &m.size, &m.seed, &m.ack1, &m.sent2, &m.ack2) == 7) {
		int n = look("new", &m), c = look("cur", &m), best = n > c ? n : c;
		int started = m.sent2 && cut > m.sent2, done = m.ack2 && cut >= m.ack2;

		if (cut < m.ack1) {
			ghost += best == 1;
			continue;
		}
		acked++;
		if (strchr(steps, 'L')) {
			lost += !n + !c;
			damaged += (n == 1) + (c == 1);
			continue;
		}
		doubled += n && c;
		if (second && strchr(second, 'x')) {
			if (done)
				undone += best > 0;
			else if (!started) {
				lost += !best;
				damaged += best == 1;
			}
			continue;
		}
		lost += !best;
		damaged += best == 1;
		if (done && best >= 2)
			undone += strchr(second, 'v') ? !c : best != 3;
	}
	printf("%d %d %d %d %d %d\n", acked, lost, damaged, ghost, undone, doubled);
}

static double endt;
static int bgrp;
static long total;

static void *bench1(void *arg)
{
	struct msg *m = calloc(bgrp, sizeof *m);
	long g = 0;

	for (; now() < endt; g++) {
		group(m, bgrp, g, (long)arg);
		for (int i = 0; i < bgrp; i++)
			if (m[i].fd >= 0)
				close(m[i].fd);
		__sync_fetch_and_add(&total, bgrp);
	}
	return NULL;
}

static void bench(double secs, int writers)
{
	pthread_t t[256];
	struct rusage a, b;
	double t0 = now(), cpu;

	getrusage(RUSAGE_SELF, &a);
	endt = t0 + secs;
	for (long i = 0; i < writers; i++)
		pthread_create(t + i, NULL, bench1, (void *)i);
	for (int i = 0; i < writers; i++)
		pthread_join(t[i], NULL);
	getrusage(RUSAGE_SELF, &b);
	cpu = b.ru_utime.tv_sec - a.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_stime.tv_sec +
	      (b.ru_utime.tv_usec - a.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_stime.tv_usec) / 1e6;
	printf("%-8s group %d writers %d: %.0f msg/s, %.4f ms CPU/msg\n", steps, bgrp, writers, total / (now() - t0),
	       1000 * cpu / total);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	steps = argv[2];
	dir = argv[3];
	fill(filler, sizeof filler, 1);
	if (!strcmp(argv[1], "check")) {
		check(argv[4], strtoull(argv[5], NULL, 10));
		return 0;
	}
	layout();
	if (!strcmp(argv[1], "bench")) {
		salt = getpid();
		size = argc > 5 ? atoi(argv[5]) : size;
		bgrp = argc > 6 ? atoi(argv[6]) : 1;
		bench(atof(argv[4]), argc > 7 ? atoi(argv[7]) : 1);
		return 0;
	}
	if (argc > 6) {
		int fd = open(argv[6], O_RDONLY);

		if (fd < 0 || (last = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
			die(argv[6]);
	}
	size = argc > 7 ? atoi(argv[7]) : size;
	run(argv[4], atoi(argv[5]), argc > 8 ? atoi(argv[8]) : 1);
	return 0;
}
