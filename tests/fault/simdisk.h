/* SPDX-License-Identifier: ISC */
/*
 * tests/fault/simdisk.h - a disk in memory that is as nasty as real ones.
 *
 * Files have a page cache and a platter, names have both too.  What was not
 * synced is kept, dropped, torn by sectors or turned into rubbish by blocks
 * when the power fails.  A sync that fails leaves each dirty block clean,
 * written or not (the second sync then succeeds).  Every call counts, and
 * from the call `halt_at` on nothing happens any more: the process is dead
 * as far as the disk can tell.
 */
#ifndef FAULT_SIMDISK_H
#define FAULT_SIMDISK_H

#include "journal/disk.h"

#define SIM_FILES	512
#define SIM_NAMES	2048
#define SIM_BLOCK	4096
#define SIM_SECTOR	512
#define SIM_BLOCKS	48		/* a file's most */

struct sim_file {
	uint8_t	*cache, *platter;	/* SIM_BLOCKS * SIM_BLOCK */
	uint8_t	*flying;		/* as it was when a sync began */
	int64_t	size, platter_size, flying_size;
	bool	dirty[SIM_BLOCKS], in_flight[SIM_BLOCKS];
	bool	used, size_dirty, size_flying;
};

struct sim_name {
	char	name[DISK_NAME_MAX];
	int	cache, platter, flying;	/* file, or -1 */
	bool	is_flying;
};

struct sim {
	struct sim_file	file[SIM_FILES];
	struct sim_name	name[SIM_NAMES];
	unsigned	names;
	uint64_t	calls, halt_at;	/* 0: never */
	bool		halted;
	/* one in so many calls fails; 0: none */
	unsigned	fail_sync, fail_write, no_space;
	uint64_t	failed_syncs, failed_writes, flushes;
	uint64_t	seed;
};

void	sim_init(struct sim *s, uint64_t seed);
void	sim_free(struct sim *s);
struct disk sim_disk(struct sim *s);
uint64_t sim_rand(struct sim *s, uint64_t below);

void	sim_cut(struct sim *s);		/* power fails, disk is mounted again */
void	sim_wake(struct sim *s);	/* a new process */

/* syncfs in two halves; end(fail): as a failing fsync, for all files. */
void	sim_syncfs_begin(struct sim *s);
void	sim_syncfs_end(struct sim *s, bool fail);

/* A whole small file at once, as stored writes it: content, then name.
 * stop: 0 all of it, 1 nothing renamed, 2 only half of the content. */
void	sim_put(struct sim *s, const char *name, struct str content, int stop);
/* That file and its name, synced by who left it there. */
void	sim_settle(struct sim *s, const char *name);
/* What a reader would see, and what would be left without any unsynced
 * write.  false: no such file. */
bool	sim_get(struct sim *s, const char *name, bool platter,
	    struct str *content_out);
void	sim_remove(struct sim *s, const char *name);
unsigned sim_live_files(const struct sim *s);

#endif
