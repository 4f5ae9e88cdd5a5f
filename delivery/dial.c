/* SPDX-License-Identifier: ISC */
/*
 * delivery/dial.c - connecting, with both families and several hosts.
 *
 *	idle -> [look up host] -> connecting -> fn
 *
 * `advance' is the only place that decides; whatever happens (an answer of
 * resolvd, a connect that ended, a timer) notes it and goes there.  A host is
 * begun beside one that is silent after DIAL_HOST_MS: a dead first MX costs
 * two seconds, not its timeout.
 */
#include "delivery/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "conf/value.h"
#include "daemon/daemon.h"

#include "base/banned.h"

enum { TYPE_A = 1, TYPE_AAAA = 28 };
enum { V6, V4 };

static void	advance(struct dial *d);

/* --- ends ---------------------------------------------------------------- */

static void
attempt_end(struct dial_attempt *t)
{
	loop_unwatch(&t->watch);
	fd_close(&t->watch.fd);
}

static bool
is_connecting(const struct dial *d)
{
	for (size_t i = 0; i < DIAL_BESIDE; i++)
		if (d->attempt[i].watch.fd >= 0)
			return true;
	return false;
}

/* Quiet: nothing is out, what was found so far stays for the next time. */
void
dial_stop(struct dial *d)
{
	for (size_t i = 0; i < DIAL_BESIDE; i++)
		attempt_end(&d->attempt[i]);
	for (size_t i = 0; i < 2; i++) {
		chan_forget(daemon_peer(RESOLVD, 0), &d->question[i]);
		chan_forget(NULL, &d->question[i]);
	}
	d->looking = 0;
	timer_stop(&d->step);
	timer_stop(&d->deadline);
	if (d->is_on)
		d->left_ms -= clock_mono_ms() - d->began_ms;
	d->is_on = false;
}

static void
finish(struct dial *d, int fd, const struct dial_attempt *t, bool is_us)
{
	struct dial_result r = { .fd = fd, .is_us = is_us };

	if (t != NULL) {
		r.host = t->host;
		r.address = t->address;
		address_text(&t->address, d->port, r.text);
	}
	dial_stop(d);
	d->fn(d->arg, &r);
}

static void
remember(struct dial *d, const struct address *a, const char *what)
{
	char text[ADDRESS_TEXT];

	address_text(a, d->port, text);
	(void)snprintf(d->why, sizeof(d->why), "%s: %s", text, what);
}

/* --- one address --------------------------------------------------------- */

/* Connected from an address to itself: either that port is ours, or somebody
 * else's on this host. */
static bool
is_us(const struct dial *d, int fd, const struct address *peer)
{
	const struct strs *listen = &daemon_conf()->master.listen;
	struct sockaddr_storage s;
	socklen_t n = sizeof(s);
	struct address local = { .family = AF_UNSPEC }, ours;
	struct listen l;

	if (getsockname(fd, (struct sockaddr *)&s, &n) != 0)
		return false;
	address_of_socket(&s, &local);
	for (size_t i = 0; i < listen->n; i++)
		if (listen_parse(listen->v[i], &l, NULL) == 0 &&
		    str_is(l.service, "smtp") && l.port == d->port &&
		    address_is_same(address_parse(l.host, &ours) ? &ours : &local, peer))
			return true;
	return false;
}

static void
on_connected(struct watch *w, unsigned events)
{
	struct dial_attempt *t = container_of(w, struct dial_attempt, watch);
	struct dial *d = t->dial;
	struct dial_attempt mine = *t;
	socklen_t n = sizeof(int);
	int error = 0;

	(void)events;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error == EINPROGRESS)
		return;
	if (error == 0) {
		loop_unwatch(&t->watch);
		t->watch.fd = -1;
		finish(d, mine.watch.fd, &mine, is_us(d, mine.watch.fd,
		    &mine.address));
		return;
	}
	d->is_temporary = true;
	remember(d, &t->address, strerror(error));
	attempt_end(t);
	d->may_begin |= !is_connecting(d);
	advance(d);
}

static int
open_socket(const struct dial *d, const struct address *a)
{
	const struct address *source = a->family == AF_INET ?
	    &d->source4 : &d->source6;
	int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	struct sockaddr_storage s;
	socklen_t n;
	int one = 1;

	/* Commands are few and whole: none waits for the one before it. */
	if (fd >= 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	if (fd < 0 || source->family == AF_UNSPEC)
		return fd;
	n = address_to_socket(source, 0, &s);
	if (bind(fd, (struct sockaddr *)&s, n) == 0)
		return fd;
	n = (socklen_t)errno;
	(void)close(fd);
	errno = (int)n;
	return -1;
}

/* A family that this host does not have says nothing about the other one: a
 * 5xx of the host by IPv4 stays final where there is no IPv6. */
static bool
is_of_ours(int error)
{
	return error == ENETUNREACH || error == EAFNOSUPPORT ||
	    error == EADDRNOTAVAIL;
}

/* False: it failed at once, which costs nothing: the next one. */
static bool
attempt_begin(struct dial *d, struct dial_attempt *t,
    const struct address *a)
{
	struct sockaddr_storage s;
	socklen_t n = address_to_socket(a, d->port, &s);
	int fd = open_socket(d, a);

	d->had_address = true;
	if (fd < 0 || (connect(fd, (struct sockaddr *)&s, n) != 0 &&
	    errno != EINPROGRESS)) {
		d->is_temporary |= !is_of_ours(errno);
		remember(d, a, strerror(errno));
		fd_close(&fd);
		return false;
	}
	t->dial = d;
	t->address = *a;
	t->host = d->host;
	loop_watch(&t->watch, fd, LOOP_WRITE, on_connected);
	return true;
}

static const struct address *
next_address(struct dial *d)
{
	for (unsigned i = 0; i < 2; i++) {
		struct dial_list *l = &d->list[(d->turn + i) % 2];

		if (l->next < l->n) {
			d->turn = (d->turn + i + 1) % 2;
			return &l->v[l->next++];
		}
	}
	return NULL;
}

static struct dial_attempt *
free_attempt(struct dial *d)
{
	for (size_t i = 0; i < DIAL_BESIDE; i++)
		if (d->attempt[i].watch.fd < 0)
			return &d->attempt[i];
	return NULL;
}

/* --- a host's addresses -------------------------------------------------- */

static void
keep_address(struct dial *d, unsigned which, struct str data)
{
	struct dial_list *l = &d->list[which];
	struct address a = { .family = which == V6 ? AF_INET6 : AF_INET };

	if (l->n == DIAL_ADDRESSES || data.n != address_octets(&a))
		return;
	memcpy(a.ip, data.p, data.n);
	if (address_is_usable(&a))
		l->v[l->n++] = a;
	else
		remember(d, &a, "no address that can be connected to");
}

static void
look_failed(struct dial *d, const struct note_dns_done *n)
{
	struct str host = d->hosts.v[d->host].host;

	d->is_temporary |= n == NULL || n->result == DNS_LATER ||
	    n->result == DNS_BAD_ANSWER;
	if (d->had_address)
		return;
	if (n != NULL && n->text.n > 0)
		(void)snprintf(d->why, sizeof(d->why), "%.*s: %.*s",
		    STR_ARG(host), STR_ARG(n->text));
	else
		(void)snprintf(d->why, sizeof(d->why), "%.*s: %s",
		    STR_ARG(host), n == NULL ? "the resolver does not answer" :
		    "host has no address");
}

static void
on_address(void *session, const struct note *n)
{
	struct dial_question *q = session;
	struct dial *d = q->dial;

	if (n != NULL && n->kind == NOTE_DNS_ROW) {
		keep_address(d, q->which, n->u.dns_row.data);
		return;
	}
	d->looking &= ~(1u << q->which);
	if (n == NULL || n->u.dns_done.result != DNS_OK)
		look_failed(d, n == NULL ? NULL : &n->u.dns_done);
	/* one family is there: the other may follow a little later */
	if (d->looking != 0 && d->list[q->which].n > 0 &&
	    !timer_armed(&d->step))
		timer_set(&d->step, DIAL_STEP_MS);
	if (d->looking == 0)	/* asked for when its turn had come */
		d->may_begin = true;
	advance(d);
}

static void
ask(struct dial *d, unsigned which)
{
	struct note_dns_ask n = { .name = d->hosts.v[d->host].host,
	    .type = which == V6 ? TYPE_AAAA : TYPE_A };

	d->question[which] = (struct dial_question){ d, which };
	d->looking |= 1u << which;
	ask_dns_ask(daemon_peer(RESOLVD, 0), &n, on_address,
	    &d->question[which]);
}

/* An address in place of a name needs no resolver. */
static void
look_up(struct dial *d)
{
	struct address a;

	d->host = d->at++;
	d->list[V6].n = d->list[V6].next = 0;
	d->list[V4].n = d->list[V4].next = 0;
	d->turn = V6;
	if (address_parse(d->hosts.v[d->host].host, &a)) {
		d->list[a.family == AF_INET6 ? V6 : V4].v[0] = a;
		d->list[a.family == AF_INET6 ? V6 : V4].n = 1;
		return;
	}
	if (d->only != AF_INET)
		ask(d, V6);
	if (d->only != AF_INET6)
		ask(d, V4);
}

/* --- what next ----------------------------------------------------------- */

static bool
has_address(const struct dial *d)
{
	return d->list[V6].next < d->list[V6].n ||
	    d->list[V4].next < d->list[V4].n;
}

/* True: an attempt is out. */
static bool
begin_one(struct dial *d)
{
	struct dial_attempt *t = free_attempt(d);
	const struct address *a;

	while (t != NULL && (a = next_address(d)) != NULL)
		if ((d->only == AF_UNSPEC || a->family == d->only) &&
		    attempt_begin(d, t, a))
			return true;
	return false;
}

static void
advance(struct dial *d)
{
	while (d->may_begin) {
		d->may_begin = false;
		if (begin_one(d)) {
			timer_set(&d->step, has_address(d) ? DIAL_STEP_MS :
			    DIAL_HOST_MS);
			return;
		}
		if (d->looking != 0 || free_attempt(d) == NULL)
			return;
		if (d->at < d->hosts.n) {
			look_up(d);
			d->may_begin = has_address(d);
		}
	}
	if (!is_connecting(d) && d->looking == 0 && !has_address(d) &&
	    d->at >= d->hosts.n)
		finish(d, -1, NULL, false);
}

static void
on_step(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, step);

	d->may_begin = true;
	advance(d);
}

static void
on_deadline(struct timer *t)
{
	struct dial *d = container_of(t, struct dial, deadline);

	d->is_temporary = true;
	for (size_t i = 0; i < DIAL_BESIDE; i++)
		if (d->attempt[i].watch.fd >= 0)
			remember(d, &d->attempt[i].address,
			    "connection timed out");
	if (d->looking != 0)
		(void)snprintf(d->why, sizeof(d->why), "%.*s: the resolver "
		    "does not answer", STR_ARG(d->hosts.v[d->host].host));
	d->at = d->hosts.n;
	finish(d, -1, NULL, false);
}

void
dial_init(struct dial *d)
{
	d->at = 0;
	d->list[V6].n = d->list[V6].next = 0;
	d->list[V4].n = d->list[V4].next = 0;
	for (size_t i = 0; i < DIAL_BESIDE; i++)
		d->attempt[i].watch.fd = -1;
	timer_init(&d->step, on_step);
	timer_init(&d->deadline, on_deadline);
	d->looking = 0;
	d->is_on = false;
	d->is_temporary = d->had_address = false;
	d->why[0] = '\0';
}

void
dial_next(struct dial *d)
{
	d->is_on = true;
	d->began_ms = clock_mono_ms();
	timer_set(&d->deadline, (int64_t)num_max(1, d->left_ms > 0 ?
	    (uint64_t)d->left_ms : 0));
	timer_set(&d->step, 0);		/* begins in the next pass */
}

void
dial_again(struct dial *d, const struct dial_result *r)
{
	unsigned which = r->address.family == AF_INET6 ? V6 : V4;
	struct dial_list *l = &d->list[which];

	if (d->host != r->host)		/* the next one was begun beside */
		d->at = r->host;
	else if (l->next > 0) {
		l->v[--l->next] = r->address;
		d->turn = which;
	}
}

void
dial_cut(struct dial *d, size_t host)
{
	uint32_t ours = d->hosts.v[host].preference;

	while (d->hosts.n > 0 &&
	    d->hosts.v[d->hosts.n - 1].preference >= ours)
		d->hosts.n--;
	d->list[V6].n = d->list[V6].next = 0;
	d->list[V4].n = d->list[V4].next = 0;
}
