/* SPDX-License-Identifier: ISC */
/*
 * qmgr/route.c - from an address to accounts and remote addresses.
 *
 * In a domain of ours a name is looked for in this order, first with its
 * tag (joe+lists), then without:
 *
 *	an alias of the whole address
 *	an alias of the bare name, if the domain is the origin
 *	an account
 *	an alias of the bare name, in any domain
 *
 * and then: postmaster, abuse and root go to the postmaster; @domain in a
 * table; catch-all of the domain; nobody.  A bare name is a name of the
 * origin.  What an alias names is looked for in the same way; an alias that
 * names itself means the account of that name.
 *
 * Whatever cannot be asked (a table that is away or broken, no users file)
 * makes the answer "later", never "unknown": mail waits for the operator.
 */
#include "qmgr/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dict.h"
#include "base/log.h"
#include "mail/addr.h"
#include "table/alias.h"
#include "table/table.h"
#include "table/users.h"
#include "base/banned.h"

#define VALUE_MAX	(256 * 1024)
#define TABLES_MAX	16

struct router {
	const struct conf *conf;
	struct users	*users;
	struct dict	domains;	/* name -> the router: a set */
	struct table	*table[TABLES_MAX];
	struct str	name[TABLES_MAX];	/* "bdb aliases.db" */
	size_t		tables;
	struct why	broken;		/* a table that has no driver */
};

/* One address taken apart; all in lower case, text as it was given. */
struct name {
	struct str	text;		/* of a remote one: case is theirs */
	struct str	address, local, domain;
	struct str	base, tag;	/* of local; tag empty without one */
};

struct walk {
	struct router	*r;
	struct arena	*a;
	struct route_answer *out;
	route_step_fn	*step;
	void		*arg;
	struct dict	done;		/* addresses expanded already */
	struct str	chain[ROUTE_DEPTH_MAX + 1];	/* from the first to here */
	size_t		depth;
};

static int expand(struct walk *w, struct str text, bool may_travel);

/* --- what we know ------------------------------------------------------- */

static struct str
origin(const struct conf *conf)
{
	if (conf->site.origin.n > 0)
		return conf->site.origin;
	return conf->site.domains.n > 0 ? conf->site.domains.v[0] :
	    conf->site.hostname;
}

static void
add_table(struct router *r, struct str entry, int dir)
{
	struct str driver, rest = entry, path;
	struct why why;

	driver = str_word(&rest);
	path = str_rest(&rest);
	if (r->tables == TABLES_MAX)
		(void)why_set(&r->broken, FAIL_TEMP, "more than %d alias "
		    "tables", TABLES_MAX);
	else if (table_new(dir, driver, path, &r->table[r->tables],
	    &why) != 0)
		r->broken = why;
	else
		r->name[r->tables++] = entry;
}

struct router *
router_new(const struct conf *conf, int users_dir, int tables_dir)
{
	struct router *r = xcalloc(1, sizeof(*r));
	size_t i;

	r->conf = conf;
	r->users = users_new(users_dir);
	dict_init(&r->domains);
	for (i = 0; i < conf->site.domains.n; i++)
		(void)dict_put(&r->domains, conf->site.domains.v[i], r);
	for (i = 0; i < conf->alias.tables.n; i++)
		add_table(r, conf->alias.tables.v[i], tables_dir);
	return r;
}

void
router_free(struct router *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->tables; i++)
		table_free(r->table[i]);
	users_free(r->users);
	dict_free(&r->domains);
	free(r);
}

size_t
router_accounts(const struct router *r)
{
	return users_count(r->users);
}

/* --- words for people --------------------------------------------------- */

PRINTF(2, 3) static void
step(struct walk *w, const char *fmt, ...)
{
	char text[TEXT_MAX + 1];
	va_list ap;

	if (w->step == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->step(w->arg, text);
}

/* The first reason is kept, it is nearest to the address that was asked; but
 * that a target of an alias is unknown yields to what matters more. */
PRINTF(3, 4) static int
fail(struct walk *w, int code, const char *fmt, ...)
{
	char text[sizeof(w->out->why.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	step(w, "%s", text);
	if (w->out->why.code == 0 || w->out->why.code == FAIL_GONE)
		(void)why_set(&w->out->why, code, "%s", text);
	return code;
}

/* --- addresses ----------------------------------------------------------- */

static struct str
lower(struct walk *w, struct str s)
{
	struct buf b;
	struct str out;

	buf_init(&b, ADDRESS_MAX);
	addr_put_lower(&b, s);
	out = buf_failed(&b) ? str_of(NULL) : arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* A tag comes from strangers and may name a mailbox or stand in a rule one
 * day: no shell text, no path. */
static bool
tag_is_plain(struct str tag)
{
	for (size_t i = 0; i < tag.n; i++) {
		uint8_t c = tag.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    str_chr(STR("-_.=+"), c) == 5)
			return false;
	}
	return true;
}

static void
take_tag(struct walk *w, struct name *n)
{
	struct str sep = w->r->conf->site.tag_separator;
	size_t at = sep.n == 0 ? n->local.n : str_chr(n->local, sep.p[0]);

	n->base = n->local;
	n->tag = str_of("");
	if (at == 0 || at >= n->local.n - 1 || str_starts(n->local, "\"") ||
	    !tag_is_plain(str_from(n->local, at + 1)))
		return;
	n->base = str_sub(n->local, 0, at);
	n->tag = str_from(n->local, at + 1);
}

static int
take_name(struct walk *w, struct str text, struct name *out)
{
	struct addr_path path;
	struct name n;

	if (addr_parse(text, true, w->a, &path) != ADDR_FINE || path.is_null)
		return fail(w, FAIL_SYNTAX, "\"%.*s\" is not an address",
		    STR_ARG(text));
	n.text = path.text;
	if (path.domain.n == 0) {
		n.text = arena_fmt(w->a, "%.*s@%.*s", STR_ARG(path.text),
		    STR_ARG(origin(w->r->conf)));
		step(w, "%.*s: no domain, so %.*s", STR_ARG(text),
		    STR_ARG(n.text));
	}
	n.address = lower(w, n.text);
	if (n.address.p == NULL ||
	    !addr_split(n.address, &n.local, &n.domain))
		return fail(w, FAIL_SYNTAX, "\"%.*s\" is too long",
		    STR_ARG(text));
	take_tag(w, &n);
	*out = n;
	return 0;
}

/* --- results ------------------------------------------------------------- */

static int
add_target(struct walk *w, const struct route_target *t)
{
	struct route_answer *out = w->out;
	size_t i;

	for (i = 0; i < out->targets; i++) {
		const struct route_target *o = &out->target[i];

		if (o->kind == t->kind && (t->kind == ROUTE_LOCAL ?
		    str_eq(o->account, t->account) :
		    str_ieq(o->address, t->address)))
			return 0;
	}
	if (out->targets == ROUTE_TARGETS_MAX)
		return fail(w, FAIL_TOO_BIG, "more than %d recipients",
		    ROUTE_TARGETS_MAX);
	out->target[out->targets++] = *t;
	return 0;
}

static int
add_account(struct walk *w, const struct name *n, const struct user *user,
    struct str tag)
{
	struct route_target t = {
		.kind = ROUTE_LOCAL,
		.address = n->address,
		.account = arena_str(w->a, user->address),
		.detail = str_sub(tag, 0, 64),
	};
	struct buf home;
	int rc;

	buf_init(&home, HOME_MAX);
	rc = users_home(user, w->r->conf->stored.layout, &home);
	t.home = arena_str(w->a, buf_str(&home));
	buf_free(&home);
	if (rc != 0 || t.home.p == NULL || t.account.p == NULL)
		return fail(w, FAIL_TEMP, "%.*s has no usable Maildir",
		    STR_ARG(n->address));
	step(w, "%.*s: account %.*s, Maildir %.*s", STR_ARG(n->address),
	    STR_ARG(t.account), STR_ARG(t.home));
	return add_target(w, &t);
}

static int
add_remote(struct walk *w, const struct name *n)
{
	struct route_target t = { .kind = ROUTE_REMOTE, .address = n->text };

	step(w, "%.*s: not a domain of ours, it travels", STR_ARG(n->text));
	return add_target(w, &t);
}

/* --- looking ------------------------------------------------------------- */

/* Every look-up: 0 when it decided (well or badly is in the result),
 * FAIL_GONE when it knows nothing. */

static int
alias_value(struct walk *w, struct str key, struct str *value_out)
{
	struct buf value;
	struct why why;
	int rc = FAIL_GONE;
	size_t i;

	if (w->r->broken.code != 0)
		return fail(w, FAIL_TEMP, "%s", w->r->broken.text);
	for (i = 0; i < w->r->tables && rc == FAIL_GONE; i++) {
		buf_init(&value, VALUE_MAX);
		rc = table_get(w->r->table[i], key, &value, &why);
		if (rc == 0) {
			*value_out = value.len == 0 ? str_of("") :
			    arena_str(w->a, buf_str(&value));
			step(w, "%.*s: alias in %.*s: %.*s", STR_ARG(key),
			    STR_ARG(w->r->name[i]), STR_ARG(*value_out));
		}
		buf_free(&value);
	}
	if (rc == 0 && value_out->p == NULL)
		rc = FAIL_TOO_BIG;
	if (rc == 0 || rc == FAIL_GONE)
		return rc;
	if (rc == FAIL_TOO_BIG)
		return fail(w, rc, "the alias %.*s is too large",
		    STR_ARG(key));
	return fail(w, FAIL_TEMP, "%s", why.text);
}

/* A target nobody has is told and left out as long as another one gets the
 * mail; the sender could do nothing about it. */
static int
expand_targets(struct walk *w, struct str key, struct str value)
{
	struct str *target = arena_array(w->a, ROUTE_TARGETS_MAX,
	    sizeof(*target));
	size_t n = 0, i, before = w->out->targets;
	struct why why;
	int rc;

	if (target == NULL)
		return fail(w, FAIL_TOO_BIG, "too many recipients");
	rc = alias_targets(value, w->a, target, ROUTE_TARGETS_MAX, &n, &why);
	if (rc == FAIL_TOO_BIG)
		return fail(w, rc, "alias %.*s: %s", STR_ARG(key), why.text);
	if (rc != 0)		/* of a table that another program made */
		return fail(w, FAIL_TEMP, "alias %.*s: %s", STR_ARG(key),
		    why.text);
	for (i = 0; i < n; i++) {
		rc = expand(w, target[i], true);
		if (rc != 0 && rc != FAIL_GONE)
			return rc;
		if (rc != 0) {
			log_event(LOG_LEVEL_WARN, "alias-target-unknown");
			log_str("alias", key);
			log_str("target", target[i]);
			log_end();
		}
	}
	return n > 0 && (rc == 0 || w->out->targets > before) ? 0 : FAIL_GONE;
}

static int
try_alias(struct walk *w, struct str key)
{
	struct str value;
	int rc = alias_value(w, key, &value);

	if (rc != 0)
		return rc;
	rc = expand_targets(w, key, value);
	return rc == FAIL_GONE ? fail(w, FAIL_PERM, "nobody is left of the "
	    "alias %.*s", STR_ARG(key)) : rc;
}

static int
try_account(struct walk *w, const struct name *n, struct str local,
    struct str tag)
{
	struct str address = arena_fmt(w->a, "%.*s@%.*s", STR_ARG(local),
	    STR_ARG(n->domain));
	struct user user;
	struct why why;
	int rc = users_find(w->r->users, address, &user, &why);

	if (rc == 0)
		return add_account(w, n, &user, tag);
	return rc == FAIL_GONE ? rc : fail(w, FAIL_TEMP, "%s", why.text);
}

/* One name, with or without its tag, in the order that stands above. */
static int
try_name(struct walk *w, const struct name *n, struct str local,
    struct str tag, bool no_alias)
{
	bool at_origin = str_ieq(n->domain, origin(w->r->conf));
	struct str address = arena_fmt(w->a, "%.*s@%.*s", STR_ARG(local),
	    STR_ARG(n->domain));
	int rc = FAIL_GONE;

	if (!no_alias)
		rc = try_alias(w, address);
	if (rc == FAIL_GONE && at_origin && !no_alias)
		rc = try_alias(w, local);
	if (rc == FAIL_GONE)
		rc = try_account(w, n, local, tag);
	if (rc == FAIL_GONE && !at_origin && !no_alias)
		rc = try_alias(w, local);
	return rc;
}

/* RFC 5321 4.5.1, RFC 2142: somebody has to read these.  A tag behind such a
 * name is nobody's filter, but what probes for a shell: root+${run{...}}. */
static int
try_postmaster(struct walk *w, const struct name *n)
{
	struct str to = w->r->conf->site.postmaster;
	struct user user;
	struct why why;
	int rc;

	if (!str_same(n->local, "postmaster") && !str_same(n->local, "abuse") &&
	    !str_same(n->local, "root"))
		return FAIL_GONE;
	if (to.n > 0) {
		step(w, "%.*s: goes to the postmaster, %.*s",
		    STR_ARG(n->address), STR_ARG(to));
		return expand(w, to, true);
	}
	rc = users_first(w->r->users, &user, &why);
	if (rc == FAIL_GONE)
		return rc;
	if (rc != 0)
		return fail(w, FAIL_TEMP, "%s", why.text);
	step(w, "%.*s: no postmaster is set, so the first account",
	    STR_ARG(n->address));
	return add_account(w, n, &user, str_of(""));
}

static int
try_catch_all(struct walk *w, const struct name *n)
{
	struct str to = conf_option(w->r->conf, "domain", n->domain,
	    "catch-all");
	struct str key = arena_fmt(w->a, "@%.*s", STR_ARG(n->domain));
	int rc = try_alias(w, key);

	if (rc != FAIL_GONE || to.n == 0)
		return rc;
	step(w, "%.*s: catch-all of the domain, %.*s", STR_ARG(n->address),
	    STR_ARG(to));
	return expand(w, to, true);
}

static int
find_local(struct walk *w, const struct name *n, bool no_alias)
{
	int rc = try_name(w, n, n->local, str_of(""), no_alias);

	if (rc == FAIL_GONE && n->tag.n > 0)
		rc = try_name(w, n, n->base, n->tag, no_alias);
	if (no_alias)
		return rc == FAIL_GONE ? fail(w, FAIL_BUG, "%.*s: aliases go "
		    "in a circle", STR_ARG(n->address)) : rc;
	if (rc == FAIL_GONE)
		rc = try_postmaster(w, n);
	if (rc == FAIL_GONE)
		rc = try_catch_all(w, n);
	return rc == FAIL_GONE ? fail(w, rc, "%.*s: no such user here",
	    STR_ARG(n->address)) : rc;
}

/* Are we inside of the aliases of this address already? */
static bool
is_in_chain(const struct walk *w, struct str address)
{
	size_t i;

	for (i = 0; i < w->depth; i++)
		if (str_eq(w->chain[i], address))
			return true;
	return false;
}

static int
expand(struct walk *w, struct str text, bool may_travel)
{
	struct name n;
	bool in_chain;
	int rc = take_name(w, text, &n);

	if (rc != 0)
		return rc;
	if (dict_get(&w->r->domains, n.domain) == NULL) {
		if (may_travel)
			return add_remote(w, &n);
		return fail(w, FAIL_DENIED, "%.*s: not a domain of ours, and "
		    "no right to relay", STR_ARG(n.text));
	}
	in_chain = is_in_chain(w, n.address);
	if (!in_chain && dict_put(&w->done, n.address, w->r) != NULL)
		return 0;	/* by another way already */
	if (w->depth > ROUTE_DEPTH_MAX)
		return fail(w, FAIL_BUG, "%.*s: aliases are nested deeper "
		    "than %d", STR_ARG(n.address), ROUTE_DEPTH_MAX);
	w->chain[w->depth++] = n.address;
	rc = find_local(w, &n, in_chain);
	w->depth--;
	return rc;
}

static enum route_result
result_of(int rc)
{
	switch (rc) {
	case 0:
		return ROUTE_OK;
	case FAIL_SYNTAX:
		return ROUTE_BAD_ADDRESS;
	case FAIL_DENIED:
		return ROUTE_NO_RELAY;
	case FAIL_GONE:
	case FAIL_PERM:
		return ROUTE_UNKNOWN;
	case FAIL_TOO_BIG:
		return ROUTE_TOO_MANY;
	case FAIL_BUG:
		return ROUTE_LOOP;
	}
	return ROUTE_LATER;
}

void
route_find(struct router *r, const struct route_ask *ask, struct arena *a,
    struct route_answer *out, route_step_fn *step_fn, void *arg)
{
	struct walk w = { .r = r, .a = a, .out = out, .step = step_fn,
	    .arg = arg };
	int rc;

	*out = (struct route_answer){ .result = ROUTE_LATER };
	out->target = arena_array(a, ROUTE_TARGETS_MAX, sizeof(*out->target));
	if (out->target == NULL)
		return;
	dict_init(&w.done);
	rc = expand(&w, ask->address, ask->may_relay);
	dict_free(&w.done);
	out->result = result_of(rc);
	if (out->result != ROUTE_OK)
		out->targets = 0;
	else if (out->targets == 0)
		out->result = ROUTE_LOOP;	/* an alias of nothing but itself */
}
