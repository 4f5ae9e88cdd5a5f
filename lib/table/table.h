/* SPDX-License-Identifier: ISC */
/*
 * table/table.h - look-up tables: text and Berkeley DB behind one API.
 *
 * A table is read-only.  Whoever changes one builds a new file beside it and
 * renames it into place (table_build does); a reader notices the new file at
 * its next look-up.  Files are opened relative to a directory descriptor, so
 * that a process in a chroot reaches exactly what it was dealt.
 *
 * Blocking; never linked into a face.
 */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/buf.h"
#include "base/fail.h"

struct table;

struct table_row {
	struct str	key, value;
};

typedef int table_each_fn(void *arg, struct str key, struct str value);

/* Before a cage: libraries read files of /sys at their first use. */
void	table_warm(void);

/*
 * driver: "text" (aliases(5)) or "bdb".  path: below dirfd, which stays the
 * caller's and open.  The file need not be there yet.  FAIL_PERM: no such
 * driver.
 */
int	table_new(int dirfd, struct str driver, struct str path,
	    struct table **out, struct why *why) MUST_CHECK;
void	table_free(struct table *t);

/*
 * The value of a key.  FAIL_GONE: the key is not there; FAIL_TEMP: the
 * table is missing or broken, so that nobody can say.
 */
int	table_get(struct table *t, struct str key, struct buf *value_out,
	    struct why *why) MUST_CHECK;
/* All rows, in any order, until fn returns something else than 0, which is
 * then returned. */
int	table_each(struct table *t, table_each_fn *fn, void *arg,
	    struct why *why) MUST_CHECK;

/* Writes PATH anew with these rows, durably.  Driver: "bdb" (a btree) or
 * "bdb-hash"; a text table is written by its operator.  Sorts rows. */
int	table_build(int dirfd, struct str driver, struct str path,
	    struct table_row *rows, size_t n, struct why *why) MUST_CHECK;

#endif
