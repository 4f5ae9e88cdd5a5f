/* SPDX-License-Identifier: ISC */
/*
 * delivery/signer.h - the work of signd: keys, who may, signatures.
 */
#ifndef DELIVERY_SIGNER_H
#define DELIVERY_SIGNER_H

#include "ipc/chan.h"

void	signer_warm(void);		/* before the cage */
/* The SIGN_KEYs since the last call are all there are. */
void	signer_swap_keys(void);
/* SIGN_KEY from master; SIGN_ASK, answered before it returns. */
void	signer_note(struct chan *c, const struct note *n);
void	signer_stat(void);

#endif
