/* SPDX-License-Identifier: ISC */
/*
 * delivery/memo.c - hosts, and what they offer and cannot do.
 *
 * A handshake that fails costs a connection; so a host whose TLS broke is
 * spoken to in clear for a time (setting `remote tls-memory'), where clear
 * text is allowed at all.  One that lost commands which were sent ahead costs
 * a message's attempt, so it gets them one by one.
 */
#include "delivery/memo.h"

#include <stdlib.h>

#include "base/dict.h"
#include "base/fail.h"
#include "base/list.h"
#include "event/tls.h"

#include "base/banned.h"

struct memo {
	struct link	link;
	char		*host;
	int64_t		broken_until_ms, one_by_one_until_ms;
	struct tls_session *session;
	struct tls_client *trust;	/* it was begun with */
};

static struct {
	struct dict	by_host;
	struct link	order;		/* used longest ago first */
	bool		is_begun;
} memo;

static void
forget_session(struct memo *m)
{
	tls_session_free(m->session);
	tls_client_unref(m->trust);
	m->session = NULL;
	m->trust = NULL;
}

static void
drop(struct memo *m)
{
	(void)dict_del(&memo.by_host, str_of(m->host));
	list_remove(&m->link);
	forget_session(m);
	free(m->host);
	free(m);
}

static struct memo *
find(struct str host)
{
	struct memo *m = memo.is_begun ? dict_get(&memo.by_host, host) : NULL;

	if (m != NULL) {
		list_remove(&m->link);
		list_push(&memo.order, &m->link);
	}
	return m;
}

static struct memo *
find_or_make(struct str host)
{
	struct memo *m = find(host);

	if (m != NULL)
		return m;
	if (!memo.is_begun) {
		dict_init(&memo.by_host);
		list_init(&memo.order);
		memo.is_begun = true;
	}
	if (dict_len(&memo.by_host) >= MEMO_HOSTS)
		drop(container_of(list_first(&memo.order), struct memo, link));
	m = xcalloc(1, sizeof(*m));
	m->host = xmemdupz(host.p, host.n);
	list_push(&memo.order, &m->link);
	(void)dict_put(&memo.by_host, str_of(m->host), m);
	return m;
}

bool
memo_tls_is_broken(struct str host, int64_t now_ms)
{
	const struct memo *m = find(host);

	return m != NULL && m->broken_until_ms > now_ms;
}

void
memo_tls_broke(struct str host, int64_t until_ms)
{
	struct memo *m = find_or_make(host);

	m->broken_until_ms = until_ms;
	forget_session(m);		/* it may have been the cause */
}

bool
memo_pipelining_is_broken(struct str host, int64_t now_ms)
{
	const struct memo *m = find(host);

	return m != NULL && m->one_by_one_until_ms > now_ms;
}

void
memo_pipelining_broke(struct str host, int64_t until_ms)
{
	find_or_make(host)->one_by_one_until_ms = until_ms;
}

struct tls_session *
memo_session(struct str host, const struct tls_client *trust)
{
	struct memo *m = find(host);

	return m != NULL && m->trust == trust ? m->session : NULL;
}

void
memo_keep_session(struct str host, struct tls_client *trust,
    struct tls_session *owned)
{
	struct memo *m = find_or_make(host);

	forget_session(m);
	m->session = owned;
	m->trust = trust;
	tls_client_ref(trust);
}

void
memo_free(void)
{
	while (memo.is_begun && !list_empty(&memo.order))
		drop(container_of(list_first(&memo.order), struct memo, link));
	if (memo.is_begun)
		dict_free(&memo.by_host);
	memo.is_begun = false;
}
