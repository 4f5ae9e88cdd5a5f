/* SPDX-License-Identifier: ISC */
/*
 * imapd/list.c - LIST and LSUB.
 *
 * stored says all names of the account, a row each; those that match go out
 * as they come.  The options of LIST that RFC 6154 and RFC 5258 name are
 * understood because clients send them to any server that says SPECIAL-USE.
 *
 * RFC 3501 6.3.8, 6.3.9; RFC 3348 (CHILDREN); RFC 6154 (SPECIAL-USE).
 */
#include "imap/name.h"
#include "imap/out.h"
#include "imapd/command.h"

#include "base/dict.h"

#include "base/banned.h"

#define PATTERNS_MAX	32

struct listing {
	struct imap_pattern pattern[PATTERNS_MAX];
	size_t		patterns;
	const char	*verb;		/* "LIST", "LSUB" */
	bool		only_subscribed, only_special;
	bool		say_subscribed;
	/* LSUB: names whose children are subscribed, said once */
	struct dict	parents;
};

static void
listing_end(struct session *s)
{
	struct listing *l = s->job;

	dict_free(&l->parents);
}

static bool
matches(const struct listing *l, struct str name)
{
	size_t i;

	for (i = 0; i < l->patterns; i++)
		if (imap_pattern_match(&l->pattern[i], name))
			return true;
	return false;
}

static void
put_name(struct session *s, struct str name)
{
	struct buf b;

	buf_init(&b, 8 * IMAP_NAME_MAX);
	imap_name_encode(&b, name);
	imap_put_astring(OUT(s), buf_str(&b));
	buf_free(&b);
}

static void
put_attribute(struct session *s, bool *any, const char *name)
{
	if (*any)
		buf_c(OUT(s), ' ');
	buf_z(OUT(s), name);
	*any = true;
}

static void
put_row(struct session *s, const struct listing *l,
    const struct note_store_name *n)
{
	bool any = false;

	buf_fmt(OUT(s), "* %s (", l->verb);
	if (n->flags & (STORE_NOSELECT | STORE_GHOST))
		put_attribute(s, &any, "\\Noselect");
	if (n->flags & STORE_NOINFERIORS)
		put_attribute(s, &any, "\\Noinferiors");
	else
		put_attribute(s, &any, n->flags & STORE_CHILDREN ?
		    "\\HasChildren" : "\\HasNoChildren");
	if (l->say_subscribed && (n->flags & STORE_SUBSCRIBED))
		put_attribute(s, &any, "\\Subscribed");
	if (n->special.n > 0) {
		buf_c(OUT(s), ' ');
		buf_add(OUT(s), n->special);
	}
	buf_z(OUT(s), ") \"/\" ");
	put_name(s, n->name);
	buf_z(OUT(s), "\r\n");
}

/* LSUB "%" of a subscribed "a/b" tells of "a", that it has such children
 * (RFC 3501 6.3.9). */
static void
tell_parents(struct session *s, struct listing *l, struct str name)
{
	size_t i;

	for (i = 0; i < name.n; i++) {
		struct note_store_name parent = {
		    .name = str_sub(name, 0, i),
		    .flags = STORE_NOSELECT | STORE_CHILDREN };

		if (name.p[i] != '/' || i == 0 || !matches(l, parent.name) ||
		    dict_put(&l->parents, parent.name, l) != NULL)
			continue;
		put_row(s, l, &parent);
	}
}

static void
on_row(struct session *s, struct listing *l, const struct note_store_name *n)
{
	bool is_subscribed = (n->flags & STORE_SUBSCRIBED) != 0;

	if (l->only_subscribed && !is_subscribed)
		return;
	if (!l->only_subscribed && (n->flags & STORE_GHOST))
		return;
	if (l->only_special && n->special.n == 0)
		return;
	if (matches(l, n->name)) {
		if (dict_get(&l->parents, n->name) == NULL)
			put_row(s, l, n);
	} else if (l->verb[1] == 'S')
		tell_parents(s, l, n->name);
}

static enum step
on_names(struct session *s, const struct note *n)
{
	const struct note_store_name *row = note_as_store_name(n);
	const struct note_store_done *d = note_as_store_done(n);

	if (row != NULL) {
		on_row(s, s->job, row);
		return WAIT;
	}
	if (d == NULL)
		return session_unavailable(s);
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	return session_ok(s, "Listed");
}

/* --- arguments ----------------------------------------------------------- */

static int
add_pattern(struct session *s, struct listing *l, struct str reference,
    struct str pattern)
{
	struct str whole, name;

	if (l->patterns == PATTERNS_MAX)
		return FAIL_TOO_BIG;
	whole = arena_fmt(&s->arena, "%.*s%.*s", STR_ARG(reference),
	    STR_ARG(pattern));
	if (whole.p == NULL)
		return FAIL_TOO_BIG;
	/* what is no name matches none */
	if (imap_name_decode(whole, &s->arena, &name) < 0)
		return 0;
	name = imap_name_canon(&s->arena, name);
	return imap_pattern_init(&l->pattern[l->patterns++], &s->arena, name);
}

/* "(SUBSCRIBED SPECIAL-USE)", before or behind. */
static bool
options(struct imap_args *a, bool *subscribed, bool *special)
{
	struct str word;

	if (!imap_char(a, '('))
		return false;
	if (imap_char(a, ')'))
		return true;
	do {
		if (!imap_atom(a, &word))
			return false;
		if (str_is(word, "SUBSCRIBED"))
			*subscribed = true;
		else if (str_is(word, "SPECIAL-USE"))
			*special = true;
		else if (!str_is(word, "CHILDREN") &&
		    !str_is(word, "REMOTE") && !str_is(word, "RECURSIVEMATCH"))
			return false;
	} while (imap_sp(a));
	return imap_char(a, ')');
}

static int
patterns(struct session *s, struct imap_args *a, struct listing *l,
    bool *is_empty)
{
	struct str reference, pattern;
	bool in_list;
	int rc;

	if (!imap_astring(a, &reference) || !imap_sp(a))
		return FAIL_SYNTAX;
	in_list = imap_char(a, '(');
	do {
		if (!imap_list_mailbox(a, &pattern))
			return FAIL_SYNTAX;
		*is_empty = pattern.n == 0 && l->patterns == 0;
		rc = add_pattern(s, l, reference, pattern);
	} while (rc == 0 && in_list && imap_sp(a));
	if (rc == 0 && in_list && !imap_char(a, ')'))
		return FAIL_SYNTAX;
	return rc;
}

static int
return_options(struct imap_args *a, struct listing *l)
{
	struct str word;
	bool special;

	if (imap_end(a))
		return 0;
	return imap_sp(a) && imap_atom(a, &word) && str_is(word, "RETURN") &&
	    imap_sp(a) && options(a, &l->say_subscribed, &special) &&
	    imap_end(a) ? 0 : FAIL_SYNTAX;
}

static enum step
list(struct session *s, struct imap_args *a, const char *verb)
{
	struct listing *l = session_job(s, sizeof(*l), listing_end);
	struct note_store_list ask = { .login = s->login };
	bool is_lsub = verb[1] == 'S', is_empty = false;
	int rc = 0;

	if (l == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	dict_init(&l->parents);
	l->verb = verb;
	l->only_subscribed = is_lsub;
	if (!imap_sp(a))
		rc = FAIL_SYNTAX;
	if (rc == 0 && !is_lsub && imap_next_is(a, '(') &&
	    (!options(a, &l->only_subscribed, &l->only_special) ||
	    !imap_sp(a)))
		rc = FAIL_SYNTAX;
	if (rc == 0)
		rc = patterns(s, a, l, &is_empty);
	if (rc == 0)
		rc = return_options(a, l);
	if (rc < 0)
		return session_refuse(s, rc);
	if (is_empty) {		/* only the separator is asked for */
		buf_fmt(OUT(s), "* %s (\\Noselect) \"/\" \"\"\r\n", verb);
		return session_ok(s, "Listed");
	}
	s->then = on_names;
	ask_store_list(s->stored, &ask, session_on_note, s);
	return WAIT;
}

enum step
cmd_list(struct session *s, struct imap_args *a)
{
	return list(s, a, "LIST");
}

enum step
cmd_lsub(struct session *s, struct imap_args *a)
{
	return list(s, a, "LSUB");
}
