/* SPDX-License-Identifier: ISC */
/*
 * table/text.c - a table that is the text of aliases(5), kept in memory.
 *
 * A file with errors serves the entries that are right; a name whose entry is
 * wrong is FAIL_TEMP.  Is there a line that does not even say whose it is,
 * then so is every name that is not found, for it may stand in that line.
 * Mail waits for the operator instead of being returned.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/dict.h"
#include "base/file.h"
#include "table/alias.h"
#include "table/driver.h"
#include "base/banned.h"

#define TEXT_MAX	(256 * 1024 * 1024)

/* Stands for the value of an entry that is wrong. */
static struct str nothing;

struct text {
	struct arena	arena;
	struct dict	dict;		/* key -> struct str *; spoilt: &nothing */
	struct why	error;		/* the first; code 0: the file is right */
	bool		is_unsure;	/* what is not found may be there */
};

static void
text_entry(void *arg, uint32_t line, struct str name, struct str value)
{
	struct text *t = arg;
	struct str *kept = arena_get(&t->arena, sizeof(*kept));

	(void)line;
	if (kept == NULL || (value.n > 0 && value.p == NULL)) {
		(void)why_set(&t->error, FAIL_TEMP, "too large");
		t->is_unsure = true;
		return;
	}
	*kept = value;
	(void)dict_put(&t->dict, name, kept);
}

static void
text_error(void *arg, uint32_t line, const char *what)
{
	struct text *t = arg;

	if (t->error.code == 0)
		(void)why_set(&t->error, FAIL_TEMP, "line %u: %s", line,
		    what);
}

static void
text_spoilt(void *arg, struct str name)
{
	struct text *t = arg;

	if (name.n == 0)
		t->is_unsure = true;
	else
		(void)dict_put(&t->dict, name, &nothing);
}

static int
text_open(struct table *table, struct why *why)
{
	struct text *t = xcalloc(1, sizeof(*t));
	struct alias_sink sink = { text_entry, text_error, text_spoilt, t };
	struct buf content;
	int rc;

	buf_init(&content, TEXT_MAX);
	rc = file_read_all(table->dirfd, table->path, &content);
	if (rc != 0) {
		buf_free(&content);
		free(t);
		return why_errno(why, FAIL_TEMP, "table %s", table->path);
	}
	arena_init(&t->arena, 2 * (size_t)TEXT_MAX);
	dict_init(&t->dict);
	(void)!alias_parse(buf_str(&content), &sink, &t->arena);
	buf_free(&content);
	table->state = t;
	return 0;
}

static void
text_close(struct table *table)
{
	struct text *t = table->state;

	dict_free(&t->dict);
	arena_free(&t->arena);
	free(t);
}

static int
is_broken(const struct table *table, struct why *why)
{
	const struct text *t = table->state;

	return why_set(why, FAIL_TEMP, "table %s: %s", table->path,
	    t->error.text);
}

static int
text_get(struct table *table, struct str key, struct buf *value_out,
    struct why *why)
{
	const struct text *t = table->state;
	const struct str *value = dict_get(&t->dict, key);

	if (value == NULL && !t->is_unsure)
		return FAIL_GONE;
	if (value == NULL || value == &nothing)
		return is_broken(table, why);
	buf_add(value_out, *value);
	return buf_failed(value_out) ? FAIL_TOO_BIG : 0;
}

static int
text_each(struct table *table, table_each_fn *fn, void *arg, struct why *why)
{
	const struct text *t = table->state;
	struct str key;
	size_t at = 0;
	void *value;
	int rc;

	if (t->error.code != 0)
		return is_broken(table, why);
	while (dict_next(&t->dict, &at, &key, &value)) {
		rc = fn(arg, key, *(struct str *)value);
		if (rc != 0)
			return rc;
	}
	return 0;
}

const struct table_driver table_text = {
	.name = "text", .open = text_open, .get = text_get,
	.each = text_each, .close = text_close,
};
