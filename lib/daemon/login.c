/* SPDX-License-Identifier: ISC */
/*
 * daemon/login.c - notes of a login, for the faces that read mail.
 *
 * In: a name and a password.  Out: notes to authd, stored and rated, and a
 * line of the log.  It keeps no password; a grant until stored has seen it.
 *
 * When stored dies all its readers are sent away and come back at once, most
 * of them before its successor is there.  Their clients would show an error
 * or ask for the password anew, so they wait here.
 */
#include "daemon/login.h"

#include <stdlib.h>

#include "base/log.h"
#include "daemon/daemon.h"

#include "base/banned.h"

enum {
	FAILED_MS = 500,	/* times the number of failures */
	FAILED_MS_MAX = 3000,	/* clients give up on more */
	SHOW_TRIES = 3,		/* a login that kills stored does so no more */
};

/* A grant on its way to stored. */
struct login_show {
	struct link	link;		/* in `waiting' while nobody is asked */
	struct timer	timer;
	struct chan	*asked;		/* NULL: it is waited for */
	unsigned	tries;
	struct note	note;		/* STORE_LOGIN */
	struct buf	packet;		/* its strings */
	chan_then_fn	*then;
	void		*session;
};

static struct link waiting = { &waiting, &waiting };

void
login_check(const struct login_who *w, struct str user, struct str secret,
    struct str authzid, chan_then_fn *then, void *session)
{
	struct note_auth_check n = { .user = user, .secret = secret,
	    .authzid = authzid, .service = w->service, .peer = w->peer,
	    .sid = w->sid };

	ask_auth_check(daemon_authd_of(user), &n, then, session);
}

/* --- to stored ----------------------------------------------------------- */

void
login_show_end(struct login_show *l)
{
	if (l == NULL)
		return;
	chan_forget(l->asked, l);
	list_remove(&l->link);
	timer_stop(&l->timer);
	buf_wipe(&l->packet);
	free(l);
}

static void
show_over(struct login_show *l, const struct note *n)
{
	chan_then_fn *then = l->then;
	void *session = l->session;

	login_show_end(l);
	then(session, n);
}

static void
on_too_late(struct timer *t)
{
	show_over(container_of(t, struct login_show, timer), NULL);
}

/* NULL: that stored died, or its channel did; the next may answer. */
static void
on_logged(void *arg, const struct note *n)
{
	struct login_show *l = arg;

	l->asked = NULL;
	if (n != NULL || l->tries == SHOW_TRIES)
		show_over(l, n);
	else
		list_push(&waiting, &l->link);
}

static void
show_now(struct login_show *l)
{
	const struct note_store_login *n = &l->note.u.store_login;
	struct chan *c = daemon_stored_of(n->account);

	if (!chan_ok(c))
		return;
	list_remove(&l->link);
	l->asked = c;
	l->tries++;
	ask_store_login(c, n, on_logged, l);
}

struct login_show *
login_show(const struct login_who *w, const struct note_auth_verdict *v,
    chan_then_fn *then, void *session)
{
	struct login_show *l = xcalloc(1, sizeof(*l));
	struct note n;

	note_init(&n, NOTE_STORE_LOGIN);
	n.u.store_login = (struct note_store_login){ .account = v->account,
	    .home = v->home, .service = w->service, .sid = w->sid,
	    .expires_ms = v->expires_ms, .grant = v->grant };
	note_keep(&n, &l->packet, &l->note);
	l->then = then;
	l->session = session;
	list_init(&l->link);
	list_push(&waiting, &l->link);
	timer_init(&l->timer, on_too_late);
	timer_set(&l->timer, note_deadline_ms(NOTE_STORE_LOGIN));
	show_now(l);
	return l;
}

void
login_on_peer(struct chan *c)
{
	struct link *e, *tmp;

	if (c->peer == STORED)
		list_each_safe(e, tmp, &waiting)
			show_now(container_of(e, struct login_show, link));
}

/* --- counting ------------------------------------------------------------ */

void
login_count(const struct login_who *w, enum rate_what what,
    struct str account)
{
	struct note_rate_count n = { .what = what, .service = w->service,
	    .peer = w->peer, .account = account };

	note_put_rate_count(daemon_peer(RATED, 0), &n);
}

int64_t
login_failed(const struct login_who *w, const char *event, struct str user,
    unsigned bad)
{
	int64_t ms = ((int64_t)bad + 1) * FAILED_MS;

	log_event(LOG_LEVEL_INFO, event);
	log_str("sid", w->sid);
	log_str("peer", w->peer);
	log_str("user", user);
	log_end();
	login_count(w, RATE_AUTH_FAILED, STR(""));
	return ms < FAILED_MS_MAX ? ms : FAILED_MS_MAX;
}
