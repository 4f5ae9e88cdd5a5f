/* SPDX-License-Identifier: ISC */
/*
 * smtpd/author.c - DKIM, then DMARC, of one message.
 *
 *	KEYS	the header is read, all keys are asked for side by side
 *	BODY	read and hashed in one go: it is here, and checkd is one of
 *		several
 *	SPF	waits for author_spf, if it has not been called
 *	DMARC	one question after the other, for each domain in From
 *	OVER
 *
 * Several domains in From, or several From fields: each is judged, and the
 * worst verdict counts; else a stranger would put his own domain beside the
 * one he pretends to be.  What cannot be judged whole (too many domains, a
 * header without end, a name that is none) is judged as far as it can be, and
 * is permerror at least.
 *
 * RFC 9989 5.3, RFC 8601.
 */
#include "smtpd/author.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "daemon/daemon.h"
#include "daemon/dns.h"
#include "event/loop.h"
#include "mail/header.h"
#include "smtpd/dkim.h"

#include "base/banned.h"

enum {
	HEADER_MAX = 512 * 1024,
	CHUNK = 64 * 1024,
	DOMAINS_MAX = 4,
	ARENA_CAP = 64 * 1024,
	KEYS_MAX = 32,		/* as dkim.c has */
	WAIT_MS = 20000,	/* smtpd's client waits for all of it */
};

struct question {
	struct author	*author;
	struct dns_query *query;	/* NULL: answered */
	size_t		number;
};

struct author {
	int		fd;
	uint64_t	offset, size, body_at;
	author_then_fn	*then;
	void		*arg;
	struct arena	arena;
	struct timer	over;
	bool		has_spf, has_dkim, is_over;
	struct str	spf;
	enum spf_result	spf_result;
	struct dkim_check *dkim;
	struct question	key[KEYS_MAX];
	size_t		keys, answered;
	struct str	domain[DOMAINS_MAX];
	size_t		domains, at;
	const char	*flaw;		/* why it cannot be judged whole */
	struct question	record;
	unsigned	exists_step;	/* A, AAAA, MX */
	struct dmarc	dmarc;
	struct author_verdict verdict;
	bool		is_judged;
};

static psl_ctx_t *suffixes;

/* --- the list of public suffixes ----------------------------------------- */

void
author_init(void)
{
	dkim_check_init();
	suffixes = psl_latest(NULL);
}

static struct str
org_of(void *arg, struct str domain)
{
	char name[DMARC_NAME_MAX + 1];
	const char *org;

	(void)arg;
	if (suffixes == NULL || domain.n > DMARC_NAME_MAX)
		return STR("");
	for (size_t i = 0; i < domain.n; i++)
		name[i] = (char)ascii_lower(domain.p[i]);
	name[domain.n] = '\0';
	org = psl_registrable_domain(suffixes, name);
	return org == NULL ? STR("") : str_from(domain, (size_t)(org - name));
}

/* --- the end ------------------------------------------------------------- */

static void
on_over(struct timer *t)
{
	struct author *a = container_of(t, struct author, over);

	a->then(a->arg);
}

static void
end(struct author *a)
{
	a->is_over = true;
	timer_set(&a->over, 0);
}

/* --- DMARC --------------------------------------------------------------- */

static void	dmarc_go(struct author *a);

/* How bad: fail by what is asked for, then what may be fail, then nothing. */
static int
badness(enum dmarc_result r, enum dmarc_policy p)
{
	static const int rank[] = {
		[DMARC_PASS] = 0, [DMARC_NONE] = 1, [DMARC_PERMERROR] = 2,
		[DMARC_TEMPERROR] = 3, [DMARC_FAIL] = 4,
	};

	return rank[r] + (r == DMARC_FAIL ? (int)p : 0);
}

static void
judge(struct author *a, enum dmarc_result r, enum dmarc_policy p,
    struct str domain, const char *reason)
{
	struct author_verdict *v = &a->verdict;

	if (a->is_judged && badness(r, p) <= badness(v->result, v->policy))
		return;
	a->is_judged = true;
	v->result = r;
	v->policy = p;
	v->domain = domain;
	v->reason = reason;
}

static void
on_record(void *arg, const struct dns_answer *ans)
{
	struct question *q = arg;
	struct author *a = q->author;

	q->query = NULL;
	for (size_t i = 0; i < ans->n; i++)
		dmarc_txt(&a->dmarc, ans->records[i].data);
	dmarc_answered(&a->dmarc, false, dns_is_failure(ans->result));
	dmarc_go(a);
}

static const enum dns_type exists_types[] = { DNS_A, DNS_AAAA, DNS_MX };

static void
on_exists(void *arg, const struct dns_answer *ans)
{
	struct question *q = arg;
	struct author *a = q->author;
	bool more = ans->result == DNS_NO_DATA &&
	    ++a->exists_step < NITEMS(exists_types);

	q->query = NULL;
	if (!more) {
		a->exists_step = 0;
		dmarc_answered(&a->dmarc, ans->result == DNS_OK,
		    dns_is_failure(ans->result));
	}
	dmarc_go(a);
}

static bool
by_list(void)
{
	return str_same(daemon_conf()->dmarc.organisation, "list");
}

/* Domains of signatures that ended so. */
static void
add_signed(struct author *a, enum dkim_verdict verdict,
    void (*add)(struct dmarc *, enum dmarc_id, struct str))
{
	for (size_t i = 0; i < dkim_check_results(a->dkim); i++) {
		const struct dkim_result *r = dkim_check_result(a->dkim, i);

		if (r->verdict == verdict)
			add(&a->dmarc, DMARC_DKIM, r->domain);
	}
}

/* First what is proved: there is not room for everything. */
static void
dmarc_next_domain(struct author *a)
{
	dmarc_begin(&a->dmarc, a->domain[a->at], by_list() ? org_of : NULL,
	    NULL);
	if (a->spf_result == SPF_PASS)
		dmarc_add(&a->dmarc, DMARC_SPF, a->spf);
	add_signed(a, DKIM_V_PASS, dmarc_add);
	if (a->spf_result == SPF_TEMPERROR)
		dmarc_add_unknown(&a->dmarc, DMARC_SPF, a->spf);
	add_signed(a, DKIM_V_TEMPERROR, dmarc_add_unknown);
}

static void
dmarc_end(struct author *a)
{
	if (a->flaw != NULL)
		judge(a, DMARC_PERMERROR, DMARC_P_NONE, a->domains > 0 ?
		    a->domain[0] : STR(""), a->flaw);
	end(a);
}

static void
dmarc_go(struct author *a)
{
	struct dmarc *d = &a->dmarc;
	struct question *q = &a->record;

	while (dmarc_step(d) == DMARC_DONE) {
		judge(a, d->result, d->policy, d->author, d->reason);
		if (++a->at == a->domains) {
			dmarc_end(a);
			return;
		}
		dmarc_next_domain(a);
	}
	q->author = a;
	if (d->ask_exists)
		q->query = dns_ask(str_of(d->ask),
		    exists_types[a->exists_step], WAIT_MS, on_exists, q);
	else
		q->query = dns_ask(str_of(d->ask), DNS_TXT, WAIT_MS, on_record,
		    q);
}

static void
dmarc_start(struct author *a)
{
	if (!a->has_spf || !a->has_dkim || a->is_over)
		return;
	if (a->domains == 0) {
		dmarc_end(a);
		return;
	}
	dmarc_next_domain(a);
	dmarc_go(a);
}

/* --- DKIM ---------------------------------------------------------------- */

static void
read_body(struct author *a)
{
	uint8_t *chunk = xmalloc(CHUNK);

	for (uint64_t at = a->body_at; at < a->size;) {
		size_t n = a->size - at < CHUNK ? (size_t)(a->size - at) :
		    CHUNK;

		if (file_pread(a->fd, chunk, n, (off_t)(a->offset + at)) != 0)
			break;		/* the hashes will not fit */
		dkim_check_body(a->dkim, str_mem(chunk, n));
		at += n;
	}
	free(chunk);
	dkim_check_end(a->dkim);
	a->has_dkim = true;
	dmarc_start(a);
}

static void
on_key(void *arg, const struct dns_answer *ans)
{
	struct question *q = arg;
	struct author *a = q->author;

	q->query = NULL;
	for (size_t i = 0; i < ans->n; i++)
		dkim_check_txt(a->dkim, q->number, ans->records[i].data);
	dkim_check_answered(a->dkim, q->number, dns_is_failure(ans->result));
	if (++a->answered == a->keys)
		read_body(a);
}

static void
ask_keys(struct author *a)
{
	a->keys = dkim_check_keys(a->dkim);
	for (size_t i = 0; i < a->keys && i < KEYS_MAX; i++) {
		a->key[i] = (struct question){ .author = a, .number = i };
		a->key[i].query = dns_ask(str_of(dkim_check_key(a->dkim, i)),
		    DNS_TXT, WAIT_MS, on_key, &a->key[i]);
	}
	if (a->keys == 0)
		read_body(a);
}

/* --- begin --------------------------------------------------------------- */

/* RFC 9989 5.3.1: as the DNS knows it.  A name that has no such form is
 * nobody's; false. */
static bool
to_ascii(struct author *a, struct str *domain)
{
	const char *name = str_z(&a->arena, *domain);
	uint8_t *ascii = NULL;
	bool ok;

	if (str_is_ascii(*domain))
		return name != NULL;
	ok = name != NULL && idn2_lookup_u8((const uint8_t *)name, &ascii,
	    IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK;
	if (ok)
		*domain = arena_str(&a->arena, str_of((char *)ascii));
	idn2_free(ascii);
	return ok;
}

static void
read_authors(struct author *a, struct str block)
{
	struct str from[DOMAINS_MAX];
	size_t n = dmarc_authors(block, &a->arena, from, DOMAINS_MAX,
	    &a->verdict.from_fields);

	if (n == 0 && a->flaw == NULL)
		a->flaw = "no address in From";
	if (n > DOMAINS_MAX)
		a->flaw = "too many domains in From";
	for (size_t i = 0; i < n && i < DOMAINS_MAX; i++)
		if (to_ascii(a, &from[i]))
			a->domain[a->domains++] = from[i];
		else
			a->flaw = "no name of a domain in From";
}

static void
read_header(struct author *a)
{
	size_t n = a->size < HEADER_MAX ? (size_t)a->size : HEADER_MAX;
	struct str block;
	struct buf b;
	uint8_t *p;

	buf_init(&b, HEADER_MAX);
	p = buf_grow(&b, n);
	if (n > 0 && file_pread(a->fd, p, n, (off_t)a->offset) == 0)
		buf_grown(&b, n);
	block = buf_str(&b);
	a->body_at = header_end(block);
	if (a->body_at == n && a->size > n)
		a->flaw = "the header is too large";
	block = str_sub(block, 0, (size_t)a->body_at);
	read_authors(a, block);
	dkim_check_header(a->dkim, block);
	buf_free(&b);
}

struct author *
author_new(int fd, uint64_t offset, uint64_t size, author_then_fn *then,
    void *arg)
{
	struct author *a = xcalloc(1, sizeof(*a));

	a->fd = fd;
	a->offset = offset;
	a->size = size;
	a->then = then;
	a->arg = arg;
	arena_init(&a->arena, ARENA_CAP);
	timer_init(&a->over, on_over);
	a->dkim = dkim_check_new(daemon_conf()->dkim.signatures);
	read_header(a);
	ask_keys(a);
	return a;
}

void
author_free(struct author *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->keys && i < KEYS_MAX; i++)
		dns_forget(a->key[i].query);
	dns_forget(a->record.query);
	timer_stop(&a->over);
	dkim_check_free(a->dkim);
	arena_free(&a->arena);
	free(a);
}

void
author_spf(struct author *a, enum spf_result result, struct str domain)
{
	a->spf = arena_str(&a->arena, domain);
	a->spf_result = result;
	a->has_spf = true;
	dmarc_start(a);
}

/* --- results ------------------------------------------------------------- */

const struct author_verdict *
author_verdict(const struct author *a)
{
	return &a->verdict;
}

void
author_put(const struct author *a, struct authres *out)
{
	const struct author_verdict *v = &a->verdict;

	dkim_check_put(a->dkim, out);
	authres_result(out, "dmarc", dmarc_result_name(v->result));
	if (v->reason != NULL)
		authres_reason(out, v->reason);
	if (v->result == DMARC_PASS || v->result == DMARC_FAIL)
		authres_prop(out, "policy", "dmarc",
		    str_of(dmarc_policy_name(v->policy)));
	authres_prop(out, "header", "from", v->domain);
}
