/* SPDX-License-Identifier: ISC */
/*
 * master/ctld.c - the program ctld: an operator's words to notes, and the
 * rows that come back to JSON, one object a line.  See doc/control.md.
 *
 * Who may speak is decided by the rights of run/control; who did is in the
 * log.  A line becomes one ask with fixed fields; nothing of its text reaches
 * root.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"
#include "conf/net.h"
#include "conf/value.h"
#include "daemon/daemon.h"
#include "daemon/dns.h"
#include "event/stream.h"
#include "base/banned.h"

enum {
	COMMAND_MAX = 4096,
	WORDS = 8,
	OUT_MAX = 64 * 1024 * 1024,
	SESSIONS_MAX = 64,
	IDLE_MS = 10 * 60 * 1000,
	DRAIN_MS = 1000,
	DNS_WAIT_MS = 30 * 1000,	/* a person waits */
};

struct session {
	struct stream	stream;
	struct chan	*asked;		/* who owes us an answer */
	struct dns_query *query;	/* resolvd does */
	enum dns_type	type;
	bool		is_asked;	/* the question has come */
	char		who[32];	/* "uid:0" */
	/* status: who is ready (a bit a worker), whose counters are next,
	 * and how many processes there are */
	bool		is_status, is_counting;
	uint8_t		ready[PROC_COUNT];
	unsigned	next;
	uint32_t	count;
};

static unsigned sessions;

/* --- answers ------------------------------------------------------------- */

static void
json_field(struct buf *out, const struct note_field *f, const char *at)
{
	struct str s;

	buf_fmt(out, ",\"%s\":", f->name);
	if (f->type == FIELD_str) {
		memcpy(&s, at, sizeof(s));
		enc_json(out, s);
	} else if (f->type == FIELD_sec)
		buf_z(out, "null");
	else
		note_print_number(out, f, at);
}

/* {"row":"PROC_ROW","name":"logd",...} */
static void
json_note(struct buf *out, const struct note *n)
{
	const struct note_field *f;
	size_t left;

	buf_fmt(out, "{\"row\":\"%s\"", note_name(n->kind));
	for (f = note_fields(n->kind, &left); left > 0; left--, f++)
		json_field(out, f, (const char *)&n->u + f->at);
	buf_z(out, "}\n");
}

/* The last line; one connection carries one question. */
static void
say_done(struct session *s, int failed, uint32_t count, struct str text)
{
	struct buf *out = &s->stream.out;

	buf_z(out, "{\"done\":true,\"failed\":");
	if (failed == 0)
		buf_c(out, '0');
	else
		enc_json(out, str_of(fail_name(failed)));
	buf_fmt(out, ",\"count\":%" PRIu32 ",\"text\":", count);
	enc_json(out, text);
	buf_z(out, "}\n");
	stream_close_after_flush(&s->stream);
}

static void
refuse(struct session *s, int failed, const char *text)
{
	say_done(s, failed, 0, str_of(text));
}

static int
route_failed(uint32_t result)
{
	static const int failed[] = {
		[ROUTE_OK] = 0, [ROUTE_UNKNOWN] = FAIL_GONE,
		[ROUTE_NO_RELAY] = FAIL_DENIED, [ROUTE_LOOP] = FAIL_PERM,
		[ROUTE_TOO_MANY] = FAIL_TOO_BIG,
		[ROUTE_BAD_ADDRESS] = FAIL_SYNTAX, [ROUTE_LATER] = FAIL_TEMP,
	};

	return result < NITEMS(failed) ? failed[result] : FAIL_TEMP;
}

/* --- status: the processes, then their counters -------------------------- */

static void	then(void *arg, const struct note *n);

static void
see_process(struct session *s, const struct note_proc_row *row)
{
	if (!str_same(row->state, "ready") || row->index >= 8)
		return;
	for (int k = 0; k < PROC_COUNT; k++)
		if (str_same(row->name, proc_name((enum proc)k)))
			s->ready[k] |= (uint8_t)(1u << row->index);
}

static void
say_counter(struct session *s, const struct note_stat_row *row)
{
	struct buf *out = &s->stream.out;
	unsigned at = s->next - 1;

	buf_z(out, "{\"stat\":");
	enc_json(out, row->name);
	buf_fmt(out, ",\"process\":\"%s/%u\",\"value\":%" PRIu64 "}\n",
	    proc_name((enum proc)(at / 8)), at % 8, row->value);
}

/* Asks the next of those that speak with us.  One that is stopped is not
 * asked: the answer would wait for its deadline. */
static void
ask_next_counters(struct session *s)
{
	struct note_stat_ask n = { .what = 0 };
	enum proc kind;
	struct chan *c;

	s->is_counting = true;
	while (s->next < PROC_COUNT * 8) {
		kind = (enum proc)(s->next / 8);
		c = kind == MASTER || !(s->ready[kind] & 1u << s->next % 8)
		    ? NULL : daemon_peer(kind, s->next % 8);
		s->next++;
		if (!chan_ok(c))
			continue;
		s->asked = c;
		ask_stat_ask(c, &n, then, s);
		return;
	}
	say_done(s, 0, s->count, str_of(""));
}

/* False: this note is no part of a status. */
static bool
on_status(struct session *s, const struct note *n)
{
	const struct note_ctl_done *done = note_as_ctl_done(n);
	const struct note_stat_row *counter = note_as_stat_row(n);

	if (!s->is_status || (!s->is_counting && (n == NULL ||
	    (done != NULL && done->failed != 0))))
		return false;
	if (note_as_proc_row(n) != NULL) {
		see_process(s, note_as_proc_row(n));
		json_note(&s->stream.out, n);
	} else if (counter != NULL)
		say_counter(s, counter);
	else {
		if (done != NULL)
			s->count = done->count;
		s->asked = NULL;
		ask_next_counters(s);
	}
	return true;
}

static void
on_last(struct session *s, const struct note *n)
{
	const struct note_ctl_done *done = note_as_ctl_done(n);
	const struct note_route_done *route = note_as_route_done(n);
	const struct note_stat_end *stat = note_as_stat_end(n);
	const struct note_spf_done *spf = note_as_spf_done(n);

	s->asked = NULL;
	if (done != NULL)
		say_done(s, -(int)done->failed, done->count, done->text);
	else if (route != NULL)
		say_done(s, route_failed(route->result), route->targets,
		    route->text);
	else if (stat != NULL)
		say_done(s, -(int)stat->failed, 0, str_of(""));
	else if (spf != NULL) {
		json_note(&s->stream.out, n);
		say_done(s, -(int)spf->failed, 1, str_of(""));
	}
	else
		refuse(s, FAIL_TEMP, "no answer: that process is down or "
		    "busy; see `veredus status'");
}

static void
then(void *arg, const struct note *n)
{
	struct session *s = arg;

	if (on_status(s, n))
		;
	else if (n != NULL && note_how(n->kind) == ROW)
		json_note(&s->stream.out, n);
	else
		on_last(s, n);
	stream_flush(&s->stream);
}

/* --- dns ----------------------------------------------------------------- */

static void
say_record(struct session *s, const struct dns_record *r)
{
	struct buf *out = &s->stream.out, shown;

	buf_init(&shown, 4 * NOTE_MAX);
	dns_show(s->type, r->data, &shown);
	buf_fmt(out, "{\"row\":\"DNS_ROW\",\"type\":\"%s\",\"ttl\":%" PRIu32
	    ",\"preference\":%" PRIu32 ",\"data\":", dns_type_name(s->type),
	    r->ttl, r->preference);
	enc_json(out, buf_str(&shown));
	buf_z(out, "}\n");
	buf_free(&shown);
}

static void
on_dns(void *arg, const struct dns_answer *a)
{
	static const int failed[] = {
		[DNS_OK] = 0, [DNS_NO_NAME] = FAIL_GONE,
		[DNS_NO_DATA] = FAIL_GONE, [DNS_LATER] = FAIL_TEMP,
		[DNS_BAD_NAME] = FAIL_SYNTAX, [DNS_BAD_ANSWER] = FAIL_PERM,
	};
	struct session *s = arg;
	struct buf *out = &s->stream.out;

	s->query = NULL;
	for (size_t i = 0; i < a->n; i++)
		say_record(s, &a->records[i]);
	buf_fmt(out, "{\"row\":\"DNS_DONE\",\"result\":\"%s\","
	    "\"validated\":%d,\"ttl\":%" PRIu32 ",\"name\":",
	    dns_result_name(a->result), a->validated, a->ttl);
	enc_json(out, a->name);
	buf_z(out, "}\n");
	say_done(s, failed[a->result], (uint32_t)a->n, a->text);
	stream_flush(&s->stream);
}

/* --- commands ------------------------------------------------------------ */

typedef void run_fn(struct session *, const struct str *, size_t);

static run_fn cmd_ban_forget, cmd_ban_list, cmd_ban_set, cmd_dns, cmd_lane,
    cmd_queue_act, cmd_queue_list, cmd_queue_why, cmd_reload, cmd_route,
    cmd_spf, cmd_spool_check, cmd_spool_collect, cmd_stat,
    cmd_status, cmd_stop, cmd_trace;

#define WHAT	"ID, ADDRESS or all, then a reason"
static const struct command {
	const char	*words[2];	/* one or two */
	size_t		min, max;	/* arguments behind them */
	bool		acts;		/* changes something: logged */
	run_fn		*run;
	const char	*usage;
} commands[] = {
	{ { "status" }, 0, 0, false, cmd_status, "" },
	{ { "stat" }, 1, 2, false, cmd_stat, "PROCESS [INDEX]" },
	{ { "reload" }, 0, 0, true, cmd_reload, "" },
	{ { "stop" }, 0, 0, true, cmd_stop, "" },
	{ { "queue", "list" }, 0, 1, false, cmd_queue_list, "[ID or ADDRESS]" },
	{ { "queue", "show" }, 1, 1, false, cmd_queue_list, "ID" },
	{ { "queue", "why" }, 1, 1, false, cmd_queue_why,
	  "ID, ADDRESS or DOMAIN" },
	{ { "lane" }, 1, 1, false, cmd_lane, "DOMAIN" },
	{ { "queue", "retry" }, 1, 2, true, cmd_queue_act, WHAT },
	{ { "queue", "hold" }, 1, 2, true, cmd_queue_act, WHAT },
	{ { "queue", "release" }, 1, 2, true, cmd_queue_act, WHAT },
	{ { "queue", "rm" }, 1, 2, true, cmd_queue_act, WHAT },
	{ { "trace" }, 1, 1, false, cmd_trace, "ID" },
	{ { "route" }, 1, 2, false, cmd_route, "ADDRESS [SENDER]" },
	{ { "dns" }, 2, 2, false, cmd_dns, "TYPE NAME" },
	{ { "spf" }, 3, 3, false, cmd_spf, "ADDRESS HELO MAILFROM" },
	{ { "spool", "check" }, 0, 0, false, cmd_spool_check, "" },
	{ { "spool", "collect" }, 0, 0, true, cmd_spool_collect, "" },
	{ { "bans", "list" }, 0, 0, false, cmd_ban_list, "" },
	{ { "bans", "rm" }, 1, 1, true, cmd_ban_forget, "ADDRESS" },
	{ { "bans", "add" }, 2, 2, true, cmd_ban_set, "ADDRESS SECONDS" },
};

/* Set before the ask: an answer never comes before the next pass. */
static struct chan *
ask_whom(struct session *s, enum proc kind, unsigned index)
{
	s->asked = kind == ROUTED || kind == CHECKD ? daemon_any(kind)
	    : daemon_peer(kind, index);
	stream_pause(&s->stream);
	return s->asked;
}

static void
cmd_status(struct session *s, const struct str *argv, size_t argc)
{
	struct note_ctl_status n = { .what = 0 };

	(void)argv, (void)argc;
	s->is_status = true;
	ask_ctl_status(ask_whom(s, MASTER, 0), &n, then, s);
}

static void
cmd_reload(struct session *s, const struct str *argv, size_t argc)
{
	struct note_ctl_reload n = { .what = 0 };

	(void)argv, (void)argc;
	ask_ctl_reload(ask_whom(s, MASTER, 0), &n, then, s);
}

static void
cmd_stop(struct session *s, const struct str *argv, size_t argc)
{
	struct note_ctl_stop n = { .what = 0 };

	(void)argv, (void)argc;
	ask_ctl_stop(ask_whom(s, MASTER, 0), &n, then, s);
}

static void
cmd_stat(struct session *s, const struct str *argv, size_t argc)
{
	struct note_stat_ask n = { .what = 0 };
	uint64_t index = 0;

	if (argc == 2 && !str_u64(argv[1], 7, &index)) {
		refuse(s, FAIL_SYNTAX, "no such worker");
		return;
	}
	for (int k = LOGD; k < PROC_COUNT; k++) {
		if (!str_same(argv[0], proc_name((enum proc)k)) ||
		    daemon_peer((enum proc)k, (unsigned)index) == NULL)
			continue;
		ask_stat_ask(ask_whom(s, (enum proc)k, (unsigned)index), &n,
		    then, s);
		return;
	}
	refuse(s, FAIL_GONE, "no such process speaks to ctld");
}

/* An id, or enough of one to be meant (base/rand.h); all else is an address. */
static bool
is_id(struct str s)
{
	static const struct str letters =
	    STR_INIT("0123456789abcdefghjkmnpqrstvwxyz");

	for (size_t i = 0; i < s.n; i++)
		if (str_chr(letters, s.p[i]) == letters.n)
			return false;
	return s.n >= 8 && s.n <= 26;
}

static void
cmd_queue_list(struct session *s, const struct str *argv, size_t argc)
{
	struct note_queue_list n = { .mid = str_of("") };

	if (argc == 1 && is_id(argv[0]))
		n.mid = argv[0];
	else if (argc == 1 && argv[0].n <= ADDRESS_MAX)
		n.address = argv[0];
	else if (argc == 1) {
		refuse(s, FAIL_TOO_BIG, "too long for an address");
		return;
	}
	ask_queue_list(ask_whom(s, QMGR, 0), &n, then, s);
}

static void
cmd_queue_why(struct session *s, const struct str *argv, size_t argc)
{
	struct note_queue_why n = { .mid = is_id(argv[0]) ? argv[0] :
	    str_of("") };

	(void)argc;
	if (n.mid.n == 0)
		n.address = argv[0];
	if (n.address.n > ADDRESS_MAX) {
		refuse(s, FAIL_TOO_BIG, "too long for an address");
		return;
	}
	ask_queue_why(ask_whom(s, QMGR, 0), &n, then, s);
}

static void
cmd_lane(struct session *s, const struct str *argv, size_t argc)
{
	struct note_lane_ask n = { .domain = argv[0] };

	(void)argc;
	if (n.domain.n == 0 || n.domain.n > 255) {
		refuse(s, FAIL_SYNTAX, "which domain?");
		return;
	}
	ask_lane_ask(ask_whom(s, QMGR, 0), &n, then, s);
}

/* argv[-1] is the verb: the table's words stand before the arguments. */
static void
cmd_queue_act(struct session *s, const struct str *argv, size_t argc)
{
	static const struct { const char *name; enum queue_verb verb; }
	    verbs[] = { { "retry", QUEUE_RETRY }, { "hold", QUEUE_HOLD },
		{ "release", QUEUE_RELEASE }, { "rm", QUEUE_RM } };
	struct note_queue_act n = { .reason = argc == 2
	    ? str_sub(argv[1], 0, TEXT_MAX) : str_of(s->who) };

	for (size_t i = 0; i < NITEMS(verbs); i++)
		if (str_same(argv[-1], verbs[i].name))
			n.verb = verbs[i].verb;
	if (str_same(argv[0], "all"))
		n.all = 1;
	else if (is_id(argv[0]))
		n.mid = argv[0];
	else if (argv[0].n > 0 && argv[0].n <= ADDRESS_MAX)
		n.address = argv[0];
	else {
		refuse(s, FAIL_SYNTAX, WHAT);
		return;
	}
	ask_queue_act(ask_whom(s, QMGR, 0), &n, then, s);
}

static void
cmd_trace(struct session *s, const struct str *argv, size_t argc)
{
	struct note_trace_ask n = { .mid = argv[0] };

	(void)argc;
	if (argv[0].n > 26) {
		refuse(s, FAIL_SYNTAX, "an id has 26 letters");
		return;
	}
	ask_trace_ask(ask_whom(s, LOGD, 0), &n, then, s);
}

static void
cmd_route(struct session *s, const struct str *argv, size_t argc)
{
	struct note_route_ask n = { .address = argv[0], .explain = 1,
	    .may_relay = 1 };

	if (argc == 2)
		n.sender = argv[1];
	if (n.address.n > ADDRESS_MAX || n.sender.n > ADDRESS_MAX) {
		refuse(s, FAIL_TOO_BIG, "too long for an address");
		return;
	}
	ask_route_ask(ask_whom(s, ROUTED, 0), &n, then, s);
}

static void
cmd_dns(struct session *s, const struct str *argv, size_t argc)
{
	(void)argc;
	s->type = dns_type_of(argv[0]);
	if (s->type == 0) {
		refuse(s, FAIL_SYNTAX, "the types are A AAAA MX TXT PTR TLSA");
		return;
	}
	stream_pause(&s->stream);
	s->query = dns_ask(argv[1], s->type, DNS_WAIT_MS, on_dns, s);
}

static void
cmd_spf(struct session *s, const struct str *argv, size_t argc)
{
	struct note_spf_ask n = { .peer = argv[0], .helo = argv[1],
	    .sender = argv[2] };

	(void)argc;
	if (str_same(n.sender, "<>"))
		n.sender = str_of("");
	if (n.peer.n > 64 || n.helo.n > 255 || n.sender.n > ADDRESS_MAX)
		refuse(s, FAIL_TOO_BIG, "too long for an address or a name");
	else if (!net_addr(n.peer, (uint8_t[16]){ 0 }))
		refuse(s, FAIL_SYNTAX, "the first word is an IP address");
	else
		ask_spf_ask(ask_whom(s, CHECKD, 0), &n, then, s);
}

static void
cmd_spool_check(struct session *s, const struct str *argv, size_t argc)
{
	struct note_spool_check n = { .what = 0 };

	(void)argv, (void)argc;
	ask_spool_check(ask_whom(s, SPOOLD, 0), &n, then, s);
}

static void
cmd_spool_collect(struct session *s, const struct str *argv, size_t argc)
{
	struct note_drop_look n = { .what = 0 };

	(void)argv, (void)argc;
	ask_drop_look(ask_whom(s, SPOOLD, 0), &n, then, s);
}

static void
cmd_ban_list(struct session *s, const struct str *argv, size_t argc)
{
	struct note_ban_list n = { .what = 0 };

	(void)argv, (void)argc;
	ask_ban_list(ask_whom(s, RATED, 0), &n, then, s);
}

static void
ban(struct session *s, struct str peer, uint64_t for_s)
{
	struct note_ban_act n = { .peer = peer, .for_s = (uint32_t)for_s };

	if (peer.n > 64) {
		refuse(s, FAIL_TOO_BIG, "too long for a network");
		return;
	}
	ask_ban_act(ask_whom(s, RATED, 0), &n, then, s);
}

static void
cmd_ban_forget(struct session *s, const struct str *argv, size_t argc)
{
	(void)argc;
	ban(s, argv[0], 0);
}

static void
cmd_ban_set(struct session *s, const struct str *argv, size_t argc)
{
	uint64_t for_s;

	(void)argc;
	if (str_u64(argv[1], UINT32_MAX, &for_s) && for_s > 0)
		ban(s, argv[0], for_s);
	else
		refuse(s, FAIL_SYNTAX, "say how many seconds");
}

/* --- lines --------------------------------------------------------------- */

static const struct command *
find(const struct str *word, size_t n, size_t *taken_out)
{
	for (size_t i = 0; i < NITEMS(commands); i++) {
		const struct command *c = &commands[i];

		if (n == 0 || !str_same(word[0], c->words[0]))
			continue;
		if (c->words[1] == NULL) {
			*taken_out = 1;
			return c;
		}
		if (n > 1 && str_same(word[1], c->words[1])) {
			*taken_out = 2;
			return c;
		}
	}
	return NULL;
}

static void
log_act(const struct session *s, struct str line)
{
	log_event(LOG_LEVEL_INFO, "operator");
	log_z("who", s->who);
	log_str("command", line);
	log_end();
}

static void
on_line(struct session *s, struct str line)
{
	struct str word[WORDS];
	struct arena arena;
	const struct command *c;
	size_t n, taken = 0;

	arena_init(&arena, 2 * COMMAND_MAX + 4096);
	n = conf_split(line, word, WORDS, &arena);
	c = n <= WORDS ? find(word, n, &taken) : NULL;
	if (c == NULL)
		refuse(s, FAIL_SYNTAX, "no such command");
	else if (n - taken < c->min || n - taken > c->max)
		refuse(s, FAIL_SYNTAX, c->usage);
	else {
		if (c->acts)
			log_act(s, line);
		c->run(s, word + taken, n - taken);
	}
	arena_free(&arena);
}

static void
on_input(struct stream *stream)
{
	struct session *s = container_of(stream, struct session, stream);
	struct str in = buf_str(&stream->in);
	size_t at = str_chr(in, '\n');

	if (s->is_asked || (at == in.n && in.n < COMMAND_MAX))
		return;
	s->is_asked = true;
	if (at == in.n)
		refuse(s, FAIL_TOO_BIG, "line too long");
	else
		on_line(s, str_trim(str_chomp(str_sub(in, 0, at))));
	buf_consume(&stream->in, stream->in.len);
}

static void
on_end(struct stream *stream, enum stream_end how)
{
	struct session *s = container_of(stream, struct session, stream);

	(void)how;
	chan_forget(s->asked, s);
	dns_forget(s->query);
	stream_free(stream);
	free(s);
	if (sessions-- == SESSIONS_MAX)
		daemon_pause_clients(false);
	if (daemon_draining() && sessions == 0)
		daemon_exit();
}

static void
on_client(int fd, const char *service, struct str peer)
{
	static const struct stream_ops ops = {
		.on_input = on_input, .on_end = on_end,
	};
	struct session *s = xcalloc(1, sizeof(*s));

	(void)service;
	memcpy(s->who, peer.p, peer.n < sizeof(s->who) ? peer.n
	    : sizeof(s->who) - 1);
	stream_init(&s->stream, fd, COMMAND_MAX, OUT_MAX, &ops);
	stream_idle(&s->stream, IDLE_MS);
	if (++sessions == SESSIONS_MAX)
		daemon_pause_clients(true);
}

/* Whoever said `stop' still gets his answer. */
static void
on_drain_over(struct timer *t)
{
	(void)t;
	daemon_exit();
}

static void
on_drain(int64_t within_ms)
{
	static struct timer last;

	(void)within_ms;
	if (sessions == 0)
		daemon_exit();
	timer_init(&last, on_drain_over);
	timer_set(&last, DRAIN_MS);
}

static void
on_stat(void)
{
	daemon_stat("sessions", sessions);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = CTLD, .on_client = on_client, .on_drain = on_drain,
		.on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
