/* SPDX-License-Identifier: ISC */
/*
 * store/news.c - who hears of changes, and the work that follows them.
 *
 * All faces that have a mailbox open hear the same, in the order it
 * happened: expunged UIDs, new descriptors, then flags and arrivals.  The
 * face that asked hears its own news before its answer.
 */
#include "store/stored.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

static void
tell_gone(struct box *b)
{
	struct note_store_gone g = { .modseq = b->h.modseq };
	struct link *e;
	struct view *v;
	struct buf set;
	size_t at = 0;

	buf_init(&set, SET_MAX);
	while (at < b->gone.n) {
		buf_reset(&set);
		at = uid_set_put(&set, &b->gone, at);
		list_each(e, &b->watchers) {
			v = container_of(e, struct view, link);
			/* It hears less than we have to say: one that has
			 * the mailbox open often would lose its channel. */
			g.set = chan_busy(v->peer->c) ? str_of("") :
			    buf_str(&set);
			g.box = v->id;
			note_put_store_gone(v->peer->c, &g);
		}
	}
	buf_free(&set);
}

static void
tell_remap(struct box *b)
{
	struct note_store_remap r = { .generation = b->h.generation,
	    .records = b->h.records, .modseq = b->h.modseq };
	struct note_store_recache c = { .generation = b->h.generation };
	struct link *e;
	struct view *v;
	struct why why;

	if (box_share(b, &r.fd, &c.fd, &why) != 0) {
		log_say(LOG_LEVEL_WARN, "mailbox-not-shared", "%s", why.text);
		return;
	}
	list_each(e, &b->watchers) {
		v = container_of(e, struct view, link);
		r.box = c.box = v->id;
		note_put_store_remap(v->peer->c, &r);
		note_put_store_recache(v->peer->c, &c);
	}
	close(r.fd);
	close(c.fd);
	b->remapped = false;
}

/* A session that may change the mailbox has seen what came. */
static void
no_longer_recent(struct box *b)
{
	struct link *e;
	struct view *v;

	list_each(e, &b->watchers) {
		v = container_of(e, struct view, link);
		if (v->is_imap && !v->read_only)
			b->own.recent_uid = b->h.uidnext;
	}
}

static void
tell_news(struct box *b)
{
	struct note_store_news n = { .records = b->h.records,
	    .uidnext = b->h.uidnext, .modseq = b->h.modseq };
	struct buf words, set;
	struct link *e;
	struct view *v;
	bool has_set;

	buf_init(&words, 4096);
	buf_init(&set, SET_MAX);
	box_keywords(b, &words);
	n.keywords = buf_str(&words);
	/* What does not fit one set is looked for in the index. */
	has_set = uid_set_put(&set, &b->changed, 0) == b->changed.n;
	list_each(e, &b->watchers) {
		v = container_of(e, struct view, link);
		n.has_set = has_set && !chan_busy(v->peer->c);
		n.set = n.has_set ? buf_str(&set) : str_of("");
		n.box = v->id;
		note_put_store_news(v->peer->c, &n);
	}
	buf_free(&words);
	buf_free(&set);
	no_longer_recent(b);
}

void
news_tell(struct box *b)
{
	struct why why;

	if (b->stale && !b->is_deleted && box_fresh(b, &why) != 0)
		return;		/* said there; tried again while it is open */
	if (b->stale || (b->todo & BOX_REBUILD))
		return;		/* told when it is whole again */
	if (b->has_watchers) {
		if (b->gone.n > 0)
			tell_gone(b);
		if (b->remapped)
			tell_remap(b);
		if (b->changed.n > 0 || b->told_records != b->h.records ||
		    !b->told_keywords)
			tell_news(b);
	}
	box_set_free(&b->gone);
	box_set_free(&b->changed);
	b->told_records = b->h.records;
	b->told_keywords = true;
}

/* --- work ---------------------------------------------------------------- */

/* What may be done now: flags wait for their time. */
unsigned
work_due(const struct box *b)
{
	unsigned todo = b->todo;

	if (b->stale || b->is_deleted)
		return 0;
	if (b->flush_ms > clock_mono_ms())
		todo &= ~(unsigned)BOX_FLUSH;
	else if (todo & BOX_FLUSH)
		todo |= BOX_UNLINK;
	if (b->a->copy_unsettled)
		todo &= ~(unsigned)BOX_UNLINK;
	if (box_compact_due(b))
		todo |= BOX_COMPACT;
	return todo;
}

bool
box_work(struct box *b)
{
	unsigned mask = work_due(b);
	bool done;

	if (mask == 0 && b->scan == NULL)
		return true;
	b->todo |= mask & BOX_COMPACT;
	done = box_step(b, mask, STEP_MS);
	box_touch(b);
	return done;
}

static void
look_box(struct box *b)
{
	int64_t now_ms = clock_mono_ms();

	if (b->has_watchers && now_ms - b->checked_ms >= LOOK_MS) {
		box_check(b);
		box_check_index(b);
	}
	if (b->stale && b->has_watchers)
		box_touch(b);	/* opened anew, if that can be now */
	if (work_due(b) != 0 || (b->scan != NULL && !b->stale))
		box_busy(b);
	if (box_is_idle(b) && now_ms - b->used_ms > IDLE_MS && b->scan == NULL
	    && b->todo == 0)
		box_forget(b);
}

void
boxes_look(void)
{
	accounts_each_box(look_box);
}
