/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/smtpd.h - what the fuzz targets of smtpd share: smtpd.c as its
 * sessions see it, a file for a large body, and what a content must be.
 */
#ifndef TESTS_FUZZ_SMTPD_H
#define TESTS_FUZZ_SMTPD_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "smtpd/session.h"
#include "tests/lib/fakedaemon.h"

struct tls_server *
smtpd_tls(void)
{
	return NULL;
}

static void
no_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

/* CRLF and no NUL, and of that size. */
static void
check_content(int fd, uint64_t size)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1 << 22);
	if (fd < 0 || lseek(fd, 0, SEEK_END) != (off_t)size ||
	    file_pread(fd, buf_grow(&b, size + 1), size, 0) != 0)
		abort();
	buf_grown(&b, size);
	s = buf_str(&b);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == 0 ||
		    (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r')) ||
		    (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
			abort();
	buf_free(&b);
}

/* A large body's file, to be read; SPOOL_FILE follows with *large, to write. */
static void
give_view(struct fake *f, uint32_t ticket, int *large)
{
	char path[40];
	struct note view;
	int fd;

	fd_close(large);
	*large = memfd_create("large", MFD_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *large);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	note_init(&view, NOTE_SPOOL_VIEW);
	view.ticket = ticket;
	note_set_fd(&view, fd);
	fake_say(f, &view);
	fd_close(&fd);
}

#endif
