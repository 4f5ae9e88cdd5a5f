/* SPDX-License-Identifier: ISC */
/*
 * imapd/imapd.h - what all sessions of this process share.
 */
#ifndef IMAPD_IMAPD_H
#define IMAPD_IMAPD_H

#include "base/dict.h"
#include "base/list.h"
#include "mail/index.h"

struct tls_server;

#define PAGE_RECORDS	64
#define WINDOW_SIZE	(64 * 1024)

struct imapd {
	struct link	sessions;
	struct dict	boxes;		/* (stored worker, handle) -> struct box */
	struct tls_server *tls;		/* NULL: no certificate */
	/* Records of the index a step works on; read anew in each step, for
	 * flags change under it. */
	struct {
		int		fd;	/* -1: nothing */
		uint32_t	first, n;
		uint8_t		bytes[PAGE_RECORDS * INDEX_RECORD_SIZE];
	} page;
	/* A stretch of the cache, which is append-only. */
	struct {
		int		fd;
		uint64_t	at;
		size_t		n;
		uint8_t		bytes[WINDOW_SIZE];
	} window;
	uint8_t		piece[WINDOW_SIZE];	/* of a message file */
	bool		is_draining;
	uint64_t	appending;	/* octets of APPENDs in memory */
	uint64_t	logins, quirks;		/* for status */
};

extern struct imapd imapd;

/* Exits when draining and the last session is gone. */
void	imapd_look_for_end(void);

#endif
