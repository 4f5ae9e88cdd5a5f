/* SPDX-License-Identifier: ISC */
/*
 * conf/file.c - the configuration file.
 *
 * Three passes over the text: words and blocks become a tree of statements;
 * each statement is found in the catalogue and becomes rows; what only the
 * whole file can tell is checked last.  An error never stops a pass, so that
 * an operator sees all of them at once.
 *
 * Pure: the text was read by somebody else, all memory is the arena's.
 */
#include "conf/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/dict.h"
#include "base/proc.h"
#include "base/utf8.h"
#include "conf/near.h"
#include "conf/value.h"
#include "base/banned.h"

#define ARENA_MAX	(256 * 1024 * 1024)
#define ERRORS_MAX	100
#define DEPTH_MAX	8
#define WORD_MAX	4096	/* a row has to fit into a note */
#define PATH_WORDS	3	/* most words in the path of a setting */

/* A word of a statement; a comma is a word of its own kind. */
struct word {
	struct word	*next;
	struct str	 s;
	uint32_t	 line, col;
	bool		 is_comma, is_quoted;
};

struct stmt {
	struct stmt	*next, *block;
	struct word	*words;
	bool		 has_block;
};

/* Where we are in the text. */
struct scan {
	struct conf_file *f;
	struct str	 rest;
	uint32_t	 line, col;
	unsigned	 depth;
};

/* What the second pass knows. */
struct resolve {
	struct conf_file *f;
	struct dict	 seen;	/* path, or path NUL entry -> conf_set */
};

/* --- errors -------------------------------------------------------------- */

void
conf_file_error(struct conf_file *f, uint32_t line, uint32_t col,
    const char *fmt, ...)
{
	struct conf_error *e;
	char text[400];
	va_list ap;

	f->error_count++;
	if (f->error_count > ERRORS_MAX)
		return;
	e = arena_get(&f->arena, sizeof(*e));
	if (e == NULL)
		return;		/* error_count says that there are some */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*e = (struct conf_error){ .line = line, .col = col,
	    .text = arena_str(&f->arena, str_of(text)) };
	if (f->errors == NULL)
		f->errors = e;
	else
		f->errors_last->next = e;
	f->errors_last = e;
}

static void
bad_word(struct conf_file *f, const struct word *w, const char *what)
{
	conf_file_error(f, w->line, w->col, "%s", what);
}

static void
too_big(struct conf_file *f)
{
	conf_file_error(f, 0, 0, "the file is too large");
}

/* --- first pass: words and blocks ---------------------------------------- */

static int
peek(const struct scan *s)
{
	return s->rest.n > 0 ? s->rest.p[0] : -1;
}

static void
step(struct scan *s)
{
	s->col++;
	if (s->rest.p[0] == '\n') {
		s->line++;
		s->col = 1;
	}
	s->rest = str_from(s->rest, 1);
}

/* Blanks and a comment, up to what ends or goes on with the statement. */
static void
skip_blanks(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\r')
		step(s);
	if (peek(s) == '#')
		while (peek(s) >= 0 && peek(s) != '\n')
			step(s);
}

static bool
ends_bare(int c)
{
	return c <= ' ' || c == 0x7f || memchr(";{}\",", c, 5) != NULL;
}

/* A byte that is no text: told once a place, then skipped. */
static void
skip_foreign(struct scan *s)
{
	conf_file_error(s->f, s->line, s->col, "a control character");
	while (peek(s) >= 0 && (peek(s) < ' ' || peek(s) == 0x7f) &&
	    peek(s) != '\n' && peek(s) != '\t')
		step(s);
}

static void
read_bare(struct scan *s, struct word *w)
{
	const uint8_t *from = s->rest.p;

	while (peek(s) >= 0 && !ends_bare(peek(s)))
		step(s);
	w->s = str_mem(from, (size_t)(s->rest.p - from));
}

static void
read_quoted(struct scan *s, struct word *w)
{
	struct buf text;

	w->is_quoted = true;
	buf_init(&text, WORD_MAX + 1);
	for (step(s); peek(s) != '"'; step(s)) {
		if (peek(s) == '\\')
			step(s);
		if (peek(s) < ' ' && peek(s) != '\t') {	/* also the end */
			bad_word(s->f, w, "a quote that is never closed");
			break;
		}
		buf_c(&text, s->rest.p[0]);
	}
	if (peek(s) == '"')
		step(s);
	if (buf_failed(&text))
		bad_word(s->f, w, "a word of more than 4096 bytes");
	w->s = text.len == 0 ? STR("") :
	    arena_str(&s->f->arena, buf_str(&text));
	buf_free(&text);
}

static struct word *
read_word(struct scan *s)
{
	struct word *w = arena_get(&s->f->arena, sizeof(*w));

	if (w == NULL) {
		too_big(s->f);
		s->rest.n = 0;
		return NULL;
	}
	*w = (struct word){ .line = s->line, .col = s->col };
	if (peek(s) == ',') {
		w->is_comma = true;
		step(s);
	} else if (peek(s) == '"') {
		read_quoted(s, w);
	} else {
		read_bare(s, w);
	}
	if (w->s.n > WORD_MAX)
		bad_word(s->f, w, "a word of more than 4096 bytes");
	else if (!utf8_valid(w->s))
		bad_word(s->f, w, "not UTF-8 text");
	return w;
}

static struct stmt *read_block(struct scan *s);

static void
read_nested(struct scan *s, struct stmt *stmt)
{
	uint32_t line = s->line, col = s->col;

	step(s);
	stmt->has_block = true;
	if (++s->depth > DEPTH_MAX) {
		conf_file_error(s->f, line, col, "blocks nested too deep");
		s->rest.n = 0;
		return;
	}
	stmt->block = read_block(s);
	s->depth--;
	if (peek(s) == '}')
		step(s);
	else
		conf_file_error(s->f, line, col, "a { that is never closed");
}

/* Words up to the end of the line, a `;', a `}' that closes the block
 * around us, or with a block of our own. */
static struct stmt *
read_stmt(struct scan *s)
{
	struct stmt *stmt = arena_get(&s->f->arena, sizeof(*stmt));
	struct word **tail, *w;

	if (stmt == NULL) {
		too_big(s->f);
		s->rest.n = 0;
		return NULL;
	}
	*stmt = (struct stmt){ .has_block = false };
	tail = &stmt->words;
	for (;;) {
		skip_blanks(s);
		if (peek(s) < 0 || memchr("\n;}", peek(s), 3) != NULL)
			return stmt;
		if (peek(s) == '{') {
			if (stmt->words == NULL)
				conf_file_error(s->f, s->line, s->col,
				    "a block stands on the line of its name");
			read_nested(s, stmt);
			return stmt;
		}
		if (peek(s) < ' ' || peek(s) == 0x7f) {
			skip_foreign(s);
			continue;
		}
		w = read_word(s);
		if (w == NULL)
			return stmt;
		*tail = w;
		tail = &w->next;
	}
}

static struct stmt *
read_block(struct scan *s)
{
	struct stmt *first = NULL, **tail = &first, *stmt;

	for (;;) {
		skip_blanks(s);
		if (peek(s) == ';' || peek(s) == '\n') {
			step(s);
			continue;
		}
		if (peek(s) < 0 || (peek(s) == '}' && s->depth > 0))
			return first;
		if (peek(s) == '}') {
			conf_file_error(s->f, s->line, s->col,
			    "a } without its {");
			step(s);
			continue;
		}
		stmt = read_stmt(s);
		if (stmt != NULL && stmt->words != NULL) {
			*tail = stmt;
			tail = &stmt->next;
		}
	}
}

/* --- second pass: settings ----------------------------------------------- */

static struct str
join(struct conf_file *f, struct str path, struct str word)
{
	return path.n == 0 ? word : arena_fmt(&f->arena, "%.*s %.*s",
	    STR_ARG(path), STR_ARG(word));
}

/* Does the path of any setting go on behind these words? */
static bool
is_section(struct str path)
{
	size_t i;

	for (i = 0; i < params_count; i++) {
		struct str whole = str_of(params[i].path);

		if (whole.n > path.n && whole.p[path.n] == ' ' &&
		    str_eq(str_sub(whole, 0, path.n), path))
			return true;
	}
	return false;
}

/* The word of a setting's path behind `path`; empty when it is elsewhere. */
static struct str
next_word(const struct param *p, struct str path)
{
	struct str whole = str_of(p->path);

	if (path.n == 0)
		return str_word(&whole);
	if (!str_starts(whole, "") || whole.n <= path.n + 1 ||
	    !str_eq(str_sub(whole, 0, path.n), path) ||
	    whole.p[path.n] != ' ')
		return str_of(NULL);
	whole = str_from(whole, path.n + 1);
	return str_word(&whole);
}

/* `path` is known, the word behind it is not. */
static void
unknown_setting(struct conf_file *f, const struct word *w, struct str path)
{
	struct near n;
	struct str whole;
	size_t i, at;

	near_begin(&n, w->s);
	for (i = 0; i < params_count; i++)
		near_try(&n, next_word(&params[i], path));
	for (i = 0; i < params_count && n.best.p == NULL; i++) {
		whole = str_of(params[i].path);
		at = str_rchr(whole, ' ');
		if (at < whole.n && str_eq(str_from(whole, at + 1), w->s))
			n.best = whole;	/* right word, wrong place */
	}
	if (n.best.p != NULL)
		conf_file_error(f, w->line, w->col, "unknown setting "
		    "\"%.*s\", the nearest is \"%.*s\"", STR_ARG(w->s),
		    STR_ARG(n.best));
	else
		conf_file_error(f, w->line, w->col, "unknown setting "
		    "\"%.*s\"", STR_ARG(w->s));
}

static void
unknown_option(struct conf_file *f, const struct word *w, const char *list)
{
	struct near n;
	size_t i;

	near_begin(&n, w->s);
	for (i = 0; i < param_options_count; i++)
		if (strcmp(param_options[i].list, list) == 0)
			near_try(&n, str_of(param_options[i].name));
	if (n.best.p != NULL)
		conf_file_error(f, w->line, w->col, "\"%s\" has no option "
		    "\"%.*s\", the nearest is \"%.*s\"", list, STR_ARG(w->s),
		    STR_ARG(n.best));
	else
		conf_file_error(f, w->line, w->col, "\"%s\" has no option "
		    "\"%.*s\"", list, STR_ARG(w->s));
}

static struct str
folded(struct conf_file *f, struct str s, const char *shape)
{
	struct str low = STR("");

	if (s.n > 0 && shape_folds(shape))
		low = arena_lower(&f->arena, s);
	return low.n > 0 ? low : s;
}

/* A row, unless the same was said before. */
static void
add_row(struct resolve *r, struct conf_set row, bool entry_counts)
{
	struct conf_set *set = arena_get(&r->f->arena, sizeof(*set)), *old;
	struct str key = row.path;

	if (entry_counts)
		key = arena_fmt(&r->f->arena, "%.*s\n%.*s",
		    STR_ARG(row.path), STR_ARG(row.value));
	if (set == NULL || key.p == NULL) {
		too_big(r->f);
		return;
	}
	old = dict_get(&r->seen, key);
	if (old != NULL) {
		conf_file_error(r->f, row.line, row.col, "\"%.*s\" was said "
		    "in line %" PRIu32 " already",
		    STR_ARG(entry_counts ? row.value : row.path), old->line);
		return;
	}
	*set = row;
	(void)dict_put(&r->seen, key, set);
	if (r->f->rows == NULL)
		r->f->rows = set;
	else
		r->f->rows_last->next = set;
	r->f->rows_last = set;
}

/* The only value of a scalar setting or option; NULL after an error. */
static const struct word *
only_value(struct conf_file *f, const struct word *name,
    const struct word *value)
{
	if (value == NULL)
		conf_file_error(f, name->line, name->col,
		    "\"%.*s\" needs a value", STR_ARG(name->s));
	else if (value->is_comma || value->next != NULL)
		conf_file_error(f, value->line, value->col,
		    "\"%.*s\" takes one value", STR_ARG(name->s));
	else
		return value;
	return NULL;
}

static void
take_scalar(struct resolve *r, const struct param *p, const struct stmt *s,
    const struct word *name, const struct word *value)
{
	struct why why;
	struct str v;

	value = only_value(r->f, name, value);
	if (s->has_block)
		bad_word(r->f, name, "this setting has no block");
	if (value == NULL)
		return;
	v = p->kind == PARAM_text ? folded(r->f, value->s, p->min) : value->s;
	if (value_parse(p, v, NULL, &why) != 0)
		bad_word(r->f, value, why.text);
	else
		add_row(r, (struct conf_set){ .path = str_of(p->path),
		    .value = v, .who = p->who, .line = name->line,
		    .col = name->col }, false);
}

static void
take_option(struct resolve *r, const struct param *p, struct str entry,
    const struct stmt *s)
{
	const struct param_option *o;
	const struct word *value;
	struct buf path;
	struct why why;
	struct str v;

	o = param_option_find(p->path, s->words->s);
	if (o == NULL) {
		unknown_option(r->f, s->words, p->path);
		return;
	}
	if (s->has_block)
		bad_word(r->f, s->words, "this option has no block");
	value = only_value(r->f, s->words, s->words->next);
	if (value == NULL)
		return;
	v = folded(r->f, value->s, o->shape);
	if (shape_check(o->shape, v, &why) != 0) {
		bad_word(r->f, value, why.text);
		return;
	}
	buf_init(&path, 2 * WORD_MAX);
	buf_fmt(&path, "%s ", p->path);
	conf_quote(&path, entry);
	buf_fmt(&path, " %s", o->name);
	add_row(r, (struct conf_set){ .value = v, .who = p->who,
	    .path = arena_str(&r->f->arena, buf_str(&path)),
	    .line = s->words->line, .col = s->words->col }, false);
	buf_free(&path);
}

/* The words up to the next comma as one value; *w is moved on to it. */
static struct str
entry_value(struct conf_file *f, const struct param *p, const struct word **w)
{
	const struct word *first = *w;
	struct buf b;
	struct str v;
	size_t n = 0;

	for (; *w != NULL && !(*w)->is_comma; *w = (*w)->next)
		n++;
	if (n == 1)
		return folded(f, first->s, p->min);
	if (n > shape_words(p->min)) {
		conf_file_error(f, first->line, first->col,
		    "too many words for one value; a comma separates values");
		return str_of(NULL);
	}
	buf_init(&b, 2 * WORD_MAX);
	for (; first != *w; first = first->next) {
		if (b.len > 0)
			buf_c(&b, ' ');
		conf_quote(&b, first->s);
	}
	v = arena_str(&f->arena, buf_str(&b));
	buf_free(&b);
	return v;
}

static void
take_entry(struct resolve *r, const struct param *p, const struct stmt *s,
    const struct word **w)
{
	const struct word *first = *w;
	const struct stmt *option;
	struct str v;
	struct why why;

	if (first == NULL || first->is_comma) {
		conf_file_error(r->f, s->words->line, s->words->col,
		    "a value is missing beside a comma");
		return;
	}
	v = entry_value(r->f, p, w);
	if (v.p == NULL)
		return;
	if (value_parse(p, v, NULL, &why) != 0) {
		bad_word(r->f, first, why.text);
		return;
	}
	add_row(r, (struct conf_set){ .path = str_of(p->path), .value = v,
	    .who = p->who, .line = first->line, .col = first->col }, true);
	for (option = s->block; option != NULL; option = option->next)
		take_option(r, p, v, option);
}

static void
take_list(struct resolve *r, const struct param *p, const struct stmt *s,
    const struct word *name, const struct word *w)
{
	if (w == NULL) {
		(void)only_value(r->f, name, w);
		return;
	}
	for (;;) {
		take_entry(r, p, s, &w);
		if (w == NULL)
			return;
		w = w->next;	/* the comma */
	}
}

/*
 * A list may also begin the path of other settings (`tls NAME {}' beside `tls
 * cert').  Its entries have a block; without entry or without block it is the
 * section that was meant.
 */
static bool
is_only_section(const struct param *p, const struct word *name,
    const struct stmt *s, struct str path)
{
	return p != NULL && p->kind == PARAM_list && is_section(path) &&
	    (name->next == NULL || !s->has_block);
}

/* Finds the setting: the longest path that the first words make. */
static void
resolve_stmt(struct resolve *r, const struct stmt *s, struct str path)
{
	const struct param *p = NULL;
	const struct word *w, *name = NULL, *last = NULL;
	struct str longer = path, known = path;
	const struct stmt *inner;
	size_t n = 0;

	for (w = s->words; w != NULL && n < PATH_WORDS && !w->is_comma &&
	    !w->is_quoted; w = w->next, n++) {
		longer = join(r->f, longer, w->s);
		if (param_find(longer) != NULL) {
			p = param_find(longer);
			name = w;
		} else if (!is_section(longer)) {
			break;
		}
		known = longer;
		last = w;
	}
	if (is_only_section(p, name, s, known))
		p = NULL;
	if (p != NULL && p->kind == PARAM_list)
		take_list(r, p, s, name, name->next);
	else if (p != NULL)
		take_scalar(r, p, s, name, name->next);
	else if (w != NULL)
		unknown_setting(r->f, w, known);
	else if (!s->has_block)
		conf_file_error(r->f, last->line, last->col, "\"%.*s\" is "
		    "no setting by itself, but begins some", STR_ARG(known));
	else
		for (inner = s->block; inner != NULL; inner = inner->next)
			resolve_stmt(r, inner, known);
}

/* `version 1' stands first; gives what follows. */
static const struct stmt *
take_version(struct conf_file *f, const struct stmt *s)
{
	const struct word *w = s == NULL ? NULL : s->words;
	uint32_t version;

	if (w == NULL || !str_same(w->s, "version")) {
		conf_file_error(f, w == NULL ? 1 : w->line,
		    w == NULL ? 1 : w->col,
		    "the first line of a configuration is \"version %d\"",
		    CONF_VERSION);
		return s;
	}
	if (w->next == NULL || w->next->next != NULL || s->has_block ||
	    !str_u32(w->next->s, &version))
		bad_word(f, w, "version takes a number");
	else if (version != CONF_VERSION)
		conf_file_error(f, w->next->line, w->next->col, "version "
		    "%" PRIu32 " is not known here, only version %d",
		    version, CONF_VERSION);
	return s->next;
}

/* --- third pass: what only the whole file can tell ------------------------ */

const struct conf_set *
conf_file_find(const struct conf_file *f, const char *path)
{
	const struct conf_set *row;

	for (row = f->rows; row != NULL; row = row->next)
		if (str_same(row->path, path) && row->value.n > 0)
			return row;
	return NULL;
}

static void
check_pair(struct conf_file *f, const char *one, const char *other)
{
	const struct conf_set *row = conf_file_find(f, one);

	if (row != NULL && conf_file_find(f, other) == NULL)
		conf_file_error(f, row->line, row->col,
		    "\"%s\" is given, \"%s\" is missing", one, other);
}

/* A service that begins with TLS, and nothing to begin it with. */
static void
check_listeners(struct conf_file *f)
{
	const struct conf_set *row;
	struct listen l;

	if (conf_file_find(f, "tls cert") != NULL)
		return;
	for (row = f->rows; row != NULL; row = row->next)
		if (str_same(row->path, "listen") &&
		    listen_parse(row->value, &l, NULL) == 0 &&
		    (str_same(l.service, "submissions") ||
		    str_same(l.service, "pop3s") ||
		    str_same(l.service, "imaps")))
			conf_file_error(f, row->line, row->col, "%.*s needs "
			    "a certificate: \"tls cert\" is missing",
			    STR_ARG(l.service));
}

static void
check_whole(struct conf_file *f)
{
	if (conf_file_find(f, "hostname") == NULL)
		conf_file_error(f, 0, 0, "\"hostname\" is missing");
	check_pair(f, "tls cert", "tls key");
	check_pair(f, "tls key", "tls cert");
	check_listeners(f);
}

/* --- the whole ----------------------------------------------------------- */

int
conf_file_parse(struct conf_file *f, struct str text)
{
	struct resolve r = { .f = f };
	struct scan s = { .f = f, .rest = text, .line = 1, .col = 1 };
	const struct stmt *stmt;

	*f = (struct conf_file){ .rows = NULL };
	arena_init(&f->arena, ARENA_MAX);
	if (text.n > CONF_FILE_MAX) {
		too_big(f);
		return FAIL_SYNTAX;
	}
	stmt = take_version(f, read_block(&s));
	dict_init(&r.seen);
	for (; stmt != NULL; stmt = stmt->next)
		resolve_stmt(&r, stmt, str_of(""));
	dict_free(&r.seen);
	check_whole(f);
	return f->error_count == 0 ? 0 : FAIL_SYNTAX;
}

void
conf_file_free(struct conf_file *f)
{
	arena_free(&f->arena);
	*f = (struct conf_file){ .rows = NULL };
}

void
conf_file_errors(const struct conf_file *f, const char *name,
    struct buf *out)
{
	const struct conf_error *e;

	for (e = f->errors; e != NULL; e = e->next)
		if (e->line == 0)
			buf_fmt(out, "%s: %.*s\n", name, STR_ARG(e->text));
		else
			buf_fmt(out, "%s:%" PRIu32 ":%" PRIu32 ": %.*s\n",
			    name, e->line, e->col, STR_ARG(e->text));
	if (f->error_count > ERRORS_MAX)
		buf_fmt(out, "%s: and %zu more\n", name,
		    f->error_count - ERRORS_MAX);
}

/* --- config show --------------------------------------------------------- */

static bool
is_default(const struct param *p, struct str s)
{
	union value a, b;

	if (value_parse(p, s, &a, NULL) != 0 ||
	    value_parse(p, str_of(p->dflt), &b, NULL) != 0)
		return false;
	switch (p->kind) {
	case PARAM_flag:
		return a.flag == b.flag;
	case PARAM_num:
		return a.num == b.num;
	case PARAM_size:
		return a.size == b.size;
	case PARAM_ms:
		return a.ms == b.ms;
	case PARAM_word:
	case PARAM_text:
	case PARAM_list:
		break;
	}
	return str_eq(a.text, b.text);
}

static void
show_options(const struct conf_file *f, const struct conf_set *entry,
    struct buf *out)
{
	const struct conf_set *row;
	const char *before = " { ";
	struct buf front;

	buf_init(&front, 4 * WORD_MAX);
	buf_fmt(&front, "%.*s ", STR_ARG(entry->path));
	conf_quote(&front, entry->value);
	buf_c(&front, ' ');
	for (row = entry->next; row != NULL; row = row->next) {
		if (!str_starts(row->path, buf_cstr(&front)))
			break;		/* they follow their entry at once */
		buf_z(out, before);
		buf_add(out, str_from(row->path, front.len));
		buf_c(out, ' ');
		conf_quote(out, row->value);
		before = "; ";
	}
	if (before[0] == ';')
		buf_z(out, " }");
	buf_free(&front);
}

static void
show_line(const struct param *p, struct str value, struct buf *out)
{
	buf_fmt(out, "%s ", p->path);
	if (p->kind == PARAM_list && value.n > 0 &&
	    shape_words(p->min) > 1)
		buf_add(out, value);	/* words already */
	else
		conf_quote(out, value);
}

static void
show_default(const struct param *p, struct buf *out)
{
	struct str all = str_of(p->dflt);

	if (p->kind != PARAM_list) {
		show_line(p, all, out);
		buf_c(out, '\n');
		return;
	}
	while (all.n > 0) {
		show_line(p, str_until(&all, ','), out);
		buf_c(out, '\n');
	}
}

void
conf_file_show(const struct conf_file *f, bool only_changed, struct buf *out)
{
	const struct conf_set *row;
	bool is_given;
	size_t i;

	buf_fmt(out, "version %d\n", CONF_VERSION);
	for (i = 0; i < params_count; i++) {
		is_given = false;
		for (row = f->rows; row != NULL; row = row->next) {
			if (!str_same(row->path, params[i].path))
				continue;
			is_given = true;
			if (only_changed && is_default(&params[i], row->value))
				continue;
			show_line(&params[i], row->value, out);
			if (params[i].kind == PARAM_list)
				show_options(f, row, out);
			buf_c(out, '\n');
		}
		if (!is_given && !only_changed)
			show_default(&params[i], out);
	}
}
