/* SPDX-License-Identifier: ISC */
/*
 * imapd/append.h - APPEND, whose message never stands in the input buffer.
 */
#ifndef IMAPD_APPEND_H
#define IMAPD_APPEND_H

#include "imapd/session.h"

/* head: a command up to the '{' of a literal.  Is that literal the message
 * of an APPEND? */
bool	append_is_due(struct session *s, struct str head);
/* The header of the literal stands in the input up to s->cutter.at. */
enum step append_begin(struct session *s, uint64_t size, bool is_sync);

#endif
