/* SPDX-License-Identifier: ISC */
/*
 * imapd/idle.h - IDLE.
 */
#ifndef IMAPD_IDLE_H
#define IMAPD_IDLE_H

#include "imapd/session.h"

/* Something has happened in the selected mailbox: an idling client is told
 * at once. */
void	idle_on_news(struct session *s);

#endif
