/* SPDX-License-Identifier: ISC */
/*
 * master/trace.h - the trace store of logd: log lines by message id.
 */
#ifndef MASTER_TRACE_H
#define MASTER_TRACE_H

#include "ipc/chan.h"

/* The folder `trace' below log_fd; made if missing.  A store that cannot be
 * opened keeps nothing and finds nothing; it is said in the log. */
void	trace_open(int log_fd);
void	trace_add(int64_t when_ms, struct str mid, struct str line);
void	trace_flush(void);		/* before a search, and each pass */

/* Answers ticket on c with TRACE_ROWs and CTL_DONE, in steps. */
void	trace_ask(struct chan *c, uint32_t ticket, struct str mid);
void	trace_forget(const struct chan *c);	/* the asker is gone */

#endif
