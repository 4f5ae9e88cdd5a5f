/* SPDX-License-Identifier: ISC */
/*
 * daemon/login.c - notes of a login, for the faces that read mail.
 *
 * In: a name and a password.  Out: notes to authd, stored and rated, and a
 * line of the log.  It keeps nothing, least of all a password.
 */
#include "daemon/login.h"

#include "base/log.h"
#include "daemon/daemon.h"

#include "base/banned.h"

enum {
	FAILED_MS = 500,	/* times the number of failures */
	FAILED_MS_MAX = 3000,	/* clients give up on more */
};

void
login_check(const struct login_who *w, struct str user, struct str secret,
    struct str authzid, chan_then_fn *then, void *session)
{
	struct note_auth_check n = { .user = user, .secret = secret,
	    .authzid = authzid, .service = w->service, .peer = w->peer,
	    .sid = w->sid };

	ask_auth_check(daemon_authd_of(user), &n, then, session);
}

struct chan *
login_show(const struct login_who *w, const struct note_auth_verdict *v,
    chan_then_fn *then, void *session)
{
	struct note_store_login n = { .account = v->account, .home = v->home,
	    .service = w->service, .sid = w->sid,
	    .expires_ms = v->expires_ms, .grant = v->grant };
	struct chan *stored = daemon_stored_of(v->account);

	ask_store_login(stored, &n, then, session);
	return stored;
}

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
