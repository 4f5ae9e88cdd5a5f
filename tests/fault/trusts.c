/* SPDX-License-Identifier: ISC */
/*
 * tests/fault/trusts.c - linked into a spoold, it makes it believe after a
 * restart what a failed sync may have lost (durability.md 9 broken).
 */
#include "qmgr/spoold.h"

#include "base/banned.h"

/* the name that the linker makes of --wrap=settling_start */
void	__wrap_settling_start(void);

void
__wrap_settling_start(void)
{
}
