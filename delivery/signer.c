/* SPDX-License-Identifier: ISC */
/*
 * delivery/signer.c - what signd does with a note.
 *
 * For whom: the domain in From must be the account's own or one below it, or
 * with `dkim senders local' any domain served here.  Without a login only
 * what `dkim without-login' names.  bounce signs as our hostname.  A smtpd
 * that is taken over can so sign for the accounts that logged in through it,
 * and for nobody else.
 *
 * Keys that came since the last start or reload are a whole set; they are
 * read when they come and parsed when all are there.  No private octet is
 * ever said to anybody.
 *
 * RFC 6376 5; RFC 6376 5.4.2 and 8.15 for what is signed twice.
 */
#include "delivery/signer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/grant.h"
#include "daemon/daemon.h"
#include "delivery/sign.h"
#include "mail/dmarc.h"
#include "mail/header.h"

#include "base/banned.h"

enum {
	HEADER_MAX = 256 * 1024,
	CHUNK = 64 * 1024,
	LINES_MAX = 12 * 1024,
	MESSAGES_MAX = 10000,	/* libopendkim loses a little with each */
	ARENA_CAP = 64 * 1024,
	KEY_MIN_BITS = 1024,	/* RFC 8301 3.2 */
};

static struct {
	struct sign_key	*keys, *next;	/* in use; those of the next settings */
	uint64_t	signed_, unsigned_, refused, failed, keys_n;
	uint8_t		chunk[CHUNK];
} signd;

/* --- keys ---------------------------------------------------------------- */

static void
key_free(struct sign_key *k)
{
	if (k->pem != NULL)
		explicit_bzero(k->pem, k->pem_len);
	free(k->pem);
	free(k->domain);
	free(k->selector);
	free(k);
}

static void
keys_free(struct sign_key **first)
{
	struct sign_key *k;

	while ((k = *first) != NULL) {
		*first = k->next;
		key_free(k);
	}
}

static void
key_bad(const struct note_sign_key *n, const char *text)
{
	log_event(LOG_LEVEL_ERROR, "dkim-key-refused");
	log_str("domain", n->domain);
	log_str("selector", n->selector);
	log_z("text", text);
	log_end();
}

static bool
read_pem(int fd, struct buf *out)
{
	struct stat st;
	uint8_t *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    st.st_size > KEYPAIR_PEM_MAX ||
	    (p = buf_grow(out, (size_t)st.st_size)) == NULL ||
	    file_pread(fd, p, (size_t)st.st_size, 0) != 0)
		return false;
	buf_grown(out, (size_t)st.st_size);
	return true;
}

/* Parsed when all are there, and the cage is locked. */
static void
take_key(const struct note *note)
{
	const struct note_sign_key *n = note_as_sign_key(note);
	struct sign_key *k;
	struct buf pem;

	buf_init(&pem, KEYPAIR_PEM_MAX);
	if (!read_pem(n->fd, &pem)) {
		key_bad(n, "the file cannot be read");
	} else {
		k = xcalloc(1, sizeof(*k));
		k->domain = xmemdupz(n->domain.p, n->domain.n);
		k->selector = xmemdupz(n->selector.p, n->selector.n);
		k->pem = xmemdupz(buf_str(&pem).p, pem.len);
		k->pem_len = pem.len;
		k->next = signd.next;
		signd.next = k;
	}
	buf_wipe(&pem);
}

static const char *
key_fault(struct sign_key *k)
{
	if (keypair_read(str_mem(k->pem, k->pem_len), &k->type, &k->bits,
	    NULL) != 0)
		return "no private key of type rsa or ed25519 without password";
	if (k->type == KEYPAIR_RSA && k->bits < KEY_MIN_BITS)
		return "an RSA key has at least 1024 bits";
	return NULL;
}

/* The keys dealt since the last time are those that count now. */
void
signer_swap_keys(void)
{
	struct sign_key **at = &signd.next, *k;

	signd.keys_n = 0;
	while ((k = *at) != NULL) {
		struct note_sign_key n = { .domain = str_of(k->domain),
		    .selector = str_of(k->selector) };
		const char *fault = key_fault(k);

		if (fault == NULL) {
			at = &k->next;
			signd.keys_n++;
			continue;
		}
		key_bad(&n, fault);
		*at = k->next;
		key_free(k);
	}
	keys_free(&signd.keys);
	signd.keys = signd.next;
	signd.next = NULL;
	log_event(LOG_LEVEL_INFO, "dkim-keys");
	log_u64("keys", signd.keys_n);
	log_end();
}

static size_t
keys_of(struct str domain, const struct sign_key *out[SIGN_KEYS_MAX])
{
	size_t n = 0;

	for (const struct sign_key *k = signd.keys; k != NULL; k = k->next)
		if (str_is(domain, k->domain) && n < SIGN_KEYS_MAX)
			out[n++] = k;
	return n;
}

/* --- who may ------------------------------------------------------------- */

static bool
is_below(struct str name, struct str above)
{
	return above.n > 0 && name.n >= above.n &&
	    str_ieq(str_from(name, name.n - above.n), above) &&
	    (name.n == above.n || name.p[name.n - above.n - 1] == '.');
}

static bool
is_listed(const struct strs *list, struct str domain)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_below(domain, list->v[i]))
			return true;
	return false;
}

static bool
has_grant(const struct note_sign_ask *n)
{
	struct grant g = { .account = n->account, .home = n->home,
	    .service = n->service, .sid = n->sid,
	    .expires_ms = n->expires_ms };

	return grant_check(daemon_key("grant"), &g, n->grant, clock_real_ms());
}

/* May who asks have mail from this domain signed? */
static bool
may_sign(enum proc who, const struct note_sign_ask *n, struct str domain)
{
	const struct conf *c = daemon_conf();
	struct str own = str_from(n->account, str_rchr(n->account, '@') + 1);

	if (who == BOUNCE)
		return str_ieq(domain, c->site.hostname);
	if (n->account.n == 0)
		return is_listed(&c->dkim.without_login, domain);
	if (is_below(domain, own))
		return true;
	return str_same(c->dkim.senders, "local") &&
	    is_listed(&c->site.domains, domain);
}

/* The keys of the domain in From, else of the nearest one above it: a
 * signature of the parent is aligned too (RFC 9989 4.4.1). */
static size_t
find_keys(enum proc who, const struct note_sign_ask *n, struct str domain,
    const struct sign_key *out[SIGN_KEYS_MAX])
{
	size_t found = 0;

	for (; domain.n > 0 && found == 0;
	    domain = str_from(domain, str_chr(domain, '.') + 1)) {
		/* the host name's parents are ours; an account's only so far */
		if (who != BOUNCE && !may_sign(who, n, domain))
			break;
		found = keys_of(domain, out);
	}
	return found;
}

/* --- one message --------------------------------------------------------- */

static bool
read_header(const struct note_sign_ask *n, struct buf *out)
{
	size_t want = n->size < HEADER_MAX ? (size_t)n->size : HEADER_MAX;
	uint8_t *p;

	buf_add(out, n->added);
	p = buf_grow(out, want);
	if (p == NULL || (want > 0 && file_pread(n->fd, p, want,
	    (off_t)n->offset) != 0))
		return false;
	buf_grown(out, want);
	return true;
}

static int
sign_file(struct sign *s, const struct note_sign_ask *n, uint64_t from,
    struct why *why)
{
	int rc = 0;

	while (rc == 0 && from < n->size) {
		size_t want = n->size - from < CHUNK ?
		    (size_t)(n->size - from) : CHUNK;

		if (file_pread(n->fd, signd.chunk, want,
		    (off_t)(n->offset + from)) != 0)
			return why_errno(why, FAIL_TEMP, "reading the message");
		rc = sign_body(s, str_mem(signd.chunk, want), why);
		from += want;
	}
	return rc;
}

static int
sign_message(const struct note_sign_ask *n, struct str all,
    const struct sign_key *const *keys, size_t n_keys, struct buf *lines,
    struct why *why)
{
	size_t header = header_end(all);
	struct sign s;
	int rc;

	if (header == all.n && all.n >= HEADER_MAX)
		return why_set(why, FAIL_TOO_BIG, "the header is too long");
	if ((rc = sign_begin(&s, keys, n_keys, why)) != 0)
		return rc;
	rc = sign_header(&s, str_sub(all, 0, header), why);
	if (rc == 0)
		rc = sign_file(&s, n, header - n->added.n, why);
	if (rc == 0)
		rc = sign_end(&s, lines, why);
	sign_free(&s);
	return rc;
}

/* Whom it says it is from: one field, one domain; else nothing is signed. */
static struct str
author_of(struct str all, struct arena *a)
{
	struct str domain[2];
	size_t fields;

	if (dmarc_authors(all, a, domain, 2, &fields) == 1 && fields == 1)
		return domain[0];
	return STR("");
}

static void
tell(const struct note_sign_ask *n, const char *event, enum log_level level,
    struct str domain, const char *text)
{
	log_event(level, event);
	log_str("mid", n->mid);
	log_str("domain", domain);
	if (n->account.n > 0)
		log_str("account", n->account);
	if (text != NULL)
		log_z("text", text);
	log_end();
}

static void
tell_signed(const struct note_sign_ask *n, struct str domain,
    const struct sign_key *const *keys, size_t n_keys)
{
	struct buf names;

	buf_init(&names, 1024);
	for (size_t i = 0; i < n_keys; i++)
		buf_fmt(&names, "%s%s", i > 0 ? "," : "", keys[i]->selector);
	log_event(LOG_LEVEL_INFO, "dkim-signed");
	log_str("mid", n->mid);
	log_str("domain", domain);
	log_z("d", keys[0]->domain);
	log_str("s", buf_str(&names));
	log_end();
	buf_free(&names);
}

static int
work(enum proc who, const struct note_sign_ask *n, struct buf *lines,
    struct why *why)
{
	const struct sign_key *keys[SIGN_KEYS_MAX];
	struct str domain;
	struct arena a;
	struct buf all;
	size_t n_keys;
	int rc = 0;

	arena_init(&a, ARENA_CAP);
	buf_init(&all, HEADER_MAX + n->added.n);
	if (n->fd < 0 || !read_header(n, &all)) {
		rc = why_set(why, FAIL_TEMP, "the message cannot be read");
		domain = STR("");
	} else {
		domain = author_of(buf_str(&all), &a);
		n_keys = find_keys(who, n, domain, keys);
		if (n_keys > 0 && may_sign(who, n, domain))
			rc = sign_message(n, buf_str(&all), keys, n_keys,
			    lines, why);
		if (rc == 0 && lines->len > 0)
			tell_signed(n, domain, keys, n_keys);
		else if (rc == 0)
			tell(n, "dkim-unsigned", LOG_LEVEL_INFO, domain,
			    may_sign(who, n, domain) ? "no key" :
			    "not the sender's domain");
	}
	if (rc != 0)
		tell(n, "dkim-failed", LOG_LEVEL_WARN, domain, why->text);
	buf_free(&all);
	arena_free(&a);
	return rc;
}

static void
on_ask(struct chan *c, const struct note *note)
{
	const struct note_sign_ask *n = note_as_sign_ask(note);
	struct note_sign_done done = { .failed = 0 };
	struct why why = { .text = "" };
	struct buf lines;
	int rc;

	buf_init(&lines, LINES_MAX);
	if (c->peer == SMTPD && n->account.n > 0 && !has_grant(n)) {
		signd.refused++;
		rc = why_set(&why, FAIL_DENIED, "no live grant");
		tell(n, "dkim-refused", LOG_LEVEL_WARN, STR(""), why.text);
	} else if (signd.keys == NULL) {
		rc = 0;		/* a host that signs nothing: no word about it */
		signd.unsigned_++;
	} else {
		rc = work(c->peer, n, &lines, &why);
		signd.failed += rc != 0;
		signd.signed_ += rc == 0 && lines.len > 0;
		signd.unsigned_ += rc == 0 && lines.len == 0;
	}
	done.failed = (uint32_t)-rc;
	done.text = str_of(why.text);
	if (rc == 0)
		done.added = buf_str(&lines);
	note_answer_sign_done(c, note->ticket, &done);
	buf_free(&lines);
	if (signd.signed_ >= MESSAGES_MAX)
		daemon_renew();
}

void
signer_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_SIGN_ASK)
		on_ask(c, n);
	else if (n->kind == NOTE_SIGN_KEY)
		take_key(n);
}

/* --- life ---------------------------------------------------------------- */

void
signer_warm(void)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
	    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
	    "-----END PRIVATE KEY-----\n";	/* RFC 8463 A.2: no secret */
	enum keypair_type t;
	unsigned bits;

	sign_init();	/* says first that OpenSSL reads no openssl.cnf */
	digest_warm();
	if (keypair_read(STR(pem), &t, &bits, NULL) != 0)
		bug("a key cannot be read");
}

void
signer_stat(void)
{
	daemon_stat("keys", signd.keys_n);
	daemon_stat("signed", signd.signed_);
	daemon_stat("unsigned", signd.unsigned_);
	daemon_stat("refused", signd.refused);
	daemon_stat("failed", signd.failed);
}
