/* SPDX-License-Identifier: ISC */
/*
 * table/table.c - one look-up API over all kinds of tables.
 *
 * Each look-up asks the file system whether the name still means the file
 * that is open (one fstatat); when it does not, the table is opened anew.
 * A file that cannot be opened answers FAIL_TEMP until it can: a table that
 * is away must never look like a table without that key.
 */
#include "table/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "table/driver.h"
#include "base/banned.h"

#define PATH_LONGEST	1024

static const struct table_driver *const drivers[] = {
	&table_text, &table_bdb, &table_bdb_hash,
};

static const struct table_driver *
driver_of(struct str name)
{
	size_t i;

	for (i = 0; i < NITEMS(drivers); i++)
		if (str_same(name, drivers[i]->name))
			return drivers[i];
	return NULL;
}

static char *
c_string(struct str s)
{
	char *z = xmalloc(s.n + 1);

	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

void
table_warm(void)
{
	table_bdb_warm();
}

int
table_new(int dirfd, struct str driver, struct str path,
    struct table **out, struct why *why)
{
	const struct table_driver *d = driver_of(driver);
	struct table *t;

	if (d == NULL)
		return why_set(why, FAIL_PERM, "no kind of table is called "
		    "\"%.*s\"", STR_ARG(driver));
	if (path.n == 0 || path.n > PATH_LONGEST || str_has_nul(path))
		return why_set(why, FAIL_PERM, "a table has no such path");
	t = xcalloc(1, sizeof(*t));
	t->driver = d;
	t->dirfd = dirfd;
	t->path = c_string(path);
	*out = t;
	return 0;
}

static void
close_table(struct table *t)
{
	if (t->state != NULL)
		t->driver->close(t);
	t->state = NULL;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	close_table(t);
	free(t->path);
	free(t);
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Looks before it opens: a file that is replaced in between is then seen as
 * a change by the next look-up, not missed. */
static int
fresh(struct table *t, struct why *why)
{
	struct stat now;
	int rc;

	if (fstatat(t->dirfd, t->path, &now, 0) != 0) {
		close_table(t);
		return why_errno(why, FAIL_TEMP, "table %s", t->path);
	}
	if (t->state != NULL && same_file(&now, &t->seen))
		return 0;
	close_table(t);
	rc = t->driver->open(t, why);
	if (rc == 0)
		t->seen = now;
	return rc;
}

int
table_get(struct table *t, struct str key, struct buf *value_out,
    struct why *why)
{
	int rc = fresh(t, why);

	return rc != 0 ? rc : t->driver->get(t, key, value_out, why);
}

int
table_each(struct table *t, table_each_fn *fn, void *arg, struct why *why)
{
	int rc = fresh(t, why);

	return rc != 0 ? rc : t->driver->each(t, fn, arg, why);
}

static int
by_key(const void *a, const void *b)
{
	const struct table_row *x = a, *y = b;

	return str_cmp(x->key, y->key);
}

/* The finished file, durable before it has its name and after. */
static int
put_in_place(int dirfd, const char *tmp, const char *path, struct why *why)
{
	int fd = file_open(dirfd, tmp, O_RDONLY, 0), dir, rc = 0;
	char folder[PATH_LONGEST + 8];
	const char *slash = strrchr(path, '/');

	if (fd < 0 || fsync(fd) != 0)
		rc = why_errno(why, FAIL_TEMP, "%s", tmp);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && renameat(dirfd, tmp, dirfd, path) != 0)
		rc = why_errno(why, FAIL_TEMP, "%s", path);
	if (rc != 0)
		return rc;
	snprintf(folder, sizeof(folder), "%.*s",
	    slash == NULL ? 1 : (int)(slash - path), slash == NULL ? "." :
	    path);
	dir = file_open_dir(dirfd, folder);
	if (dir < 0 || fsync(dir) != 0)
		rc = why_errno(why, FAIL_TEMP, "%s", folder);
	if (dir >= 0)
		close(dir);
	return rc;
}

int
table_build(int dirfd, struct str driver, struct str path,
    struct table_row *rows, size_t n, struct why *why)
{
	const struct table_driver *d = driver_of(driver);
	char *name, *tmp;
	size_t size;
	int rc;

	if (d == NULL || d->build == NULL)
		return why_set(why, FAIL_PERM, "tables of kind \"%.*s\" are "
		    "not built", STR_ARG(driver));
	if (path.n == 0 || path.n > PATH_LONGEST || str_has_nul(path))
		return why_set(why, FAIL_PERM, "a table has no such path");
	if (n > 1)
		qsort(rows, n, sizeof(*rows), by_key);
	name = c_string(path);
	size = path.n + sizeof(".tmp");
	tmp = xmalloc(size);
	snprintf(tmp, size, "%s.tmp", name);
	(void)unlinkat(dirfd, tmp, 0);		/* of a build that died */
	rc = d->build(dirfd, tmp, rows, n, why);
	if (rc == 0)
		rc = put_in_place(dirfd, tmp, name, why);
	if (rc != 0)
		(void)unlinkat(dirfd, tmp, 0);
	free(tmp);
	free(name);
	return rc;
}
