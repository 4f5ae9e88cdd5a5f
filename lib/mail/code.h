/* SPDX-License-Identifier: ISC */
/*
 * mail/code.h - enhanced status codes (RFC 3463 and the IANA registry).
 */
#ifndef MAIL_CODE_H
#define MAIL_CODE_H

#include "base/str.h"

/* "5.1.1", three numbers of 1, 1-3 and 1-3 digits, class 2, 4 or 5. */
bool	code_valid(struct str code);
/* What it means in plain words, never NULL: for bounces and the log. */
const char *code_text(struct str code);
/* Does it say no more than its class (5.0.0)? */
bool	code_is_vague(struct str code);
/* The enhanced code at the start of a reply text ("5.1.1 No such user"), or
 * a general one of the same class made of the three-digit reply ("550"). */
struct str code_of_reply(struct str reply);

#endif
