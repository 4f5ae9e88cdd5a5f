/* SPDX-License-Identifier: ISC */
/*
 * qmgr/deliver.c - local recipients, straight to their stored worker.
 *
 * At most 64 hand-overs a worker are unanswered, and after a death one at a
 * time, so that the message a worker dies of is found: three deaths and it is
 * held, by qmgr if that asked for the try.  Bodies stay in memory up to 64
 * MiB; beyond that they are read again from the ring.  Whatever stored does
 * not answer in time is handed over again: it recognises a repeat by (mid,
 * number, redelivery).
 */
#include "qmgr/spoold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "qmgr/rule.h"

#include "base/banned.h"

#define WINDOW		64
#define WORKERS		64
#define BODIES_MAX	(64u << 20)
#define ANSWER_MS	55000	/* stored must not begin later (R6) */
#define ADDED_MAX	16384
#define DEATHS_MAX	3
#define PAUSE_MS	5000	/* before what was not answered is tried again */

struct handover {
	struct link	link;
	struct message	*m;
	uint32_t	number;
	int64_t		not_before_ms;
	struct worker	*worker;
	deliver_fn	*fn;		/* qmgr asked for it; or NULL */
	void		*arg;
};

struct worker {
	struct link	waiting;
	unsigned	out, window;
};

static struct {
	struct worker	worker[WORKERS];
	size_t		queued, out;
	uint64_t	bodies;		/* bytes of bodies in memory */
} del;

void
deliver_init(void)
{
	for (size_t i = 0; i < WORKERS; i++) {
		list_init(&del.worker[i].waiting);
		del.worker[i].window = WINDOW;
	}
}

size_t
deliver_out(void)
{
	return del.queued + del.out;
}

/* --- bodies -------------------------------------------------------------- */

void
deliver_keep_body(struct message *m, int fd)
{
	if (fd >= 0 && del.bodies + m->env.size <= BODIES_MAX) {
		m->fd = fd;
		del.bodies += m->env.size;
	} else if (fd >= 0)
		close(fd);
}

void
deliver_forget(struct message *m)
{
	if (m->fd < 0)
		return;
	del.bodies -= m->env.size;
	fd_close(&m->fd);
}

/* Nobody of it is to be handed over now: memory for others. */
static void
drop_body(struct message *m)
{
	for (size_t i = 0; i < m->env.n_to; i++)
		if (m->to[i].state == DELIVERY_OPEN ||
		    m->to[i].state == DELIVERY_GIVEN)
			return;
	deliver_forget(m);
}

/* Out of ring or file, verified, into a memfd nobody can change. */
static int
body_again(struct message *m)
{
	struct buf b;
	int fd = -1;

	buf_init(&b, JOURNAL_BATCH_MAX);
	if (spool_content(spoold.spool, m, &b) == 0 &&
	    b.len == m->env.size)
		fd = file_sealed("body", buf_str(&b));
	buf_free(&b);
	return fd;
}

int
deliver_body(struct message *m)
{
	char name[DISK_NAME_MAX];

	if (m->large) {
		snprintf(name, sizeof(name), "tmp/%s", m->mid);
		return file_open(spoold.folder, name, O_RDONLY, 0);
	}
	return m->fd >= 0 ? fcntl(m->fd, F_DUPFD_CLOEXEC, 0) : body_again(m);
}

/* --- queueing ------------------------------------------------------------ */

static struct worker *
worker_of(struct str account, struct chan **c_out)
{
	struct chan *c = daemon_stored_of(account);

	*c_out = c;
	return &del.worker[c == NULL ? 0 : c->index % WORKERS];
}

static void
put_back(struct handover *h, int64_t pause_ms)
{
	h->not_before_ms = pause_ms > 0 ? clock_mono_ms() + pause_ms : 0;
	list_push(&h->worker->waiting, &h->link);
	del.queued++;
}

void
deliver_queue(struct message *m, uint32_t number, deliver_fn *fn, void *arg)
{
	struct handover *h = xcalloc(1, sizeof(*h));
	struct chan *c;

	h->m = m;
	h->number = number;
	h->fn = fn;
	h->arg = arg;
	h->worker = worker_of(m->env.to[number].account, &c);
	m->pins++;
	put_back(h, 0);
	spoold_gather();	/* pumps at the end of the pass */
}

/* Its last word to whoever asked for it. */
static void
finish(struct handover *h, unsigned result, struct str text)
{
	struct message *m = h->m;

	if (h->fn != NULL)
		h->fn(h->arg, result, text);
	m->pins--;
	drop_body(m);
	message_doubt(spoold.spool, m);
	free(h);
	spoold_gather();
}

/* --- answers ------------------------------------------------------------- */

static void
log_result(const struct handover *h, const struct note_store_appended *a)
{
	const struct recipient *to = &h->m->env.to[h->number];

	spoold_log(a->failed == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	    a->failed == 0 ? "delivered" : "not-delivered", h->m);
	log_str("account", to->account);
	log_str("recipient", to->address);
	if (a->failed == 0) {
		log_u64("uid", a->uid);
		log_i64("delay_ms", clock_real_ms() - h->m->env.received_ms);
	} else
		log_str("reason", a->text);
	log_end();
}

/* It waits again.  Who asked for the try writes down how it ended: of two
 * marks the later one would win, whichever knew less. */
static void
wait_again(struct handover *h, unsigned result, struct str text)
{
	if (h->fn == NULL)
		wait_defer(h->m, h->number, text, result == QUEUE_DEADLY);
	else
		h->m->to[h->number].state = DELIVERY_WAITS;
	finish(h, result, text);
}

/* R17. */
static bool
is_deadly(const struct handover *h)
{
	return h->m->to[h->number].deaths >= DEATHS_MAX && QMGR_RULE(17);
}

static void
hold(struct handover *h)
{
	spoold_log(LOG_LEVEL_ERROR, "delivery-held", h->m);
	log_z("reason", "the store died three times on this message");
	log_end();
	wait_again(h, QUEUE_DEADLY,
	    STR("held: the store died three times on this message"));
}

/* stored died or was silent: once more, held after the third death. */
static void
unanswered(struct handover *h)
{
	spool_taken_back(spoold.spool, h->m, h->number);
	h->worker->window = 1;
	h->m->to[h->number].deaths++;
	if (is_deadly(h))
		hold(h);
	else
		put_back(h, PAUSE_MS);
}

static void
failed(struct handover *h, const struct note_store_appended *a)
{
	bool never = (int)a->failed == -FAIL_PERM ||
	    (int)a->failed == -FAIL_TOO_BIG;

	spool_taken_back(spoold.spool, h->m, h->number);
	wait_again(h, never ? QUEUE_NEVER : QUEUE_LATER, a->text);
}

static void
on_appended(void *session, const struct note *n)
{
	struct handover *h = session;
	const struct note_store_appended *a = note_as_store_appended(n);

	h->worker->out--;
	del.out--;
	if (a == NULL) {
		unanswered(h);
		return;
	}
	h->m->to[h->number].deaths = 0;
	if (h->worker->window < WINDOW)
		h->worker->window++;
	log_result(h, a);
	if (a->failed != 0) {
		failed(h, a);
		return;
	}
	spoold.delivered++;
	spool_result(spoold.spool, h->m, h->number);
	if (h->m->to[h->number].state == DELIVERY_OPEN)
		finish(h, QUEUE_LATER, STR("is written again"));
	else
		finish(h, QUEUE_DELIVERED, STR(""));
}

/* --- handing over -------------------------------------------------------- */

/* Return-Path, Delivered-To where there is one recipient (a Bcc must not
 * show), then what was added on the way in. */
static void
put_added(struct buf *out, const struct message *m, uint32_t number)
{
	if (m->type == JOURNAL_APPEND)
		return;
	buf_fmt(out, "Return-Path: <%.*s>\r\n", STR_ARG(m->env.sender));
	if (m->env.n_to == 1)
		buf_fmt(out, "Delivered-To: %.*s\r\n",
		    STR_ARG(m->env.to[number].address));
	if (out->len + m->env.added.n > ADDED_MAX)
		buf_reset(out);
	buf_add(out, m->env.added);
}

static void
say_append(struct chan *c, struct handover *h, int fd)
{
	const struct message *m = h->m;
	const struct envelope *e = &m->env;
	const struct delivery *d = &m->to[h->number];
	bool is_mail = m->type == JOURNAL_COMMIT;
	struct note_store_append note = {
		.mid = e->mid, .number = QMGR_RULE(13) ? h->number : 0,
		.redelivery = e->to[h->number].redelivery,
		.replay = d->anew || (d->repeat && spoold.distrust) ?
		    STORE_ANEW : d->repeat ? STORE_REPEAT : STORE_FIRST,
		.account = e->to[h->number].account,
		.home = e->to[h->number].home,
		.mailbox = is_mail ? STR("INBOX") : e->mailbox,
		.mailboxid = e->mailboxid, .uid = e->uid,
		.uidvalidity = e->uidvalidity, .flags = e->mail_flags,
		.keywords = e->keywords,
		.date_s = is_mail ? e->received_ms / 1000 : e->date_s,
		.size = e->size, .digest = e->digest,
		.deadline_ms = clock_mono_ms() + ANSWER_MS, .fd = fd,
	};
	struct buf added;

	buf_init(&added, 2 * ADDED_MAX);
	put_added(&added, m, h->number);
	note.added = buf_str(&added);
	ask_store_append(c, &note, on_appended, h);
	buf_free(&added);
}

/* The body cannot be had: not the fault of stored, nor gone for good. */
static void
no_body(struct handover *h)
{
	spoold_log(LOG_LEVEL_ERROR, "body-unreadable", h->m);
	log_errno();
	log_end();
	wait_again(h, QUEUE_LATER, STR("the body cannot be read"));
}

static void
hand_over(struct chan *c, struct handover *h)
{
	const struct delivery *d = &h->m->to[h->number];
	int fd;

	if (d->state != DELIVERY_OPEN && d->state != DELIVERY_WAITS) {
		finish(h, QUEUE_DELIVERED, STR(""));	/* removed meanwhile */
		return;
	}
	if (is_deadly(h)) {	/* who asked did not hear it in time */
		hold(h);
		return;
	}
	fd = deliver_body(h->m);
	if (fd < 0) {
		no_body(h);
		return;
	}
	spool_given(spoold.spool, h->m, h->number);
	h->worker->out++;
	del.out++;
	say_append(c, h, fd);
	close(fd);
}

static void
pump(struct worker *w)
{
	struct link *l;
	struct handover *h;
	struct chan *c;
	int64_t now = clock_mono_ms();

	while (w->out < w->window && (l = list_first(&w->waiting)) != NULL) {
		h = container_of(l, struct handover, link);
		(void)worker_of(h->m->env.to[h->number].account, &c);
		if (!chan_ok(c) || chan_busy(c) || h->not_before_ms > now)
			return;
		list_remove(l);
		del.queued--;
		hand_over(c, h);
	}
}

void
deliver_pump(void)
{
	if (journal_dead(spoold.spool->journal))
		return;		/* R5: nothing more goes out */
	for (size_t i = 0; del.queued > 0 && i < WORKERS; i++)
		pump(&del.worker[i]);
}

void
deliver_tick(void)
{
	deliver_pump();
}

/* A stored came or went: those that were queued while there was none may
 * belong elsewhere. */
void
deliver_peer(struct chan *c)
{
	struct link *l, all;
	struct handover *h;
	struct chan *to;

	(void)c;
	list_init(&all);
	for (size_t i = 0; i < WORKERS; i++)
		while ((l = list_pop(&del.worker[i].waiting)) != NULL)
			list_push(&all, l);
	while ((l = list_pop(&all)) != NULL) {
		h = container_of(l, struct handover, link);
		h->worker = worker_of(h->m->env.to[h->number].account, &to);
		h->not_before_ms = 0;
		list_push(&h->worker->waiting, l);
	}
	spoold_gather();
}
