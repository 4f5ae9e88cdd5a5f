/* SPDX-License-Identifier: ISC */
/*
 * auth/passdb.c - a name and a password to an account, or not.
 *
 * Whoever guesses learns nothing from the time an answer takes: a name that
 * is unknown, locked or not even an address is compared with the hash of
 * some account of ours (always the same one for the same name), so that all
 * refusals cost alike.  Only a right password may be answered from the
 * cache.
 */
#include "auth/passdb.h"

#include <stdlib.h>
#include <string.h>

#include "auth/cache.h"
#include "auth/hash.h"
#include "base/dict.h"
#include "base/log.h"
#include "base/rand.h"
#include "mail/addr.h"
#include "table/users.h"
#include "base/banned.h"

#define HASH_MAX	1024

struct passdb {
	struct users	*users;
	struct cache	*cache;
	uint64_t	key[2];		/* which account an unknown one imitates */
	size_t		bad_lines;	/* told in the log so far */
};

struct passdb *
passdb_new(int dir)
{
	struct passdb *db = xcalloc(1, sizeof(*db));

	db->users = users_new(dir);
	db->cache = cache_new();
	rand_bytes(db->key, sizeof(db->key));
	return db;
}

void
passdb_free(struct passdb *db)
{
	if (db == NULL)
		return;
	users_free(db->users);
	cache_free(db->cache);
	free(db);
}

size_t
passdb_accounts(const struct passdb *db)
{
	return users_count(db->users);
}

static void
tell_bad_lines(struct passdb *db)
{
	uint32_t first;
	size_t bad = users_bad_lines(db->users, &first);

	if (bad != db->bad_lines && bad > 0) {
		log_event(LOG_LEVEL_WARN, "users-bad-lines");
		log_u64("lines", bad);
		log_u64("first", first);
		log_end();
	}
	db->bad_lines = bad;
}

/* What stands behind a name that has no domain. */
static struct str
origin(const struct conf *conf)
{
	if (conf->site.origin.n > 0)
		return conf->site.origin;
	return conf->site.domains.n > 0 ? conf->site.domains.v[0] :
	    conf->site.hostname;
}

/* Lower case and with a domain: how the users file knows accounts. */
static void
canonical(const struct conf *conf, struct str user, struct buf *out)
{
	buf_init(out, ADDRESS_MAX);
	addr_put_lower(out, user);
	if (str_chr(user, '@') == user.n) {
		buf_c(out, '@');
		addr_put_lower(out, origin(conf));
	}
}

/* Some account's hash, always the same for the same name. */
static void
imitate(struct passdb *db, struct passdb_check *check)
{
	struct str name = buf_str(&check->account);
	struct user other;
	struct why why;

	if (users_nth(db->users, siphash24(db->key, name.p, name.n), &other,
	    &why) == 0)
		buf_add(&check->hash, other.hash);
	else
		buf_z(&check->hash, hash_dummy());
}

static bool
decide(struct passdb_check *check, enum auth_result result,
    const char *reason)
{
	check->result = result;
	check->reason = reason;
	return true;
}

/* The password is right; may it be used like this? */
static void
accept(struct passdb_check *check)
{
	if (check->may_act)
		(void)decide(check, AUTH_OK, "ok");
	else
		(void)decide(check, AUTH_NO, "other-identity");
}

static bool
is_same_account(const struct conf *conf, struct str authzid,
    const struct buf *account)
{
	struct buf name;
	bool same;

	canonical(conf, authzid, &name);
	same = !buf_failed(&name) && str_eq(buf_str(&name), buf_str(account));
	buf_free(&name);
	return same;
}

bool
passdb_begin(struct passdb *db, const struct conf *conf,
    const struct passdb_ask *ask, int64_t now_ms, struct passdb_check *check)
{
	struct user user;
	struct why why;
	int rc;

	*check = (struct passdb_check){ .result = AUTH_NO };
	buf_init(&check->home, HOME_MAX);
	buf_init(&check->hash, HASH_MAX);
	canonical(conf, ask->user, &check->account);
	check->may_act = ask->authzid.n == 0 ||
	    is_same_account(conf, ask->authzid, &check->account);
	rc = buf_failed(&check->account) ? FAIL_GONE : users_find(db->users,
	    buf_str(&check->account), &user, &why);
	tell_bad_lines(db);
	if (rc == FAIL_TEMP) {
		log_say(LOG_LEVEL_ERROR, "users-unreadable", "%s", why.text);
		return decide(check, AUTH_LATER, "users-unreadable");
	}
	if (rc != 0) {
		imitate(db, check);
		return false;
	}
	if (users_home(&user, conf->stored.layout, &check->home) != 0)
		return decide(check, AUTH_LATER, "no-home");
	buf_add(&check->hash, user.hash);
	check->is_known = true;
	if (!cache_knows(db->cache, user.address, user.hash, ask->secret,
	    now_ms))
		return false;
	accept(check);
	return true;
}

void
passdb_finish(struct passdb *db, const struct conf *conf, struct str secret,
    int64_t now_ms, struct passdb_check *check)
{
	struct str hash = buf_str(&check->hash);
	enum hash_answer answer = hash_check(hash, secret);

	if (answer == HASH_UNUSABLE)	/* "!" of a locked account, say */
		(void)hash_check(str_of(hash_dummy()), secret);
	if (!check->is_known)
		(void)decide(check, AUTH_NO, "no-account");
	else if (answer == HASH_UNUSABLE)
		(void)decide(check, AUTH_NO, "unusable-hash");
	else if (answer == HASH_WRONG)
		(void)decide(check, AUTH_NO, "password");
	else {
		cache_add(db->cache, buf_str(&check->account), hash, secret,
		    now_ms, conf->auth.cache_ttl);
		accept(check);
	}
}

void
passdb_end(struct passdb_check *check)
{
	buf_free(&check->account);
	buf_free(&check->home);
	buf_wipe(&check->hash);
}
