/* SPDX-License-Identifier: ISC */
/*
 * qmgr/where.h - by which lane mail for a domain leaves: its provider is the
 * one of its MX, asked of remote once a time-to-live.
 */
#ifndef QMGR_WHERE_H
#define QMGR_WHERE_H

#include "qmgr/lane.h"

struct mx_domain;

void	where_init(void);
/* Puts the item into its lane: now, or when remote has said which.  A look-up
 * that fails for now defers the item (qmgr_defer). */
void	where_add(struct item *i, bool in_front);
/* It waits for its domain no more; harmless if it does not. */
void	where_take(struct item *i);
/* remote is gone: ask again when it is back. */
void	where_forget_asks(void);
void	where_sweep(int64_t now_ms);
/* Since when (clock_mono_ms) it waits for the look-up of its domain; 0: that
 * waits itself. */
int64_t where_since_ms(const struct item *i);
/* What is known of a domain, asking nobody: NULL while nothing is. */
struct lane *where_known(struct str domain, struct str *mx_out);
/* The lane of whose MX this is. */
struct lane *where_host(struct str host);
/* Somebody else has asked. */
void	where_learn(struct str domain, struct str mx, uint32_t ttl_s);
/* Recipients whose domain could not be looked up last time. */
uint64_t where_failing(void);

#endif
