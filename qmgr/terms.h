/* SPDX-License-Identifier: ISC */
/*
 * qmgr/terms.h - the table of providers, and the terms of a lane by it.
 */
#ifndef QMGR_TERMS_H
#define QMGR_TERMS_H

#include "qmgr/lane.h"

void	terms_init(void);
void	terms_load(void);	/* anew, after a reload */
struct lane_terms terms_of(const struct lane *l);

#endif
