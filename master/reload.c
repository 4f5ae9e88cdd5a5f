/* SPDX-License-Identifier: ISC */
/*
 * master/reload.c - a new file: all of it, or nothing and why.
 *
 * Read, check, bind what is new; only when all that went well is anybody
 * told.  What cannot change while the suite runs is said in the answer.
 */
#include "master/master.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/banned.h"

static bool
text_differs(struct str a, struct str b)
{
	return !str_eq(a, b);
}

static void
say_what_waits(const struct config *old, const struct config *new,
    struct buf *text)
{
	const struct { const char *name; struct str a, b; } fixed[] = {
#define PAIR(name, member) { name, old->conf.master.member, \
	    new->conf.master.member }
		PAIR("folders run", run), PAIR("folders state", state),
		PAIR("folders spool", spool), PAIR("folders mail", mail),
		PAIR("folders log", log), PAIR("folders index", index),
		PAIR("folders users", users), PAIR("folders tables", tables),
		PAIR("folders dkim", dkim),
		PAIR("cage", cage), PAIR("user-prefix", user_prefix),
		PAIR("pid-file", pid_file),
#undef PAIR
	};

	for (size_t i = 0; i < NITEMS(fixed); i++)
		if (text_differs(fixed[i].a, fixed[i].b))
			buf_fmt(text, "%s changes at the next start\n",
			    fixed[i].name);
	if (old->conf.master.uid_base != new->conf.master.uid_base)
		buf_z(text, "uid-base changes at the next start\n");
	for (int k = MASTER + 1; k < PROC_COUNT; k++)
		if (config_workers(new, (enum proc)k) != master.count[k])
			buf_fmt(text, "workers %s changes at the next start\n",
			    procs[k].name);
}

static int
refuse(struct config *new, struct buf *text, const char *why)
{
	if (why != NULL)
		buf_fmt(text, "%s\n", why);
	log_event(LOG_LEVEL_ERROR, "reload-refused");
	log_str("text", str_chomp(buf_str(text)));
	log_end();
	if (new != NULL)
		config_free(new);
	return FAIL_PERM;
}

static void
tell(enum proc kind, bool only)
{
	each_child(c)
		if (child_exists(c) && c->chan != NULL &&
		    (c->kind == kind) == only)
			start_tell_settings(c);
}

static int
take_new(struct buf *text)
{
	struct config *new, *old = master.config;
	struct why why;

	if (master.stage != 0)
		return refuse(NULL, text, "stopping");
	new = config_read(text);
	if (new == NULL)
		return refuse(NULL, text, NULL);
	if (listen_bind(new, &why) != 0) {
		listen_keep_old();
		return refuse(new, text, why.text);
	}
	buf_add(text, buf_str(&new->warnings));
	say_what_waits(old, new, text);
	listen_keep_new();
	master.config = new;
	master.generation++;
	sync_choose();
	tickets_reload(old);
	/* keyd first: it needs a new key before anybody asks for it */
	tell(KEYD, true);
	tell(KEYD, false);
	config_free(old);
	certs_warn(new);
	sync_tell();
	log_event(LOG_LEVEL_INFO, "reloaded");
	log_u64("generation", master.generation);
	log_end();
	return 0;
}

int
reload(struct buf *text)
{
	int r;

	init_reloading();
	r = take_new(text);
	init_reloaded(r == 0);
	return r;
}
