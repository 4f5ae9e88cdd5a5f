/* SPDX-License-Identifier: ISC */
/*
 * table/driver.h - what a kind of table has to be able to do.
 */
#ifndef TABLE_DRIVER_H
#define TABLE_DRIVER_H

#include <sys/stat.h>

#include "table/table.h"

struct table {
	const struct table_driver *driver;
	int		dirfd;
	char		*path;
	struct stat	seen;	/* of the file that is open */
	void		*state;	/* the driver's; NULL: not open */
};

struct table_driver {
	const char	*name;
	/* Sets t->state; FAIL_TEMP with why. */
	int	(*open)(struct table *t, struct why *why);
	int	(*get)(struct table *t, struct str key, struct buf *value_out,
		    struct why *why);
	int	(*each)(struct table *t, table_each_fn *fn, void *arg,
		    struct why *why);
	void	(*close)(struct table *t);
	/* Writes a new file of that name; may be NULL. */
	int	(*build)(int dirfd, const char *path,
		    const struct table_row *rows, size_t n, struct why *why);
};

extern const struct table_driver table_text, table_bdb, table_bdb_hash;

void	table_bdb_warm(void);

#endif
