/* SPDX-License-Identifier: ISC */
/*
 * journal/spool.c - messages in memory, commits and marks, the flush.
 *
 * A message is in memory from its commit until its last recipient's END is
 * durable, or until it waits in a settled file: then only the file knows it,
 * and spool_find reads it again.
 */
#include "journal/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

#include "base/banned.h"

#define ENVELOPE_MAX	(64u << 20)

/* A mark on its way into the ring. */
struct job {
	struct link	link;
	struct message	*m;
	struct mark	mark;
	char		*reason;
	uint64_t	use;		/* not 0: in the batch */
	spool_marked_fn	*fn;
	void		*arg;
};

/* --- messages ------------------------------------------------------------ */

static enum delivery_state
state_of(const struct recipient *r)
{
	if (r->state == RECIPIENT_DONE)
		return DELIVERY_ENDED;
	/* what travels is qmgr's from the beginning */
	if (r->state != RECIPIENT_OPEN || r->kind != 0)
		return DELIVERY_WAITS;
	return DELIVERY_OPEN;
}

struct message *
message_new(struct spool *s, enum journal_type type, struct str envelope)
{
	struct message *m = xcalloc(1, sizeof(*m));

	m->type = type;
	m->fd = -1;
	list_init(&m->young);
	list_init(&m->gather);
	list_init(&m->doubt);
	arena_init(&m->arena, ENVELOPE_MAX);
	m->bytes = xmalloc(envelope.n + 1);
	memcpy(m->bytes, envelope.p, envelope.n);
	if (envelope_get(str_mem(m->bytes, envelope.n), &m->arena,
	    &m->env) != 0 || !mid_valid(m->env.mid) ||
	    dict_get(&s->messages, m->env.mid) != NULL) {
		arena_free(&m->arena);
		free(m->bytes);
		free(m);
		return NULL;
	}
	memcpy(m->mid, m->env.mid.p, MID_LEN);
	m->to = xcalloc(m->env.n_to + 1, sizeof(*m->to));
	for (size_t i = 0; i < m->env.n_to; i++) {
		m->to[i].state = state_of(&m->env.to[i]);
		m->open += m->to[i].state != DELIVERY_ENDED;
	}
	dict_put(&s->messages, m->env.mid, m);
	return m;
}

void
message_free(struct spool *s, struct message *m)
{
	if (s->ops->forget != NULL)
		s->ops->forget(s->arg, m);
	if (m->held != 0)
		journal_release(s->journal, m->held);
	list_remove(&m->young);
	list_remove(&m->gather);
	list_remove(&m->doubt);
	dict_del(&s->messages, str_of(m->mid));
	for (size_t i = 0; i < m->env.n_to; i++)
		free(m->to[i].reason);
	free(m->to);
	free(m->drop);
	arena_free(&m->arena);
	free(m->bytes);
	free(m);
}

void
message_doubt(struct spool *s, struct message *m)
{
	if (!list_linked(&m->doubt))
		list_push(&s->doubtful, &m->doubt);
}

static bool
all_past(const struct message *m, enum delivery_state least)
{
	for (size_t i = 0; i < m->env.n_to; i++)
		if (m->to[i].state < least)
			return false;
	return true;
}

/* R3: the commit's segment may go when every result is settled, or when the
 * file that stands for it is. */
void
message_release(struct spool *s, struct message *m)
{
	bool written = !RULE('R') && (m->file != FILE_NONE ||
	    all_past(m, DELIVERY_WRITTEN));

	if (m->held == 0 || !(m->file == FILE_SETTLED || written ||
	    all_past(m, DELIVERY_SETTLED)))
		return;
	if (m->drop_due)
		spool_drop_due(s, m);
	journal_release(s->journal, m->held);
	m->held = 0;
	message_doubt(s, m);
}

/* A file that waits needs no memory. */
static bool
waits_in_file(const struct message *m)
{
	if (m->file != FILE_SETTLED || m->held != 0 || m->fd >= 0)
		return false;
	for (size_t i = 0; i < m->env.n_to; i++)
		if (m->to[i].state != DELIVERY_WAITS &&
		    m->to[i].state != DELIVERY_ENDED)
			return false;
	return true;
}

void
spool_tidy(struct spool *s)
{
	struct message *m;
	struct link *l;

	while ((l = list_pop(&s->doubtful)) != NULL) {
		m = container_of(l, struct message, doubt);
		if (m->pins == 0 && (m->open == 0 || waits_in_file(m)))
			message_free(s, m);
	}
}

struct message *
spool_find(struct spool *s, struct str mid)
{
	char name[MID_LEN + 1];
	struct message *m = dict_get(&s->messages, mid);

	if (m != NULL || !mid_valid(mid))
		return m;
	memcpy(name, mid.p, MID_LEN);
	name[MID_LEN] = '\0';
	m = spool_file_load(s, name);
	if (m != NULL)
		message_doubt(s, m);
	return m;
}

int
spool_content(struct spool *s, struct message *m, struct buf *out)
{
	struct str envelope, content, record;
	struct buf b;
	uint8_t *p;
	int r;

	if (m->place.use == 0)
		return spool_file_content(s, m, out);
	buf_init(&b, m->place.n);
	p = buf_grow(&b, m->place.n);
	r = p != NULL ? journal_read(s->journal, &m->place, p) : FAIL_TOO_BIG;
	if (r == 0) {
		buf_grown(&b, m->place.n);
		record = buf_str(&b);
		r = commit_split(record, &envelope, &content);
	}
	if (r == 0)
		buf_add(out, content);
	buf_free(&b);
	if (r != 0)	/* its segment is used again: the file stands for it */
		return spool_file_content(s, m, out);
	return buf_failed(out) ? FAIL_TOO_BIG : 0;
}

/* --- commit -------------------------------------------------------------- */

static int
fill_record(uint8_t *p, struct str envelope, size_t n, spool_fill_fn *fill,
    void *arg)
{
	num_put32le(p, (uint32_t)envelope.n);
	memcpy(p + 4, envelope.p, envelope.n);
	return n > 0 ? fill(arg, p + 4 + envelope.n, n) : 0;
}

/* A recipient's END stands in a batch once: `last` counts on it. */
static bool
end_gathers(struct message *m, uint32_t number)
{
	struct delivery *d = &m->to[number];

	if (d->state == DELIVERY_ENDED || (d->gathers && RULE('L')))
		return false;
	m->pins += !d->gathers;
	d->gathers = true;
	m->ending++;
	return true;
}

static uint32_t
last_of(const struct message *m)
{
	return m->ending < m->open ? LAST_NOT : m->file_there && RULE('P') ?
	    LAST_FILE : LAST_ALL;
}

/* The batch is over, or the record did not come about. */
static void
end_gathered(struct spool *s, struct message *m, uint32_t number)
{
	if (!m->to[number].gathers)
		return;
	m->to[number].gathers = false;
	m->ending--;
	m->pins--;
	message_doubt(s, m);
}

static void
let_go_closed(struct spool *s, const struct envelope *e, size_t n)
{
	struct message *cause;

	for (size_t i = 0; i < n; i++) {
		cause = dict_get(&s->messages, e->closes[i].mid);
		if (cause != NULL && e->closes[i].number < cause->env.n_to)
			end_gathered(s, cause, e->closes[i].number);
	}
}

/* R19: who is over, or is being ended in this batch, is told of in no other
 * DSN.  FAIL_DENIED: all of them are over.  FAIL_TEMP: some are; who asks
 * again after the next flush is told so, or knows by then. */
static int
take_closed(struct spool *s, const struct envelope *e)
{
	struct message *cause;
	size_t over = 0, i;
	bool taken;

	for (i = 0; i < e->n_closes; i++) {
		cause = spool_find(s, e->closes[i].mid);
		over += cause == NULL || e->closes[i].number >=
		    cause->env.n_to || cause->to[e->closes[i].number].state ==
		    DELIVERY_ENDED;
	}
	if (over > 0 && RULE('K'))
		return over == e->n_closes ? FAIL_DENIED : FAIL_TEMP;
	for (i = 0; i < e->n_closes; i++) {
		cause = dict_get(&s->messages, e->closes[i].mid);
		taken = cause != NULL &&
		    !cause->to[e->closes[i].number].ending &&
		    end_gathers(cause, e->closes[i].number);
		if (!taken && RULE('K')) {
			let_go_closed(s, e, i);
			return FAIL_TEMP;
		}
	}
	/* is somebody else of the cause still open after this batch? */
	for (i = 0; i < e->n_closes; i++) {
		cause = dict_get(&s->messages, e->closes[i].mid);
		e->closes[i].last = cause != NULL ? last_of(cause) : LAST_NOT;
	}
	return 0;
}

static int
put_commit(struct spool *s, enum journal_type type, const struct envelope *e,
    size_t n, spool_fill_fn *fill, void *arg, struct message **m_out)
{
	struct journal_place place;
	struct buf b;
	uint8_t *p;
	int r;

	buf_init(&b, ENVELOPE_MAX);
	envelope_put(&b, e);
	r = buf_failed(&b) ? FAIL_TOO_BIG : journal_record(s->journal, type,
	    JOURNAL_MAIL, 4 + buf_str(&b).n + n, &p, &place);
	if (r == 0) {
		r = fill_record(p, buf_str(&b), n, fill, arg);
		*m_out = r == 0 ? message_new(s, type, buf_str(&b)) : NULL;
		if (*m_out != NULL) {
			(*m_out)->place = place;
		} else {
			journal_unrecord(s->journal);
			r = r == 0 ? FAIL_SYNTAX : r;
		}
	}
	buf_free(&b);
	return r;
}

int
spool_commit(struct spool *s, enum journal_type type,
    const struct envelope *e, size_t n, spool_fill_fn *fill, void *arg,
    int64_t now_ms, struct message **m_out)
{
	struct message *m = spool_find(s, e->mid);
	int r;

	/* a DSN made twice has one id: the second is no news, but not before
	 * the first is durable */
	if (m != NULL)
		return list_linked(&m->gather) ? FAIL_TEMP : FAIL_DENIED;
	if ((r = take_closed(s, e)) != 0)
		return r;
	r = put_commit(s, type, e, n, fill, arg, &m);
	if (r != 0) {
		let_go_closed(s, e, e->n_closes);
		return r;
	}
	m->since_ms = now_ms;
	m->large = n == 0 && e->size > 0;
	m->pins++;
	list_push(&s->gathering, &m->gather);
	*m_out = m;
	return 0;
}

bool
spool_gathers(const struct spool *s)
{
	return !list_empty(&s->gathering) || !list_empty(&s->jobs);
}

/* Recipients of other messages that this one ends stand in its record. */
static void
end_closed(struct spool *s, const struct message *m)
{
	struct message *cause;

	for (size_t i = 0; i < m->env.n_closes; i++) {
		cause = spool_find(s, m->env.closes[i].mid);
		if (cause != NULL && m->env.closes[i].number < cause->env.n_to)
			message_end(s, cause, m->env.closes[i].number,
			    m->place.use);
	}
}

static void
start_delivery(struct spool *s, struct message *m)
{
	m->pins++;	/* it must not go while its recipients are walked */
	for (uint32_t i = 0; i < m->env.n_to; i++) {
		if (m->type == JOURNAL_APPEND) {
			/* stored wrote and named the file before it asked */
			spool_given(s, m, i);
			spool_result(s, m, i);
		} else if (m->to[i].state == DELIVERY_OPEN)
			s->ops->deliver(s->arg, m, i);
		else if (m->to[i].state == DELIVERY_WAITS)
			s->ops->waits(s->arg, m, i);
	}
	m->pins--;
	message_doubt(s, m);
}

static void
commits_done(struct spool *s, int fail)
{
	struct link *l, durable;
	struct message *m;

	list_init(&durable);
	while ((l = list_pop(&s->gathering)) != NULL) {
		m = container_of(l, struct message, gather);
		m->pins--;
		let_go_closed(s, &m->env, m->env.n_closes);
		if (fail == 0) {
			m->held = m->place.use;
			journal_hold(s->journal, m->held);
			list_push(&s->young, &m->young);
			list_push(&durable, &m->gather);
		}
		s->ops->committed(s->arg, m, fail);
		if (fail != 0)
			message_free(s, m);
	}
	while ((l = list_pop(&durable)) != NULL) {
		m = container_of(l, struct message, gather);
		end_closed(s, m);
		start_delivery(s, m);
	}
}

/* --- marks --------------------------------------------------------------- */

void
message_apply(struct spool *s, struct message *m, const struct mark *mark)
{
	struct recipient *r = &m->env.to[mark->number];
	struct delivery *d = &m->to[mark->number];

	(void)s;
	free(d->reason);
	d->reason = xmalloc(mark->reason.n + 1);
	memcpy(d->reason, mark->reason.p == NULL ? (const uint8_t *)"" :
	    mark->reason.p, mark->reason.n);
	r->reason = str_mem(d->reason, mark->reason.n);
	r->state = mark->state;
	r->attempts = mark->attempts;
	r->redelivery = mark->redelivery;
	r->next_ms = mark->next_ms;
	r->told = mark->told;
	if (d->state == DELIVERY_OPEN || d->state == DELIVERY_WAITS)
		d->state = state_of(r) == DELIVERY_OPEN ? DELIVERY_OPEN :
		    DELIVERY_WAITS;
}

/* The END of a recipient is durable.  R10: only now may a file go. */
void
message_end(struct spool *s, struct message *m, uint32_t number, uint64_t use)
{
	if (m->to[number].state == DELIVERY_ENDED)
		return;
	m->env.to[number].state = RECIPIENT_DONE;
	m->to[number].state = DELIVERY_ENDED;
	m->end_use = use;
	m->open--;
	message_release(s, m);
	if (m->open == 0)
		spool_file_unlink(s, m, use);
	else if (m->file_there)
		spool_file_mark(s, m, number, use);
	if (s->ops->ended != NULL)
		s->ops->ended(s->arg, m, number);
	message_doubt(s, m);
}

void
spool_mark(struct spool *s, struct message *m, const struct mark *mark,
    spool_marked_fn *fn, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->m = m;
	j->mark = *mark;
	j->mark.mid = str_of(m->mid);
	j->mark.reason = str_sub(mark->reason, 0, MARK_MAX / 2);
	j->reason = xmalloc(j->mark.reason.n + 1);
	if (j->mark.reason.n > 0)
		memcpy(j->reason, j->mark.reason.p, j->mark.reason.n);
	j->mark.reason.p = (const uint8_t *)j->reason;
	j->fn = fn;
	j->arg = arg;
	m->pins++;
	if (mark->state == RECIPIENT_DONE)
		m->to[mark->number].ending = true;
	if (!RULE('Q') && fn != NULL) {
		fn(arg, 0);	/* as if what is noted were durable */
		j->fn = NULL;
	}
	list_push(&s->jobs, &j->link);
}

static void
job_done(struct spool *s, struct job *j)
{
	struct message *m = j->m;

	m->pins--;
	if (j->mark.state == RECIPIENT_DONE)
		message_end(s, m, j->mark.number, j->use);
	else if (m->to[j->mark.number].state != DELIVERY_ENDED) {
		message_apply(s, m, &j->mark);
		if (m->file_there)
			spool_file_mark(s, m, j->mark.number, j->use);
	}
	if (j->fn != NULL)
		j->fn(j->arg, 0);
	message_doubt(s, m);
	free(j->reason);
	free(j);
}

static void
gather_marks(struct spool *s)
{
	struct link *l;
	struct journal_place place;
	struct job *j;
	struct buf b;
	uint8_t *p;
	bool ends;
	int r = 0;

	buf_init(&b, MARK_MAX);
	for (l = s->jobs.next; l != &s->jobs && r == 0; l = l->next) {
		j = container_of(l, struct job, link);
		ends = j->mark.state == RECIPIENT_DONE &&
		    end_gathers(j->m, j->mark.number);
		j->mark.last = ends ? last_of(j->m) : LAST_NOT;
		buf_reset(&b);
		mark_put(&b, &j->mark);
		r = journal_record(s->journal,
		    j->mark.state == RECIPIENT_DONE ? JOURNAL_END :
		    JOURNAL_STATE, JOURNAL_MARK, b.len, &p, &place);
		if (r != 0) {
			if (ends)
				end_gathered(s, j->m, j->mark.number);
			break;
		}
		memcpy(p, buf_str(&b).p, b.len);
		j->use = place.use;
	}
	buf_free(&b);
}

/* Those that were refused with their batch stay queued: the next batch has
 * them again, after the ring said that this one does not count. */
static void
marks_done(struct spool *s, int fail)
{
	struct link *l, done;
	struct job *j;

	list_init(&done);
	while ((l = list_first(&s->jobs)) != NULL) {
		j = container_of(l, struct job, link);
		if (j->use == 0)
			break;
		if (j->mark.state == RECIPIENT_DONE)
			end_gathered(s, j->m, j->mark.number);
		list_remove(l);
		list_push(&done, l);
	}
	while ((l = fail == 0 ? list_first(&done) : done.prev) != &done &&
	    l != NULL) {
		j = container_of(l, struct job, link);
		list_remove(l);
		if (fail == 0)
			job_done(s, j);
		else {
			j->use = 0;
			list_unshift(&s->jobs, l);
		}
	}
}

int
spool_flush(struct spool *s)
{
	int r, err;

	gather_marks(s);
	if (journal_gathered(s->journal) == 0)
		return journal_dead(s->journal) ? FAIL_PERM : 0;
	r = journal_flush(s->journal);
	err = errno;
	marks_done(s, r);
	commits_done(s, r);
	errno = err;
	return r;
}

void
spool_close(struct spool *s)
{
	struct link *lists[] = { &s->fresh, &s->covered, &s->redo };
	struct link *l;
	struct job *j;
	struct str key;
	void *m;

	while ((l = list_pop(&s->jobs)) != NULL) {
		j = container_of(l, struct job, link);
		free(j->reason);
		free(j);
	}
	for (size_t i = 0; i < NITEMS(lists); i++)
		while ((l = list_pop(lists[i])) != NULL)
			free(l);	/* the link is a settle's first member */
	for (size_t at = 0; dict_next(&s->messages, &at, &key, &m); at = 0)
		message_free(s, m);
	dict_free(&s->messages);
	buf_free(&s->scan_names);
	journal_close(s->journal);
	free(s);
}
