/* SPDX-License-Identifier: ISC */
/*
 * imapd/search.c - SEARCH.
 *
 * Each message is first tried with its index record alone, then with the
 * header fields in the cache; its file is opened only when the answer hangs
 * on it, and walked in steps: header, then each text part, decoded in windows
 * of 64 KiB.  So a search for flags costs no file, and a search for a word
 * in a large mailbox never holds up another client.
 *
 * Words are compared as UTF-8 without regard to case; encoded words, base64,
 * quoted-printable and the charsets of imap/find.h are decoded first.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/enc.h"
#include "base/file.h"
#include "base/num.h"
#include "imap/find.h"
#include "imap/flag.h"
#include "imap/query.h"
#include "imapd/body.h"
#include "imapd/command.h"
#include "imapd/imapd.h"
#include "mail/date.h"
#include "mail/header.h"

#include "base/banned.h"

enum {
	HEADER_MAX = 4 * 1024 * 1024,
	SEARCHED_HEADER = 64 * 1024,	/* more of one is not looked at */
	WORDS_MAX = 250,		/* keys that compare texts */
	VALUE_MAX = 256 * 1024,		/* of one field, decoded */
	WINDOW_MAX = 1024 * 1024,
};

enum level { RECORD, CACHED, HEADER, ALL };

/* A file that was asked for before its turn, so that stored opens one while
 * we look through another.  It lives until its answer is here. */
struct ahead {
	struct session	*s;		/* NULL: the search is over */
	uint32_t	uid;
	bool		is_here, is_awaited;
	int		fd;		/* -1: it cannot be had */
	uint64_t	size;
	bool		is_gone;
};

struct search {
	struct imap_query q;
	uint8_t		*stack;
	uint8_t		*found;		/* a BODY or TEXT key is, by node */
	size_t		longest;	/* word of those */
	bool		by_uid, has_failed;
	struct imap_set	set;		/* where to look */
	struct walk	walk;
	/* the message at hand */
	bool		have;
	bool		needs_file, before_too;	/* this one, the last one */
	uint32_t	record;
	struct index_record rec;
	struct ahead	*ahead;
	enum level	level;
	struct str	header;		/* fields known at this level */
	struct buf	block;		/* header of the file */
	struct buf	spare;
	/* the part at hand */
	struct mime_part *part;
	uint64_t	at, end;
	bool		in_text;	/* its body, else its header */
	struct buf	raw;		/* not decoded yet */
	struct buf	tail;		/* end of the last window, folded */
};

static work_fn	work_search;
static then_fn	on_file, on_awaited;

static void
drop_ahead(struct search *j)
{
	struct ahead *a = j->ahead;

	j->ahead = NULL;
	if (a == NULL)
		return;
	a->s = NULL;
	if (!a->is_here)
		return;		/* on_ahead frees it */
	fd_close(&a->fd);
	free(a);
}

static void
search_end(struct session *s)
{
	struct search *j = s->job;

	drop_ahead(j);
	buf_free(&j->block);
	buf_free(&j->spare);
	buf_free(&j->raw);
	buf_free(&j->tail);
}

/* --- keys ---------------------------------------------------------------- */

static enum imap_truth
truth(bool yes)
{
	return yes ? IMAP_YES : IMAP_NO;
}

static int64_t
day_of(int64_t when_s)
{
	return when_s >= 0 ? when_s / 86400 : (when_s - 86399) / 86400;
}

static enum imap_truth
ask_record(const struct session *s, const struct imap_key_node *k)
{
	const struct search *j = s->job;
	const struct index_record *r = &j->rec;
	bool recent = box_is_recent(s->box, r);

	switch (k->key) {
	case IMAP_Q_FLAG:
		return truth((r->flags & (uint32_t)k->number) != 0);
	case IMAP_Q_NO_FLAG:
		return truth((r->flags & (uint32_t)k->number) == 0);
	case IMAP_Q_RECENT:
		return truth(recent);
	case IMAP_Q_OLD:
		return truth(!recent);
	case IMAP_Q_NEW:
		return truth(recent && (r->flags & INDEX_SEEN) == 0);
	case IMAP_Q_KEYWORD:
		return truth(k->number >= 0 && (r->keywords >> k->number & 1));
	case IMAP_Q_NO_KEYWORD:
		return truth(k->number < 0 ||
		    (r->keywords >> k->number & 1) == 0);
	case IMAP_Q_SEQ:
		return truth(imap_set_has(&k->set, box_seq(s->box,
		    j->record)));
	case IMAP_Q_UID:
		return truth(imap_set_has(&k->set, r->uid));
	case IMAP_Q_LARGER:
		return truth(r->wire_size > (uint64_t)k->number);
	case IMAP_Q_SMALLER:
		return truth(r->wire_size < (uint64_t)k->number);
	case IMAP_Q_BEFORE:
		return truth(day_of(r->internaldate_s) < k->number);
	case IMAP_Q_ON:
		return truth(day_of(r->internaldate_s) == k->number);
	case IMAP_Q_SINCE:
		return truth(day_of(r->internaldate_s) >= k->number);
	default:
		return IMAP_UNKNOWN;
	}
}

/* A message without a Date that can be read was sent on no day. */
static enum imap_truth
ask_sent(const struct search *j, const struct imap_key_node *k)
{
	struct header_field f;
	int64_t utc_s, day;
	int zone;

	if (!header_get(j->header, "Date", &f) ||
	    date_parse(str_trim(f.value), &utc_s, &zone, &day) < 0)
		return IMAP_NO;
	if (k->key == IMAP_Q_SENTBEFORE)
		return truth(day < k->number);
	if (k->key == IMAP_Q_SENTON)
		return truth(day == k->number);
	return truth(day >= k->number);
}

static bool
value_has(struct str value, struct str word)
{
	struct buf text, folded;
	bool yes;

	if (word.n == 0)
		return true;
	buf_init(&text, VALUE_MAX);
	buf_init(&folded, 2 * VALUE_MAX);
	imap_header_text(&text, str_sub(value, 0, VALUE_MAX / 4));
	imap_fold(&folded, buf_str(&text));
	yes = str_find(buf_str(&folded), word) < folded.len;
	buf_free(&text);
	buf_free(&folded);
	return yes;
}

/* Fields that stored keeps in the cache (mail/index.h, CACHE_HEADER). */
static bool
is_cached(struct str name)
{
	static const char *const names[] = { "From", "To", "Cc", "Bcc",
	    "Subject", "Date", "Message-ID", "In-Reply-To", "References",
	    "Reply-To", "Sender", "Content-Type" };
	size_t i;

	for (i = 0; i < NITEMS(names); i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static enum imap_truth
ask_header(const struct search *j, const struct imap_key_node *k)
{
	struct header_field f;
	struct header h;

	if (j->level == CACHED && !is_cached(k->name))
		return IMAP_UNKNOWN;
	header_init(&h, j->header);
	while (header_next(&h, &f))
		if (str_ieq(f.name, k->name) && value_has(f.value, k->text))
			return IMAP_YES;
	return IMAP_NO;
}

static enum imap_truth
ask_text(const struct search *j, const struct imap_key_node *k)
{
	if (j->found[k - j->q.v])
		return IMAP_YES;
	return j->level == ALL ? IMAP_NO : IMAP_UNKNOWN;
}

static enum imap_truth
ask(void *arg, const struct imap_key_node *k)
{
	const struct session *s = arg;
	const struct search *j = s->job;

	if (k->key < IMAP_Q_SENTBEFORE)
		return ask_record(s, k);
	if (k->key >= IMAP_Q_BODY)
		return ask_text(j, k);
	if (j->level == RECORD)
		return IMAP_UNKNOWN;
	return k->key == IMAP_Q_HEADER ? ask_header(j, k) : ask_sent(j, k);
}

/* --- text ---------------------------------------------------------------- */

/* Which of the words are in a folded text. */
static void
look_for_words(struct search *j, struct str text, bool in_body)
{
	size_t i;

	for (i = 0; i < j->q.n; i++) {
		const struct imap_key_node *k = &j->q.v[i];

		if (k->key != IMAP_Q_TEXT && (k->key != IMAP_Q_BODY || !in_body))
			continue;
		if (!j->found[i])
			j->found[i] = str_find(text, k->text) < text.n ||
			    k->text.n == 0;
	}
}

/* How much of raw can be decoded now: whole lines, whole base64 groups. */
static size_t
decodable(struct str raw, bool is_base64, bool is_last)
{
	size_t i, n = 0, cut = 0;

	if (is_last)
		return raw.n;
	if (!is_base64) {
		cut = str_rchr(raw, '\n');
		return cut == raw.n || raw.n - cut > WINDOW_SIZE ? raw.n :
		    cut + 1;
	}
	for (i = 0; i < raw.n; i++) {
		uint8_t c = raw.p[i];

		if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
			continue;
		if (++n % 4 == 0)
			cut = i + 1;
	}
	return cut;
}

static void
decode(struct buf *out, struct str raw, struct str encoding)
{
	if (str_is(encoding, "base64"))
		dec_base64_mime(out, raw);
	else if (str_is(encoding, "quoted-printable"))
		dec_qp(out, raw);
	else
		buf_add(out, raw);
}

static void
keep_tail(struct search *j, struct str text)
{
	size_t n = num_min(text.n, j->longest);
	struct buf tail;

	buf_init(&tail, WINDOW_MAX);
	buf_add(&tail, str_from(text, text.n - n));
	buf_free(&j->tail);
	j->tail = tail;
}

static void
search_window(struct search *j, bool is_last)
{
	struct str encoding = j->in_text ? j->part->encoding : STR("8bit");
	struct str charset = mime_param_get(j->part->params, "charset");
	size_t n = decodable(buf_str(&j->raw), str_is(encoding, "base64"),
	    is_last);
	struct buf bytes, utf8, text;

	buf_init(&bytes, WINDOW_MAX);
	buf_init(&utf8, WINDOW_MAX);
	buf_init(&text, 4 * WINDOW_MAX);
	buf_add(&text, buf_str(&j->tail));
	decode(&bytes, str_sub(buf_str(&j->raw), 0, n), encoding);
	if (j->in_text)
		imap_to_utf8(&utf8, buf_str(&bytes), charset);
	else
		imap_header_text(&utf8, buf_str(&bytes));
	imap_fold(&text, buf_str(&utf8));
	look_for_words(j, buf_str(&text), true);
	keep_tail(j, buf_str(&text));
	buf_consume(&j->raw, n);
	buf_free(&bytes);
	buf_free(&utf8);
	buf_free(&text);
}

/* Pre-order, without recursion. */
static struct mime_part *
next_part(struct mime_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p == NULL ? NULL : p->next;
}

/* The next stretch to search: the header of an inner part, or a text. */
static bool
next_stretch(struct search *j)
{
	struct mime_part *p = j->part;

	buf_reset(&j->raw);
	buf_reset(&j->tail);
	if (!j->in_text) {
		j->in_text = true;
		if (p->kind == MIME_TEXT) {
			j->at = p->body.at;
			j->end = p->body.at + p->body.size;
			return true;
		}
	}
	j->part = p = next_part(p);
	if (p == NULL)
		return false;
	j->in_text = false;
	j->at = p->header.at;
	j->end = p->header.at + p->header.size;
	return true;
}

/* 1: all is searched, 0: more, FAIL_TEMP. */
static int
search_some(struct search *j, const struct body *b)
{
	size_t n = (size_t)num_min(j->end - j->at, WINDOW_SIZE);
	uint8_t *p;

	if (j->at < j->end) {
		p = buf_grow(&j->raw, n);
		if (p == NULL || file_pread(b->fd, p, n, (off_t)j->at) < 0)
			return FAIL_TEMP;
		buf_grown(&j->raw, n);
		j->at += n;
		search_window(j, j->at == j->end);
		if (j->at < j->end)
			return 0;
	}
	return next_stretch(j) ? 0 : 1;
}

/* --- levels -------------------------------------------------------------- */

/* All of the header for TEXT. */
static void
words_of_header(struct search *j)
{
	struct buf text, folded;

	buf_init(&text, HEADER_MAX);
	buf_init(&folded, HEADER_MAX);
	imap_header_text(&text, j->header);
	imap_fold(&folded, buf_str(&text));
	look_for_words(j, buf_str(&folded), false);
	buf_free(&text);
	buf_free(&folded);
}

static bool
has_words(const struct search *j)
{
	size_t i;

	for (i = 0; i < j->q.n; i++)
		if (j->q.v[i].key == IMAP_Q_TEXT ||
		    j->q.v[i].key == IMAP_Q_BODY)
			return true;
	return false;
}

/* 1: the level is reached, 0: call again, FAIL_TEMP. */
static int
reach_header(struct search *j, struct body *b)
{
	struct mime_span span;
	int rc = body_find_header(b);

	if (rc != 1)
		return rc;
	span = (struct mime_span){ 0, num_min(b->header_disk,
	    SEARCHED_HEADER), 0, 0 };
	buf_reset(&j->block);
	if (body_read_header(b, &span, &j->block) < 0)
		return FAIL_TEMP;
	j->header = buf_str(&j->block);
	j->level = HEADER;
	if (has_words(j))
		words_of_header(j);
	return 1;
}

static int
reach_text(struct search *j, struct body *b)
{
	int rc = body_walk(b);

	if (rc != 1)
		return rc;
	if (j->part == NULL) {
		j->part = b->mime.root;
		j->in_text = false;
		j->at = j->end = 0;
		if (!next_stretch(j))
			rc = 1;
		else
			rc = 0;
	} else
		rc = search_some(j, b);
	if (rc == 1)
		j->level = ALL;
	return rc;
}

static void
on_ahead(void *arg, const struct note *n)
{
	const struct note_store_file *f = note_as_store_file(n);
	struct ahead *a = arg;

	a->is_here = true;
	if (f != NULL && f->failed == 0) {
		a->fd = note_take_fd(n);
		a->size = f->size;
	}
	a->is_gone = f != NULL && f->failed == (uint32_t)-FAIL_GONE;
	if (a->s == NULL) {
		fd_close(&a->fd);
		free(a);
	} else if (a->is_awaited) {
		session_on_note(a->s, n);
	}
}

/* The next message, if files are needed one after the other. */
static void
ask_ahead(struct session *s, struct search *j)
{
	struct note_store_body ask_it = { .box = s->box->handle };
	struct walk w = j->walk;
	struct index_record r;
	uint32_t record;

	if (!j->before_too || j->ahead != NULL || s->stored == NULL ||
	    session_store_busy(s) || !walk_next(s->box, &w, &record) ||
	    !box_record(s->box, record, &r) || r.flags & INDEX_EXPUNGED)
		return;
	j->ahead = xcalloc(1, sizeof(*j->ahead));
	j->ahead->s = s;
	j->ahead->uid = ask_it.uid = r.uid;
	j->ahead->fd = -1;
	ask_store_body(s->stored, &ask_it, on_ahead, j->ahead);
}

static void
take_ahead(struct session *s, struct search *j)
{
	struct ahead *a = j->ahead;

	if (a->fd >= 0) {
		s->box->body = body_new(a->fd, a->size, &j->rec);
		a->fd = -1;
	} else {
		j->have = false;
		j->has_failed |= !a->is_gone;
	}
	drop_ahead(j);
	ask_ahead(s, j);
}

static enum step
on_awaited(struct session *s, const struct note *n)
{
	(void)n;
	take_ahead(s, s->job);
	return work_search(s);
}

static enum step
ask_file(struct session *s, struct search *j)
{
	struct note_store_body ask_it = { .box = s->box->handle,
	    .uid = j->rec.uid };

	box_drop_body(s->box);
	j->needs_file = true;
	if (j->ahead != NULL && j->ahead->uid != j->rec.uid)
		drop_ahead(j);
	if (j->ahead != NULL && j->ahead->is_here) {
		take_ahead(s, j);
		return WORK;
	}
	if (j->ahead != NULL) {
		j->ahead->is_awaited = true;
		s->then = on_awaited;
		return WAIT;
	}
	s->then = on_file;
	ask_store_body(s->stored, &ask_it, session_on_note, s);
	return WAIT;
}

static enum step
on_file(struct session *s, const struct note *n)
{
	const struct note_store_file *a = note_as_store_file(n);
	struct search *j = s->job;
	int fd = a != NULL && a->failed == 0 ? note_take_fd(n) : -1;

	if (fd >= 0)
		s->box->body = body_new(fd, a->size, &j->rec);
	else {
		j->have = false;
		j->has_failed |= a == NULL ||
		    a->failed != (uint32_t)-FAIL_GONE;
	}
	ask_ahead(s, j);
	return work_search(s);
}

/* What the cache has of the header; an empty one says nothing. */
static bool
reach_cache(struct session *s, struct search *j)
{
	struct str items;

	if (!box_cache(s->box, &j->rec, &j->spare, &items) ||
	    !cache_item_get(items, CACHE_HEADER, &j->header))
		return false;
	j->level = CACHED;
	return true;
}

static void
begin_message(struct search *j)
{
	size_t i;

	j->have = true;
	j->before_too = j->needs_file;
	j->needs_file = false;
	j->level = RECORD;
	j->part = NULL;
	for (i = 0; i < j->q.n; i++)
		j->found[i] = j->q.v[i].key >= IMAP_Q_BODY &&
		    j->q.v[i].text.n == 0;
}

static bool
next_message(struct session *s, struct search *j)
{
	while (walk_next(s->box, &j->walk, &j->record))
		if (box_record(s->box, j->record, &j->rec) &&
		    (j->rec.flags & INDEX_EXPUNGED) == 0) {
			begin_message(j);
			return true;
		}
	return false;
}

/* One more level, or a piece of one. */
static enum step
deeper(struct session *s, struct search *j)
{
	struct body *b = s->box->body;
	int rc;

	if (b == NULL || b->uid != j->rec.uid)
		return ask_file(s, j);
	rc = j->level < HEADER ? reach_header(j, b) : reach_text(j, b);
	if (rc < 0) {
		box_drop_body(s->box);
		j->has_failed = true;
		j->have = false;
	}
	return WORK;
}

static enum step
one_message(struct session *s, struct search *j)
{
	enum imap_truth t = imap_query_run(&j->q, j->stack, ask, s);

	if (t == IMAP_UNKNOWN && j->level == RECORD && reach_cache(s, j))
		t = imap_query_run(&j->q, j->stack, ask, s);
	if (t == IMAP_UNKNOWN)
		return deeper(s, j);
	if (t == IMAP_YES) {
		buf_c(OUT(s), ' ');
		buf_num(OUT(s), j->by_uid ? j->rec.uid : box_seq(s->box,
		    j->record));
	}
	j->have = false;
	return WORK;
}

static enum step
search_done(struct session *s, struct search *j)
{
	buf_z(OUT(s), "\r\n");
	if (j->has_failed)
		return session_no(s, "[UNAVAILABLE] Some messages cannot be "
		    "read now");
	return session_ok(s, "Searched");
}

static enum step
work_search(struct session *s)
{
	struct search *j = s->job;
	unsigned calls = 0;
	enum step step;

	box_forget_page();
	s->work = work_search;
	for (;;) {
		if (!j->have && !next_message(s, j))
			return search_done(s, j);
		step = one_message(s, j);
		if (step != WORK)
			return step;
		if (j->level >= HEADER)	/* a file: look at the clock */
			calls = 31;
		if (session_slice_over(s, &calls))
			return WORK;
	}
}

/* --- begin --------------------------------------------------------------- */

/* Comparing texts is what costs: a search may ask for so many words. */
static bool
is_affordable(const struct imap_query *q)
{
	size_t i, n = 0;

	for (i = 0; i < q->n; i++)
		n += q->v[i].key >= IMAP_Q_SENTBEFORE;
	return n <= WORDS_MAX;
}

/* Sets against this mailbox, keywords as bits; a set that must hold bounds
 * the walk. */
static void
bind(struct session *s, struct search *j)
{
	uint32_t exists = box_exists(s->box), last = box_last_uid(s->box);
	size_t i;

	walk_begin(&j->walk, &j->set, false);
	for (i = 0; i < j->q.n; i++) {
		struct imap_key_node *k = &j->q.v[i];

		if (k->key == IMAP_Q_SEQ || k->key == IMAP_Q_UID) {
			imap_set_resolve(&k->set, k->key == IMAP_Q_UID ?
			    last : exists);
			if (k->is_top)
				walk_begin(&j->walk, &k->set,
				    k->key == IMAP_Q_UID);
		} else if (k->key == IMAP_Q_KEYWORD ||
		    k->key == IMAP_Q_NO_KEYWORD)
			k->number = imap_keyword_bit(
			    buf_str(&s->box->keywords), k->text);
		else if (k->key >= IMAP_Q_BODY && k->text.n > j->longest)
			j->longest = k->text.n;
	}
}

static bool
search_init(struct session *s, struct search *j)
{
	struct imap_range *all = arena_get(&s->arena, sizeof(*all));

	buf_init(&j->block, HEADER_MAX);
	buf_init(&j->spare, CACHE_BLOB_MAX + CACHE_BLOB_HEAD);
	buf_init(&j->raw, WINDOW_MAX);
	buf_init(&j->tail, WINDOW_MAX);
	if (all == NULL)
		return false;
	*all = (struct imap_range){ 1, UINT32_MAX };
	j->set = (struct imap_set){ all, 1 };
	return true;
}

enum step
cmd_search(struct session *s, struct imap_args *a)
{
	struct search *j = session_job(s, sizeof(*j), search_end);
	int rc = FAIL_SYNTAX;

	if (j == NULL || !search_init(s, j))
		return session_refuse(s, FAIL_TOO_BIG);
	j->by_uid = (s->command->is & BY_UID) != 0;
	if (imap_sp(a))
		rc = imap_query(a, &j->q);
	if (rc == FAIL_PERM)
		return session_no(s, "[BADCHARSET (US-ASCII UTF-8)] "
		    "Unknown charset");
	if (rc == 0 && !is_affordable(&j->q))
		rc = FAIL_TOO_BIG;
	if (rc < 0)
		return session_refuse(s, rc);
	j->stack = arena_get(&s->arena, j->q.deepest);
	j->found = arena_get(&s->arena, j->q.n);
	if (j->stack == NULL || j->found == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	bind(s, j);
	buf_z(OUT(s), "* SEARCH");
	return work_search(s);
}
