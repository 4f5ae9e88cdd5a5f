/* SPDX-License-Identifier: ISC */
/*
 * tools/alias.c - verbs about alias tables: alias list, add, rm; table build.
 *
 * A table of the driver "text" is the file routed reads.  One of the driver
 * "bdb", PATH.db, is made from the text file PATH beside it: the text is
 * what people and these verbs change, `table build' (newaliases) makes the
 * other.  Both are written beside and renamed; routed notices.  A text with
 * errors changes nothing.
 */
#include "tools/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/value.h"
#include "table/alias.h"

#include "base/banned.h"

#define TEXT_MAX	(64u << 20)

/* One table of the configuration, opened. */
struct source {
	const char	*text_name;	/* below the folder */
	struct str	built;		/* PATH.db; empty: the text itself */
	int		dir, lock;
	struct buf	text;
};

/* "bdb aliases.db" -> driver and the name of its text. */
static int
read_entry(struct cli *c, struct str entry, struct source *s)
{
	struct str word[2];

	if (conf_split(entry, word, 2, &c->arena) != 2)
		return EX_CONFIG;
	s->built = str_mem(NULL, 0);
	if (str_is(word[0], "bdb")) {
		if (!str_ends(word[1], ".db")) {
			cli_say("alias table %.*s: the name of a Berkeley DB "
			    "table ends in .db", STR_ARG(word[1]));
			return EX_CONFIG;
		}
		s->built = word[1];
		word[1].n -= strlen(".db");
	}
	s->text_name = cli_z(c, word[1]);
	return EX_OK;
}

static int
open_source(struct cli *c, struct str entry, struct source *s)
{
	const char *folder = cli_folder(c, "tables");
	int code, rc;

	if ((code = read_entry(c, entry, s)) != EX_OK)
		return code;
	if (cli_make_folders(c, folder, 0755) != 0 ||
	    (s->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		cli_say("%s: %s", folder, strerror(errno));
		return errno == EACCES ? EX_NOPERM : EX_CANTCREAT;
	}
	/* without leave to lock it there is none to write it either */
	s->lock = openat(s->dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock >= 0)
		(void)flock(s->lock, LOCK_EX);
	buf_init(&s->text, TEXT_MAX);
	rc = file_read_all(s->dir, s->text_name, &s->text);
	if (rc == 0 || rc == FAIL_GONE)
		return EX_OK;
	cli_say("%s/%s: %s", folder, s->text_name, rc == FAIL_TOO_BIG ?
	    "too big" : strerror(errno));
	return EX_NOINPUT;
}

static void
close_source(struct source *s)
{
	buf_free(&s->text);
	if (s->lock >= 0)
		(void)close(s->lock);
	(void)close(s->dir);
}

/* --- build --------------------------------------------------------------- */

/* Makes PATH.db of a text, or for a text table only looks for errors. */
static int
build(struct cli *c, struct source *s, struct str text, size_t *n_out)
{
	struct table_row *rows = NULL;
	struct buf errors;
	struct why why;
	int rc;

	*n_out = 0;
	buf_init(&errors, 1 << 20);
	rc = alias_rows(text, s->text_name, &c->arena, &rows, n_out, &errors);
	if (rc != 0) {
		fprintf(stderr, "%s", buf_cstr(&errors));
		buf_free(&errors);
		if (rc == FAIL_TOO_BIG)
			cli_say("%s: too many aliases", s->text_name);
		return EX_DATAERR;
	}
	buf_free(&errors);
	if (s->built.n == 0 || table_build(s->dir, STR("bdb"), s->built, rows,
	    *n_out, &why) == 0)
		return EX_OK;
	cli_say("%s", why.text);
	return EX_CANTCREAT;
}

static int
verb_table_build(struct cli *c, int argc, char **argv)
{
	const struct strs *tables = &c->conf.alias.tables;
	int code = cli_load(c);

	if (code != EX_OK)
		return code;
	if (tables->n == 0) {
		cli_say("no alias table is set (alias table)");
		return EX_CONFIG;
	}
	for (size_t i = 0; code == EX_OK && i < tables->n; i++) {
		struct source s;
		size_t n;

		if ((code = open_source(c, tables->v[i], &s)) != EX_OK)
			return code;
		code = build(c, &s, buf_str(&s.text), &n);
		if (code == EX_OK)
			printf("%.*s: %zu aliases\n", STR_ARG(s.built.n > 0 ?
			    s.built : str_of(s.text_name)), n);
		close_source(&s);
	}
	return code;
}

/* --- list ---------------------------------------------------------------- */

struct listing {
	struct cli	*c;
	const char	*file;
};

static void
print_entry(void *arg, uint32_t line, struct str name, struct str value)
{
	const struct listing *l = arg;
	struct buf out;

	if (!l->c->json) {
		printf("%.*s: %.*s\n", STR_ARG(name), STR_ARG(value));
		return;
	}
	buf_init(&out, 4u << 20);
	buf_c(&out, '{');
	cli_json_pair(&out, "name", name);
	cli_json_pair(&out, "targets", value);
	cli_json_pair(&out, "file", str_of(l->file));
	buf_fmt(&out, ",\"line\":%" PRIu32 "}\n", line);
	printf("%s", buf_cstr(&out));
	buf_free(&out);
}

static void
print_error(void *arg, uint32_t line, const char *text)
{
	const struct listing *l = arg;

	fprintf(stderr, "%s:%" PRIu32 ": %s\n", l->file, line, text);
}

static int
verb_alias_list(struct cli *c, int argc, char **argv)
{
	int code = cli_load(c);

	for (size_t i = 0; code == EX_OK && i < c->conf.alias.tables.n; i++) {
		struct source s;
		struct listing l = { .c = c };
		struct alias_sink sink = { .entry = print_entry,
		    .error = print_error, .arg = &l };

		code = open_source(c, c->conf.alias.tables.v[i], &s);
		if (code != EX_OK)
			return code;
		l.file = s.text_name;
		if (alias_parse(buf_str(&s.text), &sink, &c->arena) != 0)
			code = EX_DATAERR;
		close_source(&s);
	}
	return code;
}

/* --- change -------------------------------------------------------------- */

struct search {
	struct str	name;
	uint32_t	line;		/* 0: not found */
};

static void
find_entry(void *arg, uint32_t line, struct str name, struct str value)
{
	struct search *s = arg;

	(void)value;
	if (str_ieq(name, s->name))
		s->line = line;
}

static void
ignore_error(void *arg, uint32_t line, const char *text)
{
}

/* All lines but those of the entry that begins at `from` (0: none). */
static void
copy_without(struct buf *out, struct str text, uint32_t from)
{
	struct str line;
	bool gone = false;

	for (uint32_t n = 1; str_line(&text, &line); n++) {
		if (n == from)
			gone = true;
		else if (line.n == 0 || (line.p[0] != ' ' &&
		    line.p[0] != '\t'))
			gone = false;
		if (gone)
			continue;
		buf_add(out, line);
		buf_c(out, '\n');
	}
}

/* New text: looked at as a whole, kept only when all of it is right. */
static int
write_text(struct cli *c, struct source *s, struct buf *text)
{
	size_t n;
	int code;

	if (buf_failed(text)) {
		cli_say("%s: too big", s->text_name);
		return EX_DATAERR;
	}
	if ((code = build(c, s, buf_str(text), &n)) != EX_OK)
		return code;
	if (file_replace(s->dir, s->text_name, buf_str(text), 0644) == 0)
		return EX_OK;
	cli_say("%s: %s", s->text_name, strerror(errno));
	return EX_CANTCREAT;
}

/* targets NULL: remove. */
static int
change(struct cli *c, const char *name, char **targets)
{
	struct search found = { .name = str_of(name) };
	struct alias_sink sink = { .entry = find_entry,
	    .error = ignore_error, .arg = &found };
	struct source s;
	struct buf text;
	int code;

	if ((code = open_source(c, c->conf.alias.tables.v[0], &s)) != EX_OK)
		return code;
	buf_init(&text, TEXT_MAX);
	/* errors of the old text are told by write_text, if they stay */
	(void)!alias_parse(buf_str(&s.text), &sink, &c->arena);
	copy_without(&text, buf_str(&s.text), found.line);
	if (targets != NULL) {
		buf_fmt(&text, "%s: %s", name, targets[0]);
		while (*++targets != NULL)
			buf_fmt(&text, ", %s", *targets);
		buf_c(&text, '\n');
	}
	if (targets == NULL && found.line == 0) {
		cli_say("no such alias: %s", name);
		code = EX_NOINPUT;
	} else
		code = write_text(c, &s, &text);
	buf_free(&text);
	close_source(&s);
	return code;
}

static int
load_for_change(struct cli *c)
{
	int code = cli_load(c);

	if (code == EX_OK && c->conf.alias.tables.n == 0) {
		cli_say("no alias table is set (alias table)");
		code = EX_CONFIG;
	}
	return code;
}

static int
verb_alias_add(struct cli *c, int argc, char **argv)
{
	int code = load_for_change(c);

	return code == EX_OK ? change(c, argv[0], argv + 1) : code;
}

static int
verb_alias_rm(struct cli *c, int argc, char **argv)
{
	int code = load_for_change(c);

	return code == EX_OK ? change(c, argv[0], NULL) : code;
}

const struct verb alias_verbs[] = {
	{ "alias list", "", 0, 0, verb_alias_list, "all aliases" },
	{ "alias add", "NAME TARGET ...", 2, 1000, verb_alias_add,
	    "a new alias, or new targets of one that is there" },
	{ "alias rm", "NAME", 1, 1, verb_alias_rm, "remove an alias" },
	{ "table build", "", 0, 0, verb_table_build,
	    "make Berkeley DB tables of their texts (newaliases)" },
	{ NULL, NULL, 0, 0, NULL, NULL },
};
