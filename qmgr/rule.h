/* SPDX-License-Identifier: ISC */
/*
 * qmgr/rule.h - rules of doc/durability.md that live in this room, each of
 * which a build may break on purpose (QMGR_BROKEN: its number), so that
 * tests/suite/broken.test proves that it would be noticed.
 */
#ifndef QMGR_RULE_H
#define QMGR_RULE_H

#include <stdbool.h>

#ifdef QMGR_BROKEN
#define QMGR_RULE(number)	((number) != QMGR_BROKEN)
#else
#define QMGR_RULE(number)	true
#endif

#endif
