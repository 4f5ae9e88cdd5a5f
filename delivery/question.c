/* SPDX-License-Identifier: ISC */
/*
 * delivery/question.c - from a question to its answer.
 *
 * In: name and type.  Out: one answer to everybody who asked it, and into the
 * cache.  Each resolver is tried once a round, best first; a silent one, one
 * that fails or refuses, gives its turn to the next.  Who has answered with a
 * failure is not asked again.  When no answer comes in time: later.
 *
 *	waiting		more are open than the settings allow
 *	open		an exchange with one resolver is under way
 *	over		everybody is answered; freed
 *
 * It never tells anything that did not come for this very question from the
 * resolver it was put to, and nothing past its time.
 *
 * RFC 1035 7, RFC 2181 5.4.1 and 10.1, RFC 2308, RFC 5452, RFC 6840 5.7,
 * RFC 6891 7, RFC 9520.
 */
#include "delivery/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/rand.h"
#include "daemon/daemon.h"
#include "delivery/exchange.h"

#include "base/banned.h"

enum {
	ARENA_MAX = 256 * 1024,		/* one reply's records */
	NEGATIVE_S = 60,		/* a no without a SOA: RFC 2308 5 */
	TTL_FOREVER = INT32_MAX,
};

/* One who waits for the answer. */
struct asker {
	struct link	link;
	struct timer	timer;
	struct chan	*chan;
	uint32_t	ticket;
	struct question	*question;
};

struct question {
	struct link	waiting;
	struct link	askers;
	struct timer	deadline;
	uint8_t		key[KNOWN_KEY_MAX];
	size_t		key_n;
	unsigned	type;
	bool		is_open;
	/* what is asked now: the name, or where CNAMEs have led so far */
	struct dns_name	name;
	struct dns_question asked;
	unsigned	aliases;
	uint32_t	ttl;		/* least of the CNAMEs followed */
	bool		is_validated;
	/* whom */
	struct server	*server;
	struct exchange	exchange;
	unsigned	round;
	unsigned	tried;		/* in this round */
	unsigned	failed;		/* answered, and of no use */
	bool		is_plain;	/* without EDNS, this time */
	struct why	why;		/* the last thing that went wrong */
	struct arena	arena;
};

struct counters counters;

static struct {
	struct dict	dict;		/* key -> question */
	struct link	waiting;
	size_t		open, waits;
	struct defer	next;
} all;

static void	advance(struct question *q);

/* --- telling ------------------------------------------------------------- */

void
known_tell(struct chan *c, uint32_t ticket, unsigned type,
    const struct known *k)
{
	int64_t left_ms = k->until_ms - clock_mono_ms();
	uint32_t left = left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
	struct note_dns_done done = { .result = (uint32_t)k->result,
	    .validated = k->validated, .ttl = left, .name = k->name,
	    .text = k->text };
	struct note_dns_row row = { .type = type };

	for (const struct dns_wire_record *r = k->records; r != NULL;
	    r = r->next) {
		row.ttl = (uint32_t)num_min(r->ttl, left);
		row.preference = r->preference;
		row.data = r->data;
		note_answer_dns_row(c, ticket, &row);
	}
	note_answer_dns_done(c, ticket, &done);
}

static void
asker_free(struct asker *a)
{
	timer_stop(&a->timer);
	list_remove(&a->link);
	free(a);
}

/* --- the end ------------------------------------------------------------- */

static void
start_waiting(struct defer *d)
{
	struct link *l;

	(void)d;
	while (all.open < daemon_conf()->resolver.questions &&
	    (l = list_pop(&all.waiting)) != NULL) {
		struct question *q = container_of(l, struct question, waiting);

		list_init(&q->waiting);
		all.waits--;
		all.open++;
		q->is_open = true;
		advance(q);
	}
}

static void
question_free(struct question *q)
{
	struct link *l;

	(void)dict_del(&all.dict, str_mem(q->key, q->key_n));
	while ((l = list_first(&q->askers)) != NULL)
		asker_free(container_of(l, struct asker, link));
	exchange_end(&q->exchange);
	timer_stop(&q->deadline);
	if (q->is_open)
		all.open--;
	else
		all.waits--;
	list_remove(&q->waiting);
	arena_free(&q->arena);
	free(q);
	if (all.waits > 0)
		defer_put(&all.next);
}

/* Tells everybody, remembers for keep_ms, and is over. */
static void
finish(struct question *q, struct known *k, int64_t keep_ms)
{
	struct link *l;

	if (k->result == DNS_LATER)
		counters.later++;
	k->until_ms = clock_mono_ms() + keep_ms;
	list_each(l, &q->askers) {
		struct asker *a = container_of(l, struct asker, link);

		known_tell(a->chan, a->ticket, q->type, k);
	}
	if (keep_ms > 0)
		known_put(str_mem(q->key, q->key_n), k);
	question_free(q);
}

static void
finish_failed(struct question *q, enum dns_result result, const char *text,
    int64_t keep_ms)
{
	struct known k = { .result = result, .name = str_of(""),
	    .text = str_of(text) };

	finish(q, &k, keep_ms);
}

/* Only a failure that resolvers told us of is remembered: that they do not
 * answer ends when they do. */
static void
finish_later(struct question *q)
{
	char text[TEXT_MAX];
	int64_t keep_ms = q->failed != 0 &&
	    servers_down() < servers_count() ?
	    daemon_conf()->resolver.failure_ttl : 0;

	(void)snprintf(text, sizeof(text), "%.190s", servers_count() == 0 ?
	    "no resolver is known" : q->why.text[0] != '\0' ? q->why.text :
	    "no resolver answered in time");
	finish_failed(q, DNS_LATER, text, keep_ms);
}

static void
on_deadline(struct timer *t)
{
	struct question *q = container_of(t, struct question, deadline);

	if (q->is_open && q->server != NULL)
		(void)why_set(&q->why, FAIL_TEMP, "%s: no answer in time",
		    q->server->text);
	finish_later(q);
}

static void
on_asker_late(struct timer *t)
{
	struct asker *a = container_of(t, struct asker, timer);
	struct known k = { .result = DNS_LATER, .name = str_of(""),
	    .text = STR("no resolver answered in time") };

	counters.later++;
	known_tell(a->chan, a->ticket, a->question->type, &k);
	asker_free(a);	/* the question goes on: its answer is remembered */
}

/* --- an answer ----------------------------------------------------------- */

static int64_t
clamp_ms(uint32_t ttl, int64_t max_ms)
{
	int64_t ms = (int64_t)ttl * 1000;
	int64_t min_ms = daemon_conf()->resolver.ttl_min;

	if (ms < min_ms)
		ms = min_ms;
	return ms < max_ms ? ms : max_ms;
}

static void
finish_reply(struct question *q, const struct dns_reply *r,
    enum dns_result result, const char *text, int64_t max_ms)
{
	struct known k = { .result = result, .text = str_of(text),
	    .validated = q->is_validated, .records = r->records, .n = r->n };
	uint32_t ttl = r->is_ttl_given ? r->ttl : NEGATIVE_S;
	struct buf name;

	buf_init(&name, DNS_NAME_TEXT);
	dns_name_text(&r->name, &name);
	k.name = buf_str(&name);
	finish(q, &k, clamp_ms(ttl < q->ttl ? ttl : q->ttl, max_ms));
	buf_free(&name);
}

/* This resolver is of no use for this question. */
static void
fail_server(struct question *q, const char *what)
{
	counters.failures++;
	q->failed |= server_bit(q->server);
	(void)why_set(&q->why, FAIL_TEMP, "%s: %s", q->server->text, what);
	advance(q);
}

static int	begin(struct question *q, bool is_tcp);

/* Not all errors mean the same: one may be about EDNS. */
static void
on_error_reply(struct question *q, unsigned rcode)
{
	if (q->asked.has_edns && (rcode == RCODE_FORMERR ||
	    rcode == RCODE_NOTIMP || rcode == RCODE_BADVERS)) {
		server_refused_edns(q->server);
		q->is_plain = true;
		if (begin(q, false) != 0)
			advance(q);
		return;
	}
	fail_server(q, dns_rcode_name(rcode));
}

/* The resolver did not follow the CNAME itself: a new question. */
static void
follow(struct question *q, const struct dns_reply *r)
{
	q->aliases += r->aliases;
	q->ttl = r->ttl < q->ttl ? r->ttl : q->ttl;
	q->name = r->name;
	if (q->aliases > DNS_CHAIN_MAX) {
		finish_failed(q, DNS_BAD_ANSWER, "aliases without end",
		    daemon_conf()->resolver.failure_ttl);
		return;
	}
	q->round = q->tried = q->failed = 0;
	advance(q);
}

static void
on_truncated(struct question *q)
{
	if (q->exchange.is_tcp) {
		fail_server(q, "truncated by TCP too");
		return;
	}
	exchange_end(&q->exchange);
	if (begin(q, true) != 0)
		advance(q);
}

static void
on_reply(struct question *q, const struct dns_reply *r)
{
	const struct conf *conf = daemon_conf();

	q->is_validated &= r->is_authentic && q->asked.wants_ad;
	switch (r->kind) {
	case REPLY_RECORDS:
		finish_reply(q, r, DNS_OK, "", conf->resolver.ttl_max);
		return;
	case REPLY_NO_NAME:
		finish_reply(q, r, DNS_NO_NAME, "no such name",
		    conf->resolver.negative_max);
		return;
	case REPLY_NO_DATA:
		finish_reply(q, r, DNS_NO_DATA, "no such record",
		    conf->resolver.negative_max);
		return;
	case REPLY_ALIAS:
		follow(q, r);
		return;
	case REPLY_TRUNCATED:
		on_truncated(q);
		return;
	case REPLY_LOOP:
		finish_failed(q, DNS_BAD_ANSWER, "aliases without end",
		    conf->resolver.failure_ttl);
		return;
	case REPLY_TOO_MUCH:
		finish_failed(q, DNS_BAD_ANSWER, "too many or too large "
		    "records", conf->resolver.failure_ttl);
		return;
	case REPLY_LAME:
		fail_server(q, "is no resolver: it refers to others");
		return;
	case REPLY_ERROR:
		on_error_reply(q, r->rcode);
		return;
	}
}

/* Counts once a question: a name whose own servers are silent must not make
 * a good resolver look dead. */
static void
silent(struct question *q, const char *why)
{
	if (q->round == 0)
		server_silent(q->server, why);
}

static bool
on_packet(struct exchange *x, struct str packet, const char *why)
{
	struct question *q = container_of(x, struct question, exchange);
	struct dns_reply r;
	int rc;

	if (packet.p == NULL) {
		counters.timeouts++;
		silent(q, why);
		(void)why_set(&q->why, FAIL_TEMP, "%s: %s", q->server->text,
		    why);
		advance(q);
		return true;
	}
	arena_reset(&q->arena);
	rc = dns_reply_read(packet, &q->asked, &q->arena, &r);
	if (rc == FAIL_GONE) {
		counters.strays++;
		return false;
	}
	server_answered(q->server, rc == 0 && r.has_edns);
	if (rc != 0)
		fail_server(q, "a broken answer");
	else
		on_reply(q, &r);
	return true;
}

/* --- asking -------------------------------------------------------------- */

static void
prepare(struct question *q)
{
	const struct conf *conf = daemon_conf();
	const struct server *s = q->server;
	struct dns_question *a = &q->asked;
	uint8_t bits[32];

	memset(a, 0, sizeof(*a));
	a->name = q->name;
	a->type = (uint16_t)q->type;
	a->id = (uint16_t)rand_below(65536);
	/* in a later round a resolver that never spoke EDNS may be behind
	 * something that drops it */
	a->has_edns = !q->is_plain && server_may_edns(s) &&
	    (q->round == 0 || s->has_edns);
	a->wants_ad = conf->resolver.trust_ad && s->is_loopback;
	a->wants_case = conf->resolver.random_case;
	if (a->wants_case) {
		rand_bytes(bits, sizeof(bits));
		dns_name_mix(&a->name, bits);
	}
}

static int
begin(struct question *q, bool is_tcp)
{
	struct buf packet;
	struct why why;
	int r;

	exchange_end(&q->exchange);
	prepare(q);
	buf_init(&packet, 1024);
	r = dns_question_write(&q->asked, &packet);
	if (r == 0) {
		r = exchange_begin(&q->exchange, is_tcp, q->server,
		    buf_str(&packet), daemon_conf()->resolver.timeout,
		    on_packet, &why);
		if (r != 0) {
			silent(q, why.text);
			(void)why_set(&q->why, FAIL_TEMP, "%s: %.150s",
			    q->server->text, why.text);
		}
	}
	buf_free(&packet);
	counters.sent += !is_tcp;
	counters.tcp += is_tcp;
	return r;
}

/* The next resolver, in this round or another; false: none. */
static bool
next_server(struct question *q)
{
	for (;;) {
		q->server = server_pick(&q->tried);
		if (q->server != NULL)
			return true;
		if (++q->round >= daemon_conf()->resolver.rounds ||
		    q->failed == (1u << servers_count()) - 1)
			return false;
		q->tried = q->failed;
	}
}

static void
advance(struct question *q)
{
	exchange_end(&q->exchange);
	q->is_plain = false;
	while (next_server(q))
		if (begin(q, false) == 0)
			return;
	finish_later(q);
}

/* --- who asks ------------------------------------------------------------ */

static void
add_asker(struct question *q, struct chan *c, uint32_t ticket,
    int64_t wait_ms)
{
	struct asker *a = xcalloc(1, sizeof(*a));

	a->chan = c;
	a->ticket = ticket;
	a->question = q;
	timer_init(&a->timer, on_asker_late);
	list_init(&a->link);
	list_push(&q->askers, &a->link);
	if (wait_ms > 0)
		timer_set(&a->timer, wait_ms);
}

static struct question *
question_new(struct str key, const struct dns_name *name, unsigned type)
{
	struct question *q = xcalloc(1, sizeof(*q));

	list_init(&q->askers);
	list_init(&q->waiting);
	memcpy(q->key, key.p, key.n);
	q->key_n = key.n;
	q->name = *name;
	q->type = type;
	q->ttl = TTL_FOREVER;
	q->is_validated = true;
	arena_init(&q->arena, ARENA_MAX);
	exchange_init(&q->exchange);
	timer_init(&q->deadline, on_deadline);
	timer_set(&q->deadline, daemon_conf()->resolver.deadline);
	(void)dict_put(&all.dict, key, q);
	all.waits++;
	list_push(&all.waiting, &q->waiting);
	return q;
}

void
question_ask(struct chan *c, uint32_t ticket, const struct dns_name *name,
    unsigned type, int64_t wait_ms)
{
	uint8_t bytes[KNOWN_KEY_MAX];
	struct str key = known_key(name, type, bytes);
	struct question *q = dict_get(&all.dict, key);
	struct known full = { .result = DNS_LATER, .name = str_of(""),
	    .text = STR("too many questions wait") };

	if (q != NULL) {
		counters.merged++;
		add_asker(q, c, ticket, wait_ms);
		return;
	}
	if (all.waits >= daemon_conf()->resolver.waiting) {
		counters.refused++;
		known_tell(c, ticket, type, &full);
		return;
	}
	q = question_new(key, name, type);
	add_asker(q, c, ticket, wait_ms);
	start_waiting(&all.next);
}

static void
forget_in(struct question *q, const struct chan *c)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &q->askers) {
		struct asker *a = container_of(l, struct asker, link);

		if (a->chan == c)
			asker_free(a);
	}
}

void
questions_forget(const struct chan *c)
{
	struct str key;
	void *value;
	size_t at = 0;

	while (dict_next(&all.dict, &at, &key, &value))
		forget_in(value, c);
}

void
questions_init(void)
{
	dict_init(&all.dict);
	list_init(&all.waiting);
	defer_init(&all.next, start_waiting);
}

size_t
questions_open(void)
{
	return all.open;
}

size_t
questions_waiting(void)
{
	return all.waits;
}
