/* SPDX-License-Identifier: ISC */
/*
 * delivery/resolvd.c - asks the DNS for those who may not open a socket.
 *
 * In: DNS_ASK from remote, checkd, smtpd and ctld.  Out: DNS_ROWs and one
 * DNS_DONE, from the cache or from a resolver of the settings.  It is no
 * resolver itself: it asks one, with the question's name whole, and believes
 * neither additional records nor other names.  It opens no file; packets are
 * taken apart here and nowhere else, so that one that kills libldns kills
 * nobody but us.
 */
#include "daemon/daemon.h"

#include <stdio.h>

#include "delivery/question.h"
#include "delivery/server.h"

#include "base/banned.h"

/* Answers are at most 64 KiB of records; a peer may ask for many at once. */
#define QUEUE_MAX	(8 * 1024 * 1024)

static bool
start(void)
{
	known_init(daemon_conf()->resolver.cache);
	questions_init();
	servers_reload(daemon_conf());
	return true;
}

/* Whoever changes records and wants them seen says `veredus reload'. */
static void
on_reload(void)
{
	servers_reload(daemon_conf());
	known_limit(daemon_conf()->resolver.cache);
}

static void
on_peer(struct chan *c)
{
	c->queue_max = QUEUE_MAX;
}

static bool
is_type(uint32_t type)
{
	static const uint32_t types[] = { 1, 12, 15, 16, 28, 52 };

	for (size_t i = 0; i < NITEMS(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static void
refuse(struct chan *c, uint32_t ticket, const char *text)
{
	struct known k = { .result = DNS_BAD_NAME, .name = str_of(""),
	    .text = str_of(text) };

	known_tell(c, ticket, 0, &k);
}

static void
on_ask(struct chan *c, uint32_t ticket, const struct note_dns_ask *ask)
{
	uint8_t key[KNOWN_KEY_MAX];
	struct dns_name name;
	const struct known *k;

	counters.asked++;
	if (!is_type(ask->type)) {
		refuse(c, ticket, "no type that is asked here");
		return;
	}
	if (dns_name_parse(ask->name, &name) != 0) {
		refuse(c, ticket, "no name of the DNS");
		return;
	}
	k = known_get(known_key(&name, ask->type, key));
	if (k == NULL) {
		question_ask(c, ticket, &name, ask->type, ask->wait_ms);
		return;
	}
	counters.known++;
	known_tell(c, ticket, ask->type, k);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_DNS_ASK)
		on_ask(c, n->ticket, &n->u.dns_ask);
}

static void
on_peer_gone(struct chan *c)
{
	questions_forget(c);
}

/* `veredus status' makes a sentence of it. */
static void
stat_down(const struct server *s, int64_t for_s)
{
	char name[ADDRESS_TEXT];

	(void)snprintf(name, sizeof(name), "down %.55s", s->text);
	daemon_stat(name, (uint64_t)for_s);
}

static void
on_stat(void)
{
	static const struct { const char *name; const uint64_t *value; }
	rows[] = {
		{ "asked", &counters.asked },
		{ "known", &counters.known },
		{ "merged", &counters.merged },
		{ "sent", &counters.sent },
		{ "sent-tcp", &counters.tcp },
		{ "silent", &counters.timeouts },
		{ "strays", &counters.strays },
		{ "failures", &counters.failures },
		{ "later", &counters.later },
		{ "refused", &counters.refused },
	};

	daemon_stat("resolvers", servers_count());
	daemon_stat("resolvers-down", servers_down());
	servers_each_down(stat_down);
	daemon_stat("open", questions_open());
	daemon_stat("waiting", questions_waiting());
	for (size_t i = 0; i < NITEMS(rows); i++)
		daemon_stat(rows[i].name, *rows[i].value);
	daemon_stat("cached", known_count());
	daemon_stat("cache-bytes", known_bytes());
	daemon_stat("evicted", known_evicted());
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = RESOLVD, .start = start, .on_peer = on_peer,
		.on_note = on_note, .on_peer_gone = on_peer_gone,
		.on_reload = on_reload, .on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
