/* SPDX-License-Identifier: ISC */
/*
 * tools/why.h - rows about what waits, in words.
 */
#ifndef TOOLS_WHY_H
#define TOOLS_WHY_H

#include "tools/cli.h"

/* QUEUE_ROW, ATTEMPT_ROW, LANE_ROW. */
control_row_fn why_line;

#endif
