/* SPDX-License-Identifier: ISC */
/*
 * auth/meter.c - counters that fade, penalties and bans.
 *
 *	fewer than three failures	nothing: people mistype
 *	from the third on		each answer waits twice as long
 *	`limit auth-failures'		a ban; the next one is twice as long
 *
 * The same is counted for the neighbourhood of the address, with limits that
 * are `limit network' times as high: a botnet's neighbours pay together, one
 * neighbour's mistake does not lock out a street.
 *
 * No clock in here: the caller says what time it is.
 */
#include "auth/meter.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "base/list.h"
#include "base/banned.h"

#define FREE_FAILURES	3000		/* milli: before the first delay */
#define DELAY_MS	500
#define DELAY_MAX_MS	4000
#define EVICT_LOOK	64		/* records looked at for a victim */
#define STATE_HEAD	"veredus-rated 1"

struct record {
	struct link	lru;
	struct net	net;
	uint64_t	milli;		/* failures, as of milli_at */
	int64_t		milli_at;
	int64_t		ban_until;	/* 0: none yet */
	uint32_t	bans;		/* in a row */
	uint32_t	connections;
	uint16_t	by_slot[METER_SLOTS];
	bool		by_hand;
};

struct meter {
	struct dict	dict;		/* address and bits -> record */
	struct link	lru;		/* least recently touched first */
	size_t		connections;
};

struct meter *
meter_new(void)
{
	struct meter *m = xcalloc(1, sizeof(*m));

	dict_init(&m->dict);
	list_init(&m->lru);
	return m;
}

static struct record *
record_of(struct link *l)
{
	return container_of(l, struct record, lru);
}

void
meter_free(struct meter *m)
{
	struct link *l;

	if (m == NULL)
		return;
	while ((l = list_pop(&m->lru)) != NULL)
		free(record_of(l));
	dict_free(&m->dict);
	free(m);
}

/* --- records ------------------------------------------------------------- */

static struct str
key_of(const struct net *net, uint8_t key[17])
{
	memcpy(key, net->addr, 16);
	key[16] = (uint8_t)net->bits;
	return str_mem(key, 17);
}

static struct record *
find(const struct meter *m, const struct net *net)
{
	uint8_t key[17];

	return dict_get(&m->dict, key_of(net, key));
}

static void
drop(struct meter *m, struct record *r)
{
	uint8_t key[17];

	(void)dict_del(&m->dict, key_of(&r->net, key));
	list_remove(&r->lru);
	free(r);
}

/* Room for one more.  Connected ones stay, for their end will be counted;
 * of the others the oldest that is not banned, else the oldest. */
static bool
evict(struct meter *m, int64_t now_ms)
{
	struct record *victim = NULL, *r;
	struct link *l;
	size_t looked = 0;

	list_each(l, &m->lru) {
		r = record_of(l);
		if (r->connections == 0 && (victim == NULL ||
		    r->ban_until <= now_ms))
			victim = r;
		if (looked++ == EVICT_LOOK || (victim != NULL &&
		    victim->ban_until <= now_ms))
			break;
	}
	if (victim == NULL)
		return false;
	drop(m, victim);
	return true;
}

/* NULL: no room, and nobody to forget. */
static struct record *
touch(struct meter *m, const struct net *net, int64_t now_ms)
{
	struct record *r = find(m, net);
	uint8_t key[17];

	if (r != NULL) {
		list_remove(&r->lru);
		list_push(&m->lru, &r->lru);
		return r;
	}
	if (dict_len(&m->dict) >= METER_RECORDS && !evict(m, now_ms))
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->net = *net;
	r->milli_at = now_ms;
	(void)dict_put(&m->dict, key_of(net, key), r);
	list_push(&m->lru, &r->lru);
	return r;
}

static struct net
single(const uint8_t addr[16])
{
	struct net net = { .bits = 128 };

	memcpy(net.addr, addr, 16);
	return net;
}

static bool
is_single(const struct net *net)
{
	return net->bits == 128;
}

/* --- fading -------------------------------------------------------------- */

/* 2^(-i/8) in 65536ths: straight between them is close enough. */
static const uint64_t eighths[] = { 65536, 60097, 55109, 50535, 46341, 42495,
    38968, 35734, 32768 };

static uint64_t
faded(uint64_t milli, int64_t for_ms, int64_t half_life_ms)
{
	uint64_t halves, rest, i, part, half = (uint64_t)half_life_ms;

	if (for_ms <= 0 || half_life_ms <= 0)
		return milli;
	halves = (uint64_t)for_ms / half;
	if (halves >= 63)
		return 0;
	rest = (uint64_t)for_ms % half * 8;
	i = rest / half;
	part = (eighths[i] - eighths[i + 1]) * (rest % half) / half;
	return (milli >> halves) * (eighths[i] - part) / 65536;
}

static uint64_t
milli_now(const struct record *r, const struct meter_limits *l,
    int64_t now_ms)
{
	return faded(r->milli, now_ms - r->milli_at, l->half_life_ms);
}

static uint64_t
times(const struct record *r, const struct meter_limits *l)
{
	return is_single(&r->net) ? 1 : l->network;
}

static bool
is_banned(const struct record *r, int64_t now_ms)
{
	return r->ban_until > now_ms;
}

static void
ban(struct record *r, const struct meter_limits *l, int64_t now_ms)
{
	int64_t ms = l->ban_ms;
	uint32_t i;

	if (r->ban_until != 0 && now_ms - r->ban_until > l->ban_max_ms)
		r->bans = 0;
	for (i = 0; i < r->bans && ms < l->ban_max_ms; i++)
		ms *= 2;
	if (ms > l->ban_max_ms)
		ms = l->ban_max_ms;
	r->bans++;
	r->ban_until = now_ms + ms;
	r->by_hand = false;
	r->milli /= 2;		/* after the ban: half the patience is left */
}

static void
add(struct record *r, const struct meter_limits *l, uint32_t milli,
    int64_t now_ms)
{
	r->milli = milli_now(r, l, now_ms) + milli;
	r->milli_at = now_ms;
	if (!is_banned(r, now_ms) &&
	    r->milli >= (uint64_t)l->failures * 1000 * times(r, l))
		ban(r, l, now_ms);
}

static uint32_t
delay_of(const struct record *r, const struct meter_limits *l,
    int64_t now_ms)
{
	uint64_t milli = milli_now(r, l, now_ms) / times(r, l);
	uint32_t ms = DELAY_MS;

	if (milli < FREE_FAILURES)
		return 0;
	for (milli -= FREE_FAILURES; milli >= 1000 && ms < DELAY_MAX_MS;
	    milli -= 1000)
		ms *= 2;
	return ms;
}

/* --- verdicts ------------------------------------------------------------ */

static void
judge(const struct record *r, const struct meter_limits *l, int64_t now_ms,
    struct meter_verdict *v)
{
	uint32_t delay;

	if (r == NULL || v->refuse)
		return;
	delay = delay_of(r, l, now_ms);
	v->refuse = is_banned(r, now_ms) ||
	    r->connections > l->connections * times(r, l);
	if (is_banned(r, now_ms))
		snprintf(v->text, sizeof(v->text), "too many failures from "
		    "your address, try again in %" PRId64 " minutes",
		    (r->ban_until - now_ms + 59999) / 60000);
	else if (v->refuse)
		snprintf(v->text, sizeof(v->text), "too many connections from "
		    "your address, %" PRIu64 " are allowed",
		    l->connections * times(r, l));
	else if (delay > v->delay_ms)
		v->delay_ms = delay;
}

static void
pair(struct meter *m, const uint8_t addr[16], int64_t now_ms,
    struct record *out[2])
{
	struct net alone = single(addr), around;

	net_around(addr, &around);
	out[0] = touch(m, &alone, now_ms);
	out[1] = touch(m, &around, now_ms);
	/* Making room for the second may have cost the first. */
	out[0] = find(m, &alone);
}

static void
connected(struct record *r, unsigned slot)
{
	if (r == NULL || r->by_slot[slot] == UINT16_MAX)
		return;
	r->by_slot[slot]++;
	r->connections++;
}

void
meter_connect(struct meter *m, const struct meter_limits *l,
    const uint8_t addr[16], unsigned slot, int64_t now_ms,
    struct meter_verdict *out)
{
	struct record *r[2];
	size_t i;

	*out = (struct meter_verdict){ .refuse = false };
	pair(m, addr, now_ms, r);
	for (i = 0; i < 2; i++) {
		connected(r[i], slot % METER_SLOTS);
		judge(r[i], l, now_ms, out);
	}
	m->connections++;
}

static void
disconnected(struct record *r, unsigned slot)
{
	if (r == NULL || r->by_slot[slot] == 0)
		return;
	r->by_slot[slot]--;
	r->connections--;
}

void
meter_disconnect(struct meter *m, const uint8_t addr[16], unsigned slot)
{
	struct net alone = single(addr), around;

	net_around(addr, &around);
	disconnected(find(m, &alone), slot % METER_SLOTS);
	disconnected(find(m, &around), slot % METER_SLOTS);
	if (m->connections > 0)
		m->connections--;
}

void
meter_slot_gone(struct meter *m, unsigned slot)
{
	struct link *l;

	slot %= METER_SLOTS;
	list_each(l, &m->lru) {
		struct record *r = record_of(l);

		r->connections -= r->by_slot[slot];
		if (is_single(&r->net))
			m->connections -= r->by_slot[slot] < m->connections ?
			    r->by_slot[slot] : m->connections;
		r->by_slot[slot] = 0;
	}
}

void
meter_failure(struct meter *m, const struct meter_limits *l,
    const uint8_t addr[16], uint32_t milli, int64_t now_ms,
    struct meter_verdict *out)
{
	struct record *r[2];
	size_t i;

	*out = (struct meter_verdict){ .refuse = false };
	pair(m, addr, now_ms, r);
	for (i = 0; i < 2; i++) {
		if (r[i] == NULL)
			continue;
		add(r[i], l, milli, now_ms);
		judge(r[i], l, now_ms, out);
	}
}

/* --- by hand ------------------------------------------------------------- */

static bool
is_kept(const struct net *net)
{
	struct net around;

	net_around(net->addr, &around);
	return is_single(net) || net->bits == around.bits;
}

int
meter_ban(struct meter *m, const struct net *net, int64_t until_ms,
    int64_t now_ms)
{
	struct record *r;

	if (!is_kept(net))
		return FAIL_SYNTAX;
	r = touch(m, net, now_ms);
	if (r == NULL)
		return FAIL_TEMP;
	r->ban_until = until_ms;
	r->by_hand = true;
	return 0;
}

int
meter_forget(struct meter *m, const struct net *net)
{
	struct record *r = find(m, net);

	if (!is_kept(net))
		return FAIL_SYNTAX;
	if (r == NULL || (r->ban_until == 0 && r->milli == 0))
		return FAIL_GONE;
	r->ban_until = 0;
	r->bans = 0;
	r->milli = 0;
	r->by_hand = false;
	return 0;
}

/* --- lists and the state file ------------------------------------------- */

void
meter_each(const struct meter *m, const struct meter_limits *l,
    int64_t now_ms, meter_row_fn *fn, void *arg)
{
	struct link *e;

	list_each(e, &m->lru) {
		const struct record *r = record_of(e);
		struct meter_row row = {
			.net = r->net,
			.until_ms = is_banned(r, now_ms) ? r->ban_until : 0,
			.failures = (uint32_t)(milli_now(r, l, now_ms) / 1000),
			.by_hand = r->by_hand,
		};

		if (row.until_ms != 0 || row.failures > 0)
			fn(arg, &row);
	}
}

size_t
meter_records(const struct meter *m)
{
	return dict_len(&m->dict);
}

size_t
meter_connections(const struct meter *m)
{
	return m->connections;
}

void
meter_net_text(const struct net *net, struct buf *out)
{
	bool is_v4 = net->bits >= 96 && net_is_ipv4(net->addr);
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(is_v4 ? AF_INET : AF_INET6, net->addr + (is_v4 ? 12 : 0),
	    text, sizeof(text)) == NULL)
		bug("an address that is none");
	buf_z(out, text);
	if (!is_single(net))
		buf_fmt(out, "/%u", net->bits - (is_v4 ? 96 : 0));
}

void
meter_save(const struct meter *m, const struct meter_limits *l,
    int64_t now_ms, struct buf *out)
{
	struct link *e;

	buf_z(out, STATE_HEAD "\n");
	list_each(e, &m->lru) {
		const struct record *r = record_of(e);
		uint64_t milli = milli_now(r, l, now_ms);

		if (milli < 500 && now_ms - r->ban_until > l->ban_max_ms)
			continue;
		meter_net_text(&r->net, out);
		buf_fmt(out, " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu32
		    " %d\n", milli, now_ms, r->ban_until, r->bans,
		    r->by_hand);
	}
}

static int
load_line(struct meter *m, struct str line, int64_t now_ms)
{
	struct str net_text = str_word(&line), word;
	uint64_t v[5];
	struct record *r;
	struct net net;
	size_t i;

	for (i = 0; i < NITEMS(v); i++) {
		word = str_word(&line);
		if (!str_u64(word, INT64_MAX, &v[i]))
			return FAIL_SYNTAX;
	}
	if (str_more(line) || !net_parse(net_text, &net) || !is_kept(&net) ||
	    v[3] > UINT32_MAX || v[4] > 1)
		return FAIL_SYNTAX;
	r = touch(m, &net, now_ms);
	if (r == NULL)
		return 0;
	r->milli = v[0];
	/* A clock that was set back would keep them for ever. */
	r->milli_at = (int64_t)v[1] < now_ms ? (int64_t)v[1] : now_ms;
	r->ban_until = (int64_t)v[2];
	r->bans = (uint32_t)v[3];
	r->by_hand = v[4] == 1;
	return 0;
}

int
meter_load(struct meter *m, struct str text, int64_t now_ms)
{
	struct str line;

	if (!str_line(&text, &line) || !str_same(line, STATE_HEAD))
		return FAIL_SYNTAX;
	while (str_line(&text, &line))
		if (load_line(m, line, now_ms) != 0)
			return FAIL_SYNTAX;
	return 0;
}
