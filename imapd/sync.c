/* SPDX-License-Identifier: ISC */
/*
 * imapd/sync.c - EXPUNGE, FETCH (FLAGS), EXISTS and RECENT for what others
 * did, said before the tagged answer of a command, or in IDLE.
 *
 * Order: EXPUNGE first, numbers of what follows are those after it; then the
 * new generation of the index, if there is one; then flags; then new mail.
 * EXPUNGE is not said while FETCH, STORE, SEARCH and COPY by number are
 * answered (RFC 3501 7.4.1): the client could not know which message a number
 * means.  Nothing is said twice, and no EXISTS unless the count has changed:
 * a client was seen to loop over "* 0 EXISTS".
 */
#include "imapd/sync.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "imapd/box.h"
#include "imapd/command.h"
#include "imapd/imapd.h"

#include "base/banned.h"

enum phase { EXPUNGES, GENERATION, KEYWORDS, FLAGS, ARRIVALS, DONE };

#define BURY_BATCH	1024
#define LOOK_BATCH	16384

bool
sync_has_news(const struct session *s)
{
	const struct box *b = s->box;

	return b != NULL && (b->gone.n > 0 || b->gone_look || b->changed.n > 0 ||
	    b->must_scan || b->new_keywords || b->next_index_fd >= 0 ||
	    b->new_records > b->records);
}

void
sync_begin(struct session *s)
{
	struct box *b = s->box;
	unsigned is = s->command != NULL ? s->command->is : 0;

	box_forget_page();
	b->sync.phase = sync_has_news(s) ? EXPUNGES : DONE;
	b->sync.may_expunge = (is & NO_EXPUNGE) == 0;
	b->sync.may_exist = (is & NO_NEWS) == 0;
	b->sync.at = 0;
	b->sync.record = 0;
	ranges_free(&b->sync.set);
}

/* --- EXPUNGE ------------------------------------------------------------- */

/* One batch of a range of UIDs; advances over it.  only_marked: those that
 * the index says are expunged. */
static void
expunge_some(struct session *s, struct imap_range *uids, bool only_marked)
{
	struct box *b = s->box;
	uint32_t batch[BURY_BATCH], r, end, said = 0, looked = 0;
	size_t n = 0;

	r = box_lower_uid(b, uids->first, 0, b->new_records > b->records &&
	    b->next_index_fd < 0 ? b->new_records : b->records);
	end = b->next_index_fd < 0 && b->new_records > b->records ?
	    b->new_records : b->records;
	for (; r < end; r++) {
		struct index_record rec;

		if (!box_record(b, r, &rec))
			continue;
		if (rec.uid > uids->last)
			break;
		if (n == BURY_BATCH || looked++ == LOOK_BATCH) {
			uids->first = rec.uid;
			box_bury(b, batch, n);
			return;
		}
		if (box_is_dead(b, r) ||
		    (only_marked && (rec.flags & INDEX_EXPUNGED) == 0))
			continue;
		batch[n++] = r;
		if (r >= b->records)
			continue;	/* it was never announced */
		buf_fmt(OUT(s), "* %u EXPUNGE\r\n", box_seq(b, r) - said++);
		if (box_is_recent(b, &rec) && b->recent > 0)
			b->recent--;
	}
	box_bury(b, batch, n);
	uids->first = 0;
}

static bool
say_expunges(struct session *s)
{
	struct box *b = s->box;
	unsigned calls = 31;

	if (!b->sync.may_expunge)
		return true;
	while (b->gone_look) {
		if (b->look.first == 0)
			b->look = (struct imap_range){ 1, UINT32_MAX };
		if (session_slice_over(s, &calls))
			return false;
		expunge_some(s, &b->look, true);
		b->gone_look = b->look.first != 0;
	}
	while (b->sync.at < b->gone.n) {
		if (session_slice_over(s, &calls))
			return false;
		expunge_some(s, &b->gone.v[b->sync.at], false);
		if (b->gone.v[b->sync.at].first == 0)
			b->sync.at++;
	}
	ranges_free(&b->gone);
	b->sync.at = 0;
	return true;
}

/* --- a new generation ---------------------------------------------------- */

/* Those expunged since the new file was written are dead in it too. */
static void
bury_range(struct box *b, const struct imap_range *uids)
{
	uint32_t batch[BURY_BATCH], r;
	struct index_record rec;
	size_t n = 0;

	r = box_lower_uid(b, uids->first, 0, b->new_records);
	for (; r < b->new_records && box_record(b, r, &rec) &&
	    rec.uid <= uids->last; r++) {
		if (box_is_dead(b, r))
			continue;
		batch[n++] = r;
		if (n == BURY_BATCH) {
			box_bury(b, batch, n);
			n = 0;
		}
	}
	box_bury(b, batch, n);
}

/* Most often it has none.  Those with a higher MODSEQ are still to be said. */
static void
bury_told(struct box *b)
{
	uint32_t batch[BURY_BATCH], r;
	struct index_header h;
	struct index_record rec;
	size_t n = 0;

	if (box_header(b, &h) && h.records == h.messages)
		return;
	for (r = 0; r < b->new_records; r++) {
		if (!box_record(b, r, &rec) || !(rec.flags & INDEX_EXPUNGED) ||
		    rec.modseq > b->next_modseq)
			continue;
		batch[n++] = r;
		if (n == BURY_BATCH) {
			box_bury(b, batch, n);
			n = 0;
		}
	}
	box_bury(b, batch, n);
}

static void
bury_since(struct box *b)
{
	size_t i;

	for (i = 0; i < b->gone_since.n; i++)
		bury_range(b, &b->gone_since.v[i]);
	ranges_free(&b->gone_since);
}

/* All expunges are said: the new file holds what the client counts. */
static bool
take_generation(struct session *s)
{
	struct box *b = s->box;
	uint32_t exists, last;

	if (b->next_index_fd < 0 || b->gone.n > 0 || b->gone_look)
		return true;
	exists = box_exists(b);
	last = box_last_uid(b);
	if (last == 0 && exists > 0)	/* the old file was spoilt */
		last = b->told_uidnext - 1;
	b->torn = false;
	box_forget_page();
	fd_close(&b->index_fd);
	b->index_fd = b->next_index_fd;
	b->next_index_fd = -1;
	b->generation = b->next_generation;
	b->torn_told = false;
	if (b->next_cache_fd >= 0) {
		fd_close(&b->cache_fd);
		b->cache_fd = b->next_cache_fd;
		b->next_cache_fd = -1;
	}
	b->dead_n = 0;
	b->gone_look = b->gone_look_next;
	b->gone_look_next = false;
	b->records = last == 0 ? 0 :
	    box_lower_uid(b, last + 1, 0, b->new_records);
	bury_told(b);
	bury_since(b);
	if (box_exists(b) == exists)
		return true;
	log_event(LOG_LEVEL_ERROR, "imap-view-lost");
	log_z("sid", s->sid);
	log_u64("had", exists);
	log_u64("found", box_exists(b));
	log_end();
	s->view_lost = true;
	return true;
}

/* --- flags --------------------------------------------------------------- */

void
sync_say_keywords(struct session *s)
{
	if (!s->box->new_keywords)
		return;
	s->box->new_keywords = false;
	buf_z(OUT(s), "* FLAGS (");
	box_put_flag_names(s);
	buf_z(OUT(s), ")\r\n");
	if (s->box->read_only)
		return;
	buf_z(OUT(s), "* OK [PERMANENTFLAGS (");
	box_put_flag_names(s);
	buf_z(OUT(s), " \\*)] There are new keywords\r\n");
}

static bool
is_news(const struct box *b, const struct index_record *r)
{
	return (r->flags & INDEX_EXPUNGED) == 0 && r->modseq > b->modseq &&
	    r->modseq != b->own_modseq;
}

static void
say_one(struct session *s, uint32_t record)
{
	bool by_uid = s->command != NULL && (s->command->is & BY_UID) != 0;
	struct index_record r;

	if (!box_is_dead(s->box, record) && box_record(s->box, record, &r) &&
	    is_news(s->box, &r))
		box_put_flags(s, &r, record, by_uid);
}

/* The next record that may have changed; false: none. */
static bool
next_changed(struct box *b, uint32_t *record_out)
{
	while (b->sync.at < b->sync.set.n) {
		const struct imap_range *u = &b->sync.set.v[b->sync.at];
		struct index_record r;

		if (b->sync.record == 0)
			b->sync.record = 1 + box_lower_uid(b, u->first, 0,
			    b->records);
		if (b->sync.record <= b->records && box_record(b,
		    b->sync.record - 1, &r) && r.uid <= u->last) {
			*record_out = b->sync.record++ - 1;
			return true;
		}
		b->sync.at++;
		b->sync.record = 0;
	}
	return false;
}

static void
begin_flags(struct box *b)
{
	b->sync.modseq = b->new_modseq;
	b->sync.at = 0;
	b->sync.record = 0;
	if (b->must_scan) {
		ranges_free(&b->changed);
		ranges_add(&b->sync.set, 1, UINT32_MAX);
	} else {
		b->sync.set = b->changed;
		b->changed = (struct ranges){ NULL, 0, 0 };
	}
	b->must_scan = false;
}

static bool
say_flags(struct session *s)
{
	struct box *b = s->box;
	unsigned calls = 0;
	uint32_t record;

	if (b->sync.modseq == 0)
		begin_flags(b);
	do {
		if (session_slice_over(s, &calls))
			return false;
		if (!next_changed(b, &record)) {
			if (b->sync.modseq > b->modseq)
				b->modseq = b->sync.modseq;
			ranges_free(&b->sync.set);
			b->sync.modseq = 0;
			return true;
		}
		say_one(s, record);
	} while (true);
}

/* --- new mail ------------------------------------------------------------ */

static void
say_arrivals(struct session *s)
{
	struct box *b = s->box;
	uint32_t before = box_exists(b), recent;

	/* while a new file waits, new_records counts in it */
	if (!b->sync.may_exist || b->next_index_fd >= 0 ||
	    b->new_records <= b->records)
		return;
	b->records = b->new_records;
	b->told_uidnext = b->uidnext;
	if (box_exists(b) == before)
		return;
	buf_fmt(OUT(s), "* %u EXISTS\r\n", box_exists(b));
	recent = box_count_recent(b);
	if (recent != b->recent)
		buf_fmt(OUT(s), "* %u RECENT\r\n", recent);
	b->recent = recent;
}

bool
sync_step(struct session *s)
{
	struct box *b = s->box;

	switch ((enum phase)b->sync.phase) {
	case EXPUNGES:
		if (!say_expunges(s))
			return false;
		b->sync.phase = GENERATION;
		/* FALLTHROUGH */
	case GENERATION:
		take_generation(s);
		/* FALLTHROUGH */
	case KEYWORDS:
		sync_say_keywords(s);
		b->sync.phase = FLAGS;
		b->sync.modseq = 0;
		/* FALLTHROUGH */
	case FLAGS:
		if (!say_flags(s))
			return false;
		b->sync.phase = ARRIVALS;
		/* FALLTHROUGH */
	case ARRIVALS:
		say_arrivals(s);
		b->sync.phase = DONE;
		/* FALLTHROUGH */
	case DONE:
		break;
	}
	return true;
}
