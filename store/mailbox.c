/* SPDX-License-Identifier: ISC */
/*
 * store/mailbox.c - CREATE, DELETE, RENAME, SUBSCRIBE, LIST, STATUS.
 *
 * Mailboxes are folders side by side; "a/b" needs no "a".  A name that only
 * stands above others is listed as \Noselect and can be created, renamed and
 * (once it has no children) is gone by itself.
 */
#include "store/stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "base/banned.h"

/* --- names --------------------------------------------------------------- */

struct name {
	char	*text;
	bool	exists, subscribed, children;
};

struct names_list {
	struct name	*v;
	size_t		n, cap;
};

static void
add_name(void *arg, const char *text, bool subscribed, bool exists)
{
	struct names_list *l = arg;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 16 : l->cap * 2;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = (struct name){ xstrdup(text), exists, subscribed,
	    false };
}

static void
free_names(struct names_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].text);
	free(l->v);
}

static int
by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Is `text` below `parent`? */
static bool
is_below(struct str text, struct str parent)
{
	return text.n > parent.n && text.p[parent.n] == '/' &&
	    memcmp(text.p, parent.p, parent.n) == 0;
}

static bool
has_children(struct account *a, struct str name)
{
	struct names_list l = { NULL, 0, 0 };
	bool any = false;
	size_t i;

	if (account_list(a, add_name, &l) == 0)
		for (i = 0; i < l.n; i++)
			any |= l.v[i].exists &&
			    is_below(str_of(l.v[i].text), name);
	free_names(&l);
	return any;
}

/* --- LIST ---------------------------------------------------------------- */

static void
special_use(struct str name, struct str *out)
{
	const struct strs *folders = &daemon_conf()->stored.folders;
	struct str entry;
	size_t i, at;

	*out = str_of("");
	for (i = 0; i < folders->n; i++) {
		entry = folders->v[i];
		at = str_rchr(entry, '\\');
		if (at < entry.n && str_eq(name, str_trim(str_sub(entry, 0,
		    at))))
			*out = str_trim(str_from(entry, at));
	}
}

/* Parents that are no mailboxes get rows too; all parents are marked. */
static void
add_parents(struct names_list *l)
{
	struct dict seen;
	struct str name;
	struct name *p;
	size_t i, k, n = l->n;
	char *text;

	dict_init(&seen);	/* text -> index + 1 */
	for (i = 0; i < n; i++)
		dict_put(&seen, str_of(l->v[i].text),
		    (void *)(uintptr_t)(i + 1));
	for (i = 0; i < n; i++) {
		if (!l->v[i].exists)
			continue;
		text = xstrdup(l->v[i].text);
		name = str_of(text);
		for (k = name.n; k-- > 0;) {
			if (text[k] != '/')
				continue;
			text[k] = '\0';
			if (dict_get(&seen, str_of(text)) == NULL) {
				add_name(l, text, false, false);
				dict_put(&seen, str_of(text),
				    (void *)(uintptr_t)l->n);
			}
			p = &l->v[(uintptr_t)dict_get(&seen, str_of(text)) -
			    1];
			p->children = true;
		}
		free(text);
	}
	dict_free(&seen);
}

static void
send_name(struct job *j, const struct name *x)
{
	struct note_store_name n = { .name = str_of(x->text) };

	if (x->subscribed)
		n.flags |= STORE_SUBSCRIBED;
	if (x->children)
		n.flags |= STORE_CHILDREN;
	if (!x->exists)
		n.flags |= x->children ? STORE_NOSELECT :
		    STORE_NOSELECT | STORE_GHOST;
	special_use(n.name, &n.special);
	if (!x->exists)
		n.special = str_of("");
	note_answer_store_name(j->peer->c, j->ticket, &n);
}

/* A LIST under way: an account may have more names than a channel holds. */
struct listing {
	struct names_list names;
	size_t		at;
	struct job	*job;
	struct timer	retry;
};

#define LIST_RETRY_MS	5

static void
listing_end(struct job *j)
{
	struct listing *l = j->state;

	timer_stop(&l->retry);
	free_names(&l->names);
	free(l);
}

static void
on_list_retry(struct timer *t)
{
	job_again(container_of(t, struct listing, retry)->job);
}

static int
listing_begin(struct job *j, struct account *a)
{
	struct listing *l = xcalloc(1, sizeof(*l));
	int r;

	j->state = l;
	j->end = listing_end;
	timer_init(&l->retry, on_list_retry);
	r = account_list(a, add_name, &l->names);
	if (r != 0)
		return r;
	add_parents(&l->names);
	/* INBOX came first and stays there. */
	qsort(l->names.v + 1, l->names.n - 1, sizeof(*l->names.v), by_name);
	return 0;
}

enum run
on_list(struct job *j)
{
	struct listing *l = j->state;
	struct login *login;
	int r = 0;

	if (j->peer == NULL)
		return DONE;
	login = login_of(j->peer, note_as_store_list(j->n)->login);
	if (login == NULL) {
		answer_done(j, FAIL_DENIED, "[UNAVAILABLE] Log in again", 0,
		    0);
		return DONE;
	}
	if (l == NULL) {
		job_hold(j, login->h);
		r = listing_begin(j, login->h->a);
		l = j->state;
	}
	while (r == 0 && l->at < l->names.n && !chan_busy(j->peer->c))
		send_name(j, &l->names.v[l->at++]);
	if (r == 0 && l->at < l->names.n) {
		l->job = job_keep(j, ASKED);
		timer_set(&l->retry, LIST_RETRY_MS);
		return ASKED;
	}
	answer_done(j, r, reason_of(r, NULL), (uint32_t)l->names.n, 0);
	return DONE;
}

/* --- STATUS -------------------------------------------------------------- */

static void
answer_counts(struct job *j, int failed, const char *text,
    const struct box *b, uint32_t recent)
{
	struct note_store_counts c = { .failed = (uint32_t)-failed,
	    .text = str_of(text) };

	if (b != NULL) {
		c.messages = b->h.messages;
		c.recent = recent;
		c.unseen = b->h.unseen;
		c.deleted = b->h.deleted;
		c.uidnext = b->h.uidnext;
		c.uidvalidity = b->h.uidvalidity;
		c.size = b->h.size;
		c.modseq = b->h.modseq;
	}
	note_answer_store_counts(j->peer->c, j->ticket, &c);
}

static uint32_t
count_recent(struct box *b)
{
	struct log_range range = { b->own.recent_uid, UINT32_MAX };
	struct box_set set = { 0 };
	uint32_t n = 0;

	if (b->own.recent_uid < b->h.uidnext &&
	    box_select(b, &range, 1, false, &set) == 0)
		n = set.count;
	box_set_free(&set);
	return n;
}

enum run
on_status(struct job *j)
{
	const struct note_store_status *n = note_as_store_status(j->n);
	struct login *l = login_of(j->peer, n->login);
	struct why why = { 0, "" };
	struct box *b = NULL;
	enum run wait = DONE;
	int r;

	if (l == NULL) {
		answer_counts(j, FAIL_DENIED, "[UNAVAILABLE] Log in again",
		    NULL, 0);
		return DONE;
	}
	r = box_use_whole(j, l->h, n->mailbox, &b, &wait, &why);
	if (r == 0 && wait != DONE) {
		job_hold(j, l->h);
		return wait;
	}
	if (r == 0)
		r = box_look(b, &why);
	answer_counts(j, r, reason_of(r, &why), r == 0 ? b : NULL,
	    r == 0 ? count_recent(b) : 0);
	return DONE;
}

/* --- verbs --------------------------------------------------------------- */

struct verb_result {
	int		failed;
	const char	*text;
};

static struct verb_result
result(int r)
{
	switch (r) {
	case 0:
		return (struct verb_result){ 0, "" };
	case FAIL_PERM:
		return (struct verb_result){ r,
		    "[ALREADYEXISTS] There is such a mailbox" };
	case FAIL_GONE:
		return (struct verb_result){ r,
		    "[NONEXISTENT] There is no such mailbox" };
	case FAIL_SYNTAX:
	case FAIL_TOO_BIG:
		return (struct verb_result){ r,
		    "[CANNOT] No mailbox can be called so" };
	default:
		return (struct verb_result){ r, reason_of(r, NULL) };
	}
}

static struct verb_result
create(struct account *a, struct str name)
{
	return result(account_create(a, name));
}

static struct verb_result
delete(struct account *a, struct str name)
{
	int r = account_delete(a, name);

	if (r == FAIL_GONE && has_children(a, name))
		return (struct verb_result){ FAIL_PERM,
		    "[HASCHILDREN] It is there for those below it" };
	if (r == FAIL_PERM)
		return (struct verb_result){ r,
		    "[CANNOT] INBOX is always there" };
	return result(r);
}

/* One that is only above others, and all below. */
static int
rename_children(struct account *a, struct str from, struct str to)
{
	struct names_list l = { NULL, 0, 0 };
	int r = account_list(a, add_name, &l), done = 0;
	struct buf name;
	size_t i;

	buf_init(&name, MAILBOX_MAX);
	for (i = 0; r == 0 && i < l.n; i++) {
		if (!l.v[i].exists || !is_below(str_of(l.v[i].text), from))
			continue;
		buf_reset(&name);
		buf_add(&name, to);
		buf_add(&name, str_from(str_of(l.v[i].text), from.n));
		r = buf_failed(&name) ? FAIL_TOO_BIG : account_rename(a,
		    str_of(l.v[i].text), buf_str(&name));
		done += r == 0;
	}
	buf_free(&name);
	free_names(&l);
	return r != 0 ? r : done > 0 ? 0 : FAIL_GONE;
}

static struct verb_result
rename_box(struct account *a, struct str from, struct str to)
{
	int r, below;

	if (is_below(to, from) || str_eq(to, from))
		return (struct verb_result){ FAIL_PERM,
		    "[CANNOT] A mailbox cannot go below itself" };
	r = account_rename(a, from, to);
	if (r != 0 && r != FAIL_GONE)
		return result(r);
	below = rename_children(a, from, to);
	return result(below == FAIL_GONE ? r : below);
}

enum run
on_mailbox(struct job *j)
{
	const struct note_store_mailbox *n = note_as_store_mailbox(j->n);
	struct login *l = login_of(j->peer, n->login);
	struct verb_result x = { FAIL_SYNTAX, "" };
	struct account *a;
	enum run wait;
	int r;

	if (j->state != NULL)
		return rename_inbox(j, j->h, n->to);
	if (l == NULL) {
		answer_done(j, FAIL_DENIED, "[UNAVAILABLE] Log in again", 0,
		    0);
		return DONE;
	}
	a = l->h->a;
	/* Numbers: a DELETE is logged. */
	wait = account_numbers(j, a, account_ready(a), &r, NULL);
	if (wait != DONE)
		return wait;
	if (r != 0) {
		answer_done(j, r, reason_of(r, NULL), 0, 0);
		return DONE;
	}
	switch ((enum store_verb)n->verb) {
	case STORE_CREATE:
		x = create(a, n->name);
		break;
	case STORE_DELETE:
		x = delete(a, n->name);
		break;
	case STORE_RENAME:
		if (str_is(n->name, "INBOX")) {
			if (!j->begun)
				x = create(a, n->to);
			if (!j->begun && x.failed != 0)
				break;
			j->begun = true;
			return rename_inbox(j, l->h, n->to);
		}
		x = rename_box(a, n->name, n->to);
		break;
	case STORE_SUBSCRIBE:
		x = result(account_subscribe(a, n->name, true));
		break;
	case STORE_UNSUBSCRIBE:
		x = result(account_subscribe(a, n->name, false));
		break;
	}
	answer_done(j, x.failed, x.text, 0, 0);
	return DONE;
}
