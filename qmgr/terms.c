/* SPDX-License-Identifier: ISC */
/*
 * qmgr/terms.c - the table of providers, and what settings and table say of a
 * lane.
 *
 * In: the file "providers" that master dealt, or the one we were built with.
 */
#include "qmgr/terms.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "qmgr/providers.inc"
#include "qmgr/qmgr.h"

#include "base/banned.h"

enum { TABLE_ARENA = 4 * 1024 * 1024 };

static struct arena table_arena;
static struct buf table_text;

static bool
read_table(int fd)
{
	struct stat st;
	uint8_t *p;

	buf_reset(&table_text);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > PROVIDERS_FILE_MAX)
		return false;
	p = buf_grow(&table_text, (size_t)st.st_size);
	if (p == NULL || file_pread(fd, p, (size_t)st.st_size, 0) != 0)
		return false;
	buf_grown(&table_text, (size_t)st.st_size);
	return true;
}

/* The operator's file, or what we were built with. */
void
terms_load(void)
{
	struct why why;
	bool is_file;

	arena_reset(&table_arena);
	is_file = read_table(daemon_file("providers"));
	if (is_file && providers_parse(&qmgr.providers, buf_str(&table_text),
	    &table_arena, &why) == 0)
		return;
	if (is_file)
		log_say(LOG_LEVEL_ERROR, "providers-bad", "%s; the built-in "
		    "table is used", why.text);
	arena_reset(&table_arena);
	if (providers_parse(&qmgr.providers, str_of(providers_built_in),
	    &table_arena, &why) != 0)
		bug("built-in providers: %s", why.text);
}

void
terms_init(void)
{
	arena_init(&table_arena, TABLE_ARENA);
	buf_init(&table_text, PROVIDERS_FILE_MAX + 1);
	terms_load();
}

struct lane_terms
terms_of(const struct lane *l)
{
	const struct provider *p = provider_named(&qmgr.providers,
	    str_of(l->provider)), *rest = qmgr.providers.general;
	const struct conf *c = daemon_conf();
	struct lane_terms t = { .connections = c->queue.lane_connections,
	    .retry_ms = c->queue.retry, .retry_max_ms = c->queue.retry_max,
	    .pauses = 1, .pause_ms = { 2 * 60 * 1000 } };

	if (p != NULL && p->connections > 0 && p->connections < t.connections)
		t.connections = p->connections;
	if (p == NULL || p->pauses == 0)
		p = rest;
	if (p != NULL && p->pauses > 0) {
		t.pauses = p->pauses;
		memcpy(t.pause_ms, p->pause_ms, sizeof(t.pause_ms));
	}
	return t;
}
