/* SPDX-License-Identifier: ISC */
/*
 * imapd/fetch.c - FETCH.
 *
 * Flags, sizes and dates come from the index record, envelopes and structure
 * from the cache; only sections need the file, for which stored is asked.
 * A message is said when all it needs is there, so that nothing stops in the
 * middle of a line; long sections go out in pieces as the client reads.
 *
 * \Seen is set before the text is sent, for up to some hundred messages in
 * one note, and told with the text (RFC 3501 6.4.5).
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/num.h"
#include "imap/flag.h"
#include "imap/out.h"
#include "imapd/batch.h"
#include "imapd/body.h"
#include "imapd/command.h"
#include "imapd/sync.h"
#include "mail/date.h"
#include "mail/shape.h"

#include "base/banned.h"

#define MARK_BATCH	500	/* UIDs of at most 11 octets: below SET_MAX */
#define FIELDS_OUT_MAX	(4 * 1024 * 1024)

struct fetch {
	struct imap_items items;
	struct imap_set	set;
	struct walk	walk;
	bool		by_uid;
	/* the message at hand */
	bool		have, is_begun, is_emitting;
	uint32_t	record;
	struct index_record rec;
	size_t		item;
	struct emit	emit;
	struct buf	spare;		/* a large cache blob */
	/* \Seen was set for these; records before marked_to are looked at */
	struct ranges	marked;
	uint32_t	marked_to;
	bool		was_gone, has_failed;
};

static then_fn	on_marked, on_file;
static work_fn	work_fetch;

static void
fetch_end(struct session *s)
{
	struct fetch *f = s->job;

	ranges_free(&f->marked);
	buf_free(&f->spare);
}

/* --- \Seen --------------------------------------------------------------- */

static bool
is_marked(const struct fetch *f, uint32_t uid)
{
	struct imap_set set = { f->marked.v, f->marked.n };

	return imap_set_has(&set, uid);
}

/* The UIDs of those not seen, from the message at hand on. */
static bool
gather_unseen(struct session *s, struct fetch *f, struct buf *set)
{
	struct walk w = f->walk;
	struct imap_set_out o;
	struct index_record r = f->rec;
	uint32_t record = f->record, n = 0, i = 0;

	ranges_free(&f->marked);
	imap_set_begin(&o, set);
	do {
		f->marked_to = record + 1;
		if (!box_record(s->box, record, &r) ||
		    (r.flags & (INDEX_SEEN | INDEX_EXPUNGED)) != 0)
			continue;
		imap_set_put(&o, r.uid);
		ranges_add(&f->marked, r.uid, r.uid);
		n++;
	} while (n < MARK_BATCH && i++ < 4096 && walk_next(s->box, &w,
	    &record));
	imap_set_end(&o);
	return n > 0;
}

static enum step
mark_seen(struct session *s, struct fetch *f)
{
	struct note_store_change ask = { .box = s->box->handle,
	    .how = STORE_ADD, .flags = INDEX_SEEN };
	struct buf set;
	enum step step = WORK;

	buf_init(&set, SET_MAX);
	if (gather_unseen(s, f, &set)) {
		ask.set = buf_str(&set);
		s->then = on_marked;
		ask_store_change(s->stored, &ask, session_on_note, s);
		step = WAIT;
	}
	buf_free(&set);
	return step;
}

/* Stored has changed the record of the message we are at. */
static bool
read_again(struct session *s, struct fetch *f)
{
	box_forget_page();
	return box_record(s->box, f->record, &f->rec);
}

/* When it did not work the text is sent all the same, without the flag. */
static enum step
on_marked(struct session *s, const struct note *n)
{
	const struct note_store_done *d = note_as_store_done(n);
	struct fetch *f = s->job;

	if (d == NULL || d->failed != 0)
		ranges_free(&f->marked);
	else
		s->box->own_modseq = d->modseq;
	if (!read_again(s, f))
		f->have = false;
	return work_fetch(s);
}

/* --- what a message needs ------------------------------------------------ */

static const char *const cached_fields[] = { "From", "To", "Cc", "Bcc",
    "Subject", "Date", "Message-ID", "In-Reply-To", "References",
    "Reply-To", "Sender", "Content-Type" };

static bool
fields_are_cached(const struct imap_item *it)
{
	size_t i, k;

	if (it->text != IMAP_FIELDS || it->depth > 0)
		return false;
	for (i = 0; i < it->fields; i++) {
		for (k = 0; k < NITEMS(cached_fields); k++)
			if (str_is(it->field[i], cached_fields[k]))
				break;
		if (k == NITEMS(cached_fields))
			return false;
	}
	return true;
}

static bool
cached(const struct imap_item *it, struct str blob, struct str *out)
{
	switch (it->kind) {
	case IMAP_ENVELOPE:
		return cache_item_get(blob, CACHE_ENVELOPE, out);
	case IMAP_BODY:
		return cache_item_get(blob, CACHE_BODY, out);
	case IMAP_BODYSTRUCTURE:
		return cache_item_get(blob, CACHE_BODYSTRUCTURE, out);
	case IMAP_SECTION:
		return fields_are_cached(it) &&
		    cache_item_get(blob, CACHE_HEADER, out);
	default:
		return false;
	}
}

static bool
from_record(const struct imap_item *it)
{
	return it->kind == IMAP_FLAGS || it->kind == IMAP_UID ||
	    it->kind == IMAP_INTERNALDATE || it->kind == IMAP_SIZE;
}

static struct str
blob_of(struct session *s, struct fetch *f)
{
	struct str items = { NULL, 0 };

	if (f->items.needs_cache)
		(void)box_cache(s->box, &f->rec, &f->spare, &items);
	return items;
}

/* Steps the file on until every item can be answered from it. */
static int
prepare_file(const struct fetch *f, struct body *b, struct str blob)
{
	struct str unused;
	size_t i;

	for (i = 0; i < f->items.n; i++) {
		const struct imap_item *it = &f->items.v[i];
		int rc;

		if (from_record(it) || cached(it, blob, &unused))
			continue;
		rc = body_needs_walk(b, it) ? body_walk(b) :
		    it->text == IMAP_WHOLE ? 1 : body_find_header(b);
		if (rc != 1)
			return rc;
	}
	return 1;
}

static bool
needs_file(const struct fetch *f, struct str blob)
{
	struct str unused;
	size_t i;

	for (i = 0; i < f->items.n; i++)
		if (!from_record(&f->items.v[i]) &&
		    !cached(&f->items.v[i], blob, &unused))
			return true;
	return false;
}

static enum step
ask_file(struct session *s, struct fetch *f)
{
	struct note_store_body ask = { .box = s->box->handle,
	    .uid = f->rec.uid };

	box_drop_body(s->box);
	s->then = on_file;
	ask_store_body(s->stored, &ask, session_on_note, s);
	return WAIT;
}

static enum step
on_file(struct session *s, const struct note *n)
{
	const struct note_store_file *a = note_as_store_file(n);
	struct fetch *f = s->job;
	int fd = a != NULL && a->failed == 0 ? note_take_fd(n) : -1;

	/* somebody wrote into the file, and the record was corrected */
	if (fd >= 0 && a->size != f->rec.disk_size && !read_again(s, f))
		fd_close(&fd);
	if (fd >= 0)
		s->box->body = body_new(fd, a->size, &f->rec);
	else if (a != NULL && a->failed == (uint32_t)-FAIL_GONE) {
		f->was_gone = true;
		f->have = false;
	} else {
		f->has_failed = true;
		f->have = false;
	}
	return work_fetch(s);
}

/* --- saying it ----------------------------------------------------------- */

static void
put_fields(struct session *s, const struct imap_item *it, struct str header)
{
	struct str text;
	struct buf b;

	buf_init(&b, FIELDS_OUT_MAX);
	body_fields(&b, header, it);
	text = buf_str(&b);
	if (it->is_partial)
		text = str_sub(text, it->from, it->count);
	if (text.n == 0)
		buf_z(OUT(s), "\"\"");
	else {
		imap_put_literal(OUT(s), text.n);
		imap_put_octets(OUT(s), text);
	}
	buf_free(&b);
}

static int
fields_of_file(struct session *s, const struct imap_item *it,
    const struct mime_span *span)
{
	struct buf header;
	int rc;

	buf_init(&header, FIELDS_OUT_MAX);
	rc = body_read_header(s->box->body, span, &header);
	if (rc == 0)
		put_fields(s, it, buf_str(&header));
	buf_free(&header);
	return rc < 0 ? rc : 1;
}

/* 1: said, 0: emitting goes on, FAIL_*. */
static int
put_section(struct session *s, struct fetch *f, const struct imap_item *it)
{
	struct body *b = s->box->body;
	struct mime_span span;
	uint64_t from = 0, n;

	if (!body_section(b, it, &span)) {
		buf_z(OUT(s), "NIL");
		return 1;
	}
	if (it->text == IMAP_FIELDS || it->text == IMAP_FIELDS_NOT)
		return fields_of_file(s, it, &span);
	n = span.wire;
	if (it->is_partial) {
		from = num_min(it->from, n);
		n = num_min(it->count, n - from);
	}
	if (n == 0) {		/* never {0}: iOS waits for more */
		buf_z(OUT(s), "\"\"");
		return 1;
	}
	imap_put_literal(OUT(s), n);
	emit_begin(&f->emit, b, &span, from, n);
	f->is_emitting = true;
	return 0;
}

static void
put_flags(struct session *s, const struct index_record *r)
{
	buf_z(OUT(s), "FLAGS (");
	imap_put_flags(OUT(s), r->flags & INDEX_FLAG_MASK,
	    box_is_recent(s->box, r), r->keywords,
	    buf_str(&s->box->keywords));
	buf_c(OUT(s), ')');
}

static void
put_date(struct session *s, int64_t when_s)
{
	char text[DATE_TEXT_MAX];

	date_imap_format(when_s, 0, text);
	buf_fmt(OUT(s), "INTERNALDATE \"%s\"", text);
}

/* ENVELOPE and the like without a cache: stored had no time yet, or the
 * cache was thrown away. */
static void
put_shape(struct session *s, const struct imap_item *it)
{
	const struct mime *m = &s->box->body->mime;

	if (it->kind == IMAP_ENVELOPE)
		shape_envelope(OUT(s), m->root->message);
	else
		shape_body(OUT(s), m, it->kind == IMAP_BODYSTRUCTURE);
}

static int
put_item(struct session *s, struct fetch *f, const struct imap_item *it,
    struct str blob)
{
	struct str text;

	switch (it->kind) {
	case IMAP_FLAGS:
		put_flags(s, &f->rec);
		return 1;
	case IMAP_UID:
		buf_z(OUT(s), "UID ");
		buf_num(OUT(s), f->rec.uid);
		return 1;
	case IMAP_SIZE:
		buf_z(OUT(s), "RFC822.SIZE ");
		buf_num(OUT(s), f->rec.wire_size);
		return 1;
	case IMAP_INTERNALDATE:
		put_date(s, f->rec.internaldate_s);
		return 1;
	default:
		break;
	}
	buf_add(OUT(s), it->label);
	buf_c(OUT(s), ' ');
	if (cached(it, blob, &text)) {
		if (it->kind == IMAP_SECTION)
			put_fields(s, it, text);
		else
			buf_add(OUT(s), text);
		return 1;
	}
	if (it->kind == IMAP_SECTION)
		return put_section(s, f, it);
	put_shape(s, it);
	return 1;
}

static void
begin_message(struct session *s, struct fetch *f)
{
	buf_z(OUT(s), "* ");
	buf_num(OUT(s), box_seq(s->box, f->record));
	buf_z(OUT(s), " FETCH (");
	f->is_begun = true;
	f->item = 0;
	if (f->by_uid && !f->items.has_uid) {
		buf_z(OUT(s), "UID ");
		buf_num(OUT(s), f->rec.uid);
		buf_c(OUT(s), ' ');
	}
}

static void
end_message(struct session *s, struct fetch *f)
{
	if (!f->items.has_flags && is_marked(f, f->rec.uid)) {
		buf_c(OUT(s), ' ');
		put_flags(s, &f->rec);
	}
	buf_z(OUT(s), ")\r\n");
	f->have = f->is_begun = false;
}

/* 1: the message is said, 0: later, FAIL_*: in the middle of a line. */
static int
say_message(struct session *s, struct fetch *f, struct str blob)
{
	unsigned calls = 31;	/* an item may cost a while: look at each */
	int rc;

	if (!f->is_begun)
		begin_message(s, f);
	while (f->item < f->items.n) {
		if (f->is_emitting) {
			rc = emit_step(&f->emit, s->box->body, OUT(s));
			f->is_emitting = rc == 0;
		} else {
			if (f->item > 0)
				buf_c(OUT(s), ' ');
			rc = put_item(s, f, &f->items.v[f->item], blob);
		}
		if (rc < 0)
			return rc;
		if (rc == 1)
			f->item++;
		if (f->items.needs_file && session_slice_over(s, &calls))
			return 0;
	}
	end_message(s, f);
	return 1;
}

/* --- one message after the other ----------------------------------------- */

/* False: there are no more. */
static bool
next_message(struct session *s, struct fetch *f)
{
	while (walk_next(s->box, &f->walk, &f->record)) {
		if (box_record(s->box, f->record, &f->rec) &&
		    (f->rec.flags & INDEX_EXPUNGED) == 0) {
			f->have = true;
			return true;
		}
		f->was_gone = true;
		return true;
	}
	return false;
}

static enum step
fetch_done(struct session *s, struct fetch *f)
{
	if (f->has_failed)
		return session_no(s, "[UNAVAILABLE] Some messages cannot be "
		    "read now");
	if (f->was_gone && !f->by_uid)
		return session_no(s, "[EXPUNGEISSUED] Some messages are gone");
	return session_ok(s, "Fetched");
}

/* The line cannot be finished: the length of its literal was said. */
static enum step
cut_off(struct session *s, struct fetch *f)
{
	log_event(LOG_LEVEL_ERROR, "imap-file-changed");
	log_z("sid", s->sid);
	log_z("account", s->account);
	log_u64("uid", f->rec.uid);
	log_end();
	return CLOSE;
}

/* Sets *said_out when the message is through. */
static enum step
one_message(struct session *s, struct fetch *f, bool *said_out)
{
	bool unseen = f->items.sets_seen && !s->box->read_only &&
	    (f->rec.flags & INDEX_SEEN) == 0;
	struct str blob;
	int rc = 1;

	*said_out = false;
	if (unseen && !f->is_begun && f->record >= f->marked_to)
		return mark_seen(s, f);
	blob = blob_of(s, f);
	if (needs_file(f, blob)) {
		if (s->box->body == NULL || s->box->body->uid != f->rec.uid)
			return ask_file(s, f);
		rc = prepare_file(f, s->box->body, blob);
	}
	if (rc < 0) {
		box_drop_body(s->box);
		f->has_failed = true;
		f->have = false;
		return WORK;
	}
	if (rc == 1) {
		rc = say_message(s, f, blob);
		if (rc < 0)
			return cut_off(s, f);
		*said_out = rc == 1;
	}
	return WORK;
}

static enum step
work_fetch(struct session *s)
{
	struct fetch *f = s->job;
	unsigned calls = 0;
	enum step step = WORK;
	bool said;

	box_forget_page();
	s->work = work_fetch;
	while (step == WORK) {
		if (f->have) {
			step = one_message(s, f, &said);
			if (step == WORK && (!said || f->items.needs_file) &&
			    session_slice_over(s, &(unsigned){ 31 }))
				return WORK;
		} else if (!next_message(s, f))
			return fetch_done(s, f);
		if (step == WORK && session_slice_over(s, &calls))
			return WORK;
	}
	return step;
}

enum step
cmd_fetch(struct session *s, struct imap_args *a)
{
	struct fetch *f = session_job(s, sizeof(*f), fetch_end);
	int rc = FAIL_SYNTAX;

	if (f == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	buf_init(&f->spare, CACHE_BLOB_MAX + CACHE_BLOB_HEAD);
	f->by_uid = (s->command->is & BY_UID) != 0;
	if (imap_sp(a) && imap_set(a, &f->set) && imap_sp(a))
		rc = imap_items(a, &f->items);
	if (rc == 0 && !imap_end(a))
		rc = FAIL_SYNTAX;
	if (rc < 0)
		return session_refuse(s, rc);
	if (!batch_resolve(s, &f->set, f->by_uid))
		return session_bad(s, "There is no such message");
	walk_begin(&f->walk, &f->set, f->by_uid);
	if (f->items.has_flags)
		sync_say_keywords(s);
	return work_fetch(s);
}
