/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of qmgr/lane.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "qmgr/lane.h"

int
main(void)
{
	return 0;
}
