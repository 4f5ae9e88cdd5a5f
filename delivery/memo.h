/* SPDX-License-Identifier: ISC */
/*
 * delivery/memo.h - what is remembered of a host: that its TLS or its
 * PIPELINING does not work, and a session to resume by.  In memory, bounded,
 * forgotten at a restart.
 */
#ifndef DELIVERY_MEMO_H
#define DELIVERY_MEMO_H

#include "base/str.h"

enum { MEMO_HOSTS = 4096 };	/* the one not used longest goes */

struct tls_client;
struct tls_session;

/* host: its name and port. */
bool	memo_tls_is_broken(struct str host, int64_t now_ms);
void	memo_tls_broke(struct str host, int64_t until_ms);
bool	memo_pipelining_is_broken(struct str host, int64_t now_ms);
void	memo_pipelining_broke(struct str host, int64_t until_ms);
/*
 * Only for who trusts as the session was begun: what an unchecked connection
 * was given must not open a checked one.  Borrowed until the next call of
 * memo_*; NULL: none.
 */
struct tls_session *memo_session(struct str host,
	    const struct tls_client *trust);
void	memo_keep_session(struct str host, struct tls_client *trust,
	    struct tls_session *owned);
void	memo_free(void);

#endif
