/* SPDX-License-Identifier: ISC */
/*
 * daemon/daemon.c - the one main() of all children of master.
 *
 * Descriptor 3 is the channel to master, 4 the lock of the instance (held
 * until the last child is gone, so that no second instance can start beside a
 * stopped one).  Master says, in this order: SELF_NEW, then CONF_ROW,
 * KEY_NEW, FILE_NEW and LISTEN_NEW, then CONF_DONE.  Here the process drops
 * and locks its cage; nothing but master's own notes was read as root.  Then
 * come PEER_NEWs, and GO when the doors open.
 *
 * A process without master has no reason to be: it exits when descriptor 3
 * ends.
 */
#include "daemon/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "daemon/cage.h"
#include "daemon/drop.h"
#include "base/banned.h"

enum {
	MASTER_FD = 3, LOCK_FD = 4,
	WORKERS_MAX = 8,
	NAMED_MAX = 16,		/* files, keys */
	CLIENTS_A_TURN = 16,
	EARLY_LOG_MAX = 32 * 1024,	/* lines kept while there is no logd */
	LOG_QUEUE_MAX = 64 * 1024,	/* above it lines are dropped */
	SHORT_OF_FDS_MS = 1000,
};

struct listener {
	struct link	link;
	struct watch	watch;
	char		service[33];
	uint32_t	generation;
};

struct file {
	char	name[65];
	int	fd;
};

struct key {
	char	name[33];
	uint8_t	bytes[256];
	size_t	n;
};

static struct {
	const struct daemon_ops	*ops;
	struct chan		*master;
	uint32_t		index, count, boot;
	struct drop		drop;
	bool			cage_optional;
	struct conf		*conf, *next;
	bool			started, ready, gone, draining, paused;
	struct chan		*peers[PROC_COUNT][WORKERS_MAX];
	unsigned		peer_count[PROC_COUNT];
	unsigned		turn[PROC_COUNT];	/* round robin */
	struct link		listeners;
	struct timer		short_of_fds;
	struct file		files[NAMED_MAX];
	size_t			n_files;
	struct key		keys[NAMED_MAX];
	size_t			n_keys;
	struct buf		early;		/* log lines before logd */
	uint64_t		lines_lost;
	bool			in_log;
	struct chan		*stat_to;	/* while on_stat runs */
	uint32_t		stat_ticket;
} d = { .listeners = { &d.listeners, &d.listeners } };

static const struct proc_row *
row(void)
{
	return &procs[d.ops->kind];
}

/* Before the log can work: master's standard error. */
NORETURN static void
die(const char *what, const struct why *why)
{
	fprintf(stderr, "veredus-%s: %s%s%s\n", row()->name, what,
	    why != NULL ? ": " : "", why != NULL ? why->text : "");
	exit(EXIT_FAILURE);
}

/* --- log ----------------------------------------------------------------- */

/* Lines wait in `early` as decimal level, time and mid, then text. */
static void
keep_line(const struct note_log_line *line)
{
	size_t before = d.early.len;

	buf_fmt(&d.early, "%u %" PRId64 " %.*s|", line->level, line->when_ms,
	    STR_ARG(line->mid));
	buf_add(&d.early, line->line);
	buf_c(&d.early, '\n');
	if (buf_failed(&d.early)) {
		d.early.failed = false;
		buf_cut(&d.early, before);
		d.lines_lost++;
	}
}

static void
send_kept_lines(struct chan *logd)
{
	struct str all = buf_str(&d.early), line, word;
	struct note_log_line n = { .level = 0 };
	uint64_t level, when;

	while (str_line(&all, &line)) {
		word = str_until(&line, ' ');
		if (!str_u64(word, LOG_LEVEL_ERROR, &level))
			continue;
		word = str_until(&line, ' ');
		if (!str_u64(word, INT64_MAX, &when))
			continue;
		n.level = (uint32_t)level;
		n.when_ms = (int64_t)when;
		n.mid = str_until(&line, '|');
		n.line = line;
		note_put_log_line(logd, &n);
	}
	buf_free(&d.early);
}

/* A stopped logd must stop nobody: its queue is bounded, what is too much is
 * counted and said when it listens again. */
static void
on_log_line(enum log_level level, struct str line, struct str mid, void *arg)
{
	struct chan *logd = d.peers[LOGD][0];
	struct note_log_line n = { .level = (uint32_t)level,
	    .when_ms = clock_real_ms(), .mid = str_sub(mid, 0, MID_LEN),
	    .line = str_sub(line, 0, LOG_LINE_MAX) };

	(void)arg;
	if (!chan_ok(logd))
		keep_line(&n);
	else if (logd->queued > LOG_QUEUE_MAX)
		d.lines_lost++;
	else
		note_put_log_line(logd, &n);
	if (d.lines_lost == 0 || !chan_ok(logd) || logd->queued > 0 ||
	    d.in_log)
		return;
	d.in_log = true;
	log_event(LOG_LEVEL_WARN, "log-lost");
	log_u64("lines", d.lines_lost);
	d.lines_lost = 0;
	log_end();
	d.in_log = false;
}

/* --- settings, files, keys ----------------------------------------------- */

static void
z_copy(char *to, size_t size, struct str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	memcpy(to, s.p, n);
	to[n] = '\0';
}

static void
take_conf_row(const struct note_conf_row *n)
{
	struct why why;

	if (d.next == NULL) {
		d.next = xcalloc(1, sizeof(*d.next));
		conf_init(d.next);
	}
	if (conf_row(d.next, n->path, n->value, &why) != 0)
		bug("master said a setting we do not know: %s", why.text);
}

static void
take_file(const struct note *n)
{
	struct str name = n->u.file_new.name;
	struct file *f = d.files, *end = d.files + d.n_files;

	if (n->fd < 0) {
		log_say(LOG_LEVEL_ERROR, "file-lost", "no descriptor left");
		return;
	}
	while (f < end && !str_same(name, f->name))
		f++;
	if (f == d.files + NAMED_MAX)
		bug("too many files");
	if (f == end)
		d.n_files++;
	else
		fd_close(&f->fd);
	z_copy(f->name, sizeof(f->name), name);
	f->fd = note_take_fd(n);
	if (d.started && d.ops->on_file != NULL)
		d.ops->on_file(f->name, f->fd);
}

static void
take_key(const struct note_key_new *n)
{
	struct key *k = d.keys, *end = d.keys + d.n_keys;

	while (k < end && !str_same(n->name, k->name))
		k++;
	if (k == d.keys + NAMED_MAX)
		bug("too many keys");
	if (k == end)
		d.n_keys++;
	z_copy(k->name, sizeof(k->name), n->name);
	memcpy(k->bytes, n->key.p, n->key.n);
	k->n = n->key.n;
	if (d.started && d.ops->on_key != NULL)
		d.ops->on_key(k->name);
}

int
daemon_file(const char *name)
{
	for (size_t i = 0; i < d.n_files; i++)
		if (strcmp(d.files[i].name, name) == 0)
			return d.files[i].fd;
	return -1;
}

struct str
daemon_key(const char *name)
{
	for (size_t i = 0; i < d.n_keys; i++)
		if (strcmp(d.keys[i].name, name) == 0)
			return str_mem(d.keys[i].bytes, d.keys[i].n);
	return str_mem(NULL, 0);
}

/* --- clients at the door ------------------------------------------------- */

static void
watch_listeners(void)
{
	bool open = d.gone && !d.draining && !d.paused &&
	    !timer_armed(&d.short_of_fds);
	struct link *l;

	list_each(l, &d.listeners)
		loop_want(&container_of(l, struct listener, link)->watch,
		    open ? LOOP_READ : 0);
}

static void
on_fds_again(struct timer *t)
{
	(void)t;
	watch_listeners();
}

/* The address of a client as text, without port; IPv4 in IPv6 as IPv4. */
static void
address_text(int fd, const struct sockaddr_storage *ss, char *out, size_t n)
{
	const struct sockaddr_in *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);

	out[0] = '\0';
	if (ss->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &in->sin_addr, out, (socklen_t)n);
	else if (ss->ss_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		(void)inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out,
		    (socklen_t)n);
	else if (ss->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, out, (socklen_t)n);
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		(void)snprintf(out, n, "uid:%u", who.uid);
}

static void
on_knock(struct watch *w, unsigned events)
{
	struct listener *l = container_of(w, struct listener, watch);
	struct sockaddr_storage ss;
	socklen_t len;
	char address[64];
	int fd, on = 1;

	(void)events;
	for (int i = 0; i < CLIENTS_A_TURN && w->want != 0; i++) {
		len = sizeof(ss);
		memset(&ss, 0, sizeof(ss));
		fd = accept4(w->fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)) {
			log_event(LOG_LEVEL_WARN, "accept-failed");
			log_errno();
			log_end();
			timer_set(&d.short_of_fds, SHORT_OF_FDS_MS);
			watch_listeners();
			return;
		}
		if (fd < 0)
			return;
		if (ss.ss_family != AF_UNIX)
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
			    sizeof(on));
		address_text(fd, &ss, address, sizeof(address));
		d.ops->on_client(fd, l->service, str_of(address));
	}
}

static void
take_listener(const struct note *n)
{
	struct listener *l;

	if (n->fd < 0 || d.ops->on_client == NULL)
		return;
	l = xcalloc(1, sizeof(*l));
	list_init(&l->link);
	z_copy(l->service, sizeof(l->service), n->u.listen_new.service);
	l->generation = n->u.listen_new.generation;
	loop_watch(&l->watch, note_take_fd(n), 0, on_knock);
	list_push(&d.listeners, &l->link);
}

static void
drop_listeners(uint32_t older_than)
{
	struct link *e, *tmp;
	struct listener *l;

	list_each_safe(e, tmp, &d.listeners) {
		l = container_of(e, struct listener, link);
		if (l->generation >= older_than)
			continue;
		list_remove(e);
		loop_unwatch(&l->watch);
		fd_close(&l->watch.fd);
		free(l);
	}
}

void
daemon_pause_clients(bool pause)
{
	if (d.paused == pause)
		return;
	d.paused = pause;
	watch_listeners();
}

/* --- peers --------------------------------------------------------------- */

static void
answer_stat(struct chan *c, uint32_t ticket)
{
	struct note_stat_end end = { .failed = 0 };

	d.stat_to = c;
	d.stat_ticket = ticket;
	daemon_stat("log-lines-lost", d.lines_lost);
	if (d.ops->on_stat != NULL)
		d.ops->on_stat();
	d.stat_to = NULL;
	note_answer_stat_end(c, ticket, &end);
}

void
daemon_stat(const char *name, uint64_t value)
{
	struct note_stat_row n = { .name = str_sub(str_of(name), 0, 64),
	    .value = value };

	note_answer_stat_row(d.stat_to, d.stat_ticket, &n);
}

static void
on_peer_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	if (n->kind == NOTE_STAT_ASK)
		answer_stat(c, n->ticket);
	else if (d.ops->on_note != NULL)
		d.ops->on_note(c, n);
}

static void
on_peer_end(struct chan *c, void *arg)
{
	(void)arg;
	if (d.peers[c->peer][c->index] == c)
		d.peers[c->peer][c->index] = NULL;
	if (d.ops->on_peer_gone != NULL && c->peer != LOGD)
		d.ops->on_peer_gone(c);
	chan_free(c);
}

static void
take_peer(const struct note *n)
{
	const struct note_peer_new *p = &n->u.peer_new;
	struct chan **slot;

	if (p->kind >= PROC_COUNT || p->index >= WORKERS_MAX)
		bug("PEER_NEW: no such peer");
	d.peer_count[p->kind] = p->count;
	slot = &d.peers[p->kind][p->index];
	if (*slot != NULL)
		chan_replace(*slot);
	if (n->fd < 0) {	/* our descriptors ran out: master deals again */
		struct note_peer_bad bad = { .kind = p->kind,
		    .index = p->index, .text = STR("no descriptor left") };

		note_put_peer_bad(d.master, &bad);
		return;
	}
	*slot = chan_new(note_take_fd(n), d.ops->kind, (enum proc)p->kind,
	    p->index, on_peer_note, on_peer_end, NULL);
	(*slot)->generation = p->generation;
	if (p->kind == LOGD)
		send_kept_lines(*slot);
	if (d.ops->on_peer != NULL && p->kind != LOGD)
		d.ops->on_peer(*slot);
}

static void
on_bad_peer(struct chan *c, const char *text)
{
	struct note_peer_bad n = { .kind = c->peer, .index = c->index,
	    .text = str_sub(str_of(text), 0, TEXT_MAX) };

	if (c != d.master)
		note_put_peer_bad(d.master, &n);
}

struct chan *
daemon_peer(enum proc kind, unsigned index)
{
	if (kind == MASTER)
		return d.master;
	return index < WORKERS_MAX ? d.peers[kind][index] : NULL;
}

struct chan *
daemon_any(enum proc kind)
{
	unsigned n = d.peer_count[kind];
	struct chan *c;

	for (unsigned i = 0; i < n; i++) {
		c = d.peers[kind][d.turn[kind]++ % n];
		if (chan_ok(c))
			return c;
	}
	return NULL;
}

static struct chan *
worker_of(enum proc kind, struct str who)
{
	struct str key = daemon_key("place");
	unsigned n = d.peer_count[kind];
	uint64_t k[2];

	if (n == 0 || key.n < sizeof(k))
		return NULL;
	memcpy(k, key.p, sizeof(k));
	return daemon_peer(kind,
	    (unsigned)(siphash24(k, who.p, who.n) % n));
}

struct chan *
daemon_stored_of(struct str account)
{
	return worker_of(STORED, account);
}

struct chan *
daemon_authd_of(struct str user)
{
	struct chan *c = worker_of(AUTHD, user);

	return c != NULL ? c : daemon_any(AUTHD);
}

unsigned
daemon_peer_count(enum proc kind)
{
	return d.peer_count[kind];
}

/* --- start --------------------------------------------------------------- */

static void
take_self(const struct note *n)
{
	const struct note_self_new *s = &n->u.self_new;
	struct str groups = s->groups;
	uint64_t gid;
	char name[48];

	d.index = s->index;
	d.count = s->count;
	d.boot = s->boot;
	d.drop.uid = s->uid;
	d.drop.gid = s->gid;
	d.drop.root_fd = note_take_fd(n);
	d.drop.unprivileged = s->flags & SELF_UNPRIVILEGED;
	d.cage_optional = s->flags & SELF_CAGE_OPTIONAL;
	while (str_more(groups) && d.drop.n_groups < DROP_GROUPS_MAX)
		if (str_u64(str_word(&groups), UINT32_MAX, &gid))
			d.drop.groups[d.drop.n_groups++] = (gid_t)gid;
	(void)snprintf(name, sizeof(name), "%s/%u", row()->name, d.index);
	log_set_name(name);
}

/* What libraries would open or ask for later, when they may no more. */
static void
warm_up(void)
{
	void *frames[4];
	struct tm tm;
	time_t now = time(NULL);

	tzset();
	(void)localtime_r(&now, &tm);
	(void)mktime(&tm);
	(void)rand_u64();
	(void)backtrace(frames, (int)NITEMS(frames));
	if (d.ops->before_cage != NULL)
		d.ops->before_cage();
}

static void
lock_cage(void)
{
	struct cage_plan plan = { .cage = row()->cage,
	    .is_optional = d.cage_optional };
	const char *missing = "";
	struct why why;

	for (size_t i = 0; i < d.n_files && plan.n_folders < CAGE_FOLDERS_MAX;
	    i++)
		if (fd_is(d.files[i].fd, FD_DIR))
			plan.folders[plan.n_folders++] = d.files[i].fd;
	if (cage_lock(&plan, &missing, &why) != 0)
		die("cannot lock the cage", &why);
	if (missing[0] != '\0')
		log_say(LOG_LEVEL_WARN, "cage-weak", "kernel without %s",
		    missing);
}

static void
begin(void)
{
	struct why why;

	d.started = true;
	warm_up();
	if (drop_privileges(&d.drop, &why) != 0)
		die("cannot drop privileges", &why);
	if (d.ops->before_lock != NULL)
		d.ops->before_lock();
	lock_cage();
	fd_close(&d.drop.root_fd);
	if (d.ops->start == NULL || d.ops->start())
		daemon_ready();
}

static void
take_conf_done(const struct note_conf_done *n)
{
	struct conf *old = d.conf;

	d.conf = d.next;
	d.next = NULL;
	if (d.conf == NULL) {
		d.conf = xcalloc(1, sizeof(*d.conf));
		conf_init(d.conf);
	}
	drop_listeners(n->generation);
	if (!d.started)
		begin();
	else if (d.ops->on_reload != NULL)
		d.ops->on_reload();
	watch_listeners();
	if (old != NULL) {
		conf_free(old);
		free(old);
	}
}

static void
drain(int64_t within_ms)
{
	if (d.draining)
		return;
	d.draining = true;
	drop_listeners(UINT32_MAX);
	if (d.ops->on_drain != NULL)
		d.ops->on_drain(within_ms);
	else
		daemon_exit();
}

static void
on_master_note(struct chan *c, const struct note *n, void *arg)
{
	(void)arg;
	switch (n->kind) {
	case NOTE_SELF_NEW:
		take_self(n);
		break;
	case NOTE_CONF_ROW:
		take_conf_row(&n->u.conf_row);
		break;
	case NOTE_CONF_DONE:
		take_conf_done(&n->u.conf_done);
		break;
	case NOTE_FILE_NEW:
		take_file(n);
		break;
	case NOTE_KEY_NEW:
		take_key(&n->u.key_new);
		break;
	case NOTE_LISTEN_NEW:
		take_listener(n);
		break;
	case NOTE_PEER_NEW:
		take_peer(n);
		break;
	case NOTE_GO:
		d.gone = true;
		watch_listeners();
		break;
	case NOTE_DRAIN:
		drain(n->u.drain.within_ms);
		break;
	case NOTE_STAT_ASK:
		answer_stat(c, n->ticket);
		break;
	default:	/* LOG_REOPEN and what only one kind hears */
		if (d.ops->on_note != NULL)
			d.ops->on_note(c, n);
	}
}

static void
on_master_end(struct chan *c, void *arg)
{
	(void)c;
	(void)arg;
	_exit(EXIT_SUCCESS);
}

void
daemon_ready(void)
{
	struct note_ready n = { .catalogue = note_catalogue_hash() };

	if (d.ready)
		return;
	d.ready = true;
	note_put_ready(d.master, &n);
}

NORETURN static void
leave(int code)
{
	for (int k = 0; k < PROC_COUNT; k++)
		for (int i = 0; i < WORKERS_MAX; i++)
			if (d.peers[k][i] != NULL)
				chan_flush_blocking(d.peers[k][i], 200);
	exit(code);
}

void
daemon_exit(void)
{
	leave(EXIT_SUCCESS);
}

void
daemon_renew(void)
{
	leave(EXIT_RENEWED);
}

const struct conf *
daemon_conf(void)
{
	return d.conf;
}

unsigned
daemon_index(void)
{
	return d.index;
}

unsigned
daemon_count(void)
{
	return d.count;
}

uint16_t
daemon_boot(void)
{
	return (uint16_t)d.boot;
}

bool
daemon_draining(void)
{
	return d.draining;
}

/* --help, --version, --cage; anything else is master's business. */
static void
options(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "--cage") == 0)
		cage_print(row()->cage, stdout);
	else if (strcmp(what, "--version") == 0)
		printf("veredus-%s %s\n", row()->name, VEREDUS_VERSION);
	else
		printf("veredus-%s: %s.\nStarted by veredus-master(8), not by "
		    "hand.\nOptions: --help, --version, --cage (the system "
		    "calls it may make).\n", row()->name, row()->text);
	exit(EXIT_SUCCESS);
}

static bool
is_channel(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_SEQPACKET;
}

void
daemon_main(const struct daemon_ops *ops, int argc, char **argv)
{
	d.ops = ops;
	if (argc > 1)
		options(argc, argv);
	if (!is_channel(MASTER_FD))
		die("to be started by veredus-master(8)", NULL);
	(void)close_range(LOCK_FD + 1, ~0U, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);	/* Ctrl-C is master's to hear */
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);	/* to the group: master drains us */
	loop_init();
	timer_init(&d.short_of_fds, on_fds_again);
	buf_init(&d.early, EARLY_LOG_MAX);
	log_set_name(row()->name);
	log_set_sink(on_log_line, NULL);
	chan_on_bad(on_bad_peer);
	d.drop.root_fd = -1;
	d.master = chan_new(MASTER_FD, ops->kind, MASTER, 0, on_master_note,
	    on_master_end, NULL);
	loop_run();
	daemon_exit();
	abort();
}
