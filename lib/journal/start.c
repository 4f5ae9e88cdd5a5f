/* SPDX-License-Identifier: ISC */
/*
 * journal/start.c - the spool after a start: ring first, then files.
 *
 * The ring wins over a file of the same message (R11): the file may never
 * have been synced.  A message that only a file knows was settled there
 * before its place in the ring was used again.  Marks of the ring whose
 * commit is gone belong to such files and are applied to them.
 */
#include "journal/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define FOLDERS 256

/* A mark whose commit is no longer in the ring. */
struct orphan {
	struct link	link;
	uint64_t	use;
	struct mark	mark;
	struct buf	bytes;
};

int
spool_lay_out(const struct disk *d, struct why *why)
{
	static const char *const folders[] = { "journal", "cur", "tmp",
	    "hold", "corrupt", "maildrop" };
	char name[DISK_NAME_MAX];

	for (size_t i = 0; i < NITEMS(folders); i++)
		if (d->mkdir(d->ctx, folders[i]) != 0)
			return why_errno(why, FAIL_TEMP, "folder %s",
			    folders[i]);
	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(name, sizeof(name), "cur/%02x", i);
		if (d->mkdir(d->ctx, name) != 0)
			return why_errno(why, FAIL_TEMP, "folder %s", name);
	}
	/* a fresh folder is lost with all its files unless synced itself */
	if (d->sync_folder(d->ctx, "cur") != 0 ||
	    d->sync_folder(d->ctx, ".") != 0)
		return why_errno(why, FAIL_TEMP, "spool folder");
	return 0;
}

/* --- the ring ------------------------------------------------------------ */

static void
apply(struct spool *s, struct message *m, const struct mark *mark,
    uint64_t use)
{
	if (mark->number >= m->env.n_to ||
	    m->to[mark->number].state == DELIVERY_ENDED)
		return;
	message_apply(s, m, mark);
	if (mark->state != RECIPIENT_DONE)
		return;
	m->to[mark->number].state = DELIVERY_ENDED;
	m->open--;
	m->end_use = use;
	m->file_went |= mark->last == LAST_FILE;
}

static void
keep_orphan(struct spool *s, const struct mark *mark, uint64_t use)
{
	struct orphan *o = xcalloc(1, sizeof(*o));

	o->use = use;
	buf_init(&o->bytes, 2 * MARK_MAX);
	mark_put(&o->bytes, mark);
	if (mark_get(buf_str(&o->bytes), &o->mark) != 0) {
		buf_free(&o->bytes);
		free(o);
		return;
	}
	journal_hold(s->journal, use);
	list_push(&s->orphans, &o->link);
}

static void
drop_orphan(struct spool *s, struct orphan *o)
{
	journal_release(s->journal, o->use);
	buf_free(&o->bytes);
	free(o);
}

static void
on_mark(struct spool *s, const struct mark *mark, uint64_t use)
{
	struct message *m = dict_get(&s->messages, mark->mid);

	if (m != NULL)
		apply(s, m, mark, use);
	else if (mid_valid(mark->mid))
		keep_orphan(s, mark, use);
}

static void
on_commit(struct spool *s, enum journal_type type, struct str bytes,
    const struct journal_place *place)
{
	struct str envelope, content;
	struct message *m;
	struct mark end = { .state = RECIPIENT_DONE };

	if (commit_split(bytes, &envelope, &content) != 0 ||
	    (m = message_new(s, type, envelope)) == NULL) {
		s->ops->corrupt(s->arg, "record", bytes,
		    "journal record is not understood");
		return;
	}
	m->place = *place;
	m->large = content.n == 0 && m->env.size > 0;
	m->held = place->use;
	journal_hold(s->journal, m->held);
	list_push(&s->young, &m->young);
	for (size_t i = 0; i < m->env.n_to; i++)
		m->to[i].repeat = true;
	for (size_t i = 0; i < m->env.n_closes && RULE('J'); i++) {
		end.mid = m->env.closes[i].mid;
		end.number = m->env.closes[i].number;
		end.last = m->env.closes[i].last;
		on_mark(s, &end, place->use);
	}
}

static void
on_record(void *arg, enum journal_type type, struct str bytes,
    const struct journal_place *place)
{
	struct spool *s = arg;
	struct mark mark;

	switch (type) {
	case JOURNAL_COMMIT:
	case JOURNAL_APPEND:
		on_commit(s, type, bytes, place);
		break;
	case JOURNAL_END:
	case JOURNAL_STATE:
		if (mark_get(bytes, &mark) == 0)
			on_mark(s, &mark, place->use);
		break;
	case JOURNAL_VOID:
		break;
	}
}

static void
on_damage(void *arg, struct str bytes, const char *what)
{
	struct spool *s = arg;

	s->ops->corrupt(s->arg, "journal", bytes, what);
}

/* --- files beside the ring ----------------------------------------------- */

static bool
file_exists(struct spool *s, const char *name)
{
	int h = s->disk->open(s->disk->ctx, name, DISK_READ);

	if (h < 0)
		return errno != ENOENT;	/* unreadable is there, too */
	s->disk->close(s->disk->ctx, h);
	return true;
}

/* What the ring knows, finished or open. */
static void
place_message(struct spool *s, struct message *m)
{
	char name[DISK_NAME_MAX];

	spool_file_name(m->mid, name);
	m->file_there = file_exists(s, name);
	if (m->file_there && !RULE('W'))
		m->file = FILE_SETTLED;
	if (m->open == 0) {
		/* unlinked before we were killed: nobody has synced that */
		m->file_there = m->file_there || m->file_went;
		spool_file_unlink(s, m, m->end_use);
	}
	/* likewise the file it came in */
	if (m->env.dropped != 0 && RULE('Z'))
		settle_add(s, SETTLE_DROP, m, 0, m->place.use, true);
	message_release(s, m);
	message_doubt(s, m);
}

/* Everybody of that message is done.  Its file was unlinked, or would have
 * been; if it is there it may be an old or a torn one: nobody reads it. */
static void
bury(struct spool *s, const struct orphan *o)
{
	struct envelope e = { .mid = o->mark.mid };
	char mid[MID_LEN + 1] = { 0 }, name[DISK_NAME_MAX];
	struct message *m = NULL;
	struct buf b;

	memcpy(mid, o->mark.mid.p, MID_LEN);
	spool_file_name(mid, name);
	if (o->mark.last == LAST_NOT || (o->mark.last != LAST_FILE &&
	    !file_exists(s, name)))
		return;
	buf_init(&b, MARK_MAX);
	envelope_put(&b, &e);
	m = message_new(s, JOURNAL_COMMIT, buf_str(&b));
	buf_free(&b);
	if (m == NULL)
		return;		/* its commit is in the ring after all */
	m->file_there = true;
	spool_file_unlink(s, m, o->use);
	message_doubt(s, m);
}

/* A mark for a file: into the file, or the file goes. */
static void
place_orphan(struct spool *s, struct orphan *o)
{
	struct message *m = spool_find(s, o->mark.mid);
	bool open;

	if (m != NULL && o->mark.number < m->env.n_to) {
		open = m->open > 0;
		apply(s, m, &o->mark, o->use);
		if (m->open == 0)
			spool_file_unlink(s, m, o->use);
		else if (open)
			spool_file_mark(s, m, o->mark.number, o->use);
	}
	drop_orphan(s, o);
}

static void
clean_name(void *arg, const char *name)
{
	struct spool *s = arg;
	char path[DISK_NAME_MAX], file[DISK_NAME_MAX];

	/* .cur: a spool file that was not finished */
	if (strlen(name) == MID_LEN && mid_valid(str_of(name))) {
		spool_file_name(name, file);
		if (dict_get(&s->messages, str_of(name)) != NULL ||
		    file_exists(s, file))
			return;
	}
	if (strlen(name) > MID_LEN + 8)
		return;
	snprintf(path, sizeof(path), "tmp/%.48s", name);
	(void)s->disk->unlink(s->disk->ctx, path);
}

static void
each_message(struct spool *s, void (*fn)(struct spool *, struct message *))
{
	struct str key;
	void *m;

	for (size_t at = 0; dict_next(&s->messages, &at, &key, &m); )
		fn(s, m);
}

int
spool_open(struct spool **s_out, const struct disk *d,
    struct journal_limits limits, const struct spool_ops *ops, void *arg,
    struct why *why)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	struct link *lists[] = { &s->young, &s->gathering, &s->doubtful,
	    &s->jobs, &s->fresh, &s->covered, &s->redo, &s->orphans }, *l;
	int r;

	s->disk = d;
	s->ops = ops;
	s->arg = arg;
	dict_init(&s->messages);
	buf_init(&s->scan_names, 64u << 20);
	for (size_t i = 0; i < NITEMS(lists); i++)
		list_init(lists[i]);
	r = journal_open(&s->journal, d, limits, why);
	if (r != 0) {
		dict_free(&s->messages);
		free(s);
		return r;
	}
	r = journal_replay(s->journal, on_record, on_damage, s, why);
	if (r != 0) {
		while ((l = list_pop(&s->orphans)) != NULL)
			drop_orphan(s, container_of(l, struct orphan, link));
		spool_close(s);
		return r;
	}
	each_message(s, place_message);
	list_each(l, &s->orphans)
		bury(s, container_of(l, struct orphan, link));
	while ((l = list_pop(&s->orphans)) != NULL)
		place_orphan(s, container_of(l, struct orphan, link));
	(void)d->list(d->ctx, "tmp", clean_name, s);
	*s_out = s;
	return 0;
}

/* --- begin and scan ------------------------------------------------------ */

static void
begin(struct spool *s, struct message *m)
{
	for (uint32_t i = 0; i < m->env.n_to; i++)
		if (m->to[i].state == DELIVERY_OPEN)
			s->ops->deliver(s->arg, m, i);
		else if (m->to[i].state == DELIVERY_WAITS)
			s->ops->waits(s->arg, m, i);
	message_doubt(s, m);
}

void
spool_begin(struct spool *s)
{
	each_message(s, begin);
}

/* A folder of cur/: ids of messages, and names that are none of ours. */
struct found {
	struct buf	*ids, strays;
};

static void
collect(void *arg, const char *name)
{
	struct found *f = arg;

	if (mid_valid(str_of(name))) {
		buf_z(f->ids, name);
	} else if (!spool_is_aside(name)) {
		buf_z(&f->strays, name);
		buf_c(&f->strays, '\0');
	}
}

/* After a power cut on a file system without a journal a folder may have
 * another's names, which lead to spool files whose own names are lost. */
static void
next_folder(struct spool *s)
{
	struct found f = { .ids = &s->scan_names };
	char folder[16];
	struct str strays;

	snprintf(folder, sizeof(folder), "cur/%02x", s->scanned++);
	buf_reset(&s->scan_names);
	buf_init(&f.strays, 1u << 20);
	(void)s->disk->list(s->disk->ctx, folder, collect, &f);
	strays = buf_str(&f.strays);
	while (strays.n > 0)
		spool_file_stray(s, folder, str_until(&strays, '\0'));
	buf_free(&f.strays);
}

bool
spool_scan(struct spool *s, unsigned most)
{
	struct message *m;
	char mid[MID_LEN];

	for (; most > 0; most--) {
		while (s->scan_names.len == 0 && s->scanned < FOLDERS)
			next_folder(s);
		if (s->scan_names.len == 0) {
			buf_free(&s->scan_names);
			return false;
		}
		memcpy(mid, buf_str(&s->scan_names).p, MID_LEN);
		buf_consume(&s->scan_names, MID_LEN);
		if (dict_get(&s->messages, str_mem(mid, MID_LEN)) != NULL)
			continue;
		m = spool_find(s, str_mem(mid, MID_LEN));
		if (m != NULL)
			begin(s, m);
	}
	return true;
}

/* Whose END is on its way into the ring waits for nothing else. */
static void
begin_waiting(struct spool *s, struct message *m)
{
	for (uint32_t i = 0; i < m->env.n_to; i++)
		if (m->to[i].state == DELIVERY_WAITS && !m->to[i].ending)
			s->ops->waits(s->arg, m, i);
}

void
spool_scan_again(struct spool *s)
{
	s->scanned = 0;
	buf_reset(&s->scan_names);
	each_message(s, begin_waiting);
}
