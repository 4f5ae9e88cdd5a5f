/* SPDX-License-Identifier: ISC */
/*
 * ipc/chan.c - one end of a channel: packets out, notes in, tickets.
 *
 * A packet is sent at once while nothing is queued before it; what the socket
 * does not take waits in the queue.  Nobody ever blocks in send.  What comes
 * is checked here against the catalogue before a room sees it: kind, who says
 * it to whom, lengths, ticket, descriptor.  A bad note ends the channel and
 * is told to master; it never ends the process.
 *
 * A channel ends in the loop, never inside put or ask, so that a session that
 * asks is not called back before ask has returned.
 */
#include "ipc/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/banned.h"

enum { NOTES_A_TURN = 64 };

struct packet {
	struct link	link;
	int		fd;
	size_t		n;
	uint8_t		data[];
};

struct ask {
	struct link	link;
	struct timer	timer;
	struct chan	*chan;
	uint32_t	ticket;
	chan_then_fn	*then;
	void		*session;
};

/* An ask of a channel that is not there: answered in the next pass. */
struct orphan {
	struct link	link;
	struct defer	defer;
	chan_then_fn	*then;
	void		*session;
};

static chan_bad_fn *on_bad;
static struct link orphans = { &orphans, &orphans };

static defer_fn on_flush;

/* --- life ---------------------------------------------------------------- */

static void	on_ready(struct watch *w, unsigned events);

void
chan_on_bad(chan_bad_fn *fn)
{
	on_bad = fn;
}

struct chan *
chan_new(int fd, enum proc me, enum proc peer, unsigned index,
    chan_note_fn *on_note, chan_end_fn *on_end, void *arg)
{
	struct chan *c = xcalloc(1, sizeof(*c));

	if (fd_nonblock(fd) != 0)
		bug("channel to %s: no descriptor", proc_name(peer));
	c->me = me;
	c->peer = peer;
	c->index = index;
	c->on_note = on_note;
	c->on_end = on_end;
	c->arg = arg;
	c->next_ticket = 1;
	c->queue_max = CHAN_QUEUE_MAX;
	list_init(&c->queue);
	list_init(&c->ask_order);
	dict_init(&c->asks);
	defer_init(&c->flush, on_flush);
	loop_watch(&c->watch, fd, LOOP_READ, on_ready);
	return c;
}

static void
packet_free(struct packet *p)
{
	fd_close(&p->fd);
	explicit_bzero(p->data, p->n);
	free(p);
}

static void
drop_queue(struct chan *c)
{
	struct link *l;

	while ((l = list_pop(&c->queue)) != NULL)
		packet_free(container_of(l, struct packet, link));
	c->queued = 0;
}

static void
ask_free(struct ask *a)
{
	list_remove(&a->link);
	timer_stop(&a->timer);
	(void)dict_del_u64(&a->chan->asks, a->ticket);
	free(a);
}

/* A `then` may ask again (nobody answers now), forget other asks of this
 * channel, or end its session: take them one by one from the front. */
static void
fail_tickets(struct chan *c)
{
	struct link *l;
	struct ask *a;
	chan_then_fn *then;
	void *session;

	while ((l = list_first(&c->ask_order)) != NULL) {
		a = container_of(l, struct ask, link);
		then = a->then;
		session = a->session;
		ask_free(a);
		then(session, NULL);
	}
}

void
chan_free(struct chan *c)
{
	if (c->gone != NULL)
		*c->gone = true;
	c->failed = true;
	fail_tickets(c);
	defer_cancel(&c->flush);
	drop_queue(c);
	loop_unwatch(&c->watch);
	fd_close(&c->watch.fd);
	dict_free(&c->asks);
	free(c);
}

/* Over: c may be freed when this returns. */
static void
end(struct chan *c)
{
	if (c->in_end)
		return;
	c->in_end = true;
	c->failed = true;
	drop_queue(c);
	loop_unwatch(&c->watch);
	defer_cancel(&c->flush);
	fail_tickets(c);
	c->on_end(c, c->arg);
}

/* Nothing more is said; ends in the loop. */
static void
fail(struct chan *c)
{
	c->failed = true;
	drop_queue(c);
	defer_put(&c->flush);
}

static void
bad(struct chan *c, const char *text)
{
	log_event(LOG_LEVEL_ERROR, "note-bad");
	log_z("peer", proc_name(c->peer));
	log_u64("index", c->index);
	log_z("text", text);
	log_end();
	if (on_bad != NULL)
		on_bad(c, text);
}

bool
chan_ok(const struct chan *c)
{
	return c != NULL && !c->failed;
}

bool
chan_busy(const struct chan *c)
{
	return c != NULL && c->queued > c->queue_max / 2;
}

/* --- out ----------------------------------------------------------------- */

/* 0, FAIL_TEMP: later, FAIL_GONE: the peer is no more, FAIL_BUG: no use. */
static int
send_packet(struct chan *c, const void *p, size_t n, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	union {
		struct cmsghdr	head;
		char		space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_LEN(sizeof(int));
	}
	do
		r = sendmsg(c->watch.fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return 0;
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:	/* descriptors in flight; they land in a moment */
		return FAIL_TEMP;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return FAIL_GONE;
	}
	return FAIL_BUG;
}

/* A peer that is gone is not the end yet: what it said last still stands in
 * our socket, and the end comes when that is read. */
static void
send_failed(struct chan *c, int r)
{
	if (r == FAIL_BUG)
		fail(c);
	drop_queue(c);
	c->failed = true;
}

static void
send_queue(struct chan *c)
{
	struct packet *p;
	struct link *l;
	int r = 0;

	while (r == 0 && (l = list_first(&c->queue)) != NULL) {
		p = container_of(l, struct packet, link);
		r = send_packet(c, p->data, p->n, p->fd);
		if (r == 0) {
			c->queued -= p->n;
			list_remove(&p->link);
			packet_free(p);
		}
	}
	if (r == FAIL_GONE || r == FAIL_BUG)
		send_failed(c, r);
	loop_want(&c->watch, list_empty(&c->queue) ? LOOP_READ
	    : LOOP_READ | LOOP_WRITE);
}

void
chan_put_packet(struct chan *c, const struct buf *packet, int fd)
{
	struct str s = buf_str(packet);
	struct packet *p;
	int r = FAIL_TEMP;

	if (!chan_ok(c))
		return;
	if (list_empty(&c->queue))
		r = send_packet(c, s.p, s.n, fd);
	if (r == 0)
		return;
	if (r != FAIL_TEMP) {
		send_failed(c, r);
		return;
	}
	if (c->queued + s.n > c->queue_max) {
		c->overflow = true;
		fail(c);
		return;
	}
	p = xmalloc(sizeof(*p) + s.n);
	list_init(&p->link);
	p->n = s.n;
	memcpy(p->data, s.p, s.n);
	p->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0 && p->fd < 0) {
		packet_free(p);
		fail(c);
		return;
	}
	list_push(&c->queue, &p->link);
	c->queued += s.n;
	loop_want(&c->watch, LOOP_READ | LOOP_WRITE);
}

/* The deferred end of a channel that failed in put. */
static void
on_flush(struct defer *d)
{
	struct chan *c = container_of(d, struct chan, flush);

	if (c->overflow)
		bad(c, "queue overflow: peer does not read");
	end(c);
}

void
chan_flush_blocking(struct chan *c, int wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms, left;
	struct pollfd pfd = { .fd = c->watch.fd, .events = POLLOUT };

	while (chan_ok(c) && !list_empty(&c->queue)) {
		left = until - clock_mono_ms();
		if (left <= 0 || poll(&pfd, 1, (int)left) < 0)
			return;
		send_queue(c);
	}
}

/* --- tickets ------------------------------------------------------------- */

static void
on_deadline(struct timer *t)
{
	struct ask *a = container_of(t, struct ask, timer);
	chan_then_fn *then = a->then;
	void *session = a->session;

	log_event(LOG_LEVEL_WARN, "ask-late");
	log_z("peer", proc_name(a->chan->peer));
	log_u64("index", a->chan->index);
	log_end();
	ask_free(a);
	then(session, NULL);
}

uint32_t
chan_ticket(struct chan *c, chan_then_fn *then, void *session,
    int64_t deadline_ms)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	do
		a->ticket = c->next_ticket++;
	while (a->ticket == 0 || dict_get_u64(&c->asks, a->ticket) != NULL);
	a->chan = c;
	a->then = then;
	a->session = session;
	list_init(&a->link);
	list_push(&c->ask_order, &a->link);
	(void)dict_put_u64(&c->asks, a->ticket, a);
	timer_init(&a->timer, on_deadline);
	timer_set(&a->timer, deadline_ms);
	return a->ticket;
}

static void
on_orphan(struct defer *d)
{
	struct orphan *o = container_of(d, struct orphan, defer);
	chan_then_fn *then = o->then;
	void *session = o->session;

	list_remove(&o->link);
	free(o);
	then(session, NULL);
}

void
chan_ask_nobody(chan_then_fn *then, void *session)
{
	struct orphan *o = xcalloc(1, sizeof(*o));

	o->then = then;
	o->session = session;
	list_init(&o->link);
	list_push(&orphans, &o->link);
	defer_init(&o->defer, on_orphan);
	defer_put(&o->defer);
}

static void
forget_orphans(const void *session)
{
	struct link *l, *tmp;
	struct orphan *o;

	list_each_safe(l, tmp, &orphans) {
		o = container_of(l, struct orphan, link);
		if (o->session != session)
			continue;
		defer_cancel(&o->defer);
		list_remove(&o->link);
		free(o);
	}
}

void
chan_forget(struct chan *c, const void *session)
{
	struct link *l, *tmp;
	struct ask *a;

	forget_orphans(session);
	if (c == NULL)
		return;
	list_each_safe(l, tmp, &c->ask_order) {
		a = container_of(l, struct ask, link);
		if (a->session == session)
			ask_free(a);
	}
}

/* --- in ------------------------------------------------------------------ */

/* The one descriptor of a packet, -1 without; false when there were more. */
static bool
take_fd(struct msghdr *mh, int *fd_out)
{
	struct cmsghdr *cm;
	size_t n;
	int fd;

	*fd_out = -1;
	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (*fd_out < 0)
				*fd_out = fd;
			else
				(void)close(fd);
		}
		if (n > 1)
			return false;
	}
	/* cut short although one is here: a second was sent */
	return !(mh->msg_flags & MSG_CTRUNC) || *fd_out < 0;
}

/* Our table of descriptors is full: the note counts, its descriptor is lost,
 * and the room answers "later". */
static bool
fd_fits(const struct note *n, bool lost)
{
	enum fd_kind kind = note_fd(n->kind);

	if (n->fd < 0)
		return fd_may_lack(kind) || lost;
	return kind != FD_NONE && fd_is(n->fd, kind);
}

static const char *
look(const struct chan *c, const struct note *n, bool fd_lost)
{
	enum note_how how = note_how(n->kind);

	if (!note_may(n->kind, c->peer, c->me))
		return "may not say it to us";
	if ((how == PUT) != (n->ticket == 0))
		return "wrong ticket";
	if (!fd_fits(n, fd_lost))
		return "wrong descriptor";
	return NULL;
}

/* An answer whose ask has been forgotten or was late goes nowhere.  A row of
 * the wrong kind reaches `then`, whose note_as_X gives NULL: no answer. */
static void
give_answer(struct chan *c, const struct note *n)
{
	struct ask *a = dict_get_u64(&c->asks, n->ticket);
	chan_then_fn *then;
	void *session;

	if (a == NULL)
		return;
	then = a->then;
	session = a->session;
	if (note_how(n->kind) == END)
		ask_free(a);
	then(session, n);
}

/* False: the channel is over or even freed. */
static bool
give(struct chan *c, struct note *n)
{
	enum note_how how = note_how(n->kind);
	bool gone = false, *outer = c->gone;

	c->gone = &gone;
	if (how == ROW || how == END)
		give_answer(c, n);
	else
		c->on_note(c, n, c->arg);
	fd_close(&n->fd);
	if (gone) {
		if (outer != NULL)
			*outer = true;
		return false;
	}
	c->gone = outer;
	return !c->in_end;
}

static bool
take_packet(struct chan *c, struct str packet, struct msghdr *mh)
{
	struct note n = { .fd = -1 };
	struct why why = { .text = "" };
	bool one;
	const char *wrong;
	int fd;

	one = take_fd(mh, &fd);
	if (!one || (mh->msg_flags & MSG_TRUNC) ||
	    note_decode(packet, &n, &why) != 0) {
		fd_close(&fd);
		bad(c, why.text[0] ? why.text : "over-long or two descriptors");
		end(c);
		return false;
	}
	note_set_fd(&n, fd);
	wrong = look(c, &n, (mh->msg_flags & MSG_CTRUNC) != 0);
	if (wrong != NULL) {
		fd_close(&fd);
		(void)why_set(&why, FAIL_DENIED, "note %s: %s",
		    note_name(n.kind), wrong);
		bad(c, why.text);
		end(c);
		return false;
	}
	return give(c, &n);
}

/*
 * Reads one note.  1: one came and the channel lives, 0: nothing there now,
 * -1: the channel is over.  A reset is told once before the rest of what the
 * peer said can be read: go on to the true end.
 */
static int
read_one(struct chan *c, uint8_t *data)
{
	struct iovec iov = { .iov_base = data, .iov_len = NOTE_MAX };
	union {
		struct cmsghdr	head;
		char		space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;
	bool alive;

	do {
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_LEN(sizeof(int));
		r = recvmsg(c->watch.fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (r < 0 && (errno == EINTR || errno == ECONNRESET));
	if (r < 0 && errno == EAGAIN)
		return 0;
	if (r <= 0) {
		end(c);
		return -1;
	}
	alive = take_packet(c, str_mem(data, (size_t)r), &mh);
	explicit_bzero(data, (size_t)r);	/* passwords came this way */
	return alive ? 1 : -1;
}

/* At most `max` notes.  The buffer is of the call, for a handler may read
 * another channel to its end (chan_replace): reading nests. */
static int
read_some(struct chan *c, int max)
{
	uint8_t *data = xmalloc(NOTE_MAX);
	int r = 1;

	while (r == 1 && max-- > 0)
		r = read_one(c, data);
	free(data);
	return r;
}

static void
on_ready(struct watch *w, unsigned events)
{
	struct chan *c = container_of(w, struct chan, watch);

	if (events & LOOP_WRITE)
		send_queue(c);
	(void)read_some(c, NOTES_A_TURN);
}

void
chan_replace(struct chan *c)
{
	int r;

	do
		r = read_some(c, NOTES_A_TURN);
	while (r == 1);
	if (r == 0)
		end(c);
}
