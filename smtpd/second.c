/* SPDX-License-Identifier: ISC */
/*
 * smtpd/second.c - libspf2, where it can do no harm.
 *
 * Debian's libspf2 writes past its buffers on some records and aborts.  So it
 * runs in a process of its own, forked before the cage is locked and locked
 * into the same one, which has one end of a socket pair and nothing else.  It
 * is told the client and all that the DNS said to our evaluator, and says a
 * verdict; nobody waits for it.  If it dies there is no second opinion until
 * checkd begins anew, which is counted and logged.
 *
 * What it is told is guarded as well: only records that our strict grammar
 * takes, of at most 450 printable octets, without their exp=, and no other
 * TXT.  It asks nothing: what it wants to know and ours did not makes the two
 * incomparable.  Its "invalid" is an error (an unwary caller takes it for
 * none), and it counts no void look-ups: so ours being permerror is not
 * compared either.  `spf engine unguarded' shows it all: then a sender can
 * end it at will, and nothing but it.
 */
#include "smtpd/second.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "daemon/cage.h"
#include "daemon/daemon.h"
#include "event/loop.h"

#include "base/banned.h"

enum { RECORD_MAX = 450, ANSWER_MAX = 1024, QUESTION_MAX = 64 * 1024 };

static struct {
	int		fd;		/* -1: there is none */
	bool		is_guarded;
	struct watch	watch;
	uint64_t	asked, agreed, differed, skipped, died;
} second = { .fd = -1 };

/* --- what crosses the socket pair: lengths and octets -------------------- */

static void
put(struct buf *b, struct str s)
{
	buf_u32le(b, (uint32_t)s.n);
	buf_add(b, s);
}

static uint32_t
take_u32(struct str *s)
{
	uint32_t v = s->n >= 4 ? num_get32le(s->p) : 0;

	*s = str_from(*s, 4);
	return v;
}

static struct str
take(struct str *s)
{
	size_t n = take_u32(s);
	struct str v = str_sub(*s, 0, n);

	*s = str_from(*s, v.n);
	return v;
}

static ssize_t
receive(int fd, uint8_t *p, size_t n, int flags)
{
	struct iovec v = { .iov_base = p, .iov_len = n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return recvmsg(fd, &m, flags);
}

static bool
say(int fd, struct str s, int flags)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)s.p,
	    .iov_len = s.n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return sendmsg(fd, &m, flags | MSG_NOSIGNAL) == (ssize_t)s.n;
}

/* --- the helper ---------------------------------------------------------- */

static struct {
	struct str	answers;	/* to what ours asked */
	bool		is_missing;	/* it wanted to know more than that */
	SPF_dns_server_t dns;
	SPF_server_t	*server;
} helper;

static bool
find(const char *name, uint32_t type, uint32_t *how, uint32_t *rows,
    struct str *data)
{
	struct str in = helper.answers, n, want = str_of(name);
	uint32_t t;

	if (str_ends(want, "."))
		want.n--;
	while (in.n > 0) {
		n = take(&in);
		t = take_u32(&in);
		*how = take_u32(&in);
		*rows = take_u32(&in);
		*data = in;
		if (t == type && str_ieq(n, want))
			return true;
		for (uint32_t i = 0; i < *rows && in.n > 0; i++)
			(void)take(&in);
	}
	return false;
}

static void
fill(SPF_dns_rr_t *rr, uint32_t rows, struct str in)
{
	for (uint32_t i = 0; i < rows && in.n > 0; i++) {
		struct str d = take(&in);

		if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, d.n + 1) !=
		    SPF_E_SUCCESS)
			return;
		if (d.n > 0)
			memcpy(rr->rr[rr->num_rr], d.p, d.n);
		((char *)rr->rr[rr->num_rr])[d.n] = '\0';
		rr->num_rr++;
	}
}

static SPF_dns_rr_t *
look_up(SPF_dns_server_t *dns, const char *name, ns_type type, int cache)
{
	uint32_t how = SPF_VOID, rows = 0;
	struct str data = STR("");
	SPF_dns_rr_t *rr;

	(void)cache;
	if (!find(name, (uint32_t)type, &how, &rows, &data) &&
	    (type == ns_t_a || type == ns_t_aaaa || type == ns_t_mx ||
	    type == ns_t_txt || type == ns_t_ptr))
		helper.is_missing = true;
	rr = SPF_dns_rr_new_init(dns, name, type, 0, how == SPF_FOUND ?
	    NETDB_SUCCESS : how == SPF_LATER ? TRY_AGAIN : HOST_NOT_FOUND);
	if (rr != NULL && how == SPF_FOUND)
		fill(rr, rows, data);
	return rr;
}

static enum spf_result
result_of(SPF_errcode_t rc, SPF_response_t *r)
{
	static const enum spf_result results[] = {
		[SPF_RESULT_INVALID] = SPF_PERMERROR,
		[SPF_RESULT_NEUTRAL] = SPF_NEUTRAL,
		[SPF_RESULT_PASS] = SPF_PASS, [SPF_RESULT_FAIL] = SPF_FAIL,
		[SPF_RESULT_SOFTFAIL] = SPF_SOFTFAIL,
		[SPF_RESULT_NONE] = SPF_NONE,
		[SPF_RESULT_TEMPERROR] = SPF_TEMPERROR,
		[SPF_RESULT_PERMERROR] = SPF_PERMERROR,
	};
	unsigned n = r == NULL ? SPF_RESULT_INVALID :
	    (unsigned)SPF_response_result(r);

	if (rc == SPF_E_DNS_ERROR)
		return SPF_TEMPERROR;
	return n < NITEMS(results) ? results[n] : SPF_PERMERROR;
}

static enum spf_result
opinion(const char *peer, const char *helo, const char *mail)
{
	SPF_request_t *q = SPF_request_new(helper.server);
	SPF_response_t *r = NULL;
	enum spf_result result;
	SPF_errcode_t rc;

	if (strchr(peer, ':') != NULL)
		(void)SPF_request_set_ipv6_str(q, peer);
	else
		(void)SPF_request_set_ipv4_str(q, peer);
	(void)SPF_request_set_helo_dom(q, helo);
	if (mail[0] != '\0')
		(void)SPF_request_set_env_from(q, mail);
	rc = SPF_request_query_mailfrom(q, &r);
	result = result_of(rc, r);
	if (r != NULL)
		SPF_response_free(r);
	SPF_request_free(q);
	return result;
}

static void
answer(int fd, struct str in)
{
	struct buf out;
	struct str tag = take(&in), ours = take(&in), s;
	char *z[3];
	uint32_t r;

	for (int i = 0; i < 3; i++) {
		s = take(&in);
		z[i] = xmemdupz(s.p, s.n);
	}
	helper.answers = in;
	helper.is_missing = false;
	r = (uint32_t)opinion(z[0], z[1], z[2]);
	buf_init(&out, ANSWER_MAX);
	buf_u32le(&out, helper.is_missing ? UINT32_MAX : r);
	put(&out, ours);
	put(&out, tag);
	(void)say(fd, buf_str(&out), 0);
	buf_free(&out);
	for (int i = 0; i < 3; i++)
		free(z[i]);
}

NORETURN static void
help(int fd)
{
	static uint8_t question[QUESTION_MAX];
	struct cage_plan plan = { .cage = CAGE_CPU, .is_optional = true };
	const char *missing = "";
	struct why why;
	ssize_t n;

	log_set_sink(NULL, NULL);
	helper.dns = (SPF_dns_server_t){ .lookup = look_up, .name = "told" };
	/* asks for the name of this host, which the cage forbids */
	helper.server = SPF_server_new_dns(&helper.dns, 0);
	(void)SPF_server_set_rec_dom(helper.server, "receiver.invalid");
	if (dup2(fd, 3) != 3 || close_range(4, ~0u, 0) != 0 ||
	    cage_lock(&plan, &missing, &why) != 0)
		_exit(1);
	while ((n = receive(3, question, sizeof(question), 0)) > 0)
		answer(3, str_mem(question, (size_t)n));
	_exit(0);
}

/* --- checkd's side ------------------------------------------------------- */

bool
second_wanted(void)
{
	return second.fd >= 0;
}

void
second_fork(void)
{
	int end[2];
	pid_t pid;

	if (str_same(daemon_conf()->check.engine, "own"))
		return;
	second.is_guarded = str_same(daemon_conf()->check.engine, "both");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) != 0)
		return;
	pid = fork();
	if (pid == 0)
		help(end[1]);
	(void)close(end[1]);
	second.fd = end[0];
	if (pid < 0)
		fd_close(&second.fd);
}

static void
gone(void)
{
	second.died++;
	loop_unwatch(&second.watch);
	fd_close(&second.fd);
	log_say(LOG_LEVEL_WARN, "spf-second-gone", "the process with libspf2 "
	    "has died; our verdicts go on alone");
}

static void
compare(struct str in)
{
	uint32_t theirs = take_u32(&in);
	struct str ours = take(&in), tag = take(&in);

	if (theirs > SPF_PERMERROR) {
		second.skipped++;
		return;
	}
	if (str_same(ours, spf_result_name((enum spf_result)theirs))) {
		second.agreed++;
		return;
	}
	second.differed++;
	log_event(LOG_LEVEL_INFO, "spf-second-differs");
	log_str("ours", ours);
	log_z("libspf2", spf_result_name((enum spf_result)theirs));
	log_str("asked", tag);
	log_end();
}

static void
on_answer(struct watch *w, unsigned events)
{
	uint8_t p[ANSWER_MAX];
	ssize_t n = receive(w->fd, p, sizeof(p), MSG_DONTWAIT);

	(void)events;
	if (n > 0)
		compare(str_mem(p, (size_t)n));
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		gone();
}

void
second_watch(void)
{
	if (second.fd >= 0)
		loop_watch(&second.watch, second.fd, LOOP_READ, on_answer);
}

void
second_stat(void)
{
	daemon_stat("second-asked", second.asked);
	daemon_stat("second-agreed", second.agreed);
	daemon_stat("second-differed", second.differed);
	daemon_stat("second-skipped", second.skipped);
	daemon_stat("second-died", second.died);
}

void
second_add(struct buf *facts, const struct spf *s, enum spf_answer how,
    size_t rows)
{
	put(facts, str_mem(s->ask, s->ask_n));
	buf_u32le(facts, (uint32_t)s->ask_type);
	buf_u32le(facts, (uint32_t)how);
	buf_u32le(facts, (uint32_t)rows);
}

void
second_row(struct buf *facts, struct str data)
{
	put(facts, data);
}

/* --- the guard ----------------------------------------------------------- */

/* false: libspf2 must not see it. */
static bool
put_record(struct buf *out, struct str text)
{
	struct str terms, redirect, exp;
	struct spf_term t;
	struct buf b;

	if (text.n > RECORD_MAX || !str_is_print(text) || spf_record_parse(
	    text, &terms, &redirect, &exp, NULL) != 0)
		return false;
	buf_init(&b, RECORD_MAX + 1);
	buf_z(&b, "v=spf1");
	while (spf_term_next(&terms, &t) == 1)
		if (t.what != SPF_EXP && t.what != SPF_OTHER) {
			buf_c(&b, ' ');
			buf_add(&b, t.text);
		}
	put(out, buf_str(&b));
	buf_free(&b);
	return true;
}

/* An answer's rows as they may be seen: of TXT only SPF records. */
static bool
put_rows(struct buf *out, struct str *in, uint32_t type, uint32_t rows)
{
	struct buf b;
	uint32_t n = 0;
	bool ok = true;

	buf_init(&b, QUESTION_MAX);
	for (uint32_t i = 0; i < rows && in->n > 0; i++) {
		struct str d = take(in);

		if (type != SPF_TYPE_TXT || !second.is_guarded) {
			put(&b, d);
			ok = ok && (d.n < 256 || !second.is_guarded);
		} else if (spf_is_record(d)) {
			ok = ok && put_record(&b, d);
		} else {
			continue;
		}
		n++;
	}
	buf_u32le(out, n);
	buf_add(out, buf_str(&b));
	ok = ok && !buf_failed(&b);
	buf_free(&b);
	return ok;
}

static bool
put_facts(struct buf *out, struct str in)
{
	while (in.n > 0) {
		struct str name = take(&in);
		uint32_t type = take_u32(&in);

		if (!str_is_print(name))
			return false;
		put(out, name);
		buf_u32le(out, type);
		buf_u32le(out, take_u32(&in));
		if (!put_rows(out, &in, type, take_u32(&in)))
			return false;
	}
	return true;
}

static bool
put_question(struct buf *out, struct str peer, struct str helo,
    struct str mail, const struct spf *ours, const struct buf *facts)
{
	if (!str_is_print(helo) || !str_is_print(mail) || buf_failed(facts) ||
	    ours->result == SPF_PERMERROR)
		return false;
	put(out, mail.n > 0 ? mail : helo);
	put(out, str_of(spf_result_name(ours->result)));
	if (ours->is_ipv4)	/* may have come as a mapped one */
		peer = str_from(peer, str_rchr(peer, ':') < peer.n ?
		    str_rchr(peer, ':') + 1 : 0);
	put(out, peer);
	put(out, helo);
	put(out, mail);
	return put_facts(out, buf_str(facts)) && !buf_failed(out);
}

void
second_ask(struct str peer, struct str helo, struct str mail,
    const struct spf *ours, const struct buf *facts)
{
	struct buf out;

	if (second.fd < 0)
		return;
	buf_init(&out, QUESTION_MAX);
	if (put_question(&out, peer, helo, mail, ours, facts) &&
	    say(second.fd, buf_str(&out), MSG_DONTWAIT))
		second.asked++;
	else
		second.skipped++;
	buf_free(&out);
}
