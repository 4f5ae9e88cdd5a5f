/* SPDX-License-Identifier: ISC */
/*
 * imapd/sync.h - telling the client what has happened in its mailbox.
 */
#ifndef IMAPD_SYNC_H
#define IMAPD_SYNC_H

#include "imapd/session.h"

/* Is there anything to say at all? */
bool	sync_has_news(const struct session *s);
/* What may be said is decided by the running command. */
void	sync_begin(struct session *s);
/* False: the output is full or the time is up, call again. */
bool	sync_step(struct session *s);
/* FLAGS, when there is a keyword the client does not know. */
void	sync_say_keywords(struct session *s);

#endif
