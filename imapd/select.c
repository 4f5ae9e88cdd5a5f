/* SPDX-License-Identifier: ISC */
/*
 * imapd/select.c - SELECT, EXAMINE, UNSELECT.
 *
 * stored opens the mailbox and hands over the index and the cache; what the
 * client is told comes from there.  Dead records are looked for only when
 * the header says that there are some, the first unseen message only a
 * bounded way: SELECT costs the same for ten messages and for a million.
 */
#include <unistd.h>

#include "base/fd.h"
#include "imapd/box.h"
#include "imapd/command.h"
#include "imapd/mailbox.h"

#include "base/banned.h"

enum {
	UNSEEN_LOOK = 30 * 1000,	/* records, from each end */
	BURY_BATCH = 1024,
};

struct selection {
	struct str	name;
	bool		read_only;
	int		cache_fd;
	struct index_header header;
	bool		has_header;
	uint32_t	at;		/* next record to look at */
};

static work_fn	work_scan;

static void
selection_end(struct session *s)
{
	struct selection *j = s->job;

	fd_close(&j->cache_fd);
}

/* --- the first unseen message -------------------------------------------- */

static bool
is_unseen(struct box *b, uint32_t record)
{
	struct index_record r;

	return box_record(b, record, &r) &&
	    (r.flags & (INDEX_SEEN | INDEX_EXPUNGED)) == 0 &&
	    !box_is_dead(b, record);
}

/* From the front; when it is far behind, from the back as many as the header
 * counts.  0: none, or too far to look. */
static uint32_t
first_unseen(struct box *b, const struct index_header *h)
{
	uint32_t i, left = h->unseen, end = b->records;

	if (left == 0)
		return 0;
	for (i = 0; i < end && i < UNSEEN_LOOK; i++)
		if (is_unseen(b, i))
			return box_seq(b, i);
	for (i = end; i-- > UNSEEN_LOOK && end - i < UNSEEN_LOOK; )
		if (is_unseen(b, i) && --left == 0)
			return box_seq(b, i);
	return 0;
}

/* --- saying it ----------------------------------------------------------- */

static enum step
tell(struct session *s, struct selection *j)
{
	struct box *b = s->box;
	uint32_t unseen = j->has_header ? first_unseen(b, &j->header) : 0;

	b->recent = box_count_recent(b);
	if (b->torn)
		return session_torn(s);
	buf_z(OUT(s), "* FLAGS (");
	box_put_flag_names(s);
	buf_fmt(OUT(s), ")\r\n* %u EXISTS\r\n* %u RECENT\r\n", box_exists(b),
	    b->recent);
	if (unseen > 0)
		buf_fmt(OUT(s), "* OK [UNSEEN %u] First one not seen\r\n",
		    unseen);
	buf_z(OUT(s), "* OK [PERMANENTFLAGS (");
	if (!j->read_only) {
		box_put_flag_names(s);
		buf_z(OUT(s), " \\*");
	}
	buf_fmt(OUT(s), ")] Flags that stay\r\n"
	    "* OK [UIDVALIDITY %u] UIDs are valid\r\n"
	    "* OK [UIDNEXT %u] The next UID\r\n", b->uidvalidity, b->uidnext);
	return session_ok(s, j->read_only ? "[READ-ONLY] Examined" :
	    "[READ-WRITE] Selected");
}

/* --- dead records -------------------------------------------------------- */

static enum step
work_scan(struct session *s)
{
	struct selection *j = s->job;
	struct box *b = s->box;
	uint32_t batch[BURY_BATCH];
	unsigned calls = 0;
	size_t n = 0;

	box_forget_page();
	for (; j->at < b->records && n < BURY_BATCH; j->at++) {
		struct index_record r;

		if (session_slice_over(s, &calls))
			break;
		if (!box_record(b, j->at, &r))
			return session_torn(s);
		if (r.flags & INDEX_EXPUNGED)
			batch[n++] = j->at;
	}
	box_bury(b, batch, n);
	s->work = work_scan;
	return j->at < b->records ? WORK : tell(s, j);
}

/* --- opening ------------------------------------------------------------- */

static void
fill_box(struct session *s, const struct note_store_opened *o, bool read_only)
{
	struct box *b = box_new(s);

	b->handle = o->box;
	b->worker = s->stored->index;
	b->read_only = read_only;
	b->generation = o->generation;
	b->uidvalidity = o->uidvalidity;
	b->uidnext = b->told_uidnext = o->uidnext;
	b->recent_uid = o->recent_uid;
	b->records = b->new_records = o->records;
	b->modseq = b->new_modseq = o->modseq;
	buf_add(&b->keywords, o->keywords);
	s->box = b;
	box_register(b);
}

static enum step
on_opened(struct session *s, const struct note *n)
{
	const struct note_store_opened *o = note_as_store_opened(n);
	struct selection *j = s->job;

	if (note_as_store_cache(n) != NULL) {
		fd_close(&j->cache_fd);
		j->cache_fd = note_take_fd(n);
		return WAIT;
	}
	if (o == NULL || s->stored == NULL)
		return session_unavailable(s);
	if (o->failed != 0)
		return session_failed(s, o->failed, o->text);
	fill_box(s, o, j->read_only);
	s->box->index_fd = note_take_fd(n);
	s->box->cache_fd = j->cache_fd;
	j->cache_fd = -1;
	if (s->box->index_fd < 0) {
		box_close(s);
		return session_unavailable(s);
	}
	s->state = IN_SELECTED;
	j->has_header = box_header(s->box, &j->header);
	if (j->has_header && j->header.records == j->header.messages)
		return tell(s, j);
	return work_scan(s);
}

/* A SELECT that fails leaves nothing selected (RFC 3501 6.3.1). */
static enum step
open_mailbox(struct session *s, struct imap_args *a, bool read_only)
{
	struct selection *j = session_job(s, sizeof(*j), selection_end);
	struct note_store_open ask = { .login = s->login,
	    .read_only = read_only };
	int rc;

	if (j == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	j->cache_fd = -1;
	j->read_only = read_only;
	rc = mailbox_arg(s, a, &j->name);
	if (rc == 0 && !imap_end(a))
		rc = FAIL_SYNTAX;
	if (rc == FAIL_SYNTAX)
		return session_refuse(s, rc);
	box_close(s);
	if (rc < 0)
		return mailbox_refuse(s, rc);
	ask.mailbox = j->name;
	s->then = on_opened;
	ask_store_open(s->stored, &ask, session_on_note, s);
	return WAIT;
}

enum step
cmd_select(struct session *s, struct imap_args *a)
{
	return open_mailbox(s, a, false);
}

enum step
cmd_examine(struct session *s, struct imap_args *a)
{
	return open_mailbox(s, a, true);
}

enum step
cmd_unselect(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "UNSELECT takes no argument");
	box_close(s);
	return session_ok(s, "Closed, nothing expunged");
}
