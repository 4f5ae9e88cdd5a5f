/* SPDX-License-Identifier: ISC */
/*
 * imapd/quirks.h - clients that stray from the RFC: seen, served, logged.
 */
#ifndef IMAPD_QUIRKS_H
#define IMAPD_QUIRKS_H

#include "imapd/session.h"

/* One line a session, with what the client said in ID. */
void	quirk_seen(struct session *s, const char *what);

#endif
