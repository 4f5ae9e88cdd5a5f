/* SPDX-License-Identifier: ISC */
/*
 * smtpd/second.h - a second opinion on SPF, by libspf2, with `spf engine
 * both'.  Ours is the verdict; where the other differs it is counted and
 * logged.
 */
#ifndef SMTPD_SECOND_H
#define SMTPD_SECOND_H

#include "base/buf.h"
#include "spf/spf.h"

#define SECOND_FACTS	(48 * 1024)	/* of one question */

/* Unprivileged, before the cage: the helper process, if it is wanted. */
void	second_fork(void);
void	second_watch(void);	/* in the loop */
bool	second_wanted(void);
void	second_stat(void);

/* What the DNS said to one question of ours; rows follow. */
void	second_add(struct buf *facts, const struct spf *s,
	    enum spf_answer how, size_t rows);
void	second_row(struct buf *facts, struct str data);
/* All that ours was told, and its verdict.  Never waits. */
void	second_ask(struct str peer, struct str helo, struct str mail,
	    const struct spf *ours, const struct buf *facts);

#endif
