/* SPDX-License-Identifier: ISC */
/*
 * auth/rated.c - connections and failures by address and network.
 *
 * Faces ask when a client comes (RATE_ASK: may it, and how long to let it
 * wait) and tell what happened (RATE_COUNT).  Each RATE_CONNECT that was
 * asked is followed by a RATE_DISCONNECT, also when it was refused; what a
 * face that dies held is given back here.  The operator lists, sets and
 * forgets bans through ctld.
 *
 * What matters is written to the file `rated' within seconds and read at
 * the start.  It is not synced: after a power cut a ban may be gone, which
 * is not worth a wait of those who log in.
 *
 * Trusted networks and local sockets are neither counted nor refused.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/meter.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "base/banned.h"

#define STATE_FILE	"rated"
#define STATE_MAX	(16 * 1024 * 1024)
#define SAVE_MS		5000

static struct {
	struct meter	*meter;
	struct timer	save;
	uint64_t	asked, refused, failures;
} rated;

/* What one event weighs, in thousandths of a failed login. */
static const uint32_t weight[] = {
	[RATE_CONNECT] = 0, [RATE_DISCONNECT] = 0,
	[RATE_AUTH_FAILED] = 1000, [RATE_AUTH_OK] = 0,
	[RATE_UNKNOWN_RCPT] = 200, [RATE_BAD_COMMAND] = 100,
};

static struct meter_limits
limits(void)
{
	const struct conf *c = daemon_conf();

	return (struct meter_limits){
		.connections = c->rate.connections,
		.failures = c->rate.failures, .network = c->rate.network,
		.half_life_ms = c->rate.half_life, .ban_ms = c->rate.ban,
		.ban_max_ms = c->rate.ban_max,
	};
}

static unsigned
slot_of(const struct chan *c)
{
	unsigned face = c->peer == SMTPD ? 0 : c->peer == POP3D ? 1 : 2;

	return face * (METER_SLOTS / 3) + c->index;
}

static bool
is_counted(struct str peer, uint8_t addr[16])
{
	return net_addr(peer, addr) &&
	    !net_listed(&daemon_conf()->site.trusted, peer);
}

/* --- state --------------------------------------------------------------- */

static int
write_state(struct str content)
{
	int dir = daemon_file("state"), rc;
	int fd = file_open(dir, STATE_FILE ".tmp", O_WRONLY | O_CREAT |
	    O_TRUNC, 0600);

	if (fd < 0)
		return FAIL_TEMP;
	rc = file_write(fd, content);
	if (close(fd) != 0)
		rc = FAIL_TEMP;
	if (rc == 0 && renameat(dir, STATE_FILE ".tmp", dir, STATE_FILE) != 0)
		rc = FAIL_TEMP;
	return rc;
}

static void
save(void)
{
	struct meter_limits l = limits();
	struct buf b;

	buf_init(&b, STATE_MAX);
	meter_save(rated.meter, &l, clock_real_ms(), &b);
	if (buf_failed(&b) || write_state(buf_str(&b)) != 0) {
		log_event(LOG_LEVEL_ERROR, "rated-not-saved");
		log_errno();
		log_end();
	}
	buf_free(&b);
}

static void
on_save(struct timer *t)
{
	(void)t;
	save();
}

static void
changed(void)
{
	if (!timer_armed(&rated.save))
		timer_set(&rated.save, SAVE_MS);
}

/* A damaged file is put aside for a person to look at. */
static void
load(void)
{
	int dir = daemon_file("state"), rc;
	struct buf b;

	buf_init(&b, STATE_MAX);
	rc = file_read_all(dir, STATE_FILE, &b);
	if (rc == 0)
		rc = meter_load(rated.meter, buf_str(&b), clock_real_ms());
	buf_free(&b);
	if (rc == 0 || rc == FAIL_GONE)
		return;
	(void)renameat(dir, STATE_FILE, dir, STATE_FILE ".damaged");
	log_say(LOG_LEVEL_ERROR, "rated-state-damaged",
	    "kept as %s.damaged, bans may be lost", STATE_FILE);
}

/* --- faces --------------------------------------------------------------- */

static void
tell_ban(struct str peer, const struct meter_verdict *v)
{
	log_event(LOG_LEVEL_WARN, "rated-refused");
	log_str("peer", peer);
	log_z("reason", v->text);
	log_end();
}

static void
failure(struct str peer, uint32_t what, struct meter_verdict *v)
{
	struct meter_limits l = limits();
	uint8_t addr[16];

	*v = (struct meter_verdict){ .refuse = false };
	if (what >= NITEMS(weight) || weight[what] == 0 ||
	    !is_counted(peer, addr))
		return;
	rated.failures++;
	meter_failure(rated.meter, &l, addr, weight[what], clock_real_ms(),
	    v);
	changed();
	if (v->refuse)
		tell_ban(peer, v);
}

static void
connection(struct chan *c, struct str peer, struct meter_verdict *v)
{
	struct meter_limits l = limits();
	uint8_t addr[16];

	*v = (struct meter_verdict){ .refuse = false };
	rated.asked++;
	if (!is_counted(peer, addr))
		return;
	meter_connect(rated.meter, &l, addr, slot_of(c), clock_real_ms(), v);
	rated.refused += v->refuse;
	if (v->refuse)
		tell_ban(peer, v);
}

static void
on_ask(struct chan *c, uint32_t ticket, const struct note_rate_ask *n)
{
	struct note_rate_verdict answer = { .result = RATE_OK };
	struct meter_verdict v;

	if (n->what == RATE_CONNECT)
		connection(c, n->peer, &v);
	else
		failure(n->peer, n->what, &v);
	answer.result = v.refuse ? RATE_REFUSE : RATE_OK;
	answer.delay_ms = v.delay_ms;
	answer.text = str_of(v.text);
	note_answer_rate_verdict(c, ticket, &answer);
}

static void
on_count(struct chan *c, const struct note_rate_count *n)
{
	struct meter_verdict v;
	uint8_t addr[16];

	if (n->what != RATE_DISCONNECT)
		failure(n->peer, n->what, &v);
	else if (is_counted(n->peer, addr))
		meter_disconnect(rated.meter, addr, slot_of(c));
}

/* --- the operator -------------------------------------------------------- */

struct listing {
	struct chan	*chan;
	uint32_t	ticket, count;
};

static void
put_row(void *arg, const struct meter_row *row)
{
	struct listing *l = arg;
	struct note_ban_row n = {
		.until_ms = row->until_ms, .failures = row->failures,
		.text = row->until_ms == 0 ? STR("watched") :
		    row->by_hand ? STR("banned by hand") : STR("banned"),
	};
	struct buf net;

	buf_init(&net, 64);
	meter_net_text(&row->net, &net);
	n.peer = buf_str(&net);
	note_answer_ban_row(l->chan, l->ticket, &n);
	buf_free(&net);
	l->count++;
}

static void
done(struct chan *c, uint32_t ticket, int rc, uint32_t count,
    const char *text)
{
	struct note_ctl_done n = { .failed = (uint32_t)-rc, .count = count,
	    .text = str_of(text) };

	note_answer_ctl_done(c, ticket, &n);
}

static void
on_ban_list(struct chan *c, uint32_t ticket)
{
	struct listing l = { .chan = c, .ticket = ticket };
	struct meter_limits lim = limits();

	meter_each(rated.meter, &lim, clock_real_ms(), put_row, &l);
	done(c, ticket, 0, l.count, "");
}

static void
on_ban_act(struct chan *c, uint32_t ticket, const struct note_ban_act *n)
{
	int64_t now = clock_real_ms();
	struct net net;
	int rc;

	if (!net_parse(n->peer, &net))
		rc = FAIL_SYNTAX;
	else if (n->for_s == 0)
		rc = meter_forget(rated.meter, &net);
	else
		rc = meter_ban(rated.meter, &net,
		    now + (int64_t)n->for_s * 1000, now);
	if (rc == 0)
		save();
	done(c, ticket, rc, rc == 0, rc == FAIL_SYNTAX ? "say an address, an "
	    "IPv4 network of /24 or an IPv6 network of /64" :
	    rc == FAIL_GONE ? "nothing is known of it" :
	    rc != 0 ? "no room for it" : "");
}

static void
on_note(struct chan *c, const struct note *n)
{
	switch (n->kind) {
	case NOTE_RATE_ASK:
		on_ask(c, n->ticket, note_as_rate_ask(n));
		return;
	case NOTE_RATE_COUNT:
		on_count(c, note_as_rate_count(n));
		return;
	case NOTE_BAN_LIST:
		on_ban_list(c, n->ticket);
		return;
	case NOTE_BAN_ACT:
		on_ban_act(c, n->ticket, note_as_ban_act(n));
		return;
	default:
		return;
	}
}

static void
on_peer_gone(struct chan *c)
{
	if ((BY(c->peer) & FACES) != 0)
		meter_slot_gone(rated.meter, slot_of(c));
}

static bool
start(void)
{
	rated.meter = meter_new();
	timer_init(&rated.save, on_save);
	load();
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
	daemon_stat("addresses", meter_records(rated.meter));
	daemon_stat("connections", meter_connections(rated.meter));
	daemon_stat("asked", rated.asked);
	daemon_stat("refused", rated.refused);
	daemon_stat("failures", rated.failures);
}

static const struct daemon_ops ops = {
	.kind = RATED,
	.start = start,
	.on_note = on_note,
	.on_peer_gone = on_peer_gone,
	.on_drain = on_drain,
	.on_stat = on_stat,
};

int
main(int argc, char **argv)
{
	daemon_main(&ops, argc, argv);
}
