/* SPDX-License-Identifier: ISC */
/*
 * store/box.c - mailboxes as faces see them: logins, views, descriptors.
 *
 * A face gets read-only descriptors of index and cache with STORE_OPENED and
 * reads both itself; what changes it hears by news (news.c).  A handle is
 * good only on the channel it was given on.
 */
#include "store/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/grant.h"

#include "base/banned.h"

#define HANDLES_MAX	100000	/* of one channel */

const char *
reason_of(int failed, const struct why *why)
{
	switch (failed) {
	case 0:
		return "";
	case FAIL_TEMP:
		return "[UNAVAILABLE] The mailbox cannot be used now";
	case FAIL_GONE:
		return "";	/* faces have words of their own for it */
	default:
		return why != NULL ? why->text : "";
	}
}

void
answer_done(struct job *j, int failed, const char *text, uint32_t count,
    uint64_t modseq)
{
	struct note_store_done d = { .failed = (uint32_t)-failed,
	    .text = str_of(text), .count = count, .modseq = modseq };

	if (j->peer != NULL)
		note_answer_store_done(j->peer->c, j->ticket, &d);
}

/* --- logins -------------------------------------------------------------- */

struct login *
login_of(struct peer *p, uint32_t id)
{
	return p == NULL ? NULL : dict_get_u64(&p->logins, id);
}

static uint32_t
new_handle(struct peer *p)
{
	do {
		p->last_handle++;
	} while (p->last_handle == 0 ||
	    dict_get_u64(&p->logins, p->last_handle) != NULL ||
	    dict_get_u64(&p->views, p->last_handle) != NULL);
	return p->last_handle;
}

static void
answer_logged(struct job *j, int failed, uint32_t id, const char *text)
{
	struct note_store_logged g = { .failed = (uint32_t)-failed,
	    .login = id, .text = str_of(text) };

	if (j->peer != NULL)
		note_answer_store_logged(j->peer->c, j->ticket, &g);
}

static bool
grant_is_good(const struct note_store_login *n)
{
	struct grant g = { .account = n->account, .home = n->home,
	    .service = n->service, .sid = n->sid,
	    .expires_ms = n->expires_ms };

	return grant_check(daemon_key("grant"), &g, n->grant,
	    clock_real_ms());
}

enum run
on_login(struct job *j)
{
	const struct note_store_login *n = note_as_store_login(j->n);
	struct login *l;
	struct holding *h;
	struct why why;
	int r;

	/* The grant first: who may not come in need not wait. */
	if (!j->is_copy && !grant_is_good(n)) {
		log_event(LOG_LEVEL_WARN, "grant-refused");
		log_str("account", n->account);
		log_str("sid", n->sid);
		log_end();
		answer_logged(j, FAIL_DENIED, 0, "");
		return DONE;
	}
	if (!doors_open())
		return DOORS;
	if (dict_len(&j->peer->logins) >= HANDLES_MAX) {
		answer_logged(j, FAIL_TEMP, 0, "");
		return DONE;
	}
	r = account_hold(n->account, n->home, &h, &why);
	if (r == FAIL_DENIED && job_may_try_again(j))
		return AGAIN;
	if (r != 0) {
		log_event(LOG_LEVEL_WARN, "account-not-opened");
		log_str("account", n->account);
		log_str("sid", n->sid);
		log_z("text", why.text);
		log_end();
		answer_logged(j, FAIL_TEMP, 0, "");
		return DONE;
	}
	l = xcalloc(1, sizeof(*l));
	l->id = new_handle(j->peer);
	l->peer = j->peer;
	l->h = h;
	account_use(h, 1);
	dict_put_u64(&j->peer->logins, l->id, l);
	answer_logged(j, 0, l->id, "");
	return DONE;
}

void
login_close(struct login *l)
{
	struct peer *p = l->peer;
	struct str key;
	struct view *v;
	void *value;
	size_t at = 0;

	while (dict_next(&p->views, &at, &key, &value)) {
		v = value;
		if (v->login == l)
			view_close(v);	/* deletes the entry just returned */
	}
	dict_del_u64(&p->logins, l->id);
	account_use(l->h, -1);
	free(l);
}

void
on_logout(struct peer *p, const struct note *n)
{
	struct login *l = login_of(p, note_as_store_logout(n)->login);

	if (l != NULL)
		login_close(l);
}

/* --- boxes --------------------------------------------------------------- */

struct box_owner {		/* box->owner */
	struct link	touched;	/* linked: news wait */
	struct link	busy;		/* linked: work is due */
	struct box	*b;
	unsigned	pins;
};

static struct link touched = { &touched, &touched };
static struct link busy = { &busy, &busy };

static struct box_owner *
owner_of(struct box *b)
{
	struct box_owner *o = b->owner;

	if (o == NULL) {
		o = xcalloc(1, sizeof(*o));
		list_init(&o->touched);
		list_init(&o->busy);
		o->b = b;
		b->owner = o;
		b->told_records = b->h.records;
		b->told_keywords = true;
	}
	return o;
}

void
box_touch(struct box *b)
{
	struct box_owner *o = owner_of(b);

	if (!list_linked(&o->touched))
		list_push(&touched, &o->touched);
	work_soon();
}

void
box_pin(struct box *b, int by)
{
	owner_of(b)->pins += (unsigned)by;
}

bool
box_is_idle(const struct box *b)
{
	const struct box_owner *o = b->owner;

	return !b->has_watchers && (o == NULL || o->pins == 0) &&
	    list_empty(&b->held);
}

void
boxes_tell(void)
{
	struct link *e;
	struct box *b;

	while ((e = list_pop(&touched)) != NULL) {
		b = container_of(e, struct box_owner, touched)->b;
		news_tell(b);
		if (b->is_deleted && box_is_idle(b))
			box_forget(b);
		else if (work_due(b) != 0 || (b->scan != NULL && !b->stale))
			box_busy(b);
	}
}

void
box_busy(struct box *b)
{
	struct box_owner *o = owner_of(b);

	if (!list_linked(&o->busy))
		list_push(&busy, &o->busy);
	work_soon();
}

/* One step for each; what is left comes again in the next pass. */
bool
boxes_step(void)
{
	struct link now, *e;
	struct box *b;
	bool more = false;

	list_init(&now);
	while ((e = list_pop(&busy)) != NULL)
		list_push(&now, e);
	while ((e = list_pop(&now)) != NULL) {
		b = container_of(e, struct box_owner, busy)->b;
		if (box_work(b))
			continue;
		list_push(&busy, e);
		more = true;
	}
	return more;
}

/* Closes an idle box. */
void
box_forget(struct box *b)
{
	struct box_owner *o = b->owner;

	if (o != NULL) {
		list_remove(&o->touched);
		list_remove(&o->busy);
		free(o);
	}
	box_close(b);
}

int
box_use(struct holding *h, struct str name, struct box **out,
    enum run *wait_out, struct why *why)
{
	struct box *b;
	int r = box_open(h->a, name, &b, why);

	*wait_out = DONE;
	if (r != 0)
		return r;
	b->used_ms = clock_mono_ms();
	*out = b;
	if (b->todo & BOX_REBUILD) {
		box_touch(b);
		*wait_out = WORK;
	}
	return 0;
}

/* Without numbers the scan stands still: what is there is shown then. */
static enum run
wait_whole(struct job *j, struct box *b)
{
	enum run wait;
	int failed;

	if (box_whole(b))
		return DONE;
	wait = box_numbers(j, b, 1, &failed, NULL);
	if (wait != DONE || failed != 0)
		return wait;
	j->tries = 0;
	box_touch(b);
	return WORK;
}

int
box_use_whole(struct job *j, struct holding *h, struct str name,
    struct box **out, enum run *wait_out, struct why *why)
{
	int r = box_use(h, name, out, wait_out, why);

	if (r != 0 || *wait_out != DONE)
		return r;
	box_check_index(*out);
	if ((*out)->stale) {
		r = box_use(h, name, out, wait_out, why);
		if (r != 0 || *wait_out != DONE)
			return r;
	}
	*wait_out = wait_whole(j, *out);
	return 0;
}

/* --- views --------------------------------------------------------------- */

struct view *
view_of(struct peer *p, uint32_t id)
{
	struct view *v = p == NULL ? NULL : dict_get_u64(&p->views, id);

	if (v != NULL)
		v->b->used_ms = v->login->h->used_ms = clock_mono_ms();
	return v;
}

static void
answer_opened(struct job *j, int failed, const char *text)
{
	struct note_store_opened o = { .failed = (uint32_t)-failed,
	    .text = str_of(text), .fd = -1 };

	if (j->peer != NULL)
		note_answer_store_opened(j->peer->c, j->ticket, &o);
}

static struct view *
view_new(struct login *l, struct box *b, bool read_only)
{
	struct view *v = xcalloc(1, sizeof(*v));

	v->id = new_handle(l->peer);
	v->peer = l->peer;
	v->login = l;
	v->b = b;
	v->read_only = read_only;
	v->is_imap = l->peer->c->peer == IMAPD;
	list_init(&v->link);
	if (list_empty(&b->watchers)) {
		/* Nobody looked: nobody need hear what was before. */
		box_set_free(&b->changed);
		box_set_free(&b->gone);
		b->remapped = false;
		b->told_records = b->h.records;
		b->told_keywords = true;
	}
	list_push(&b->watchers, &v->link);
	b->has_watchers = true;
	dict_put_u64(&l->peer->views, v->id, v);
	return v;
}

void
view_close(struct view *v)
{
	struct box *b = v->b;

	list_remove(&v->link);
	b->has_watchers = !list_empty(&b->watchers);
	dict_del_u64(&v->peer->views, v->id);
	free(v);
	if (b->is_deleted || box_compact_due(b))
		box_touch(b);
}

void
on_close(struct peer *p, const struct note *n)
{
	struct view *v = view_of(p, note_as_store_close(n)->box);

	if (v != NULL)
		view_close(v);
}

/* A face cannot read a record: if we cannot either, the index is made anew. */
void
on_torn(struct peer *p, const struct note *n)
{
	const struct note_store_torn *t = note_as_store_torn(n);
	struct view *v = view_of(p, t->box);

	if (v == NULL || v->b->is_deleted)
		return;
	box_check_record(v->b, t->record);
	box_touch(v->b);
}

/* What this session calls \Recent, and nobody after it. */
static uint32_t
take_recent(struct box *b, const struct view *v)
{
	uint32_t recent = b->own.recent_uid;

	if (v->read_only || !v->is_imap || recent >= b->h.uidnext)
		return recent;
	b->own.recent_uid = b->h.uidnext;
	if (b->own.new_from < b->h.records) {
		/* It leaves new/, at leisure. */
		b->todo |= BOX_FLUSH;
		if (b->flush_ms == 0)
			b->flush_ms = clock_mono_ms() + BOX_FLUSH_BULK_MS;
	}
	if (box_write_head(b) != 0)
		box_touch(b);
	return recent;
}

static void
send_opened(struct job *j, struct view *v, int index, int cache)
{
	struct box *b = v->b;
	struct note_store_cache c = { .generation = b->h.generation,
	    .fd = cache };
	struct note_store_opened o = { .box = v->id,
	    .generation = b->h.generation, .records = b->h.records,
	    .uidvalidity = b->h.uidvalidity, .uidnext = b->h.uidnext,
	    .modseq = b->h.modseq, .fd = index };
	char id[MID_LEN + 1];
	struct buf words;

	o.recent_uid = take_recent(b, v);
	mid_from_bin(b->h.mailboxid, id);
	o.mailboxid = str_of(id);
	buf_init(&words, 4096);
	box_keywords(b, &words);
	o.keywords = buf_str(&words);
	note_answer_store_cache(j->peer->c, j->ticket, &c);
	note_answer_store_opened(j->peer->c, j->ticket, &o);
	buf_free(&words);
}

int
box_look(struct box *b, struct why *why)
{
	box_check(b);
	if (b->todo & BOX_SCAN_NEW)
		(void)box_step(b, BOX_SCAN_NEW, STEP_MS);
	box_touch(b);
	return box_fresh(b, why);
}

enum run
on_open(struct job *j)
{
	const struct note_store_open *n = note_as_store_open(j->n);
	struct login *l = login_of(j->peer, n->login);
	int index = -1, cache = -1, r;
	struct why why = { 0, "" };
	enum run wait;
	struct box *b;

	if (l == NULL || dict_len(&j->peer->views) >= HANDLES_MAX) {
		answer_opened(j, FAIL_TEMP, "[UNAVAILABLE] Log in again");
		return DONE;
	}
	r = box_use_whole(j, l->h, n->mailbox, &b, &wait, &why);
	if (r == 0 && wait != DONE) {
		job_hold(j, l->h);
		return wait;
	}
	if (r == 0)
		r = box_look(b, &why);
	if (r == 0)
		r = box_share(b, &index, &cache, &why);
	if (r != 0) {
		if (r == FAIL_TEMP) {
			log_event(LOG_LEVEL_WARN, "mailbox-not-opened");
			log_z("account", l->h->a->name);
			log_str("mailbox", n->mailbox);
			log_z("text", why.text);
			log_end();
		}
		answer_opened(j, r, reason_of(r, &why));
		return DONE;
	}
	send_opened(j, view_new(l, b, n->read_only != 0), index, cache);
	close(index);
	close(cache);
	return DONE;
}

/* --- bodies -------------------------------------------------------------- */

static void
answer_file(struct job *j, int failed, int fd, uint64_t size)
{
	struct note_store_file f = { .failed = (uint32_t)-failed,
	    .size = size, .fd = fd, .text = str_of(reason_of(failed, NULL)) };

	if (j->peer != NULL)
		note_answer_store_file(j->peer->c, j->ticket, &f);
}

enum run
on_body(struct job *j)
{
	const struct note_store_body *n = note_as_store_body(j->n);
	struct view *v = view_of(j->peer, n->box);
	struct why why;
	uint64_t size;
	int fd = -1, r;

	if (v == NULL || v->b->is_deleted) {
		answer_file(j, FAIL_GONE, -1, 0);
		return DONE;
	}
	r = box_fresh(v->b, &why);
	if (r == 0)
		r = box_file(v->b, n->uid, &fd, &size);
	if (r == FAIL_GONE && v->b->todo & BOX_SCAN_ALL && j->tries++ < 200) {
		/* Somebody renamed it: the scan finds it, or expunges it. */
		job_hold(j, v->login->h);
		box_touch(v->b);
		return WORK;
	}
	answer_file(j, r, fd, r == 0 ? size : 0);
	if (fd >= 0)
		close(fd);
	return DONE;
}

/* CHECK: file names follow now, and others' changes are looked for. */
enum run
on_check(struct job *j)
{
	struct view *v = view_of(j->peer, note_as_store_check(j->n)->box);
	struct why why;
	int r;

	if (v == NULL || v->b->is_deleted) {
		answer_done(j, FAIL_GONE, "", 0, 0);
		return DONE;
	}
	r = box_fresh(v->b, &why);
	if (r == 0) {
		box_check(v->b);
		if (v->b->flush_ms != 0)
			v->b->flush_ms = clock_mono_ms();
		box_touch(v->b);
	}
	answer_done(j, r, reason_of(r, NULL), 0, v->b->h.modseq);
	return DONE;
}
