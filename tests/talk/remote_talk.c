/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/remote_talk.c - plays transcripts of servers against remote.
 *
 * All of delivery/ but dial.c: here a connection comes when the transcript
 * says its first line, "@refused" and "@no-address" take its place.
 */
#include "delivery/job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "delivery/look.h"
#include "delivery/memo.h"
#include "talk.h"

#include "base/banned.h"

enum { PENDING = 16 };

static struct dial *pending[PENDING];
static size_t n_pending;
static bool is_us;
static char secret[64];

void
remote_look_at_end(void)
{
}

/* --- dial.c -------------------------------------------------------------- */

static void
drop(struct dial *d)
{
	for (size_t i = 0; i < n_pending; i++)
		if (pending[i] == d) {
			for (n_pending--; i < n_pending; i++)
				pending[i] = pending[i + 1];
			return;
		}
}

/* The list is at its end, or the deadline (which the clock brings). */
static void
on_end_of_list(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, step);
	struct dial_result r = { .fd = -1 };

	drop(d);
	d->fn(d->arg, &r);
}

static void
on_deadline(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, deadline);

	(void)snprintf(d->why, sizeof(d->why), "connection timed out");
	d->is_temporary = d->had_address = true;
	timer_stop(&d->step);
	on_end_of_list(&d->step);
}

void
dial_init(struct dial *d)
{
	d->at = 0;
	d->is_temporary = d->had_address = false;
	d->why[0] = '\0';
	timer_init(&d->step, on_end_of_list);
	timer_init(&d->deadline, on_deadline);
}

void
dial_next(struct dial *d)
{
	if (d->at >= d->hosts.n) {
		timer_set(&d->step, 0);
		return;
	}
	timer_set(&d->deadline, d->left_ms);
	pending[n_pending++] = d;
}

void
dial_stop(struct dial *d)
{
	timer_stop(&d->step);
	timer_stop(&d->deadline);
	drop(d);
}

void
dial_again(struct dial *d, const struct dial_result *r)
{
	d->at = r->host;
}

void
dial_cut(struct dial *d, size_t host)
{
	uint32_t ours = d->hosts.v[host].preference;

	while (d->hosts.n > 0 &&
	    d->hosts.v[d->hosts.n - 1].preference >= ours)
		d->hosts.n--;
}

static struct dial *
take(void)
{
	struct dial *d;

	if (n_pending == 0)
		talk_fail("remote connects to somebody", STR("it does not"));
	d = pending[0];
	dial_stop(d);
	return d;
}

/* A server appears. */
static void
client(int fd, const char *service, struct str peer)
{
	struct dial *d = take();
	struct dial_result r = { .fd = fd, .host = d->at++, .is_us = is_us };

	(void)service;
	if (!address_parse(peer, &r.address))
		talk_fail("an address", peer);
	address_text(&r.address, d->port, r.text);
	if (d->only != AF_UNSPEC && d->only != r.address.family)
		talk_fail("an address of the family asked for", peer);
	is_us = false;
	d->had_address = true;
	d->fn(d->arg, &r);
}

static void
fail_one(bool had_address)
{
	struct dial *d = take();

	(void)snprintf(d->why, sizeof(d->why), had_address ?
	    "192.0.2.1:25: Connection refused" : "host has no address");
	d->had_address |= had_address;
	d->is_temporary |= had_address;
	d->at++;
	dial_next(d);
}

/* --- the room ------------------------------------------------------------ */

static void
begin(void)
{
	digest_warm();
	n_pending = 0;
	is_us = false;
	secret[0] = '\0';
	hop_reload();
}

static void
end(void)
{
	conn_quit_all_idle();
}

static bool
is_empty(void)
{
	memo_free();
	hop_free();
	return job_count() == 0 && conn_count() == 0;
}

static struct str
dealt(const char *name)
{
	return strcmp(name, "smarthost-secret") == 0 ? str_of(secret) : STR("");
}

static bool
act(const char *what)
{
	if (strcmp(what, "refused") == 0)
		fail_one(true);
	else if (strcmp(what, "no-address") == 0)
		fail_one(false);
	else if (strcmp(what, "ourselves") == 0)
		is_us = true;
	else if (strcmp(what, "drain") == 0) {
		talk.is_draining = true;
		job_drain();
	} else if (str_starts(str_of(what), "secret ")) {
		(void)snprintf(secret, sizeof(secret), "%s\n", what + 7);
		hop_reload();
	}
	else
		return false;
	return true;
}

static void
on_peer(struct chan *c)
{
	if (c->peer == SPOOLD)
		job_spoold_came();
}

static void
on_peer_gone(struct chan *c)
{
	if (c->peer != QMGR)
		return;
	job_qmgr_gone(c);
	look_qmgr_gone(c);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_REMOTE_RCPT)
		job_rcpt(c, n);
	else if (n->kind == NOTE_REMOTE_TRY)
		job_try(c, n);
	else if (n->kind == NOTE_REMOTE_LOOK)
		look_begin(c, n);
}

int
main(int argc, char **argv)
{
	static const char *const standing[] = {
		"SPOOL_READ SPOOL_BODY failed=0 size=12 added=\"X: y\\r\\n\" "
		"fd=\"A: b\\r\\n\\r\\n.c\\r\\n\"", "REMOTE_HEARD", NULL
	};
	static const struct talk_room room = {
		.me = REMOTE, .service = "smtp", .alpn = "smtp",
		.they_serve = true,
		.peers = BY(QMGR) | BY(SPOOLD) | BY(RESOLVD) | BY(MASTER),
		.standing = standing, .client = client, .begin = begin,
		.end = end, .is_empty = is_empty, .act = act, .dealt = dealt,
		.on_peer = on_peer, .on_note = on_note,
		.on_peer_gone = on_peer_gone,
	};

	return talk_main(&room, argc, argv);
}
