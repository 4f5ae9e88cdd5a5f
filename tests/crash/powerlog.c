/* SPDX-License-Identifier: ISC */
/*
 * powerlog - a disk that remembers every write and every flush.
 *
 *   powerlog MNT --base IMG [--layer LOG:CUT:POLICY:SEED]... [--record LOG]
 *            [--status FILE] [--flush-us N]
 *   powerlog --list LOG
 *
 * Mounts at MNT a FUSE file system with one file, disk.img, of IMG's size.  IMG is
 * never changed.  Each --layer puts the state of an earlier recording, cut after
 * record CUT, on top; what is written through disk.img lies above that in memory
 * and, with --record, in a new log.  Layers nest: a recording made while recovering
 * from a cut is itself a layer for the next (second power cut during recovery).
 *
 * A log is two files: LOG.idx, fixed records (struct rec), and LOG.dat, the bytes.
 * A flush record is written when the flush ends and names in aux the last record
 * that was logged when it began: records <= aux are durable from there on.
 *
 * POLICY says what of the records after the last flush completed at CUT survives:
 *   all      everything up to CUT
 *   drop     nothing
 *   req      each request with probability p, as a whole
 *   torn4k   each aligned 4096-byte block of each request with probability p
 *   torn512  each 512-byte sector of each request with probability p
 * p is 1/8, 1/2 or 7/8 by SEED.  As each block keeps or loses each of its versions
 * by itself, every order in which a disk may write unflushed sectors is covered.
 *
 * FILE (--status) is a page to mmap: struct status, updated after each record.
 */
#define FUSE_USE_VERSION 312
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { R_WRITE = 1, R_FLUSH = 2, R_ZERO = 3 };

struct rec {
	uint64_t idx, ns;
	uint32_t type, pad;
	uint64_t off, aux, len;
};

struct status {
	volatile uint64_t last, flush, durable, writes, flushes, bytes;
};

#define SECT 512u

static uint64_t size, nsect;
static const uint8_t *base;
static uint8_t *over;
static const uint8_t **map; /* per sector: NULL = base, else where its bytes are */
static uint8_t zeros[SECT];
static int idxfd = -1, datfd = -1;
static uint64_t datpos;
static long flush_us;
static struct status st0, *st = &st0;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct timespec born;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t nsnow(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void put(int fd, const void *p, size_t n)
{
	const char *c = p;

	while (n) {
		ssize_t k = write(fd, c, n);

		if (k < 0)
			die("powerlog: log");
		c += k;
		n -= k;
	}
}

/* Log one record; mu is held. */
static void note(int type, uint64_t off, uint64_t len, const void *data, uint64_t aux)
{
	struct rec r = { .idx = st->last + 1, .ns = nsnow(), .type = type, .off = off, .len = len, .aux = aux };

	if (idxfd >= 0) {
		if (type == R_WRITE) {
			r.aux = datpos;
			put(datfd, data, len);
			datpos += len;
		}
		put(idxfd, &r, sizeof r);
	}
	if (type == R_FLUSH) {
		st->flush = r.idx;
		st->durable = aux;
		st->flushes++;
	} else {
		st->writes++;
		st->bytes += len;
	}
	__sync_synchronize();
	st->last = r.idx;
}

static const uint8_t *sector(uint64_t s)
{
	return map[s] ? map[s] : base + s * SECT;
}

/* Make sector s ours (in the overlay), with its present content. */
static uint8_t *own(uint64_t s, int fill)
{
	uint8_t *p = over + s * SECT;

	if (map[s] != p) {
		if (fill)
			memcpy(p, sector(s), SECT);
		map[s] = p;
	}
	return p;
}

static int f_getattr(const char *path, struct stat *sb, struct fuse_file_info *fi)
{
	(void)fi;
	memset(sb, 0, sizeof *sb);
	sb->st_atim = sb->st_mtim = sb->st_ctim = born;
	if (!strcmp(path, "/")) {
		sb->st_mode = S_IFDIR | 0700;
		sb->st_nlink = 2;
		return 0;
	}
	if (strcmp(path, "/disk.img"))
		return -ENOENT;
	sb->st_mode = S_IFREG | 0600;
	sb->st_nlink = 1;
	sb->st_size = size;
	sb->st_blocks = nsect;
	sb->st_blksize = 4096;
	return 0;
}

static int f_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off, struct fuse_file_info *fi,
		     enum fuse_readdir_flags fl)
{
	(void)path, (void)off, (void)fi, (void)fl;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	fill(buf, "disk.img", NULL, 0, 0);
	return 0;
}

static int f_open(const char *path, struct fuse_file_info *fi)
{
	if (strcmp(path, "/disk.img"))
		return -ENOENT;
	fi->direct_io = 1; /* no page cache between the loop device and us */
	return 0;
}

static int f_read(const char *path, char *buf, size_t n, off_t off, struct fuse_file_info *fi)
{
	size_t done = 0;

	(void)path, (void)fi;
	if ((uint64_t)off >= size)
		return 0;
	if (off + n > size)
		n = size - off;
	pthread_mutex_lock(&mu);
	while (done < n) {
		uint64_t s = (off + done) / SECT, in = (off + done) % SECT;
		size_t k = SECT - in;

		if (k > n - done)
			k = n - done;
		memcpy(buf + done, sector(s) + in, k);
		done += k;
	}
	pthread_mutex_unlock(&mu);
	return n;
}

static int f_write(const char *path, const char *buf, size_t n, off_t off, struct fuse_file_info *fi)
{
	size_t done = 0;

	(void)path, (void)fi;
	if ((uint64_t)off >= size || off + n > size)
		return -ENOSPC;
	pthread_mutex_lock(&mu);
	while (done < n) {
		uint64_t s = (off + done) / SECT, in = (off + done) % SECT;
		size_t k = SECT - in;

		if (k > n - done)
			k = n - done;
		memcpy(own(s, k != SECT) + in, buf + done, k);
		done += k;
	}
	note(R_WRITE, off, n, buf, 0);
	pthread_mutex_unlock(&mu);
	return n;
}

static int f_fsync(const char *path, int data, struct fuse_file_info *fi)
{
	uint64_t upto;

	(void)path, (void)data, (void)fi;
	pthread_mutex_lock(&mu);
	upto = st->last;
	pthread_mutex_unlock(&mu);
	if (flush_us)
		usleep(flush_us);
	pthread_mutex_lock(&mu);
	note(R_FLUSH, 0, 0, NULL, upto);
	pthread_mutex_unlock(&mu);
	return 0;
}

static int f_fallocate(const char *path, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	uint64_t a, b;

	(void)path, (void)fi;
	if (!(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if ((uint64_t)off >= size)
		return 0;
	if ((uint64_t)(off + len) > size)
		len = size - off;
	if (off % SECT || len % SECT)
		return -EINVAL;
	pthread_mutex_lock(&mu);
	for (a = off / SECT, b = (off + len) / SECT; a < b; a++)
		map[a] = zeros;
	note(R_ZERO, off, len, NULL, 0);
	pthread_mutex_unlock(&mu);
	return 0;
}

static void *f_init(struct fuse_conn_info *c, struct fuse_config *cfg)
{
	cfg->kernel_cache = 0;
	cfg->attr_timeout = cfg->entry_timeout = 3600;
	cfg->nullpath_ok = 0;
	c->max_write = 1 << 20;
	return NULL;
}

static const struct fuse_operations ops = {
	.getattr = f_getattr, .readdir = f_readdir, .open = f_open, .read = f_read, .write = f_write,
	.fsync = f_fsync, .fallocate = f_fallocate, .init = f_init,
};

static const void *mapfile(const char *a, const char *b, size_t *n)
{
	char name[4096];
	struct stat sb;
	void *p;
	int fd;

	snprintf(name, sizeof name, "%s%s", a, b);
	if ((fd = open(name, O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &sb) < 0)
		die(name);
	*n = sb.st_size;
	if (!sb.st_size)
		return NULL;
	if ((p = mmap(NULL, sb.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
		die(name);
	close(fd);
	return p;
}

/* splitmix64: the same seed gives the same disk on any machine */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static void layer(char *spec)
{
	char *log = strsep(&spec, ":"), *cuts = strsep(&spec, ":"), *pol = strsep(&spec, ":"), *seeds = strsep(&spec, ":");
	uint64_t cut, seed, durable = 0, gran = 0, p, a, b, s;
	const struct rec *r, *end;
	const uint8_t *dat;
	size_t n, dn;

	if (!cuts || !pol)
		die("powerlog: --layer LOG:CUT:POLICY:SEED");
	cut = strtoull(cuts, NULL, 10);
	seed = seeds ? strtoull(seeds, NULL, 10) : 0;
	r = mapfile(log, ".idx", &n);
	dat = mapfile(log, ".dat", &dn);
	end = r + n / sizeof *r;
	p = (uint64_t[]){ 1, 4, 7 }[mix(seed) % 3];
	if (!strcmp(pol, "torn512"))
		gran = 512;
	else if (!strcmp(pol, "torn4k"))
		gran = 4096;
	else if (strcmp(pol, "all") && strcmp(pol, "drop") && strcmp(pol, "req"))
		die("powerlog: policy");
	for (const struct rec *q = r; q < end && q->idx <= cut; q++)
		if (q->type == R_FLUSH && q->aux > durable)
			durable = q->aux;
	if (!strcmp(pol, "all"))
		durable = cut;
	else if (!strcmp(pol, "drop"))
		cut = durable;
	for (; r < end && r->idx <= cut; r++) {
		if (r->type == R_FLUSH)
			continue;
		for (a = r->off / SECT, b = (r->off + r->len) / SECT, s = a; s < b; s++) {
			if (r->idx > durable) {
				uint64_t blk = gran ? s * SECT / gran + 1 : 0;

				if (mix(mix(seed ^ 0x5eed) ^ mix(r->idx) ^ mix(blk << 20)) % 8 >= p)
					continue;
			}
			map[s] = r->type == R_ZERO ? zeros : dat + r->aux + (s - a) * SECT;
		}
	}
}

static int list(const char *log)
{
	size_t n;
	const struct rec *r = mapfile(log, ".idx", &n), *end = r + n / sizeof *r;

	for (; r < end; r++)
		printf("%lu %lu.%06lu %s %lu %lu %lu\n", r->idx, r->ns / 1000000000, r->ns / 1000 % 1000000,
		       (const char *[]){ "?", "write", "flush", "zero" }[r->type & 3], r->off, r->len, r->aux);
	return 0;
}

static int create(const char *log, const char *ext)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof name, "%s%s", log, ext);
	if ((fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0)
		die(name);
	return fd;
}

/*
 * The file system on our disk is mounted in the namespace we were started in.  If that namespace dies together
 * with us, its last process unmounts, and if that process were us we would wait for ourselves for ever.  So we
 * leave the namespace once we are mounted there.
 */
static int serve(const char *mnt)
{
	struct fuse_args args = FUSE_ARGS_INIT(2, ((char *[]){ "powerlog", "-odefault_permissions", NULL }));
	struct fuse_loop_config *cfg = fuse_loop_cfg_create();
	struct fuse *f = fuse_new(&args, &ops, sizeof ops, NULL);
	int r;

	if (!f || fuse_mount(f, mnt) < 0)
		return 1;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    umount2(mnt, MNT_DETACH) < 0)
		die("powerlog: namespace");
	fuse_set_signal_handlers(fuse_get_session(f));
	fuse_loop_cfg_set_max_threads(cfg, 8);
	r = fuse_loop_mt(f, cfg);
	fuse_loop_cfg_destroy(cfg);
	return r != 0;
}

int main(int argc, char **argv)
{
	char *layers[64], *record = NULL, *status = NULL, *img = NULL, *mnt = NULL;
	int nl = 0, i, fd;
	size_t n;

	if (argc == 3 && !strcmp(argv[1], "--list"))
		return list(argv[2]);
	for (i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			mnt = argv[i];
		else if (i + 1 == argc)
			break;
		else if (!strcmp(argv[i], "--base"))
			img = argv[++i];
		else if (!strcmp(argv[i], "--layer") && nl < 64)
			layers[nl++] = argv[++i];
		else if (!strcmp(argv[i], "--record"))
			record = argv[++i];
		else if (!strcmp(argv[i], "--status"))
			status = argv[++i];
		else if (!strcmp(argv[i], "--flush-us"))
			flush_us = atol(argv[++i]);
		else
			break;
	}
	if (i < argc || !mnt || !img) {
		fprintf(stderr, "usage: powerlog MNT --base IMG [--layer LOG:CUT:POLICY:SEED]... [--record LOG]"
				" [--status FILE] [--flush-us N]\n       powerlog --list LOG\n");
		return 2;
	}
	base = mapfile(img, "", &n);
	size = n / SECT * SECT;
	nsect = size / SECT;
	over = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	map = mmap(NULL, nsect * sizeof *map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (over == MAP_FAILED || map == MAP_FAILED)
		die("powerlog: mmap");
	for (i = 0; i < nl; i++)
		layer(layers[i]);
	if (record) {
		idxfd = create(record, ".idx");
		datfd = create(record, ".dat");
	}
	if (status) {
		fd = open(status, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || ftruncate(fd, 4096) < 0 ||
		    (st = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
			die(status);
	}
	clock_gettime(CLOCK_REALTIME, &born);
	return serve(mnt);
}
