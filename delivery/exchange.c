/* SPDX-License-Identifier: ISC */
/*
 * delivery/exchange.c - packets to a resolver and back.
 *
 * In: a packet and a time.  Out: packets that came from there, or why none
 * did, within that time.  Whether a packet is the answer is the owner's to
 * say; here only their number is bounded.  Nothing ever blocks.
 *
 * RFC 1035 4.2, RFC 5452 (random ports), RFC 7766 (TCP).
 */
#include "delivery/exchange.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rand.h"
#include "dns/wire.h"

#include "base/banned.h"

enum {
	UDP_MAX = 4096,		/* we ask for DNS_EDNS_SIZE at most */
	STRAYS_MAX = 50,	/* then somebody guesses: not by UDP */
	PORT_LOW = 1024,
	PORT_TRIES = 8,
};

void
exchange_init(struct exchange *x)
{
	memset(x, 0, sizeof(*x));
	x->watch.fd = -1;
}

void
exchange_end(struct exchange *x)
{
	if (x->watch.fd < 0)
		return;
	loop_unwatch(&x->watch);
	fd_close(&x->watch.fd);
	timer_stop(&x->timer);
	buf_free(&x->in);
	buf_free(&x->out);
}

static void
give_up(struct exchange *x, const char *why)
{
	exchange_fn *fn = x->fn;

	exchange_end(x);
	(void)fn(x, (struct str){ NULL, 0 }, why);
}

static void
on_timeout(struct timer *t)
{
	give_up(container_of(t, struct exchange, timer), "no answer");
}

/* --- UDP ----------------------------------------------------------------- */

/* The kernel's own choice is random too, but out of half as many; it stands
 * in when ours are taken. */
static void
take_random_port(int fd, sa_family_t family)
{
	struct address any = { .family = family };
	struct sockaddr_storage s;
	socklen_t n;

	for (unsigned i = 0; i < PORT_TRIES; i++) {
		n = address_to_socket(&any, (uint16_t)(PORT_LOW +
		    rand_below(65536 - PORT_LOW)), &s);
		if (bind(fd, (struct sockaddr *)&s, n) == 0)
			return;
	}
}

static void
on_udp(struct watch *w, unsigned events)
{
	struct exchange *x = container_of(w, struct exchange, watch);
	uint8_t packet[UDP_MAX];
	ssize_t n;

	(void)events;
	for (;;) {
		n = recv(w->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			give_up(x, strerror(errno));
		if (n < 0)
			return;
		if (x->fn(x, str_mem(packet, (size_t)n), NULL))
			return;
		if (++x->strays > STRAYS_MAX) {
			give_up(x, "packets that answer something else");
			return;
		}
	}
}

/* --- TCP ----------------------------------------------------------------- */

/* False: the exchange is over. */
static bool
tcp_write(struct exchange *x)
{
	struct str s = buf_str(&x->out);
	ssize_t n = send(x->watch.fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		give_up(x, strerror(errno));
		return false;
	}
	if (n > 0)
		buf_consume(&x->out, (size_t)n);
	loop_want(&x->watch, x->out.len > 0 ? LOOP_READ | LOOP_WRITE
	    : LOOP_READ);
	return true;
}

/* How long the message is; with its two octets in front. */
static size_t
tcp_length(const struct exchange *x)
{
	struct str s = buf_str(&x->in);

	return s.n < 2 ? SIZE_MAX : 2 + ((size_t)s.p[0] << 8 | s.p[1]);
}

static void
tcp_read(struct exchange *x)
{
	uint8_t part[16384];
	ssize_t n = recv(x->watch.fd, part, sizeof(part), MSG_DONTWAIT);
	size_t length;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		give_up(x, n < 0 ? strerror(errno) : "closed");
		return;
	}
	length = tcp_length(x);
	if (length == SIZE_MAX)
		buf_mem(&x->in, part, (size_t)n);
	else	/* no more than the message it announced */
		buf_mem(&x->in, part, length - x->in.len < (size_t)n
		    ? length - x->in.len : (size_t)n);
	length = tcp_length(x);
	if (x->in.len < length)
		return;
	if (!x->fn(x, str_sub(buf_str(&x->in), 2, length - 2), NULL))
		give_up(x, "an answer to something else");
}

static void
on_tcp(struct watch *w, unsigned events)
{
	struct exchange *x = container_of(w, struct exchange, watch);

	if (x->out.len > 0 && !tcp_write(x))
		return;
	if (events & (LOOP_READ | LOOP_HUP))
		tcp_read(x);
}

/* --- both ---------------------------------------------------------------- */

static int
open_socket(bool is_tcp, const struct server *s)
{
	struct sockaddr_storage to;
	socklen_t n = address_to_socket(&s->address, s->port, &to);
	int fd = socket(s->address.family, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (!is_tcp)
		take_random_port(fd, s->address.family);
	if (connect(fd, (struct sockaddr *)&to, n) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	n = (socklen_t)errno;
	fd_close(&fd);
	errno = (int)n;
	return -1;
}

static void
tcp_queue(struct exchange *x, struct str packet)
{
	uint8_t head[2] = { (uint8_t)(packet.n >> 8), (uint8_t)packet.n };

	buf_init(&x->in, 2 + DNS_PACKET_MAX + 16384);
	buf_init(&x->out, 2 + packet.n);
	buf_mem(&x->out, head, sizeof(head));
	buf_add(&x->out, packet);
}

int
exchange_begin(struct exchange *x, bool is_tcp, const struct server *s,
    struct str packet, int64_t wait_ms, exchange_fn *fn, struct why *why)
{
	int fd = open_socket(is_tcp, s);

	if (fd >= 0 && !is_tcp &&
	    send(fd, packet.p, packet.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		int e = errno;

		fd_close(&fd);
		errno = e;
	}
	if (fd < 0)
		return why_set(why, FAIL_TEMP, "%s", strerror(errno));
	exchange_init(x);
	x->fn = fn;
	x->is_tcp = is_tcp;
	if (is_tcp)
		tcp_queue(x, packet);
	timer_init(&x->timer, on_timeout);
	timer_set(&x->timer, wait_ms);
	loop_watch(&x->watch, fd, is_tcp ? LOOP_READ | LOOP_WRITE : LOOP_READ,
	    is_tcp ? on_tcp : on_udp);
	return 0;
}
