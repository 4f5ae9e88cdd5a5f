/* SPDX-License-Identifier: ISC */
/* A folder for one test, removed with all that is in it. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static char scratch_path[512];

static inline int
scratch_open(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(scratch_path, sizeof(scratch_path), "%s/veredus-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(scratch_path) == NULL)
		return -1;
	return open(scratch_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline void
scratch_close(int dir)
{
	struct dirent *e;
	DIR *d = fdopendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    unlinkat(dirfd(d), e->d_name, 0) != 0)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	if (d != NULL)
		closedir(d);
	(void)rmdir(scratch_path);
}

/* Beside and renamed, as everybody should. */
static inline int
scratch_put(int dir, const char *name, const char *text)
{
	return file_replace(dir, name, str_of(text), 0644);
}

#endif
