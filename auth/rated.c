/* SPDX-License-Identifier: ISC */
/*
 * auth/rated.c - the process that counts for all faces: connections, failed
 * logins and lesser faults by address and network; penalties and bans.
 *
 * In: RATE_ASK (may this address come in? how long shall it wait?) and
 * RATE_COUNT of the faces; the operator's look at the bans.  Out: verdicts.
 * It keeps scores and bans in a file, written now and then: losing the last
 * minute of them harms nobody.
 *
 * `trusted' networks and local sockets are never counted.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/count.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "conf/net.h"
#include "daemon/daemon.h"
#include "event/loop.h"

#include "base/banned.h"

#define STATE_FILE	"state"

enum {
	SAVE_MS = 60 * 1000,
	STATE_MAX = 64 * 1024 * 1024,
	/* faults, in thousandths of a failed login */
	UNKNOWN_RCPT_UNITS = 200,
	BAD_COMMAND_UNITS = 100,
};

/* What a worker of a face has let in: taken back when it dies. */
struct inside {
	uint8_t		addr[16];
	uint32_t	n;
};

static struct {
	struct count	count;
	struct timer	save;
	uint64_t	refused, faults;
} rated;

static struct dict *
inside_of(struct chan *c)
{
	if (c->room == NULL) {
		c->room = xcalloc(1, sizeof(struct dict));
		dict_init(c->room);
	}
	return c->room;
}

static void
came_in(struct chan *c, const uint8_t addr[16])
{
	struct dict *d = inside_of(c);
	struct inside *i = dict_get(d, str_mem(addr, 16));

	if (i == NULL) {
		i = xcalloc(1, sizeof(*i));
		memcpy(i->addr, addr, sizeof(i->addr));
		(void)dict_put(d, str_mem(addr, 16), i);
	}
	i->n++;
}

static void
went_out(struct chan *c, const uint8_t addr[16])
{
	struct dict *d = inside_of(c);
	struct inside *i = dict_get(d, str_mem(addr, 16));

	if (i == NULL)
		return;
	count_leave(&rated.count, addr);
	if (--i->n > 0)
		return;
	(void)dict_del(d, str_mem(addr, 16));
	free(i);
}

static void
all_went_out(struct chan *c)
{
	struct dict *d = c->room;
	struct str key;
	void *v;

	if (d == NULL)
		return;
	for (size_t at = 0; dict_next(d, &at, &key, &v);) {
		struct inside *i = v;

		for (; i->n > 0; i->n--)
			count_leave(&rated.count, i->addr);
		free(i);
	}
	dict_free(d);
	free(d);
	c->room = NULL;
}

/* --- faces --------------------------------------------------------------- */

static bool
is_counted(struct str peer, uint8_t addr[16])
{
	return net_addr(peer, addr) &&
	    !net_listed(&daemon_conf()->site.trusted, peer);
}

static void
log_ban(const char *event, struct str peer, struct str service,
    int64_t until_ms)
{
	log_event(LOG_LEVEL_INFO, event);
	log_str("peer", peer);
	log_str("service", service);
	if (until_ms > 0)
		log_i64("seconds", (until_ms - clock_real_ms()) / 1000);
	log_end();
}

static void
refuse(struct note_rate_verdict *v, struct str peer, struct str service,
    int64_t until_ms)
{
	v->result = RATE_REFUSE;
	v->text = until_ms > 0 ? STR("too many failed logins") :
	    STR("too many connections");
	rated.refused++;
	log_ban(until_ms > 0 ? "rate-banned" : "rate-connections", peer,
	    service, until_ms);
}

/* Counts a fault; true when it leads to a ban. */
static bool
fault(const uint8_t addr[16], uint32_t units, uint32_t *delay_ms_out,
    int64_t *until_out)
{
	int64_t now = clock_real_ms();

	rated.faults++;
	*delay_ms_out = count_fault(&rated.count, addr, units, now);
	return count_banned(&rated.count, addr, now, until_out);
}

static void
on_ask(struct chan *c, const struct note *n)
{
	const struct note_rate_ask *a = note_as_rate_ask(n);
	struct note_rate_verdict v = { .result = RATE_OK };
	uint8_t addr[16];
	int64_t until = 0;

	if (!is_counted(a->peer, addr)) {
		note_answer_rate_verdict(c, n->ticket, &v);
		return;
	}
	if (a->what == RATE_CONNECT) {
		if (count_enter(&rated.count, addr, clock_real_ms(), &until))
			came_in(c, addr);
		else
			refuse(&v, a->peer, a->service, until);
	} else if (a->what == RATE_AUTH_FAILED &&
	    fault(addr, COUNT_UNIT, &v.delay_ms, &until))
		refuse(&v, a->peer, a->service, until);
	note_answer_rate_verdict(c, n->ticket, &v);
}

static void
on_count(struct chan *c, const struct note *n)
{
	const struct note_rate_count *k = note_as_rate_count(n);
	uint32_t units = 0, delay_ms;
	uint8_t addr[16];
	int64_t until;

	if (!is_counted(k->peer, addr))
		return;
	switch ((enum rate_what)k->what) {
	case RATE_DISCONNECT:
		went_out(c, addr);
		return;
	case RATE_AUTH_OK:
		count_good(&rated.count, addr, clock_real_ms());
		return;
	case RATE_AUTH_FAILED:
		units = COUNT_UNIT;
		break;
	case RATE_UNKNOWN_RCPT:
		units = UNKNOWN_RCPT_UNITS;
		break;
	case RATE_BAD_COMMAND:
		units = BAD_COMMAND_UNITS;
		break;
	case RATE_CONNECT:
		return;
	}
	if (fault(addr, units, &delay_ms, &until))
		log_ban("rate-banned", k->peer, k->service, until);
}

/* --- the operator -------------------------------------------------------- */

struct listing {
	struct chan	*chan;
	uint32_t	ticket, count;
};

static void
put_row(const struct peer *p, void *arg)
{
	struct listing *l = arg;
	struct note_ban_row row = { .until_ms = p->banned_until_ms,
	    .failures = p->bans };
	struct buf name;

	if (chan_busy(l->chan))
		return;		/* thousands: the count says how many */
	buf_init(&name, 64);
	count_put_peer(&name, p);
	row.peer = buf_str(&name);
	note_answer_ban_row(l->chan, l->ticket, &row);
	buf_free(&name);
	l->count++;
}

static void
on_list(struct chan *c, uint32_t ticket)
{
	struct listing l = { .chan = c, .ticket = ticket };
	struct note_ctl_done done = { .failed = 0 };

	count_each_ban(&rated.count, clock_real_ms(), put_row, &l);
	done.count = l.count;
	note_answer_ctl_done(c, ticket, &done);
}

static void
on_act(struct chan *c, const struct note *n)
{
	const struct note_ban_act *a = note_as_ban_act(n);
	struct note_ctl_done done = { .count = 1 };
	uint8_t addr[16];

	if (!net_addr(a->peer, addr)) {
		done.failed = (uint32_t)-FAIL_SYNTAX;
		done.text = STR("not an address");
	} else if (!count_ban(&rated.count, addr, (int64_t)a->for_s * 1000,
	    clock_real_ms())) {
		done.failed = (uint32_t)-FAIL_GONE;
		done.text = STR("that address is not banned");
	}
	done.count = done.failed == 0;
	note_answer_ctl_done(c, n->ticket, &done);
}

static void
on_note(struct chan *c, const struct note *n)
{
	if (n->kind == NOTE_RATE_ASK)
		on_ask(c, n);
	else if (n->kind == NOTE_RATE_COUNT)
		on_count(c, n);
	else if (n->kind == NOTE_BAN_LIST)
		on_list(c, n->ticket);
	else if (n->kind == NOTE_BAN_ACT)
		on_act(c, n);
}

/* --- state --------------------------------------------------------------- */

static void
save(void)
{
	struct buf b;

	if (!rated.count.is_changed)
		return;
	buf_init(&b, STATE_MAX);
	count_save(&rated.count, clock_real_ms(), &b);
	if (buf_failed(&b) || file_replace(daemon_file("state"), STATE_FILE,
	    buf_str(&b), 0600) != 0)
		log_say(LOG_LEVEL_WARN, "rate-not-saved",
		    "bans of now are forgotten at the next start");
	buf_free(&b);
}

static void
on_save(struct timer *t)
{
	count_sweep(&rated.count, clock_real_ms());
	save();
	timer_set(t, SAVE_MS);
}

static void
load(void)
{
	struct buf b;

	buf_init(&b, STATE_MAX);
	if (file_read_all(daemon_file("state"), STATE_FILE, &b) == 0)
		(void)count_load(&rated.count, buf_str(&b), clock_real_ms());
	buf_free(&b);
}

static void
take_limits(void)
{
	const struct conf *c = daemon_conf();

	rated.count.limits = (struct count_limits){
		.connections = c->rate.connections,
		.failures = c->rate.failures,
		.ban_ms = c->rate.ban, .ban_max_ms = c->rate.ban_max,
	};
}

/* --- the process --------------------------------------------------------- */

static bool
start(void)
{
	const struct count_limits none = { 0 };

	count_init(&rated.count, &none);
	take_limits();
	load();
	timer_init(&rated.save, on_save);
	timer_set(&rated.save, SAVE_MS);
	return true;
}

static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	save();
	daemon_exit();
}

static void
on_stat(void)
{
	daemon_stat("peers", dict_len(&rated.count.peers));
	daemon_stat("refused", rated.refused);
	daemon_stat("faults", rated.faults);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = RATED, .start = start, .on_note = on_note,
		.on_peer_gone = all_went_out, .on_reload = take_limits,
		.on_drain = on_drain, .on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
