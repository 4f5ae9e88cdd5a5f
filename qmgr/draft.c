/* SPDX-License-Identifier: ISC */
/*
 * qmgr/draft.c - a message on its way into the journal.
 *
 * SPOOL_RCPT and SPOOL_CLOSE gather in a draft under the message's id and
 * its channel; SPOOL_COMMIT turns it into a record of the batch that
 * gathers.  A large body lies in tmp/ and is synced before its record (R12).
 * SPOOL_APPEND is a commit of one recipient whose mail is written already.
 *
 * The answer goes out when the batch is durable, never before.  What is late
 * is answered "later" and not written (R6).
 */
#include "qmgr/spoold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/grant.h"
#include "qmgr/rule.h"

#include "base/banned.h"

#define DRAFT_MAX	(256u << 20)	/* 100,000 recipients of long names */
#define DRAFT_AGE_MS	(60 * 60 * 1000)
#define RECIPIENTS_MAX	100000

struct draft {
	struct link	link;
	struct chan	*chan;		/* NULL: it is gone */
	char		mid[MID_LEN + 1];
	struct arena	arena;		/* all strings */
	struct buf	to, closes;	/* arrays that grow */
	struct envelope	env;
	enum journal_type type;
	uint32_t	ticket;		/* of the commit; 0: not yet said */
	int		fd;		/* body, -1: in tmp/ or none */
	bool		has_file;	/* tmp/MID was made for it */
	int64_t		since_ms, deadline_ms;
};

static struct draft *
draft_find(struct chan *c, struct str mid)
{
	struct link *l;
	struct draft *d;

	list_each(l, &spoold.drafts) {
		d = container_of(l, struct draft, link);
		if (d->chan == c && d->ticket == 0 &&
		    str_same(mid, d->mid))
			return d;
	}
	return NULL;
}

static struct draft *
draft_make(struct chan *c, struct str mid)
{
	struct draft *d = draft_find(c, mid);

	if (d != NULL || !mid_valid(mid))
		return d;
	d = xcalloc(1, sizeof(*d));
	d->chan = c;
	memcpy(d->mid, mid.p, MID_LEN);
	arena_init(&d->arena, DRAFT_MAX);
	buf_init(&d->to, RECIPIENTS_MAX * sizeof(struct recipient));
	buf_init(&d->closes, RECIPIENTS_MAX * sizeof(struct closing));
	d->fd = -1;
	d->since_ms = clock_mono_ms();
	list_unshift(&spoold.drafts, &d->link);	/* found soonest when newest */
	return d;
}

static void
body_name(const char *mid, char out[DISK_NAME_MAX])
{
	snprintf(out, DISK_NAME_MAX, "tmp/%s", mid);
}

static void
draft_free(struct draft *d, bool keep_file)
{
	char name[DISK_NAME_MAX];

	if (d->has_file && !keep_file) {
		body_name(d->mid, name);
		(void)unlinkat(spoold.folder, name, 0);
	}
	fd_close(&d->fd);
	list_remove(&d->link);
	buf_free(&d->to);
	buf_free(&d->closes);
	arena_free(&d->arena);
	free(d);
}

/* --- answers ------------------------------------------------------------- */

static void
answer(struct chan *c, uint32_t ticket, int fail, const char *text)
{
	struct note_spool_done done = {
		.failed = (uint32_t)-fail, .text = str_of(text),
	};

	spoold.refused += fail != 0;
	if (c != NULL)
		note_answer_spool_done(c, ticket, &done);
}

static void
refuse(struct draft *d, int fail, const char *text)
{
	log_event(LOG_LEVEL_WARN, "spool-refused");
	log_z("mid", d->mid);
	log_str("sid", d->env.sid);
	log_z("reason", text);
	log_end();
	answer(d->chan, d->ticket, fail, text);
	draft_free(d, false);
}

/* Full disk or full ring: said once, and again when there is room. */
static void
say_full(bool full)
{
	if (full == spoold.full)
		return;
	spoold.full = full;
	log_say(full ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, full ?
	    "spool-full" : "spool-has-room", "%u segments of the ring are "
	    "free", journal_free(spoold.spool->journal));
}

static void
refuse_commit(struct draft *d, int fail)
{
	switch (fail) {
	case FAIL_DENIED:
		/* the same id again: bounce made its report a second time,
		 * a file of maildrop was brought twice, or a face repeats
		 * itself; what is here stays */
		if ((d->env.flags & SPOOL_DSN) != 0 ||
		    d->type == JOURNAL_APPEND ||
		    maildrop_is_out(d->env.mid))
			refuse(d, 0, "is here already");
		else
			refuse(d, FAIL_TEMP, "this id is taken");
		break;
	case FAIL_GONE:
		say_full(true);
		refuse(d, FAIL_TOO_BIG, "no room in the spool");
		break;
	case FAIL_TOO_BIG:
		refuse(d, FAIL_PERM, "too many recipients for the journal");
		break;
	case FAIL_PERM:
		refuse(d, FAIL_TEMP, "the journal is broken");
		break;
	default:
		refuse(d, FAIL_TEMP, "the content cannot be read");
		break;
	}
}

/* --- commit -------------------------------------------------------------- */

static int
fill(void *arg, uint8_t *to, size_t n)
{
	const struct draft *d = arg;

	return file_pread(d->fd, to, n, 0);
}

/* Into the batch; one that is full goes down first. */
static void
gather(struct draft *d)
{
	struct message *m = NULL;
	size_t n = d->fd >= 0 ? (size_t)d->env.size : 0;
	int64_t now = clock_mono_ms();
	int r = FAIL_TEMP;

	if (QMGR_RULE(6) && d->deadline_ms != 0 && now > d->deadline_ms) {
		refuse(d, FAIL_TEMP, "came too late");
		return;
	}
	for (int try = 0; try < 2 && r == FAIL_TEMP; try++) {
		if (try > 0)
			spool_flush(spoold.spool);
		r = spool_commit(spoold.spool, d->type, &d->env, n, fill, d,
		    now, &m);
	}
	if (r != 0) {
		refuse_commit(d, r);
		return;
	}
	m->user = d;
	list_remove(&d->link);
	list_push(&spoold.drafts, &d->link);	/* out of the way of searches */
	spoold_gather();
}

void
draft_committed(struct message *m, int fail)
{
	struct draft *d = m->user;

	m->user = NULL;
	if (d == NULL)
		return;
	if (fail != 0) {
		if (fail == FAIL_PERM || fail == FAIL_GONE)
			refuse_commit(d, fail);
		else
			refuse(d, FAIL_TEMP, "the journal was not written");
		return;
	}
	say_full(false);
	spoold.accepted++;
	if (d->type == JOURNAL_COMMIT)
		maildrop_committed(m);
	answer(d->chan, d->ticket, 0, "");
	spoold_log(LOG_LEVEL_INFO, d->type == JOURNAL_APPEND ?
	    "spool-append" : "spool-accepted", m);
	if (d->type == JOURNAL_COMMIT)
		log_str("sender", m->env.sender);
	if (m->env.parent.n > 0)
		log_str("parent", m->env.parent);
	log_u64("size", m->env.size);
	log_u64("recipients", m->env.n_to);
	log_end();
	if (d->type == JOURNAL_COMMIT) {
		deliver_keep_body(m, d->fd);
		d->fd = -1;
	}
	draft_free(d, true);
}

/* R12: file and folder are on the disk before the record names them. */
static void
on_body_synced(void *arg, int fail)
{
	struct draft *d = arg;

	if (fail != 0)
		refuse(d, FAIL_TEMP, "the body cannot be synced");
	else
		gather(d);
}

static bool
body_is(const struct draft *d)
{
	struct stat st;
	char name[DISK_NAME_MAX];

	if (d->fd >= 0)
		return fstat(d->fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size == d->env.size;
	if (!d->has_file)
		return d->env.size == 0;
	body_name(d->mid, name);
	return fstatat(spoold.folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (uint64_t)st.st_size == d->env.size;
}

static void
sync_body(struct draft *d)
{
	char name[DISK_NAME_MAX];

	body_name(d->mid, name);
	settling_wrote(name, true);
	settling_ask(on_body_synced, d);
}

static bool
granted(const struct note_spool_commit *n)
{
	struct grant g = { .account = n->account, .home = n->home,
	    .service = n->service, .sid = n->sid,
	    .expires_ms = n->expires_ms };

	return (n->flags & SPOOL_AUTHED) == 0 ||
	    grant_check(daemon_key("grant"), &g, n->grant, clock_real_ms());
}

static struct str
keep(struct draft *d, struct str s)
{
	return arena_str(&d->arena, s);
}

static void
take_envelope(struct draft *d, const struct note_spool_commit *n)
{
	struct envelope *e = &d->env;

	e->mid = str_of(d->mid);
	e->parent = keep(d, n->parent);
	e->sid = keep(d, n->sid);
	e->sender = keep(d, n->sender);
	e->envid = keep(d, n->envid);
	e->account = keep(d, n->account);
	e->added = keep(d, n->added);
	e->digest = keep(d, n->digest);
	e->size = n->size;
	e->received_ms = n->received_ms;
	e->flags = n->flags;
	e->dropped = maildrop_is_out(e->mid);
	e->to = (struct recipient *)(void *)d->to.p;
	e->n_to = d->to.len / sizeof(struct recipient);
	e->closes = (struct closing *)(void *)d->closes.p;
	e->n_closes = d->closes.len / sizeof(struct closing);
}

/* None of it is the client's fault: its message is fine another time.  We may
 * have been started anew since smtpd opened the file, and know of none. */
static const char *
fault_of(const struct draft *d, const struct note_spool_commit *n, int fd,
    int *fail_out)
{
	*fail_out = FAIL_TEMP;
	if (d->env.n_to != n->recipients || d->env.n_to == 0 ||
	    buf_failed(&d->to) || buf_failed(&d->closes))
		return "recipients are missing";
	if ((n->flags & SPOOL_LARGE) != 0 ? !d->has_file || fd >= 0 ||
	    n->digest.n != 32 : n->size > SMALL_BODY || !fd_sealed(fd))
		return "the body is not what was said";
	*fail_out = FAIL_DENIED;
	return granted(n) ? NULL : "the grant is not valid";
}

static void
on_commit(struct chan *c, const struct note *note)
{
	const struct note_spool_commit *n = &note->u.spool_commit;
	struct draft *d = draft_make(c, n->mid);
	const char *fault;
	int fail;

	if (d == NULL) {
		answer(c, note->ticket, FAIL_TEMP, "not a message id");
		return;
	}
	d->ticket = note->ticket;
	d->type = JOURNAL_COMMIT;
	d->deadline_ms = n->deadline_ms;
	take_envelope(d, n);
	fault = fault_of(d, n, note->fd, &fail);
	if (fault == NULL) {
		d->fd = note_take_fd(note);
		fail = FAIL_TEMP;
		if (!body_is(d))
			fault = "the body has another size";
	}
	if (fault != NULL)
		refuse(d, fail, fault);
	else if (d->has_file && QMGR_RULE(12))
		sync_body(d);
	else
		gather(d);
}

/* --- before the commit --------------------------------------------------- */

static void
on_rcpt(struct chan *c, const struct note *note)
{
	const struct note_spool_rcpt *n = &note->u.spool_rcpt;
	struct draft *d = draft_make(c, n->mid);
	struct recipient to = { .kind = n->kind, .notify = n->notify };

	if (d == NULL)
		return;
	to.address = keep(d, n->address);
	to.orcpt = keep(d, n->orcpt);
	to.account = keep(d, n->account);
	to.home = keep(d, n->home);
	to.detail = keep(d, n->detail);
	to.reason = keep(d, n->reason);
	if (n->kind == ROUTE_REMOTE && daemon_conf()->spool.hold)
		to.state = RECIPIENT_HELD;
	buf_mem(&d->to, &to, sizeof(to));
}

static void
on_close(struct chan *c, const struct note *note)
{
	const struct note_spool_close *n = &note->u.spool_close;
	struct draft *d = draft_make(c, n->mid);
	struct closing closing = { .number = n->number };

	if (d == NULL || !mid_valid(n->cause))
		return;
	closing.mid = keep(d, n->cause);
	buf_mem(&d->closes, &closing, sizeof(closing));
}

/* The file of a large body, to write and to look at; or why not. */
static int
body_make(struct draft *d, int *file_out, int *view_out)
{
	char name[DISK_NAME_MAX];

	if (d == NULL || d->has_file)
		return FAIL_PERM;
	if (journal_dead(spoold.spool->journal))
		return FAIL_TEMP;
	body_name(d->mid, name);
	*file_out = file_open(spoold.folder, name, O_WRONLY | O_CREAT | O_EXCL,
	    0600);
	d->has_file = *file_out >= 0;
	*view_out = d->has_file ? file_open(spoold.folder, name, O_RDONLY, 0)
	    : -1;
	if (*view_out >= 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT ? FAIL_TOO_BIG : FAIL_TEMP;
}

/* A large body: the face fills the file.  It hands on the view, for whoever
 * checks or signs it shall not be able to change it. */
static void
on_open(struct chan *c, const struct note *note)
{
	const struct note_spool_open *n = &note->u.spool_open;
	struct note_spool_view view = { .mid = n->mid, .fd = -1 };
	struct note_spool_file file = { .fd = -1 };
	int r = body_make(draft_make(c, n->mid), &file.fd, &view.fd);

	if (r == 0)
		note_answer_spool_view(c, note->ticket, &view);
	else
		fd_close(&file.fd);
	file.failed = (uint32_t)-r;
	note_answer_spool_file(c, note->ticket, &file);
	fd_close(&view.fd);
	fd_close(&file.fd);
}

static void
on_cancel(struct chan *c, const struct note *note)
{
	struct draft *d = draft_find(c, note->u.spool_cancel.mid);

	if (d != NULL)
		draft_free(d, false);
}

/* --- APPEND -------------------------------------------------------------- */

static void
take_append(struct draft *d, const struct note_spool_append *n)
{
	struct recipient to = { .kind = ROUTE_LOCAL };
	struct envelope *e = &d->env;

	to.account = to.address = keep(d, n->account);
	to.home = keep(d, n->home);
	buf_reset(&d->to);
	buf_mem(&d->to, &to, sizeof(to));
	e->mid = str_of(d->mid);
	e->size = n->size;
	e->received_ms = clock_real_ms();
	e->mailbox = keep(d, n->mailbox);
	e->mailboxid = keep(d, n->mailboxid);
	e->keywords = keep(d, n->keywords);
	e->uid = n->uid;
	e->uidvalidity = n->uidvalidity;
	e->mail_flags = n->flags;
	e->date_s = n->date_s;
	e->to = (struct recipient *)(void *)d->to.p;
	e->n_to = 1;
}

static void
on_append(struct chan *c, const struct note *note)
{
	const struct note_spool_append *n = &note->u.spool_append;
	struct draft *d = draft_make(c, n->mid);

	if (d == NULL) {
		answer(c, note->ticket, FAIL_TEMP, "not a message id");
		return;
	}
	d->ticket = note->ticket;
	d->type = JOURNAL_APPEND;
	d->deadline_ms = n->deadline_ms;
	take_append(d, n);
	d->fd = note_take_fd(note);
	if (!body_is(d))
		refuse(d, FAIL_TEMP, "the body has another size");
	else if (d->has_file && QMGR_RULE(12))
		sync_body(d);
	else
		gather(d);
}

/* --- notes --------------------------------------------------------------- */

static void
on_read(struct chan *c, const struct note *note)
{
	struct message *m = spool_find(spoold.spool, note->u.spool_read.mid);
	struct note_spool_body body = { .failed = -FAIL_GONE, .fd = -1 };

	if (m != NULL) {
		body.fd = deliver_body(m);
		body.failed = body.fd < 0 ? -FAIL_TEMP : 0;
		body.sender = m->env.sender;
		body.size = m->env.size;
		body.added = m->env.added;
		body.digest = m->env.digest;
		body.envid = m->env.envid;
		body.received_ms = m->env.received_ms;
	}
	note_answer_spool_body(c, note->ticket, &body);
	fd_close(&body.fd);
	spoold_gather();	/* tidies */
}

void
draft_note(struct chan *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_SPOOL_RCPT:
		on_rcpt(c, n);
		break;
	case NOTE_SPOOL_CLOSE:
		on_close(c, n);
		break;
	case NOTE_SPOOL_OPEN:
		on_open(c, n);
		break;
	case NOTE_SPOOL_CANCEL:
		on_cancel(c, n);
		break;
	case NOTE_SPOOL_COMMIT:
		on_commit(c, n);
		break;
	case NOTE_SPOOL_APPEND:
		on_append(c, n);
		break;
	case NOTE_SPOOL_READ:
		on_read(c, n);
		break;
	default:
		break;
	}
}

/* Drafts nobody will commit go; those that gather lose their listener. */
void
draft_peer_gone(struct chan *c)
{
	struct link *l, *tmp;
	struct draft *d;

	list_each_safe(l, tmp, &spoold.drafts) {
		d = container_of(l, struct draft, link);
		if (d->chan != c)
			continue;
		d->chan = NULL;
		if (d->ticket == 0)
			draft_free(d, false);
	}
}

void
draft_tick(void)
{
	int64_t now = clock_mono_ms();
	struct link *l, *tmp;
	struct draft *d;


	list_each_safe(l, tmp, &spoold.drafts) {
		d = container_of(l, struct draft, link);
		if (d->ticket == 0 && now - d->since_ms > DRAFT_AGE_MS)
			draft_free(d, false);
	}
}
