/* SPDX-License-Identifier: ISC */
/*
 * delivery/keyd.c - keeps the private keys of TLS, and signs with them.
 *
 * In: the file "tls-keys" that master put together (at start and reload), and
 * KEY_SIGN of faces: which key, which scheme, what.  Out: KEY_SIGNED.  A key
 * is named by its public half, so that a certificate finds its key whatever
 * the files are called.
 *
 * It signs what a TLS server signs in a handshake and nothing else
 * (crypto/keyask.h), never decrypts, and tells nobody a key.
 *
 * Reload: faces and keyd hear of it at about the same time.  So the keys of
 * before stay for a while, for handshakes with the old certificate, and a
 * question for a key that is not there yet waits a moment.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "crypto/tlskey.h"
#include "daemon/daemon.h"

#include "base/banned.h"

enum {
	KEYS_FILE_MAX = 16 * 1024 * 1024,
	KEYS_MAX = 2048,
	OLD_MS = 60 * 1000,	/* longer than a handshake may take */
	EARLY_MS = 5 * 1000,	/* half of what the face waits */
	EARLY_MAX = 1024,
};

struct keys {
	struct tlskey	*key[KEYS_MAX];
	size_t		n;
};

/* Asked before its key has come. */
struct early {
	struct link	link;
	struct chan	*chan;
	uint32_t	ticket, scheme;
	uint8_t		id[KEYASK_ID];
	uint8_t		tbs[KEYASK_TBS_MAX];
	size_t		tbs_n;
};

static struct {
	struct keys	now, old;
	struct timer	forget_old;
	struct link	early;
	unsigned	n_early;
	struct timer	too_late;
} k = { .early = { &k.early, &k.early } };

/* --- keys ---------------------------------------------------------------- */

static void
drop_keys(struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		tlskey_free(keys->key[i]);
	keys->n = 0;
}

static bool
read_keys(struct str pem)
{
	struct why why;
	int rc;

	while (k.now.n < KEYS_MAX) {
		rc = tlskey_next(&pem, &k.now.key[k.now.n], &why);
		if (rc == FAIL_GONE)
			return true;
		if (rc == 0)
			k.now.n++;
		else	/* master has looked: it changed under our eyes */
			log_say(LOG_LEVEL_ERROR, "bad-key", "%s", why.text);
	}
	log_say(LOG_LEVEL_ERROR, "keys-too-many", "more than %d", KEYS_MAX);
	return false;
}

static void
on_forget_old(struct timer *t)
{
	(void)t;
	drop_keys(&k.old);
}

static void
load(void)
{
	int fd = daemon_file("tls-keys");
	struct stat st;
	struct buf pem;
	uint8_t *p = NULL;

	buf_init(&pem, KEYS_FILE_MAX);
	drop_keys(&k.old);
	k.old = k.now;
	k.now.n = 0;
	timer_set(&k.forget_old, OLD_MS);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		p = buf_grow(&pem, (size_t)st.st_size);
	if (p != NULL && file_pread(fd, p, (size_t)st.st_size, 0) == 0) {
		buf_grown(&pem, (size_t)st.st_size);
		(void)read_keys(buf_str(&pem));
	}
	buf_wipe(&pem);
	log_event(LOG_LEVEL_INFO, "keys");
	log_u64("count", k.now.n);
	log_end();
}

static const struct tlskey *
find(const struct keys *keys, struct str id)
{
	for (size_t i = 0; i < keys->n; i++)
		if (str_eq(tlskey_id(keys->key[i]), id))
			return keys->key[i];
	return NULL;
}

static const struct tlskey *
find_key(struct str id)
{
	const struct tlskey *key = find(&k.now, id);

	return key != NULL ? key : find(&k.old, id);
}

/* --- questions ----------------------------------------------------------- */

static void
refuse(struct chan *c, uint32_t ticket, const struct why *why)
{
	struct note_key_signed n = { .failed = (uint32_t)-why->code,
	    .text = str_of(why->text) };

	log_event(LOG_LEVEL_WARN, "key-refused");
	log_z("asked-by", proc_name(c->peer));
	log_z("text", why->text);
	log_end();
	note_answer_key_signed(c, ticket, &n);
}

static void
sign(struct chan *c, uint32_t ticket, const struct tlskey *key,
    uint32_t scheme, struct str tbs)
{
	uint8_t sig[KEYASK_SIG_MAX];
	struct note_key_signed n = { .failed = 0 };
	struct why why;
	size_t len = 0;

	if (tlskey_sign(key, scheme, tbs, sig, &len, &why) != 0) {
		refuse(c, ticket, &why);
		return;
	}
	n.signature = str_mem(sig, len);
	note_answer_key_signed(c, ticket, &n);
}

static void
park(struct chan *c, uint32_t ticket, const struct note_key_sign *ask)
{
	struct early *e = xcalloc(1, sizeof(*e));

	e->chan = c;
	e->ticket = ticket;
	e->scheme = ask->scheme;
	memcpy(e->id, ask->key.p, sizeof(e->id));
	memcpy(e->tbs, ask->tbs.p, ask->tbs.n);
	e->tbs_n = ask->tbs.n;
	list_push(&k.early, &e->link);
	k.n_early++;
	if (!timer_armed(&k.too_late))
		timer_set(&k.too_late, EARLY_MS);
}

static void
unpark(struct early *e)
{
	list_remove(&e->link);
	k.n_early--;
	free(e);
}

/* With the keys that have come now; at the end of their time, or without. */
static void
serve_early(bool is_last)
{
	struct link *l, *tmp;
	struct why why;

	(void)why_set(&why, FAIL_GONE, "there is no such key");
	list_each_safe(l, tmp, &k.early) {
		struct early *e = container_of(l, struct early, link);
		const struct tlskey *key = find_key(str_mem(e->id,
		    sizeof(e->id)));

		if (key != NULL)
			sign(e->chan, e->ticket, key, e->scheme,
			    str_mem(e->tbs, e->tbs_n));
		else if (is_last)
			refuse(e->chan, e->ticket, &why);
		else
			continue;
		unpark(e);
	}
}

static void
on_too_late(struct timer *t)
{
	(void)t;
	serve_early(true);
}

static void
on_note(struct chan *c, const struct note *n)
{
	const struct note_key_sign *ask = note_as_key_sign(n);
	const struct tlskey *key;
	struct why why;

	if (ask == NULL)
		return;
	if (ask->key.n != KEYASK_ID) {
		(void)why_set(&why, FAIL_SYNTAX, "that names no key");
		refuse(c, n->ticket, &why);
	} else if (keyask_check(ask->scheme, ask->tbs, &why) != 0) {
		refuse(c, n->ticket, &why);
	} else if ((key = find_key(ask->key)) != NULL) {
		sign(c, n->ticket, key, ask->scheme, ask->tbs);
	} else if (k.n_early < EARLY_MAX) {
		park(c, n->ticket, ask);
	} else {
		(void)why_set(&why, FAIL_GONE, "there is no such key");
		refuse(c, n->ticket, &why);
	}
}

static void
on_peer_gone(struct chan *c)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &k.early)
		if (container_of(l, struct early, link)->chan == c)
			unpark(container_of(l, struct early, link));
}

/* --- the process --------------------------------------------------------- */

static void
on_reload(void)
{
	load();
	serve_early(false);
}

static bool
start(void)
{
	timer_init(&k.forget_old, on_forget_old);
	timer_init(&k.too_late, on_too_late);
	load();
	return true;
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = KEYD, .before_cage = tlskey_warm, .start = start, .on_note = on_note,
		.on_peer_gone = on_peer_gone, .on_reload = on_reload,
	};

	daemon_main(&ops, argc, argv);
}
