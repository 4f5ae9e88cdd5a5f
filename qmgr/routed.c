/* SPDX-License-Identifier: ISC */
/*
 * qmgr/routed.c - says where an address goes.
 *
 * ROUTE_ASK in; a ROUTE_ROW for each target and a ROUTE_DONE out, for
 * `veredus route' with a ROUTE_STEP for all that was looked at.  Reads users
 * file and alias tables through the descriptors it was dealt, writes
 * nothing, and does one question at a time.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "qmgr/route.h"
#include "table/table.h"
#include "base/banned.h"

/* The largest alias value and its targets, with room to spare. */
#define ARENA_MAX	(8 * 1024 * 1024)

static struct {
	struct router	*router;
	struct arena	arena;
	uint64_t	asked, later;
} routed;

struct listener {
	struct chan	*chan;
	uint32_t	ticket;
};

static void
on_step(void *arg, const char *text)
{
	const struct listener *l = arg;
	struct note_route_step row = { .text = str_of(text) };

	note_answer_route_step(l->chan, l->ticket, &row);
}

static void
put_targets(const struct listener *l, const struct route_answer *answer)
{
	size_t i;

	for (i = 0; i < answer->targets; i++) {
		const struct route_target *t = &answer->target[i];
		struct note_route_row row = {
			.kind = t->kind, .address = t->address,
			.account = t->account, .home = t->home,
			.detail = t->detail,
		};

		note_answer_route_row(l->chan, l->ticket, &row);
	}
}

static void
on_ask(struct chan *c, uint32_t ticket, const struct note_route_ask *n)
{
	struct listener l = { c, ticket };
	struct route_ask ask = { .address = n->address,
	    .may_relay = n->may_relay != 0 || n->account.n > 0 };
	struct note_route_done done = { .targets = 0 };
	struct route_answer answer;
	bool explain = n->explain != 0 && c->peer == CTLD;

	route_find(routed.router, &ask, &routed.arena, &answer,
	    explain ? on_step : NULL, &l);
	routed.asked++;
	if (answer.result == ROUTE_LATER) {
		routed.later++;
		log_event(LOG_LEVEL_WARN, "route-later");
		log_str("address", n->address);
		log_z("why", answer.why.text);
		log_end();
	}
	put_targets(&l, &answer);
	done.result = answer.result;
	done.targets = (uint32_t)answer.targets;
	if (answer.result != ROUTE_OK)
		done.text = str_of(answer.why.text);
	note_answer_route_done(c, ticket, &done);
	arena_reset(&routed.arena);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_ROUTE_ASK)
		on_ask(c, n->ticket, note_as_route_ask(n));
}

static bool
start(void)
{
	arena_init(&routed.arena, ARENA_MAX);
	routed.router = router_new(daemon_conf(), daemon_file("users"),
	    daemon_file("tables"));
	return true;
}

static void
on_reload(void)
{
	router_free(routed.router);
	routed.router = router_new(daemon_conf(), daemon_file("users"),
	    daemon_file("tables"));
}

static void
on_stat(void)
{
	daemon_stat("accounts", router_accounts(routed.router));
	daemon_stat("asked", routed.asked);
	daemon_stat("later", routed.later);
}

static const struct daemon_ops ops = {
	.kind = ROUTED,
	.before_cage = table_warm,
	.start = start,
	.on_note = on_note,
	.on_reload = on_reload,
	.on_stat = on_stat,
};

int
main(int argc, char **argv)
{
	daemon_main(&ops, argc, argv);
}
