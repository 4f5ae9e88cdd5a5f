/* SPDX-License-Identifier: ISC */
/*
 * tools/drop.c - spool/maildrop: mail of this host while the suite is down.
 *
 * sendmail(8) leaves files there (folder mode 3730, group veredus-drop, the
 * group of sendmail), nobody else may look.  A file is
 *
 *	veredus-drop 1
 *	from ADDRESS
 *	to ADDRESS		(repeated)
 *				(empty line; then the message, CRLF line ends)
 *
 * and is named by a message id.  It is complete: written under a name with a
 * dot in front, synced, renamed, folder synced.  It belongs to who wrote it,
 * which the kernel vouches for; its group, which may read it, is that of the
 * folder and with that spoold's.
 *
 * spoold collects what is there (qmgr/maildrop.c); nothing else takes a file
 * out of it.
 */
#include "tools/sendmail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"

#include "base/banned.h"

#define MAGIC		"veredus-drop 1"
#define HEAD_MAX	((size_t)1 << 20)

static const char *
drop_path(struct cli *c)
{
	return cli_z(c, arena_fmt(&c->arena, "%s/maildrop",
	    cli_folder(c, "spool")));
}

static int
open_drop(struct cli *c)
{
	return open(drop_path(c), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* --- leaving ------------------------------------------------------------- */

static void
put_drop(struct buf *b, const struct mail *m)
{
	buf_fmt(b, MAGIC "\nfrom %.*s\n", STR_ARG(m->sender));
	for (size_t i = 0; i < m->n_to; i++)
		buf_fmt(b, "to %.*s\n", STR_ARG(m->to[i]));
	buf_c(b, '\n');
	buf_add(b, buf_str(&m->content));
}

/* The folder may be written but not read by us: its descriptor is O_PATH,
 * and it is synced by the file system's sync instead. */
static int
write_drop(int dir, const char *mid, struct str text)
{
	char tmp[MID_LEN + 8];
	int rc, fd;

	(void)snprintf(tmp, sizeof(tmp), ".%s", mid);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd < 0)
		return FAIL_TEMP;
	rc = file_write(fd, text);
	/* whatever the caller's umask is */
	if (rc == 0 && (fchmod(fd, 0640) != 0 || fsync(fd) != 0 ||
	    renameat(dir, tmp, dir, mid) != 0 || syncfs(fd) != 0))
		rc = FAIL_TEMP;
	if (rc != 0)
		(void)unlinkat(dir, tmp, 0);
	(void)close(fd);
	return rc;
}

int
drop_mail(struct cli *c, const struct mail *m)
{
	int rc = FAIL_TEMP, dir;
	char mid[MID_LEN + 1];
	struct buf text;

	dir = open(drop_path(c), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		cli_say("%s: %s", drop_path(c), strerror(errno));
		return EX_TEMPFAIL;
	}
	buf_init(&text, m->content.len + HEAD_MAX);
	put_drop(&text, m);
	mid_make(clock_real_ms(), 0, mid);
	if (!buf_failed(&text))
		rc = write_drop(dir, mid, buf_str(&text));
	if (rc != 0)
		cli_say("%s: %s", drop_path(c), strerror(errno));
	buf_free(&text);
	(void)close(dir);
	return rc == 0 ? EX_OK : EX_TEMPFAIL;
}

/* --- the suite's look ----------------------------------------------------- */

int
drop_flush(struct cli *c)
{
	static const char *const words[] = { "spool", "collect" };

	return control_ask(c, words, NITEMS(words), NULL, NULL);
}

static int
is_drop(const struct dirent *d)
{
	return mid_valid(str_of(d->d_name));
}

int
drop_count(struct cli *c)
{
	int n = 0, dir = open_drop(c);
	struct dirent *d;
	DIR *list;

	if (dir < 0 || (list = fdopendir(dir)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((d = readdir(list)) != NULL)
		n += is_drop(d);
	(void)closedir(list);
	return n;
}
