/* SPDX-License-Identifier: ISC */
/*
 * auth/count.c - counters that decay, and the bans that follow from them.
 */
#include "auth/count.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "conf/net.h"

#include "base/banned.h"

enum {
	HALF_MS = 10 * 60 * 1000,
	NETWORK_FACTOR = 4,
	FORGIVE_BANS_MS = 24 * 3600 * 1000,
	PEERS_MAX = 200000,	/* 100 bytes each */
	DELAY_MS = 500,		/* a failure */
	DELAY_MAX_MS = 4000,	/* below the patience of clients */
};

void
count_init(struct count *c, const struct count_limits *l)
{
	memset(c, 0, sizeof(*c));
	dict_init(&c->peers);
	c->limits = *l;
}

void
count_free(struct count *c)
{
	struct str key;
	void *p;

	for (size_t at = 0; dict_next(&c->peers, &at, &key, &p);)
		free(p);
	dict_free(&c->peers);
}

/* --- one of them --------------------------------------------------------- */

static struct str
key_of(const uint8_t addr[16], uint8_t bits, uint8_t out[17])
{
	memcpy(out, addr, 16);
	out[16] = bits;
	return str_mem(out, 17);
}

static struct peer *
find(const struct count *c, const uint8_t addr[16], uint8_t bits)
{
	uint8_t key[17];

	return dict_get(&c->peers, key_of(addr, bits, key));
}

/* NULL when there are too many: then only networks that are known count. */
static struct peer *
make(struct count *c, const uint8_t addr[16], uint8_t bits)
{
	struct peer *p = find(c, addr, bits);
	uint8_t key[17];

	if (p != NULL || dict_len(&c->peers) >= PEERS_MAX)
		return p;
	p = xcalloc(1, sizeof(*p));
	memcpy(p->addr, addr, sizeof(p->addr));
	p->bits = bits;
	(void)dict_put(&c->peers, key_of(addr, bits, key), p);
	return p;
}

static struct peer *
make_network(struct count *c, const uint8_t addr[16])
{
	struct net n;

	net_around(addr, &n);
	return make(c, n.addr, (uint8_t)n.bits);
}

static struct peer *
find_network(const struct count *c, const uint8_t addr[16])
{
	struct net n;

	net_around(addr, &n);
	return find(c, n.addr, (uint8_t)n.bits);
}

/* Halves for each half-life that has passed, a line in between. */
static uint32_t
score_at(const struct peer *p, int64_t now)
{
	int64_t passed = now - p->at_ms;
	uint32_t score = p->score;

	if (passed <= 0)
		return score;
	if (passed / HALF_MS > 31)
		return 0;
	score >>= passed / HALF_MS;
	return score - (uint32_t)((uint64_t)score / 2 *
	    (uint64_t)(passed % HALF_MS) / HALF_MS);
}

static void
set_score(struct peer *p, uint32_t score, int64_t now)
{
	p->score = score;
	p->at_ms = now;
}

uint32_t
count_failures(const struct peer *p, int64_t now)
{
	return (score_at(p, now) + COUNT_UNIT / 2) / COUNT_UNIT;
}

/* --- bans ---------------------------------------------------------------- */

static void
ban(struct count *c, struct peer *p, int64_t now)
{
	int64_t ms = c->limits.ban_ms;

	/* who has been good for a day begins anew */
	if (p->banned_until_ms != 0 &&
	    now - p->banned_until_ms > FORGIVE_BANS_MS)
		p->bans = 0;
	for (uint32_t i = 0; i < p->bans && ms < c->limits.ban_max_ms; i++)
		ms *= 2;
	if (ms > c->limits.ban_max_ms)
		ms = c->limits.ban_max_ms;
	p->bans++;
	p->banned_until_ms = now + ms;
	set_score(p, 0, now);
}

static bool
is_banned(const struct peer *p, int64_t now, int64_t *until_out)
{
	if (p == NULL || p->banned_until_ms <= now)
		return false;
	*until_out = p->banned_until_ms;
	return true;
}

bool
count_banned(struct count *c, const uint8_t addr[16], int64_t now,
    int64_t *until_out)
{
	return is_banned(find(c, addr, 128), now, until_out) ||
	    is_banned(find_network(c, addr), now, until_out);
}

bool
count_ban(struct count *c, const uint8_t addr[16], int64_t for_ms, int64_t now)
{
	struct peer *p = for_ms > 0 ? make(c, addr, 128) : find(c, addr, 128);
	struct peer *n = find_network(c, addr);
	int64_t until;
	bool had = count_banned(c, addr, now, &until);

	c->is_changed = true;
	if (p != NULL) {
		p->banned_until_ms = for_ms > 0 ? now + for_ms : 0;
		p->bans = for_ms > 0 ? p->bans : 0;
		set_score(p, 0, now);
	}
	if (for_ms > 0)
		return p != NULL;
	if (n != NULL) {
		n->banned_until_ms = 0;
		n->bans = 0;
		set_score(n, 0, now);
	}
	return had;
}

/* --- what happens -------------------------------------------------------- */

bool
count_enter(struct count *c, const uint8_t addr[16], int64_t now,
    int64_t *until_out)
{
	struct peer *p;

	*until_out = 0;
	if (count_banned(c, addr, now, until_out))
		return false;
	p = make(c, addr, 128);
	if (p == NULL)
		return true;	/* nobody is kept out for want of memory */
	if (p->connections >= c->limits.connections)
		return false;
	p->connections++;
	return true;
}

void
count_leave(struct count *c, const uint8_t addr[16])
{
	struct peer *p = find(c, addr, 128);

	if (p != NULL && p->connections > 0)
		p->connections--;
}

static void
add(struct count *c, struct peer *p, uint32_t units, uint32_t limit,
    int64_t now)
{
	if (p == NULL)
		return;
	set_score(p, score_at(p, now) + units, now);
	if (p->score >= limit && p->banned_until_ms <= now)
		ban(c, p, now);
}

uint32_t
count_fault(struct count *c, const uint8_t addr[16], uint32_t units,
    int64_t now)
{
	struct peer *p = make(c, addr, 128);
	uint32_t limit = c->limits.failures * COUNT_UNIT, ms;

	c->is_changed = true;
	add(c, p, units, limit, now);
	add(c, make_network(c, addr), units, NETWORK_FACTOR * limit, now);
	if (p == NULL || p->banned_until_ms > now)
		return DELAY_MAX_MS;
	ms = p->score / COUNT_UNIT * DELAY_MS;
	return ms < DELAY_MAX_MS ? ms : DELAY_MAX_MS;
}

void
count_good(struct count *c, const uint8_t addr[16], int64_t now)
{
	struct peer *p = find(c, addr, 128);

	if (p == NULL || p->score == 0)
		return;
	set_score(p, score_at(p, now) / 2, now);
	c->is_changed = true;
}

/* --- all of them --------------------------------------------------------- */

void
count_each_ban(struct count *c, int64_t now, count_fn *fn, void *arg)
{
	struct str key;
	void *v;

	for (size_t at = 0; dict_next(&c->peers, &at, &key, &v);) {
		struct peer *p = v;

		if (p->banned_until_ms > now)
			fn(p, arg);
	}
}

static bool
has_nothing(const struct peer *p, int64_t now)
{
	return p->connections == 0 && score_at(p, now) < COUNT_UNIT / 10 &&
	    now - p->banned_until_ms > (p->bans > 0 ? FORGIVE_BANS_MS : 0);
}

void
count_sweep(struct count *c, int64_t now)
{
	struct str key;
	void *v;

	for (size_t at = 0; dict_next(&c->peers, &at, &key, &v);)
		if (has_nothing(v, now)) {
			(void)dict_del(&c->peers, key);
			free(v);
		}
}

/* --- text ---------------------------------------------------------------- */

/* IPv4 as such, IPv6 in full: both are what net_parse takes. */
void
count_put_peer(struct buf *out, const struct peer *p)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *a = p->addr;

	if (memcmp(a, v4, sizeof(v4)) == 0) {
		buf_fmt(out, "%u.%u.%u.%u", a[12], a[13], a[14], a[15]);
		if (p->bits < 128)
			buf_fmt(out, "/%u", p->bits - 96u);
		return;
	}
	for (int i = 0; i < 16; i += 2)
		buf_fmt(out, "%s%x", i > 0 ? ":" : "", a[i] << 8 | a[i + 1]);
	if (p->bits < 128)
		buf_fmt(out, "/%u", p->bits);
}

void
count_save(struct count *c, int64_t now, struct buf *out)
{
	struct str key;
	void *v;

	buf_z(out, "rated 1\n");
	for (size_t at = 0; dict_next(&c->peers, &at, &key, &v);) {
		struct peer *p = v;

		if (score_at(p, now) < COUNT_UNIT / 10 && p->bans == 0 &&
		    p->banned_until_ms <= now)
			continue;
		buf_z(out, "peer ");
		count_put_peer(out, p);
		buf_fmt(out, " %" PRIu32 " %" PRIu32 " %" PRId64 " %" PRId64
		    "\n", p->score, p->bans, p->at_ms, p->banned_until_ms);
	}
	c->is_changed = false;
}

static bool
load_line(struct count *c, struct str line, int64_t now)
{
	struct str word = str_word(&line), name = str_word(&line), f[4];
	uint64_t score, bans, at, until;
	struct peer *p;
	struct net net;

	for (size_t i = 0; i < NITEMS(f); i++)
		f[i] = str_word(&line);
	if (!str_same(word, "peer") || !net_parse(name, &net) ||
	    !str_u64(f[0], UINT32_MAX, &score) ||
	    !str_u64(f[1], UINT32_MAX, &bans) ||
	    !str_u64(f[2], INT64_MAX, &at) ||
	    !str_u64(f[3], INT64_MAX, &until) || str_more(line))
		return false;
	p = make(c, net.addr, (uint8_t)net.bits);
	if (p == NULL)
		return false;
	p->score = (uint32_t)score;
	p->bans = (uint32_t)bans;
	/* a clock that was set back must not keep somebody out for years */
	p->at_ms = (int64_t)at < now ? (int64_t)at : now;
	p->banned_until_ms = (int64_t)until < now + c->limits.ban_max_ms ?
	    (int64_t)until : now + c->limits.ban_max_ms;
	return true;
}

size_t
count_load(struct count *c, struct str text, int64_t now)
{
	struct str line;
	size_t n = 0;

	if (!str_line(&text, &line) || !str_same(line, "rated 1"))
		return 0;
	while (str_line(&text, &line))
		n += load_line(c, line, now);
	return n;
}
