/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/toyworld.c - daemon.h for imapd's sessions in a test, with
 * toystore.c behind it.
 */
#include "toystore.h"

#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/login.h"
#include "imapd/box.h"
#include "imapd/imapd.h"
#include "imapd/session.h"

#include "base/banned.h"

struct conf toy_conf;
struct toy toy;
struct imapd imapd = { .page = { .fd = -1 }, .window = { .fd = -1 } };

const struct conf *
daemon_conf(void)
{
	return &toy_conf;
}

uint16_t
daemon_boot(void)
{
	return 1;
}

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	return kind == STORED ? toy.stored.chan : kind == AUTHD ?
	    toy.authd.chan : kind == RATED ? toy.rated.chan : NULL;
}

struct chan *
daemon_any(enum proc kind)
{
	return daemon_peer(kind, 0);
}

struct chan *
daemon_authd_of(struct str user)
{
	return daemon_peer(AUTHD, 0);
}

struct chan *
daemon_stored_of(struct str account)
{
	return toy.stored.chan;
}

unsigned
daemon_peer_count(enum proc kind)
{
	return 1;
}

void
imapd_look_for_end(void)
{
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	if (c->peer == STORED)
		box_on_note(c, n);
}

static void
on_chan_end(struct chan *c, void *arg)
{
	if (c->peer == STORED) {
		session_stored_gone(c);
		toy.stored.chan = NULL;
		chan_free(c);
	}
}

void
toy_stored_returns(void)
{
	fake_free(&toy.stored);
	fake_init(&toy.stored, IMAPD, STORED, 0, on_note, on_chan_end, &toy);
	toy.is_deaf = false;
	login_on_peer(toy.stored.chan);
}

void
toy_world_begin(void)
{
	conf_init(&toy_conf);
	toy_conf.site.hostname = STR("mail.example.org");
	toy_conf.site.cleartext_logins = true;
	clock_freeze(1700000000000);
	list_init(&imapd.sessions);
	dict_init(&imapd.boxes);
	toy_init(&toy, on_note, on_chan_end);
}

void
toy_world_end(void)
{
	dict_free(&imapd.boxes);
	toy_free(&toy);
	conf_free(&toy_conf);
}
