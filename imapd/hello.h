/* SPDX-License-Identifier: ISC */
/*
 * imapd/hello.h - the door: greeting, capabilities, STARTTLS.
 */
#ifndef IMAPD_HELLO_H
#define IMAPD_HELLO_H

#include "imapd/session.h"

void	hello_begin(struct session *s);
void	hello_on_tls(struct stream *st);
void	hello_end(struct session *s);		/* tells rated */
void	hello_put_capabilities(struct session *s);
bool	hello_may_login(const struct session *s);

#endif
