/* SPDX-License-Identifier: ISC */
/*
 * maildir/ingest.h - a message goes by once: its file is written, its sizes
 * are counted and its cache blob is made, while the bytes are hot.
 */
#ifndef MAILDIR_INGEST_H
#define MAILDIR_INGEST_H

#include "base/arena.h"
#include "mail/mime.h"
#include "mail/wire.h"
#include "maildir/volume.h"

struct ingest {
	struct volume	*v;
	int		fd;		/* -1: nothing is written */
	struct arena	arena;
	struct mime	mime;
	struct wire	to_disk;
	struct buf	out;		/* not yet written */
	struct buf	head;		/* the front of the message */
	uint64_t	disk_size;
	uint64_t	wire_size;	/* after ingest_end */
	struct buf	blob;		/* after ingest_end, mail/index.h */
	int		failed;		/* 0, or FAIL_TEMP: a write failed */
	const void	*user;		/* who began it last, see take.c */
};

void	ingest_init(struct ingest *i);
void	ingest_free(struct ingest *i);

/* fd is borrowed.  Content has CRLF when it is written, may have LF ends when
 * fd is -1 (a file of the Maildir is looked at). */
void	ingest_begin(struct ingest *i, struct volume *v, int fd);
void	ingest_feed(struct ingest *i, struct str chunk);
/* FAIL_TEMP: a write failed (errno). */
int	ingest_end(struct ingest *i) MUST_CHECK;

#endif
