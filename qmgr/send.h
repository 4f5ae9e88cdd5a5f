/* SPDX-License-Identifier: ISC */
/*
 * qmgr/send.h - recipients that travel: given to remote, and what became of
 * them.
 */
#ifndef QMGR_SEND_H
#define QMGR_SEND_H

#include "qmgr/lane.h"

void	send_init(void);
void	send_reload(void);	/* settings, or the table of providers */
/* An item whose time has come (not busy, not held). */
void	send_ready(struct item *i);
/* Out of its lane or domain, wherever it waits. */
void	send_take(struct item *i);
/* It is out in a try no more: its end will not be heard. */
void	send_forget(struct item *i);
/* spoold is gone: what is out is without items until it tells them again. */
void	send_forget_all(void);
/* An item of a queue that is thrown away. */
void	send_drop(struct item *i);
/* spoold has told all. */
void	send_loaded(void);
/* Told again: is it out still, or was it accepted meanwhile?  Then it is busy,
 * and an answer will come. */
bool	send_adopt(struct item *i);
/* Start what may start. */
/* Since when remote has it (clock_mono_ms); 0: it has not. */
int64_t	send_since_ms(const struct item *i);
void	send_look(void);
void	send_drain(void);
/* When to look again by time alone; -1: never. */
int64_t	send_next_ms(void);
const char *stage_text(uint32_t stage);

#endif
