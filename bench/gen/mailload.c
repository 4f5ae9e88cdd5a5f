/* SPDX-License-Identifier: ISC */
/*
 * mailload - one-process epoll load generator for SMTP, LMTP, IMAP and POP3,
 * plus an SMTP sink.  Each connection is a coroutine (ucontext), so that the
 * protocol code below reads as plain blocking code.  One line of JSON is
 * printed at the end of a run.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define RBUF 65536
#define STACK (96 * 1024)

struct conn {
	int id, fd, tag, live;
	SSL *ssl;
	ucontext_t ctx;
	char *stack, *rb;
	size_t rp, rl;
	void (*fn)(struct conn *);
	struct conn *next;
	unsigned long long got;		/* bytes received */
	long untagged;			/* "* n FETCH"/EXISTS lines of the last command */
	double mark;
};

/* options */
static const char *o_host = "127.0.0.1", *o_user = "u%d", *o_pass = "test";
static const char *o_rcpt = "u%d@example.test", *o_from = "sender@client.test";
static const char *o_mailbox = "INBOX", *o_cmds[64];
static int o_port = 25, o_conns = 1, o_size = 4096, o_rcpts = 1, o_users = 1;
static int o_doms, o_tls, o_auth, o_persist = 1, o_lmtp, o_pipeline, o_ncmds;
static int o_ramp = 100, o_dele, o_repeat = 1, o_reuse, o_msgs = 1, o_firstuser;
static long o_total = 1;
static double o_timeout = 300;
static const char *o_mode;

static int ep, nlive, nramp, stop;
static struct conn *conns;
static ucontext_t mainctx;
static struct conn *rampq, **rampt = &rampq;
static SSL_CTX *sslctx;
static SSL_SESSION *saved_session;
static long tickets, done_ops, errors, handshakes;
static unsigned long long bytes_in, bytes_out, untagged_total;
static double t_start, t_end, *lat;
static long nlat, caplat;
static char lasterr[256];
static char *body;

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void addlat(double v)
{
	if (nlat == caplat) {
		caplat = caplat ? caplat * 2 : 65536;
		lat = realloc(lat, caplat * sizeof *lat);
	}
	lat[nlat++] = v;
}

static void fail(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(lasterr, sizeof lasterr, fmt, ap);
	va_end(ap);
	if (++errors > 2000)
		stop = 1;
}

static void yield_(struct conn *c) { swapcontext(&c->ctx, &mainctx); }

static void cclose(struct conn *c)
{
	if (c->ssl) {
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->rp = c->rl = 0;
}

static int fill(struct conn *c)
{
	for (;;) {
		ssize_t n;
		if (c->ssl) {
			ERR_clear_error();
			n = SSL_read(c->ssl, c->rb, RBUF);
			if (n <= 0) {
				int e = SSL_get_error(c->ssl, n);
				if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
					yield_(c);
					continue;
				}
				return -1;
			}
		} else {
			n = read(c->fd, c->rb, RBUF);
			if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
				yield_(c);
				continue;
			}
			if (n <= 0)
				return -1;
		}
		c->rp = 0;
		c->rl = n;
		c->got += n;
		bytes_in += n;
		return 0;
	}
}

static int put(struct conn *c, const char *p, size_t len)
{
	bytes_out += len;
	while (len) {
		ssize_t n;
		if (c->ssl) {
			ERR_clear_error();
			n = SSL_write(c->ssl, p, len);
			if (n <= 0) {
				int e = SSL_get_error(c->ssl, n);
				if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
					yield_(c);
					continue;
				}
				return -1;
			}
		} else {
			n = send(c->fd, p, len, MSG_NOSIGNAL);
			if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
				yield_(c);
				continue;
			}
			if (n < 0)
				return -1;
		}
		p += n;
		len -= n;
	}
	return 0;
}

static int putf(struct conn *c, const char *fmt, ...)
{
	char b[4096];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	return put(c, b, n);
}

/* One line into buf (without CRLF, cut at size-1); returns its length or -1. */
static int getl(struct conn *c, char *buf, int size)
{
	int n = 0;
	for (;;) {
		if (c->rp == c->rl && fill(c) < 0)
			return -1;
		char *s = c->rb + c->rp, *e = memchr(s, '\n', c->rl - c->rp);
		int k = (e ? e : c->rb + c->rl) - s;
		/* keep the head, and always the last 32 bytes for "{n}" */
		if (n + k > size - 1) {
			int head = size / 2;
			if (n < head) {
				memcpy(buf + n, s, head - n);
				int tail = size - 1 - head, avail = k - (head - n);
				if (avail > tail) {
					memcpy(buf + head, s + k - tail, tail);
					n = size - 1;
				} else {
					memcpy(buf + head, s + k - avail, avail);
					n = head + avail;
				}
			} else {
				int keep = size - 1 - head;
				if (k >= keep)
					memcpy(buf + head, s + k - keep, keep);
				else {
					int old = n - head, mv = keep - k;
					if (mv > old) mv = old;
					memmove(buf + head, buf + n - mv, mv);
					memcpy(buf + head + mv, s, k);
					keep = mv + k;
				}
				n = head + keep;
			}
		} else {
			memcpy(buf + n, s, k);
			n += k;
		}
		c->rp += k + (e ? 1 : 0);
		if (e) {
			if (n && buf[n - 1] == '\r')
				n--;
			buf[n] = 0;
			return n;
		}
	}
}

static int skip(struct conn *c, size_t n)
{
	while (n) {
		if (c->rp == c->rl && fill(c) < 0)
			return -1;
		size_t k = c->rl - c->rp;
		if (k > n)
			k = n;
		c->rp += k;
		n -= k;
	}
	return 0;
}

static void ramp_enter(struct conn *c)
{
	if (nramp >= o_ramp) {
		c->next = NULL;
		*rampt = c;
		rampt = &c->next;
		yield_(c);
	}
	nramp++;
}

static struct conn *readyq[65536];
static int nready;

static void ramp_leave(void)
{
	nramp--;
	if (rampq && nready < 65536) {
		struct conn *c = rampq;
		rampq = c->next;
		if (!rampq)
			rampt = &rampq;
		readyq[nready++] = c;
	}
}

static int start_tls(struct conn *c)
{
	c->ssl = SSL_new(sslctx);
	SSL_set_fd(c->ssl, c->fd);
	if (o_reuse && saved_session)
		SSL_set_session(c->ssl, saved_session);
	for (;;) {
		ERR_clear_error();
		int r = SSL_connect(c->ssl);
		if (r == 1)
			break;
		int e = SSL_get_error(c->ssl, r);
		if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
			fail("tls handshake: %d %s", e, ERR_reason_error_string(ERR_peek_error()));
			return -1;
		}
		yield_(c);
	}
	handshakes++;
	return 0;
}

static int cconnect(struct conn *c)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(o_port)};
	int one = 1;
	inet_pton(AF_INET, o_host, &sa.sin_addr);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fail("socket: %s", strerror(errno));
		return -1;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->rp = c->rl = 0;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
	if (connect(c->fd, (struct sockaddr *)&sa, sizeof sa) < 0 && errno != EINPROGRESS) {
		fail("connect: %s", strerror(errno));
		cclose(c);
		return -1;
	}
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
	for (;;) {
		int e = 0;
		socklen_t l = sizeof e;
		struct sockaddr_in p;
		socklen_t pl = sizeof p;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &l);
		if (e) {
			fail("connect: %s", strerror(e));
			cclose(c);
			return -1;
		}
		if (getpeername(c->fd, (struct sockaddr *)&p, &pl) == 0)
			break;
		yield_(c);
	}
	if (o_tls == 1 && start_tls(c) < 0) {
		cclose(c);
		return -1;
	}
	return 0;
}

static void b64(char *out, const char *in, int n)
{
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)in, n);
}

/* ---------------------------------------------------------------- SMTP -- */

static int smtp_reply(struct conn *c, char want)
{
	char l[1024];
	do {
		if (getl(c, l, sizeof l) < 0) {
			fail("smtp: connection lost");
			return -1;
		}
	} while (strlen(l) > 3 && l[3] == '-');
	if (l[0] != want) {
		fail("smtp: wanted %cxx, got %s", want, l);
		return -1;
	}
	return 0;
}

static int smtp_open(struct conn *c, long user)
{
	if (cconnect(c) < 0)
		return -1;
	if (smtp_reply(c, '2') < 0 || putf(c, "%s client.test\r\n", o_lmtp ? "LHLO" : "EHLO") < 0 ||
	    smtp_reply(c, '2') < 0)
		goto bad;
	if (o_tls == 2) {
		if (putf(c, "STARTTLS\r\n") < 0 || smtp_reply(c, '2') < 0 || start_tls(c) < 0 ||
		    putf(c, "EHLO client.test\r\n") < 0 || smtp_reply(c, '2') < 0)
			goto bad;
	}
	if (o_auth) {
		char u[128], raw[300], enc[500];
		snprintf(u, sizeof u, o_user, (int)(o_firstuser + user % o_users));
		int n = sprintf(raw, "%c%s%c%s", 0, u, 0, o_pass);
		n = 1 + strlen(u) + 1 + strlen(o_pass);
		b64(enc, raw, n);
		if (putf(c, "AUTH PLAIN %s\r\n", enc) < 0 || smtp_reply(c, '2') < 0)
			goto bad;
	}
	return 0;
bad:
	cclose(c);
	return -1;
}

static void rcpt_name(char *b, size_t n, long msg, int k)
{
	/* user number, then domain number when -D is given */
	long seq = msg * o_rcpts + k;
	if (o_doms)
		snprintf(b, n, o_rcpt, (int)(o_firstuser + seq % o_users), (int)(seq % o_doms));
	else
		snprintf(b, n, o_rcpt, (int)(o_firstuser + seq % o_users));
}

static long runid;

static int smtp_send(struct conn *c, long msg)
{
	char h[1024], r[256];
	int i, n;
	if (o_pipeline) {
		char *b = malloc(512 + o_rcpts * 128);
		n = sprintf(b, "MAIL FROM:<%s>\r\n", o_from);
		for (i = 0; i < o_rcpts; i++) {
			rcpt_name(r, sizeof r, msg, i);
			n += sprintf(b + n, "RCPT TO:<%s>\r\n", r);
		}
		n += sprintf(b + n, "DATA\r\n");
		i = put(c, b, n);
		free(b);
		if (i < 0)
			return -1;
		for (i = 0; i < o_rcpts + 1; i++)
			if (smtp_reply(c, '2') < 0)
				return -1;
	} else {
		if (putf(c, "MAIL FROM:<%s>\r\n", o_from) < 0 || smtp_reply(c, '2') < 0)
			return -1;
		for (i = 0; i < o_rcpts; i++) {
			rcpt_name(r, sizeof r, msg, i);
			if (putf(c, "RCPT TO:<%s>\r\n", r) < 0 || smtp_reply(c, '2') < 0)
				return -1;
		}
		if (putf(c, "DATA\r\n") < 0)
			return -1;
	}
	if (smtp_reply(c, '3') < 0)
		return -1;
	rcpt_name(r, sizeof r, msg, 0);
	n = snprintf(h, sizeof h,
		     "From: Load Generator <%s>\r\nTo: <%s>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n"
		     "Message-ID: <%lx.%ld@client.test>\r\nSubject: load test message %ld\r\n"
		     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
		     o_from, r, runid, msg, msg);
	int bl = o_size - n;
	if (bl < 2)
		bl = 2;
	/* header, body and the final dot in one buffer when small: one segment train */
	if (n + bl + 5 <= 60000) {
		char *m = malloc(n + bl + 8);
		memcpy(m, h, n);
		memcpy(m + n, body, bl);
		memcpy(m + n + bl - 2, "\r\n.\r\n", 5);
		i = put(c, m, n + bl + 3);
		free(m);
		if (i < 0)
			return -1;
	} else if (put(c, h, n) < 0 || put(c, body, bl - 2) < 0 || put(c, "\r\n.\r\n", 5) < 0)
		return -1;
	for (i = 0; i < (o_lmtp ? o_rcpts : 1); i++)
		if (smtp_reply(c, '2') < 0)
			return -1;
	return 0;
}

static void smtp_run(struct conn *c)
{
	int open_ = 0;
	while (!stop) {
		long t = tickets;
		if (t >= o_total)
			break;
		tickets++;
		double t0 = now();
		if (!open_) {
			if (smtp_open(c, t) < 0)
				continue;
			open_ = 1;
		}
		if (smtp_send(c, t) < 0) {
			cclose(c);
			open_ = 0;
			continue;
		}
		done_ops++;
		addlat(now() - t0);
		t_end = now();
		if (!o_persist) {
			if (putf(c, "QUIT\r\n") == 0)
				smtp_reply(c, '2');
			cclose(c);
			open_ = 0;
		}
	}
	if (open_) {
		if (putf(c, "QUIT\r\n") == 0)
			smtp_reply(c, '2');
		cclose(c);
	}
}

/* ---------------------------------------------------------------- IMAP -- */

static int imap_wait(struct conn *c, const char *tag)
{
	char l[2048];
	size_t tl = strlen(tag);
	c->untagged = 0;
	for (;;) {
		int n = getl(c, l, sizeof l);
		if (n < 0) {
			fail("imap: connection lost");
			return -1;
		}
		if (!strncmp(l, tag, tl) && l[tl] == ' ') {
			if (!strncmp(l + tl + 1, "OK", 2))
				return 0;
			fail("imap: %s", l);
			return -1;
		}
		if (l[0] == '+')
			return 1;
		if (l[0] == '*')
			c->untagged++, untagged_total++;
		while (n > 2 && l[n - 1] == '}') {
			char *p = strrchr(l, '{');
			if (!p || skip(c, strtoul(p + 1, NULL, 10)) < 0)
				return -1;
			n = getl(c, l, sizeof l);
			if (n < 0)
				return -1;
		}
	}
}

static int imap_cmd(struct conn *c, const char *fmt, ...)
{
	char b[4096], tag[16];
	va_list ap;
	int n = sprintf(tag, "a%d", ++c->tag);
	memcpy(b, tag, n);
	b[n++] = ' ';
	va_start(ap, fmt);
	n += vsnprintf(b + n, sizeof b - n - 2, fmt, ap);
	va_end(ap);
	b[n++] = '\r';
	b[n++] = '\n';
	if (put(c, b, n) < 0) {
		fail("imap: write");
		return -1;
	}
	return imap_wait(c, tag);
}

static int imap_open(struct conn *c, long user)
{
	char l[1024], u[128];
	if (cconnect(c) < 0)
		return -1;
	if (getl(c, l, sizeof l) < 0) {
		fail("imap: no greeting");
		goto bad;
	}
	if (o_tls == 2 && (imap_cmd(c, "STARTTLS") != 0 || start_tls(c) < 0))
		goto bad;
	snprintf(u, sizeof u, o_user, (int)(o_firstuser + user % o_users));
	if (imap_cmd(c, "LOGIN %s %s", u, o_pass) != 0)
		goto bad;
	return 0;
bad:
	cclose(c);
	return -1;
}

/* login, select, the -x commands, logout; one ticket is one session */
static void imap_session(struct conn *c)
{
	while (!stop) {
		long t = tickets;
		if (t >= o_total)
			break;
		tickets++;
		double t0 = now();
		int ok = 1;
		if (imap_open(c, t) < 0)
			continue;
		if (*o_mailbox && imap_cmd(c, "SELECT %s", o_mailbox) != 0)
			ok = 0;
		for (int i = 0; ok && i < o_ncmds; i++)
			if (imap_cmd(c, "%s", o_cmds[i]) != 0)
				ok = 0;
		if (ok && imap_cmd(c, "LOGOUT") == 0) {
			done_ops++;
			addlat(now() - t0);
			t_end = now();
		}
		cclose(c);
	}
}

static double cmdtime[64];
static long cmdn[64];
static unsigned long long cmdbytes[64], cmdlines[64];

/* login once, then every -x command o_repeat times, each timed by itself */
static void imap_cmds(struct conn *c)
{
	if (imap_open(c, c->id) < 0)
		return;
	for (int r = 0; r < o_repeat && !stop; r++)
		for (int i = 0; i < o_ncmds; i++) {
			double t0 = now();
			unsigned long long g = c->got;
			char one[4096];
			/* "%n" in a command is the running ticket number, 1-based, modulo -m */
			const char *pc = strstr(o_cmds[i], "%n");
			if (pc)
				snprintf(one, sizeof one, "%.*s%ld%s", (int)(pc - o_cmds[i]), o_cmds[i],
					 1 + (long)r % o_msgs, pc + 2);
			if (imap_cmd(c, "%s", pc ? one : o_cmds[i]) != 0) {
				cclose(c);
				return;
			}
			double d = now() - t0;
			cmdtime[i] += d;
			cmdn[i]++;
			cmdbytes[i] += c->got - g;
			cmdlines[i] += c->untagged;
			done_ops++;
			addlat(d);
			t_end = now();
		}
	imap_cmd(c, "LOGOUT");
	cclose(c);
}

static void imap_append(struct conn *c)
{
	char h[1024], tag[16];
	if (imap_open(c, c->id) < 0)
		return;
	while (!stop) {
		long t = tickets;
		if (t >= o_total)
			break;
		tickets++;
		int n = snprintf(h, sizeof h,
				 "From: Load <%s>\r\nTo: <x@example.test>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n"
				 "Message-ID: <%lx.%ld@append.test>\r\nSubject: append %ld\r\nMIME-Version: 1.0\r\n"
				 "Content-Type: text/plain; charset=us-ascii\r\n\r\n", o_from, runid, t, t);
		int bl = o_size - n;
		if (bl < 2)
			bl = 2;
		char *m = malloc(n + bl + 128);
		sprintf(tag, "a%d", ++c->tag);
		int k = sprintf(m, "%s APPEND %s (\\Seen) {%d+}\r\n", tag, o_mailbox, n + bl);
		memcpy(m + k, h, n);
		memcpy(m + k + n, body, bl);
		memcpy(m + k + n + bl - 2, "\r\n\r\n", 4);
		double t0 = now();
		int r = put(c, m, k + n + bl + 2);
		free(m);
		if (r < 0 || imap_wait(c, tag) != 0)
			break;
		done_ops++;
		addlat(now() - t0);
		t_end = now();
	}
	imap_cmd(c, "LOGOUT");
	cclose(c);
}

/* IDLE: hold all connections; after MARK on stdin, wait for EXISTS on every one */
static int nidle, nnotified, nfailed;
static double t_mark;

static void imap_idle(struct conn *c)
{
	char l[1024];
	ramp_enter(c);
	if (imap_open(c, c->id) < 0 || imap_cmd(c, "SELECT %s", o_mailbox) != 0 || imap_cmd(c, "IDLE") != 1) {
		ramp_leave();
		nfailed++;
		return;
	}
	ramp_leave();
	nidle++;
	for (;;) {
		if (getl(c, l, sizeof l) < 0) {
			fail("idle: connection lost");
			return;
		}
		size_t n = strlen(l);
		if (t_mark && l[0] == '*' && n > 7 && !strcmp(l + n - 7, " EXISTS") && c->mark != t_mark) {
			c->mark = t_mark;
			addlat(now() - t_mark);
			t_end = now();
			nnotified++;
		}
	}
}

/* ---------------------------------------------------------------- POP3 -- */

static int pop_reply(struct conn *c, int multi)
{
	char l[2048];
	if (getl(c, l, sizeof l) < 0 || l[0] != '+') {
		fail("pop3: %s", l);
		return -1;
	}
	if (multi)
		do {
			if (getl(c, l, sizeof l) < 0) {
				fail("pop3: connection lost");
				return -1;
			}
		} while (strcmp(l, "."));
	return 0;
}

static void pop3_run(struct conn *c)
{
	char l[1024], u[128];
	while (!stop) {
		long t = tickets;
		if (t >= o_total)
			break;
		tickets++;
		double t0 = now();
		long n = 0;
		if (cconnect(c) < 0)
			continue;
		if (pop_reply(c, 0) < 0)
			goto bad;
		if (o_tls == 2 && (putf(c, "STLS\r\n") < 0 || pop_reply(c, 0) < 0 || start_tls(c) < 0))
			goto bad;
		snprintf(u, sizeof u, o_user, (int)(o_firstuser + t % o_users));
		if (putf(c, "USER %s\r\n", u) < 0 || pop_reply(c, 0) < 0 || putf(c, "PASS %s\r\n", o_pass) < 0 ||
		    pop_reply(c, 0) < 0 || putf(c, "STAT\r\n") < 0 || getl(c, l, sizeof l) < 0 || l[0] != '+') {
			fail("pop3: login/STAT");
			goto bad;
		}
		n = strtol(l + 4, NULL, 10);
		if (putf(c, "UIDL\r\n") < 0 || pop_reply(c, 1) < 0)
			goto bad;
		if (o_msgs >= 0 && o_msgs < n && o_msgs != 1)
			n = o_msgs;
		if (o_msgs == 0)
			n = 0;
		if (o_pipeline) {
			long s = 1, r = 1;
			while (r <= n) {
				while (s <= n && s - r < 50)
					if (putf(c, "RETR %ld\r\n", s++) < 0)
						goto bad;
				if (pop_reply(c, 1) < 0)
					goto bad;
				r++;
			}
		} else
			for (long i = 1; i <= n; i++)
				if (putf(c, "RETR %ld\r\n", i) < 0 || pop_reply(c, 1) < 0)
					goto bad;
		if (o_dele)
			for (long i = 1; i <= n; i++)
				if (putf(c, "DELE %ld\r\n", i) < 0 || pop_reply(c, 0) < 0)
					goto bad;
		if (putf(c, "QUIT\r\n") < 0 || pop_reply(c, 0) < 0)
			goto bad;
		untagged_total += n;
		done_ops++;
		addlat(now() - t0);
		t_end = now();
	bad:
		cclose(c);
	}
}

/* ---------------------------------------------------------------- sink -- */

static long sink_msgs, sink_rcpts, sink_conns, sink_open, sink_peak;
static double sink_first, sink_last;

static void sink_conn(struct conn *c)
{
	char l[4096], out[8192];
	int on = 0, data = 0, rcpts = 0;
	sink_conns++;
	if (++sink_open > sink_peak)
		sink_peak = sink_open;
	if (putf(c, "220 sink.test ESMTP\r\n") < 0)
		goto end;
	for (;;) {
		if (c->rp == c->rl) {
			if (on && put(c, out, on) < 0)
				break;
			on = 0;
		}
		int n = getl(c, l, sizeof l);
		if (n < 0)
			break;
		if (data) {
			if (n == 1 && l[0] == '.') {
				data = 0;
				sink_msgs++;
				sink_rcpts += rcpts;
				rcpts = 0;
				sink_last = now();
				if (!sink_first)
					sink_first = sink_last;
				on += sprintf(out + on, "250 2.0.0 Ok\r\n");
				if (sink_rcpts >= o_total * o_rcpts)
					stop = 2;
			}
			continue;
		}
		if (!strncasecmp(l, "EHLO", 4) || !strncasecmp(l, "LHLO", 4))
			on += sprintf(out + on, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 104857600\r\n");
		else if (!strncasecmp(l, "DATA", 4)) {
			data = 1;
			on += sprintf(out + on, "354 go\r\n");
		} else if (!strncasecmp(l, "QUIT", 4)) {
			on += sprintf(out + on, "221 2.0.0 Bye\r\n");
			put(c, out, on);
			on = 0;
			break;
		} else {
			if (!strncasecmp(l, "RCPT", 4))
				rcpts++;
			on += sprintf(out + on, "250 2.1.0 Ok\r\n");
		}
		if (on > 4096) {
			if (put(c, out, on) < 0)
				break;
			on = 0;
		}
	}
end:
	sink_open--;
	cclose(c);
}

/* ---------------------------------------------------------------- main -- */

static void tramp(unsigned lo, unsigned hi)
{
	struct conn *c = (struct conn *)(((uintptr_t)hi << 32) | lo);
	c->fn(c);
	c->live = 0;
	nlive--;
	for (;;)
		swapcontext(&c->ctx, &mainctx);
}

static void spawn(struct conn *c, void (*fn)(struct conn *))
{
	c->fn = fn;
	c->live = 1;
	nlive++;
	if (!c->stack)
		c->stack = malloc(STACK);
	if (!c->rb)
		c->rb = malloc(RBUF);
	getcontext(&c->ctx);
	c->ctx.uc_stack.ss_sp = c->stack;
	c->ctx.uc_stack.ss_size = STACK;
	c->ctx.uc_link = NULL;
	makecontext(&c->ctx, (void (*)(void))tramp, 2, (unsigned)(uintptr_t)c, (unsigned)((uintptr_t)c >> 32));
	swapcontext(&mainctx, &c->ctx);
}

static int cmpd(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double pct(double p)
{
	if (!nlat)
		return 0;
	long i = (long)(p * nlat);
	return lat[i >= nlat ? nlat - 1 : i] * 1e3;
}

static void jstr(const char *s)
{
	putchar('"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s >= 32)
			putchar(*s);
	putchar('"');
}

static void report(int timeout)
{
	struct rusage ru;
	getrusage(RUSAGE_SELF, &ru);
	double el = (t_end ? t_end : now()) - t_start;
	qsort(lat, nlat, sizeof *lat, cmpd);
	printf("{\"mode\":\"%s\",\"ops\":%ld,\"errors\":%ld,\"seconds\":%.6f,\"rate\":%.2f,\"bytes_in\":%llu,\"bytes_out\":%llu,"
	       "\"untagged\":%llu,\"handshakes\":%ld,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
	       "\"gen_cpu\":%.3f,\"timeout\":%d",
	       o_mode, done_ops, errors, el, el > 0 ? done_ops / el : 0, bytes_in, bytes_out, untagged_total, handshakes,
	       pct(.5), pct(.9), pct(.99), pct(1), ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
	       (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6, timeout);
	if (!strcmp(o_mode, "idle"))
		printf(",\"idle\":%d,\"notified\":%d,\"failed\":%d", nidle, nnotified, nfailed);
	if (!strcmp(o_mode, "sink"))
		printf(",\"messages\":%ld,\"rcpts\":%ld,\"conns\":%ld,\"peak_conns\":%ld,\"first\":%.6f,\"last\":%.6f", sink_msgs,
		       sink_rcpts, sink_conns, sink_peak, sink_first, sink_last);
	if (!strcmp(o_mode, "imap-cmd")) {
		printf(",\"cmds\":[");
		for (int i = 0; i < o_ncmds; i++)
			printf("%s{\"n\":%ld,\"mean_s\":%.6f,\"bytes\":%llu,\"untagged\":%llu}", i ? "," : "", cmdn[i],
			       cmdn[i] ? cmdtime[i] / cmdn[i] : 0, cmdn[i] ? cmdbytes[i] / cmdn[i] : 0,
			       cmdn[i] ? cmdlines[i] / cmdn[i] : 0);
		printf("]");
	}
	printf(",\"last_error\":");
	jstr(lasterr);
	printf("}\n");
	fflush(stdout);
}

static void usage(void)
{
	fprintf(stderr,
		"mailload smtp|imap-session|imap-cmd|append|idle|pop3|sink [options]\n"
		" -H host -p port -c connections -n operations -T timeout_s -t plain|tls|starttls\n"
		" smtp: -s size -r rcpts -R rcpt_template -U users -D domains -a(auth) -1(new connection per message)\n"
		"       -L(lmtp) -P(pipeline)\n"
		" imap: -u user_template -w password -U users -b mailbox -x COMMAND (repeatable) -k repeats -m modulus\n"
		" pop3: -m retr_count(1=all) -d(dele) -P(pipeline)\n");
	exit(2);
}

int main(int argc, char **argv)
{
	int o, lsock = -1, timeout = 0;
	if (argc < 2)
		usage();
	o_mode = argv[1];
	argv++;
	argc--;
	while ((o = getopt(argc, argv, "H:p:c:n:s:r:R:U:D:t:a1LPu:w:b:x:k:T:m:dF:q:SO:")) != -1)
		switch (o) {
		case 'H': o_host = optarg; break;
		case 'p': o_port = atoi(optarg); break;
		case 'c': o_conns = atoi(optarg); break;
		case 'n': o_total = atol(optarg); break;
		case 's': o_size = atoi(optarg); break;
		case 'r': o_rcpts = atoi(optarg); break;
		case 'R': o_rcpt = optarg; break;
		case 'U': o_users = atoi(optarg); break;
		case 'D': o_doms = atoi(optarg); break;
		case 't': o_tls = !strcmp(optarg, "tls") ? 1 : !strcmp(optarg, "starttls") ? 2 : 0; break;
		case 'a': o_auth = 1; break;
		case '1': o_persist = 0; break;
		case 'L': o_lmtp = 1; break;
		case 'P': o_pipeline = 1; break;
		case 'u': o_user = optarg; break;
		case 'w': o_pass = optarg; break;
		case 'b': o_mailbox = optarg; break;
		case 'x': if (o_ncmds < 64) o_cmds[o_ncmds++] = optarg; break;
		case 'k': o_repeat = atoi(optarg); break;
		case 'T': o_timeout = atof(optarg); break;
		case 'm': o_msgs = atoi(optarg); break;
		case 'd': o_dele = 1; break;
		case 'F': o_from = optarg; break;
		case 'q': o_ramp = atoi(optarg); break;
		case 'S': o_reuse = 1; break;
		case 'O': o_firstuser = atoi(optarg); break;
		default: usage();
		}
	signal(SIGPIPE, SIG_IGN);
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	runid = (long)time(NULL) << 16 ^ getpid();
	if (o_tls) {
		sslctx = SSL_CTX_new(TLS_client_method());
		SSL_CTX_set_verify(sslctx, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_session_cache_mode(sslctx, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_mode(sslctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	body = malloc(o_size + 128);
	uint32_t x = 12345;
	for (int i = 0; i < o_size + 100;) {
		for (int k = 0; k < 74 && i < o_size + 100; k++) {
			x = x * 1664525u + 1013904223u;
			body[i++] = k % 7 == 6 ? ' ' : 'a' + (x >> 24) % 26;
		}
		body[i++] = '\r';
		body[i++] = '\n';
	}
	ep = epoll_create1(EPOLL_CLOEXEC);
	void (*fn)(struct conn *) = NULL;
	if (!strcmp(o_mode, "smtp")) fn = smtp_run;
	else if (!strcmp(o_mode, "imap-session")) fn = imap_session;
	else if (!strcmp(o_mode, "imap-cmd")) fn = imap_cmds;
	else if (!strcmp(o_mode, "append")) fn = imap_append;
	else if (!strcmp(o_mode, "idle")) fn = imap_idle;
	else if (!strcmp(o_mode, "pop3")) fn = pop3_run;
	else if (strcmp(o_mode, "sink")) usage();

	int nc = fn ? o_conns : 4096;
	conns = calloc(nc, sizeof *conns);
	for (int i = 0; i < nc; i++) {
		conns[i].id = i;
		conns[i].fd = -1;
		conns[i].mark = 0;
	}
	if (!fn) {
		struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(o_port)};
		int one = 1;
		lsock = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		setsockopt(lsock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		/* all of 127/8 answers, nothing off the loopback: see the check in accept */
		sa.sin_addr.s_addr = htonl(INADDR_ANY);
		if (bind(lsock, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(lsock, 4096) < 0) {
			perror("sink");
			return 1;
		}
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
		epoll_ctl(ep, EPOLL_CTL_ADD, lsock, &ev);
		printf("READY\n");
		fflush(stdout);
	}
	if (fn == imap_idle) {
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
		fcntl(0, F_SETFL, O_NONBLOCK);
		epoll_ctl(ep, EPOLL_CTL_ADD, 0, &ev);
	}
	t_start = now();
	if (fn)
		for (int i = 0; i < nc; i++)
			spawn(&conns[i], fn);
	int said_ready = 0;
	static char line[256];
	while ((fn ? nlive > 0 : 1) && !(stop == 1)) {
		struct epoll_event ev[256];
		double left = o_timeout - (now() - t_start);
		if (left <= 0) {
			timeout = 1;
			break;
		}
		if (!fn && stop == 2 && (sink_open == 0 || now() - sink_last > 0.5))
			break;
		if (fn == imap_idle && !said_ready && nidle + nfailed == nc) {
			said_ready = 1;
			printf("READY %d %d %.3f %s\n", nidle, nfailed, now() - t_start, lasterr);
			fflush(stdout);
		}
		int n = epoll_wait(ep, ev, 256, left > .2 ? 200 : (int)(left * 1000) + 1);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			if (c) {
				if (c->live)
					swapcontext(&mainctx, &c->ctx);
				continue;
			}
			if (lsock >= 0) {
				for (;;) {
					struct sockaddr_in p;
					socklen_t pl = sizeof p;
					int fd = accept4(lsock, (struct sockaddr *)&p, &pl, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
					if (fd < 0)
						break;
					if ((ntohl(p.sin_addr.s_addr) >> 24) != 127) {
						close(fd);
						continue;
					}
					int k;
					for (k = 0; k < nc && conns[k].live; k++)
						;
					if (k == nc) {
						close(fd);
						continue;
					}
					setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
					conns[k].fd = fd;
					conns[k].rp = conns[k].rl = 0;
					struct epoll_event e2 = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &conns[k]};
					epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e2);
					spawn(&conns[k], sink_conn);
				}
			} else {
				ssize_t k = read(0, line, sizeof line - 1);
				if (k <= 0)
					goto out;
				line[k] = 0;
				if (strstr(line, "MARK")) {
					t_mark = now();
					nnotified = 0;
					nlat = 0;
				}
				if (strstr(line, "QUIT"))
					goto out;
			}
		}
		while (nready) {
			struct conn *c = readyq[--nready];
			swapcontext(&mainctx, &c->ctx);
		}
		if (fn == imap_idle && t_mark && nidle && nnotified >= nidle) {
			qsort(lat, nlat, sizeof *lat, cmpd);
			printf("NOTIFIED %d %.3f %.3f %.3f\n", nnotified, pct(.5), pct(.99), pct(1));
			fflush(stdout);
			t_mark = 0;
		}
	}
out:
	report(timeout);
	return 0;
}
