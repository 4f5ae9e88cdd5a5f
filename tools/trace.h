/* SPDX-License-Identifier: ISC */
/*
 * tools/trace.h - an event of a message in words.
 */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include "base/buf.h"

/* line: EVENT key=value ... as logd keeps it. */
void	trace_words(struct buf *out, struct str line);

#endif
