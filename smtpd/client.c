/* SPDX-License-Identifier: ISC */
/*
 * smtpd/client.c - the names of a client (PTR), and whether one of them has
 * its address.
 *
 * One question at a time: the names, then the addresses of each until one
 * fits.  Ten names are looked at, as RFC 7208 5.5 does; a client's own zone
 * says how many there are.  A name that the DNS is silent about makes it
 * temperror unless another fits.
 *
 * RFC 8601 2.7.3, 3.
 */
#include "smtpd/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fail.h"
#include "conf/net.h"
#include "daemon/dns.h"
#include "event/loop.h"

#include "base/banned.h"

enum { NAMES_MAX = 10, ARENA_CAP = 16384, REVERSE_MAX = 128 };

struct client {
	struct arena	arena;
	struct str	peer;
	uint8_t		address[16];	/* as conf/net.h has them */
	int64_t		until_ms;	/* clock_mono_ms */
	client_then_fn	*then;
	void		*arg;
	struct timer	over;
	struct dns_query *query;	/* NULL: none is out */
	struct str	name[NAMES_MAX];
	size_t		names, at;	/* found; being tried */
	bool		has_failed;
	enum client_result result;
};

static void
on_over(struct timer *t)
{
	struct client *c = container_of(t, struct client, over);

	c->then(c->arg);
}

static void
end(struct client *c, enum client_result result)
{
	c->result = result;
	timer_set(&c->over, 0);
}

static void
ask(struct client *c, struct str name, enum dns_type type, dns_then_fn *then)
{
	int64_t left = c->until_ms - clock_mono_ms();

	if (left > 0)
		c->query = dns_ask(name, type, left, then, c);
	else
		end(c, CLIENT_TEMPERROR);
}

/* --- forwards ------------------------------------------------------------ */

static void	try_name(struct client *c);

static bool
is_there(const struct client *c, const struct dns_answer *a)
{
	size_t n = net_is_ipv4(c->address) ? 4 : 16;
	const uint8_t *address = c->address + 16 - n;

	for (size_t i = 0; i < a->n; i++)
		if (a->records[i].data.n == n &&
		    memcmp(a->records[i].data.p, address, n) == 0)
			return true;
	return false;
}

static void
on_addresses(void *arg, const struct dns_answer *a)
{
	struct client *c = arg;

	c->query = NULL;
	c->has_failed |= dns_is_failure(a->result);
	if (is_there(c, a)) {
		end(c, CLIENT_PASS);
		return;
	}
	c->at++;
	try_name(c);
}

static void
try_name(struct client *c)
{
	if (c->at < c->names)
		ask(c, c->name[c->at], net_is_ipv4(c->address) ? DNS_A :
		    DNS_AAAA, on_addresses);
	else
		end(c, c->has_failed ? CLIENT_TEMPERROR : CLIENT_FAIL);
}

/* --- backwards ----------------------------------------------------------- */

static void
on_names(void *arg, const struct dns_answer *a)
{
	struct client *c = arg;

	c->query = NULL;
	for (size_t i = 0; i < a->n && c->names < NAMES_MAX; i++)
		c->name[c->names++] = arena_str(&c->arena,
		    a->records[i].data);
	if (dns_is_failure(a->result))
		end(c, CLIENT_TEMPERROR);
	else if (c->names == 0)
		end(c, CLIENT_PERMERROR);
	else
		try_name(c);
}

struct client *
client_new(struct str peer, int64_t wait_ms, client_then_fn *then, void *arg)
{
	struct client *c = xcalloc(1, sizeof(*c));
	struct buf name;

	arena_init(&c->arena, ARENA_CAP);
	c->peer = arena_str(&c->arena, peer);
	c->until_ms = clock_mono_ms() + wait_ms;
	c->then = then;
	c->arg = arg;
	timer_init(&c->over, on_over);
	buf_init(&name, REVERSE_MAX);
	if (net_addr(peer, c->address) && net_reverse(peer, &name))
		ask(c, buf_str(&name), DNS_PTR, on_names);
	else
		end(c, CLIENT_NONE);
	buf_free(&name);
	return c;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	dns_forget(c->query);
	timer_stop(&c->over);
	arena_free(&c->arena);
	free(c);
}

/* --- results ------------------------------------------------------------- */

enum client_result
client_result(const struct client *c)
{
	return c->result;
}

static const struct {
	const char	*name, *reason;
} results[] = {
	[CLIENT_NONE] = { "none", NULL },
	[CLIENT_PASS] = { "pass", NULL },
	[CLIENT_FAIL] = { "fail", "no name of it leads back" },
	[CLIENT_TEMPERROR] = { "temperror", "the DNS does not answer" },
	[CLIENT_PERMERROR] = { "permerror", "it has no name" },
};

const char *
client_result_name(enum client_result r)
{
	return results[r].name;
}

void
client_put(const struct client *c, struct authres *out)
{
	if (c->result == CLIENT_NONE)
		return;
	authres_result(out, "iprev", results[c->result].name);
	if (results[c->result].reason != NULL)
		authres_reason(out, results[c->result].reason);
	authres_prop(out, "policy", "iprev", c->peer);
}
