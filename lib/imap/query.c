/* SPDX-License-Identifier: ISC */
/*
 * imap/query.c - SEARCH keys into a flat program, and running it.
 *
 * The parser keeps its open OR, NOT and parentheses on a stack of its own:
 * no recursion by what the client nests.
 */
#include "imap/query.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "imap/find.h"
#include "mail/date.h"
#include "mail/index.h"

#include "base/banned.h"

enum arg { NONE, TEXT, KEYWORD, NUMBER, DAY, SET, FIELD };

static const struct word {
	const char	*name;
	enum imap_key	key;
	enum arg	arg;
	int64_t		number;
	const char	*field;
} words[] = {
	{ "ALL", IMAP_Q_ALL, NONE, 0, NULL },
	{ "ANSWERED", IMAP_Q_FLAG, NONE, INDEX_ANSWERED, NULL },
	{ "BCC", IMAP_Q_HEADER, TEXT, 0, "Bcc" },
	{ "BEFORE", IMAP_Q_BEFORE, DAY, 0, NULL },
	{ "BODY", IMAP_Q_BODY, TEXT, 0, NULL },
	{ "CC", IMAP_Q_HEADER, TEXT, 0, "Cc" },
	{ "DELETED", IMAP_Q_FLAG, NONE, INDEX_DELETED, NULL },
	{ "DRAFT", IMAP_Q_FLAG, NONE, INDEX_DRAFT, NULL },
	{ "FLAGGED", IMAP_Q_FLAG, NONE, INDEX_FLAGGED, NULL },
	{ "FROM", IMAP_Q_HEADER, TEXT, 0, "From" },
	{ "HEADER", IMAP_Q_HEADER, FIELD, 0, NULL },
	{ "KEYWORD", IMAP_Q_KEYWORD, KEYWORD, 0, NULL },
	{ "LARGER", IMAP_Q_LARGER, NUMBER, 0, NULL },
	{ "NEW", IMAP_Q_NEW, NONE, 0, NULL },
	{ "OLD", IMAP_Q_OLD, NONE, 0, NULL },
	{ "ON", IMAP_Q_ON, DAY, 0, NULL },
	{ "RECENT", IMAP_Q_RECENT, NONE, 0, NULL },
	{ "SEEN", IMAP_Q_FLAG, NONE, INDEX_SEEN, NULL },
	{ "SENTBEFORE", IMAP_Q_SENTBEFORE, DAY, 0, NULL },
	{ "SENTON", IMAP_Q_SENTON, DAY, 0, NULL },
	{ "SENTSINCE", IMAP_Q_SENTSINCE, DAY, 0, NULL },
	{ "SINCE", IMAP_Q_SINCE, DAY, 0, NULL },
	{ "SMALLER", IMAP_Q_SMALLER, NUMBER, 0, NULL },
	{ "SUBJECT", IMAP_Q_HEADER, TEXT, 0, "Subject" },
	{ "TEXT", IMAP_Q_TEXT, TEXT, 0, NULL },
	{ "TO", IMAP_Q_HEADER, TEXT, 0, "To" },
	{ "UID", IMAP_Q_UID, SET, 0, NULL },
	{ "UNANSWERED", IMAP_Q_NO_FLAG, NONE, INDEX_ANSWERED, NULL },
	{ "UNDELETED", IMAP_Q_NO_FLAG, NONE, INDEX_DELETED, NULL },
	{ "UNDRAFT", IMAP_Q_NO_FLAG, NONE, INDEX_DRAFT, NULL },
	{ "UNFLAGGED", IMAP_Q_NO_FLAG, NONE, INDEX_FLAGGED, NULL },
	{ "UNKEYWORD", IMAP_Q_NO_KEYWORD, KEYWORD, 0, NULL },
	{ "UNSEEN", IMAP_Q_NO_FLAG, NONE, INDEX_SEEN, NULL },
};

enum open_kind { LIST, OR, NOT };

struct open {
	enum open_kind	kind;
	uint32_t	have;	/* keys complete in it */
};

struct parser {
	struct imap_args	*args;
	struct imap_key_node	*v;
	size_t			n, cap;
	struct open		*open;
	size_t			depth;
	size_t			height, deepest;	/* of the answers */
};

static int
emit(struct parser *p, const struct imap_key_node *node)
{
	if (p->n == p->cap) {
		size_t cap = p->cap * 2;
		struct imap_key_node *v;

		if (p->n >= IMAP_QUERY_MAX)
			return FAIL_TOO_BIG;
		v = arena_array(p->args->arena, cap, sizeof(*v));
		if (v == NULL)
			return FAIL_TOO_BIG;
		memcpy(v, p->v, p->n * sizeof(*v));
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n] = *node;
	p->v[p->n++].is_top = p->depth == 1;
	if (node->key == IMAP_Q_AND || node->key == IMAP_Q_OR)
		p->height--;
	else if (node->key != IMAP_Q_NOT && ++p->height > p->deepest)
		p->deepest = p->height;
	return 0;
}

static int
emit_op(struct parser *p, enum imap_key key)
{
	struct imap_key_node node = { .key = key };

	return emit(p, &node);
}

static int
push(struct parser *p, enum open_kind kind)
{
	if (p->depth == IMAP_QUERY_DEEP)
		return FAIL_TOO_BIG;
	p->open[p->depth++] = (struct open){ .kind = kind };
	return 0;
}

/* A key is complete: close every NOT and full OR around it. */
static int
complete(struct parser *p)
{
	int rc = 0;

	while (rc == 0) {
		struct open *top = &p->open[p->depth - 1];

		top->have++;
		if (top->kind == LIST)
			return top->have > 1 ? emit_op(p, IMAP_Q_AND) : 0;
		if (top->kind == OR && top->have < 2)
			return 0;
		rc = emit_op(p, top->kind == OR ? IMAP_Q_OR : IMAP_Q_NOT);
		p->depth--;
	}
	return rc;
}

static int
folded(struct parser *p, struct str *out)
{
	struct arena *arena = p->args->arena;
	struct str text;
	struct buf b;

	if (!imap_astring(p->args, &text) || !utf8_valid(text))
		return FAIL_SYNTAX;
	buf_init(&b, 2 * text.n + 16);
	imap_fold(&b, text);
	*out = arena_str(arena, buf_str(&b));
	buf_free(&b);
	return out->p == NULL && text.n > 0 ? FAIL_TOO_BIG : 0;
}

static int
day(struct imap_args *a, int64_t *out)
{
	struct str s;

	return imap_astring(a, &s) ? date_imap_day(s, out) : FAIL_SYNTAX;
}

static int
argument(struct parser *p, const struct word *w, struct imap_key_node *node)
{
	struct imap_args *a = p->args;
	uint32_t number;

	if (w->arg == NONE)
		return 0;
	if (!imap_sp(a))
		return FAIL_SYNTAX;
	switch (w->arg) {
	case TEXT:
		return folded(p, &node->text);
	case FIELD:
		if (!imap_astring(a, &node->name) || node->name.n == 0 ||
		    !imap_sp(a))
			return FAIL_SYNTAX;
		return folded(p, &node->text);
	case KEYWORD:
		return imap_atom(a, &node->text) ? 0 : FAIL_SYNTAX;
	case NUMBER:
		if (!imap_number(a, &number))
			return FAIL_SYNTAX;
		node->number = number;
		return 0;
	case DAY:
		return day(a, &node->number);
	default:
		return imap_set(a, &node->set) ? 0 : FAIL_SYNTAX;
	}
}

static int
simple_key(struct parser *p, struct str name)
{
	struct imap_key_node node = { 0 };
	size_t i;
	int rc;

	for (i = 0; i < NITEMS(words); i++)
		if (str_is(name, words[i].name))
			break;
	if (i == NITEMS(words))
		return FAIL_SYNTAX;
	node.key = words[i].key;
	node.number = words[i].number;
	if (words[i].field != NULL)
		node.name = str_of(words[i].field);
	rc = argument(p, &words[i], &node);
	if (rc == 0)
		rc = emit(p, &node);
	return rc < 0 ? rc : complete(p);
}

static int
sequence_key(struct parser *p)
{
	struct imap_key_node node = { .key = IMAP_Q_SEQ };
	int rc;

	if (!imap_set(p->args, &node.set))
		return FAIL_SYNTAX;
	rc = emit(p, &node);
	return rc < 0 ? rc : complete(p);
}

/* One step: an opening, or a whole key.  *more_out: a key is still owed. */
static int
key(struct parser *p, bool *more_out)
{
	struct imap_args *a = p->args;
	struct str name;

	*more_out = true;
	if (imap_char(a, '('))
		return push(p, LIST);
	if (a->rest.n > 0 && (a->rest.p[0] == '*' ||
	    (a->rest.p[0] >= '0' && a->rest.p[0] <= '9'))) {
		*more_out = false;
		return sequence_key(p);
	}
	if (!imap_atom(a, &name))
		return FAIL_SYNTAX;
	if (str_is(name, "NOT"))
		return imap_sp(a) ? push(p, NOT) : FAIL_SYNTAX;
	if (str_is(name, "OR"))
		return imap_sp(a) ? push(p, OR) : FAIL_SYNTAX;
	*more_out = false;
	return simple_key(p, name);
}

/* After a key: closing parentheses. */
static int
closings(struct parser *p)
{
	while (imap_char(p->args, ')')) {
		struct open *top = &p->open[p->depth - 1];
		int rc;

		if (p->depth < 2 || top->kind != LIST || top->have == 0)
			return FAIL_SYNTAX;
		p->depth--;
		rc = complete(p);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
charset(struct imap_args *a)
{
	struct imap_args ahead = *a;
	struct str word, name;

	if (!imap_atom(&ahead, &word) || !str_is(word, "CHARSET"))
		return 0;
	if (!imap_sp(&ahead) || !imap_astring(&ahead, &name) ||
	    !imap_sp(&ahead))
		return FAIL_SYNTAX;
	if (!str_is(name, "US-ASCII") && !str_is(name, "UTF-8"))
		return FAIL_PERM;
	*a = ahead;
	return 0;
}

static int
program(struct parser *p)
{
	bool more;
	int rc;

	do {
		rc = key(p, &more);
		if (rc == 0 && !more)
			rc = closings(p);
		if (rc < 0)
			return rc;
		if (!more && imap_end(p->args))
			return p->depth == 1 ? 0 : FAIL_SYNTAX;
	} while (more || imap_sp(p->args));
	return FAIL_SYNTAX;
}

int
imap_query(struct imap_args *a, struct imap_query *out)
{
	struct parser p = { .args = a, .cap = 16 };
	int rc = charset(a);

	if (rc < 0)
		return rc;
	p.v = arena_array(a->arena, p.cap, sizeof(*p.v));
	p.open = arena_array(a->arena, IMAP_QUERY_DEEP, sizeof(*p.open));
	if (p.v == NULL || p.open == NULL)
		return FAIL_TOO_BIG;
	p.open[p.depth++] = (struct open){ .kind = LIST };
	rc = program(&p);
	if (rc == 0)
		*out = (struct imap_query){ p.v, p.n, p.deepest };
	return rc;
}

static uint8_t
both(uint8_t a, uint8_t b)
{
	if (a == IMAP_NO || b == IMAP_NO)
		return IMAP_NO;
	return a == IMAP_YES && b == IMAP_YES ? IMAP_YES : IMAP_UNKNOWN;
}

static uint8_t
not(uint8_t a)
{
	return a == IMAP_UNKNOWN ? a : a == IMAP_NO ? IMAP_YES : IMAP_NO;
}

enum imap_truth
imap_query_run(const struct imap_query *q, uint8_t *stack, imap_ask_fn *ask,
    void *arg)
{
	size_t i, top = 0;

	for (i = 0; i < q->n; i++) {
		const struct imap_key_node *node = &q->v[i];

		switch (node->key) {
		case IMAP_Q_AND:
			top--;
			stack[top - 1] = both(stack[top - 1], stack[top]);
			break;
		case IMAP_Q_OR:	/* not (not a and not b) */
			top--;
			stack[top - 1] = not(both(not(stack[top - 1]),
			    not(stack[top])));
			break;
		case IMAP_Q_NOT:
			stack[top - 1] = not(stack[top - 1]);
			break;
		case IMAP_Q_ALL:
			stack[top++] = IMAP_YES;
			break;
		default:
			stack[top++] = (uint8_t)ask(arg, node);
			break;
		}
	}
	return stack[0];
}
