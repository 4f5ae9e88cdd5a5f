/* SPDX-License-Identifier: ISC */
/*
 * master/dkim.c - the private keys of DKIM: found, looked at, dealt to signd
 * as descriptors.
 *
 * state/dkim/DOMAIN/SELECTOR.key, PEM.  A key is dealt only if it is a plain
 * file that belongs to root (to us) and that nobody else can read or write,
 * in folders of which the same is true for writing: whoever could put a key
 * there could sign as this domain.  All that is wrong is said and left out;
 * mail of other domains does not wait for it.  Read anew at each reload.
 */
#include "master/master.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/banned.h"

#define SUFFIX	".key"

static void
refuse(const char *domain, const char *file, const char *why)
{
	log_event(LOG_LEVEL_ERROR, "dkim-key-refused");
	log_z("domain", domain);
	log_z("file", file);
	log_z("text", why);
	log_end();
}

/* NULL: it may be used. */
static const char *
fault(int fd, mode_t kind, mode_t forbidden)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return strerror(errno);
	if ((st.st_mode & S_IFMT) != kind)
		return "not a file or folder of its own";
	if (st.st_uid != geteuid())
		return "does not belong to root";
	if ((st.st_mode & forbidden) != 0)
		return kind == S_IFDIR ? "others may write here" :
		    "others may read it: chmod 600";
	return NULL;
}

static void
deal(struct child *c, int folder, const char *domain, const char *file)
{
	struct str name = str_of(file);
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	const char *why = fault(fd, S_IFREG, S_IRWXG | S_IRWXO);
	struct note_sign_key n = { .domain = str_of(domain),
	    .selector = str_sub(name, 0, name.n - strlen(SUFFIX)), .fd = fd };

	if (why != NULL)
		refuse(domain, file, why);
	else
		note_put_sign_key(c->chan, &n);
	fd_close(&fd);
}

/* Is this the name of a domain or a selector file?  Others are left alone. */
static bool
is_name(const char *name, size_t max)
{
	return name[0] != '.' && strlen(name) <= max;
}

static void
deal_domain(struct child *c, int above, const char *domain)
{
	int fd = openat(above, domain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	const char *why;
	struct dirent *e;
	DIR *dir = NULL;

	if (fd < 0 && errno == ENOTDIR)
		return;		/* somebody's README */
	why = fault(fd, S_IFDIR, S_IWGRP | S_IWOTH);
	if (why == NULL && (dir = fdopendir(fd)) == NULL)
		why = strerror(errno);
	if (why != NULL) {
		refuse(domain, "", why);
		fd_close(&fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (is_name(e->d_name, 63 + strlen(SUFFIX)) &&
		    str_ends(str_of(e->d_name), SUFFIX))
			deal(c, fd, domain, e->d_name);
	(void)closedir(dir);
}

void
dkim_tell(struct child *c)
{
	int fd;
	struct dirent *e;
	DIR *dir;

	if (c->kind != SIGND)
		return;
	fd = openat(master.folder[FOLDER_DKIM], ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		refuse("", "", strerror(errno));
		fd_close(&fd);
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (is_name(e->d_name, 255))
			deal_domain(c, fd, e->d_name);
	(void)closedir(dir);
}
