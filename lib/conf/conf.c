/* SPDX-License-Identifier: ISC */
/*
 * conf/conf.c - the settings of a process, filled row by row.
 *
 * The members come from the catalogue by macro, so that a setting that is
 * in conf/params.h cannot be forgotten here.  Nothing is read from a file:
 * rows come from master, who read it.
 */
#include "conf/conf.h"

#include "conf/value.h"
#include "base/banned.h"

#define CONF_MAX	(64 * 1024 * 1024)

/* Member number i of the catalogue. */
static void *
member(struct conf *c, size_t i)
{
#define P(name, kind, path, dflt, min, max, who, text) &in->name,
#define S(section) {							\
		__typeof__(c->section) *in = &c->section;		\
		void *const at[] = { PARAMS_##section(P) };		\
		if (i < NITEMS(at))					\
			return at[i];					\
		i -= NITEMS(at);					\
	}
	PARAM_SECTIONS(S)
#undef S
#undef P
	bug("no setting %zu", i);
}

static int
add_entry(struct conf *c, struct strs *list, struct str s)
{
	size_t cap = list->cap == 0 ? 8 : list->cap * 2, i;
	struct str *v;

	if (list->n == list->cap) {
		v = arena_array(&c->arena, cap, sizeof(*v));
		if (v == NULL)
			return FAIL_TOO_BIG;
		for (i = 0; i < list->n; i++)
			v[i] = list->v[i];
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = s;
	return 0;
}

/* Stores a value that value_parse gave; s was copied into the arena. */
static int
put(struct conf *c, const struct param *p, struct str s, struct why *why)
{
	void *at = member(c, (size_t)(p - params));
	union value v;
	int rc = value_parse(p, s, &v, why);

	if (rc != 0)
		return rc;
	switch (p->kind) {
	case PARAM_flag:
		*(bool *)at = v.flag;
		return 0;
	case PARAM_num:
		*(uint32_t *)at = v.num;
		return 0;
	case PARAM_size:
		*(uint64_t *)at = v.size;
		return 0;
	case PARAM_ms:
		*(int64_t *)at = v.ms;
		return 0;
	case PARAM_word:
	case PARAM_text:
		*(struct str *)at = v.text;
		return 0;
	case PARAM_list:
		if (v.text.n > 0 && add_entry(c, at, v.text) != 0)
			return why_set(why, FAIL_TOO_BIG, "%s: too much",
			    p->path);
		return 0;
	}
	bug("kind of %s", p->path);
}

static void
put_default(struct conf *c, const struct param *p)
{
	struct str all = str_of(p->dflt);
	struct why why;

	do {
		if (put(c, p, p->kind == PARAM_list ? str_until(&all, ',') :
		    all, &why) != 0)
			bug("default of %s: %s", p->path, why.text);
	} while (p->kind == PARAM_list && all.n > 0);
}

void
conf_init(struct conf *c)
{
	size_t i;

	*c = (struct conf){ .options = NULL };
	arena_init(&c->arena, CONF_MAX);
	for (i = 0; i < params_count; i++)
		put_default(c, &params[i]);
}

void
conf_free(struct conf *c)
{
	arena_free(&c->arena);
	*c = (struct conf){ .options = NULL };
}

/* "LIST ENTRY NAME": the list may have several words, so it is looked for
 * from the front; the last word is the option. */
static int
option_row(struct conf *c, struct str path, struct str value, struct why *why)
{
	const struct param_option *row = NULL;
	struct conf_option *o;
	struct str list, rest, word[2];
	size_t i;

	for (i = 0; i < param_options_count && row == NULL; i++) {
		list = str_of(param_options[i].list);
		rest = str_from(path, list.n);
		if (!str_starts(path, param_options[i].list) ||
		    conf_split(rest, word, 2, &c->arena) != 2)
			continue;
		row = param_option_find(param_options[i].list, word[1]);
	}
	if (row == NULL)
		return why_set(why, FAIL_GONE, "no setting \"%.*s\"",
		    STR_ARG(path));
	if (shape_check(row->shape, value, why) != 0)
		return FAIL_SYNTAX;
	o = arena_get(&c->arena, sizeof(*o));
	if (o == NULL)
		return why_set(why, FAIL_TOO_BIG, "too many settings");
	o->list = str_of(row->list);
	o->entry = word[0];
	o->name = str_of(row->name);
	o->value = value;
	if (c->options == NULL)
		c->options = o;
	else
		c->options_last->next = o;
	c->options_last = o;
	return 0;
}

int
conf_row(struct conf *c, struct str path, struct str value, struct why *why)
{
	const struct param *p = param_find(path);
	struct str copy = arena_str(&c->arena, value);
	struct strs *list;

	if (value.n > 0 && copy.p == NULL)
		return why_set(why, FAIL_TOO_BIG, "too many settings");
	if (p == NULL) {
		path = arena_str(&c->arena, path);
		return option_row(c, path, copy, why);
	}
	if (p->kind == PARAM_list) {
		list = member(c, (size_t)(p - params));
		if (!list->is_given)
			list->n = 0;
		list->is_given = true;
	}
	return put(c, p, copy, why);
}

struct str
conf_option(const struct conf *c, const char *list, struct str entry,
    const char *name)
{
	const struct conf_option *o;

	for (o = c->options; o != NULL; o = o->next)
		if (str_same(o->list, list) && str_ieq(o->entry, entry) &&
		    str_same(o->name, name))
			return o->value;
	return str_of("");
}
