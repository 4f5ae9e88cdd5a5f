/* SPDX-License-Identifier: ISC */
/*
 * imapd/batch.h - the messages of a set as UIDs, in portions that fit in a
 * note: what STORE, COPY, MOVE and UID EXPUNGE hand to stored.
 */
#ifndef IMAPD_BATCH_H
#define IMAPD_BATCH_H

#include "imapd/box.h"

struct batch {
	struct imap_set	set;
	bool		by_uid;
	struct walk	walk;
	struct imap_set_out out;
	struct buf	uids;		/* the portion */
	bool		was_gone;	/* one of the messages is expunged */
	bool		is_done;	/* no more portions */
};

/* A blank and a set.  FAIL_SYNTAX; FAIL_GONE: a number beyond the last. */
int	batch_arg(struct session *s, struct imap_args *a, struct batch *b)
	    MUST_CHECK;
void	batch_free(struct batch *b);
/* True: a portion is ready in uids (empty when is_done and nothing was
 * left); false: the time is up, call again. */
bool	batch_fill(struct session *s, struct batch *b);
void	batch_next(struct batch *b);	/* the portion was dealt with */
/* Resolves a set; false: a number beyond the last message. */
bool	batch_resolve(struct session *s, struct imap_set *set, bool by_uid);

#endif
