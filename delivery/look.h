/* SPDX-License-Identifier: ISC */
/*
 * delivery/look.h - what the first MX of a domain is: REMOTE_LOOK.
 */
#ifndef DELIVERY_LOOK_H
#define DELIVERY_LOOK_H

#include "ipc/chan.h"

void	look_begin(struct chan *c, const struct note *n);
void	look_qmgr_gone(const struct chan *c);

#endif
