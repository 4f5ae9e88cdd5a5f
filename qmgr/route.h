/* SPDX-License-Identifier: ISC */
/*
 * qmgr/route.h - where does mail for this address go?
 */
#ifndef QMGR_ROUTE_H
#define QMGR_ROUTE_H

#include "base/arena.h"
#include "base/fail.h"
#include "conf/conf.h"
#include "ipc/catalogue.h"

#define ROUTE_TARGETS_MAX	100	/* of one address */
#define ROUTE_DEPTH_MAX		10	/* aliases of aliases */

struct router;

struct route_target {
	enum route_kind	kind;
	struct str	address, account, home, detail;
};

struct route_ask {
	struct str	address;
	bool		may_relay;	/* or is logged in */
};

struct route_answer {
	enum route_result result;
	struct why	why;		/* in words, unless ROUTE_OK */
	struct route_target *target;	/* ROUTE_TARGETS_MAX of them */
	size_t		targets;
};

/* Tells a person what was looked at, in order; may be NULL. */
typedef void route_step_fn(void *arg, const char *text);

/* Descriptors are borrowed, conf has to outlive the router. */
struct router *router_new(const struct conf *conf, int users_dir,
	    int tables_dir);
void	router_free(struct router *r);
size_t	router_accounts(const struct router *r);

/* The strings of the answer live in a. */
void	route_find(struct router *r, const struct route_ask *ask,
	    struct arena *a, struct route_answer *out, route_step_fn *step,
	    void *arg);

#endif
