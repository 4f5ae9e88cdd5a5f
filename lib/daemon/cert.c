/* SPDX-License-Identifier: ISC */
/*
 * daemon/cert.c - the certificates of a face, and its way to keyd.
 *
 * In: the file "tls-certs" that master put together, the ticket keys.  A
 * handshake that needs a signature asks keyd by KEY_SIGN; while keyd is away
 * (it died a moment ago) the question waits for the next one.  What was asked
 * of a keyd that died is not asked again: it may be what killed it.
 *
 * There is no private key in this process, nor a way to get one.
 */
#include "daemon/cert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"

#include "base/banned.h"

enum {
	CERTS_FILE_MAX = 16 * 1024 * 1024,
	CERTS_MAX = 2048,
	LOOK_MS = 50,		/* whether there is a keyd again */
	WAIT_MS = 10 * 1000,	/* as long as KEY_SIGN itself may take */
};

/* --- questions to keyd --------------------------------------------------- */

/* A question that waits for a keyd. */
struct question {
	struct link	link;
	struct tls	*tls;
	uint32_t	scheme;
	int64_t		left_ms;
	uint8_t		key[32];
	uint8_t		tbs[1024];
	size_t		tbs_n;
};

static struct {
	struct link	waiting;
	struct timer	look;
} q = { .waiting = { &q.waiting, &q.waiting } };

static void	ask_keyd(struct tls *t, struct str key, uint32_t scheme,
		    struct str tbs);

static void
on_signed(void *session, const struct note *n)
{
	const struct note_key_signed *a = note_as_key_signed(n);

	if (a != NULL && a->failed != 0) {
		log_event(LOG_LEVEL_ERROR, "key-refused");
		log_str("text", a->text);
		log_end();
	} else if (a == NULL)
		log_say(LOG_LEVEL_WARN, "key-lost", "keyd did not answer");
	tls_signed(session, a != NULL && a->failed == 0 ? a->signature :
	    STR(""));
	/* it lives and is silent: nobody need wait for his turn to ask */
	if (a == NULL && chan_ok(daemon_peer(KEYD, 0)))
		tls_signer_is_late();
}

static void
drop(struct question *w)
{
	list_remove(&w->link);
	free(w);
}

static void
look_for_keyd(struct timer *timer)
{
	bool is_there = chan_ok(daemon_peer(KEYD, 0));
	struct link *l, *tmp;

	list_each_safe(l, tmp, &q.waiting) {
		struct question *w = container_of(l, struct question, link);

		w->left_ms -= LOOK_MS;
		if (is_there)
			ask_keyd(w->tls, str_mem(w->key, sizeof(w->key)),
			    w->scheme, str_mem(w->tbs, w->tbs_n));
		else if (w->left_ms <= 0)
			tls_signed(w->tls, STR(""));
		else
			continue;
		drop(w);
	}
	if (!list_empty(&q.waiting))
		timer_set(timer, LOOK_MS);
}

static void
wait_for_keyd(struct tls *t, struct str key, uint32_t scheme, struct str tbs)
{
	struct question *w = xcalloc(1, sizeof(*w));

	w->tls = t;
	w->scheme = scheme;
	w->left_ms = WAIT_MS;
	memcpy(w->key, key.p, sizeof(w->key));
	memcpy(w->tbs, tbs.p, tbs.n);
	w->tbs_n = tbs.n;
	list_push(&q.waiting, &w->link);
	if (!timer_armed(&q.look)) {
		timer_init(&q.look, look_for_keyd);
		timer_set(&q.look, LOOK_MS);
	}
}

static void
ask_keyd(struct tls *t, struct str key, uint32_t scheme, struct str tbs)
{
	struct note_key_sign n = { .key = key, .scheme = scheme, .tbs = tbs };

	if (key.n != sizeof(((struct question *)0)->key) ||
	    tbs.n > sizeof(((struct question *)0)->tbs))
		tls_signed(t, STR(""));
	else if (chan_ok(daemon_peer(KEYD, 0)))
		ask_key_sign(daemon_peer(KEYD, 0), &n, on_signed, t);
	else
		wait_for_keyd(t, key, scheme, tbs);
}

static void
forget(struct tls *t)
{
	struct link *l, *tmp;

	chan_forget(daemon_peer(KEYD, 0), t);
	chan_forget(NULL, t);
	list_each_safe(l, tmp, &q.waiting)
		if (container_of(l, struct question, link)->tls == t)
			drop(container_of(l, struct question, link));
}

/* --- certificates -------------------------------------------------------- */

/* By position: all faces share the place in the file master made. */
static bool
read_certs(struct buf *out)
{
	int fd = daemon_file("tls-certs");
	struct stat st;
	uint8_t *p;

	buf_init(out, CERTS_FILE_MAX);
	if (fd < 0 || fstat(fd, &st) != 0)
		return false;
	if (st.st_size == 0)
		return true;
	p = buf_grow(out, (size_t)st.st_size);
	if (p == NULL || file_pread(fd, p, (size_t)st.st_size, 0) != 0)
		return false;
	buf_grown(out, (size_t)st.st_size);
	return true;
}

/* "name NAME", then PEM up to the next such line. */
static size_t
split(struct str all, struct tls_cert *certs)
{
	struct str line, rest = all;
	size_t n = 0;

	while (str_line(&rest, &line)) {
		if (str_starts(line, "name ") && n < CERTS_MAX) {
			certs[n].name = str_from(line, 5);
			certs[n++].pem = str_mem(rest.p, 0);
		} else if (n > 0)
			certs[n - 1].pem.n = (size_t)(rest.p -
			    certs[n - 1].pem.p);
	}
	return n;
}

/* As master dealt them, one behind the other. */
void
cert_tickets(struct tls_server *tls)
{
	struct str all = daemon_key("ticket"), key[TLS_TICKET_KEYS];
	size_t n = 0;

	if (tls == NULL)
		return;
	for (; n < TLS_TICKET_KEYS && all.n >= TLS_TICKET_KEY; n++) {
		key[n] = str_sub(all, 0, TLS_TICKET_KEY);
		all = str_from(all, TLS_TICKET_KEY);
	}
	tls_server_tickets(tls, key, n);
}

void
cert_load(const char *alpn, struct tls_server **tls)
{
	static const struct tls_signer signer = { ask_keyd, forget };
	struct tls_cert *certs = xcalloc(CERTS_MAX, sizeof(*certs));
	struct tls_server *fresh = NULL;
	struct buf text;
	struct why why;
	bool have = read_certs(&text);
	size_t n = split(buf_str(&text), certs);

	if (have && n > 0 &&
	    tls_server_new(certs, n, &signer, alpn, &fresh, &why) != 0)
		log_say(LOG_LEVEL_ERROR, "bad-certificate", "%s", why.text);
	else if (n == 0)
		log_say(LOG_LEVEL_INFO, "no-certificate", "TLS is not offered");
	if (fresh != NULL || (have && n == 0)) {
		cert_tickets(fresh);
		tls_server_unref(*tls);
		*tls = fresh;
	}
	free(certs);
	buf_free(&text);
}
