/* SPDX-License-Identifier: ISC */
/*
 * master/logd.c - the program logd: lines in; file, syslog or journal out.
 *
 * A line comes from a process that may have been taken over: what it says of
 * itself (its name) is not believed, the channel tells; and no byte of it can
 * end the line or begin another.  Lines are gathered and written once a pass.
 *
 * logd opens the sockets of syslog and journald before its cage and never
 * again; when one is gone it ends, and master starts the next logd.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "master/trace.h"
#include "base/banned.h"

#define FILE_NAME	"veredus.log"

enum {
	GATHER_MAX = 256 * 1024,
	LOOK_MS = 2000,		/* has somebody moved the file away? */
};

static struct {
	int		fd;		/* file or socket */
	bool		is_syslog, is_journal;
	ino_t		inode;
	int64_t		looked_ms;
	struct buf	out;		/* gathered in this pass */
	struct defer	flush;
	struct watch	watch;		/* of a socket that is full */
	uint64_t	lines, lost;
} l = { .fd = -1 };

static const struct {
	const char	*name;
	int		priority;	/* of syslog(3) */
} levels[] = {
	[LOG_LEVEL_DEBUG] = { "debug", 7 }, [LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_WARN] = { "warn", 4 }, [LOG_LEVEL_ERROR] = { "error", 3 },
};

static watch_fn	on_room;

static bool
is_socket(void)
{
	return l.is_syslog || l.is_journal;
}

/* --- where lines go ------------------------------------------------------ */

static void
open_file(void)
{
	struct stat st;

	fd_close(&l.fd);
	l.fd = file_open(daemon_file("log"), FILE_NAME,
	    O_WRONLY | O_CREAT | O_APPEND, 0640);
	if (l.fd >= 0 && fstat(l.fd, &st) == 0)
		l.inode = st.st_ino;
	l.looked_ms = clock_mono_ms();
}

static int
connect_to(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0)
		fd_close(&fd);
	return fd;
}

static void
before_cage(void)
{
	struct str target = daemon_conf()->log.target;

	l.is_syslog = str_same(target, "syslog");
	l.is_journal = str_same(target, "journal");
	if (l.is_syslog)
		l.fd = connect_to("/dev/log");
	if (l.is_journal)
		l.fd = connect_to("/run/systemd/journal/socket");
}

/* logrotate moves the file away and need not tell us. */
static void
look_for_file(void)
{
	struct stat st;

	if (clock_mono_ms() - l.looked_ms < LOOK_MS)
		return;
	l.looked_ms = clock_mono_ms();
	if (fstatat(daemon_file("log"), FILE_NAME, &st, 0) != 0 ||
	    st.st_ino != l.inode)
		open_file();
}

static void
write_file(struct str s)
{
	look_for_file();
	if (l.fd < 0 || file_write(l.fd, s) != 0)
		l.lost++;
	buf_reset(&l.out);
}

/* One datagram a line, each ended by a NUL in `out'.  The socket does not
 * block: what it does not take waits.  write, for the cage of a disk process
 * has no send. */
static void
write_socket(struct str s)
{
	size_t n;

	for (; s.n > 0; s = buf_str(&l.out)) {
		n = str_chr(s, '\0');
		if (write(l.fd, s.p, n) < 0 && errno != EMSGSIZE) {
			if (errno != EAGAIN && errno != ENOBUFS)
				daemon_exit();
			if (!l.watch.on)
				loop_watch(&l.watch, l.fd, LOOP_WRITE, on_room);
			return;
		}
		buf_consume(&l.out, n + 1);
	}
	loop_unwatch(&l.watch);
}

static void
on_room(struct watch *w, unsigned events)
{
	(void)w, (void)events;
	write_socket(buf_str(&l.out));
}

static void
on_flush(struct defer *d)
{
	struct str s = buf_str(&l.out);

	(void)d;
	trace_flush();
	if (s.n == 0)
		return;
	if (is_socket())
		write_socket(s);
	else
		write_file(s);
	buf_shrink(&l.out);
}

/* A line more for the socket; past the limit lines are lost, and counted. */
static void
gather(const struct buf *line)
{
	if (l.out.len + line->len + 1 > GATHER_MAX) {
		l.lost++;
		return;
	}
	buf_add(&l.out, buf_str(line));
	buf_c(&l.out, '\0');
}

static void
to_journal(const struct note_log_line *n, const char *who)
{
	struct buf b;

	buf_init(&b, 8192);
	buf_fmt(&b, "PRIORITY=%d\nSYSLOG_IDENTIFIER=veredus\n"
	    "SYSLOG_FACILITY=2\nVEREDUS_PROCESS=%s\n",
	    levels[n->level].priority, who);
	if (n->mid.n > 0)
		buf_fmt(&b, "VEREDUS_MID=%.*s\n", STR_ARG(n->mid));
	buf_fmt(&b, "MESSAGE=%s ", who);
	buf_add(&b, n->line);
	buf_c(&b, '\n');
	gather(&b);
	buf_free(&b);
}

static void
to_syslog(const struct note_log_line *n, const char *who)
{
	time_t when = (time_t)(n->when_ms / 1000);
	struct tm tm;
	char stamp[32];
	struct buf b;

	if (localtime_r(&when, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm) == 0)
		return;
	buf_init(&b, 8192);
	buf_fmt(&b, "<%d>%s veredus: %s ", 2 * 8 + levels[n->level].priority,
	    stamp, who);
	buf_add(&b, n->line);
	gather(&b);
	buf_free(&b);
}

static void
to_file(const struct note_log_line *n, const char *who)
{
	char when[CLOCK_TEXT_MAX];

	clock_text(n->when_ms, when);
	if (l.out.len + n->line.n + 128 > GATHER_MAX)
		on_flush(&l.flush);
	buf_fmt(&l.out, "%s %s %s ", when, levels[n->level].name, who);
	buf_add(&l.out, n->line);
	buf_c(&l.out, '\n');
}

/* --- lines --------------------------------------------------------------- */

/* Whoever it is cannot end the line, nor colour the terminal of its reader. */
static void
clean(struct str from, uint8_t *to)
{
	for (size_t i = 0; i < from.n; i++)
		to[i] = from.p[i] < 32 || from.p[i] > 126 ? '?' : from.p[i];
}

static void
take_line(const struct note_log_line *given, const char *who)
{
	static uint8_t text[LOG_LINE_MAX], mid[64];
	struct note_log_line n = *given;

	clean(n.line, text);
	clean(n.mid, mid);
	n.line.p = text;
	n.mid.p = mid;
	if (n.level >= NITEMS(levels))
		n.level = LOG_LEVEL_ERROR;
	l.lines++;
	if (l.is_journal)
		to_journal(&n, who);
	else if (l.is_syslog)
		to_syslog(&n, who);
	else
		to_file(&n, who);
	trace_add(n.when_ms, n.mid, n.line);
	defer_put(&l.flush);
}

static void
on_own_line(enum log_level level, struct str line, struct str mid, void *arg)
{
	struct note_log_line n = { .level = (uint32_t)level,
	    .when_ms = clock_real_ms(), .line = line, .mid = mid };

	(void)arg;
	take_line(&n, "logd/0");
}

static void
on_note(struct chan *c, const struct note *n)
{
	char who[48];

	switch (n->kind) {
	case NOTE_LOG_LINE:
		(void)snprintf(who, sizeof(who), "%s/%u", proc_name(c->peer),
		    c->index);
		take_line(&n->u.log_line, who);
		break;
	case NOTE_LOG_REOPEN:
		if (!is_socket())
			open_file();
		break;
	case NOTE_TRACE_ASK:
		trace_ask(c, n->ticket, n->u.trace_ask.mid);
		break;
	default:
		break;
	}
}

static void
on_peer_gone(struct chan *c)
{
	trace_forget(c);
}

static bool
start(void)
{
	buf_init(&l.out, GATHER_MAX);
	defer_init(&l.flush, on_flush);
	trace_open(daemon_file("log"));
	if (l.fd < 0) {
		if (is_socket())
			log_say(LOG_LEVEL_WARN, "log-target-missing",
			    "writing to the file " FILE_NAME);
		l.is_syslog = l.is_journal = false;
		open_file();
	}
	log_set_sink(on_own_line, NULL);
	return true;
}

/* The last of all: what the others said on their way out is still in. */
static void
on_drain(int64_t within_ms)
{
	(void)within_ms;
	on_flush(&l.flush);
	daemon_exit();
}

static void
on_stat(void)
{
	daemon_stat("lines", l.lines);
	daemon_stat("lost", l.lost);
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = LOGD, .before_cage = before_cage, .start = start,
		.on_note = on_note, .on_peer_gone = on_peer_gone,
		.on_drain = on_drain, .on_stat = on_stat,
	};

	daemon_main(&ops, argc, argv);
}
