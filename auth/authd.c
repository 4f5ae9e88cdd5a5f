/* SPDX-License-Identifier: ISC */
/*
 * auth/authd.c - checks passwords and gives grants.
 *
 * AUTH_CHECK in, AUTH_VERDICT out.  A right password gets a grant: a MAC over
 * account, home, service, session and expiry, by which stored and spoold
 * know that this session may act for that account.  authd reads the users
 * file and nothing else; it never learns what is in a mailbox, and a face
 * never learns a hash.
 *
 * Hashes are slow on purpose, so checks wait in a queue and are worked off
 * one a pass of the loop: between two of them all channels are read, and who
 * is in the cache is answered at once.  A check nobody waits for any more is
 * dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/hash.h"
#include "auth/passdb.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/grant.h"
#include "daemon/daemon.h"
#include "base/banned.h"

#define WAITING_MAX	512
#define GIVE_UP_MS	8000	/* the face stops waiting after 10 s */

/* A check whose hash is still to be made. */
struct job {
	struct link	link;
	struct chan	*chan;
	uint32_t	ticket;
	int64_t		since_ms;
	struct passdb_check check;
	struct buf	secret, service, peer, sid;
};

static struct {
	struct passdb	*db;
	struct link	waiting;
	size_t		waiting_count;
	struct timer	next;
	uint64_t	right, wrong, cached, dropped;
} authd;

static void
tell(const struct passdb_check *check, struct str service, struct str peer,
    struct str sid)
{
	bool ok = check->result == AUTH_OK;

	log_event(ok ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, ok ? "auth-ok" :
	    check->result == AUTH_NO ? "auth-failed" : "auth-later");
	log_str("service", service);
	log_str("account", buf_str(&check->account));
	log_str("peer", peer);
	log_str("sid", sid);
	if (!ok)
		log_z("reason", check->reason);
	log_end();
}

/* Shown to stored at once, but to spoold with each message of a session. */
static int64_t
grant_ms(struct str service)
{
	return str_starts(service, "smtp") || str_starts(service, "subm") ?
	    GRANT_SUBMISSION_MS : GRANT_LOGIN_MS;
}

static void
answer(struct chan *c, uint32_t ticket, struct passdb_check *check,
    struct str service, struct str peer, struct str sid)
{
	struct note_auth_verdict v = { .result = check->result };
	uint8_t mac[GRANT_LEN];

	if (check->result == AUTH_OK) {
		struct grant g = {
			.account = buf_str(&check->account),
			.home = buf_str(&check->home),
			.service = service, .sid = sid,
			.expires_ms = clock_real_ms() + grant_ms(service),
		};

		if (grant_make(daemon_key("grant"), &g, mac) != 0) {
			check->result = AUTH_LATER;
			check->reason = "no-grant";
			v.result = AUTH_LATER;
		} else {
			v.account = g.account;
			v.home = g.home;
			v.expires_ms = g.expires_ms;
			v.grant = str_mem(mac, sizeof(mac));
		}
	}
	authd.right += v.result == AUTH_OK;
	authd.wrong += v.result == AUTH_NO;
	tell(check, service, peer, sid);
	note_answer_auth_verdict(c, ticket, &v);
	explicit_bzero(mac, sizeof(mac));
}

static void
keep(struct buf *b, struct str s)
{
	buf_init(b, s.n + 1);
	buf_add(b, s);
}

static void
job_end(struct job *j)
{
	list_remove(&j->link);
	authd.waiting_count--;
	passdb_end(&j->check);
	buf_wipe(&j->secret);
	buf_free(&j->service);
	buf_free(&j->peer);
	buf_free(&j->sid);
	free(j);
}

static void
on_next(struct timer *t)
{
	struct link *first = list_first(&authd.waiting);
	struct job *j;

	if (first == NULL)
		return;
	j = container_of(first, struct job, link);
	if (clock_mono_ms() - j->since_ms > GIVE_UP_MS) {
		authd.dropped++;
		j->check.result = AUTH_LATER;
		j->check.reason = "too-many-waiting";
	} else {
		passdb_finish(authd.db, daemon_conf(), buf_str(&j->secret),
		    clock_mono_ms(), &j->check);
	}
	answer(j->chan, j->ticket, &j->check, buf_str(&j->service),
	    buf_str(&j->peer), buf_str(&j->sid));
	job_end(j);
	if (!list_empty(&authd.waiting))
		timer_set(t, 0);
}

static void
enqueue(struct chan *c, uint32_t ticket, const struct note_auth_check *ask,
    struct passdb_check *check)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->chan = c;
	j->ticket = ticket;
	j->since_ms = clock_mono_ms();
	j->check = *check;
	keep(&j->secret, ask->secret);
	keep(&j->service, ask->service);
	keep(&j->peer, ask->peer);
	keep(&j->sid, ask->sid);
	list_push(&authd.waiting, &j->link);
	authd.waiting_count++;
	if (!timer_armed(&authd.next))
		timer_set(&authd.next, 0);
}

/* A face asks for its own services only: a grant for submission is not to be
 * had through pop3d. */
static bool
is_its_own(const struct chan *c, struct str service)
{
	static const struct {
		enum proc	face;
		const char	*service;
	} own[] = {
		{ SMTPD, "smtp" }, { SMTPD, "submission" },
		{ SMTPD, "submissions" }, { POP3D, "pop3" },
		{ POP3D, "pop3s" }, { IMAPD, "imap" }, { IMAPD, "imaps" },
	};

	for (size_t i = 0; i < NITEMS(own); i++)
		if (own[i].face == c->peer && str_same(service, own[i].service))
			return true;
	return false;
}

static void
on_auth_check(struct chan *c, uint32_t ticket,
    const struct note_auth_check *ask)
{
	struct passdb_ask pa = { .user = ask->user, .secret = ask->secret,
	    .authzid = ask->authzid };
	struct passdb_check check;
	bool decided = passdb_begin(authd.db, daemon_conf(), &pa,
	    clock_mono_ms(), &check);

	if (!is_its_own(c, ask->service)) {
		check.result = AUTH_NO;
		check.reason = "not-its-service";
	} else if (decided) {
		authd.cached += check.result == AUTH_OK;
	} else if (authd.waiting_count < WAITING_MAX) {
		enqueue(c, ticket, ask, &check);
		return;
	} else {
		authd.dropped++;
		check.result = AUTH_LATER;
		check.reason = "too-many-waiting";
	}
	answer(c, ticket, &check, ask->service, ask->peer, ask->sid);
	passdb_end(&check);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_AUTH_CHECK)
		on_auth_check(c, n->ticket, note_as_auth_check(n));
}

static void
on_peer_gone(struct chan *c)
{
	struct link *e, *tmp;

	list_each_safe(e, tmp, &authd.waiting) {
		struct job *j = container_of(e, struct job, link);

		if (j->chan == c)
			job_end(j);
	}
}

static void
before_cage(void)
{
	digest_warm();
	(void)hash_dummy();
}

static bool
start(void)
{
	list_init(&authd.waiting);
	timer_init(&authd.next, on_next);
	authd.db = passdb_new(daemon_file("users"));
	return true;
}

/* A reload may deal another folder. */
static void
on_reload(void)
{
	passdb_free(authd.db);
	authd.db = passdb_new(daemon_file("users"));
}

static void
on_stat(void)
{
	daemon_stat("accounts", passdb_accounts(authd.db));
	daemon_stat("logins", authd.right);
	daemon_stat("logins-cached", authd.cached);
	daemon_stat("logins-refused", authd.wrong);
	daemon_stat("logins-dropped", authd.dropped);
	daemon_stat("logins-waiting", authd.waiting_count);
}

static const struct daemon_ops ops = {
	.kind = AUTHD,
	.before_cage = before_cage,
	.start = start,
	.on_note = on_note,
	.on_peer_gone = on_peer_gone,
	.on_reload = on_reload,
	.on_stat = on_stat,
};

int
main(int argc, char **argv)
{
	daemon_main(&ops, argc, argv);
}
