/* SPDX-License-Identifier: ISC */
/*
 * master/tickets.c - the keys of TLS session tickets.
 *
 * All faces open each other's tickets, so the keys are made here and dealt to
 * everybody who begins TLS.  Every `tls ticket-rotation' a new key comes; the
 * one before still opens what it has closed for one such time, then nobody
 * knows it any more: what was recorded under it stays secret (RFC 5077 5.5).
 * None is written anywhere; a new master begins with a new one.
 */
#include "master/master.h"

#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "base/banned.h"

void
tickets_deal(struct child *c)
{
	struct note_key_new n = { .name = STR("ticket"),
	    .key = str_mem(master.ticket_key,
	    master.ticket_keys * TICKET_KEY) };

	if (BY(c->kind) & FACES)
		note_put_key_new(c->chan, &n);
}

static void
wait_for_next(void)
{
	timer_set(&master.ticket_timer, master.config->conf.master.ticket_rotation);
}

static void
on_next(struct timer *t)
{
	(void)t;
	memcpy(master.ticket_key + TICKET_KEY, master.ticket_key, TICKET_KEY);
	rand_bytes(master.ticket_key, TICKET_KEY);
	master.ticket_keys = TICKET_KEYS;
	each_child(c)
		if (child_exists(c) && c->chan != NULL)
			tickets_deal(c);
	log_say(LOG_LEVEL_INFO, "tickets-rotated",
	    "the key before opens tickets once more as long");
	wait_for_next();
}

void
tickets_begin(void)
{
	rand_bytes(master.ticket_key, TICKET_KEY);
	master.ticket_keys = 1;
	timer_init(&master.ticket_timer, on_next);
	wait_for_next();
}

void
tickets_reload(const struct config *old)
{
	if (old->conf.master.ticket_rotation !=
	    master.config->conf.master.ticket_rotation)
		wait_for_next();
}
