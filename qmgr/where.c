/* SPDX-License-Identifier: ISC */
/*
 * qmgr/where.c - domains, their MX, and with it their lanes.
 *
 * A domain is asked for when mail for it is ready and nothing newer than its
 * time-to-live is known; what is ready meanwhile waits in its list.  Domains
 * that nobody asked about for an hour are forgotten.
 */
#include "qmgr/where.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "qmgr/qmgr.h"

#include "base/banned.h"

enum {
	ASKS_MAX = 200,			/* look-ups at a time */
	TTL_LEAST_S = 60, TTL_MOST_S = 3600,
	KEEP_MS = 60 * 60 * 1000,
	SWEEP = 64,
};

struct mx_domain {
	struct link	link;		/* of used ones, oldest first */
	struct link	unasked;	/* waits for its turn to be asked */
	struct link	items;		/* that wait for the answer */
	char		*name, *mx;
	int64_t		good_until_ms, used_ms, asked_ms;
	bool		is_asking;
};

static struct {
	struct dict	by_name;
	struct link	used, unasked;
	unsigned	asking;
	uint64_t	failing;	/* items whose look-up failed last */
} where;

static void	ask_more(void);

void
where_init(void)
{
	dict_init(&where.by_name);
	list_init(&where.used);
	list_init(&where.unasked);
}

uint64_t
where_failing(void)
{
	return where.failing;
}

/* --- lanes --------------------------------------------------------------- */

/* "SOURCE>PROVIDER": the provider of the table, else who runs the MX, else
 * the domain itself. */
struct lane *
where_host(struct str mx)
{
	const struct provider *p = provider_of_mx(&qmgr.providers, mx);
	struct str who = p != NULL ? p->name : provider_org(mx);
	struct lane *l;
	struct buf key;

	buf_init(&key, 512);
	buf_fmt(&key, "%s>%.*s", qmgr_source(), STR_ARG(who));
	l = lanes_get(&qmgr.lanes, buf_str(&key), who);
	buf_free(&key);
	return l;
}

static struct lane *
lane_of(const struct mx_domain *d)
{
	return where_host(str_of(d->mx != NULL && d->mx[0] != '\0' ? d->mx :
	    d->name));
}

struct lane *
where_known(struct str domain, struct str *mx_out)
{
	struct mx_domain *d = dict_get(&where.by_name, domain);

	if (d == NULL || d->mx == NULL)
		return NULL;
	*mx_out = str_of(d->mx);
	return lane_of(d);
}

/* --- look-ups ------------------------------------------------------------ */

static void
release(struct mx_domain *d)
{
	struct lane *l = lane_of(d);
	int64_t now = clock_real_ms();
	struct link *e;

	while ((e = list_pop(&d->items)) != NULL)
		lane_add(&qmgr.lanes, l, container_of(e, struct item, ready),
		    false, now);
	qmgr_look();
}

static void
defer_all(struct mx_domain *d, struct str text)
{
	struct link *e;

	while ((e = list_pop(&d->items)) != NULL) {
		struct item *i = container_of(e, struct item, ready);

		where.failing++;
		i->attempts++;
		qmgr_defer(i, text.n > 0 ? text :
		    STR("the name servers do not answer"));
	}
}

static void
know(struct mx_domain *d, struct str mx, uint32_t ttl_s)
{
	int64_t ttl = ttl_s < TTL_LEAST_S ? TTL_LEAST_S :
	    ttl_s > TTL_MOST_S ? TTL_MOST_S : ttl_s;

	free(d->mx);
	d->mx = xmemdupz(mx.p, mx.n);
	d->good_until_ms = clock_real_ms() + ttl * 1000;
}

static void
on_seen(void *session, const struct note *n)
{
	const struct note_remote_seen *s = note_as_remote_seen(n);
	struct mx_domain *d = session;

	d->is_asking = false;
	where.asking--;
	if (s == NULL || s->failed == (uint32_t)-FAIL_TEMP) {
		defer_all(d, s != NULL ? s->text :
		    STR("remote did not say who its mail hosts are"));
	} else {
		where.failing = 0;
		/* no such domain: remote says so in the words of a try */
		know(d, s->mx, s->ttl);
		release(d);
	}
	ask_more();
}

static void
ask_more(void)
{
	struct chan *c;
	struct link *e;

	while (where.asking < ASKS_MAX && chan_ok(c = daemon_any(REMOTE)) &&
	    !chan_busy(c) && (e = list_pop(&where.unasked)) != NULL) {
		struct mx_domain *d = container_of(e, struct mx_domain,
		    unasked);
		struct note_remote_look n = { .domain = str_of(d->name) };

		d->is_asking = true;
		d->asked_ms = clock_mono_ms();
		where.asking++;
		ask_remote_look(c, &n, on_seen, d);
	}
}

void
where_forget_asks(void)
{
	ask_more();
}

/* --- items --------------------------------------------------------------- */

static struct mx_domain *
domain_of(struct str name)
{
	struct mx_domain *d = dict_get(&where.by_name, name);

	if (d == NULL) {
		d = xcalloc(1, sizeof(*d));
		d->name = xmemdupz(name.p, name.n);
		list_init(&d->link);
		list_init(&d->unasked);
		list_init(&d->items);
		(void)dict_put(&where.by_name, name, d);
	}
	d->used_ms = clock_real_ms();
	list_remove(&d->link);
	list_push(&where.used, &d->link);
	return d;
}

void
where_learn(struct str domain, struct str mx, uint32_t ttl_s)
{
	know(domain_of(domain), mx, ttl_s);
}

void
where_add(struct item *i, bool in_front)
{
	struct str name = str_sub(item_domain(i), 0, 255);
	struct mx_domain *d = domain_of(name);
	int64_t now = clock_real_ms();

	if (d->mx != NULL && d->good_until_ms > now) {
		lane_add(&qmgr.lanes, lane_of(d), i, in_front, now);
		return;
	}
	list_push(&d->items, &i->ready);
	if (!d->is_asking && !list_linked(&d->unasked))
		list_push(&where.unasked, &d->unasked);
	ask_more();
}

int64_t
where_since_ms(const struct item *i)
{
	const struct mx_domain *d = dict_get(&where.by_name,
	    str_sub(item_domain(i), 0, 255));

	return d != NULL && d->is_asking ? d->asked_ms : 0;
}

void
where_take(struct item *i)
{
	if (i->bucket == NULL)
		list_remove(&i->ready);
}

static void
domain_free(struct mx_domain *d)
{
	(void)dict_del(&where.by_name, str_of(d->name));
	list_remove(&d->link);
	list_remove(&d->unasked);
	free(d->name);
	free(d->mx);
	free(d);
}

void
where_sweep(int64_t now_ms)
{
	for (int k = 0; k < SWEEP; k++) {
		struct link *e = list_first(&where.used);
		struct mx_domain *d;

		if (e == NULL)
			break;
		d = container_of(e, struct mx_domain, link);
		if (now_ms - d->used_ms < KEEP_MS)
			break;
		if (d->is_asking || !list_empty(&d->items)) {
			d->used_ms = now_ms;
			list_remove(e);
			list_push(&where.used, e);
		} else
			domain_free(d);
	}
	ask_more();
}
