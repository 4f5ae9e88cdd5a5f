/* SPDX-License-Identifier: ISC */
/*
 * qmgr/why.h - what is told of an item that waits, and of a lane.
 */
#ifndef QMGR_WHY_H
#define QMGR_WHY_H

#include "ipc/chan.h"
#include "qmgr/lane.h"

enum { WHY_NOW_MAX = 200 };

/* Its attempts, and its lane unless that is *told already. */
void	why_put(struct chan *c, uint32_t ticket, const struct item *i,
	    const void **told);
/* NULL: not known, or it stays here. */
struct lane *why_lane(const struct item *i, struct str *mx_out);
/* When it is tried next as far as one knows: its lane may be paused. */
int64_t	why_next_ms(const struct item *i);
/* What is done about it, unless it only waits for its time. */
struct str why_now(const struct item *i, char out[WHY_NOW_MAX]);
/* LANE_ASK: answered now, or when remote has looked. */
void	why_ask_lane(struct chan *c, const struct note *n);
void	why_chan_gone(const struct chan *c);

#endif
