/* SPDX-License-Identifier: ISC */
/*
 * table/bdb.c - tables in Berkeley DB 5.3: hash and btree, read-only.
 *
 * The only file of the suite that calls Berkeley DB.  A database is opened
 * without an environment, without locks, and never written in place: readers
 * of a file that is rewritten under them see errors and mixed content
 * (tried), readers of a file that is replaced see the old or the new.
 *
 * Berkeley DB opens by path and our processes have no paths, so its open and
 * exists are replaced by calls relative to a directory descriptor.  The
 * replacement is global to the library, hence the one variable of this file,
 * set before each call that may open.
 *
 * Postfix's postalias and sendmail's newaliases store keys with or without a
 * NUL at the end; both are found.
 */
#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/file.h"
#include "table/driver.h"
#include "base/banned.h"

#define KEY_MAX	4096

static int folder = AT_FDCWD;

static int
at_open(const char *name, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if ((flags & O_CREAT) != 0)
		mode = (mode_t)va_arg(ap, int);
	va_end(ap);
	return file_open(folder, name, flags, mode);
}

static int
at_exists(const char *name, int *is_folder_out)
{
	struct stat st;

	if (fstatat(folder, name, &st, 0) != 0)
		return errno;
	if (is_folder_out != NULL)
		*is_folder_out = S_ISDIR(st.st_mode);
	return 0;
}

static void
quiet(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env, (void)prefix, (void)text;	/* the return value says it */
}

static void
use_folder(int dirfd)
{
	folder = dirfd;
	db_env_set_func_open(at_open);
	db_env_set_func_exists(at_exists);
}

/* To write a file the library also calls stat, which cannot be replaced;
 * but who builds a table is a command with paths, not a caged process. */
static void
use_paths(void)
{
	db_env_set_func_open(NULL);
	db_env_set_func_exists(NULL);
}

static int
new_handle(DB **db_out)
{
	int rc = db_create(db_out, NULL, 0);

	if (rc == 0)
		(*db_out)->set_errcall(*db_out, quiet);
	return rc;
}

/* The library asks for the number of CPUs with each handle, which the cage
 * of routed allows; what glibc reads for it but once is read here. */
void
table_bdb_warm(void)
{
	DB *db;

	if (new_handle(&db) == 0)
		(void)db->close(db, DB_NOSYNC);
}

static int
fail(struct why *why, const char *path, int rc)
{
	return why_set(why, FAIL_TEMP, "table %s: %s", path, db_strerror(rc));
}

static int
bdb_open(struct table *t, struct why *why)
{
	DB *db;
	int rc;

	use_folder(t->dirfd);
	rc = new_handle(&db);
	if (rc != 0)
		return fail(why, t->path, rc);
	rc = db->open(db, NULL, t->path, NULL, DB_UNKNOWN, DB_RDONLY, 0);
	if (rc != 0) {
		(void)db->close(db, DB_NOSYNC);
		return fail(why, t->path, rc);
	}
	t->state = db;
	return 0;
}

static void
bdb_close(struct table *t)
{
	DB *db = t->state;

	(void)db->close(db, DB_NOSYNC);
}

static struct str
without_nul(const DBT *d)
{
	struct str s = str_mem(d->data, d->size);

	return s.n > 0 && s.p[s.n - 1] == '\0' ? str_sub(s, 0, s.n - 1) : s;
}

static int
bdb_get(struct table *t, struct str key, struct buf *value_out,
    struct why *why)
{
	char text[KEY_MAX + 1];
	DBT k = { .data = text }, v = { .size = 0 };
	DB *db = t->state;
	int rc;

	if (key.n == 0 || key.n > KEY_MAX || str_has_nul(key))
		return FAIL_GONE;
	memcpy(text, key.p, key.n);
	text[key.n] = '\0';
	k.size = (u_int32_t)key.n;
	rc = db->get(db, NULL, &k, &v, 0);
	if (rc == DB_NOTFOUND) {
		k.size++;
		rc = db->get(db, NULL, &k, &v, 0);
	}
	if (rc == DB_NOTFOUND)
		return FAIL_GONE;
	if (rc != 0)
		return fail(why, t->path, rc);
	buf_add(value_out, without_nul(&v));
	return buf_failed(value_out) ? FAIL_TOO_BIG : 0;
}

static int
bdb_each(struct table *t, table_each_fn *fn, void *arg, struct why *why)
{
	DBT k = { .size = 0 }, v = { .size = 0 };
	DB *db = t->state;
	DBC *cursor;
	int rc;

	rc = db->cursor(db, NULL, &cursor, 0);
	if (rc != 0)
		return fail(why, t->path, rc);
	while ((rc = cursor->get(cursor, &k, &v, DB_NEXT)) == 0) {
		rc = fn(arg, without_nul(&k), without_nul(&v));
		if (rc != 0)
			break;
	}
	(void)cursor->close(cursor);
	if (rc == 0 || rc == DB_NOTFOUND)
		return 0;
	return rc > 0 || rc < -1000 ? fail(why, t->path, rc) : rc;
}

static int
fill(DB *db, const struct table_row *rows, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		/* The library takes pointers to bytes it does not change. */
		DBT k = { .data = (void *)(uintptr_t)rows[i].key.p,
		    .size = (u_int32_t)rows[i].key.n };
		DBT v = { .data = (void *)(uintptr_t)rows[i].value.p,
		    .size = (u_int32_t)rows[i].value.n };

		rc = db->put(db, NULL, &k, &v, DB_NOOVERWRITE);
	}
	return rc;
}

static int
build(int dirfd, const char *path, DBTYPE type, const struct table_row *rows,
    size_t n, struct why *why)
{
	char name[PATH_MAX];
	DB *db;
	int rc, closed;

	use_paths();
	snprintf(name, sizeof(name), "/proc/self/fd/%d/%s", dirfd, path);
	rc = new_handle(&db);
	if (rc != 0)
		return fail(why, path, rc);
	rc = db->open(db, NULL, name, NULL, type, DB_CREATE | DB_EXCL, 0644);
	if (rc == 0)
		rc = fill(db, rows, n);
	closed = db->close(db, 0);
	if (rc == 0)
		rc = closed;
	if (rc == DB_KEYEXIST)
		return why_set(why, FAIL_PERM, "a key stands twice in the "
		    "rows of %s", path);
	return rc == 0 ? 0 : fail(why, path, rc);
}

static int
build_btree(int dirfd, const char *path, const struct table_row *rows,
    size_t n, struct why *why)
{
	return build(dirfd, path, DB_BTREE, rows, n, why);
}

static int
build_hash(int dirfd, const char *path, const struct table_row *rows,
    size_t n, struct why *why)
{
	return build(dirfd, path, DB_HASH, rows, n, why);
}

const struct table_driver table_bdb = {
	.name = "bdb", .open = bdb_open, .get = bdb_get, .each = bdb_each,
	.close = bdb_close, .build = build_btree,
};

/* Reads like bdb: the file says what it is. */
const struct table_driver table_bdb_hash = {
	.name = "bdb-hash", .open = bdb_open, .get = bdb_get,
	.each = bdb_each, .close = bdb_close, .build = build_hash,
};
