/* SPDX-License-Identifier: ISC */
#include "tests/fault/simdisk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* splitmix64: the test must be repeatable from its seed alone */
uint64_t
sim_rand(struct sim *s, uint64_t below)
{
	uint64_t z = (s->seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static bool
one_in(struct sim *s, unsigned n)
{
	return n != 0 && sim_rand(s, n) == 0;
}

void
sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed * 0x2545f4914f6cdd1du + 1;
}

static void
file_free(struct sim_file *f)
{
	free(f->cache);
	free(f->platter);
	free(f->flying);
	memset(f, 0, sizeof(*f));
}

void
sim_free(struct sim *s)
{
	for (int i = 0; i < SIM_FILES; i++)
		file_free(&s->file[i]);
}

/* --- files --------------------------------------------------------------- */

/* No name, cached or durable, leads there any more. */
static void
collect_files(struct sim *s)
{
	bool live[SIM_FILES] = { false };
	unsigned kept = 0;

	for (unsigned i = 0; i < s->names; i++) {
		struct sim_name *n = &s->name[i];

		if (n->cache >= 0)
			live[n->cache] = true;
		if (n->platter >= 0)
			live[n->platter] = true;
		if (n->is_flying && n->flying >= 0)
			live[n->flying] = true;
		if (n->cache >= 0 || n->platter >= 0 || n->is_flying)
			s->name[kept++] = *n;
	}
	s->names = kept;
	for (int i = 0; i < SIM_FILES; i++)
		if (s->file[i].used && !live[i])
			file_free(&s->file[i]);
}

static int
file_new(struct sim *s)
{
	for (int try = 0; try < 2; try++) {
		for (int i = 0; i < SIM_FILES; i++) {
			struct sim_file *f = &s->file[i];

			if (f->used)
				continue;
			f->used = true;
			f->cache = calloc(SIM_BLOCKS, SIM_BLOCK);
			f->platter = calloc(SIM_BLOCKS, SIM_BLOCK);
			f->flying = calloc(SIM_BLOCKS, SIM_BLOCK);
			return i;
		}
		collect_files(s);
	}
	fprintf(stderr, "simdisk: too many files\n");
	abort();
}

static struct sim_name *
name_of(struct sim *s, const char *name, bool make)
{
	struct sim_name *n;

	for (unsigned i = 0; i < s->names; i++)
		if (strcmp(s->name[i].name, name) == 0)
			return &s->name[i];
	if (!make)
		return NULL;
	if (s->names == SIM_NAMES)
		collect_files(s);
	if (s->names == SIM_NAMES)
		abort();
	n = &s->name[s->names++];
	memset(n, 0, sizeof(*n));
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->cache = n->platter = n->flying = -1;
	return n;
}

static void
write_cache(struct sim_file *f, const uint8_t *p, size_t n, int64_t at)
{
	if (at + (int64_t)n > (int64_t)SIM_BLOCKS * SIM_BLOCK)
		abort();
	memcpy(f->cache + at, p, n);
	for (int64_t b = at / SIM_BLOCK; b * SIM_BLOCK < at + (int64_t)n; b++)
		f->dirty[b] = true;
	if (at + (int64_t)n > f->size) {
		f->size = at + (int64_t)n;
		f->size_dirty = true;
	}
}

static void
block_down(struct sim_file *f, int b)
{
	memcpy(f->platter + b * SIM_BLOCK, f->cache + b * SIM_BLOCK,
	    SIM_BLOCK);
}

static void
sync_file(struct sim_file *f)
{
	for (int b = 0; b < SIM_BLOCKS; b++) {
		if (f->dirty[b])
			block_down(f, b);
		f->dirty[b] = f->in_flight[b] = false;
	}
	f->platter_size = f->size;
	f->size_dirty = f->size_flying = false;
}

/* The kernel gives up on the pages: clean from now on, written or not. */
static void
sync_file_badly(struct sim *s, struct sim_file *f)
{
	for (int b = 0; b < SIM_BLOCKS; b++) {
		if (f->dirty[b] && sim_rand(s, 2) == 0)
			block_down(f, b);
		f->dirty[b] = f->in_flight[b] = false;
	}
	if (sim_rand(s, 2) == 0)
		f->platter_size = f->size;
	f->size_dirty = f->size_flying = false;
}

static void
sync_names(struct sim *s, const char *folder)
{
	size_t n = strcmp(folder, ".") == 0 ? 0 : strlen(folder);

	for (unsigned i = 0; i < s->names; i++)
		if (n == 0 || strncmp(s->name[i].name, folder, n) == 0) {
			s->name[i].platter = s->name[i].cache;
			s->name[i].is_flying = false;
		}
}

/* --- power --------------------------------------------------------------- */

static void
cut_block(struct sim *s, struct sim_file *f, int b)
{
	uint8_t *to = f->platter + b * SIM_BLOCK;
	const uint8_t *cache = f->cache + b * SIM_BLOCK;
	const uint8_t *flying = f->flying + b * SIM_BLOCK;

	switch (sim_rand(s, f->in_flight[b] ? 6 : 5)) {
	case 0:
	case 1:
		break;
	case 2:
		memcpy(to, cache, SIM_BLOCK);
		break;
	case 3:
		for (int i = 0; i < SIM_BLOCK; i += SIM_SECTOR)
			if (sim_rand(s, 2) == 0)
				memcpy(to + i, cache + i, SIM_SECTOR);
		break;
	case 4:		/* power went while the block was written */
		if (sim_rand(s, 2) == 0)
			memset(to, (int)sim_rand(s, 256), SIM_BLOCK);
		break;
	case 5:
		memcpy(to, flying, SIM_BLOCK);
		break;
	}
}

void
sim_cut(struct sim *s)
{
	for (int i = 0; i < SIM_FILES; i++) {
		struct sim_file *f = &s->file[i];

		if (!f->used)
			continue;
		for (int b = 0; b < SIM_BLOCKS; b++) {
			if (f->dirty[b])
				cut_block(s, f, b);
			f->dirty[b] = f->in_flight[b] = false;
		}
		if (f->size_dirty && sim_rand(s, 2) == 0)
			f->platter_size = f->size;
		f->size_dirty = f->size_flying = false;
		f->size = f->platter_size;
		memcpy(f->cache, f->platter, (size_t)SIM_BLOCKS * SIM_BLOCK);
		memset(f->cache + f->size, 0,
		    (size_t)((int64_t)SIM_BLOCKS * SIM_BLOCK - f->size));
	}
	for (unsigned i = 0; i < s->names; i++) {
		struct sim_name *n = &s->name[i];

		if (n->platter != n->cache && sim_rand(s, 2) == 0)
			n->platter = n->cache;
		n->cache = n->platter;
		n->is_flying = false;
	}
	collect_files(s);
	sim_wake(s);
}

void
sim_wake(struct sim *s)
{
	s->halted = false;
	s->halt_at = 0;
}

void
sim_syncfs_begin(struct sim *s)
{
	for (int i = 0; i < SIM_FILES; i++) {
		struct sim_file *f = &s->file[i];

		if (!f->used)
			continue;
		for (int b = 0; b < SIM_BLOCKS; b++) {
			f->in_flight[b] = f->dirty[b];
			if (f->dirty[b])
				memcpy(f->flying + b * SIM_BLOCK,
				    f->cache + b * SIM_BLOCK, SIM_BLOCK);
		}
		f->size_flying = f->size_dirty;
		f->flying_size = f->size;
	}
	for (unsigned i = 0; i < s->names; i++) {
		s->name[i].is_flying =
		    s->name[i].cache != s->name[i].platter;
		s->name[i].flying = s->name[i].cache;
	}
}

static void
land_file(struct sim_file *f)
{
	for (int b = 0; b < SIM_BLOCKS; b++) {
		if (!f->in_flight[b])
			continue;
		f->in_flight[b] = false;
		memcpy(f->platter + b * SIM_BLOCK, f->flying + b * SIM_BLOCK,
		    SIM_BLOCK);
		f->dirty[b] = memcmp(f->cache + b * SIM_BLOCK,
		    f->flying + b * SIM_BLOCK, SIM_BLOCK) != 0;
	}
	if (f->size_flying) {
		f->platter_size = f->flying_size;
		f->size_dirty = f->size != f->flying_size;
	}
	f->size_flying = false;
}

void
sim_syncfs_end(struct sim *s, bool fail)
{
	for (int i = 0; i < SIM_FILES; i++) {
		if (!s->file[i].used)
			continue;
		if (fail)
			sync_file_badly(s, &s->file[i]);
		else
			land_file(&s->file[i]);
	}
	for (unsigned i = 0; i < s->names; i++) {
		struct sim_name *n = &s->name[i];

		if (n->is_flying && (!fail || sim_rand(s, 2) == 0))
			n->platter = n->flying;
		n->is_flying = false;
	}
}

/* --- calls --------------------------------------------------------------- */

/* Is the process still alive at this call?  The call it dies in may happen
 * in part, which is decided by the cut. */
static bool
alive(struct sim *s)
{
	if (s->halted) {
		errno = EIO;
		return false;
	}
	s->calls++;
	if (s->halt_at != 0 && s->calls >= s->halt_at)
		s->halted = true;
	return true;
}

static int
sim_open(void *ctx, const char *name, unsigned how)
{
	struct sim *s = ctx;
	struct sim_name *n;

	if (!alive(s))
		return -1;
	n = name_of(s, name, (how & DISK_CREATE) != 0);
	if (n == NULL || (n->cache < 0 && (how & DISK_CREATE) == 0)) {
		errno = ENOENT;
		return -1;
	}
	if ((how & DISK_CREATE) != 0) {
		if (n->cache >= 0) {
			errno = EEXIST;
			return -1;
		}
		n->cache = file_new(s);
	}
	return n->cache;
}

static void
sim_close(void *ctx, int handle)
{
	(void)ctx, (void)handle;
}

static ssize_t
sim_pread(void *ctx, int handle, void *p, size_t n, int64_t at)
{
	struct sim *s = ctx;
	struct sim_file *f = &s->file[handle];

	if (!alive(s))
		return -1;
	if (at >= f->size)
		return 0;
	if ((int64_t)n > f->size - at)
		n = (size_t)(f->size - at);
	memcpy(p, f->cache + at, n);
	return (ssize_t)n;
}

static ssize_t
sim_pwrite(void *ctx, int handle, const void *p, size_t n, int64_t at)
{
	struct sim *s = ctx;
	struct sim_file *f = &s->file[handle];

	if (!alive(s))
		return -1;
	if (one_in(s, s->no_space)) {
		write_cache(f, p, n / 2 / SIM_SECTOR * SIM_SECTOR, at);
		errno = ENOSPC;
		return -1;
	}
	if (one_in(s, s->fail_write)) {
		s->failed_writes++;
		write_cache(f, p, sim_rand(s, n + 1), at);
		errno = EIO;
		return -1;
	}
	if (s->halted)	/* dies in it */
		n = sim_rand(s, n + 1);
	write_cache(f, p, n, at);
	if (s->halted) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)n;
}

static int64_t
sim_size(void *ctx, int handle)
{
	struct sim *s = ctx;

	return alive(s) ? s->file[handle].size : -1;
}

static int
sim_fdatasync(void *ctx, int handle)
{
	struct sim *s = ctx;
	struct sim_file *f = &s->file[handle];

	if (!alive(s))
		return -1;
	s->flushes++;
	if (s->halted) {
		for (int b = 0; b < SIM_BLOCKS; b++)
			if (f->dirty[b] && sim_rand(s, 2) == 0) {
				block_down(f, b);
				f->dirty[b] = false;
			}
		errno = EIO;
		return -1;
	}
	if (one_in(s, s->fail_sync)) {
		s->failed_syncs++;
		sync_file_badly(s, f);
		errno = EIO;
		return -1;
	}
	sync_file(f);
	return 0;
}

static int
sim_sync_folder(void *ctx, const char *folder)
{
	struct sim *s = ctx;

	if (!alive(s) || s->halted) {
		errno = EIO;
		return -1;
	}
	sync_names(s, folder);
	return 0;
}

static int
sim_unlink(void *ctx, const char *name)
{
	struct sim *s = ctx;
	struct sim_name *n;

	if (!alive(s))
		return -1;
	n = name_of(s, name, false);
	if (n == NULL || n->cache < 0) {
		errno = ENOENT;
		return -1;
	}
	n->cache = -1;
	return 0;
}

static int
sim_rename(void *ctx, const char *from, const char *to)
{
	struct sim *s = ctx;
	struct sim_name *f, *t;
	int file;

	if (!alive(s))
		return -1;
	f = name_of(s, from, false);
	if (f == NULL || f->cache < 0) {
		errno = ENOENT;
		return -1;
	}
	file = f->cache;
	f->cache = -1;
	t = name_of(s, to, true);
	t->cache = file;
	return 0;
}

static int
sim_mkdir(void *ctx, const char *name)
{
	(void)ctx, (void)name;
	return 0;
}

static int
sim_list(void *ctx, const char *folder, disk_name_fn *fn, void *arg)
{
	struct sim *s = ctx;
	size_t n = strlen(folder);
	char (*found)[DISK_NAME_MAX] = NULL;	/* fn may change names */
	unsigned count = 0;

	if (!alive(s))
		return -1;
	for (unsigned i = 0; i < s->names; i++) {
		if (s->name[i].cache < 0 ||
		    strncmp(s->name[i].name, folder, n) != 0 ||
		    s->name[i].name[n] != '/' ||
		    strchr(s->name[i].name + n + 1, '/') != NULL)
			continue;
		found = xrealloc(found, (count + 1) * sizeof(*found));
		snprintf(found[count++], sizeof(*found), "%s",
		    s->name[i].name + n + 1);
	}
	for (unsigned i = 0; i < count; i++)
		fn(arg, found[i]);
	free(found);
	return 0;
}

struct disk
sim_disk(struct sim *s)
{
	return (struct disk){
		.open = sim_open, .close = sim_close, .pread = sim_pread,
		.pwrite = sim_pwrite, .size = sim_size,
		.fdatasync = sim_fdatasync, .sync_folder = sim_sync_folder,
		.unlink = sim_unlink, .rename = sim_rename,
		.mkdir = sim_mkdir, .list = sim_list, .ctx = s,
	};
}

/* --- for the simulated stored -------------------------------------------- */

void
sim_put(struct sim *s, const char *name, struct str content, int stop)
{
	struct sim_name *n = name_of(s, name, true);
	int file = file_new(s);

	write_cache(&s->file[file], content.p,
	    stop == 2 ? content.n / 2 : content.n, 0);
	if (stop != 1)
		n->cache = file;
}

void
sim_settle(struct sim *s, const char *name)
{
	struct sim_name *n = name_of(s, name, false);

	sync_file(&s->file[n->cache]);
	n->platter = n->cache;
}

bool
sim_get(struct sim *s, const char *name, bool platter, struct str *content_out)
{
	struct sim_name *n = name_of(s, name, false);
	int file = n == NULL ? -1 : platter ? n->platter : n->cache;

	if (file < 0)
		return false;
	*content_out = platter ?
	    str_mem(s->file[file].platter, (size_t)s->file[file].platter_size) :
	    str_mem(s->file[file].cache, (size_t)s->file[file].size);
	return true;
}

void
sim_remove(struct sim *s, const char *name)
{
	struct sim_name *n = name_of(s, name, false);

	if (n != NULL)
		n->cache = -1;
}

unsigned
sim_live_files(const struct sim *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->names; i++)
		n += s->name[i].cache >= 0 &&
		    strncmp(s->name[i].name, "cur/", 4) == 0;
	return n;
}
