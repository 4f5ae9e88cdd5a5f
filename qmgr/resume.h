/* SPDX-License-Identifier: ISC */
/*
 * qmgr/resume.h - lanes that were paused before we started.
 */
#ifndef QMGR_RESUME_H
#define QMGR_RESUME_H

#include "ipc/note.h"

void	resume_init(void);
/* One of the queue, told for the first time; the table has been read. */
void	resume_look(const struct note_queue_new *n);
/* How long nobody is sent yet, for a lane may turn out to be paused; 0: go. */
int64_t	resume_waits_ms(void);
/* All has been told: from now on lanes are known by what happens. */
void	resume_over(void);

#endif
