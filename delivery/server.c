/* SPDX-License-Identifier: ISC */
/*
 * delivery/server.c - which resolver is asked next.
 *
 * The settings' order is the order of preference.  A resolver that let
 * several questions in a row go unanswered is down: it is asked last, and
 * now and then first, so that it is noticed when it is back.  A question
 * that finds it silent then goes to the next, as any other.
 */
#include "delivery/server.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/value.h"

#include "base/banned.h"

enum {
	SILENT_MAX = 3,
	PROBE_MS = 10 * 1000,
	NO_EDNS_MS = 10 * 60 * 1000,
};

static struct server servers[SERVERS_MAX];
static size_t count;

static bool
is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return a->family == AF_INET ? a->ip[0] == 127 :
	    memcmp(a->ip, one, 16) == 0;
}

static bool
server_of(struct str entry, struct server *out)
{
	struct str host;
	uint32_t port;

	memset(out, 0, sizeof(*out));
	if (server_parse(entry, &host, &port, NULL) != 0 ||
	    !address_parse(host, &out->address))
		return false;
	out->port = (uint16_t)port;
	out->is_loopback = is_loopback(&out->address);
	address_text(&out->address, out->port, out->text);
	return true;
}

void
servers_reload(const struct conf *conf)
{
	const struct strs *list = &conf->resolver.addresses;
	struct server old[SERVERS_MAX], s;
	size_t had = count;

	memcpy(old, servers, sizeof(old));
	count = 0;
	for (size_t i = 0; i < list->n && count < SERVERS_MAX; i++) {
		if (!server_of(list->v[i], &s))
			continue;
		for (size_t k = 0; k < had; k++)
			if (strcmp(old[k].text, s.text) == 0)
				s = old[k];
		servers[count++] = s;
	}
}

size_t
servers_count(void)
{
	return count;
}

size_t
servers_down(void)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += servers[i].is_down;
	return n;
}

void
servers_each_down(void (*say)(const struct server *s, int64_t for_s))
{
	for (size_t i = 0; i < count; i++)
		if (servers[i].is_down)
			say(&servers[i],
			    (clock_mono_ms() - servers[i].down_ms) / 1000);
}

unsigned
server_bit(const struct server *s)
{
	return 1u << (unsigned)(s - servers);
}

static struct server *
take(size_t i, unsigned *tried)
{
	*tried |= 1u << i;
	return &servers[i];
}

struct server *
server_pick(unsigned *tried)
{
	int64_t now = clock_mono_ms();
	size_t last = SERVERS_MAX;

	for (size_t i = 0; i < count; i++) {
		struct server *s = &servers[i];

		if (*tried & 1u << i)
			continue;
		if (s->is_down && s->probe_ms <= now)
			s->probe_ms = now + PROBE_MS;	/* by this question only */
		else if (s->is_down) {
			last = last == SERVERS_MAX ? i : last;
			continue;
		}
		return take(i, tried);
	}
	return last < SERVERS_MAX ? take(last, tried) : NULL;
}

bool
server_may_edns(const struct server *s)
{
	return clock_mono_ms() >= s->no_edns_until_ms;
}

static void
log_server(enum log_level level, const char *event, const struct server *s,
    const char *why)
{
	log_event(level, event);
	log_z("resolver", s->text);
	if (why != NULL)
		log_z("why", why);
	log_u64("down", servers_down());
	log_u64("of", count);
	log_end();
}

void
server_answered(struct server *s, bool has_edns)
{
	s->silent = 0;
	s->has_edns |= has_edns;
	if (!s->is_down)
		return;
	s->is_down = false;
	log_server(LOG_LEVEL_INFO, "resolver-up", s, NULL);
}

void
server_silent(struct server *s, const char *why)
{
	if (++s->silent < SILENT_MAX || s->is_down)
		return;
	s->is_down = true;
	s->down_ms = clock_mono_ms();
	s->probe_ms = s->down_ms + PROBE_MS;
	log_server(LOG_LEVEL_WARN, "resolver-down", s, why);
}

/* One that has spoken EDNS can: it only did not like this question. */
void
server_refused_edns(struct server *s)
{
	if (!s->has_edns)
		s->no_edns_until_ms = clock_mono_ms() + NO_EDNS_MS;
}
